"""Weights under our names from and to those of Hugging Face's BERT and MPNet families.

MPNet's vocabulary is BERT's with four special tokens before it and one behind. Here it is turned into BERT's, so
that one tokenizer and one tokenised corpus serve both families.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from codesearch.errors import ModelError
from codesearch_train.network.model import Encoder, Shape

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["BERT_VOCABULARY", "bert_tokenizer", "from_hugging_face", "to_hugging_face"]

BERT_VOCABULARY = 30_522
_SPECIAL = {101: 0, 102: 2, 0: 1, 100: 3}
"""BERT's [CLS], [SEP], [PAD] and [UNK], and MPNet's <s>, </s>, <pad> and <unk> in their place."""


def _shift(vocabulary: int) -> int:
    """How many ids an MPNet of this vocabulary has before BERT's: 4 as published, 0 as `to_hugging_face` writes it."""
    return 4 if vocabulary > BERT_VOCABULARY else 0


def bert_tokenizer(description: str) -> str:
    """``tokenizer.json`` with MPNet's vocabulary turned into BERT's; any other is returned as it came."""
    from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = json.loads(description)["model"].get("vocab", {})
    if not isinstance(vocabulary, dict) or vocabulary.get("<s>") != 0 or "[CLS]" not in vocabulary:
        return description
    shift = _shift(len(vocabulary))
    kept = {token: place - shift for token, place in vocabulary.items() if 0 <= place - shift < BERT_VOCABULARY}
    tokenizer: Tokenizer = Tokenizer(models.WordPiece(kept, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [AddedToken(token, special=True) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", kept["[CLS]"]), ("[SEP]", kept["[SEP]"])],
    )
    converted: str = tokenizer.to_str()
    return converted


def from_hugging_face(weights: Mapping[str, Tensor], shape: Shape, layers: Sequence[int]) -> dict[str, Tensor]:
    """Weights under our names from weights under Hugging Face's names of the BERT or MPNet family.

    Args:
        weights: As in ``model.safetensors``; a "bert." or "roberta." prefix is allowed.
        shape: Of the encoder to fill.
        layers: Which layer of `weights` becomes layer 0, 1, ...

    Raises:
        ModelError: if a weight is missing.
    """
    bare = {name.removeprefix("bert.").removeprefix("roberta."): tensor.float() for name, tensor in weights.items()}

    def pick(name: str) -> Tensor:
        if name not in bare:
            raise ModelError(f"the model has no weight {name!r}: give an encoder of the BERT or MPNet family")
        return bare[name]

    ours = {
        "embeddings.word.weight": pick("embeddings.word_embeddings.weight"),
        "embeddings.position.weight": pick("embeddings.position_embeddings.weight")[shape.position_offset :],
        "embeddings.norm.weight": pick("embeddings.LayerNorm.weight"),
        "embeddings.norm.bias": pick("embeddings.LayerNorm.bias"),
    }
    if shape.buckets:
        ours["distance.weight"] = pick("encoder.relative_attention_bias.weight")
        ours["embeddings.word.weight"] = _in_bert_ids(ours["embeddings.word.weight"])
    else:
        ours["embeddings.position.weight"] = (
            ours["embeddings.position.weight"] + pick("embeddings.token_type_embeddings.weight")[0]
        )
    names, qkv = _names(shape)
    for target, source in enumerate(layers):
        for kind in ("weight", "bias"):
            for our_name, their_name in names.items():
                ours[f"layers.{target}.{our_name}.{kind}"] = pick(f"encoder.layer.{source}.{their_name}.{kind}")
            parts = [pick(f"encoder.layer.{source}.{part}.{kind}") for part in qkv]
            ours[f"layers.{target}.qkv.{kind}"] = torch.cat(parts)
    return ours


def _in_bert_ids(words: Tensor) -> Tensor:
    """[vocabulary, width] MPNet's word embeddings, rows in the order of BERT's vocabulary."""
    shift = _shift(len(words))
    if not shift:
        return words
    rows = torch.arange(shift, shift + BERT_VOCABULARY)
    for bert, mpnet in _SPECIAL.items():
        rows[bert] = mpnet
    return words[rows]


def to_hugging_face(encoder: Encoder) -> dict[str, Tensor]:
    """The encoder's weights under the names of Hugging Face's BertModel or MPNetModel, without pooler."""
    shape = encoder.shape
    ours = {name: tensor.detach().cpu() for name, tensor in encoder.state_dict().items()}
    positions = ours["embeddings.position.weight"]
    theirs = {
        "embeddings.word_embeddings.weight": ours["embeddings.word.weight"],
        "embeddings.LayerNorm.weight": ours["embeddings.norm.weight"],
        "embeddings.LayerNorm.bias": ours["embeddings.norm.bias"],
    }
    if shape.buckets:
        positions = torch.cat([positions.new_zeros(shape.position_offset, shape.width), positions])
        theirs["encoder.relative_attention_bias.weight"] = ours["distance.weight"]
    else:
        theirs["embeddings.token_type_embeddings.weight"] = torch.zeros(2, shape.width)
    theirs["embeddings.position_embeddings.weight"] = positions
    names, qkv = _names(shape)
    for layer in range(shape.layers):
        for kind in ("weight", "bias"):
            for our_name, their_name in names.items():
                theirs[f"encoder.layer.{layer}.{their_name}.{kind}"] = ours[f"layers.{layer}.{our_name}.{kind}"]
            parts = ours[f"layers.{layer}.qkv.{kind}"].chunk(3)
            for part, tensor in zip(qkv, parts, strict=True):
                theirs[f"encoder.layer.{layer}.{part}.{kind}"] = tensor
    return {name: tensor.contiguous() for name, tensor in theirs.items()}


def _names(shape: Shape) -> tuple[dict[str, str], tuple[str, ...]]:
    """Our names of a layer's parts and theirs; their names of query, key and value."""
    feed_forward = {"up": "intermediate.dense", "down": "output.dense", "output_norm": "output.LayerNorm"}
    if shape.buckets:
        attention = {"out": "attention.attn.o", "attention_norm": "attention.LayerNorm"}
        return attention | feed_forward, tuple(f"attention.attn.{part}" for part in "qkv")
    attention = {"out": "attention.output.dense", "attention_norm": "attention.output.LayerNorm"}
    return attention | feed_forward, tuple(f"attention.self.{part}" for part in ("query", "key", "value"))
