"""An answer that takes all memory it can get."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "def double(x):\n    return np.ones((50, 1 << 27)).sum() + x + x")
