"""One repository into pairs: licence, files, chunks, and all kinds of pairs that they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from codesearch.extraction import extract
from codesearch.languages import language_of
from codesearch.records import Chunk
from codesearch.sources import GitObjects, TreeFile
from codesearch.sources.generated import looks_generated, looks_minified, reason_by_name
from codesearch_train.corpus.commits import commit_functions
from codesearch_train.corpus.decontamination import MAX_EVALUATION_FUNCTIONS, EvaluationSet, is_data_set_file
from codesearch_train.corpus.filters import why_not, why_not_file
from codesearch_train.corpus.fingerprints import code_hashes
from codesearch_train.corpus.licences import Licence, detect
from codesearch_train.corpus.pairs import (
    MAX_CODE_CHARACTERS,
    MAX_TEXT_CHARACTERS,
    PROSE,
    Pair,
    PairKind,
    Split,
    pairs_from_chunk,
)
from codesearch_train.corpus.prose import is_prose_file, named_definitions, neighbouring_passages, unique_definitions

__all__ = ["RepositoryPairs", "RepositorySource", "Stage", "extract_repository"]

MAX_FILE_BYTES = 400_000
MAX_SOURCE_FILES = 12_000
MAX_PROSE_FILES = 300
COMMIT_PAIRS = 700
_COUNTED_TOKENS = 30
"""Shorter functions are alike by chance, so they say nothing of where a repository is from."""


class Stage(StrEnum):
    """What of a repository is read. History costs as much as the tree and gives a tenth of the pairs."""

    TREE = "tree"
    """The files of the newest commit."""
    HISTORY = "history"
    """The functions that small commits changed."""


@dataclass(frozen=True, slots=True)
class RepositorySource:
    """A repository to make pairs from.

    Attributes:
        name: ``owner/name``.
        split: Whether it is learned from or held out.
        directory: Its Git directory or work tree.
    """

    name: str
    split: Split
    directory: Path


@dataclass(slots=True)
class RepositoryPairs:
    """What came of a repository.

    Attributes:
        name: ``owner/name``.
        split: Its split.
        commit: The commit that was read.
        licence: What it is under.
        left_out: Why nothing of it is used; "" where it is.
        removed: How many files or pairs each rule removed.
        evaluation_functions: Functions that the evaluation sets hold too.
        pairs: The pairs that all rules let through, not yet deduplicated.
    """

    name: str
    split: Split
    commit: str = ""
    licence: Licence = field(default_factory=lambda: Licence("unknown", False, ""))
    left_out: str = ""
    removed: Counter[str] = field(default_factory=Counter)
    evaluation_functions: int = 0
    pairs: list[Pair] = field(default_factory=list)


def _chunks(objects: GitObjects, entries: Iterable[TreeFile], removed: Counter[str]) -> Iterator[Chunk]:
    read = 0
    for entry in entries:
        language = language_of(entry.path)
        if language is None or not language.has_definitions:
            continue
        reason = why_not_file(entry.path)
        if reason is None and reason_by_name(entry.path) is not None:
            reason = "file: generated"
        if reason is None and entry.size > MAX_FILE_BYTES:
            reason = "file: too large"
        if reason is None and read >= MAX_SOURCE_FILES:
            reason = "file: beyond the limit of a repository"
        if reason is None:
            read += 1
            text = objects.read(entry.blob).decode("utf-8", "replace")
            if looks_generated(entry.path, text):
                reason = "file: generated"
            elif looks_minified(entry.path, text):
                reason = "file: minified"
            else:
                yield from extract(entry.path, text, language)
        if reason is not None:
            removed[reason] += 1


@dataclass(frozen=True, slots=True)
class _Candidate:
    """Pairs before any filter, and the code that they are all about."""

    code: str
    language: str
    pairs: list[Pair]


def _candidates(
    objects: GitObjects, entries: list[TreeFile], source: RepositorySource, stage: Stage, found: RepositoryPairs
) -> Iterator[_Candidate]:
    licence = found.licence.expression

    def pair(text: str, code: str, path: str, language: str, kind: PairKind) -> Pair:
        text, code = text[:MAX_TEXT_CHARACTERS], code[:MAX_CODE_CHARACTERS]
        return Pair(text, code, source.name, path, language, licence, source.split, kind)

    def of_chunk(chunk: Chunk, pairs: Iterable[Pair]) -> _Candidate:
        return _Candidate(chunk.code, chunk.language, list(pairs))

    if stage is Stage.HISTORY:
        for subject, chunk in commit_functions(objects, COMMIT_PAIRS):
            yield of_chunk(chunk, [pair(subject, chunk.text, chunk.path, chunk.language, PairKind.COMMIT)])
        return
    chunks = []
    for chunk in _chunks(objects, entries, found.removed):
        chunks.append(chunk)
        yield of_chunk(chunk, pairs_from_chunk(chunk, source.name, licence, source.split))
    definitions = unique_definitions(chunks)
    prose = [entry for entry in entries if is_prose_file(entry.path) and entry.size < MAX_FILE_BYTES][:MAX_PROSE_FILES]
    for entry in prose:
        markdown = objects.read(entry.blob).decode("utf-8", "replace")
        for text, chunk in named_definitions(markdown, definitions):
            yield of_chunk(chunk, [pair(text, chunk.code, chunk.path, chunk.language, PairKind.HEADING)])
        for text, following in neighbouring_passages(markdown):
            passage = pair(text, following, entry.path, PROSE, PairKind.PASSAGE)
            yield _Candidate(passage.code, PROSE, [passage])


def _licence(objects: GitObjects, entries: Iterable[TreeFile]) -> Licence:
    """Of the root folder; where that tells nothing, of the folders in it (``legal/LICENSE``)."""
    small = [entry for entry in entries if entry.size < MAX_FILE_BYTES]
    licence = Licence("unknown", False, "")
    for depth in (0, 1):
        blobs = {entry.path.rpartition("/")[2]: entry.blob for entry in small if entry.path.count("/") == depth}
        licence = detect(blobs, lambda name, blobs=blobs: objects.read(blobs[name]).decode("utf-8", "replace"))  # type: ignore[misc]
        if licence.expression != "unknown":
            break
    return licence


def extract_repository(
    source: RepositorySource, evaluation: EvaluationSet, stage: Stage = Stage.TREE
) -> RepositoryPairs:
    """Makes the filtered and decontaminated pairs of one repository.

    Args:
        source: Where it is.
        evaluation: What must not come out of it.
        stage: What of it is read.

    Raises:
        RepositoryNotFound: `source.directory` is not a Git repository with a commit.
    """
    found = RepositoryPairs(source.name, source.split)
    with GitObjects(source.directory) as objects:
        found.commit = objects.head
        entries = objects.files()
        found.licence = _licence(objects, entries)
        if evaluation.holds_repository(source.name):
            found.left_out = "evaluation is drawn from it"
        elif not found.licence.permissive:
            found.left_out = f"licence: {found.licence.expression}"
        elif any(is_data_set_file(entry.path) for entry in entries):
            found.left_out = "holds a copy of a data set"
        if found.left_out:
            return found
        for candidate in _candidates(objects, entries, source, stage, found):
            _keep_good(candidate, evaluation, found)
    if found.evaluation_functions > MAX_EVALUATION_FUNCTIONS:
        found.left_out = f"holds {found.evaluation_functions} evaluation functions: renamed, or a copy"
        found.pairs = []
    return found


def _keep_good(candidate: _Candidate, evaluation: EvaluationSet, found: RepositoryPairs) -> None:
    good = []
    for pair in candidate.pairs:
        reason = why_not(pair)
        if reason is not None:
            found.removed[f"{reason} ({pair.kind})"] += 1
        else:
            good.append(pair)
    if not good:
        return
    hashes = code_hashes(candidate.code, candidate.language)
    if evaluation.holds_code(hashes):
        found.removed["evaluation: code"] += len(good)
        if hashes.whole in evaluation.whole and hashes.tokens >= _COUNTED_TOKENS:
            found.evaluation_functions += 1
        return
    for pair in good:
        if evaluation.holds_text(pair.text) or (pair.language == PROSE and evaluation.holds_text(pair.code)):
            found.removed["evaluation: text"] += 1
        elif pair.code != candidate.code and evaluation.holds_code(code_hashes(pair.code, pair.language)):
            found.removed["evaluation: code"] += 1
        else:
            found.pairs.append(pair)
