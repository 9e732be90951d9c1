"""Pairs from data sets of human questions: CoNaLa's training part, StaQC's positive annotated pairs.

Their test and development parts are never read here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from codesearch.errors import InputError
from codesearch_train.corpus.pairs import Pair, PairKind, Split

__all__ = ["question_pairs"]


def question_pairs(directory: Path) -> Iterator[Pair]:
    """Reads ``conala/conala-train.json`` and ``staqc/train_staqc.json`` of a directory.

    CoNaLa gives two pairs a row: the question as it was asked, and as annotators rewrote it.

    Raises:
        InputError: A file is missing or is not in its data set's format.
    """
    try:
        conala = json.loads((directory / "conala" / "conala-train.json").read_text(encoding="utf-8"))
        staqc = json.loads((directory / "staqc" / "train_staqc.json").read_text(encoding="utf-8"))
        rows = [
            ("conala", "CC-BY-SA-4.0", text, row["snippet"])
            for row in conala
            for text in dict.fromkeys((row["intent"], row["rewritten_intent"] or row["intent"]))
        ]
        rows += [("staqc", "CC-BY-SA-4.0", row["doc"], row["code"]) for row in staqc if str(row["label"]) == "1"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{directory}: cannot read the questions ({error!r}); it has to hold conala/ and staqc/"
        ) from error
    for name, licence, text, code in rows:
        lines = "\n".join(line.rstrip() for line in code.strip("\n").split("\n"))
        yield Pair(" ".join(text.split()), lines, name, "", "python", licence, Split.TRAIN, PairKind.QUESTION)
