"""solutions/<a>.py: the notebook with its solutions as text that can be imported."""

from __future__ import annotations

from typing import Any

from autograder.course import Assignment
from autograder.notebook import Notebook, role

_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


def solution_text(assignment: Assignment, source: Notebook) -> str:
    """The notebook in py:percent, check and demo cells commented out: importing it only defines."""
    import jupytext
    import nbformat

    # Without "-all", jupytext writes a header that names its own version.
    filters = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "-all"}
    plain = {
        **source,
        "cells": [_plain(cell) for cell in source["cells"]],
        "metadata": {"jupytext": filters, **_kernel(source)},
    }
    text = str(jupytext.writes(nbformat.from_dict(plain), fmt="py:percent"))
    where = assignment.source.relative_to(assignment.course.root).as_posix()
    return f"# built from {where} by `course build`; edit there\n\n{text.strip()}\n"


def _plain(cell: Any) -> dict[str, Any]:
    text = str(cell["source"])
    if cell["cell_type"] == "code" and role(cell) in ("check", "demo"):
        text = "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
    elif role(cell) in ("blank", "written"):
        text = "\n".join(line for line in text.split("\n") if not line.strip().startswith(_MARKERS))
    bare = {key: value for key, value in cell.items() if key not in ("outputs", "execution_count", "attachments")}
    made = {**bare, "source": text, "metadata": {}}
    return {**made, "outputs": [], "execution_count": None} if cell["cell_type"] == "code" else made


def _kernel(source: Notebook) -> dict[str, Any]:
    return {key: source["metadata"][key] for key in ("kernelspec", "language_info") if key in source["metadata"]}
