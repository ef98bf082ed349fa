"""From source/ to what students get (release/) and to the reference (solutions/).

nbgrader's own converter makes the release; `PublicChecks`, named in course_config.py,
adds the public checks to it, so that `nbgrader generate_assignment` and `course build`
give the same files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.building.checks import public_checks
from autograder.building.convert import convert
from autograder.building.files import present, remove_empty_folders, write_if_changed
from autograder.building.leaks import leaks, leaks_in
from autograder.building.publish import Publication, publish
from autograder.building.records import same_files
from autograder.building.solution import solution_text
from autograder.building.source import checked_source
from autograder.building.tidy import tidy, untidy
from autograder.building.twins import in_step
from autograder.course import Assignment, Course, CourseError
from autograder.notebook import Notebook, dump, grade_id, read, released, role

if TYPE_CHECKING:
    from autograder.building.preprocessor import PublicChecks

__all__ = ["Built", "PublicChecks", "Publication", "build", "in_step", "leaks", "publish", "stale", "tidy", "untidy"]

_CHECKS = "checks/"


def __getattr__(name: str) -> Any:
    # nbgrader takes a second to import; only this class needs it.
    if name != "PublicChecks":
        raise AttributeError(f"module 'autograder.build' has no attribute {name!r}")
    from autograder.building.preprocessor import PublicChecks

    return PublicChecks


@dataclass(frozen=True)
class Built:
    """What building one assignment did; paths as seen from the course's folder."""

    assignment: str
    written: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.written or self.removed)


def build(course: Course, names: Iterable[str] = (), *, fix: bool = False, force: bool = False) -> list[Built]:
    """Make release/<a>/ and solutions/<a>.py of the assignments named, or of all.

    Only files whose content changes are written. `fix` first gives the source
    notebooks' cells the ids they lack and drops their outputs; `force` records the answers
    anew even where checks, mistakes and reference are as they were. Raises `CourseError`
    when a source can't be released, or when the release would give a solution away.
    """
    return [_build(course.assignment(name), fix=fix, force=force) for name in names or course.assignments]


def stale(course: Course, name: str) -> list[str]:
    """The built files of an assignment that a build would change, as seen from the course's folder.

    Nothing is written. While the reference itself is stale, the answers recorded from
    it aren't looked at. Raises `CourseError` as `build` does.
    """
    assignment = course.assignment(name)
    source = checked_source(assignment)
    text = solution_text(assignment, source).encode()
    fresh = assignment.solution.is_file() and assignment.solution.read_bytes() == text
    files = _released(assignment, source, record=fresh)
    old = present(assignment.release)
    if not fresh:
        old = {path: data for path, data in old.items() if not _is_record(path)}
    changed = [assignment.release / path for path in _changes(old, files)]
    if not fresh:
        changed.insert(0, assignment.solution)
    return [_shown(course, path) for path in changed]


def _build(assignment: Assignment, *, fix: bool, force: bool) -> Built:
    if fix:
        tidy(assignment)
    source = checked_source(assignment)
    if not force and _is_fresh(assignment, source):
        return Built(assignment.name, (), ())
    written = []
    if write_if_changed(assignment.solution, solution_text(assignment, source).encode()):
        written.append(assignment.solution)
    files = _released(assignment, source, reuse=not force)
    old = present(assignment.release)
    removed = []
    for path in _changes(old, files):
        target = assignment.release / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files[path])
            written.append(target)
        else:
            target.unlink()
            removed.append(target)
    remove_empty_folders(assignment.release)
    course = assignment.course
    return Built(
        assignment.name,
        tuple(_shown(course, path) for path in written),
        tuple(_shown(course, path) for path in removed),
    )


def _is_fresh(assignment: Assignment, source: Notebook) -> bool:
    """Whether everything built is what a build would make, told in a moment: without nbgrader, and without recording.

    The lint builds anew and compares; this only spares a build that would change nothing.
    """
    from autograder.checking.record import still_recorded

    if [path.name for path in assignment.source.parent.iterdir()] != [assignment.source.name]:
        return False  # data files, which nbgrader's own settings choose from
    text = solution_text(assignment, source).encode()
    if not assignment.solution.is_file() or assignment.solution.read_bytes() != text:
        return False
    recorded = still_recorded(assignment, assignment.release / _CHECKS)
    if recorded is None:
        return False
    files = {f"{_CHECKS}{path}": data for path, data in (public_checks(assignment) | recorded).items()}
    files[f"{assignment.name}.ipynb"] = dump({**source, "cells": [released(cell) for cell in source["cells"]]})
    return present(assignment.release) == files


def _released(
    assignment: Assignment, source: Notebook, *, record: bool = True, reuse: bool = False
) -> dict[str, bytes]:
    """The release's files, by their path in it, once they are known to give nothing away."""
    with tempfile.TemporaryDirectory(prefix="course-build-") as folder:
        files = convert(assignment, Path(folder), record=record, reuse=reuse)
    if f"{_CHECKS}test_" not in "\n".join(files):
        raise CourseError(
            f"The release of {assignment.name} has no checks. Put 'autograder.build.PublicChecks' into "
            "c.GenerateAssignment.preprocessors in course_config.py, and a check that isn't hidden into tests/."
        )
    _hold_against_nbgrader(assignment, source, files)
    found = leaks_in(files, source)
    if found:
        raise CourseError(f"The release of {assignment.name} would give solutions away:\n  " + "\n  ".join(found))
    return files


def _hold_against_nbgrader(assignment: Assignment, source: Notebook, files: dict[str, bytes]) -> None:
    """Repair knows by itself what a released cell looks like; nbgrader's settings must agree."""
    made = read(files[f"{assignment.name}.ipynb"], limit_mib=assignment.course.limits.notebook_mib)
    by_name = {grade_id(cell): cell for cell in made["cells"]}
    for cell in source["cells"]:
        name = grade_id(cell)
        if role(cell) != "free" and by_name.get(name) != released(cell):
            raise CourseError(
                f"nbgrader releases the cell {name!r} of {assignment.name} other than this kit expects, so a deleted "
                "cell couldn't be put back. Take settings of ClearSolutions, LockCells, ComputeChecksums and the list "
                "of preprocessors back to nbgrader's defaults in course_config.py."
            )


def _changes(old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """The paths that differ, of recorded answers only when they differ by more than rounding."""
    records = [{path: data for path, data in files.items() if _is_record(path)} for files in (old, new)]
    same = same_files(*records)
    return [path for path in sorted({*old, *new}) if old.get(path) != new.get(path) and not (same and _is_record(path))]


def _is_record(path: str) -> bool:
    return path.startswith(_CHECKS) and not path.endswith(".py")


def _shown(course: Course, path: Path) -> str:
    return path.relative_to(course.root).as_posix() if path.is_relative_to(course.root) else str(path)
