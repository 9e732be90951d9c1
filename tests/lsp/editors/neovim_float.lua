-- Neovim without any other plugin: a question typed key by key into our own windows, the preview, and the choice.
local report = {}

vim.opt.runtimepath:append(os.getenv("PLUGIN"))
vim.o.columns, vim.o.lines = 160, 50
vim.cmd("runtime plugin/codesearch.lua")

local function finish(fault)
  report.fault = fault
  local file = assert(io.open(os.getenv("REPORT"), "w"))
  file:write(vim.json.encode(report))
  file:close()
  vim.cmd("qa!")
end

local scenario

--- Goes on with the scenario once something has happened: keys are read between two steps only.
local function go_on(what, condition, deadline)
  local ok, happened = pcall(condition)
  if ok and happened then
    local done, fault = coroutine.resume(scenario)
    if not done then
      finish(debug.traceback(scenario, fault))
    end
  elseif vim.loop.now() > deadline then
    finish(what .. " did not happen: " .. tostring(happened))
  else
    vim.defer_fn(function()
      go_on(what, condition, deadline)
    end, 20)
  end
end

local function wait(what, condition)
  local deadline = vim.loop.now() + 60000
  vim.schedule(function()
    go_on(what, condition, deadline)
  end)
  coroutine.yield()
end

--- The text of each floating window, in the order of their making: preview, results, prompt.
local function floats()
  local found = {}
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      table.insert(found, window)
    end
  end
  table.sort(found)
  return vim.tbl_map(function(window)
    local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
    return { text = table.concat(lines, "\n"), lines = lines, cursor = vim.api.nvim_win_get_cursor(window)[1] }
  end, found)
end

local function preview_of(text)
  return function()
    return floats()[1] and floats()[1].text:find(text, 1, true) ~= nil
  end
end

scenario = coroutine.create(function()
  local answer = "def " .. os.getenv("ANSWER")
  require("codesearch").setup({})
  vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("ROOT") .. "/pygls/server.py"))
  local before = vim.api.nvim_get_current_win()
  vim.cmd("Codesearch")
  wait("the windows", function()
    return #floats() == 3 and vim.api.nvim_get_mode().mode == "i"
  end)
  vim.api.nvim_input(os.getenv("QUESTION"))
  wait("an answer while typing", function()
    return #floats()[2].lines > 1
  end)
  wait("the answer to all of it", function()
    return floats()[2].text:find(os.getenv("ANSWER"), 1, true)
  end)
  for number, line in ipairs(floats()[2].lines) do
    if line:find(os.getenv("ANSWER"), 1, true) then
      report.rank = report.rank or number
    end
  end
  vim.api.nvim_input(("<Down>"):rep(report.rank - 1))
  wait("the preview", preview_of(answer))
  report.selected = floats()[2].cursor
  report.results = floats()[2].lines

  vim.api.nvim_input("<Esc>")
  wait("the end of the windows", function()
    return #floats() == 0 and vim.api.nvim_get_mode().mode == "n"
  end)
  report.back = vim.api.nvim_get_current_win() == before and vim.fn.expand("%:t") == "server.py"

  -- An answer, filtered by what is typed.
  vim.cmd("Codesearch " .. os.getenv("QUESTION"))
  wait("the windows of an answer", function()
    return #floats() == 3 and #floats()[2].lines > 1 and vim.api.nvim_get_mode().mode == "i"
  end)
  vim.api.nvim_input(os.getenv("ANSWER"))
  wait("the one result", function()
    return #floats()[2].lines < #report.results and preview_of(answer)()
  end)
  vim.api.nvim_input("<CR>")
  wait("the jump", function()
    return vim.fn.expand("%:t") == "text_document.py" and #floats() == 0
  end)
  report.line, report.number = vim.fn.getline("."), vim.fn.line(".")
  finish()
end)

vim.defer_fn(function()
  local done, fault = coroutine.resume(scenario)
  if not done then
    finish(debug.traceback(scenario, fault))
  end
end, 50)
