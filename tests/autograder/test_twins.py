"""Twins: one assignment in two frameworks, with one set of checks, and notebooks that stay in step."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.build import build, in_step, tidy
from autograder.checking.live import check_all
from autograder.checking.own import assignment_of
from autograder.checking.run import CaseOutcome, Run, Runner, drive, live, live_reference
from autograder.checking.suite import Suite, find_suite, suite_of
from autograder.checking.variants import VariantError
from autograder.course import Course, CourseError
from autograder.lint import lint_assignment
from autograder.notebook import dump, read

from .small import HOUSE, free, marked, notebook

pytestmark = pytest.mark.xdist_group("tensorflow")  # one process pays for the import

BLANK = '''\
def halve(x):
    """Half of x, in its own dtype."""
    ### BEGIN SOLUTION
    ratio = {ratio}
    return x * ratio
    ### END SOLUTION'''
RATIO = {"torch": "torch.ones((), dtype=x.dtype) / 2", "tensorflow": "tf.ones((), dtype=x.dtype) / 2"}
IMPORT = {"torch": "import torch", "tensorflow": "import tensorflow as tf"}
NAMES = {"torch": "half", "tensorflow": "half_tf"}

CHECKS = '''\
import pytest

from autograder import agree, question


@question("halve")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_half(student, reference, data, framework, dtype):
    """any shape"""
    shape = data.size(2, 4), 3
    x, dout = (data.tensor(data.normal(*shape), dtype=dtype) for _ in range(2))
    agree(student.halve(x), reference.halve(x))
    agree(student.grad("halve", (x,), (dout,)), reference.grad("halve", (x,), (dout,)))
    agree(student.run(named, framework), framework)


def named(ns, framework):
    return framework
'''
MISTAKE = """\
from autograder import edited

edited("halve", {name!r}, old={old!r}, new={new!r}, hint="Two halves make one.")
"""
ALTERNATIVE = """\
from autograder import alternative


@alternative("halve")
def {name}():
    def halve(x):
        return {answer}
"""


def own(cell: Any) -> Any:
    return {**cell, "metadata": {**cell["metadata"], "tags": ["own"]}}


def source(framework: str) -> Any:
    return notebook(
        marked("text-title", "text", "# Halves"),
        own(marked("given-imports", "given", f"{IMPORT[framework]}\n\nfrom autograder import check")),
        own(marked("blank-halve", "blank", BLANK.format(ratio=RATIO[framework]))),
        marked("halve", "check", 'check("halve")', points=2),
    )


def path_of(root: Path, framework: str) -> Path:
    return root / "source" / NAMES[framework] / f"{NAMES[framework]}.ipynb"


def write_twins(root: Path) -> Path:
    checks = root / "tests" / "half"
    files = {
        "test_half.py": CHECKS,
        "mistakes/shared.py": MISTAKE.format(name="a third", old="/ 2", new="/ 3"),
        "mistakes/torch/own.py": MISTAKE.format(name="nothing", old="torch.ones", new="torch.zeros"),
        "mistakes/tensorflow/own.py": MISTAKE.format(name="nothing", old="tf.ones", new="tf.zeros"),
        "alternatives/shared.py": ALTERNATIVE.format(name="by_division", answer="x / 2"),
        "alternatives/torch/own.py": ALTERNATIVE.format(name="by_torch", answer="torch.div(x, 2)"),
    }
    for name, text in files.items():
        (checks / name).parent.mkdir(parents=True, exist_ok=True)
        (checks / name).write_text(text)
    for framework in NAMES:
        path_of(root, framework).parent.mkdir(parents=True)
        path_of(root, framework).write_bytes(dump(source(framework)))
    for name in ("course_config.py", "nbgrader_config.py"):
        (root / name).write_text((HOUSE / name).read_text())
    with (root / "course_config.py").open("a") as file:
        file.write('\nc.CourseSettings.assignments = []\nc.CourseSettings.twins = {"half_tf": "half"}\n')
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Both twins, built: never to be changed."""
    course = Course(write_twins(tmp_path_factory.mktemp("twins") / "course"))
    build(course)
    return course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """Both twins, not built, for a test that changes them."""
    return Course(write_twins(tmp_path / "course"))


def edit(course: Course, framework: str, change: Callable[[Any], None]) -> None:
    path = path_of(course.root, framework)
    made = json.loads(path.read_text())
    change(made["cells"])
    path.write_bytes(dump(read_text(made)))


def read_text(made: Any) -> Any:
    for cell in made["cells"]:
        cell["source"] = "".join(cell["source"])
    return made


def cells_of(course: Course, framework: str) -> dict[str, str]:
    made = read(path_of(course.root, framework), limit_mib=1)
    return {cell["id"]: cell["source"] for cell in made["cells"]}


# One set of checks


@pytest.mark.parametrize(("framework", "mistakes", "alternatives"), [("torch", 2, 2), ("tensorflow", 2, 1)])
def test_the_same_checks_prove_both_sound(built: Course, framework: str, mistakes: int, alternatives: int) -> None:
    report = lint_assignment(built, NAMES[framework], seeds=2, processes=1)
    assert report.faults == ()
    assert (len(report.mistakes), report.mistakes_caught) == (mistakes, mistakes)
    assert (len(report.alternatives), report.alternatives_accepted) == (alternatives, alternatives)


def outcomes(suite: Suite, answer: str) -> list[CaseOutcome]:
    names: dict[str, Any] = {}
    exec(compile(f"def halve(x):\n    {answer}", "<cell 1>", "exec"), names)

    def work(runner: Runner) -> list[CaseOutcome]:
        return runner.run(Run(suite, 1, live(names), live_reference(suite.namespace())))

    return drive(suite, work)


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("half", "tensorflow", "is a TensorFlow tensor, expected a torch tensor"),
        ("half_tf", "torch", "is a torch tensor, expected a TensorFlow tensor"),
    ],
)
def test_an_answer_in_the_other_framework_is_no_answer(built: Course, name: str, kind: str, told: str) -> None:
    make = "torch.as_tensor(x.numpy() / 2)" if kind == "torch" else "tf.constant(x.numpy() / 2)"
    for outcome in outcomes(suite_of(built.assignment(name)), f"{IMPORT[kind]}; return {make}"):
        assert outcome.result.outcome == "failed"
        assert told in outcome.result.summary


def test_both_are_asked_about_the_same_numbers(built: Course) -> None:
    fixed = "if x.shape[0] > 0: raise ValueError(str([float(v) for v in x.numpy().ravel()]))"
    told = [
        [case.result.summary for case in outcomes(suite_of(built.assignment(n)), fixed)] for n in ("half", "half_tf")
    ]
    assert told[0] == told[1]
    assert "raises ValueError: [" in told[0][0]


def test_a_release_knows_its_framework(built: Course, tmp_path: Path) -> None:
    shutil.copytree(built.assignment("half_tf").release, tmp_path / "homework")
    suite = find_suite(tmp_path / "homework" / "checks")
    assert (suite.framework, suite.public, suite.points) == ("tensorflow", True, {"halve": 2.0})
    import tensorflow as tf

    [result] = check_all(suite, {"halve": lambda x: x / tf.constant(2, x.dtype)})
    assert result.score == 2.0
    [result] = check_all(suite, {"halve": lambda x: x * 0})
    assert result.mistake == "halve: nothing"


def test_a_notebook_by_another_name_is_told_by_its_framework(built: Course, tmp_path: Path) -> None:
    for framework, name in NAMES.items():
        made = source(framework)
        assert assignment_of(built, tmp_path / "mine.ipynb", made) == name
        made["cells"].insert(0, free("1 + 1"))
        assert assignment_of(built, tmp_path / "half_tf.ipynb", made) == "half_tf"


def test_pytests_own_command_grades_the_twin_that_is_named(built: Course, tmp_path: Path) -> None:
    def passed(*more: str) -> str:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "tests/half", "-q", "-p", "no:cacheprovider", *more],
            cwd=built.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return run.stdout + run.stderr

    assert "score 2 of 2" in passed("--assignment", "half_tf")
    assert "there is no assignment 'quarter'" in passed("--assignment", "quarter").lower()


def test_a_notebook_with_no_question_of_the_course_belongs_to_none(built: Course, tmp_path: Path) -> None:
    foreign = source("torch")
    foreign["cells"].pop()  # its title and blank are called as ours are
    with pytest.raises(CourseError, match="has no question of this course"):
        assignment_of(built, tmp_path / "mine.ipynb", foreign)


# Mistakes and alternatives of one framework


def test_variants_in_a_folder_that_fits_no_notebook_are_refused(course: Course) -> None:
    tests = course.root / "tests" / "half"
    (tests / "mistakes" / "jax").mkdir()
    (tests / "mistakes" / "jax" / "own.py").touch()
    with pytest.raises(VariantError, match=r"jax fits no notebook: torch, tensorflow are known"):
        _ = suite_of(course.assignment("half")).variants


def test_variants_of_a_framework_are_refused_where_the_notebook_has_none(course: Course) -> None:
    def import_nothing(cells: Any) -> None:
        cells[1]["source"] = "from autograder import check"

    edit(course, "torch", import_nothing)
    with pytest.raises(VariantError, match="fits no notebook"):
        _ = suite_of(course.assignment("half")).variants


def test_an_assignment_has_one_folder_of_checks(course: Course) -> None:
    with pytest.raises(CourseError, match=r"half_tf is graded by the checks in .*half, not by those in .*other"):
        find_suite(course.root / "tests" / "other", "half_tf")


@pytest.mark.parametrize(
    ("twins", "told"),
    [('{"half": "half"}', "which is itself"), ('{"half_tf": "half", "half_jax": "half_tf"}', "which is a twin too")],
)
def test_a_twin_of_a_twin_is_refused(course: Course, twins: str, told: str) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write(f"c.CourseSettings.twins = {twins}\n")
    with pytest.raises(CourseError, match=told):
        Course(course.root)


# Notebooks in step


def test_twins_in_step_are_left_alone(course: Course) -> None:
    before = path_of(course.root, "tensorflow").read_bytes()
    for name in NAMES.values():
        assert in_step(course.assignment(name))[1] == []
        assert tidy(course.assignment(name)) == []
    assert path_of(course.root, "tensorflow").read_bytes() == before


def change_title(cells: Any) -> None:
    cells[0]["source"] = "# Halves and halves"


def change_points(cells: Any) -> None:
    cells[3]["metadata"]["nbgrader"]["points"] = 5


def add_text(cells: Any) -> None:
    cells.insert(2, marked("text-more", "text", "More."))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_title, ["cell 'text-title' differs from half's"]),
        (change_points, ["cell 'halve' differs from half's"]),
        (add_text, ["cell 'text-more' differs from half's"]),
        (lambda cells: cells.pop(0), ["cell 'text-title' stands in half_tf alone"]),
        (lambda cells: cells.insert(0, cells.pop(1)), ["the cells stand in another order than half's"]),
    ],
)
def test_what_changes_in_the_first_is_taken_over(course: Course, change: Any, told: list[str]) -> None:
    edit(course, "torch", change)
    assert in_step(course.assignment("half_tf"))[1] == told
    assert tidy(course.assignment("half_tf")) == told
    first, twin = cells_of(course, "torch"), cells_of(course, "tensorflow")
    assert list(first) == list(twin)
    assert [name for name in first if first[name] != twin[name]] == ["given-imports", "blank-halve"]
    assert "tf.ones" in twin["blank-halve"]
    assert in_step(course.assignment("half_tf"))[1] == []


def test_a_check_is_never_a_notebooks_own(course: Course) -> None:
    for framework in NAMES:
        edit(course, framework, lambda cells: cells[3]["metadata"].update(tags=["own"]))
    edit(course, "tensorflow", change_points)
    assert in_step(course.assignment("half_tf"))[1] == ["cell 'halve' differs from half's"]


@pytest.mark.parametrize(
    ("framework", "told"),
    [
        ("tensorflow", r"source/half_tf has no cell 'blank-halve' tagged 'own', but its twin half does"),
        ("torch", r"source/half has no cell 'blank-halve' tagged 'own', but its twin half_tf does"),
    ],
)
def test_a_cell_that_only_one_framework_has_is_never_lost(course: Course, framework: str, told: str) -> None:
    edit(course, framework, lambda cells: cells.pop(2))
    before = path_of(course.root, "tensorflow").read_bytes()
    with pytest.raises(CourseError, match=told):
        tidy(course.assignment("half_tf"))
    assert path_of(course.root, "tensorflow").read_bytes() == before


def test_the_lint_tells_what_is_out_of_step(course: Course) -> None:
    edit(course, "torch", change_title)
    build(course)
    faults = lint_assignment(course, "half_tf", seeds=1, processes=1).faults
    assert [(fault.what, fault.mend) for fault in faults] == [
        ("source/half_tf/half_tf.ipynb: cell 'text-title' differs from half's", "course build --fix half_tf")
    ]
