"""From the history and the tree of a repository to the questions of the development benchmark."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from codesearch.languages import language_of
from codesearch.records import Chunk, Kind
from codesearch.words import split_identifier, terms
from codesearch_eval.repositories.asked import asked_questions
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question, QuestionKind
from codesearch_eval.repositories.changes import EarlierTrees, change_log_questions, changed_code, issue_questions
from codesearch_eval.repositories.file_says import file_questions
from codesearch_eval.repositories.history import (
    MAX_FILES,
    TEST_PATH,
    documentation_asks,
    documentation_question,
    git_text,
    parse_source,
    subject_question,
    tree_files,
)
from codesearch_eval.repositories.tests_say import test_questions

__all__ = ["commit_questions", "documentation_questions", "make_questions", "pasted_questions", "symbol_questions"]

_COMMITS = 1_500
"""How far back questions are looked for. The trees of a repository then differ little, and are cheap to index."""

_PER_KIND = 16
_PER_SYMBOL_KIND = 6
_MAX_CHUNKS = 8
_BODY_WORDS = range(8, 80)
_NAME_LENGTH = range(6, 60)
_MOST_DEFINITIONS = 3

_MESSAGE = re.compile(r"""(["'])((?:[A-Za-z][\w'-]*[,:.]? ){3,12}[A-Za-z][\w-]*)[.:!]?\1""")
_LINE_LENGTH = range(25, 120)

_DEFINITIONS = frozenset({Kind.FUNCTION, Kind.METHOD, Kind.TYPE})
_TRAILER = re.compile(
    r"^(?:[A-Z][\w-]*-(?:by|with|to)|[A-Z][\w-]*-id|cc|closes?|fix(?:es)?|refs?|see|part of)\b:?\s", re.IGNORECASE
)
_LINK = re.compile(r"https?://\S+|\(?#\d+\)?|\b[0-9a-f]{8,40}\b")
_NO_TEXT = re.compile(
    r"^(?:[*\-+>|`]|\d+[.)]|```|diff |@@|signed-off|co-authored|before|after|this reverts)", re.IGNORECASE
)


def make_questions(git_dir: Path, repository: BenchmarkRepository) -> list[Question]:
    """Make all questions of one repository; the same repository and commit give the same questions.

    Raises:
        InputError: Its history or its tree cannot be read.
    """
    files = {
        path: (language.name, source)
        for path, source in tree_files(git_dir, repository.commit)
        if (language := language_of(path, source.split("\n", 1)[0]))
    }
    chunks = [chunk for path, (_, source) in files.items() for chunk in parse_source(path, source)]
    draw = random.Random(repository.name)
    history = EarlierTrees.of(git_dir, repository.commit, ())
    commits = history.shared(list(commit_questions(git_dir, repository.commit)))
    earlier = replace(history, bases=frozenset(question.tree for question in commits))
    return [
        *commits,
        *documentation_questions(chunks, repository.commit, draw),
        *symbol_questions(chunks, repository.commit, draw),
        *pasted_questions(chunks, repository.commit, draw),
        *change_log_questions(git_dir, repository.commit, earlier),
        *issue_questions(git_dir, repository.commit, earlier),
        *test_questions(files, chunks, repository.commit),
        *file_questions(files, chunks, repository.commit),
        *asked_questions(git_dir, repository, chunks),
    ]


# --- commits ------------------------------------------------------------------------------------------------


def commit_questions(git_dir: Path, newest: str) -> Iterator[Question]:
    """Yield the questions that commits ask, up to a number of commits, each searched in its parent's tree."""
    log = git_text(git_dir, "log", "--no-merges", f"-n{_COMMITS}", "--format=%H%x00%P%x00%s", newest).splitlines()
    commits = [line.split("\0") for line in log if line.count("\0") == 2]
    subjects = Counter(subject for _, _, subject in commits)
    # An order that has nothing to do with time, and stays the same when a filter changes.
    commits.sort(key=lambda commit: sha256(commit[0].encode()).digest())
    asked = 0
    for commit, parents, subject in commits:
        text = subject_question(subject)
        if not text or not text.isascii() or not parents or subjects[subject] > 1 or len(terms(text)) < 3:
            continue
        parent = parents.split()[0]
        answers = changed_code(git_dir, parent, commit, most_files=MAX_FILES, most_definitions=_MAX_CHUNKS)
        if not answers:
            continue
        paths = tuple(dict.fromkeys(path for path, _ in answers))
        yield Question(QuestionKind.COMMIT, text, parent, paths, answers, commit)
        body = _body(git_text(git_dir, "log", "-1", "--format=%b", commit))
        if body:
            yield Question(QuestionKind.COMMIT_BODY, f"{text}. {body}", parent, paths, answers, commit)
        asked += 1
        if asked == _PER_KIND:
            return


def _body(body: str) -> str:
    """Return the first paragraph of prose of a commit message's body, without links; "" where it says little."""
    for paragraph in re.split(r"\n\s*\n", body.replace("\r", "").strip()):
        lines = [line.strip() for line in paragraph.splitlines()]
        if any(_NO_TEXT.match(line) or _TRAILER.match(line) for line in lines):
            continue
        text = " ".join(_LINK.sub("", " ".join(lines)).split())
        if len(text.split()) in _BODY_WORDS and text.isascii():
            return text
    return ""


# --- documentation and names --------------------------------------------------------------------------------


def documentation_questions(chunks: Sequence[Chunk], tree: str, draw: random.Random) -> list[Question]:
    """Return questions from the documentation of functions, whose documentation is to be cut out of the tree."""
    seen = Counter(documentation_question(chunk.documentation) for chunk in chunks)
    able = [
        chunk
        for chunk in chunks
        if documentation_asks(chunk)
        and documentation_question(chunk.documentation).isascii()
        and seen[documentation_question(chunk.documentation)] == 1
        and len(chunk.text_spans) == 1
        and chunk.code != chunk.text
    ]
    return [
        Question(
            QuestionKind.DOCUMENTATION,
            documentation_question(chunk.documentation),
            tree,
            (chunk.path,),
            ((chunk.path, chunk.qualified_name),),
            chunk.qualified_name,
        )
        for chunk in draw.sample(able, min(_PER_KIND, len(able)))
    ]


def symbol_questions(chunks: Sequence[Chunk], tree: str, draw: random.Random) -> list[Question]:
    """Return questions that are a name, a name in another case style, or a part of a name."""
    by_name: dict[str, list[Chunk]] = {}
    for chunk in chunks:
        if chunk.kind in _DEFINITIONS and chunk.part == 0 and not TEST_PATH.search(chunk.path):
            by_name.setdefault(chunk.name, []).append(chunk)
    able = sorted(
        name
        for name, places in by_name.items()
        if len(name) in _NAME_LENGTH and name.isascii() and name.isidentifier() and len(places) <= _MOST_DEFINITIONS
    )
    several = [name for name in able if len(split_identifier(name)) > 1]
    exact = draw.sample(able, min(_PER_SYMBOL_KIND, len(able)))
    restyled = draw.sample(several, min(_PER_SYMBOL_KIND, len(several)))
    asked: list[tuple[QuestionKind, str, tuple[str, ...]]] = []
    asked += [(QuestionKind.SYMBOL, name, (name,)) for name in exact]
    asked += [(QuestionKind.SYMBOL_STYLE, _other_style(name), (name,)) for name in restyled]
    for text, names in _partly_remembered([name for name in able if len(split_identifier(name)) > 2], by_name, draw):
        asked.append((QuestionKind.SYMBOL_PART, text, names))
    return [_symbol_question(kind, text, names, by_name, tree) for kind, text, names in asked]


def _symbol_question(
    kind: QuestionKind, text: str, names: Sequence[str], by_name: Mapping[str, Sequence[Chunk]], tree: str
) -> Question:
    places = tuple(dict.fromkeys((chunk.path, chunk.qualified_name) for name in names for chunk in by_name[name]))
    return Question(kind, text, tree, tuple(dict.fromkeys(path for path, _ in places)), places, names[0])


def _partly_remembered(
    able: Sequence[str], by_name: Mapping[str, Sequence[Chunk]], draw: random.Random
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the words of names, one of them forgotten, and all names that hold the remaining ones."""
    words_of = {name: {word.lower() for word in split_identifier(name)} for name in by_name}
    yielded = 0
    for name in draw.sample(able, len(able)):
        words = [word.lower() for word in split_identifier(name)]
        del words[draw.randrange(len(words))]
        names = [name, *(other for other in by_name if other != name and words_of[other] >= set(words))]
        if sum(len(by_name[other]) for other in names) <= _MOST_DEFINITIONS and yielded < _PER_SYMBOL_KIND:
            yielded += 1
            yield " ".join(words), tuple(names)


def pasted_questions(chunks: Sequence[Chunk], tree: str, draw: random.Random) -> list[Question]:
    """Return questions that are a line of code, or a message in a string literal, of one function alone."""
    functions = [
        chunk for chunk in chunks if chunk.kind in (Kind.FUNCTION, Kind.METHOD) and not TEST_PATH.search(chunk.path)
    ]
    pieces: dict[QuestionKind, Callable[[Chunk], set[str]]] = {
        QuestionKind.CODE: lambda chunk: {line.strip() for line in chunk.code.split("\n")[1:] if _is_telling(line)},
        QuestionKind.MESSAGE: lambda chunk: {found[2] for found in _MESSAGE.finditer(chunk.code)},
    }
    asked = []
    for kind, pieces_of in pieces.items():
        places: dict[str, list[Chunk]] = {}
        for chunk in functions:
            for piece in pieces_of(chunk):
                places.setdefault(piece, []).append(chunk)
        able = sorted(piece for piece, where in places.items() if len(where) == 1)
        for piece in draw.sample(able, min(_PER_SYMBOL_KIND, len(able))):
            (chunk,) = places[piece]
            answer = (chunk.path, chunk.qualified_name)
            asked.append(Question(kind, piece, tree, (chunk.path,), (answer,), chunk.qualified_name))
    return asked


def _is_telling(line: str) -> bool:
    text = line.strip()
    return len(text) in _LINE_LENGTH and text.isascii() and text[0].isalnum() and len(set(terms(text))) >= 5


def _other_style(name: str) -> str:
    """Return ``parse_json`` for ``parseJson`` and the other way round."""
    words = [word.lower() for word in split_identifier(name)]
    if "_" in name.strip("_"):
        return words[0] + "".join(word.capitalize() for word in words[1:])
    return "_".join(words)
