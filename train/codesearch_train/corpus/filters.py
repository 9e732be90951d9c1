"""What makes a pair or a file worth learning from: each rule returns the reason why not.

The names of the reasons are the rows of the report that a corpus run prints and keeps in its manifest.
The first rules (three words at least, no tests, no trivial members) are CodeSearchNet's (arXiv
1909.09436, section 2); the others come from reading samples of what they left.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from codesearch_train.corpus.pairs import Pair, PairKind

__all__ = ["REASONS", "is_test_path", "is_vendored_path", "why_not", "why_not_file"]

MIN_WORDS = {
    PairKind.DOCSTRING: 3,
    PairKind.DOCSTRING_LONG: 6,
    PairKind.NAME: 2,
    PairKind.COMMENT: 4,
    PairKind.COMMIT: 4,
    PairKind.HEADING: 5,
    PairKind.PASSAGE: 2,
    PairKind.QUESTION: 3,
}
MAX_WORDS = {PairKind.NAME: 8, PairKind.COMMENT: 60, PairKind.COMMIT: 25}
MIN_CODE_LINES = {PairKind.COMMENT: 3, PairKind.NAME: 4, PairKind.PASSAGE: 1, PairKind.QUESTION: 1}
MIN_CODE_WORDS = 8
MAX_CODE_LINES = 400

_VENDORED = re.compile(
    r"(?:^|/)(?:node_modules|bower_components|jspm_packages|vendors?|third[_-]?party"
    r"|3rd[_-]?party|external|extern|externals|deps|dist"
    r"|build|out|min|minified|generated|gen|auto[_-]?generated|__generated__|Pods|Carthage"
    r"|\.yarn|packages/[^/]+/dist|site-packages"
    r"|jquery-ui|static/js|public/js|assets/js/(?:lib|libs|vendor))/",
    re.IGNORECASE,
)
_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|test[_-]?(?:data|suite|cases|utils|helpers|fixtures)|specs?"
    r"|__tests__|__mocks__|mocks?|fixtures?"
    r"|e2e|benchmarks?|benches|perf|fuzz|examples?|demos?|samples?|cypress|testdata"
    r"|androidTest|jvmTest|commonTest|integration[_-]tests?"
    r"|stories|playground|sandbox|snippets?|tutorials?|legacy[_-]tests?|features)/"
    r"|(?:^|/)(?:test_[^/]*|[^/]*_tests?|[^/]*_spec|[^/]*[.-](?:test|spec|stories|bench)"
    r"|conftest|[^/]*Tests?|[^/]*TestCase|[^/]*Specs?|[^/]*IT)"
    r"\.[A-Za-z]+$",
)
_TEST_CASE_SENSITIVE = re.compile(
    r"(?:^|/)(?:Tests?|[A-Z]\w*\.?Tests?|UnitTests?|Fixtures|Examples?|Demos?|Samples?|Benchmarks?)/"
)

_BOILERPLATE = re.compile(
    r"^(?:\{?@?inherit[_ ]?doc\}?\.?"
    r"|(?:get|set|gets|sets|getter|setter)s?(?: (?:and|or) sets?)? (?:the |for )?(?:method "
    r"|value |property )?\S*(?: \S+)?\.?"
    r"|(?:gets or sets|get or set|gets and sets|getter and setter|getter/setter)\b.{0,60}"
    r"|(?:constructor|destructor|ctor|default constructor|class constructor"
    r"|initializes? a new instance|creates? a new instance"
    r"|construct(?:s|ed)? (?:a|an|the) (?:new )?\S+|empty constructor|private constructor"
    r"|magic (?:getter|setter))\b.{0,50}"
    r"|(?:todo|fixme|xxx|hack|deprecated|not implemented|unimplemented|internal use"
    r"|for internal use|n/a|none|stub|noop|no-op)\b.*"
    r"|(?:auto[- ]?generated|automatically generated|this (?:file|class|method|function"
    r"|code) (?:is|was) (?:auto|generated)).*"
    r"|see (?:also )?\S+(?: \S+)?\.?|\(?non-javadoc\)?.*|(?:description|summary"
    r"|documentation) (?:of|for|goes|here).{0,40}"
    r"|(?:an? |the )?(?:overridden|implementation|implements|override)s? (?:of |for |from "
    r"|method )?(?:the )?\S+(?: \S+)?\.?"
    r"|(?:run|call|execute|invoke)s? the (?:test|command|migrations?|seeder|database seeds?)s?\.?"
    r"|(?:reverse|undo) the migrations?\.?"
    r"|(?:class|interface|trait|struct|enum|type|function|method|package|module) \S+\.?"
    r"|(?:returns?|return) \S+\.?|(?:the )?\S+ (?:class|method|function|constructor|property|interface)\.?)$",
    re.IGNORECASE,
)
_LEGAL = re.compile(
    r"\b(?:copyright|licen[cs]ed under|all rights reserved|spdx-license"
    r"|permission is hereby granted|without warranty)\b|\(c\) ?(?:19|20)\d\d",
    re.IGNORECASE,
)
_DIRECTIVE = re.compile(
    r"@inherit_?doc|@phan-|@psalm-|@phpstan-|noinspection|^\s*(?:eslint|jshint|jslint|jscs"
    r"|tslint|prettier|istanbul|c8|v8|webpack\w*|flow(?:-\w+)?|@flow|@ts-|@ts|ts-|noinspection"
    r"|nolint|nosonar|pylint|noqa"
    r"|mypy|type:|pragma|phpcs|@phpstan|@psalm|@codeCoverage|rubocop|:nodoc:|:nocov:|:stopdoc:"
    r"|:startdoc:|go:|clang-format|swiftlint|ktlint|detekt|checkstyle"
    r"|region\b|endregion\b|#region|#endregion|MARK:|mark -|\+build|export\b.*|spell-?checker"
    r"|cspell|coverage|spotless|fmt:|isort|yapf|language=)",
    re.IGNORECASE,
)
_URL_ONLY = re.compile(r"^\W*(?:see\W+)?https?://\S+\W*$", re.IGNORECASE)
_NOTE = re.compile(r"\b(?:todo|fixme|xxx|hack)\b", re.IGNORECASE)
_ASCII_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
_FOREIGN = re.compile(
    r"\b(?:el|los|las|una|para|por|con|del|que|está|esta|este|como|der|die|das|und|ist|nicht"
    r"|wird|werden|eine|einen|für|mit|von|auf"
    r"|les|des|une|est|pour|dans|qui|avec|sur|cette|nao|não|uma|você|os|dos|il|della|questo"
    r"|een|het|van|voor|retorna|devuelve|renvoie"
    r"|gibt|zurück|liefert|setzt|obtiene|verifica)\b",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"\b(?:the|a|an|of|to|and|or|is|are|for|in|on|if|with|this|that|from|by|be|it|as|at|when"
    r"|not|has|have|can|will|should|into|all|new"
    r"|return|returns|get|set|create|given|value|use|used)\b",
    re.IGNORECASE,
)
_TEST_CODE = re.compile(
    r"^\s*(?:#\[(?:\w+::)?(?:test|bench|rstest|cfg\(test\))|@(?:Test|ParameterizedTest"
    r"|BeforeEach|AfterEach)\b|\[(?:Fact|Theory|Test|TestCase|TestMethod)\b)",
    re.MULTILINE,
)
_TRIVIAL_NAMES = re.compile(
    r"^(?:constructor|init|new|main|setup|tear ?down|run|call|to string|to str|hash code"
    r"|equals|clone|dispose|get|set|test.*|it|describe"
    r"|method missing|respond to missing|get [a-z]+|set [a-z]+|is [a-z]+|has [a-z]+|on [a-z]+"
    r"|handle [a-z]+|magic method)$"
)
_COMMIT_NOISE = re.compile(
    r"^(?:merge\b|revert\b|release\b|bump\b|version\b|prepare\b|update (?:deps|dependenc"
    r"|changelog|readme|version|license|copyright|translations?)"
    r"|chore|style|ci|build|docs?|test|tests|lint|refactor(?:ing|ed)?\W|cleanup|clean up"
    r"|clean-up|minor|small|tweak|typo|fix(?:ed|es|ing)? (?:typo|lint|style"
    r"|tests?|build|ci|indent|whitespace|spelling|cs\b|coding|warning|review|comment)"
    r"|remove (?:unused|dead|debug)|rename\b|wip|more\b|misc|format|whitespace"
    r"|rubocop|eslint|prettier|backport|cherry|code review|address|review|apply|polish|nits?\b"
    r"|another|oops|use const|modernize|\[\w*ci)|changelog|\bcopyright\b"
    r"|\btypos?\b|\bspelling\b|\bdocs?\b|\bcomments?\b|\bdocblocks?\b|\bphpdoc\b|\bjavadoc\b"
    r"|\bjsdoc\b|\blint(?:er|ing)?\b|\bphpstan\b|\bpsalm\b|\bmypy\b"
    r"|^\W*#?\d+\W*$",
    re.IGNORECASE,
)


def is_vendored_path(path: str) -> bool:
    """Whether a path lies in a folder of copied, built or generated code."""
    return bool(_VENDORED.search(path))


def is_test_path(path: str) -> bool:
    """Whether a path is a test, a fixture, a benchmark or an example."""
    return bool(_TEST.search(path) or _TEST_CASE_SENSITIVE.search(path))


def why_not_file(path: str) -> str | None:
    """The reason to leave a file out by its path, or None."""
    if is_vendored_path(path):
        return "file: vendored or built"
    if is_test_path(path):
        return "file: test or example"
    return None


def _words(text: str) -> list[str]:
    return _ASCII_WORD.findall(text)


def _is_short_text(pair: Pair) -> bool:
    return len(_words(pair.text)) < MIN_WORDS[PairKind(pair.kind)]


def _is_long_text(pair: Pair) -> bool:
    limit = MAX_WORDS.get(PairKind(pair.kind))
    return limit is not None and len(_words(pair.text)) > limit


def _is_boilerplate(pair: Pair) -> bool:
    if pair.kind in (PairKind.QUESTION, PairKind.NAME):
        return False
    return bool(_BOILERPLATE.match(pair.text) or _DIRECTIVE.search(pair.text))


def _is_legal(pair: Pair) -> bool:
    return bool(_LEGAL.search(pair.text))


def _is_note(pair: Pair) -> bool:
    return pair.kind == PairKind.COMMENT and bool(_NOTE.search(pair.text) or _URL_ONLY.match(pair.text))


def _is_foreign(pair: Pair) -> bool:
    text = pair.text
    if not text.isascii():
        foreign_letters = sum(1 for character in text if character.isalpha() and not character.isascii())
        if foreign_letters > 0.1 * max(1, sum(1 for character in text if character.isalpha())):
            return True
    if pair.kind == PairKind.NAME:
        return False
    return len(_FOREIGN.findall(text)) > max(1, len(_ENGLISH.findall(text)))


def _is_not_prose(pair: Pair) -> bool:
    """More symbols than letters: drawings, tables, code that was commented out."""
    letters = sum(character.isalpha() or character.isspace() for character in pair.text)
    return pair.kind != PairKind.QUESTION and letters < 0.7 * len(pair.text)


def _is_short_code(pair: Pair) -> bool:
    lines = sum(1 for line in pair.code.split("\n") if line.strip())
    least = MIN_CODE_LINES.get(PairKind(pair.kind), 3)
    return lines < least or len(_ASCII_WORD.findall(pair.code)) < (
        3 if pair.kind == PairKind.QUESTION else MIN_CODE_WORDS
    )


def _is_long_code(pair: Pair) -> bool:
    return pair.code.count("\n") > MAX_CODE_LINES


def _is_test_code(pair: Pair) -> bool:
    return bool(_TEST_CODE.search(pair.code[:600]))


def _is_trivial_name(pair: Pair) -> bool:
    return pair.kind == PairKind.NAME and bool(_TRIVIAL_NAMES.match(pair.text))


def _is_commit_noise(pair: Pair) -> bool:
    return pair.kind == PairKind.COMMIT and bool(_COMMIT_NOISE.search(pair.text))


_RULES: tuple[tuple[str, Callable[[Pair], bool]], ...] = (
    ("text: too short", _is_short_text),
    ("text: too long", _is_long_text),
    ("text: boilerplate or directive", _is_boilerplate),
    ("text: legal notice", _is_legal),
    ("text: note to developers", _is_note),
    ("text: not prose", _is_not_prose),
    ("text: not English", _is_foreign),
    ("text: housekeeping commit", _is_commit_noise),
    ("text: trivial name", _is_trivial_name),
    ("code: test", _is_test_code),
    ("code: too short", _is_short_code),
    ("code: too long", _is_long_code),
)

REASONS = tuple(reason for reason, _ in _RULES)
"""Every reason that `why_not` gives, in the order in which it asks."""


def why_not(pair: Pair) -> str | None:
    """The first reason to leave a pair out, or None where it is good."""
    for reason, applies in _RULES:
        if applies(pair):
            return reason
    return None
