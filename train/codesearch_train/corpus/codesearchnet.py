"""CodeSearchNet's own training data (Husain et al., arXiv 1909.09436) as a corpus of pairs.

It comes from files on disk, or through Hugging Face ``datasets``. What is evaluated on stays out: the test split of the
same languages, and whatever evaluation data is at hand.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from codesearch.errors import InputError, MissingExtra
from codesearch.extraction.documentation import strip_comment_markers
from codesearch.extraction.python_docstrings import cut_docstring
from codesearch.settings import turn_off_telemetry
from codesearch_train.corpus.decontamination import EvaluationSet, load_present_evaluation
from codesearch_train.corpus.filters import why_not
from codesearch_train.corpus.fingerprints import code_hashes, text_hash
from codesearch_train.corpus.pairs import (
    MAX_CODE_CHARACTERS,
    Pair,
    PairKind,
    Split,
    long_form,
    summary_text,
)
from codesearch_train.corpus.shards import MANIFEST, CorpusError, read_lines, write_shards

__all__ = ["CSN_LANGUAGES", "Preparation", "prepare_codesearchnet"]

CSN_LANGUAGES = ("go", "java", "javascript", "php", "python", "ruby")
HUB_NAME = "google/code_x_glue_ct_code_to_text"
"""CodeXGLUE's form of CodeSearchNet, which the hub has as plain data."""

_FIELDS = ("repo", "path", "code", "docstring")
_LAYOUTS = (
    "{language}/final/jsonl/{split}/*.jsonl.gz",
    "{language}/{split}.jsonl*",
    "{language}/{split}/*.jsonl*",
)
"""CodeSearchNet's download as it is unpacked; CodeXGLUE's; files that somebody wrote."""

_PLACES = ("", "codesearchnet/", "codesearchnet-")
_HELD_OUT_SHARE = 20
"""One repository in so many is held out where there is no validation split."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What a corpus is made of.

    Attributes:
        languages: Of `CSN_LANGUAGES`.
        output: Directory of the corpus; an older corpus there is replaced when this one is finished.
        data: Folder of files on disk; None: the Hugging Face hub is asked.
        evaluation: Folder of evaluation data that must stay out, beside the test split; None: there is none.
        decontaminate: Whether anything is kept out.
    """

    languages: Sequence[str]
    output: Path
    data: Path | None = None
    evaluation: Path | None = None
    decontaminate: bool = True


@dataclass(slots=True)
class _Counts:
    functions: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)


def prepare_codesearchnet(preparation: Preparation) -> Iterator[str]:
    """Write the corpus.

    Yields:
        A sentence for each step.

    Raises:
        InputError: A language is unknown, there is no training data, a file is damaged or lacks a field, nothing was
            left, or the output is in the way. All but the damage is said before the data is read.
        MissingExtra: ``datasets`` is needed and not installed.
    """
    unknown = sorted(set(preparation.languages) - set(CSN_LANGUAGES))
    if unknown or not preparation.languages:
        named = f"no language {unknown[0]!r} in" if unknown else "name a language of"
        raise InputError(f"{named} CodeSearchNet; it has {', '.join(CSN_LANGUAGES)}")
    _check_output(preparation.output)
    for language in preparation.languages:
        _check_first(preparation.data, language)
    evaluation = EvaluationSet()
    if preparation.decontaminate:
        yield from _read_evaluation(preparation, evaluation)
    else:
        yield "not decontaminated, as asked: figures on test sets of CodeSearchNet may come out too high"
    counts = _Counts()
    held_out = frozenset[str]()
    if not all(_has(preparation.data, language, "valid") for language in preparation.languages):
        held_out = _choose_held_out(preparation, evaluation)
        yield f"no validation split: {len(held_out):,} repositories of the training data are held out"
    preparation.output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=preparation.output.parent, prefix=f".{preparation.output.name}-") as scratch:
        draft = Path(scratch) / "corpus"
        draft.mkdir()
        for split in (Split.VALID, Split.TRAIN):
            written = write_shards(draft, split, _pairs(preparation, split, evaluation, counts, held_out))
            if not written:
                raise CorpusError(
                    f"no pair of the {split.value} part is left of {counts.functions:,} functions: {_why(counts)}"
                )
            yield f"{written:,} pairs of the {split.value} part"
        yield _why(counts)
        manifest = {
            "source": HUB_NAME if preparation.data is None else "files",
            "languages": list(preparation.languages),
            "functions": counts.functions,
            "pairs": dict(sorted(counts.pairs.items())),
            "removed": dict(counts.removed.most_common()),
        }
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        if preparation.output.exists():
            preparation.output.rename(Path(scratch) / "replaced")
        draft.rename(preparation.output)


def _why(counts: _Counts) -> str:
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in counts.removed.most_common())
    return f"left out: {reasons}" if reasons else "nothing was left out"


def _check_output(output: Path) -> None:
    if output.exists() and not (output / MANIFEST).is_file() and (output.is_file() or any(output.iterdir())):
        raise InputError(f"{output} is there and is no corpus: choose another --out, or remove it")


def _check_first(data: Path | None, language: str) -> None:
    """Refuse what has no training data, or whose first function lacks a field."""
    if data is None:
        _hub_library()
        return
    files = _files(data, language, "train")
    if not files:
        raise InputError(
            f"{data} has no training data of {language}: unpack CodeSearchNet's {language}.zip there, so that it holds "
            f"{language}/final/jsonl/train/*.jsonl.gz, or leave --data out to ask the Hugging Face hub"
        )
    for file in files:
        for number, record in read_lines(file):
            _checked(record, f"{file}:{number}")
            break


def _read_evaluation(preparation: Preparation, found: EvaluationSet) -> Iterator[str]:
    """Fill `found`, and say what is in it; where nothing is, say what that means."""
    checked = []
    for language in preparation.languages:
        count = 0
        if _has(preparation.data, language, "test"):
            for where, record in _records(preparation.data, language, "test"):
                count += 1
                row = _checked(record, where)
                found.repositories.add(row["repo"].lower())
                found.add_code(row["code"], language)
                found.add_text(strip_comment_markers(row["docstring"]))
        if count:
            checked.append(f"{count:,} functions of the test split of {language}")
    if preparation.evaluation is not None:
        others, read, missing = load_present_evaluation(preparation.evaluation)
        for name in ("repositories", "whole", "body", "renamed", "texts"):
            getattr(found, name).update(getattr(others, name))
        if read:
            checked.append(f"{', '.join(read)} of {preparation.evaluation}")
        if missing:
            yield f"not kept out, as {preparation.evaluation} does not have it: {', '.join(missing)}"
    if checked:
        yield f"kept out of the corpus: {'; '.join(checked)}"
        return
    yield (
        "nothing to keep out: there is no test split beside the training data, and --evaluation names no folder. "
        "CodeSearchNet splits by repository, but copies of functions cross its splits. So a figure on its test set may "
        "come out too high. Put test files beside the training files, or give --evaluation DIR"
    )


def _choose_held_out(preparation: Preparation, evaluation: EvaluationSet) -> frozenset[str]:
    """Repositories of the training data that become the validation part, the same in every run.

    Raises:
        InputError: There is one repository only.
    """
    names = {
        _checked(record, where)["repo"]
        for language in preparation.languages
        for where, record in _records(preparation.data, language, "train")
    }
    names = {name for name in names if not evaluation.holds_repository(name)}
    if len(names) < 2:
        raise InputError(
            "all functions are of one repository, so none can be held out: add a validation split, or more repositories"
        )
    ordered = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    return frozenset(ordered[: max(1, len(ordered) // _HELD_OUT_SHARE)])


def _pairs(
    preparation: Preparation,
    split: Split,
    evaluation: EvaluationSet,
    counts: _Counts,
    held_out: frozenset[str],
) -> Iterator[Pair]:
    """Pairs of a part; `held_out` names the repositories of the validation part where no split is one."""
    seen: set[tuple[int, int]] = set()
    for language in preparation.languages:
        source = "train" if held_out else split.value
        for where, record in _records(preparation.data, language, source):
            row = _checked(record, where)
            if held_out and (row["repo"] in held_out) != (split is Split.VALID):
                continue
            counts.functions += 1
            if evaluation.holds_repository(row["repo"]):
                counts.removed["evaluation: repository"] += 1
                continue
            for pair in _pairs_of(row, language, split):
                hashes = code_hashes(pair.code, language)
                key = (text_hash(pair.text), hashes.whole)
                reason = why_not(pair)
                if reason is None and evaluation.holds_code(hashes):
                    reason = "evaluation: code"
                elif reason is None and evaluation.holds_text(pair.text):
                    reason = "evaluation: text"
                elif reason is None and key in seen:
                    reason = "duplicate: same text and code"
                if reason is not None:
                    counts.removed[reason] += 1
                    continue
                seen.add(key)
                counts.pairs[f"{split.value} {language} {pair.kind}"] += 1
                yield pair


def _pairs_of(row: Mapping[str, str], language: str, split: Split) -> Iterator[Pair]:
    """The first paragraph of the documentation, and all of it where that is more."""
    code = cut_docstring(row["code"]) if language == "python" else row["code"]
    documentation = strip_comment_markers(row["docstring"])

    def pair(text: str, kind: PairKind) -> Pair:
        return Pair(text, code[:MAX_CODE_CHARACTERS], row["repo"], row["path"], language, "unknown", split, kind)

    summary = summary_text(documentation)
    if not summary or not code.strip():
        return
    yield pair(summary, PairKind.DOCSTRING)
    whole = long_form(documentation)
    if len(whole) > 1.3 * len(summary) + 20:
        yield pair(whole, PairKind.DOCSTRING_LONG)


def _checked(record: Mapping[str, Any], where: str) -> dict[str, str]:
    missing = [name for name in _FIELDS if not isinstance(record.get(name), str)]
    if missing:
        raise CorpusError(
            f"{where}: no field {', '.join(missing)}; a function of CodeSearchNet has {', '.join(_FIELDS)}"
        )
    return {name: record[name] for name in _FIELDS}


def _files(data: Path, language: str, split: str) -> list[Path]:
    for place in _PLACES:
        for layout in _LAYOUTS:
            found = sorted(data.glob(place + layout.format(language=language, split=split)))
            if found:
                return found
    return []


def _has(data: Path | None, language: str, split: str) -> bool:
    return data is None or bool(_files(data, language, split))


def _records(data: Path | None, language: str, split: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Functions of a split, each with where it stands."""
    if data is None:
        yield from ((f"{HUB_NAME} ({language}, {split})", row) for row in _from_hub(language, split))
        return
    for file in _files(data, language, split):
        yield from ((f"{file}:{number}", record) for number, record in read_lines(file))


def _from_hub(language: str, split: str) -> Iterable[Mapping[str, Any]]:
    try:
        rows: Iterable[Mapping[str, Any]] = _hub_library().load_dataset(
            HUB_NAME, language, split={"valid": "validation"}.get(split, split)
        )
    except Exception as error:  # the hub's client raises a dozen unrelated types: no network, no such data set, ...
        raise InputError(
            f"{HUB_NAME} ({language}) cannot be had from the hub ({error.__class__.__name__}): look at the network, or "
            "give files on disk with --data DIR"
        ) from error
    return rows


def _hub_library() -> ModuleType:
    turn_off_telemetry()
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra(
            "the Hugging Face hub is asked through datasets: pip install 'codesearch-nl[datasets]', or give files on "
            "disk with --data DIR"
        ) from error
    module: ModuleType = datasets
    return module
