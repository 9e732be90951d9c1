"""Whether everything that codesearch stands on works here, and how to mend what does not."""

from __future__ import annotations

import importlib.metadata
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

from codesearch import __version__
from codesearch.encoders import load_encoder
from codesearch.encoders.devices import likely_gpu
from codesearch.errors import CodesearchError, MissingExtra
from codesearch.index.extraction_workers import extract_apart
from codesearch.index.graphs import graph_library
from codesearch.index.locations import list_indexes
from codesearch.index.seals import Seal, damaged_segment_file, holds_seal
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, lexical_directory, open_reader, seal_is_broken, segment_path
from codesearch.index.vector_cache import count_damaged
from codesearch.languages import LANGUAGES
from codesearch.settings import Settings
from codesearch.sources import git_version

__all__ = ["Check", "Outcome", "examine"]

_LEAST_FREE_BYTES: Final = 1 << 30
_LEAST_MARGIN: Final = 0.25

_PROBES: Final = {
    "bash": "probe() {\n  true\n}\n",
    "c": "int probe(void) {\n  return 1;\n}\n",
    "clojure": "(defn probe [x] x)\n",
    "cmake": "function(probe)\nendfunction()\n",
    "cpp": "class A {\n  int probe() { return 1; }\n};\n",
    "csharp": "class A {\n  int probe() { return 1; }\n}\n",
    "css": "@keyframes probe {\n  from { top: 0; }\n}\n",
    "cuda": "__global__ void probe(int x) {\n  x = 1;\n}\n",
    "dart": "int probe(int x) {\n  return x;\n}\n",
    "dockerfile": "FROM debian AS probe\nRUN true\n",
    "elixir": "defmodule A do\n  def probe(x) do\n    x\n  end\nend\n",
    "go": "package a\n\nfunc probe() int {\n\treturn 1\n}\n",
    "graphql": "type probe {\n  a: Int\n}\n",
    "groovy": "class A {\n  int probe() {\n    return 1\n  }\n}\n",
    "haskell": "module A where\n\nprobe :: Int\nprobe = 1\n",
    "html": "<script>\nfunction probe() {\n  return 1;\n}\n</script>\n",
    "java": "class A {\n  int probe() { return 1; }\n}\n",
    "javascript": "function probe() {\n  return 1;\n}\n",
    "julia": "function probe(x)\n  x\nend\n",
    "kotlin": "fun probe(): Int {\n  return 1\n}\n",
    "lua": "function probe()\n  return 1\nend\n",
    "make": "probe:\n\ttrue\n",
    "markdown": "# probe\n\ntext\n",
    "objective-c": "@implementation A\n- (int)probe {\n  return 1;\n}\n@end\n",
    "ocaml": "let probe x = x + 1\n",
    "perl": "sub probe {\n  return 1;\n}\n",
    "php": "<?php\nfunction probe() {\n  return 1;\n}\n",
    "powershell": "function probe {\n  1\n}\n",
    "protobuf": 'syntax = "proto3";\nmessage probe {\n  int32 a = 1;\n}\n',
    "python": "def probe():\n    return 1\n",
    "r": "probe <- function(x) {\n  x\n}\n",
    "rmarkdown": "```{r}\nprobe <- function(x) {\n  x\n}\n```\n",
    "ruby": "def probe\n  1\nend\n",
    "rust": "fn probe() -> i32 {\n    1\n}\n",
    "scala": "object A {\n  def probe(): Int = 1\n}\n",
    "solidity": "contract A {\n  function probe() public {}\n}\n",
    "sql": "CREATE TABLE probe (\n  a INT\n);\n",
    "starlark": "def probe():\n    return 1\n",
    "swift": "func probe() -> Int {\n  return 1\n}\n",
    "terraform": 'resource "a" "probe" {\n  b = 1\n}\n',
    "toml": "[probe]\na = 1\n",
    "tsx": "function probe() {\n  return 1;\n}\n",
    "typescript": "function probe(): number {\n  return 1;\n}\n",
    "yaml": "probe:\n  a: 1\n",
    "zig": "fn probe() i32 {\n    return 1;\n}\n",
}
"""A function called probe in each language, or what it has instead: a table, a heading, a target."""


class Outcome(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Something is absent or slow, and all works without it."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        outcome: How it came out.
        says: What was found.
        mend: What to do; "" where nothing needs doing.
    """

    name: str
    outcome: Outcome
    says: str
    mend: str = ""


def examine(settings: Settings, *, indexes: Path | None = None, verify: bool = False) -> Iterator[Check]:
    """Yield one check after the other; none raises.

    Args:
        settings: Of the user.
        indexes: Folder of all indexes, instead of the one in the cache.
        verify: Whether to read every byte of every index, and of the cache of vectors, and compare checksums.
    """
    yield Check("codesearch", Outcome.OK, f"{__version__}, Python {sys.version.split()[0]}, {sys.executable}")
    for name, look in (
        ("git", _git),
        ("grammars", _grammars),
        ("model", lambda: _model(settings)),
        ("graphics card", lambda: _gpu(settings)),
        ("vector graphs", _vector_graphs),
        ("cache", lambda: _cache(settings)),
    ):
        yield _safely(name, look)
    if verify:
        yield _safely("vectors", lambda: _remembered_vectors(settings.vector_cache))
    for directory, manifest in list_indexes(indexes or settings.indexes):
        yield _safely(f"index {directory.name}", _index_check(directory, manifest, verify=verify))


def _safely(name: str, look: Callable[[], tuple[Outcome, str, str]]) -> Check:
    try:
        return Check(name, *look())
    except Exception as error:  # what is wrong is what a doctor is for
        return Check(name, Outcome.FAILED, f"{type(error).__name__}: {error}"[:300], "report this")


def _git() -> tuple[Outcome, str, str]:
    version = git_version()
    if not version:
        return Outcome.NOTE, "not found: repositories are walked, and URLs cannot be cloned", "install Git"
    return Outcome.OK, version, ""


def _grammars() -> tuple[Outcome, str, str]:
    """Each grammar loads, and finds a function in a few lines."""
    broken = []
    able = [language for language in LANGUAGES.values() if language.grammar is not None]
    for language in able:
        try:
            chunks = extract_apart(f"a{language.suffixes[0]}", _PROBES[language.name], language)
            if "probe" not in {chunk.name for chunk in chunks}:
                broken.append(f"{language.name}: found no function")
        except Exception as error:
            broken.append(f"{language.name}: {error}"[:100])
    if broken:
        return Outcome.FAILED, "; ".join(broken), "pip install --force-reinstall codesearch-nl"
    return Outcome.OK, f"{len(able)} languages parse", ""


def _model(settings: Settings) -> tuple[Outcome, str, str]:
    """The encoder gives unit vectors, and a question is nearer to its answer than to something else."""
    try:
        encoder = load_encoder(settings.model, "cpu")
    except CodesearchError as error:
        return Outcome.FAILED, str(error), "pip install --force-reinstall codesearch-nl, or give another --model"
    question = encoder.encode_queries(["how large is a disk of this radius"])[0]
    right, wrong = encoder.encode_documents(
        ["circle_area\ndef circle_area(radius):\n    return pi * radius ** 2", "send_mail\ndef send_mail(to): smtp(to)"]
    )
    length, margin = float(np.linalg.norm(question)), float(question @ right - question @ wrong)
    says = f"{encoder.model_id}, {encoder.dimension} dimensions; an answer is {margin:.2f} nearer than something else"
    if abs(length - 1) > 1e-3 or (margin < _LEAST_MARGIN and settings.model != "hashing"):
        return Outcome.FAILED, says, "its vectors are wrong: pip install --force-reinstall codesearch-nl onnxruntime"
    return Outcome.OK, says, ""


def _gpu(settings: Settings) -> tuple[Outcome, str, str]:
    if find_spec("torch") is None:
        if likely_gpu() is None:
            return Outcome.OK, "none: vectors are made on the CPU", ""
        return Outcome.NOTE, "PyTorch is not installed: vectors are made on the CPU", "pip install 'codesearch-nl[gpu]'"
    from codesearch.encoders.torch import device_is_available

    found = [device for device in ("cuda", "mps") if device_is_available(device)]
    if not found:
        return Outcome.NOTE, "PyTorch sees none: vectors are made on the CPU", ""
    try:
        encoder = load_encoder(settings.model, found[0])
        encoder.encode_documents(["def probe(): ..."])
    except (CodesearchError, MissingExtra) as error:
        return Outcome.FAILED, str(error), "set the device to cpu, in codesearch.toml or by CODESEARCH_DEVICE"
    return Outcome.OK, f"{found[0]} encodes", ""


def _vector_graphs() -> tuple[Outcome, str, str]:
    library = graph_library()
    if library is None:
        return Outcome.NOTE, "no library of graphs: very large indexes are searched more slowly", "pip install usearch"
    return Outcome.OK, f"{library} {importlib.metadata.version(library)}", ""


def _cache(settings: Settings) -> tuple[Outcome, str, str]:
    folder = settings.cache
    mend = "free some space, `codesearch forget` what is not needed, or set CODESEARCH_CACHE to another folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        return Outcome.FAILED, f"{folder} cannot be written: {error}", mend
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    free = shutil.disk_usage(folder).free
    says = f"{folder}: {size / 1e6:,.0f} MB, {free / 1e9:,.1f} GB free"
    return (Outcome.NOTE, says, mend) if free < _LEAST_FREE_BYTES else (Outcome.OK, says, "")


def _remembered_vectors(path: Path) -> tuple[Outcome, str, str]:
    """Every row of the cache of vectors has the checksum that was written with it."""
    if not path.is_file():
        return Outcome.OK, "none are remembered", ""
    try:
        total, damaged = count_damaged(path)
    except sqlite3.Error as error:
        return Outcome.FAILED, f"{path} cannot be read: {error}", "it is made anew when it is next written to"
    if damaged:
        says = f"{damaged:,} of {total:,} are damaged, or of a version that wrote no checksums"
        return Outcome.NOTE, says, "nothing: they are not used, and made again when they are needed"
    return Outcome.OK, f"{total:,} are sound", ""


def _index_check(
    directory: Path, manifest: Manifest | CodesearchError, *, verify: bool
) -> Callable[[], tuple[Outcome, str, str]]:
    def look() -> tuple[Outcome, str, str]:
        if isinstance(manifest, CodesearchError):
            return Outcome.FAILED, str(manifest), "it is built anew when its repository is asked or indexed again"
        found = _index(directory, manifest)
        damaged = _damaged_file(directory) if verify and found[0] is not Outcome.FAILED else ""
        if damaged:
            place = manifest.name if manifest.imported else manifest.root
            anew = f"import {place} again" if manifest.imported else f"codesearch index --rebuild {place}"
            return Outcome.FAILED, f"{place}: {damaged} is not what was written", anew
        return found

    return look


def _damaged_file(directory: Path) -> str:
    """Return the name of a file of an index that has another checksum than it was written with; "" for none."""
    if seal_is_broken(directory, read=True):
        return "index.db"
    if name := damaged_segment_file(lexical_directory(directory), again=True):
        return f"lexical/{name}"
    connection, _ = open_reader(directory)
    try:
        segments = connection.execute("SELECT id, seal FROM segments").fetchall()
        counted = connection.execute("SELECT chunks, symbol, path, text, files, file_length FROM statistics").fetchone()
        words = "count(*), coalesce(sum(symbol), 0), coalesce(sum(path), 0), coalesce(sum(text), 0) FROM words"
        whole = "count(*), coalesce(sum(length), 0) FROM file_words"
        (of_chunks,), (of_files,) = (connection.execute(f"SELECT {sums}").fetchall() for sums in (words, whole))
        if counted != of_chunks + of_files:
            return "index.db"
    finally:
        connection.close()
    for segment, text in segments:
        path, seal = segment_path(directory, segment), Seal.parse(text)
        if path.exists() and (seal is None or not holds_seal(path, seal, read=True)):
            return path.name
    return ""


def _index(directory: Path, manifest: Manifest) -> tuple[Outcome, str, str]:
    """SQLite finds no fault, the index of words is of the same generation, the repository still exists."""
    place = manifest.name if manifest.imported else manifest.root
    anew = f"codesearch index --rebuild {place}"
    database = sqlite3.connect(f"file:{directory / 'index.db'}?mode=ro", uri=True)
    try:
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        verdict = str(error)
    finally:
        database.close()
    if verdict != "ok":
        return Outcome.FAILED, f"{place}: the database is damaged: {verdict}", anew
    with Snapshot(directory) as snapshot:
        counts = snapshot.counts()
        held = snapshot.lexical.generation if snapshot.lexical is not None else None
    says = f"{place}: {counts.files:,} files, {counts.chunks:,} chunks"
    if held != manifest.generation:
        return Outcome.NOTE, f"{says}; the index of words lags behind", f"codesearch index {place}"
    if not manifest.imported and not Path(manifest.root).is_dir():
        return Outcome.NOTE, f"{says}; the folder is gone", f"codesearch forget {place}"
    if counts.pending:
        return Outcome.NOTE, f"{says}; {counts.pending:,} texts are not encoded yet", f"codesearch index {place}"
    return Outcome.OK, says, ""
