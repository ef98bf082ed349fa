"""Gives cells ids and grade ids of markup, paths, lists and each other's; the right answers deserve 8."""


def make(hand_in):
    hand_in.cell("demo-plot")["id"] = "../../../x"
    own = hand_in.own("1")
    own["id"] = "blank-double"
    for number, name in enumerate(
        ["<script>wallattack()</script>", "../../x", "\x1b[2J", "=1+1", "x" * 10_000, ["a"], {}]
    ):
        cell = hand_in.own(f"'own cell {number}'")
        cell["metadata"]["nbgrader"] = {"grade_id": name, "grade": True, "solution": False, "locked": True, "points": 9}
    hand_in.save()
