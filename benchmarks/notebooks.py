"""How long the reference of each notebook runs, in a real Jupyter kernel: all of it, and what grading runs of it.

    python benchmarks/notebooks.py [ASSIGNMENT …] [--figures DIR]

Prints a table and writes build/notebooks.json. `--figures` keeps the demos' pictures, to be looked at.
Imports are timed by themselves: grading pays for them once, not for each submission.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from rich.console import Console
from rich.table import Table

from autograder.course import Assignment, find_course
from autograder.notebook import imports, read, role

GRADED = ("given", "blank")


def run(assignment: Assignment, figures: Path | None) -> dict[str, Any]:
    """Seconds by what the cells are for, of the source notebook from top to bottom."""
    source = read(assignment.source, limit_mib=20)
    notebook = nbformat.from_dict(source)
    frameworks = sorted(imports(source) & {"torch", "tensorflow"})
    first = nbformat.v4.new_code_cell(
        "\n".join(f"import {name}" for name in ("numpy", "matplotlib.pyplot", *frameworks))
    )
    notebook.cells.insert(0, first)
    folder = {"metadata": {"path": str(assignment.source.parent)}}
    client = NotebookClient(notebook, timeout=600, resources=folder)
    seconds: defaultdict[str, float] = defaultdict(float)
    slowest = ("", 0.0)
    with client.setup_kernel(stderr=subprocess.DEVNULL):  # what TensorFlow's C++ says while it is imported
        for at, cell in enumerate(notebook.cells):
            if cell.cell_type != "code":
                continue
            kind = "import" if at == 0 else role(cell)
            began = time.perf_counter()
            try:
                client.execute_cell(cell, at)
            except CellExecutionError as error:
                raise SystemExit(f"{assignment.name}, cell {cell.get('id')}: {error}") from None
            took = time.perf_counter() - began
            seconds[kind] += took
            if kind == "given" and took > slowest[1]:
                slowest = (cell["id"], took)
            if figures is not None:
                keep(figures, assignment.name, cell)
    return {
        "imports": round(seconds["import"], 2),
        "graded": round(sum(seconds[kind] for kind in GRADED), 2),
        "checks": round(seconds["check"], 1),
        "demos": round(seconds["demo"], 1),
        "all": round(sum(seconds.values()), 1),
        "slowest_given": {"cell": slowest[0], "seconds": round(slowest[1], 2)},
    }


def keep(figures: Path, name: str, cell: Any) -> None:
    """The pictures that a cell drew, as PNG."""
    pictures = [output["data"]["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    for number, picture in enumerate(pictures):
        path = figures / f"{name}-{cell.get('id')}-{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(picture))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("assignments", nargs="*")
    parser.add_argument("--figures", type=Path, help="keep the demos' pictures in this folder")
    chosen = parser.parse_args()
    course = find_course()
    found = {}
    for name in chosen.assignments or course.assignments:
        found[name] = run(course.assignment(name), chosen.figures)
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("seconds")
    columns = {
        "imports": "imports",
        "graded": "as graded",
        "checks": "checks",
        "demos": "demos",
        "all": "top to bottom",
    }
    for title in (*columns.values(), "slowest given cell"):
        table.add_column(title, justify="right")
    for name, row in found.items():
        slowest = row["slowest_given"]
        table.add_row(name, *(f"{row[key]:.1f}" for key in columns), f"{slowest['seconds']:.1f} ({slowest['cell']})")
    Console().print(table)
    target = course.root / "build" / "notebooks.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
