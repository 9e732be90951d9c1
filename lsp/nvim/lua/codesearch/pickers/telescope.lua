-- Results in Telescope: fuzzy filtering of an answer, or asking while one types.
local actions = require("telescope.actions")
local action_state = require("telescope.actions.state")
local conf = require("telescope.config").values
local entry_display = require("telescope.pickers.entry_display")
local finders = require("telescope.finders")
local pickers = require("telescope.pickers")
local previewers = require("telescope.previewers")
local putils = require("telescope.previewers.utils")
local sorters = require("telescope.sorters")

local items = require("codesearch.items")

local M = {}

local namespace = vim.api.nvim_create_namespace("codesearch")

local PLACE_WIDTH = 32

--- The end of a place, which holds the line, matters more than its beginning.
local function short(place)
  local over = vim.fn.strchars(place) - PLACE_WIDTH
  return over <= 0 and place or "…" .. vim.fn.strcharpart(place, over + 1)
end

local function entry_maker()
  local display = entry_display.create({
    separator = "  ",
    items = { { width = 0.35 }, { width = PLACE_WIDTH }, { remaining = true } },
  })
  return function(item)
    return {
      value = item,
      ordinal = items.line(item),
      filename = vim.uri_to_fname(item.uri),
      lnum = item.selectionRange.start.line + 1,
      col = 1,
      text = items.title(item),
      display = function()
        return display({
          { items.title(item), "TelescopeResultsFunction" },
          { short(items.place(item)), "TelescopeResultsLineNr" },
          { items.detail(item), "TelescopeResultsComment" },
        })
      end,
    }
  end
end

local function highlight(buffer, window, item)
  vim.api.nvim_buf_clear_namespace(buffer, namespace, 0, -1)
  local count = vim.api.nvim_buf_line_count(buffer)
  for _, line in ipairs(item.lines or {}) do
    if line < count then
      vim.api.nvim_buf_set_extmark(buffer, namespace, line, 0, { line_hl_group = "TelescopePreviewLine" })
    end
  end
  if vim.api.nvim_win_is_valid(window) then
    vim.api.nvim_win_set_cursor(window, { math.min(item.range.start.line + 1, count), 0 })
    vim.api.nvim_win_call(window, function()
      vim.cmd("normal! zt")
    end)
  end
end

--- The whole file, scrolled to the result, with the lines that matter most marked.
local function previewer(opts)
  return previewers.new_buffer_previewer({
    title = "Source",
    get_buffer_by_name = function(_, entry)
      return entry.filename
    end,
    define_preview = function(self, entry)
      conf.buffer_previewer_maker(entry.filename, self.state.bufnr, {
        bufname = self.state.bufname,
        winid = self.state.winid,
        preview = opts.preview,
        callback = function(buffer)
          highlight(buffer, self.state.winid, entry.value)
        end,
      })
      if self.state.bufname == entry.filename then
        highlight(self.state.bufnr, self.state.winid, entry.value)
      end
      putils.highlighter(self.state.bufnr, vim.filetype and vim.filetype.match({ filename = entry.filename }) or "")
    end,
  })
end

local function open_with(encoding)
  return function(prompt)
    local how = { horizontal = "split", vertical = "vsplit", tab = "tabnew" }
    actions.select_default:replace(function()
      local entry = action_state.get_selected_entry()
      actions.close(prompt)
      if entry then
        items.jump(entry.value, encoding())
      end
    end)
    for name, command in pairs(how) do
      actions["select_" .. name]:replace(function()
        local entry = action_state.get_selected_entry()
        actions.close(prompt)
        if entry then
          items.jump(entry.value, encoding(), command)
        end
      end)
    end
    return true
  end
end

--- Shows an answer, best first; typing filters it.
function M.show(found, opts)
  local options = {}
  pickers
    .new(options, {
      prompt_title = opts.title,
      finder = finders.new_table({ results = found, entry_maker = entry_maker() }),
      previewer = previewer(options),
      sorter = conf.generic_sorter(options),
      attach_mappings = open_with(function()
        return opts.encoding
      end),
    })
    :find()
end

--- Asks while one types. The request for what was typed before is cancelled.
function M.live(title, source, options)
  options = options or {}
  local channel = require("plenary.async.control").channel
  local encoding = "utf-16"
  local cancel = function() end
  local function ask(typed)
    cancel()
    if vim.trim(typed or "") == "" then
      return {}
    end
    local send, receive = channel.oneshot()
    cancel = source(typed, nil, function(err, answer, used)
      encoding = used or encoding
      send(err and {} or answer.items)
    end)
    return receive()
  end
  pickers
    .new(options, {
      prompt_title = title,
      finder = finders.new_dynamic({ fn = ask, entry_maker = entry_maker() }),
      previewer = previewer(options),
      sorter = sorters.empty(),
      attach_mappings = open_with(function()
        return encoding
      end),
    })
    :find()
end

return M
