-- `:checkhealth codesearch`
local M = {}

local health = vim.health or require("health")
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local fault = health.error or health.report_error
local info = health.info or health.report_info

local function check_program()
  start("codesearch: the program")
  local program = require("codesearch.program")
  local command, origin = program.find(require("codesearch.config").values.cmd)
  if not command then
    fault(origin)
    return
  end
  local version, said = program.version(command)
  if version then
    ok(("codesearch %s from %s: %s"):format(version, origin, table.concat(command, " ")))
  else
    fault(("%s does not answer as codesearch does: %s"):format(table.concat(command, " "), said), {
      "Other programs bear this name. Say which one to use: setup({ cmd = ... })",
    })
  end
  if vim.fn.executable("git") == 1 then
    ok("git is installed")
  else
    warn("git is not installed: what .gitignore leaves out is found by walking the folder, which is slower")
  end
end

local function check_server()
  start("codesearch: the server")
  local client = require("codesearch.client")
  if not client.get() then
    info("not running; it starts with the first file, or with :Codesearch")
    return
  end
  ok(("running, client %d"):format(client.get().id))
  for _, folder in ipairs(client.status and client.status.folders or {}) do
    local report = folder.state == "failed" and fault or (folder.state == "ready" and ok or info)
    local message = folder.message and folder.message ~= "" and (": " .. folder.message) or ""
    report(("%s: %s%s"):format(folder.name, folder.state, message))
  end
end

local function check_pickers()
  start("codesearch: the picker")
  local pickers = require("codesearch.pickers")
  local wanted = require("codesearch.config").values.picker
  if wanted and not pickers.installed(wanted) then
    warn(("%s, which the configuration names, is not installed; vim.ui.select is used"):format(wanted))
  else
    local said = { select = "vim.ui.select", float = "floating windows of this plugin" }
    ok(("results are shown by %s"):format(said[pickers.name()] or pickers.name()))
  end
  for _, name in ipairs({ "telescope", "fzf-lua" }) do
    info(("%s is %sinstalled"):format(name, pickers.installed(name) and "" or "not "))
  end
end

function M.check()
  start("codesearch: Neovim")
  if vim.fn.has("nvim-0.7") == 1 then
    ok("Neovim 0.7 or newer")
  else
    fault("Neovim 0.7 or newer is needed")
  end
  check_program()
  check_server()
  check_pickers()
end

return M
