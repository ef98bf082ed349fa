"""Hands in for students whose ids are paths, markup, formulas, escapes and links to others: deserves 0.

Says: it is a link
"""

import json


def make(hand_in):
    submitted = hand_in.folder.parent.parent
    hand_in.folder.rmdir()
    hand_in.folder.parent.rmdir()
    for name in ("..x", "=1+1", "<img src=x onerror=wallattack()>", "\x1b[2J", "-rf", " ", "a b", "x\ny", "student-001\u200b",
                 "student‐001", "~root", "$HOME", "x" * 200):  # fmt: skip
        folder = submitted / name / "wall"
        folder.mkdir(parents=True)
        (folder / "wall.ipynb").write_text(json.dumps(hand_in.notebook))
    (submitted / hand_in.folder.parent.name).symlink_to(submitted / "student-001")
