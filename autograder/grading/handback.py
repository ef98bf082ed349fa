"""Writing autograded/<student>/<assignment>/ as nbgrader does, whole or not at all."""

from __future__ import annotations

import errno
import fnmatch
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.course import Course, CourseError, is_safe_name
from autograder.notebook import dump
from autograder.results import Result

_MIB = 1 << 20
_MOST_FILES = 1000  # of a student's own beside the notebook
# What is wrong with the disk, or with our own folder, and not with a student's file.
_OURS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def write_autograded(course: Course, result: Result, notebook: dict[str, Any]) -> Path:
    """Writes the executed `notebook` to autograded/, with the files that came with it and the assignment's own.

    The notebook comes into place by one rename, so it's never seen half. A student's files beside the
    notebook (timestamp.txt, images) are copied when they are plain files and together no larger than
    the course's `disk_mib`; links are not followed, and what can't be copied or has the name of one of the
    assignment's own files stays where it is. Returns the notebook's path. Raises `CourseError` when
    the folder can't be written.
    """
    student, assignment = result.student, result.assignment
    if not (is_safe_name(student) and is_safe_name(assignment)):
        raise CourseError(f"{student!r} or {assignment!r} can't become part of a path.")
    root = course.folder("autograded")
    folder = root / student / assignment
    mode = _permissions(course)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        source = course.folder("source") / assignment
        ours = {path.relative_to(source): path for path in _files(course, source)}
        reserved = {Path(f"{assignment}.ipynb"), *ours}
        submitted = course.folder("submitted") / student / assignment
        theirs = {
            name: path
            for path in _submitted_files(course, submitted)
            if not _in_the_way(name := path.relative_to(submitted), reserved)
        }
        # First, so that nothing of an earlier submission is in the way either.
        _remove_others(folder, {folder / name for name in (*reserved, *theirs)})
        for name, path in theirs.items():
            _copy_if_possible(path, folder / name, mode)
        for name, path in ours.items():
            _copy(path, folder / name, mode)
        # Beside the students' folders, where nothing of nbgrader looks, and a killed run's rest is overwritten.
        partial = root / f".{student}.{assignment}.partial"
        partial.write_bytes(dump(notebook))
        partial.chmod(mode)
        target = folder / f"{assignment}.ipynb"
        partial.replace(target)
        if course.config.get("CourseDirectory", {}).get("groupshared", False):
            for path in (root, root / student, folder):
                path.chmod((path.stat().st_mode | 0o2770) & 0o2777)
    except OSError as error:
        raise CourseError(
            f"{folder} can't be written: {error.strerror or error}. Make room there, or give yourself the right to "
            f"write it, and run `course grade {assignment}` again."
        ) from error
    return target


def _permissions(course: Course) -> int:
    """The mode of files in autograded/, as nbgrader's `permissions` traits say (octal digits)."""
    shared = course.config.get("CourseDirectory", {}).get("groupshared", False)
    for section in ("Autograde", "BaseConverter"):
        digits = course.config.get(section, {}).get("permissions")
        if isinstance(digits, int):
            return int(str(digits), 8)
    return 0o664 if shared else 0o444


def _files(course: Course, folder: Path) -> Iterator[Path]:
    """All files under `folder` but notebooks and what `CourseDirectory.ignore` names, links left out."""
    ignored = course.config.get("CourseDirectory", {}).get("ignore")
    if not isinstance(ignored, list):
        ignored = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"]

    def wanted(name: str) -> bool:
        return not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)

    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(filter(wanted, folders))
        for name in sorted(names):
            path = Path(parent, name)
            if wanted(name) and not name.endswith(".ipynb") and _is_file(path):
                yield path


def _is_file(path: Path) -> bool:
    """Whether this is a plain file and no link; one that no path can name isn't."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _submitted_files(course: Course, submitted: Path) -> Iterator[Path]:
    """What lies beside a submitted notebook, as far as it is copied; nothing where the folder itself is a link."""
    if submitted.is_symlink():
        return
    room = course.limits.disk_mib * _MIB
    for count, path in enumerate(_files(course, submitted)):
        room -= path.lstat().st_size
        if room < 0 or count >= _MOST_FILES:
            return
        yield path


def _in_the_way(name: Path, reserved: set[Path]) -> bool:
    """Whether a student's file has a name that is the assignment's own, or lies where that has to lie."""
    return any(name == own or name in own.parents or own in name.parents for own in reserved)


def _copy_if_possible(origin: Path, target: Path, mode: int) -> None:
    """A copy of a student's file, if there can be one: they may be unreadable, gone by now, or of too long a path."""
    try:
        _copy(origin, target, mode)
    except OSError as error:
        if error.errno in _OURS:
            raise


def _copy(origin: Path, target: Path, mode: int) -> None:
    """A copy of one plain file; one that is there already, of the same size and time, stays."""
    # NOFOLLOW and NONBLOCK: what was a plain file a moment ago may be a link or a pipe now.
    descriptor = os.open(origin, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as source:
        status = os.fstat(descriptor)
        if target.is_file():
            there = target.stat()
            if (there.st_size, there.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
                return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        with target.open("xb") as copy:
            shutil.copyfileobj(source, copy)
    target.chmod(mode)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _remove_others(folder: Path, kept: set[Path]) -> None:
    """What an earlier submission left behind."""
    for parent, folders, names in os.walk(folder, topdown=False):
        for name in names:
            if (path := Path(parent, name)) not in kept:
                path.unlink()
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()
