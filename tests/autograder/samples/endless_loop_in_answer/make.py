"""An answer that never comes back, and ignores every signal it can."""

from small_edits import blank

LOOP = """
import signal

def double(x):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
"""


def make(notebook):
    return blank(notebook, "double", LOOP)
