"""JSON as people keep it in configuration files: read with its comments, and edited without touching the rest.

Comments and commas at the end are read, as VS Code and Zed allow them. An edit is the text of one member: all other
bytes stay, and so do indentation and line ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["read_json", "with_member", "without_member"]

_TRIVIA: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|\ufeff)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_SCALAR: Final = re.compile(r"[-+.\w]+")
_REST_OF_LINE: Final = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\n]*?\*/[ \t]*)?(?=\r?\n)")
_DEEPEST: Final = 100


@dataclass(frozen=True, slots=True)
class _Node:
    """A value in the text.

    Attributes:
        start: Of its text.
        end: After it.
        value: What it means.
        members: Of an object: each name, where it starts, and its value.
    """

    start: int
    end: int
    value: Any
    members: tuple[tuple[str, int, _Node], ...] = ()

    def member(self, name: str) -> tuple[int, _Node] | None:
        """Return where a member starts, and its value; of several of a name the last counts."""
        return next(((start, node) for key, start, node in reversed(self.members) if key == name), None)


def read_json(text: str) -> Any:
    """Return what a text means; an object without members if there is nothing in it.

    Raises:
        ValueError: It is no JSON, comments and commas at the end aside.
    """
    return _parse(text).value


def _parse(text: str) -> _Node:
    start = _skip(text, 0)
    if start == len(text):
        return _Node(start, start, {})
    node = _read(text, start, 0)
    if _skip(text, node.end) != len(text):
        raise ValueError(f"there is more after the end, at {node.end}")
    return node


def _skip(text: str, at: int) -> int:
    found = _TRIVIA.match(text, at)
    return found.end() if found else at


def _read(text: str, at: int, depth: int) -> _Node:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    opening = text[at : at + 1]
    if opening in ("{", "["):
        return _read_nested(text, at, depth, "}" if opening == "{" else "]")
    found = _STRING.match(text, at) or _SCALAR.match(text, at)
    if found is None:
        raise ValueError(f"no value at {at}")
    return _Node(at, found.end(), json.loads(found[0]))


def _read_nested(text: str, start: int, depth: int, closing: str) -> _Node:
    members = []
    items = []
    at = _skip(text, start + 1)
    while text[at : at + 1] != closing:
        name, name_at = "", at
        if closing == "}":
            key = _STRING.match(text, at)
            if key is None:
                raise ValueError(f"no name at {at}")
            name, at = json.loads(key[0]), _skip(text, key.end())
            if text[at : at + 1] != ":":
                raise ValueError(f"no colon at {at}")
            at = _skip(text, at + 1)
        node = _read(text, at, depth + 1)
        members.append((name, name_at, node))
        items.append(node.value)
        at = _skip(text, node.end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != closing:
            raise ValueError(f"no comma at {at}")
    if closing == "]":
        return _Node(start, at + 1, items)
    return _Node(start, at + 1, {name: node.value for name, _, node in members}, tuple(members))


def with_member(text: str, keys: Sequence[str], name: str, value: Mapping[str, Any]) -> str:
    """Return a text with a member set in the object that `keys` lead to; objects that are missing are made.

    Raises:
        ValueError: It is no JSON, or something else stands on the way.
    """
    root = _parse(text)
    step = _step(text)
    ends = "\r\n" if "\r\n" in text else "\n"
    if not isinstance(root.value, dict):
        raise ValueError("it is no object")
    if root.start == root.end:  # nothing but comments
        return text + (_written(_nested(keys, name, value), step, "", True) + "\n").replace("\n", ends)
    node = root
    for number, key in enumerate(keys):
        found = node.member(key)
        if found is None:
            return _added(text, node, key, _nested(keys[number + 1 :], name, value), step, ends)
        node = found[1]
        if not isinstance(node.value, dict):
            raise ValueError(f"there is something else at {key!r}")
    known = node.member(name)
    if known is None:
        return _added(text, node, name, value, step, ends)
    if known[1].value == value:
        return text
    many = "\n" in text[node.start : known[0]]
    new = _written(value, step, _indentation(text, known[0]), many).replace("\n", ends)
    return text[: known[1].start] + new + text[known[1].end :]


def _nested(keys: Sequence[str], name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {name: value}
    for key in reversed(keys):
        found = {key: found}
    return found


def _added(text: str, node: _Node, name: str, value: Mapping[str, Any], step: str, ends: str) -> str:
    """Return a text with a member at the end of an object."""
    if not node.members:
        outer = _indentation(text, node.start)
        inside = text[node.start + 1 : node.end - 1].strip()
        lines = [*([inside] if inside else []), f"{json.dumps(name)}: {_written(value, step, outer + step, True)}"]
        body = "".join(f"\n{outer}{step}{line}" for line in lines)
        return text[: node.start + 1] + f"{body}\n{outer}".replace("\n", ends) + text[node.end - 1 :]
    _, start, last = node.members[-1]
    many = "\n" in text[node.start : start]
    after = _skip(text, last.end)
    comma = text[after : after + 1] == ","
    indent = _indentation(text, start)
    member = f"{json.dumps(name)}: {_written(value, step, indent, many)}"
    if not many:
        return text[: last.end] + f", {member}" + text[after if comma else last.end :]
    stop = after + 1 if comma else last.end
    rest = _REST_OF_LINE.match(text, stop)  # a comment on the last member stays with it
    stay = text[stop : rest.end()] if rest else ""
    new = f"\n{indent}{member}".replace("\n", ends) + ("," if comma else "")
    return text[:stop] + ("" if comma else ",") + stay + new + text[stop + len(stay) :]


def without_member(text: str, keys: Sequence[str], name: str) -> str:
    """Return a text without a member, and without the objects on the way that hold nothing else; "" if none is left.

    Raises:
        ValueError: It is no JSON, or there is no such member.
    """
    root = _parse(text)
    way = [root]
    for key in keys:
        found = way[-1].member(key)
        if found is None:
            raise ValueError(f"there is no {key!r}")
        way.append(found[1])
    names = [*keys, name]
    while len(way) > 1 and _is_all(text, way[-1], names[len(way) - 1]):
        way.pop()
    if len(way) == 1 and _is_all(text, root, names[0]) and not (text[: root.start] + text[root.end :]).strip(" \t\r\n"):
        return ""
    return _removed(text, way[-1], names[len(way) - 1])


def _is_all(text: str, node: _Node, name: str) -> bool:
    """Whether an object holds nothing but a member: no other, and no comment."""
    if [key for key, _, _ in node.members] != [name]:
        return False
    _, start, value = node.members[0]
    return not (text[node.start + 1 : start] + text[value.end : node.end - 1]).strip(" \t\r\n,")


def _removed(text: str, node: _Node, name: str) -> str:
    number = next((n for n, member in reversed(list(enumerate(node.members))) if member[0] == name), None)
    if number is None:
        raise ValueError(f"there is no {name!r}")
    _, start, value = node.members[number]
    if len(node.members) == 1:  # beside comments, or with nothing
        kept = text[node.start + 1 : start].rstrip()
        rest = text[value.end : node.end - 1].replace(",", "", 1) if kept else ""
        return text[: node.start + 1] + kept + rest + text[node.end - 1 :]
    if number < len(node.members) - 1:  # up to where the next begins
        return text[:start] + text[node.members[number + 1][1] :]
    before = node.members[number - 1][2].end
    comma = _skip(text, before)
    after = _skip(text, value.end)
    if text[after : after + 1] == ",":  # the one before keeps its own, as the last had one
        kept = text[comma + 1 : start].rstrip()
        return text[: comma + 1] + kept + text[after + 1 :]
    return text[:comma] + text[comma + 1 : start].rstrip() + text[value.end :]


def _written(value: Any, step: str, indent: str, many: bool) -> str:
    """Return a value as text: objects with a line for each member where `many`, lists in one line."""
    if not isinstance(value, Mapping) or not many:
        return json.dumps(value, ensure_ascii=False)
    lines = [
        f"{indent}{step}{json.dumps(key)}: {_written(one, step, indent + step, many)}" for key, one in value.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"


def _step(text: str) -> str:
    """Return what lines are indented by, once."""
    found = re.search(r"^([ \t]+)\S", text, re.MULTILINE)
    return found[1] if found else "  "


def _indentation(text: str, at: int) -> str:
    """Return what the line of a place begins with."""
    begin = text.rfind("\n", 0, at) + 1
    found = re.match(r"[ \t]*", text[begin:at])
    return found[0] if found else ""
