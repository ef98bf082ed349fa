"""The pages that grading leaves behind, with what the gradebook knows besides."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from pathlib import Path

from autograder import notebook as notebooks
from autograder.course import Course
from autograder.grading.gradebook import Gradebook
from autograder.grading.scores import StudentScore
from autograder.notebook import Notebook
from autograder.report import class_report, exports, feedback
from autograder.report.feedback import WrittenFeedback
from autograder.results import Result

_SHOWN = ("numpy", "torch", "tensorflow-cpu", "tensorflow", "nbgrader")


def write_feedback(
    course: Course, result: Result, notebook: Notebook | None, scores: StudentScore | None = None
) -> Path:
    """Write the feedback page of one submission; `scores` is what the gradebook holds for it."""
    html = feedback.page(
        result,
        notebook,
        title=course.settings.title,
        written=_written(scores),
        late_penalty=scores.late_penalty if scores is not None else 0.0,
        maximum=scores.max_score if scores is not None else None,
        graded_at=None,
        versions=_versions(),
    )
    return feedback.write(course.folder("feedback"), result, html)


def write_all(course: Course, assignment: str, results: Sequence[Result]) -> Path:
    """Write every feedback page and the class report of an assignment; returns the report's page."""
    with Gradebook(course) as gradebook:
        scores = {score.student: score for score in gradebook.scores(assignment)}
    for result in results:
        write_feedback(course, result, _repaired(course, result), scores.get(result.student))
    folder = course.root / "reports" / assignment
    exports.write_csv(results, folder / "scores.csv")
    exports.write_json(results, folder / "results.json")
    totals = {name: score.total for name, score in scores.items() if score.submitted}
    maximum = max((score.max_score for score in scores.values()), default=None)
    return class_report.write(
        course.settings.title, assignment, results, totals, folder / "index.html", maximum=maximum
    )


def _repaired(course: Course, result: Result) -> Notebook | None:
    """The notebook that the result is about, from autograded/, where formgrader shows it too."""
    if result.state != "graded":
        return None
    path = course.folder("autograded") / result.student / result.assignment / f"{result.assignment}.ipynb"
    try:
        return notebooks.read(path, limit_mib=10 * course.limits.notebook_mib)
    except notebooks.Unreadable:
        return None


def _written(scores: StudentScore | None) -> dict[str, WrittenFeedback]:
    """What people gave and wrote, by cell: manual scores and comments, never the automatic ones."""
    if scores is None:
        return {}
    return {
        cell.cell: WrittenFeedback(cell.manual_score, cell.comment or "", cell.extra_credit or 0.0)
        for cell in scores.cells
        if cell.manual_score is not None or cell.comment or cell.extra_credit
    }


def _versions() -> dict[str, str]:
    found = {"Python": ".".join(map(str, sys.version_info[:3]))}
    for name in _SHOWN:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
