"""The `course` command.

Each module of this package is one group of commands for one kind of person: `teach` for
those who write and release, `grading` for those who grade, `learn` for those who check
themselves, `machine` for whoever sets it up.
"""

from __future__ import annotations

import errno
import sys

from rich.console import Console

from autograder.course import CourseError

# What a disk, or one's rights on it, can do to any command. Other errors of the system are faults of the kit.
_DISK_TROUBLE = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
)  # fmt: skip


def main() -> None:
    """Run `course`; what can be foreseen ends in one clear line on stderr and exit code 2."""
    from autograder.cli.app import app

    try:
        app(prog_name="course")
    except CourseError as error:
        Console(stderr=True, highlight=False).print(f"course: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        if error.errno not in _DISK_TROUBLE:
            raise
        place = f"{error.filename} can't be used" if error.filename else "The disk can't be used"
        Console(stderr=True, highlight=False).print(
            f"course: {place}: {error.strerror}. Make room there, or give yourself the right to write it, and run the "
            "same command again; what is done is kept.",
            style="red", markup=False, soft_wrap=True,
        )  # fmt: skip
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("\ncourse: stopped; what is done is kept, the same command goes on from here.")
        sys.exit(130)
