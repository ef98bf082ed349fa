"""A blank left as it was released."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "center", "def center(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()")
