#!/usr/bin/env python3
"""Set up and run: ``python3 dev.py demo`` and ``python3 dev.py test``. Needs Python 3.11 or newer, and Git.

Both work in a virtual environment of their own, ``.venv`` beside this file, made when it is missing.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
TORCH = "torch==2.13.0"
"""What the tests are run with. Installed by itself and first, so that no other package picks another build."""


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
    """Whether hnswlib, which ships no wheel, can be built."""
    return any(shutil.which(name) for name in ("c++", "g++", "clang++", "cl"))


def install(python: Path, extras: Sequence[str] = ()) -> None:
    """Install this project, editable, into an environment; without hnswlib where that cannot be compiled."""
    target = f"{HERE}[{','.join(extras)}]" if extras else str(HERE)
    command = [python, "-m", "pip", "install", "--quiet", "--editable", target]
    if has_compiler():
        print("$ " + " ".join(map(str, command)), flush=True)
        if subprocess.run(command, check=False).returncode == 0:
            return
    print("installing without hnswlib, which needs a C++ compiler and Python's headers; very large indexes are slower")
    import tomllib  # not at the top: an older Python is to get as far as being told so

    project = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(p for extra in extras for p in project["optional-dependencies"][extra])]
    rest = [package for package in wanted if not re.match(r"hnswlib\b", package)]
    run(python, "-m", "pip", "install", "--quiet", *rest)
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", HERE)


def demo(repository: str, question: str) -> None:
    """Index a repository and ask it a question."""
    programs = environment(HERE / ".venv")
    install(programs / "python")
    run(programs / "codesearch", "index", repository)
    run(programs / "codesearch", "ask", question, repository, "-k", "5")


def test(pytest_arguments: Sequence[str]) -> None:
    """Lint, check types, run the tests, build the wheel and ask it a question from an environment of its own."""
    started = time.monotonic()
    programs = environment(HERE / ".venv")
    python = programs / "python"
    run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip")
    run(python, "-m", "pip", "install", "--quiet", TORCH)
    install(python, ["gpu", "train", "eval", "test"])
    run(python, "-m", "ruff", "check")
    run(python, "-m", "ruff", "format", "--check")
    run(python, "-m", "mypy")
    run(python, "-m", "pytest", *pytest_arguments)
    check_wheel(python)
    print(f"all passed in {time.monotonic() - started:.0f} s", flush=True)


def check_wheel(python: Path) -> None:
    """Build the wheel, install it in an environment of its own, and ask it a question about a tiny repository."""
    with tempfile.TemporaryDirectory(prefix="codesearch-wheel-") as scratch:
        folder = Path(scratch)
        run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, HERE)
        (wheel,) = folder.glob("*.whl")
        programs = environment(folder / "venv")
        run(programs / "python", "-m", "pip", "install", "--quiet", wheel)
        tree = folder / "tree"
        tree.mkdir()
        (tree / "area.py").write_text("def circle(radius):\n    return 3.14159 * radius ** 2\n", encoding="utf-8")
        (tree / "mail.py").write_text("def deliver(message, server):\n    server.send(message)\n", encoding="utf-8")
        ask = [programs / "codesearch", "ask", "surface of a disk", tree, "-k", "1"]
        os.environ["CODESEARCH_CACHE"] = str(folder / "cache")
        print("$ " + " ".join(map(str, ask)), flush=True)
        answer = subprocess.run(ask, cwd=folder, check=True, capture_output=True, text=True).stdout
        print(answer)
        if "circle" not in answer:
            sys.exit("the wheel gave a wrong answer")


def man() -> None:
    """Write the manual page anew, from the command line's own help."""
    programs = environment(HERE / ".venv")
    install(programs / "python")
    run(programs / "python", HERE / "docs" / "manual.py")


def main() -> None:
    """Parse the command line."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this may have another Python
        sys.exit(f"codesearch needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    commands = parser.add_subparsers(dest="command", required=True)
    demo_parser = commands.add_parser("demo", help="set up, index a repository, and ask it a question")
    demo_parser.add_argument("repository", nargs="?", default=str(HERE), help="folder or Git URL; default: this one")
    demo_parser.add_argument("question", nargs="?", default="split an identifier into words")
    test_parser = commands.add_parser("test", help="set up, and pass the tests")
    test_parser.add_argument("pytest_arguments", nargs="*", help="for pytest, after --")
    commands.add_parser("man", help="write docs/codesearch.1 anew, from the command line's help")
    arguments = parser.parse_args()
    if arguments.command == "demo":
        demo(arguments.repository, arguments.question)
    elif arguments.command == "man":
        man()
    else:
        test(arguments.pytest_arguments)


if __name__ == "__main__":
    main()
