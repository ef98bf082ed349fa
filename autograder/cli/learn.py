"""Commands of whoever learns alone: check, solution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder import notebook as notebooks
from autograder.cli.app import app, console, course_of
from autograder.course import Course, CourseError


@app.command()
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="A source or release notebook, or your copy of it.")],
) -> None:
    """Check every question of your own notebook: what is right, what isn't, and what to try.

    Its cells run in this process, unprotected: it is for your own code. `course grade` is for other people's.
    """
    from autograder.checking.own import check_file
    from autograder.report import terminal

    found = check_file(file, course_of(context) if context.obj else None)
    for number, error in found.failed_cells:
        console.print(f"cell {number} failed: {error}", style="yellow", markup=False)
    for line in terminal.question_lines(found.questions, public=found.public):
        console.print(line)
    console.print(terminal.total_line(found.questions))


@app.command()
def solution(
    context: typer.Context,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="The name in its check, or of a function.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Show it without asking.")] = False,
) -> None:
    """Show the reference's answer to a question, after asking."""
    from rich.syntax import Syntax

    course = course_of(context)
    text = _reference(course, question)
    if not yes and not typer.confirm(f"Show the reference for {question}? Trying once more teaches more."):
        raise typer.Exit(1)
    console.print(Syntax(text, "python", background_color="default"))


def _reference(course: Course, question: str) -> str:
    """The text of the blank above the check `question`, or of the blank that defines this name."""
    import difflib

    known: list[str] = []
    for name in course.assignments:
        found: list[str] = []  # the blanks since the last check
        for cell in _source_cells(course, name):
            if cell.role == "blank":
                found.append(cell.source)
                if f"def {question}(" in cell.source or f"class {question}" in cell.source:
                    return _unmarked(cell.source)
            elif cell.role == "check":
                known.append(cell.grade_id or "")
                if cell.grade_id == question and found:
                    return "\n\n\n".join(map(_unmarked, found))
                found = []
    near = difflib.get_close_matches(question, known, 1)
    raise CourseError(f"There is no question {question!r}." + (f" Did you mean {near[0]!r}?" if near else ""))


def _source_cells(course: Course, name: str) -> tuple[notebooks.Cell, ...]:
    return notebooks.cells(notebooks.read(course.assignment(name).source, limit_mib=course.limits.notebook_mib))


def _unmarked(text: str) -> str:
    return "\n".join(
        line for line in text.splitlines() if "### BEGIN SOLUTION" not in line and "### END SOLUTION" not in line
    )
