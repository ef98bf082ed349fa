"""Hands in a folder named as the notebook, with files in it; nothing is graded, so it deserves 0.

Says: is no ordinary file
"""


def make(hand_in):
    hand_in.save("x", "wall.ipynb/notes.txt")
    hand_in.save("x", "wall.ipynb/deeper/notes.txt")
