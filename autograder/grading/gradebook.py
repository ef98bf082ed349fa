"""nbgrader's gradebook as the book of record: what grading found goes in, what people decided comes out.

What is written has nbgrader's meaning (SaveAutoGrades, AssignLatePenalties), so formgrader,
`nbgrader generate_feedback` and `nbgrader export` read it as their own. Two things differ, on
purpose: a second run over an unchanged submission doesn't ask people to look at their own grades
again, and an unreadable or missing submission is flagged for a person beside its 0.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from autograder.course import Course, CourseError, is_safe_name
from autograder.grading.database import Database
from autograder.grading.scores import CellFeedback, StudentScore, read_cells, read_scores
from autograder.results import Note, Result

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from autograder.grading.register import Sheet

TIMESTAMP = "timestamp.txt"


class Gradebook:
    """The gradebook of one course, open from `with` to the end of it.

    `wait_seconds` is how long to wait for another program that is writing (SQLite). Opening
    raises `CourseError` when the database is lost, damaged, locked or of another version.
    """

    def __init__(self, course: Course, *, wait_seconds: float = 30.0) -> None:
        self.course = course
        self._wait_seconds = wait_seconds
        self._database: Database | None = None
        self._session: Session | None = None  # the one of the transaction that is open
        self._sheets: dict[str, Sheet] = {}

    def __enter__(self) -> Gradebook:
        # nbgrader's preprocessors write "default_course" as well when the course has no id.
        course_id = str(self.course.config.get("CourseDirectory", {}).get("course_id", "")) or "default_course"
        self._database = Database(
            self.course.database_url(),
            course_id=course_id,
            graded=self.course.folder("autograded"),
            wait_seconds=self._wait_seconds,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.close()
        self._database = None

    @property
    def _opened(self) -> Database:
        if self._database is None:
            raise RuntimeError("the gradebook isn't open: use `with Gradebook(course) as gradebook`")
        return self._database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside comes into the database together, or not at all when an error leaves it.

        One inside another is part of the outer one, but is undone alone when its error is caught between
        the two. Raises `CourseError` when the database can't be written.
        """
        with self._writing():
            yield

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with ExitStack() as stack:
            if self._session is not None:
                stack.enter_context(self._opened.explained())
                stack.enter_context(self._session.begin_nested())
                try:
                    yield self._session
                except BaseException:
                    self._sheets.clear()  # they may know of cells that are undone now
                    raise
                return
            self._session = stack.enter_context(self._opened.writing())
            try:
                yield self._session
            finally:
                self._session = None
                self._sheets.clear()

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        if self._session is not None:
            self._session.flush()
            yield self._session
        else:
            with self._opened.reading() as session:
                yield session

    def ensure_assignment(self, assignment: str, source_notebook: dict[str, Any]) -> None:
        """Registers the assignment and its notebook's cells, as `nbgrader generate_assignment` does.

        Cells and points that changed are brought up to date; submissions keep their grades, and get an
        empty one for each cell that is new. Raises `CourseError` when a cell that vanished carries a
        person's grade or comment, or when the notebook's nbgrader metadata are unsound.
        """
        from autograder.grading.register import prepared, register

        notebook = prepared(self.course, assignment, source_notebook)
        with self._writing() as session:
            self._sheets.pop(assignment, None)
            register(session, assignment, notebook, course_id=self._opened.course_id)

    def record(
        self, result: Result, notebook: dict[str, Any] | None, timestamp: datetime | None = None
    ) -> tuple[Note, ...]:
        """Writes the scores of one submission; returns what its author and the instructor should know.

        `notebook` is the repaired submission (None when it could not be read); `timestamp` is when it was
        handed in, by default what nbgrader's timestamp.txt beside the submission says. Manual scores, extra
        credit and manual comments stay. Raises `CourseError` when the assignment isn't registered or the
        result belongs to another version of it.
        """
        from autograder.grading import submission

        if not is_safe_name(result.student):
            raise CourseError(f"{result.student!r} can't be a student's id: use letters, digits and _ . @ + - only.")
        notes: tuple[Note, ...] = ()
        if timestamp is None:
            timestamp, notes = self._handed_in(result.student, result.assignment)
        with self._writing() as session:
            sheet = self._sheet(session, result.assignment)
            row = submission.find_or_create(session, sheet, result.student, create_student=self._creates_students)
            if timestamp is not None:
                row.timestamp = _utc(timestamp)
            submission.write_scores(session, self._opened.recorded, sheet, row, result, notebook)
            self._penalise(session, sheet, row)
        return notes

    def scores(self, assignment: str) -> list[StudentScore]:
        """What every student of the course has for an assignment, sorted by id."""
        with self._reading() as session:
            return read_scores(session, assignment)

    def written_feedback(self, assignment: str, student: str) -> tuple[CellFeedback, ...]:
        """Comments and grades of a submission, cell by cell in no particular order; empty without one."""
        with self._reading() as session:
            return read_cells(session, assignment, student)

    def _sheet(self, session: Session, assignment: str) -> Sheet:
        from autograder.grading.register import read_sheet

        if assignment not in self._sheets:
            self._sheets[assignment] = read_sheet(session, assignment)
        return self._sheets[assignment]

    @property
    def _creates_students(self) -> bool:
        return bool(self.course.config.get("Autograde", {}).get("create_student", True))

    def _handed_in(self, student: str, assignment: str) -> tuple[datetime | None, tuple[Note, ...]]:
        path = self.course.folder("submitted") / student / assignment / TIMESTAMP
        try:
            # The folder is a stranger's: no link out of it is followed, no pipe waited for.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                text = (file.read(200) or b"").decode("utf-8", "replace").strip()
        except OSError:
            return None, ()
        try:
            return parse_timestamp(text), ()
        except ValueError:
            # nbgrader drops the whole submission here. A person must judge whether it was late.
            return None, (Note("file", f"{TIMESTAMP} holds no time, so lateness could not be judged."),)

    @cached_property
    def _late_penalties(self) -> Any:
        from nbgrader.preprocessors import AssignLatePenalties
        from traitlets import TraitError

        try:
            preprocessor = AssignLatePenalties(config=self.course.config)
            preprocessor.init_plugin()
        except (TraitError, ImportError) as error:
            raise CourseError(f"c.AssignLatePenalties.plugin_class can't be loaded: {error}") from error
        return preprocessor

    def _penalise(self, session: Session, sheet: Sheet, row: Any) -> None:
        """The late penalty, as AssignLatePenalties gives it (from the score with manual grades)."""
        notebook = next(each for each in row.notebooks if each.notebook_id == sheet.notebook_id)
        penalty = None
        # nbgrader fails here on an extension without a due date; without one nothing is late.
        late = row.total_seconds_late if row.assignment.duedate is not None else 0
        if late > 0:
            session.flush()
            session.refresh(notebook, ["score"])
            plugin = self._late_penalties.plugin_inst
            try:
                penalty = plugin.late_submission_penalty(row.student_id, notebook.score, late)
                if penalty is not None:
                    penalty = float(self._late_penalties._check_late_penalty(notebook, penalty))
            except Exception as error:  # the course's own plugin
                raise CourseError(
                    f"{type(plugin).__name__}.late_submission_penalty failed: {type(error).__name__}: {error}"
                ) from error
        if notebook.late_submission_penalty != penalty:
            notebook.late_submission_penalty = penalty


def parse_timestamp(text: str) -> datetime | None:
    """nbgrader's timestamp.txt as naive UTC; None when it is empty. Raises ValueError when it holds no time."""
    from nbgrader.utils import parse_utc

    if not text:
        return None
    try:
        return _utc(parse_utc(text))
    except (ValueError, OverflowError, TypeError, AttributeError) as error:
        raise ValueError(f"no time: {text[:60]!r}") from error


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
