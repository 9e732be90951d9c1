from __future__ import annotations

import io
import json
import os
import sqlite3
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import IndexBusy, InputError, StorageError
from codesearch.index.locations import imported_root, index_directory, list_indexes
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, open_writer
from codesearch.portable import Description, export_index, import_index, relate, relation_text
from codesearch.records import Repository
from codesearch.search.candidates import Filters, find_in
from codesearch.search.notices import NoticeKind
from codesearch.search.pipeline import search
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan

WriteTree = Callable[[Path, Mapping[str, str]], Path]
Edit = Callable[[sqlite3.Connection], object]


@pytest.fixture
def index(environment: Path) -> Callable[..., Path]:
    """Index a folder; returns the index directory."""

    def run(root: Path, encoder: HashingEncoder | None = HashingEncoder()) -> Path:  # noqa: B008
        job = plan(open_repository(root, cache=environment), load_settings())
        for _ in bring_up_to_date(job, None if encoder is None else lambda: encoder):
            pass
        return job.directory

    return run


@pytest.fixture
def exported_here(git_sample: Path, index: Callable[..., Path], tmp_path: Path) -> Path:
    """An export of the sample of this very test."""
    with Snapshot(index(git_sample)) as snapshot:
        export_index(snapshot, tmp_path / "index.zip")
    return tmp_path / "index.zip"


_EXPORTED: list[bytes] = []


@pytest.fixture
def exported(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """An export of a sample, made once for all tests."""
    if not _EXPORTED:
        _EXPORTED.append(request.getfixturevalue("exported_here").read_bytes())
    path = tmp_path / "index.zip"
    path.write_bytes(_EXPORTED[0])
    return path


def load(path: Path, indexes: Path, name: str | None = None) -> tuple[Description, str]:
    importing = import_index(path, indexes, name=name)
    while True:
        try:
            next(importing)
        except StopIteration as stop:
            return stop.value


def directory_of(indexes: Path, name: str) -> Path:
    return index_directory(indexes, imported_root(name))


def rows(directory: Path) -> dict[str, Any]:
    """What an index holds, but for where it lies."""
    connection = sqlite3.connect(directory / "index.db")
    try:
        chunks = connection.execute("SELECT * FROM chunks ORDER BY id").fetchall()
        vectors = connection.execute("SELECT id, key, vector FROM vectors ORDER BY id").fetchall()
        files = connection.execute("SELECT id, path, language, blob, size FROM files ORDER BY id").fetchall()
        skipped = connection.execute("SELECT path, reason FROM skipped ORDER BY path").fetchall()
    finally:
        connection.close()
    return {"chunks": chunks, "vectors": vectors, "files": files, "skipped": skipped}


# --- there and back -----------------------------------------------------------------------------------------


def test_an_imported_index_answers_as_the_one_that_was_exported(
    git_sample: Path, index: Callable[..., Path], exported_here: Path, tmp_path: Path
) -> None:
    exported = exported_here
    description, name = load(exported, tmp_path / "elsewhere")
    assert (name, description.model_id, description.pending) == ("sample", "hashing-64", 0)
    before, after = index(git_sample), directory_of(tmp_path / "elsewhere", "sample")
    assert rows(after) == rows(before)
    for question in ("parse a configuration", "ConfigError.describe", "wait longer", "table of customers"):
        with Snapshot(before) as here, Snapshot(after) as there:
            mine, theirs = (search([snapshot], question, HashingEncoder()) for snapshot in (here, there))
        assert [(m.chunk, m.score) for m in mine.matches] == [(m.chunk, m.score) for m in theirs.matches]
        assert theirs.notices == ()
        assert all(match.imported for match in theirs.matches)
        assert not any(match.imported for match in mine.matches)


def test_the_file_does_not_tell_where_the_repository_lay(exported_here: Path, git_sample: Path) -> None:
    with zipfile.ZipFile(exported_here) as file:
        held = file.read("index.db") + file.read("index.json")
    assert os.fsencode(git_sample) not in held
    assert str(git_sample.parent).encode() not in held


def test_the_manifest_says_what_it_is(exported: Path, tmp_path: Path) -> None:
    description, _ = load(exported, tmp_path / "i")
    (directory, manifest), *others = list_indexes(tmp_path / "i")
    assert isinstance(manifest, Manifest)
    assert (others, manifest.name, manifest.commit) == ([], "sample", description.commit)
    assert description.commit is not None
    assert time.time() - manifest.imported < 60
    assert manifest.updated == description.updated
    assert directory == directory_of(tmp_path / "i", "sample")


def test_what_waits_to_be_encoded_comes_along(git_sample: Path, index: Callable[..., Path], tmp_path: Path) -> None:
    with Snapshot(index(git_sample, None)) as snapshot:
        assert export_index(snapshot, tmp_path / "a.zip").pending > 0
    load(tmp_path / "a.zip", tmp_path / "i")
    with Snapshot(directory_of(tmp_path / "i", "sample")) as imported:
        assert imported.pending_count > 0
        answer = search([imported], "parse a configuration", HashingEncoder())
        assert answer.matches[0].chunk.name == "parse_config"
        (notice,) = answer.notices
        assert notice.kind is NoticeKind.EMBEDDINGS_PENDING
        assert "codesearch index" not in notice.text


def test_large_indexes_get_their_graphs_back(
    git_sample: Path, index: Callable[..., Path], exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codesearch.index.dense.EXACT_LIMIT", 3)
    load(exported, tmp_path / "i")
    with Snapshot(directory_of(tmp_path / "i", "sample")) as snapshot:
        assert snapshot.dense is not None
        assert snapshot.dense.segment_count == 1
        found = search([snapshot], "parse a configuration file", HashingEncoder())
    assert found.matches[0].chunk.name == "parse_config"
    monkeypatch.setattr("codesearch.index.dense.EXACT_LIMIT", 0)
    with Snapshot(directory_of(tmp_path / "i", "sample")) as snapshot:
        export_index(snapshot, tmp_path / "again.zip")
    load(tmp_path / "again.zip", tmp_path / "j")
    assert rows(directory_of(tmp_path / "j", "sample")) == rows(directory_of(tmp_path / "i", "sample"))


def test_a_newer_import_takes_the_place_of_an_older(
    git_sample: Path, index: Callable[..., Path], exported_here: Path, tmp_path: Path
) -> None:
    exported = exported_here
    indexes = tmp_path / "i"
    load(exported, indexes)
    with Snapshot(directory_of(indexes, "sample")) as reader:
        (git_sample / "new.py").write_text("def zebra():\n    return 1\n")
        with Snapshot(index(git_sample)) as snapshot:
            export_index(snapshot, exported)
        load(exported, indexes)
        assert not find_in(reader, ["zebra"], None, 5, Filters()), "a reader keeps what it saw"
    with Snapshot(directory_of(indexes, "sample")) as snapshot:
        assert search([snapshot], "zebra", None).matches
    load(exported, indexes, name="owner/other")
    assert {m.name for _, m in list_indexes(indexes) if isinstance(m, Manifest)} == {"sample", "owner/other"}
    assert len(list(indexes.iterdir())) == 2, "nothing is left lying"


def test_a_busy_import_is_left_alone(exported: Path, tmp_path: Path) -> None:
    load(exported, tmp_path / "i")
    directory = directory_of(tmp_path / "i", "sample")
    with open_writer(directory, Manifest("/", "x")), pytest.raises(IndexBusy):
        load(exported, tmp_path / "i")
    with Snapshot(directory) as snapshot:
        assert snapshot.chunk_count
    assert [path.name for path in (tmp_path / "i").iterdir()] == [directory.name]


def test_an_import_that_cannot_take_its_place_leaves_the_older(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(exported, tmp_path / "i")
    replace = Path.replace

    def fail(path: Path, target: Path) -> Path:
        if path.name == "built":
            raise OSError(5, "Input/output error", str(path))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        load(exported, tmp_path / "i")
    with Snapshot(directory_of(tmp_path / "i", "sample")) as snapshot:
        assert search([snapshot], "parse", None).matches
    assert len(list((tmp_path / "i").iterdir())) == 1


def test_what_a_killed_import_left_is_swept_away_a_day_later(exported: Path, tmp_path: Path) -> None:
    for name, age in ((".import-old", 90_000), (".import-now", 10)):
        (tmp_path / "i" / name / "built").mkdir(parents=True)
        os.utime(tmp_path / "i" / name, (time.time() - age, time.time() - age))
    load(exported, tmp_path / "i")
    left = {path.name for path in (tmp_path / "i").iterdir()}
    assert left == {".import-now", directory_of(tmp_path / "i", "sample").name}


def test_an_imported_index_is_not_brought_up_to_date(environment: Path) -> None:
    job = plan(Repository(imported_root("x"), "x", imported=True), load_settings())
    with pytest.raises(InputError, match="import a newer file"):
        next(bring_up_to_date(job, None))


# --- what is not written ------------------------------------------------------------------------------------


def test_an_export_overwrites_exports_only(git_sample: Path, index: Callable[..., Path], exported: Path) -> None:
    with Snapshot(index(git_sample)) as snapshot:
        before = exported.read_bytes()
        export_index(snapshot, exported)
        assert exported.read_bytes() != b"" != before
        precious = git_sample / "src" / "config.py"
        for path in (precious, git_sample):
            with pytest.raises(InputError, match=r"choose another name|is a folder"):
                export_index(snapshot, path)
        assert "parse_config" in precious.read_text()
        with pytest.raises(StorageError, match="cannot be written"):
            export_index(snapshot, git_sample / "no" / "index.zip")


def test_a_failed_export_leaves_the_older_file_and_nothing_else(
    git_sample: Path, index: Callable[..., Path], exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, beside = exported.read_bytes(), sorted(exported.parent.iterdir())

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", fail)
    with Snapshot(index(git_sample)) as snapshot, pytest.raises(StorageError, match="no space left"):
        export_index(snapshot, exported)
    assert exported.read_bytes() == before
    assert sorted(exported.parent.iterdir()) == beside


# --- files that are not what they say -----------------------------------------------------------------------


def rewrite(path: Path, edit: Edit | None = None, description: Mapping[str, Any] | None = None) -> None:
    """Change the database of an exported file, and describe it as the attacker would: consistently."""
    with zipfile.ZipFile(path) as file:
        database, described = file.read("index.db"), json.loads(file.read("index.json"))
    if edit is not None:
        scratch = path.with_name("scratch.db")
        scratch.write_bytes(database)
        connection = sqlite3.connect(scratch, isolation_level=None)
        edit(connection)
        connection.close()
        database = scratch.read_bytes()
        scratch.unlink()
    described |= {"bytes": len(database), "sha256": sha256(database).hexdigest(), **(description or {})}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("index.db", database)
        file.writestr("index.json", json.dumps(described))


def sql(*statements: str) -> Edit:
    return lambda connection: [connection.execute(statement) for statement in statements]


def schema(statement: str) -> Edit:
    """Change the schema where SQLite would not."""

    def edit(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(statement)

    return edit


HOSTILE_DATABASES: Mapping[str, tuple[Edit, str]] = {
    "a trigger": (
        sql("CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM chunks; END"),
        "its tables are not those of an index",
    ),
    "a view": (sql("CREATE VIEW v AS SELECT load_extension('x')"), "its tables are not"),
    "a table more": (sql("CREATE TABLE x (y)"), "its tables are not"),
    "a virtual table": (sql("CREATE VIRTUAL TABLE x USING fts5 (y)"), "its tables are not"),
    "a table less": (sql("DROP TABLE skipped"), "its tables are not"),
    "a view in place of a table": (
        sql("DROP TABLE skipped", "CREATE VIEW skipped AS SELECT path, '' AS reason FROM files"),
        "its tables are not",
    ),
    "another schema text": (
        schema("UPDATE sqlite_master SET sql = sql || ' ' WHERE name = 'files'"),
        "no export writes",
    ),
    "a path upwards": (sql("UPDATE files SET path = CAST('../../etc/passwd' AS BLOB) WHERE id = 1"), "leads elsewhere"),
    "an absolute path": (sql("UPDATE files SET path = CAST('/etc/passwd' AS BLOB) WHERE id = 1"), "leads elsewhere"),
    "a path with a NUL": (sql("UPDATE files SET path = x'610062' WHERE id = 1"), "leads elsewhere"),
    "an empty path": (sql("UPDATE files SET path = x'' WHERE id = 1"), "leads elsewhere"),
    "a path that is text": (sql("UPDATE files SET path = 'a.py' WHERE id = 1"), "files.path holds something else"),
    "a skipped path upwards": (
        sql("INSERT INTO skipped VALUES (CAST('../x' AS BLOB), 'BINARY', '', '', 0, 0, 0)"),
        "leads elsewhere",
    ),
    "an unknown reason": (
        sql("INSERT INTO skipped VALUES (CAST('x' AS BLOB), 'WHIM', '', '', 0, 0, 0)"),
        "for a reason that there is not",
    ),
    "an unknown language": (sql("UPDATE files SET language = 'klingon'"), "it has files in 'klingon'"),
    "an unknown kind": (sql("UPDATE chunks SET kind = 'spell'"), "spell"),
    "spans that are none": (sql("UPDATE chunks SET spans = 'a-b'"), "no export writes"),
    "no spans": (sql("UPDATE chunks SET spans = ''"), "chunks that are nowhere"),
    "a span without end": (sql("UPDATE chunks SET spans = '1-999999999999'"), "chunks that are nowhere"),
    "a long span": (sql("UPDATE chunks SET spans = '1-2000000000'"), "chunks that are nowhere"),
    "a line that is text": (sql("UPDATE chunks SET first_line = 'x'"), "chunks that are nowhere"),
    "a name that is a blob": (sql("UPDATE chunks SET name = x'ff00'"), "chunks that are no text"),
    "text that is no UTF-8": (sql("UPDATE chunks SET text = CAST(x'ff' AS TEXT)"), "no export writes"),
    "a part that is text": (sql("UPDATE chunks SET part = 'x'"), "no export writes"),
    "a chunk of no file": (sql("UPDATE chunks SET file_id = 999 WHERE id = 1"), "point to nothing"),
    "fewer chunks than it says": (sql("DELETE FROM chunks WHERE id = 1"), "chunks, and has"),
    "a vector too short": (sql("UPDATE vectors SET vector = x'0000'"), "of another length"),
    "a vector that is text": (sql("UPDATE vectors SET vector = 'x'"), "of another length"),
    "vectors of nothing": (sql("UPDATE vectors SET vector = zeroblob(128)"), "no directions"),
    "vectors that are not finite": (
        lambda db: db.execute("UPDATE vectors SET vector = ?", [b"\x00\x7e" * 64]),
        "no directions",
    ),
    "a vector in no graph": (
        sql("INSERT INTO segments VALUES (1, 1, '')", "UPDATE vectors SET segment = 1"),
        "in graphs that it does not hold",
    ),
    "a text that waits for nothing": (sql("UPDATE vectors SET vector = NULL"), "neither a vector"),
}


def nothing_imported(indexes: Path) -> None:
    assert not indexes.exists() or list(indexes.iterdir()) == []


@pytest.mark.parametrize("name", HOSTILE_DATABASES)
def test_a_database_that_no_export_writes_is_refused(exported: Path, tmp_path: Path, name: str) -> None:
    edit, message = HOSTILE_DATABASES[name]
    rewrite(exported, edit)
    with pytest.raises(InputError, match=message):
        load(exported, tmp_path / "i")
    nothing_imported(tmp_path / "i")


@pytest.mark.parametrize("offset", range(0, 60_000, 5_500))
def test_noise_anywhere_in_the_database_is_no_crash(exported: Path, tmp_path: Path, offset: int) -> None:
    with zipfile.ZipFile(exported) as file:
        database = bytearray(file.read("index.db"))
        described = json.loads(file.read("index.json"))
    at = offset % len(database)
    for position in range(at, min(at + 64, len(database))):
        database[position] ^= 0xA5
    described["sha256"] = sha256(database).hexdigest()
    with zipfile.ZipFile(exported, "w") as file:
        file.writestr("index.db", bytes(database))
        file.writestr("index.json", json.dumps(described))
    try:
        load(exported, tmp_path / "i")  # what lies in the free part of a page changes nothing
    except InputError:
        nothing_imported(tmp_path / "i")
    else:
        with Snapshot(directory_of(tmp_path / "i", "sample")) as snapshot:
            search([snapshot], "parse", HashingEncoder())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "by a newer version of codesearch: upgrade"),
        ({"format": 10**6}, "by a newer version of codesearch: upgrade"),
        ({"format": 0}, "by an older version of codesearch: export it again"),
        ({"version": "1"}, "says nothing"),
        ({"name": 7}, "name is '7'"),
        ({"name": "x" * 2_000}, "name is too long"),
        ({"name": "../../x"}, "cannot be a name: give another with --name"),
        ({"name": "/etc"}, "cannot be a name"),
        ({"name": "a\x1b[31m"}, "cannot be a name"),
        ({"name": "a..b/../c"}, "cannot be a name"),
        ({"name": ""}, "cannot be a name"),
        ({"commit": "--output=x"}, "its commit is none"),
        ({"updated": -1}, "updated is -1"),
        ({"updated": float("nan")}, "updated is nan"),
        ({"dimension": 10**9}, "of no model"),
        ({"dimension": 32}, "of another length"),
        ({"dimension": 0, "model_id": ""}, "of another length"),
        ({"dimension": True}, "dimension is 'True'"),
        ({"bytes": 1}, "another size"),
        ({"bytes": 10**15}, "no space left|another size"),
        ({"sha256": "0" * 64}, "not the one that was exported"),
        ({"chunks": 1}, "chunks, and has"),
    ],
)
def test_a_description_that_is_not_true_is_refused(
    exported: Path, tmp_path: Path, change: Mapping[str, Any], message: str
) -> None:
    rewrite(exported, description=change)
    with pytest.raises((InputError, StorageError), match=message):
        load(exported, tmp_path / "i")
    nothing_imported(tmp_path / "i")


def zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


NO_EXPORTS: Mapping[str, bytes] = {
    "empty": b"",
    "text": b"hello\n" * 1000,
    "a database": b"SQLite format 3\0" + bytes(4096),
    "an empty zip": zipped([]),
    "another zip": zipped([("a.txt", b"x")]),
    "a path upwards": zipped([("../../index.db", b"x"), ("index.json", b"{}")]),
    "a member more": zipped([("index.db", b"x"), ("index.json", b"{}"), ("../evil", b"x")]),
    "no object": zipped([("index.db", b"x"), ("index.json", b"[]")]),
    "no JSON": zipped([("index.db", b"x"), ("index.json", b"\xff\xfe{")]),
    "deep JSON": zipped([("index.db", b"x"), ("index.json", b"[" * 60_000)]),
    "long JSON": zipped([("index.db", b"x"), ("index.json", b" " * 10_000_000 + b"{}")]),
}


@pytest.mark.parametrize("kind", NO_EXPORTS)
def test_what_is_no_export_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(NO_EXPORTS[kind])
    with pytest.raises(InputError, match="is no index that `codesearch export` wrote"):
        load(path, tmp_path / "i")
    nothing_imported(tmp_path / "i")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_refused(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported, "a") as file:
        file.writestr("index.db", b"x")
    with pytest.raises(InputError, match="is no index"):
        load(exported, tmp_path / "i")


def test_a_file_that_was_cut_short_is_refused(exported: Path, tmp_path: Path) -> None:
    whole = exported.read_bytes()
    for size in (10, 1_000, len(whole) // 2, len(whole) - 10):
        exported.write_bytes(whole[:size])
        with pytest.raises(InputError, match="is no index"):
            load(exported, tmp_path / "i")


def test_a_bomb_is_refused_before_it_is_unpacked(exported: Path, tmp_path: Path) -> None:
    bomb = bytes(50_000_000)
    with zipfile.ZipFile(exported) as file:
        described = json.loads(file.read("index.json"))
    described |= {"bytes": len(bomb), "sha256": sha256(bomb).hexdigest()}
    exported.write_bytes(zipped([("index.db", bomb), ("index.json", json.dumps(described).encode())]))
    with pytest.raises(InputError, match="nothing but filling"):
        load(exported, tmp_path / "i")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no .*none.zip"):
        load(tmp_path / "none.zip", tmp_path / "i")
    with pytest.raises(InputError, match="is a folder"):
        load(tmp_path, tmp_path / "i")


def test_no_space(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codesearch.portable.importing.shutil.disk_usage", lambda _: _Usage())
    with pytest.raises(StorageError, match="no space left"):
        load(exported, tmp_path / "i")


class _Usage:
    free = 10


# --- work trees ---------------------------------------------------------------------------------------------


def test_how_work_trees_relate(
    git_sample: Path, exported_here: Path, git: Callable[..., None], environment: Path
) -> None:
    description, _ = load(exported_here, environment / "indexes")
    commit, indexes = description.commit, environment / "indexes"

    def said() -> list[str]:
        return [relation_text(distance) for distance in relate(commit, indexes)]

    assert said() == [f"the work tree {git_sample} is at the same commit"]
    for number in (1, 2):
        git(git_sample, "commit", "--quiet", "--allow-empty", "-m", f"{number}")
    assert said() == [f"the work tree {git_sample} is 2 commits ahead of it"]
    git(git_sample, "checkout", "--quiet", "--orphan", "other")
    git(git_sample, "commit", "--quiet", "--allow-empty", "-m", "x")
    assert said() == [f"the work tree {git_sample} is 1 commit ahead of it and 1 commit behind it"]
    assert list(relate("0" * 40, indexes)) == []
    assert list(relate(None, indexes, git_sample)) == []
    assert [d.top for d in relate(commit, environment / "none", git_sample / "src")] == [git_sample]
