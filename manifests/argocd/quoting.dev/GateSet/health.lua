-- A set has no life of its own: policies copy it when an attempt starts.
return {status = "Healthy", message = "gates: " .. #(obj.spec.gates or {})}
