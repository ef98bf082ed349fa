"""JSON, but no notebook."""


def make(notebook):
    return b'{"name": "package", "version": "1.0.0"}'
