"""The roles of cells, by nbgrader's metadata, and what code cells import."""

from __future__ import annotations

import ast
import hashlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Notebook = dict[str, Any]
Role = Literal["given", "blank", "check", "written", "demo", "free"]

DEMO_TAG = "demo"
OWN_TAG = "own"  # its twin in another framework has another text here
FRAMEWORKS = ("torch", "tensorflow")
MAX_POINTS = 1e9  # a forged count may be too large for a float
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Within a line, and possessive: what is white space to both sides of a match costs the square of its length.
_MAGIC = re.compile(r"^([ \t]*+)(?:[%!].*|\?.*|[\w.]++\?{1,2}[ \t]*)$", re.MULTILINE)
_ASSIGNED_MAGIC = re.compile(r"^([ \t]*+[\w, ]++=)[ \t]*[%!].*$", re.MULTILINE)
_PYTHON_CELL_MAGICS = ("time", "timeit", "capture", "prun", "python", "python3")


@dataclass(frozen=True)
class Cell:
    """One cell, as the rest of the kit sees it. `points` is 0 where none can be earned."""

    index: int
    role: Role
    grade_id: str | None
    cell_type: str
    source: str
    points: float


def marks(cell: Any) -> dict[str, Any]:
    """nbgrader's metadata of a cell; empty when it has none that can be used."""
    metadata = cell.get("metadata")
    found = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def grade_id(cell: Any) -> str | None:
    """The name that nbgrader knows the cell by."""
    name = marks(cell).get("grade_id")
    return name if isinstance(name, str) and name else None


def tags(cell: Any) -> list[str]:
    """The cell's tags, without repeats and without what is no tag."""
    metadata = cell.get("metadata")
    found = metadata.get("tags") if isinstance(metadata, dict) else None
    texts = [tag for tag in found if isinstance(tag, str)] if isinstance(found, list) else []
    return list(dict.fromkeys(texts))


def role(cell: Any) -> Role:
    """What a cell is for. The flags read alike in nbgrader's metadata schemas 1 to 3."""
    flags = marks(cell)
    if grade_id(cell) is None:
        return "free"
    if flags.get("solution") is True:
        return "written" if flags.get("grade") is True else "blank"
    if flags.get("grade") is True:
        return "check"
    if flags.get("locked") is True or flags.get("task") is True:
        return "demo" if DEMO_TAG in tags(cell) else "given"
    return "free"


def is_own(cell: Any) -> bool:
    """Whether a cell differs between twins. A check never does: its points are the question's."""
    return OWN_TAG in tags(cell) and role(cell) != "check"


def points(cell: Any) -> float:
    """What a check or a written answer is worth."""
    value = marks(cell).get("points")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0.0
    return float(value) if abs(value) < MAX_POINTS else 0.0


def cells(notebook: Notebook) -> tuple[Cell, ...]:
    """All cells with their roles, in the notebook's order."""
    found = []
    for index, cell in enumerate(notebook["cells"]):
        kind = role(cell)
        name = None if kind == "free" else grade_id(cell)
        worth = points(cell) if kind in ("check", "written") else 0.0
        found.append(Cell(index, kind, name, cell["cell_type"], cell["source"], worth))
    return tuple(found)


def defines(source: str, name: str) -> bool:
    """Whether a cell's text, which needn't parse, defines a function, a class or a variable of this name."""
    # Blanks, not \s: that goes over line ends, and takes hours for half a million empty lines.
    start = rf"^[ \t]*(?:def|class)[ \t]+{re.escape(name)}\b|^{re.escape(name)}[ \t]*="
    return re.search(start, source, re.MULTILINE) is not None


def imports(notebook: Notebook) -> frozenset[str]:
    """The top-level packages that the code cells import, but for demos, which grading doesn't run.

    Cells that don't parse are passed over.
    """
    found: set[str] = set()
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and role(cell) != "demo":
            found.update(_imported(cell["source"]))
    return frozenset(found)


def framework(notebook: Notebook) -> str | None:
    """'torch' or 'tensorflow', whichever the notebook imports; None where it imports neither or both."""
    used = imports(notebook).intersection(FRAMEWORKS)
    return next(iter(used)) if len(used) == 1 else None


def with_ids(notebook: Notebook) -> Notebook:
    """The notebook with a valid id on every cell, none twice.

    Ids that are sound stay. A missing one comes from the cell's grade_id or, without
    one, from its text: the same notebook gets the same ids.
    """
    taken: set[str] = set()
    attempts: dict[str, int] = {}  # made so far from each text, so that a thousand copies don't start over each
    named = []
    for cell in notebook["cells"]:
        name = cell.get("id")
        if not isinstance(name, str) or not _ID.fullmatch(name) or name in taken:
            name = next(name for name in _candidate_ids(cell, attempts) if name not in taken)
        taken.add(name)
        named.append({**cell, "id": name})
    minor = max(5, notebook.get("nbformat_minor", 5))
    return {**notebook, "cells": named, "nbformat_minor": minor}


def _candidate_ids(cell: Any, attempts: dict[str, int]) -> Iterator[str]:
    base = grade_id(cell) or f"{cell['cell_type']}\n{cell['source']}"
    while True:
        attempt = attempts.get(base, 0)
        attempts[base] = attempt + 1
        # A lone surrogate must not stop a student's notebook from being repaired.
        digest = hashlib.sha256(f"{attempt}:{base}".encode("utf-8", "replace"))
        yield digest.hexdigest()[:8]


def _imported(source: str) -> Iterator[str]:
    tree = parse(source)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def parse(source: str) -> ast.Module | None:
    """The cell's syntax tree, its magics left out; None when it has none."""
    if source.startswith("%%"):
        magic, _, source = source.partition("\n")
        if magic[2:].split(" ")[0].strip() not in _PYTHON_CELL_MAGICS:
            return None
    for text in (source, _ASSIGNED_MAGIC.sub(r"\1 None", _MAGIC.sub(r"\1pass", source))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "\d" in a student's string is not our concern
                return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):  # the parser's own bounds
            continue
    return None
