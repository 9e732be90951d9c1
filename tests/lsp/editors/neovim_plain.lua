-- Neovim with nothing of ours but the server: the question is put to workspace/symbol, as `vim.lsp.buf` does it.
local report = { version = tostring(vim.version().major) .. "." .. tostring(vim.version().minor) }

local function finish()
  local file = assert(io.open(os.getenv("REPORT"), "w"))
  file:write(vim.json.encode(report))
  file:close()
  vim.cmd("qa!")
end

vim.cmd("filetype on") -- as it is by default, but for `-u NONE`

local ok, fault = xpcall(function()
  local root = os.getenv("ROOT")
  local enabled = vim.lsp.enable ~= nil
  if enabled then
    -- The configuration that a newer Neovim finds in the plugin's folder `lsp`.
    vim.opt.runtimepath:append(os.getenv("PLUGIN"))
    vim.lsp.enable("codesearch")
  end
  vim.cmd("edit " .. vim.fn.fnameescape(root .. "/pygls/server.py"))
  if not enabled then
    local id = vim.lsp.start_client({ name = "codesearch", cmd = { "codesearch", "lsp" }, root_dir = root })
    vim.lsp.buf_attach_client(0, id)
  end
  local function client()
    return (vim.lsp.get_clients or vim.lsp.get_active_clients)()[1]
  end
  assert(vim.wait(30000, function()
    return client() and client().server_capabilities and client().server_capabilities.workspaceSymbolProvider ~= nil
  end, 50), "the server did not start")
  vim.wait(30000, function()
    vim.lsp.buf.workspace_symbol(os.getenv("QUESTION"))
    vim.wait(1000, function()
      return #vim.fn.getqflist() > 0
    end, 20)
    return #vim.fn.getqflist() > 0
  end, 20)
  report.symbols = vim.tbl_map(function(entry)
    return { text = entry.text, file = vim.fn.bufname(entry.bufnr), line = entry.lnum }
  end, vim.fn.getqflist())
  for number, entry in ipairs(vim.fn.getqflist()) do
    if entry.text:find(os.getenv("ANSWER"), 1, true) then
      vim.cmd("cc " .. number)
      report.line = vim.fn.getline(".")
      report.number = vim.fn.line(".")
      break
    end
  end
end, debug.traceback)
if not ok then
  report.fault = fault
end
finish()
