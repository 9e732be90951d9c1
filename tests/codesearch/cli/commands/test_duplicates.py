from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]
WriteTree = Callable[[Path, Mapping[str, str]], Path]

LOAD = """def load_config(path, default):
    if not path.exists():
        log.warning("no configuration at %s", path)
        return default
    with path.open() as file:
        values = parser.parse(file.read())
    values.update(default)
    return checked(values, path)
"""
DRAW = """func Draw(canvas Canvas, shapes []Shape, scale int) error {
	for _, shape := range shapes {
		canvas.MoveTo(shape.X*scale, shape.Y*scale)
		if err := canvas.Fill(shape.Colour); err != nil {
			return err
		}
		canvas.Close(shape)
	}
	return nil
}
"""
FILES = {
    "a.py": LOAD,
    "lib/b.py": LOAD.replace("load_config", "read_config"),
    "c.go": f"package c\n\n{DRAW}",
    "lib/d.go": f"package lib\n\n{DRAW.replace('shape', 'figure').replace('Draw', 'Paint')}",
}


@pytest.fixture
def root(tmp_path: Path, write_tree: WriteTree, git: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = write_tree(tmp_path / "r", FILES)
    git(root, "init", "--quiet")
    git(root, "add", ".")
    monkeypatch.chdir(root)
    return root


def test_the_report(invoke: Invoke, root: Path) -> None:
    result = invoke("duplicates")
    assert result.exit_code == 0, result.output
    assert result.stdout == (
        "exact: 2 functions, 8 redundant lines\n"
        "  a.py:1-8  load_config\n"
        "  lib/b.py:1-8  read_config\n\n"
        "near-identical 1.00: 2 functions, 10 redundant lines\n"
        "  c.go:3-12  Draw\n"
        "  lib/d.go:3-12  Paint\n"
    )
    assert "4 functions compared; 2 groups: 1 exact, 1 near-identical; 50.0% of their lines are copies" in result.stderr


def test_json(invoke: Invoke, root: Path) -> None:
    exact, near = map(json.loads, invoke("duplicates", "--json").stdout.splitlines())
    assert (exact["level"], exact["similarity"], exact["redundant_lines"]) == ("exact", 1.0, 8)
    first, second = exact["functions"]
    assert (first["path"], first["start_line"], first["end_line"], first["name"]) == ("a.py", 1, 8, "load_config")
    assert first["fingerprint"] == second["fingerprint"]
    assert (first["repository"], first["root"], first["copies"]) == ("r", str(root), [])
    assert (near["level"], [f["language"] for f in near["functions"]]) == ("near", ["go", "go"])


def test_a_copy_of_a_group_is_counted_where_the_group_is_told_again(invoke: Invoke, root: Path) -> None:
    (root / "e.py").write_text(LOAD.replace("default", "fallback").replace("load_config", "get_config"))
    result = invoke("duplicates", "--lang", "python")
    assert "  a.py:1-8  load_config  and 1 identical\n  e.py:1-8  get_config\n" in result.stdout
    assert invoke("duplicates", "lib").exit_code == 1
    assert invoke("duplicates", "--path", "*.go", "--level", "exact").exit_code == 1


def test_a_large_group_is_cut_in_text_and_whole_in_json(invoke: Invoke, root: Path) -> None:
    for number in range(30):
        (root / f"copy_{number:02}.py").write_text(LOAD)
    text = invoke("duplicates", "--level", "exact").stdout
    assert "exact: 32 functions" in text
    assert text.rstrip().endswith("and 12 more, which --json lists")
    assert len(json.loads(invoke("duplicates", "--json").stdout.splitlines()[0])["functions"]) == 32


def test_a_limit_says_what_it_hides(invoke: Invoke, root: Path) -> None:
    result = invoke("duplicates", "-k", "1")
    assert result.stdout.count("redundant") == 1
    assert "1 more groups: -k 0 prints all" in result.stderr


def test_without_the_last_level_nothing_is_encoded(invoke: Invoke, root: Path) -> None:
    result = invoke("duplicates", "--level", "near", "--model", "/nowhere")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("redundant") == 2


def test_differences(invoke: Invoke, root: Path) -> None:
    (root / "lib" / "d.go").write_text((root / "lib" / "d.go").read_text().replace("figure.X*scale", "figure.X\x1b[2J"))
    result = invoke("duplicates", "--diff", "--lang", "go")
    assert (
        "  lib/d.go:3-12  Paint\n      -func Draw(canvas Canvas, shapes []Shape, scale int) error {\n" in result.stdout
    )
    assert "      +        canvas.MoveTo(figure.X\N{REPLACEMENT CHARACTER}[2J, figure.Y*scale)\n" in result.stdout
    copies = invoke("duplicates", "--diff", "--lang", "python").stdout.splitlines()
    assert copies[2:] == [
        "  lib/b.py:1-8  read_config",
        "      -def load_config(path, default):",
        "      +def read_config(path, default):",
        "           if not path.exists():",
    ]
    assert "-func" not in invoke("duplicates", "--diff", "--json").stdout


# --- exit codes and baselines -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "code"), [("0", 1), ("1", 1), ("2", 0), ("100", 0), ("0%", 1), ("49.9%", 1), ("50%", 0), ("100%", 0)]
)
def test_fail_over(invoke: Invoke, root: Path, allowed: str, code: int) -> None:
    result = invoke("duplicates", "--fail-over", allowed)
    assert result.exit_code == code
    assert ("codesearch: failed: " in result.stderr) == bool(code)
    assert "redundant" in result.stdout


def test_nothing_found_is_1_as_of_grep_and_0_for_a_check(invoke: Invoke, root: Path) -> None:
    assert invoke("duplicates", "--lang", "rust").exit_code == 1
    result = invoke("duplicates", "--lang", "rust", "--fail-over", "0")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no function is long enough to compare" in result.stderr


def test_a_baseline_accepts_what_there_was_until_it_grows_or_changes(invoke: Invoke, root: Path) -> None:
    accepted = root / "accepted.json"
    assert "accepts 2 groups" in invoke("duplicates", "--write-baseline", accepted).stderr
    check = ("duplicates", "--baseline", str(accepted), "--fail-over", "0")
    result = invoke(*check)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 accepted by the baseline" in result.stderr
    (root / "moved.py").write_text("# moved\n\n\n" + LOAD.replace("    ", "  "))
    (root / "a.py").unlink()
    assert invoke(*check).exit_code == 0, "moved and laid out anew"
    (root / "third.py").write_text(LOAD)
    grown = invoke(*check)
    assert grown.exit_code == 1
    assert "exact: 3 functions" in grown.stdout
    assert "near-identical" not in grown.stdout
    (root / "third.py").unlink()
    (root / "c.go").write_text((root / "c.go").read_text().replace("Close(shape)", "Close(nil)"))
    assert "near-identical" in invoke(*check).stdout


def test_a_baseline_is_the_same_twice_and_readable(invoke: Invoke, root: Path) -> None:
    invoke("duplicates", "--write-baseline", "one.json")
    invoke("duplicates", "--write-baseline", "two.json")
    assert (root / "one.json").read_bytes() == (root / "two.json").read_bytes()
    assert not list(root.glob("*.partial"))
    found = json.loads((root / "one.json").read_text())
    assert {f["name"] for group in found["groups"] for f in group["functions"]} == {
        *("load_config", "read_config", "Draw", "Paint")
    }


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "groups": [{}]}', '"x"', "\0\xff"])
def test_a_baseline_that_is_none(invoke: Invoke, root: Path, content: str) -> None:
    (root / "base.json").write_bytes(content.encode("latin-1"))
    result = invoke("duplicates", "--baseline", "base.json")
    assert result.exit_code == 2
    assert "--write-baseline" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--level", "sure"], "--level sure: it is one of exact, near, semantic"),
        (["--near", "2"], "--near must lie between"),
        (["--semantic", "0"], "--semantic must lie between"),
        (["--fail-over", "x"], "--fail-over x: give a number of groups"),
        (["--fail-over", "-1"], "--fail-over -1: give a number of groups from 0 on"),
        (["--fail-over", "200%"], "--fail-over 200%: give a number of groups from 0 on"),
        (["--fail-over", "nan%"], "--fail-over nan%: give a number of groups from 0 on"),
        (["--baseline", "none.json"], "there is no baseline none.json: write one with --write-baseline none.json"),
        (["--write-baseline", "no/folder/x.json"], "x.json cannot be written"),
        (["nowhere"], "There is no nowhere"),
        (["--lang", "klingon"], "--lang klingon: unknown language"),
    ],
)
def test_bad_input(invoke: Invoke, root: Path, arguments: list[str], message: str) -> None:
    result = invoke("duplicates", *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stdout == ""


def test_names_of_files_are_not_obeyed_by_the_terminal(invoke: Invoke, root: Path) -> None:
    (root / "x\x1b[31m\n.py").write_text(LOAD)
    text, lines = invoke("duplicates").stdout, invoke("duplicates", "--json").stdout
    assert r"x\x1b[31m\n.py:1-8  load_config" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text + lines)
