"""What a question looks for, without the words that only say that it is a question.

"Where is the code that parses dates?" looks for what "parses dates" looks for. Left in, the frame is a part of what
both searches compare, and a name inside of it (``where is parse_header defined?``) is not seen to be one.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["bare"]

_POLITE = r"(?:(?:please|hey|ok|so)[, ]+)?(?:(?:can|could|would) you (?:please )?)?"
_SEEK = (
    r"(?:(?:show|tell|give|point) (?:me|us)(?: to)?|find(?: me| out)?|locate|search for|look(?:ing)? for"
    r"|(?:i'm|i am|we're|we are) looking for|(?:i|we) (?:want|need)(?: to (?:find|see|know|understand))?) "
)
_PLACE = (
    r"(?:(?:piece|bit|part) of )?"
    r"(?:code|function|method|class|type|struct|module|file|place|spot|part|logic|implementation|line|section)s?"
)
_WHO = (
    r"(?:we|you|i|it|they|one|(?:this|the) (?:repository|repo|project|code ?base|library|program|application|app"
    r"|package|tool))"
)
_AUXILIARY = r"(?:is|are|was|were|do|does|did|can|could|should|will|would|to)"
_OPENING: Final = re.compile(
    rf"{_POLITE}(?:{_SEEK})?"
    rf"(?:(?:where|how)(?: exactly)? {_AUXILIARY}\b(?: {_WHO}\b)?|where's"
    r"|(?:where|how)(?! (?:many|much|long|often|far|large|big|fast|deep)\b)(?=.* (?:is|are|was|were|gets?) )"
    rf"|(?:which|(?:in )?what) {_PLACE}"
    rf"|(?:(?:the|an?|any|all|some) )?{_PLACE} (?:that|which|where|in which|responsible for|in charge of))"
    r"\s+(?=\S)",
    re.IGNORECASE,
)
_ENDING: Final = re.compile(
    r"(?:(?:\s+(?:is|are|gets?))?\s+(?:defined|declared|implemented|located|found|done)|\s+works?)?\s*\??$",
    re.IGNORECASE,
)
_MOST_FRAMES: Final = 3
"""Frames are put into each other: "can you show me where the code is that ..."."""


def bare(question: str) -> str:
    """Return the question without its frame; as it is where there is none, or nothing else.

    Several lines are pasted, not asked, and stay as they are.
    """
    text = question.strip()
    if "\n" in text:
        return text
    rest = text
    for _ in range(_MOST_FRAMES):
        opening = _OPENING.match(rest)
        if opening is None:
            break
        rest = rest[opening.end() :]
    if rest == text:
        return text
    rest = _ENDING.sub("", rest).strip()
    return rest if any(character.isalnum() for character in rest) else text
