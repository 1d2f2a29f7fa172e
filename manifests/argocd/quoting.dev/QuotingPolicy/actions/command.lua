-- Every action writes the annotations command.quoting.dev/<verb> and <verb>.by. A line before this one says
-- which verb. by: the account that Argo CD's API server writes with; the admission policy quoting-commands
-- refuses another. Which person clicked only Argo CD knows: the Event ResourceActionRan on its Application
-- says it.
local by = "system:serviceaccount:argocd:argocd-server"
local reason = "through Argo CD: the Event ResourceActionRan on the Application names the person"

local digest = ((obj.status or {}).candidate or {}).digest
if digest == nil then
  error(verb .. ": there is no candidate")
end
-- The same click on the same object is the same command. There is no library to quote text for JSON here,
-- so nothing that a user can write goes in.
local id = "argocd-" .. obj.metadata.resourceVersion
local key = "command.quoting.dev/" .. verb
local annotations = obj.metadata.annotations or {}
annotations[key] = '{"verb":"' .. verb .. '","id":"' .. id .. '","reason":"' .. reason
  .. '","digest":"' .. digest .. '"}'
annotations[key .. ".by"] = by
obj.metadata.annotations = annotations
return obj
