"""Points and checksums of the check cells forged to 100 around a wrong `double`; the rest deserves 6.

Says: had been changed to 100
"""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    for cell in hand_in.notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade"):
            marks |= {"points": 100, "checksum": "0" * 32, "locked": False}
            cell["source"] = "100"
    hand_in.save()
