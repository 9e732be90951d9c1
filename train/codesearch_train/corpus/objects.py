"""Reading a Git repository, bare or not, without a checkout: trees, blobs and small commits.

Plain ``git`` commands, as in ``codesearch.sources``: ``cat-file --batch`` answers tens of thousands of
blobs a second from one process.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from codesearch.errors import RepositoryNotFound

__all__ = ["ChangedFile", "Commit", "Entry", "GitObjects"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file in a tree: its path, blob id and size in bytes."""

    path: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file that a commit touched: its path, Git's status letter, and the blobs before and after."""

    path: str
    status: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit with at most one parent: its id, subject, and the files that it touched."""

    commit: str
    subject: str
    files: tuple[ChangedFile, ...]


class GitObjects:
    """The objects of one repository; a context manager that ends its process.

    Args:
        directory: A bare repository, a ``.git`` directory or a work tree.

    Raises:
        RepositoryNotFound: It is none of these, or has no commit.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / ".git" if (directory / ".git").is_dir() else directory
        try:
            self.head = self._run("rev-parse", "--verify", "HEAD^{commit}").decode().strip()
        except subprocess.CalledProcessError as error:
            raise RepositoryNotFound(
                f"{directory}: not a Git repository with a commit; give one that `git log` can read"
            ) from error
        self._blobs = subprocess.Popen(
            self._command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> GitObjects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._blobs.stdin is not None
        assert self._blobs.stdout is not None
        self._blobs.stdin.close()
        self._blobs.stdout.close()
        self._blobs.wait()

    def _command(self, *arguments: str) -> list[str]:
        return [
            "git",
            "--git-dir",
            str(self._directory),
            "-c",
            "core.quotePath=false",
            "-c",
            "safe.directory=*",
            *arguments,
        ]

    def _run(self, *arguments: str) -> bytes:
        return subprocess.run(self._command(*arguments), check=True, capture_output=True).stdout

    def entries(self) -> list[Entry]:
        """The regular files of the newest commit."""
        found = []
        for record in self._run("ls-tree", "-r", "-l", "-z", "HEAD").split(b"\0"):
            facts, _, path = record.partition(b"\t")
            parts = facts.split()
            # The size of a blob that the repository lacks (a partial clone) is printed as "BAD" or "-".
            if len(parts) == 4 and parts[0] in (b"100644", b"100755") and parts[3].isdigit():
                found.append(Entry(path.decode("utf-8", "replace"), parts[2].decode(), int(parts[3])))
        return found

    def read(self, blob: str) -> bytes:
        """The bytes of a blob; empty where the repository lacks it (a partial clone)."""
        assert self._blobs.stdin is not None
        assert self._blobs.stdout is not None
        self._blobs.stdin.write(blob.encode() + b"\n")
        self._blobs.stdin.flush()
        header = self._blobs.stdout.readline().split()
        if len(header) != 3:
            return b""
        data = self._blobs.stdout.read(int(header[2]) + 1)
        return data[:-1] if header[1] == b"blob" else b""

    def commits(self, newest: int) -> Iterator[Commit]:
        """The newest commits that are no merges, newest first."""
        # A partial clone ends this command early; what it printed until then is as good as any.
        printed = subprocess.run(
            self._command(
                "log",
                "--no-merges",
                f"-n{newest}",
                "--raw",
                "--no-abbrev",
                "--no-renames",
                "-z",
                "--format=%x01%H%x02%s",
                "HEAD",
            ),
            check=False,
            capture_output=True,
        ).stdout
        # In raw -z output a file is ":modes blobs status NUL path NUL".
        for record in printed.split(b"\x01")[1:]:
            head, _, rest = record.partition(b"\0")
            commit, _, subject = head.partition(b"\x02")
            fields = rest.lstrip(b"\n\0").split(b"\0")
            files = []
            for facts, path in zip(fields[::2], fields[1::2], strict=False):
                parts = facts.lstrip(b"\n:").split()
                if len(parts) == 5:
                    status, before, after = parts[4].decode(), parts[2].decode(), parts[3].decode()
                    files.append(ChangedFile(path.decode("utf-8", "replace"), status, before, after))
            yield Commit(commit.decode(), subject.decode("utf-8", "replace").strip(), tuple(files))
