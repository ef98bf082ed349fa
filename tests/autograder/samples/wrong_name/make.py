"""One notebook, under another name."""

NAME = "tiny (final).ipynb"


def make(notebook):
    return notebook
