"""The commands of ``codesearch``, one module each; ``codesearch.cli.app`` lists them and imports none."""
