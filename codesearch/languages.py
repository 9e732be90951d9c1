"""The table of languages: which file is what, and how it is read.

The rows are in ``languages.toml``. A language with a grammar needs one row there and one file
``queries/<name>.scm``; a language without one needs only a row. Nothing here loads a grammar.

How a file's language is found, first answer wins:

1. its whole name (``Makefile``, ``.bashrc``);
2. its longest known suffix (``.html.erb`` before ``.erb``), that of a template being what is made of it
   (``config.h.in``, ``.env.example``, ``main.go.tmpl``);
3. its name up to the first dot, dash or underscore, if that ends in "file" (``Dockerfile.prod``, ``Gemfile-next``);
4. the interpreter that its first line names;
5. what is in it, for a name that says nothing: what a modeline of Emacs or Vim names, else what its lines look like
   (`codesearch.formats.content`): "source", "config", "text", or data, which is not searched. Suffixes of data
   (pictures, tables, archives) are known, and are not looked into.

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

__all__ = ["LANGUAGES", "Language", "language_named", "language_of", "may_be_text", "refine"]


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

    @property
    def has_definitions(self) -> bool:
        """Whether a grammar finds definitions in it: it is code, and no text with headings or keys."""
        return self.grammar is not None and not self.sections


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

# Formats that are binary, or that programs write for programs, and what editors and tools leave behind. A file of any
# other suffix is looked into.
_DATA_SUFFIXES = frozenset(
    "7z a aff ai apk arrow asset avi avro bak bam bed bin blend bmp bz2 cassette cer ckpt class crt csv dae db "
    "deb der diff dll dmg docx dylib ear egg eml eot eps epub exe fa fasta fastq fbx feather flac fq gem gff gguf "
    "gif glb gltf gpg gtf gz h5 har hdf5 hex icns ico ics ihex iso jar jks jpeg jpg key lock log m4a map mat mbox "
    "md5 mdb mkv mol mov mp3 mp4 mtl npy npz o obj odp ods odt ogg old onnx orig otf p12 parquet patch pb pdb "
    "pdbqt pdf pem pfx pickle pkl ply png po pot ppt pptx prefab profraw ps psd psv pth pyc pyd pyo rar rda rdata "
    "rds rej rpm rtf safetensors sam sdf sha1 sha256 sha512 snap so sqlite sqlite3 srec stl sum svg svgz swp tar "
    "tflite tfrecord tfstate tgz tif tiff torrent tsv ttf unity vcf war wasm wav webm webp whl woff woff2 xls "
    "xlsx xyz xz zip zst".split()
)

# What Emacs and Vim read in a file's first or last lines, and their names for languages.
_MODELINE = re.compile(
    r"-\*-[^\n]*?\bmode:[ \t]*([\w+#-]+)[^\n]*-\*-|-\*-[ \t]*([\w+#-]+)[ \t]*-\*-"
    r"|\b(?:vim?|ex):[^\n]*?\b(?:ft|filetype|syntax)=([\w+#-]+)"
)
_MODELINE_LINES = 5
_MODES = {"sh": "bash", "shell-script": "bash", "c++": "cpp", "cs": "csharp", "js": "javascript", "cperl": "perl"}
_FILE_STEM = re.compile(r"[^._ -]*")

_SHEBANG = re.compile(r"^#!\s*(?P<program>\S+)(?P<arguments>.*)")


def language_of(path: str, first_line: str = "", text: str = "") -> Language | None:
    """The language of a file, from its name and, where that says nothing, its first line or all of it.

    Args:
        path: POSIX path, or just the file's name.
        first_line: The file's first line; "" is fine for a file whose name says enough.
        text: The whole text, for a file whose name says nothing; its beginning is looked at.

    Returns:
        The row of `LANGUAGES`, or None for a file that is not searched: a suffix of data, or data by its content.
        Without the text, None for any file whose name and first line say nothing.
    """
    name = path.rpartition("/")[2].lower()
    template_of = name.removesuffix(next((ending for ending in _TEMPLATES if name.endswith(ending)), ""))
    found = _by_name(template_of) or _by_name(name)
    if found is not None:
        return found
    stem = _FILE_STEM.match(name)[0]  # type: ignore[index]  # it matches anything
    if stem.endswith("file") and (found := _BY_FILENAME.get(stem)) is not None:
        return found
    found = _by_shebang(first_line)
    return found or (_by_content(text) if text and may_be_text(path) else None)


def may_be_text(path: str) -> bool:
    """Whether a file whose name says nothing may be searched: whether its suffix is not one of data."""
    name = path.rpartition("/")[2].lower()
    stem, dot, suffix = name.rpartition(".")
    return not name.endswith("~") and not (dot and stem and suffix in _DATA_SUFFIXES)


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
    """The language that a modeline names, else what the text looks like; None for data."""
    from codesearch.formats.content import judge  # late: its patterns take 5 ms, and few files need them

    lines = text.split("\n")
    for line in (*lines[:_MODELINE_LINES], *lines[-_MODELINE_LINES - 1 :]):
        if ("-*-" in line or ":" in line) and (found := _MODELINE.search(line[:300])):
            name = next(filter(None, found.groups())).lower()
            name = _MODES.get(name, name)
            if language := LANGUAGES.get(name) or _BY_SUFFIX.get(f".{name}"):
                return language
    return LANGUAGES.get(judge(text).language)


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
