"""Looks for checks, reference, other submissions, gradebook, seed and .git; the right answers deserve 8.

Says: nothing to read
"""

# %% before
import os

found = []
for place in (
    "@HOUSE@/.git",
    "@HOUSE@/tests",
    "@HOUSE@/source",
    "@HOUSE@/autograder/grading",
    "tests",
    "source",
    "solutions",
    "submitted",
    ".course/seed",
    "gradebook.db",
    "release",
    "",
):
    path = os.path.join("@COURSE@", place)
    for parent, _, names in os.walk(path):
        for name in names:
            try:
                found.append(open(os.path.join(parent, name), errors="replace").read())
            except OSError:
                pass
    if os.path.isfile(path):
        found.append(open(path, errors="replace").read())
print("\n".join(found) or "nothing to read")
