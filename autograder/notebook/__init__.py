"""Notebooks as plain data: read within bounds, the roles of cells, repair, write.

Nothing here needs nbformat: a notebook is the dict that its JSON holds, with every
multi-line text joined into one string.
"""

from autograder.notebook._cells import (
    FRAMEWORKS,
    Cell,
    Notebook,
    Role,
    cells,
    defines,
    framework,
    grade_id,
    imports,
    is_own,
    marks,
    role,
    with_ids,
)
from autograder.notebook._read import Unreadable, read
from autograder.notebook._release import release_text, released, solution_lines
from autograder.notebook._repair import repair
from autograder.notebook._write import dump

__all__ = [
    "FRAMEWORKS",
    "Cell",
    "Notebook",
    "Role",
    "Unreadable",
    "cells",
    "defines",
    "dump",
    "framework",
    "grade_id",
    "imports",
    "is_own",
    "marks",
    "read",
    "release_text",
    "released",
    "repair",
    "role",
    "solution_lines",
    "with_ids",
]
