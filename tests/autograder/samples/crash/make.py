"""An answer that crashes the interpreter."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "import ctypes\n\ndef double(x):\n    return ctypes.string_at(0)")
