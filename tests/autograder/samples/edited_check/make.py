"""A check cell that was edited to always succeed, and to be worth more."""


def make(notebook):
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "double":
            cell["source"] = "100"
            cell["metadata"]["nbgrader"]["points"] = 100
        if cell["id"] == "blank-double":
            cell["source"] = "def double(x):\n    return x"
    return notebook
