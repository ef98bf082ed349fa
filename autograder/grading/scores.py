"""What the gradebook says about an assignment, as frozen records for reports, exports and feedback pages."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@dataclass(frozen=True)
class CellFeedback:
    """One cell of a submission: the grade of a grade cell, the comment of an answer; all in points.

    `score` is what counts: the manual score, else the automatic one, plus extra credit.
    `max_score` is None for a cell that only carries a comment.
    """

    cell: str
    auto_score: float | None = None
    manual_score: float | None = None
    extra_credit: float | None = None
    max_score: float | None = None
    needs_manual_grade: bool = False
    comment: str | None = None

    @property
    def score(self) -> float:
        given = self.manual_score if self.manual_score is not None else self.auto_score
        return 0.0 if given is None else given + (self.extra_credit or 0.0)


@dataclass(frozen=True)
class StudentScore:
    """What one student has for one assignment, in points, as `nbgrader export` counts it.

    `auto` sums the automatic scores and `manual` the manual ones, whether or not they count;
    `raw` is what counts before the late penalty and `total` after it, never under 0.
    `timestamp` is naive UTC. Without a submission all is 0 and `submitted` False.
    """

    student: str
    max_score: float
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    submitted: bool = False
    timestamp: datetime | None = None
    late_penalty: float = 0.0
    cells: tuple[CellFeedback, ...] = ()  # the grade cells, sorted by name

    @property
    def auto(self) -> float:
        return sum((cell.auto_score or 0.0 for cell in self.cells), 0.0)

    @property
    def manual(self) -> float:
        return sum((cell.manual_score or 0.0 for cell in self.cells), 0.0)

    @property
    def raw(self) -> float:
        return sum((cell.score for cell in self.cells), 0.0)

    @property
    def total(self) -> float:
        return max(0.0, self.raw - self.late_penalty)

    @property
    def needs_manual_grade(self) -> bool:
        return any(cell.needs_manual_grade for cell in self.cells)


def read_scores(session: Session, assignment: str) -> list[StudentScore]:
    """Every student of the gradebook, sorted by id; none when the assignment isn't registered."""
    from nbgrader.api import Assignment, Student, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import func, select

    found = session.execute(select(Assignment.id, Assignment.max_score).where(Assignment.name == assignment)).first()
    if found is None:
        return []
    penalty = func.coalesce(func.sum(SubmittedNotebook.late_submission_penalty), 0.0)
    submitted = {
        row.student_id: row
        for row in session.execute(
            select(
                SubmittedAssignment.id,
                SubmittedAssignment.student_id,
                SubmittedAssignment.timestamp,
                penalty.label("penalty"),
            )
            .outerjoin(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
            .where(SubmittedAssignment.assignment_id == found.id)
            .group_by(SubmittedAssignment.id, SubmittedAssignment.student_id, SubmittedAssignment.timestamp)
        )
    }
    cells = _grades(session, SubmittedAssignment.assignment_id == found.id)
    scores = []
    for student in session.execute(
        select(Student.id, Student.first_name, Student.last_name, Student.email).order_by(Student.id)
    ):
        row = submitted.get(student.id)
        scores.append(
            StudentScore(
                student=student.id,
                max_score=float(found.max_score),
                first_name=student.first_name,
                last_name=student.last_name,
                email=student.email,
                submitted=row is not None,
                timestamp=row.timestamp if row else None,
                late_penalty=float(row.penalty) if row else 0.0,
                cells=tuple(cells.get(row.id, ())) if row else (),
            )
        )
    return scores


def read_cells(session: Session, assignment: str, student: str) -> tuple[CellFeedback, ...]:
    """The cells of one submission that carry a grade or a comment, sorted by name."""
    from dataclasses import replace

    from nbgrader.api import Assignment, BaseCell, Comment, SubmittedAssignment, SubmittedNotebook
    from sqlalchemy import and_, select

    wanted = and_(SubmittedAssignment.student_id == student, Assignment.name == assignment)
    cells = {cell.cell: cell for found in _grades(session, wanted).values() for cell in found}
    comments = session.execute(
        select(BaseCell.name, Comment.comment)
        .select_from(Comment)
        .join(BaseCell, BaseCell.id == Comment.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == Comment.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(wanted)
    )
    for name, comment in comments:
        cells[name] = replace(cells.get(name, CellFeedback(cell=name)), comment=comment)
    return tuple(cells[name] for name in sorted(cells))


def _grades(session: Session, wanted: Any) -> dict[str, list[CellFeedback]]:
    """The grades that `wanted` selects, by submission, sorted by cell."""
    from nbgrader.api import Assignment, BaseCell, Grade, GradeCell, SubmittedAssignment, SubmittedNotebook, TaskCell
    from sqlalchemy import func, select

    # Tables, not the mapped classes: joining those would bring base_cell in once for each.
    grade_cells, task_cells = GradeCell.__table__, TaskCell.__table__
    rows = session.execute(
        select(
            SubmittedAssignment.id.label("submission"),
            BaseCell.name,
            Grade.auto_score,
            Grade.manual_score,
            Grade.extra_credit,
            Grade.needs_manual_grade,
            func.coalesce(grade_cells.c.max_score, task_cells.c.max_score, 0.0).label("max_score"),
        )
        .select_from(Grade)
        .join(BaseCell.__table__, BaseCell.id == Grade.cell_id)
        .outerjoin(grade_cells, grade_cells.c.id == Grade.cell_id)
        .outerjoin(task_cells, task_cells.c.id == Grade.cell_id)
        .join(SubmittedNotebook, SubmittedNotebook.id == Grade.notebook_id)
        .join(SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id)
        .join(Assignment, Assignment.id == SubmittedAssignment.assignment_id)
        .where(wanted)
        .order_by(BaseCell.name)
    )
    found: defaultdict[str, list[CellFeedback]] = defaultdict(list)
    for row in rows:
        found[row.submission].append(
            CellFeedback(
                cell=row.name,
                auto_score=row.auto_score,
                manual_score=row.manual_score,
                extra_credit=row.extra_credit,
                max_score=float(row.max_score),
                needs_manual_grade=bool(row.needs_manual_grade),
            )
        )
    return found
