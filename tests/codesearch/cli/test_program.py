"""The four programs end alike, whatever happens to them: one sentence, the same exit codes, no traceback."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from codesearch.cli.program import EXTRAS, turn_ends_into_sentences

ROOT = Path(__file__).parents[3]
MODULES = {
    "codesearch": "codesearch.cli.app",
    "codesearch-train": "codesearch_train.cli",
    "codesearch-eval": "codesearch_eval.cli",
    "codesearch-lsp": "codesearch_lsp.cli",
}
SHIPPED = next(path.name for path in (ROOT / "codesearch" / "models").iterdir() if path.is_dir())
WITH_COMMANDS = [name for name in MODULES if name != "codesearch-lsp"]


def start(
    program: str, *arguments: str | Path, prelude: str = "", shell: str = "", **options: object
) -> subprocess.Popen[str]:
    """Start a program as its script would; `shell` is appended to the command line, for redirections."""
    code = f"import sys\nsys.argv[0] = {program!r}\n{prelude}\nfrom {MODULES[program]} import main\nmain()"
    command: list[str] = [sys.executable, "-c", code, *map(str, arguments)]
    if shell:
        command = ["bash", "-c", f'set -o pipefail; "$@" {shell}', "bash", *command]
    # Buffered, as it is for users: what cannot be written then shows at the end only.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


def run(program: str, *arguments: str | Path, prelude: str = "", shell: str = "") -> tuple[int, str, str]:
    process = start(program, *arguments, prelude=prelude, shell=shell)
    printed, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    return process.returncode, printed, errors


def sentence(program: str, errors: str) -> str:
    """Return the one line that a program says."""
    (line,) = errors.splitlines()
    assert line.startswith(f"{program}: ")
    return line


# --- usage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", WITH_COMMANDS)
def test_an_unknown_command(program: str) -> None:
    code, printed, errors = run(program, "nonsense")
    assert (code, printed) == (2, "")
    assert errors.splitlines()[-1] == "Error: No such command 'nonsense'."


@pytest.mark.parametrize("program", MODULES)
def test_an_unknown_option(program: str) -> None:
    code, printed, errors = run(program, "--nonsense")
    assert (code, printed) == (2, "")
    assert "--nonsense" in errors


@pytest.mark.parametrize("program", MODULES)
def test_help_and_version(program: str) -> None:
    code, printed, errors = run(program, "--help")
    assert (code, errors) == (0, "")
    assert re.search(r"^usage: ", printed, re.IGNORECASE)
    for line in ("Options:", "Print the version.", "Show the traceback of a fault.", "Show this message and exit."):
        assert line in printed
    assert "╭" not in printed
    if program in WITH_COMMANDS:
        assert "Commands:" in printed
        assert "..." not in printed.partition("Commands:")[2]
        assert f"Example: {program} " in printed
    code, printed, errors = run(program, "--version")
    assert (code, errors) == (0, "")
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", printed)


# --- what is missing ----------------------------------------------------------------------------------------


def test_the_extras_are_those_of_the_project() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    names = {extra: {re.split("[><=]", package)[0].replace("-", "_") for package in extras[extra]} for extra in EXTRAS}
    assert names == {extra: set(packages) for extra, packages in EXTRAS.items()}
    assert set(extras) == set(EXTRAS)


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_of_an_extra_is_missed_in_a_sentence(extra: str, capsys: pytest.CaptureFixture[str]) -> None:
    for package in EXTRAS[extra]:
        with pytest.raises(SystemExit) as stop, turn_ends_into_sentences("codesearch-x", extra=extra):
            raise ModuleNotFoundError(f"No module named '{package}.part'", name=f"{package}.part")
        assert stop.value.code == 2
        said = f"codesearch-x: this needs {package}, which is not installed: pip install 'codesearch-nl[{extra}]'\n"
        assert capsys.readouterr().err == said


def test_a_module_of_ours_that_is_missing_is_a_fault() -> None:
    with pytest.raises(ModuleNotFoundError), turn_ends_into_sentences("codesearch-x"):
        raise ModuleNotFoundError("No module named 'codesearch.none'", name="codesearch.none")


@pytest.mark.parametrize(
    ("program", "arguments", "package", "advice"),
    [
        ("codesearch", ("index", "--device", "cuda", "--model", SHIPPED), "torch", "pip install 'codesearch-nl[gpu]'"),
        ("codesearch", ("index",), "tantivy", "reinstall codesearch-nl"),
        ("codesearch", ("lsp",), "pygls", "reinstall codesearch-nl"),
        ("codesearch-lsp", (), "pygls", "reinstall codesearch-nl"),
        ("codesearch-train", ("train", "run.toml"), "torch", "pip install 'codesearch-nl[train]'"),
        ("codesearch-train", ("mine", "run.toml", "out", "--model", "x"), "torch", "'codesearch-nl[train]'"),
        ("codesearch-eval", ("efficiency", "--rounds", "1"), "psutil", "pip install 'codesearch-nl[eval]'"),
        ("codesearch-eval", ("picker", "--files", "10"), "pyte", "pip install 'codesearch-nl[eval]'"),
        ("codesearch-eval", ("devices", "texts.jsonl"), "torch", "pip install 'codesearch-nl["),
    ],
)
def test_a_missing_package_is_a_sentence(
    program: str, arguments: tuple[str, ...], package: str, advice: str, tmp_path: Path
) -> None:
    (tmp_path / "run.toml").write_text('name = "x"\ndata = ["tokens"]\n')
    (tmp_path / "texts.jsonl").write_text('"def f(): pass"\n')
    (tmp_path / "a.py").write_text("def parse():\n    return 1\n")
    prelude = f"import os; os.chdir({str(tmp_path)!r}); sys.modules[{package!r}] = None"
    code, printed, errors = run(program, *arguments, prelude=prelude)
    assert (code, printed) == (2, ""), errors
    line = errors.splitlines()[-1]
    assert re.match("codesearch(-train|-eval|-lsp)?: ", line), errors
    assert advice in line
    assert package in line.lower().replace("pytorch", "torch"), line


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        ("codesearch", ("index", "absent")),
        ("codesearch", ("import", "absent.zip")),
        ("codesearch-train", ("train", "absent.toml")),
        ("codesearch-train", ("tune", "absent")),
        ("codesearch-eval", ("report", "absent.json")),
        ("codesearch-eval", ("devices", "absent.jsonl")),
        ("codesearch-eval", ("compare", "absent.json", "absent2.json")),
    ],
)
def test_a_missing_file_is_a_sentence_that_names_it(program: str, arguments: tuple[str, ...]) -> None:
    code, printed, errors = run(program, *arguments)
    assert (code, printed) == (2, "")
    assert arguments[1] in sentence(program, errors)
    assert "should not have happened" not in errors


# --- signals, pipes and faults ------------------------------------------------------------------------------

# A module that every program has imported when it begins to work, and that takes its time.
SLOW = """
import time, typer
import codesearch.cli.program as program
def wait(*_):
    print("working", file=sys.stderr, flush=True)
    time.sleep(60)
"""
WORK = {
    "codesearch": (("version",), "import codesearch.upkeep.status as m; m.versions = wait"),
    "codesearch-train": (("train", "x.toml"), "import codesearch_train.loop.config as m; m.read_config = wait"),
    "codesearch-eval": (("compare", "a", "b"), "import codesearch_eval.encoder.results as m; m.read_result = wait"),
    "codesearch-lsp": ((), "import codesearch_lsp.server as m; m.make_server = wait"),
}


@pytest.mark.parametrize("program", MODULES)
def test_ctrl_c_is_130_and_a_sentence(program: str) -> None:
    arguments, patch = WORK[program]
    process = start(program, *arguments, prelude=f"{SLOW}\n{patch}")
    assert process.stderr is not None
    assert process.stderr.readline() == "working\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert sentence(program, errors).startswith(f"{program}: stopped")


FAULT = """
def wait(*_):
    raise ZeroDivisionError("oh")
"""


@pytest.mark.parametrize("program", MODULES)
def test_a_fault_is_a_sentence_and_a_traceback_on_request(program: str) -> None:
    arguments, patch = WORK[program]
    code, printed, errors = run(program, *arguments, prelude=f"{FAULT}\n{patch}")
    assert (code, printed) == (2, "")
    assert "this should not have happened (ZeroDivisionError: oh)" in sentence(program, errors)
    assert f"`{program} --debug ...`" in errors
    process = start(program, "--debug", *arguments, prelude=f"{FAULT}\n{patch}")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" in errors


@pytest.mark.parametrize("program", MODULES)
@pytest.mark.skipif(os.name == "nt", reason="needs bash")
def test_a_reader_that_leaves_is_no_error(program: str) -> None:
    # The reader is gone before the first line is written.
    wait = "import time; time.sleep(0.5)"
    code, _, errors = run(program, "--help", prelude=wait, shell="| true")
    assert (code, errors) == (0, "")
    code, printed, errors = run(program, "--help", shell="| head -1")
    assert (code, errors) == (0, "")
    assert len(printed.splitlines()) == 1


@pytest.mark.parametrize(
    ("program", "arguments"),
    [("codesearch", ("version",)), ("codesearch", ("--version",)), ("codesearch-eval", ("protocols",))],
)
@pytest.mark.skipif(os.name == "nt", reason="needs bash")
def test_what_is_printed_by_a_command_may_be_left_unread(program: str, arguments: tuple[str, ...]) -> None:
    code, _, errors = run(program, *arguments, prelude="import time; time.sleep(0.5)", shell="| true")
    assert (code, errors) == (0, "")


@pytest.mark.parametrize("program", MODULES)
@pytest.mark.skipif(os.name == "nt", reason="needs bash")
def test_a_closed_stdout_is_no_error(program: str) -> None:
    assert run(program, "--version", shell=">&-") == (0, "", "")
    assert run(program, "--version", shell=">&- 2>&- <&-") == (0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize(("program", "arguments"), [("codesearch", ("version",)), ("codesearch-eval", ("protocols",))])
def test_a_full_disk_behind_stdout_is_a_sentence(program: str, arguments: tuple[str, ...]) -> None:
    code, _, errors = run(program, *arguments, shell="> /dev/full")
    assert code == 2
    assert "the output cannot be written (No space left on device)" in sentence(program, errors)


@pytest.mark.skipif(os.name == "nt", reason="needs bash")
def test_a_file_is_never_opened_in_place_of_a_closed_stream(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def parse_config():\n    return 1\n")
    code, _, _ = run("codesearch", "index", tmp_path, shell=">&- 2>&-")
    assert code == 0
    code, printed, _ = run("codesearch", "ask", "parse_config", tmp_path)
    assert code == 0
    assert "parse_config" in printed


# --- help ---------------------------------------------------------------------------------------------------


def help_texts(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield every help text of a program, its examples apart, with the name of what it explains."""
    yield name, (command.help or "").partition("\b")[0]
    for parameter in command.params:
        yield f"{name} {parameter.name}", parameter.help or ""
    for below, child in getattr(command, "commands", {}).items():
        yield from help_texts(child, f"{name} {below}")


@pytest.mark.parametrize("program", WITH_COMMANDS)
def test_sentences_of_the_help_are_short(program: str) -> None:
    group: Any = typer.main.get_command(import_module(MODULES[program]).app)
    texts = list(help_texts(group, program))
    assert len(texts) > 30
    for name, text in texts:
        for said in re.split(r"(?<=[.:;?!])\s", " ".join(text.split())):
            assert len(said.split()) <= 25, f"{name}: {said}"
