"""The typer app and what its commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.console import Console

from autograder.course import Course, CourseError, SandboxName, find_course

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build, release and grade a course of nbgrader notebooks that checks itself.",
)
console = Console(highlight=False)

Names = Annotated[list[str] | None, typer.Argument(metavar="[A]…", help="Assignments; all of the course by default.")]
Name = Annotated[str, typer.Argument(metavar="A", help="The assignment.")]
Sandbox = Annotated[str | None, typer.Option(help="'none' runs submissions unprotected, and stamps every result.")]
Device = Annotated[str | None, typer.Option(help="cpu or cuda; the course's setting by default.")]


@app.callback()
def _common(
    context: typer.Context,
    course: Annotated[Path | None, typer.Option("--course", metavar="DIR", help="The course's folder.")] = None,
) -> None:
    """Keep what every command may need: where the course lies."""
    context.obj = course


def course_of(context: typer.Context) -> Course:
    """The course named by --course, or the one that the working directory lies in."""
    return find_course(context.obj)


def names_of(course: Course, names: list[str] | None) -> list[str]:
    """The assignments asked for, each known to exist. Raises `CourseError` for one that doesn't."""
    for name in names or []:
        course.assignment(name)
    chosen = list(names or course.assignments)
    if not chosen:
        raise CourseError(f"{course.root} has no assignment yet. `course new NAME` makes one.")
    return chosen


def one_of(value: str | None, allowed: tuple[str, ...], option: str) -> str | None:
    """`value` if it is allowed. Raises `CourseError` naming what is."""
    if value is not None and value not in allowed:
        raise CourseError(f"{option} is {' or '.join(allowed)}, not {value!r}.")
    return value


def sandbox_of(value: str | None) -> SandboxName | None:
    """`--sandbox`, checked. Raises `CourseError` naming what is allowed."""
    return cast(SandboxName | None, one_of(value, get_args(SandboxName), "--sandbox"))


# The commands register themselves.
from autograder.cli import grading, learn, machine, teach  # noqa: E402, F401
