"""Run nbgrader's generate_assignment into a folder, quietly and without a gradebook."""

from __future__ import annotations

import copy
import logging
import sys
import warnings
from pathlib import Path

from autograder.course import Assignment, CourseError


def convert(assignment: Assignment, directory: Path, *, record: bool = True, reuse: bool = False) -> dict[str, bytes]:
    """What nbgrader makes of the assignment: the release's files by their path in it.

    `directory` is an empty folder for nbgrader to write in. `record` False leaves out
    the recorded answers, `reuse` takes those of the present release over where nothing they
    were made from has changed. Raises `CourseError` with nbgrader's reason.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # nbgrader's dependencies' own
        from nbgrader.converters import GenerateAssignment
        from nbgrader.coursedir import CourseDirectory

    course = assignment.course
    config = copy.deepcopy(course.config)
    config.CourseDirectory.root = str(course.root)
    config.CourseDirectory.release_directory = str(directory)
    config.CourseDirectory.assignment_id = assignment.name
    config.SaveCells.enabled = False  # as `nbgrader generate_assignment --no-db`: building has no side effects
    config.GenerateAssignment.no_database = True
    config.PublicChecks.record = record
    config.PublicChecks.reuse = reuse
    reasons = _Reasons()
    log = logging.Logger(f"build {assignment.name}")
    log.addHandler(reasons)
    converter = GenerateAssignment(
        coursedir=CourseDirectory(config=config, log=log), config=config, log=log
    )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            converter.start()
    except (Exception, SystemExit) as error:
        cause = reasons.error or error
        if isinstance(cause, CourseError):
            raise cause from None
        said = reasons.text or str(error)
        raise CourseError(
            f"nbgrader can't convert {assignment.source}: {said} ({type(cause).__name__}: {cause}). "
            f"`nbgrader generate_assignment {assignment.name} --no-db --debug` tells more."
        ) from error
    made = directory / assignment.name
    return {path.relative_to(made).as_posix(): path.read_bytes() for path in sorted(made.rglob("*")) if path.is_file()}


class _Reasons(logging.Handler):
    """Keeps the first error that nbgrader logs, and the exception that it swallows there."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""
        self.error: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage().splitlines()[0]
        self.error = self.error or sys.exc_info()[1]
