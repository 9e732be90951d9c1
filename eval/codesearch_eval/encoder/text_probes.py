"""How good vectors are on ordinary texts: a linear probe, and the correlation with ratings of similarity.

A linear probe is a logistic regression over vectors that stay as they are (Conneau and Kiela, *SentEval*, arXiv
1803.05449; cpt-text, arXiv 2201.10005, section 4.1.1). Where a set has no test part, ten folds take turns, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesearch.errors import MissingExtra
from codesearch_eval.encoder.text_sets import LabelledTexts, RatedTexts
from codesearch_eval.metrics import Interval, bootstrap_interval

__all__ = ["TextFigure", "bag_of_words", "probe", "rate"]

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]

FOLDS = 10
STRENGTHS = (1.0, 10.0, 100.0)
"""Inverse regularisation; the best on a tenth of the training part is taken, never on the test part."""


@dataclass(frozen=True, slots=True)
class TextFigure:
    """One figure of one set, a fraction.

    Attributes:
        name: Of the set.
        measure: "accuracy" or "Spearman".
        value: With its 95% interval, over texts.
        count: Texts that were classified, or pairs that were rated.
    """

    name: str
    measure: str
    value: Interval
    count: int


def probe(found: LabelledTexts, encode: Encode) -> TextFigure:
    """Return the accuracy of a linear probe.

    Args:
        found: Texts and classes.
        encode: Texts -> ``[n, dimension]``.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    vectors, labels = encode(found.texts), np.array(found.labels)
    right = np.zeros(len(labels))
    tested: list[NDArray[np.intp]] = []
    for training, test in _parts(found):
        right[test] = _predict(vectors[training], labels[training], vectors[test]) == labels[test]
        tested.append(test)
    values = right[np.concatenate(tested)]
    return TextFigure(found.name, "accuracy", bootstrap_interval([values]), len(values))


def _parts(found: LabelledTexts) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield what is trained on and what is tested on."""
    rows = np.arange(len(found.texts))
    if found.training:
        yield rows[: found.training], rows[found.training :]
        return
    shuffled = np.random.default_rng(0).permutation(len(rows))
    for fold in np.array_split(shuffled, FOLDS):
        yield np.setdiff1d(rows, fold), fold


def _predict(vectors: Vectors, labels: NDArray[np.str_], asked: Vectors) -> NDArray[np.str_]:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtra("a linear probe needs scikit-learn: pip install 'codesearch-nl[eval]'") from error
    shuffled = np.random.default_rng(1).permutation(len(labels))
    held, rest = np.split(shuffled, [max(1, len(labels) // 10)])

    def fitted(strength: float, rows: NDArray[np.intp]) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=1000).fit(vectors[rows], labels[rows])

    best = max(STRENGTHS, key=lambda strength: fitted(strength, rest).score(vectors[held], labels[held]))
    predicted: NDArray[np.str_] = fitted(best, shuffled).predict(asked)
    return predicted


def rate(found: RatedTexts, encode: Encode) -> TextFigure:
    """Return Spearman's correlation of cosines with ratings; its interval draws texts, not pairs."""
    vectors = encode(found.texts)
    product = vectors @ vectors.T
    cosines = product if isinstance(product, np.ndarray) else product.toarray()
    random = np.random.default_rng(0)
    count = len(found.texts)

    def correlation(rows: NDArray[np.intp]) -> float:
        first, second = np.triu_indices(len(rows), 1)
        other = rows[first] != rows[second]
        low, high = np.minimum(rows[first], rows[second])[other], np.maximum(rows[first], rows[second])[other]
        return _spearman(cosines[low, high], found.ratings[low, high])

    samples = [correlation(np.sort(random.integers(count, size=count))) for _ in range(500)]
    low, high = np.quantile(samples, [0.025, 0.975])
    value = Interval(correlation(np.arange(count)), float(low), float(high))
    return TextFigure(found.name, "Spearman", value, count * (count - 1) // 2)


def _spearman(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def bag_of_words(texts: Sequence[str]) -> Vectors:
    """Return TF-IDF vectors, ``[n, words]`` and sparse, with frequencies from the texts themselves."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors: Vectors = TfidfVectorizer(sublinear_tf=True).fit_transform(texts)
    return vectors
