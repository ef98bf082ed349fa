"""Brings outputs of 200 MB; a file that large isn't read at all, and it deserves 0.

Says: more than the 1 MiB that are read
"""


def make(hand_in):
    hand_in.cell("demo-plot")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (200 << 20)}]
    hand_in.save()
