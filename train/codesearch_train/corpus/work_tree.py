"""Pairs of a work tree as it is on the disk: a user's own repository, for fine-tuning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codesearch.errors import InputError
from codesearch_train.corpus.filters import why_not, why_not_file
from codesearch_train.corpus.pairs import Pair, Split, pairs_from_chunk

if TYPE_CHECKING:
    from codesearch.languages import Language
    from codesearch.records import Repository, SourceFile

__all__ = ["LEAST_PAIRS", "WorkTree", "open_work_tree"]

LEAST_PAIRS = 200
"""Below this, neither training nor the held-out figure means anything."""


@dataclass(slots=True)
class WorkTree:
    """The files of a work tree that can give pairs.

    Attributes:
        repository: The work tree.
        files: Each with its language, in random order: no tests, examples, vendored or generated files.
        functions: Functions, methods and types seen while pairs were made.
        documented: Those of them with documentation.
    """

    repository: Repository
    files: list[tuple[SourceFile, Language]]
    functions: int = 0
    documented: int = 0

    def pairs(self) -> Iterator[tuple[int, list[Pair]]]:
        """Make pairs, made and filtered as the corpus makes them; whoever has waited long enough stops asking.

        Unlike the corpus, this asks for no licence: the weights stay with whoever owns the code.

        Yields:
            How many files were read, and the pairs of all of them.
        """
        from codesearch.extraction import extract
        from codesearch.records import Kind
        from codesearch.sources import FileRules, SourceText, read_source

        rules = FileRules()
        found: list[Pair] = []
        for number, (file, language) in enumerate(self.files, 1):
            source = read_source(self.repository, file, rules)
            for chunk in extract(file.path, source.text, language) if isinstance(source, SourceText) else ():
                if chunk.kind in (Kind.FUNCTION, Kind.METHOD, Kind.TYPE) and not chunk.part:
                    self.functions += 1
                    self.documented += bool(chunk.documentation)
                pairs = pairs_from_chunk(chunk, self.repository.name, "unknown", Split.TRAIN)
                found += [pair for pair in pairs if why_not(pair) is None]
            yield number, found


def open_work_tree(root: Path) -> WorkTree:
    """List the files of a work tree; nothing is read yet.

    Raises:
        InputError: if `root` is no directory, or no file of it can give pairs.
    """
    from codesearch.languages import language_of
    from codesearch.sources import FileRules, list_files, open_repository

    if not root.is_dir():
        raise InputError(f"{root}: no such folder; name the top of a repository")
    repository = open_repository(root, cache=root)
    files = []
    for file in list_files(repository, FileRules()).files:
        language = language_of(file.path)
        if language is not None and language.has_definitions and not why_not_file(file.path):
            files.append((file, language))
    if not files:
        raise InputError(
            f"{root} has no source file that training could learn from (tests, examples and vendored files do not "
            "count): name the top of a repository"
        )
    # In an order that is always the same and has nothing to do with the folders: any beginning of it is a fair sample.
    files.sort(key=lambda entry: hashlib.sha256(entry[0].path.encode()).digest())
    return WorkTree(repository, files)
