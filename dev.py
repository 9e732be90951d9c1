#!/usr/bin/env python3
"""Set up and run: ``python3 dev.py demo`` and ``python3 dev.py test``. Needs Python 3.11 or newer, and Git.

All commands work in a virtual environment of their own, ``.venv`` beside this file, made when it is missing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
TORCH = "torch==2.13.0"
"""What the tests are run with. Installed by itself and first, so that no other package picks another build."""

WORKFLOWS = sorted((HERE / ".github" / "workflows").glob("*.yml"))

LINTERS: dict[str, Sequence[str | Path]] = {
    "ruff": ("ruff", "check"),
    "ruff-format": ("ruff", "format", "--check"),
    "mypy": ("mypy",),
    "codespell": ("codespell_lib",),
    "workflows": ("check_jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS),
    "hooks": ("pre_commit", "validate-config", ".pre-commit-config.yaml"),
}
"""Modules of the group ``lint``, with their arguments; pyproject.toml holds their settings."""

HALF_OF_THE_TESTS = [f"tests/codesearch/{room}" for room in ("cli", "index", "mcp", "search", "sources", "upkeep")]
"""They take about as long as all others together."""

LOWEST = (
    "tests/codesearch",
    "tests/lsp",
    "--ignore=tests/codesearch/encoders",
    "--ignore=tests/lsp/editors",
    "--deselect=tests/codesearch/test_api.py::test_a_program_is_type_checked_through_the_lazy_names",
)
"""What is run with the lowest versions: all of the library and the language server that needs neither PyTorch nor an
editor. Types are those of the newest versions: numpy's own are more precise from 2.0 on."""


def run(*command: str | Path, cwd: Path = HERE) -> None:
    """Run a command and show it; end the program with its exit code if it fails."""
    print("$ " + " ".join(str(part) for part in command), flush=True)
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def environment(folder: Path) -> Path:
    """Make a virtual environment where there is none; return the folder of its programs."""
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (programs / "pip").exists() and not (programs / "pip.exe").exists():
        print(f"making a virtual environment in {folder}", flush=True)
        try:
            venv.create(folder, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            sys.exit("Python's venv module cannot install pip here; on Debian: apt install python3-venv")
    return programs


def has_compiler() -> bool:
    """Whether hnswlib, which ships no wheel, can be built: it is optional, and tested where it can be had."""
    return any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl"))


def install(python: Path, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> None:
    """Install this project, editable, into an environment."""
    target = f"{HERE}[{','.join(extras)}]" if extras else str(HERE)
    run(python, "-m", "pip", "install", "--quiet", "--editable", target, *(f"--group={group}" for group in groups))


def demo(repository: str, question: str) -> None:
    """Index a repository and ask it a question."""
    programs = environment(HERE / ".venv")
    install(programs / "python")
    run(programs / "codesearch", "index", repository)
    run(programs / "codesearch", "ask", question, repository, "-k", "5")


def set_up() -> Path:
    """Install everything that the tests and linters need into ``.venv``; return its Python."""
    python = environment(HERE / ".venv") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")  # an old one knows no --group
    run(python, "-m", "pip", "install", "--quiet", TORCH)
    install(python, ["gpu", "server", "train", "eval"], ["dev"])
    install_hnswlib(python)
    return python


def install_hnswlib(python: Path) -> None:
    """Install the extra that has to be compiled, where that works: a compiler alone lacks Python's headers."""
    if not has_compiler():
        return
    try:
        install(python, ["hnswlib"])
    except SystemExit:
        print("NOT TESTED: hnswlib could not be built here; its extra is optional (Debian: python3-dev)", flush=True)


def test(pytest_arguments: Sequence[str]) -> None:
    """Lint, check types, run the tests, build the wheel and ask it a question from an environment of its own."""
    started = time.monotonic()
    python = set_up()
    lint(python, LINTERS)
    check_npm_packages()
    run_tests(python, pytest_arguments)
    check_wheel(python)
    print(f"all passed in {time.monotonic() - started:.0f} s", flush=True)


def run_tests(python: Path, arguments: Sequence[str]) -> None:
    """Run the tests; all of them in two processes at once, where there are two cores.

    Some tests depend on time. What fails beside another process is tried once more alone, and has to pass then.
    """
    if arguments or (os.cpu_count() or 1) < 2:
        run(python, "-m", "pytest", *arguments)
        return
    with tempfile.TemporaryDirectory(prefix="codesearch-tests-") as scratch, tempfile.TemporaryFile() as output:
        parts = [list(HALF_OF_THE_TESTS), [f"--ignore={folder}" for folder in HALF_OF_THE_TESTS]]
        half, rest = (
            [str(python), "-m", "pytest", "-o", f"cache_dir={Path(scratch) / str(number)}", *part]
            for number, part in enumerate(parts)
        )
        with subprocess.Popen(half, cwd=HERE, stdout=output, stderr=subprocess.STDOUT) as process:
            codes = [subprocess.call(rest, cwd=HERE)]
        codes.append(process.returncode)
        output.seek(0)
        sys.stdout.write(output.read().decode(errors="replace"))
        for code, command in zip(codes, (rest, half), strict=True):
            if code:
                print("again, alone: what failed beside another process", flush=True)
                run(*command, "--last-failed", "--last-failed-no-failures=none")


def lint(python: Path, linters: Iterable[str]) -> None:
    """Run some of the linters over everything."""
    for linter in linters:
        run(python, "-m", *LINTERS[linter])


def check_npm_packages() -> None:
    """Check the types of the extension for VS Code and of the page, and test the former, where npm is there."""
    npm = shutil.which("npm")
    if npm is None:
        print("NOT RUN, for want of npm: the checks of the extension for VS Code and of the page", flush=True)
        return
    for folder, tests in ((HERE / "lsp" / "vscode", [["test"]]), (HERE / "page", [])):
        for arguments in (["ci", "--ignore-scripts", "--loglevel=error"], ["run", "check"], *tests):
            run(npm, *arguments, cwd=folder)


def check_wheel(python: Path) -> None:
    """Build the wheel and ask it a question."""
    with tempfile.TemporaryDirectory(prefix="codesearch-wheel-") as scratch:
        run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", scratch, HERE)
        (wheel,) = Path(scratch).glob("*.whl")
        try_wheel(wheel)


def try_wheel(wheel: Path) -> None:
    """Install a wheel in an environment of its own, and ask it a question."""
    with tempfile.TemporaryDirectory(prefix="codesearch-wheel-") as scratch:
        programs = environment(Path(scratch) / "venv")
        # Wheels only: nobody needs a compiler.
        run(programs / "python", "-m", "pip", "install", "--quiet", "--only-binary=:all:", wheel)
        ask_something(programs)


def ask_something(programs: Path) -> None:
    """Ask a question about a tiny repository, which only its meaning answers; end the program if it is not."""
    with tempfile.TemporaryDirectory(prefix="codesearch-question-") as scratch:
        folder = Path(scratch)
        tree = folder / "tree"
        tree.mkdir()
        (tree / "area.py").write_text("def circle(radius):\n    return 3.14159 * radius ** 2\n", encoding="utf-8")
        (tree / "mail.py").write_text("def deliver(message, server):\n    server.send(message)\n", encoding="utf-8")
        ask: list[str | Path] = [programs / "codesearch", "ask", "surface of a disk", tree, "-k", "1"]
        print("$ " + " ".join(map(str, ask)), flush=True)
        own_cache = {**os.environ, "CODESEARCH_CACHE": str(folder / "cache")}
        answer = subprocess.run(ask, cwd=folder, env=own_cache, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(answer)
        if "circle" not in answer:
            sys.exit("that is a wrong answer")


def lowest() -> None:
    """Run tests with the lowest versions that pyproject.toml allows, in an environment of their own."""
    if sys.version_info[:2] != (3, 11):
        sys.exit("python3 dev.py lowest is for Python 3.11: the lowest versions have wheels for no later one")
    python = environment(HERE / ".venv") / "python"
    run(python, "-m", "pip", "install", "--quiet", "uv>=0.9")  # pip has no way of choosing the lowest
    with tempfile.TemporaryDirectory(prefix="codesearch-lowest-") as scratch:
        programs = environment(Path(scratch))
        project = f"{HERE}[hnswlib]" if has_compiler() else str(HERE)
        wanted = ("--resolution=lowest-direct", "--group=test", "--editable", project)
        run(python, "-m", "uv", "pip", "install", "--quiet", "--python", programs / "python", *wanted)
        run(programs / "python", "-m", "pytest", *LOWEST)
        ask_something(programs)


def build() -> None:
    """Build what a release consists of into ``dist``, check it, and ask the wheel a question."""
    python = environment(HERE / ".venv") / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    run(python, "-m", "pip", "install", "--quiet", "--group=release")
    shutil.rmtree(HERE / "dist", ignore_errors=True)
    run(python, "-m", "build")  # the sdist from this folder, and the wheel from the sdist
    run(python, "-m", "twine", "check", "--strict", *sorted((HERE / "dist").iterdir()))
    (wheel,) = (HERE / "dist").glob("*.whl")
    try_wheel(wheel)
    if ".example/" in (HERE / "pyproject.toml").read_text(encoding="utf-8"):
        print("NOT TO BE PUBLISHED: the addresses in [project.urls] are placeholders (docs/design/releasing.md)")


def man() -> None:
    """Write the manual page and the table of settings anew, from the command line and the settings themselves."""
    programs = environment(HERE / ".venv")
    install(programs / "python")
    run(programs / "python", HERE / "docs" / "manual.py")
    run(programs / "python", HERE / "docs" / "configuration.py")


def main() -> None:
    """Parse the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have another Python
        sys.exit(f"codesearch needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    demo_parser = commands.add_parser("demo", help="set up, index a repository, and ask it a question")
    demo_parser.add_argument("repository", nargs="?", default=str(HERE), help="folder or Git URL; default: this one")
    demo_parser.add_argument("question", nargs="?", default="split an identifier into words")
    test_parser = commands.add_parser("test", help="set up, and pass the linters and the tests")
    test_parser.add_argument("pytest_arguments", nargs="*", help="for pytest, after --")
    lint_parser = commands.add_parser("lint", help="pass the linters alone")
    lint_parser.add_argument("linters", nargs="*", help=f"of {', '.join(LINTERS)}; default: all")
    commands.add_parser("lowest", help="run tests with the lowest versions that pyproject.toml allows")
    commands.add_parser("build", help="build wheel and sdist into dist/, and check them")
    commands.add_parser("man", help="write docs/codesearch.1 anew, from the command line's help")
    arguments = parser.parse_args()
    if arguments.command == "demo":
        demo(arguments.repository, arguments.question)
    elif arguments.command == "test":
        test(arguments.pytest_arguments)
    elif arguments.command == "lint":
        if unknown := [name for name in arguments.linters if name not in LINTERS]:
            lint_parser.error(f"there is no {unknown[0]!r}, but {', '.join(LINTERS)}")
        programs = environment(HERE / ".venv")
        ready = shutil.which("codespell", path=programs)
        lint(programs / "python" if ready else set_up(), arguments.linters or LINTERS)
    elif arguments.command == "lowest":
        lowest()
    elif arguments.command == "build":
        build()
    else:
        man()


if __name__ == "__main__":
    main()
