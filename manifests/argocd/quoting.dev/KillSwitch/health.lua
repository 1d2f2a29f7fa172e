-- Engaged it waits for a person. The policies that it stops are the ones to be shown as Degraded.
if obj.spec.engaged then
  return {status = "Suspended", message = obj.spec.action .. ": " .. obj.spec.reason}
end
return {status = "Healthy", message = "released: " .. obj.spec.reason}
