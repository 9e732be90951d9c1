from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from codesearch.encoders import Encoder, LazyEncoder, load_encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.errors import InputError, PlaceNotFound
from codesearch.index.snapshot import Snapshot
from codesearch.index.storage import Manifest, lexical_directory, open_writer
from codesearch.records import Kind, Level
from codesearch.search.candidates import Filters, find_in
from codesearch.search.location import Snippet, read_place
from codesearch.search.notices import Answer, NoticeKind
from codesearch.search.pipeline import search
from codesearch.search.similar import Place, similar
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan


class OtherEncoder(HashingEncoder):
    @property
    def model_id(self) -> str:
        return "other"


Open = Callable[..., Snapshot]
WriteTree = Callable[[Path, Mapping[str, str]], Path]


@pytest.fixture
def opened(environment: Path) -> Iterator[Open]:
    """Index a folder and open a snapshot of it; options are those of `bring_up_to_date`."""
    with ExitStack() as stack:

        def run(root: Path, encoder: Encoder | None = HashingEncoder(), **options: object) -> Snapshot:  # noqa: B008
            job = plan(open_repository(root, cache=environment), load_settings())
            for _ in bring_up_to_date(job, None if encoder is None else lambda: encoder, **options):  # type: ignore[arg-type]
                pass
            return stack.enter_context(Snapshot(job.directory))

        yield run


def kinds_of(answer: Answer) -> list[NoticeKind]:
    return [notice.kind for notice in answer.notices]


def found(answer: Answer) -> list[str]:
    return [match.chunk.qualified_name or match.chunk.path for match in answer.matches]


# --- one repository -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [None, HashingEncoder()])
@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("parse a configuration file", "parse_config"),
        ("ConfigError", "ConfigError"),
        ("ConfigError.describe", "ConfigError.describe"),
        ("wait longer after each failed attempt", "Backoff"),
        ("add a task to the queue", "src/queue.ts"),
        ("table of customers", "schema.sql"),
    ],
)
def test_the_answer_is_first(sample: Path, opened: Open, question: str, expected: str, encoder: Encoder | None) -> None:
    answer = search([opened(sample)], question, encoder)
    assert expected in (found(answer)[0], answer.matches[0].chunk.path)
    assert answer.notices == ()


def test_a_match_says_where_it_is_and_which_lines_matter(sample: Path, opened: Open) -> None:
    match = search([opened(sample)], "json loads", None).matches[0]
    assert (match.repository, match.root, match.chunk.path) == ("sample", sample, "src/config.py")
    lines = (sample / match.chunk.path).read_text().split("\n")
    assert any("json.loads" in lines[number - 1] for number in match.lines)
    assert sum(match.signals.values()) == pytest.approx(match.score)


def test_the_lines_that_matter_are_those_of_the_file_where_a_type_leaves_lines_out(sample: Path, opened: Open) -> None:
    matches = search([opened(sample)], "configuration cannot be used describe", None).matches
    (match,) = (match for match in matches if match.chunk.qualified_name == "ConfigError")
    lines = (sample / match.chunk.path).read_text().split("\n")
    assert "cannot be used" in lines[match.lines[0] - 1] or "describe" in lines[match.lines[0] - 1]


def test_no_more_matches_than_asked_for_and_the_same_first(sample: Path, opened: Open) -> None:
    snapshot = opened(sample)
    many = found(search([snapshot], "config", HashingEncoder(), limit=5))
    assert found(search([snapshot], "config", HashingEncoder(), limit=2)) == many[:2]


@pytest.mark.parametrize("encoder", [None, HashingEncoder()])
def test_the_first_results_are_the_same_however_many_are_asked_for(
    tmp_path: Path, opened: Open, write_tree: WriteTree, encoder: Encoder | None
) -> None:
    files = {f"p{n}.py": f"def delete_ping_{n}(row):\n    return row - {n}\n" for n in range(260)}
    snapshot = opened(write_tree(tmp_path / "pings", files))

    def matches(limit: int) -> list[tuple[str, float]]:
        return [(m.chunk.path, m.score) for m in search([snapshot], "delete the ping", encoder, limit=limit).matches]

    every = matches(1000)
    assert len(set(every)) == len(every) == 260
    assert [score for _, score in every] == sorted((score for _, score in every), reverse=True)
    for limit in (1, 10, 51, 60, 101, 110, 200, 230):
        assert matches(limit) == every[:limit]


def test_a_name_is_found_even_where_neither_search_names_it(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    """Its words are in 150 shorter chunks, each of which scores higher by them."""
    many = "\n\n".join(f"def open_file_{n}(open_file):\n    return open_file(open_file, {n})\n" for n in range(150))
    body = "    value = compute(value, other)\n" * 60
    tree = {"a.py": many, "b.py": f"class Store:\n    def open_file(self, value):\n{body}        return value\n"}
    snapshot = opened(write_tree(tmp_path / "files", tree))
    for question in ("open_file", "openFile", "why does open_file fail on a full disk"):
        named = search([snapshot], question, None, limit=200).matches
        assert any(match.name == "Store.open_file" and "depth" not in match.signals for match in named), question
    assert search([snapshot], "open_file", None).matches[0].name == "Store.open_file"
    nowhere = Filters(path=lambda path: path == "a.py")
    assert all(m.path == "a.py" for m in search([snapshot], "open_file", None, filters=[nowhere], limit=200).matches)


def test_a_phrase_ends_where_a_line_does(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    tree = {
        "a.py": "def one(x):\n    # cannot open\n    config = parse(x)\n    file = config.path\n    return file\n",
        "b.py": "def two(x):\n    raise E('cannot open config file')\n",
    }
    snapshot = opened(write_tree(tmp_path / "lines", tree))
    by_name = {m.name: m.signals for m in search([snapshot], "cannot open config file", None).matches}
    assert by_name["two"]["phrase"] > 0
    assert "phrase" not in by_name["one"]


def test_folders_of_tests_tell_nothing_where_all_is_in_them(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    tree = {f"tests/part{n}.py": f"def run_{n}(case):\n    return case.run({n})\n" for n in range(9)}
    framework = opened(write_tree(tmp_path / "framework", tree))
    product = opened(write_tree(tmp_path / "product", tree | {f"src/{n}.py": f"def f{n}(): ...\n" for n in range(9)}))
    assert all("test" not in match.signals for match in search([framework], "run the case", None).matches)
    assert all("test" in match.signals for match in search([product], "run the case", None).matches)


# --- several repositories -----------------------------------------------------------------------------------


def test_a_passing_mention_elsewhere_does_not_win_over_the_repository_that_is_about_it(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    """A term is rare or frequent in all that is searched, not in each repository by itself."""
    about = "\n\n".join(f"def handle_{n}(socket):\n    socket.step({n})\n" for n in range(40))
    about += "\n\ndef start(socket, address):\n    socket.bind(socket, address)\n    return socket\n"
    other = "\n\n".join(f"def count_{n}(basket):\n    return basket.apples({n})\n" for n in range(40))
    # As long as the other, since each index weighs by the mean length of its own chunks.
    other += "\n\ndef pick(basket, weight):\n    basket.weigh(basket, weight)\n    return basket.socket\n"
    net = opened(write_tree(tmp_path / "net", {"wire.py": about}))
    fruit = opened(write_tree(tmp_path / "fruit", {"shop.py": other}))
    (mention,) = find_in(fruit, ["socket"], None, 1, Filters())
    (best,) = find_in(net, ["socket"], None, 1, Filters())
    assert mention.lexical > best.lexical, "by itself, BM25 takes the term for rarer where it is mentioned once"
    assert found(search([fruit, net], "socket"))[0] == "start"
    together = opened(write_tree(tmp_path / "both", {"net/wire.py": about, "fruit/shop.py": other}))
    assert found(search([fruit, net], "socket"))[:3] == found(search([together], "socket"))[:3]


def test_several_repositories_are_searched_as_one(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    first = opened(write_tree(tmp_path / "first", {"a.py": "def send_mail(to):\n    return smtp(to)\n"}))
    second = opened(write_tree(tmp_path / "second", {"a.py": "def read_mail(box):\n    return imap(box)\n"}))
    answer = search([first, second], "read mail from a box", HashingEncoder())
    assert [(m.repository, m.chunk.name) for m in answer.matches[:2]] == [
        ("second", "read_mail"),
        ("first", "send_mail"),
    ]
    assert search([second, first], "send mail", None).matches[0].repository == "first"


def test_what_was_pasted_is_found_in_whichever_repository_it_is(
    tmp_path: Path, opened: Open, write_tree: WriteTree
) -> None:
    """Its words are so common that neither search would name it."""
    shuffled = "\n\n".join(f"def open_{n}(file):\n    return 'file open cannot {n}'\n" for n in range(150))
    body = "    value = compute(value)\n" * 20
    quoted = f"def last(value):\n{body}    raise E('cannot open file')\n"
    first = opened(write_tree(tmp_path / "first", {"a.py": shuffled}))
    second = opened(write_tree(tmp_path / "second", {"a.py": shuffled, "b.py": quoted}))
    assert found(search([first, second], "cannot open file now", None))[0] == "last"
    assert found(search([first], "cannot open file now", None))[0] != "last"


def test_filters_are_those_of_their_repository(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    tree = {"a.py": "def send(): ...\n", "b.py": "def send(): ...\n"}
    snapshots = [opened(write_tree(tmp_path / name, tree)) for name in ("first", "second")]
    only = [Filters(path=lambda path: path == "a.py"), Filters(path=lambda path: path == "b.py")]
    answer = search(snapshots, "send", None, filters=only)
    assert sorted((m.repository, m.chunk.path) for m in answer.matches) == [("first", "a.py"), ("second", "b.py")]


# --- filters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [None, HashingEncoder()])
def test_filters(sample: Path, opened: Open, encoder: Encoder | None) -> None:
    snapshot = opened(sample)

    def chunks(filters: Filters) -> set[tuple[str, Kind]]:
        matches = search([snapshot], "config task backoff customers", encoder, filters=[filters], limit=50).matches
        return {(match.chunk.language, match.chunk.kind) for match in matches}

    assert {language for language, _ in chunks(Filters(languages=frozenset({"go", "sql"})))} == {"go", "sql"}
    assert {kind for _, kind in chunks(Filters(kinds=frozenset({Kind.METHOD})))} == {Kind.METHOD}
    assert {language for language, _ in chunks(Filters(path=lambda path: path.endswith(".ts")))} == {"typescript"}
    both = Filters(languages=frozenset({"python"}), kinds=frozenset({Kind.TYPE}))
    assert chunks(both) == {("python", Kind.TYPE)}


# --- questions of all sorts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [None, HashingEncoder()])
@pytest.mark.parametrize(
    "question",
    [
        "the what is it",
        "?!.,;:",
        "x",
        "{",
        "🎉",
        "parse " * 10_000,
        " ".join(f"word{i}" for i in range(10_000)),
        "разобрать файл конфигурации",
        "解析配置文件",
        "تحليل الملف",
        "a" * 100_000,
        "\x00\x1b[2J",
        "\udcff",
        '"quoted" AND (field:x OR NOT -y) ^2 ~ *',
    ],
    ids=lambda value: repr(value)[:20],
)
def test_any_question_has_an_answer_or_a_reason(
    sample: Path, opened: Open, question: str, encoder: Encoder | None
) -> None:
    answer = search([opened(sample)], question, encoder)
    assert answer.matches or answer.notices


def test_a_question_in_another_script_finds_comments_in_it(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    root = write_tree(
        tmp_path / "r",
        {"a.py": "def f(x):\n    # 解析配置文件的函数\n    return x\n", "b.py": "def g(x):\n    return x\n"},
    )
    assert found(search([opened(root)], "配置文件", None)) == ["f"]


@pytest.mark.parametrize("question", ["", "   ", "\n\t"])
def test_an_empty_question_is_refused(sample: Path, opened: Open, question: str) -> None:
    with pytest.raises(InputError, match="the question is empty: ask in plain words"):
        search([opened(sample)], question)


def test_a_limit_below_one_is_refused(sample: Path, opened: Open) -> None:
    with pytest.raises(InputError, match="1 or more, not 0"):
        search([opened(sample)], "x", limit=0)


# --- notices: one test for each kind ------------------------------------------------------------------------


def _half_encoded(sample: Path, opened: Open) -> Answer:
    class Slow(HashingEncoder):
        def encode_document_batches(self, texts: Sequence[str]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            yield np.array([0]), self.encode_documents(texts[:1])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(sample, Slow())
    return search([opened(sample, None)], "parse", HashingEncoder())


def _no_lexical(sample: Path, opened: Open) -> Answer:
    directory = opened(sample).directory
    for file in lexical_directory(directory).iterdir():
        file.unlink()
    with Snapshot(directory) as snapshot:
        return search([snapshot], "parse", HashingEncoder())


def _nothing_indexed(sample: Path, opened: Open) -> Answer:
    directory = sample.parent / "index"
    with open_writer(directory, Manifest(root=str(sample), name="sample")):
        pass  # as it is until the first files are committed
    with Snapshot(directory) as snapshot:
        return search([snapshot], "zebra", None)


def _much_left_out(sample: Path, opened: Open) -> Answer:
    for number in range(10):
        (sample / f"table{number}.csv").write_text("a,b\n1,2\n")
    return search([opened(sample)], "parse", HashingEncoder())


NOTICES: dict[NoticeKind, Callable[[Path, Open], Answer]] = {
    NoticeKind.EMBEDDINGS_PENDING: _half_encoded,
    NoticeKind.LEXICAL_MISSING: _no_lexical,
    NoticeKind.OTHER_MODEL: lambda sample, opened: search([opened(sample)], "parse", OtherEncoder()),
    NoticeKind.NOT_ENCODED: lambda sample, opened: similar(
        [opened(sample, None)], Place(sample, "src/config.py", name="parse_config")
    ),
    NoticeKind.NOTHING_INDEXED: _nothing_indexed,
    NoticeKind.FILTERED_OUT: lambda sample, opened: search(
        [opened(sample)], "parse", None, filters=[Filters(languages=frozenset({"rust"}))]
    ),
    NoticeKind.NO_WORDS: lambda sample, opened: search([opened(sample)], "?!", None),
    NoticeKind.TEXT_LEFT_OUT: _much_left_out,
    NoticeKind.NOTHING_FOUND: lambda sample, opened: search([opened(sample)], "zebra", None),
    NoticeKind.NOT_ALL_READ: lambda sample, opened: search(
        [opened(sample)], "parse config\n\n" + "zebra " * 10_000, None
    ),
    NoticeKind.NOTHING_FITS: lambda sample, opened: search(
        [opened(sample)], "purple giraffe velvet music config", None
    ),
}


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_is_given_and_says_something(sample: Path, opened: Open, kind: NoticeKind) -> None:
    answer = NOTICES[kind](sample, opened)
    assert kinds_of(answer) == [kind]
    assert len(answer.notices[0].text.split()) > 5
    if kind in (NoticeKind.EMBEDDINGS_PENDING, NoticeKind.LEXICAL_MISSING, NoticeKind.OTHER_MODEL):
        assert answer.matches


def test_nonsense_is_answered_by_guesses_and_a_word_about_them(sample: Path, opened: Open) -> None:
    answer = search([opened(sample)], "purple giraffe velvet music config", None)
    assert {match.confidence.level for match in answer if match.confidence} == {Level.GUESS}
    assert answer.notices[0].text == "nothing fits well: these are guesses; try other words, or a name"


def test_matches_that_are_believed_less_than_asked_for_are_left_out(sample: Path, opened: Open) -> None:
    snapshot = opened(sample)
    every = search([snapshot], "parse_config", None)
    sure = search([snapshot], "parse_config", None, min_confidence=Level.SURE)
    assert every[0].confidence is not None
    assert every[0].confidence.level is Level.SURE
    assert [match.chunk for match in sure] == [match.chunk for match in every[: len(sure)]]
    assert 0 < len(sure) < len(every)


def test_where_no_match_is_believed_enough_the_best_is_named(sample: Path, opened: Open) -> None:
    answer = search([opened(sample)], "purple giraffe velvet music config", None, min_confidence=Level.LIKELY)
    assert not answer.matches
    (notice,) = answer.notices
    assert notice.kind is NoticeKind.NOTHING_FITS
    assert "no result is likely; the best is " in notice.text
    assert "leave out --min-confidence" in notice.text


def test_what_is_believed_does_not_depend_on_how_many_are_asked_for(sample: Path, opened: Open) -> None:
    snapshot = opened(sample)
    several = search([snapshot], "parse", HashingEncoder(), limit=500)
    assert list(search([snapshot], "parse", HashingEncoder(), limit=2)) == list(several[:2])


def test_vectors_of_another_model_are_not_compared(sample: Path, opened: Open) -> None:
    answer = search([opened(sample)], "parse", OtherEncoder())
    assert all("meaning" not in match.signals for match in answer.matches)


TIED_LINES = """
from codesearch.records import Chunk, Kind, Span
from codesearch.search.pipeline import _telling_lines

lines = ["alpha bravo camel delta", "echo fox golf hotel", "india juliet kilo lima", "mike november oscar papa"]
weight = {term: 1 / count for line in lines for term, count in zip(line.split(), (3, 7, 11, 13))}
span = Span(1, 4)
chunk = Chunk("a.txt", "text", Kind.TEXT, "", "", "", "", span, (span,), "\\n".join(lines), "\\n".join(lines))
print(*_telling_lines(chunk, weight))
"""


def test_lines_that_tell_equally_much_are_the_same_in_every_run() -> None:
    for seed in range(6):
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        command = [sys.executable, "-c", TIED_LINES]
        found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        numbers = [int(number) for number in found.split()]
        assert numbers == list(range(1, len(numbers) + 1)), seed


@pytest.mark.parametrize("mark", ["\udce9", "\udfff\ud800"])
def test_what_is_no_text_in_a_question_or_a_snippet_is_passed_over(sample: Path, opened: Open, mark: str) -> None:
    encoder = load_encoder("minilm-v7", "cpu")  # whose tokeniser takes text only
    snapshot = opened(sample, encoder=encoder)
    for asked in (None, encoder):
        assert found(search([snapshot], f"parse_config {mark}", asked))[0] == "parse_config"
    snippet = Snippet(f"def parse_config(text{mark}): return json.loads(text)", "python")
    assert "parse_config" in found(similar([snapshot], snippet, LazyEncoder(lambda: encoder)))
    with pytest.raises(PlaceNotFound):
        read_place(f"src/{mark}.py:1", [snapshot])


# --- path:line ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "src/config.py:11",
        "src/config.py:11:5",
        "src/config.py:11:",
        "./src/config.py:11",
        "ROOT/src/config.py:11",
        "config.py:11",
        "/home/ci/build/src/config.py:11:5",
        'File "src/config.py", line 11, in parse_config',
        'Traceback (most recent call last):\n  File "/ci/src/config.py", line 11, in f\nValueError: no JSON',
        "src/config.py(11,5): error",
        "  --> src/config.py:11:9",
        "    at parse (src/config.py:11:9)",
        "src\\config.py:11",
        "src/config.py#L11",
        "PHP Fatal error in src/config.py on line 11",
    ],
)
@pytest.mark.parametrize("encoder", [None, HashingEncoder()])
def test_a_line_that_was_printed_finds_its_function(
    sample: Path, opened: Open, question: str, encoder: Encoder | None
) -> None:
    best = search([opened(sample)], question.replace("ROOT", str(sample)), encoder).matches[0]
    assert best.name == "parse_config"
    assert best.signals["place"] > 1
    assert sum(best.signals.values()) == pytest.approx(best.score)


def test_a_line_of_one_of_several_repositories(tmp_path: Path, opened: Open, write_tree: WriteTree) -> None:
    text = "".join(f"def function_{n}(): return {n}\n\n\n" for n in range(40))
    snapshots = [opened(write_tree(tmp_path / name, {f"{name}.py": text, "same.py": text})) for name in ("a", "b")]
    for limit in (1, 5, 80):
        assert found(search(snapshots, "b.py:61", limit=limit))[0] == "function_20"
    only = [Filters(), Filters(path=lambda path: path == "same.py")]
    assert "b.py" not in [match.path for match in search(snapshots, "b.py:61", filters=only)]
    whole = [match.signals for match in search(snapshots, "version 1:2 of the same.py", limit=5)]
    assert not [signals for signals in whole if "place" in signals]


def test_a_line_that_no_file_has_is_a_question_like_others(sample: Path, opened: Open) -> None:
    for question in ("nosuch.py:3", "parse config at 10:30", "http://localhost:8080"):
        answer = search([opened(sample)], question)
        assert not [match for match in answer if "place" in match.signals], question


# --- what was left out --------------------------------------------------------------------------------------


def test_an_answer_says_that_much_text_was_left_out(opened: Open, write_tree: WriteTree, tmp_path: Path) -> None:
    sources = {f"own{n}.py": f"def own{n}():\n    return {n}\n" for n in range(9)}
    snapshot = opened(write_tree(tmp_path / "most", sources | {"a_pb2.py": "x = 1\n"}))
    assert NoticeKind.TEXT_LEFT_OUT not in kinds_of(search([snapshot], "own3", HashingEncoder()))
    snapshot = opened(write_tree(tmp_path / "shop", sources | {"a_pb2.py": "x = 1\n", "t.csv": "a,b\n1,2\n"}))
    (notice,) = search([snapshot], "own3", HashingEncoder()).notices
    assert notice.text == (
        "shop: 18% of its files of text are not searched (1 data, 1 generated); "
        "`codesearch status --skipped` names them"
    )
