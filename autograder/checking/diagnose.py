"""Which classic mistake is it? A student's answers compared with each mistake's on the same inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograder.checking.compare import epsilon
from autograder.checking.record import Recording
from autograder.checking.run import CaseOutcome, Raised
from autograder.checking.suite import Suite
from autograder.results import QuestionResult
from autograder.sandbox.student import Remote
from autograder.values import Handle, dtype_name, kind_of, to_numpy

Recall = Callable[[str], Recording | None]
"""What is recorded for a question; asked only for those with a case that failed."""


def questions(suite: Suite, outcomes: Sequence[CaseOutcome], recall: Recall | None) -> tuple[QuestionResult, ...]:
    """The results of all of a suite's questions, in the notebook's order, each with its diagnosis."""
    by_question: dict[str, list[CaseOutcome]] = {name: [] for name in suite.points}
    for outcome in outcomes:
        by_question.setdefault(outcome.question, []).append(outcome)
    results = []
    for name, mine in by_question.items():
        mistake, hint = _diagnosis(mine, recall, name) if recall is not None else (None, None)
        cases = tuple(outcome.result for outcome in mine)
        results.append(QuestionResult(name, suite.points.get(name, 0.0), cases, mistake, hint))
    return tuple(results)


def _diagnosis(outcomes: Sequence[CaseOutcome], recall: Recall, question: str) -> tuple[str | None, str | None]:
    """The mistake and its hint, both None where it is none that is known."""
    if not _may_be_known(outcomes):
        return None, None
    recording = recall(question)
    found = diagnose(outcomes, recording) if recording is not None else None
    return found, recording.hints.get(found) if recording is not None and found is not None else None


def _may_be_known(outcomes: Sequence[CaseOutcome]) -> bool:
    """Whether there are answers to compare: nothing was compared of a blank, or of what a limit ended."""
    failed = [outcome for outcome in outcomes if outcome.result.outcome == "failed"]
    return any(outcome.answers for outcome in failed) and not any(outcome.result.limit for outcome in outcomes)


def diagnose(outcomes: Sequence[CaseOutcome], recording: Recording) -> str | None:
    """The first mistake that gives these very answers in every case that failed, or None."""
    failed = [outcome for outcome in outcomes if outcome.result.outcome == "failed"]
    if not _may_be_known(outcomes):
        return None
    for name, streams in recording.mistakes.items():
        if all(_same_stream(outcome, streams) for outcome in failed):
            return name
    return None


def _same_stream(outcome: CaseOutcome, streams: Mapping[str, Sequence[Any]]) -> bool:
    theirs = streams.get(outcome.result.case)
    if theirs is None or len(theirs) != len(outcome.answers):
        return False
    return all(same(mine, other) for mine, other in zip(outcome.answers, theirs, strict=True))


def same(mine: Any, other: Any) -> bool:
    """Whether two answers are one answer computed twice: equal up to half of the digits."""
    if isinstance(mine, (Remote, Handle)) or isinstance(other, (Remote, Handle)):
        return isinstance(mine, (Remote, Handle)) and isinstance(other, (Remote, Handle))
    if isinstance(mine, Raised) or isinstance(other, Raised):
        return isinstance(mine, Raised) and isinstance(other, Raised) and mine == other
    if kind_of(mine) is not None or kind_of(other) is not None or isinstance(mine, float):
        return _same_numbers(mine, other)
    if type(mine) is not type(other):
        return False
    if type(mine) in (tuple, list):
        return len(mine) == len(other) and all(same(a, b) for a, b in zip(mine, other, strict=True))
    if type(mine) is dict:
        return mine.keys() == other.keys() and all(same(value, other[key]) for key, value in mine.items())
    return bool(mine == other)


def _same_numbers(mine: Any, other: Any) -> bool:
    if not all(kind_of(value) is not None or isinstance(value, (int, float)) for value in (mine, other)):
        return False
    if not _like(mine, other):
        return False
    one, two = (to_numpy(value) if kind_of(value) else np.asarray(value) for value in (mine, other))
    if one.shape != two.shape or one.dtype.kind != two.dtype.kind:
        return False
    if one.dtype.kind not in "fc":
        return bool(np.array_equal(one, two))
    if one.dtype != two.dtype:
        return False
    finite = np.isfinite(one)
    if not np.array_equal(finite, np.isfinite(two)):
        return False
    if not np.array_equal(one[~finite], two[~finite], equal_nan=True):
        return False
    unit = epsilon(dtype_name(mine) if kind_of(mine) else "float64")
    size = float(np.abs(two[finite]).max(initial=0.0))
    with np.errstate(over="ignore"):
        return bool(np.all(np.abs(one[finite] - two[finite]) <= np.sqrt(unit) * size))


def _like(mine: Any, other: Any) -> bool:
    """Whether both are of one framework and dtype; one number may come in any form that `agree` takes for one."""
    kinds = {kind_of(mine), kind_of(other)}
    if len(kinds) > 1 and not (kinds <= {None, "numpy", "scalar"} and np.shape(mine) == np.shape(other) == ()):
        return False
    return None in kinds or dtype_name(mine) == dtype_name(other)
