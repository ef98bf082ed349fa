"""Prints all that one cell may in each of four hundred cells, so that the result grows without bound; it deserves 8.

Says: All outputs together were more than 1 MiB
"""


def make(hand_in):
    for _ in range(400):
        hand_in.own("print('\\U0001f600' * 100_000)")
    hand_in.save()
