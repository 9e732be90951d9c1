"""``python -m codesearch``."""

from codesearch.cli.entry import main

if __name__ == "__main__":
    main()
