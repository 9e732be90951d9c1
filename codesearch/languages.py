"""The table of languages: which file is what, and how it is read.

The rows are in ``languages.toml``. A language with a grammar needs one row there and one file
``queries/<name>.scm``; a language without one needs only a row. Nothing here loads a grammar.

How a file's language is found, first answer wins:

1. its whole name (``Makefile``, ``.bashrc``);
2. its longest known suffix (``.html.erb`` before ``.erb``), that of a template being what is made of it
   (``config.h.in``, ``.env.example``, ``main.go.tmpl``);
3. its name up to the first dot, if that ends in "file" (``Dockerfile.prod``);
4. the interpreter that its first line names;
5. what is in it, for a suffix that nobody knows: "source" where its lines look like code, "text" where they are prose.
   Suffixes of data (pictures, tables, archives) are known, and are not looked into.

Some suffixes are shared between languages (``.h``, ``.m``). `language_of` answers with the most
likely one, and `refine` looks into the text: a header is C unless a line of it begins with
something that only C++ or Objective-C has.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

from codesearch.errors import InputError

__all__ = ["LANGUAGES", "Language", "language_named", "language_of", "may_be_source", "refine"]


@dataclass(frozen=True, slots=True)
class Language:
    """One row of the table, its keys being those of ``languages.toml``.

    Attributes:
        name: What ``--lang`` takes and results show.
        suffixes: File name endings, lower-case, with their dot.
        filenames: Whole file names, lower-case. One in ``file`` also matches with any ending: ``Dockerfile.prod``.
        interpreters: Program names of a ``#!`` line, without version digits.
        grammar: The grammar's wheel as ``module`` or ``module:function`` (default function ``language``); of the
            collection, ``semble_grammars:name``. None where there is none and the text is cut into windows.
        queries: Names of the files in ``queries/`` that together are the language's query.
        landmark: For text without a grammar, and for what a grammar makes nothing of: a multi-line regular
            expression whose matches begin a section (a heading, a table, a target); its first group is the section's
            name.
        comment: What a comment line begins with. Comment lines right above a landmark belong to its section.
        code: Whether a text with landmarks is code, and these are definitions.
        hidden: Regular expressions for what a file of the language holds and its grammar does not know, such as
            macros before a name; their group "hidden" is not shown to it. They are tried in order, and each sees
            spaces where one before it matched.
        sections: Whether the query finds the sections of a text (headings, keys), and no definitions.
        embeds: Whether ``<script>``, ``<style>`` and what stands between dashes at the top are in other languages.
    """

    name: str
    suffixes: tuple[str, ...] = ()
    filenames: tuple[str, ...] = ()
    interpreters: tuple[str, ...] = ()
    grammar: str | None = None
    queries: tuple[str, ...] = ()
    landmark: str | None = None
    comment: str | None = None
    code: bool = False
    hidden: tuple[str, ...] = ()
    sections: bool = False
    embeds: bool = False


# Suffixes that several languages share: the first regular expression that is found decides, else the
# row that lists the suffix. Each looks for a line that is common in the one language and impossible or
# rare in the other; a header with none of them is read well enough as C by either grammar.
_OBJECTIVE_C = r"(?m)^[ \t]*(?:#import\b|@(?:interface|implementation|protocol|class|import|end)\b)"
_CPP = (
    r"(?m)^[ \t]*(?:class[ \t]+\w[\w:]*[^;\n]*$|(?:inline[ \t]+)?namespace\b|template[ \t]*<|using[ \t]+\w|"
    r"(?:public|private|protected)[ \t]*:|static_assert\b|constexpr\b|enum[ \t]+class\b|explicit\b|virtual[ \t]|"
    r"#[ \t]*include[ \t]*<(?:c?(?:string|vector|map|memory|utility|functional|algorithm|iostream|stdint)|"
    r"cstdlib|cstring|cstddef|type_traits|string_view|optional|array|set|deque|list)>)"
)
_AMBIGUOUS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        ".h": ((_OBJECTIVE_C, "objective-c"), (_CPP, "cpp")),
        ".m": ((r"(?m)^[ \t]*(?:function\b|classdef\b|%|end[ \t]*$)", "matlab"),),
        ".pl": ((r"(?m)^:-[ \t]", "prolog"),),
        ".fs": ((r"(?m)^[ \t]*(?:#version\b|void[ \t]+main[ \t]*\(|uniform[ \t])", "hlsl"),),
        ".cls": ((r"(?m)^(?:VERSION[ \t]|Attribute[ \t]VB_)", "visual-basic"),),
        ".module": ((r"\A(?!\s*<\?)", "text"),),
    }
)

# Characters that are looked at to tell such languages apart: a header's tell-tale lines come early.
_REFINE_CHARACTERS = 65_536


def _read_table() -> dict[str, Language]:
    table = tomllib.loads(Path(__file__).with_name("languages.toml").read_text(encoding="utf-8"))
    lists = ("suffixes", "filenames", "interpreters", "queries", "hidden")
    return {
        name: Language(name, **(row | {key: tuple(row[key]) for key in lists if key in row}))
        for name, row in sorted(table.items())
    }


LANGUAGES: Mapping[str, Language] = MappingProxyType(_read_table())
"""Every language that is searched, by name."""


def _by_key(keys: Iterable[tuple[str, Language]]) -> dict[str, Language]:
    table: dict[str, Language] = {}
    for key, language in keys:
        if table.setdefault(key, language) is not language:
            raise ValueError(f"{key!r} belongs to both {table[key].name} and {language.name}")
    return table


_BY_FILENAME = _by_key((name, row) for row in LANGUAGES.values() for name in row.filenames)
_BY_SUFFIX = _by_key((suffix, row) for row in LANGUAGES.values() for suffix in row.suffixes)
_BY_INTERPRETER = _by_key((name, row) for row in LANGUAGES.values() for name in row.interpreters)

# What the name of a file that another one is made from ends with.
_TEMPLATES = (".in", ".tmpl", ".template", ".tpl", ".dist", ".example", ".sample")

# What is data whatever is in it; anything else that is not known is looked into.
_DATA_SUFFIXES = frozenset(
    "7z a aff ai ann apk arrow asc asset avi avro bak bam bed bin blend bmp bz2 cache cassette cer ckpt class "
    "coverage crt csv dae dat data db deb der dic diff dll dmg doc docx dump dylib ear egg eml eot eps epub "
    "err exe expected fa fasta fastq fbx feather flac fq gem gff gguf gif glb gltf golden gpg gtf gz h5 har "
    "hdf5 hex icns ico ics ihex iso jar jks jpeg jpg key lib lock log m4a map mat mbox md5 mdb meta mkv mo mol "
    "mov mp3 mp4 mtl npy npz o obj odp ods odt ogg old onnx orig otf out p12 parquet patch pb pdb pdbqt pdf "
    "pem pfx pickle pid pkl ply png po pot ppt pptx prefab prof profraw ps psd psv pt pth pyc pyd pyo rar rda "
    "rdata rds rej rpm rtf safetensors sam sdf seed sha1 sha256 sha512 sig snap snapshot so sqlite sqlite3 "
    "srec stl sum svg svgz swp tape tar temp tflite tfrecord tfstate tgz tif tiff tmp torrent trace tsv ttf "
    "unity vcf war wasm wav webm webp whl woff woff2 xls xlsx xyz xz zip zst".split()
)
_JUDGED_CHARACTERS = 20_000
_MIN_LINES = 3
_CODE_LINE = re.compile(
    r"[;{}(:,=]$|^[)}\]]|^(?:#\s*include|import|from|use|using|require|package|module|def|defn?|fn|func|fun|function|sub"
    r"|proc|procedure|class|struct|enum|trait|interface|type|let|var|val|const|return|if|elif|else|for|while|end|begin|case"
    r"|public|private|static|export|local|set|new|do|then)\b|^\(|\w\(.*\)$|[^=<>!]=[^=]|->|=>|::|:="
)
_COMMENT_LINE = re.compile(r"//|#|--|/\*|\*|;|%|\(\*")
_PROSE_LINE = re.compile(r"^(?:[-*#>=.\d)]+\s+)?[^\W\d_][^\W\d_]+(?:['’]\w+)?(?:[,.]?\s+\S*){3,}")

_SHEBANG = re.compile(r"^#!\s*(?P<program>\S+)(?P<arguments>.*)")


def language_of(path: str, first_line: str = "", text: str = "") -> Language | None:
    """The language of a file, from its name and, where that says nothing, its first line or all of it.

    Args:
        path: POSIX path, or just the file's name.
        first_line: The file's first line; "" is fine for a file whose name says enough.
        text: The whole text, for a file whose suffix is not known; only its beginning is looked at.

    Returns:
        The row of `LANGUAGES`, or None for a file that is not searched: an unknown suffix and no
        ``#!`` line that names a known interpreter, nor a text that is code or prose.
    """
    name = path.rpartition("/")[2].lower()
    template_of = name.removesuffix(next((ending for ending in _TEMPLATES if name.endswith(ending)), ""))
    found = _by_name(template_of) or _by_name(name)
    if found is not None:
        return found
    stem = name.partition(".")[0]
    if stem.endswith("file") and (found := _BY_FILENAME.get(stem)) is not None:
        return found
    found = _by_shebang(first_line)
    return found or (_by_content(text) if text and may_be_source(path) else None)


def may_be_source(path: str) -> bool:
    """Whether a file whose suffix is not known may hold code or prose: whether the suffix is not one of data."""
    stem, dot, suffix = path.rpartition("/")[2].lower().rpartition(".")
    return bool(dot and stem and suffix) and suffix not in _DATA_SUFFIXES and not suffix.isdigit()


def language_named(name: str, option: str = "--lang") -> str:
    """The name of a language that a person named by it, in any case, or by a suffix such as "py".

    Args:
        name: What was given.
        option: How it was given, for the error; "" where that needs no saying.

    Raises:
        InputError: No language is called so; says which are, the most alike or the most used.
    """
    wanted = {"c#": "cs", "f#": "fs", "golang": "go", "shell": "sh"}.get(name.lower(), name.lower())
    if wanted in LANGUAGES:
        return wanted
    by_suffix = language_of(f"a.{wanted.removeprefix('.')}")
    if by_suffix is None:
        raise InputError(f"{option} {name[:80]}: unknown language; {_known_like(wanted)}".lstrip())
    return by_suffix.name


def _known_like(name: str) -> str:
    alike = get_close_matches(name, LANGUAGES, 2, cutoff=0.7)
    if alike:
        return f"did you mean {' or '.join(alike)}?"
    parsed = sorted(language.name for language in LANGUAGES.values() if language.grammar)
    return f"known are {', '.join(parsed)}, and {len(LANGUAGES) - len(parsed)} more; a suffix such as .vue does as well"


def refine(language: Language, path: str, source: str) -> Language:
    """The language of a file whose suffix several languages share, from its text.

    ``.h`` is C, unless a line begins with what only C++ has (``namespace``, ``template <``,
    ``class X {``, an access specifier, a C++ standard header, ...) or only Objective-C has.

    Args:
        language: What `language_of` said.
        path: POSIX path, or just the file's name.
        source: The file's text; only its beginning is looked at.

    Returns:
        `language` itself where the suffix leaves no doubt.
    """
    suffix = path[path.rfind(".") :].lower() if "." in path else ""
    rules = _AMBIGUOUS.get(suffix, ())
    if not rules or _BY_SUFFIX.get(suffix) is not language:
        return language
    beginning = source[:_REFINE_CHARACTERS]
    return next((LANGUAGES[name] for pattern, name in rules if re.search(pattern, beginning)), language)


def _by_name(name: str) -> Language | None:
    return _BY_FILENAME.get(name) or _by_suffix(name)


def _by_suffix(name: str) -> Language | None:
    """Look up the longest suffix first: of ``a.html.erb`` first ``.html.erb``, then ``.erb``."""
    dot = name.find(".", 1)
    while dot != -1:
        if (found := _BY_SUFFIX.get(name[dot:])) is not None:
            return found
        dot = name.find(".", dot + 1)
    return None


def _by_content(text: str) -> Language | None:
    """Judge a text by its lines: code, prose, or (None) neither, which is data."""
    lines = [line.strip() for line in text[:_JUDGED_CHARACTERS].split("\n")]
    lines = [line for line in lines if line]
    if text.startswith(("<?xml", "<!DOCTYPE")):
        return LANGUAGES["xml"]
    if _is_table(lines):
        return None
    comments = sum(_COMMENT_LINE.match(line) is not None for line in lines)
    code = sum(_CODE_LINE.search(line) is not None for line in lines if _COMMENT_LINE.match(line) is None)
    prose = sum(_PROSE_LINE.match(line) is not None for line in lines)
    rest = len(lines) - comments
    if len(lines) >= _MIN_LINES and rest and code * 2 >= rest and any(map(str.isalpha, text[:_JUDGED_CHARACTERS])):
        return LANGUAGES["source"]
    return LANGUAGES["text"] if prose * 2 > len(lines) else None


def _is_table(lines: list[str]) -> bool:
    """Whether nearly every line has the same number of commas, tabs or the like, or no letters."""
    if not lines:
        return True
    bare = sum(not re.search(r"[^\W\d_]{2,}", line) for line in lines)
    if bare * 5 > len(lines) * 4:
        return True
    for delimiter in ",\t;|":
        counts = [line.count(delimiter) for line in lines]
        most = max(set(counts), key=counts.count)
        if most >= 2 and counts.count(most) * 5 >= len(lines) * 4 and len(lines) >= _MIN_LINES:
            return True
    return False


def _by_shebang(first_line: str) -> Language | None:
    if first_line.startswith("<?php"):
        return LANGUAGES["php"]
    shebang = _SHEBANG.match(first_line)
    if shebang is None:
        return None
    program = shebang["program"].rpartition("/")[2]
    if program == "env":  # "env -S deno run", "env FOO=1 python3": the first word that is a program
        words = (word for word in shebang["arguments"].split() if not word.startswith("-") and "=" not in word)
        program = next(words, "").rpartition("/")[2]
    return _BY_INTERPRETER.get(program.rstrip("0123456789.-").lower())
