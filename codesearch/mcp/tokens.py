"""How many tokens a text costs the agent that reads it.

Every model has a tokenizer of its own, and none is in this package but the encoder's: WordPiece over 30,522 words. Used
as it stands it would drop punctuation, so its text preparation is replaced by BERT's, which makes a token of each sign.
That counts code somewhat high, by the measure of the byte-pair vocabularies that agents use: on the safe side.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from codesearch.encoders.model_directory import find_model, read_model_directory

__all__ = ["count_tokens"]


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    file = read_model_directory(find_model(None)).tokenizer_file
    description = json.loads(file.read_text(encoding="utf-8"))
    description["normalizer"] = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    }
    tokenizer = Tokenizer.from_str(json.dumps(description))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(text: str) -> int:
    """Return how many tokens a text has."""
    return len(_tokenizer().encode(text, add_special_tokens=False).ids)
