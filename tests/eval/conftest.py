from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from codesearch_eval.encoder.datasets import CSN_LANGUAGES, DataFolder

WORDS = ("parse", "json", "file", "open", "socket", "sort", "list", "tree", "render", "page", "hash", "user")


def _write_lines(path: Path, records: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)


def _csn_records(language: str, count: int) -> list[dict]:
    """Functions whose docstring says what their name says; Python's stand in the code too."""
    records = []
    for number in range(count):
        first, second = WORDS[number % 12], WORDS[(number * 5 + 1) % 12]
        docstring = f"{first.capitalize()} the {second}.\n\nNumber {number}."
        body = f'    """{docstring}"""\n' if language == "python" else ""
        code = f"def {first}_{second}_{number}(x):\n{body}    return x"
        url = f"https://example.org/{language}/{number}"
        records.append({"url": url, "code": code, "docstring": docstring, "language": language})
    return records


@pytest.fixture
def make_functions() -> Callable[[str, int], list[dict]]:
    return _csn_records


@pytest.fixture
def write_functions() -> Callable[[Path, str, int], None]:
    return lambda path, language, count: _write_lines(path, _csn_records(language, count))


@pytest.fixture
def small_data(tmp_path: Path) -> Path:
    """A data folder with every file that the sets dev and test need, a dozen records each."""
    root = tmp_path / "data"
    for language in CSN_LANGUAGES:
        _write_lines(root / f"codesearchnet-1000/{language}.jsonl.gz", _csn_records(language, 12))
    for split in ("test", "valid"):
        _write_lines(root / f"codesearchnet-ruby/{split}.jsonl.gz", _csn_records("ruby", 12))

    challenge = root / "codesearchnet-challenge"
    judged, qrels = [], ["query_id\tlanguage\turl\trelevance\tcode_available"]
    for language in ("Go", "Java", "JavaScript", "PHP", "Python", "Ruby"):
        for number, record in enumerate(_csn_records(language.lower(), 4)):
            judged.append({**record, "language": language})
            qrels.append(f"q{number % 2}\t{language}\t{record['url']}\t{number % 4}\t1")
        qrels.append(f"q0\t{language}\t{judged[-1]['url']}\t2\t1")
        qrels.append(f"q1\t{language}\thttps://example.org/lost\t3\t0")
        qrels.append(f"q2\t{language}\t{judged[-1]['url']}\t0\t1")
    _write_lines(challenge / "annotated_functions.jsonl.gz", judged)
    (challenge / "qrels.tsv").write_text("\n".join(qrels) + "\n")
    (challenge / "queries.tsv").write_text('q0\tparse a "json\nq1\tsort\nq2\tnobody knows\n')

    (root / "cosqa").mkdir()
    codes = [record["code"] for record in _csn_records("python", 12)]
    with gzip.open(root / "cosqa/code_idx_map.txt.gz", "wt") as file:
        json.dump({code: number for number, code in reversed(list(enumerate(codes)))}, file)
    for split in ("dev", "test"):
        queries = [
            {"idx": f"cosqa-{number}", "doc": f"how to {WORDS[number]}", "retrieval_idx": number, "label": 1}
            for number in range(5)
        ]
        with gzip.open(root / f"cosqa/cosqa-retrieval-{split}-500.json.gz", "wt") as file:
            json.dump(queries, file)

    (root / "questions/staqc").mkdir(parents=True)
    (root / "questions/conala").mkdir()
    staqc = [
        {"idx": 1, "doc": "sort a list", "code": "sorted(x)", "label": 1},
        {"idx": 2, "doc": "sort a list ", "code": "x.sort()", "label": 1},
        {"idx": 3, "doc": "sort a list", "code": "print(x)", "label": 0},
        {"idx": 4, "doc": "print it", "code": "print(x)", "label": 1},
        {"idx": 5, "doc": "unanswered", "code": "???", "label": 0},
    ]
    (root / "questions/staqc/dev_staqc.json").write_text(json.dumps(staqc))
    conala = [
        {"intent": "sum a list", "rewritten_intent": "sum list `x`", "snippet": "sum(x)", "question_id": 1},
        {"intent": "open a file", "rewritten_intent": None, "snippet": "open('f')", "question_id": 2},
        {"intent": "sum a list", "rewritten_intent": None, "snippet": "reduce(add, x)", "question_id": 1},
    ]
    (root / "questions/conala/conala-test.json").write_text(json.dumps(conala))
    return root


@pytest.fixture(scope="session")
def real_data() -> DataFolder:
    """The full data folder, for those who have it."""
    root = os.environ.get("CODESEARCH_DATA")
    if not root:
        pytest.skip("CODESEARCH_DATA does not name a folder of data sets (docs/design/evaluation.md)")
    return DataFolder(Path(root))
