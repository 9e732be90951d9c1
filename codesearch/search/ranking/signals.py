"""What speaks for a candidate, each signal a number in [0, 1]; those of `places` speak against it.

Every signal is explained where it is computed. They are listed in `SIGNALS`, in the order in which an
explanation shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from codesearch.languages import LANGUAGES
from codesearch.records import Kind
from codesearch.search.candidates import Candidate
from codesearch.search.ranking.blending import blend
from codesearch.search.ranking.main_definitions import find_secondary
from codesearch.search.ranking.path_roles import PLACES, places_of
from codesearch.search.ranking.path_words import place_words
from codesearch.search.ranking.question import CandidateSet, plain
from codesearch.search.ranking.versions import find_outdated
from codesearch.words import terms

__all__ = ["AGAINST", "DESCRIPTIONS", "SIGNALS", "beyond_chance", "measure"]

_EVIDENCE_CHUNKS: Final = 5
_BY_CHANCE: Final = 0.4
_TOPIC_WORDS: Final = 2
"""So many words are a topic, and not yet a quotation."""
_QUOTATION_WORDS: Final = 3
_STUB: Final = 12
"""Words of code that a definition has at least if it does something."""
_COVERING: Final = 4.0
"""A file's name that holds this part of the question's weight, inverted, counts in full."""
_KINDS: Final[Mapping[Kind, Mapping[str, float]]] = {
    Kind.FUNCTION: {"function": 1.0},
    Kind.METHOD: {"function": 1.0},
    Kind.TYPE: {"type": 1.0},
    Kind.TEXT: {"text": 1.0},
}
_ASKED_PLACE: Final = "asked place"
"""The question is about tests, examples or the like, and this is one."""


class _WeightedQuestion:
    """A question while its candidates are looked at.

    Attributes:
        question: What was asked.
        share: Of the question's weight, what each term holds, rare terms the most; sums to 1.
    """

    def __init__(self, found: CandidateSet) -> None:
        self.question = found.question
        self.asked = frozenset(found.question.terms)
        known = {term for term in found.question.terms if found.frequency.get(term)}
        known |= _words_of_paths(found).intersection(found.question.terms)
        # What occurs nowhere tells nothing apart. Counted, it would make all else of the question look like little.
        rarity = {term: weight for term, weight in found.rarity().items() if term in known}
        total = sum(rarity.values())
        self.share = {term: weight / total for term, weight in rarity.items()} if total else {}
        self._about = found.question.topics
        self._paths: dict[tuple[str, bool, bool], dict[str, float]] = {}
        self.quotation = self._quotation()

    def _quotation(self) -> float:
        """How much the question looks like something pasted: 0 for a topic of two words, 1 for three words and more."""
        if self.question.quoted and self.question.pairs:
            return 1.0
        pairs = [p for p in self.question.pairs if all(word in self.share or word not in self.asked for word in p)]
        words = {word for pair in pairs for word in pair if word in self.share}
        return min(1.0, max(0.0, (len(words) - _TOPIC_WORDS) / (_QUOTATION_WORDS - _TOPIC_WORDS)))

    def held_by(self, words: Collection[str]) -> float:
        """Return the share of the question that these words hold."""
        if self.share.keys().isdisjoint(words):
            return 0.0
        return sum(weight for term, weight in self.share.items() if term in words)

    def signals_of_path(self, path: str, is_test: bool, about_tests: bool) -> dict[str, float]:
        """Return the signals of a file by its path: its words, and what places it is in.

        Args:
            path: Of the candidate.
            is_test: Whether its text says that it is a test.
            about_tests: Whether its repository is about nothing else: then a folder of tests tells nothing.
        """
        key = path, is_test, about_tests
        found = self._paths.get(key)
        if found is None:
            found = self._paths[key] = self._words_of_path(path) | self._places(path, is_test, about_tests)
        return found

    def _words_of_path(self, path: str) -> dict[str, float]:
        stem, folders = place_words(path)
        found = {}
        if held := self.held_by(stem):
            found["stem"] = held
            covered = sum(word in self.share for word in stem) / len(stem)
            # A word that is in every other file tells no file from others, even if it is all of a name.
            found["stem covered"] = covered * min(1.0, _COVERING * held)
        if held := self.held_by(folders - stem):
            found["folders"] = held
        return found

    def _places(self, path: str, is_test: bool, about_tests: bool) -> dict[str, float]:
        """Return whether the question is about a place that a path is in, and the places that it is not about."""
        among = places_of(path, about_tests)
        if is_test and "test" not in among:
            among = (*among, "test")
        asked = {_ASKED_PLACE: 1.0} if any(name in self._about for name in among) else {}
        return asked | {name: 1.0 for name in among if name not in self._about}

    def signals(self) -> list[tuple[str, Callable[[_WeightedQuestion, Candidate], float]]]:
        """Return the signals of single candidates that can say something, given the question."""
        silent: set[str] = set()
        silent |= set() if self.question.brevity else {"name"}
        silent |= set() if self.quotation else {"phrase"}
        silent |= set() if self.question.symbol else {"definition", "namesake"}
        silent |= set() if self.question.mentions else {"mention"}
        return [(name, signal) for name, signal in _SINGLE.items() if name not in silent]


def measure(found: CandidateSet) -> list[dict[str, float]]:
    """Return the signals of each candidate, by name; those that are 0 are left out.

    Those of a long question are those of its title and of its body, and what else it says of a candidate.
    """
    if not found.candidates:
        return []
    rows = _measure(found)
    if found.body is not None:
        rows = [blend(title, body) for title, body in zip(rows, _measure(found.body), strict=True)]
    for row, (repository, candidate) in zip(rows, found.candidates, strict=True):
        for name, value in found.evidence.get((repository, candidate.id), {}).items():
            row[name] = max(row.get(name, 0.0), value)
    return rows


def _measure(found: CandidateSet) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = [{} for _ in found.candidates]
    asked = _WeightedQuestion(found)
    single = asked.signals()
    candidates = [candidate for _, candidate in found.candidates]
    outdated = find_outdated(candidate.path for candidate in candidates)
    for row, (source, candidate), (words, meaning) in zip(rows, found.candidates, _fuse(candidates), strict=True):
        if words:
            row["words"] = words
        if meaning:
            row["meaning"] = meaning
        for name, signal in single:
            value = signal(asked, candidate)
            if value:
                row[name] = value
        if candidate.substance < _STUB:
            row.update({name: value for name, signal in _OF_ITSELF.items() if (value := signal(candidate))})
        row.update(asked.signals_of_path(candidate.path, candidate.tests, source in found.about_tests))
        row.update(_kind(candidate))
        if candidate.path in outdated and "legacy" not in asked.question.topics:
            row["legacy"] = 1.0
    for row, (repository, candidate) in zip(rows, found.candidates, strict=True):
        if (repository, candidate.id) in found.at_place:
            row["place"] = 1.0
    _add_file_evidence(found, rows)
    for number in find_secondary(found):
        rows[number]["secondary"] = 1.0
    return rows


def _kind(candidate: Candidate) -> Mapping[str, float]:
    """What kind of chunk it is. A window of code is no text: there is no grammar for it, that is all."""
    if candidate.kind is Kind.TEXT and (language := LANGUAGES.get(candidate.language)) and language.code:
        return _KINDS[Kind.FUNCTION] if candidate.name else {}
    return _KINDS.get(candidate.kind, {})


# --- the two searches ---------------------------------------------------------------------------------------


def _fuse(candidates: Sequence[Candidate]) -> list[tuple[float, float]]:
    """Bring both searches to the same scale: the best of each gets 1.

    BM25 starts at 0, where no word of the question occurs. Cosines have no such zero: their scale starts at
    the least similar candidate. While a chunk has no vector yet, it is taken to mean as much as its words say.

    Returns:
        (by words, by meaning) of each candidate.
    """
    best_lexical = max(candidate.lexical for candidate in candidates)
    cosines = [candidate.dense for candidate in candidates if candidate.dense is not None]
    low, high = (min(cosines), max(cosines)) if cosines else (0.0, 0.0)
    fused = []
    for candidate in candidates:
        words = candidate.lexical / best_lexical if best_lexical else 0.0
        meaning = words if cosines else 0.0
        if candidate.dense is not None:
            meaning = (candidate.dense - low) / (high - low) if high > low else 1.0
        fused.append((words, meaning))
    return fused


# --- words of the question in names -------------------------------------------------------------------------


@lru_cache(maxsize=1 << 14)
def _words_of(name: str) -> frozenset[str]:
    return frozenset(terms(name))


def _words_of_paths(found: CandidateSet) -> set[str]:
    words: set[str] = set()
    return words.union(*(part for path in {c.path for _, c in found.candidates} for part in place_words(path)))


def _name(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Words of the question in the bare name; the more, the shorter the question.

    A few words are often what is left of a name, while a sentence speaks of what the code does.
    """
    return asked.question.brevity * asked.held_by(_words_of(candidate.name)) if asked.question.brevity else 0.0


def _signature(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Words of the question in parameters and types."""
    words = _words_of(candidate.signature[:400])
    return 0.0 if asked.share.keys().isdisjoint(words) else asked.held_by(words - _words_of(candidate.name))


def _enclosing(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Words of the question in the names of what encloses it, beyond those in its own name."""
    around = _words_of(candidate.qualified_name[: -len(candidate.name)]) if candidate.name else ()
    if not around or asked.share.keys().isdisjoint(around):
        return 0.0
    return asked.held_by(around - _words_of(candidate.name))


def _mention(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Whether a sentence names it, as names are written in code: ``why does parse_header drop cookies``."""
    return 1.0 if candidate.name in asked.question.mentions else 0.0


# --- substance ----------------------------------------------------------------------------------------------


def _imports(candidate: Candidate) -> float:
    """Whether it only says what is elsewhere: imports, re-exports, forward declarations."""
    return 0.0 if candidate.substance or candidate.documentation else 1.0


def _thin(candidate: Candidate) -> float:
    """How little it does, 0 from a dozen words of code on: a stub, a getter, an empty constructor.

    An exception or a constant is short by nature, and no less of one.
    """
    if candidate.kind not in (Kind.FUNCTION, Kind.METHOD):
        return 0.0
    return max(0.0, 1 - candidate.substance / _STUB)


# --- definitions --------------------------------------------------------------------------------------------


def _definition(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Whether the question is a name, and this is where exactly that name is defined.

    What qualifies the name may be enclosing definitions (``Parser.parse``), the path of the file
    (``celery.canvas.chain``), or both.
    """
    question = asked.question
    if not question.symbol or candidate.name != question.symbol or not _qualifies(question.qualified_symbol, candidate):
        return 0.0
    # Of a definition that was cut because of its length, the first part holds the signature.
    return 0.5 if candidate.part else 1.0


def _namesake(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Whether this defines the name that was asked, but in another case style, or elsewhere than was asked."""
    symbol = asked.question.symbol
    if not symbol or not candidate.name or plain(candidate.name) != plain(symbol):
        return 0.0
    return 0.0 if _definition(asked, candidate) else 1.0


def _qualifies(qualified: str, candidate: Candidate) -> bool:
    if f".{candidate.qualified_name}".endswith(f".{qualified}"):
        return True
    place = f".{candidate.path.rpartition('.')[0].replace('/', '.')}.{candidate.qualified_name}"
    return place.endswith(f".{qualified}")


def _phrase(asked: _WeightedQuestion, candidate: Candidate) -> float:
    """Neighbouring words of the question that are neighbours in the text: a pasted message, a line of code.

    Any two texts about one thing have some pairs in common, the comment on the function next to the right one above
    all: only what goes beyond tells a quotation. And the two words of a topic are neighbours wherever it is spoken of.
    """
    return asked.quotation * beyond_chance(candidate.quoted) if asked.quotation else 0.0


def beyond_chance(quoted: float) -> float:
    """Return the signal *phrase* of a text that holds a share of the pairs of what is pasted for certain."""
    return ((quoted - _BY_CHANCE) / (1 - _BY_CHANCE)) ** 2 if quoted > _BY_CHANCE else 0.0


# --- the whole list -----------------------------------------------------------------------------------------


def _add_file_evidence(found: CandidateSet, rows: Sequence[dict[str, float]]) -> None:
    """Add what a file says as a whole, and what its chunks mean together, the k-th best counting 1/k.

    The best file gets 1.
    """
    most_words = max(candidate.file_lexical for _, candidate in found.candidates)
    if most_words:
        for (_, candidate), row in zip(found.candidates, rows, strict=True):
            if candidate.file_lexical:
                row["file words"] = candidate.file_lexical / most_words
    if not any("meaning" in row for row in rows):
        return
    by_file: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    for (repository, candidate), row in zip(found.candidates, rows, strict=True):
        by_file[repository, candidate.path].append(row.get("meaning", 0.0))
    evidence = {key: _sum_up(values) for key, values in by_file.items()}
    most = max(evidence.values())
    for (repository, candidate), row in zip(found.candidates, rows, strict=True):
        if value := evidence[repository, candidate.path]:
            row["file meaning"] = value / most


def _sum_up(values: Iterable[float]) -> float:
    best = sorted(values, reverse=True)[:_EVIDENCE_CHUNKS]
    return sum(value / k for k, value in enumerate(best, 1))


_SINGLE: Final[Mapping[str, Callable[[_WeightedQuestion, Candidate], float]]] = {
    "name": _name,
    "phrase": _phrase,
    "signature": _signature,
    "enclosing": _enclosing,
    "mention": _mention,
    "definition": _definition,
    "namesake": _namesake,
}

_OF_ITSELF: Final[Mapping[str, Callable[[Candidate], float]]] = {"imports": _imports, "thin": _thin}

SIGNALS: Final = (
    "words",
    "meaning",
    *_SINGLE,
    *_OF_ITSELF,
    "stem",
    "stem covered",
    "folders",
    "secondary",
    "place",
    "named file",
    "function",
    "type",
    "text",
    _ASKED_PLACE,
    *PLACES,
    "file words",
    "file meaning",
)
"""The names of all signals."""

AGAINST: Final = frozenset({*PLACES, "text", "imports", "thin", "secondary"})
"""The signals that speak against a candidate."""

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "words": "words of the question in its text, name and path (BM25), the best candidate having 1",
    "meaning": "how near in meaning (cosine), from 0 for the least similar candidate to 1 for the most",
    "name": "words of the question in its name, the more the shorter the question",
    "phrase": "neighbouring words of the question that are neighbours in its text",
    "signature": "words of the question in its parameters and types",
    "enclosing": "words of the question in the names of what encloses it",
    "mention": "the question names it among other words",
    "imports": "it only names what is elsewhere: imports, re-exports, forward declarations",
    "thin": "it has hardly any code: a stub, a getter, an empty constructor",
    "stem": "words of the question in the name of its file",
    "stem covered": "how much of its file's name the question says",
    "folders": "words of the question in the folders of its file",
    "secondary": "there is a more proper definition of the same name",
    "definition": "it defines exactly the name that was asked",
    "namesake": "it defines the name that was asked in another case style, or elsewhere",
    "place": "it holds a line that was asked for, as path:line",
    "named file": "the question names its file, or a traceback in it does",
    "function": "it is a function or method",
    "type": "it is a type",
    "text": "it is a window of a file without a grammar",
    "asked place": "the question is about tests, examples or documents, and it is one",
    "test": "it is among tests",
    "example": "it is among examples",
    "prose": "it is among documents",
    "legacy": "it is among what is old, or copied from elsewhere",
    "file words": "words of the question in its whole file (BM25), the best file having 1",
    "file meaning": "what the chunks of its file mean together",
    "repeat": "better chunks of the same file come before it",
    "depth": "only a deeper search named it, so it comes after what the first named",
}
"""What each signal says of a candidate, and what the discounts say: for a file's further chunks, and for depth."""
