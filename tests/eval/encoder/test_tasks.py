"""Files -> tasks: which part of a record asks, which answers, and what is left out."""

from __future__ import annotations

import builtins
import gzip
import json
import sys
from types import ModuleType

import pytest

from codesearch.errors import InputError, MissingExtra
from codesearch_eval.encoder.datasets import CSN_LANGUAGES, DataFolder
from codesearch_eval.encoder.evaluation import load_tasks
from codesearch_eval.encoder.protocols import PROTOCOLS, SETS, Role, select_protocols


def tasks_of(name, root):
    return {task.group: task for task in load_tasks(DataFolder(root), PROTOCOLS[name])}


def test_sets_hold_protocols_of_their_own_role_only():
    assert {PROTOCOLS[name].role for name in SETS["dev"]} == {Role.DEVELOPMENT}
    assert {PROTOCOLS[name].role for name in SETS["test"]} == {Role.TEST}
    assert [protocol.name for protocol in select_protocols(["dev", "cosqa-dev"])] == list(SETS["dev"])


def test_an_unknown_set_is_refused_with_the_choice():
    with pytest.raises(InputError, match="csn-1000"):
        select_protocols(["everything"])


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if "valid-" not in name and "test-" not in name])
def test_every_protocol_has_a_reader(name, small_data):
    for task in tasks_of(name, small_data).values():
        assert len(task.query_ids) == len(set(task.query_ids)) == len(task.queries) == len(task.grades) > 0
        assert all(task.relevant())
        assert all(0 <= column < len(task.documents) for grades in task.grades for column in grades)


def test_codesearchnet_asks_the_first_paragraph_of_code_without_it(small_data):
    task = tasks_of("csn-1000", small_data)["python"]
    assert task.queries[3] == "Open the socket."
    assert '"""' not in task.documents[3]
    assert "return x" in task.documents[3]
    assert task.grades[3] == {3: 1.0}
    kept = tasks_of("csn-1000-kept", small_data)["python"]
    assert "Number 3." in kept.documents[3]
    whole = tasks_of("csn-1000-whole", small_data)["python"]
    assert whole.queries[3] == "Open the socket.\n\nNumber 3."


def test_the_published_setting_asks_all_of_the_docstring_of_code_that_holds_it(small_data):
    published = tasks_of("csn-1000-published", small_data)
    assert published.keys() == set(CSN_LANGUAGES)
    assert published["python"].queries == tasks_of("csn-1000-whole", small_data)["python"].queries
    assert published["python"].documents == tasks_of("csn-1000-kept", small_data)["python"].documents
    assert {"csn-1000", "csn-1000-published"} <= set(SETS["test"])


def test_the_challenge_averages_judgements_and_leaves_out_lost_code(small_data):
    task = tasks_of("csn-challenge-judged", small_data)["ruby"]
    assert task.queries == ('parse a "json', "sort")  # nobody judged a function good for q2
    assert task.grades[0] == {0: 0.0, 2: 2.0, 3: 2.0}
    assert task.grades[1] == {1: 1.0, 3: 3.0}
    assert task.notes == {
        "judged_pairs": 7,
        "judged_pairs_without_code": 1,
        "queries_without_a_relevant_function": 1,
    }


def test_repeated_judgements_count_as_their_mean(small_data):
    qrels = small_data / "codesearchnet-challenge/qrels.tsv"
    qrels.write_text(qrels.read_text() + "q1\tRuby\thttps://example.org/ruby/3\t0\t1\n")
    task = tasks_of("csn-challenge-pool", small_data)["ruby"]
    assert task.grades[1][3] == 1.5


def test_cosqa_orders_functions_by_their_number(small_data):
    task = tasks_of("cosqa-dev", small_data)["python"]
    assert "parse_json_0" in task.documents[0]
    assert '"""' in task.documents[0]
    assert task.grades[2] == {2: 1.0}
    assert '"""' not in tasks_of("cosqa-dev-cut", small_data)["python"].documents[0]


def test_staqc_gathers_the_answers_of_a_question(small_data):
    task = tasks_of("staqc-dev", small_data)["python"]
    assert task.queries == ("sort a list", "print it")
    assert task.documents == ("sorted(x)", "x.sort()", "print(x)", "???")
    assert task.grades == ({0: 1.0, 1: 1.0}, {2: 1.0})


def test_conala_asks_the_question_as_it_was_asked(small_data):
    task = tasks_of("conala-test", small_data)["python"]
    assert task.queries == ("sum a list", "open a file")
    assert task.grades == ({0: 1.0, 2: 1.0}, {1: 1.0})


@pytest.mark.parametrize("language", CSN_LANGUAGES)
@pytest.mark.parametrize(
    "place",
    [
        "codesearchnet-{}/test.jsonl.gz",
        "codesearchnet/{}/test.jsonl.gz",
        "codesearchnet/{}/final/jsonl/test/{}_test_0.jsonl.gz",
    ],
)
def test_official_layouts_are_found(language, place, tmp_path, write_functions):
    write_functions(tmp_path / place.format(language, language), language, 3)
    assert len(tasks_of(f"csn-test-{language}", tmp_path)[language].queries) == 3


@pytest.mark.parametrize("name", ["csn-1000", "csn-test-go", "cosqa-test", "csn-challenge-pool", "staqc-dev"])
def test_missing_data_is_a_sentence(name, tmp_path):
    with pytest.raises(InputError, match=r"docs/design/evaluation.md|--hub"):
        tasks_of(name, tmp_path)
    with pytest.raises(InputError, match=r"--data|--hub"):
        list(load_tasks(DataFolder(None), PROTOCOLS[name]))


@pytest.mark.parametrize(
    "content",
    [
        b"not gzip",
        gzip.compress(b"{not json}\n"),
        gzip.compress(b'{"url": "u", "code": "c"}\n'),
        gzip.compress(b"x" * 999)[:-20],
    ],
)
def test_damaged_data_is_a_sentence(content, small_data):
    (small_data / "codesearchnet-1000/go.jsonl.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"go\.jsonl\.gz"):
        tasks_of("csn-1000", small_data)


def test_a_table_without_a_column_is_a_sentence(small_data):
    (small_data / "codesearchnet-challenge/qrels.tsv").write_text("query_id\tlanguage\nq0\tGo\n")
    with pytest.raises(InputError, match=r"qrels\.tsv has no column relevance, url"):
        tasks_of("csn-challenge-judged", small_data)


def test_cosqa_with_an_answer_that_is_not_there_is_a_sentence(small_data):
    path = small_data / "cosqa/cosqa-retrieval-dev-500.json.gz"
    with gzip.open(path, "wt") as file:
        json.dump([{"idx": "a", "doc": "q", "retrieval_idx": 99}], file)
    with pytest.raises(InputError, match="code_idx_map"):
        tasks_of("cosqa-dev", small_data)


def test_the_hub_without_its_library_names_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "datasets":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtra, match=r"codesearch-nl.datasets."):
        DataFolder(None, hub=True).functions("go", "valid")


def test_the_hub_is_asked_for_the_split_by_its_own_name(monkeypatch, make_functions):
    asked = []

    def load_dataset(name, language, split):
        asked.append((language, split))
        return make_functions(language, 2)

    library = ModuleType("datasets")
    library.load_dataset = load_dataset
    monkeypatch.setitem(sys.modules, "datasets", library)
    assert len(DataFolder(None, hub=True).functions("go", "valid")) == 2
    assert asked == [("go", "validation")]


def test_real_data_has_the_official_counts(real_data):
    counts = {
        name: {task.group: (len(task.queries), len(task.documents)) for task in load_tasks(real_data, PROTOCOLS[name])}
        for name in (*SETS["dev"], *SETS["test"])
    }
    assert counts["csn-1000"] == counts["csn-1000-published"] == dict.fromkeys(CSN_LANGUAGES, (1000, 1000))
    assert counts["csn-test-ruby"]["ruby"] == (1261, 1261)
    assert counts["csn-valid-ruby"]["ruby"] == (1400, 1400)
    assert counts["cosqa-test"]["python"] == counts["cosqa-dev"]["python"] == (500, 6267)
    pool = {"go": 165, "java": 776, "javascript": 306, "php": 293, "python": 954, "ruby": 296}
    assert {name: documents for name, (_, documents) in counts["csn-challenge-pool"].items()} == pool


def test_real_python_functions_lose_their_docstrings(real_data):
    cut, kept = (
        {task.group: task for task in load_tasks(real_data, PROTOCOLS[name])}["python"]
        for name in ("csn-1000", "csn-1000-kept")
    )
    assert all(len(short) < len(long) for short, long in zip(cut.documents, kept.documents, strict=True))
