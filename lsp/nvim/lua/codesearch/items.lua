-- How results read, and where they lead.
local M = {}

local function first_line(text)
  for _, line in ipairs(vim.split(text or "", "\n", { plain = true })) do
    local trimmed = vim.trim(line)
    if trimmed ~= "" then
      return trimmed
    end
  end
  return ""
end

--- A line of the document (from 0), out of the preview; empty where the preview does not hold it.
local function line_of(item, number)
  local lines = vim.split(item.preview, "\n", { plain = true })
  return vim.trim(lines[number - item.previewLine + 1] or "")
end

--- Its name, or the first line of what has none.
function M.title(item)
  local name = item.qualifiedName ~= "" and item.qualifiedName or item.name
  return name ~= "" and name or first_line(item.preview)
end

--- `path:line`, lines from 1.
function M.place(item)
  return ("%s:%d"):format(item.path, item.selectionRange.start.line + 1)
end

--- Its documentation, else the line that holds most of the question, else its header; never its title once more.
function M.detail(item)
  local title = M.title(item)
  local telling = item.lines and item.lines[1] and line_of(item, item.lines[1]) or ""
  for _, text in ipairs({ first_line(item.documentation), telling, item.signature }) do
    if text ~= "" and text ~= title then
      return text
    end
  end
  return ""
end

--- One line for a list.
function M.line(item)
  return ("%s  %s  %s"):format(M.place(item), M.title(item), M.detail(item))
end

--- The lines of the source, for a preview.
function M.preview(item)
  return vim.split((item.preview:gsub("\r\n", "\n")), "\n", { plain = true })
end

--- Opens the file of a result with the cursor at its name; `how` is a command such as "split".
function M.jump(item, encoding, how)
  if how then
    vim.cmd(how)
  end
  local location = { uri = item.uri, range = item.selectionRange }
  if vim.lsp.util.show_document then
    vim.lsp.util.show_document(location, encoding, { focus = true })
  else
    vim.lsp.util.jump_to_location(location, encoding)
  end
  vim.cmd("normal! zvzz")
end

--- Entries of a quickfix list, best first.
function M.quickfix(items)
  return vim.tbl_map(function(item)
    return {
      filename = vim.uri_to_fname(item.uri),
      lnum = item.selectionRange.start.line + 1,
      end_lnum = item.range["end"].line + 1,
      col = 1,
      text = ("%s  %s"):format(M.title(item), M.detail(item)),
      user_data = item,
    }
  end, items)
end

return M
