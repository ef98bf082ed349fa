"""What becomes of a source cell in the release, exactly as nbgrader's generate_assignment makes it.

Repair needs it where nbgrader isn't installed; the tests hold it against nbgrader's own.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from autograder.notebook._cells import marks, points, role

CODE_STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
TEXT_STUB = "YOUR ANSWER HERE"
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"


def release_text(cell: Any) -> str:
    """The text that students get: the solution cut out of a blank or a written answer.

    Raises ValueError when a solution's BEGIN and END don't pair up.
    """
    source = str(cell["source"])
    stub = CODE_STUB if cell["cell_type"] == "code" else TEXT_STUB
    if role(cell) not in ("blank", "written"):
        return source
    lines: list[str] = []
    inside = found = False
    for line in source.split("\n"):
        if BEGIN in line:
            if inside:
                raise ValueError("a solution begins inside another")
            inside = found = True
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part for part in stub.split("\n")]
        elif END in line:
            inside = False
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError("a solution has no END SOLUTION")
    return "\n".join(lines) if found else stub


def solution_lines(cell: Any) -> tuple[str, ...]:
    """The lines of a source cell that students don't get, stripped."""
    if role(cell) not in ("blank", "written"):
        return ()
    source = str(cell["source"])
    regions = re.findall(rf"{BEGIN}[^\n]*\n(.*?)^[^\n]*{END}", source, re.DOTALL | re.MULTILINE)
    text = "\n".join(regions) if BEGIN in source else source
    return tuple(line.strip() for line in text.split("\n") if line.strip())


def released(cell: Any) -> dict[str, Any]:
    """The source cell as students get it: text, locks, checksum; no outputs."""
    made = {**cell, "source": release_text(cell)}
    dropped = ("collapsed", "scrolled") if cell["cell_type"] == "code" else ()
    made["metadata"] = metadata = {key: value for key, value in cell["metadata"].items() if key not in dropped}
    if cell["cell_type"] == "code":
        made |= {"outputs": [], "execution_count": None}
    kind = role(cell)
    if kind == "free":
        return made
    metadata["deletable"] = False
    if kind in ("given", "check", "demo"):
        metadata["editable"] = False
    metadata["nbgrader"] = {**marks(cell), "cell_type": cell["cell_type"], "checksum": _checksum(made)}
    return made


def _checksum(cell: Any) -> str:
    """nbgrader's checksum of a cell; it tells by it whether an answer was given."""
    flags = marks(cell)
    grade, solution = flags.get("grade") is True, flags.get("solution") is True
    locked = not solution and (grade or flags.get("locked") is True)
    parts = [cell["source"], cell["cell_type"], str(grade), str(solution), str(locked), flags["grade_id"]]
    if grade:
        parts.append(str(points(cell)))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
