"""``python -m codesearch``."""

from codesearch.cli.app import main

if __name__ == "__main__":
    main()
