"""Fills a failing cell with half a million empty lines, for whoever looks in it for a name; the rest deserves 6.

Says: its cell failed with ZeroDivisionError
"""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "\n" * 400_000 + "1 / 0\ndef double(x):\n    return x + x"
    hand_in.save()
