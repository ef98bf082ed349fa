"""Checks of questions 5 and 6: attention, its heads and masks, and the Transformer block."""

import numpy as np
import pytest

from autograder import agree, hidden, question

# Some gradients are 0 but for rounding (a softmax doesn't see the bias of the keys): they need room of their own.
ROOM = {"float64": 1e-13, "float32": 2e-5}

# tf.nn.gelu takes √2 in float32, whatever the dtype is: an honest GELU may be that far off in float64.
GELU_ROOM = {"torch": 0.0, "tensorflow": 5e-7}

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def with_gradients(ns, framework, name, args, cotangents):
    """A function's outputs, and its gradient by every floating tensor in its arguments, named by their places."""
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

        outputs = getattr(ns, name)(*inputs.values())
        flat = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        gradients = torch.autograd.grad(flat, sources, cotangents, allow_unused=True)
        flat, zeros = [output.detach() for output in flat], torch.zeros_like
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = getattr(ns, name)(*inputs.values())
            flat = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
        gradients = tape.gradient(flat, sources, output_gradients=cotangents)
        zeros = tf.zeros_like
    pairs = zip(leaves.items(), gradients, strict=True)
    return flat, {label: zeros(leaf) if gradient is None else gradient for (label, leaf), gradient in pairs}


def compare_with_gradients(student, reference, framework, name, args, cotangents, rtol=0.0):
    request = framework, name, args, cotangents
    got, expected = student.run(with_gradients, *request), reference.run(with_gradients, *request)
    agree(got, expected, names=("the outputs", "the gradients"), atol=ROOM["float64"], rtol=rtol)


def numbers(tensor):
    """A tensor of either framework as an array of its own."""
    return np.array(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor)


def a_mask(data, *shape):
    """True at two of three places, and in each row somewhere."""
    mask = data.uniform(*shape) < 0.65
    mask[..., 0] |= ~mask.any(axis=-1)
    return mask


# -- attention ----------------------------------------------------------------------------------------------------

KINDS = [
    ("no mask", "float64"),
    ("a mask for all", "float32"),
    ("a mask for each", "float64"),
    ("rows of nothing", "float64"),
    ("rows of nothing", "float32"),
]


def an_attention(data, kind, dtype="float64"):
    """q, k, v and a mask, as tensors."""
    b, t = data.size(2, 3), data.size(3, 4)
    s, d = t + data.size(1, 3), data.size(5, 8)
    q, k, v = (data.normal(b, 2, *shape, dtype=dtype) for shape in ((t, d), (s, d), (s, d + data.size(1, 2))))
    mask = {"no mask": None, "a mask for all": a_mask(data, t, s)}.get(kind, a_mask(data, b, 1, t, s))
    if kind == "rows of nothing":
        mask[data.size(0, b - 1), 0, data.size(0, t - 1)] = False
        mask[0, 0, :2] = False
    return *map(data.tensor, (q, k, v)), None if mask is None else data.tensor(mask)


OUTPUTS = ("y", "the weights")
GRADIENTS = ("dq", "dk", "dv")


@question("attention")
@pytest.mark.parametrize(("kind", "dtype"), KINDS)
def test_attention(student, reference, data, kind, dtype):
    """y and the weights"""
    args = an_attention(data, kind, dtype)
    agree(student.attention(*args), reference.attention(*args), names=OUTPUTS)


@question("attention")
@pytest.mark.parametrize(
    ("kind", "dtype"), [("no mask", "float64"), ("a mask for each", "float32"), ("rows of nothing", "float64")]
)
def test_gradients_of_attention(student, reference, data, kind, dtype):
    """the gradients by q, k and v"""
    args = an_attention(data, kind, dtype)
    q, k, v = (tuple(tensor.shape) for tensor in args[:3])
    cotangents = tuple(data.tensor(data.normal(*q[:-1], last, dtype=dtype)) for last in (v[-1], k[-2]))
    got, expected = (side.grad("attention", args, cotangents, wrt=(0, 1, 2)) for side in (student, reference))
    agree(got, expected, names=GRADIENTS, atol=ROOM[dtype])


@question("attention")
def test_large_scores(student, reference, data):
    """scores near -50000, and a mask"""
    t, s, d = data.size(3, 4), data.size(5, 6), data.size(6, 8)
    q, k = 150 + 0.02 * data.normal(t, d), -150 + 0.02 * data.normal(s, d)
    mask = a_mask(data, t, s)
    mask[:, 1] = False
    args = *(data.tensor(np.float32(array).astype(float)) for array in (q, k)), data.tensor(data.normal(s, 3))
    got, expected = (side.attention(*args, data.tensor(mask)) for side in (student, reference))
    agree(got, expected, names=OUTPUTS, rtol=1e-10)  # the last place of such a score is 7e-12


# -- heads --------------------------------------------------------------------------------------------------------


@question("split_heads")
@pytest.mark.parametrize(("heads", "dtype"), [(2, "float64"), (3, "float32"), (1, "float64")])
def test_split(student, reference, data, heads, dtype):
    """each head its slice; heads"""
    x = data.normal(data.size(2, 3), data.size(4, 6), heads * data.size(2, 5), dtype=dtype)
    agree(student.split_heads(data.tensor(x), heads), reference.split_heads(data.tensor(x), heads), what="the heads")


@question("split_heads")
def test_split_as_long_as_wide(student, reference, data):
    """as many positions as heads, and as many features in each"""
    n = data.size(3, 4)
    x = data.tensor(data.normal(n, n, n * n))
    agree(student.split_heads(x, n), reference.split_heads(x, n), what="the heads")


@question("merge_heads")
@pytest.mark.parametrize(("heads", "dtype"), [(2, "float64"), (3, "float32"), (1, "float64")])
def test_merge(student, reference, data, heads, dtype):
    """heads back in a row"""
    x = data.tensor(data.normal(data.size(2, 3), heads, data.size(4, 6), data.size(2, 5), dtype=dtype))
    agree(student.merge_heads(x), reference.merge_heads(x), what="the features")


@question("merge_heads")
def test_merge_as_long_as_wide(student, reference, data):
    """as many positions as heads, and as many features in each"""
    n = data.size(3, 4)
    x = data.tensor(data.normal(n, n, n, n))
    agree(student.merge_heads(x), reference.merge_heads(x), what="the features")


# -- multi-head attention -----------------------------------------------------------------------------------------


def projections(data, d, e, dtype):
    """wq, wk, wv, wo and their biases, as arrays."""
    rows = {"q": d, "k": e, "v": e, "o": d}
    params = {f"w{name}": data.normal(size, d, scale=size**-0.5, dtype=dtype) for name, size in rows.items()}
    return params | {f"b{name}": data.normal(d, scale=0.5, dtype=dtype) for name in rows}


def tensors(data, params):
    return {name: data.tensor(array) for name, array in params.items()}


def a_layer(data, kind, dtype="float64"):
    """x, memory, params, heads, mask, as the question has them; as many examples as heads."""
    heads = b = data.size(2, 3)
    t, d = data.size(3, 4), heads * data.size(2, 3)
    x = memory = data.normal(b, t, d, dtype=dtype)
    if kind == "cross":
        memory = data.normal(b, t + data.size(1, 3), d + data.size(1, 3), dtype=dtype)
    s = memory.shape[1]
    mask = {"no mask": None, "one mask": a_mask(data, t, s)}.get(kind, a_mask(data, b, t, s))
    if kind == "rows of nothing":
        mask[:, data.size(0, t - 1)] = False
    params = tensors(data, projections(data, d, memory.shape[2], dtype))
    return {
        "x": data.tensor(x),
        "memory": data.tensor(memory),
        "params": params,
        "heads": heads,
        "mask": None if mask is None else data.tensor(mask),
    }


LAYERS = [
    ("no mask", "float64"),
    ("one mask", "float32"),
    ("a mask for each", "float64"),
    ("cross", "float64"),
    ("cross", "float32"),
]


@question("multi_head_attention")
@pytest.mark.parametrize(("kind", "dtype"), LAYERS)
def test_layer(student, reference, data, kind, dtype):
    """y and the weights"""
    args = a_layer(data, kind, dtype).values()
    agree(student.multi_head_attention(*args), reference.multi_head_attention(*args), names=OUTPUTS)


@question("multi_head_attention")
@pytest.mark.parametrize("kind", ["cross", "rows of nothing"])
def test_gradients_of_layer(student, reference, data, framework, kind):
    """the gradients by x, memory and all parameters"""
    args = a_layer(data, kind)
    (b, t, d), s = args["x"].shape, args["memory"].shape[1]
    cotangents = [data.tensor(data.normal(*shape)) for shape in ((b, t, d), (b, args["heads"], t, s))]
    compare_with_gradients(student, reference, framework, "multi_head_attention", args, cotangents)


# -- the parts of the block ---------------------------------------------------------------------------------------


@question("causal_mask")
@pytest.mark.parametrize("kind", ["a square", "a rectangle", "one query", "one position"])
def test_causal_mask(student, data, kind):
    """who sees whom"""
    keys = 1 if kind == "one position" else data.size(4, 9)
    queries = {"a square": keys, "a rectangle": data.size(2, 3)}.get(kind, 1)
    expected = [[key <= keys - queries + query for key in range(keys)] for query in range(queries)]
    agree(student.causal_mask(queries, keys), data.tensor(np.array(expected)), what="the mask")


def a_norm(data, kind, dtype="float64"):
    """x, scale, shift."""
    shape = (data.size(5, 7),) if kind == "no leading axes" else (data.size(2, 3), data.size(2, 4), data.size(3, 5))
    scale = 1e-3 if kind == "small numbers" else 2.0
    x = data.normal(*shape, scale=scale, dtype=dtype) + np.asarray(0.5 * scale, dtype)
    if kind == "all the same":
        x[..., 0, :] = data.choice([-2, 1, 4])  # sums of these are exact
    return x, 1 + data.normal(shape[-1], scale=0.5, dtype=dtype), data.normal(shape[-1], dtype=dtype)


@question("layer_norm")
@DTYPES
@pytest.mark.parametrize("kind", ["plain", "small numbers", "no leading axes"])
def test_norm(student, reference, data, kind, dtype):
    """y"""
    args = tuple(map(data.tensor, a_norm(data, kind, dtype)))
    agree(student.layer_norm(*args), reference.layer_norm(*args), what="y")


@question("layer_norm")
def test_other_eps(student, reference, data):
    """another eps"""
    args = *map(data.tensor, a_norm(data, "small numbers")), data.choice([1e-3, 1e-6, 1e-8])
    agree(student.layer_norm(*args), reference.layer_norm(*args), what="y")


@question("layer_norm")
@pytest.mark.parametrize("kind", ["plain", "all the same"])
def test_gradients_of_norm(student, reference, data, kind):
    """the gradients by x, scale and shift"""
    args = a_norm(data, kind)
    cotangents = (data.tensor(data.normal(*args[0].shape)),)
    args = tuple(map(data.tensor, args))
    got, expected = (side.grad("layer_norm", args, cotangents, wrt=(0, 1, 2)) for side in (student, reference))
    agree(got, expected, names=("dx", "dscale", "dshift"))


def an_mlp(data, d, dtype):
    inner = d + data.size(2, 4)
    return {
        "w1": data.normal(d, inner, scale=1.5 * d**-0.5, dtype=dtype),
        "b1": data.normal(inner, scale=0.5, dtype=dtype),
        "w2": data.normal(inner, d, scale=inner**-0.5, dtype=dtype),
        "b2": data.normal(d, dtype=dtype),
    }


@question("feed_forward")
@DTYPES
@pytest.mark.parametrize("lead", [(4,), (2, 3)], ids=["positions", "a batch of them"])
def test_mlp(student, reference, data, framework, lead, dtype):
    """y for inputs of any shape"""
    d = data.size(3, 5)
    args = data.tensor(data.normal(*lead, d, dtype=dtype)), tensors(data, an_mlp(data, d, dtype))
    agree(student.feed_forward(*args), reference.feed_forward(*args), what="y", rtol=GELU_ROOM[framework])


@question("feed_forward")
def test_gradients_of_mlp(student, reference, data, framework):
    """the gradients by x and all parameters"""
    d = data.size(3, 5)
    args = {"x": data.tensor(data.normal(2, 4, d)), "params": tensors(data, an_mlp(data, d, "float64"))}
    cotangents = [data.tensor(data.normal(2, 4, d))]
    compare_with_gradients(student, reference, framework, "feed_forward", args, cotangents, GELU_ROOM[framework])


# -- the block ----------------------------------------------------------------------------------------------------


def a_block(data, d, dtype="float64"):
    """The parameters of a block, as tensors."""
    norms = {f"norm{n}_scale": 1 + data.normal(d, scale=0.3, dtype=dtype) for n in (1, 2)}
    norms |= {f"norm{n}_shift": data.normal(d, scale=0.3, dtype=dtype) for n in (1, 2)}
    return tensors(data, projections(data, d, d, dtype) | an_mlp(data, d, dtype) | norms)


def a_sequence(data, padding, dtype="float64"):
    """x, params, heads, real."""
    heads, b, t = 2, data.size(2, 3), data.size(4, 5)
    d = heads * data.size(2, 3)
    gone = np.array([data.size(1, t - 2) for _ in range(b)])[:, None]
    real = {"left": np.arange(t) >= gone, "right": np.arange(t) < t - gone}.get(padding)
    x = data.normal(b, t, d, scale=1.5, dtype=dtype)
    return {
        "x": data.tensor(x),
        "params": a_block(data, d, dtype),
        "heads": heads,
        "real": None if real is None else data.tensor(real),
    }


@question("transformer_block")
@pytest.mark.parametrize(
    ("padding", "dtype"), [("no", "float64"), ("no", "float32"), ("right", "float64"), ("left", "float64")]
)
def test_block(student, reference, data, framework, padding, dtype):
    """y and the weights; padding"""
    args = a_sequence(data, padding, dtype).values()
    got, expected = student.transformer_block(*args), reference.transformer_block(*args)
    agree(got, expected, names=OUTPUTS, rtol=GELU_ROOM[framework])


@question("transformer_block")
def test_gradients_of_block(student, reference, data, framework):
    """the gradients by x and all parameters, with padding at the left"""
    args = a_sequence(data, "left")
    (b, t, d), heads = args["x"].shape, args["heads"]
    cotangents = [data.tensor(data.normal(*shape)) for shape in ((b, t, d), (b, heads, t, t))]
    compare_with_gradients(student, reference, framework, "transformer_block", args, cotangents, GELU_ROOM[framework])


@question("transformer_block")
def test_future(student, reference, data, framework):
    """a change in the future changes nothing before it"""
    args = a_sequence(data, "no")
    x = numbers(args["x"])
    now = data.size(1, x.shape[1] - 1)
    expected = reference.transformer_block(*args.values())[0]
    x[:, now:] = data.normal(*x[:, now:].shape, scale=30.0)
    got = student.transformer_block(*(args | {"x": data.tensor(x)}).values())[0]
    agree(got[:, :now], expected[:, :now], what="y before the change", rtol=GELU_ROOM[framework])
