"""Hands in its one notebook under a name of escapes and markup; it is graded under its right name and deserves 8.

Says: it was graded as wall.ipynb
"""


def make(hand_in):
    hand_in.save(name="\x1b[31mwall\x1b]0;owned\x07 <img src=x onerror=wallattack()>\u202e.ipynb")
