"""Trees of the benchmark's repositories on disk, as they are searched."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from codesearch.errors import InputError
from codesearch.languages import language_of
from codesearch.records import Repository
from codesearch_eval.repositories.benchmark import BenchmarkRepository, Question, View
from codesearch_eval.repositories.file_says import cut_header, headers
from codesearch_eval.repositories.history import documentation_question, git_text, parse_source
from codesearch_eval.repositories.tests_say import without_inline_tests

__all__ = ["Tree", "find_repository", "trees"]


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that lies on disk now, and the questions that are asked about it.

    Attributes:
        repository: The work tree.
        questions: All about this tree.
    """

    repository: Repository
    questions: tuple[Question, ...]


def find_repository(folder: Path, name: str) -> Path:
    """Return the Git directory of ``owner/name`` in a folder of clones, bare or not.

    Raises:
        InputError: It is not there.
    """
    for candidate in (name, name.replace("/", "+"), f"{name}.git"):
        for git_dir in (folder / candidate / ".git", folder / candidate):
            if (git_dir / "objects").is_dir():
                return git_dir
    target = folder / name.replace("/", "+")
    raise InputError(f"{folder} holds no clone of {name}: git clone --bare https://github.com/{name} {target}")


@contextmanager
def trees(git_dir: Path, repository: BenchmarkRepository, questions: Sequence[Question]) -> Iterator[Iterator[Tree]]:
    """Give the trees that questions are asked about one after another, oldest first, at one place on disk.

    One place, so that an index of it is brought up to date from one tree to the next instead of made anew.
    The last trees are those from which what asks was cut.

    Raises:
        InputError: Git cannot check a tree out.
    """
    # The word index may still be merging in a thread of its own when its folder goes.
    with TemporaryDirectory(prefix="codesearch-tree-", ignore_cleanup_errors=True) as scratch:
        # The folder's name is part of no path that is searched, but it names the repository in answers.
        root = Path(scratch).resolve() / repository.name.rpartition("/")[2]
        _git("clone", "--quiet", "--shared", "--no-checkout", str(git_dir), str(root))
        yield _each(root, repository, questions)


def _each(root: Path, repository: BenchmarkRepository, questions: Sequence[Question]) -> Iterator[Tree]:
    where = Repository(root, repository.name, is_git=True)
    order = git_text(root / ".git", "rev-list", "--reverse", "--topo-order", repository.commit).split()
    position = {commit: number for number, commit in enumerate(order)}
    for tree, view in sorted(
        {(question.tree, question.view) for question in questions},
        key=lambda one: (position.get(one[0], -1), list(View).index(one[1])),
    ):
        _checkout(root, tree)
        asked = [question for question in questions if (question.tree, question.view) == (tree, view)]
        yield Tree(where, tuple(question for question in asked if _cut(root, question)))


def _cut(root: Path, question: Question) -> bool:
    """Cut what asks out of the tree on disk; say whether that worked."""
    if question.view is View.WITHOUT_DOCUMENTATION:
        return cut_documentation(root, question)
    if question.view is View.WITHOUT_HEADERS:
        return cut_file_header(root, question)
    return question.view is not View.WITHOUT_TESTS or cut_tests(root, question)


def cut_tests(root: Path, question: Question) -> bool:
    """Remove the file of tests that asks, or the tests out of the file of code where they lie in it."""
    file = root / question.source
    if question.source not in question.files:
        file.unlink(missing_ok=True)
        return True
    language, source = _read(root, question.source)
    cut = without_inline_tests(language, source)
    file.write_bytes(cut.encode())
    return question.text not in cut


def cut_file_header(root: Path, question: Question) -> bool:
    """Cut what a file says of itself out of it; say whether that worked."""
    (path,) = question.files
    language, source = _read(root, path)
    cut = cut_header(language, path, source, parse_source(path, source), question.text)
    if cut is None or any(
        header.text == question.text for header in headers(language, path, cut, parse_source(path, cut))
    ):
        return False
    (root / path).write_bytes(cut.encode())
    return True


def _read(root: Path, path: str) -> tuple[str, str]:
    """Return the language and the text of a file; ("", "") where it cannot be read."""
    try:
        source = (root / path).read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return "", ""
    language = language_of(path, source.split("\n", 1)[0])
    return (language.name if language else "", source)


def cut_documentation(root: Path, question: Question) -> bool:
    """Cut the documentation that asks out of its file; say whether that worked."""
    (path, name) = question.chunks[0]
    file = root / path
    try:
        source = file.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return False
    for chunk in parse_source(path, source):
        if chunk.qualified_name == name and documentation_question(chunk.documentation) == question.text:
            lines, (span,) = source.split("\n"), chunk.text_spans
            lines[span.start - 1 : span.end] = chunk.code.split("\n")
            cut = "\n".join(lines)
            if any(documentation_question(c.documentation) == question.text for c in parse_source(path, cut)):
                return False
            file.write_bytes(cut.encode())
            return True
    return False


def _checkout(root: Path, tree: str) -> None:
    # Forced, since documentation may have been cut; what is left over from another tree goes as well.
    checkout = ["-C", str(root), "-c", "advice.detachedHead=false", "checkout", "--quiet", "--force", "--detach", tree]
    complaint = _try_git(*checkout)
    if complaint:
        # A partial clone may lack large files, which are no source code. Git has written all others by then.
        missing = [line for line in complaint.splitlines() if line.startswith("error: unable to read sha1 file of ")]
        if not missing or any(_is_source(line.split(" of ", 1)[1].rpartition(" (")[0]) for line in missing):
            raise InputError(f"git cannot check out {tree}: {complaint}")
        _git("-C", str(root), "read-tree", "--reset", tree)
        _git("-C", str(root), "update-ref", "--no-deref", "HEAD", tree)
        _try_git("-C", str(root), "update-index", "--quiet", "--refresh")
    _git("-C", str(root), "clean", "-qfdx")


def _is_source(path: str) -> bool:
    language = language_of(path)
    return language is not None and language.has_definitions


def _git(*arguments: str) -> None:
    complaint = _try_git(*arguments)
    if complaint:
        raise InputError(f"git {' '.join(arguments)} failed: {complaint}")


def _try_git(*arguments: str) -> str:
    """Run Git; return what it complains of where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    return (done.stderr.decode(errors="replace").strip() or "no reason given") if done.returncode else ""
