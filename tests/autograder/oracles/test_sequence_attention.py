"""The references of sequence, questions 5 to 8, agree with torch.nn, Keras' layers, complex numbers and each other."""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

SOLUTIONS = next(
    folder / "solutions" for folder in Path(__file__).parents if (folder / "solutions" / "sequence.py").is_file()
)
SEEDS = pytest.mark.parametrize("seed", range(4))
NORMS = ("norm1_scale", "norm1_shift", "norm2_scale", "norm2_shift")


@dataclass(frozen=True)
class Reference:
    """A reference that takes arrays and gives arrays, whatever its framework is."""

    module: ModuleType
    framework: str

    def __call__(self, name: str, *args: Any) -> Any:
        return mapped(getattr(self.module, name)(*mapped(args, self.tensor)), as_array)

    def tensor(self, leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        return torch.tensor(leaf) if self.framework == "torch" else tf.constant(leaf)

    def gradients(self, name: str, arrays: Sequence[np.ndarray], rest: Sequence[Any], cotangent: np.ndarray) -> Any:
        """Of the first output of a function of `arrays` and `rest`, by each of the arrays."""
        function, others = getattr(self.module, name), mapped(list(rest), self.tensor)
        if self.framework == "torch":
            leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
            output = function(*leaves, *others)
            output = output[0] if isinstance(output, tuple) else output
            return mapped(torch.autograd.grad(output, leaves, torch.tensor(cotangent)), as_array)
        inputs = [tf.constant(array) for array in arrays]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            output = function(*inputs, *others)
            output = output[0] if isinstance(output, tuple) else output
        return mapped(tape.gradient(output, inputs, output_gradients=tf.constant(cotangent)), as_array)


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: mapped(item, change) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(mapped(item, change) for item in value)
    return change(value)


def as_array(leaf: Any) -> Any:
    if isinstance(leaf, torch.Tensor):
        return leaf.detach().numpy()
    return leaf.numpy() if tf.is_tensor(leaf) else leaf


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reference_of_{name}", SOLUTIONS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the frameworks say when they are imported
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["torch", "tensorflow"])
def reference(request: pytest.FixtureRequest) -> Reference:
    return Reference(load({"torch": "sequence", "tensorflow": "sequence_tf"}[request.param]), request.param)


def close(ours: Any, theirs: Any, rtol: float = 1e-11) -> None:
    theirs = as_array(theirs)
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * max(1.0, float(np.abs(theirs).max(initial=0.0))))


def normal(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape)


def projections(rng: np.random.Generator, d: int, e: int | None = None) -> dict[str, np.ndarray]:
    rows = {"q": d, "k": e or d, "v": e or d, "o": d}
    weights = {f"w{name}": normal(rng, size, d) / math.sqrt(size) for name, size in rows.items()}
    return weights | {f"b{name}": normal(rng, d) for name in rows}


def a_block(rng: np.random.Generator, d: int, inner: int) -> dict[str, np.ndarray]:
    mlp = {"w1": normal(rng, d, inner), "b1": normal(rng, inner), "w2": normal(rng, inner, d), "b2": normal(rng, d)}
    return projections(rng, d) | mlp | {name: normal(rng, d) for name in NORMS}


# attention


@SEEDS
@pytest.mark.parametrize("kind", ["no mask", "a mask", "rows of nothing"])
def test_attention_is_torchs(reference: Reference, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    q, k, v = normal(rng, 3, 2, 5, 6), normal(rng, 3, 2, 7, 6), normal(rng, 3, 2, 7, 4)
    mask = rng.random((3, 1, 5, 7)) < 0.5
    mask[0, 0, :2] = kind != "rows of nothing"
    arrays, cotangent = (q, k, v), normal(rng, 3, 2, 5, 4)
    mask_or_none = None if kind == "no mask" else mask
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    theirs = F.scaled_dot_product_attention(*leaves, attn_mask=None if mask_or_none is None else torch.tensor(mask))
    y, weights = reference("attention", *arrays, mask_or_none)
    close(y, theirs)
    allowed = np.ones((3, 1, 5, 1)) if mask_or_none is None else mask.any(-1, keepdims=True)
    close(weights.sum(-1, keepdims=True), np.broadcast_to(allowed, (3, 2, 5, 1)).astype(float))
    for ours, other in zip(
        reference.gradients("attention", arrays, [mask_or_none], cotangent),
        torch.autograd.grad(theirs, leaves, torch.tensor(cotangent)),
        strict=True,
    ):
        close(ours, other)


@SEEDS
@pytest.mark.parametrize("masked", [False, True])
def test_multi_head_attention_is_torchs(reference: Reference, seed: int, masked: bool) -> None:
    rng = np.random.default_rng(seed)
    b, t, s, d, e, heads = 2, 4, 6, 12, 7, int(rng.choice([1, 2, 3]))
    x, memory, params = normal(rng, b, t, d), normal(rng, b, s, e), projections(rng, d, e)
    mask = rng.random((b, t, s)) < 0.6
    mask[..., 0] = True  # torch gives NaN where there is nothing
    layer = torch.nn.MultiheadAttention(d, heads, kdim=e, vdim=e, batch_first=True, dtype=torch.float64)
    layer.load_state_dict(
        {
            **{f"{name}_proj_weight": torch.tensor(params[f"w{name}"].T) for name in "qkv"},
            "in_proj_bias": torch.tensor(np.concatenate([params[f"b{name}"] for name in "qkv"])),
            "out_proj.weight": torch.tensor(params["wo"].T),
            "out_proj.bias": torch.tensor(params["bo"]),
        }
    )
    theirs = layer(
        *map(torch.tensor, (x, memory, memory)),
        attn_mask=torch.tensor(~mask).repeat_interleave(heads, 0) if masked else None,
        average_attn_weights=False,
    )
    ours = reference("multi_head_attention", x, memory, params, heads, mask if masked else None)
    for one, other in zip(ours, theirs, strict=True):
        close(one, other)


@SEEDS
def test_multi_head_attention_is_keras(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    b, t, s, d, heads = 3, 4, 5, 8, int(rng.choice([2, 4]))
    x, memory, params = normal(rng, b, t, d), normal(rng, b, s, d), projections(rng, d)
    mask = rng.random((b, t, s)) < 0.6
    mask[..., -1] = True
    layer = tf.keras.layers.MultiHeadAttention(heads, d // heads, dtype="float64")
    layer.build(x.shape, memory.shape, memory.shape)
    weights = []
    for name in "qkv":
        weights += [params[f"w{name}"].reshape(d, heads, -1), params[f"b{name}"].reshape(heads, -1)]
    layer.set_weights([*weights, params["wo"].reshape(heads, -1, d), params["bo"]])
    theirs = layer(x, memory, attention_mask=mask, return_attention_scores=True)
    for one, other in zip(reference("multi_head_attention", x, memory, params, heads, mask), theirs, strict=True):
        close(one, other, rtol=1e-6)  # Keras takes the root of d in float32


@SEEDS
def test_heads_are_slices_and_merge_undoes_split(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heads, x = 3, normal(rng, 2, int(rng.integers(1, 6)), 12)
    split = reference("split_heads", x, heads)
    for head in range(heads):
        np.testing.assert_array_equal(split[:, head], x[..., 4 * head : 4 * head + 4])
    np.testing.assert_array_equal(reference("merge_heads", split), x)


# the block


@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 6), (3, 3), (2, 7), (5, 6)])
def test_causal_mask_is_torchs_lower_right(reference: Reference, queries: int, keys: int) -> None:
    from torch.nn.attention.bias import causal_lower_right

    theirs = causal_lower_right(queries, keys)._materialize()
    np.testing.assert_array_equal(reference("causal_mask", queries, keys), theirs.numpy())


@SEEDS
def test_layer_norm_is_torchs_and_keras(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, scale, shift, cotangent = normal(rng, 2, 5, 6), normal(rng, 6), normal(rng, 6), normal(rng, 2, 5, 6)
    x[0] *= 1e-3
    leaves = [torch.tensor(array, requires_grad=True) for array in (x, scale, shift)]
    theirs = F.layer_norm(leaves[0], (6,), *leaves[1:])
    close(reference("layer_norm", x, scale, shift), theirs)
    for ours, other in zip(
        reference.gradients("layer_norm", (x, scale, shift), [], cotangent),
        torch.autograd.grad(theirs, leaves, torch.tensor(cotangent)),
        strict=True,
    ):
        close(ours, other)
    layer = tf.keras.layers.LayerNormalization(epsilon=1e-3, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([scale, shift])
    close(reference("layer_norm", x, scale, shift, 1e-3), layer(x), rtol=1e-6)  # Keras computes in float32


@SEEDS
@pytest.mark.parametrize("padded", [False, True])
def test_block_is_torchs_encoder_layer(reference: Reference, seed: int, padded: bool) -> None:
    rng = np.random.default_rng(seed)
    b, t, heads, inner = 3, 6, int(rng.choice([1, 2, 4])), 10
    d = 8
    x, params = normal(rng, b, t, d), a_block(rng, d, inner)
    real = np.arange(t) < rng.integers(1, t + 1, b)[:, None]
    layer = torch.nn.TransformerEncoderLayer(
        d, heads, inner, dropout=0.0, activation="gelu", batch_first=True, norm_first=True, dtype=torch.float64
    )
    names = {"linear1.weight": "w1", "linear2.weight": "w2", "self_attn.out_proj.weight": "wo"}
    names |= {"linear1.bias": "b1", "linear2.bias": "b2", "self_attn.out_proj.bias": "bo"}
    names |= {
        f"norm{n}.{theirs}": f"norm{n}_{ours}"
        for n in (1, 2)
        for theirs, ours in (("weight", "scale"), ("bias", "shift"))
    }
    joined = {
        "self_attn.in_proj_weight": np.concatenate([params[f"w{name}"].T for name in "qkv"]),
        "self_attn.in_proj_bias": np.concatenate([params[f"b{name}"] for name in "qkv"]),
    }
    state = {theirs: params[ours].T for theirs, ours in names.items()} | joined
    layer.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    theirs = layer(
        torch.tensor(x),
        src_mask=~torch.ones(t, t, dtype=torch.bool).tril(),
        src_key_padding_mask=torch.tensor(~real) if padded else None,
    )
    close(reference("transformer_block", x, params, heads, real if padded else None)[0], theirs)


@SEEDS
def test_mlp_has_torchs_exact_gelu(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, params = 3 * normal(rng, 4, 5), a_block(rng, 5, 7)
    w1, b1, w2, b2 = (torch.tensor(params[name]) for name in ("w1", "b1", "w2", "b2"))
    close(reference("feed_forward", x, params), F.gelu(torch.tensor(x) @ w1 + b1) @ w2 + b2)


# positions


@pytest.mark.parametrize("width", [2, 4, 10])
def test_encoding_is_the_papers_formula(reference: Reference, width: int) -> None:
    positions = np.array([0.0, 1.0, 7.0, 2.5, 300.0])
    theirs = [
        [(math.cos if j % 2 else math.sin)(p / 10000 ** (2 * (j // 2) / width)) for j in range(width)]
        for p in positions.tolist()
    ]
    close(reference("sinusoidal_encoding", positions, width), np.array(theirs))


@SEEDS
@pytest.mark.parametrize("layout", ["pairs", "halves"])
def test_rope_multiplies_complex_numbers(reference: Reference, seed: int, layout: str) -> None:
    rng = np.random.default_rng(seed)
    t, half = 6, int(rng.integers(1, 6))
    x, positions = normal(rng, 2, 3, t, 2 * half), rng.integers(0, 1000, t)
    firsts = np.arange(0, 2 * half, 2) if layout == "pairs" else np.arange(half)
    seconds = firsts + (1 if layout == "pairs" else half)
    angles = positions[:, None] * 10000.0 ** (-np.arange(half) / half)
    turned = (x[..., firsts] + 1j * x[..., seconds]) * np.exp(1j * angles)
    theirs = np.empty_like(x)
    theirs[..., firsts], theirs[..., seconds] = turned.real, turned.imag
    close(reference("rope", x, positions, layout), theirs, rtol=1e-10)


@SEEDS
def test_permuted_parameters_give_the_same_attention(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heads, d, t = 2, 16, 7
    x, params, positions = normal(rng, 2, t, d), projections(rng, d), np.arange(t) + int(rng.integers(0, 99))
    q, k, v = (reference("split_heads", x @ params[f"w{name}"] + params[f"b{name}"], heads) for name in "qkv")
    moved = {name: reference("pairs_to_halves", params[name], heads) for name in ("wq", "bq", "wk", "bk")}
    q2, k2 = (reference("split_heads", x @ moved[f"w{name}"] + moved[f"b{name}"], heads) for name in "qk")
    q, k = (reference("rope", part, positions, "pairs") for part in (q, k))
    q2, k2 = (reference("rope", part, positions, "halves") for part in (q2, k2))
    close(q2 @ k2.swapaxes(-1, -2), q @ k.swapaxes(-1, -2))
    y = F.scaled_dot_product_attention(*map(torch.tensor, (q, k, v)), is_causal=True)
    theirs = y.transpose(1, 2).flatten(2).numpy() @ params["wo"] + params["bo"]
    close(reference("rope_attention", x, params, heads, positions), theirs)
    close(reference("rope_attention", x, params, heads, positions + 1000), theirs, rtol=1e-9)


# the cache


def a_model(rng: np.random.Generator, d: int, vocabulary: int) -> dict[str, Any]:
    blocks = [a_block(rng, d, 2 * d) for _ in range(3)]
    return {
        "embedding": normal(rng, vocabulary, d),
        "norm_scale": normal(rng, d),
        "norm_shift": normal(rng, d),
        "blocks": blocks,
    }


@SEEDS
def test_any_chunks_give_what_the_whole_gives(reference: Reference, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heads, d, t = 2, 8, 9
    cuts = [0, *sorted(set(rng.integers(1, t, 4).tolist())), t]
    x, params, model, ids = normal(rng, 2, t, d), projections(rng, d), a_model(rng, d, 11), rng.integers(0, 11, (2, t))
    nothing = reference("empty_cache", x, heads)
    cache, caches, outputs, logits = nothing, [nothing] * 3, [], []
    for first, last in itertools.pairwise(cuts):
        y, cache = reference("cached_attention", x[:, first:last], cache, params, heads)
        outputs.append(y)
        some, caches = reference("decoder", ids[:, first:last], caches, model, heads)
        logits.append(some)
    close(np.concatenate(outputs, 1), reference("rope_attention", x, params, heads, np.arange(t)))
    whole, grown = reference("decoder", ids, [nothing] * 3, model, heads)
    close(np.concatenate(logits, 1), whole)
    for one, other in zip(caches, grown, strict=True):
        close(one["k"], other["k"])
        close(one["v"], other["v"])


@SEEDS
def test_decoder_is_the_same_in_both_frameworks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    heads, d = 2, 8
    model, ids = a_model(rng, d, 11), rng.integers(0, 11, (2, 6))
    caches = [{name: normal(rng, 2, heads, 3, d // heads) for name in "kv"} for _ in range(3)]
    ours, theirs = (
        Reference(load(name), framework)("decoder", ids, caches, model, heads)
        for name, framework in (("sequence", "torch"), ("sequence_tf", "tensorflow"))
    )
    close(ours[0], theirs[0])
