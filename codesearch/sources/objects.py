"""Reading a Git repository, bare or not, without a work tree: its trees, its blobs, and small commits.

Plain ``git`` commands (see `codesearch.sources.commands`): ``cat-file --batch`` answers tens of thousands of
blobs a second from one process.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from codesearch.errors import RepositoryNotFound
from codesearch.sources.commands import GitDialogue, GitUnavailableError, run

__all__ = ["ChangedFile", "Commit", "GitObjects", "TreeFile", "git_output"]

_FILE_MODE = b"100"  # 100644, 100755, and 100664 in old trees; links, folders and submodules have others
_ANY_STATUS = range(-64, 256)


@dataclass(frozen=True, slots=True)
class TreeFile:
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


def git_output(directory: Path, *arguments: str, accept: Container[int] = (0,)) -> bytes:
    """What a Git command prints about a repository. Whose that is does not matter, since nothing of it is run.

    Args:
        directory: A bare repository or a ``.git`` directory.
        arguments: Of ``git``, after those that say where the repository is.
        accept: Exit statuses that are no failure.

    Raises:
        GitUnavailableError: It fails, or there is no such directory, or no Git.
    """
    try:
        return run(directory, *_arguments(directory, *arguments), accept=accept)[1]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise GitUnavailableError(f"There is no folder {directory}: give one that holds a Git repository.") from error


def _arguments(directory: Path, *arguments: str) -> tuple[str, ...]:
    settings = ("-c", "core.quotePath=false", "-c", "safe.directory=*")
    return ("--git-dir", str(directory.absolute()), *settings, *arguments)


class GitObjects:
    """The objects of one repository; a context manager that ends its process.

    Args:
        directory: A bare repository, a ``.git`` directory or a work tree.

    Attributes:
        head: Id of the newest commit.

    Raises:
        RepositoryNotFound: It is none of these, or has no commit.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory / ".git" if (directory / ".git").is_dir() else directory
        try:
            self.head = git_output(self._directory, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()
        except GitUnavailableError as error:
            raise RepositoryNotFound(
                f"{directory}: not a Git repository with a commit; give one that `git log` can read"
            ) from error
        self._blobs = GitDialogue(self._directory, *_arguments(self._directory, "cat-file", "--batch"))

    def __enter__(self) -> GitObjects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blobs.close()

    def files(self, tree: str = "HEAD") -> list[TreeFile]:
        """The regular files of a commit or tree, in the order of their paths' bytes; the newest commit's by default.

        Raises:
            GitUnavailableError: There is no such tree.
        """
        found = []
        for record in git_output(self._directory, "ls-tree", "-r", "-l", "-z", tree).split(b"\0"):
            facts, _, path = record.partition(b"\t")
            parts = facts.split()
            # The size of a blob that the repository lacks (a partial clone) is printed as "BAD" or "-".
            if len(parts) == 4 and parts[0].startswith(_FILE_MODE) and parts[3].isdigit():
                found.append(TreeFile(path.decode("utf-8", "replace"), parts[2].decode(), int(parts[3])))
        return found

    def read(self, blob: str) -> bytes:
        """The bytes of a blob; empty where the repository lacks it (a partial clone)."""
        header = self._blobs.ask(blob.encode()).split()
        if len(header) != 3:
            return b""
        data = self._blobs.read(int(header[2]) + 1)
        return data[:-1] if header[1] == b"blob" else b""

    def commits(self, newest: int) -> Iterator[Commit]:
        """The newest commits that are no merges, newest first."""
        # A partial clone ends this command early; what it printed until then is as good as any.
        printed = git_output(
            self._directory,
            *("log", "--no-merges", f"-n{newest}", "--raw", "--no-abbrev", "--no-renames", "-z"),
            *("--format=%x01%H%x02%s", "HEAD"),
            accept=_ANY_STATUS,
        )
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
