"""What the commands do, imported when they are run; ``codesearch.cli.commands`` has their options and their help."""
