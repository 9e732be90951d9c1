"""The kinds of questions that places and long texts ask, on small repositories made on the spot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from codesearch.extraction import extract
from codesearch.languages import LANGUAGES
from codesearch_eval.repositories.benchmark import (
    UNANSWERABLE,
    BenchmarkRepository,
    Half,
    Question,
    QuestionKind,
    View,
    is_sealed,
    read_list,
)
from codesearch_eval.repositories.changes import (
    EarlierTrees,
    change_log_questions,
    issue_questions,
    read_entry,
    read_message,
)
from codesearch_eval.repositories.file_says import cut_header, file_questions, headers
from codesearch_eval.repositories.lists import read_committed, write_committed
from codesearch_eval.repositories.own_names import says_own_name, says_something
from codesearch_eval.repositories.questions import make_questions
from codesearch_eval.repositories.tests_say import Code, descriptions, test_questions, without_inline_tests
from codesearch_eval.repositories.trees import trees

test_questions.__test__ = False  # type: ignore[attr-defined]

ANYWHERE = EarlierTrees(Path(), {}, frozenset())

SESSION = '''"""What a visitor is known by, from one page to the next, until it has been idle for too long."""

import time


class Session:
    def touch(self):
        self.last = time.time()

    def refuse(self, token):
        if not token:
            raise ValueError("no token")
        return None


def unused_helper():
    a = 1
    b = 2
    return a + b
'''
TESTS = """from web.session import Session


def test_expired_token_is_turned_away_at_once():
    assert Session().refuse("") is None
"""
RUST = """pub fn parse(text: &str) -> bool {
    text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_is_taken_as_the_end() {
        assert!(parse(""));
    }
}
"""
MESSAGE = f"""fix(web): keep idle visitors out (#12)

{"When a visitor had been away, the old token was taken all the same. " * 6}

    ValueError: no token

Signed-off-by: A <a@example.org>
Closes #12
"""


def git(root: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("clones") / "owner+name"
    for folder in ("src/web", "tests"):
        (root / folder).mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / "src" / "web" / "session.py").write_text(SESSION)
    (root / "src" / "line.rs").write_text(RUST)
    (root / "tests" / "test_session.py").write_text(TESTS)
    (root / "CHANGELOG.md").write_text("# Changes\n\n## 1.1\n\n- Pages are kept for an hour by the first server\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Begin")
    (root / "src" / "web" / "session.py").write_text(SESSION.replace("return None", "return token"))
    entry = "- Visitors who were away for a day get\n  a page that says so ([#7](https://x.org/7), by @someone)\n"
    (root / "CHANGELOG.md").write_text(f"# Changes\n\n## 1.2\n\n{entry}\n## 1.1\n")
    git(root, "commit", "-qam", "Take an entry away, and add one")  # what takes entries away says nothing
    (root / "CHANGELOG.md").write_text(
        f"# Changes\n\n## 1.3\n\n{entry.replace('day', 'week')}\n## 1.2\n\n{entry}\n## 1.1\n"
    )
    (root / "src" / "web" / "session.py").write_text(SESSION.replace("return None", "return str(token)"))
    git(root, "commit", "-qam", MESSAGE)
    return root


@pytest.fixture(scope="module")
def repository(clone: Path) -> BenchmarkRepository:
    return BenchmarkRepository("owner/name", "python", Half.HELD_OUT, git(clone, "rev-parse", "HEAD"))


def test_an_entry_of_a_change_log_asks_in_the_tree_that_does_not_have_it(
    clone: Path, repository: BenchmarkRepository
) -> None:
    (asked,) = change_log_questions(clone / ".git", repository.commit, ANYWHERE)
    assert asked.text == "Visitors who were away for a week get a page that says so"
    assert asked.chunks == (("src/web/session.py", "Session.refuse"),)
    assert asked.tree == git(clone, "rev-parse", "HEAD~1")
    assert "for a week" not in git(clone, "show", f"{asked.tree}:CHANGELOG.md")


def test_a_tree_that_is_searched_anyway_serves_where_the_answers_are_there(clone: Path) -> None:
    newest, first = git(clone, "rev-parse", "HEAD"), git(clone, "rev-parse", "HEAD~2")
    earlier = EarlierTrees.of(clone / ".git", newest, [first])
    for asked in (
        *change_log_questions(clone / ".git", newest, earlier),
        *issue_questions(clone / ".git", newest, earlier),
    ):
        assert asked.tree == first
    parent = git(clone, "rev-parse", "HEAD~1")
    there = [("src/web/session.py", "Session.refuse")]
    assert EarlierTrees.of(clone / ".git", newest, [newest, parent, first]).before(parent, there) == parent
    assert EarlierTrees.of(clone / ".git", newest, [newest]).before(parent, there) == ""
    assert earlier.before(parent, [("src/web/session.py", "Session.forget")]) == ""
    assert list(issue_questions(clone / ".git", newest, EarlierTrees.of(clone / ".git", newest, [newest]))) == []


@pytest.mark.parametrize(
    ("entry", "read"),
    [
        ("Fix `a` when b is c. [#12](https://x.org/12) ([@name](https://x.org/name))", "Fix `a` when b is c"),
        (":bug:`4512` Keep the cache when it is :doc:`old </plugins/old>`.", "Keep the cache when it is old"),
        ("**core:** allow more of it (#3) (0a1b2c3d)", "allow more of it"),
        ("Say more of it, thanks to @somebody", "Say more of it"),
    ],
)
def test_what_an_entry_says_has_no_numbers_links_or_authors(entry: str, read: str) -> None:
    assert read_entry(entry) == read


def test_a_long_message_asks_whole_with_its_errors(clone: Path, repository: BenchmarkRepository) -> None:
    (asked,) = issue_questions(clone / ".git", repository.commit, ANYWHERE)
    assert asked.text.startswith("keep idle visitors out\n\nWhen a visitor")
    assert asked.text.endswith("    ValueError: no token")
    assert asked.files == ("src/web/session.py",)


def test_lists_of_squashed_commits_and_short_messages_ask_nothing() -> None:
    assert read_message("Squash\n\n" + "* fix the tests again and again\n" * 20) == ""
    assert read_message("Short\n\nOnly a few words.") == ""


def test_tests_ask_for_the_code_that_their_place_names() -> None:
    code = Code.of(["src/web/session.py", "src/db/session.py", "src/web/page.py", "tests/web/test_session.py"], [])
    assert code.under_test("tests/web/test_session.py", "") == "src/web/session.py"
    assert code.under_test("tests/test_session.py", "") == ""  # of which of the two?
    assert code.under_test("tests/test_views.py", "from web.page import Page\n") == "src/web/page.py"
    assert code.under_test("tests/test_views.py", "from .page import Page\n") == ""
    assert code.under_test("tests/test_views.py", "from web.page import Page\nimport db.session\n") == ""
    assert code.under_test("src/web/views.test.ts", "import { a } from './page'\n") == ""
    scripts = Code.of(["src/web/page.ts", "src/web/index.ts"], [])
    both = "import { a } from './page.js'\nimport b from './index'\n"
    assert scripts.under_test("src/web/views.test.ts", both) == "src/web/page.ts"


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("python", "    async def test_expired_token_is_refused(self):\n", "expired token is refused"),
        ("javascript", "  it('retries after \"a\" timeout', () => {\n", 'retries after "a" timeout'),
        ("typescript", "test.only(`retries after a timeout`, async () => {\n", "retries after a timeout"),
        ("go", "func TestExpiredTokenIsRefused(t *testing.T) {\n", "expired token is refused"),
        ("rust", "#[test]\n#[ignore]\nfn token_is_refused() {\n", "token is refused"),
        ("java", "  @Test\n  void expiredTokenIsRefused() {\n", "expired token is refused"),
        ("java", '  @DisplayName("an expired token is refused")\n', "an expired token is refused"),
        ("kotlin", "    @Test\n    fun `an expired token is refused`() {\n", "an expired token is refused"),
        ("csharp", "[Fact]\npublic async Task Expired_Token_Is_Refused()\n", "expired token is refused"),
        ("php", "    public function testTokenIsRefused()\n", "token is refused"),
        ("php", "it('refuses an expired token', function () {\n", "refuses an expired token"),
        ("ruby", "  it 'refuses an expired token' do\n", "refuses an expired token"),
        ("elixir", '  test "refuses an expired token" do\n', "refuses an expired token"),
        ("swift", "  func testTokenIsRefused() {\n", "token is refused"),
        ("scala", '  "an expired token" should "be refused" in {\n', "be refused"),
        ("lua", 'it("refuses an expired token", function()\n', "refuses an expired token"),
        ("bash", '@test "refuses an expired token" {\n', "refuses an expired token"),
        ("zig", 'test "refuses an expired token" {\n', "refuses an expired token"),
        ("c", "TEST(token_is_refused)\n{\n", "token is refused"),
        ("cpp", "TEST_F(TokenTest, IsRefusedWhenOld) {\n", "is refused when old"),
        ("haskell", '    it "refuses an expired token" $ do\n', "refuses an expired token"),
    ],
)
def test_descriptions_of_tests_are_read_in_each_language(language: str, source: str, said: str) -> None:
    assert [one.text for one in descriptions(language, source)] == [said]


def test_the_tests_that_ask_are_not_in_the_tree(clone: Path, repository: BenchmarkRepository) -> None:
    made = [q for q in make_questions(clone / ".git", repository) if q.kind is QuestionKind.TEST]
    answers = {question.text: question.chunks for question in made}
    assert answers == {
        "expired token is turned away at once": (("src/web/session.py", "Session.refuse"),),
        "an empty line is taken as the end": (("src/line.rs", "parse"),),
    }
    with trees(clone / ".git", repository, made) as each:
        ((tree, left, rust),) = (
            (
                tree,
                (tree.repository.root / "tests" / "test_session.py").exists(),
                (tree.repository.root / "src" / "line.rs").read_text(),
            )
            for tree in each
        )
    assert len(tree.questions) == 2
    assert not left
    assert "an_empty_line" not in rust
    assert "pub fn parse" in rust


def test_only_tests_are_cut_out_of_a_file_of_code() -> None:
    assert without_inline_tests("rust", f"{RUST}\nfn after() {{}}\n").split() == (
        "pub fn parse(text: &str) -> bool { text.is_empty() } fn after() {}".split()
    )
    assert without_inline_tests("zig", 'const a = 1;\ntest "b" {\n    c();\n}\nconst d = 2;\n') == (
        "const a = 1;\nconst d = 2;\n"
    )
    assert without_inline_tests("python", "a = 1\n") == "a = 1\n"


def test_what_a_file_says_of_itself_is_cut_out_of_it(clone: Path, repository: BenchmarkRepository) -> None:
    made = [q for q in make_questions(clone / ".git", repository) if q.kind is QuestionKind.FILE]
    (asked,) = made
    assert asked.text == "What a visitor is known by, from one page to the next, until it has been idle for too long."
    assert (asked.files, asked.chunks, asked.view) == (("src/web/session.py",), (), View.WITHOUT_HEADERS)
    with trees(clone / ".git", repository, made) as each:
        ((tree, text),) = ((tree, (tree.repository.root / asked.files[0]).read_text()) for tree in each)
    assert tree.questions == (asked,)
    assert text == SESSION.split("\n", 1)[1].replace("return None", "return str(token)")


LICENCE = "// Copyright 2020 Somebody. All rights reserved.\n// Licensed under a licence.\n\n"


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("go", f"{LICENCE}// What is sent, and in which order.\n\npackage a\n", "What is sent, and in which order."),
        ("go", f"{LICENCE}package a\n\nimport b\n", None),
        ("go", "package a\n\n// Send sends what there is to send.\nfunc Send() {}\n", None),
        ("rust", "//! What is sent.\n//!\n//! And more of it.\nuse a;\n", "What is sent."),
        ("c", "/* send.c - what is sent\n * in order\n */\n#include <a.h>\n", "what is sent in order"),
        ("ruby", "# frozen_string_literal: true\n\n# What is sent.\n\nmodule A\nend\n", "What is sent."),
        ("haskell", "{-|\nWhat is sent.\n\nMore.\n-}\nmodule A where\n", "What is sent."),
        ("bash", "#!/bin/sh\n#\n# What is sent.\n\nset -e\n", "What is sent."),
        ("python", '#!/usr/bin/env python\n"""What is sent.\n\nMore.\n"""\nimport a\n', "What is sent."),
        ("lua", "---------\n--- What is sent.\n-- @author A\n---------\n\nlocal a = 1\n", "What is sent."),
    ],
)
def test_headers_are_read_in_each_language(language: str, source: str, said: str | None) -> None:
    found = [h.text for h in headers(language, "a.x", source, []) if "Copyright" not in h.text]
    assert found == ([said] if said else [])
    if said:
        cut = cut_header(language, "a.x", source, [], said)
        assert cut is not None
        assert "sent" not in cut


def test_the_type_that_a_file_is_named_after_says_what_the_file_is() -> None:
    source = (
        "package a;\n\n/**\n * Keeps what is sent in its order.\n */\npublic class Outbox {\n"
        + "  int a;\n" * 15
        + "}\n"
    )
    chunks = extract("src/Outbox.java", source, LANGUAGES["java"])
    (asked,) = file_questions({"src/Outbox.java": ("java", source)}, chunks, "tree")
    assert asked.text == "Keeps what is sent in its order."
    cut = cut_header("java", "src/Outbox.java", source, chunks, asked.text)
    assert cut == source.replace("/**\n * Keeps what is sent in its order.\n */\n", "")
    assert list(file_questions({"src/Other.java": ("java", source)}, chunks, "tree")) == []


def test_no_question_is_made_from_the_own_name_of_its_answer() -> None:
    assert says_own_name("why parse header fails for old clients", ["src/a.py"], ["Request.parse_header"])
    assert says_own_name("why HttpServer stops for old clients", ["src/http_server.py"])
    assert says_own_name("calls `send` too often when it is slow", ["a.py"], ["send"])
    assert not says_own_name("when does a session expire", ["src/session.py"])
    assert not says_something("the session of a session", ["src/session.py"])


def test_a_part_of_the_held_out_half_is_sealed_and_stays_so() -> None:
    held_out = BenchmarkRepository("a/b", "python", Half.HELD_OUT, "0" * 40)
    asked = [Question(QuestionKind.ASKED, f"question {n}", "t", ("a.py",), (), "place") for n in range(1_000)]
    sealed = [is_sealed(held_out, question) for question in asked]
    assert 150 < sum(sealed) < 250
    assert sealed == [is_sealed(held_out, question) for question in asked]
    assert not any(is_sealed(BenchmarkRepository("a/b", "python", Half.FIT, "0" * 40), q) for q in asked)


def test_the_committed_list_comes_back_and_equal_lists_are_equal_files(
    clone: Path, repository: BenchmarkRepository, tmp_path: Path
) -> None:
    made = {repository.name: make_questions(clone / ".git", repository)}
    for name in ("a.gz", "b.gz"):
        write_committed(made, tmp_path / name)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert read_committed(tmp_path / "a.gz") == made


def test_the_committed_list_is_as_large_as_it_says_and_fits_the_repositories() -> None:
    repositories = {one.name: one for one in read_list()}
    found = read_committed()
    assert found.keys() == repositories.keys()
    asked = [(repositories[name], question) for name, questions in found.items() for question in questions]
    assert {question.kind for _, question in asked} == set(QuestionKind) - UNANSWERABLE
    assert sum(is_sealed(repository, question) for repository, question in asked) >= 400
    assert sum(question.kind is QuestionKind.ASKED for _, question in asked) >= 500
    for _, question in asked:
        assert question.files
        assert {path for path, _ in question.chunks} <= set(question.files)
    trees_asked = {(repository.name, q.tree, q.view) for repository, q in asked}
    assert len(trees_asked) < 15 * len(repositories)
