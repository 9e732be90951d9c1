-- The configuration, with its defaults, and what is wrong with one that was given.
local M = {}

M.defaults = {
  cmd = nil, -- the program, or a list of it and its first arguments; nil: looked for
  picker = nil, -- "telescope", "fzf-lua", "float", "select", "quickfix"; nil: the first of these that is installed
  auto_start = true, -- start with the first file that is opened, so that the index is fresh when it is asked
  scope = "root", -- "root": the repository of the current file; "all": all that were opened
  limit = 20, -- results at first; :CodesearchMore has more
  settings = {}, -- for the server, such as { exclude = { "*.gen.go" } }
}

M.values = vim.deepcopy(M.defaults)

local PICKERS = { telescope = true, ["fzf-lua"] = true, float = true, select = true, quickfix = true }

local function problems(given)
  local found = {}
  local types = {
    cmd = { "string", "table" },
    picker = { "string" },
    auto_start = { "boolean" },
    scope = { "string" },
    limit = { "number" },
    settings = { "table" },
  }
  for name, value in pairs(given) do
    if not types[name] then
      table.insert(found, ("%s is unknown"):format(name))
    elseif not vim.tbl_contains(types[name], type(value)) then
      table.insert(found, ("%s must be a %s"):format(name, table.concat(types[name], " or a ")))
    end
  end
  if type(given.picker) == "string" and not PICKERS[given.picker] then
    table.insert(found, 'picker must be "telescope", "fzf-lua", "float", "select" or "quickfix"')
  end
  if type(given.scope) == "string" and given.scope ~= "root" and given.scope ~= "all" then
    table.insert(found, 'scope must be "root" or "all"')
  end
  if type(given.limit) == "number" and (given.limit < 1 or given.limit % 1 ~= 0) then
    table.insert(found, "limit must be a whole number of 1 or more")
  end
  table.sort(found)
  return found
end

--- Takes over what is given. Returns a list of what is wrong with it; the defaults hold in its place.
function M.set(given)
  local wrong = problems(given)
  M.values = vim.tbl_deep_extend("force", vim.deepcopy(M.defaults), #wrong == 0 and given or {})
  return wrong
end

return M
