"""The command line from end to end. Within this process where that is enough; what depends on signals, pipes,
limits and exit codes of a real process is at the end, and in ``test_cli_bad_input.py``."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import Result

from codesearch import __version__
from codesearch.index.locations import index_directory
from codesearch.records import LEVELS

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]
WriteTree = Callable[[Path, Mapping[str, str]], Path]


def directory_of(cache: Path, root: Path) -> Path:
    return index_directory(cache / "indexes", root)


def paths(result: Result) -> list[str]:
    return [json.loads(line)["path"] for line in result.stdout.splitlines()]


# --- version, help ------------------------------------------------------------------------------------------


def test_version(invoke: Invoke) -> None:
    assert invoke("--version").stdout == f"codesearch {__version__}\n"
    assert re.search(r"^tantivy +\d", invoke("version").stdout, re.MULTILINE)
    assert json.loads(invoke("version", "--json").stdout)["codesearch"] == __version__


@pytest.mark.parametrize("command", [(), ("index",), ("ask",), ("status",), ("forget",), ("version",)])
def test_help(invoke: Invoke, command: tuple[str, ...]) -> None:
    result = invoke(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize("arguments", [("indx",), ("ask",), ("ask", "x", "--no-such"), ("ask", "x", "-k", "0")])
def test_wrong_usage_is_exit_code_2(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    assert invoke(*arguments).exit_code == 2


# --- a question without a command ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question", ["parse a configuration file", "parse_config", "kind:function parse a configuration -is:test"]
)
def test_a_question_needs_no_command(
    invoke: Invoke, sample: Path, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample)
    result = invoke(question, "-k", "1", "--json")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == invoke("ask", question, "-k", "1", "--json").stdout
    assert paths(result) == ["src/config.py"]


def test_a_question_may_begin_with_what_is_left_out(
    invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample)
    for arguments in (["-path:src/config.py parse a configuration file"], ["ask", "-lang:python parse_config"]):
        result = invoke(*arguments, "--json")
        assert "src/config.py" not in paths(result)
        assert "No such option" not in result.stderr


@pytest.mark.parametrize(("typed", "meant"), [("indx", "index"), ("aks", "ask"), ("search", "ask"), ("serch", "")])
def test_a_mistyped_command_is_no_question(
    invoke: Invoke, sample: Path, typed: str, meant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample)
    result = invoke(typed)
    assert (f"Did you mean '{meant}'" in result.stderr) == bool(meant)


def test_a_folder_is_no_question(invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample)
    result = invoke("src")
    assert result.exit_code == 2
    assert "src is a folder: `codesearch index src` indexes it" in result.stderr


# --- index --------------------------------------------------------------------------------------------------


def test_index_says_what_it_did(invoke: Invoke, sample: Path) -> None:
    result = invoke("index", sample)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert re.match(r"sample: 6 files, \d+ chunks; 6 read, 0 removed; \d+ texts encoded in", result.stderr)
    again = invoke("index", sample)
    assert "read" not in again.stderr
    assert "encoded" not in again.stderr


def test_index_takes_several_repositories_and_goes_on_after_a_bad_one(
    invoke: Invoke, sample: Path, tmp_path: Path, write_tree: WriteTree
) -> None:
    other = write_tree(tmp_path / "other", {"a.py": "x = 1\n"})
    result = invoke("index", tmp_path / "missing", sample, other)
    assert result.exit_code == 2
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["codesearch", "sample", "other"]


def test_quiet_prints_nothing(invoke: Invoke, sample: Path) -> None:
    assert invoke("index", sample, "--quiet").output == ""


def test_include_and_exclude_persist_and_can_be_forgotten(invoke: Invoke, sample: Path) -> None:
    def indexed() -> set[str]:
        return set(json.loads(invoke("status", sample, "--json").stdout)["languages"])

    invoke("index", sample, "--include", "*.py", "--include", "*.go", "--exclude", "tests/")
    assert indexed() == {"python", "go"}
    invoke("index", sample)
    assert indexed() == {"python", "go"}
    assert "tests/" in invoke("status", sample).stdout
    invoke("index", sample, "--include", "")
    assert indexed() == {"python", "go", "typescript", "sql", "markdown"}
    assert invoke("ask", "test parse config", sample, "--path", "tests/").exit_code == 1
    invoke("index", sample, "--exclude", "")
    assert invoke("ask", "test parse config", sample, "--path", "tests/").exit_code == 0


def test_an_invalid_pattern_is_named(invoke: Invoke, sample: Path) -> None:
    result = invoke("index", sample, "--include", "!")
    assert result.exit_code == 2
    assert "'!' is not a valid pattern" in result.stderr


def test_rebuild_starts_from_nothing_and_remembers_vectors(invoke: Invoke, sample: Path) -> None:
    invoke("index", sample)
    result = invoke("index", sample, "--rebuild")
    assert re.search(r"6 read, 0 removed; 0 texts encoded in .*, \d+ remembered", result.stderr)


def test_without_vectors_nothing_is_encoded_until_it_is_wanted(invoke: Invoke, sample: Path) -> None:
    assert "texts still to be encoded" in invoke("index", sample, "--no-dense").stderr
    assert invoke("ask", "parse", sample, "--no-dense").stderr == ""
    assert invoke("ask", "parse", sample).exit_code == 0
    assert json.loads(invoke("status", sample, "--json").stdout)["pending"] == 0


def test_index_dir(invoke: Invoke, sample: Path, tmp_path: Path, environment: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert invoke("index", sample, "--index-dir", elsewhere).exit_code == 0
    assert (index_directory(elsewhere, sample) / "index.db").is_file()
    assert not (environment / "indexes").exists()
    assert invoke("ask", "parse config", sample, "--no-refresh", "--index-dir", elsewhere).exit_code == 0
    assert invoke("status", sample, "--index-dir", elsewhere).exit_code == 0
    assert invoke("forget", sample, "--index-dir", elsewhere).exit_code == 0


def test_what_is_cloned_is_said(invoke: Invoke, git_sample: Path, environment: Path) -> None:
    url = git_sample.as_uri()
    result = invoke("index", url)
    assert result.exit_code == 0
    assert result.stderr.startswith(f"codesearch: Cloning {url}\n")
    assert list((environment / "clones").iterdir())
    answer = invoke("ask", "parse a configuration file", url, "--json")
    assert json.loads(answer.stdout.splitlines()[0])["name"] == "parse_config"
    assert invoke("forget", url).exit_code == 0
    assert list((environment / "clones").iterdir()) == []


# --- ask ----------------------------------------------------------------------------------------------------


def test_ask_indexes_at_first_use(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "parse a configuration file", sample)
    assert result.exit_code == 0
    heading, _, level = result.stdout.partition("\n")[0].rpartition("  ")
    assert heading == f"{sample}/src/config.py:6  parse_config  function"
    assert level in LEVELS
    assert result.stderr.startswith("sample: 6 files, ")
    assert invoke("ask", "parse a configuration file", sample).stderr == ""


def test_nothing_found_is_exit_code_1_and_says_why(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "zebra", sample, "--no-dense")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "codesearch: no indexed code holds any word of the question" in result.stderr


def test_nonsense_is_answered_by_guesses_and_only_asked_for_an_end_with_1(invoke: Invoke, sample: Path) -> None:
    nonsense = "purple giraffe velvet music config"
    shown = invoke("ask", nonsense, str(sample), "--no-dense", "--json")
    assert shown.exit_code == 0
    assert {json.loads(line)["confidence"]["level"] for line in shown.stdout.splitlines()} == {"guess"}
    assert "codesearch: nothing fits well: these are guesses; try other words, or a name" in shown.stderr
    assert max(map(len, shown.stderr.splitlines()[-1:])) <= 80
    refused = invoke("ask", nonsense, str(sample), "--no-dense", "--min-confidence", "likely")
    assert refused.exit_code == 1
    assert not refused.stdout
    assert "no result is likely; the best is" in refused.stderr


def test_what_is_certain_enough_is_printed_with_its_level(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "parse_config", str(sample), "--no-dense", "--min-confidence", "sure")
    assert result.exit_code == 0
    assert result.stdout.partition("\n")[0].endswith("src/config.py:6  parse_config  function  sure")


def test_a_level_that_there_is_not_is_refused(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "x", str(sample), "--min-confidence", "certain")
    assert result.exit_code == 2


def test_the_repository_is_found_from_a_folder_in_it(
    invoke: Invoke, git_sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(git_sample / "src" / "net")
    found = paths(invoke("ask", "parse a configuration file", "--json"))
    assert found[0] == "src/config.py"
    assert invoke("ask", "wait longer backoff").stdout.startswith("retry.go:4  Backoff")


def test_an_index_is_found_from_a_folder_in_it_without_git(
    invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch, environment: Path
) -> None:
    invoke("index", sample)
    monkeypatch.chdir(sample / "src")
    assert paths(invoke("ask", "parse config", "--json"))[0].startswith("src/")
    assert len(list((environment / "indexes").iterdir())) == 1


def test_a_named_folder_or_file_narrows(invoke: Invoke, git_sample: Path, environment: Path) -> None:
    assert set(paths(invoke("ask", "config", git_sample / "tests", "--json"))) == {"tests/test_config.py"}
    assert set(paths(invoke("ask", "config", git_sample / "src" / "config.py", "--json"))) == {"src/config.py"}
    both = invoke("ask", "config", git_sample / "src", git_sample / "tests", "--json")
    assert set(paths(both)) >= {"src/config.py", "tests/test_config.py"}
    assert "README.md" in paths(invoke("ask", "config", git_sample, git_sample / "tests", "--json", "-k", "20"))
    assert len(list((environment / "indexes").iterdir())) == 1


def test_several_repositories_at_once(invoke: Invoke, sample: Path, tmp_path: Path, write_tree: WriteTree) -> None:
    other = write_tree(tmp_path / "other", {"mail.py": "def send_mail(to):\n    return smtp(to)\n"})
    result = invoke("ask", "send mail; parse a configuration", sample, other, "--json")
    assert {json.loads(line)["repository"] for line in result.stdout.splitlines()} == {"sample", "other"}


@pytest.mark.parametrize("name", ["python", "PYTHON", "py", ".py", "pyi"])
def test_languages_go_by_name_and_suffix(invoke: Invoke, sample: Path, name: str) -> None:
    found = invoke("ask", "config backoff task", sample, "--lang", name, "--json")
    assert {json.loads(line)["language"] for line in found.stdout.splitlines()} == {"python"}


def test_kind_path_and_limit(invoke: Invoke, sample: Path) -> None:
    found = invoke("ask", "config", sample, "--kind", "METHOD", "--json")
    assert {json.loads(line)["kind"] for line in found.stdout.splitlines()} == {"method"}
    assert set(paths(invoke("ask", "config task", sample, "--path", "*.ts", "--json"))) == {"src/queue.ts"}
    assert len(paths(invoke("ask", "config", sample, "-k", "2", "--json"))) == 2


def test_filters_that_let_nothing_through_are_named(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "config", sample, "--lang", "rust")
    assert result.exit_code == 1
    assert "try without the language, the kind, the path or the tests" in result.stderr


def test_question_from_stdin(invoke: Invoke, sample: Path) -> None:
    assert "parse_config" in invoke("ask", "-", sample, stdin="parse a configuration file\n").stdout


def test_markdown(invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sample)
    shown = invoke("ask", "parse a configuration file", "--markdown", "-k", "1").stdout
    assert shown.startswith("### `src/config.py:6-11` `parse_config`\n\n```python\ndef parse_config(")
    assert shown.endswith("return json.loads(text)\n```\n")
    result = invoke("ask", "x", "--markdown", "--json")
    assert result.exit_code == 2
    assert "--json and --markdown exclude each other" in result.stderr


def test_a_piped_answer_is_plain_and_context_and_score_are_shown(invoke: Invoke, sample: Path) -> None:
    shown = invoke("ask", "parse_config", sample, "-C", "2", "--score", "-k", "1").stdout
    assert "\x1b" not in shown
    assert re.search(r"  \d+\.\d{3} = [a-z ]+ -?\d\.\d\d", shown)
    assert shown.count("\n") >= 5


def test_a_stale_index_is_refreshed_by_asking(invoke: Invoke, git_sample: Path) -> None:
    invoke("index", git_sample)
    (git_sample / "src" / "zebra.py").write_text("def zebra_crossing():\n    return 'stripes'\n")
    (git_sample / "src" / "config.py").unlink()
    assert paths(invoke("ask", "zebra crossing", git_sample, "--json", "--no-refresh"))[:1] != ["src/zebra.py"]
    assert paths(invoke("ask", "zebra crossing", git_sample, "--json"))[0] == "src/zebra.py"
    assert "src/config.py" not in paths(invoke("ask", "parse config", git_sample, "--json", "--no-refresh"))


def test_asking_takes_no_lock_where_nothing_changed(invoke: Invoke, sample: Path, environment: Path) -> None:
    settle(sample)
    invoke("index", sample)
    with FileLock(directory_of(environment, sample) / "lock"):
        result = invoke("ask", "parse config", sample)
    assert (result.exit_code, result.stderr) == (0, "")


def settle(root: Path) -> None:
    """Make files old enough for their times to be believed."""
    for file in root.rglob("*"):
        os.utime(file, (1_600_000_000, 1_600_000_000))


def test_another_process_that_indexes_is_not_waited_for(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample)
    (sample / "new.py").write_text("def brand_new(): ...\n")
    with FileLock(directory_of(environment, sample) / "lock"):
        result = invoke("ask", "parse a configuration file", sample)
        failing = invoke("index", sample, "--no-wait")
    assert result.exit_code == 0
    assert "parse_config" in result.stdout
    assert "another process is indexing it; answering from what it has committed" in result.stderr
    assert failing.exit_code == 2
    assert "another process is indexing it, and writes to" in failing.stderr


def test_an_index_that_is_not_there_is_not_made_if_that_was_not_wanted(invoke: Invoke, sample: Path) -> None:
    result = invoke("ask", "parse", sample, "--no-refresh")
    assert result.exit_code == 2
    assert "there is no index yet: run `codesearch index` first" in result.stderr


def test_words_only_needs_no_model(invoke: Invoke, sample: Path, tmp_path: Path) -> None:
    missing = tmp_path / "no-model"
    result = invoke("ask", "parse a configuration file", sample, "--model", missing)
    assert result.exit_code == 2
    assert re.search(
        r"there is no model directory .*no-model.*; or search by words only, with --no-dense", result.stderr
    )
    assert "parse_config" in invoke("ask", "parse a configuration file", sample, "--no-dense").stdout


def test_vectors_of_another_model_are_said_not_to_be_used(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample)
    with sqlite3.connect(directory_of(environment, sample) / "index.db") as database:
        database.execute("UPDATE manifest SET json = replace(json, 'hashing-64', 'older-1')")
    database.close()
    (directory_of(environment, sample) / "index.seal").unlink()
    result = invoke("ask", "parse a configuration file", sample)
    assert result.exit_code == 0
    assert "the vectors are of another model and were not used; run `codesearch index`" in result.stderr
    assert "another one is in use now" in invoke("status", sample).stdout
    assert "remembered" in invoke("index", sample).stderr
    assert invoke("ask", "parse a configuration file", sample).stderr == ""


# --- status, forget -----------------------------------------------------------------------------------------


def test_status(invoke: Invoke, git_sample: Path) -> None:
    invoke("index", git_sample)
    shown = invoke("status", git_sample).stdout
    assert re.search(r"^state +commit [0-9a-f]{10}, updated just now, up to date$", shown, re.MULTILINE)
    assert re.search(r"^files +6  \(python 2, ", shown, re.MULTILINE)
    assert re.search(r"^model +hashing-64$", shown, re.MULTILINE)
    (git_sample / "README.md").write_text("changed\n")
    assert "1 files changed since" in invoke("status", git_sample).stdout


def test_status_skipped_lists_reasons(invoke: Invoke, sample: Path) -> None:
    (sample / "empty.py").touch()
    (sample / "logo.png").write_bytes(b"\x89PNG")
    (sample / "blob.py").write_bytes(b"\x00\x01\x02")
    (sample / "odd\x1b[2J\nname.py").write_bytes(b"\x00")
    invoke("index", sample)
    lines = invoke("status", sample, "--skipped").stdout.splitlines()
    assert "empty.py: empty" in lines
    assert "blob.py: binary content" in lines
    assert "*.png: in no language that is searched (1 file)" in lines
    assert "odd\\x1b[2J\\nname.py: binary content" in lines


def test_status_of_what_is_not_indexed(invoke: Invoke, sample: Path) -> None:
    result = invoke("status", sample)
    assert result.exit_code == 2
    assert "there is no index yet" in result.stderr


def test_status_all(invoke: Invoke, sample: Path, tmp_path: Path, write_tree: WriteTree, environment: Path) -> None:
    assert invoke("status", "--all").stdout == "nothing is indexed\n"
    other = write_tree(tmp_path / "other", {"a.py": "x = 1\n"})
    invoke("index", sample, other)
    shutil.rmtree(other)
    (directory_of(environment, sample) / "index.db").write_bytes(b"no database" * 100)
    shown = invoke("status", "--all").stdout
    assert "(the folder is gone)" in shown
    assert "the index is damaged" in shown


@pytest.mark.parametrize("gone", [False, True])
def test_forget(invoke: Invoke, sample: Path, environment: Path, gone: bool) -> None:
    invoke("index", sample)
    if gone:
        shutil.rmtree(sample)
    assert invoke("forget", sample).stderr == f"forgot {sample}\n"
    assert not (directory_of(environment, sample) / "index.db").exists()
    result = invoke("forget", sample)
    assert result.exit_code == 2
    assert "`codesearch status --all` lists what is" in result.stderr


def test_a_mistyped_path_forgets_nothing(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample)
    assert invoke("forget", sample / "srcc").exit_code == 2
    assert (directory_of(environment, sample) / "index.db").exists()


def test_forget_all_and_vectors(invoke: Invoke, sample: Path, environment: Path) -> None:
    invoke("index", sample)
    assert (environment / "vectors.db").exists()
    result = invoke("forget", "--all", "--vectors")
    assert result.stderr.startswith("forgot 1 indexes\nforgot ")
    assert not list(environment.glob("vectors.db*"))
    assert sample.exists()


# --- the JSON that is documented ----------------------------------------------------------------------------


def documented(section: str) -> set[str]:
    text = (Path(__file__).parents[3] / "docs" / "guide" / "json.md").read_text(encoding="utf-8")
    body = re.search(rf"^## `codesearch {section} --json`.*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    return set(re.findall(r"^\| `(\w+)` \|", body[1], re.MULTILINE))


def test_every_documented_field_is_printed_and_every_printed_field_documented(invoke: Invoke, git_sample: Path) -> None:
    asked = invoke("ask", "parse config", git_sample, "--json").stdout.splitlines()
    assert asked
    for line in asked:
        assert set(json.loads(line)) == documented("ask")
    assert set(json.loads(invoke("status", git_sample, "--json").stdout)) == documented("status")


def test_the_array_of_all_indexes_is_as_documented(invoke: Invoke, sample: Path) -> None:
    invoke("index", sample)
    (entry,) = json.loads(invoke("status", "--all", "--json").stdout)
    text = (Path(__file__).parents[3] / "docs" / "guide" / "json.md").read_text(encoding="utf-8")
    assert set(entry) == set(re.findall(r"`(\w+)`", text.rpartition("## ")[2])) - {"error"}


# --- real processes -----------------------------------------------------------------------------------------


def many_functions(root: Path, count: int = 400, files: int = 8) -> Path:
    root.mkdir()
    for number in range(files):
        body = "\n".join(f"def handle_{number}_{i}(x):\n    return x + {number * count + i}\n" for i in range(count))
        (root / f"m{number}.py").write_text(body)
    return root


def test_exit_codes(start: Start, sample: Path) -> None:
    for arguments, expected in (
        (("ask", "parse config", sample), 0),
        (("ask", "zebra", sample, "--no-dense"), 1),
        (("ask", " ", sample), 2),
        (("status", sample), 0),
    ):
        process = start(*arguments)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == expected, errors
        assert "Traceback" not in errors


def test_a_reader_that_has_read_enough_is_no_error(start: Start, tmp_path: Path) -> None:
    root = many_functions(tmp_path / "many")
    process = start("ask", "handle", root, "--json", "-k", "1000")
    assert process.stdout is not None
    assert process.stdout.readline().startswith("{")
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


# An encoder that takes its time: a signal has to find it at work.
SLOW = """
import sys, time
from codesearch.encoders.hashing import HashingEncoder
fast = HashingEncoder.encode_documents
def slow(self, texts):
    if len(texts) > 1:
        print("encoding", file=sys.stderr, flush=True)
        time.sleep(0.2)
    return fast(self, texts)
HashingEncoder.encode_documents = slow
"""


def interrupt_while_encoding(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stderr is not None
    for line in process.stderr:
        if line == "encoding\n":
            break
    time.sleep(0.7)
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=60)


def test_an_interrupted_index_keeps_what_it_has(start: Start, tmp_path: Path, invoke: Invoke) -> None:
    root = many_functions(tmp_path / "many")
    process = start("index", root, prelude=SLOW, start_new_session=True)
    _, errors = interrupt_while_encoding(process)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "stopped; what was committed stays" in errors
    before = json.loads(invoke("status", root, "--json").stdout)
    assert before["chunks"] >= 3200
    assert 0 < before["vectors"] < before["chunks"]
    assert before["pending"] > 0
    invoke("index", root)
    after = json.loads(invoke("status", root, "--json").stdout)
    assert (after["pending"], after["chunks"]) == (0, before["chunks"])


def test_an_interrupted_question_is_answered_from_what_there_is(start: Start, tmp_path: Path) -> None:
    root = many_functions(tmp_path / "many")
    process = start("ask", "handle_3_7", root, prelude=SLOW, start_new_session=True)
    printed, errors = interrupt_while_encoding(process)
    assert process.returncode == 0, errors
    assert "handle_3_7" in printed.splitlines()[0]
    assert "stopped indexing; answering from what there is" in errors
    assert "texts are not encoded yet" in errors
    assert "Traceback" not in errors


def test_a_question_while_another_process_indexes_is_answered(start: Start, tmp_path: Path) -> None:
    root = many_functions(tmp_path / "many")
    first = start("index", root, prelude=SLOW)
    assert first.stderr is not None
    for line in first.stderr:
        if line == "encoding\n":
            break
    second = start("ask", "handle_3_7", root)
    printed, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    assert "handle_3_7" in printed
    assert "another process is indexing it" in errors
    first.communicate(timeout=60)
    assert first.returncode == 0


def test_a_fault_of_ours_is_a_sentence_and_a_traceback_only_on_request(start: Start, sample: Path) -> None:
    broken = """
import codesearch.search.pipeline
def fail(question):
    raise ZeroDivisionError("oh")
codesearch.search.pipeline.parse_question = fail
"""
    process = start("ask", "parse", sample, prelude=broken)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "this should not have happened (ZeroDivisionError: oh)" in errors
    assert "Traceback" not in errors
    process = start("--debug", "ask", "parse", sample, prelude=broken)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" in errors


def test_without_git_files_are_found_and_that_is_said(start: Start, git_sample: Path, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    process = start("index", git_sample, env={**os.environ, "PATH": str(empty)})
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Git was not found" in errors
    assert "6 files" in errors


def test_a_path_is_relative_to_where_it_is_written(
    invoke: Invoke, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sample / "src")
    for pattern in ("./config.py", "../src/config.py", str(sample / "src" / "config.py"), "!../tests/", "./"):
        printed = invoke("ask", "parse config", "..", "--path", pattern, "-k", "3").stdout
        assert "config.py:" in printed, pattern
        assert "test_config" not in printed, pattern


def test_tests_are_left_out_or_all_that_is_found(invoke: Invoke, sample: Path) -> None:
    def found(choice: str) -> set[bool]:
        lines = invoke("ask", "parse config", sample, "--json", "--tests", choice).stdout.splitlines()
        return {json.loads(line)["path"].startswith("tests/") for line in lines}

    assert found("yes") == {True, False}
    assert found("no") == {False}
    assert found("only") == {True}
    assert "tests must be one of yes, no, only" in invoke("ask", "a", sample, "--tests", "some").stderr
