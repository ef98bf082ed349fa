"""Everything right."""


def make(notebook):
    return notebook
