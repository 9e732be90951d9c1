"""Configuration files are edited by the member: all else stays as it was, byte for byte."""

from __future__ import annotations

import json
from typing import Any

import pytest

from codesearch.mcp.json_text import read_json, with_member, without_member

ENTRY = {"command": "codesearch", "args": ["mcp", "--folder", "."]}

VALUES: list[Any] = [None, True, -1.5, "", '"}{,//', "größe", [], {}, [1, {"a": [{}]}], {"s": {"c": [1, 2]}, "d": 1}]


def put_and_take(text: str, beside: bool) -> None:
    if beside:
        text = with_member(text, ["s"], "other", {"command": "x"})
    data = json.loads(text)
    put = with_member(text, ["s"], "codesearch", ENTRY)
    assert json.loads(put) == {**data, "s": {**data.get("s", {}), "codesearch": ENTRY}}
    assert put.count("\r\n") == (put.count("\n") if "\r\n" in text else 0)
    assert read_json(put) == json.loads(put)
    assert with_member(put, ["s"], "codesearch", ENTRY) == put
    assert without_member(put, ["s"], "codesearch") == text


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("indent", [None, 1, 2, 4, "\t"])
def test_what_was_put_in_and_taken_out_leaves_no_trace(end: str, beside: bool, indent: int | str | None) -> None:
    for first in VALUES:
        for second in VALUES:
            text = json.dumps({"a": first, "b": second}, indent=indent, ensure_ascii=beside) + end
            put_and_take(text, beside)
            put_and_take(text.replace("\n", "\r\n"), beside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{\n  "s": {\n    "a": {}, // of a\n  },\n}\n',
            '{\n  "s": {\n    "a": {}, // of a\n    "c": {"k": 1},\n  },\n}\n',
        ),
        ('{\n  "a": 1 // of a\n}\n', '{\n  "a": 1, // of a\n  "s": {"c": {"k": 1}}\n}\n'),
        ('{\n  "a": "{\\"s\\": 1}" /* , */\n}\n', '{\n  "a": "{\\"s\\": 1}", /* , */\n  "s": {"c": {"k": 1}}\n}\n'),
        ('{"s": {"a": 1,},}', '{"s": {"a": 1, "c": {"k": 1},},}'),
        ("// mine\n{\n  // theirs\n}\n", '// mine\n{\n  // theirs\n  "s": {"c": {"k": 1}}\n}\n'),
        ("\ufeff{}", '\ufeff{\n  "s": {"c": {"k": 1}}\n}'),
    ],
)
def test_comments_and_commas_at_the_end_stay_where_they_were(text: str, expected: str) -> None:
    put = with_member(text, ["s"], "c", {"k": 1})
    assert "".join(put.split()) == "".join(expected.split())
    assert read_json(put)["s"]["c"] == {"k": 1}
    taken = without_member(put, ["s"], "c")
    assert read_json(taken) == read_json(text)
    assert [line for line in taken.splitlines() if "//" in line] == [line for line in text.splitlines() if "//" in line]


def test_an_entry_is_replaced_where_it_stands() -> None:
    text = '{\n  "s": {\n    "c": {"old": [1]}, // mine\n    "d": 2\n  }\n}\n'
    put = with_member(text, ["s"], "c", {"k": 1})
    assert put == text.replace('{"old": [1]}', '{\n      "k": 1\n    }')


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_each_of_several_can_be_taken_out(name: str) -> None:
    text = '{\n  "s": {\n    "a": 1,\n    "b": {"x": [1, 2]},\n    "c": 3\n  }\n}\n'
    taken = without_member(text, ["s"], name)
    assert taken == "".join(line for line in text.splitlines(keepends=True) if f'"{name}"' not in line).replace(
        '{"x": [1, 2]},\n  }', '{"x": [1, 2]}\n  }'
    )


def test_a_file_that_holds_nothing_else_is_empty() -> None:
    assert without_member(with_member("", ["s"], "c", ENTRY), ["s"], "c") == ""
    assert without_member("// mine\n" + with_member("{}", ["s"], "c", ENTRY), ["s"], "c") == "// mine\n{}"


@pytest.mark.parametrize(
    "text", ["{", '{"a"}', '{"a": }', '{"a": 1 "b": 2}', "[1", '{"a": 1} x', "{'a': 1}", "[" * 9999]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        with_member(text, ["s"], "c", ENTRY)


@pytest.mark.parametrize("text", ["[]", "3", '{"s": []}', '{"s": null}'])
def test_what_stands_in_the_way_is_not_replaced(text: str) -> None:
    def put(value: dict[str, Any]) -> str:
        return with_member(text, ["s"], "c", value)

    with pytest.raises(ValueError, match=r"no object|something else"):
        put(ENTRY)
