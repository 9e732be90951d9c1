"""What stands in a long question: its title, prose, messages, code, and what hardly counts.

An issue, a commit's message or a traceback is no sentence. Its title says what it is about, and its prose says more of
that. The headings of a template, versions, logs of installers and the code that reproduces it are words as well, of
which every issue has some, whatever it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from codesearch.search.tracebacks import Frame, is_frame, read_tracebacks

__all__ = ["MOST_CHARACTERS", "LongText", "read_long_text"]

MOST_CHARACTERS: Final = 40_000
"""What stands further down is not read."""

_FEW_WORDS: Final = 25
"""Several lines with fewer words are a question as any other."""
_MANY_WORDS: Final = 45
"""One line with more words than an encoder reads at a time is a long question."""
_FRAMES: Final = 2
"""Lines of a traceback that make a question one."""
_LONGEST_LINE: Final = 500
"""A longer line is prose, whatever it looks like."""
_TITLE_CHARACTERS: Final = 200
_MOST_MESSAGES: Final = 4

_COMMENT: Final = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG: Final = re.compile(
    r"</?(?:details|summary|br|p|div|b|i|em|strong|kbd|pre|code|sub|sup|img|a|h\d|ul|ol|li|table|tr|t[dh])\b[^<>\n]*>",
    re.IGNORECASE,
)
_LINK: Final = re.compile(r"!?\[([^\[\]\n]*)\]\(\s*(?:https?:)?//[^\s()]*\)|(?:https?|ftp)://(?!\S*#L\d)\S+")
_FENCE: Final = re.compile(r"^\s*(?P<mark>`{3,}|~{3,})\s*(?P<language>[\w+#.-]*)")
_HEADING: Final = re.compile(
    r"^\s*(?:#{1,6}\s*(?P<marked>.+?)\s*#*|\*\*(?P<bold>[^*]+?)\*\*:?|__(?P<underlined>[^_]+)__:?|(?P<plain>[^:.]{1,60}):)\s*$"
)
_LABEL: Final = re.compile(
    r"^\W{0,3}(?:bug(?: report)?|feature(?: request)?|question|regression|issue|help|title|support|rfc|enhancement)\s?"
    r"(?:\]\s?:?|:)\s*",
    re.IGNORECASE,
)
_BOX: Final = re.compile(r"^\s*[-*+]\s*\[[ xX]?\]")
_NOTHING: Final = re.compile(r"^\s*_*(?:no response|n/?a|none)_*\W*$|^\s*[-=*_#]{3,}\s*$", re.IGNORECASE)
_TRAILER: Final = re.compile(
    r"^[A-Z][\w-]*-(?:by|with|to|id|on):\s|^(?:closes?|fix(?:es)?|refs?|see):?\s+#?\d+\W*$", re.IGNORECASE
)

_LITTLE: Final = re.compile(
    r"(?i:environments?|versions?|system(?: info\w*)?|platforms?|os|operating system|browsers?|device|dependencies"
    r"|set ?up|configuration details|hardware|installation|check ?list|prerequisites|pre-?flight|requirements|logs?"
    r"|screenshots?|additional (?:context|info\w*)|your environment|debug info\w*|package versions?|software"
    r"|related(?: issues)?"
    r"|before (?:submitting|you start).*|i have .*|are you willing.*|code of conduct|severity|diagnostics)\W*"
)
"""Headings of what every issue has."""
_TEMPLATE: Final = re.compile(
    r"(?i:(?:steps )?(?:to )?reproduc\w*(?: steps)?|how to reproduce.*|(?:minimal )?reprod\w*(?: \w+)?|repro"
    r"|(?:what (?:is|was|were|did) )?(?:the )?(?:you )?(?:current|actual|expected|observed|desired)"
    r"(?: (?:bug )?(?:behaviou?rs?|results?|outputs?|outcome|to happen|happen\w*))?.*"
    r"|describe .*|(?:issue |bug |problem |short |brief )?(?:description|summary|overview|details|report|motivation"
    r"|context|background|proposal|rationale|explanation)|(?:the )?(?:problem|bug|issue|solution|fix|question"
    r"|error|cause"
    r"|changes)"
    r"|what happen\w*.*|what did you .*|possible (?:fix|solution).*|stack ?traces?|traceback"
    r"|error (?:message|log|output)s?|relevant (?:log|code).*|alternatives.*|feature request|bug report|notes?"
    r"|other(?: information)?|test ?plan"
    r"|testing|code(?: sample| snippet)?|examples?|output|references|impact|workaround.*|use ?cases?)\W*"
)
"""Other headings of templates: what they stand above counts, and they do not."""

_VERSION_LINE: Final = re.compile(
    r"^\W*[\w .()/@+-]{1,50}?\s*(?:[:=|@]+|\bversion\b|\s)\W*v?\d+(?:\.[\w+-]+){1,5}\S*(?:\s*\([^)]*\))?\W*$"
    r"|^\W*(?:os|platform|browser|machine|arch\w*|cpu|kernel|shell|terminal|node|python|ruby|java|go|rustc?)\b[^.]{0,20}:",
    re.IGNORECASE,
)
_LOG_LINE: Final = re.compile(
    r"^\s*(?:\[?\d{4}[-/]\d\d[-/]\d\d[T\s]|\[?\d\d:\d\d:\d\d|npm (?:ERR!|WARN|notice)|yarn |pnpm |\$ |> |% |>>> ?pip"
    r"|(?:Collecting|Downloading|Downloaded|Requirement already|Successfully|Installing|Installed|Using cached"
    r"|Building wheel|Preparing metadata|Compiling|Fetching|Resolving|Resolved|Updating|Unpacking|Setting up|Get:\d"
    r"|Reading package"
    r"|added \d+ packages|go: |Fetched|Pulling|Bundle|Using \w)\b"
    r"|(?:DEBUG|INFO|TRACE|WARN(?:ING)?)\b)"
)
_ERROR: Final = re.compile(
    r"^\W*(?:E\s+)?(?:[\w.$/\\:]*(?:Error|Exception|Panic|Failure|Fault)\b[^:]{0,60}|(?:Exception|Uncaught|Unhandled)[^:]{0,80}"
    r"|panic|fatal(?: error)?|error(?:\[\w+\])?|.{0,80}?\bpanicked at [^:]{1,80}|npm ERR!|\S+: error"
    r"|.{0,60}\berror):\s*(?P<message>\S.*)$",
)
_QUOTED: Final = re.compile(r"\"([^\"\n]{8,200})\"|“([^”\n]{8,200})”|(?<!\w)'([^'\n]{8,200})'(?!\w)|`([^`\n]{8,200})`")
_CODE_IN_TEXT: Final = re.compile(r"`([^`\n]{1,80})`")
_CODE_LINE: Final = re.compile(
    r"[;{}]\s*$|^\s*(?:[@#/*]|import |from \S+ import|def |class |return\b|if ?\(|for ?\(|\}|</?\w)|\w\([^)]*\)\s*:?$"
)
_SENTENCE_END: Final = re.compile(r"(?<=[.!?:])\s+(?=[A-Z`\"'(\d])")


@dataclass(frozen=True, slots=True)
class LongText:
    """A long question, taken apart.

    Attributes:
        title: What it is about; "" where there is none.
        prose: Passages of the body, in order.
        messages: What it quotes: errors, and sentences between quotation marks.
        names: Code within prose, as it is written.
        code: Blocks of code.
        asides: Versions, logs and the like.
        tracebacks: The calls of each, innermost first, and places that are named alone.
        pasted: Whether all of it is code.
        unread: Whether there was more than is read.
    """

    title: str
    prose: Sequence[str] = ()
    messages: Sequence[str] = ()
    names: Sequence[str] = ()
    code: Sequence[str] = ()
    asides: Sequence[str] = ()
    tracebacks: Sequence[Sequence[Frame]] = ()
    pasted: bool = False
    unread: bool = False


@dataclass(slots=True)
class _Parts:
    prose: list[str] = field(default_factory=list)
    messages: dict[str, None] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    code: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)

    def add_error(self, found: re.Match[str]) -> None:
        self.errors.append(found[0].strip())
        self.messages[found["message"].strip()] = None


def read_long_text(question: str) -> LongText | None:
    """Take a long question apart; None for a question that is short, as most are."""
    if len(question) < 2 * _FEW_WORDS:
        return None
    unread = len(question) > MOST_CHARACTERS
    text = question[:MOST_CHARACTERS].replace("\r\n", "\n").strip()
    words = len(text.split())
    if "\n" not in text:
        return _read(text, *_first_sentence(text), unread=unread) if words > _MANY_WORDS else None
    text = _COMMENT.sub("", text).strip()
    lines = [line[:_LONGEST_LINE] for line in text.split("\n") if line.strip()]
    if sum(map(is_frame, lines)) < _FRAMES:
        if words < _FEW_WORDS:
            return None
        if 3 * sum(map(_is_code, lines)) > 2 * len(lines) and not any(map(_FENCE.match, lines)):
            return LongText("", prose=(text,), pasted=True, unread=unread) if words > _MANY_WORDS else None
    return _read(text, *_title_of(text), unread=unread)


def _read(text: str, title: str, body: str, *, unread: bool) -> LongText:
    parts = _Parts()
    for block, is_code in _blocks(body):
        (_read_block if is_code else _read_prose)(block, parts)
    messages = [message for message in parts.messages if len(message.split()) > 2][:_MOST_MESSAGES]
    if not title and parts.errors:
        title = parts.errors[-1]
    names = dict.fromkeys([*_CODE_IN_TEXT.findall(title), *parts.names])
    tracebacks = tuple(read_tracebacks(text))
    return LongText(
        title, parts.prose, messages, tuple(names), parts.code, parts.asides, tracebacks, pasted=False, unread=unread
    )


def _title_of(text: str) -> tuple[str, str]:
    """Return the title of a text of several lines, and the rest; "" and the text where it begins with no title."""
    first, _, rest = text.partition("\n")
    first, rest = (first, rest) if len(first) <= _LONGEST_LINE else (first[:_LONGEST_LINE], text[_LONGEST_LINE:])
    title = _LABEL.sub("", _TAG.sub("", first).strip().lstrip("# ")).strip()
    if _FENCE.match(first) or _is_template(first) or _CODE_LINE.search(first) or _BOX.match(first):
        return "", text
    if re.match(r"\s*(?:Traceback \(|File \"|at |#\d+ |goroutine \d|thread '|Exception in thread|panic: )", first):
        return "", text
    if _ERROR.match(first) and re.match(r"\s+(?:at |from |File |\S+:\d+)", rest):
        return "", text
    stands_alone = not rest[:1].strip() or len(title) <= _TITLE_CHARACTERS // 2 or not re.search(r"[.!?:]\s", title)
    if stands_alone and len(title) <= _TITLE_CHARACTERS:
        return title, rest
    sentence, after = _first_sentence(text.partition("\n\n")[0].replace("\n", " "))
    return (sentence, f"{after}\n\n{text.partition(chr(10) * 2)[2]}") if sentence else ("", text)


def _is_code(line: str) -> bool:
    return _CODE_LINE.search(line) is not None and not is_frame(line)


def _first_sentence(text: str) -> tuple[str, str]:
    """Return the first sentence of a text, and the rest; "" where that is too long for a title."""
    end = _SENTENCE_END.search(text)
    if end and end.start() <= _TITLE_CHARACTERS:
        return _LABEL.sub("", text[: end.start()]), text[end.end() :]
    return "", text


def _is_template(line: str) -> bool:
    heading = _HEADING.match(line)
    said = next((part for part in heading.groups() if part), "") if heading else ""
    return bool(said and (_LITTLE.fullmatch(said.strip()) or _TEMPLATE.fullmatch(said.strip())))


def _blocks(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the text between fences and that within them, and whether it is within."""
    lines: list[str] = []
    mark = ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence and (not mark or (line.strip() == mark[0] * len(line.strip()) and len(line.strip()) >= len(mark))):
            yield "\n".join(lines), bool(mark)
            lines, mark = [], "" if mark else fence["mark"]
        else:
            lines.append(line)
    yield "\n".join(lines), bool(mark)


def _read_prose(text: str, parts: _Parts) -> None:
    little, after_frame = False, False
    paragraph: list[str] = []
    indented: list[str] = []

    def end() -> None:
        if paragraph:
            said = " ".join(paragraph)
            (parts.asides if little else parts.prose).append(said)
            parts.names.update(dict.fromkeys(_CODE_IN_TEXT.findall(said)))
            for quoted in _QUOTED.finditer(said):
                parts.messages[next(group for group in quoted.groups() if group).strip()] = None
            paragraph.clear()
        if indented:
            _read_block("\n".join(indented), parts)
            indented.clear()

    for raw in text.split("\n"):
        if len(raw) > _LONGEST_LINE:
            paragraph.append(raw.strip())
            continue
        line = _LINK.sub(r"\1", _TAG.sub(" ", raw))
        heading = _HEADING.match(line)
        said = next((part for part in heading.groups() if part), "").strip() if heading else ""
        if said and (_LITTLE.fullmatch(said) or _TEMPLATE.fullmatch(said)):
            end()
            little = _LITTLE.fullmatch(said) is not None
        elif said and heading and not heading["plain"]:
            end()
            little = False
            paragraph.append(said)
        elif not line.strip() or _BOX.match(line) or _NOTHING.match(line) or _TRAILER.match(line):
            if paragraph or not line.strip():
                end()
        elif is_frame(raw):
            end()
            parts.asides.append(line.strip())
            after_frame = True
            continue
        elif after_frame and re.match(r"\s+\S", raw):
            parts.asides.append(line.strip())  # the line of code that the frame shows, or marks below it
            continue
        elif re.match(r"(?: {4}|\t)\s*\S", raw) and not paragraph:
            indented.append(raw)
        elif error := _ERROR.match(line):
            parts.add_error(error)
            paragraph.append(line.strip())
        elif _VERSION_LINE.match(line) or _LOG_LINE.match(line):
            parts.asides.append(line.strip())
        else:
            paragraph.append(line.strip().lstrip("*-+> ").strip())
        after_frame = False
    end()


def _read_block(text: str, parts: _Parts) -> None:
    """Read a block of code, or of what a program printed."""
    whole = [line for line in text.split("\n") if line.strip()]
    lines = [line[:_LONGEST_LINE] for line in whole]
    for line in lines:
        if error := _ERROR.match(line):
            parts.add_error(error)
    logs = sum(bool(_LOG_LINE.match(line) or _VERSION_LINE.match(line)) for line in lines)
    if sum(map(is_frame, lines)) > 1 or 2 * logs > len(lines):
        parts.asides.append("\n".join(whole))
    elif lines:
        parts.code.append("\n".join(whole))
