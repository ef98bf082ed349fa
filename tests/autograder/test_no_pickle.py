"""Nothing on the road from a submission to a score unpickles: what a stranger sent would run as code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import autograder
from autograder import notebook as notebooks
from autograder.course import Course
from autograder.grading.batch import results_of

from . import sums

PACKAGE = Path(autograder.__file__).parent
FORBIDDEN = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "multiprocessing"}
# Calls that unpickle under another name, unless told not to.
READERS = {"np.load", "numpy.load", "torch.load", "pd.read_pickle", "pandas.read_pickle", "joblib.load"}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (str(part.value) for part in node.args if isinstance(part, ast.Constant))


def called(tree: ast.Module) -> Iterator[str]:
    yield from (ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call))


# The lint hands parts of its work on the course's own checks to processes of its own; no submission is near.
OFF_THE_ROAD = {"lint/measure.py": {"multiprocessing"}}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_of_the_kit_imports_or_calls_what_unpickles(path: Path) -> None:
    tree = ast.parse(path.read_text())
    allowed = OFF_THE_ROAD.get(path.relative_to(PACKAGE).as_posix(), set())
    assert FORBIDDEN & set(imported(tree)) <= allowed
    assert not READERS & set(called(tree))


# Put in front of the checks, which are collected in the grading worker: the process that reads a student's frames.
# The process that writes the gradebook begins with it as well.
TRAP = """\
import pickle

class Refused:
    def __init__(self, *arguments, **options):
        raise AssertionError("something on the road to a score is unpickled")

pickle.load = pickle.loads = pickle.Unpickler = pickle._load = pickle._loads = pickle._Unpickler = Refused
"""


def test_a_submission_is_graded_by_processes_that_cannot_unpickle(tmp_path: Path) -> None:
    from autograder.build import build

    root = sums.write_course(tmp_path / "course")
    checks = root / "tests" / "sums" / "test_sums.py"
    checks.write_text(checks.read_text().replace("import numpy as np\n", TRAP + "\nimport numpy as np\n", 1))
    course = Course(root)
    build(course, ("sums",))
    path = course.folder("submitted") / "student-01" / "sums" / "sums.ipynb"
    path.parent.mkdir(parents=True)
    path.write_bytes(notebooks.dump(sums.answered(tags="def tags(words):\n    return [w[:1] for w in words]")))
    grade = f"{TRAP}\nimport sys\nfrom autograder.cli import main\nsys.argv = ['course', 'grade', 'sums']\nmain()\n"
    done = subprocess.run([sys.executable, "-c", grade], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [(result.state, result.score) for result in results_of(course, "sums")] == [("graded", 5.5)]
