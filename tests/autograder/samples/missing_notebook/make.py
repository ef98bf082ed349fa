"""A folder with everything but a notebook."""

FILES = {"notes.txt": b"I'll hand it in tomorrow."}


def make(notebook):
    return None
