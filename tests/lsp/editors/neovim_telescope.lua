-- Telescope: a question typed into the live picker, the preview, and the choice.
local report = {}

for folder in os.getenv("PLUGINS"):gmatch("[^:]+") do
  vim.opt.runtimepath:append(folder)
end
vim.o.columns, vim.o.lines = 160, 50
vim.cmd("runtime! plugin/plenary.vim plugin/telescope.lua plugin/codesearch.lua")

local function wait(what, condition)
  assert(vim.wait(30000, condition, 20), what .. " did not happen")
end

local ok, fault = xpcall(function()
  local state = require("telescope.actions.state")
  local actions = require("telescope.actions")
  require("codesearch").setup({})
  require("telescope").load_extension("codesearch")
  vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("ROOT") .. "/pygls/server.py"))
  vim.cmd("Codesearch")
  local prompt = vim.api.nvim_get_current_buf()
  wait("the prompt", function()
    return vim.bo[prompt].filetype == "TelescopePrompt"
  end)
  local picker = state.get_current_picker(prompt)
  picker:set_prompt(os.getenv("QUESTION"))
  wait("an answer", function()
    return picker.manager and picker.manager:num_results() > 0
  end)
  for number = 1, picker.manager:num_results() do
    local entry = picker.manager:get_entry(number)
    report.first = report.first or entry.text
    if entry.value.name == os.getenv("ANSWER") then
      picker:set_selection(picker:get_row(number))
    end
  end
  wait("the preview", function()
    local preview = picker.previewer and picker.previewer.state and picker.previewer.state.bufnr
    if not preview or not vim.api.nvim_buf_is_valid(preview) then
      return false
    end
    report.preview = table.concat(vim.api.nvim_buf_get_lines(preview, 0, -1, false), "\n")
    return report.preview:find("def " .. os.getenv("ANSWER"), 1, true) ~= nil
  end)
  actions.select_default(prompt)
  wait("the jump", function()
    return vim.fn.expand("%:t") == "text_document.py"
  end)
  report.line = vim.fn.getline(".")
end, debug.traceback)
if not ok then
  report.fault = fault
end
report.preview = nil
local file = assert(io.open(os.getenv("REPORT"), "w"))
file:write(vim.json.encode(report))
file:close()
vim.cmd("qa!")
