-- Which picker shows results.
local config = require("codesearch.config")
local items = require("codesearch.items")

local M = {}

local MODULES = {
  telescope = { needs = "telescope", module = "codesearch.pickers.telescope" },
  ["fzf-lua"] = { needs = "fzf-lua", module = "codesearch.pickers.fzf" },
  float = { needs = "codesearch.pickers.float", module = "codesearch.pickers.float" },
}

--- Whether a picker can be used: its plugin is installed, and what that needs is.
function M.installed(name)
  local entry = MODULES[name]
  if not entry then
    return name == "select" or name == "quickfix"
  end
  return pcall(require, entry.needs) and (name ~= "fzf-lua" or vim.fn.executable("fzf") == 1 or vim.fn.executable("sk") == 1)
end

--- The picker in use.
function M.name()
  if config.values.picker then
    return config.values.picker
  end
  for _, name in ipairs({ "telescope", "fzf-lua" }) do
    if M.installed(name) then
      return name
    end
  end
  return "float"
end

--- A line that does not wrap in the list of Neovim itself, which puts a number before it.
local function fitting(item)
  local line, room = items.line(item), vim.o.columns - 6
  return vim.fn.strdisplaywidth(line) <= room and line or vim.fn.strcharpart(line, 0, room - 1) .. "…"
end

local function select(found, opts)
  vim.ui.select(found, {
    prompt = opts.title,
    kind = "codesearch",
    format_item = fitting,
    preview_item = items.preview, -- shown by those replacements of vim.ui.select that know it
  }, function(item)
    if item then
      items.jump(item, opts.encoding)
    end
  end)
end

local function quickfix(found, opts)
  vim.fn.setqflist({}, " ", { title = "Codesearch: " .. opts.title, items = items.quickfix(found) })
  vim.cmd("copen")
end

local function module(name)
  local entry = MODULES[name]
  if entry and M.installed(name) then
    local picker = require(entry.module)
    return (not picker.fits or picker.fits()) and picker or nil
  end
end

--- Shows results; `opts` holds `title`, `encoding` (of positions), and `quickfix` to have them there.
function M.show(found, opts)
  local name = opts.quickfix and "quickfix" or M.name()
  local picker = module(name)
  if picker then
    picker.show(found, opts)
  elseif name == "quickfix" then
    quickfix(found, opts)
  else
    select(found, opts)
  end
end

--- Opens a picker that asks while one types, and returns true; or returns false if the picker in use cannot.
function M.live(title, source)
  local picker = module(M.name())
  if not picker then
    return false
  end
  picker.live(title, source)
  return true
end

return M
