"""One submission's rows in the gradebook, with the meaning that nbgrader's SaveAutoGrades gives them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograder.course import CourseError
from autograder.grading.register import GradeEntry, Sheet
from autograder.results import QuestionResult, Result

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.orm import Session

NO_RESPONSE = "No response."  # nbgrader's words for an answer that was left as it was released


def score_of(question: QuestionResult) -> float:
    """The question's score in points, within 0 and its points whatever rounding did.

    nbgrader fails on a score above the maximum and takes NaN and negative ones for full marks.
    """
    score = question.score
    if not math.isfinite(score):
        return 0.0
    return min(max(score, 0.0), question.points) + 0.0  # no -0.0


def find_or_create(session: Session, sheet: Sheet, student: str, *, create_student: bool) -> Any:
    """The student's `SubmittedAssignment`, complete with its notebooks, grades and comments.

    Raises `CourseError` when the student is unknown and mayn't be created.
    """
    from nbgrader.api import BaseCell, Comment, Grade, Notebook, Student, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import insert, select

    # FOR UPDATE (SQLite has no need of it): nobody grades this submission while it is regraded.
    row = session.scalars(
        select(SubmittedAssignment)
        .where(SubmittedAssignment.assignment_id == sheet.assignment_id, SubmittedAssignment.student_id == student)
        .with_for_update()
    ).first()
    if row is not None:
        return row
    if session.get(Student, student) is None:
        if not create_student:
            raise CourseError(
                f"The gradebook doesn't know the student {student!r}, and c.Autograde.create_student is "
                f"False. `nbgrader db student add {student}` adds them."
            )
        session.add(Student(id=student))
        session.flush()
    row = SubmittedAssignment(assignment_id=sheet.assignment_id, student_id=student)
    session.add(row)
    session.flush()
    # Like nbgrader, entries for every notebook that the assignment has.
    for notebook in session.scalars(select(Notebook.id).where(Notebook.assignment_id == sheet.assignment_id)):
        submitted = SubmittedNotebook(notebook_id=notebook, assignment_id=row.id)
        session.add(submitted)
        session.flush()
        cells = session.execute(select(BaseCell.id, BaseCell.type).where(BaseCell.notebook_id == notebook)).all()
        for entry, kinds in ((Grade, ("GradeCell", "TaskCell")), (Comment, ("SolutionCell", "TaskCell"))):
            new = [{"cell_id": cell.id, "notebook_id": submitted.id} for cell in cells if cell.type in kinds]
            if new:
                session.execute(insert(entry), new)
    return row


def write_scores(
    session: Session, recorded: Table, sheet: Sheet, row: Any, result: Result, notebook: dict[str, Any] | None
) -> None:
    """Writes auto scores, auto comments and who must look, into the rows of `row`.

    Where neither the submission nor the score changed since the last time, the flag for review stays as a
    person left it. Raises `CourseError` when `result` doesn't fit the registered cells.
    """
    from nbgrader.api import Comment, Grade
    from sqlalchemy import select
    from sqlalchemy.orm import load_only

    questions = _questions(sheet, result)
    ours = next(each for each in row.notebooks if each.notebook_id == sheet.notebook_id)
    seen = _seen_before(session, recorded, ours.id, result)
    untouched = _untouched(sheet, notebook) if notebook is not None else {}

    # Only what is read here: nbgrader's models compute sums and types in every row.
    needed = load_only(Grade.cell_id, Grade.auto_score, Grade.manual_score, Grade.needs_manual_grade)
    grades = session.scalars(select(Grade).where(Grade.notebook_id == ours.id).options(needed).with_for_update())
    by_cell = {grade.cell_id: grade for grade in grades}
    for entry in sheet.grades:
        grade = by_cell[entry.cell_id]
        score = _auto_score(entry, questions.get(entry.name), result, untouched.get(entry.name))
        if seen and grade.auto_score == score:
            continue
        grade.auto_score = score
        review = grade.manual_score is not None or score is None or result.state != "graded"
        if grade.needs_manual_grade != review:
            grade.needs_manual_grade = review

    if notebook is None and result.state == "graded":
        return  # nothing new is known of the answers
    names = {cell_id: name for name, cell_id in (*sheet.answers.items(), *sheet.tasks.items())}
    for comment in session.scalars(select(Comment).where(Comment.notebook_id == ours.id)):
        said = NO_RESPONSE if untouched.get(names.get(comment.cell_id, "")) else None
        if comment.auto_comment != said:
            comment.auto_comment = said


def _questions(sheet: Sheet, result: Result) -> dict[str, QuestionResult]:
    questions = {question.question: question for question in result.questions}
    points = {entry.name: entry.max_score for entry in sheet.grades}
    for name, question in questions.items():
        if name not in points:
            raise CourseError(
                f"The gradebook has no grade cell {name!r} for {sheet.assignment}: the result is of "
                f"another version. Run `course grade {sheet.assignment}` again."
            )
        if not math.isclose(points[name], question.points):
            raise CourseError(
                f"{name!r} is worth {points[name]:g} points in the gradebook and {question.points:g} in "
                f"the result, which is of another version. Run `course grade {sheet.assignment}` again."
            )
    return questions


def _auto_score(
    entry: GradeEntry, question: QuestionResult | None, result: Result, untouched: bool | None
) -> float | None:
    """The automatic score of one grade cell; None when only a person (or another machine) can tell.

    nbgrader gives a check without output full marks; here a check that nothing graded has no score.
    """
    if result.state in ("unreadable", "missing"):
        return 0.0
    if question is not None and question.graded:
        return score_of(question)
    if not entry.written:
        return 0.0 if result.state == "failed" else None
    if untouched is None:  # the notebook isn't at hand
        untouched = any(w.question == entry.name and not w.answered for w in result.written)
    return 0.0 if untouched else None


def _untouched(sheet: Sheet, notebook: dict[str, Any]) -> dict[str, bool]:
    """For each answer in the notebook, whether it is as released: nbgrader's checksum, with what the gradebook
    knows of the cell in place of what the submission claims."""
    from nbformat import from_dict
    from nbgrader.utils import compute_checksum

    points = {entry.name: entry.max_score for entry in sheet.grades}
    found = {}
    for cell in notebook["cells"]:
        name = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
        if name not in sheet.answers:
            continue
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        told = {
            "grade_id": name,
            "grade": name in points,
            "solution": True,
            "locked": False,
            "points": points.get(name, 0),
        }
        plain = from_dict({"cell_type": cell["cell_type"], "source": source, "metadata": {"nbgrader": told}})
        found[name] = sheet.checksums.get(name) == compute_checksum(plain)
    return found


def _seen_before(session: Session, recorded: Table, notebook_id: str, result: Result) -> bool:
    """Whether the last scores came from this very submission; remembers it for the next time."""
    from sqlalchemy import insert, select, update

    mine = recorded.c.notebook_id == notebook_id
    before = session.execute(select(recorded.c.submission_sha256, recorded.c.state).where(mine)).first()
    now = {"submission_sha256": result.submission_sha256, "state": result.state}
    if before is None:
        session.execute(insert(recorded).values(notebook_id=notebook_id, **now))
        return False
    if (before.submission_sha256, before.state) == (result.submission_sha256, result.state):
        return result.submission_sha256 is not None or result.state == "missing"
    session.execute(update(recorded).where(mine).values(**now))
    return False
