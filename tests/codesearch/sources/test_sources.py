"""Which files belong to a repository, against real repositories made by Git itself."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from codesearch.errors import InputError, RepositoryNotFound
from codesearch.records import Repository, SkippedFile, SkipReason, SourceFile
from codesearch.sources import (
    FileRules,
    Listing,
    SourceText,
    blob_id,
    find_repository,
    list_files,
    open_repository,
    read_source,
)
from codesearch.sources import opening as opening_module
from codesearch.sources.clones import _reason, is_url, parse_url
from codesearch.sources.patterns import IgnoreTree, PatternList
from codesearch.sources.walk import walk

CODE = "def f():\n    return 1\n"
as_root = os.name == "posix" and os.geteuid() == 0


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """Runs Git as a user with no configuration of their own."""
    settings_ = (
        "user.name=T",
        "user.email=t@example.org",
        "init.defaultBranch=main",
        "protocol.file.allow=always",
    )
    options = [word for setting in settings_ for word in ("-c", setting)]
    command = ["git", *options, "-c", "commit.gpgSign=false", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="surrogateescape", check=False)
    if check:
        assert done.returncode == 0, done.stderr
    return done.stdout


def write(root: Path, *paths: str, text: str = CODE) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.fixture(autouse=True)
def _no_user_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("xdg")))


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit: a.py and lib/b.py."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q")
    write(root, "a.py", "lib/b.py")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def listed(root: Path, rules: FileRules | None = None) -> Listing:
    return list_files(open_repository(root, cache=root / "unused-cache"), rules or FileRules())


def paths(listing: Listing) -> set[str]:
    """What is to be searched, less ``.gitignore`` and the like, which are files as any other."""
    return {file.path for file in listing.files if not file.path.rpartition("/")[2].startswith(".git")}


def reasons(listing: Listing) -> dict[str, SkipReason]:
    return {skipped.path: skipped.reason for skipped in listing.skipped}


def blobs(listing: Listing) -> dict[str, str]:
    return {file.path: file.blob for file in listing.files if file.path in paths(listing)}


def read(root: Path, path: str, rules: FileRules | None = None) -> SourceText | SkippedFile:
    return read_source(Repository(root, root.name), SourceFile(path, 0, 0), rules or FileRules())


# --- opening -----------------------------------------------------------------------------------------------


def test_a_folder_of_a_work_tree_is_a_repository_of_its_own(repo: Path, tmp_path: Path) -> None:
    write(repo, "lib/new.py", "outside.py")
    write(repo, "lib/b.py", text="changed = 1\n")
    opened = open_repository(repo / "lib", cache=tmp_path)
    assert opened == Repository(repo / "lib", "lib", is_git=True)
    listing = list_files(opened, FileRules())
    assert blobs(listing) == {"b.py": "", "new.py": ""}
    assert listing.commit == git(repo, "rev-parse", "HEAD").strip()


def test_find_repository_goes_up_to_the_work_tree(repo: Path, tmp_path: Path) -> None:
    top = Repository(repo, "repo", is_git=True)
    assert find_repository(repo / "lib") == top
    assert find_repository(repo / "lib" / "b.py") == top
    assert find_repository(tmp_path) == Repository(tmp_path, tmp_path.name)


def test_an_ignored_folder_that_is_named_is_listed(repo: Path) -> None:
    write(repo, ".gitignore", text="vendor/\n")
    write(repo, "vendor/package/code.py")
    assert "vendor/package/code.py" not in paths(listed(repo))
    assert paths(listed(repo / "vendor" / "package")) == {"code.py"}


def test_a_link_to_a_repository_is_resolved(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo)
    assert open_repository(tmp_path / "link", cache=tmp_path).root == repo


@pytest.mark.parametrize("location", ["", "missing", "a\0b"])
def test_no_such_path(location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepositoryNotFound, match="give"):
        open_repository(location, cache=tmp_path)
    with pytest.raises(RepositoryNotFound, match="give"):
        find_repository(location)


def test_paths_that_are_no_folder(repo: Path, tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound, match="is a file"):
        open_repository(repo / "a.py", cache=tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(RepositoryNotFound, match="cannot be opened"):
        open_repository(tmp_path / "loop", cache=tmp_path)


def test_a_bare_repository_is_refused_with_advice(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    with pytest.raises(RepositoryNotFound, match=r"bare Git repository.*file://"):
        open_repository(tmp_path / "bare.git", cache=tmp_path)
    with pytest.raises(RepositoryNotFound, match="bare Git repository"):
        find_repository(tmp_path / "bare.git" / "refs")
    with pytest.raises(RepositoryNotFound, match="keeps its data"):
        open_repository(repo / ".git", cache=tmp_path)


# --- what Git says -----------------------------------------------------------------------------------------


def test_tracked_untracked_and_ignored(repo: Path) -> None:
    write(repo, ".gitignore", text="*.log.py\nout/\n!keep.log.py\n")
    write(repo, "new.py", "x.log.py", "keep.log.py", "out/o.py")
    listing = listed(repo)
    assert paths(listing) == {"a.py", "lib/b.py", "new.py", "keep.log.py"}
    every = [file.path for file in listing.files]
    assert every == sorted(every)
    assert ".gitignore" in every
    assert listing.dirty


def test_a_clean_work_tree(repo: Path) -> None:
    listing = listed(repo)
    assert listing.commit == git(repo, "rev-parse", "HEAD").strip()
    assert not listing.dirty
    assert listing.notice == ""
    assert set(blobs(listing).values()) == {blob_id(CODE.encode())}
    status = (repo / "a.py").stat()
    assert listing.files[0] == SourceFile("a.py", status.st_size, status.st_mtime_ns, blob_id(CODE.encode()))


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    write(tmp_path, "a.py")
    listing = listed(tmp_path)
    assert paths(listing) == {"a.py"}
    assert listing.commit is None


def change_nothing(repo: Path) -> None:
    """Only the time of modification: Git finds the same content."""
    os.utime(repo / "a.py", (1, 1))


def modify(repo: Path) -> None:
    write(repo, "a.py", text="x = 2\n")


def modify_at_once_and_keep_size(repo: Path) -> None:
    """Within the clock tick of the commit, with the time put back: what Git calls racy."""
    before = (repo / "a.py").stat()
    git(repo, "update-index", "--refresh")
    write(repo, "a.py", text=CODE.replace("1", "2"))
    os.utime(repo / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns + 1))


def stage(repo: Path) -> None:
    modify(repo)
    git(repo, "add", "a.py")


def stage_and_modify(repo: Path) -> None:
    stage(repo)
    write(repo, "a.py", text="x = 3\n")


def assume_unchanged(repo: Path) -> None:
    git(repo, "update-index", "--assume-unchanged", "a.py")
    modify(repo)


def skip_worktree(repo: Path) -> None:
    git(repo, "update-index", "--skip-worktree", "a.py")
    modify(repo)


def intend_to_add(repo: Path) -> None:
    git(repo, "rm", "-q", "--cached", "a.py")
    git(repo, "add", "--intent-to-add", "a.py")


def convert_line_endings(repo: Path) -> None:
    write(repo, ".gitattributes", text="*.py text\n")
    write(repo, "a.py", text=CODE.replace("\n", "\r\n"))
    git(repo, "add", "--renormalize", ".")
    assert git(repo, "diff", "--name-only") == ""


def convert_by_configuration(repo: Path) -> None:
    git(repo, "config", "core.autocrlf", "input")
    write(repo, "a.py", text=CODE.replace("\n", "\r\n"))
    git(repo, "add", "a.py")


def filter_content(repo: Path) -> None:
    git(repo, "config", "filter.swap.clean", "tr 1 7")
    git(repo, "config", "filter.swap.smudge", "tr 7 1")
    (repo / ".git" / "info").mkdir(exist_ok=True)
    write(repo, ".git/info/attributes", text="a.py filter=swap\n")
    git(repo, "add", "--renormalize", "a.py")


@pytest.mark.parametrize(
    ("change", "vouched"),
    [
        (change_nothing, True),
        (stage, True),
        (modify, False),
        (modify_at_once_and_keep_size, False),
        (stage_and_modify, False),
        (assume_unchanged, False),
        (skip_worktree, False),
        (intend_to_add, False),
        (convert_line_endings, False),
        (convert_by_configuration, False),
        (filter_content, False),
    ],
)
def test_a_blob_is_given_only_if_the_file_holds_it(repo: Path, change: Callable[[Path], None], vouched: bool) -> None:
    change(repo)
    listing = listed(repo)
    blob = blobs(listing)["a.py"]
    assert blob in ("", blob_id((repo / "a.py").read_bytes()))
    assert bool(blob) is vouched
    if change is modify or change is stage:
        assert listing.dirty


def test_attributes_of_the_folder_above_count_for_a_sub_folder(repo: Path) -> None:
    assert blobs(listed(repo / "lib"))["b.py"]
    write(repo, ".gitattributes", text="/lib/b.py text\n")
    assert blobs(listed(repo / "lib"))["b.py"] == ""
    write(repo, ".gitattributes", text="/b.py text\n")
    assert blobs(listed(repo / "lib"))["b.py"]


def test_a_conflict_is_one_file_without_a_blob(repo: Path) -> None:
    git(repo, "checkout", "-qb", "other")
    stage(repo)
    git(repo, "commit", "-qm", "theirs")
    git(repo, "checkout", "-q", "main")
    write(repo, "a.py", text="x = 5\n")
    git(repo, "commit", "-qam", "ours")
    git(repo, "merge", "other", check=False)
    assert "UU a.py" in git(repo, "status", "--short")
    listing = listed(repo)
    assert [file.path for file in listing.files] == ["a.py", "lib/b.py"]
    assert blobs(listing)["a.py"] == ""


def test_sparse_checkout(repo: Path) -> None:
    git(repo, "sparse-checkout", "set", "--no-cone", "/a.py")
    assert not (repo / "lib").exists()
    listing = listed(repo)
    assert paths(listing) == {"a.py"}
    assert not listing.dirty


def test_a_deleted_file_is_neither_listed_nor_skipped(repo: Path) -> None:
    (repo / "a.py").unlink()
    listing = listed(repo)
    assert paths(listing) == {"lib/b.py"}
    assert listing.skipped == ()
    assert listing.dirty


def test_a_folder_replaced_by_a_link_is_not_followed(repo: Path, tmp_path: Path) -> None:
    write(tmp_path, "elsewhere/b.py")
    (repo / "lib" / "b.py").unlink()
    (repo / "lib").rmdir()
    (repo / "lib").symlink_to(tmp_path / "elsewhere")
    listing = listed(repo)
    assert paths(listing) == {"a.py"}
    assert reasons(listing)["lib"] is SkipReason.SYMLINK


def test_symbolic_links(repo: Path, tmp_path: Path) -> None:
    (repo / "tracked.py").symlink_to("a.py")
    git(repo, "add", "tracked.py")
    (repo / "untracked.py").symlink_to("/etc/passwd")
    (repo / "loop").symlink_to(".")
    listing = listed(repo)
    assert paths(listing) == {"a.py", "lib/b.py"}
    assert reasons(listing) == dict.fromkeys(("tracked.py", "untracked.py", "loop"), SkipReason.SYMLINK)


def test_submodules_and_nested_repositories(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repo), "other")
    git(repo, "submodule", "--quiet", "add", str(tmp_path / "other"), "sub")
    git(repo, "worktree", "add", "-q", "tree", "-b", "side")
    git(repo, "init", "-q", "nested")
    write(repo, "nested/n.py")
    listing = listed(repo)
    assert not {path for path in paths(listing) if path.startswith(("sub/", "tree/", "nested/"))}
    found = reasons(listing)
    assert found["sub"] is SkipReason.SUBMODULE
    assert found["tree/"] is found["nested/"] is SkipReason.NESTED_REPOSITORY


def test_a_linked_worktree_and_a_submodule_can_be_opened(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    git(tmp_path, "clone", "-q", str(repo), "top")
    git(tmp_path / "top", "submodule", "--quiet", "add", str(repo), "sub")
    for root in (tmp_path / "tree", tmp_path / "top" / "sub"):
        listing = listed(root)
        assert blobs(listing) == {path: blob_id(CODE.encode()) for path in ("a.py", "lib/b.py")}
        assert find_repository(root / "lib").root == root


ODD_NAMES = [
    "new\nline.py",
    "-dash.py",
    "--upload-pack.py",
    ":(top)magic.py",
    "tab\t.py",
    'quo"te.py',
    "日本.py",
]


def test_odd_names(repo: Path) -> None:
    undecodable = os.fsdecode(b"caf\xe9.py")
    write(repo, *ODD_NAMES, undecodable, "untracked\n.py", os.fsdecode(b"dir\xff/-x.py"))
    git(repo, "add", "--", ".")
    git(repo, "rm", "-q", "--cached", "untracked\n.py")
    listing = listed(repo)
    expected = {*ODD_NAMES, undecodable, "untracked\n.py", os.fsdecode(b"dir\xff/-x.py"), "a.py", "lib/b.py"}
    assert paths(listing) == expected
    for file in listing.files:
        source = read_source(open_repository(repo, cache=repo), file, FileRules())
        assert isinstance(source, SourceText)
        assert file.blob == ("" if file.path == "untracked\n.py" else source.blob)
    assert paths(listed(repo / os.fsdecode(b"dir\xff"))) == {"-x.py"}


def test_sha256_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--object-format=sha256")
    write(tmp_path, "a.py")
    git(tmp_path, "add", ".")
    listing = listed(tmp_path)
    source = read_source(open_repository(tmp_path, cache=tmp_path), listing.files[0], FileRules())
    assert isinstance(source, SourceText)
    assert listing.files[0].blob == source.blob == git(tmp_path, "hash-object", "a.py").strip()


def test_listing_writes_nothing_and_needs_no_lock(repo: Path) -> None:
    change_nothing(repo)
    index = (repo / ".git" / "index").read_bytes()
    for _ in range(2):
        assert paths(listed(repo)) == {"a.py", "lib/b.py"}
        assert (repo / ".git" / "index").read_bytes() == index
        (repo / ".git" / "index.lock").touch()


def test_the_variables_of_a_hook_do_not_lead_elsewhere(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    assert paths(listed(repo)) == {"a.py", "lib/b.py"}


def test_a_file_system_monitor_of_the_repository_is_not_run(repo: Path) -> None:
    write(repo, "monitor.sh", text="#!/bin/sh\ntouch ran\n")
    (repo / "monitor.sh").chmod(0o755)
    git(repo, "config", "core.fsmonitor", "./monitor.sh")
    listed(repo)
    assert not (repo / "ran").exists()


def test_linguist_generated(repo: Path) -> None:
    write(repo, ".gitattributes", text="lib/** linguist-generated\na.py linguist-generated=true\n")
    write(repo, "c.py")
    git(repo, "add", ".")
    listing = listed(repo)
    assert paths(listing) == {"c.py"}
    assert reasons(listing)["lib/b.py"] is reasons(listing)["a.py"] is SkipReason.GENERATED
    assert reasons(listed(repo / "lib")) == {"b.py": SkipReason.GENERATED}  # by the file of the folder above


# --- where Git does not help -------------------------------------------------------------------------------


def test_without_git_a_repository_is_walked(repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write(repo, ".gitignore", text="out/\n")
    write(repo, "out/o.py")
    opened = open_repository(repo, cache=tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    listing = list_files(opened, FileRules())
    assert blobs(listing) == {"a.py": "", "lib/b.py": ""}
    assert "Git was not found: install it" in listing.notice


def test_git_refuses_another_users_repository(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    listing = listed(repo)
    assert paths(listing) == {"a.py", "lib/b.py"}
    assert f"git config --global --add safe.directory '{repo}'" in listing.notice


@pytest.mark.parametrize("damage", ["head", "gitfile", "index"])
def test_a_broken_repository_is_walked(repo: Path, damage: str, tmp_path: Path) -> None:
    if damage == "head":
        (repo / ".git" / "HEAD").write_text("nonsense")
    elif damage == "index":
        (repo / ".git" / "index").write_bytes(b"DIRCnonsense" * 9)
    else:
        (repo / ".git").rename(tmp_path / "moved")
        (repo / ".git").write_text("gitdir: /nowhere/at/all\n")
    listing = listed(repo)
    assert paths(listing) == {"a.py", "lib/b.py"}
    assert "The files were found without Git" in listing.notice


def test_a_plain_folder(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "lib/b.py", "node_modules/m/x.js", "__pycache__/y.py", "env/lib/z.py", "sub/s.py")
    write(tmp_path, "env/pyvenv.cfg", text="home = /usr\n")
    git(tmp_path / "sub", "init", "-q")
    (tmp_path / "lib" / "up").symlink_to("..")
    listing = listed(tmp_path)
    assert paths(listing) == {"a.py", "lib/b.py"}
    assert reasons(listing) == {
        "node_modules/": SkipReason.EXCLUDED,
        "__pycache__/": SkipReason.EXCLUDED,
        "env/": SkipReason.EXCLUDED,
        "sub/": SkipReason.NESTED_REPOSITORY,
        "lib/up": SkipReason.SYMLINK,
    }
    assert (listing.commit, listing.dirty, listing.notice) == (None, False, "")


@pytest.mark.skipif(as_root, reason="root may read everything")
def test_an_unreadable_folder_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "closed/b.py")
    (tmp_path / "closed").chmod(0)
    try:
        listing = listed(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o755)
    assert paths(listing) == {"a.py"}
    assert reasons(listing) == {"closed/": SkipReason.UNREADABLE}


def test_a_folder_that_fails_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", "closed/b.py")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("codesearch.sources.walk.os.scandir", refusing)
    listing = listed(tmp_path)
    assert paths(listing) == {"a.py"}
    assert listing.skipped == (SkippedFile("closed/", SkipReason.UNREADABLE, "Permission denied"),)


# --- clones -------------------------------------------------------------------------------------------------


def commit(root: Path, path: str, text: str = CODE) -> str:
    write(root, path, text=text)
    git(root, "add", ".")
    git(root, "commit", "-qm", path)
    return git(root, "rev-parse", "HEAD").strip()


def test_a_url_is_cloned_once_and_refreshed(repo: Path, tmp_path: Path) -> None:
    commit(repo, "second.py")
    url, cache = f"file://{repo}", tmp_path / "cache"
    told: list[tuple[str, float | None]] = []
    cloned = open_repository(url, cache=cache, progress=lambda message, done: told.append((message, done)))
    assert (cloned.name, cloned.url, cloned.is_git) == (f"{repo.parent.name}/repo", url, True)
    assert cloned.root.is_relative_to(cache / "clones")
    assert git(cloned.root, "rev-list", "--count", "HEAD").strip() == "1"
    assert told[0] == (f"Cloning {url}", None)
    assert any(done == 1.0 for _, done in told)
    assert paths(list_files(cloned, FileRules())) == {"a.py", "lib/b.py", "second.py"}

    git(repo, "rm", "-q", "a.py")
    git(repo, "checkout", "-qb", "renamed-default")
    latest = commit(repo, "third.py")
    write(cloned.root, "stray.py", "second.py", text="x = 9\n")
    assert open_repository(url, cache=cache, refresh=False) == cloned
    assert "stray.py" in paths(list_files(cloned, FileRules()))
    assert open_repository(url, cache=cache) == cloned
    listing = list_files(cloned, FileRules())
    assert paths(listing) == {"lib/b.py", "second.py", "third.py"}
    assert (listing.commit, listing.dirty) == (latest, False)
    assert all(file.blob for file in listing.files)
    assert [entry.name for entry in (cache / "clones").iterdir()] == [cloned.root.name]


def test_an_earlier_clone_serves_while_its_origin_is_out_of_reach(repo: Path, tmp_path: Path) -> None:
    cloned = open_repository(f"file://{repo}", cache=tmp_path)
    repo.rename(tmp_path / "away")
    told: list[str] = []
    assert open_repository(f"file://{repo}", cache=tmp_path, progress=lambda message, _: told.append(message)) == cloned
    assert "its earlier copy is used" in told[-1]
    assert paths(list_files(cloned, FileRules())) == {"a.py", "lib/b.py"}


def test_refreshing_from_a_hook_leaves_its_repository_alone(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    git(tmp_path, "clone", "-q", str(repo), "mine")
    commit(repo, "second.py")
    write(mine, "a.py", text="precious = 1\n")
    index = (mine / ".git" / "index").read_bytes()
    monkeypatch.chdir(mine)
    monkeypatch.setenv("GIT_DIR", str(mine / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(mine / ".git" / "index"))
    for _ in range(2):  # the clone, then the refresh
        cloned = open_repository(f"file://{repo}", cache=tmp_path / "cache")
        assert paths(list_files(cloned, FileRules())) == {"a.py", "lib/b.py", "second.py"}
    assert (mine / "a.py").read_text() == "precious = 1\n"
    assert (mine / ".git" / "index").read_bytes() == index


def test_an_empty_remote(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "empty.git")
    for _ in range(2):
        cloned = open_repository(f"file://{tmp_path}/empty.git", cache=tmp_path)
        assert list_files(cloned, FileRules()).files == ()


def test_a_clone_that_fails(tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFound, match=r"could not be cloned \(.*(not exist|not appear).*check the address"):
        open_repository(f"file://{tmp_path}/missing.git", cache=tmp_path)
    assert list((tmp_path / "clones").iterdir()) == []


def reason_of(location: str, cache: Path, *, with_progress: bool = True) -> str:
    """Return the reason that is given for a clone that fails."""
    with pytest.raises(RepositoryNotFound) as caught:
        open_repository(location, cache=cache, progress=(lambda *_: None) if with_progress else None)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert list((cache / "clones").iterdir()) == []
    match = re.search(r"could not be cloned \((.*)\): check the address", text)
    assert match is not None, text
    return match[1]


def refused_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("with_progress", [True, False])
def test_a_clone_that_fails_tells_the_reason_of_git(tmp_path: Path, with_progress: bool) -> None:
    (tmp_path / "plain").mkdir()
    told = partial(reason_of, cache=tmp_path / "cache", with_progress=with_progress)
    assert "does not appear to be a git repository" in told(f"file://{tmp_path}/missing.git")
    assert "does not appear to be a git repository" in told(f"file://{tmp_path}/plain")
    assert re.match(
        r"unable to access 'http://127.0.0.1:\d+/o/n/': .*onnect", told(f"http://127.0.0.1:{refused_port()}/o/n")
    )
    if shutil.which("ssh"):
        assert told(f"ssh://git@127.0.0.1:{refused_port()}/o/n").endswith(": Connection refused")


def test_a_reason_holds_no_password(tmp_path: Path) -> None:
    told = reason_of(f"http://me:hunter2@127.0.0.1:{refused_port()}/o/n", tmp_path)
    assert told.startswith("unable to access 'http://127.0.0.1:")


def test_a_remote_whose_branch_is_not_there(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "symbolic-ref", "HEAD", "refs/heads/nowhere")
    assert (
        reason_of(f"file://{tmp_path}/bare.git", tmp_path / "cache") == "its HEAD names a branch that it does not have"
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["Cloning into 'x'...", "fatal: repository 'https://h/x/' not found"], "repository 'https://h/x/' not found"),
        (
            ["remote: Not Found", "fatal: Authentication failed for 'https://u:p@h/x/'"],
            "Authentication failed for 'https://h/x/'",
        ),
        (
            ["fatal: unable to access 'https://t0k@h/': Could not resolve host: h"],
            "unable to access 'https://h/': Could not resolve host: h",
        ),
        (
            ["fatal: unable to access 'https://h/': SSL certificate problem: expired"],
            "unable to access 'https://h/': SSL certificate problem: expired",
        ),
        (
            [
                "Host key verification failed.",
                "fatal: Could not read from remote repository.",
                "",
                "Please make sure you have the correct access rights",
                "and the repository exists.",
            ],
            "Host key verification failed",
        ),
        (["remote: \x1b[31mERROR: \x1b[1mno access\x1b[0m\x07", "fatal: protocol error"], "no access"),
        (["\x1b]0;title\x07fatal: bad \x9b thing"], "bad  thing"),
        (["fatal: Could not read from remote repository."], "Could not read from remote repository"),
        (["something else"], "something else"),
        (["fatal: " + "x" * 1000], "x" * 300),
        ([], "Git gave no reason"),
    ],
)
def test_of_what_git_says_one_line_is_told(said: list[str], reason: str) -> None:
    assert _reason(said) == reason


@pytest.mark.timeout(60)
def test_nobody_is_asked_for_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "asked"
    write(tmp_path, "askpass", text=f"#!/bin/sh\ntouch '{asked}'\necho secret\n")
    (tmp_path / "askpass").chmod(0o755)
    for variable in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(variable, str(tmp_path / "askpass"))

    class Closed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="closed"')
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/owner/name"
        with pytest.raises(RepositoryNotFound, match="could not read Username"):
            open_repository(address, cache=tmp_path / "cache")
        with pytest.raises(RepositoryNotFound) as caught:
            open_repository(address.replace("127", "me:hunter2@127"), cache=tmp_path / "cache")
        server.shutdown()
    assert "hunter2" not in str(caught.value)
    assert not asked.exists()


def test_ssh_never_prompts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "ssh", text=f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/called'\nexit 255\n")
    (tmp_path / "ssh").chmod(0o755)
    write(tmp_path, "gitconfig", text=f"[core]\n\tsshCommand = {tmp_path}/ssh -x\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    with pytest.raises(RepositoryNotFound, match="SSH key"):
        open_repository("git@host.invalid:owner/name", cache=tmp_path)
    assert (tmp_path / "called").read_text().startswith("-x -o BatchMode=yes")


@pytest.mark.parametrize(
    "url",
    [
        "https://host/" + "n" * 5_000 + "\t",
        "ext::sh -c touch% pwned",
        "ext::sh",
        "fd::17",
        "ftp://host/owner/name",
        "git://host/owner/name",
        "ssh://-oProxyCommand=touch%20pwned/owner/name",
        "git@-oProxyCommand:owner/name",
        "git@host:--upload-pack=touch",
        "https://host/",
        "https:///owner/name",
        "https://host:port/owner/name",
        "https://host/owner/na me",
        "https://host/owner/name\n--upload-pack=x",
    ],
)
def test_urls_that_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        open_repository(url, cache=tmp_path)
    assert not isinstance(caught.value, RepositoryNotFound)  # refused before Git was asked
    assert not (tmp_path / "clones").exists()


@pytest.mark.parametrize("option", ["--upload-pack=touch pwned", "-c", "--"])
def test_an_option_is_a_path_that_does_not_exist(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RepositoryNotFound, match="There is no"):
        open_repository(option, cache=tmp_path)


@pytest.mark.parametrize(
    ("url", "name", "shown"),
    [
        ("https://host/owner/name.git", "owner/name", "https://host/owner/name.git"),
        ("https://me:token@host/group/owner/name/", "owner/name", "https://host/group/owner/name/"),
        ("https://token@host/owner/name", "owner/name", "https://host/owner/name"),
        ("ssh://git@host:22/owner/name", "owner/name", "ssh://git@host:22/owner/name"),
        ("git@host:owner/name.git", "owner/name", "git@host:owner/name.git"),
        ("file:///srv/name.git", "srv/name", "file:///srv/name.git"),
    ],
)
def test_urls_that_can_be_cloned(url: str, name: str, shown: str) -> None:
    assert is_url(url)
    remote = parse_url(url)
    assert (remote.name, remote.url, remote.address) == (name, shown, url)
    assert remote.folder == parse_url(shown).folder


@pytest.mark.parametrize("location", ["folder", "./a@b", "a/b:c", "/abs/path", "..", "~/src"])
def test_paths_are_not_taken_for_urls(location: str) -> None:
    assert not is_url(location)


# --- patterns ----------------------------------------------------------------------------------------------

SEGMENTS = st.sampled_from(["a", "b", "ab", "a.py", "b.py", "build", "*", "**", "*.py", "a*", "?", "[ab]", "[!a]"])
PATTERNS = st.builds(
    lambda negated, rooted, segments, folder: (
        ("!" if negated else "") + ("/" if rooted else "") + "/".join(segments) + ("/" if folder else "")
    ),
    st.booleans(),
    st.booleans(),
    st.lists(SEGMENTS, min_size=1, max_size=3),
    st.booleans(),
)
IGNORE_FILES = st.dictionaries(
    st.sampled_from(["", "a", "build", "a/b"]), st.lists(PATTERNS, min_size=1, max_size=4), max_size=3
)
TREE = [
    *(
        "a/a",
        "a/b/a",
        "a/b/a.py",
        "a/b/build/b.py",
        "a/a.py",
        "a/ab/b",
        "b/a.py",
        "b/b",
        "a.py",
        "b.py",
        "ab",
    ),
    *("build/a/b.py", "build/a.py", "build/build/a", "c/build/x.py", "c/a/b/ab", "d.txt"),
]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("oracle")
    git(root, "init", "-q")
    write(root, *TREE)
    return root


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=IGNORE_FILES)
@example(files={"": ["*", "!*/", "!*.py"]})
@example(files={"": ["a/", "!a/a.py"]})
@example(files={"": ["a/**", "!a/a.py"]})
@example(files={"": ["**/", "!a/", "!a/b/"]})
@example(files={"": ["build"], "a": ["!build"], "build": ["!a.py"]})
@example(files={"": ["/*", "!/a", "/a/*", "!/a/b"]})
@example(files={"": ["a/**/b"], "a/b": ["!b.py"]})
@example(files={"": ["build/a/**/", "a/**/"]})
def test_the_walk_ignores_what_git_ignores(oracle: Path, files: dict[str, list[str]]) -> None:
    for folder in ("", "a", "build", "a/b"):
        (oracle / folder / ".gitignore").unlink(missing_ok=True)
    for folder, lines in files.items():
        write(oracle, f"{folder}/.gitignore".lstrip("/"), text="\n".join(lines) + "\n")
    expected = set(git(oracle, "ls-files", "-z", "--others", "--exclude-standard").split("\0")[:-1])

    def load(folder: str) -> PatternList:
        return PatternList(files.get(folder, ()))

    assert set(walk(oracle, IgnoreTree(load), lambda _: True)) == expected


def test_an_ignore_file_with_a_bom_crlf_comments_and_bad_lines(tmp_path: Path) -> None:
    write(tmp_path, ".gitignore", text="\ufeffa.py\r\n# b.py\r\n[z-\r\n\\#c.py\r\nd.py  \r\n")
    write(tmp_path, "a.py", "b.py", "#c.py", "d.py")
    assert paths(listed(tmp_path)) == {"b.py"}


@pytest.mark.parametrize("in_git", [True, False])
def test_codesearchignore(tmp_path: Path, in_git: bool) -> None:
    write(tmp_path, "a.py", "vendor/v.py", "vendor/w/x.py", "lib/b.py", "lib/keep.py", "c.sql")
    write(tmp_path, ".codesearchignore", text="vendor/\n*.sql\n")
    write(tmp_path, "lib/.codesearchignore", text="*\n!keep.py\n")
    if in_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", "a.py", "vendor", "lib")
    listing = listed(tmp_path)
    assert paths(listing) == {".codesearchignore", "a.py", "lib/keep.py"}
    found = reasons(listing)
    assert found["vendor/"] is found["c.sql"] is found["lib/b.py"] is SkipReason.EXCLUDED
    assert all(".codesearchignore" in s.detail for s in listing.skipped if s.reason is SkipReason.EXCLUDED)


@pytest.mark.parametrize("in_git", [True, False])
def test_include_and_exclude(tmp_path: Path, in_git: bool) -> None:
    write(tmp_path, "src/a.py", "src/b.go", "src/gen/g.py", "test/t.py", "README.md")
    if in_git:
        git(tmp_path, "init", "-q")
    listing = listed(tmp_path, FileRules(include=("/src/", "*.md"), exclude=("gen/", "*.go")))
    assert paths(listing) == {"src/a.py", "README.md"}
    assert reasons(listing) == {
        "src/gen/": SkipReason.EXCLUDED,
        "src/b.go": SkipReason.EXCLUDED,
        "*": SkipReason.NOT_INCLUDED,
    }


def test_rules_that_cannot_be_used() -> None:
    with pytest.raises(InputError, match="not a valid pattern"):
        FileRules(exclude=("!",))
    with pytest.raises(InputError, match="not a valid pattern"):
        FileRules(include=("[z-a]",))
    with pytest.raises(InputError, match="positive"):
        FileRules(max_file_bytes=0)


# --- what a listing leaves out -----------------------------------------------------------------------------


def test_reasons_that_need_no_content(repo: Path) -> None:
    write(repo, "yarn.lock", "web/package-lock.json", "x_pb2.py", "v/jquery.min.js", "out.js.map")
    write(repo, "pic.png", "other.PNG", "blob.bin", "data")
    write(repo, "empty.py", text="")
    write(repo, "big.py", text="x = 1\n" * 400_000)
    listing = listed(repo)
    assert paths(listing) == {"a.py", "lib/b.py", "data"}, "what no name tells is looked into"
    assert {s.path: (s.reason, s.detail) for s in listing.skipped} == {
        "yarn.lock": (SkipReason.GENERATED, "a lock file"),
        "web/package-lock.json": (SkipReason.GENERATED, "a lock file"),
        "x_pb2.py": (SkipReason.GENERATED, "by its name"),
        "v/jquery.min.js": (SkipReason.MINIFIED, "by its name"),
        "out.js.map": (SkipReason.GENERATED, "by its name"),
        "*.png": (SkipReason.UNKNOWN_LANGUAGE, "2 files"),
        "*.bin": (SkipReason.UNKNOWN_LANGUAGE, "1 file"),
        "empty.py": (SkipReason.EMPTY, ""),
        "big.py": (SkipReason.TOO_LARGE, "2,400,000 bytes"),
    }


def test_files_without_a_suffix_are_known_by_their_content(repo: Path) -> None:
    write(repo, "script", text="#!/usr/bin/env python3\nprint(1)\n")
    write(repo, "prose", text="This is no script, and it can be read.\n")
    write(repo, "VERSION", text="1.2.3\n")
    write(repo, "terminal.txt", text="\x1b[31mred\x1b[0m\n" * 9)
    write(repo, "words.txt", text="red\ngreen\nblue\n")
    assert {"script", "prose", "VERSION", "terminal.txt", "words.txt"} <= paths(listed(repo))
    assert all(isinstance(read(repo, name), SourceText) for name in ("script", "prose", "words.txt"))
    assert read(repo, "VERSION") == SkippedFile("VERSION", SkipReason.DATA, "no words")
    assert read(repo, "terminal.txt") == SkippedFile("terminal.txt", SkipReason.DATA, "control characters")


# --- reading -----------------------------------------------------------------------------------------------


def test_blob_id_is_gits(repo: Path) -> None:
    assert blob_id(CODE.encode()) == git(repo, "rev-parse", "HEAD:a.py").strip()
    source = read(repo, "a.py")
    assert source == SourceText(CODE, blob_id(CODE.encode()))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"x = 1\r\ny = 2\r\n", "x = 1\r\ny = 2\r\n"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1\n"),
        ("\ufeffx = '日'\n".encode("utf-16-le"), "x = '日'\n"),
        ("\ufeffx = '日'\n".encode("utf-16-be"), "x = '日'\n"),
        (b"# caf\xe9\nx = 1\n", "# café\nx = 1\n"),
    ],
)
def test_encodings(tmp_path: Path, data: bytes, text: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    assert read(tmp_path, "a.py") == SourceText(text, blob_id(data))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.py", b"x = 1\0\n", SkipReason.BINARY),
        ("a.py", b"", SkipReason.EMPTY),
        ("a.py", b" \n\t\n", SkipReason.EMPTY),
        (
            "a.json",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            SkipReason.LFS_POINTER,
        ),
        ("a.go", b'// Code generated by "stringer"; DO NOT EDIT.\n\npackage a\n', SkipReason.GENERATED),
        ("a.rs", b"// Licence.\n\n// @generated by tool\nfn a() {}\n", SkipReason.GENERATED),
        ("a.ts", b"/**\n * @generated SignedSource<<0>>\n */\nlet a = 1;\n", SkipReason.GENERATED),
        ("a.cs", b"//------\n// <auto-generated>\n//  By a tool.\n", SkipReason.GENERATED),
        (
            "a.py",
            b"# Generated by the protocol buffer compiler.  DO NOT EDIT!\nx = 1\n",
            SkipReason.GENERATED,
        ),
        (
            "a.h",
            b"/* Automatically generated by configure.\n   Do not edit. */\nint a;\n",
            SkipReason.GENERATED,
        ),
        ("a.js", b"/*! licence */\n" + b"function a(){return 1};" * 100, SkipReason.MINIFIED),
        ("a.py", b"x = '" + b"0" * 5000 + b"'\n", SkipReason.MINIFIED),
    ],
)
def test_content_that_is_left_out(tmp_path: Path, name: str, data: bytes, reason: SkipReason) -> None:
    (tmp_path / name).write_bytes(data)
    skipped = read(tmp_path, name)
    assert isinstance(skipped, SkippedFile)
    assert skipped.reason is reason


@pytest.mark.parametrize(
    "text",
    [
        'MARKER = "@generated"\n# Code generated by us. DO NOT EDIT.\n',
        '"""Writes ``// Code generated by x; DO NOT EDIT.``"""\nx = 1\n',
        "# How the table was generated: see build.py\nx = 1\n",
        "x = 1\n" * 100 + "y = '" + "0" * 400 + "'\n",
        "# parser.py is generated from this grammar. Do not edit parser.py.\nx = 1\n",
        "# Code generated by {{ .Tool }}. DO NOT EDIT.\nx = 1\n",
        "def f(): return D\nD = '" + "QUJD" * 20_000 + "'\n",
        "def f(): return D\nD = {" + ", ".join(f"'k{i}': [{i}, 'v']" for i in range(2_000)) + "}\n",
    ],
)
def test_code_about_generated_code_is_kept(tmp_path: Path, text: str) -> None:
    write(tmp_path, "a.py", text=text)
    assert isinstance(read(tmp_path, "a.py"), SourceText)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("main.go.tmpl", "// Code generated by tool. DO NOT EDIT.\npackage {{.Package}}\n", None),
        ("config.h.in", "/* Automatically generated by configure.\n   Do not edit. */\n#undef A\n", None),
        ("Level.Designer.cs", "public class LevelDesigner { int Width() { return 1; } }\n", None),
        ("Form1.Designer.cs", "#region Windows Form Designer generated code\nint a;\n", SkipReason.GENERATED),
        ("Migration.Designer.cs", "// <auto-generated />\nclass M {}\n", SkipReason.GENERATED),
        ("array-min.js", "export function min(a) {\n  return Math.min(...a);\n}\n", None),
        ("jquery-min.js", "function a(b){return b+1};" * 100, SkipReason.MINIFIED),
        ("page.js", "function f() {\n  return `" + "<b>x</b>" * 900 + "`;\n}\n", None),
    ],
)
def test_a_name_alone_does_not_make_a_file_generated_or_minified(
    repo: Path, name: str, text: str, reason: SkipReason | None
) -> None:
    write(repo, name, text=text)
    assert name in paths(listed(repo))
    assert getattr(read(repo, name), "reason", None) is reason


def test_the_limit_holds_when_a_file_grew_after_it_was_listed(tmp_path: Path) -> None:
    write(tmp_path, "a.py", text="x" * 100)
    skipped = read(tmp_path, "a.py", FileRules(max_file_bytes=99))
    assert skipped == SkippedFile("a.py", SkipReason.TOO_LARGE, "100 bytes")
    assert isinstance(read(tmp_path, "a.py", FileRules(max_file_bytes=100)), SourceText)


def test_a_file_that_vanished(tmp_path: Path) -> None:
    skipped = read(tmp_path, "gone.py")
    assert isinstance(skipped, SkippedFile)
    assert skipped.reason is SkipReason.UNREADABLE
    assert "removed" in skipped.detail


@pytest.mark.timeout(20)
def test_what_replaced_a_file_never_blocks_or_leads_outside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "sub/inner.py")
    write(tmp_path, "secret.py", "outer/inner.py")
    os.mkfifo(root / "fifo.py")
    (root / "folder.py").mkdir()
    (root / "link.py").symlink_to(tmp_path / "secret.py")
    (root / "out").symlink_to(tmp_path / "outer")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(root, os.O_RDONLY)
        try:  # socket paths are limited to some 100 bytes, so it is named relative to its folder
            listener.bind(f"/proc/self/fd/{here}/socket.py")
        finally:
            os.close(here)
        for name in ("fifo.py", "folder.py", "socket.py"):
            assert read(root, name) == SkippedFile(name, SkipReason.SPECIAL), name
    for name in (
        "link.py",
        "out/inner.py",
        "../secret.py",
        "sub/../../secret.py",
        "/etc/passwd",
        "./sub/inner.py",
    ):
        skipped = read(root, name)
        assert isinstance(skipped, SkippedFile), name
        assert skipped.reason is SkipReason.SYMLINK
    listing = listed(root)
    assert paths(listing) == {"sub/inner.py"}
    assert reasons(listing)["fifo.py"] is reasons(listing)["socket.py"] is SkipReason.SPECIAL


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py")
    if as_root:  # whom no permission stops

        def refusing(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(opening_module, "_open_below", refusing)
    else:
        (tmp_path / "a.py").chmod(0)
    assert read(tmp_path, "a.py") == SkippedFile("a.py", SkipReason.UNREADABLE, "Permission denied")


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    write(tmp_path, "a/b/c/d.py")
    (tmp_path / "a" / "link").symlink_to("b")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("a/b/c/d.py", "a/b/c/gone.py", "a/link/c/d.py", "a/b/c", "a/b/c/d.py/e.py"):
        read(tmp_path, name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
