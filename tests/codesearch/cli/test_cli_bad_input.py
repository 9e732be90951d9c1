"""Whatever a user, a file system or a crash puts before the command line: a sentence that says what to do, exit
code 2 or a skip with its reason, nothing lost, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import Result

from codesearch.index.locations import index_directory

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]
WriteTree = Callable[[Path, Mapping[str, str]], Path]


def database_of(cache: Path, root: Path) -> Path:
    return index_directory(cache / "indexes", root) / "index.db"


def refused(result: Result, message: str) -> None:
    assert result.exit_code == 2, result.output
    assert re.search(message, result.stderr), result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("codesearch: ")


def skipped(invoke: Invoke, root: Path) -> dict[str, str]:
    status = json.loads(invoke("status", root, "--json").stdout)
    return {file["path"]: file["reason"] for file in status["skipped"]}


# --- paths --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("index",), ("ask", "parse json"), ("status",)])
class TestPaths:
    def test_no_such_path(self, invoke: Invoke, tmp_path: Path, command: tuple[str, ...]) -> None:
        refused(invoke(*command, tmp_path / "missing"), "There is no .*missing: give an existing folder or a URL")

    def test_a_loop_of_links(self, invoke: Invoke, tmp_path: Path, command: tuple[str, ...]) -> None:
        (tmp_path / "loop").symlink_to("loop")
        refused(invoke(*command, tmp_path / "loop"), "loop cannot be opened")

    def test_a_name_that_is_too_long(self, invoke: Invoke, tmp_path: Path, command: tuple[str, ...]) -> None:
        refused(invoke(*command, tmp_path / ("x" * 5000)), "cannot be opened")

    def test_a_bare_repository(
        self, invoke: Invoke, tmp_path: Path, git: Callable[..., None], command: tuple[str, ...]
    ) -> None:
        git(tmp_path, "init", "--bare", "--quiet", "bare.git")
        refused(invoke(*command, tmp_path / "bare.git"), "is a bare Git repository")

    def test_a_url_that_cannot_be_cloned(self, invoke: Invoke, tmp_path: Path, command: tuple[str, ...]) -> None:
        result = invoke(*command, (tmp_path / "nothing.git").as_uri())
        assert result.exit_code == 2
        assert re.search("could not be cloned .*: check the address", result.stderr)

    def test_a_url_that_would_run_a_command(self, invoke: Invoke, command: tuple[str, ...]) -> None:
        refused(invoke(*command, "ext::sh -c true"), "not a URL that can be cloned|scheme is not supported")


def test_a_file_is_not_indexed_by_itself(invoke: Invoke, sample: Path) -> None:
    refused(invoke("index", sample / "schema.sql"), "is a file: give the folder that holds it")


def test_words_without_quotes_are_recognised(invoke: Invoke) -> None:
    refused(invoke("ask", "parse", "json"), "A question of several words needs quotes around it")


def test_a_current_folder_that_is_gone(start: Start, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    process = start("ask", "parse", prelude=f"import os; os.rmdir({str(gone)!r})", cwd=gone)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors == "codesearch: the current folder no longer exists: change to another one\n"


# --- repositories -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("index",), ("ask", "parse json")])
@pytest.mark.parametrize(
    "files", [{}, {"a.png": "x", "b.xyz": "y"}, {"empty.py": ""}], ids=["empty", "unknown", "no text"]
)
def test_a_repository_without_anything_to_search(
    invoke: Invoke, tmp_path: Path, write_tree: WriteTree, command: tuple[str, ...], files: dict[str, str]
) -> None:
    root = write_tree(tmp_path / "r", files)
    root.mkdir(exist_ok=True)
    refused(invoke(*command, root), "holds no file that can be searched")


def test_an_empty_git_repository(invoke: Invoke, tmp_path: Path, git: Callable[..., None]) -> None:
    git(tmp_path, "init", "--quiet", "r")
    refused(invoke("index", tmp_path / "r"), "holds no file that can be searched")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_left_out(invoke: Invoke, sample: Path) -> None:
    (sample / "src" / "config.py").chmod(0)
    assert invoke("index", sample).exit_code == 0
    assert skipped(invoke, sample)["src/config.py"] == "could not be read"


def test_odd_files_are_searched_or_left_out_with_a_reason(invoke: Invoke, sample: Path) -> None:
    (sample / "latin1.py").write_bytes("def grüße():\n    return 'größe zebrafish'\n".encode("latin-1"))
    (sample / "huge.py").write_bytes(b"x = 1\n" * (50_000_000 // 6))
    (sample / "new\nline.py").write_text("def newline_in_name():\n    return 1\n")
    (sample / os.fsdecode(b"not\xffutf8.py")).write_text("def name_is_not_utf8():\n    return 1\n")
    (sample / "loop").symlink_to(".")
    (sample / "ring.py").symlink_to("ring.py")
    (sample / "deep.py").write_text("(" * 5_000 + ")" * 5_000)
    os.mkfifo(sample / "pipe.py")
    result = invoke("index", sample)
    assert result.exit_code == 0, result.output
    reasons = skipped(invoke, sample)
    assert reasons["huge.py"] == "larger than the size limit"
    assert reasons["ring.py"].startswith("a symbolic link")
    assert reasons["pipe.py"] == "not a regular file"
    for question, shown in (
        ("zebrafish", "latin1.py"),
        ("newline_in_name", "new\\nline.py"),
        ("name_is_not_utf8", "not\N{REPLACEMENT CHARACTER}utf8.py"),
    ):
        assert shown in invoke("ask", question, sample, "-k", "1").stdout


# --- questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ["", "  ", "\n"])
def test_an_empty_question(invoke: Invoke, sample: Path, question: str) -> None:
    refused(invoke("ask", question, sample), 'the question is empty: ask in plain words, such as "parse json"')


def test_an_empty_question_from_stdin(invoke: Invoke, sample: Path) -> None:
    refused(invoke("ask", "-", sample, stdin=""), "the question is empty")


def test_a_question_from_stdin_is_read_up_to_a_mebibyte(invoke: Invoke, sample: Path) -> None:
    refused(invoke("ask", "-", sample, stdin=" " * (1 << 20) + "parse config"), "the question is empty")


def test_a_question_of_ten_thousand_words(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "parse configuration " * 5_000, sample, "--json")
    assert json.loads(result.stdout.splitlines()[0])["name"] == "parse_config"


def test_an_unknown_language(invoke: Invoke, sample: Path) -> None:
    refused(invoke("ask", "x", sample, "--lang", "klingon"), "--lang klingon: unknown language; known are bash, c, ")
    refused(
        invoke("ask", "x", sample, "--lang", "pyton"), "--lang pyton: unknown language; did you mean python or cython?"
    )


def test_an_unknown_device(invoke: Invoke, sample: Path) -> None:
    refused(invoke("index", sample, "--device", "tpu"), "device must be one of auto, cpu, cuda, mps")


def test_a_settings_file_with_a_mistake(invoke: Invoke, sample: Path) -> None:
    (sample / "codesearch.toml").write_text("[index\n")
    refused(invoke("index", sample), "codesearch.toml is not valid TOML")


# --- indexes ------------------------------------------------------------------------------------------------


def set_format(database: Path, number: int) -> None:
    connection = sqlite3.connect(database)
    with connection:
        (text,) = connection.execute("SELECT json FROM manifest").fetchone()
        manifest = json.loads(text) | {"format": number}
        connection.execute("UPDATE manifest SET json = ?", [json.dumps(manifest)])
    connection.close()


@pytest.mark.parametrize("command", [("index",), ("ask", "parse config")])
def test_an_index_of_an_older_version_is_built_anew(
    invoke: Invoke, sample: Path, environment: Path, command: tuple[str, ...]
) -> None:
    invoke("index", sample)
    set_format(database_of(environment, sample), 0)
    result = invoke(*command, sample)
    assert result.exit_code == 0
    assert "the index was written by an older version of codesearch: building it anew" in result.stderr
    assert "remembered" in result.stderr
    assert invoke("ask", "parse config", sample).stderr == ""


@pytest.mark.parametrize("command", [("index",), ("ask", "parse config"), ("status",)])
def test_an_index_of_a_newer_version_is_left_alone(
    invoke: Invoke, sample: Path, environment: Path, command: tuple[str, ...]
) -> None:
    invoke("index", sample)
    set_format(database_of(environment, sample), 999)
    refused(
        invoke(*command, sample), "written by a newer version of codesearch: upgrade codesearch, or run .*--rebuild"
    )
    assert invoke("index", sample, "--rebuild").exit_code == 0


def overwrite_header(database: Path) -> None:
    database.write_bytes(b"this is no database " * 1_000)


def truncate(database: Path) -> None:
    os.truncate(database, database.stat().st_size // 2)


def empty(database: Path) -> None:
    os.truncate(database, 0)


def overwrite_tables(database: Path) -> None:
    """Leave the schema and the manifest, and overwrite the first page of every other table and index."""
    connection = sqlite3.connect(database)
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    roots = connection.execute("SELECT rootpage FROM sqlite_master WHERE rootpage AND name <> 'manifest'").fetchall()
    connection.close()
    with database.open("r+b") as file:
        for (page,) in roots:
            file.seek(size * (page - 1))
            file.write(b"\xa5" * size)


def drop_a_table(database: Path) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("DROP TABLE pending")
    connection.close()


@pytest.mark.parametrize("damage", [overwrite_header, truncate, empty, overwrite_tables, drop_a_table])
@pytest.mark.parametrize("command", [("index",), ("ask", "parse a configuration file")])
def test_a_damaged_index_is_built_anew(
    invoke: Invoke,
    sample: Path,
    environment: Path,
    command: tuple[str, ...],
    damage: Callable[[Path], None],
) -> None:
    invoke("index", sample)
    damage(database_of(environment, sample))
    result = invoke(*command, sample)
    assert result.exit_code == 0, result.output
    asked = invoke("ask", "parse a configuration file", sample)
    assert asked.exit_code == 0
    assert "parse_config" in asked.stdout.splitlines()[0]
    assert "the index is damaged: building it anew" in result.stderr + asked.stderr
    assert "Traceback" not in result.stderr + asked.stderr
    assert invoke("ask", "parse a configuration file", sample).stderr == ""


@pytest.mark.parametrize("damage", [overwrite_header, truncate, empty])
def test_a_damaged_index_that_may_not_be_built_anew_is_an_error(
    invoke: Invoke, sample: Path, environment: Path, damage: Callable[[Path], None]
) -> None:
    invoke("index", sample)
    damage(database_of(environment, sample))
    refused(invoke("ask", "parse", sample, "--no-refresh"), "the index is damaged: run `codesearch index --rebuild`")


def test_patterns_survive_damage_that_leaves_them_readable(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample, "--exclude", "tests/")
    overwrite_tables(database_of(environment, sample))
    invoke("ask", "parse config", sample)
    assert json.loads(invoke("status", sample, "--json").stdout)["exclude"] == ["tests/"]


@pytest.mark.parametrize("content", [b"", b"garbage"])
def test_damaged_words_are_mended(invoke: Invoke, sample: Path, environment: Path, content: bytes) -> None:
    invoke("index", sample)
    for file in (database_of(environment, sample).parent / "lexical").iterdir():
        if not file.name.startswith("."):
            file.write_bytes(content)
    result = invoke("ask", "parse a configuration file", sample, "--no-dense")
    assert result.exit_code == 0, result.output
    assert "parse_config" in result.stdout.splitlines()[0]


def test_a_damaged_vector_cache_costs_only_time(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample)
    (environment / "vectors.db").write_bytes(b"garbage" * 1_000)
    assert invoke("index", sample, "--rebuild").exit_code == 0


# --- disks --------------------------------------------------------------------------------------------------

FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"


@pytest.mark.parametrize("size", [0, 4_096, 30_000, 60_000])
def test_a_full_disk_at_first_use(start: Start, sample: Path, size: int) -> None:
    for command in (("index", sample), ("ask", "parse config", sample)):
        process = start(*command, prelude=FULL.format(size))
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        assert "Traceback" not in errors
        assert "this should not have happened" not in errors
        assert re.search("no space left|cannot be written|free ", errors), errors
    process = start("ask", "parse a configuration file", sample)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "parse_config" in printed.splitlines()[0]


def test_a_full_disk_later_leaves_the_old_answers(start: Start, invoke: Invoke, sample: Path) -> None:
    invoke("index", sample)
    (sample / "new.py").write_text("\n".join(f"def brand_new_{i}(): return '{'x' * 50}'" for i in range(2_000)))
    process = start("ask", "parse a configuration file", sample, prelude=FULL.format(200_000))
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "parse_config" in printed.splitlines()[0]
    assert "answering from the index as it is" in errors
    assert re.search("no space left|check the free space", errors)
    result = invoke("ask", "brand_new_7", sample)
    assert "brand_new_7" in result.stdout.splitlines()[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_may_not_be_written(invoke: Invoke, sample: Path, environment: Path) -> None:
    environment.mkdir(parents=True)
    environment.chmod(0o500)
    refused(invoke("index", sample), "Permission denied")
    environment.chmod(0o700)


def test_an_index_folder_that_is_a_file(invoke: Invoke, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(invoke("index", sample, "--index-dir", tmp_path / "file"), "file")


# --- bytes that are no UTF-8 --------------------------------------------------------------------------------


def test_bytes_that_are_no_text_are_searched_or_refused_in_a_sentence(start: Start, sample: Path) -> None:
    odd = os.fsdecode(b"x\xe9y")
    first = start("index", "--quiet", sample)
    first.communicate(timeout=60)
    assert first.returncode == 0
    for arguments, code in (
        (("ask", f"parse config {odd}"), 0),
        (("ask", "parse config", odd), 2),
        (("ask", "parse config", "--path", odd), 1),
        (("ask", "parse config", "--lang", odd), 2),
        (("ask", "parse config", "--index-dir", odd), 2),
        (("similar", odd), 2),
        (("similar", f"src/config.py:{odd}"), 2),
    ):
        process = start(*arguments, cwd=sample, prelude="import os; os.environ['CODESEARCH_MODEL'] = 'minilm-v7'")
        _, errors = process.communicate(timeout=60)
        assert process.returncode == code, (arguments, errors)
        assert "should not have happened" not in errors
        assert "damaged" not in errors


# --- two processes ------------------------------------------------------------------------------------------


def test_no_wait_fails_at_once_and_says_nothing_of_waiting(invoke: Invoke, sample: Path, environment: Path) -> None:
    assert invoke("index", "--quiet", sample).exit_code == 0
    with FileLock(index_directory(environment / "indexes", sample) / "lock"):
        refused(invoke("index", "--no-wait", sample), "another process is indexing it.*: wait for it, or stop it")
