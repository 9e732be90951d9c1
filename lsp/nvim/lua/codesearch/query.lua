-- What is typed: words, and filters among them such as `lang:go kind:function path:src/**`.
local M = {}

local KINDS = { ["function"] = true, method = true, type = true, module = true, text = true }
local FIELDS = { lang = "languages", kind = "kinds", path = "paths" }

--- Takes the filters out of a typed line. A word that only looks like a filter (`kind:of`) stays a word.
--- Returns the words, and a table of `languages`, `kinds` and `paths`, without those that are not given.
function M.parse(typed)
  local words, filters = {}, {}
  for word in typed:gmatch("%S+") do
    local name, value = word:match("^(%l+):(.*)$")
    local values = vim.tbl_filter(function(one)
      return one ~= ""
    end, vim.split(value or "", ",", { plain = true }))
    local known = FIELDS[name]
    for _, one in ipairs(values) do
      known = known and (name ~= "kind" or KINDS[one]) and known
    end
    if not known then
      table.insert(words, word)
    elseif #values > 0 then
      filters[known] = vim.list_extend(filters[known] or {}, values)
    end
  end
  return table.concat(words, " "), filters
end

return M
