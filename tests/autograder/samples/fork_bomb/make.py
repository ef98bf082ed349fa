"""An answer that forks without end."""

from small_edits import blank

UNSETTLED = True  # which of its processes speaks first is anybody's guess


def make(notebook):
    return blank(notebook, "double", "import os\n\ndef double(x):\n    while True:\n        os.fork()")
