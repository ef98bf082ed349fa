"""An answer that leaves."""

from small_edits import blank


def make(notebook):
    return blank(notebook, "double", "import os\n\ndef double(x):\n    os._exit(0)")
