"""Checks of question 12: CTC, against an enumeration of all paths and against the reference."""

import itertools
import re

import numpy as np
import pytest

from autograder import agree, hidden, question

# The enumeration sums thousands of products of exponentials, in float64.
ENUMERATED = 1e-11


def reads_as(path, target):
    """Whether a path of a few classes, with the blank 0, reads as a target: the labels, each at least once."""
    pattern, before = "0*", None
    for label in map(str, target):
        pattern += ("0" if label == before else "") + f"{label}+0*"
        before = label
    return re.fullmatch(pattern, "".join(map(str, path))) is not None


# reading paths


def each_collapsed(ns, paths, blank):
    return [ns.ctc_collapse(path, blank) for path in paths]


def compare_paths(student, reference, paths, blank):
    got, expected = (side.run(each_collapsed, paths, blank) for side in (student, reference))
    agree(got, expected, what="the labels")


@question("ctc_collapse")
@pytest.mark.parametrize("blank", [0, 2])
def test_collapsed(student, reference, data, blank):
    """random paths; blank"""
    compare_paths(student, reference, [data.integers(0, 4, data.size(2, 12)).tolist() for _ in range(30)], blank)


@question("ctc_collapse")
def test_all_paths(student, reference):
    """every path of up to four frames over three symbols"""
    paths = [list(path) for length in range(5) for path in itertools.product(range(3), repeat=length)]
    compare_paths(student, reference, paths, 1)


def some_lengths(data, batch, longest, *, shortest=1):
    """Both ends occur, in random order."""
    lengths = np.array([longest, shortest, *(data.size(shortest, longest) for _ in range(batch - 2))])
    return lengths[data.permutation(batch)]


@question("ctc_greedy")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("blank", [0, 3])
def test_greedy(student, reference, data, blank, dtype):
    """the text of the best path of each sequence; blank"""
    b, t, c = data.size(4, 6), data.size(9, 14), 4
    logits, lengths = data.normal(b, t, c, dtype=dtype), some_lengths(data, b, t, shortest=0)
    logits[..., blank] += 0.5  # often enough between two equal labels
    args = data.tensor(logits), data.tensor(lengths), blank
    agree(student.ctc_greedy(*args), reference.ctc_greedy(*args), what="the labels")


# the lattice


def some_targets(data, batch, length, classes, blank):
    """Labels that are often equal to their neighbours, and never the blank."""
    labels = [label for label in range(classes) if label != blank][:2]
    targets = np.array([[data.choice(labels) for _ in range(length)] for _ in range(batch)], np.int64)
    other = np.array([label for label in range(classes) if label != blank])[
        data.integers(0, classes - 1, batch, length)
    ]
    return np.where(data.uniform(batch, length) < 0.4, other, targets).reshape(batch, length)


@question("ctc_states")
@pytest.mark.parametrize(("blank", "length"), [(0, 1), (0, 6), (2, 6)])
def test_states(student, reference, data, blank, length):
    """states and skips; blank and length of the targets"""
    targets = some_targets(data, data.size(3, 5), length, 4, blank)
    if length > 3:
        targets[0, :2], targets[1, -2:] = targets[0, 0], targets[1, -1]
    args = data.tensor(targets), blank
    agree(student.ctc_states(*args), reference.ctc_states(*args), names=("states", "skip"))


@question("ctc_states")
def test_states_of_no_labels(student, reference, data):
    """targets without labels"""
    b, blank = data.size(2, 4), data.size(1, 3)
    args = data.tensor(np.zeros((b, 0), np.int64)), blank
    agree(student.ctc_states(*args), reference.ctc_states(*args), names=("states", "skip"))


def a_lattice(data, batch, length, classes, blank=0):
    """states and skip of random targets, as arrays."""
    rows, skips = [], []
    for target in some_targets(data, batch, length, classes, blank).tolist():
        rows.append([blank, *(one for label in target for one in (label, blank))])
        jumps = [one != other for one, other in itertools.pairwise(target)]
        skips.append([False] * min(3, len(rows[-1])) + [one for jump in jumps for one in (jump, False)])
    return np.array(rows), np.array(skips)


def log_softmax(logits):
    wide = logits.astype(np.float64)
    return (wide - np.logaddexp.reduce(wide, axis=-1, keepdims=True)).astype(np.float32).astype(logits.dtype)


def reached(ns, framework, log_probs, states, skip):
    """alpha, with -inf where it is below what counts as impossible."""
    alpha = ns.ctc_alpha(log_probs, states, skip)
    if framework == "torch":
        import torch

        return torch.where(alpha < -1e29, -torch.inf, alpha)
    import tensorflow as tf

    return tf.where(alpha < -1e29, tf.constant(-np.inf, alpha.dtype), alpha)


def compare_alpha(student, reference, data, framework, log_probs, states, skip):
    args = framework, *map(data.tensor, (log_probs, states, skip))
    agree(student.run(reached, *args), reference.run(reached, *args), what="alpha")


@question("ctc_alpha")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("length", [0, 1, 4])
def test_alpha(student, reference, data, framework, length, dtype):
    """alpha of every frame and state; labels"""
    states, skip = a_lattice(data, data.size(3, 4), length, 4)
    log_probs = log_softmax(data.normal(len(states), 6, 4, scale=2.0, dtype=dtype))
    compare_alpha(student, reference, data, framework, log_probs, states, skip)


@question("ctc_alpha")
def test_alpha_of_all_paths(student, data, framework):
    """alpha is the sum over all ways to get there, one by one"""
    states, skip = a_lattice(data, 2, 2, 3)
    states[0, 3] = states[0, 1]  # equal labels in one, different ones in the other
    states[1, 3] = 3 - states[1, 1]
    skip[:, 3] = [False, True]
    log_probs = log_softmax(data.normal(2, 4, 3))
    expected = np.full((2, 4, 5), -np.inf)
    for row, frame in np.ndindex(2, 4):
        for way in itertools.product(range(5), repeat=frame + 1):
            moves = itertools.pairwise(way)
            if way[0] > 1 or not all(s - r in (0, 1) or (s - r == 2 and skip[row, s]) for r, s in moves):
                continue
            total = sum(log_probs[row, at, states[row, s]] for at, s in enumerate(way))
            expected[row, frame, way[-1]] = np.logaddexp(expected[row, frame, way[-1]], total)
    got = student.run(reached, framework, *map(data.tensor, (log_probs, states, skip)))
    agree(got, data.tensor(expected), what="alpha", rtol=ENUMERATED)


@question("ctc_alpha")
def test_alpha_of_one_frame(student, reference, data, framework):
    """a single frame"""
    states, skip = a_lattice(data, 3, 2, 4)
    compare_alpha(student, reference, data, framework, log_softmax(data.normal(3, 1, 4)), states, skip)


@question("ctc_alpha")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_alpha_of_improbable_frames(student, reference, data, framework, dtype):
    """probabilities far below the smallest float"""
    states, skip = a_lattice(data, 3, 3, 4)
    log_probs = log_softmax(data.normal(3, 8, 4, scale=300.0, dtype=dtype))
    compare_alpha(student, reference, data, framework, log_probs, states, skip)


# the loss


def a_batch(data, b, t, u, c, *, blank=0, scale=1.5, dtype="float64"):
    """logits, targets, lengths, target_lengths as arrays. Targets fit their frames; padding is anything."""
    logits, targets = data.normal(b, t, c, scale=scale, dtype=dtype), some_targets(data, b, u, c, blank)
    lengths, target_lengths = np.zeros(b, np.int64), some_lengths(data, b, u)
    for row in range(b):
        own = targets[row, : target_lengths[row]]
        needed = len(own) + int((own[1:] == own[:-1]).sum())
        lengths[row] = data.size(min(t, max(1, needed)), t)
        targets[row, target_lengths[row] :] = data.integers(0, c, u - target_lengths[row])
    lengths[data.size(0, b - 1)] = t
    return logits, targets, lengths, target_lengths


def loss_and_gradient(ns, framework, dlosses, logits, *others):
    """Both from one forward pass."""
    if framework == "torch":
        import torch

        logits = logits.detach().clone().requires_grad_()
        losses = ns.ctc_loss(logits, *others)
        return losses.detach(), torch.autograd.grad(losses, logits, dlosses)[0]
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = ns.ctc_loss(logits, *others)
    return losses, tape.gradient(losses, logits, dlosses)


# A library's gradient is exp(alpha + beta - log p), whose exponent is a difference of numbers as large as the loss.
ULPS = 256.0
ULPS_OF_LARGE_LOSSES = 20000.0


def compare_loss(student, reference, data, framework, batch, *blank, ulps=ULPS):
    """The losses, and the gradient under random cotangents."""
    dlosses = data.normal(len(batch[0]), dtype=batch[0].dtype.name)
    args = framework, *map(data.tensor, (dlosses, *batch)), *blank
    names = ("the losses", "dlogits")
    got, expected = (side.run(loss_and_gradient, *args) for side in (student, reference))
    agree(got, expected, names=names, ulps=ulps)


@question("ctc_loss")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("blank", [0, 3])
def test_loss(student, reference, data, framework, blank, dtype):
    """the losses of a batch and their gradient; blank"""
    compare_loss(student, reference, data, framework, a_batch(data, 5, 6, 3, 4, blank=blank, dtype=dtype), blank)


@question("ctc_loss")
def test_loss_of_all_paths(student, data):
    """the losses and their gradient are sums over all paths, one by one"""
    t, c = 5, 3
    logits, lengths = data.normal(4, t, c), np.array([5, 4, 5, 3])
    labels = data.permutation(2) + 1
    targets = np.array([[labels[0], labels[0]], [labels[0], labels[1]], [labels[1], 0], [labels[1], labels[1]]])
    target_lengths = np.array([2, 2, 1, 2])
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=2, keepdims=True))
    losses, dlogits, dlosses = np.zeros(4), np.zeros_like(logits), data.normal(4)
    for row, length in enumerate(lengths):
        total, seen = 0.0, np.zeros((t, c))
        for path in itertools.product(range(c), repeat=int(length)):
            if reads_as(path, targets[row, : target_lengths[row]]):
                p = np.prod(shares[row, np.arange(length), list(path)])
                total += p
                seen[np.arange(length), list(path)] += p
        losses[row] = -np.log(total)
        dlogits[row, :length] = (shares[row] - seen / total)[:length] * dlosses[row]
    args = tuple(map(data.tensor, (logits, targets, lengths, target_lengths)))
    agree(student.ctc_loss(*args), data.tensor(losses), what="the losses", rtol=ENUMERATED)
    got = student.grad("ctc_loss", args, (data.tensor(dlosses),))
    agree(got, (data.tensor(dlogits),), names=("dlogits",), rtol=ENUMERATED)


@question("ctc_loss")
def test_empty_targets(student, reference, data, framework):
    """empty targets among others, and nothing but empty ones"""
    logits, targets, lengths, target_lengths = a_batch(data, 4, 5, 2, 4)
    target_lengths[:2] = 0
    compare_loss(student, reference, data, framework, (logits, targets, lengths, target_lengths))
    none = np.zeros((4, 0), np.int64)
    compare_loss(student, reference, data, framework, (logits, none, lengths, np.zeros(4, np.int64)))


@question("ctc_loss")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_impossible_targets(student, reference, data, framework, dtype):
    """targets that don't fit: the loss is inf, the gradient 0"""
    a, b, c = (int(label) for label in data.permutation(4)[:3] + 1)
    targets = np.array([[a, b, c], [a, a, b], [a, a, b], [a, b, 0], [b, b, 0]])
    lengths, target_lengths = np.array([2, 3, 4, 1, 2]), np.array([3, 3, 3, 2, 2])  # only the third one fits
    logits = data.normal(5, 5, 5, dtype=dtype)
    compare_loss(student, reference, data, framework, (logits, targets, lengths, target_lengths))


@question("ctc_loss")
def test_one_frame(student, reference, data):
    """sequences of a single frame"""
    labels = data.integers(1, 4, 3, 1)
    args = tuple(map(data.tensor, (data.normal(3, 1, 4), labels, np.ones(3, np.int64), np.array([1, 0, 1]))))
    agree(student.ctc_loss(*args), reference.ctc_loss(*args), what="the losses")
    dlosses = data.tensor(data.normal(3))
    got, expected = (side.grad("ctc_loss", args, (dlosses,)) for side in (student, reference))
    agree(got, expected, names=("dlogits",), ulps=ULPS)


@question("ctc_loss")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_improbable_targets(student, reference, data, framework, dtype):
    """probabilities far below the smallest float"""
    batch = a_batch(data, 4, 6, 3, 5, scale=300.0, dtype=dtype)
    compare_loss(student, reference, data, framework, batch, ulps=ULPS_OF_LARGE_LOSSES)
