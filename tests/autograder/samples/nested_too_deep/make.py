"""JSON nested a hundred thousand levels deep."""


def make(notebook):
    return b"[" * 100_000 + b"]" * 100_000
