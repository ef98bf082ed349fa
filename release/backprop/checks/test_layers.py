"""Checks of the layers with derivatives by hand: affine, softmax cross-entropy, BatchNorm, LayerNorm, RMSNorm."""

import numpy as np
import pytest

from autograder import agree, hidden, question

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


FAR = {"float32": np.float32(100), "float64": np.float64(100_000)}  # where a variance in one pass loses its digits


def exact(x):
    """x rounded to what float32 holds: the reference is run on the same numbers in both precisions."""
    return x.astype(np.float32).astype(x.dtype)


# -- affine -------------------------------------------------------------------------------------------------------

LEADS = {"a vector": 0, "a batch": 1, "a batch of sequences": 2, "three leading axes": 3}


def affine_inputs(data, axes, dtype, *, lead=None):
    """x, w, b and a cotangent of the output."""
    lead = tuple(data.size(2, 4) for _ in range(axes)) if lead is None else lead
    d, m = data.size(2, 6), data.size(2, 6)
    x, w, b = data.normal(*lead, d, dtype=dtype), data.normal(d, m, dtype=dtype), data.normal(m, dtype=dtype)
    return x, w, b, data.normal(*lead, m, dtype=dtype)


def affine_gradients(ns, x, w, b, dout):
    _, cache = ns.affine_forward(x, w, b)
    return ns.affine_backward(dout, cache)


@question("affine_forward")
@DTYPES
@pytest.mark.parametrize("axes", LEADS.values(), ids=LEADS)
def test_affine(student, reference, data, axes, dtype):
    """The output for inputs of any shape"""
    x, w, b, _ = affine_inputs(data, axes, dtype)
    out, _ = student.affine_forward(x, w, b)
    expected, _ = reference.affine_forward(x, w, b)
    agree(out, expected, what="out")


@question("affine_backward")
@DTYPES
@pytest.mark.parametrize("axes", LEADS.values(), ids=LEADS)
def test_affine_gradients(student, reference, data, axes, dtype):
    """dx, dw and db for inputs of any shape"""
    inputs = affine_inputs(data, axes, dtype)
    agree(affine_gradients(student, *inputs), affine_gradients(reference, *inputs), names=("dx", "dw", "db"))


@question("affine_backward")
def test_affine_gradients_of_squares(student, reference, data):
    """N = D = M, where a wrong transpose still fits"""
    n = data.size(3, 5)
    inputs = data.normal(n, n), data.normal(n, n), data.normal(n), data.normal(n, n)
    agree(affine_gradients(student, *inputs), affine_gradients(reference, *inputs), names=("dx", "dw", "db"))


# -- softmax cross-entropy ----------------------------------------------------------------------------------------


def rounding(logits):
    """What logits minus a stable logsumexp loses, an honest way that rounds in units of the largest logit."""
    return 4 * float(np.finfo(logits.dtype).eps) * float(np.abs(logits[np.isfinite(logits)]).max())


@question("log_softmax")
@DTYPES
@pytest.mark.parametrize("axes", [0, 1, 2], ids=["one row", "rows", "rows of rows"])
def test_log_softmax(student, reference, data, axes, dtype):
    """Log-probabilities over the last axis"""
    logits = data.normal(*(data.size(2, 5) for _ in range(axes + 1)), scale=3.0, dtype=dtype)
    agree(student.log_softmax(logits), reference.log_softmax(logits))


@question("log_softmax")
@DTYPES
@pytest.mark.parametrize("offset", [10_000, -10_000])
def test_log_softmax_of_large_logits(student, reference, data, offset, dtype):
    """Logits near 10,000 and -10,000"""
    logits = data.normal(data.size(3, 5), data.size(4, 7), scale=10.0, dtype=dtype)
    logits = exact(logits + np.array(offset, dtype))
    logits[0, 0] += 500
    agree(student.log_softmax(logits), reference.log_softmax(logits), atol=rounding(logits))


@question("log_softmax")
def test_log_softmax_of_excluded_classes(student, reference, data):
    """A logit of -inf has probability 0, the others share the rest"""
    logits = data.normal(4, data.size(3, 6))
    logits[0, 0] = logits[1, 1:] = -np.inf
    agree(student.log_softmax(logits), reference.log_softmax(logits))


def labelled(data, n, c, *, ignored, ignore_index=-100, scale=2.0, dtype="float64"):
    """Logits (n, c) and targets, `ignored` of which are ignore_index."""
    targets = data.integers(0, c, n)
    if 0 <= ignore_index < c:
        targets[targets == ignore_index] = (ignore_index + 1) % c
    targets[data.permutation(n)[:ignored]] = ignore_index
    return data.normal(n, c, scale=scale, dtype=dtype), targets


def compare_loss(student, reference, logits, targets, *arguments):
    got = student.softmax_cross_entropy(logits, targets, *arguments)
    expected = reference.softmax_cross_entropy(logits, targets, *arguments)
    agree(got, expected, names=("loss", "dlogits"), atol=rounding(logits))


@question("softmax_cross_entropy")
@DTYPES
@pytest.mark.parametrize("ignored", [0, 3], ids=["all examples count", "some are ignored"])
def test_loss_and_gradient(student, reference, data, ignored, dtype):
    """The loss and its gradient"""
    compare_loss(student, reference, *labelled(data, data.size(5, 9), data.size(3, 6), ignored=ignored, dtype=dtype))


@question("softmax_cross_entropy")
@pytest.mark.parametrize("ignore_index", [-1, 0, 2], ids="ignore_index={}".format)
def test_other_ignore_index(student, reference, data, ignore_index):
    """An ignore_index of -1, and one that is a class number too"""
    logits, targets = labelled(data, data.size(6, 9), data.size(4, 6), ignored=2, ignore_index=ignore_index)
    compare_loss(student, reference, logits, targets, ignore_index)


@question("softmax_cross_entropy")
@DTYPES
def test_nothing_is_kept(student, reference, data, dtype):
    """Every example ignored: loss 0, gradient 0"""
    n = data.size(3, 5)
    compare_loss(student, reference, *labelled(data, n, data.size(3, 6), ignored=n, dtype=dtype))


@question("softmax_cross_entropy")
@DTYPES
def test_loss_of_large_logits(student, reference, data, dtype):
    """Logits of some thousands, right and wrong predictions"""
    logits, targets = labelled(data, data.size(5, 8), data.size(3, 6), ignored=1, scale=100.0, dtype=dtype)
    for row in logits:  # far apart, so that only the loss feels how logits of this size are rounded
        row += 3000 * data.permutation(len(row))
    compare_loss(student, reference, exact(logits), targets)


# -- BatchNorm ----------------------------------------------------------------------------------------------------

BATCHES = ["a batch", "a batch of two", "far from 0", "a constant feature", "tiny features"]


def batch(data, kind, dtype):
    """x (N, D), gamma, beta, running_mean, running_var."""
    n, d = data.size(4, 8), data.size(3, 6)
    if kind in ("a batch of two", "far from 0"):
        # Much cancels there: over more features, the reference's own error is a fair measure.
        d = data.size(10, 14)
    if kind == "far from 0":
        n = data.size(5, 7)  # sums over 4 or 8 of these numbers would be exact
    if kind == "a batch of two":
        n = 2
    x = data.normal(n, d, dtype=dtype) + data.normal(d, dtype=dtype)
    if kind == "a batch of two":
        x[1] = x[0] + data.uniform(d, low=1.0, high=2.0, dtype=dtype) * data.choice([1, -1])
    if kind == "far from 0":
        x = x + FAR[dtype]
    if kind == "a constant feature":
        x[:, 0] = x[0, 0]
    if kind == "tiny features":
        x = x * np.array(2.0**-8, dtype)
    gamma, beta = data.uniform(d, low=0.5, high=2.0, dtype=dtype), data.normal(d, dtype=dtype)
    running_mean = data.uniform(d, low=1.0, high=2.0, dtype=dtype) * data.choice([1, -1])
    return exact(x), gamma, beta, running_mean, data.uniform(d, low=0.5, high=2.0, dtype=dtype)


def batch_norm(ns, *inputs, **settings):
    out, _, running_mean, running_var = ns.batch_norm_forward(*inputs, **settings)
    return out, running_mean, running_var


def batch_norm_gradients(ns, dout, *inputs, **settings):
    _, cache, _, _ = ns.batch_norm_forward(*inputs, **settings)
    return ns.batch_norm_backward(dout, cache)


def compare_batch_norm(student, reference, inputs, **settings):
    got, expected = batch_norm(student, *inputs, **settings), batch_norm(reference, *inputs, **settings)
    for name, one, other in zip(("out", "running_mean", "running_var"), got, expected, strict=True):
        agree(one, other, what=name)


def compare_batch_norm_gradients(student, reference, dout, inputs, **settings):
    got = batch_norm_gradients(student, dout, *inputs, **settings)
    agree(got, batch_norm_gradients(reference, dout, *inputs, **settings), names=("dx", "dgamma", "dbeta"))


@question("batch_norm_forward")
@DTYPES
@pytest.mark.parametrize("kind", BATCHES)
def test_batch_norm_in_training(student, reference, data, kind, dtype):
    """Training: the output and the new running statistics"""
    compare_batch_norm(student, reference, batch(data, kind, dtype), training=True)


@question("batch_norm_forward")
@DTYPES
def test_batch_norm_in_evaluation(student, reference, data, dtype):
    """Evaluation: the running statistics are used, and stay as they are"""
    compare_batch_norm(student, reference, batch(data, "a batch", dtype), training=False)


@question("batch_norm_forward")
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
def test_batch_norm_settings(student, reference, data, training):
    """Another momentum and another eps"""
    settings = {"momentum": data.choice([0.25, 0.375]), "eps": data.choice([0.125, 0.0625])}
    compare_batch_norm(student, reference, batch(data, "a batch", "float64"), training=training, **settings)


@question("batch_norm_backward")
@DTYPES
@pytest.mark.parametrize("kind", BATCHES)
def test_batch_norm_gradients(student, reference, data, kind, dtype):
    """Training: dx, dgamma and dbeta"""
    inputs = batch(data, kind, dtype)
    compare_batch_norm_gradients(student, reference, data.normal(*inputs[0].shape, dtype=dtype), inputs, training=True)


@question("batch_norm_backward")
@DTYPES
def test_batch_norm_gradients_in_evaluation(student, reference, data, dtype):
    """Evaluation: the statistics are constants"""
    inputs = batch(data, "a batch", dtype)
    compare_batch_norm_gradients(student, reference, data.normal(*inputs[0].shape, dtype=dtype), inputs, training=False)


# -- LayerNorm and RMSNorm ----------------------------------------------------------------------------------------

ROWS = ["one row", "rows", "rows of rows", "width 1", "far from 0", "tiny features", "a constant row"]


def rows(data, kind, dtype):
    """x (..., D), gamma, beta and a cotangent of the output."""
    lead = {"one row": (), "rows of rows": (data.size(2, 3), data.size(2, 4))}.get(kind, (data.size(2, 5),))
    d = data.size(6, 9) if kind == "one row" else data.size(3, 5)
    if kind == "far from 0":
        d = data.size(5, 7)  # sums over 4 or 8 of these numbers would be exact
    if kind == "width 1":
        lead, d = (data.size(10, 14),), 1
    x, dout = data.normal(*lead, d, dtype=dtype), data.normal(*lead, d, dtype=dtype)
    if kind == "width 1":  # positive, so that the one sum over all rows, dgamma, doesn't cancel
        x, dout = (data.uniform(*lead, d, low=0.5, high=2.0, dtype=dtype) for _ in range(2))
    if kind == "far from 0":
        x = x + FAR[dtype]
    if kind == "tiny features":
        x = x * np.array(2.0**-8, dtype)
    if kind == "a constant row":
        x[0] = x[0, 0]
    gamma, beta = data.uniform(d, low=0.5, high=2.0, dtype=dtype), data.normal(d, dtype=dtype)
    return exact(x), gamma, beta, dout


def layer_norm_gradients(ns, x, gamma, beta, dout, *eps):
    _, cache = ns.layer_norm_forward(x, gamma, beta, *eps)
    return ns.layer_norm_backward(dout, cache)


def rms_norm_gradients(ns, x, gamma, dout, *eps):
    _, cache = ns.rms_norm_forward(x, gamma, *eps)
    return ns.rms_norm_backward(dout, cache)


@question("layer_norm_forward")
@DTYPES
@pytest.mark.parametrize("kind", ROWS)
def test_layer_norm(student, reference, data, kind, dtype):
    """The output"""
    x, gamma, beta, _ = rows(data, kind, dtype)
    out, _ = student.layer_norm_forward(x, gamma, beta)
    expected, _ = reference.layer_norm_forward(x, gamma, beta)
    agree(out, expected, what="out")


@question("layer_norm_backward")
@DTYPES
@pytest.mark.parametrize("kind", ROWS)
def test_layer_norm_gradients(student, reference, data, kind, dtype):
    """dx, dgamma and dbeta"""
    inputs = rows(data, kind, dtype)
    names = ("dx", "dgamma", "dbeta")
    agree(layer_norm_gradients(student, *inputs), layer_norm_gradients(reference, *inputs), names=names)


@question("rms_norm_forward")
@DTYPES
@pytest.mark.parametrize("kind", ROWS)
def test_rms_norm(student, reference, data, kind, dtype):
    """The output"""
    x, gamma, _, _ = rows(data, kind, dtype)
    out, _ = student.rms_norm_forward(x, gamma)
    expected, _ = reference.rms_norm_forward(x, gamma)
    agree(out, expected, what="out")


@question("rms_norm_backward")
@DTYPES
@pytest.mark.parametrize("kind", ROWS)
def test_rms_norm_gradients(student, reference, data, kind, dtype):
    """dx and dgamma"""
    x, gamma, _, dout = rows(data, kind, dtype)
    got, expected = rms_norm_gradients(student, x, gamma, dout), rms_norm_gradients(reference, x, gamma, dout)
    # At width 1 dx is a difference of two nearly equal terms, whose rounding any honest answer shows.
    terms = float(np.abs(dout * gamma / x).max()) if kind == "width 1" else 0.0
    agree(got, expected, names=("dx", "dgamma"), atol=4 * float(np.finfo(dtype).eps) * terms)
