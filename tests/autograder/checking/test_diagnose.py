"""Diagnosis: a classic mistake is named when the answers are its answers, and only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.checking.diagnose import diagnose, questions, same
from autograder.checking.record import Recording, dump, parse, record
from autograder.checking.run import CaseOutcome, Raised, Run, Runner, drive, live, live_reference
from autograder.checking.variants import Variant
from autograder.results import CaseResult
from autograder.values import Handle

A, B = np.linspace(1, 2, 8), np.linspace(-3, 1, 8)


def failed(case: str, *answers: Any, limit: str | None = None, outcome: Any = "failed") -> CaseOutcome:
    return CaseOutcome("q", CaseResult(f"q::{case}", outcome, limit=limit), answers)


def recorded(**mistakes: dict[str, list[Any]]) -> Recording:
    streams = {name: {f"q::{case}": answers for case, answers in cases.items()} for name, cases in mistakes.items()}
    return Recording(1, "cpu", {"q": 1.0}, {}, streams, {name: f"hint of {name}" for name in mistakes})


KNOWN = recorded(first={"a": [A], "b": [B, 3]}, second={"a": [B], "b": [A, 3]}, raising={"a": [Raised("ValueError")]})


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ([failed("a", A), failed("b", B, 3)], "first"),
        ([failed("a", B), failed("b", A, 3)], "second"),
        ([failed("a", A)], "first"),
        ([failed("a", A), failed("c", A, outcome="passed")], "first"),
        ([failed("a", Raised("ValueError"))], "raising"),
        ([failed("a", A), failed("b", A, 3)], None),
        ([failed("a", A), failed("b", B, 4)], None),
        ([failed("a", A), failed("b", B)], None),
        ([failed("a", A), failed("b")], None),
        ([failed("a", A), failed("c", A)], None),
        ([failed("a", Raised("TypeError"))], None),
        ([failed("a", A, A)], None),
        ([failed("a")], None),
        ([], None),
        ([failed("a", A, outcome="passed")], None),
        ([failed("a", A), failed("b", limit="wall time")], None),
    ],
)
def test_a_mistake_is_named_when_every_failed_case_has_its_answers(
    outcomes: list[CaseOutcome], found: str | None
) -> None:
    assert diagnose(outcomes, KNOWN) == found


def test_a_case_without_an_answer_counts_as_well() -> None:
    known = recorded(first={"a": [A], "b": []})
    assert diagnose([failed("a", A), failed("b")], known) == "first"
    assert diagnose([failed("a", A), failed("b", A)], known) is None


def test_the_last_digits_do_not_matter_but_a_millionth_does() -> None:
    assert diagnose([failed("a", A * (1 + 1e-12))], KNOWN) == "first"
    assert diagnose([failed("a", A * (1 + 1e-6))], KNOWN) is None
    assert same(A.astype("f") * np.float32(1 + 1e-6), A.astype("f"))
    assert not same(A.astype("f") * np.float32(1.01), A.astype("f"))


@settings(deadline=None)
@given(hnp.arrays(np.float64, 5, elements=st.floats(-1e9, 1e9)), st.floats(-1, 1))
def test_noise_of_a_few_units_is_the_same_answer(numbers: np.ndarray, by: float) -> None:
    noisy = numbers + by * 64 * 2.0**-52 * np.abs(numbers).max(initial=0.0)
    assert same(noisy, numbers)
    assert same([{"a": noisy}], [{"a": numbers}])


DIFFERENT: list[tuple[Any, Any]] = [
    (A, A.astype("f")), (A, A[:7]), (A, A[None]), (A, A.tolist()), (A, None), (A, Handle(1, "x")), (A, Raised("E")),
    (3, 3.5), (3, True), (3, "3"), (3.0, None), ("a", "b"), ((1,), [1]), ((1,), (1, 2)), ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 2}), (np.arange(3), np.array([0, 1, 3])), (np.arange(3), np.arange(3.0)),
    (np.array([np.nan]), np.array([1.0])), (np.array([np.inf]), np.array([-np.inf])),
    (np.array(["a"]), np.array(["b"])), (np.array([1e308]), np.array([-1e308])),
    (np.ones(1), 1.0), (np.float32(1), np.float64(1)),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), DIFFERENT, ids=repr)
def test_different_answers_are_different(one: Any, two: Any) -> None:
    assert not same(one, two)
    assert not same(two, one)
    assert not same([one], [two])


EQUAL: list[Any] = [A, 3, 1.5, "w", None, (1, [2.0]), {"a": A}, np.array([np.nan, np.inf]), np.zeros((0, 3)), {1, 2}]


@pytest.mark.parametrize("value", EQUAL, ids=repr)
def test_an_answer_is_the_same_as_itself(value: Any) -> None:
    assert same(value, value)


def test_one_number_in_two_forms_is_the_same() -> None:
    assert same(1.5, np.float64(1.5))
    assert same(np.array(1.5), 1.5)


def test_a_tensor_is_not_the_array_of_its_numbers() -> None:
    import torch

    assert not same(torch.ones(2), np.ones(2, "f"))
    assert not same(np.ones(2, "f"), torch.ones(2))
    assert not same(torch.ones(2, dtype=torch.bfloat16), torch.ones(2))
    assert same(torch.ones(2, dtype=torch.bfloat16), torch.ones(2, dtype=torch.bfloat16))


# On a course


def test_each_mistake_of_a_course_is_recognised_and_no_other_failure_is(sums: Path) -> None:
    def work(runner: Runner) -> None:
        suite = runner.suite
        recording = parse(dump(record(runner, seed=5)))
        reference = live_reference(suite.namespace())

        def found(names: dict[str, Any]) -> dict[str, tuple[str | None, str | None]]:
            outcomes = runner.run(Run(suite, 5, live(names), reference))
            results = questions(suite, outcomes, lambda question: recording)
            return {result.question: (result.mistake, result.hint) for result in results if not result.passed}

        assert found(suite.namespace()) == {}
        for variant in suite.variants.mistakes:
            name = f"{variant.question}: {variant.name}"
            assert found(suite.namespace(variant)) == {variant.question: (name, variant.hint)}
        other = Variant("mistake", "softmax", "other", old="powers / ", new="2 * powers / ")
        assert found(suite.namespace(other)) == {"softmax": (None, None)}
        assert found({}) == dict.fromkeys(suite.points, (None, None))

    drive(sums / "tests" / "sums", work)


def test_what_is_recorded_is_asked_for_only_where_answers_failed(sums: Path) -> None:
    asked: list[str] = []

    def work(runner: Runner) -> None:
        names = runner.suite.namespace() | {"tags": lambda words: []}
        del names["Running"]
        outcomes = runner.run(Run(runner.suite, 5, live(names), live_reference(runner.suite.namespace())))
        results = questions(runner.suite, outcomes, asked.append)
        assert [result.passed for result in results] == [True, False, False]

    drive(sums / "tests" / "sums", work)
    assert asked == ["tags"]  # of a name that isn't there nothing was compared
