"""Comparing: honest answers pass, wrong ones fail, lookalikes get nowhere, messages tell what and no more."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder import agree
from autograder.checking.compare import CALIBRATION, KEPT_BYTES, Disagreement, NotKept, epsilon, witnessed
from autograder.checking.data import Data
from autograder.checking.reference import Expected, LiveReference
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.student import Namespace, StudentSession


def failing(got: Any, expected: Any, **options: Any) -> Disagreement:
    """The disagreement that `agree` finds."""
    with pytest.raises(Disagreement) as caught:
        agree(got, expected, **options)
    return caught.value


def calibrated(value: Any, *errors: float, scale: float = 0.0) -> Expected:
    """An answer of the reference that has shown these rounding errors."""
    return Expected(None, value, None, errors, scale)


def reference_of(function: Callable[..., Any]) -> Callable[..., Any]:
    return Namespace(LiveReference({"f": function})).f  # type: ignore[no-any-return]


def student_of(function: Callable[..., Any]) -> Callable[..., Any]:
    return Namespace(StudentSession(LiveTransport({"f": function}))).f  # type: ignore[no-any-return]


# The order: kind, shape, dtype, finite values, numbers

RIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.mark.parametrize(
    ("got", "says"),
    [
        (None, r"is None, expected a NumPy array \(is a return missing\?\)"),
        ([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], "is a list of 2, expected a NumPy array"),
        (np.full((3, 2), np.nan), r"has shape \(3, 2\), expected \(2, 3\)"),
        (np.full((2, 3), np.nan), "has shape .* as expected but dtype float64, expected float32"),
        (np.where(RIGHT == 4, np.nan, RIGHT + 1).astype("f"), r"1 of 6 elements are not finite .* first at \[1, 1\]"),
        (np.where(RIGHT == 4, np.inf, RIGHT).astype("f"), r"yours inf, expected 4$"),
        (RIGHT + np.float32(1), r"6 of 6 elements differ; worst at \[0, 0\]: yours 1, expected 0"),
    ],
)
def test_what_is_told_is_the_first_thing_that_is_wrong(got: Any, says: str) -> None:
    assert re.search(says, failing(got, RIGHT, what="out").summary)


@pytest.mark.parametrize("got", [np.float32(1), np.ones((), "f"), np.ones(1, "f"), np.ones((1, 3), "f"), 1.0], ids=repr)
def test_nothing_is_broadcast(got: Any) -> None:
    failing(got, np.ones((2, 3), "f"))
    failing(np.ones((2, 3), "f"), got)


def test_empty_arrays_have_a_shape_too() -> None:
    agree(np.zeros((0, 3)), np.zeros((0, 3)))
    failing(np.zeros((0, 3)), np.zeros((3, 0)))
    failing(np.zeros(0), np.ones(1))
    failing(np.ones(1), np.zeros(0))


def test_nan_equals_nan_only_where_a_check_says_so() -> None:
    holes = np.array([1.0, np.nan, np.inf])
    failing(holes, holes)
    agree(holes, holes, nan=True)
    failing(np.array([np.nan, np.nan, np.inf]), holes, nan=True)
    failing(np.array([1.0, 1.0, np.inf]), holes, nan=True)
    failing(math.nan, math.nan)
    agree(math.nan, math.nan, nan=True)


def test_infinities_agree_with_those_of_their_sign() -> None:
    ends = np.array([-np.inf, np.inf])
    agree(ends, ends)
    failing(-ends, ends)
    agree(-np.inf, -np.inf)


def test_minus_zero_is_zero() -> None:
    agree(np.array([-0.0]), np.array([0.0]))
    agree(-0.0, 0.0)


def test_numbers_at_the_far_ends_are_compared_without_a_warning() -> None:
    assert "1 of 1 elements differ" in failing(np.array([1e308]), np.array([-1.7e308])).summary
    failing(np.array([5e-324]), np.array([1e308]))
    failing(np.array([1e308 + 1e308j]), np.array([1.7e308 + 1.7e308j]))
    failing(np.array([1e308 * (1 + 1j)]), np.array([-1.7e308 * (1 + 1j)]))


# Kinds


KINDS = [True, 1, 1.0, "1", b"1", None, (1,), [1], {1}, {1: 1}, np.array([1]), np.array(["1"]), np.array([True])]


@pytest.mark.parametrize(("one", "two"), list(itertools.permutations(KINDS, 2)), ids=repr)
def test_no_kind_of_answer_stands_for_another(one: Any, two: Any) -> None:
    failing(one, two)


@pytest.mark.parametrize("right", [3.0, np.float64(3), np.array(3.0)], ids=repr)
@pytest.mark.parametrize("got", [3.0, np.float64(3), np.array(3.0)], ids=repr)
def test_one_number_may_be_given_in_any_honest_form(got: Any, right: Any) -> None:
    agree(got, right)
    failing(got + 1, right)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (np.float32(3), np.float64(3)),
        (np.int32(3), np.int64(3)),
        (np.array(3.0), np.float32(3)),
        (np.True_, np.int64(1)),
    ],
    ids=repr,
)
def test_where_both_have_a_dtype_it_counts(one: Any, two: Any) -> None:
    failing(one, two)
    failing(two, one)


class Always(float):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __sub__(self, other: Any) -> Any:
        return 0.0

    __hash__ = float.__hash__


class Sly(np.ndarray):
    def __array_ufunc__(self, *_: Any, **__: Any) -> Any:
        return np.zeros(3)


class Scalar(np.float64):
    __module__ = "numpy"

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = np.float64.__hash__


class Lookalike:
    """Answers whatever it is asked as an array of three ones would."""

    __class__ = np.ndarray  # type: ignore[assignment]
    shape, dtype, ndim = (3,), np.dtype("float64"), 1

    def __eq__(self, other: object) -> bool:
        return True

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return np.ones(3)

    def __len__(self) -> int:
        return 3

    __hash__ = None  # type: ignore[assignment]


class Word(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


LIARS: list[tuple[Any, Any]] = [
    (Always(5), 3.0),
    (Always(3), 3.0),
    (Scalar(3), 3.0),
    (Scalar(3), np.float64(3)),
    (np.ones(3).view(Sly), np.ones(3)),
    (Lookalike(), np.ones(3)),
    (Lookalike(), (1.0, 1.0, 1.0)),
    (Word("b"), "a"),
    (type("T", (tuple,), {})((1,)), (1,)),
    (type("D", (dict,), {})(a=1), {"a": 1}),
    (np.ma.masked_array([1.0, 2.0], mask=True), np.ones(2)),
]


@pytest.mark.parametrize(("liar", "right"), LIARS, ids=lambda value: type(value).__name__)
def test_subclasses_and_lookalikes_never_pass(liar: Any, right: Any) -> None:
    failing(liar, right)
    failing([liar], [right])
    failing(student_of(lambda: liar)(), right)


def test_a_tensor_that_takes_over_torchs_functions_never_passes() -> None:
    import torch

    class Fake(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return torch.ones(3)

    fake = torch.zeros(3).as_subclass(Fake)
    assert "is a Fake, expected a torch tensor" in failing(fake, torch.ones(3)).summary
    assert "is an object of type Fake" in failing(student_of(lambda: fake)(), torch.ones(3)).summary


def test_a_torch_tensor_is_not_a_numpy_array() -> None:
    import torch

    agree(torch.ones(2), torch.ones(2))
    agree(torch.ones(2, requires_grad=True) * 1, torch.ones(2))
    failing(torch.ones(2), np.ones(2, "f"))
    failing(np.ones(2, "f"), torch.ones(2))
    failing(1.0, torch.ones(()))
    assert "expected on cpu" in failing(torch.ones(2, device="meta"), torch.ones(2)).summary


def test_what_can_not_be_compared_is_the_checks_fault() -> None:
    with pytest.raises(TypeError, match="can't compare with a object"):
        agree(1, object())


# Structures, words, whole numbers


def test_parts_are_named() -> None:
    right = (np.ones(2), np.zeros(3))
    assert failing((np.ones(2), np.ones(3)), right, names=("dx", "dw")).summary.startswith("dw has shape (3,)")
    assert failing((np.ones(2),), right, names=("dx", "dw")).summary.endswith("has 1 parts, expected 2: dx, dw")
    assert failing([1, [2, 4]], [1, [2, 3]]).summary.startswith("the answer[1][1] ")


def test_dicts_need_the_same_keys_in_any_order() -> None:
    agree({"b": 2, "a": 1}, {"a": 1, "b": 2})
    agree({np.int64(1): 2}, {1: 2})
    assert failing({"a": 1, "c": 1}, {"a": 1, "b": 2}).summary == "the answer lacks 'b' and has 'c' besides"
    assert failing({"a": {"b": 1}}, {"a": {"b": 2}}).summary.startswith("the answer['a']['b'] ")
    failing({True: 2}, {1: 2})
    failing({1.0: 2}, {1: 2})
    assert len(failing({}, {str(n): n for n in range(999)}).summary) < 200


def test_words_are_compared_exactly() -> None:
    agree("ß", "ß")
    agree(np.array(["a"])[0], "a")
    agree(frozenset({1}), {1})
    assert failing("ss", "ß").summary == "the answer is 'ss', expected 'ß'"
    failing("a ", "a")
    failing(b"a", b"b")
    failing({"a"}, {"a", "b"})


def test_arrays_of_words_are_compared_word_by_word_whatever_room_they_have() -> None:
    agree(np.array(["a", "b"], "U9"), np.array(["a", "b"]))
    told = failing(np.array(["a", "x"], "U9"), np.array(["a", "bcd"])).summary
    assert told.endswith("1 of 2 elements differ; worst at [1]: yours 'x', expected 'bcd'")
    failing(np.array(["1"]), np.array([1]))


@pytest.mark.parametrize("right", [3, 2**53 + 1, 2**64 - 1, 10**30, np.int64(3), np.uint8(3)], ids=repr)
def test_whole_numbers_are_compared_exactly(right: Any) -> None:
    agree(right, right)
    assert re.search(r"yours -?\d+, expected -?\d+$", failing(int(right) + 1, int(right)).summary)
    failing(5, int(right))
    failing(int(right), 10**31)
    failing(float(right), right)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_arrays_of_whole_numbers_are_compared_exactly(dtype: str) -> None:
    right = np.array([[0, 1], [1, 1]]).astype(dtype)
    agree(right, right.copy())
    wrong = right.copy()
    wrong[1, 0] = 0
    told = failing(wrong, right, rtol=1.0, atol=9.0).summary
    assert told.endswith(f"1 of 4 elements differ; worst at [1, 0]: yours {wrong[1, 0]}, expected {right[1, 0]}")


# The tolerance


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
def test_without_a_calibration_sixteen_units_in_the_last_place_are_allowed(dtype: str) -> None:
    right = np.array([1.0, -4.0]).astype(dtype)
    unit = 4 * float(np.finfo(dtype).eps)
    for sign in (1, -1):
        agree(right + np.array([sign * 16 * unit, 0]).astype(dtype), right)
        failing(right + np.array([sign * 18 * unit, 0]).astype(dtype), right)
    agree(right + np.array([0, 2 * unit]).astype(dtype), right, ulps=2)
    failing(right + np.array([0, 4 * unit]).astype(dtype), right, ulps=2)


def test_bfloat16_has_a_floor_of_its_own() -> None:
    import torch

    right = torch.tensor([1.0, 4.0], dtype=torch.bfloat16)
    agree(right + torch.tensor([0.25, 0.0], dtype=torch.bfloat16), right)
    failing(right + torch.tensor([0.75, 0.0], dtype=torch.bfloat16), right)
    assert epsilon("bfloat16") == 2 * epsilon("float16") * 4


def test_an_imaginary_part_counts() -> None:
    failing(np.array([1 + 1e-3j]), np.array([1 + 0j]))
    failing(np.array([1 + np.inf * 1j]), np.array([1 + 0j]))


def test_sixteen_times_the_references_own_error_is_allowed_for_each_output() -> None:
    right = (np.ones(3), np.ones(3))
    loose, tight = 1e-3, 1e-6
    expected = calibrated(right, loose, tight)
    agree((right[0] + 15 * loose, right[1] + 15 * tight), expected)
    assert failing((right[0] + 17 * loose, right[1]), expected, names=("a", "b")).summary.startswith("a ")
    wrong = failing((right[0], right[1] + 17 * tight), expected, names=("a", "b"))
    assert wrong.summary.startswith("b ")
    assert wrong.ratio == pytest.approx(17 / CALIBRATION)


def test_errors_belong_to_their_outputs_whatever_lies_between() -> None:
    value = {"n": 3, "a": np.ones(2), "b": [np.arange(2), 1.0, "word", np.ones(1, "f")]}
    expected = calibrated(value, 1e-3, 1e-6, 1e-2)
    agree({"n": 3, "a": value["a"] + 0.015, "b": [np.arange(2), 1.0 + 1.5e-5, "word", np.full(1, 1.15, "f")]}, expected)
    failing({**value, "a": value["a"] + 0.017}, expected)
    failing({**value, "b": [np.arange(2), 1.0 + 1.7e-5, "word", np.ones(1, "f")]}, expected)
    failing({**value, "b": [np.arange(2), 1.0, "word", np.full(1, 1.17, "f")]}, expected)


def test_a_lucky_reference_still_leaves_the_floor() -> None:
    agree(np.array([1.0 + 15 * 2.0**-52, 0.0]), calibrated(np.array([1.0, 0.0]), 0.0))


def test_where_all_is_zero_the_floor_is_a_unit_of_the_operands() -> None:
    zero = calibrated(np.zeros(2), 0.0, scale=1e3)
    agree(np.full(2, 1e3 * 2.0**-52), zero)
    failing(np.full(2, 3e3 * 2.0**-52), zero)
    failing(np.full(2, 5e-324), np.zeros(2))


def test_a_check_may_widen_the_tolerance_of_plain_data() -> None:
    agree(np.array([1.01]), np.array([1.0]), rtol=0.02)
    agree(np.array([0.01]), np.array([0.0]), atol=0.02)
    failing(np.array([1.03]), np.array([1.0]), rtol=0.02)


def test_a_witness_sees_each_answer_and_how_near_it_came() -> None:
    with witnessed() as witness:
        agree(np.array([1.0]), np.array([1.0]))
        agree(np.array([1.001]), calibrated(np.array([1.0]), 1e-3))
        failing(np.array([3.0]), np.array([1.0]))
    assert [answer.tolist() for answer in witness.answers] == [[1.0], [1.001], [3.0]]
    assert witness.margin == pytest.approx(1 / 16)


# Honest alternatives and classic mistakes, as CHECKING's table has them


def matmul(a: Any, b: Any) -> Any:
    return a @ b


def matmul_in_a_loop(a: Any, b: Any) -> Any:
    out = np.zeros((len(a), b.shape[1]), a.dtype)
    for k in range(len(b)):
        out += a[:, k : k + 1] * b[k]
    return out


def matmul_by_einsum(a: Any, b: Any) -> Any:
    return np.einsum("ik,kj->ij", a, b)


def matmul_coarse(a: Any, b: Any) -> Any:
    """Operands cut to 10 bits, as TF32 does."""
    mask = np.uint32(0xFFFFE000)
    cut = [
        (np.ascontiguousarray(x, np.float32).view(np.uint32) & mask).view(np.float32).astype(x.dtype) for x in (a, b)
    ]
    return cut[0] @ cut[1]


def layer_norm(x: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + x.dtype.type(1e-5))


def layer_norm_by_torch(x: Any) -> Any:
    import torch

    return torch.nn.functional.layer_norm(torch.from_numpy(x), x.shape[-1:]).numpy()


def layer_norm_by_moments(x: Any) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    variance = (x * x).mean(axis=-1, keepdims=True) - mean * mean
    return (x - mean) / np.sqrt(variance + x.dtype.type(1e-5))


def layer_norm_in_one_pass(x: Any) -> Any:
    n = x.dtype.type(x.shape[-1])
    mean, square = (np.cumsum(v, axis=-1)[..., -1:] / n for v in (x, x * x))  # one number after the other
    return (x - mean) / np.sqrt(square - mean * mean + x.dtype.type(1e-5))


def layer_norm_unbiased(x: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt(x.var(axis=-1, keepdims=True, ddof=1) + x.dtype.type(1e-5))


def layer_norm_eps_outside(x: Any) -> Any:
    return (x - x.mean(axis=-1, keepdims=True)) / (x.std(axis=-1, keepdims=True) + x.dtype.type(1e-5))


def log_softmax(x: Any) -> Any:
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def cross_entropy(x: Any, y: Any) -> Any:
    return -log_softmax(x)[np.arange(len(y)), y].mean()


def cross_entropy_through_softmax(x: Any, y: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return -np.log((e / e.sum(axis=-1, keepdims=True))[np.arange(len(y)), y]).mean()


def cross_entropy_by_torch(x: Any, y: Any) -> Any:
    import torch

    return torch.nn.functional.cross_entropy(torch.from_numpy(x), torch.from_numpy(y)).numpy()[()]


def cross_entropy_summed(x: Any, y: Any) -> Any:
    return -log_softmax(x)[np.arange(len(y)), y].sum()


def logsumexp(x: Any) -> Any:
    m = x.max(axis=-1)
    return m + np.log(np.exp(x - m[..., None]).sum(axis=-1))


def logsumexp_by_scipy(x: Any) -> Any:
    from scipy.special import logsumexp as by_scipy

    return by_scipy(x, axis=-1)


def logsumexp_pairwise(x: Any) -> Any:
    return np.logaddexp.reduce(x, axis=-1)


def logsumexp_of_the_mean(x: Any) -> Any:
    m = x.max(axis=-1)
    return m + np.log(np.exp(x - m[..., None]).mean(axis=-1))


def convolution(x: Any, w: Any) -> Any:
    (h, b), (_, c) = w.shape[2:], x.shape[:2]
    rows, columns = x.shape[2] - h + 1, x.shape[3] - b + 1
    out = np.zeros((len(x), len(w), rows, columns), x.dtype)
    for i, j, k in itertools.product(range(c), range(h), range(b)):
        out += x[:, i, None, j : j + rows, k : k + columns] * w[:, i, j, k, None, None]
    return out


def convolution_by_im2col(x: Any, w: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    n, _, rows, columns = windows.shape[:4]
    flat = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * rows * columns, -1) @ w.reshape(len(w), -1).T
    return np.ascontiguousarray(flat.reshape(n, rows, columns, -1).transpose(0, 3, 1, 2))


def convolution_flipped(x: Any, w: Any) -> Any:
    return convolution(x, w[:, :, ::-1, ::-1])


def inputs_of(function: Any, data: Data, dtype: str) -> tuple[Any, ...]:
    if function is matmul:
        return data.normal(6, 2048, dtype=dtype), data.normal(2048, 5, dtype=dtype)
    if function is layer_norm:
        return (data.normal(8, 768, dtype=dtype),)
    if function is cross_entropy:
        return data.normal(16, 50, scale=3.0, dtype=dtype), data.integers(0, 50, 16)
    if function is logsumexp:
        return (data.normal(16, 200, scale=3.0, dtype=dtype),)
    return data.normal(2, 8, 9, 9, dtype=dtype), data.normal(6, 8, 3, 3, dtype=dtype)


HONEST = [
    (matmul, matmul_in_a_loop),
    (matmul, matmul_by_einsum),
    (layer_norm, layer_norm_by_torch),
    (layer_norm, layer_norm_by_moments),
    (cross_entropy, cross_entropy_through_softmax),
    (cross_entropy, cross_entropy_by_torch),
    (logsumexp, logsumexp_by_scipy),
    (logsumexp, logsumexp_pairwise),
    (convolution, convolution_by_im2col),
]
WRONG = [
    (matmul, matmul_coarse),
    (layer_norm, layer_norm_unbiased),
    (layer_norm, layer_norm_eps_outside),
    (cross_entropy, cross_entropy_summed),
    (logsumexp, logsumexp_of_the_mean),
    (convolution, convolution_flipped),
]


def named(value: Any) -> str:
    return str(getattr(value, "__name__", value))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("right", "other"), HONEST, ids=named)
def test_an_honest_answer_written_otherwise_passes(right: Any, other: Any, dtype: str) -> None:
    for seed in range(6):
        inputs = inputs_of(right, Data(seed, "honest"), dtype)
        agree(student_of(other)(*inputs), reference_of(right)(*inputs))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("right", "wrong"), WRONG, ids=named)
def test_a_classic_mistake_goes_ten_times_beyond_what_is_allowed(right: Any, wrong: Any, dtype: str) -> None:
    for seed in range(6):
        inputs = inputs_of(right, Data(seed, "wrong"), dtype)
        if right is layer_norm:
            inputs = (inputs[0][:, :6] / 16,)  # the width, and the size beside eps, at which it shows
        assert failing(student_of(wrong)(*inputs), reference_of(right)(*inputs)).ratio >= 10


def test_one_pass_variance_far_from_zero_is_a_mistake_of_its_own_kind() -> None:
    """Rounding, but far more of it than the reference's: it fails, though not ten times beyond."""
    for seed in range(6):
        x = Data(seed, "one pass").normal(8, 768, dtype="float32") + np.float32(3)
        wrong = failing(student_of(layer_norm_in_one_pass)(x), reference_of(layer_norm)(x))
        assert 1 < wrong.ratio < 10


# Any plain data

numbers = st.sampled_from(["float16", "float32", "float64", "int64", "uint8", "bool", "complex64", "U3"])
arrays = hnp.arrays(numbers.map(np.dtype), hnp.array_shapes(min_dims=0, min_side=0, max_side=3))
keys = st.one_of(st.text(max_size=3), st.integers())
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), arrays, st.sets(keys)),
    lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(keys, inner)),
    max_leaves=5,
)


@settings(deadline=None)
@given(plain)
def test_anything_agrees_with_itself(value: Any) -> None:
    with np.errstate(all="ignore"):
        agree(value, value, nan=True)


@settings(deadline=None)
@given(plain, plain)
def test_any_two_answers_end_in_agreement_or_in_one_line(one: Any, two: Any) -> None:
    try:
        agree(one, two)
    except Disagreement as error:
        for line in (error.summary, error.redacted):
            assert len(line.splitlines()) == 1


finite = st.floats(-1e6, 1e6, width=32)


@settings(deadline=None)
@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_side=4), elements=finite),
    st.data(),
    st.sampled_from([1.5, 10.0, 1e3, 1e9]),
)
def test_one_element_beyond_the_tolerance_is_found_and_named(right: np.ndarray, data: st.DataObject, by: float) -> None:
    error = 1e-6
    allowed = max(CALIBRATION * error, 16 * 2.0**-52 * float(np.abs(right).max()))
    at = data.draw(st.sampled_from(list(np.ndindex(right.shape))))
    got = right.copy()
    got[at] += by * allowed
    told = failing((got,), calibrated((right,), error), names=("dx",))
    assert f"1 of {right.size} elements differ; worst at {list(at)}:" in told.summary
    assert told.ratio == pytest.approx(by, rel=1e-4)
    got[at] = right[at] + 0.9 * allowed
    agree((got,), calibrated((right,), error))


@settings(deadline=None)
@given(hnp.arrays(np.int64, hnp.array_shapes(max_side=4)), st.data())
def test_one_whole_number_off_by_one_is_found_and_named(right: np.ndarray, data: st.DataObject) -> None:
    at = data.draw(st.sampled_from(list(np.ndindex(right.shape))))
    assume(right[at] < np.iinfo(np.int64).max)
    got = right.copy()
    got[at] += 1
    assert (
        f"1 of {right.size} elements differ; worst at {list(at)}: yours {got[at]}, expected {right[at]}"
        in failing(got, right).summary
    )


# What is told

SECRET = 7351.0625  # no shape, count or index looks like it


@pytest.mark.parametrize(
    ("got", "right"),
    [
        (1.0, SECRET),
        (SECRET, 1.0),
        (1, 73510625),
        (np.ones(2), np.full(2, SECRET)),
        (np.full(2, np.inf), np.full(2, SECRET)),
        (np.full(2, np.inf), np.full(2, -np.inf)),
        ("a", "7351"),
        ({1.0}, {SECRET}),
        ({}, {SECRET: 1}),
        ({SECRET: 1}, {}),
        ({"7351": 1.0}, {"7351": 2.0}),
        ({7351: {7351: 1}}, {7351: {7351: 2}}),
        ([1, {"x": SECRET}], [1, {"x": 1.0}]),
        (np.array(["a"]), np.array(["7351"])),
    ],
    ids=repr,
)
def test_what_is_told_of_a_hidden_case_holds_nothing_of_the_answer(got: Any, right: Any) -> None:
    told = failing(got, right)
    assert not re.search(r"7.?351|inf\b", told.redacted)
    assert told.redacted != told.summary
    assert len(told.redacted) > 20


def test_of_a_hidden_case_not_even_the_name_of_a_students_class_is_told() -> None:
    messenger = type("secret_7351", (), {})()
    told = failing(student_of(lambda: messenger)(), np.ones(3))
    assert "secret_7351" in told.summary
    assert told.redacted == "the answer is an object, expected a NumPy array"


def test_the_details_show_both_sides() -> None:
    told = failing(np.array([1.5, 2.0]), np.array([1.5, 3.0]))
    assert told.detail == "yours:\n[1.5 2. ]\nexpected:\n[1.5 3. ]"
    assert len(failing(np.zeros((99, 99)), np.ones((99, 99))).detail) < 2000


@pytest.mark.parametrize(("off", "digits"), [(1e-3, "3.14259"), (1e-9, "3.14159265"), (1.0, "4.142")])
def test_as_many_digits_are_shown_as_tell_the_two_apart(off: float, digits: str) -> None:
    assert f"yours {digits}" in failing(math.pi + off, math.pi).summary


def test_answers_are_kept_for_the_diagnosis_up_to_a_bound() -> None:
    half = np.zeros(KEPT_BYTES // 2, np.uint8)
    with witnessed() as witness:
        for answer in (half, [half], (1, half), 1.0):
            with pytest.raises(Disagreement):
                agree(answer, "another")
    assert witness.answers[0] is half
    assert witness.answers[1][0] is half
    assert witness.answers[2:] == [NotKept(), NotKept()]
