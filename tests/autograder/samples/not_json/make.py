"""A file that is no JSON."""


def make(notebook):
    return b"{'cells': [}"
