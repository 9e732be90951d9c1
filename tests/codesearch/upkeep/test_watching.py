"""``index --watch`` from end to end in a process of its own, and what of a tree is worth watching."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import Result

from codesearch.records import Repository
from codesearch.sources import FileRules, Scope, open_repository

Invoke = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[str]"]
WriteTree = Callable[[Path, Mapping[str, str]], Path]
Git = Callable[..., None]

PATIENCE = 60.0


class Watching:
    """A running ``index --watch``, and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, text: str) -> str:
        """Wait for a line that holds a text, and return it."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE)
            except queue.Empty:
                pytest.fail(f"{text!r} was not said, but {self.said}")
            if line is None:
                pytest.fail(f"it ended before {text!r} was said, but {self.said}")
            self.said.append(line)
            if text in line:
                return line

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def watching(process: subprocess.Popen[str]) -> Iterator[Watching]:
    try:
        yield Watching(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


# --- the command --------------------------------------------------------------------------------------------


def test_what_is_saved_is_found(start: Start, invoke: Invoke, git_sample: Path, write_tree: WriteTree) -> None:
    write_tree(git_sample, {".gitignore": "build/\n"})
    with watching(start("index", "--watch", git_sample)) as watch:
        watch.until("sample: ")
        assert "Ctrl-C ends it" in watch.until("watching sample")
        # Ignored, and saved before what is not: had it counted, it would be told first.
        write_tree(git_sample, {"build/made.py": "def made(): pass\n"})
        write_tree(git_sample, {"src/later.py": "def unheard_of(): pass\n"})
        assert "1 file read; 1 text encoded" in watch.until("sample: ")
        write_tree(git_sample, {"new/folder/deep.py": "def deeper_still(): pass\n"})
        assert "1 file read" in watch.until("sample: ")
        write_tree(git_sample, {"new/folder/more.py": "def in_a_new_folder(): pass\n"})
        watch.until("1 file read")
        (git_sample / "src/later.py").unlink()
        watch.until("1 file removed")
        assert watch.end() == 0
    assert "in_a_new_folder" in invoke("ask", "in_a_new_folder", git_sample, "--no-refresh").stdout
    assert "unheard_of" not in invoke("ask", "unheard_of", git_sample, "--no-refresh").stdout


def test_a_switch_of_branches_is_seen_also_in_a_linked_worktree(
    start: Start, git_sample: Path, git: Git, tmp_path: Path, write_tree: WriteTree
) -> None:
    git(git_sample, "worktree", "add", "--quiet", tmp_path / "linked")
    with watching(start("index", "--watch", git_sample, tmp_path / "linked")) as watch:
        watch.until("watching sample, linked")
        git(git_sample, "checkout", "--quiet", "-b", "other")
        git(git_sample, "commit", "--quiet", "--allow-empty", "-m", "second")
        assert "now at" in watch.until("sample: ")
        write_tree(tmp_path / "linked", {"src/branch.py": "def only_here(): pass\n"})
        watch.until("linked: 1 file read")
        git(tmp_path / "linked", "add", ".")
        git(tmp_path / "linked", "commit", "--quiet", "-m", "third")
        assert "now at" in watch.until("linked: ")
        assert watch.end() == 0


def test_ctrl_c_ends_it_with_130_and_no_traceback(start: Start, sample: Path) -> None:
    with watching(start("index", "--watch", sample)) as watch:
        watch.until("watching sample")
        assert watch.end(signal.SIGINT) == 130
        watch.until("what was committed stays")
        assert not any("Traceback" in line for line in watch.said)


def test_ctrl_c_in_the_middle_of_an_update_keeps_what_was_made_and_leaves_nothing_behind(
    start: Start, invoke: Invoke, tmp_path: Path, write_tree: WriteTree
) -> None:
    functions = "\n\n".join(f"def f_{k}(x):\n    return x + {k}\n" for k in range(40))
    root = write_tree(tmp_path / "many", {f"m{n}.py": functions.replace("f_", f"f_{n}_") for n in range(60)})
    shipped = "import os\ndel os.environ['CODESEARCH_MODEL']"  # which takes seconds to encode that
    with watching(start("index", "--watch", root, prelude=shipped)) as watch:
        children: list[psutil.Process] = []
        deadline = time.monotonic() + PATIENCE
        while not status_of(invoke, root).get("chunks"):
            children = children or psutil.Process(watch.process.pid).children()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert watch.end(signal.SIGINT) == 130
        watch.until("what was committed stays")
        assert len(children) == 1
        assert not psutil.wait_procs(children, PATIENCE)[1]
        assert not any("Traceback" in line for line in watch.said)
    assert status_of(invoke, root)["pending"] > 0


def status_of(invoke: Invoke, root: Path) -> dict[str, Any]:
    status: dict[str, Any] = json.loads(invoke("status", root, "--json").stdout or "{}")
    return status


def test_a_crash_of_the_indexing_process_loses_no_change(start: Start, sample: Path, write_tree: WriteTree) -> None:
    with watching(start("index", "--watch", sample)) as watch:
        watch.until("watching sample")
        (child,) = psutil.Process(watch.process.pid).children()
        child.suspend()
        write_tree(sample, {"src/later.py": "def later(): pass\n"})
        time.sleep(2)  # it has been asked for the update by now
        child.kill()
        assert "1 file read; 1 text encoded" in watch.until("sample: ")
        assert watch.end() == 0


def test_it_goes_on_without_a_folder_that_vanishes_and_ends_without_all(
    start: Start, sample: Path, tmp_path: Path, write_tree: WriteTree
) -> None:
    import shutil

    other = write_tree(tmp_path / "other", {"a.py": "x = 1\n"})
    with watching(start("index", "--watch", tmp_path / "missing", other, sample)) as watch:
        watch.until("There is no")
        watch.until("watching other, sample")
        shutil.rmtree(other)
        assert str(other) in watch.until("no longer watched")
        write_tree(sample, {"src/later.py": "def later(): pass\n"})
        watch.until("sample: 1 file read")
        shutil.rmtree(sample)
        watch.until("no longer watched")
        watch.until("nothing is left to watch")
        assert watch.process.wait(PATIENCE) == 2


def test_where_the_system_does_not_notify_files_are_polled(start: Start, sample: Path, write_tree: WriteTree) -> None:
    limit = """
import watchfiles
true_watch = watchfiles.watch
def watch(*paths, force_polling=None, **options):
    if not force_polling:
        raise OSError('OS file watch limit reached. about ["/"] (Error { kind: MaxFilesWatch })')
    yield from true_watch(*paths, force_polling=True, **options)
watchfiles.watch = watch
"""
    with watching(start("index", "--watch", sample, prelude=limit)) as watch:
        assert "looking at every file each two seconds" in watch.until("fs.inotify.max_user_watches")
        watch.until("watching sample")
        write_tree(sample, {"src/later.py": "def later(): pass\n"})
        watch.until("sample: 1 file read")
        assert watch.end() == 0


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_root_is_watched(start: Start, sample: Path) -> None:
    sample.chmod(0o555)
    try:
        with watching(start("index", "--watch", sample)) as watch:
            watch.until("watching sample")
            assert watch.end() == 0
    finally:
        sample.chmod(0o755)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("https://github.com/owner/name",), "clone it, and watch the work tree"),
        (("no-such-folder",), "nothing to watch"),
        ((".", "--dry-run"), "--watch and --dry-run exclude each other"),
    ],
)
def test_what_cannot_be_watched_is_refused(invoke: Invoke, arguments: tuple[str, ...], said: str) -> None:
    result = invoke("index", "--watch", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


# --- what is worth watching ---------------------------------------------------------------------------------


def scope_of(root: Path, rules: FileRules | None = None) -> Scope:
    return Scope(open_repository(root, cache=root), rules or FileRules())


TREE = {
    "src/a.py": "a = 1\n",
    "build/made.py": "b = 2\n",
    "docs/deep/er/x.md": "words\n",
    "node_modules/dep/i.js": "1\n",
    "env/pyvenv.cfg": "\n",
    "env/lib/x.py": "1\n",
}


def names(folders: set[Path], root: Path) -> set[str]:
    return {folder.relative_to(root).as_posix() for folder in folders if folder.is_relative_to(root)}


def test_folders_that_are_left_out_are_not_watched(tmp_path: Path, write_tree: WriteTree, git: Git) -> None:
    write_tree(tmp_path, {**TREE, ".gitignore": "build/\nnode_modules/\n", ".codesearchignore": "/docs/deep/\n"})
    (tmp_path / "link").symlink_to(tmp_path / "src")
    plain = {".", "src", "docs"}
    assert names(scope_of(tmp_path).folders(), tmp_path) == plain
    git(tmp_path, "init", "--quiet")
    folders = names(scope_of(tmp_path, FileRules(exclude=("docs/",))).folders(), tmp_path)
    assert {name for name in folders if not name.startswith(".git")} == {".", "src"}
    assert {".git", ".git/refs/heads"} <= folders
    assert ".git/objects" not in folders


@pytest.mark.parametrize("is_git", [False, True])
@pytest.mark.parametrize(
    ("path", "matters"),
    [
        ("src/a.py", True),
        ("src/gone.py", True),
        ("src", True),
        ("src/a.pyc", False),
        ("src/notes.tmp", False),
        ("build/made.py", False),
        ("build", False),
        ("env/lib/x.py", False),
        ("link/a.py", False),
        ("nested/b.py", False),
        (".git/index", False),
        (".git/objects/ab/cd", False),
        (".gitignore", True),
        ("src/.codesearchignore", True),
        ("gen/x.py", False),
    ],
)
def test_a_change_matters_where_the_index_looks(
    tmp_path: Path, write_tree: WriteTree, git: Git, is_git: bool, path: str, matters: bool
) -> None:
    write_tree(
        tmp_path,
        {**TREE, ".gitignore": "build/\n*.tmp\n", "src/notes.tmp": "x", "src/a.pyc": "x", "nested/b.py": "x"},
    )
    (tmp_path / "link").symlink_to(tmp_path / "src")
    git(tmp_path / "nested", "init", "--quiet")
    if is_git:
        git(tmp_path, "init", "--quiet")
    whole = str(tmp_path / path)
    assert scope_of(tmp_path, FileRules(exclude=("/gen/",))).concerned([whole]) == ({whole} if matters else set())


@pytest.mark.parametrize(
    ("name", "matters"),
    [("HEAD", True), ("refs/heads/main", True), ("packed-refs", True), ("HEAD.lock", False), ("ORIG_HEAD", False)],
)
def test_of_gits_own_files_those_of_branches_matter(tmp_path: Path, git: Git, name: str, matters: bool) -> None:
    git(tmp_path, "init", "--quiet")
    whole = str(tmp_path / ".git" / name)
    scope = Scope(Repository(tmp_path, "x", is_git=True), FileRules())
    assert bool(scope.concerned([whole])) == matters
