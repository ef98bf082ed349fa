"""Checks of question 3: sequences of different lengths, in both directions."""

import numpy as np
import pytest

from autograder import agree, hidden, question


def some_lengths(data, b, t, kind="mixed"):
    """Lengths of b rows: 1 … t with both ends in it, or also 0, or all the same, or none as long as t."""
    if kind == "full":
        return np.full(b, t)
    if kind == "too wide":
        return np.array([data.size(1, t - 2) for _ in range(b)])
    lengths = np.array([data.size(2, t - 1) for _ in range(b)])
    lengths[:2] = [t, 0 if kind == "empty row" else 1]
    return lengths[data.permutation(b)]


def padded(data, b, t, lengths, *rest, dtype="float64"):
    """Numbers (b, t, …) that are far from the others at the padding."""
    x = data.normal(b, t, *rest, dtype=dtype)
    real = (np.arange(t) < lengths[:, None]).reshape(b, t, *(1 for _ in rest))
    return np.where(real, x, 40 * x + np.asarray(7, dtype))


def weights(data, inputs, size, dtype="float64"):
    shapes = {"w_x": (inputs, 4 * size), "w_h": (size, 4 * size), "b": (4 * size,)}
    return {name: data.tensor(data.normal(*shape, dtype=dtype)) for name, shape in shapes.items()}


def sizes(data):
    return data.size(3, 5), data.size(5, 7), data.size(2, 3), data.size(4, 5)


KINDS = ["mixed", "too wide", "full"]
SOME = pytest.mark.parametrize(
    ("kind", "dtype"), [("mixed", "float64"), ("mixed", "float32"), ("too wide", "float64"), ("full", "float32")]
)

# -- reverse ------------------------------------------------------------------------------------------------------


@question("reverse_padded")
@pytest.mark.parametrize("kind", [*KINDS, "empty row"])
def test_reverse(student, reference, data, kind):
    """vectors reversed in each row's own length"""
    b, t, inputs, _ = sizes(data)
    lengths = some_lengths(data, b, t, kind)
    args = data.tensor(padded(data, b, t, lengths, inputs)), data.tensor(lengths)
    agree(student.reverse_padded(*args), reference.reverse_padded(*args))


@question("reverse_padded")
def test_reverse_ids(student, data):
    """ids, one by one"""
    b, t, _, _ = sizes(data)
    x, lengths = data.integers(0, 99, b, t), some_lengths(data, b, t)
    expected = x.copy()
    for row, length in enumerate(lengths):
        expected[row, :length] = x[row, :length][::-1]
    agree(student.reverse_padded(data.tensor(x), data.tensor(lengths)), data.tensor(expected))


# -- one direction ------------------------------------------------------------------------------------------------

MASKED = ("hs", "h", "c")


def a_batch(data, kind="mixed", dtype="float64"):
    b, t, inputs, size = sizes(data)
    lengths = some_lengths(data, b, t, kind)
    x = data.tensor(padded(data, b, t, lengths, inputs, dtype=dtype))
    h, c = (data.tensor(data.normal(b, size, dtype=dtype)) for _ in "hc")
    return x, data.tensor(lengths), h, c, weights(data, inputs, size, dtype)


@question("masked_lstm")
@SOME
def test_masked(student, reference, data, kind, dtype):
    """the states at every step, and the last ones"""
    args = a_batch(data, kind, dtype)
    agree(student.masked_lstm(*args), reference.masked_lstm(*args), names=MASKED)


@question("masked_lstm")
def test_nothing_to_read(student, reference, data):
    """a row of length 0"""
    args = a_batch(data, "empty row")
    agree(student.masked_lstm(*args), reference.masked_lstm(*args), names=MASKED)


@question("masked_lstm")
def test_padding_changes_nothing(student, reference, data):
    """each row is as it would be alone, without padding"""
    b, t, inputs, size = sizes(data)
    lengths, params = some_lengths(data, b, t), weights(data, inputs, size)
    x, h, c = padded(data, b, t, lengths, inputs), data.normal(b, size), data.normal(b, size)
    args = map(data.tensor, (x, lengths, h, c))
    hs, last_h, last_c = student.masked_lstm(*args, params)
    for row, length in enumerate(lengths):
        one = (data.tensor(array[row : row + 1]) for array in (x[:, :length], h, c))
        alone = reference.lstm_forward(*one, params)
        got = hs[row : row + 1, : int(length)], last_h[row : row + 1], last_c[row : row + 1]
        for name, mine, expected in zip(MASKED, got, alone, strict=False):
            agree(mine, expected, what=f"row {row}: {name}")


@question("masked_lstm")
def test_gradient_at_the_padding(student, reference, data):
    """the gradients of x and of the first states; those of the padding are 0"""
    x, lengths, h, c, params = a_batch(data, "empty row")
    cotangents = tuple(data.tensor(data.normal(*shape)) for shape in ((*x.shape[:2], h.shape[1]), h.shape, c.shape))
    got, expected = (
        side.grad("masked_lstm", (x, lengths, h, c, params), cotangents, wrt=(0, 2, 3)) for side in (student, reference)
    )
    agree(got, expected, names=("dx", "dh", "dc"))


# -- both directions ----------------------------------------------------------------------------------------------

DIRECTIONS = ("hs", "h")


def two_ways(data, kind="mixed", dtype="float64"):
    x, lengths, h, _, forward = a_batch(data, kind, dtype)
    return x, lengths, forward, weights(data, x.shape[2], h.shape[1], dtype)


@question("bidirectional_lstm")
@SOME
def test_both(student, reference, data, kind, dtype):
    """both states at every step, and the last ones"""
    args = two_ways(data, kind, dtype)
    agree(student.bidirectional_lstm(*args), reference.bidirectional_lstm(*args), names=DIRECTIONS)


@question("bidirectional_lstm")
def test_more_padding_changes_nothing(student, reference, data):
    """the same batch with more padding"""
    b, t, inputs, size = sizes(data)
    lengths = some_lengths(data, b, t)
    x = padded(data, b, t, lengths, inputs)
    forward, backward = weights(data, inputs, size), weights(data, inputs, size)
    wider = np.concatenate([x, data.normal(b, data.size(2, 3), inputs, scale=9.0)], axis=1)
    hs, h = student.bidirectional_lstm(data.tensor(wider), data.tensor(lengths), forward, backward)
    expected = reference.bidirectional_lstm(data.tensor(x), data.tensor(lengths), forward, backward)
    agree((hs[:, :t], h), expected, names=DIRECTIONS)
    agree(hs[:, t:], data.tensor(np.zeros((b, wider.shape[1] - t, 2 * size))), what="hs at the padding")


@question("bidirectional_lstm")
def test_nothing_to_read_both_ways(student, reference, data):
    """a row of length 0"""
    args = two_ways(data, "empty row")
    agree(student.bidirectional_lstm(*args), reference.bidirectional_lstm(*args), names=DIRECTIONS)
