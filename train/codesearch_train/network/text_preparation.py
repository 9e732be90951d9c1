"""What is done to a text before it is cut into tokens, written into the tokenizer itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codesearch.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["prepare_tokenizer", "special_ids"]

_IDENTIFIER_BOUNDARIES = r"(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})"


def prepare_tokenizer(description: str) -> Tokenizer:
    """The tokenizer of an uncased BERT with our text preparation put in front of it.

    Identifiers are split (camelCase, snake_case, letters from digits) and punctuation is dropped: a function
    becomes about 70 tokens long, made of words that a pre-trained vocabulary knows. It is all said in
    ``tokenizer.json``, so that an exported model needs no code of ours.

    Args:
        description: Content of a ``tokenizer.json``; one that is prepared already stays as it is.
    """
    from tokenizers import Regex, Tokenizer, normalizers

    tokenizer: Tokenizer = Tokenizer.from_str(description)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_IDENTIFIER_BOUNDARIES), " "),
            normalizers.Replace(Regex(r"[^\p{L}\p{N}]+"), " "),
            normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=True, lowercase=True),
        ]
    )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def special_ids(description: str) -> tuple[int, int]:
    """Ids of the tokens that the tokenizer puts before and after every text.

    Args:
        description: Content of ``tokenizer.json``.

    Raises:
        InputError: if it does not put exactly one on either side.
    """
    from tokenizers import Tokenizer

    ids = Tokenizer.from_str(description).encode("").ids
    if len(ids) != 2:
        raise InputError("the tokenizer must put one special token before and one after a text, as BERT's does")
    return ids[0], ids[1]
