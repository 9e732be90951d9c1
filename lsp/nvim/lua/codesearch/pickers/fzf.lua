-- Results in fzf-lua.
local fzf = require("fzf-lua")

local items = require("codesearch.items")

local M = {}

--- fzf-lua's own previewer and actions read `path:line:column:text`.
local function line_of(item, shown)
  local path = vim.fn.fnamemodify(vim.uri_to_fname(item.uri), ":~:.")
  local text = ("%s:%d:1: %s  %s"):format(path, item.selectionRange.start.line + 1, items.title(item), items.detail(item))
  text = text:gsub("[\r\n]", " ")
  shown[text] = item
  return text
end

local function actions(shown, encoding)
  local function open(how)
    return function(selected)
      local item = selected and shown[selected[1]]
      if item then
        items.jump(item, encoding(), how)
      end
    end
  end
  return {
    ["default"] = open(),
    ["enter"] = open(),
    ["ctrl-s"] = open("split"),
    ["ctrl-v"] = open("vsplit"),
    ["ctrl-t"] = open("tabnew"),
    ["alt-q"] = fzf.actions.file_sel_to_qf,
  }
end

local function options(title, shown, encoding)
  return {
    prompt = title .. "> ",
    previewer = "builtin",
    file_icons = false,
    git_icons = false,
    fzf_opts = { ["--no-sort"] = true, ["--delimiter"] = ":" },
    actions = actions(shown, encoding),
  }
end

--- Shows an answer, best first; typing filters it.
function M.show(found, opts)
  local shown = {}
  local lines = vim.tbl_map(function(item)
    return line_of(item, shown)
  end, found)
  fzf.fzf_exec(lines, options(opts.title, shown, function()
    return opts.encoding
  end))
end

--- Asks while one types. The request for what was typed before is cancelled.
function M.live(title, source)
  local shown, used = {}, "utf-16"
  local cancel = function() end
  fzf.fzf_live(function(typed)
    typed = type(typed) == "table" and typed[1] or typed or ""
    return function(add)
      cancel()
      if vim.trim(typed) == "" then
        return add()
      end
      cancel = source(typed, nil, function(err, answer, encoding)
        used = encoding or used
        for _, item in ipairs(err and {} or answer.items) do
          add(line_of(item, shown))
        end
        add()
      end)
    end
  end, vim.tbl_extend("force", options(title, shown, function()
    return used
  end), { exec_empty_query = false }))
end

return M
