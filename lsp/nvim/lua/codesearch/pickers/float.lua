-- Results in floating windows of our own: where neither Telescope nor fzf-lua is installed.
local items = require("codesearch.items")

local M = {}

local namespace = vim.api.nvim_create_namespace("codesearch-float")
local PAUSE = 150 -- milliseconds without a key, after which what stands there is asked
local LEAST = { columns = 40, lines = 12 }

local open -- the picker on the screen

--- Whether the screen has room for it.
function M.fits()
  return vim.o.columns >= LEAST.columns and vim.o.lines >= LEAST.lines
end

--- Where the three windows are: the prompt above the list, and the preview beside them, or below on a narrow screen.
local function layout()
  local width, height = math.floor(vim.o.columns * 0.9), math.floor((vim.o.lines - 2) * 0.85)
  local left, top = math.floor((vim.o.columns - width) / 2), math.floor((vim.o.lines - height) / 2)
  local beside = width >= 100
  local list_width = beside and math.floor(width / 2) - 2 or width - 2
  local list_height = beside and height - 5 or math.floor((height - 7) / 2)
  return {
    prompt = { row = top, col = left, width = list_width, height = 1 },
    list = { row = top + 3, col = left, width = list_width, height = math.max(1, list_height) },
    preview = beside and { row = top, col = left + list_width + 2, width = width - list_width - 4, height = height - 2 }
      or { row = top + list_height + 5, col = left, width = list_width, height = math.max(1, height - list_height - 7) },
  }
end

local function window(place, enter, title)
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden = "wipe"
  local settings = vim.tbl_extend("force", place, { relative = "editor", style = "minimal", border = "rounded" })
  if vim.fn.has("nvim-0.9") == 1 then
    settings.title = " " .. title .. " "
  end
  local handle = vim.api.nvim_open_win(buffer, enter, settings)
  vim.wo[handle].wrap = false
  return { window = handle, buffer = buffer }
end

local function set_lines(part, lines)
  vim.api.nvim_buf_set_lines(part.buffer, 0, -1, false, lines)
end

--- The code of the selected result, scrolled to its beginning, with the lines that matter most marked.
local function preview(picker)
  local item = picker.found[picker.selected]
  local part = picker.preview
  vim.api.nvim_buf_clear_namespace(part.buffer, namespace, 0, -1)
  set_lines(part, item and items.preview(item) or {})
  if not item then
    return
  end
  local path = vim.uri_to_fname(item.uri)
  local filetype = vim.filetype and vim.filetype.match({ filename = path }) or item.language
  if vim.bo[part.buffer].syntax ~= filetype then
    vim.bo[part.buffer].syntax = filetype or "" -- not the filetype: no plugin takes it for a file
  end
  local count = vim.api.nvim_buf_line_count(part.buffer)
  for _, line in ipairs(item.lines or {}) do
    local at = line - item.previewLine
    if at >= 0 and at < count then
      vim.api.nvim_buf_set_extmark(part.buffer, namespace, at, 0, { line_hl_group = "Visual" })
    end
  end
  local at = math.max(1, math.min(item.selectionRange.start.line - item.previewLine + 1, count))
  vim.api.nvim_win_set_cursor(part.window, { at, 0 })
end

local function select(picker, number)
  picker.selected = math.max(1, math.min(number, math.max(1, #picker.found)))
  vim.api.nvim_win_set_cursor(picker.list.window, { picker.selected, 0 })
  preview(picker)
end

local function show(picker, found, encoding)
  picker.found, picker.encoding = found, encoding or picker.encoding
  set_lines(picker.list, vim.tbl_map(function(item)
    return (items.line(item):gsub("[\r\n]", " "))
  end, found))
  vim.wo[picker.list.window].cursorline = #found > 0
  select(picker, 1)
end

local function close(picker)
  if picker.closed then
    return
  end
  picker.closed, open = true, nil
  picker.cancel()
  picker.timer:stop()
  picker.timer:close()
  vim.cmd("stopinsert")
  for _, part in ipairs({ picker.prompt, picker.list, picker.preview }) do
    if vim.api.nvim_win_is_valid(part.window) then
      vim.api.nvim_win_close(part.window, true)
    end
  end
  if vim.api.nvim_win_is_valid(picker.before) then
    vim.api.nvim_set_current_win(picker.before)
  end
end

local function choose(picker, how)
  local item = picker.found[picker.selected]
  close(picker)
  if item then
    vim.schedule(function()
      items.jump(item, picker.encoding, how)
    end)
  end
end

local function to_quickfix(picker)
  local found = picker.found
  close(picker)
  vim.fn.setqflist({}, " ", { title = "Codesearch: " .. picker.title, items = items.quickfix(found) })
  vim.cmd("copen")
end

local function map_keys(picker)
  local function map(keys, run)
    for _, key in ipairs(keys) do
      vim.keymap.set({ "i", "n" }, key, run, { buffer = picker.prompt.buffer, nowait = true })
    end
  end
  local function step(by)
    return function()
      select(picker, picker.selected + by)
    end
  end
  local function scroll(key)
    return function()
      vim.api.nvim_win_call(picker.preview.window, function()
        vim.cmd("normal! " .. vim.api.nvim_replace_termcodes(key, true, false, true))
      end)
    end
  end
  local function opening(how)
    return function()
      choose(picker, how)
    end
  end
  map({ "<Down>", "<C-n>", "<C-j>" }, step(1))
  map({ "<Up>", "<C-p>", "<C-k>" }, step(-1))
  map({ "<C-d>" }, scroll("<C-d>"))
  map({ "<C-u>" }, scroll("<C-u>"))
  map({ "<CR>" }, opening())
  map({ "<C-s>" }, opening("split"))
  map({ "<C-v>" }, opening("vsplit"))
  map({ "<C-t>" }, opening("tabnew"))
  map({ "<C-q>" }, function()
    to_quickfix(picker)
  end)
  map({ "<Esc>", "<C-c>" }, function()
    close(picker)
  end)
end

local function make(title)
  if open then
    close(open)
  end
  local places = layout()
  local picker = {
    title = title,
    before = vim.api.nvim_get_current_win(),
    found = {},
    selected = 1,
    encoding = "utf-16",
    cancel = function() end,
    timer = vim.loop.new_timer(),
  }
  picker.preview = window(places.preview, false, "Preview")
  picker.list = window(places.list, false, "Results")
  picker.prompt = window(places.prompt, true, title)
  open = picker
  map_keys(picker)
  vim.api.nvim_create_autocmd("WinLeave", {
    buffer = picker.prompt.buffer,
    callback = function()
      vim.schedule(function()
        close(picker)
      end)
    end,
  })
  return picker
end

local function when_typed(picker, run)
  vim.api.nvim_create_autocmd({ "TextChangedI", "TextChanged" }, {
    buffer = picker.prompt.buffer,
    callback = function()
      picker.timer:stop()
      picker.timer:start(PAUSE, 0, vim.schedule_wrap(function()
        if not picker.closed then
          run(vim.trim(vim.api.nvim_buf_get_lines(picker.prompt.buffer, 0, 1, false)[1] or ""))
        end
      end))
    end,
  })
  vim.cmd("startinsert")
end

--- Shows an answer, best first; typing filters it.
function M.show(found, opts)
  local picker = make(opts.title)
  show(picker, found, opts.encoding)
  when_typed(picker, function(typed)
    local words = vim.split(typed:lower(), "%s+", { trimempty = true })
    show(picker, vim.tbl_filter(function(item)
      local line = items.line(item):lower()
      return #vim.tbl_filter(function(word)
        return not line:find(word, 1, true)
      end, words) == 0
    end, found))
  end)
end

--- Asks while one types, in the place of whoever opened it. The request for what was typed before is cancelled.
function M.live(title, source)
  local origin = vim.api.nvim_get_current_buf()
  local picker = make(title)
  local asked = 0
  when_typed(picker, function(typed)
    picker.cancel()
    asked = asked + 1
    local number = asked
    if typed == "" then
      return show(picker, {})
    end
    -- The repository that is asked is that of the file below, not of the prompt.
    vim.api.nvim_buf_call(vim.api.nvim_buf_is_valid(origin) and origin or 0, function()
      picker.cancel = source(typed, nil, function(err, answer, encoding)
        if not picker.closed and number == asked and not err then
          show(picker, answer.items, encoding)
        end
      end)
    end)
  end)
end

return M
