"""Issues, tracebacks and long messages as questions: what they are about, and which places they name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from codesearch.encoders import Encoder
from codesearch.encoders.hashing import HashingEncoder
from codesearch.index.snapshot import Snapshot
from codesearch.records import Match
from codesearch.search.long_text import MOST_CHARACTERS, LongText, read_long_text
from codesearch.search.named_files import FilesOf
from codesearch.search.notices import NoticeKind
from codesearch.search.pipeline import search
from codesearch.search.ranking.path_roles import places_of
from codesearch.search.ranking.topic import topics_of
from codesearch.search.ranking.versions import find_outdated
from codesearch.search.tracebacks import read_tracebacks
from codesearch.settings import load_settings
from codesearch.sources import open_repository
from codesearch.upkeep.plan import bring_up_to_date, plan

FILES = {
    "shop/cart.py": "def total(cart):\n    return sum(line.price for line in cart.lines)\n\n\n"
    "def apply_discount(cart, code):\n    cart.discount = find_discount(code)\n    return cart\n",
    "shop/money.py": "def round_to_cents(amount):\n    return int(amount * 100) / 100\n",
    "shop/codes.py": "def find_discount(code):\n    found = CODES.get(code)\n    if found is None:\n"
    '        raise LookupError("no discount has this code")\n    return found\n\n\nCODES = {}\n',
    "shop/mail.py": "def send_receipt(order):\n    connect().send(order.receipt)\n",
    "shop/retry.py": "def with_retries(call, attempts):\n    for attempt in range(attempts):\n        call()\n",
    "tests/test_cart.py": "def test_total_of_the_cart():\n    assert total(cart) == 3\n\n\n"
    "def test_discount_of_the_cart():\n    assert apply_discount(cart, 'TEN')\n",
    "docs/cart.md": "# The cart\n\nThe total of the cart is the sum of its lines, and a discount is applied to it.\n",
    ".github/ISSUE_TEMPLATE/bug.md": "# Steps to reproduce\n\nHow to reproduce\n\n# Expected behaviour\n\n"
    "What was expected\n\n# Environment\n\nOperating system and version\n",
}

ISSUE = """\
The total of the cart is wrong

<!-- Thank you! Read the documentation of the cart first -->
### Steps to reproduce
1. Run the test of the example in the docs of the latest release
2. Note the total of the cart

### Expected behaviour
The sum of the prices of its lines

### Environment
- Operating system: Ubuntu 22.04
- Python 3.11.2

- [x] I have searched the documentation
"""

Ask = Callable[..., list[Match]]


@pytest.fixture
def indexed(environment: Path, tmp_path: Path, write_tree: Callable[..., Path]) -> Iterator[Callable[..., Snapshot]]:
    with ExitStack() as stack:

        def run(files: Mapping[str, str] = FILES, encoder: Encoder | None = None) -> Snapshot:
            root = write_tree(tmp_path / "shop", files)
            job = plan(open_repository(root, cache=environment), load_settings())
            for _ in bring_up_to_date(job, None if encoder is None else lambda: encoder):
                pass
            return stack.enter_context(Snapshot(job.directory))

        yield run


def first(snapshot: Snapshot, question: str, encoder: Encoder | None = None) -> str:
    return search([snapshot], question, encoder, limit=1)[0].chunk.qualified_name


# --- what a question is about ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "topics"),
    [
        ("where are the tests of the cart?", {"test"}),
        ("cart tests", {"test"}),
        ("test that an expired key is not found", {"test"}),
        ("how is the cart tested?", {"test"}),
        ("docs for the cart", {"prose"}),
        ("Release notes of 2.0", {"prose"}),
        ("example of using a hook", {"example"}),
        ("show me the deprecated options", {"legacy"}),
        ("[docs] the cart", {"prose"}),
        ("test the connection", set()),
        ("release the lock", set()),
        ("add a note to an order", set()),
        ("index a document", set()),
        ("sample rate", set()),
        ("delete old sessions", set()),
        ("the total is wrong when the test of an example in the docs is run", set()),
    ],
)
def test_the_head_of_a_question_says_what_it_is_about(question: str, topics: set[str]) -> None:
    assert topics_of(question) == topics


@pytest.mark.parametrize("word", ["test", "example", "spec", "note", "release", "doc"])
def test_no_single_word_of_a_body_brings_tests_or_documents(indexed: Callable[..., Snapshot], word: str) -> None:
    body = f"The sum of the prices of its lines is too low, and that is so for every cart that I {word} here. " * 2
    (match, *_) = search([indexed()], f"The total of the cart is wrong\n\n{body}")
    assert match.chunk.qualified_name == "total"
    assert "asked place" not in match.signals


def test_an_issue_is_answered_by_the_code_and_not_by_its_template(indexed: Callable[..., Snapshot]) -> None:
    paths = [match.chunk.path for match in search([indexed()], ISSUE)]
    assert paths[0] == "shop/cart.py"
    assert ".github/ISSUE_TEMPLATE/bug.md" not in paths[:3]


def test_a_title_may_ask_for_tests(indexed: Callable[..., Snapshot]) -> None:
    body = "They should say what the sum of the prices of its lines is once a discount was applied. " * 2
    assert search([indexed()], f"Tests of the cart\n\n{body}")[0].chunk.path == "tests/test_cart.py"


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("src/history.py", ()),
        ("lib/changes.ts", ()),
        ("newsletter/news.rb", ()),
        ("HISTORY", ("prose",)),
        ("CHANGES.2019", ("prose",)),
        ("changelog.html", ("prose",)),
        (".github/ISSUE_TEMPLATE/bug.yml", ("prose",)),
    ],
)
def test_a_module_is_no_document_for_its_name(path: str, places: tuple[str, ...]) -> None:
    assert places_of(path) == places


def test_a_version_is_old_where_there_is_a_newer_one() -> None:
    assert find_outdated(["api/v1/a.go", "api/v2/a.go", "api/b.go"]) == {"api/v1/a.go"}
    assert find_outdated(["data/v1/main.py", "data/main.py"]) == {"data/v1/main.py"}
    assert find_outdated(["api/v1/a.go", "other/v2/a.go"]) == set()


# --- what stands in it ----------------------------------------------------------------------------------------


def read(question: str) -> LongText:
    text = read_long_text(question)
    assert text is not None
    return text


def test_an_issue_is_taken_apart() -> None:
    text = read(
        "[Bug]: The total is wrong\n\n<!-- Be kind -->\n## Steps to reproduce\nCall `Cart.total` twice.\n\n"
        '```python\ncart.apply("TEN")\n```\n\n## Environment\n- Python 3.11.2\n\nIt says "no discount has this code".\n'
        "\n```\nLookupError: no code is given\n```\n- [x] searched\n"
    )
    assert text.title == "The total is wrong"
    assert text.prose == ["Call `Cart.total` twice."]
    assert text.names == ("Cart.total",)
    assert text.code[0] == 'cart.apply("TEN")'
    assert text.asides[0] == "- Python 3.11.2"
    assert set(text.messages) == {"no discount has this code", "no code is given"}


@pytest.mark.parametrize("question", ["parse json", "shop/cart.py:6", "a\nb\nc", "where are the carts " * 8])
def test_a_short_question_is_none(question: str) -> None:
    assert read_long_text(question) is None


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        (
            'Traceback (most recent call last):\n  File "/a/main.py", line 3, in <module>\n    run()\n'
            '  File "/a/net.py", line 12, in send\n    raise E\nE: x',
            [("/a/net.py", 12, "send"), ("/a/main.py", 3, "")],
        ),
        ("E\n\tat com.net.Client.send(Client.java:12)", [("com/net/Client.java", 12, "com.net.Client.send")]),
        (
            "E: x\n    at Client.send (/a/client.js:12:5)\n    at /a/main.js:9:2",
            [("/a/client.js", 12, "Client.send"), ("/a/main.js", 9, "")],
        ),
        (
            "goroutine 1:\nmain.(*Client).Send(0x1, 0x2)\n\t/a/client.go:12 +0x1d",
            [("/a/client.go", 12, "main.(*Client).Send")],
        ),
        (
            "   1: net::client::send\n             at ./src/client.rs:12:5",
            [("./src/client.rs", 12, "net::client::send")],
        ),
        (
            "lib/client.rb:12:in `send': x (E)\n\tfrom bin/net:3:in `block in run'",
            [("lib/client.rb", 12, "send"), ("bin/net", 3, "run")],
        ),
        (
            "Traceback (most recent call last):\n\t1: from bin/net:3:in `run'\nlib/client.rb:12:in `send': x (E)",
            [("lib/client.rb", 12, "send"), ("bin/net", 3, "run")],
        ),
        ("   at Net.Client.Send(String text) in C:\\a\\Client.cs:line 12", [("C:/a/Client.cs", 12, "Net.Client.Send")]),
        ("#0 /a/Client.php(12): Net\\Client->send()", [("/a/Client.php", 12, "")]),
        ("    (net 1.0.0) lib/net/client.ex:12: Net.Client.send/2", [("lib/net/client.ex", 12, "Net.Client.send")]),
        ("#0  0x0f in send (fd=3) at src/client.c:12", [("src/client.c", 12, "send")]),
        ("\tclient.lua:12: in function 'send'", [("client.lua", 12, "send")]),
        ("/a/client.zig:12:5: 0x1038d in send (main)", [("/a/client.zig", 12, "send")]),
        ("#0      Client.send (package:net/client.dart:12:3)", [("net/client.dart", 12, "Client.send")]),
        ('Called from Main.run in file "src/main.ml", line 3, characters 1-2', [("src/main.ml", 3, "Main.run")]),
        ("  error, called at src/Client.hs:12:5 in main:Client", [("src/Client.hs", 12, "")]),
        ("died at lib/Client.pm line 12.", [("lib/Client.pm", 12, "")]),
    ],
)
def test_frames_are_read_innermost_first(text: str, frames: list[tuple[str, int, str]]) -> None:
    (found,) = read_tracebacks(text)
    assert [(frame.path, frame.line, frame.function) for frame in found] == frames


# --- evidence -------------------------------------------------------------------------------------------------

TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/app/shop/mail.py", line 2, in send_receipt
    connect().send(order.receipt)
  File "/srv/app/shop/cart.py", line 6, in apply_discount
    cart.discount = find_discount(code)
  File "/srv/app/shop/codes.py", line {line}, in find_discount
    raise LookupError(code)
  File "/usr/lib/python3.11/site-packages/requests/retry.py", line 2, in with_retries
    raise LookupError(code)
LookupError: TEN
"""


@pytest.mark.parametrize("line", [4, 400, 8])
def test_the_innermost_call_of_the_repository_is_first(indexed: Callable[..., Snapshot], line: int) -> None:
    answer = search([indexed()], TRACEBACK.format(line=line))
    assert [match.chunk.qualified_name for match in answer][:3] == ["find_discount", "apply_discount", "send_receipt"]
    assert answer[0].signals["place"] > answer[1].signals["place"] > answer[2].signals["place"]


def test_what_is_installed_is_no_file_of_the_repository(indexed: Callable[..., Snapshot]) -> None:
    files = FilesOf(indexed())
    assert files.of_frame("/usr/lib/python3/site-packages/requests/cart.py") == ""
    assert files.of_frame("/usr/lib/python3/site-packages/shop/cart.py") == "shop/cart.py"
    assert files.of_frame("/home/me/other/cart.py") == ""
    assert files.of_frame("/build/shop/cart.py") == "shop/cart.py"
    assert files.named("cart.py") == {"shop/cart.py": 1.0}
    assert files.named("shop.cart.total") == {"shop/cart.py": 1.0}


BODY = "Since the last update our customers have told us that this happens to each of them once or twice a day, and "


def test_a_file_that_is_named_without_a_line_is_evidence(indexed: Callable[..., Snapshot]) -> None:
    question = f"Something is off\n\n{BODY}we believe that shop/money.py has to do with it."
    match = search([indexed()], question)[0]
    assert match.chunk.path == "shop/money.py"
    assert match.signals["named file"] > 0


def test_names_in_code_are_fetched(indexed: Callable[..., Snapshot]) -> None:
    many = {f"more/m{number}.py": f"def customers_update{number}(day):\n    return day\n" for number in range(150)}
    question = f"Something is off\n\n{BODY}it began with `with_retries`."
    assert first(indexed(FILES | many), question) == "with_retries"


def test_a_message_that_is_quoted_is_evidence(indexed: Callable[..., Snapshot]) -> None:
    match = search([indexed()], f'Something is off\n\n{BODY}then "no discount has this code" is shown.')[0]
    assert match.chunk.qualified_name == "find_discount"
    assert match.signals["phrase"] > 0


@pytest.mark.parametrize("encoder", [None, HashingEncoder()], ids=["words", "vectors"])
def test_what_stands_at_the_end_is_read(indexed: Callable[..., Snapshot], encoder: Encoder | None) -> None:
    filler = " ".join(f"word{number}" for number in range(300))
    snapshot = indexed(encoder=encoder)
    assert first(snapshot, f"Something is off\n\n{filler}\n\nretries and attempts of a call", encoder) == "with_retries"


@pytest.mark.parametrize("encoder", [None, HashingEncoder()], ids=["words", "vectors"])
def test_ten_thousand_words_are_answered_with_a_notice(
    indexed: Callable[..., Snapshot], encoder: Encoder | None
) -> None:
    question = "The total of the cart is wrong\n\n" + " ".join(f"word{number}" for number in range(10_000))
    assert len(question) > MOST_CHARACTERS
    answer = search([indexed(encoder=encoder)], question, encoder)
    assert answer[0].chunk.qualified_name == "total"
    assert [notice.kind for notice in answer.notices] == [NoticeKind.NOT_ALL_READ]


@pytest.mark.parametrize("question", [ISSUE, TRACEBACK.format(line=4)])
@pytest.mark.parametrize("encoder", [None, HashingEncoder()], ids=["words", "vectors"])
def test_the_first_results_are_the_same_however_many_are_asked_for(
    indexed: Callable[..., Snapshot], question: str, encoder: Encoder | None
) -> None:
    many = {f"more/m{number}.py": f"def total{number}(cart):\n    return cart.lines\n" for number in range(250)}
    snapshot = indexed(FILES | many, encoder)
    few = [(match.chunk, match.score) for match in search([snapshot], question, encoder, limit=5)]
    more = [(match.chunk, match.score) for match in search([snapshot], question, encoder, limit=220)]
    assert more[:5] == few
    assert len(set(more)) == len(more) > 150


@pytest.mark.parametrize(
    "question",
    [
        "<!--" * 9_000,
        "[" * 9_000,
        "```\n" * 4_000,
        "a/" * 9_000 + "\n" + "a.b." * 9_000,
        "# \n" * 5_000 + "#" * 5_000,
        "at at at (\n" * 3_000,
        ('File "' + "x" * 490 + "\n") * 60,
        "- [ ] \n" * 3_000,
        "\n\n\n   \n" + "的" * 3_000,
        "error: " * 3_000 + "\n" + "1.1" * 3_000,
    ],
)
def test_hostile_text_is_read(indexed: Callable[..., Snapshot], question: str) -> None:
    search([indexed()], question, limit=3)
