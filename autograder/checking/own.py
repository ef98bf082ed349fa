"""A learner's own notebook, checked in this very process: nobody's code but their own runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder import notebook as notebooks
from autograder.checking.live import check_all
from autograder.checking.suite import Suite, find_suite, suite_of
from autograder.course import Course, CourseError, find_course
from autograder.notebook import Notebook, Unreadable
from autograder.results import QuestionResult
from autograder.sandbox._outputs import Recorder
from autograder.sandbox._shell import PlainShell

_RUN = ("given", "blank", "free")
CHECKS = "checks"  # the folder beside a released notebook
_LIMIT_MIB = 100.0  # one's own notebook, outputs and all


@dataclass(frozen=True)
class OwnCheck:
    """The questions of a notebook, and the cells that failed: number and error. `public`: a release's checks."""

    questions: tuple[QuestionResult, ...]
    failed_cells: tuple[tuple[int, str], ...]
    public: bool


def check_file(path: Path, course: Course | None = None) -> OwnCheck:
    """Run a notebook's cells but for checks and demos, then every question's cases on public inputs.

    The checks are those beside the notebook (a release), else those of the course that it
    belongs to. Raises `CourseError` when it can't be read or belongs to nothing.
    """
    if not path.is_file():
        raise CourseError(f"There is no notebook {path}.")
    try:
        notebook = notebooks.read(path, limit_mib=_LIMIT_MIB)
    except Unreadable as error:
        raise CourseError(str(error)) from None
    checks = _checks(path, notebook, course)
    namespace, failed = _run(path, notebook)

    def missing(name: str) -> str | None:
        for number, error in failed:
            if notebooks.defines(notebook["cells"][number - 1]["source"], name):
                return f"its cell failed with {error}"
        return None

    return OwnCheck(check_all(checks, namespace, missing=missing), tuple(failed), checks.public)


def assignment_of(course: Course, path: Path, notebook: Notebook) -> str:
    """The assignment that a notebook belongs to, by its name or by the questions it has and its framework.

    Raises `CourseError` when it has none of the course's.
    """
    if path.stem in course.assignments:
        return path.stem
    mine, framework = _questions(notebook), notebooks.framework(notebook)
    shared: dict[str, tuple[int, bool]] = {}
    for name in course.assignments:
        source = notebooks.read(course.assignment(name).source, limit_mib=course.limits.notebook_mib)
        # Twins have the same questions: the framework tells them apart.
        shared[name] = len(mine & _questions(source)), framework == notebooks.framework(source)
    best = max(shared, key=lambda name: shared[name], default=None)
    if best is None or not shared[best][0]:
        raise CourseError(f"{path} has no question of this course ({', '.join(course.assignments)}).")
    return best


def _checks(path: Path, notebook: Notebook, course: Course | None) -> Suite:
    beside = path.resolve().parent / CHECKS
    if (beside / "recorded.json").is_file():
        return find_suite(beside)
    try:
        course = course or find_course(path.resolve().parent)
    except CourseError:
        raise CourseError(
            f"No checks lie beside {path} (looked for {beside}), and it is in no course's folder. "
            "Put it back where it was released, or name the course: course --course DIR check NOTEBOOK."
        ) from None
    return suite_of(course.assignment(assignment_of(course, path, notebook)))


def _run(path: Path, notebook: Notebook) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """The names that the notebook defines, and the cells that failed."""
    os.environ.setdefault("MPLBACKEND", "agg")  # no window opens for a check
    shell = PlainShell(Recorder(limit=1 << 16))
    failed = []
    with _in_folder(path.resolve().parent), open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        for cell in notebooks.cells(notebook):
            if cell.cell_type == "code" and cell.role in _RUN:
                error = shell.run(cell.source)
                if error is not None:
                    line = f" (line {error.line})" if error.line else ""
                    failed.append((cell.index + 1, f"{error.summary}{line}"))
    return shell.namespace, failed


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    """Data files are named from the notebook's folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _questions(notebook: Notebook) -> set[str]:
    return {cell.grade_id for cell in notebooks.cells(notebook) if cell.grade_id and cell.role == "check"}
