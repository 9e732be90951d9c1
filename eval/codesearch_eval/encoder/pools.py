"""Pool files: what a development protocol asks and ranks, written down for a trainer to watch while it runs.

So a training run is steered by the same questions, the same candidates and the same rules for docstrings that its
result is measured with, and the trainer knows nothing of data sets.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from codesearch.errors import InputError
from codesearch_eval.encoder.protocols import Protocol, Role, Task

__all__ = ["write_pools"]


def write_pools(folder: Path, protocol: Protocol, tasks: Iterable[Task]) -> Path:
    """Write ``NAME.pools.gz``: JSON Lines, a pool (a language) a line, all or nothing.

    A line is ``{"pool": str, "queries": [str], "documents": [str], "relevant": [[int]]}``; ``relevant`` holds, for
    each query, the numbers of the documents that answer it, at least one.

    Returns:
        The file.

    Raises:
        InputError: The protocol is a test: whoever watched it would choose weights by it.
    """
    if protocol.role is not Role.DEVELOPMENT:
        raise InputError(
            f"{protocol.name} is test data, and a run that watches it is tuned to it: choose from --set dev"
        )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{protocol.name}.pools.gz"
    temporary = path.with_name(path.name + ".tmp")
    with gzip.open(temporary, "wt", encoding="utf-8") as stream:
        for task in tasks:
            line = {
                "pool": task.group,
                "queries": task.queries,
                "documents": task.documents,
                "relevant": [list(columns) for columns in task.relevant()],
            }
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
    temporary.replace(path)
    return path
