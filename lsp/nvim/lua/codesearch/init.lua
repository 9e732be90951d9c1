-- Ask the code in plain words. `:help codesearch` is the manual.
local client = require("codesearch.client")
local config = require("codesearch.config")
local items = require("codesearch.items")
local pickers = require("codesearch.pickers")
local query = require("codesearch.query")

local M = {}

--- Takes over the configuration, and starts the server with the first file that is opened.
function M.setup(given)
  local wrong = config.set(given or {})
  if #wrong > 0 then
    client.tell(table.concat(wrong, "; ") .. "; the defaults hold", vim.log.levels.ERROR)
  end
  local group = vim.api.nvim_create_augroup("codesearch", { clear = true })
  if config.values.auto_start then
    vim.api.nvim_create_autocmd({ "BufReadPost", "BufNewFile" }, {
      group = group,
      callback = function(event)
        vim.schedule(function()
          M.attach(event.buf)
        end)
      end,
    })
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      M.attach(buffer)
    end
  end
end

local complained = false

--- Starts the server for a buffer, if it is a file; says once if that cannot be done.
function M.attach(buffer)
  if not vim.api.nvim_buf_is_valid(buffer) or vim.bo[buffer].buftype ~= "" then
    return
  end
  if vim.api.nvim_buf_get_name(buffer) == "" then
    return
  end
  local id, why = client.start(buffer)
  if not id and not complained then
    complained = true
    client.tell(why, vim.log.levels.WARN)
  end
end

local function params_of(given, filters, cursor)
  return vim.tbl_extend("force", given, filters, {
    limit = config.values.limit,
    cursor = cursor,
    folders = client.folders(),
  })
end

--- A source answers what is typed: `source(typed, cursor, callback)` calls back with `(error, answer, encoding)` and
--- returns a function that cancels.
local function source_of_words(typed, cursor, callback)
  local words, filters = query.parse(typed)
  if words == "" then
    callback("a question needs words beside its filters, such as: parse json lang:python", nil, "utf-16")
    return function() end
  end
  local params = params_of({ query = words }, filters, cursor)
  return client.request("codesearch/search", params, function(err, result, by)
    callback(err, result, by and by.offset_encoding)
  end)
end

local function source_of_place(place)
  return function(typed, cursor, callback)
    local _, filters = query.parse(typed)
    local function params(running)
      return params_of(place(running), filters, cursor)
    end
    return client.request("codesearch/similar", params, function(err, result, by)
      callback(err, result, by and by.offset_encoding)
    end)
  end
end

local last
local asked = 0 -- how many questions there were; an answer that is late to one before the last is not shown

local function nothing_yet(answer)
  return #answer.items == 0
    and #vim.tbl_filter(function(notice)
        return notice.kind == "nothing indexed"
      end, answer.notices or {})
      > 0
end

local PATIENCE = 60 -- seconds that an answer is waited for while the index is being made

local function show(answer, title, encoding, quickfix)
  if #answer.items > 0 then
    pickers.show(answer.items, { title = title, encoding = encoding, quickfix = quickfix })
  elseif #(answer.notices or {}) == 0 then
    client.tell("nothing found; try other words", vim.log.levels.WARN)
  end
end

local function run(source, typed, title, opts, cursor, waited)
  asked = asked + 1
  local number = asked
  source(typed, cursor, function(err, answer, encoding)
    if number ~= asked then
      return
    elseif err then
      return client.tell(err, vim.log.levels.ERROR)
    end
    for _, notice in ipairs(waited and {} or answer.notices or {}) do
      client.tell(notice.text, vim.log.levels.WARN)
    end
    if nothing_yet(answer) and (waited or 0) < PATIENCE then
      -- That was said; the answer follows by itself.
      return vim.defer_fn(function()
        if number == asked then
          run(source, typed, title, opts, cursor, (waited or 0) + 1)
        end
      end, 1000)
    end
    last = { source = source, typed = typed, title = title, opts = opts, cursor = answer.cursor }
    show(answer, title, encoding, opts.quickfix)
  end)
end

local SETTLED = 1000 -- milliseconds without a key, after which what stands there is taken as meant

--- What fits into one line: a longer message makes Neovim wait for a key, in the middle of typing.
local function fitting(text)
  local room = vim.o.columns - 30
  return vim.fn.strdisplaywidth(text) <= room and text or vim.fn.strcharpart(text, 0, room - 1) .. "…"
end

--- A source that says what went wrong, each thing once: a picker that asks at every key shows results only. What is
--- half typed, such as `lang:py`, is not complained about.
local function telling(source)
  local told, latest = {}, 0
  local function tell(number, text, level)
    vim.defer_fn(function()
      if number == latest and not told[text] then
        told[text] = true
        client.tell(fitting(text), level)
      end
    end, SETTLED)
  end
  return function(typed, cursor, callback)
    latest = latest + 1
    local number = latest
    if query.parse(typed) == "" then
      callback(nil, { items = {} }) -- a filter was typed, and no word yet
      return function() end
    end
    return source(typed, cursor, function(err, answer, encoding)
      local texts = err and { err } or vim.tbl_map(function(notice)
        return notice.text
      end, answer.notices or {})
      for _, text in ipairs(texts) do
        if err or #answer.items > 0 then
          tell(number, text, err and vim.log.levels.ERROR or vim.log.levels.WARN)
        end
      end
      callback(err, answer, encoding)
    end)
  end
end

--- Asks in plain words. Without any, a picker that can asks while one types; else they are asked for.
function M.ask(typed, opts)
  opts = opts or {}
  typed = vim.trim(typed or "")
  if typed ~= "" then
    return run(source_of_words, typed, typed, opts)
  end
  if not opts.quickfix and pickers.live("Codesearch", telling(source_of_words)) then
    return
  end
  vim.ui.input({ prompt = "Ask the code: " }, function(given)
    if given and vim.trim(given) ~= "" then
      M.ask(given, opts)
    end
  end)
end

--- Finds code that is similar to the function around the cursor, or to `opts.lines`, a first and a last line.
function M.similar(opts)
  opts = opts or {}
  local place
  if opts.lines then
    local text = table.concat(vim.api.nvim_buf_get_lines(0, opts.lines[1] - 1, opts.lines[2], false), "\n") .. "\n"
    place = function()
      return { text = text }
    end
  else
    local window = vim.api.nvim_get_current_win()
    place = function(running)
      return vim.lsp.util.make_position_params(window, running.offset_encoding)
    end
  end
  local where = vim.fn.expand("%:t") .. ":" .. vim.fn.line(".")
  run(source_of_place(place), "", "similar to " .. where, opts)
end

--- Shows the results after those of the last answer.
function M.more()
  if not last then
    return client.tell("nothing was asked yet: try :Codesearch parse json")
  end
  if not last.cursor then
    return client.tell("these were all results")
  end
  run(last.source, last.typed, last.title, last.opts, last.cursor)
end

local function execute(command, callback)
  client.request("workspace/executeCommand", { command = command, arguments = {} }, function(err, result)
    if err then
      return client.tell(err, vim.log.levels.ERROR)
    end
    callback(result)
  end)
end

--- Brings the index up to date.
function M.reindex()
  execute("codesearch.reindex", function()
    client.tell("bringing the index up to date")
  end)
end

local function describe(folder)
  local said = {
    indexing = "reading files",
    encoding = ("%d files, %d chunks; %d not encoded yet"):format(folder.files, folder.chunks, folder.pending),
    partial = ("%d files, %d chunks; %d found by their words only"):format(folder.files, folder.chunks, folder.pending),
    ready = ("%d files, %d chunks"):format(folder.files, folder.chunks),
    failed = "could not be indexed",
    missing = "not indexed yet",
  }
  local more = folder.message and folder.message ~= "" and (" (%s)"):format(folder.message) or ""
  return ("%s: %s%s"):format(folder.name, said[folder.state] or folder.state, more)
end

--- Shows the state of the index of each folder.
function M.show_status()
  execute("codesearch.status", function(status)
    client.status = status
    local lines = vim.tbl_map(describe, status.folders)
    client.tell(#lines > 0 and table.concat(lines, "\n") or "no folder is open")
  end)
end

--- The state of the index in a word or two, for a status line; empty where all is well or nothing runs.
function M.statusline()
  local order = { failed = "codesearch: failed", indexing = "codesearch: indexing", encoding = "codesearch: encoding" }
  local folders = client.status and client.status.folders or {}
  for _, state in ipairs({ "failed", "indexing", "encoding" }) do
    for _, folder in ipairs(folders) do
      if folder.state == state then
        return order[state]
      end
    end
  end
  return ""
end

--- Starts the server anew.
function M.restart()
  local buffer = vim.api.nvim_get_current_buf()
  client.stop(function()
    local id, why = client.start(buffer)
    client.tell(id and "restarted" or why, id and vim.log.levels.INFO or vim.log.levels.ERROR)
  end)
end

M.items = items

return M
