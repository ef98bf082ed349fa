"""Puts a file where the assignment has a folder and folders where it has files, beside a right notebook: deserves 8."""


def make(hand_in):
    hand_in.save()
    hand_in.save("not a folder", "data")
    hand_in.save("not a file", "plain.txt/inside.txt")
    hand_in.save("no reference", "wall.py")
