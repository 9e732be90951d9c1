"""Readers see one committed state, whatever a writer does meanwhile, and stop no writer."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.dense import DenseIndex
from codesearch.index.snapshot import Snapshot
from codesearch.index.update import Phase
from codesearch.records import Kind
from codesearch.search.candidates import QUOTING, Filters, find_in
from codesearch.words import question_terms


def names(snapshot: Any, question: str, *, filters: Filters | None = None) -> set[str]:
    query = HashingEncoder(16).encode_queries([question])[0]
    found = find_in(snapshot, question_terms(question), query, 50, filters or Filters())
    return {candidate.qualified_name for candidate in found}


def test_an_open_snapshot_keeps_its_state_and_blocks_nobody(bench: Any) -> None:
    bench.fill(4)
    bench.write("a.py", "def before_the_change(): return 1\n")
    bench.index()
    with bench.snapshot() as old:
        bench.write("a.py", "def after_the_change(): return 2\n")
        (bench.root / "package_1/module_1.py").unlink()
        bench.index()
        chunks = old.chunk_count
        with bench.snapshot() as new:
            assert "after_the_change" in names(new, "the change")
            assert "before_the_change" not in names(new, "the change")
            assert new.chunk_count == chunks - 3
        # Opened before, used for the first time after: words, vectors and text are all of the old state.
        assert "before_the_change" in names(old, "the change")
        assert "after_the_change" not in names(old, "the change")
        found = find_in(old, question_terms("before the change"), None, 5, Filters())
        assert [c.text for c in old.chunks([found[0].id]).values()] == ["def before_the_change(): return 1"]


def test_a_state_survives_a_rebuild_and_a_deletion(bench: Any) -> None:
    bench.fill(4)
    bench.index()
    with bench.snapshot() as old:
        assert old.dense is not None
        bench.index(rebuild=True)
        assert "action_2_1" in names(old, "action 2 1")


def test_a_later_state_uses_what_an_earlier_one_has_loaded(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.fill(4)
    bench.index()
    with bench.snapshot() as first:
        assert first.dense is not None
    bench.write("a.py", "def after_the_change(): return 2\n")
    bench.index()
    given: list[DenseIndex | None] = []
    made = DenseIndex.__init__

    def noted(self: DenseIndex, *arguments: Any) -> None:
        given.append(arguments[3])
        made(self, *arguments)

    monkeypatch.setattr(DenseIndex, "__init__", noted)
    with Snapshot(first.directory, first) as second:  # closed, and it serves all the same
        assert "after_the_change" in names(second, "after the change")
    with Snapshot(first.directory, second) as third, Snapshot(first.directory, third) as fourth:
        assert "after_the_change" in names(fourth, "after the change")  # through one that has loaded nothing itself
    bench.index(rebuild=True)
    with Snapshot(first.directory, fourth) as anew:
        assert "after_the_change" in names(anew, "after the change")
    assert given == [first.dense, second.dense, None]


def test_a_state_differs_from_another_exactly_if_something_was_committed(bench: Any) -> None:
    bench.fill(4)
    bench.index()
    with bench.snapshot() as first, bench.snapshot() as second:
        assert first.state == second.state
        bench.index()  # finds nothing to do
        with bench.snapshot() as third:
            assert first.state == third.state
        seen = {first.state}
        bench.write("a.py", "def after_the_change(): return 2\n")
        for _ in bench.updating():
            with bench.snapshot() as later:
                seen.add(later.state)
        with bench.snapshot() as later:
            seen.add(later.state)
        assert len(seen) == 3  # words are committed before vectors
        (bench.root / "a.py").unlink()
        bench.index()
        with bench.snapshot() as last:
            assert last.state not in seen


def test_searching_at_every_step_of_an_update(bench: Any) -> None:
    """Every moment of a first update has an answer, and files that do not change are found throughout."""
    bench.fill(6)
    bench.index()
    for i in range(300, 340):
        bench.write(f"new/file_{i}.py", f"def newcomer_{i}(): return {i}\n")
    (bench.root / "package_0/module_0.py").unlink()
    phases = set()
    for progress in bench.updating():
        phases.add(progress.phase)
        with bench.snapshot() as snapshot:
            assert "action_3_2" in names(snapshot, "action 3 2")
    assert phases >= {Phase.EXTRACTING, Phase.LEXICAL, Phase.ENCODING}
    assert "newcomer_310" in bench.found("newcomer 310")


READER = """
import sys, time
from pathlib import Path
from codesearch.index.snapshot import Snapshot
from codesearch.search.candidates import Filters, find_in
asked = 0
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until or not asked:
    with Snapshot(Path(sys.argv[1])) as snapshot:
        found = find_in(snapshot, ["action", "3", "2"], None, 50, Filters())
        assert "action_3_2" in {c.qualified_name for c in found}, found
        snapshot.counts()
        asked += 1
print(asked)
"""


def test_a_reader_in_another_process_during_updates(bench: Any) -> None:
    bench.fill(6)
    bench.index()
    command = [sys.executable, "-c", READER, str(bench.directory), "2.0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as reader:
        version = 0
        while reader.poll() is None:
            version += 1
            for i in range(20):
                bench.write(f"other/file_{i}.py", f"def newcomer_{i}_{version}(): return {i}\n")
            bench.index()
            time.sleep(0.01)
        output, errors = reader.communicate()
    assert reader.returncode == 0, errors
    assert int(output) >= 3
    assert version >= 3


def test_filters(bench: Any) -> None:
    bench.write("src/a.py", "class Reader:\n    def read(self):\n        return 1\n\ndef read_all():\n    return 2\n")
    bench.write("lib/b.go", "package b\n\nfunc readGo() int {\n\treturn 3\n}\n")
    bench.index()
    with bench.snapshot() as snapshot:
        assert names(snapshot, "read", filters=Filters(languages=frozenset({"go"}))) >= {"readGo"}
        assert "read_all" not in names(snapshot, "read", filters=Filters(languages=frozenset({"go"})))
        assert names(snapshot, "read", filters=Filters(kinds=frozenset({Kind.METHOD}))) == {"Reader.read"}
        assert "readGo" not in names(snapshot, "read", filters=Filters(path=lambda path: path.startswith("src/")))
        assert names(snapshot, "read", filters=Filters(path=lambda path: False)) == set()
        both = Filters(kinds=frozenset({Kind.FUNCTION}), path=lambda path: path.startswith("src/"))
        assert names(snapshot, "read", filters=both) == {"read_all"}


def test_both_scores_are_given_for_every_candidate(bench: Any) -> None:
    bench.fill(30)
    bench.index()
    encoder = HashingEncoder(16)
    query = encoder.encode_queries(["action 7 1"])[0]
    with bench.snapshot() as snapshot:
        found = find_in(snapshot, question_terms("action 7 1"), query, 5, Filters())
        for candidate in found:
            (chunk,) = snapshot.chunks([candidate.id]).values()
            text = f"{chunk.qualified_name}\n{chunk.text}"
            assert candidate.dense == pytest.approx(float(encoder.encode_documents([text])[0] @ query), abs=2e-3)
        assert any(candidate.lexical > 0 for candidate in found)


def test_what_quotes_the_question_is_a_candidate_however_common_its_words_are(bench: Any) -> None:
    shuffled = ["file open cannot", "open cannot file", "cannot file open", "open file"]
    for i in range(200):
        bench.write(f"noise_{i}.py", f"def open_{i}(file):\n    return '{shuffled[i % 4]} {shuffled[i % 3]}', {i}\n")
    body = "    value = compute(value)\n" * 20 + "    raise E('cannot open_file here')\n"
    bench.write("quoted.py", f"def long_one():\n{body}")
    bench.index()
    pairs = {("cannot", "open"): 0.5, ("open", "file"): 0.25, ("file", "here"): 0.25}
    with bench.snapshot() as snapshot:
        terms = question_terms("cannot open file")
        assert "long_one" not in {c.name for c in find_in(snapshot, terms, None, 5, Filters())}
        found = {c.name: c.quoted for c in find_in(snapshot, terms, None, 5, Filters(), pairs=pairs)}
        filtered = find_in(snapshot, terms, None, 5, Filters(path=lambda path: path != "quoted.py"), pairs=pairs)
    assert found.pop("long_one") == pytest.approx(1.0)
    assert max(found.values()) < 1.0
    assert "long_one" not in {c.name for c in filtered}


def test_every_candidate_is_told_how_much_it_quotes_whichever_search_named_it(bench: Any) -> None:
    for i in range(2 * QUOTING):
        bench.write(f"file_{i}.py", f"def check_{i}():\n    raise E('cannot open file', {i})\n")
    bench.index()
    with bench.snapshot() as snapshot:
        found = find_in(snapshot, question_terms("cannot open"), None, 100, Filters(), pairs={("cannot", "open"): 1.0})
    assert [candidate.quoted for candidate in found] == [1.0] * 2 * QUOTING


def test_a_text_in_several_files_is_found_in_each(bench: Any) -> None:
    for i in range(3):
        bench.write(f"copy_{i}/a.py", "def shared_helper():\n    return 7\n")
    encoder = bench.encoder()
    bench.index(encoder=encoder)
    assert len(encoder.texts) == 1
    with bench.snapshot() as snapshot:
        query = np.asarray(encoder.encode_queries(["shared helper"])[0])
        found = find_in(snapshot, [], query, 10, Filters())
        assert sorted(candidate.path for candidate in found) == [f"copy_{i}/a.py" for i in range(3)]
        assert snapshot.dense is not None
        assert snapshot.dense.count == 1
