"""Questions from what commits say at length: entries of change logs, and long messages.

Both are answered by the code that the commit changed, in a tree from before it, where the entry is not yet. That tree
is one of a few that are searched anyway, so that asking more does not mean indexing more: of those that are ancestors
of the commit, the newest that has all of the answers already.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path

from codesearch.errors import InputError
from codesearch.languages import language_of
from codesearch.records import Kind
from codesearch.sources import clean_subject
from codesearch_eval.repositories.benchmark import Question, QuestionKind
from codesearch_eval.repositories.history import (
    TEST_PATH,
    changed_definitions,
    changed_files,
    git_text,
    parse_source,
)
from codesearch_eval.repositories.own_names import says_own_name, says_something

__all__ = [
    "EarlierTrees",
    "change_log_questions",
    "changed_code",
    "is_code",
    "issue_questions",
    "read_entry",
    "read_message",
]

_COMMITS = 1_500
_PER_KIND = 12
_OLDER_TREES = 3
"""How many trees are tried. One much older than the commit has little to do with it."""
_SHARE_A_TREE = 4
"""How many commits are asked about in one tree."""
_NEAR = 400
"""How many commits may lie between."""
_MOST_FILES = 4
_MOST_DEFINITIONS = 10
_DEFINITIONS = frozenset({Kind.FUNCTION, Kind.METHOD, Kind.TYPE})

_CHANGE_LOG = re.compile(
    r"(?:^|/)(?:change-?logs?|changes|history|news|release-?notes)(?:\.(?:md|rst|txt|rdoc|adoc))?$|(?:^|/)changelogs?/",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*+•]|(?:Enhancement|Bugfix|Change|Security):)\s+(?=\S)")
_LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\([^)]*\)|\[([^\[\]]+)\]\[[^\]]*\]")
_ROLE = re.compile(r":(?:bug|user|issue|ghpull|pr|pull|commit|sha)s?:`[^`]*`")
_OTHER_ROLE = re.compile(r":[\w:-]+:`~?([^`<]*?)(?:\s*<[^>]*>)?`")
_NOBODY = re.compile(
    r"https?://\S+|\(?\b(?:GH|gh|PR|issue|pull request|Bug|TW|closes?|fixes|refs?)?[ -]?#\d+\)?|\bTW-\d+\b:?"
    r"|\b[0-9a-f]{7,40}\b|(?:\(|, |-+ ?)?(?:\b[Tt]hanks,?(?: to)?|\b[Bb]y|\b[Cc]ontributed by|\bvia)? ?@[\w-]+\)?"
    r"|\(?\b[Tt]hanks,? (?:to|go) .*$|\([A-Z][\w.'-]+(?: [A-Z][\w.'-]+){0,2}(?:, [A-Z][\w.' -]+)*\)\s*\.?$"
)
_ENTRY_WORDS = range(5, 60)
_UNWANTED = re.compile(
    r"\b(?:bump|upgrade[sd]?|update[sd]? (?:dependenc|to)|readme|documentation|docs|changelog|typos?|refactor\w*|ci|"
    r"release[sd]?|deprecat\w+ (?:ruby|python|node))\b",
    re.IGNORECASE,
)

_ISSUE_WORDS = range(61, 1_200)
_TRAILER = re.compile(
    r"^\s*(?:[A-Z][\w-]*-(?:by|with|to|on|in|from)|[A-Z][\w-]*-(?:id|url|link)|cc|bug|see also|refs?|closes?|closed|"
    r"fix(?:es|ed)?|resolves?|git-svn-id|related(?: to)?|part of|link|pr-url|reviewers?|issue)\b ?:? *"
    r"(?:\S*#\d+\S*|https?://\S+|[\w.' -]+<\S+@\S+>|\S+@\S+|[\w/-]+\.?)\s*$"
    r"|^\s*(?:\(cherry picked from|signed-off-by|co-authored-by|\S*#\d+\.?\s*$|---+\s*$)",
    re.IGNORECASE,
)
_SQUASHED = re.compile(r"^\s*[*-] \S")
_SPLIT = "\x1e"


def is_code(path: str) -> bool:
    """Whether a path is that of code with a grammar, and of no test."""
    language = language_of(path)
    return language is not None and language.has_definitions and not TEST_PATH.search(path)


def changed_code(
    git_dir: Path, parent: str, commit: str, *, most_files: int, most_definitions: int
) -> tuple[tuple[str, str], ...]:
    """Return (path, qualified name) of the definitions that a commit changed; none where it is large.

    None as well where it adds or removes files of code, or changes something of a file that is in no definition.
    """
    try:
        changes = changed_files(git_dir, parent, commit)
        paths = [(mark, path) for mark, path in changes if is_code(path)]
        if not 0 < len(paths) <= most_files or any(mark != "M" for mark, _ in paths):
            return ()
        found = [
            (path, name)
            for _, path in paths
            for name in changed_definitions(git_dir, parent, commit, path, _DEFINITIONS)
        ]
    except InputError:  # an object that a partial clone lacks
        return ()
    answers = tuple(dict.fromkeys(found))
    complete = {path for path, _ in answers} == {path for _, path in paths}
    return answers if complete and len(answers) <= most_definitions else ()


@dataclass(frozen=True, slots=True)
class EarlierTrees:
    """Commits whose trees may be searched for questions that later commits ask.

    Attributes:
        git_dir: Git directory of the repository.
        parents: Of each commit, newest first.
        bases: Those whose trees may be searched.
    """

    git_dir: Path
    parents: Mapping[str, Sequence[str]]
    bases: frozenset[str]

    @classmethod
    def of(cls, git_dir: Path, newest: str, bases: Iterable[str]) -> EarlierTrees:
        """Return them with the history of `newest`."""
        lines = git_text(git_dir, "rev-list", "--topo-order", "--parents", newest).splitlines()
        history = {commit: parents for commit, *parents in map(str.split, lines)}
        return cls(git_dir, history, frozenset(bases))

    def before(self, parent: str, answers: Sequence[tuple[str, str]]) -> str:
        """Return the newest that `parent` is or comes after, and that has all of the answers; "" without one.

        Args:
            parent: Id of a commit.
            answers: (path, qualified name) of definitions.
        """
        found, waiting = {parent}, [parent]
        while waiting:
            fresh = [other for other in self.parents.get(waiting.pop(), ()) if other not in found]
            found.update(fresh)
            waiting += fresh
        before = (commit for commit in self.parents if commit in found and commit in self.bases)
        return next((base for base in islice(before, _OLDER_TREES) if self._has(base, answers)), "")

    def shared(self, questions: Sequence[Question]) -> list[Question]:
        """Return questions of commits, a few after one another asked in the tree of the oldest of them."""
        place = {commit: number for number, commit in enumerate(self.parents)}
        moved: dict[str, str] = {}
        base, held = "", 0
        for parent in sorted({question.tree for question in questions}, key=lambda tree: -place[tree]):
            only = replace(self, bases=frozenset({base}))
            answers = [answer for question in questions if question.tree == parent for answer in question.chunks]
            near = bool(base) and held < _SHARE_A_TREE and place[base] - place[parent] < _NEAR
            if not near or not only.before(parent, answers):
                base, held = parent, 0
            moved[parent] = base
            held += 1
        return [replace(question, tree=moved[question.tree]) for question in questions]

    def _has(self, base: str, answers: Sequence[tuple[str, str]]) -> bool:
        try:
            there = {
                (path, chunk.qualified_name)
                for path in {path for path, _ in answers}
                for chunk in parse_source(path, git_text(self.git_dir, "show", f"{base}:{path}"))
            }
        except InputError:  # no such file yet, or an object that a partial clone lacks
            return False
        return there >= set(answers)


# --- change logs --------------------------------------------------------------------------------------------


def change_log_questions(git_dir: Path, newest: str, earlier: EarlierTrees) -> Iterator[Question]:
    """Yield the questions that entries of change logs ask, up to a number of commits.

    A merge is a commit as well: it brings what a pull request changed, with the entry about it.

    Args:
        git_dir: Git directory of the repository.
        newest: Id of the commit to look back from.
        earlier: The trees that may be searched. Where there is none at all, it is that of the parent.
    """
    asked = 0
    for commit, parent, logs in _commits_with_entries(git_dir, newest):
        text = _only_entry(git_dir, parent, commit, logs)
        if not text:
            continue
        answers = changed_code(git_dir, parent, commit, most_files=_MOST_FILES, most_definitions=_MOST_DEFINITIONS)
        files = tuple(dict.fromkeys(path for path, _ in answers))
        if not answers or says_own_name(text, files, [name for _, name in answers]) or not says_something(text, files):
            continue
        tree = earlier.before(parent, answers) if earlier.bases else parent
        if tree:
            yield Question(QuestionKind.CHANGE_LOG, text, tree, files, answers, commit)
            asked += 1
            if asked == _PER_KIND:
                return


def _commits_with_entries(git_dir: Path, newest: str) -> list[tuple[str, str, list[str]]]:
    """Return commit, first parent and changed change logs, in an order that has nothing to do with time."""
    log = git_text(
        git_dir, "log", "-m", "--first-parent", "--no-renames", f"-n{_COMMITS}", "--name-only",
        f"--format={_SPLIT}%H %P", newest,
    )  # fmt: skip
    found = []
    for record in log.split(_SPLIT)[1:]:
        head, *paths = record.strip().splitlines()
        commit, *parents = head.split()
        logs = [path for path in paths if _CHANGE_LOG.search(path)]
        if parents and logs and any(is_code(path) for path in paths):
            found.append((commit, parents[0], logs))
    return sorted(found, key=lambda one: sha256(one[0].encode()).digest())


def _only_entry(git_dir: Path, parent: str, commit: str, logs: list[str]) -> str:
    """Return the one entry that a commit added to change logs; "" where there are several, or none."""
    try:
        diff = git_text(git_dir, "diff", "-U0", "--no-color", "--no-renames", parent, commit, "--", *logs)
        before = [
            _squeeze(git_text(git_dir, "show", f"{parent}:{log}")) for log in logs if _is_there(git_dir, parent, log)
        ]
    except InputError:
        return ""
    lines = [line for line in diff.splitlines() if not line.startswith(("+++", "---"))]
    if any(line.startswith("-") and line[1:].strip() for line in lines):
        return ""
    entries = list(_entries([line[1:] for line in lines if line.startswith("+")]))
    if len(entries) != 1:
        return ""
    if any(_squeeze(entries[0]) in log for log in before):
        return ""
    text = read_entry(entries[0])
    good = len(text.split()) in _ENTRY_WORDS and text.isascii() and not _UNWANTED.search(text)
    whole = text.count("(") == text.count(")") and re.match(r"[A-Za-z0-9`\"'.$-]\w*", text)
    return text if good and whole else ""


def _is_there(git_dir: Path, commit: str, path: str) -> bool:
    return bool(git_text(git_dir, "ls-tree", "--name-only", commit, "--", path).strip())


def _entries(lines: list[str]) -> Iterator[str]:
    """Yield entries among added lines: what a bullet begins, up to the next, an empty line or a heading."""
    entry: list[str] = []
    for line in [*lines, ""]:
        begins = _BULLET.match(line) is not None
        if entry and (begins or not line.strip() or line.startswith(("#", "=", "[#"))):
            yield " ".join(entry)
            entry = []
        if begins:
            entry = [_BULLET.sub("", line, count=1).strip()]
        elif entry:
            entry.append(line.strip())


def read_entry(entry: str) -> str:
    """Return what an entry says, without markup, issue numbers, links and authors."""
    text = _ROLE.sub("", entry)
    text = _OTHER_ROLE.sub(r"\1", text)
    for _ in range(2):  # a link in square brackets of its own
        text = _LINK.sub(lambda found: found[1] or found[2] or "", text)
    text = _NOBODY.sub("", re.sub(r"``?|\*\*|__", lambda found: "`" if "`" in found[0] else "", text).strip())
    text = re.sub(r"\(\s*(?:by|see|and|,|\.|/)*\s*\)|\[\s*[,#]*\s*\]", "", text)
    text = " ".join(re.sub(r"\s+([.,;:])", r"\1", text).split())
    return clean_subject(text.strip(" -,;:([")).strip(" -,;:([")


def _squeeze(text: str) -> str:
    return " ".join(text.split())


# --- long messages ------------------------------------------------------------------------------------------


def issue_questions(git_dir: Path, newest: str, earlier: EarlierTrees) -> Iterator[Question]:
    """Yield the questions that long commit messages ask, up to a number of commits.

    The text is whole, with its errors, its code and the names in it, as that of an issue is. Arguments are those of
    `change_log_questions`.
    """
    log = git_text(git_dir, "log", "--no-merges", f"-n{_COMMITS}", f"--format={_SPLIT}%H%x00%P%x00%B", newest)
    commits = [record.rstrip("\n").split("\0") for record in log.split(_SPLIT) if record.count("\0") == 2]
    commits.sort(key=lambda commit: sha256(commit[0].encode()).digest())
    asked = 0
    for commit, parents, message in commits:
        text = read_message(message)
        if not text or not parents:
            continue
        parent = parents.split()[0]
        answers = changed_code(git_dir, parent, commit, most_files=_MOST_FILES, most_definitions=_MOST_DEFINITIONS)
        tree = earlier.before(parent, answers) if answers and earlier.bases else parent
        if answers and tree:
            files = tuple(dict.fromkeys(path for path, _ in answers))
            yield Question(QuestionKind.ISSUE, text, tree, files, answers, commit)
            asked += 1
            if asked == _PER_KIND:
                return


def read_message(message: str) -> str:
    """Return a commit's message without its trailers; "" where it is short, or a list of squashed commits."""
    subject, _, body = message.replace("\r", "").strip().partition("\n")
    lines = [line.rstrip() for line in body.split("\n") if not _TRAILER.match(line)]
    filled = [line for line in lines if line.strip()]
    listed = sum(1 for line in filled if _SQUASHED.match(line))
    text = f"{clean_subject(subject)}\n\n" + "\n".join(lines).strip()
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    plain = sum(map(str.isascii, text)) > 0.97 * len(text)
    return text if 2 * listed <= len(filled) and len(text.split()) in _ISSUE_WORDS and plain else ""
