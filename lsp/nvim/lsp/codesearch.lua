-- For `vim.lsp.enable("codesearch")` of Neovim 0.11: the server alone, with questions through workspace/symbol.
return {
  cmd = { "codesearch", "lsp" },
  root_markers = { ".git" },
}
