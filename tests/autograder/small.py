"""A small assignment, for the tests: one of each kind of cell, as an instructor writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HOUSE = Path(__file__).parents[2]

SCALE = '''\
def scale(x, factor):
    """x times factor, elementwise."""
    ### BEGIN SOLUTION
    product_of_both = x * factor
    return product_of_both
    ### END SOLUTION'''

SHIFT = '''\
def shift(x, by):
    """x plus by."""
    ### BEGIN SOLUTION
    moved_along_by = x + by
    return moved_along_by
    ### END SOLUTION'''

TESTS = '''\
"""What `scale` and `shift` must do."""

import numpy as np
import pytest

from autograder import agree, hidden, question


@question("scale")
@pytest.mark.parametrize("shape", [(3,), (2, 4)])
def test_scales(student, reference, data, shape):
    """any shape"""
    x = data.normal(*shape)
    agree(student.scale(x, 3.0), reference.scale(x, 3.0))


# A secret of the instructor's: negative factors are where people slip.
@hidden
@question("scale")
def test_negative_factor(student, reference, data):
    """hidden from students"""
    x = data.normal(3)
    agree(student.scale(x, -1.0), reference.scale(x, -1.0))


@question("shift")
def test_shifts(student, reference, data):
    """one number"""
    agree(student.shift(np.ones(3), 2.0), reference.shift(np.ones(3), 2.0))
'''


def marked(cell_id: str, kind: str, source: str, *, points: float | None = None, tags: list[str] | None = None) -> Any:
    """A cell with nbgrader's marks; `kind` is a role, or 'text' for locked markdown."""
    markdown = kind in ("text", "written")
    flags: dict[str, Any] = {
        "grade": kind in ("check", "written"),
        "grade_id": cell_id,
        "locked": kind in ("given", "check", "demo", "text"),
        "schema_version": 3,
        "solution": kind in ("blank", "written"),
        "task": False,
    }
    if points is not None:
        flags["points"] = points
    metadata: dict[str, Any] = {"nbgrader": flags}
    if kind == "demo" or tags:
        metadata["tags"] = tags or ["demo"]
    cell: dict[str, Any] = {"cell_type": "markdown" if markdown else "code", "id": cell_id.replace("_", "-")}
    cell |= {"metadata": metadata, "source": source}
    return cell if markdown else {**cell, "outputs": [], "execution_count": None}


def free(source: str, *, cell_type: str = "code", cell_id: str | None = None) -> Any:
    cell: dict[str, Any] = {"cell_type": cell_type, "metadata": {}, "source": source}
    if cell_type == "code":
        cell |= {"outputs": [], "execution_count": None}
    return cell if cell_id is None else {**cell, "id": cell_id}


def notebook(*cells: Any) -> Any:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": list(cells), "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def source_notebook() -> Any:
    return notebook(
        marked("text-title", "text", "# Scaling\n\nMultiply, then add."),
        marked("given-imports", "given", "import numpy as np\n\nfrom autograder import check"),
        marked("blank-scale", "blank", SCALE),
        marked("scale", "check", 'check("scale")', points=2),
        marked("blank-shift", "blank", SHIFT),
        marked("shift", "check", 'check("shift")', points=1.5),
        marked("demo-plot", "demo", "import matplotlib.pyplot as plt\n\nplt.plot(scale(np.arange(3), 2))"),
        marked("written-why", "written", "Because multiplication commutes.", points=3),
    )


def write_course(root: Path, name: str = "small", *, config: str = "") -> Path:
    """A course with one assignment under `root`; returns the root."""
    from autograder.notebook import dump

    (root / "source" / name).mkdir(parents=True)
    (root / "tests" / name).mkdir(parents=True)
    for name_of in ("course_config.py", "nbgrader_config.py"):  # the real ones: what they say is part of the house
        (root / name_of).write_text((HOUSE / name_of).read_text())
    with (root / "course_config.py").open("a") as file:
        file.write(f"\nc.CourseSettings.assignments = []\n{config}")
    (root / "source" / name / f"{name}.ipynb").write_bytes(dump(source_notebook()))
    (root / "tests" / name / f"test_{name}.py").write_text(TESTS)
    (root / "tests" / name / "mistakes.py").write_text("SECRET_MISTAKE = 1\n")
    (root / "tests" / name / "alternatives.py").write_text("SECRET_ALTERNATIVE = 1\n")
    return root
