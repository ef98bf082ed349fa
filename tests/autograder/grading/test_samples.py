"""Every row of what bad input gets: a submission in a folder and the golden result that it must give.

`pytest tests/autograder/grading/test_samples.py --update-golden` writes the golden results anew;
read the difference before you commit it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.demo import answered
from autograder.grading.batch import Options, Summary, grade_class
from autograder.results import Result

SAMPLES = Path(__file__).parents[1] / "samples"
NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/make.py"))


@pytest.fixture(scope="module")
def course(sample_course: Callable[[Path], Course], tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A copy of the samples' course, with every sample handed in by a student of that name."""
    made = sample_course(tmp_path_factory.mktemp("samples") / "course")
    for name in NAMES:
        module = _load(SAMPLES / name / "make.py")
        folder = made.root / "submitted" / name / "tiny"
        folder.mkdir(parents=True)
        content = module.make(answered(made, "tiny"))
        if content is not None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (folder / getattr(module, "NAME", "tiny.ipynb")).write_bytes(data)
        for other, data in getattr(module, "FILES", {}).items():
            (folder / other).write_bytes(data)
    return made


@pytest.fixture(scope="module")
def summary(course: Course) -> Summary:
    return grade_class(course, "tiny", Options(jobs=2))


@pytest.mark.xdist_group("samples")
@pytest.mark.parametrize("name", NAMES)
def test_sample_gives_its_golden_result(summary: Summary, name: str, request: pytest.FixtureRequest) -> None:
    result = next(result for result in summary.results if result.student == name)
    golden = SAMPLES / name / "golden.json"
    text = json.dumps(essence(result), indent=1, ensure_ascii=False) + "\n"
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    expected = json.loads(golden.read_text(encoding="utf-8"))
    if getattr(_load(SAMPLES / name / "make.py"), "UNSETTLED", False):
        expected, text = _without_words(expected), json.dumps(_without_words(json.loads(text)))
    assert json.loads(text) == expected


@pytest.mark.xdist_group("samples")
def test_every_sample_is_graded_in_one_batch_and_one_gradebook(course: Course, summary: Summary) -> None:
    from autograder.grading.gradebook import Gradebook

    assert [result.student for result in summary.results] == NAMES
    with Gradebook(course) as gradebook:
        scores = {score.student: score for score in gradebook.scores("tiny")}
    assert {name: scores[name].auto for name in NAMES} == {
        result.student: pytest.approx(result.score) for result in summary.results
    }


@pytest.mark.xdist_group("samples")
def test_a_second_run_finds_nothing_to_do(course: Course, summary: Summary) -> None:
    again = grade_class(course, "tiny", Options(jobs=2))
    readable = [result for result in summary.results if result.submission_sha256]
    assert again.unchanged == len(readable)
    assert [(r.student, r.score) for r in again.results] == [(r.student, r.score) for r in summary.results]


def essence(result: Result) -> dict[str, Any]:
    """What a golden result fixes: everything but times, numbers of secret inputs, and fingerprints."""
    return {
        "state": result.state,
        "reason": result.reason,
        "score": result.score,
        "questions": {
            question.question: {
                "score": question.score,
                "mistake": question.mistake,
                "cases": [
                    {
                        "case": case.case,
                        "outcome": case.outcome,
                        "limit": case.limit,
                        "says": _without_numbers(case.summary),
                    }
                    for case in question.cases
                ],
            }
            for question in result.questions
        },
        "answered": [written.question for written in result.written if written.answered],
        "cells": [[cell.grade_id, cell.error] for cell in result.cells if cell.error],
        "notes": [[note.kind, note.text] for note in result.notes],
    }


def _without_numbers(summary: str) -> str:
    """A summary up to where it speaks of the secret inputs' numbers and shapes."""
    return summary.split(" has shape ")[0]


def _without_words(essence: dict[str, Any]) -> dict[str, Any]:
    """For a submission whose processes race with one another: what is decided, not how it is put."""
    for question in essence["questions"].values():
        for case in question["cases"]:
            case["says"] = case["limit"] = None
    return essence


def _load(path: Path) -> Any:
    sys.path.insert(0, str(SAMPLES))  # for small_edits, which the samples share
    try:
        spec = importlib.util.spec_from_file_location(f"sample_{path.parent.name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(SAMPLES))


def test_the_samples_course_is_built_from_its_source() -> None:
    from autograder.build import stale

    assert stale(Course(SAMPLES / "course"), "tiny") == []
