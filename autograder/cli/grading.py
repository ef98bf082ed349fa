"""Commands of whoever grades: grade, report, demo."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.app import Device, Name, Sandbox, app, console, course_of, one_of, sandbox_of
from autograder.course import Course


@app.command()
def grade(
    context: typer.Context,
    assignment: Name,
    student: Annotated[str | None, typer.Option(help="Grade only this student.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Submissions graded at once; 0: one per core.")] = 0,
    device: Device = None,
    sandbox: Sandbox = None,
    force: Annotated[bool, typer.Option("--force", help="Grade again what hasn't changed.")] = False,
) -> None:
    """Grade what was handed in: scores to the gradebook, pages to feedback/, a report to reports/."""
    from autograder.grading.batch import Options

    course = course_of(context)
    options = Options(
        student,
        jobs,
        one_of(device, ("cpu", "cuda"), "--device"),
        sandbox_of(sandbox),
        force,
    )
    run_grade(course, assignment, options)


@app.command()
def report(context: typer.Context, assignment: Name) -> None:
    """Write the feedback pages and the class report anew, with what people have graded since."""
    from autograder.cli.pages import write_all
    from autograder.course import CourseError
    from autograder.grading.batch import results_of

    course = course_of(context)
    course.assignment(assignment)
    results = results_of(course, assignment)
    if not results:
        raise CourseError(f"Nothing of {assignment} is graded yet. `course grade {assignment}` does it.")
    console.print(f"Open {write_all(course, assignment, results)}")


@app.command()
def demo(
    context: typer.Context,
    assignment: Annotated[
        str | None, typer.Argument(metavar="[A]", help="The assignment; the first by default.")
    ] = None,
    folder: Annotated[Path, typer.Option("--to", help="Where the sample course is made.")] = Path("build/demo"),
    jobs: Annotated[int, typer.Option(min=0, help="Submissions graded at once; 0: one per core.")] = 0,
    sandbox: Sandbox = None,
) -> None:
    """Compose a sample class from the reference, its alternatives and mistakes, and grade it."""
    from autograder.cli.app import names_of
    from autograder.demo import compose
    from autograder.grading.batch import Options

    course = course_of(context)
    name = names_of(course, [assignment] if assignment else None)[0]
    made, samples = compose(course, name, folder if folder.is_absolute() else course.root / folder)
    console.print(f"A sample class of {len(samples)} for {name}, in {_shown(made.root)}")
    for sample in samples:
        console.print(f"  {sample.student}  {sample.story}", style="dim")
    run_grade(made, name, Options(jobs=jobs, sandbox=sandbox_of(sandbox)))


def run_grade(course: Course, assignment: str, options: object) -> None:
    """Grade with a progress bar, then the table, then which page to open."""
    from autograder.cli.pages import write_all
    from autograder.grading.batch import Options, grade_class, results_of
    from autograder.report import terminal
    from autograder.results import Result

    assert isinstance(options, Options)
    began = time.perf_counter()
    with terminal.progress(console) as progress:
        task = progress.add_task("starting", total=None)

        def started(total: int, unchanged: int) -> None:
            progress.update(task, total=total, description=f"grading {assignment}")

        def seen(result: Result) -> None:
            progress.advance(task)

        summary = grade_class(course, assignment, options, started=started, seen=seen)
    console.print(terminal.scores_table(summary.results, title=f"{assignment}, {datetime.now():%d %B %Y %H:%M}"))
    console.print(terminal.summary_line(summary.results))
    for refused in summary.refused:
        console.print(f"refused: {refused.name!r}: {refused.why}", style="yellow", markup=False)
    spent = time.perf_counter() - began
    same = f", {summary.unchanged} unchanged since the last run" if summary.unchanged else ""
    console.print(f"{summary.graded} graded in {spent:.1f} s{same}")
    page = write_all(course, assignment, results_of(course, assignment))
    console.print(f"Open {_shown(page)}", style="bold")


def _shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
