"""Hands in a link to the course's own state, seed and results, in its folder's place, to have it copied; it deserves
0.

Says: is a link
"""


def make(hand_in):
    hand_in.folder.rmdir()
    hand_in.folder.symlink_to(f"{hand_in.facts['COURSE']}/.course")
