"""Natural-language code search: index a repository, ask it in plain words.

The public names are those in ``__all__``; everything else may change between
versions. Importing this package loads no model, no grammar and no index.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
