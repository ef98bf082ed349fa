"""A new assignment: complete, consistent, sound as soon as its blank is filled, and in nobody's way."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

from autograder.build import build, stale, untidy
from autograder.building.source import faults
from autograder.checking.suite import find_suite
from autograder.course import Course, CourseError
from autograder.lint.measure import measure
from autograder.notebook import cells, dump, read
from autograder.scaffold import new

from .small import write_course

TODO = """    # TODO: the reference answer, for this example: return x - x.mean(axis=0)
    raise NotImplementedError("the reference answer isn't written yet")"""


@pytest.fixture
def course(tmp_path: Path) -> Course:
    return Course(write_course(tmp_path / "course"))


def filled(course: Course, name: str) -> None:
    path = course.root / "source" / name / f"{name}.ipynb"
    nb = read(path, limit_mib=1)
    for cell in nb["cells"]:
        cell["source"] = cell["source"].replace(TODO, "    return x - x.mean(axis=0)")
    path.write_bytes(dump(nb))


def test_the_new_assignment_is_a_sound_notebook_with_a_cell_of_each_kind(course: Course) -> None:
    written = new(course, "attention")
    assert [path.relative_to(course.root).as_posix() for path in written] == [
        "source/attention/attention.ipynb",
        "tests/attention/test_attention.py",
        "tests/attention/mistakes.py",
        "tests/attention/alternatives.py",
    ]
    nb = read(written[0], limit_mib=1)
    assert untidy(nb) == []
    assert faults(nb) == []
    node = nbformat.from_dict(nb)
    nbformat.validate(node)
    MetadataValidator().validate_nb(node)
    assert {cell.role for cell in cells(nb)} == {"given", "blank", "check", "demo", "written"}
    assert nb["cells"][0]["source"].startswith("# Attention\n")
    assert "attention" in course.assignments
    assert all("{name}" not in path.read_text() and "{title}" not in path.read_text() for path in written)


def test_it_builds_and_lints_clean_once_its_blank_is_filled(course: Course) -> None:
    new(course, "attention")
    filled(course, "attention")
    build(course, ["attention"])
    assert stale(course, "attention") == []
    suite = find_suite(course.root / "tests" / "attention")
    for question in suite.points:
        assert any(variant.question == question and variant.hint for variant in suite.variants.mistakes)
        assert any(variant.question == question for variant in suite.variants.alternatives)
    rows = measure(course.root / "tests" / "attention", range(1, 6), processes=1)
    assert len(rows) >= 5
    assert [row for row in rows if not row.good] == []


def test_an_unfilled_blank_is_said_so(course: Course) -> None:
    new(course, "attention")
    with pytest.raises(CourseError, match="The reference fails centre::"):
        build(course, ["attention"])


def test_the_demo_runs(course: Course) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    new(course, "attention")
    filled(course, "attention")
    nb = read(course.root / "source" / "attention" / "attention.ipynb", limit_mib=1)
    namespace: dict[str, object] = {}
    for cell in cells(nb):
        if cell.cell_type == "code" and cell.role != "check":
            exec(cell.source, namespace)


@pytest.mark.parametrize("name", ["source", "tests", "release", "solutions"])
def test_what_is_there_is_never_overwritten(course: Course, name: str) -> None:
    kept = course.root / name / "attention"
    if name == "solutions":
        kept = kept.with_suffix(".py")
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("mine")
    before = sorted(course.root.rglob("*"))
    with pytest.raises(CourseError, match=rf"{name}/attention(\.py)? is there already"):
        new(course, "attention")
    assert sorted(course.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "proposal"),
    [("../x", "'x'"), ("a/b", "'a_b'"), ("Attention!", "'attention'"), ("", "'attention'"), ("a\nb", "'a_b'"),
     ("autograder", "'attention'"), ("class", "'attention'"), ("1st", "'st'"), ("my-part", "'my_part'"),
     (".hidden", "'hidden'"), ("x" * 41, "for example '" + "x" * 40)],
)  # fmt: skip
def test_unsafe_names_are_refused_with_a_proposal(course: Course, name: str, proposal: str) -> None:
    before = sorted(course.root.rglob("*"))
    with pytest.raises(CourseError) as raised:
        new(course, name)
    assert proposal in str(raised.value)
    assert sorted(course.root.rglob("*")) == before
