"""``python -m codesearch_lsp``."""

from codesearch_lsp.cli import main

if __name__ == "__main__":
    main()
