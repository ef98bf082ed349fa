"""Checks of question 4: a character model's windows, its loss, and how it writes."""

import numpy as np
import pytest

from autograder import agree, hidden, question

BOTH = pytest.mark.parametrize("dtype", ["float64", "float32"])

# -- windows ------------------------------------------------------------------------------------------------------

WINDOWS = ("inputs", "targets")


@question("char_windows")
@pytest.mark.parametrize("rest", [0, 1, 2, -1], ids=["even", "one more", "two more", "one less"])
def test_windows(student, reference, data, rest):
    """inputs and targets, where the last window is full and where it isn't"""
    length, count = data.size(4, 7), data.size(2, 4)
    ids = data.integers(1, 90, length * count + 1 + rest)
    agree(student.char_windows(ids, length), reference.char_windows(ids, length), names=WINDOWS)


@question("char_windows")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_short_text(student, reference, data, n):
    """a text shorter than a window, as a list"""
    ids, length = data.integers(1, 90, n).tolist(), data.size(3, 6)
    agree(student.char_windows(ids, length), reference.char_windows(ids, length), names=WINDOWS)


# -- loss ---------------------------------------------------------------------------------------------------------


def a_prediction(data, kind, dtype="float64"):
    """Logits and targets; rows have different numbers of targets."""
    b, t, v = data.size(3, 5), data.size(5, 7), data.size(6, 9)
    logits = data.normal(b, t, v, scale={"large": 3e3}.get(kind, 1.5), dtype=dtype)
    targets = data.integers(0, v, b, t)
    if kind != "all real":
        # Rows that lose the same number would hide a mean of means.
        for row in range(b):
            targets[row, t - row :] = -100
        targets[0, data.size(0, t - 2)] = -100
    if kind == "large":
        logits = logits + np.asarray(1e4, dtype)
    if kind == "nothing":
        targets[:] = -100
    return data.tensor(logits), data.tensor(targets)


@question("character_loss")
@BOTH
@pytest.mark.parametrize("kind", ["some left out", "all real", "large"])
def test_loss(student, reference, data, kind, dtype):
    """the loss; some targets left out, and large logits"""
    args = a_prediction(data, kind, dtype)
    agree(student.character_loss(*args), reference.character_loss(*args), what="the loss")


@question("character_loss")
def test_loss_of_nothing(student, reference, data):
    """no real target at all"""
    args = a_prediction(data, "nothing")
    agree(student.character_loss(*args), reference.character_loss(*args), what="the loss")


@question("character_loss")
@pytest.mark.parametrize("kind", ["some left out", "large", "nothing"])
def test_gradient_of_loss(student, reference, data, kind):
    """the gradient of the logits under a random cotangent"""
    logits, targets = a_prediction(data, kind)
    cotangent = (data.tensor(data.uniform(low=0.5, high=2.0)),)
    got, expected = (side.grad("character_loss", (logits, targets), cotangent) for side in (student, reference))
    # A logit of 2e4 is known to 4e-12, and so is the logarithm of its probability.
    agree(got, expected, names=("dlogits",), rtol=2e-11 if kind == "large" else 0.0)


@question("character_perplexity")
@pytest.mark.parametrize("kind", ["uneven", "with an empty batch", "one batch"])
def test_perplexity(student, reference, data, kind):
    """the perplexity and the bits per character"""
    n = 1 if kind == "one batch" else data.size(3, 6)
    losses, counts = data.uniform(n, low=0.5, high=3.0), data.integers(20, 90, n)
    if n > 1:
        losses[-1], counts[-1] = 4 + losses[-1], data.size(2, 9)
    if kind == "with an empty batch":
        losses[0], counts[0] = 0.0, 0
    args = losses.tolist(), counts.tolist()
    agree(student.character_perplexity(*args), reference.character_perplexity(*args), names=("perplexity", "bits"))


# -- what may be drawn --------------------------------------------------------------------------------------------


def some_logits(data, dtype="float64", *, v=None):
    """Rows of logits, none of whose numbers are nearly equal; each row at another height."""
    b, v = data.size(3, 5), v or data.size(9, 12)
    steps = np.stack([data.permutation(v) for _ in range(b)])
    logits = 0.4 * steps + data.uniform(b, v, high=0.25) + 4.0 * data.permutation(b)[:, None]
    return np.asarray(logits, np.float32).astype(dtype)


def with_ties(data, logits, places):
    """Each row's logits of these ranks (0: the largest) made equal."""
    logits = logits.copy()
    for row in logits:
        order = np.argsort(-row)
        row[order[places]] = row[order[places[0]]]
    return logits


@question("top_k_logits")
@BOTH
@pytest.mark.parametrize("k", [1, 3])
def test_top_k(student, reference, data, k, dtype):
    """the k largest"""
    logits = data.tensor(some_logits(data, dtype))
    agree(student.top_k_logits(logits, k), reference.top_k_logits(logits, k), what="the logits")


@question("top_k_logits")
@pytest.mark.parametrize("k", [1, 3, 4])
def test_top_k_of_equals(student, reference, data, k):
    """equals around the k-th"""
    logits = with_ties(data, with_ties(data, some_logits(data), [0, 1]), [2, 3, 4])
    agree(*(side.top_k_logits(data.tensor(logits), k) for side in (student, reference)), what="the logits")


@question("top_k_logits")
@pytest.mark.parametrize("more", [0, 5])
def test_top_k_of_all(student, reference, data, more):
    """k as large as V, and larger; logits below 0 and one of -inf"""
    logits = some_logits(data) - 9
    logits[:, data.size(0, 5)] = -np.inf
    k = logits.shape[1] + more
    agree(*(side.top_k_logits(data.tensor(logits), k) for side in (student, reference)), what="the logits")


def reached(logits):
    """For each logit the probability of all that are larger in its row."""
    logits = logits.astype(np.float64)
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return ((logits[:, None, :] > logits[:, :, None]) * weight[:, None, :]).sum(2) / weight.sum(1, keepdims=True)


def a_threshold(data, logits, low, high):
    """A p that rounding can't decide."""
    before = reached(logits)
    while True:
        p = float(data.uniform(low=low, high=high))
        if np.abs(before - p).min() > 1e-3:
            return p


@question("top_p_logits")
@BOTH
@pytest.mark.parametrize(("low", "high"), [(0.3, 0.6), (0.7, 0.95)])
def test_top_p(student, reference, data, low, high, dtype):
    """those that reach p"""
    logits = some_logits(data, dtype)
    p = a_threshold(data, logits, low, high)
    agree(*(side.top_p_logits(data.tensor(logits), p) for side in (student, reference)), what="the logits")


@question("top_p_logits")
def test_top_p_of_little(student, reference, data):
    """p so small that one is left"""
    logits = data.tensor(some_logits(data))
    agree(*(side.top_p_logits(logits, 1e-3) for side in (student, reference)), what="the logits")


@question("top_p_logits")
def test_top_p_one_by_one(student, data):
    """each by itself, some of them equal"""
    for tied in ([0, 1], [1, 2, 3], [3, 4]):
        logits = with_ties(data, some_logits(data), tied)
        p = a_threshold(data, logits, 0.4, 0.9)
        expected = np.where(reached(logits) < p, logits, -np.inf)
        agree(student.top_p_logits(data.tensor(logits), p), data.tensor(expected), what="the logits")


@question("top_p_logits")
def test_top_p_in_the_group(student, data):
    """equals in whose middle p is reached"""
    for row in with_ties(data, some_logits(data), [1, 2, 3]):
        one = row[None]
        _, group, after, *_ = np.unique(reached(one).round(12))
        p = float(group + data.uniform(low=0.4, high=0.6) * (after - group))
        expected = np.where(reached(one) < p, one, -np.inf)
        agree(student.top_p_logits(data.tensor(one), p), data.tensor(expected), what="the logits")


def nucleus(logits, temperature, top_k, top_p):
    """The probabilities, one rule after another, in NumPy."""
    warm = logits / temperature
    cut = np.where(warm >= np.sort(warm, axis=1)[:, -top_k, None], warm, -np.inf)
    logits = np.where(reached(cut) < top_p, cut, -np.inf)
    weight = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def where_order_counts(data, dtype="float64"):
    """Logits, temperature, top_k and top_p for which every other order keeps other characters."""
    while True:
        logits, temperature = some_logits(data, dtype), data.choice([0.5, 0.75, 1.5, 2.0])
        top_k, top_p = data.size(3, 6), float(data.uniform(low=0.6, high=0.9))
        warm = logits / temperature
        cut = np.where(warm >= np.sort(warm, axis=1)[:, -top_k, None], warm, -np.inf)
        kept = (reached(cut) < top_p).sum()
        others = [
            (np.isfinite(cut) & (reached(one) < top_p)).sum()
            for one in (warm, np.where(np.isfinite(cut), logits, -np.inf), logits, logits * temperature)
        ]
        if kept not in others and np.abs(reached(cut) - top_p).min() > 1e-3:
            return logits, temperature, top_k, top_p


@question("next_probabilities")
@BOTH
def test_temperature(student, reference, data, dtype):
    """the probabilities at several temperatures"""
    logits = data.tensor(data.normal(data.size(2, 4), data.size(6, 9), scale=2.0, dtype=dtype))
    for temperature in (0.6, 2.5):
        got, expected = (side.next_probabilities(logits, temperature) for side in (student, reference))
        agree(got, expected, what=f"at {temperature}: the probabilities")
    agree(student.next_probabilities(logits), reference.next_probabilities(logits), what="the probabilities")


@question("next_probabilities")
@pytest.mark.parametrize(
    ("of", "dtype"),
    [("all three", "float64"), ("all three", "float32"), ("top-k", "float64"), ("top-p", "float64")],
)
def test_the_order(student, reference, data, of, dtype):
    """temperature, top-k and top-p"""
    logits, temperature, top_k, top_p = where_order_counts(data, dtype)
    top_k, top_p = top_k if of != "top-p" else None, top_p if of != "top-k" else None
    if of == "top-p":
        top_p = a_threshold(data, logits / temperature, 0.6, 0.9)
    args = data.tensor(logits), temperature, top_k, top_p
    agree(student.next_probabilities(*args), reference.next_probabilities(*args), what="the probabilities")


@question("next_probabilities")
@pytest.mark.parametrize("equals", [1, 2])
def test_cold(student, reference, data, equals):
    """a temperature of 0, also where two are the largest"""
    logits = with_ties(data, some_logits(data), list(range(equals)))
    for options in ({}, {"top_k": 3, "top_p": 0.7}):
        got, expected = (side.next_probabilities(data.tensor(logits), 0, **options) for side in (student, reference))
        agree(got, expected, what="the probabilities")


# -- drawing ------------------------------------------------------------------------------------------------------


def some_probabilities(data, b, v, zeros=True):
    """Rows of probabilities; the first and the last character, and some others, have none."""
    weight = data.uniform(b, v, low=0.2, high=1.0)
    if zeros:
        weight[data.uniform(b, v) < 0.2] = 0
        weight[:, [0, -1]], weight[:, 2] = 0, 0.7
    return weight / weight.sum(axis=1, keepdims=True)


@question("sample_ids")
def test_drawn(student, reference, data):
    """what is drawn"""
    b, v = data.size(40, 60), data.size(6, 9)
    args = data.tensor(some_probabilities(data, b, v)), data.tensor(data.uniform(b))
    agree(student.sample_ids(*args), reference.sample_ids(*args), what="the ids")


@question("sample_ids")
@BOTH
def test_at_the_ends(student, reference, data, dtype):
    """uniform numbers of 0 and next to 1, where some probabilities are 0"""
    b, v = data.size(8, 12), data.size(6, 9)
    uniform = np.where(np.arange(b) % 2, np.nextafter(np.asarray(1, dtype), np.asarray(0, dtype)), 0)
    args = data.tensor(some_probabilities(data, b, v), dtype=dtype), data.tensor(uniform, dtype=dtype)
    agree(student.sample_ids(*args), reference.sample_ids(*args), what="the ids")


@question("sample_ids")
def test_short_of_one(student, reference, data):
    """rows whose total is less than 1, as rounding makes it, and more"""
    b, v = data.size(8, 12), data.size(6, 9)
    short = np.where(np.arange(b) % 2, 0.97, 1.03)[:, None] * some_probabilities(data, b, v)
    args = data.tensor(short), data.tensor(data.uniform(b, low=0.975, high=1.0))
    agree(student.sample_ids(*args), reference.sample_ids(*args), what="the ids")


@question("sample_ids")
@BOTH
def test_counts(student, data, framework, dtype):
    """20 000 draws: each character's count, at five standard deviations"""
    n, v = 20_000, data.size(5, 8)
    probabilities = some_probabilities(data, 1, v)[0]
    rows = np.broadcast_to(np.asarray(probabilities, dtype), (n, v))
    drawn = student.sample_ids(data.tensor(rows), data.tensor(data.uniform(n, dtype=dtype)))
    drawn = np.asarray(drawn.cpu() if framework == "torch" else drawn)
    assert drawn.shape == (n,), f"the ids have shape {drawn.shape}, expected {(n,)}"
    assert drawn.min() >= 0, "an id is less than 0"
    counts = np.bincount(drawn, minlength=v)
    assert len(counts) == v, "an id is V or more"
    allowed = 5 * np.sqrt(n * probabilities * (1 - probabilities))
    for at, (count, share) in enumerate(zip(counts, probabilities, strict=True)):
        assert abs(count - n * share) <= allowed[at], (
            f"character {at} of probability {share:.3f} was drawn {count} times of {n}, "
            f"expected {n * share:.0f} ± {allowed[at]:.0f}"
        )


# -- writing ------------------------------------------------------------------------------------------------------


def written(ns, framework, weights, state, prompt, uniform, options):
    """What generate_characters writes with a small model, whose state is made of all that it has read."""
    if framework == "torch":
        import torch

        def model(ids, state):
            state = torch.tanh(weights["embedding"][ids] + state @ weights["state"])
            return 4 * state @ weights["out"], state

    else:
        import tensorflow as tf

        def model(ids, state):
            state = tf.tanh(tf.gather(weights["embedding"], ids) + state @ weights["state"])
            return 4 * state @ weights["out"], state

    return ns.generate_characters(model, state, prompt, uniform, **options)


def a_writer(data, b=None, p=None, length=None):
    b, v, size = b or data.size(4, 6), data.size(7, 9), data.size(4, 6)
    p, length = p or data.size(3, 5), length or data.size(5, 7)
    weights = {"embedding": data.normal(v, size), "state": data.normal(size, size, scale=0.6)}
    weights["out"] = data.normal(size, v)
    arrays = data.normal(b, size), data.integers(0, v, b, p), data.uniform(b, length)
    return {name: data.tensor(array) for name, array in weights.items()}, *map(data.tensor, arrays)


@question("generate_characters")
@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0}, {"temperature": 1.5, "top_k": 2}, {"temperature": 1.5, "top_p": 0.5}],
    ids=["plain", "cold", "top-k", "top-p"],
)
def test_written(student, reference, data, framework, options):
    """the new characters; also the likeliest ones, and with top-k or top-p"""
    args = framework, *a_writer(data), options
    agree(student.run(written, *args), reference.run(written, *args), what="the new characters")


@question("generate_characters")
@pytest.mark.parametrize(("p", "length"), [(1, None), (None, 1)], ids=["prompt of one", "one new"])
def test_written_from_little(student, reference, data, framework, p, length):
    """a prompt of one character, and one new character"""
    args = framework, *a_writer(data, b=8, p=p, length=length), {}
    agree(student.run(written, *args), reference.run(written, *args), what="the new characters")
