-- What a user of fzf-lua has in init.lua.
for folder in os.getenv("PLUGINS"):gmatch("[^:]+") do
  vim.opt.runtimepath:append(folder)
end
require("codesearch").setup({ picker = "fzf-lua" })
