"""Nothing at all."""


def make(notebook):
    return b""
