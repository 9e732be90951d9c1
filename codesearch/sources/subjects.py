"""What the subject of a commit says, without what only its project reads."""

from __future__ import annotations

import re

__all__ = ["clean_subject"]

_PREFIX = re.compile(
    r"^(?:"
    r"(?:fix|feat|feature|bug|bugfix|hotfix|perf)(?:\([^)]*\))?!?:\s*"
    r"|[\w./*-]+(?:\([^)]*\))?!?:\s+"  # a part of the project
    r"|\[[^\]]*\]:?\s*"
    r"|:\w+:\s*"  # the name of an emoji
    r"|(?:issue\s+)?#\d+:?\s*|issue\s+\d+:?\s*"
    # Of a ticket. In capitals, or "update-1" were one; with a sign or a long number, or "UTF-8" were one.
    r"|(?-i:[A-Z]{2,12})-(?:\d+(?:[:.;]|\s*[-–])|\d{4,})\s+"
    r")+",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"(?:\s*[(\[]?\s*(?:\b(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?|refs?|see|gh|issue|pr|for|from|via)\b:?\s*)*"
    r"(?:#|gh-)\d+[)\],.\s]*"
    r"|\s+\[\w+\])+$",
    re.IGNORECASE,
)


def clean_subject(subject: str) -> str:
    """The subject of a commit without ``fix(scope):``, ticket numbers, references to pull requests and full stop.

    A subject that is nothing else stays as it is.
    """
    cleaned = _SUFFIX.sub("", subject.strip()) or subject.strip()
    shorter = _PREFIX.sub("", cleaned)
    return (shorter or cleaned).strip().rstrip(".")
