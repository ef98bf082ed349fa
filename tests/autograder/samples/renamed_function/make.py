"""A function under another name."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "def twice(x):\n    return x + x")
