"""A tiny course with a gradebook that real nbgrader made: two questions and a written answer."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.course import Course
from autograder.results import CaseResult, CellResult, QuestionResult, Result, WrittenResult

ASSIGNMENT = "powers"
CONFIG = "c = get_config()\nc.CourseSettings.assignments = ['powers']\nc.CourseDirectory.course_id = 'tiny'\n"
POINTS = {"square": 2.0, "cube": 3.0, "why": 5.0}


def cell(kind: str, name: str, source: str, tags: tuple[str, ...] = (), **flags: Any) -> dict[str, Any]:
    """A notebook cell; with flags (grade, solution, locked, points), one of nbgrader's."""
    metadata: dict[str, Any] = {"tags": list(tags)} if tags else {}
    if flags:
        marks = {
            "schema_version": 3,
            "grade_id": name,
            "grade": False,
            "solution": False,
            "locked": False,
            "task": False,
        }
        metadata["nbgrader"] = marks | flags
    made = {"cell_type": kind, "id": name, "metadata": metadata, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def source_notebook() -> dict[str, Any]:
    def answer(name: str, power: int) -> str:
        return f"def {name}(x):\n    ### BEGIN SOLUTION\n    return x ** {power}\n    ### END SOLUTION"

    return {
        "cells": [
            cell("markdown", "title", "# Powers"),
            cell("code", "square-answer", answer("square", 2), solution=True),
            cell("code", "square", "assert square(3) == 9", grade=True, locked=True, points=2),
            cell("code", "cube-answer", answer("cube", 3), solution=True),
            cell("code", "cube", "assert cube(3) == 27", grade=True, locked=True, points=3),
            cell("markdown", "why", "Because of the exponent.", grade=True, solution=True, points=5),
            cell("code", "plot", "print('a plot')", locked=True, tags=("demo",)),
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def question(name: str, passed: int, of: int = 3, *, outcome: str = "failed") -> QuestionResult:
    """A question of which `passed` cases of `of` passed; the others have `outcome`."""
    cases = tuple(CaseResult(f"case{i}", "passed" if i < passed else outcome) for i in range(of))  # type: ignore[arg-type]
    return QuestionResult(name, POINTS[name], cases)


def result(student: str = "student-01", *questions: QuestionResult, **changes: Any) -> Result:
    """What grading one submission might have found; full marks unless `questions` say otherwise."""
    given = questions or (question("square", 3), question("cube", 3))
    values: dict[str, Any] = {
        "student": student,
        "assignment": ASSIGNMENT,
        "state": "graded",
        "questions": given,
        "written": (WrittenResult("why", 5.0, answered=True),),
        "cells": (CellResult(1, "blank", "square-answer"), CellResult(3, "blank", "cube-answer")),
        "submission_sha256": "0" * 64,
    }
    return Result(**(values | changes))


class Tiny:
    """A course folder, and shorthands for what tests do with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.course = Course(root)

    def configure(self, lines: str) -> None:
        path = self.root / "course_config.py"
        path.write_text(path.read_text() + lines + "\n")
        self.course = Course(self.root)

    def release(self) -> dict[str, Any]:
        from autograder.notebook import read

        return read(self.root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", limit_mib=1)

    def answered(self, *, why: str | None = "The area grows with the side.", blanks: bool = True) -> dict[str, Any]:
        """The release as a student hands it in; `why=None` leaves the written answer untouched."""
        notebook = self.release()
        for each in notebook["cells"]:
            if blanks and each["id"].endswith("-answer"):
                each["source"] = f"def {each['id'].removesuffix('-answer')}(x):\n    return 0"
            if each["id"] == "why" and why is not None:
                each["source"] = why
        return notebook

    def submit(self, student: str, notebook: dict[str, Any], timestamp: str | None = None) -> Path:
        folder = self.root / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(notebook))
        if timestamp is not None:
            (folder / "timestamp.txt").write_text(timestamp)
        return folder

    def nbgrader(self) -> Any:
        """nbgrader's own gradebook on the same database."""
        from nbgrader.api import Gradebook

        return Gradebook(self.course.database_url(), "tiny")

    def api(self) -> Any:
        """What formgrader's buttons call, in this process."""
        from nbgrader.apps.api import NbGraderAPI
        from nbgrader.coursedir import CourseDirectory

        config = self.course.config.copy()
        config.CourseDirectory.root = str(self.root)
        return NbGraderAPI(CourseDirectory(config=config), config=config)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that people or programs can see, by names in place of ids, sorted."""
        from nbgrader.api import Comment, Grade, SubmittedNotebook

        with self.nbgrader() as book:
            return {
                "grades": sorted(
                    (g.student.id, g.name, g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade)
                    for g in book.db.query(Grade)
                ),
                "comments": sorted(
                    (c.student.id, c.name, c.auto_comment, c.manual_comment) for c in book.db.query(Comment)
                ),
                "notebooks": sorted(
                    (n.student.id, n.name, str(n.assignment.timestamp), n.late_submission_penalty, n.flagged)
                    for n in book.db.query(SubmittedNotebook)
                ),
            }


@pytest.fixture(scope="session")
def _generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course once `nbgrader generate_assignment` has run; copied for each test."""
    root = tmp_path_factory.mktemp("tiny-course")
    (root / "course_config.py").write_text(CONFIG)
    (root / "nbgrader_config.py").write_text("c = get_config()\nload_subconfig('course_config.py')\n")
    folder = root / "source" / ASSIGNMENT
    folder.mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(source_notebook()))
    (folder / "data.csv").write_text("x,y\n1,1\n")
    said = Tiny(root).api().generate_assignment(ASSIGNMENT)
    assert said["success"], said
    return root


@pytest.fixture
def tiny(_generated: Path, tmp_path: Path) -> Tiny:
    root = tmp_path / "course"
    shutil.copytree(_generated, root)
    return Tiny(root)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """`make.result(...)`, `make.question(...)`, `make.source()`, `make.cell(...)`."""
    made: dict[str, Callable[..., Any]] = {
        "result": result, "question": question, "source": source_notebook, "cell": cell,
    }  # fmt: skip
    return SimpleNamespace(**made)
