from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
WriteTree = Callable[[Path, Mapping[str, str]], Path]

POST = '''def send_letter(server, to, text):
    """Send a mail by post."""
    server.connect()
    server.deliver(to, text)
'''
FILES = {
    "src/mail.py": 'class Mailer:\n    def send_mail(self, server, to, text):\n        """Send a mail."""\n'
    "        server.connect()\n        server.deliver(to, text)\n\n    def other(self):\n        return 1\n",
    "src/post.py": POST,
    "lib/send.go": "package lib\n\nfunc SendMail(server Server, to string, text string) {\n\tserver.Connect()\n"
    "\tserver.Deliver(to, text)\n}\n",
}


@pytest.fixture
def mail(tmp_path: Path, write_tree: WriteTree, git: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_tree(tmp_path / "mail", FILES)
    git(root, "init", "--quiet")
    git(root, "add", ".")
    monkeypatch.chdir(root)
    return root


def first_lines(result: Result) -> list[str]:
    return [block.split("\n")[0] for block in result.stdout.strip().split("\n\n")]


@pytest.mark.parametrize(
    "place",
    ["src/mail.py:4", "src/mail.py:4:17", "src/mail.py:4:", "./src/mail.py:send_mail", "src/mail.py:Mailer::send_mail"],
)
def test_a_place_in_any_way_of_writing_it(invoke: Invoke, mail: Path, place: str) -> None:
    result = invoke("similar", place, "-k", "2")
    assert result.exit_code == 0, result.output
    assert first_lines(result) == ["src/post.py:1  send_letter  function", "lib/send.go:3  SendMail  function"]


def test_a_place_is_found_from_elsewhere_and_under_a_name_with_a_colon(
    invoke: Invoke, mail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (mail / "src" / "a:12.py").write_text(POST.replace("letter", "parcel"))
    monkeypatch.chdir("/")
    assert "send_letter" in invoke("similar", mail / "src" / "mail.py:4").stdout
    assert "send_letter" in first_lines(invoke("similar", mail / "src" / "a:12.py:2"))[0]


def test_filters_and_json(invoke: Invoke, mail: Path) -> None:
    result = invoke("similar", "src/mail.py:4", "--json", "--lang", "go", "--path", "lib/**", "--kind", "function")
    (match,) = map(json.loads, result.stdout.splitlines())
    assert (match["path"], match["name"], match["lines"]) == ("lib/send.go", "SendMail", [])
    assert match["signals"] == {"cosine": match["score"]}
    assert 0 < match["score"] < 1


def test_where_to_look(invoke: Invoke, mail: Path, tmp_path: Path, write_tree: WriteTree) -> None:
    other = write_tree(tmp_path / "other", {"a.py": POST.replace("letter", "postcard")})
    assert "send_postcard" not in invoke("similar", "src/mail.py:4").stdout
    only = invoke("similar", "src/mail.py:4", other)
    assert [line.split("  ")[1] for line in first_lines(only)] == ["send_postcard"]
    both = invoke("similar", "src/mail.py:4", ".", other)
    assert {"send_postcard", "send_letter"} <= {line.split("  ")[1] for line in first_lines(both)}
    folder = invoke("similar", "src/mail.py:4", "lib")
    assert [line.split("  ")[1] for line in first_lines(folder)] == ["SendMail"]


def test_what_was_edited_a_moment_ago_is_compared(invoke: Invoke, mail: Path) -> None:
    invoke("index")
    (mail / "new.py").write_text(POST.replace("letter", "parcel"))
    assert "send_parcel" in invoke("similar", "src/post.py:2").stdout
    assert "send_letter" in invoke("similar", "new.py:2").stdout
    (mail / "newer.py").write_text(POST.replace("letter", "package"))
    result = invoke("similar", "newer.py:2", "--no-refresh")
    assert result.exit_code == 2
    assert "newer.py is not in the index of mail" in result.stderr


def test_a_snippet_on_stdin(invoke: Invoke, mail: Path) -> None:
    result = invoke("similar", "-", "--snippet-lang", "py", "--score", stdin=POST.replace("letter", "mail"))
    assert first_lines(result)[0].startswith("src/post.py:1  send_letter  function  0.")
    assert "= cosine 0." in result.stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        (["src/mail.py"], None, "name a line or a function of it, such as src/mail.py:12"),
        (["src/mail.py:"], None, "name a line or a function of it, such as src/mail.py:12"),
        (["src/mail.py:999"], None, "no code at src/mail.py:999: the nearest is Mailer, lines 1 to 8"),
        (["src/mail.py:nothing"], None, "has nothing named nothing; it has Mailer, Mailer.send_mail, Mailer.other"),
        (["src/none.py:1"], None, "there is no file src/none.py"),
        (["src:1"], None, "there is no file src"),
        (["def f(): pass"], None, "there is no file def f()"),
        (["hello"], None, 'or give code on stdin with "-"'),
        (["-"], "", "the snippet is empty"),
        (["-"], "\0\0", "the snippet is binary"),
        (["-", "--snippet-lang", "klingon"], "x", "--snippet-lang klingon: unknown language"),
        (["-"], "x " * (1 << 19) + "x", "the snippet is longer than 1 MiB"),
        (["src/mail.py:4", "--snippet-lang", "go"], None, "--snippet-lang is for a snippet"),
        (["src/mail.py:4", "--json", "--markdown"], None, "exclude each other"),
        (["src/mail.py:4", "--lang", "klingon"], None, "--lang klingon: unknown language"),
        (["src/mail.py:4", "nowhere"], None, "There is no nowhere"),
    ],
)
def test_bad_input(invoke: Invoke, mail: Path, arguments: list[str], stdin: str | None, message: str) -> None:
    result = invoke("similar", *arguments, stdin=stdin)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_nothing_like_it(invoke: Invoke, mail: Path) -> None:
    result = invoke("similar", "src/mail.py:4", "--lang", "rust")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "under these filters" in result.stderr


def test_a_folder_that_git_ignores_is_compared_with_when_it_is_named(invoke: Invoke, mail: Path) -> None:
    (mail / ".gitignore").write_text("/vendor\n")
    (mail / "vendor").mkdir()
    (mail / "vendor" / "v.py").write_text(POST.replace("letter", "parcel"))
    assert "send_parcel" not in invoke("similar", "src/mail.py:4").stdout
    for options in (["--path", "vendor"], ["--path", "vendor/**/*.py"], ["vendor"]):
        assert "send_parcel" in first_lines(invoke("similar", "src/mail.py:4", *options))[0], options
    assert "send_letter" in invoke("similar", "vendor/v.py:1", mail).stdout
    assert "send_parcel" not in invoke("similar", "src/mail.py:4", "--path", "vendor", "--path", "!vendor/v.py").stdout
    both = invoke(
        "duplicates", "--level", "near", "--min-lines", "1", "--min-tokens", "1", "--path", "vendor", "--path", "src"
    )
    assert "vendor" not in invoke("duplicates", "--level", "near", "--min-lines", "1", "--min-tokens", "1").stdout
    assert "send_parcel" in both.stdout, both.output


def test_a_filter_in_the_question_names_a_folder_that_git_ignores(invoke: Invoke, mail: Path) -> None:
    (mail / ".gitignore").write_text("/vendor\n")
    (mail / "vendor").mkdir()
    (mail / "vendor" / "v.py").write_text(POST.replace("letter", "parcel"))
    assert "send_parcel" in first_lines(invoke("ask", "send_parcel path:vendor/"))[0]
    assert "send_parcel" in first_lines(invoke("ask", "send_parcel path:vendor/ path:src/"))[0]
    assert "send_parcel" not in invoke("ask", "send_parcel path:vendor/ -path:vendor/v.py").stdout
