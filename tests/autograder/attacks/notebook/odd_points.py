"""Forges points and flags of every odd kind: infinite, negative, text, lists, a schema to come; the rest deserves 6."""


def make(hand_in):
    hand_in.cell("blank-double")["source"] = "def double(x):\n    return x"
    odd = [1e308, -1e9, "100", [100], None, True, {"points": 1}]
    marked = [c for c in hand_in.notebook["cells"] if "nbgrader" in c["metadata"]]
    for number, cell in enumerate(marked):
        cell["metadata"]["nbgrader"] |= {
            "points": odd[number % len(odd)], "schema_version": 99, "cell_type": 7, "checksum": [1], "grade": "yes",
            "autograded_score": 100, "locked": None,
        }  # fmt: skip
    hand_in.save()
