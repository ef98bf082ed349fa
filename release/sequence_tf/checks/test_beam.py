"""Checks of question 10: beam search, against an enumeration of all sequences and against the reference."""

import itertools

import numpy as np
import pytest

from autograder import agree, hidden, question

SUMMED = 1e-12  # a handful of log-probabilities, added in any order


def a_model(data, v, *, rows=200, scale=1.5, eos=None, boost=0.0, ruled_out=0.0):
    """Log-probabilities (rows, v): which row holds after a prefix is a hash of it. `boost` favours eos."""
    scores = data.normal(rows, v, scale=scale)
    if eos is not None:
        scores[:, eos] += boost
    if ruled_out:
        out = data.uniform(rows, v) < ruled_out
        out[np.arange(rows), data.integers(0, v, rows)] = False  # something may always follow
        scores[out] = -np.inf
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def tied_model(data, v, rows=200):
    """Multiples of 1/4, whose sums are exact and often equal."""
    return -data.integers(1, 4, rows, v) / 4.0


def row_after(tokens, rows):
    row = 1
    for token in tokens:
        row = (row * 31 + int(token) + 1) % 1_000_003
    return row % rows


def extended(ns, live, table, width):
    def log_probs(tokens):
        row = 1
        for token in tokens:
            row = (row * 31 + int(token) + 1) % 1_000_003
        return table[row % len(table)].copy()

    return ns.expand_beam(live, log_probs, width)


def searched(ns, table, eos, width, max_length, alpha):
    def log_probs(tokens):
        row = 1
        for token in tokens:
            row = (row * 31 + int(token) + 1) % 1_000_003
        return table[row % len(table)].copy()

    return ns.beam_search(log_probs, eos, width, max_length, alpha)


def without_alpha(ns, table, eos, width, max_length):
    def log_probs(tokens):
        row = 1
        for token in tokens:
            row = (row * 31 + int(token) + 1) % 1_000_003
        return table[row % len(table)].copy()

    return ns.beam_search(log_probs, eos, width, max_length)


def some_hypotheses(data, v, count, length):
    """Different ones of one length, in no order."""
    tokens = {tuple(data.integers(0, v, length).tolist()) for _ in range(count)}
    return [(one, -float(data.uniform(low=0.5, high=3.0))) for one in tokens]


# one step


def compare_steps(student, reference, steps):
    agree(
        [student.run(extended, *args) for args in steps],
        [reference.run(extended, *args).value for args in steps],
        what="the hypotheses",
        rtol=SUMMED,
    )


@question("expand_beam")
@pytest.mark.parametrize("count", [1, 4])
def test_extended(student, reference, data, count):
    """the best of all extensions; hypotheses before"""
    v = data.size(4, 7)
    steps = [(some_hypotheses(data, v, count, 3), a_model(data, v), data.size(2, 4)) for _ in range(6)]
    compare_steps(student, reference, steps)


@question("expand_beam")
def test_extended_all(student, data):
    """room for every extension, and the start"""
    v = data.size(3, 5)
    table = a_model(data, v)
    first = table[row_after((), len(table))]
    order = np.argsort(-first)
    expected = [((int(token),), float(first[token])) for token in order]
    agree(student.run(extended, [((), 0.0)], table, 50), expected, what="the hypotheses", rtol=SUMMED)


@question("expand_beam")
def test_extended_with_ties(student, reference, data):
    """equal totals"""
    steps = []
    for _ in range(6):
        live = [(tokens, -data.size(1, 3) / 4.0) for tokens, _ in some_hypotheses(data, 4, 4, 2)]
        steps.append((live, tied_model(data, 4), 6))
    compare_steps(student, reference, steps)


@question("expand_beam")
def test_extended_by_possible_tokens(student, reference, data):
    """tokens that are impossible, and more room than possible ones"""
    steps = [(some_hypotheses(data, 5, 3, 2), a_model(data, 5, ruled_out=0.7), 12) for _ in range(4)]
    compare_steps(student, reference, [*steps, ([], a_model(data, 5), 3)])


# the search


def enumerated(table, eos, max_length, alpha):
    """All finished sequences and their scores, best first."""
    v, found = table.shape[1], []
    for last in range(max_length):
        length = last + 1
        for tokens in itertools.product(range(v), repeat=length):
            if eos in tokens[:-1] or (tokens[-1] != eos and length < max_length):
                continue
            total = sum(float(table[row_after(tokens[:at], len(table)), tokens[at]]) for at in range(length))
            if total > -np.inf:
                found.append((tokens, total / ((5 + length) / 6) ** alpha))
    return sorted(found, key=lambda one: (-one[1], one[0]))


def compare_searches(student, reference, searches):
    agree(
        [student.run(searched, *args) for args in searches],
        [reference.run(searched, *args).value for args in searches],
        what="the hypotheses",
        rtol=SUMMED,
    )


@question("beam_search")
@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
def test_as_wide_as_the_tree(student, data, alpha):
    """a beam that loses nothing finds what an enumeration finds; alpha"""
    got, expected = [], []
    for v, max_length in ((3, 4), (2, 5), (4, 3)):
        eos = data.size(0, v - 1)
        table = a_model(data, v, eos=eos)
        width = v**max_length
        got.append(student.run(searched, table, eos, width, max_length, alpha))
        expected.append(enumerated(table, eos, max_length, alpha))
    agree(got, expected, what="the hypotheses", rtol=SUMMED)


@question("beam_search")
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("width", [1, 2, 4])
def test_narrow(student, reference, data, width, alpha):
    """a narrow beam; width and alpha"""
    searches = []
    for boost in (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0):
        v, max_length = data.size(4, 6), data.size(5, 8)
        eos = data.size(0, v - 1)
        searches.append((a_model(data, v, eos=eos, boost=boost), eos, width, max_length, alpha))
    compare_searches(student, reference, searches)


@question("beam_search")
def test_nothing_ends(student, reference, data):
    """sequences that reach the maximal length, some of one token"""
    searches = []
    for max_length in (1, 2, 5):
        table = a_model(data, 4, eos=2)
        searches.append((table, 2, 3, max_length, 0.7))
        table = table.copy()
        table[:, 2] = -np.inf
        searches.append((table, 2, 3, max_length, 0.7))
    compare_searches(student, reference, searches)


@question("beam_search")
def test_ties_and_no_alpha(student, reference, data):
    """equal sums, and alpha left out"""
    searches = [(tied_model(data, 3), data.size(0, 2), data.size(3, 5), 4) for _ in range(6)]
    agree(
        [student.run(without_alpha, *args) for args in searches],
        [reference.run(without_alpha, *args).value for args in searches],
        what="the hypotheses",
        rtol=SUMMED,
    )
