"""A cell that leaves, before anything else was defined."""

from small_edits import free


def make(notebook):
    return free(notebook, "import os\nos._exit(0)")
