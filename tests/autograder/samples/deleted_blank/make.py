"""A blank that was deleted."""


def make(notebook):
    cells = notebook["cells"]
    notebook["cells"] = [c for c in cells if c["metadata"].get("nbgrader", {}).get("grade_id") != "blank-double"]
    return notebook
