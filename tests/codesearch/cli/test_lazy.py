"""Commands are known before they are imported, and what is known of them is true."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import typer

from codesearch.cli.app import app
from codesearch.cli.lazy import Later

GROUP: Any = typer.main.get_command(app)
COMMANDS = "codesearch.cli.commands"
WORK = "codesearch.cli.work"


def loaded_by(*arguments: str, environment: dict[str, str] | None = None) -> set[str]:
    """Return the modules that a run of the command line imports."""
    code = (
        "import sys\nsys.argv = ['codesearch', *sys.argv[1:]]\nfrom codesearch.cli.app import main\n"
        "try:\n    main()\nfinally:\n    print('LOADED', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    line = next(line for line in done.stderr.splitlines() if line.startswith("LOADED "))
    return set(line.split())


def commands_in(modules: set[str]) -> set[str]:
    return {name.removeprefix(f"{COMMANDS}.") for name in modules if name.startswith(f"{COMMANDS}.")}


@pytest.mark.parametrize("name", list(GROUP.listings))
def test_the_table_says_what_the_command_says_of_itself(name: str) -> None:
    listing = GROUP.listings[name]
    target = getattr(import_module(listing.module), listing.attribute)
    function = target.registered_callback.callback if isinstance(target, typer.Typer) else target
    text = inspect.getdoc(function)
    assert text is not None
    assert text.splitlines()[0] == listing.summary
    assert GROUP.commands[name].name == name
    assert GROUP.commands[name].help.startswith(listing.summary)


def test_every_module_of_a_command_is_listed() -> None:
    from pkgutil import iter_modules

    present = {module.name for module in iter_modules(import_module(COMMANDS).__path__)}
    listed = {listing.module.removeprefix(f"{COMMANDS}.") for listing in GROUP.listings.values()}
    assert present == listed
    work = {module.name for module in iter_modules(import_module(WORK).__path__)}
    assert work - listed == {"interactive"}  # what `ask -i` does


def test_what_is_imported_later_is_there() -> None:
    for name in {listing.module for listing in GROUP.listings.values()}:
        for later in vars(import_module(name)).values():
            if isinstance(later, Later):
                assert callable(getattr(import_module(later.module), later.attribute))


@pytest.mark.parametrize("name", [name for name in GROUP.listings if name != "mcp"])
def test_the_help_of_a_command_imports_no_search(name: str) -> None:
    modules = loaded_by(name, "--help")
    assert not {module for module in modules if module.startswith(WORK)}
    assert not modules & {"numpy", "sqlite3", "codesearch.search", "codesearch.sources", "codesearch.upkeep"}


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",), ("indx",)])
def test_the_program_itself_imports_no_command(arguments: tuple[str, ...]) -> None:
    modules = loaded_by(*arguments)
    assert commands_in(modules) == set()
    assert not modules & {"numpy", "tantivy", "codesearch.index.storage", "codesearch.upkeep.plan"}


def test_a_command_imports_no_other() -> None:
    assert commands_in(loaded_by("version", "--help")) == {"version"}
    assert commands_in(loaded_by("mcp", "install", "--help")) == {"mcp"}


def test_picker_and_protocol_are_imported_by_whoever_uses_them_only() -> None:
    assert not loaded_by("ask", "--help") & {"prompt_toolkit", "pygments", "mcp", "rich"}
    assert not loaded_by("mcp", "install", "--help") & {"mcp", "prompt_toolkit"}


def test_names_are_completed_without_importing_commands() -> None:
    import os

    environment = dict(os.environ, _CODESEARCH_COMPLETE="complete_bash", COMP_WORDS="codesearch ", COMP_CWORD="1")
    assert commands_in(loaded_by(environment=environment)) == set()


def test_the_help_lists_every_command_whole() -> None:
    from typer.testing import CliRunner

    printed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    for name, listing in GROUP.listings.items():
        assert f"  {name:<10}  {listing.summary}\n" in printed


def test_a_command_is_imported_once() -> None:
    assert GROUP.commands["status"] is GROUP.commands["status"]
    assert list(GROUP.commands) == list(GROUP.listings)
    assert len(GROUP.commands) == len(GROUP.listings)
    assert GROUP.commands.get("nonsense") is None


@pytest.mark.parametrize("width", [80, 100])
def test_help_pages_fit_the_terminal(width: int) -> None:
    from typer.testing import CliRunner

    for arguments in ([], *([name] for name in GROUP.listings), ["mcp", "install"]):
        printed = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": str(width)}).stdout
        assert printed
        assert max(map(len, printed.splitlines())) <= width, arguments


def help_pages() -> list[list[str]]:
    """Return the arguments of every help page of the three programs, as ``[program, command, ...]``."""

    def below(command: Any, path: list[str]) -> list[list[str]]:
        children = getattr(command, "commands", {})
        return [path, *(page for name in children for page in below(children[name], [*path, name]))]

    from codesearch_eval.cli import app as evaluation
    from codesearch_train.cli import app as training

    pages = below(GROUP, ["codesearch"])
    for program, name in ((training, "codesearch-train"), (evaluation, "codesearch-eval")):
        pages += below(typer.main.get_command(program), [name])
    return pages


def test_help_pages_of_all_programs_look_alike() -> None:
    from typer.testing import CliRunner

    from codesearch_eval.cli import app as evaluation
    from codesearch_train.cli import app as training

    programs = {"codesearch": app, "codesearch-train": training, "codesearch-eval": evaluation}
    pages = help_pages()
    assert len(pages) > 40
    for program, *arguments in pages:
        printed = CliRunner().invoke(programs[program], [*arguments, "--help"], env={"COLUMNS": "80"}).stdout
        assert printed, arguments
        assert max(map(len, printed.splitlines())) <= 80, arguments
        assert "default is here" not in printed.lower()
        for of_typer in ("<int", "<str", "<float", "<path", "<dir", "<file"):
            assert of_typer not in printed, arguments
        usage = printed.split("\n\n")[0]
        assert usage.upper() == usage.replace(usage.split("[")[0], usage.split("[")[0].upper()), usage
