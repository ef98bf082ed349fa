"""An assignment's notebook and cells in the gradebook, as nbgrader's SaveCells registers them."""

from __future__ import annotations

import copy
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from autograder.course import Course, CourseError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SILENT = logging.getLogger("autograder.grading.register")  # nbgrader logs tracebacks of what it then raises
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


@dataclass(frozen=True)
class GradeEntry:
    """A grade cell of the gradebook; `written` is for a person to grade."""

    name: str
    cell_id: str
    max_score: float
    written: bool


@dataclass(frozen=True)
class Sheet:
    """What recording a submission needs to know of its assignment. `answers` and `tasks` give cell ids by name."""

    assignment: str
    assignment_id: str
    notebook_id: str
    grades: tuple[GradeEntry, ...]
    answers: dict[str, str]
    tasks: dict[str, str]
    checksums: dict[str, str | None]  # of the cells as released, by name


def read_sheet(session: Session, assignment: str) -> Sheet:
    """The sheet of a registered assignment. Raises `CourseError` when it isn't."""
    from nbgrader.api import Assignment, BaseCell, GradeCell, Notebook, SourceCell
    from sqlalchemy import select

    found = session.execute(
        select(Assignment.id, Notebook.id.label("notebook_id"))
        .join(Notebook, Notebook.assignment_id == Assignment.id)
        .where(Assignment.name == assignment, Notebook.name == assignment)
    ).first()
    if found is None:
        raise CourseError(
            f"The gradebook doesn't know the assignment {assignment!r}. `course build {assignment}` and "
            f"`course grade {assignment}` register it."
        )

    # Tables, not the mapped classes: this is read in every transaction.
    base, graded, source = BaseCell.__table__, GradeCell.__table__, SourceCell.__table__
    cells = session.execute(
        select(base.c.id, base.c.name, base.c.type, graded.c.max_score)
        .outerjoin(graded, graded.c.id == base.c.id)
        .where(base.c.notebook_id == found.notebook_id)
        .order_by(base.c.name)
    ).all()
    checksums = session.execute(
        select(source.c.name, source.c.checksum).where(source.c.notebook_id == found.notebook_id)
    )
    answers = {cell.name: cell.id for cell in cells if cell.type == "SolutionCell"}
    return Sheet(
        assignment=assignment,
        assignment_id=found.id,
        notebook_id=found.notebook_id,
        grades=tuple(
            GradeEntry(cell.name, cell.id, float(cell.max_score), cell.name in answers)
            for cell in cells
            if cell.type == "GradeCell"
        ),
        answers=answers,
        tasks={cell.name: cell.id for cell in cells if cell.type == "TaskCell"},
        checksums={row.name: row.checksum for row in checksums},
    )


def prepared(course: Course, assignment: str, source_notebook: dict[str, Any]) -> Any:
    """The source notebook as it stands when SaveCells sees it: solutions cut, cells locked, checksums made.

    Uses the course's own `GenerateAssignment.preprocessors` up to SaveCells, so text that they put into
    answers counts as untouched. Raises `CourseError` when one of them refuses the notebook.
    """
    import nbformat
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.preprocessors import SaveCells
    from traitlets import import_item

    notebook = nbformat.from_dict(copy.deepcopy(source_notebook))
    directory = CourseDirectory(config=course.config, root=str(course.root))
    converter = GenerateAssignment(coursedir=directory, config=course.config)
    resources: dict[str, Any] = {
        "metadata": {"name": assignment, "path": str(course.assignment(assignment).source.parent)},
        "nbgrader": {"notebook": assignment, "assignment": assignment, "student": ".", "db_url": course.database_url()},
    }
    for item in converter.preprocessors:
        kind = import_item(item) if isinstance(item, str) else item
        if kind is SaveCells:
            break
        preprocessor = kind(config=course.config, log=_SILENT)
        if not getattr(preprocessor, "enabled", True):
            continue
        try:
            notebook, resources = preprocessor.preprocess(notebook, resources)
        except Exception as error:  # whatever a preprocessor says
            said = error.__context__ or error  # CheckCellMetadata hides what is wrong behind a general remark
            raise CourseError(
                f"{course.assignment(assignment).source}: nbgrader's {kind.__name__} refuses it: {said}. "
                f"`course lint {assignment}` says more."
            ) from error
    return notebook


def register(session: Session, assignment: str, notebook: Any, *, course_id: str) -> None:
    """Brings the gradebook's cells of `assignment` to what the prepared `notebook` holds."""
    from nbgrader import utils
    from nbgrader.api import Assignment, GradeCell, Notebook, SolutionCell, SourceCell, TaskCell
    from sqlalchemy import select

    row = session.scalars(select(Assignment).where(Assignment.name == assignment)).first()
    if row is None:
        row = Assignment(name=assignment, course_id=course_id)
        session.add(row)
        session.flush()
    ours = session.scalars(
        select(Notebook).where(Notebook.assignment_id == row.id, Notebook.name == assignment)
    ).first()
    if ours is None:
        ours = Notebook(name=assignment, assignment_id=row.id)
        session.add(ours)
        session.flush()
    _set(ours, kernelspec=json.dumps(notebook.metadata.get("kernelspec", {})))

    wanted: dict[Any, dict[str, dict[str, Any]]] = {GradeCell: {}, SolutionCell: {}, TaskCell: {}, SourceCell: {}}
    for cell in notebook.cells:
        told = cell.metadata.get("nbgrader", {})
        graded = {"max_score": float(told.get("points", 0)), "cell_type": cell.cell_type}
        if utils.is_grade(cell):
            wanted[GradeCell][told["grade_id"]] = graded
        if utils.is_solution(cell):
            wanted[SolutionCell][told["grade_id"]] = {}
        if utils.is_task(cell):
            wanted[TaskCell][told["grade_id"]] = graded
        if utils.is_grade(cell) or utils.is_solution(cell) or utils.is_locked(cell) or utils.is_task(cell):
            wanted[SourceCell][told["grade_id"]] = {
                "cell_type": cell.cell_type,
                "locked": utils.is_locked(cell),
                "source": cell.source,
                "checksum": told.get("checksum"),
            }
    for kind, cells in wanted.items():
        _update(session, ours, kind, cells)
    session.flush()
    _complete_submissions(session, ours)


def _update(session: Session, notebook: Any, kind: Any, wanted: dict[str, dict[str, Any]]) -> None:
    """Makes the cells of one kind those that are `wanted`, keeping the rows (and so the grades) of the same name."""
    from nbgrader.api import SourceCell
    from sqlalchemy import select

    known = {cell.name: cell for cell in session.scalars(select(kind).where(kind.notebook_id == notebook.id))}
    for name, cell in known.items():
        if name not in wanted:
            if kind is not SourceCell:
                _drop_entries(session, notebook, cell)
            session.delete(cell)
    for name, values in wanted.items():
        if name in known:
            _set(known[name], **values)
        else:
            session.add(kind(name=name, notebook_id=notebook.id, **values))


def _drop_entries(session: Session, notebook: Any, cell: Any) -> None:
    """Removes a vanished cell's grades and comments. Raises `CourseError` when a person made one of them."""
    from nbgrader.api import Comment, Grade
    from sqlalchemy import select

    grades = list(session.scalars(select(Grade).where(Grade.cell_id == cell.id)))
    comments = list(session.scalars(select(Comment).where(Comment.cell_id == cell.id)))
    by_hand = sum(grade.manual_score is not None or grade.extra_credit is not None for grade in grades)
    by_hand += sum(comment.manual_comment is not None for comment in comments)
    if by_hand:
        raise CourseError(
            f"The cell {cell.name!r} is gone from the notebook of {notebook.name}, but people have graded "
            f"or commented on it {by_hand} times. Put it back under the same grade_id; to give "
            "those grades up, remove them in formgrader first."
        )
    for entry in (*grades, *comments):
        session.delete(entry)
    session.flush()


def _complete_submissions(session: Session, notebook: Any) -> None:
    """Gives the submissions that exist an empty grade and comment for each cell that is new (formgrader needs them)."""
    from nbgrader.api import Comment, Grade, GradeCell, SolutionCell, SubmittedNotebook, TaskCell
    from sqlalchemy import select

    submitted = list(session.scalars(select(SubmittedNotebook.id).where(SubmittedNotebook.notebook_id == notebook.id)))
    if not submitted:
        return
    for entry, kinds in ((Grade, (GradeCell, TaskCell)), (Comment, (SolutionCell, TaskCell))):
        for kind in kinds:
            cells = list(session.scalars(select(kind.id).where(kind.notebook_id == notebook.id)))
            known = session.execute(select(entry.notebook_id, entry.cell_id).where(entry.cell_id.in_(cells)))
            missing = {(one, cell) for one in submitted for cell in cells} - {(row[0], row[1]) for row in known}
            session.add_all(entry(notebook_id=one, cell_id=cell) for one, cell in sorted(missing))
    session.flush()


def _set(row: Any, **values: Any) -> None:
    # Only what differs: an unchanged notebook then writes nothing.
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
