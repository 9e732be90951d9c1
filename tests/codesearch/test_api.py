"""The front door for Python programs: what it finds, what it says of bad input, threads, processes, and types."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import codesearch
from codesearch.encoders.model_directory import find_model
from codesearch.present.render import Style, match_text

QUESTION = "parse a configuration file"


@pytest.fixture
def sample(sample: Path) -> Path:
    """The sample, written an hour ago: an update trusts no time that is as young as itself."""
    for path in sample.rglob("*.*"):
        age(path)
    return sample


def age(path: Path) -> None:
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))


@pytest.fixture
def index(sample: Path) -> Iterator[codesearch.Index]:
    """The sample, opened."""
    with codesearch.open(sample) as index:
        yield index


def names(answer: codesearch.Answer) -> list[str]:
    return [match.name for match in answer]


# --- the package ---------------------------------------------------------------------------------------------


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert sorted(codesearch.__all__) == codesearch.__all__
    assert set(codesearch.__all__) <= set(dir(codesearch))
    for name in codesearch.__all__:
        assert getattr(codesearch, name) is not None
    lazy = {name for names in codesearch._NAMES_OF.values() for name in names}
    assert lazy | {"__version__"} == set(codesearch.__all__)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'codesearch' has no attribute 'opne'"):
        codesearch.opne  # type: ignore[attr-defined] # noqa: B018


@pytest.mark.parametrize("name", [name for name in codesearch.__all__ if name != "__version__"])
def test_every_public_name_is_documented(name: str) -> None:
    value = getattr(codesearch, name)
    assert inspect.getdoc(value)
    if not inspect.isclass(value):
        assert {"Args:", "Raises:"} <= set(inspect.getdoc(value).split())  # type: ignore[union-attr]
    for member, function in vars(value).items() if inspect.isclass(value) else ():
        if not member.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
            assert inspect.getdoc(function), f"{name}.{member}"


def test_importing_the_package_loads_next_to_nothing() -> None:
    check = "import sys, codesearch; print([n for n in sys.modules if n.startswith(('codesearch.', 'numpy'))])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


PROGRAM = """\
import codesearch
from codesearch import Kind, Match, NoticeKind, open

def first(question: str) -> Match | None:
    with open("repo", words_only=True) as index:
        answer = index.search(question, language=["python"], kind=Kind.FUNCTION, path="src/**")
        for notice in answer.notices:
            assert notice.kind is not NoticeKind.NOTHING_INDEXED, notice.text
        reveal_type(answer[0].path)
        reveal_type(answer[0].line)
        reveal_type(answer[:2])
        reveal_type(index.update(progress=lambda repository, step: print(repository.name, step.done)))
        reveal_type(index.status()[0].pending)
        return answer[0] if answer else None

def vectors() -> None:
    reveal_type(codesearch.load_encoder().encode_queries(["parse json"]))
"""


WRONG = """\
import codesearch
codesearch.opne("repo")
codesearch.open("repo").search(5)
"""


@pytest.mark.slow
def test_a_program_is_type_checked_through_the_lazy_names(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(WRONG)
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "program.py"), str(tmp_path / "wrong.py")]
    done = subprocess.run(command, cwd=Path(codesearch.__file__).parent.parent, capture_output=True, text=True)
    said = done.stdout.splitlines()
    revealed = [line.partition("Revealed type is ")[2].strip('"') for line in said if "Revealed" in line]
    assert revealed[:5] == [
        "str",
        "int",
        "tuple[codesearch.records.Match, ...]",
        "tuple[codesearch.index.progress.UpdateReport, ...]",
        "int",
    ], done
    assert revealed[5].startswith("numpy.ndarray"), done
    errors = [line.rpartition("wrong.py:")[2] for line in said if ": error: " in line]
    assert len(errors) == 2, done
    assert errors[0].startswith('2: error: Module has no attribute "opne"'), done
    assert errors[1].startswith('3: error: Argument 1 to "search" of "Index" has incompatible type "int"'), done


# --- asking --------------------------------------------------------------------------------------------------


def test_a_question_is_answered_best_first(index: codesearch.Index, sample: Path) -> None:
    answer = index.search(QUESTION, limit=3)
    assert len(answer) == 3
    assert answer[0] is next(iter(answer)) is answer[:1][0]
    assert answer.notices == ()
    match = answer[0]
    assert isinstance(match, codesearch.Match)
    assert (match.path, match.line, match.name) == ("src/config.py", 6, "parse_config")
    assert (match.kind, match.language, match.root) == (codesearch.Kind.FUNCTION, "python", sample)
    assert match.text.startswith("def parse_config")
    assert [m.score for m in answer] == sorted((m.score for m in answer), reverse=True)


def test_the_line_of_a_match_is_the_one_that_is_printed(index: codesearch.Index, sample: Path) -> None:
    matches = [
        m for question in ("enqueue a task", "invoice total", QUESTION, "sample") for m in index.search(question)
    ]
    assert {match.kind for match in matches} >= {codesearch.Kind.METHOD, codesearch.Kind.TEXT, codesearch.Kind.TYPE}
    for match in matches:
        assert match_text(match, Style(cwd=sample)).startswith(f"{match.path}:{match.line}")
    assert next(match.line for match in matches if match.name == "TaskQueue.enqueue") == 5


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"language": "go"}, {"src/net/retry.go"}),
        ({"language": [".go", "TypeScript"]}, {"src/net/retry.go", "src/queue.ts"}),
        ({"kind": "method"}, {"src/config.py", "src/queue.ts"}),
        ({"kind": [codesearch.Kind.METHOD, "text"], "path": "*.py"}, {"src/config.py"}),
        ({"path": ("tests/", "*.sql")}, {"tests/test_config.py", "schema.sql"}),
    ],
)
def test_filters(index: codesearch.Index, filters: dict[str, Any], expected: set[str]) -> None:
    question = "parse configuration, wait after a failed attempt, add a task to the queue, customers, describe the file"
    assert {match.path for match in index.search(question, limit=50, **filters)} == expected


def test_an_empty_answer_says_why(index: codesearch.Index) -> None:
    answer = index.search("backoff", language="rust")
    assert not answer
    assert len(answer) == 0
    assert [notice.kind for notice in answer.notices] == [codesearch.NoticeKind.FILTERED_OUT]
    assert "under these filters" in answer.notices[0].text


def test_similar_code(index: codesearch.Index, sample: Path) -> None:
    by_line = index.similar("src/config.py:7", limit=4)
    assert "parse_config" not in names(by_line)
    assert all(0 <= match.score <= 1 for match in by_line)
    by_name = index.similar("src/config.py:parse_config", limit=4)
    by_path = index.similar(f"{sample}/src/config.py:6:1", limit=4)
    by_match = index.similar(index.search(QUESTION)[0], limit=4)
    assert names(by_line) == names(by_name) == names(by_path) == names(by_match)
    assert len(by_line) > 1
    pasted = index.similar(snippet="def read(text):\n    return json.loads(text)\n", snippet_language="py", limit=1)
    assert names(pasted) == ["parse_config"]
    assert {match.language for match in index.similar("src/config.py:7", language="go")} == {"go"}


def test_several_repositories_are_searched_as_one(tmp_path: Path, sample: Path, write_tree: Any) -> None:
    other = write_tree(tmp_path / "other", {"src/config.py": "def parse_arguments(line):\n    return line.split()\n"})
    with codesearch.open(sample, other) as index:
        assert [repository.name for repository in index.repositories] == ["sample", "other"]
        assert {match.repository for match in index.search("parse", limit=20)} == {"sample", "other"}
        assert [status.repository.name for status in index.status()] == ["sample", "other"]
        with pytest.raises(codesearch.PlaceNotFound, match=r"is in several repositories: give the whole path"):
            index.similar("src/config.py:1")
        assert index.similar(f"{other}/src/config.py:1", limit=1)[0].repository == "sample"
        with pytest.raises(codesearch.PlaceNotFound, match=r"src/none.py is in none of these indexes"):
            index.similar("src/none.py:1")


def test_a_folder_or_a_file_narrows_the_search(git_sample: Path) -> None:
    with codesearch.open(git_sample / "src" / "net") as index:
        assert {match.path for match in index.search("parse the failed attempt")} == {"src/net/retry.go"}
        assert index.repositories[0].root == git_sample
    with codesearch.open(str(git_sample / "src" / "queue.ts"), update=False) as index:
        assert {match.path for match in index.search("parse the failed attempt, add a task")} == {"src/queue.ts"}


def test_a_url_is_cloned(git_sample: Path, environment: Path) -> None:
    with codesearch.open(git_sample.as_uri()) as index:
        assert names(index.search(QUESTION, limit=1)) == ["parse_config"]
        assert index.repositories[0].root.is_relative_to(environment)


def test_an_imported_index_is_searched_as_it_is(tmp_path: Path, sample: Path, invoke: Any) -> None:
    invoke("index", sample)
    assert invoke("export", tmp_path / "sample.zip", sample).exit_code == 0
    assert invoke("import", tmp_path / "sample.zip", "--index-dir", tmp_path / "indexes").exit_code == 0
    with codesearch.open("imported:sample", index_dir=tmp_path / "indexes") as index:
        match = index.search(QUESTION, limit=1)[0]
        assert match.imported
        assert names(index.similar(match, limit=3)) == names(index.similar("sample:src/config.py:6", limit=3)) != []
        assert index.update()[0].chunks > 0
        assert index.status()[0].is_current


def test_words_only_loads_no_model(sample: Path) -> None:
    with codesearch.open(sample, words_only=True, model="/no/such/model") as index:
        assert names(index.search(QUESTION, limit=1)) == ["parse_config"]
        assert index.status()[0].vectors == 0
        assert [notice.kind for notice in index.similar("src/config.py:6").notices] == [
            codesearch.NoticeKind.NOT_ENCODED
        ]
        with pytest.raises(codesearch.InputError, match="a snippet has to be encoded"):
            index.similar(snippet="def f(): pass")


def test_another_folder_for_indexes(sample: Path, tmp_path: Path, environment: Path) -> None:
    with codesearch.open(sample, index_dir=tmp_path / "indexes") as index:
        assert index.status()[0].directory.parent == tmp_path / "indexes"
    assert not (environment / "indexes").exists()


# --- keeping fresh -------------------------------------------------------------------------------------------


def test_an_update_is_seen_by_the_next_search_and_nothing_before(index: codesearch.Index, sample: Path) -> None:
    (sample / "src" / "zip.py").write_text("def inflate_archive(path):\n    return path\n")
    age(sample / "src" / "zip.py")
    assert "inflate_archive" not in names(index.search("inflate archive"))
    (status,) = index.status()
    assert (status.changed_files, status.is_current) == (1, False)
    (report,) = index.update()
    assert (report.changed_files, report.removed_files, report.encoded, report.notice) == (1, 0, 1, "")
    assert names(index.search("inflate archive", limit=1)) == ["inflate_archive"]
    (status,) = index.status()
    assert (status.files, status.pending, status.is_current) == (7, 0, True)
    assert status.languages["python"] == 3
    (again,) = index.update()
    assert (again.files, again.chunks, again.changed_files) == (report.files, report.chunks, 0)
    assert index.update(rebuild=True)[0].changed_files == 7


def test_progress_is_told(sample: Path) -> None:
    told: list[tuple[str, codesearch.Progress]] = []
    with codesearch.open(sample, progress=lambda repository, step: told.append((repository.name, step))):
        pass
    assert {name for name, _ in told} == {"sample"}
    assert {step.phase for _, step in told} >= {codesearch.Phase.EXTRACTING, codesearch.Phase.ENCODING}
    assert all(0 <= step.done <= step.total for _, step in told)


def test_open_without_update_looks_at_no_file(sample: Path) -> None:
    codesearch.open(sample).close()
    (sample / "new.py").write_text("def inflate(): pass\n")
    with codesearch.open(sample, update=False) as index:
        assert "inflate" not in names(index.search("inflate"))


def test_another_model_is_taken_over_by_an_update(sample: Path) -> None:
    codesearch.open(sample).close()
    shipped = find_model(None)
    with codesearch.open(sample, update=False, model=shipped, device="cpu") as index:
        kinds = [notice.kind for notice in index.search(QUESTION).notices]
        assert kinds == [codesearch.NoticeKind.OTHER_MODEL]
        index.update()
        assert index.search(QUESTION).notices == ()
        assert index.status()[0].model_id == codesearch.load_encoder(shipped, "cpu").model_id


# --- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locations", "error", "said"),
    [
        ((), codesearch.InputError, "nothing to open: name a folder or a Git URL"),
        (("",), codesearch.InputError, "an empty path names no repository"),
        (("/no/such/folder",), codesearch.RepositoryNotFound, "There is no /no/such/folder"),
        ((5,), codesearch.InputError, "a location must be a path or a Git URL as text or Path, not int"),
        ((["a", "b"],), codesearch.InputError, r"not list; give several one by one, as open\(\*paths\)"),
        ((b"a",), codesearch.InputError, "not bytes"),
        (("https://user:secret@/",), codesearch.InputError, "."),
    ],
)
def test_what_cannot_be_opened(locations: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        codesearch.open(*locations)


def test_a_folder_without_code(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\0")
    with pytest.raises(codesearch.NothingToIndex, match="holds no file that can be searched"):
        codesearch.open(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"question": 5}, "the question must be text, not int"),
        ({"question": None}, "the question must be text, not NoneType"),
        ({"question": " "}, "the question is empty"),
        ({"limit": "5"}, "the limit must be a whole number, not str"),
        ({"limit": True}, "the limit must be a whole number, not bool"),
        ({"limit": 0}, "the number of results must be 1 or more, not 0"),
        ({"language": "klingon"}, "language klingon: unknown language"),
        ({"language": 5}, "language must be text or a list of texts, not int"),
        ({"language": ["go", 5]}, "language must be text or a list of texts, not list"),
        ({"kind": "klass"}, "kind 'klass' is unknown: known kinds are function, method"),
        ({"path": Path("src")}, "path must be text or a list of texts, not PosixPath"),
        ({"path": "a/***[z-a]"}, "."),
    ],
)
def test_wrong_arguments_of_a_search(index: codesearch.Index, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(codesearch.InputError, match=said):
        index.search(**{"question": QUESTION} | arguments)
    assert index.search(QUESTION)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({}, codesearch.InputError, "give either a place, such as src/net.py:120, or a snippet"),
        ({"place": "a:1", "snippet": "x"}, codesearch.InputError, "give either a place"),
        ({"place": 5}, codesearch.InputError, "the place must be text or a match, not int"),
        ({"place": "src/config.py"}, codesearch.InputError, "'src/config.py' is no place: name one as path:line"),
        ({"place": "src/config.py:"}, codesearch.InputError, "is no place"),
        ({"place": "src/config.py:999"}, codesearch.PlaceNotFound, "no code at src/config.py:999: the nearest is"),
        ({"place": "src/config.py:nothing"}, codesearch.PlaceNotFound, "has nothing named nothing; it has"),
        ({"place": "src/none.py:1"}, codesearch.PlaceNotFound, "src/none.py is not in the index of sample"),
        ({"place": "/etc/passwd:1"}, codesearch.PlaceNotFound, "/etc/passwd is not in the index of sample"),
        ({"snippet": b"x"}, codesearch.InputError, "the snippet must be text, not bytes"),
        ({"snippet": ""}, codesearch.InputError, "the snippet is empty"),
        ({"snippet": "x", "snippet_language": "klingon"}, codesearch.InputError, "snippet_language klingon: unknown"),
        ({"place": "src/config.py:7", "limit": 0}, codesearch.InputError, "must be 1 or more"),
    ],
)
def test_wrong_arguments_of_similar(
    index: codesearch.Index, arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        index.similar(**arguments)


def test_a_model_that_is_not_there(sample: Path) -> None:
    with pytest.raises(codesearch.ModelError, match=r"or open with words_only=True"):
        codesearch.open(sample, model="/no/such/model")
    with codesearch.open(sample, update=False, words_only=True) as index:
        assert index.search(QUESTION), "words were committed before the model was asked for"


def test_a_closed_index(sample: Path) -> None:
    index = codesearch.open(sample)
    index.close()
    index.close()
    uses: list[Callable[[], object]] = [
        lambda: index.search(QUESTION),
        lambda: index.similar("src/config.py:7"),
        index.status,
        index.update,
    ]
    for use in uses:
        with pytest.raises(codesearch.IndexClosed, match=r"open it again with codesearch.open\(\)"):
            use()
    assert repr(index) == "<codesearch.Index of sample, closed>"


# --- indexes that cannot be used -----------------------------------------------------------------------------


def database_of(sample: Path) -> Path:
    with codesearch.open(sample) as index:
        return index.status()[0].directory / "index.db"


def set_format(database: Path, number: int) -> None:
    connection = sqlite3.connect(database)
    with connection:
        (text,) = connection.execute("SELECT json FROM manifest").fetchone()
        connection.execute("UPDATE manifest SET json = ?", [json.dumps(json.loads(text) | {"format": number})])
    connection.close()


def test_no_index_yet(sample: Path) -> None:
    with pytest.raises(codesearch.IndexUnusable, match=r"there is no index yet: sample: open it without") as caught:
        codesearch.open(sample, update=False)
    assert caught.value.reason is codesearch.Unusable.MISSING


def test_an_index_of_an_older_version(sample: Path) -> None:
    set_format(database_of(sample), 0)
    with pytest.raises(codesearch.IndexUnusable, match="by an older version of codesearch: sample: open it without"):
        codesearch.open(sample, update=False)
    with codesearch.open(sample) as index:
        assert index.search(QUESTION)


def test_an_index_of_a_newer_version_is_left_alone(sample: Path) -> None:
    database = database_of(sample)
    set_format(database, 999)
    before = database.read_bytes()
    for update in (False, True):
        with pytest.raises(codesearch.IndexUnusable, match="by a newer version of codesearch: upgrade") as caught:
            codesearch.open(sample, update=update)
        assert caught.value.reason is codesearch.Unusable.NEWER_FORMAT
    assert database.read_bytes() == before


def test_a_damaged_index(sample: Path) -> None:
    database = database_of(sample)
    database.write_bytes(b"this is no database " * 1_000)
    with pytest.raises(codesearch.IndexUnusable, match="the index is damaged: sample: open it without update=False"):
        codesearch.open(sample, update=False)
    with codesearch.open(sample) as index:
        assert index.search(QUESTION)
        assert index.status()[0].is_current


def test_an_index_that_turns_out_to_be_damaged_is_built_anew_by_an_update(sample: Path) -> None:
    database = database_of(sample)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE chunks SET text = CAST(x'ff' AS TEXT)")
    connection.close()
    database.with_name("index.seal").unlink()  # as if a writer had been killed: nothing tells of it before it is read
    with codesearch.open(sample) as index:
        with pytest.raises(codesearch.IndexUnusable, match=r"the index is damaged: call update\(\)"):
            index.search(QUESTION)
        assert index.update()[0].changed_files == 6
        assert names(index.search(QUESTION, limit=1)) == ["parse_config"]


def test_an_index_that_was_deleted_meanwhile(index: codesearch.Index, sample: Path, invoke: Any) -> None:
    invoke("forget", sample)
    assert index.search(QUESTION), "what is open stays readable"
    with pytest.raises(codesearch.IndexUnusable, match="there is no index yet"):
        index.status()
    assert index.update()[0].changed_files == 6
    assert index.status()[0].is_current


# --- interruptions, threads and processes --------------------------------------------------------------------


SCRIPT = """
import codesearch
with codesearch.open("repository", words_only=True) as index:
    print([match.name for match in index.search("function number 7", limit=1)])
"""


def test_a_script_without_a_main_guard_is_run_once(tmp_path: Path, write_tree: Any) -> None:
    """So many files are read by worker processes, each of which would run the script anew."""
    files = {f"module_{n}.py": f"def function_number_{n}():\n    pass\n" for n in range(300)}
    write_tree(tmp_path / "repository", files)
    (tmp_path / "script.py").write_text(f"import os\nos.write(1, b'begun ')\n{SCRIPT}")
    for command in ([sys.executable, "script.py"], [sys.executable, "-m", "script"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.stdout == "begun ['function_number_7']\n", done.stderr
        for index in (Path(os.environ["CODESEARCH_CACHE"]) / "indexes").iterdir():
            shutil.rmtree(index)


class StopError(Exception):
    """What a callback of a test raises."""


def test_a_callback_that_raises_ends_the_update_and_loses_nothing(index: codesearch.Index, sample: Path) -> None:
    (sample / "zip.py").write_text("def inflate_archive(path):\n    return path\n")

    def stop(repository: codesearch.Repository, step: codesearch.Progress) -> None:
        if step.phase is codesearch.Phase.ENCODING:
            raise StopError

    with pytest.raises(StopError):
        index.update(progress=stop)
    answer = index.search("inflate archive", limit=1)
    assert names(answer) == ["inflate_archive"], "its words were committed"
    assert [notice.kind for notice in answer.notices] == [codesearch.NoticeKind.EMBEDDINGS_PENDING]
    assert index.update()[0].encoded == 1
    assert index.search("inflate archive", limit=1).notices == ()


def test_opening_that_is_stopped_can_be_taken_up(sample: Path) -> None:
    def stop(repository: codesearch.Repository, step: codesearch.Progress) -> None:
        if step.phase is codesearch.Phase.LEXICAL:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        codesearch.open(sample, progress=stop)
    with codesearch.open(sample) as index:
        assert index.status()[0].is_current


HOLD = """
import sys
from pathlib import Path
from codesearch.index.storage import Manifest, open_writer
with open_writer(Path(sys.argv[1]), Manifest(root="", name="", url=None)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_that_is_updating(index: codesearch.Index, sample: Path) -> None:
    (sample / "zip.py").write_text("def inflate_archive(path):\n    return path\n")
    directory = index.status()[0].directory
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(
            codesearch.IndexBusy, match=r"another process is indexing it, and writes to .*: wait for it"
        ):
            index.update(wait_seconds=0.1)
        with pytest.raises(codesearch.IndexBusy):
            codesearch.open(sample, wait_seconds=0.1)
        with codesearch.open(sample, update=False) as second:
            assert names(second.search(QUESTION)) == names(index.search(QUESTION))
        other.communicate()
    assert index.update()[0].changed_files == 1


class Gate:
    """A callback that holds up an update until it is told to go on."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self, repository: codesearch.Repository, step: codesearch.Progress) -> None:
        self.reached.set()
        assert self.open.wait(60)


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start work; returns its thread, and a list that will hold what it returned or raised."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_an_update_holds_up_no_search(index: codesearch.Index, sample: Path) -> None:
    (sample / "zip.py").write_text("def inflate_archive(path):\n    return path\n")
    gate = Gate()
    thread, _ = in_thread(lambda: index.update(progress=gate))
    assert gate.reached.wait(60)
    asked, answers = in_thread(lambda: (index.search(QUESTION), index.similar("src/config.py:7"), index.status()))
    asked.join(30)
    held_up = asked.is_alive()
    gate.open.set()
    thread.join()
    asked.join()
    assert not held_up
    assert not isinstance(answers[0], Exception), answers
    assert names(index.search("inflate archive", limit=1)) == ["inflate_archive"]


def test_closing_ends_an_update_at_its_next_step(index: codesearch.Index, sample: Path) -> None:
    (sample / "zip.py").write_text("def inflate_archive(path):\n    return path\n")
    gate = Gate()
    updating, results = in_thread(lambda: index.update(progress=gate))
    assert gate.reached.wait(60)
    closing, _ = in_thread(index.close)
    closing.join(0.2)
    assert closing.is_alive(), "it waits for the update"
    gate.open.set()
    closing.join(60)
    updating.join(60)
    assert isinstance(results[0], codesearch.IndexClosed)
    with codesearch.open(sample) as again:
        assert names(again.search("inflate archive", limit=1)) == ["inflate_archive"]


def test_a_callback_may_close_the_index(index: codesearch.Index, sample: Path) -> None:
    (sample / "zip.py").write_text("def inflate_archive(path):\n    return path\n")
    with pytest.raises(codesearch.IndexClosed):
        index.update(progress=lambda repository, step: index.close())


def test_many_threads_at_once(index: codesearch.Index, sample: Path) -> None:
    """Each answer is of one state: file number n is there only together with all before it."""
    done = threading.Event()

    def ask() -> int:
        most = 0
        while not done.is_set():
            found = {match.name for match in index.search("inflate archive", limit=50) if "inflate" in match.name}
            assert found == {f"inflate_archive_{number}" for number in range(len(found))}
            assert len(found) >= most, "a later search saw an earlier state"
            most = len(found)
            index.similar("src/config.py:7", limit=3)
            assert index.status()[0].files >= 6
        return most

    threads = [in_thread(ask) for _ in range(4)]
    for number in range(8):
        (sample / f"zip_{number}.py").write_text(f"def inflate_archive_{number}(path):\n    return path * {number}\n")
        index.update()
    assert len([name for name in names(index.search("inflate archive", limit=50)) if "inflate" in name]) == 8
    done.set()
    for thread, results in threads:
        thread.join(60)
        assert isinstance(results[0], int), results


def test_from_asynchronous_programs(index: codesearch.Index) -> None:
    async def ask() -> list[list[str]]:
        questions = [QUESTION, "add a task to the queue", "wait after a failed attempt"]
        answers = await asyncio.gather(*(asyncio.to_thread(index.search, q, limit=1) for q in questions))
        return [names(answer) for answer in answers]

    assert asyncio.run(ask()) == [["parse_config"], ["TaskQueue.enqueue"], ["Backoff"]]


def test_half_of_a_character_is_no_path(sample: Path, tmp_path: Path) -> None:
    for call in (
        lambda: codesearch.open("\ud800"),
        lambda: codesearch.open("https://example.org/\ud800"),
        lambda: codesearch.open(sample, index_dir="\ud800"),
        lambda: codesearch.open(sample, index_dir=tmp_path / "\udce9"),
    ):
        with pytest.raises(codesearch.CodesearchError, match=r"half of a character|UTF-8"):
            call()
