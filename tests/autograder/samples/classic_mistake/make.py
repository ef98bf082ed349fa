"""A mistake that the course knows, written in the student's own way."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "center", "def center(a):\n    m = np.mean(a, axis=1)\n    return a - m[:, None]")
