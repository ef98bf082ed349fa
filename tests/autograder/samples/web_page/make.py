"""A sign-in page, saved under the notebook's name."""


def make(notebook):
    return b"<!DOCTYPE html><html><body>Sign in to continue</body></html>"
