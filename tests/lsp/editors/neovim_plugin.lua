-- Neovim with the plugin, used as a person would: commands are given, and what is shown is written down.
local report = { told = {}, selects = {} }

vim.opt.runtimepath:append(os.getenv("PLUGIN"))
vim.o.columns = 200
vim.cmd("runtime plugin/codesearch.lua")

vim.notify = function(text)
  table.insert(report.told, text)
end

local wanted
vim.ui.select = function(found, opts, choose)
  table.insert(report.selects, { prompt = opts.prompt, lines = vim.tbl_map(opts.format_item, found) })
  for _, item in ipairs(found) do
    if item.name == wanted then
      report.previewed = report.previewed or table.concat(opts.preview_item(item), "\n")
      return choose(item)
    end
  end
  choose(nil)
end

local function wait(what, condition)
  assert(vim.wait(30000, condition, 20), what .. " did not happen; told: " .. vim.inspect(report.told))
end

local function here()
  return { file = vim.fn.expand("%:p"), number = vim.fn.line("."), line = vim.fn.getline(".") }
end

local function quickfix()
  wait("a quickfix list", function()
    return vim.bo.buftype == "quickfix"
  end)
  local texts = vim.tbl_map(function(entry)
    return entry.text
  end, vim.fn.getqflist())
  vim.cmd("cclose | call setqflist([])")
  return texts
end

local function health()
  vim.cmd("checkhealth codesearch")
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
  vim.cmd("bwipeout!")
  return text
end

local function scenario()
  local codesearch = require("codesearch")
  local root, question = os.getenv("ROOT"), os.getenv("QUESTION")
  wanted = os.getenv("ANSWER")

  codesearch.setup({ picker = "dmenu", limit = 0, colour = true })
  wait("a word on the configuration", function()
    return #report.told > 0
  end)
  report.wrong = table.remove(report.told)
  codesearch.setup({ cmd = "/no/such/codesearch", auto_start = false })
  vim.cmd("edit " .. vim.fn.fnameescape(root .. "/pygls/server.py"))
  vim.cmd("Codesearch " .. question)
  wait("a word on the missing program", function()
    return #report.told > 0
  end)
  report.missing = table.remove(report.told)
  report.sick = health()

  report.completions = {}
  for _, lead in ipairs({ "ki", "kind:m", "path:pyg", "parse" }) do
    report.completions[lead] = vim.fn.getcompletion("Codesearch parse json " .. lead, "cmdline")
  end

  codesearch.setup({ picker = "select" })
  vim.cmd("Codesearch " .. question)
  wait("the jump", function()
    return vim.fn.expand("%:t") == "text_document.py"
  end)
  report.chosen = here()

  vim.cmd("CodesearchSimilar!")
  report.similar = quickfix()
  vim.cmd("Codesearch! " .. question .. " kind:type path:pygls/workspace/**")
  report.filtered = quickfix()

  vim.ui.input = function(_, answer)
    answer(question)
  end
  vim.cmd("enew | edit " .. vim.fn.fnameescape(root .. "/pygls/uris.py"))
  vim.cmd("Codesearch")
  wait("the jump after the prompt", function()
    return vim.fn.expand("%:t") == "text_document.py"
  end)

  -- Not saved: what is in the buffer is what is searched.
  vim.cmd("edit " .. vim.fn.fnameescape(root .. "/pygls/uris.py"))
  vim.api.nvim_buf_set_lines(0, -1, -1, false, {
    "", "", "def tune_harpsichord(strings):", '    """Tune the strings of a harpsichord."""', "    return sorted(strings)",
  })
  wanted = "tune_harpsichord"
  vim.cmd("normal! gg")
  wait("the unsaved function", function()
    vim.cmd("Codesearch tune the strings of a harpsichord")
    vim.wait(1500, function()
      return vim.fn.getline("."):find("tune_harpsichord", 1, true) ~= nil
    end, 20)
    return vim.fn.getline("."):find("tune_harpsichord", 1, true) ~= nil
  end)
  report.unsaved = here()

  -- A picker that asks at every key.
  local pickers, ask = require("codesearch.pickers"), nil
  local live = pickers.live
  pickers.live = function(_, source)
    ask = source
    return true
  end
  vim.cmd("Codesearch")
  pickers.live = live
  report.told = {}
  for _, typed in ipairs({ "parse lang:p", "parse lang:pyth", "parse lang:klingon" }) do
    local answered = false
    ask(typed, nil, function()
      answered = true
    end)
    wait("an answer to " .. typed, function()
      return answered
    end)
  end
  wait("a word on the language", function()
    return #report.told > 0
  end)
  report.half_typed = vim.deepcopy(report.told)

  vim.cmd("CodesearchStatus")
  wait("the state of the index", function()
    return (report.told[#report.told] or ""):find("files", 1, true) ~= nil
  end)
  report.status = report.told[#report.told]
  report.well = health()

  local first = require("codesearch.client").get().id
  vim.cmd("CodesearchRestart")
  wait("the restart", function()
    local client = require("codesearch.client").get()
    return client and client.id ~= first
  end)
end

local ok, fault = xpcall(scenario, debug.traceback)
if not ok then
  report.fault = fault
end
local file = assert(io.open(os.getenv("REPORT"), "w"))
file:write(vim.json.encode(report))
file:close()
vim.cmd("qa!")
