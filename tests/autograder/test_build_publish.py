"""Publishing: what students may have, into a folder of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.build import publish
from autograder.course import Course, CourseError
from autograder.notebook import dump, released

from .small import TESTS, source_notebook, write_course


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A course with two releases, laid down as a build leaves them."""
    root = write_course(tmp_path / "course", config='c.Publication.requirement = "autograder @ https://example.org"')
    shutil.copytree(root / "source" / "small", root / "source" / "tiny")
    (root / "source" / "tiny" / "small.ipynb").rename(root / "source" / "tiny" / "tiny.ipynb")
    nb = source_notebook()
    nb["cells"] = [released(cell) for cell in nb["cells"]]
    for name in ("small", "tiny"):
        (root / "release" / name / "checks" / "__pycache__").mkdir(parents=True)
        (root / "release" / name / f"{name}.ipynb").write_bytes(dump(nb))
        (root / "release" / name / "checks" / f"test_{name}.py").write_text(TESTS)
        (root / "release" / name / "checks" / "__pycache__" / "a.pyc").write_text("")
    return Course(root)


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


SMALL = {"small/small.ipynb", "small/checks/test_small.py"}
TINY = {"tiny/tiny.ipynb", "tiny/checks/test_tiny.py"}
SHARED = {"README.md", "requirements.txt", ".course-publication.json"}


def test_only_what_students_may_have_is_written(course: Course, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert set(publish(course, ["small"], out)) == listed(out) == SMALL | SHARED
    assert (out / "requirements.txt").read_text() == "autograder @ https://example.org\n"
    readme = (out / "README.md").read_text()
    assert readme.startswith("# Deep learning, from the tape up\n")
    assert "- [small](small/small.ipynb)" in readme
    assert "tiny" not in readme


def test_a_later_assignment_joins_the_earlier_ones(course: Course, tmp_path: Path) -> None:
    out = tmp_path / "out"
    publish(course, ["small"], out)
    written = publish(course, ["tiny"], out)
    assert listed(out) == SMALL | TINY | SHARED
    assert set(written) == TINY | {"README.md", ".course-publication.json"}
    assert "- [small](small/small.ipynb)\n- [tiny](tiny/tiny.ipynb)" in (out / "README.md").read_text()
    assert publish(course, [], out) == []


def test_what_left_the_release_leaves_the_publication_and_what_others_put_there_stays(
    course: Course, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (course.root / "release" / "small" / "old.csv").write_text("1")
    publish(course, ["small"], out)
    assert "small/old.csv" in listed(out)
    (out / "small" / "mine.txt").write_text("a student's")
    (course.root / "release" / "small" / "old.csv").unlink()
    publish(course, ["small"], out)
    assert listed(out) == SMALL | SHARED | {"small/mine.txt"}


def test_a_folder_that_holds_something_else_is_refused(course: Course, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("x")
    with pytest.raises(CourseError, match="isn't empty and no former publication"):
        publish(course, ["small"], out)
    assert listed(out) == {"thesis.tex"}
    with pytest.raises(CourseError, match="is no folder"):
        publish(course, ["small"], out / "thesis.tex")
    (out / "thesis.tex").unlink()
    (out / ".git").mkdir()
    publish(course, ["small"], out)


@pytest.mark.parametrize("manifest", ["{}", "[", '{"files": 3}'])
def test_a_broken_manifest_is_refused(course: Course, tmp_path: Path, manifest: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".course-publication.json").write_text(manifest)
    with pytest.raises(CourseError, match="can't be read"):
        publish(course, ["small"], tmp_path / "out")


def test_a_manifest_that_names_files_outside_deletes_none(course: Course, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "precious").write_text("x")
    (tmp_path / "out" / ".course-publication.json").write_text(json.dumps({"files": ["../precious"]}))
    with pytest.raises(CourseError, match="outside of its folder"):
        publish(course, ["small"], tmp_path / "out")
    assert (tmp_path / "precious").exists()


def test_a_release_that_is_missing_or_tells_solutions_is_not_published(course: Course, tmp_path: Path) -> None:
    (course.root / "release" / "tiny" / "hint.txt").write_text("return moved_along_by")
    with pytest.raises(CourseError, match=r"hint\.txt: return moved_along_by"):
        publish(course, ["tiny"], tmp_path / "out")
    shutil.rmtree(course.root / "release" / "small")
    with pytest.raises(CourseError, match="`course build small` makes it"):
        publish(course, ["small"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_requirement_the_kit_travels_along_and_can_be_imported(course: Course, tmp_path: Path) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write('\nc.Publication.requirement = ""\n')
    out = tmp_path / "out"
    publish(Course(course.root), ["small"], out)
    assert (out / "requirements.txt").read_text() == "./kit[student]\n"
    names = listed(out / "kit")
    assert {"pyproject.toml", "autograder/notebook/__init__.py", "autograder/py.typed"} <= names
    assert not any(name.startswith(("tests/", "solutions/", "source/")) or "__pycache__" in name for name in names)
    code = "import autograder.notebook; print(autograder.notebook.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=out / "kit", env={"PYTHONPATH": str(out / "kit")},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout.strip().startswith(str((out / "kit").resolve()))
