"""Each assignment of this course in its jail: the reference and honest alternatives earn every point."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import notebook as notebooks
from autograder.course import find_course
from autograder.demo import compose
from autograder.grading.engine import Engine

COURSE = find_course(Path(__file__).parent)


@pytest.mark.parametrize("name", COURSE.assignments)
def test_honest_answers_earn_every_point(name: str, tmp_path: Path) -> None:
    made, samples = compose(COURSE, name, tmp_path / "course")
    with Engine(made, name) as engine:
        for sample in samples[:2]:
            path = tmp_path / "course" / "submitted" / sample.student / name / sample.name
            result = engine.grade_one(sample.student, notebooks.read(path, limit_mib=20)).result
            lost = [
                f"{case.case}: {case.summary}"
                for question in result.questions
                for case in question.cases
                if case.outcome != "passed"
            ]
            assert lost == [], sample.story
            assert result.score == sum(question.points for question in result.questions)
