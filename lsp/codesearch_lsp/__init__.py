"""The language server: answers to plain-language questions, in any editor that speaks LSP."""
