"""The committed list of all questions: what is asked of which tree, and what answers.

It is made from clones by one command, and holds everything that asking needs besides them. So a change of how questions
are made shows as a change of this list, and never goes unseen into a figure.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from codesearch.errors import InputError
from codesearch_eval.repositories.benchmark import Question, question_of

__all__ = ["COMMITTED", "read_committed", "write_committed"]

COMMITTED = Path(str(files("codesearch_eval.repositories") / "questions.jsonl.gz"))
"""A JSON object a line: the name of a repository, and the fields of a `Question`."""


def write_committed(questions: Mapping[str, Sequence[Question]], path: Path = COMMITTED) -> None:
    """Write the questions of each repository; the same questions give the same bytes."""
    lines = [
        json.dumps({"repository": name, **asdict(question)}, ensure_ascii=False)
        for name, asked in questions.items()
        for question in asked
    ]
    # Neither the time nor a file's name goes into the header, or equal lists would differ.
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 9, mtime=0))


def read_committed(path: Path = COMMITTED) -> dict[str, list[Question]]:
    """Read the questions of each repository.

    Raises:
        InputError: The list is missing or damaged.
    """
    found: dict[str, list[Question]] = {}
    try:
        for line in gzip.decompress(path.read_bytes()).decode().splitlines():
            row = json.loads(line)
            found.setdefault(row["repository"], []).append(question_of(row))
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no list of questions ({error})") from error
    return found
