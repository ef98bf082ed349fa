"""Copies checks and blanks, some wrong and some emptied, so that one of them might pass; the rest deserves at most 6.

Says: copies of
"""

import copy


def make(hand_in):
    cells = hand_in.notebook["cells"]
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    for name in ("blank-double", "double", "center", "given-imports"):
        for number in range(3):
            twin = copy.deepcopy(hand_in.cell(name))
            twin["id"] = f"{name}-{number}"
            if name == "blank-double":
                twin["source"] = f"def double(x):\n    return x * {number}"
            cells.insert(cells.index(hand_in.cell(name)) + 1, twin)
    hand_in.save()
