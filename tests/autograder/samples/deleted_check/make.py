"""A check cell that was deleted: its question is graded all the same."""


def make(notebook):
    notebook["cells"] = [c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") != "double"]
    return notebook
