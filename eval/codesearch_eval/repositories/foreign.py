"""Questions that a repository does not answer: those of other repositories, and nonsense.

A confidence that was only shown questions with answers would believe every result. None of these is made with the
repository in view, and each half has its own: what is calibrated on one half is seen by the other for the first time.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Final

from codesearch.search.ranking import CandidateSet
from codesearch.search.ranking.question import plain
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Half, Question, QuestionKind

__all__ = ["foreign_questions", "is_answered", "nonsense_questions"]

_QUOTED: Final = 0.9
_QUOTATION_PAIRS: Final = 4

_OTHER_DOMAINS: Final[Mapping[Half, Sequence[str]]] = {
    Half.FIT: (
        "how long does sourdough bread have to rise",
        "capital of Australia",
        "why do cats purr at night",
        "symptoms of vitamin deficiency in children",
        "best time to plant tomatoes",
        "who won the world cup in 1998",
        "train from Vienna to Budapest",
        "how to remove red wine from a carpet",
        "distance between the earth and the moon",
        "what did Napoleon eat for breakfast",
        "knitting a scarf for beginners",
        "rules of ice hockey overtime",
        "mortgage interest for first time buyers",
        "how to tune a violin",
        "the migration of arctic birds",
        "Shakespeare's sonnets about summer",
        "change the oil of a motorcycle",
        "photosynthesis in desert plants",
        "tax return deadline for freelancers",
        "lasagne with spinach and ricotta",
    ),
    Half.HELD_OUT: (
        "how to make marmalade from oranges",
        "highest mountain in South America",
        "why is the sky blue in the morning",
        "side effects of antibiotics in dogs",
        "pruning roses before winter",
        "winner of the 2004 chess olympiad",
        "ferry to the island of Crete",
        "get chewing gum out of a jacket",
        "how old is the universe",
        "what was the Roman army paid",
        "crochet pattern for a baby blanket",
        "offside in football explained",
        "pension contributions for nurses",
        "which strings suit a classical guitar",
        "how do whales sleep",
        "poems about the sea by Emily Dickinson",
        "flat tyre on a bicycle tour",
        "volcanoes of Iceland",
        "visa for a holiday in Japan",
        "risotto with mushrooms and white wine",
    ),
}

_WORDS: Final[Mapping[Half, Sequence[str]]] = {
    Half.FIT: tuple(
        "banana umbrella purple giraffe whisper glacier trumpet cinnamon velvet lantern orchard thunder pillow compass "
        "meadow violin pepper harbour saddle blossom feather marble candle pigeon walnut".split()
    ),
    Half.HELD_OUT: tuple(
        "apricot hammock silver penguin murmur canyon clarinet nutmeg satin beacon vineyard drizzle blanket anchor "
        "prairie cello mustard lagoon stirrup petal whisker granite torch sparrow chestnut".split()
    ),
}

_KEY_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LONELY: Final = string.ascii_lowercase + string.digits


def foreign_questions(
    repository: BenchmarkRepository, others: Mapping[BenchmarkRepository, Sequence[Question]], count: int
) -> list[Question]:
    """Return questions of other repositories of the same half, the kinds in turn, asked of this one.

    Args:
        repository: That is asked.
        others: Questions by repository; those of this one and of the other half are passed over.
        count: How many.
    """
    by_kind: dict[QuestionKind, list[tuple[str, Question]]] = {}
    for other, questions in others.items():
        if other.half is repository.half and other.name != repository.name:
            for question in questions:
                by_kind.setdefault(question.kind, []).append((other.name, question))
    turns = []
    for kind in sorted(by_kind):
        ordered = sorted(by_kind[kind], key=lambda one: _shuffled(repository.name, one[0], one[1].text))
        turns += [(turn, kind, name, question.text) for turn, (name, question) in enumerate(ordered)]
    chosen = sorted(turns, key=lambda one: one[:2])[:count]
    return [
        Question(QuestionKind.FOREIGN, text, repository.commit, (), (), f"{kind.value} of {name}")
        for _, kind, name, text in chosen
    ]


def is_answered(found: CandidateSet) -> bool:
    """Whether a question of another repository has an answer here all the same: its name, or what it quotes."""
    symbol, pairs = found.question.symbol, len(found.question.pairs)
    return any(
        (symbol and plain(candidate.name) == plain(symbol))
        or (pairs >= _QUOTATION_PAIRS and candidate.quoted >= _QUOTED)
        for _, candidate in found.candidates
    )


def nonsense_questions(repository: BenchmarkRepository, count: int) -> list[Question]:
    """Return nonsense: random words, keys hit at random, other domains, and single characters, in turn."""
    random = Random(repository.name)
    made = _nonsense(random, repository.half)
    texts: dict[str, str] = {}
    while len(texts) < count:
        sort, text = next(made)
        texts.setdefault(text, sort)
    return [Question(QuestionKind.NONSENSE, text, repository.commit, (), (), sort) for text, sort in texts.items()]


def _nonsense(random: Random, half: Half) -> Iterator[tuple[str, str]]:
    while True:
        yield "random words", " ".join(random.sample(_WORDS[half], random.randint(2, 6)))
        yield "keys", " ".join(_keys(random) for _ in range(random.randint(1, 3)))
        yield "another domain", random.choice(_OTHER_DOMAINS[half])
        yield "random letters", "".join(random.choices(string.ascii_lowercase, k=random.randint(5, 12)))
        yield "another domain", random.choice(_OTHER_DOMAINS[half])
        yield "one character", random.choice(_LONELY)


def _keys(random: Random) -> str:
    row = random.choice(_KEY_ROWS)
    return "".join(random.choices(row, k=random.randint(4, 9)))


def _shuffled(*parts: str) -> bytes:
    return sha256("\0".join(parts).encode()).digest()
