"""``python -m codesearch_eval``."""

from codesearch_eval.cli import main

main()
