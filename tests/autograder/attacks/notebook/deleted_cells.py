"""Deletes the checks of what it got wrong, as nothing would then be failed; the rest deserves 6.

Says: was missing
"""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    gone = ("double", "given-imports", "text-title")
    hand_in.notebook["cells"] = [c for c in hand_in.notebook["cells"] if c["id"] not in gone]
    hand_in.save()
