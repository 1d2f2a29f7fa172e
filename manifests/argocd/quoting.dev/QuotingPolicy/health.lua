-- Says what the operator says; decides nothing itself.
local function health(status, message)
  return {status = status, message = message}
end

local status = obj.status
if status == nil or status.phase == nil or status.observedGeneration ~= obj.metadata.generation then
  return health("Progressing", "waiting for the operator to look at this generation")
end
local said = status.phase .. ": " .. (status.message or "")

local degraded = {Killed = true, RolledBack = true, Invalid = true, Expired = true}
if degraded[status.phase] then
  return health("Degraded", said)
end
-- What is live already has nothing left to be paused.
if status.phase == "Paused" or (obj.spec.paused and status.phase ~= "Live") then
  return health("Suspended", said)
end

-- The step at hand has its evidence, and goes on when somebody promotes this very digest.
local function waits_for_a_person()
  if status.stepPassedAt == nil then
    return false
  end
  local plan = status.plan or {}
  local canary = (plan.rollout or obj.spec.rollout or {}).canary or {}
  local step = (canary.steps or {})[(status.step or 0) + 1] or {}
  if step.pause == nil or step.pause.duration ~= nil then
    return false
  end
  for _, approval in ipairs(status.approvals or {}) do
    if approval.step == (status.step or 0) and approval.digest == (status.candidate or {}).digest then
      return false
    end
  end
  return true
end

if status.phase == "Canary" and waits_for_a_person() then
  return health("Suspended", said)
end
if status.phase == "Live" or status.phase == "Baseline" then
  for _, condition in ipairs(status.conditions or {}) do
    if condition.type == "Diverged" and condition.status == "True" then
      return health("Degraded", condition.reason .. ": " .. (condition.message or ""))
    end
  end
  return health("Healthy", said)
end
local progressing = {Pending = true, Paper = true, Shadow = true, Canary = true}
if progressing[status.phase] then
  return health("Progressing", said)
end
return health("Unknown", "this health check does not know the phase " .. said)
