"""Hands in a link to a neighbour's folder to be graded for that answer; it deserves 0.

Says: is a link
"""


def make(hand_in):
    hand_in.folder.rmdir()
    hand_in.folder.symlink_to(f"{hand_in.facts['COURSE']}/submitted/student-001/wall")
