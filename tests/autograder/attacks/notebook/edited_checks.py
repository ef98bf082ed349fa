"""Edits checks and given cells to pass, to leave and to patch what comes after them; the rest deserves 6.

Says: had been edited
"""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    hand_in.cell("double")["source"] = "assert True\nprint('PASSED')"
    hand_in.cell("center")["source"] = "import os\nos._exit(0)"
    hand_in.cell("given-imports")["source"] = "import numpy as np, torch\ncheck = lambda *a: print('PASSED')"
    hand_in.save()
