"""The same sample class graded by `course grade` and by stock nbgrader, score by score.

    python benchmarks/against_nbgrader.py [assignment] [--students N]

nbgrader runs its own preprocessors with its own Execute, in an unprotected kernel, on the notebooks as they
were handed in; `check` then runs the same cases on the same secret seed. Where the scores differ the
reason that nbgrader gives is printed beside them. Writes build/against_nbgrader.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from autograder.course import Course, find_course
from autograder.demo import Sample, compose
from autograder.grading.batch import Options, grade_class
from autograder.grading.gradebook import Gradebook

PLAIN = """
# nbgrader's own defaults, as if this kit weren't there
del c.Autograde["pre_convert_hook"], c.Autograde["sanitize_preprocessors"], c.Autograde["autograde_preprocessors"]
del c.HTMLExporter["preprocessors"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignment", nargs="?")
    parser.add_argument("--students", type=int, default=None, help="only the first so many")
    options = parser.parse_args()
    course = find_course()
    name = options.assignment or course.assignments[0]
    folder = course.root / "build" / "against_nbgrader"
    ours, samples = compose(course, name, folder / "ours")
    theirs, _ = compose(course, name, folder / "nbgrader")
    with (theirs.root / "course_config.py").open("a") as config:
        config.write(PLAIN)
    theirs.state.mkdir(mode=0o700)
    (theirs.state / "seed").write_text(f"{ours.secret_seed}\n")
    samples = samples[: options.students]
    for made in (ours, theirs):
        keep_only(made, {sample.student for sample in samples})
    grade_class(ours, name, Options())
    compare(ours, theirs, name, samples, folder.parent / "against_nbgrader.json")


def compare(ours: Course, theirs: Course, name: str, samples: tuple[Sample, ...], figures: Path) -> None:
    """Print a line per submission, and write the figures."""
    command = [sys.executable, "-m", "nbgrader"]
    run([*command, "generate_assignment", name, "--force"], theirs)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("student", "what it is", "course", "nbgrader", "seconds", "why"):
        table.add_column(column, justify="right" if column in ("course", "nbgrader", "seconds") else "left")
    rows = []
    for sample in samples:
        began = time.perf_counter()
        said = run([*command, "autograde", name, "--student", sample.student, "--create"], theirs)
        seconds = time.perf_counter() - began
        mine, other = score(ours, name, sample.student), score(theirs, name, sample.student)
        why = "" if mine == other else reason(theirs, name, sample.student, said)
        rows.append({"student": sample.student, "story": sample.story, "course": mine, "nbgrader": other, "why": why,
                     "nbgrader_seconds": round(seconds, 1)})  # fmt: skip
        table.add_row(sample.student, sample.story, shown(mine), shown(other), f"{seconds:.0f}", why)
        Console().print(f"{sample.student}: course {shown(mine)}, nbgrader {shown(other)} {why}", markup=False)
    Console(width=160).print(table)
    figures.write_text(json.dumps(rows, indent=1) + "\n")


def score(course: Course, name: str, student: str) -> float | None:
    """What the gradebook holds; None where it has no submission."""
    with Gradebook(course) as gradebook:
        found = {score.student: score for score in gradebook.scores(name)}
    entry = found.get(student)
    return round(entry.auto, 3) if entry is not None and entry.submitted else None


def reason(course: Course, name: str, student: str, said: str) -> str:
    """Why nbgrader's score is another: check cells that wrote to stderr or failed, else its last error."""
    path = course.folder("autograded") / student / name / f"{name}.ipynb"
    if path.is_file():
        cells = [
            cell for cell in json.loads(path.read_text())["cells"] if cell["metadata"].get("nbgrader", {}).get("grade")
        ]
        loud = [grade_id(cell) for cell in cells if any(output.get("name") == "stderr" for output in outputs(cell))]
        failed = [grade_id(cell) for cell in cells if any(output["output_type"] == "error" for output in outputs(cell))]
        parts = [f"output on stderr counts as 0: {', '.join(loud)}"] if loud else []
        parts += [f"ended with an error: {', '.join(failed[:4])}" + (" …" if failed[4:] else "")] if failed else []
        if parts:
            return "; ".join(parts)
    lines = [line.split("]", 1)[-1].strip() for line in said.splitlines() if "ERROR" in line or "Exception" in line]
    return next((line for line in reversed(lines) if line and "traceback" not in line.lower()), "")[:160]


def grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"]["nbgrader"]["grade_id"])


def outputs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    return list(cell.get("outputs", []))


def keep_only(course: Course, students: set[str]) -> None:
    import shutil

    for path in course.folder("submitted").iterdir():
        if path.name not in students:
            shutil.rmtree(path)


def run(command: list[str], course: Course) -> str:
    """Run one of nbgrader's commands in the course's folder; what it said."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # nbgrader calls alembic
    done = subprocess.run(
        command, cwd=course.root, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    return done.stdout + done.stderr


def shown(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


if __name__ == "__main__":
    main()
