-- The language server: started once, with a folder for each repository that files are opened from.
local config = require("codesearch.config")
local program = require("codesearch.program")

local M = {
  status = nil, -- what the server last said of its indexes
}

local NAME = "codesearch"
local new_api = vim.fn.has("nvim-0.11") == 1

local function tell(text, level)
  vim.schedule(function()
    vim.notify("codesearch: " .. text, level or vim.log.levels.INFO)
  end)
end

M.tell = tell

local running -- id of the client, from the moment it is started until it has ended

--- The client, if it runs.
function M.get()
  return running and vim.lsp.get_client_by_id(running)
end

local function is_file(buffer)
  local name = vim.api.nvim_buf_get_name(buffer)
  return vim.bo[buffer].buftype == "" and name ~= "" and not name:match("^%a[%w+.-]+://")
end

local latest -- the root of the last file; what is asked from a quickfix list or a terminal is asked of it

--- The repository that a buffer belongs to: the nearest folder with a .git, else the current directory.
function M.root(buffer)
  if not is_file(buffer) and latest then
    return latest
  end
  local path = is_file(buffer) and vim.api.nvim_buf_get_name(buffer) or ""
  local folder = path ~= "" and vim.fn.fnamemodify(path, ":p:h") or vim.fn.getcwd()
  local found = vim.fn.finddir(".git", vim.fn.escape(folder, " ,;\\") .. ";")
  if found == "" then
    found = vim.fn.findfile(".git", vim.fn.escape(folder, " ,;\\") .. ";")
  end
  local root = found ~= "" and vim.fn.fnamemodify(found, ":p"):gsub("/?%.git/?$", "") or vim.fn.getcwd()
  latest = vim.fn.resolve(root ~= "" and root or "/")
  return latest
end

local function folder_of(root)
  return { uri = vim.uri_from_fname(root), name = vim.fn.fnamemodify(root, ":t") }
end

local function handlers()
  return {
    ["codesearch/status"] = function(_, status)
      M.status = status
      vim.schedule(function()
        vim.cmd("silent doautocmd <nomodeline> User CodesearchStatus")
      end)
    end,
  }
end

local function options(command, root)
  local settings = vim.tbl_extend("force", { limit = config.values.limit }, config.values.settings)
  return {
    name = NAME,
    cmd = vim.list_extend(command, { "lsp" }),
    cmd_cwd = vim.fn.expand("~"), -- nothing that lies in the repository may be run or imported by accident
    root_dir = root,
    workspace_folders = { folder_of(root) },
    init_options = settings,
    settings = { codesearch = settings },
    handlers = handlers(),
    on_exit = function(_, _, id)
      if running == id then
        running, M.status = nil, nil
      end
    end,
    flags = { debounce_text_changes = 150 },
  }
end

local function add_folder(client, root)
  local folder = folder_of(root)
  for _, known in ipairs(client.workspace_folders or {}) do
    if known.uri == folder.uri then
      return
    end
  end
  client.workspace_folders = vim.list_extend(client.workspace_folders or {}, { folder })
  local change = { event = { added = { folder }, removed = {} } }
  if new_api then
    client:notify("workspace/didChangeWorkspaceFolders", change)
  else
    client.notify("workspace/didChangeWorkspaceFolders", change)
  end
end

--- Starts the server, or adds the repository of a buffer to the one that runs. Returns the client's id; or nil,
--- and why.
function M.start(buffer)
  buffer = (buffer == nil or buffer == 0) and vim.api.nvim_get_current_buf() or buffer
  local root = M.root(buffer)
  local client = M.get()
  local id = client and client.id
  if client then
    add_folder(client, root)
  else
    local command, why = program.find(config.values.cmd)
    if not command then
      return nil, why
    end
    if new_api then
      local function never()
        return false
      end
      id = vim.lsp.start(options(command, root), { attach = false, reuse_client = never })
    else
      id = vim.lsp.start_client(options(command, root))
    end
    running = id
    if not id then
      return nil, "the server could not be started; :checkhealth codesearch and the log of the LSP client say more"
    end
  end
  if vim.api.nvim_buf_is_loaded(buffer) and is_file(buffer) and not vim.lsp.buf_is_attached(buffer, id) then
    vim.lsp.buf_attach_client(buffer, id)
  end
  return id
end

--- Waits until the server has answered `initialize`, then calls back with the client, or with nil and why.
local function when_ready(id, callback, deadline)
  local client = vim.lsp.get_client_by_id(id)
  if running ~= id then
    callback(nil, "the server has stopped; :checkhealth codesearch and the log of the LSP client say more")
  elseif client and client.server_capabilities and next(client.server_capabilities) then
    callback(client)
  elseif vim.loop.now() > deadline then
    callback(nil, "the server did not start within 60 s; :checkhealth codesearch says more")
  else
    vim.defer_fn(function()
      when_ready(id, callback, deadline)
    end, 30)
  end
end

--- Sends a request; `params` may be a function of the client. Calls back with `(error text, result, client)`.
--- Returns a function that cancels it.
function M.request(method, params, callback)
  local buffer = vim.api.nvim_get_current_buf()
  local cancelled, cancel = false, nil
  local id, why = M.start(buffer)
  if not id then
    callback(why)
    return function() end
  end
  when_ready(id, function(client, problem)
    if cancelled then
      return
    end
    if not client then
      return callback(problem)
    end
    local function answer(err, result)
      if not cancelled then
        callback(err and (err.message or tostring(err)) or nil, result, client)
      end
    end
    local given = type(params) == "function" and params(client) or params
    local sent, request_id
    if new_api then
      sent, request_id = client:request(method, given, answer, buffer)
    else
      sent, request_id = client.request(method, given, answer, buffer)
    end
    if not sent then
      return callback("the server has stopped; :CodesearchRestart starts it again")
    end
    cancel = function()
      if new_api then
        client:cancel_request(request_id)
      else
        client.cancel_request(request_id)
      end
    end
  end, vim.loop.now() + 60000)
  return function()
    cancelled = true
    if cancel then
      pcall(cancel)
    end
  end
end

--- The folders that a request is about: that of the current buffer, or nil for all.
function M.folders()
  if config.values.scope == "all" then
    return nil
  end
  return { vim.uri_from_fname(M.root(vim.api.nvim_get_current_buf())) }
end

--- Stops the server; `after` is called when it is gone.
function M.stop(after)
  local client = M.get()
  if client and new_api then
    client:stop()
  elseif client then
    client.stop()
  end
  local function check(left)
    if not running or left == 0 then
      running = nil
      return after and after()
    end
    vim.defer_fn(function()
      check(left - 1)
    end, 50)
  end
  check(client and 100 or 0)
end

return M
