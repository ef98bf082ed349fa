"""Brings twelve thousand empty cells; it isn't read, and deserves 0.

Says: cells, more than
"""


def make(hand_in):
    hand_in.notebook["cells"] += [{"cell_type": "raw", "metadata": {}, "source": ""}] * 12_000
    hand_in.save()
