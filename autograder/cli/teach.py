"""Commands of whoever writes and releases: build, lint, new."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autograder.cli.app import Device, Names, app, console, course_of, names_of, one_of


@app.command()
def build(
    context: typer.Context,
    assignments: Names = None,
    publish: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write what students may have to DIR.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="First strip outputs and give cells the ids they lack.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Record the reference's answers anew in any case.")] = False,
) -> None:
    """Make release/ and solutions/ from source/ and tests/."""
    from autograder import build as builder

    course = course_of(context)
    names = names_of(course, assignments)
    for built in builder.build(course, names, fix=fix, force=force):
        console.print(f"{built.assignment}: " + ("up to date" if not built.changed else "built"))
        for path in built.written:
            console.print(f"  wrote {path}", style="dim")
        for path in built.removed:
            console.print(f"  removed {path}", style="dim")
    if publish is not None:
        written = builder.publish(course, names, publish)
        console.print(f"{publish}: {len(written)} files that students may have")


@app.command()
def lint(
    context: typer.Context,
    assignments: Names = None,
    seeds: Annotated[int, typer.Option(min=1, help="Secret seeds on which every answer is tried.")] = 20,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one per core.")] = 0,
    device: Device = None,
) -> None:
    """Prove the course sound: references pass, mistakes are caught, releases hold no answer."""
    from autograder.cli.lint_table import lint_json, lint_table
    from autograder.lint import lint_assignment

    course = course_of(context)
    chosen = one_of(device, ("cpu", "cuda"), "--device") or course.settings.device
    reports = []
    for name in names_of(course, assignments):
        with console.status(f"{name}: {seeds} seeds"):
            reports.append(lint_assignment(course, name, seeds=seeds, processes=jobs, device=chosen))
    console.print(lint_table(reports))
    for report in reports:
        for fault in report.faults:
            console.print(f"{report.assignment}: {fault.what}", style="red", markup=False)
            console.print(f"    {fault.mend}", markup=False)
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        json.write_text(lint_json(reports), encoding="utf-8")
    if any(report.faults for report in reports):
        raise typer.Exit(1)


@app.command()
def new(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The new assignment.")]
) -> None:
    """Scaffold an assignment that lints clean once its blanks are filled."""
    from autograder import scaffold

    course = course_of(context)
    for path in scaffold.new(course, name):
        console.print(f"wrote {path.relative_to(course.root) if path.is_absolute() else path}")
    if course.settings.assignments and name not in course.settings.assignments:
        console.print(f'Add "{name}" to c.CourseSettings.assignments in {course.root / "course_config.py"}.')
    console.print(
        f"Fill source/{name}/{name}.ipynb and tests/{name}/, then `course build {name}` and `course lint {name}`."
    )
