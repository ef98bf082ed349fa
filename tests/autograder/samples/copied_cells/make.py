"""A blank and a check that were copied; the copy of the blank is still empty."""

import copy


def make(notebook):
    cells = notebook["cells"]
    at = next(i for i, cell in enumerate(cells) if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double")
    empty = copy.deepcopy(cells[at - 1])
    empty["id"], empty["source"] = "copy-1", "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    check = copy.deepcopy(cells[at])
    check["id"] = "copy-2"
    cells[at + 1 : at + 1] = [empty, check]
    return notebook
