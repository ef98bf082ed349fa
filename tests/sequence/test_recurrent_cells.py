"""Checks of question 1: the cells of recurrent networks, one step each, and the order of their gates."""

import numpy as np
import pytest

from autograder import agree, hidden, question

BOTH = pytest.mark.parametrize("dtype", ["float64", "float32"])


def weights(data, inputs, size, gates, dtype, biases=("b",)):
    """The parameters of a cell. The biases are large enough to be missed."""
    params = {
        "w_x": data.normal(inputs, gates * size, dtype=dtype),
        "w_h": data.normal(size, gates * size, dtype=dtype),
    }
    params |= {name: data.normal(gates * size, dtype=dtype) for name in biases}
    return {name: data.tensor(array) for name, array in params.items()}


def sizes(data, kind):
    """Batch, inputs and state: all different, all the same, or 1."""
    if kind == "equal sizes":  # then swapped weights fit
        return (data.size(3, 6),) * 3
    if kind == "width 1":
        return data.size(2, 4), 1, 1
    if kind == "one row":
        return 1, data.size(2, 4), data.size(5, 7)
    return data.size(2, 4), data.size(5, 7), data.size(8, 10)


KINDS = ["different sizes", "equal sizes"]


def states(data, b, size, dtype, count):
    return [data.tensor(data.normal(b, size, dtype=dtype)) for _ in range(count)]


# -- the plain cell -----------------------------------------------------------------------------------------------


@question("rnn_step")
@BOTH
@pytest.mark.parametrize("kind", KINDS)
def test_rnn(student, reference, data, kind, dtype):
    """the state after the step"""
    b, inputs, size = sizes(data, kind)
    args = data.tensor(data.normal(b, inputs, dtype=dtype)), *states(data, b, size, dtype, 1)
    args = *args, weights(data, inputs, size, 1, dtype)
    agree(student.rnn_step(*args), reference.rnn_step(*args), what="h")


@question("rnn_step")
@pytest.mark.parametrize("kind", ["width 1", "one row"])
def test_small_rnn(student, reference, data, kind):
    """the state after the step"""
    b, inputs, size = sizes(data, kind)
    args = (
        data.tensor(data.normal(b, inputs)),
        *states(data, b, size, "float64", 1),
        weights(data, inputs, size, 1, "float64"),
    )
    agree(student.rnn_step(*args), reference.rnn_step(*args), what="h")


@hidden
@question("rnn_step")
def test_rnn_not_contiguous(student, reference, data):
    """inputs that aren't contiguous, and large ones"""
    b, inputs, size = sizes(data, "different sizes")
    x, h = data.normal(inputs, b, scale=30.0), data.normal(size, b)
    args = data.tensor(x), data.tensor(h), weights(data, inputs, size, 1, "float64")
    agree(
        student.run(transposed_rnn, *args, framework=data.framework),
        reference.run(transposed_rnn, *args, framework=data.framework),
        what="h",
    )


def transposed_rnn(ns, x, h, params, framework):
    if framework == "torch":
        return ns.rnn_step(x.T, h.T, params)
    import tensorflow as tf

    return ns.rnn_step(tf.transpose(x), tf.transpose(h), params)


# -- LSTM ---------------------------------------------------------------------------------------------------------

LSTM = ("h", "c", "the gates")


def an_lstm(data, kind, dtype):
    b, inputs, size = sizes(data, kind)
    x = data.tensor(data.normal(b, inputs, dtype=dtype))
    return x, *states(data, b, size, dtype, 2), weights(data, inputs, size, 4, dtype)


@question("lstm_step")
@BOTH
@pytest.mark.parametrize("kind", KINDS)
def test_lstm(student, reference, data, kind, dtype):
    """the state, the memory and the gates"""
    args = an_lstm(data, kind, dtype)
    agree(student.lstm_step(*args), reference.lstm_step(*args), names=LSTM)


@question("lstm_step")
@pytest.mark.parametrize("kind", ["width 1", "one row"])
def test_small_lstm(student, reference, data, kind):
    """the state, the memory and the gates"""
    args = an_lstm(data, kind, "float64")
    agree(student.lstm_step(*args), reference.lstm_step(*args), names=LSTM)


@hidden
@question("lstm_step")
@BOTH
def test_lstm_with_a_large_memory(student, reference, data, dtype):
    """a memory far beyond 1, gates open and shut"""
    b, inputs, size = sizes(data, "different sizes")
    x = data.tensor(data.normal(b, inputs, scale=4.0, dtype=dtype))
    h, c = data.tensor(data.normal(b, size, dtype=dtype)), data.tensor(data.normal(b, size, scale=5.0, dtype=dtype))
    args = x, h, c, weights(data, inputs, size, 4, dtype)
    agree(student.lstm_step(*args), reference.lstm_step(*args), names=LSTM)


# -- GRU ----------------------------------------------------------------------------------------------------------


def a_gru(data, kind, dtype):
    b, inputs, size = sizes(data, kind)
    x = data.tensor(data.normal(b, inputs, dtype=dtype))
    return x, *states(data, b, size, dtype, 1), weights(data, inputs, size, 3, dtype, biases=("b_x", "b_h"))


@question("gru_step")
@BOTH
@pytest.mark.parametrize("after", [True, False], ids=["reset after", "reset before"])
def test_gru(student, reference, data, after, dtype):
    """the state after the step, by reset_after"""
    for kind in KINDS:
        args = a_gru(data, kind, dtype)
        got, expected = (side.gru_step(*args, reset_after=after) for side in (student, reference))
        agree(got, expected, what="h")


@question("gru_step")
def test_gru_by_default(student, reference, data):
    """the state, with reset_after left out"""
    args = a_gru(data, "one row", "float64")
    agree(student.gru_step(*args), reference.gru_step(*args), what="h")


@hidden
@question("gru_step")
@pytest.mark.parametrize("after", [True, False], ids=["reset after", "reset before"])
def test_small_gru(student, reference, data, after):
    """width 1, and states beyond 1"""
    b, inputs, size = sizes(data, "width 1")
    x, h = data.tensor(data.normal(b, inputs)), data.tensor(data.normal(b, size, scale=3.0))
    args = x, h, weights(data, inputs, size, 3, "float64", biases=("b_x", "b_h")), after
    agree(student.gru_step(*args), reference.gru_step(*args), what="h")


# -- the order of gates -------------------------------------------------------------------------------------------


def two_orders(data, letters):
    """Two orders of these letters, of which one isn't the other's inverse."""
    while True:
        source, target = ("".join(letters[at] for at in data.permutation(len(letters))) for _ in range(2))
        moved = [source.index(gate) for gate in target]
        if [moved[at] for at in moved] != list(range(len(letters))):
            return source, target


@question("reorder_gates")
@pytest.mark.parametrize("letters", ["ifgo", "rzn", "ifgop"])
def test_orders(student, reference, data, letters):
    """a weight and a bias, from one order of letters to another"""
    source, target = two_orders(data, letters)
    size = data.size(2, 5)
    for lead in [(data.size(3, 6),), ()]:
        w = data.tensor(data.normal(*lead, len(letters) * size, dtype=data.choice(["float32", "float64"])))
        got, expected = (side.reorder_gates(w, source, target) for side in (student, reference))
        agree(got, expected, what="the weight" if lead else "the bias")


@question("reorder_gates")
def test_square_weight(student, reference, data):
    """as many rows as columns"""
    source, target = two_orders(data, "ifgo")
    size = data.size(2, 4)
    w = data.tensor(data.normal(4 * size, 4 * size))
    agree(student.reorder_gates(w, source, target), reference.reorder_gates(w, source, target))


@hidden
@question("reorder_gates")
def test_stacked_weights(student, reference, data):
    """the weights of several layers at once, and gates of width 1"""
    source, target = two_orders(data, "abcdef")
    for size in (1, 3):
        w = data.tensor(data.normal(2, data.size(2, 4), 6 * size))
        agree(student.reorder_gates(w, source, target), reference.reorder_gates(w, source, target))
    w = data.tensor(np.arange(6))
    agree(student.reorder_gates(w, source, source), reference.reorder_gates(w, source, source), what="the same order")
