from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from codesearch.duplicates import Group, Level, Report, Sizes, Thresholds, find_duplicates
from codesearch.duplicates.functions import read_functions, read_vectors
from codesearch.encoders import Encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError
from codesearch.index.dense import near_pairs
from codesearch.index.snapshot import Snapshot
from codesearch.search.candidates import Filters
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan

LOAD = """def load_config(path, default):
    \"\"\"Read a configuration.\"\"\"
    if not path.exists():
        log.warning("no configuration at %s", path)
        return default
    with path.open() as file:
        values = parser.parse(file.read())
    values.update(default)
    return checked(values, path)
"""
RENAMED = LOAD.replace("load_config", "load_theme").replace("values", "theme").replace("no configuration", "no theme")
EDITED = RENAMED.replace("    theme.update(default)\n", "").replace("load_theme", "load_skin")
SAME_WORDS = """def parse_configuration(path, default):
    file = path.open() if path.exists() else None
    parser.values = default
    log.warning("no configuration at %s", path)
    while not file.read():
        checked(path.update(values), default)
    return with_open(parser.parse, file, as_read=True)
"""
OTHER = """def draw(canvas, shapes, scale):
    for shape in sorted(shapes, key=lambda shape: shape.depth):
        canvas.move_to(shape.x * scale, shape.y * scale)
        canvas.fill(shape.colour)
        for corner in shape.corners:
            canvas.line_to(corner.x * scale, corner.y * scale)
        canvas.close()
"""

Open = Callable[..., Snapshot]
WriteTree = Callable[[Path, Mapping[str, str]], Path]


@pytest.fixture
def opened(environment: Path, tmp_path: Path, write_tree: WriteTree) -> Iterator[Open]:
    """Index files and open a snapshot of them."""
    with ExitStack() as stack:

        def run(
            files: Mapping[str, str],
            encoder: Encoder | None = HashingEncoder(256),  # noqa: B008
            name: str = "r",
        ) -> Snapshot:
            root = write_tree(tmp_path / name, files)
            job = plan(open_repository(root, cache=environment), load_settings())
            for _ in bring_up_to_date(job, None if encoder is None else lambda: encoder):
                pass
            return stack.enter_context(Snapshot(job.directory))

        yield run


def named(group: Group) -> list[str]:
    return [member.function.qualified_name for member in group.members]


def by_level(report: Report) -> dict[Level, list[list[str]]]:
    return {level: [named(group) for group in report.groups if group.level is level] for level in Level}


FILES = {
    "a.py": LOAD,
    "b.py": "import log\n\n\n" + LOAD.replace("load_config", "read_config").replace("\n    if", "\n    # why\n    if"),
    "c.py": RENAMED,
    "d.py": EDITED,
    "e.py": SAME_WORDS,
    "f.py": OTHER,
    "tests/test_a.py": LOAD.replace("load_config", "test_config"),
}


# --- levels -------------------------------------------------------------------------------------------------


def test_the_levels_are_told_apart_and_each_thing_is_told_once(opened: Open) -> None:
    report = find_duplicates([opened(FILES)], thresholds=Thresholds(semantic=0.7))
    assert by_level(report) == {
        Level.EXACT: [["load_config", "read_config"]],
        Level.NEAR: [["load_config", "load_theme", "load_skin"]],
        Level.SEMANTIC: [["load_config", "parse_configuration"]],
    }
    exact, near, semantic = report.groups
    assert [member.copies for member in exact.members] == [(), ()]
    assert [f.qualified_name for f in near.members[0].copies] == ["read_config"]
    assert {f.qualified_name for f in semantic.members[0].copies} == {"read_config", "load_theme", "load_skin"}
    assert [member.similarity for member in exact.members] == [1.0, 1.0]
    assert near.members[0].similarity == 1.0
    assert 0.7 <= near.members[2].similarity < near.members[1].similarity <= 1.0
    assert semantic.members[1].similarity >= 0.7


def test_the_report_counts(opened: Open) -> None:
    report = find_duplicates([opened(FILES | {"g.py": "def short(a):\n    return a\n"})])
    assert (report.functions, dict(report.left_out)) == (6, {"short": 1, "tests": 1})
    assert report.lines == sum(len([line for line in t.split("\n") if line.strip()]) for t in (SAME_WORDS, OTHER)) + (
        8 + 9 + 8 + 7
    )
    assert report.copied_lines == 8 + 8 + 7
    assert report.copied_share == pytest.approx(report.copied_lines / report.lines)


@pytest.mark.parametrize("level", Level)
def test_no_further_than_a_level(opened: Open, level: Level) -> None:
    report = find_duplicates([opened(FILES)], level=level, thresholds=Thresholds(semantic=0.7))
    assert {group.level for group in report.groups} == set(list(Level)[: list(Level).index(level) + 1])


def test_thresholds_decide(opened: Open) -> None:
    snapshot = opened(FILES)
    strict = find_duplicates([snapshot], thresholds=Thresholds(near=1.0, semantic=1.0))
    assert by_level(strict)[Level.NEAR] == [["load_config", "load_theme"]]
    assert by_level(strict)[Level.SEMANTIC] == []
    for wrong in (
        Thresholds(near=0.0),
        Thresholds(near=1.1),
        Thresholds(semantic=-1),
        Thresholds(semantic=float("nan")),
    ):
        with pytest.raises(InputError, match="must lie between"):
            find_duplicates([snapshot], thresholds=wrong)


def test_several_repositories(opened: Open) -> None:
    snapshots = [opened({"a.py": LOAD}, name="one"), opened({"a.py": LOAD}, name="two")]
    (group,) = find_duplicates(snapshots).groups
    assert [(m.function.source, m.function.path) for m in group.members] == [(0, "a.py"), (1, "a.py")]


# --- what is compared ---------------------------------------------------------------------------------------


def test_tests_are_compared_if_asked(opened: Open) -> None:
    report = find_duplicates([opened(FILES)], sizes=Sizes(tests=True))
    assert ["load_config", "read_config", "test_config"] in by_level(report)[Level.EXACT]


def test_short_functions_are_compared_if_asked(opened: Open) -> None:
    getter = "class A:\n    def x(self):\n        return self._x\n"
    snapshot = opened({"a.py": getter, "b.py": getter.replace("class A", "class B")})
    assert find_duplicates([snapshot]).groups == ()
    (group,) = find_duplicates([snapshot], sizes=Sizes(lines=1, tokens=1)).groups
    assert named(group) == ["A.x", "B.x"]


def test_filters(opened: Open) -> None:
    snapshot = opened(FILES)
    few = find_duplicates([snapshot], filters=[Filters(path=lambda path: path in ("c.py", "d.py"))])
    assert [named(group) for group in few.groups] == [["load_theme", "load_skin"]]
    assert find_duplicates([snapshot], filters=[Filters(languages=frozenset({"go"}))]).functions == 0


def test_overloads_are_no_duplicates_unless_asked(opened: Open) -> None:
    body = "        check(value, limit);\n        values.add(value);\n        this.size = this.size + 1;\n" * 4
    java = "class A {\n" + "".join(
        f"    void put({kind} value, int limit) {{\n{body}        log({number});\n    }}\n\n"
        for number, kind in enumerate(("int", "long", "double"))
    )
    snapshot = opened({"A.java": java + "}\n"})
    assert find_duplicates([snapshot]).groups == ()
    (group,) = find_duplicates([snapshot], overloads=True).groups
    assert (group.level, len(group.members)) == (Level.NEAR, 3)


def test_a_wrapper_and_an_opposite_mean_no_duplicate(opened: Open) -> None:
    body = "".join(f"    step_{i}(path, default, values)\n" for i in range(12))

    def groups(one: str, other: str) -> list[list[str]]:
        shuffled = "".join(sorted(body.splitlines(keepends=True), key=lambda line: line[::-1]))
        files = {"a.py": f"def {one}(path):\n{body}", "b.py": f"def {other}(path):\n{shuffled}"}
        report = find_duplicates([opened(files)], thresholds=Thresholds(near=0.9, semantic=0.7))
        return by_level(report)[Level.SEMANTIC]

    assert groups("write_rows", "write_lines") == [["write_rows", "write_lines"]]
    assert groups("write_rows", "read_rows") == []
    assert groups("write_rows", "step_3") == [], "the one calls the other"


def test_a_function_in_several_chunks_is_one(opened: Open) -> None:
    lines = "".join(f"    value_{i} = compute(other_{i}, {i}) + offset.field_{i}\n" for i in range(300))
    snapshot = opened({"a.py": f"def long(x):\n{lines}", "b.py": f"def longer(x):\n{lines}"})
    functions = read_functions([snapshot], [Filters()], Sizes())
    assert [len(function.chunks) > 1 for function in functions.records] == [True, True]
    vectors, known = read_vectors([snapshot], functions.records, 256)
    assert known.all()
    parts = np.stack([snapshot.vector_of(chunk) for chunk in functions.records[0].chunks])
    assert vectors[0] @ parts.mean(axis=0) / np.linalg.norm(parts.mean(axis=0)) == pytest.approx(1, abs=1e-3)
    (group,) = find_duplicates([snapshot]).groups
    assert (group.level, named(group)) == (Level.EXACT, ["long", "longer"])


# --- vectors ------------------------------------------------------------------------------------------------


def test_what_is_not_encoded_is_compared_by_tokens_and_counted(opened: Open) -> None:
    report = find_duplicates([opened(FILES, None)])
    assert by_level(report)[Level.EXACT] == [["load_config", "read_config"]]
    assert report.without_vector == 6


def test_vectors_of_different_models_are_not_compared(opened: Open) -> None:
    snapshots = [opened({"a.py": LOAD}, name="one"), opened({"a.py": LOAD}, HashingEncoder(64), name="two")]
    with pytest.raises(InputError, match=r"vectors of different models.*--level near"):
        find_duplicates(snapshots)
    assert len(find_duplicates(snapshots, level=Level.NEAR).groups) == 1


@pytest.mark.parametrize("graph", [False, True])
def test_near_pairs_of_vectors(graph: bool) -> None:
    random = np.random.default_rng(0)
    base = random.standard_normal((400, 32)).astype(np.float32)
    vectors = np.concatenate([base, base + 0.1 * random.standard_normal((400, 32)).astype(np.float32)])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs, cosines = near_pairs(vectors, 0.9, exact_limit=0 if graph else 10_000)
    exact = vectors @ vectors.T
    expected = {(i, j) for i, j in np.argwhere(exact >= 0.9).tolist() if i < j}
    assert {(i, j) for i, j in pairs.tolist()} == expected
    assert len(expected) >= 390
    assert cosines == pytest.approx(exact[pairs[:, 0], pairs[:, 1]], abs=1e-5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_near_pairs_of_few_vectors(count: int) -> None:
    vectors = np.ones((count, 4), np.float32) / 2
    assert near_pairs(vectors, 0.9)[0].tolist() == ([[0, 1]] if count == 2 else [])
