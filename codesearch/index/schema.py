"""The tables of the index database, and how records become rows and come back."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Final

from codesearch.records import Chunk, Kind, Span

__all__ = ["CHUNK_SELECT", "FORMAT", "SCHEMA", "Manifest", "chunk_columns", "chunk_from_row"]

FORMAT: Final = 5
"""Raised whenever an older version could not read what this one writes, or the other way round; and whenever
the same file would be cut into other chunks, encoded as another text or analysed as other terms, so that no index
mixes the two."""

_COMMENTED: Final = """
CREATE TABLE manifest (one INTEGER PRIMARY KEY CHECK (one = 1), json TEXT NOT NULL);
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,           -- as the file system has it: not every name is UTF-8
    language TEXT NOT NULL,
    blob TEXT NOT NULL,                  -- Git's id of the content
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    generation INTEGER NOT NULL          -- of the transaction that last wrote its chunks
);
CREATE INDEX files_generation ON files (generation);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    file_id INTEGER NOT NULL REFERENCES files (id),
    vector_id INTEGER NOT NULL REFERENCES vectors (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    qualified_name TEXT NOT NULL,
    signature TEXT NOT NULL,
    documentation TEXT NOT NULL,
    first_line INTEGER NOT NULL,
    last_line INTEGER NOT NULL,
    spans TEXT NOT NULL,                 -- "1-4 9-9"
    text TEXT NOT NULL,
    code TEXT,                           -- NULL where it equals text
    part INTEGER NOT NULL
);
CREATE INDEX chunks_file ON chunks (file_id);
CREATE INDEX chunks_name ON chunks (name) WHERE name <> '';
CREATE INDEX chunks_vector ON chunks (vector_id);
CREATE TABLE vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,            -- hash of the text; all vectors are of the model in the manifest
    vector BLOB,                         -- float16; NULL exactly while the text is in `pending`
    segment INTEGER REFERENCES segments (id)  -- NULL while it is searched exactly
);
CREATE INDEX vectors_segment ON vectors (segment, id);
CREATE TABLE segments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again: a reader of an older state may want its file
    vectors INTEGER NOT NULL,            -- in the graph, those removed since included
    seal TEXT NOT NULL                   -- what the file was when it was written (codesearch.index.seals)
);
CREATE TABLE words (                     -- of each chunk that is in the lexical index, or is about to be
    chunk_id INTEGER PRIMARY KEY REFERENCES chunks (id),
    symbol INTEGER NOT NULL,             -- how many terms each field holds
    path INTEGER NOT NULL,
    text INTEGER NOT NULL,
    substance INTEGER NOT NULL,          -- how many words of its code do something
    tests INTEGER NOT NULL,              -- whether what is in it says that it is a test
    repeated BLOB NOT NULL               -- how often those occur in the text that occur more than once
);
CREATE TABLE file_words (                -- of each file whose chunks are in the lexical index, or are about to be
    file_id INTEGER PRIMARY KEY REFERENCES files (id),
    length INTEGER NOT NULL,             -- how many terms the texts of its chunks hold
    counts BLOB NOT NULL                 -- how often each occurs
);
CREATE TABLE statistics (                -- sums over `words` and `file_words`
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation INTEGER NOT NULL,         -- that `words` is of
    chunks INTEGER NOT NULL,
    symbol INTEGER NOT NULL,
    path INTEGER NOT NULL,
    text INTEGER NOT NULL,
    files INTEGER NOT NULL,
    file_length INTEGER NOT NULL
);
INSERT INTO statistics VALUES (1, 0, 0, 0, 0, 0, 0, 0);
CREATE TRIGGER chunk_removed AFTER DELETE ON chunks BEGIN
    DELETE FROM words WHERE chunk_id = old.id;
    DELETE FROM file_words WHERE file_id = old.file_id;
END;
CREATE TRIGGER file_words_added AFTER INSERT ON file_words BEGIN
    UPDATE statistics SET files = files + 1, file_length = file_length + new.length;
END;
CREATE TRIGGER file_words_removed AFTER DELETE ON file_words BEGIN
    UPDATE statistics SET files = files - 1, file_length = file_length - old.length;
END;
CREATE TRIGGER words_added AFTER INSERT ON words BEGIN
    UPDATE statistics SET
        chunks = chunks + 1, symbol = symbol + new.symbol, path = path + new.path, text = text + new.text;
END;
CREATE TRIGGER words_removed AFTER DELETE ON words BEGIN
    UPDATE statistics SET
        chunks = chunks - 1, symbol = symbol - old.symbol, path = path - old.path, text = text - old.text;
END;
CREATE TABLE pending (vector_id INTEGER PRIMARY KEY REFERENCES vectors (id), text TEXT NOT NULL);
CREATE TABLE removed (file_id INTEGER PRIMARY KEY, generation INTEGER NOT NULL);
CREATE TABLE skipped (
    path BLOB PRIMARY KEY,
    reason TEXT NOT NULL,                -- name of a SkipReason
    detail TEXT NOT NULL,
    blob TEXT NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    was_read INTEGER NOT NULL            -- 1 if its content decided, 0 if its name did
);
"""

SCHEMA: Final = re.sub(r"[ \t]*--[^\n]*", "", _COMMENTED)
"""What is executed. SQLite keeps the text of a schema: with its comments it would not fit into the first page, whose
loss is all that keeps a damaged database from being read at all."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index says about itself.

    Attributes:
        format: `FORMAT` of the version that wrote it.
        model_id: Of the encoder whose vectors it holds, "" before the first vector.
        dimension: Of the vectors, 0 before the first.
        root: Absolute path of the repository.
        name: What results call the repository.
        url: The URL it was cloned from, if it was.
        include: Patterns that a file must match, if any.
        exclude: Patterns that a file must not match.
        commit: Git commit of the last complete update, if the repository has one.
        generation: Number of the last transaction that changed chunks.
        created: Unix time of the first update.
        updated: Unix time of the last complete update that found a change, 0.0 before the first.
        imported: Unix time at which it came out of a file, without its source; 0.0 if it did not.
    """

    root: str
    name: str
    model_id: str = ""
    dimension: int = 0
    url: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    commit: str | None = None
    generation: int = 0
    created: float = 0.0
    updated: float = 0.0
    imported: float = 0.0
    format: int = FORMAT


_CHUNK_COLUMNS: Final = (
    "kind",
    "name",
    "qualified_name",
    "signature",
    "documentation",
    "first_line",
    "last_line",
    "spans",
    "text",
    "code",
    "part",
)


def chunk_columns(chunk: Chunk) -> dict[str, str | int | None]:
    """Return a chunk as the columns of its row, those that point to other tables left out."""
    return {
        "kind": chunk.kind.value,
        "name": chunk.name,
        "qualified_name": chunk.qualified_name,
        "signature": chunk.signature,
        "documentation": chunk.documentation,
        "first_line": chunk.span.start,
        "last_line": chunk.span.end,
        "spans": " ".join(f"{span.start}-{span.end}" for span in chunk.text_spans),
        "text": chunk.text,
        "code": None if chunk.code == chunk.text else chunk.code,
        "part": chunk.part,
    }


def _span(text: str) -> Span:
    start, _, end = text.partition("-")
    return Span(int(start), int(end))


def chunk_from_row(path: bytes, language: str, row: tuple[Any, ...]) -> Chunk:
    """Make a chunk from its file's path and language and its columns in the order of the schema."""
    kind, name, qualified_name, signature, documentation, first, last, spans, text, code, part = row
    return Chunk(
        path=os.fsdecode(path),
        language=language,
        kind=Kind(kind),
        name=name,
        qualified_name=qualified_name,
        signature=signature,
        documentation=documentation,
        span=Span(first, last),
        text_spans=tuple(_span(span) for span in spans.split()),
        text=text,
        code=text if code is None else code,
        part=part,
    )


CHUNK_SELECT: Final = ", ".join(f"chunks.{column}" for column in _CHUNK_COLUMNS)
"""The columns that :func:`chunk_from_row` takes, for a SELECT."""
