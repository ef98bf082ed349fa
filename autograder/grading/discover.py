"""What was handed in: one `Submission` for each student, or the reason why there is none to grade."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autograder.course import Course, CourseError, is_safe_name


@dataclass(frozen=True)
class Submission:
    """One student's hand-in.

    `path` is the notebook to grade, None when there is no clear one: then `problem` says why,
    and `state` is 'missing' or 'unreadable'. `remark` tells what its author should know.
    """

    student: str
    assignment: str
    folder: Path
    path: Path | None
    state: str = "graded"
    problem: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Refused:
    """A folder in submitted/ that can't belong to a student."""

    name: str
    why: str


def find(course: Course, assignment: str, student: str | None = None) -> tuple[list[Submission], list[Refused]]:
    """All submissions of an assignment (or one student's), sorted by student, and what was refused.

    Raises `CourseError` when the student that was asked for handed in nothing.
    """
    submitted = course.folder("submitted")
    if student is not None and not is_safe_name(student):
        raise CourseError(f"{printable(student)!r} is no student id: letters, digits and . _ @ + - only.")
    submissions: list[Submission] = []
    refused: list[Refused] = []
    for entry in _folders(submitted):
        if student is not None and entry.name != student:
            continue
        if not is_safe_name(entry.name):
            refused.append(Refused(printable(entry.name), "its name is no student id (letters, digits and . _ @ + -)"))
        elif entry.is_symlink():
            refused.append(Refused(entry.name, "it is a link; put the student's own folder there"))
        elif entry.is_dir(follow_symlinks=False) and os.path.lexists(Path(entry.path) / assignment):
            submissions.append(_submission(entry.name, assignment, Path(entry.path) / assignment))
    if student is not None and not submissions and not refused:
        raise CourseError(
            f"{student} has handed in nothing for {assignment}: there is no {submitted / student / assignment}."
        )
    return submissions, refused


def sha256(path: Path) -> str:
    """The fingerprint of a submitted file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def printable(text: str) -> str:
    """A name from a stranger, safe to print."""
    return "".join(c if c.isprintable() else "�" for c in text)[:120]


def _folders(submitted: Path) -> Iterator[os.DirEntry[str]]:
    if not submitted.is_dir():
        raise CourseError(
            f"There is no {submitted}. Put submissions at {submitted}/<student>/<assignment>/<assignment>.ipynb, "
            "or collect them with `nbgrader collect` or `nbgrader zip_collect`."
        )
    with os.scandir(submitted) as entries:
        yield from sorted(entries, key=lambda entry: entry.name)


def _submission(student: str, assignment: str, folder: Path) -> Submission:
    if folder.is_symlink() or not folder.is_dir():
        problem = f"{folder.name} is {'a link' if folder.is_symlink() else 'no folder'}, expected the folder handed in"
        return Submission(student, assignment, folder, None, "unreadable", problem)
    wanted = folder / f"{assignment}.ipynb"
    if os.path.lexists(wanted):
        if not stat.S_ISREG(wanted.lstat().st_mode):
            problem = f"{wanted.name} is no ordinary file"
            return Submission(student, assignment, folder, None, "unreadable", problem)
        return Submission(student, assignment, folder, wanted)
    others = sorted(path for path in folder.glob("*.ipynb") if stat.S_ISREG(path.lstat().st_mode))
    names = ", ".join(printable(path.name) for path in others[:5])
    if len(others) == 1:
        remark = f"The notebook was handed in as {names}; it was graded as {wanted.name}."
        return Submission(student, assignment, folder, others[0], remark=remark)
    if others:
        problem = f"{wanted.name} is missing and there are several notebooks ({names}); hand in one, by its right name"
    else:
        problem = f"{wanted.name} is missing: no notebook was handed in"
    return Submission(student, assignment, folder, None, "missing", problem)
