"""The reference: each answer with the rounding error that it shows, live and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autograder import agree
from autograder.checking.reference import Expected, LiveReference, ReplayMismatch, ReplayReference
from autograder.course import CourseError
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.student import Namespace, StudentError, StudentSession

SOURCE = """
import numpy as np
seen = []
def third(x):
    seen.append(x.dtype.name)
    return x / 3
def pair(x): return x / 3, {'a': x / 7, 'n': 3, 'word': 'w'}
def two(x, y): return x * y / 3
def narrow(x): return x.astype('float32') if x.dtype == np.float64 else x
def only(x, dtype):
    assert x.dtype == dtype
    return x / 3
class Adder:
    def __init__(self, start): self.total = start
    def add(self, x):
        self.total = self.total + x / 3
        return self.total
    def step(self): self.total = self.total / 7; return self.total
    def __len__(self): return 3
    def __bool__(self): return False
    def __float__(self): return 1.5
    def __iter__(self): return iter([self.total, 2])
    def __getitem__(self, key): return key
    def __mul__(self, x): return self.total * x
    def __rmul__(self, x): return x * self.total
    def __neg__(self): return -self.total
    def __lt__(self, x): return True
def numbers(n):
    for i in range(n): yield np.float64(i)
def odd(x): raise ValueError('odd')
def nothing(x): return 0 * x
def constant(): return np.ones(2) / 3
"""


def namespace() -> dict[str, Any]:
    made: dict[str, Any] = {}
    exec(compile(SOURCE, "<cell 1>", "exec"), made)
    return made


@pytest.fixture
def live() -> LiveReference:
    return LiveReference(namespace())


@pytest.fixture
def reference(live: LiveReference) -> Namespace:
    return Namespace(live)


def inputs(dtype: str) -> np.ndarray:
    return np.linspace(-2, 2, 40).astype(np.float32).astype(dtype)


# Two precisions


@pytest.mark.parametrize(("dtype", "partner"), [("float16", "float64"), ("float32", "float64"), ("float64", "float32")])
def test_the_partner_runs_in_the_other_precision(dtype: str, partner: str, live: LiveReference) -> None:
    Namespace(live).third(inputs(dtype))
    assert live.namespace["seen"] == [dtype, partner]


def test_below_float64_the_error_is_the_distance_from_the_answer_in_float64(reference: Namespace) -> None:
    x = inputs("float32")
    got = reference.third(x)
    assert got.value.dtype == np.float32
    assert got.errors == (np.abs(x.astype("float64") / 3 - x / np.float32(3)).max(),)
    assert 0 < got.errors[0] < 2.0**-24


def test_in_float64_it_is_the_error_of_float32_scaled_by_their_units(reference: Namespace) -> None:
    got = reference.third(inputs("float64"))
    assert got.value.dtype == np.float64
    assert 0 < got.errors[0] < 2.0**-53
    error32 = np.abs((inputs("float32") / np.float32(3)).astype("float64") - got.value).max()
    assert got.errors[0] == pytest.approx(error32 * 2.0**-29)


def test_an_input_that_is_narrower_than_the_others_decides_the_direction(live: LiveReference) -> None:
    got = Namespace(live).two(inputs("float32"), inputs("float64"))
    assert got.value.dtype == np.float64
    assert got.errors[0] < 2.0**-50


def test_torch_tensors_have_a_partner_too() -> None:
    import torch

    ns = Namespace(LiveReference({"third": lambda x: x / 3}))
    x = torch.linspace(-2, 2, 40)
    got = ns.third(x.requires_grad_())
    assert got.value.dtype is torch.float32
    assert 0 < got.errors[0] < 2.0**-24
    assert 2.0**-12 < ns.third(x.detach().bfloat16()).errors[0] < 2.0**-8


def test_each_number_of_an_answer_has_an_error_of_its_own(reference: Namespace) -> None:
    got = reference.pair(inputs("float32"))
    assert len(got.errors) == 2
    third, rest = got
    assert (third.errors, rest["a"].errors, rest["n"].errors) == (got.errors[:1], got.errors[1:], ())
    assert got[1]["word"].value == "w"
    assert got[0].value.tolist() == third.value.tolist()


def test_an_object_is_kept_in_both_precisions(reference: Namespace) -> None:
    adder = reference.Adder(inputs("float32"))
    first = adder.add(inputs("float32"))
    second = adder.step()
    assert second.value.dtype == np.float32
    assert 0 < first.errors[0] < 1e-6
    assert 0 < second.errors[0] < 1e-6
    assert second.errors[0] != first.errors[0]
    adder.total = inputs("float32")
    assert adder.total.value.tolist() == inputs("float32").tolist()


def test_an_answer_that_goes_back_in_goes_in_both_precisions(reference: Namespace) -> None:
    twice = reference.two(reference.third(inputs("float32")), reference.third(inputs("float32")))
    x = inputs("float32").astype("float64") / 3
    assert twice.errors[0] == pytest.approx(np.abs(twice.value - x * x / 3).max(), rel=1e-6)
    assert twice.scale == pytest.approx(2 / 3)
    item = reference.third(reference.third(inputs("float32"))[3])
    assert item.errors[0] == pytest.approx(abs(float(item.value) - float(inputs("float64")[3]) / 9), rel=1e-3)


def test_a_reference_that_runs_in_one_precision_only_leaves_the_floor(reference: Namespace) -> None:
    got = reference.only(inputs("float32"), "float32")
    assert got.errors == (0.0,)
    agree(got.value * np.float32(1 + 2**-22), got)


def test_the_scale_is_the_largest_of_the_operands(reference: Namespace) -> None:
    assert reference.third(inputs("float32")).scale == 2.0
    assert reference.two(np.array([np.inf, -9.0]), np.array([1.0])).scale == 9.0
    assert reference.constant().scale == 0.0


def test_numbers_that_overflow_in_the_partner_make_no_error_infinite(reference: Namespace) -> None:
    got = reference.two(np.array([1e30, 3.0]), np.array([1e30, 1.0]))
    assert got.errors[0] < 1e-15


# What a check does with an answer


def test_an_answer_can_be_computed_with(reference: Namespace) -> None:
    x = inputs("float64")
    got = 2 * reference.third(x) + reference.third(x)
    assert isinstance(got, Expected)
    np.testing.assert_allclose(got.value, x)
    assert (-reference.third(x)).value[0] == 2 / 3
    assert np.asarray(reference.third(x)).shape == reference.third(x).shape == (40,)


def test_an_object_answers_as_the_students_does(reference: Namespace) -> None:
    adder = reference.Adder(2.0)
    got = (len(adder), bool(adder), float(adder), [item.value for item in adder], adder["k"].value, (adder * 3).value)
    assert got == (3, False, 1.5, [2.0, 2], "k", 6.0)
    assert ((3 * adder).value, (-adder).value, (adder < 1).value) == (6.0, -2.0, True)
    assert [item.value for item in list(reference.numbers(3))] == [0.0, 1.0, 2.0]


def test_what_has_no_parts_says_so(reference: Namespace) -> None:
    with pytest.raises(TypeError, match=r"use \.value"):
        list(reference.third(inputs("float32")))
    with pytest.raises(KeyError):
        reference.pair(inputs("float32"))[1]["none"]


def test_an_answer_can_not_be_sent_to_a_student(reference: Namespace) -> None:
    student = Namespace(StudentSession(LiveTransport({"f": lambda x: x})))
    for sent in (reference.third(inputs("float32")), reference.Adder(1.0)):
        with pytest.raises(CourseError, match="to the student"):
            student.f([sent])


# Replayed


def everything(reference: Namespace) -> list[Any]:
    """What a long check asks, with what came of it."""
    adder = reference.Adder(inputs("float32"))
    found = [adder.add(inputs("float32")), adder.step(), *adder, *reference.pair(inputs("float64"))]
    found += [reference.third(inputs("float16")) * 2, adder["k"], len(adder), float(adder), bool(adder)]
    found += list(reference.numbers(2))
    for call in (lambda: reference.odd(1), lambda: reference.absent, lambda: len(reference.numbers(1))):
        with pytest.raises(StudentError) as caught:
            call()
        found.append((caught.value.type_name, caught.value.message))
    return found


def facts(found: list[Any]) -> list[Any]:
    return [(repr(x.value), x.errors, x.scale) if isinstance(x, Expected) else x for x in found]


def test_a_replay_gives_the_answers_errors_and_exceptions_of_the_live_run(live: LiveReference) -> None:
    first = facts(everything(Namespace(live)))
    assert facts(everything(Namespace(ReplayReference(live.log)))) == first
    assert facts(everything(Namespace(ReplayReference(live.log)))) == first


@pytest.mark.parametrize("copies", ["live", "replayed"])
def test_a_check_that_changes_an_answer_changes_it_for_itself_only(copies: str, live: LiveReference) -> None:
    x = inputs("float32")
    answer = Namespace(live).third(x)
    right = (x / 3).tolist()
    if copies == "replayed":
        answer = Namespace(ReplayReference(live.log)).third(x)
    answer.value[:] = 0
    assert Namespace(ReplayReference(live.log)).third(x).value.tolist() == right


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda ns: ns.two, "asks for two, recorded was third"),
        (lambda ns: [ns.third, ns.third], "asks for third, recorded was call"),
        (lambda ns: ns.third(1).sum(ns.third), "no recorded answer for third"),
    ],
)
def test_another_question_than_the_recorded_one_is_told(ask: Any, told: str, live: LiveReference) -> None:
    Namespace(live).third(inputs("float32"))
    with pytest.raises(ReplayMismatch, match=f"{told}.*: rebuild the release"):
        ask(Namespace(ReplayReference(live.log)))
