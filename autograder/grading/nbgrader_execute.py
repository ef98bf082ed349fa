"""What plugs the kit into nbgrader's own `autograde`: no road to a grade leads around the jail.

course_config.py names these classes in the preprocessor lists of `c.Autograde`, so that
`nbgrader autograde` and formgrader's button repair, run and score as `course grade` does. This
module imports nbgrader and is imported by nothing but that configuration.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution

from autograder.course import Course, find_course
from autograder.notebook import Notebook, Unreadable, read, repair
from autograder.results import Result

_KEY = "autograder"  # where the result waits in nbconvert's resources for RecordReview
_registered: dict[Path, int] = {}  # sources registered by this process, with their time of change


def register(assignment: str, student: str, notebooks: list[str]) -> None:
    """Makes the gradebook know the assignment before nbgrader asks for it; `c.Autograde.pre_convert_hook`.

    nbgrader refuses to grade what `nbgrader generate_assignment` has not registered, and keeps old
    points when the source has changed since.
    """
    from autograder.grading.gradebook import Gradebook as OurGradebook

    course = find_course()
    source = course.assignment(assignment).source
    changed = source.stat().st_mtime_ns
    if _registered.get(source) != changed:
        with OurGradebook(course) as gradebook:
            gradebook.ensure_assignment(assignment, read(source, limit_mib=course.limits.notebook_mib))
        _registered[source] = changed


class RepairCells(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Puts a submission back into the assignment's shape; first of `c.Autograde.sanitize_preprocessors`.

    Without it one copied cell ends nbgrader's whole batch: DeduplicateIds empties the copy's metadata,
    and CheckCellMetadata then takes it for a notebook of another schema.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        course = _course(self)
        source = course.assignment(resources["nbgrader"]["assignment"]).source
        repaired, _ = repair(_plain(nb, course), read(source, limit_mib=course.limits.notebook_mib))
        return nbformat.from_dict(repaired), resources


class JailExecute(NbGraderPreprocessor):  # type: ignore[misc]
    """Runs the notebook in the jail and puts outputs and scores where nbgrader's SaveAutoGrades reads them.

    It stands in the place of nbgrader's Execute in `c.Autograde.autograde_preprocessors`.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        from autograder.checking import panel
        from autograder.grading.autograded import executed
        from autograder.grading.grade import grade_notebook

        course = _course(self)
        told = resources["nbgrader"]
        result, repaired = grade_notebook(
            course, told["assignment"], told["student"], _submitted(course, told) or _plain(nb, course)
        )
        resources[_KEY] = result
        made = nbformat.from_dict(executed(repaired, result, panel.html))
        # OverwriteCells has put the gradebook's checksums there; by them nbgrader knows an untouched answer.
        checksums = {_marks(cell).get("grade_id"): _marks(cell).get("checksum") for cell in nb.cells}
        for cell in made.cells:
            if checksum := checksums.get(_marks(cell).get("grade_id")):
                cell.metadata.nbgrader["checksum"] = checksum
        return made, resources


class RecordReview(NbGraderPreprocessor):  # type: ignore[misc]
    """Tells the gradebook what no output can say: which questions this machine could not grade, who must look.

    It stands right behind SaveAutoGrades, which only reads numbers from check cells.
    """

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        result: Result | None = resources.get(_KEY)
        if result is None:
            return nb, resources
        told = resources["nbgrader"]
        graded = {question.question for question in result.questions if question.graded}
        checks = {_marks(cell)["grade_id"] for cell in nb.cells if is_grade(cell) and not is_solution(cell)}
        with Gradebook(told["db_url"]) as gradebook:
            submission = gradebook.find_submission_notebook(told["notebook"], told["assignment"], told["student"])
            for grade in submission.grades:
                if result.state == "graded" and grade.name in checks - graded:
                    grade.auto_score = None
                    grade.needs_manual_grade = True
                elif result.state != "graded":
                    grade.needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources


def _course(preprocessor: Any) -> Course:
    """The course that nbgrader is grading: preprocessor, exporter, converter, its course directory."""
    return find_course(Path(preprocessor.parent.parent.coursedir.root))


def _submitted(course: Course, told: dict[str, str]) -> Notebook | None:
    """The notebook as it was handed in: what nbgrader has by now is repaired, and no longer shows what was wrong."""
    folder = course.folder("submitted") / told["student"] / told["assignment"]
    try:
        return read(folder / f"{told['notebook']}.ipynb", limit_mib=course.limits.notebook_mib)
    except Unreadable:
        return None


def _plain(nb: Any, course: Course) -> Notebook:
    """nbgrader's notebook in the shape, and within the bounds, that the rest of the kit relies on."""
    return read(nbformat.writes(nb).encode("utf-8", "replace"), limit_mib=course.limits.notebook_mib)


def _marks(cell: Any) -> Any:
    return cell.metadata.get("nbgrader", {})
