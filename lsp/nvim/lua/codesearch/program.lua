-- Finding the program `codesearch`.
local M = {}

local function windows()
  return vim.fn.has("win32") == 1
end

local function in_environment(variable)
  local folder = vim.env[variable]
  if not folder or folder == "" then
    return nil
  end
  return folder .. (windows() and "/Scripts/codesearch.exe" or "/bin/codesearch")
end

--- Returns the command as a list, and where it comes from; or nil, and what to do.
--- A configured command is never second-guessed. What lies in the repository itself decides nothing: a file that
--- is opened must not be able to say which program is started.
function M.find(configured)
  if configured then
    local command = type(configured) == "table" and vim.deepcopy(configured) or { configured }
    command[1] = vim.fn.expand(command[1])
    if vim.fn.executable(command[1]) == 1 then
      return command, "the configuration"
    end
    return nil, ("%s, which the configuration names, is not a program"):format(command[1])
  end
  local places = {
    { in_environment("VIRTUAL_ENV"), "$VIRTUAL_ENV" },
    { in_environment("CONDA_PREFIX"), "$CONDA_PREFIX" },
    { "codesearch", "$PATH" },
    { vim.fn.expand("~/.local/bin/codesearch"), "the user's programs" },
  }
  for _, place in ipairs(places) do
    if place[1] and vim.fn.executable(place[1]) == 1 then
      return { vim.fn.exepath(place[1]) }, place[2]
    end
  end
  return nil,
    "the program codesearch was not found: install it (pipx install codesearch-nl), "
      .. 'or say where it is with require("codesearch").setup({ cmd = "/path/to/codesearch" })'
end

--- Returns the version that a command reports; or nil, and what it said instead.
function M.version(command)
  local call = vim.list_extend(vim.deepcopy(command), { "--version" })
  local said = vim.fn.system(call)
  local version = vim.v.shell_error == 0 and said:match("codesearch (%S+)")
  return version or nil, vim.trim(said)
end

return M
