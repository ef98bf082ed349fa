"""Results: scores that add up, and records that survive being written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.results import (
    CaseResult,
    CellResult,
    Note,
    QuestionResult,
    Result,
    WrittenResult,
    from_dict,
    from_json,
    read,
    to_json,
)

outcomes = st.sampled_from(["passed", "failed", "ungraded"])
weights = st.floats(0.01, 100)
text = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates too
lines = st.one_of(st.none(), text)
seconds = st.floats(0, 1e6)
cases = st.builds(CaseResult, text, outcomes, weights, st.booleans(), text, text, lines, seconds)
questions = st.builds(QuestionResult, text, st.floats(0.01, 100), st.lists(cases, max_size=3).map(tuple), lines, lines)
outputs = st.dictionaries(text, st.one_of(text, st.lists(text, max_size=2)), max_size=2)
cells = st.builds(CellResult, st.integers(0, 99), text, lines, lines, st.lists(outputs, max_size=2).map(tuple), seconds)
results = st.builds(
    Result,
    text,
    text,
    st.sampled_from(["graded", "unreadable", "missing", "failed"]),
    st.lists(questions, max_size=2).map(tuple),
    st.lists(st.builds(WrittenResult, text, weights, st.booleans()), max_size=2).map(tuple),
    st.lists(cells, max_size=2).map(tuple),
    st.lists(st.builds(Note, st.sampled_from(["repair", "limit", "cell", "file", "sandbox"]), text), max_size=2).map(
        tuple
    ),
    lines,
    text,
    text,
    seconds,
    lines,
)
RESULT = Result("ann", "a", "graded", (QuestionResult("q", 2.0, (CaseResult("c", "passed"),)),))


@settings(deadline=None)
@given(results)
def test_a_result_comes_out_of_its_json_as_it_went_in(result: Result) -> None:
    written = to_json(result)
    assert from_json(written.encode().decode()) == result


def test_json_stays_readable_in_any_language() -> None:
    assert "Österreich" in to_json(replace(RESULT, student="Österreich"))


@settings(deadline=None)
@given(st.lists(cases, min_size=1, max_size=6), st.floats(0.01, 1000))
def test_a_score_is_the_points_times_the_share_of_passed_weight(cases: list[CaseResult], points: float) -> None:
    question = QuestionResult("q", points, tuple(cases))
    graded = [case for case in cases if case.outcome != "ungraded"]
    passed = [case for case in graded if case.outcome == "passed"]
    if not graded:
        assert (question.graded, question.score, question.passed) == (False, 0.0, False)
    elif len(passed) == len(graded):
        assert question.score == points  # exactly: a gradebook refuses a score above the points
        assert question.passed
    else:
        share = sum(case.weight for case in passed) / sum(case.weight for case in graded)
        assert question.score == pytest.approx(points * share)
        assert question.score <= points
        assert not question.passed


def test_three_of_three_cases_earn_a_tenth_of_a_point_and_no_more() -> None:
    three = tuple(CaseResult(str(n), "passed") for n in range(3))
    assert QuestionResult("q", 0.1, three).score == 0.1


def test_questions_that_no_case_could_grade_here_leave_the_points_but_unchecked_ones_stay() -> None:
    needs_gpu = QuestionResult("gpu", 4.0, (CaseResult("c", "ungraded"),))
    unread = QuestionResult("unread", 3.0)
    assert replace(RESULT, questions=(*RESULT.questions, needs_gpu, unread)).points == 5.0


def test_a_person_looks_at_answers_in_words_and_at_what_could_not_be_graded() -> None:
    assert not RESULT.needs_person
    assert not replace(RESULT, written=(WrittenResult("why", 1.0, answered=False),)).needs_person
    assert replace(RESULT, written=(WrittenResult("why", 1.0, answered=True),)).needs_person
    assert replace(RESULT, state="unreadable").needs_person


def changed(**changes: Any) -> dict[str, Any]:
    return json.loads(to_json(RESULT)) | changes


@pytest.mark.parametrize(
    "data",
    [
        None, [], "text", 3, {}, {"schema": 1}, changed(schema=2), changed(extra=1), changed(student=5),
        changed(state="excellent"), changed(questions=5), changed(questions="abc"), changed(questions=[[]]),
        changed(seconds="1"), changed(seconds=True), changed(questions=[{"question": "q", "points": None}]),
        changed(questions=[{"question": "q", "points": 1, "cases": [{"case": "c", "outcome": "won"}]}]),
        changed(questions=[{"question": "q", "points": 1, "cases": [{"case": "c", "outcome": "passed", "hidden": 1}]}]),
        changed(cells=[{"index": 1, "role": "blank", "grade_id": None, "outputs": ["x"]}]),
    ],
    ids=lambda data: str(data)[-50:],
)  # fmt: skip
def test_anything_else_is_no_result(data: Any) -> None:
    with pytest.raises(ValueError, match=r"schema|no result"):
        from_dict(data)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"schema": 9}'], ids=str)
def test_a_file_that_holds_no_result_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"ann\.json: "):
        read(path)


def test_a_whole_number_of_points_is_read_as_a_float() -> None:
    read_back = from_dict(changed(questions=[{"question": "q", "points": 2}]))
    assert type(read_back.questions[0].points) is float
