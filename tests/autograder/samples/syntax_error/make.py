"""A syntax error in one cell: the other question is graded."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "def double(x:\n    return x + x")
