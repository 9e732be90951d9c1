"""Names that are defined inside of a chunk of another name: enum members, fields, the second constant of a line.

Where a question is one name and no chunk bears it, the texts of the candidates are looked at for the line that defines
it. What defines a name looks alike in nearly all languages: a keyword before it, an assignment at the start of a line,
or a place in the list that a type consists of. A line that only uses the name has none of these.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from codesearch.records import Chunk, Kind

__all__ = ["Declaration", "best_declarations", "find_declaration", "name_asked"]


class Declaration(NamedTuple):
    """Where a chunk defines a name.

    Attributes:
        certainty: From 0 to 1.
        line: 1-based line of the file.
    """

    certainty: float
    line: int


_NAME: Final = re.compile(r"[$@%&#.:]{0,2}(?:--)?([^\W\d][\w-]*[\w?!]|[^\W\d])")

# Between such a keyword and the name: modifiers, a type, other names of the declaration; nothing that gives a value.
_KEYWORD: Final = (
    r"(?:\b(?:const|let|var|val|static|ref|type|typedef|newtype|using|alias|alias_method|attr_\w+|scope|struct|enum|union"
    r"|class|interface|trait|protocol|record|exception|error|event|delegate|property|field|field_\w+|rpc|message|service"
    r"|scalar|table|index|view|column|local|global|our|my|has|declare|readonly|define|parameter|integer|real|logical"
    r"|character|belongs_to|has_many|has_one|add_column|object|namespace|module)|#\s*define"
    r"|@(?:typep?|opaque|callback|mixin|interface))\b"
)
# Right before the name.
_FUNCTION: Final = (
    r"\b(?:def\w*|fn|fun|func|function|sub|proc|mixin|macro|macro_rules!)\s+(?:\w+[.:#]{1,2})?|@function\s+|^\s*@"
)
_CALLED: Final = (
    r"\b(?:define|set|option|assign|declare|const_set|add_library|add_executable|Set-Variable\s+-Name|-define|-record|-type"
    r"|NewType|TypeVar|NS_ENUM|NS_OPTIONS|NS_CLOSED_ENUM|DEFINE_\w+|DECLARE_\w+|s/def|def\w*)\b"
)
_NO_DECLARATION: Final = (
    r"(?:return|if|elif|else|elsif|unless|while|until|for|foreach|when|where|and|or|not|in|is|await|yield|assert|print|echo"
    r"|throw|raise|delete|new|import|from|use|require|include|goto|emit|on|then|do|eq)\b"
)


class _Patterns(NamedTuple):
    """How lines look that define a name, with how certain that makes it; and lines that hold it at all."""

    telling: Sequence[tuple[float, re.Pattern[str]]]
    member: re.Pattern[str]
    anywhere: re.Pattern[str]


@lru_cache(maxsize=64)
def _patterns(name: str) -> _Patterns:
    exact = rf"(?<![\w-])(?:--)?[$@%&]*{re.escape(name)}(?![\w-])"
    telling = (
        (0.95, rf"{_KEYWORD}[^=;(){{}}\n]{{0,100}}?(?<!\.){exact}"),
        (0.95, rf"(?:{_FUNCTION}){exact}(?!\s*[.:])"),
        (0.95, rf"(?:{_CALLED}[\s(\"':]{{1,4}}(?:\w+\s*,\s*)?|\$\{{){exact}(?!\}})(?!\s*\()"),
        (0.95, rf"\buse\s+constant\b.*{exact}\s*=>"),
        (0.95, rf"\b(?:const|let|var|val)\s*[{{\[(][^=\n]*{exact}[^=\n]*[}}\])]\s*="),
        (
            0.9,  # public static int NAME = 1, exports.NAME = 1, NAME: int = 1, NAME <- 1
            rf"^[ \t]*(?:-\s+)?(?!{_NO_DECLARATION}|set\b)(?:[\w<>\[\]*&?:,.$]+\s+){{0,6}}?(?:[\w$]+(?:\.|::|:)){{0,4}}"
            rf"\"?{exact}\"?(?:\[[^\]\n]*\])?\s*(?::[^=:\n]{{1,60}})?(?::?=(?![=>~])|<-|\?=|::(?!\w)|:(?![:=]))",
        ),
        (0.9, rf"^[ \t]*{exact}\s*(?:,\s*\w+\s*){{1,8}}=(?!=)"),
        (
            0.8,  # int first = 1, NAME = 2
            r"^[ \t]*(?:export\s+|local\s+|pub\s+)*"
            r"(?:const|let|var|val|local|my|our|int|auto|[A-Za-z_][\w<>]*(?=\s+\w+\s*[=,]))?"
            rf"[\s({{\[]*(?:[\w$]+\s*(?:[:=][^,;(){{}}\n]{{0,40}})?,\s*){{1,8}}{exact}\s*(?:[,=;)}}\]]|$)",
        ),
        (0.75, rf"^[^;{{\n]*[.#]{exact}[^;{{\n]*\{{[^(]*$"),  # a class of CSS
        (0.7, rf"[{{;,]\s*{exact}\s*:(?!:)"),
    )
    return _Patterns(
        tuple((certainty, re.compile(pattern)) for certainty, pattern in telling),
        re.compile(
            rf"(?:^[ \t]*|[{{,|(;=>\[\'\"]\s*|\bcase\s+|\bof\s+|[\w>\])*&?]\s+){exact}\s*"
            rf"(?:[,;:=|({{}}\[\'\")]|\bof\b|[A-Z_]\w*\b|\w+\s*[,)]|$|--|//|#)"
        ),
        re.compile(exact),
    )


_ENUMERATION: Final = re.compile(
    r"\b(?:enum|data|type|newtype|datatype|union|error|bitflags|Enum|IntEnum|StrEnum|Flag|define)\b|@enum"
)
_HEADER: Final = re.compile(r"\b(?:class|struct|interface|trait|extends|implements|protocol|record|contract|object)\b")
_HEIR: Final = re.compile(r"(?:[:(<]|\bextends\b|\bimplements\b)[^{]*$")
_SUM_TYPE: Final = re.compile(r"\s*(?:(?:data|type|newtype|datatype|enum|and)\b|\|)")
_VALUE: Final = re.compile(r"=>?\s*$|==|&&|\|\||[<>]=?\s|->\s*$")
_USE: Final = re.compile(rf"\b{_NO_DECLARATION}[ \t(!]*$")

_LONGEST_LINE: Final = 400


def name_asked(question: str) -> str:
    """The bare name that the question is, as it is written; "" for any other question."""
    word = question.strip()
    match = _NAME.fullmatch(word)
    return match[1] if match is not None and len(match[1]) > 1 else ""


def find_declaration(chunk: Chunk, name: str) -> Declaration | None:
    """Find the line of a chunk that defines a name; None if none looks as if it did."""
    if name not in chunk.text:
        return None
    patterns = _patterns(name)
    is_type = chunk.kind is Kind.TYPE
    best: Declaration | None = None
    numbered = chunk.numbered_lines()
    enumerates = is_type or _is_enumeration(tuple(numbered.values()))
    inside = 0.5 if chunk.kind in (Kind.FUNCTION, Kind.METHOD) else 1.0
    for number, line in numbered.items():
        if len(line) > _LONGEST_LINE or not (found := patterns.anywhere.search(line)):
            continue
        certainty = inside * _certainty(line, line[: found.start()], patterns, enumerates)
        if certainty and (best is None or certainty > best.certainty):
            best = Declaration(certainty, number)
    return best


def _is_enumeration(lines: Sequence[str]) -> bool:
    return any(_ENUMERATION.search(line[:_LONGEST_LINE]) for line in lines[:40])


def _certainty(line: str, before: str, patterns: _Patterns, enumerates: bool) -> float:
    if line.lstrip().startswith(("//", "*", "/*")) or _USE.search(before):
        return 0.0
    if _HEADER.search(before) and _HEIR.search(before):
        return 0.0
    for certainty, pattern in patterns.telling:
        if pattern.search(line):
            return certainty
    is_member = enumerates and patterns.member.search(line)
    return 0.85 if is_member and (_SUM_TYPE.match(line) or not _VALUE.search(before)) else 0.0


def best_declarations(
    chunks: Mapping[tuple[int, int], Chunk], name: str, most: int = 3
) -> dict[tuple[int, int], Declaration]:
    """Find the chunks that define a name best, of those that are as likely as each other `most` at most.

    Args:
        chunks: By the position of their repository and their id.
        name: As it was asked.
        most: How many are returned; of more than that none is, for then the name tells too little.
    """
    found = {key: seen for key, chunk in chunks.items() if (seen := find_declaration(chunk, name)) is not None}
    highest = max((seen.certainty for seen in found.values()), default=0.0)
    best = {key: seen for key, seen in found.items() if seen.certainty == highest}
    return best if len(best) <= most else {}
