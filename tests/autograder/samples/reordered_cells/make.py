"""All cells in reverse."""


def make(notebook):
    notebook["cells"].reverse()
    return notebook
