"""Nothing outside of the folders that an agent was given is ever named, let alone read."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from codesearch.errors import InputError
from codesearch.mcp.sandbox import Sandbox, path_of_uri


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "project" / "src").mkdir(parents=True)
    (tmp_path / "project" / "src" / "a.py").write_text("def a(): ...\n")
    (tmp_path / "project" / "größe.py").write_text("def b(): ...\n")
    (tmp_path / "project2").mkdir()
    (tmp_path / "project2" / "secret.py").write_text("password = 1\n")
    (tmp_path / "secret.py").write_text("password = 1\n")
    (tmp_path / "project" / "out").symlink_to(tmp_path / "project2")
    (tmp_path / "project" / "src" / "link.py").symlink_to(tmp_path / "secret.py")
    (tmp_path / "project" / "in.py").symlink_to(tmp_path / "project" / "src" / "a.py")
    (tmp_path / "project" / "loop").symlink_to(tmp_path / "project" / "loop")
    return tmp_path


@pytest.fixture
def sandbox(tree: Path) -> Sandbox:
    return Sandbox.of([tree / "project"])


@pytest.mark.parametrize("path", ["src/a.py", "./src/../src/a.py", "project/src/a.py", "src", ".", "in.py", "größe.py"])
def test_what_is_inside_is_found(sandbox: Sandbox, tree: Path, path: str) -> None:
    assert sandbox.locate(path).is_relative_to(tree / "project")


def test_absolute_paths_and_file_uris_inside_are_found(sandbox: Sandbox, tree: Path) -> None:
    inside = tree / "project" / "src" / "a.py"
    assert sandbox.locate(str(inside)) == inside
    assert sandbox.locate(inside.as_uri()) == inside
    assert sandbox.locate(inside.as_uri().replace("file://", "file://localhost")) == inside
    assert sandbox.locate(None) == tree / "project"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.py",
        "..",
        "../project2/secret.py",
        "src/../../secret.py",
        "src/link.py",
        "out/secret.py",
        "out",
        "loop",
        "/etc/passwd",
        "/",
        "~/.ssh/id_rsa",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:///%2e%2e/etc/passwd",
        "src/%2e%2e/%2e%2e/secret.py",
        "..%2fsecret.py",
        "..\\secret.py",
        "project2/secret.py",
        "missing.py",
        "\uff0e\uff0e/secret.py",
        "SRC/../../SECRET.PY",
    ],
)
def test_what_leads_outside_is_not(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(InputError, match="not in a folder that may be searched"):
        sandbox.locate(path)


def test_an_outside_path_and_a_missing_one_get_the_same_answer(sandbox: Sandbox, tree: Path) -> None:
    messages = set()
    for name in ("secret.py", "no-such.py"):
        with pytest.raises(InputError) as caught:
            sandbox.locate(str(tree / name))
        messages.add(str(caught.value).replace(name, "NAME"))
    assert len(messages) == 1


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "https://example.org/a.py", "ssh://host/a", "file://host/etc/a"])
def test_what_is_no_path_is_refused(sandbox: Sandbox, path: str) -> None:
    with pytest.raises(InputError):
        sandbox.locate(path)


def test_a_name_in_another_unicode_form_is_another_name_or_the_same_file_inside(sandbox: Sandbox, tree: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "größe.py")
    if (tree / "project" / decomposed).exists():  # file systems that do not care
        assert sandbox.locate(decomposed).is_relative_to(tree / "project")
    else:
        with pytest.raises(InputError):
            sandbox.locate(decomposed)


def test_a_root_that_is_a_link_is_what_it_leads_to(tree: Path) -> None:
    (tree / "alias").symlink_to(tree / "project")
    assert Sandbox.of([tree / "alias"]).locate("src/a.py") == tree / "project" / "src" / "a.py"


def test_roots_that_do_not_exist_or_lie_in_others_are_left_out(tree: Path) -> None:
    found = Sandbox.of([tree / "project" / "src", tree / "gone", tree / "project", tree / "secret.py"])
    assert found.roots == (tree / "project",)


def test_without_a_root_there_is_nothing_to_search() -> None:
    with pytest.raises(InputError, match="no folder of this machine to search"):
        Sandbox(()).locate(None)


@pytest.mark.skipif(os.name == "nt", reason="paths of POSIX")
def test_a_uri_is_decoded_once() -> None:
    assert path_of_uri("file:///a%20b/c%2523") == Path("/a b/c%23")
