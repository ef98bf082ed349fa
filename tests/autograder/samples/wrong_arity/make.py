"""A function that takes more than it is given."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "def double(x, y):\n    return x + y")
