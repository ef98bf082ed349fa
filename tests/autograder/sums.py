"""A tiny course of three questions with its checks, mistakes and alternatives, for the tests of checking and lint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .small import HOUSE, free, marked, notebook

SOFTMAX = '''\
def softmax(x):
    """Softmax over the last axis."""
    ### BEGIN SOLUTION
    shifted = x - x.max(axis=-1, keepdims=True)
    powers = np.exp(shifted)
    return powers / powers.sum(axis=-1, keepdims=True)
    ### END SOLUTION'''

RUNNING = '''\
class Running:
    """The mean of what was added."""

    def __init__(self):
        ### BEGIN SOLUTION
        self.total, self.count = 0.0, 0
        ### END SOLUTION

    def add(self, x):
        ### BEGIN SOLUTION
        self.total = self.total + x
        self.count += 1
        return self.total / self.count
        ### END SOLUTION'''

TAGS = '''\
def tags(words):
    """Each word's first letter, in capitals."""
    ### BEGIN SOLUTION
    return [word[:1].upper() for word in words]
    ### END SOLUTION'''

CHECKS = '''\
"""What softmax, Running and tags must do."""

import numpy as np
import pytest

from autograder import agree, hidden, question


@question("softmax")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows(student, reference, data, dtype):
    """rows of any length"""
    x = data.normal(data.size(2, 4), data.size(3, 6), dtype=dtype)
    agree(student.softmax(x), reference.softmax(x))


@hidden
@question("softmax", weight=2)
def test_large(student, reference, data):
    """logits near 7351"""
    x = data.normal(3, 4) + 7351
    agree(student.softmax(x), reference.softmax(x))


@question("running")
def test_mean(student, reference, data):
    """the mean of five arrays"""
    mine, theirs = student.Running(), reference.Running()
    for _ in range(5):
        x = data.normal(3)
        agree(mine.add(x), theirs.add(x))


@question("tags")
def test_tags(student, reference, data):
    """capitals, and an empty word"""
    words = [data.choice(["tensor", "graph", "node"]) for _ in range(4)] + [""]
    agree(student.tags(words), reference.tags(words))
'''

MISTAKES = """\
import numpy as np

from autograder import edited, mistake

edited(
    "softmax", "over every axis", old="powers.sum(axis=-1, keepdims=True)", new="powers.sum()",
    hint="This is what you get when all numbers share one sum. Each row has its own.",
)
edited(
    "softmax", "no shift", old="shifted = x - x.max(axis=-1, keepdims=True)", new="shifted = x",
    hint="exp overflows: subtract each row's maximum first.",
)


@mistake("running", hint="This is the sum; the mean divides it by how many there were.")
def sum_instead():
    class Running:
        def __init__(self):
            self.total = 0.0

        def add(self, x):
            self.total = self.total + x
            return self.total


@mistake("tags", hint="Capitals are asked for.")
def small_letters():
    def tags(words):
        return [word[:1] for word in words]


@mistake("tags", hint="An empty word has no first letter: word[:1] is empty, word[0] raises.")
def first_letter_by_index():
    def tags(words):
        return [word[0].upper() for word in words]
"""

ALTERNATIVES = """\
from autograder import alternative


@alternative("softmax")
def through_logarithms():
    def softmax(x):
        shifted = x - x.max(axis=-1, keepdims=True)
        return np.exp(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


@alternative("running")
def by_steps():
    class Running:
        def __init__(self):
            self.mean, self.count = 0.0, 0

        def add(self, x):
            self.count += 1
            self.mean = self.mean + (x - self.mean) / self.count
            return self.mean


@alternative("tags")
def by_capitals():
    def tags(words):
        return [word.upper()[:1] for word in words]
"""

POINTS = {"softmax": 4.0, "running": 1.5, "tags": 1.0}


def source_notebook() -> Any:
    """As the instructor wrote it."""
    return notebook(
        marked("text-title", "text", "# Sums"),
        marked("given-imports", "given", "import numpy as np\n\nfrom autograder import check"),
        *(
            cell
            for name, text in (("softmax", SOFTMAX), ("running", RUNNING), ("tags", TAGS))
            for cell in (
                marked(f"blank-{name}", "blank", text),
                marked(name, "check", f'check("{name}")', points=POINTS[name]),
            )
        ),
    )


def write_course(root: Path, *, config: str = "") -> Path:
    """The course under `root`, not built; returns the root."""
    from autograder.notebook import dump

    (root / "source" / "sums").mkdir(parents=True)
    (root / "tests" / "sums").mkdir(parents=True)
    for name in ("course_config.py", "nbgrader_config.py"):
        (root / name).write_text((HOUSE / name).read_text())
    with (root / "course_config.py").open("a") as file:
        file.write(f"\nc.CourseSettings.assignments = []\n{config}")
    (root / "source" / "sums" / "sums.ipynb").write_bytes(dump(source_notebook()))
    (root / ".course").mkdir()
    (root / ".course" / "seed").write_text("4711\n")  # the secret one, so that every run of the tests draws the same
    for name, text in (("test_sums", CHECKS), ("mistakes", MISTAKES), ("alternatives", ALTERNATIVES)):
        (root / "tests" / "sums" / f"{name}.py").write_text(text)
    return root


def answered(*more: str, **changes: str) -> Any:
    """The notebook as a student hands it in: right, but for the blanks named in `changes`, with cells of their own."""
    made = source_notebook()
    for cell in made["cells"]:
        name = cell["id"].removeprefix("blank-")
        if cell["id"].startswith("blank-") and name in changes:
            cell["source"] = changes[name]
        elif cell["id"].startswith("blank-"):
            cell["source"] = "\n".join(line for line in cell["source"].splitlines() if "###" not in line)
    made["cells"] += [free(text, cell_id=f"own-{at}") for at, text in enumerate(more)]
    return made
