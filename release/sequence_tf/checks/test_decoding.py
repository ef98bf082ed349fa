"""Checks of questions 7 and 8: positions, RoPE, the cache of keys and values, and the decoder."""

import numpy as np
import pytest

from autograder import agree, hidden, question

# Some gradients are 0 but for rounding: they need room of their own.
ROOM = {"float64": 1e-13, "float32": 2e-5}

# tf.nn.gelu takes √2 in float32, whatever the dtype is: an honest GELU may be that far off in float64.
GELU_ROOM = {"torch": 1e-12, "tensorflow": 5e-7}

# The last place of an angle of 120 is 1.4e-14, and honest ways to compute one differ by a few of those.
ANGLE_ROOM = 2e-13

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
LAYOUTS = pytest.mark.parametrize("layout", ["pairs", "halves"])


def with_gradients(ns, framework, name, args, cotangents):
    """A function's first output, and its gradient by every floating tensor in its arguments, named by their places."""
    leaves = {}

    def watched(value, label):
        if isinstance(value, dict):
            return {key: watched(item, f"{label}.{key}".strip(".")) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [watched(item, f"{label}[{at}]") for at, item in enumerate(value)]
        if "float" in str(getattr(value, "dtype", "")):
            value = leaves[label] = value.detach().clone().requires_grad_() if framework == "torch" else value
        return value

    inputs = watched(args, "")
    sources = list(leaves.values())
    if framework == "torch":
        import torch

        output = getattr(ns, name)(*inputs.values())
        output = output[0] if isinstance(output, (tuple, list)) else output
        gradients = torch.autograd.grad(output, sources, cotangents, allow_unused=True)
        output, zeros = output.detach(), torch.zeros_like
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(sources)
            output = getattr(ns, name)(*inputs.values())
            output = output[0] if isinstance(output, (tuple, list)) else output
        gradients = tape.gradient(output, sources, output_gradients=cotangents)
        gradients = [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]
        zeros = tf.zeros_like
    pairs = zip(leaves.items(), gradients, strict=True)
    return output, {label: zeros(leaf) if gradient is None else gradient for (label, leaf), gradient in pairs}


def compare_with_gradients(student, reference, framework, name, args, cotangents, rtol=0.0):
    request = framework, name, args, cotangents
    got, expected = student.run(with_gradients, *request), reference.run(with_gradients, *request)
    agree(got, expected, names=("the output", "the gradients"), atol=ROOM["float64"], rtol=rtol)


def numbers(tensor):
    """A tensor of either framework as an array of its own."""
    return np.array(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)


def tensors(data, params):
    return {name: data.tensor(array) for name, array in params.items()}


# -- sinusoids ----------------------------------------------------------------------------------------------------


@question("sinusoidal_encoding")
@DTYPES
@pytest.mark.parametrize("width", [2, 6, 16])
def test_encoding(student, reference, data, width, dtype):
    """sines and cosines; width"""
    positions = data.tensor(np.arange(data.size(5, 12)).astype(dtype))
    got, expected = (side.sinusoidal_encoding(positions, width) for side in (student, reference))
    agree(got, expected, what="the encoding")


@question("sinusoidal_encoding")
def test_offsets(student, data):
    """dot products depend on offsets only, as the sum of cosines that they are"""
    width, at = 2 * data.size(4, 8), np.sort(data.integers(0, 60, 7)).astype(float)
    encoding = numbers(student.sinusoidal_encoding(data.tensor(at + data.size(1, 40)), width))
    offsets = at[:, None, None] - at[:, None]
    expected = np.cos(offsets / 10000 ** (np.arange(0, width, 2) / width)).sum(-1)
    agree(encoding @ encoding.T, expected, what="the table of dot products", rtol=1e-12)


# -- RoPE ---------------------------------------------------------------------------------------------------------


@question("rope")
@DTYPES
@LAYOUTS
def test_rope(student, reference, data, layout, dtype):
    """queries turned; layout"""
    b, t, d = data.size(1, 3), data.size(4, 6), 2 * data.size(3, 5)
    x = data.tensor(data.normal(b, 2, t, d, dtype=dtype))
    args = x, data.tensor(np.arange(t) + data.size(0, 20)), layout
    agree(student.rope(*args), reference.rope(*args), what="the turned queries")


@question("rope")
def test_rope_by_default(student, reference, data):
    """pairs unless said otherwise, and position 0"""
    t, d = data.size(4, 6), 2 * data.size(3, 5)
    args = data.tensor(data.normal(t, d)), data.tensor(np.arange(t))
    agree(student.rope(*args), reference.rope(*args), what="the turned queries")


@question("rope")
@LAYOUTS
def test_relative(student, data, layout):
    """dot products depend on offsets only, turned number by number; layout"""
    t, half = data.size(4, 5), data.size(3, 4)
    q, k, at = data.normal(t, 2 * half), data.normal(t, 2 * half), data.permutation(30)[:t]
    shifted = data.tensor(at + data.size(1, 500))
    got = [numbers(student.rope(data.tensor(x), shifted, layout)) for x in (q, k)]
    order = np.arange(2 * half)
    firsts, seconds = (order[::2], order[1::2]) if layout == "pairs" else (order[:half], order[half:])
    one, other = (x[:, firsts] + 1j * x[:, seconds] for x in (q, k))
    angles = (at[:, None, None] - at[:, None]) / 10000 ** (np.arange(half) / half)
    expected = (one[:, None] * other.conj() * np.exp(1j * angles)).sum(-1).real
    agree(got[0] @ got[1].T, expected, what="the table of dot products", rtol=2e-11)


# -- the layout of a checkpoint -----------------------------------------------------------------------------------


@question("pairs_to_halves")
@DTYPES
@pytest.mark.parametrize("lead", ["a weight", "a bias"])
def test_permuted(student, reference, data, lead, dtype):
    """the columns in their new order"""
    heads = data.size(2, 3)
    d = heads * 2 * data.size(3, 5)
    w = data.tensor(data.normal(*((d,) if lead == "a weight" else ()), d, dtype=dtype))
    agree(student.pairs_to_halves(w, heads), reference.pairs_to_halves(w, heads), what="the new parameter")


@question("pairs_to_halves")
def test_same_products(student, data):
    """the same dot products with the other layout"""
    heads, half, t = 2, data.size(3, 4), data.size(3, 5)
    x, at = data.normal(t, 5), np.arange(t)
    weights = [data.normal(5, heads * 2 * half) for _ in "qk"]
    halved = [numbers(student.pairs_to_halves(data.tensor(w), heads)) for w in weights]
    turns = np.exp(1j * at[:, None] / 10000 ** (np.arange(half) / half))

    def scores(projections, pair):
        q, k = (pair((x @ w).reshape(t, heads, 2 * half)) * turns[:, None] for w in projections)
        return np.einsum("ihd,jhd->hij", q, k.conj()).real

    expected = scores(weights, lambda x: x[..., ::2] + 1j * x[..., 1::2])
    agree(scores(halved, lambda x: x[..., :half] + 1j * x[..., half:]), expected, what="the scores", rtol=1e-12)


# -- attention with RoPE ------------------------------------------------------------------------------------------


def projections(data, d, dtype="float64"):
    params = {f"w{name}": data.normal(d, d, scale=1.3 * d**-0.5, dtype=dtype) for name in "qkvo"}
    return params | {f"b{name}": data.normal(d, scale=0.5, dtype=dtype) for name in "qkvo"}


def a_layer(data, dtype="float64"):
    """x, params, heads."""
    heads, b, t = data.size(2, 3), data.size(2, 3), data.size(5, 7)
    d = heads * 2 * data.size(2, 3)
    x = data.normal(b, t, d, dtype=dtype)
    return {"x": data.tensor(x), "params": tensors(data, projections(data, d, dtype)), "heads": heads}


@question("rope_attention")
@pytest.mark.parametrize(("first", "dtype"), [(0, "float64"), (0, "float32"), (9, "float64")])
def test_rope_attention(student, reference, data, first, dtype):
    """y; the first position"""
    args = *a_layer(data, dtype).values(), None
    args = *args[:3], data.tensor(np.arange(args[0].shape[1]) + first)
    agree(student.rope_attention(*args), reference.rope_attention(*args), what="y")


@question("rope_attention")
def test_gradients_of_rope_attention(student, reference, data, framework):
    """the gradients by x and all parameters"""
    args = a_layer(data)
    cotangents = [data.tensor(data.normal(*args["x"].shape))]
    args |= {"positions": data.tensor(np.arange(args["x"].shape[1]))}
    compare_with_gradients(student, reference, framework, "rope_attention", args, cotangents)


@question("rope_attention")
def test_shifted(student, reference, data):
    """positions with gaps, all shifted by one number"""
    args = a_layer(data).values()
    t = next(iter(args)).shape[1]
    at = np.cumsum(data.integers(1, 5, t))
    got = student.rope_attention(*args, data.tensor(at + data.size(10, 90)))
    agree(got, reference.rope_attention(*args, data.tensor(at)), what="y", rtol=1e-11)


# -- the cache ----------------------------------------------------------------------------------------------------


def a_cache(data, x, heads, past, dtype="float64"):
    b, _, d = x.shape
    return tensors(data, {name: data.normal(b, heads, past, d // heads, dtype=dtype) for name in "kv"})


def in_chunks(ns, framework, name, inputs, lengths, cache, params, heads):
    """The outputs of a sequence given in chunks, put together, and the last cache."""
    if framework == "torch":
        from torch import cat as joined
    else:
        from tensorflow import concat as joined

    outputs, start = [], 0
    for length in lengths:
        output, cache = getattr(ns, name)(inputs[:, start : start + length], cache, params, heads)
        outputs.append(output)
        start += length
    return joined(outputs, 1), cache


def twice(ns, x, cache, params, heads):
    """Two continuations of one prompt: the second one's output and cache."""
    t = x.shape[1] - 2
    _, cache = ns.cached_attention(x[:, :t], cache, params, heads)
    ns.cached_attention(x[:, t : t + 1], cache, params, heads)
    return ns.cached_attention(x[:, t + 1 :], cache, params, heads)


STEP = ("y", "the cache")


@question("cached_attention")
@pytest.mark.parametrize(
    ("past", "chunk", "dtype"),
    [(0, 5, "float64"), (4, 1, "float64"), (6, 3, "float64"), (5, 4, "float32")],
    ids=["the first chunk", "one token", "a chunk", "a chunk-float32"],
)
def test_step(student, reference, data, past, chunk, dtype):
    """one step: y and the new cache"""
    args = a_layer(data, dtype)
    x = args["x"][:, :chunk]
    past += data.size(0, 2) * bool(past)
    args = x, a_cache(data, x, args["heads"], past, dtype), args["params"], args["heads"]
    agree(student.cached_attention(*args), reference.cached_attention(*args), names=STEP)


@question("cached_attention")
@pytest.mark.parametrize("kind", ["one by one", "in chunks"])
def test_decoding(student, reference, data, framework, kind):
    """a sequence step by step equals the full forward"""
    x, params, heads = a_layer(data).values()
    t = 4 if kind == "one by one" else x.shape[1]
    x, first = x[:, :t], data.size(2, 3)
    lengths = [1] * t if kind == "one by one" else [first, t - first]
    args = framework, "cached_attention", x, lengths, a_cache(data, x, heads, 0), params, heads
    got, expected = student.run(in_chunks, *args), reference.run(in_chunks, *args)
    agree(got[0], reference.rope_attention(x, params, heads, data.tensor(np.arange(t))), what="y", rtol=1e-13)
    agree(got[1], expected[1], what="the cache")


@question("cached_attention")
def test_two_continuations(student, reference, data):
    """two continuations from one cache"""
    x, params, heads = a_layer(data).values()
    args = x, a_cache(data, x, heads, 0), params, heads
    agree(student.run(twice, *args), reference.run(twice, *args), names=STEP)


# -- the decoder --------------------------------------------------------------------------------------------------


def a_block(data, d, dtype):
    """The parameters of a block, as tensors."""
    inner = d + data.size(2, 4)
    arrays = projections(data, d, dtype) | {
        "w1": data.normal(d, inner, scale=1.5 * d**-0.5, dtype=dtype),
        "b1": data.normal(inner, scale=0.5, dtype=dtype),
        "w2": data.normal(inner, d, scale=inner**-0.5, dtype=dtype),
        "b2": data.normal(d, dtype=dtype),
    }
    arrays |= {f"norm{n}_scale": 1 + data.normal(d, scale=0.3, dtype=dtype) for n in (1, 2)}
    return tensors(data, arrays | {f"norm{n}_shift": data.normal(d, scale=0.3, dtype=dtype) for n in (1, 2)})


def a_model(data, past, dtype="float64", layers=2):
    """ids, caches, params, heads."""
    heads, b, t, v = 2, 2, data.size(4, 5), data.size(6, 9)
    d = heads * 2 * data.size(1, 2)
    x = np.zeros((b, t, d))
    params = {
        "embedding": data.tensor(data.normal(v, d, dtype=dtype)),
        "norm_scale": data.tensor(1 + data.normal(d, scale=0.3, dtype=dtype)),
        "norm_shift": data.tensor(data.normal(d, scale=0.3, dtype=dtype)),
        "blocks": [a_block(data, d, dtype) for _ in range(layers)],
    }
    ids = data.tensor(data.integers(0, v, b, t))
    caches = [a_cache(data, x, heads, past, dtype) for _ in range(layers)]
    return {"ids": ids, "caches": caches, "params": params, "heads": heads}


MODEL = ("the logits", "the caches")


@question("decoder")
@pytest.mark.parametrize(("past", "dtype"), [(3, "float64"), (2, "float32")])
def test_decoder(student, reference, data, framework, past, dtype):
    """the logits and the new caches; positions before"""
    args = a_model(data, past, dtype).values()
    agree(student.decoder(*args), reference.decoder(*args), names=MODEL, rtol=GELU_ROOM[framework])


@question("decoder")
def test_decoder_in_chunks(student, reference, data, framework):
    """a prompt, a token and a chunk equal the full forward"""
    args = a_model(data, 0)
    ids, caches, params, heads = args.values()
    request = framework, "decoder", ids, [2, 1, ids.shape[1] - 3], caches, params, heads
    logits, grown = student.run(in_chunks, *request)
    expected, full = reference.decoder(*args.values())
    agree(logits, expected, what="the logits", rtol=GELU_ROOM[framework])
    agree(grown, full, what="the caches", rtol=GELU_ROOM[framework])
