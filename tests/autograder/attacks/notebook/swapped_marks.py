"""Swaps the names of questions, so that an easy answer counts for the hard one, and adds a check of its own: deserves
2."""


def make(hand_in):
    double, center = hand_in.cell("double"), hand_in.cell("center")
    for cell, name in ((double, "center"), (center, "double")):
        cell["metadata"]["nbgrader"]["grade_id"] = name
        cell["source"] = f'check("{name}")'
    hand_in.cell("blank-center")["source"] = "def center(x):\n    return x"
    hand_in.cell("blank-running")["source"] = "class Running:\n    pass"
    own = hand_in.own("1 + 1")
    own["metadata"]["nbgrader"] = {
        "grade": True, "grade_id": "bonus", "locked": True, "points": 1000, "schema_version": 3, "solution": False,
        "task": False,
    }  # fmt: skip
    hand_in.save()
