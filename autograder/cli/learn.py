"""Commands of whoever learns alone: check, solution."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder import notebook as notebooks
from autograder.cli.app import Device, Sandbox, app, console, course_of, one_of, sandbox_of
from autograder.course import PUBLIC_SEED, Course, CourseError, SandboxName, find_course
from autograder.results import QuestionResult


@app.command()
def check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="NOTEBOOK", help="A source or release notebook, or your copy of it.")],
    device: Device = None,
    sandbox: Sandbox = None,
) -> None:
    """Check every question of a notebook and print what is right, what isn't, and what to try."""
    from autograder.report import terminal

    if not file.is_file():
        raise CourseError(f"There is no notebook {file}.")
    course = find_course(context.obj) if context.obj else _course_of(file)
    found = _checked(course, file, one_of(device, ("cpu", "cuda"), "--device"), sandbox_of(sandbox))
    for line in terminal.question_lines(found, public=True):
        console.print(line)
    console.print(terminal.total_line(found))


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


def _course_of(file: Path) -> Course:
    return find_course(file.resolve().parent)


def _checked(course: Course, file: Path, device: str | None, sandbox: SandboxName | None) -> tuple[QuestionResult, ...]:
    """The notebook's questions on the public inputs, in the jail like anybody's code."""
    from autograder.checking.attempt import attempt_file
    from autograder.checking.diagnose import questions
    from autograder.checking.record import Recording, record
    from autograder.checking.run import Run, Runner, drive, live_reference

    name = _assignment(course, file)
    device = device or course.settings.device

    def work(runner: Runner) -> tuple[QuestionResult, ...]:
        attempt = attempt_file(course, name, file, device=device, sandbox=sandbox)
        try:
            reference = live_reference(runner.suite.namespace(), device=device)
            run = Run(runner.suite, PUBLIC_SEED, attempt.student, reference, device, missing=attempt.missing)
            outcomes = runner.run(run)
        finally:
            attempt.close()
        recording: Recording | None = None
        if any(outcome.result.outcome == "failed" for outcome in outcomes):
            recording = record(runner, seed=PUBLIC_SEED, device=device)
        return questions(runner.suite, outcomes, recording)

    return drive(course.assignment(name).tests, work)


def _assignment(course: Course, file: Path) -> str:
    """The assignment that a notebook belongs to, by its name or by its questions."""
    if file.stem in course.assignments:
        return file.stem
    try:
        theirs = {cell.grade_id for cell in notebooks.cells(notebooks.read(file, limit_mib=course.limits.notebook_mib))}
    except notebooks.Unreadable as error:
        raise CourseError(str(error)) from None
    shared = {
        name: len(theirs & {cell.grade_id for cell in _source_cells(course, name)} - {None})
        for name in course.assignments
    }
    best = max(shared, key=lambda name: shared[name], default=None)
    if best is None or not shared[best]:
        raise CourseError(f"{file} has no question of this course ({', '.join(course.assignments)}).")
    return best


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
