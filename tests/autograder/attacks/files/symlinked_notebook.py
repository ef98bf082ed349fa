"""Hands in a link to the reference's source in the notebook's place; nothing is graded, so it deserves 0.

Says: is no ordinary file
"""


def make(hand_in):
    (hand_in.folder / "wall.ipynb").symlink_to(f"{hand_in.facts['COURSE']}/source/wall/wall.ipynb")
