"""Hands in a named pipe as the notebook, so that whoever reads it waits for ever; it deserves 0.

Says: is no ordinary file
"""

import os


def make(hand_in):
    os.mkfifo(hand_in.folder / "wall.ipynb")
