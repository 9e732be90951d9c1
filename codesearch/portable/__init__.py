"""An index in one file: made where the source is, searched where it is not.

1. `archive`: the file, a zip of a description and a database, written whole or not at all and read with suspicion.
2. `exporting`: from an index to a file; `importing`: from a file to an index.
3. `checking`: what a database from elsewhere has to be before a row of it is used.
4. `checkouts`: how an imported index relates to the work trees that are here.

An imported index has no source. It is never brought up to date, its results say where they come from, and their code
is printed from the index.
"""

from __future__ import annotations

from codesearch.portable.archive import Description
from codesearch.portable.checkouts import relate, relation_text
from codesearch.portable.exporting import export_index
from codesearch.portable.importing import import_index

__all__ = ["Description", "export_index", "import_index", "relate", "relation_text"]
