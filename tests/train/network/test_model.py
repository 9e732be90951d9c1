from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from codesearch.errors import ModelError
from codesearch_train.corpus.token_files import Ragged
from codesearch_train.kernels.attention import attend_padded
from codesearch_train.loop.batches import Sequences
from codesearch_train.network.model import Computation, Encoder, PackedSequences, Shape
from codesearch_train.network.quantisation import outlying
from codesearch_train.network.weights import average, load_encoder, read_shape, read_tokenizer, save_encoder, save_parts


def packed(lengths: list[int], vocabulary: int = 60) -> PackedSequences:
    random = np.random.default_rng(0)
    ragged = Ragged.of([random.integers(5, vocabulary, size=length - 2).tolist() for length in lengths])
    limits = np.full(len(lengths), 512)
    return Sequences(ragged, limits, (2, 3), torch.device("cpu")).pack(np.arange(len(lengths)))


def test_vectors_equal_those_of_transformers(tiny_bert: Path) -> None:
    from transformers import BertModel

    encoder = load_encoder(str(tiny_bert))
    reference = BertModel.from_pretrained(tiny_bert, add_pooling_layer=False).eval()
    batch = packed([3, 17, 9, 40])
    with torch.no_grad():
        ours = encoder(batch)
        for row, (start, stop) in enumerate(itertools.pairwise(batch.starts.tolist())):
            hidden = reference(batch.ids[None, start:stop]).last_hidden_state[0].mean(0)
            torch.testing.assert_close(ours[row], hidden / hidden.norm(), atol=1e-5, rtol=0)


def test_a_sequence_does_not_see_its_neighbours(tiny_bert: Path) -> None:
    encoder = load_encoder(str(tiny_bert))
    sequences = Sequences(Ragged.of([[9, 10, 11], [12] * 20, [13]]), np.full(3, 48), (2, 3), torch.device("cpu"))
    with torch.no_grad():
        together = encoder(sequences.pack(np.array([0, 1, 2])))
        alone = encoder(sequences.pack(np.array([0])))
    torch.testing.assert_close(together[:1], alone, atol=1e-6, rtol=0)


def test_saved_folders_load_again_and_in_transformers(tiny_bert: Path, tmp_path: Path) -> None:
    from transformers import BertModel

    encoder = load_encoder(str(tiny_bert))
    tokenizer = (tiny_bert / "tokenizer.json").read_text()
    save_encoder(encoder, tmp_path / "whole", tokenizer)
    again = load_encoder(str(tmp_path / "whole")).state_dict()
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=0)
    theirs = BertModel.from_pretrained(tmp_path / "whole", add_pooling_layer=False)
    torch.testing.assert_close(
        theirs.embeddings.word_embeddings.weight.detach(), encoder.embeddings.word.weight.detach()
    )


def test_parts_are_small_and_load_as_one(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codesearch_train.network.weights.PART_BYTES", 4096)
    encoder = load_encoder(str(tiny_bert))
    save_parts(encoder, tmp_path, (tiny_bert / "tokenizer.json").read_text())
    parts = sorted(tmp_path.glob("*.safetensors"))
    assert len(parts) > 2
    again = load_encoder(str(tmp_path)).state_dict()
    for name, tensor in encoder.state_dict().items():
        torch.testing.assert_close(again[name], tensor, rtol=0, atol=2e-3)


def test_chosen_layers_may_repeat(tiny_bert: Path) -> None:
    encoder = load_encoder(str(tiny_bert), layers=(1, 1, 0))
    assert encoder.shape.layers == 3
    assert torch.equal(encoder.state_dict()["layers.0.up.weight"], encoder.state_dict()["layers.1.up.weight"])
    with pytest.raises(ModelError, match="layers 0 to 1"):
        load_encoder(str(tiny_bert), layers=(2,))


def test_sixteen_bit_weights_become_float32(tiny_bert: Path, tmp_path: Path) -> None:
    save_encoder(
        load_encoder(str(tiny_bert)),
        tmp_path,
        (tiny_bert / "tokenizer.json").read_text(),
        dtype=torch.float16,
    )
    assert {parameter.dtype for parameter in load_encoder(str(tmp_path)).parameters()} == {torch.float32}


def test_averaging(tiny_bert: Path) -> None:
    one = load_encoder(str(tiny_bert)).state_dict()
    zero = {name: torch.zeros_like(tensor) for name, tensor in one.items()}
    mixed = average(one, zero, 0.25)
    torch.testing.assert_close(mixed["layers.0.up.bias"], 0.75 * one["layers.0.up.bias"])
    with pytest.raises(ModelError, match="same shape"):
        average(one, {}, 0.5)


def test_roberta_counts_positions_from_its_padding() -> None:
    config = {"model_type": "roberta", "hidden_act": "gelu", "num_hidden_layers": 2, "hidden_size": 8}
    config |= {"num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 9}  # type: ignore[dict-item]
    shape = read_shape({**config, "max_position_embeddings": 514, "layer_norm_eps": 1e-5})
    assert (shape.positions, shape.position_offset) == (512, 2)
    with pytest.raises(ModelError, match="BERT or MPNet family"):
        read_shape({**config, "model_type": "t5"})


def test_unknown_model_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def refuse(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ModelError, match="give a folder"):
        load_encoder("no/such-model")
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_encoder(str(tmp_path))


def test_flops_of_a_forward_pass() -> None:
    shape = Shape(layers=1, width=2, heads=1, inner=8)
    # 2 * (4 * 2^2 + 2 * 2 * 8) = 96 a token, and 4 * 2 * n^2 for the attention of a sequence of n tokens.
    assert shape.flops([3, 1]) == 4 * 96 + 8 * (9 + 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("longest", [14, 60, 100, 160])
def test_unpadded_attention_equals_padded(longest: int, biased: bool) -> None:
    from codesearch_train.kernels.attention import attend, attend_varlen

    lengths = torch.randint(1, longest + 1, (50,), device="cuda")
    lengths[0] = longest
    starts = torch.nn.functional.pad(lengths.cumsum(0), (1, 0)).int()
    tokens = int(lengths.sum())
    sequence = torch.repeat_interleave(torch.arange(50, device="cuda"), lengths)
    position = torch.arange(tokens, device="cuda") - starts[:-1].long()[sequence]
    qkv = torch.randn(tokens, 3, 4, 32, device="cuda", dtype=torch.bfloat16)
    weight = torch.randn(tokens, 4, 32, device="cuda")
    bias = torch.randn(4, 1023, device="cuda") if biased else None
    results = []
    for how in ("padded", "tiled") if biased else ("padded", "tiled", "varlen"):
        own = (qkv.double() if how == "padded" else qkv).detach().clone().requires_grad_()
        if how == "varlen":
            mixed = attend_varlen(own, starts, longest)
        else:
            mixed = (attend_padded if how == "padded" else attend)(own, sequence, position, starts, longest, bias)
        (mixed * weight).sum().backward()
        assert own.grad is not None
        results.append((mixed.double(), own.grad.double()))
    for mixed, gradient in results[1:]:
        assert (mixed - results[0][0]).norm() < 0.01 * results[0][0].norm()
        assert (gradient - results[0][1]).norm() < 0.01 * results[0][1].norm()


def test_padded_attention_by_hand() -> None:
    qkv = torch.randn(5, 3, 1, 4)
    starts = torch.tensor([0, 2, 5], dtype=torch.int32)
    sequence, position = torch.tensor([0, 0, 1, 1, 1]), torch.tensor([0, 1, 0, 1, 2])
    mixed = attend_padded(qkv, sequence, position, starts, 3)
    for start, stop in ((0, 2), (2, 5)):
        query, key, value = qkv[start:stop, :, 0].unbind(1)
        expected = torch.softmax(query @ key.T / 2, 1) @ value
        torch.testing.assert_close(mixed[start:stop, 0], expected)


def test_cls_pooling_takes_the_first_token(tiny_bert: Path) -> None:
    mean, first = load_encoder(str(tiny_bert)), load_encoder(str(tiny_bert), pooling="cls")
    single = packed([2, 5])
    assert not torch.allclose(mean(single), first(single))
    assert isinstance(mean, Encoder)


def random_mpnet(folder: Path, vocabulary: int) -> Path:
    """A Hugging Face folder of a small MPNet with random weights, and its tokenizer where its size is MPNet's."""
    from tokenizers import Tokenizer, models
    from transformers import MPNetConfig, MPNetModel

    torch.manual_seed(1)
    config = MPNetConfig(
        vocab_size=vocabulary, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    model = MPNetModel(config, add_pooling_layer=False)
    model.encoder.relative_attention_bias.weight.data.normal_(std=2.0)
    model.save_pretrained(folder)
    words = ["<s>", "<pad>", "</s>", "<unk>", "[PAD]", *(f"[unused{number}]" for number in range(99))]
    words += ["[UNK]", "[CLS]", "[SEP]", "[MASK]", "parse", "json"]
    words += [f"w{number}" for number in range(vocabulary - len(words) - 1)] + ["<mask>"]
    tokenizer = Tokenizer(models.WordPiece({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_mpnet_gives_the_vectors_of_transformers_in_the_vocabulary_of_bert(tmp_path: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import MPNetModel

    folder = random_mpnet(tmp_path / "mpnet", vocabulary=30_527)
    encoder = load_encoder(str(folder))
    reference = MPNetModel.from_pretrained(folder, add_pooling_layer=False).eval()
    description = read_tokenizer(str(folder))
    ours = Tokenizer.from_str(description).encode("parse json " * 60).ids
    assert (ours[0], ours[-1], len(ours)) == (101, 102, 122)
    theirs = torch.tensor([0, *(token + 4 for token in ours[1:-1]), 2])
    sequences = Sequences(Ragged.of([ours[1:-1], [900]]), np.full(2, 512), (101, 102), torch.device("cpu"))
    with torch.no_grad():
        vectors = encoder(sequences.pack(np.arange(2)))
        hidden = reference(theirs[None]).last_hidden_state[0].mean(0)
    torch.testing.assert_close(vectors[0], hidden / hidden.norm(), atol=1e-5, rtol=0)

    save_encoder(encoder, tmp_path / "saved", description)
    again = MPNetModel.from_pretrained(tmp_path / "saved", add_pooling_layer=False).eval()
    with torch.no_grad():
        hidden = again(torch.tensor([ours])).last_hidden_state[0].mean(0)
    torch.testing.assert_close(vectors[0], hidden / hidden.norm(), atol=1e-5, rtol=0)
    for name, tensor in load_encoder(str(tmp_path / "saved")).state_dict().items():
        torch.testing.assert_close(encoder.state_dict()[name], tensor, rtol=0, atol=0)


def test_simulated_quantisation_is_that_of_the_exported_graph(tiny_bert: Path, tmp_path: Path) -> None:
    """With the graph's weights, as they ship, what is left is the rounding of activations."""
    import json
    import shutil

    import onnx
    import onnxruntime
    from safetensors.numpy import load_file, save_file

    from codesearch_train.graph.onnx_graph import bert_graph, dequantised

    weights, config = load_file(tiny_bert / "model.safetensors"), json.loads((tiny_bert / "config.json").read_text())
    graph: onnx.ModelProto = bert_graph(weights, config, int8=True)
    folder = Path(shutil.copytree(tiny_bert, tmp_path / "rounded"))
    save_file(dequantised(graph, config), folder / "model.safetensors")
    encoder, batch = load_encoder(str(folder)), packed([17])
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    ids = batch.ids[None].numpy()
    (exported,) = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
    with torch.no_grad():
        exact = encoder(batch)
        simulated = load_encoder(str(folder), computation=Computation(quantised=True))(batch)
    lost = 1 - float((exact * torch.from_numpy(exported)).sum())
    assert 1 - float((simulated * torch.from_numpy(exported)).sum()) < 0.2 * lost


def test_rounding_lets_the_gradient_through() -> None:
    from codesearch_train.network.model import Linear

    layer = Linear(4, 3, quantised=True)
    x = torch.tensor([[0.0, 1.0, -2.0, 3.0]], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert (x.grad - layer.weight.sum(0)).abs().max() < 0.05


# --- activations that lie out (`quantisation`) ------------------------------------------------------------------


def test_only_what_lies_out_is_penalised() -> None:
    x = torch.ones(10, 8)
    assert outlying(x, 4.0) == 0
    x[0, 0] = 30.0
    typical = float(x.square().mean().sqrt())
    assert float(outlying(x, 4.0)) == pytest.approx((30 / typical - 4) ** 2, rel=1e-5)
    assert float(outlying(7 * x, 4.0)) == pytest.approx(float(outlying(x, 4.0)), rel=1e-5)  # whatever the unit
    assert outlying(torch.zeros(3, 8), 4.0) == 0


def test_making_all_larger_is_no_way_out() -> None:
    x = torch.ones(10, 8)
    x[0, 0] = 30.0
    x.requires_grad_()
    outlying(x, 4.0).backward()
    assert x.grad is not None
    assert x.grad[0, 0] > 0
    assert x.grad.count_nonzero() == 1


def _penalised(encoder: Encoder, batch: PackedSequences, weight: float) -> dict[str, torch.Tensor]:
    encoder.zero_grad()
    vectors = encoder.train()(batch, weight)
    (vectors.sum() * 0.0 + vectors[:, 0].sum()).backward()
    return {name: value.grad.clone() for name, value in encoder.named_parameters() if value.grad is not None}


def test_the_penalty_changes_gradients_and_nothing_else(tiny_bert: Path) -> None:
    encoder, batch = load_encoder(str(tiny_bert)), packed([17, 9])
    with torch.no_grad():
        encoder.layers[0].attention_norm.weight[3] = 40.0  # type: ignore[union-attr,operator]
        before = encoder(batch)
    plain, once, twice = (_penalised(encoder, batch, weight) for weight in (0.0, 0.01, 0.02))
    with torch.no_grad():
        torch.testing.assert_close(encoder(batch), before, rtol=0, atol=0)
    name = "layers.0.attention_norm.weight"
    assert once[name][3] > plain[name][3] + 0.01  # the gradient goes against the sign of a step: it shrinks
    torch.testing.assert_close(twice[name] - plain[name], 2 * (once[name] - plain[name]), rtol=1e-3, atol=1e-5)
    with torch.no_grad():
        assert encoder.eval()(batch).requires_grad is False
    again = _penalised(encoder, batch, 0.0)
    assert all(torch.equal(again[key], plain[key]) for key in plain)
