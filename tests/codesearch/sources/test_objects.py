"""Repositories without a work tree: trees, blobs, commits and their subjects."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codesearch.errors import RepositoryNotFound
from codesearch.sources import GitObjects, GitUnavailableError, clean_subject, git_output


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A work tree with two commits, a script, a link and a name outside ASCII."""
    root = tmp_path / "source"
    root.mkdir()
    git(root, "init", "-q")
    (root / "a.py").write_text("one\n")
    (root / "größe.py").write_bytes(b"\0\xff\n\nno line end")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "link").symlink_to("a.py")
    (root / "empty.py").touch()
    git(root, "add", ".")
    git(root, "commit", "-qm", "Add rows")
    (root / "a.py").write_text("two\n")
    git(root, "commit", "-qam", "Subtract rows\n\nA body: with a colon.")
    return root


@pytest.fixture
def bare(source: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", "--bare", str(source), "bare")
    return tmp_path / "bare"


def test_a_bare_repository_reads_as_its_work_tree(source: Path, bare: Path) -> None:
    with GitObjects(bare) as objects, GitObjects(source) as tree:
        assert objects.files() == tree.files()
        assert objects.head == tree.head
        assert list(objects.commits(5)) == list(tree.commits(5))


def test_regular_files_are_listed_and_read_as_they_are(source: Path, bare: Path) -> None:
    with GitObjects(bare) as objects:
        files = {file.path: file for file in objects.files()}
        assert set(files) == {"a.py", "größe.py", "run", "empty.py"}
        for path, file in files.items():
            content = (source / path).read_bytes()
            assert objects.read(file.blob) == content
            assert file.size == len(content)


def test_what_is_missing_is_empty_and_does_not_disturb_what_follows(bare: Path) -> None:
    with GitObjects(bare) as objects:
        (file,) = (file for file in objects.files() if file.path == "a.py")
        assert objects.read("0" * 40) == b""
        assert objects.read(objects.head) == b""  # a commit is no blob
        assert objects.read(file.blob) == b"two\n"


def test_another_tree_than_the_newest(bare: Path) -> None:
    with GitObjects(bare) as objects:
        before = {file.path: file.blob for file in objects.files("HEAD~1")}
        assert objects.read(before["a.py"]) == b"one\n"
        with pytest.raises(GitUnavailableError):
            objects.files("HEAD~7")


def test_commits_tell_what_they_changed(bare: Path) -> None:
    with GitObjects(bare) as objects:
        newest, oldest = objects.commits(5)
        assert (newest.subject, oldest.subject) == ("Subtract rows", "Add rows")
        (changed,) = newest.files
        assert (changed.path, changed.status) == ("a.py", "M")
        assert [objects.read(blob) for blob in (changed.before, changed.after)] == [b"one\n", b"two\n"]
        assert {file.path for file in oldest.files} == {"a.py", "größe.py", "run", "empty.py", "link"}
        assert len(list(objects.commits(1))) == 1


def test_the_repository_of_a_hook_is_not_read_instead(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "--bare", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path / "other" / "objects"))
    with GitObjects(bare) as objects:
        assert len(objects.files()) == 4


def test_what_is_no_repository_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    git(tmp_path, "init", "-q", "--bare", "fresh")
    for folder in (tmp_path, tmp_path / "file", tmp_path / "nowhere", tmp_path / "fresh"):
        with pytest.raises(RepositoryNotFound, match="not a Git repository with a commit"):
            GitObjects(folder)
    with pytest.raises(GitUnavailableError):
        git_output(tmp_path / "nowhere", "log")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("fix(parser): handle empty headers (#123)", "handle empty headers"),
        ("[core] Do not drop rows. Fixes #7", "Do not drop rows"),
        ("ABC-123: keep the order of keys", "keep the order of keys"),
        ("KAFKA-12345 keep the order of keys", "keep the order of keys"),
        ("Keep the order of keys", "Keep the order of keys"),
        ("Keep the order of keys.", "Keep the order of keys"),
        ("chore(deps): bump rows from 1 to 2 (#10469)", "bump rows from 1 to 2"),
        ("feat!: drop rows", "drop rows"),
        ("net/http: keep rows", "keep rows"),
        (":sparkles: Keep rows", "Keep rows"),
        ("#12: keep rows", "keep rows"),
        ("fix: keep rows (GH-9705) (#10242)", "keep rows"),
        ("Keep rows (Fixes #10097) (#10098)", "Keep rows"),
        ("Add a test for #3077", "Add a test"),
        ("Keep rows [skip]", "Keep rows"),
        # Looks like one of these, and is part of what is said.
        ("Turn list[str] into List[str]", "Turn list[str] into List[str]"),
        ("Require uvicorn[standard]", "Require uvicorn[standard]"),
        ("UTF-8 names are kept", "UTF-8 names are kept"),
        ("update-1 after review", "update-1 after review"),
        ("Version-2.9.2", "Version-2.9.2"),
        ("#123", "#123"),
        ("", ""),
    ],
)
def test_subjects_of_commits(subject: str, expected: str) -> None:
    assert clean_subject(subject) == expected
