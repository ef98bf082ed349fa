"""A cell that never ends."""

from small_edits import free


def make(notebook):
    return free(notebook, "while True:\n    pass")
