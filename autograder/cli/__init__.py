"""The `course` command.

Each module of this package is one group of commands for one kind of person: `teach` for
those who write and release, `grading` for those who grade, `learn` for those who check
themselves, `machine` for whoever sets it up.
"""

from __future__ import annotations

import sys

from rich.console import Console

from autograder.course import CourseError


def main() -> None:
    """Run `course`; what can be foreseen ends in one clear line on stderr and exit code 2."""
    from autograder.cli.app import app

    try:
        app(prog_name="course")
    except CourseError as error:
        Console(stderr=True, highlight=False).print(f"course: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("\ncourse: stopped; what is done is kept, the same command goes on from here.")
        sys.exit(130)
