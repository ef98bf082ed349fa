"""Adds raw cells that say they are HTML, which nbconvert shows as they are, and markdown of its own; it deserves 8."""


def make(hand_in):
    for name in ("text/html", "text/markdown", "text/latex"):
        cell = hand_in.own("<script>wallattack()</script><img src=x onerror=wallattack()>", cell_type="raw")
        cell["metadata"] = {"raw_mimetype": name, "format": name, "tags": ["<script>wallattack()</script>"]}
    hand_in.own("<script>wallattack()</script> [x](javascript:wallattack())", cell_type="markdown")
    locked = hand_in.own("<script>wallattack()</script>", cell_type="markdown")
    locked["metadata"]["nbgrader"] = {"grade_id": "mine", "locked": True, "grade": False, "solution": False}
    hand_in.save()
