"""Is a source notebook one that a release can be made of?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from autograder.course import Assignment, CourseError
from autograder.notebook import Notebook, Unreadable, grade_id, marks, read, release_text, role

_GRADE_ID = re.compile(r"[A-Za-z0-9_-]+")
_SOLUTION = re.compile(r"(BEGIN|END) SOLUTION")
_HIDDEN = re.compile(r"(BEGIN|END) (HIDDEN TESTS|MARK SCHEME)")
_SCHEMA = 3


def read_source(assignment: Assignment) -> Notebook:
    """The source notebook. Raises `CourseError` when it can't be read."""
    try:
        return read(assignment.source, limit_mib=assignment.course.limits.notebook_mib)
    except Unreadable as error:
        raise CourseError(f"{_shown(assignment)}: {error}") from None


def checked_source(assignment: Assignment) -> Notebook:
    """The source notebook. Raises `CourseError` with every fault that keeps a release from being made."""
    others = sorted(path.name for path in assignment.source.parent.glob("*.ipynb") if path != assignment.source)
    if others:
        folder = _shown(assignment, assignment.source.parent)
        raise CourseError(f"{folder} holds a second notebook, {others[0]}: an assignment has one. Move it elsewhere.")
    notebook = read_source(assignment)
    found = faults(notebook)
    if found:
        listed = "\n  ".join(found)
        raise CourseError(f"{_shown(assignment)} can't be released:\n  {listed}")
    return notebook


def faults(notebook: Notebook) -> list[str]:
    """What keeps a release from being made of the notebook: one line each, with the cell and the next step."""
    found: list[str] = []
    first: dict[str, int] = {}
    for number, cell in enumerate(notebook["cells"], 1):
        name = grade_id(cell)
        where = f"cell {number} ({name})" if name else f"cell {number}"
        found += [f"{where}: {fault}" for fault in _cell_faults(cell, name)]
        if name and role(cell) != "free":
            if name in first:
                found.append(f"{where}: cell {first[name]} has the same id {name!r}. Give one of them another.")
            first.setdefault(name, number)
    return found


def _cell_faults(cell: Any, name: str | None) -> list[str]:
    found = []
    flags, kind, text = marks(cell), role(cell), str(cell["source"])
    if "id" not in cell:
        found.append("has no cell id, so every build would differ. `course build --fix` gives it one.")
    if any(flags.get(flag) for flag in ("grade", "solution", "locked", "task")):
        if name is None or not _GRADE_ID.fullmatch(name):
            found.append(f"its nbgrader id is {name!r}. Name it with letters, digits, '-' and '_'.")
        if flags.get("schema_version") != _SCHEMA:
            found.append(f"its nbgrader marks are of schema {flags.get('schema_version')}. Run `nbgrader update .`.")
    if kind in ("check", "written") and not isinstance(flags.get("points"), (int, float)):
        found.append("has no points. Give it some in nbgrader's Create Assignment panel.")
    if kind == "written" and cell["cell_type"] != "markdown":
        found.append("is graded by hand but isn't markdown. Make it markdown, or a blank with a check behind it.")
    if kind == "blank" and cell["cell_type"] != "code":
        found.append("is a blank but no code cell. Make it code, or a written answer with points.")
    if kind == "check" and cell["cell_type"] != "code":
        found.append("is a check but no code cell. Make it code.")
    if kind == "blank" and not _SOLUTION.search(text):
        found.append("is a blank without ### BEGIN SOLUTION and ### END SOLUTION. Put them around the solution.")
    elif kind in ("blank", "written"):
        try:
            release_text(cell)
        except ValueError as error:
            found.append(f"{error}. Pair ### BEGIN SOLUTION with ### END SOLUTION.")
    elif _SOLUTION.search(text):
        found.append("holds a solution but is no blank. Mark it as a solution (autograded answer).")
    if _HIDDEN.search(text):
        found.append("holds a region that nbgrader hides. Put hidden checks in tests/, marked @hidden.")
    return found


def _shown(assignment: Assignment, path: Path | None = None) -> str:
    return (path or assignment.source).relative_to(assignment.course.root).as_posix()
