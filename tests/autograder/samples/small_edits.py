"""Edits that several samples share."""

from __future__ import annotations

from typing import Any


def blank(notebook: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    """The notebook with another answer in the blank of `name`."""
    next(cell for cell in notebook["cells"] if cell["id"] == f"blank-{name}")["source"] = source
    return notebook


def free(notebook: dict[str, Any], source: str) -> dict[str, Any]:
    """The notebook with a cell of the student's own behind the imports."""
    at = next(i for i, cell in enumerate(notebook["cells"]) if cell["id"] == "given-imports")
    cell = {"cell_type": "code", "id": "own", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    notebook["cells"].insert(at + 1, cell)
    return notebook
