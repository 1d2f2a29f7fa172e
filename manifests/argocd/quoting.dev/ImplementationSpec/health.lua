-- Healthy once everything is shown, which takes a policy that uses it: keep it in the policy's sync wave.
local status = obj.status
if status == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "waiting for a policy that uses it"}
end
local health, missing = "Healthy", ""
for _, list in ipairs({status.artifacts or {}, status.exitCriteria or {}}) do
  for _, shown in ipairs(list) do
    if shown.state ~= "Met" then
      missing = missing .. (missing == "" and "" or "; ") .. shown.name .. " " .. shown.state
      if shown.evidence ~= nil and shown.evidence ~= "" then
        missing = missing .. " (" .. shown.evidence .. ")"
      end
      if shown.state == "NotMet" then
        health = "Degraded"
      elseif health == "Healthy" then
        health = "Progressing"
      end
    end
  end
end
return {status = health, message = missing == "" and "everything is shown" or missing}
