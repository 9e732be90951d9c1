"""Questions from the descriptions of tests, answered by the code under test.

Which code that is, its place says (``tests/net/test_session.py`` is of ``src/net/session.py``), or the one file of the
repository that the test imports. Tests that lie in the file of their code (Rust, Zig) are of that file. Of its
definitions, those answer that the test names.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from posixpath import normpath

from codesearch.records import Chunk, Kind
from codesearch.search.ranking.path_roles import is_test
from codesearch.words import split_identifier
from codesearch_eval.repositories.benchmark import Question, QuestionKind
from codesearch_eval.repositories.changes import is_code
from codesearch_eval.repositories.own_names import file_stem, says_own_name, says_something

__all__ = ["Code", "SaidByTest", "descriptions", "test_questions", "without_inline_tests"]

_PER_KIND = 12
_PER_FILE = 2
_MOST_FUNCTIONS = 6
_LONGEST_TEST = 60
_WORDS = range(4, 26)
_DESCRIBED = r"""\s*\(?\s*(?P<quote>["'`])(?P<text>(?:(?!(?P=quote))[^\n\\]|\\.)+)(?P=quote)"""
_ATTRIBUTES = r"(?:\s*(?:#?\[[^\]\n]*\]|@\w+(?:\([^)\n]*\))?)\s*\n)*\s*"

_SCRIPTED = rf"^[ \t]*(?:it|test|specify|scenario|prop|property|testCase|testProperty)(?:\.\w+)*{_DESCRIBED}"
_SCALA = r'^[ \t]*(?:it should |"[^"\n]+" should |it\()?"(?P<text>[^"\n]+)"\)?(?:\.\w+)?[ \t]+in(?:Real|Ticked)?\b'
_JUNIT = (
    r'@DisplayName\("(?P<text>[^"\n]+)"\)'
    rf"|@(?:Test|ParameterizedTest)\b[^\n]*\n{_ATTRIBUTES}(?:public |internal |suspend )*(?:fun|void) "
    r"(?:`(?P<spaced>[^`\n]+)`|(?P<name>\w+))\("
)
_PATTERNS: Mapping[str, Sequence[str]] = {
    "python": (r"^[ \t]*(?:async )?def test_?(?P<name>\w+)\(",),
    "go": (r"^func Test_?(?P<name>\w+)\(", rf"t\.Run{_DESCRIBED}"),
    "rust": (rf"^[ \t]*#\[(?:\w+::)?test[^\]\n]*\]\s*\n{_ATTRIBUTES}(?:pub )?(?:async )?fn (?:test_)?(?P<name>\w+)\(",),
    "zig": (r'^test "(?P<text>[^"\n]+)"',),
    "java": (_JUNIT,),
    "kotlin": (_JUNIT, _SCRIPTED),
    "csharp": (
        rf"\[(?:Fact|Theory|Test|TestMethod)\b[^\]\n]*\]\s*\n{_ATTRIBUTES}"
        r"public (?:async )?(?:void|Task) (?P<name>\w+)\(",
    ),
    "php": (r"^[ \t]*public function test_?(?P<name>\w+)\(", _SCRIPTED),
    "swift": (r"^[ \t]*func test_?(?P<name>\w+)\(", r'@Test\("(?P<text>[^"\n]+)"'),
    "scala": (_SCALA, _SCRIPTED),
    "ruby": (_SCRIPTED, r"^[ \t]*def test_(?P<name>\w+)"),
    "c": (r"^TEST\((?:\w+,\s*)?(?P<name>\w+)[,)]",),
    "cpp": (r"^TEST(?:_[FP])?\(\w+,\s*(?P<name>\w+)\)", r"^TEST_CASE" + _DESCRIBED),
    "bash": (r"^@test" + _DESCRIBED,),
}
_OTHERS = (_SCRIPTED,)

_RUST_TESTS = re.compile(
    r"^#\[cfg\((?:all\()?test\b[^\n]*\n(?:#\[[^\n]*\n)*(?:pub )?mod \w+ \{\n(?:.*\n)*?\}\n?", re.MULTILINE
)
_ZIG_TEST = re.compile(r"^test (?:\"[^\"\n]*\"|\w+)? ?\{\n(?:.*\n)*?\}\n?", re.MULTILINE)
_INLINE = {"rust": _RUST_TESTS, "zig": _ZIG_TEST}

_AFFIXES = frozenset({"test", "tests", "spec", "specs", "unit", "it", "integration"})
_NO_NAMES = frozenset({"index", "mod", "init", "main", "lib", "types", "constants"})
_IMPORTS = re.compile(
    r"""(?:from|require\(|import\(|import|require_relative)\s*["'](?P<path>\.{1,2}/[^"'\n]+)["']"""
    r"|^[ \t]*(?:from|import) (?P<module>[\w.]+)",
    re.MULTILINE,
)
_SUFFIXES = ("", ".ts", ".tsx", ".js", ".mjs", ".jsx", ".rb", ".lua")


@dataclass(frozen=True, slots=True)
class SaidByTest:
    """A test: what it says that the code does, and its own text.

    Attributes:
        text: The description, or the words of the name.
        body: The text up to the next test.
    """

    text: str
    body: str


def descriptions(language: str, source: str) -> Iterator[SaidByTest]:
    """Yield the tests of a file of tests, in their order."""
    found = sorted(
        (match for pattern in _PATTERNS.get(language, _OTHERS) for match in re.finditer(pattern, source, re.MULTILINE)),
        key=lambda match: match.start(),
    )
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(source)
        body = "\n".join(source[match.end() : end].split("\n")[:_LONGEST_TEST])
        said = {name: value for name, value in match.groupdict().items() if value}
        text = said.get("text") or said.get("spaced") or ""
        if not text:
            text = " ".join(word.lower() for word in split_identifier(said["name"]))
        yield SaidByTest(" ".join(text.split()), body)


def without_inline_tests(path_language: str, source: str) -> str:
    """Return a file of code without the tests that lie in it."""
    pattern = _INLINE.get(path_language)
    return pattern.sub("", source) if pattern else source


@dataclass(frozen=True, slots=True)
class Code:
    """The code of a tree, tests left out.

    Attributes:
        paths: Of all its files.
        by_key: Those paths by the words of their names.
        functions: Qualified names of the functions of each file, by name.
    """

    paths: frozenset[str]
    by_key: Mapping[str, Sequence[str]]
    functions: Mapping[str, Mapping[str, Sequence[str]]]

    @classmethod
    def of(cls, paths: Iterable[str], chunks: Iterable[Chunk]) -> Code:
        """Return the code among the files of a tree."""
        code = sorted(path for path in paths if is_code(path) and not is_test(path))
        by_key: dict[str, list[str]] = {}
        for path in code:
            by_key.setdefault(_key(path), []).append(path)
        functions: dict[str, dict[str, list[str]]] = {}
        for chunk in chunks:
            if chunk.kind in (Kind.FUNCTION, Kind.METHOD) and chunk.part == 0:
                functions.setdefault(chunk.path, {}).setdefault(chunk.name, []).append(chunk.qualified_name)
        return cls(frozenset(code), by_key, functions)

    def under_test(self, path: str, source: str) -> str:
        """Return the path of the code that a file of tests is about; "" where that is not clear.

        Args:
            path: Of the tests.
            source: Their text.
        """
        key = _key(path)
        if key and key not in _NO_NAMES:
            near = sorted(((_shared_folders(path, other), other) for other in self.by_key.get(key, ())), reverse=True)
            if near and (len(near) == 1 or near[0][0] > near[1][0]):
                return near[0][1]
        imported = {found for match in _IMPORTS.finditer(source) for found in _imported(path, match, self.paths)}
        return next(iter(imported & self.paths), "") if len(imported) == 1 else ""


def test_questions(files: Mapping[str, tuple[str, str]], chunks: Sequence[Chunk], tree: str) -> list[Question]:
    """Return questions from the tests of a tree.

    Args:
        files: Language and text of each file, by path.
        chunks: Of all files.
        tree: Id of the commit.
    """
    code = Code.of(files, chunks)
    asked = [
        Question(QuestionKind.TEST, said.text, tree, (answer,), named, path)
        for path, (language, source) in files.items()
        for said, answer, named in _said_of_code(path, language, source, code)
    ]
    said = Counter(question.text.casefold() for question in asked)
    return _draw([question for question in asked if said[question.text.casefold()] == 1])


def _said_of_code(
    path: str, language: str, source: str, code: Code
) -> Iterator[tuple[SaidByTest, str, tuple[tuple[str, str], ...]]]:
    """Yield the tests of a file that can be asked, with the file of code and its definitions that answer."""
    if path in code.paths:
        inline = _INLINE.get(language)
        tests = "".join(found[0] for found in inline.finditer(source)) if inline else ""
        answer = path if tests else ""
    else:
        tests, answer = source, code.under_test(path, source)
    for said in descriptions(language, tests) if answer else ():
        # Haskell and shells call without a sign of it. Elsewhere a word that is no call is often but a word.
        calls = r"\w{3,}" if language in ("haskell", "bash") else r"\w{3,}[!?]?(?=\s?[(!<{])|(?<=[.:&])\w{3,}[!?]?"
        body = set(re.findall(calls, said.body))
        functions = code.functions.get(answer, {})
        named = tuple((answer, qualified) for name in functions if name in body for qualified in functions[name])
        if len(named) > _MOST_FUNCTIONS:
            named = ()
        if _asks(said.text, answer, [name for _, name in named]):
            yield said, answer, named


def _asks(text: str, answer: str, names: Sequence[str]) -> bool:
    return (
        len(text.split()) in _WORDS
        and text.isascii()
        and not re.search(r"[#$%]\{|%[sd]|\$\w|\\", text)  # a program fills something in
        and not says_own_name(text, [answer], names)
        and says_something(text, [answer])
    )


def _draw(asked: Sequence[Question]) -> list[Question]:
    """Return a few questions, not many of one file, in an order that has nothing to do with where they come from."""
    of_file: Counter[str] = Counter()
    drawn: list[Question] = []
    for question in sorted(asked, key=lambda one: sha256(f"{one.source}\0{one.text}".encode()).digest()):
        of_file[question.files[0]] += 1
        if of_file[question.files[0]] <= _PER_FILE and len(drawn) < _PER_KIND:
            drawn.append(question)
    return drawn


def _key(path: str) -> str:
    stem = ".".join(PurePosixPath(path).name.split(".")[:-1]) or file_stem(path)
    words = [word.lower() for word in split_identifier(stem)]
    while len(words) > 1 and words[-1] in _AFFIXES:
        words.pop()
    while len(words) > 1 and words[0] in _AFFIXES:
        del words[0]
    return "".join(words)


def _shared_folders(path: str, other: str) -> int:
    """Return how many folders two paths share, wherever these stand."""
    first, second = (Counter(part.lower() for part in PurePosixPath(p).parts[:-1]) for p in (path, other))
    return sum((first & second).values())


def _imported(path: str, match: re.Match[str], code: Collection[str]) -> Iterator[str]:
    """Yield the file of the repository that a test imports; what cannot be found as it is written."""
    folder = PurePosixPath(path).parent
    if match["path"]:
        target = normpath(str(folder / match["path"]))
        stems = (target, re.sub(r"\.[cm]?jsx?$", "", target))
        names = [stem + suffix for stem in stems for suffix in _SUFFIXES]
        found = next((name for name in names if name in code), match["path"])
    elif match["module"].startswith("."):
        module = match["module"].lstrip(".")
        up = "../" * (len(match["module"]) - len(module) - 1)
        target = normpath(str(folder / up / f"{module.replace('.', '/')}.py"))
        found = target if target in code else match["module"]
    else:
        end = f"{match['module'].replace('.', '/')}.py"
        found = next((name for name in code if name == end or name.endswith(f"/{end}")), "")
    if found and file_stem(found) not in _NO_NAMES and not is_test(found):
        yield found
