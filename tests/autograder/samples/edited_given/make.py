"""A given cell that was edited to break what follows."""


def make(notebook):
    cell = next(cell for cell in notebook["cells"] if cell["id"] == "given-imports")
    cell["source"] = "np = None"
    return notebook
