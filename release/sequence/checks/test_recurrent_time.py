"""Checks of question 2: the LSTM over time, forward and backward."""

import numpy as np
import pytest

from autograder import agree, hidden, question

BOTH = pytest.mark.parametrize("dtype", ["float64", "float32"])

# The gates in the cache are rounded, and whoever computes them anew rounds them otherwise: by a few units in the last
# place of sums that come to 10.
ROOM = {"float64": 3e-14, "float32": 1.5e-5}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def an_lstm(data, dtype, *, b=None, t=None, inputs=None, size=None, scale=1.0, forget=0.0, memory=1.0):
    """NumPy arrays: x, h, c, params."""
    b, t = b or data.size(2, 4), t or data.size(4, 6)
    inputs, size = inputs or data.size(2, 4), size or data.size(5, 6)
    params = {
        "w_x": data.normal(inputs, 4 * size, scale=scale, dtype=dtype),
        "w_h": data.normal(size, 4 * size, scale=0.7, dtype=dtype),
        "b": data.normal(4 * size, dtype=dtype),
    }
    params["b"][size : 2 * size] += np.asarray(forget, dtype)
    x, h = data.normal(b, t, inputs, dtype=dtype), data.normal(b, size, dtype=dtype)
    return x, h, data.normal(b, size, scale=memory, dtype=dtype), params


def walk(x, h, c, params):
    """The cache of an LSTM over a sequence, as lstm_forward gives it, but in NumPy."""
    cache = []
    for t in range(x.shape[1]):
        a = np.split(x[:, t] @ params["w_x"] + h @ params["w_h"] + params["b"], 4, axis=1)
        gates = sigmoid(a[0]), sigmoid(a[1]), np.tanh(a[2]), sigmoid(a[3])
        cache.append((x[:, t], h, c, gates))
        c = gates[1] * c + gates[0] * gates[2]
        h = gates[3] * np.tanh(c)
    return cache


def tensors(data, value):
    """Nested arrays as the graded notebook's tensors."""
    if isinstance(value, dict):
        return {name: tensors(data, array) for name, array in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(tensors(data, part) for part in value)
    return data.tensor(value)


def gradients_by_framework(ns, framework, x, h, c, params, dhs, dh, dc):
    """The gradients of lstm_forward by autograd or GradientTape."""
    names, leaves = list(params), [x, h, c, *params.values()]
    if framework == "torch":
        import torch

        leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
        outputs = ns.lstm_forward(*leaves[:3], dict(zip(names, leaves[3:], strict=True)))
        grads = torch.autograd.grad(outputs[:3], leaves, (dhs, dh, dc))
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(leaves)
            outputs = ns.lstm_forward(*leaves[:3], dict(zip(names, leaves[3:], strict=True)))
        grads = tape.gradient(list(outputs[:3]), leaves, output_gradients=[dhs, dh, dc])
    return *grads[:3], dict(zip(names, grads[3:], strict=True))


# -- forward ------------------------------------------------------------------------------------------------------

FORWARD = ("hs", "h", "c", "cache")


@question("lstm_forward")
@BOTH
@pytest.mark.parametrize("t", [None, 1], ids=["steps", "one step"])
def test_over_time(student, reference, data, t, dtype):
    """every state, the last ones and the cache"""
    args = tensors(data, an_lstm(data, dtype, t=t))
    agree(student.lstm_forward(*args), reference.lstm_forward(*args), names=FORWARD)


def without_cache(ns, x, h, c, params):
    """What lstm_forward gives, of the cache only the last entry: an answer has at most 64 arrays."""
    hs, h, c, cache = ns.lstm_forward(x, h, c, params)
    return hs, h, c, cache[-1], len(cache)


# -- one step back ------------------------------------------------------------------------------------------------

GATES = ("da", "dc")
STEP = ("dx", "dh", "dc", "dparams")


def an_entry(data, dtype, at=-1, **options):
    """An entry of the cache, the parameters, and cotangents of the new h and c."""
    x, h, c, params = an_lstm(data, dtype, t=2, **options)
    entry = walk(x, h, c, params)[at]
    cotangents = data.normal(*c.shape, dtype=dtype), data.normal(*c.shape, dtype=dtype)
    return tensors(data, (cotangents, entry, params))


@question("lstm_gates_backward")
@BOTH
@pytest.mark.parametrize("zero", ["neither", "dc", "dh"])
def test_gates(student, reference, data, zero, dtype):
    """da and dc; with one of dh and dc 0"""
    (dh, dc), (_, _, c, gates), _ = an_entry(data, dtype)
    args = dh * float(zero != "dh"), dc * float(zero != "dc"), c, gates
    agree(student.lstm_gates_backward(*args), reference.lstm_gates_backward(*args), names=GATES)


@question("lstm_step_backward")
@BOTH
def test_one_step(student, reference, data, dtype):
    """every gradient of one step"""
    (dh, dc), entry, params = an_entry(data, dtype)
    args = dh, dc, *entry, params
    agree(student.lstm_step_backward(*args), reference.lstm_step_backward(*args), names=STEP, rtol=ROOM[dtype])


@question("lstm_step_backward")
@pytest.mark.parametrize("kind", ["equal sizes", "one row", "width 1"])
def test_one_step_of_sizes(student, reference, data, kind):
    """every gradient of one step"""
    n = data.size(3, 5)
    options = {
        "equal sizes": {"b": n, "inputs": n, "size": n},
        "one row": {"b": 1},
        "width 1": {"inputs": 1, "size": 1},
    }
    (dh, dc), entry, params = an_entry(data, "float64", **options[kind])
    args = dh, dc, *entry, params
    agree(student.lstm_step_backward(*args), reference.lstm_step_backward(*args), names=STEP, rtol=ROOM["float64"])


@question("lstm_step_backward")
def test_one_step_by_framework(student, reference, data, framework):
    """every gradient of one step, beside those of the framework"""
    x, h, c, params = an_lstm(data, "float64", t=1)
    dh, dc = (data.tensor(data.normal(*c.shape)) for _ in "hc")
    got = student.lstm_step_backward(dh, dc, *tensors(data, walk(x, h, c, params)[0]), tensors(data, params))
    dhs = data.tensor(np.zeros((*x.shape[:2], c.shape[1])))
    args = framework, *tensors(data, (x, h, c, params)), dhs, dh, dc
    dx, *others = reference.run(gradients_by_framework, *args)
    for name, mine, expected in zip(STEP, got, (dx[:, 0], *others), strict=True):
        agree(mine, expected, what=name, rtol=ROOM["float64"])


# -- back through time --------------------------------------------------------------------------------------------

TIME = ("dx", "dh", "dc", "dparams")


def cotangents_of(data, x, h, dtype, of="all"):
    """dhs, dh and dc, of which some may be 0."""
    shapes = {"dhs": (*x.shape[:2], h.shape[1]), "dh": h.shape, "dc": h.shape}
    keep = shapes if of == "all" else (of,)
    return [data.normal(*shape, dtype=dtype) * np.asarray(name in keep, dtype) for name, shape in shapes.items()]


def compare_with_framework(student, reference, data, framework, dtype, of="all", **options):
    arrays = an_lstm(data, dtype, **options)
    cotangents = tensors(data, cotangents_of(data, arrays[0], arrays[1], dtype, of))
    cache, params = tensors(data, walk(*arrays)), tensors(data, arrays[3])
    got = student.lstm_backward(*cotangents, cache, params)
    expected = reference.run(gradients_by_framework, framework, *tensors(data, arrays), *cotangents)
    agree(got, expected, names=TIME, rtol=ROOM[dtype])


@question("lstm_backward")
@BOTH
def test_through_time(student, reference, data, framework, dtype):
    """every gradient, beside those of the framework"""
    compare_with_framework(student, reference, data, framework, dtype)


@question("lstm_backward")
@pytest.mark.parametrize("of", ["dhs", "dh", "dc"])
def test_one_cotangent(student, reference, data, framework, of):
    """every gradient, where the loss looks at the states, the last h or the last c"""
    compare_with_framework(student, reference, data, framework, "float64", of)


@question("lstm_backward")
def test_a_single_step(student, reference, data, framework):
    """one step"""
    compare_with_framework(student, reference, data, framework, "float64", t=1)
