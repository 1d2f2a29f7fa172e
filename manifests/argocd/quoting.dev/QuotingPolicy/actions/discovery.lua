-- What a person may ask for now; the operator refuses the rest anyway, with a reason.
local status = obj.status or {}
local phase = status.phase
local candidate = status.candidate ~= nil and status.candidate.digest ~= nil
local stage = candidate and status.stage ~= nil

local step = {}
if phase == "Canary" then
  local canary = ((status.plan or {}).rollout or obj.spec.rollout or {}).canary or {}
  step = (canary.steps or {})[(status.step or 0) + 1] or {}
end
local approved = false
for _, approval in ipairs(status.approvals or {}) do
  if candidate and approval.step == (status.step or 0) and approval.digest == status.candidate.digest then
    approved = true
  end
end
local fresh = status.observedGeneration == obj.metadata.generation
local asks = fresh and step.pause ~= nil and step.pause.duration == nil and not approved

local over = {RolledBack = true, Baseline = true, Invalid = true}
local advances = stage and not (over[phase] or phase == "Live" or phase == "Expired")
local actions = {}
actions["promote"] = {disabled = not (candidate and asks)}
actions["pause"] = {disabled = not advances or status.paused ~= nil}
-- spec.paused is Git's: it ends by a commit.
actions["resume"] = {disabled = status.paused == nil}
actions["abort"] = {disabled = not candidate or over[phase] or phase == nil}
actions["retry"] = {disabled = not (fresh and candidate and phase == "Expired")}
for _, action in pairs(actions) do
  action.disabled = action.disabled and true or false
end
return actions
