"""What is easily put right in a source notebook: outputs, missing ids, cells that differ from its twin's."""

from __future__ import annotations

from autograder.building.twins import in_step
from autograder.course import Assignment
from autograder.notebook import Notebook, dump, with_ids


def untidy(notebook: Notebook) -> list[str]:
    """What `tidy` would put right: outputs, counts and missing cell ids."""
    found = []
    for number, cell in enumerate(notebook["cells"], 1):
        if cell.get("outputs") or cell.get("execution_count") is not None:
            found.append(f"cell {number} holds outputs")
        if "id" not in cell:
            found.append(f"cell {number} has no cell id")
    return found


def tidy(assignment: Assignment) -> list[str]:
    """Write the source notebook without outputs, with an id on every cell, in step with the one it is a twin of.

    Returns what was put right. Raises `CourseError` when a cell of the twin's own has no place.
    """
    notebook, differing = in_step(assignment)
    found = untidy(notebook) + differing
    bare = [
        {**cell, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else cell
        for cell in notebook["cells"]
    ]
    text = dump(with_ids({**notebook, "cells": bare}))
    if text != assignment.source.read_bytes():
        found = found or ["written as nbformat writes it"]
        assignment.source.write_bytes(text)
    return found
