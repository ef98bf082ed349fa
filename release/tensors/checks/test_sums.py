"""Questions 4, 6 and 7: einsum from its parts; logsumexp; sums that collect their rounding errors."""

import math
from fractions import Fraction

import numpy as np
import pytest

from autograder import agree, hidden, question

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

# -- einsum -------------------------------------------------------------------------------------------------------


def sizes_of(data, letters):
    """A size for each letter, no two equal."""
    sizes = 2 + data.permutation(len(letters) + 1)
    return {letter: int(size) for letter, size in zip(letters, sizes, strict=False)}


def operand(data, labels, sizes, dtype="float64"):
    return data.normal(*(sizes[label] for label in labels), dtype=dtype)


def view_and_sharing(ns, a, labels):
    view, letters = ns.diagonal_view(a, labels)
    return np.array(view), letters, bool(np.may_share_memory(view, a))


def aligned_and_sharing(ns, a, labels, order):
    view = ns.align_axes(a, labels, order)
    return np.array(view), bool(np.may_share_memory(view, a))


def compare_diagonal(student, reference, a, labels):
    names = ("the view", "its letters", "whether it shares memory with a")
    got = student.run(view_and_sharing, a, labels)
    agree(got, reference.run(view_and_sharing, a, labels), names=names)


@question("diagonal_view")
@pytest.mark.parametrize("labels", ["ii", "iji", "iij", "jii", "ijij", "iii", "ij"])
def test_diagonal(student, reference, data, labels):
    """labels"""
    compare_diagonal(student, reference, operand(data, labels, sizes_of(data, "ij")), labels)


@question("diagonal_view")
def test_diagonal_of_a_view(student, reference, data):
    """an array that isn't contiguous, in float32"""
    a = data.strided(operand(data, "kik", sizes_of(data, "ik"), "float32"))
    compare_diagonal(student, reference, a, "kik")


def compare_alignment(student, reference, a, labels, order):
    names = ("the view", "whether it shares memory with a")
    got = student.run(aligned_and_sharing, a, labels, order)
    agree(got, reference.run(aligned_and_sharing, a, labels, order), names=names)


@question("align_axes")
@pytest.mark.parametrize(
    ("labels", "order"),
    [("ij", "ji"), ("ijk", "kij"), ("ik", "ijk"), ("ki", "ijk"), ("j", "ijk"), ("kij", "ailjk"), ("", "ij")],
)
def test_alignment(student, reference, data, labels, order):
    """labels and order"""
    compare_alignment(student, reference, operand(data, labels, sizes_of(data, "aijkl")), labels, order)


def calls_of_a_library(ns, equation, a, b):
    """How often a library's einsum is called meanwhile for two operands: of one it may take the diagonal."""
    import sys

    calls = []

    def counting(original):
        def counted(*args, **kwargs):
            operands = [x for arg in args for x in (arg if isinstance(arg, (list, tuple)) else [arg])]
            calls.append(sum(hasattr(x, "shape") for x in operands) > 1)
            return original(*args, **kwargs)

        return counted

    libraries = [sys.modules[name] for name in ("numpy", "torch", "tensorflow") if name in sys.modules]
    originals = [library.einsum for library in libraries]
    if any(ns.einsum is original for original in originals):
        return 1
    scope = getattr(ns.einsum, "__globals__", {})  # where the notebook may have given them names of its own
    named = {name: value for name, value in scope.items() if any(value is original for original in originals)}
    for library, original in zip(libraries, originals, strict=True):
        library.einsum = counting(original)
    scope.update({name: counting(value) for name, value in named.items()})
    try:
        ns.einsum(equation, a, b)
    finally:
        scope.update(named)
        for library, original in zip(libraries, originals, strict=True):
            library.einsum = original
    return sum(calls)


def compare_einsum(student, reference, data, equation, dtype="float64"):
    sizes = sizes_of(data, sorted(set(equation) - set(",->")))
    left, right = equation.split("->")[0].split(",")
    # All of one sign: terms that cancel would leave less than what honest sums in another order differ by.
    a, b = (
        data.uniform(*(sizes[label] for label in labels), low=0.25, high=2.0, dtype=dtype) for labels in (left, right)
    )
    agree(student.einsum(equation, a, b), reference.einsum(equation, a, b), what=f"einsum of {equation}")


EQUATIONS = [
    "ik,kj->ij",
    "ik,jk->ji",
    "bqd,bkd->bqk",
    "i,j->ij",
    "i,j->ji",
    "ij,ij->",
    "ijk,k->ji",
    "ij,jk->k",
    "ii,i->",
    "iji,jk->ki",
    "ij,kk->ji",
    ",ij->ji",
]


@question("einsum")
@DTYPES
@pytest.mark.parametrize("equation", EQUATIONS)
def test_equation(student, reference, data, equation, dtype):
    """the equation"""
    compare_einsum(student, reference, data, equation, dtype)


@question("einsum", weight=12.0)
def test_einsum_is_your_own(student, data):
    """no library's einsum is called"""
    sizes = sizes_of(data, "ijk")
    a, b = operand(data, "ik", sizes), operand(data, "kj", sizes)
    calls = student.run(calls_of_a_library, "ik,kj->ij", a, b)
    agree(calls, 0, what="the number of calls of a library's einsum")


# -- logsumexp ----------------------------------------------------------------------------------------------------


def with_warnings(ns, x, axis):
    import warnings

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        answer = ns.logsumexp(x, axis=axis)
    return answer, sorted({str(warning.message) for warning in told})


@question("logsumexp")
@DTYPES
@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4, 700.0], ids=["0", "10000", "-10000", "700"])
def test_any_size(student, reference, data, shift, dtype):
    """numbers around"""
    x = (data.normal(data.size(3, 6), data.size(4, 9), dtype=dtype) + np.float32(shift)).astype("float32").astype(dtype)
    agree(student.logsumexp(x), reference.logsumexp(x))


@question("logsumexp")
@DTYPES
def test_rows_of_different_sizes(student, reference, data, dtype):
    """rows at 10000, at 0 and at -10000 in one array"""
    far = np.array([[1e4], [0.0], [-1e4], [90.0], [-700.0]], dtype)
    x = (data.normal(5, data.size(4, 8), dtype=dtype) + far).astype("float32").astype(dtype)
    # Each row by itself: a tolerance for the largest would hide an error in the others.
    got, expected = student.logsumexp(x), reference.logsumexp(x)
    agree(got, expected)
    for row in x:
        agree(student.logsumexp(row), reference.logsumexp(row), what="the answer for one of the rows")


@question("logsumexp")
@DTYPES
def test_far_apart_within_a_row(student, reference, data, dtype):
    """numbers at 10000, at 0 and at -10000 in one row"""
    x = data.normal(data.size(4, 6), 3, data.size(2, 4), dtype=dtype)
    x += np.array([[1e4], [0.0], [-1e4]], dtype)[data.permutation(3)]
    x = x.reshape(len(x), -1).astype("float32").astype(dtype)
    x[1] -= np.float32(1e4)  # and a row whose largest number lies at 0
    agree(student.logsumexp(x), reference.logsumexp(x))


@question("logsumexp")
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2, -2])
def test_axis(student, reference, data, axis, keepdims):
    """axis and keepdims"""
    n = data.size(3, 5)
    x = data.normal(n, n, n, scale=3.0)
    kwargs = {"axis": axis, "keepdims": keepdims}
    agree(student.logsumexp(x, **kwargs), reference.logsumexp(x, **kwargs))


@question("logsumexp")
@DTYPES
def test_masked_rows(student, reference, data, dtype):
    """some elements -inf, and a row with nothing else"""
    x = data.normal(4, data.size(4, 7), dtype=dtype)
    x[0, 1:] = -np.inf
    x[1, ::2] = -np.inf
    x[2] = -np.inf
    agree(student.logsumexp(x), reference.logsumexp(x))


@question("logsumexp")
def test_empty_axis(student, reference, data):
    """no elements at all"""
    x = np.zeros((data.size(2, 4), 0))
    agree(student.logsumexp(x, axis=1), reference.logsumexp(x, axis=1))


@question("logsumexp")
def test_no_warnings(student, reference, data):
    """no warning for a row of -inf"""
    x = data.normal(3, data.size(3, 5))
    x[1] = -np.inf
    names = ("the answer", "the list of warnings")
    agree(student.run(with_warnings, x, 1), reference.run(with_warnings, x, 1), names=names)


# -- sums ---------------------------------------------------------------------------------------------------------


def full_precision(data, count, dtype):
    """Numbers that use every digit of the dtype, of sizes from 2^-12 to 2^12."""
    numbers = data.rng.standard_normal(count) * 2.0 ** data.rng.integers(-12, 13, count)
    return numbers.astype(dtype)


def compare_two_sum(student, a, b):
    s, e = student.two_sum(a, b)
    rounded = a + b
    lost = [
        float(Fraction(float(x)) + Fraction(float(y)) - Fraction(float(z)))
        for x, y, z in zip(a.flat, b.flat, rounded.flat, strict=True)
    ]
    exact = np.array(lost, a.dtype).reshape(a.shape)
    agree(s, rounded, what="s", ulps=0.5)
    agree(e, exact, what="e", ulps=0.5)
    # A tolerance goes by the largest; exact is exact for the small ones, too.
    for name, got, expected in (("s", s, rounded), ("e", e, exact)):
        agree(int((got != expected).sum()), 0, what=f"the number of elements of {name} that aren't exact")


@question("two_sum")
@DTYPES
def test_exact_errors(student, data, dtype):
    """s + e is a + b exactly"""
    count = data.size(50, 80)
    compare_two_sum(student, full_precision(data, count, dtype), full_precision(data, count, dtype))


@question("two_sum")
@pytest.mark.parametrize("larger", ["a", "b"])
def test_error_of_the_smaller(student, data, larger):
    """one of the two is much larger"""
    count = data.size(20, 30)
    small, large = full_precision(data, count, "float32"), full_precision(data, count, "float32") * np.float32(2**20)
    compare_two_sum(student, *((large, small) if larger == "a" else (small, large)))


@question("two_sum")
def test_errors_of_two_numbers(student, data):
    """two numbers of Python; two matrices"""
    a, b = (float(number) for number in full_precision(data, 2, "float64"))
    s, e = student.two_sum(a, b)
    agree(s, a + b, what="s", ulps=0.5)
    agree(e, float(Fraction(a) + Fraction(b) - Fraction(a + b)), what="e", ulps=0.5)
    shape = data.size(2, 4), data.size(5, 6)
    compare_two_sum(student, *(full_precision(data, shape, "float32") for _ in "ab"))


def cancelling(data, dtype, *shape):
    """Terms of order 1 among far larger ones that cancel but for their rounding, three by three, in random order.

    Pairs would cancel exactly in a naive sum, too, if it sorted the terms first.
    """
    size = {"float32": 1e5, "float64": 1e13}[dtype]
    large = (data.rng.standard_normal((2, shape[0] // 4, *shape[1:])) * size).astype(dtype)
    small = data.uniform(shape[0] // 4, *shape[1:], low=0.5, high=1.5).astype(dtype)
    terms = np.concatenate([*large, small, -(large[0] + large[1])])
    return terms[data.permutation(len(terms))]


def exact_sum(x):
    """The sum over the first axis, rounded once."""
    flat = x.reshape(len(x), math.prod(x.shape[1:])).astype("float64")
    return np.array([math.fsum(column) for column in flat.T]).astype(x.dtype).reshape(x.shape[1:])


@question("compensated_sum")
@DTYPES
def test_terms_that_cancel(student, data, dtype):
    """large terms that cancel"""
    x = cancelling(data, dtype, data.size(60, 90), data.size(3, 5))
    agree(student.compensated_sum(x), exact_sum(x), what="the sum")


@question("compensated_sum")
@DTYPES
def test_terms_that_grow(student, data, dtype):
    """each term much larger than the sum so far, then back again"""
    step, count = {"float32": (2.0**4, 4), "float64": (2.0**11, 4)}[dtype]
    large = step ** np.arange(1, count + 1)[:, None] * data.uniform(count, data.size(3, 5), low=1.0, high=2.0)
    small = data.uniform(data.size(20, 30), large.shape[1], low=0.5, high=1.5)
    x = np.concatenate([small, large, -large, small]).astype(dtype)
    agree(student.compensated_sum(x), exact_sum(x), what="the sum")


@question("compensated_sum")
@DTYPES
def test_shapes_of_sums(student, data, dtype):
    """a vector, a stack of matrices, one term, no term"""
    n, m = data.size(2, 4), data.size(5, 6)
    for shape in ((60,), (60, n, m), (1, n), (0, m)):
        x = cancelling(data, dtype, *shape) if shape[0] > 1 else data.normal(*shape, dtype=dtype)
        agree(student.compensated_sum(x), exact_sum(x), what=f"the sum of an array of shape {x.shape}")
