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

--- What may follow the beginning of a word: names of filters, kinds, the language of the current file, folders.
function M.complete(lead)
  local name, value = lead:match("^(%l+):(.*)$")
  local found = {}
  if name == "path" then
    found = vim.tbl_map(function(folder)
      return "path:" .. folder
    end, vim.fn.getcompletion(value, "dir"))
  elseif name == "kind" then
    found = vim.tbl_map(function(kind)
      return "kind:" .. kind
    end, vim.tbl_keys(KINDS))
  elseif name == "lang" and vim.bo.filetype ~= "" then
    found = { "lang:" .. vim.bo.filetype }
  elseif not name then
    found = { "kind:", "lang:", "path:" }
  end
  table.sort(found)
  return vim.tbl_filter(function(one)
    return lead ~= "" and vim.startswith(one, lead)
  end, found)
end

return M
