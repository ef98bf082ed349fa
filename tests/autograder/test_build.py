"""Building: nbgrader's own converter, nothing given away, nothing changed without need."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from safetensors.numpy import load, save

from autograder.build import build, leaks, stale, tidy, untidy
from autograder.course import Course, CourseError
from autograder.notebook import cells, dump, read, released, repair

from .small import SHIFT, TESTS, free, marked, source_notebook, write_course

Edit = Callable[[Any], None]


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that was built; copied by `course`, never touched itself."""
    root = write_course(tmp_path_factory.mktemp("built") / "course")
    folder = root / "source" / "small"
    (folder / "small.py").write_text("product_of_both = x * factor\n")
    (folder / "numbers").mkdir()
    (folder / "numbers" / "data.csv").write_text("a,b\n1,2\n")
    build(Course(root))
    return root


@pytest.fixture
def course(built_once: Path, tmp_path: Path) -> Course:
    shutil.copytree(built_once, tmp_path / "course")
    return Course(tmp_path / "course")


def files(root: Path, *folders: str) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for folder in folders or (".",)
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def source_path(course: Course) -> Path:
    return course.root / "source" / "small" / "small.ipynb"


def edit_source(course: Course, edit: Edit) -> None:
    nb = source_notebook()
    edit(nb)
    source_path(course).write_bytes(dump(nb))


def test_a_build_makes_the_release_and_the_reference_and_no_gradebook(built_once: Path) -> None:
    made = set(files(built_once)) - set(files(built_once, "source", "tests"))
    assert made == {
        "course_config.py",
        "nbgrader_config.py",
        "release/small/small.ipynb",
        "release/small/numbers/data.csv",
        "release/small/checks/test_small.py",
        "release/small/checks/recorded.json",
        "release/small/checks/recorded.safetensors",
        "solutions/small.py",
    }


def test_what_students_get_is_what_repair_puts_back(built_once: Path) -> None:
    release = read(built_once / "release" / "small" / "small.ipynb", limit_mib=1)
    assert release["cells"] == [released(cell) for cell in source_notebook()["cells"]]
    repaired, notes = repair(release, source_notebook())
    assert notes == ()
    assert dump(repaired) == (built_once / "release" / "small" / "small.ipynb").read_bytes()


def test_nothing_of_the_solutions_hidden_checks_and_mistakes_is_in_the_release(built_once: Path) -> None:
    everything = b"\n".join(files(built_once, "release").values())
    for secret in ("product_of_both", "moved_along", "commutes", "negative", "secret", "SECRET", "@hidden"):
        assert secret.encode() not in everything
    assert leaks(built_once / "release" / "small", source_notebook()) == []


def test_a_second_build_writes_nothing_and_finds_nothing_stale(course: Course) -> None:
    before = files(course.root)
    assert stale(course, "small") == []
    assert [made.changed for made in build(course)] == [False]
    assert files(course.root) == before


def test_a_build_from_nothing_gives_equal_bytes(course: Course) -> None:
    before = files(course.root)
    shutil.rmtree(course.root / "release")
    shutil.rmtree(course.root / "solutions")
    build(course, ["small"])
    assert files(course.root) == before


@pytest.mark.parametrize("command", [["generate_assignment", "small", "--force"]])
def test_nbgraders_own_command_gives_the_same_files(course: Course, command: list[str]) -> None:
    before = files(course.root, "release", "solutions")
    (course.root / "solutions" / "small.py").unlink()
    subprocess.run([sys.executable, "-m", "nbgrader", *command], cwd=course.root, check=True, capture_output=True)
    assert files(course.root, "release", "solutions") == before
    listed = subprocess.run(
        [sys.executable, "-m", "nbgrader", "db", "assignment", "list"],
        cwd=course.root, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "small" in listed.stdout


def test_the_reference_only_defines_when_it_is_imported(built_once: Path) -> None:
    text = (built_once / "solutions" / "small.py").read_text()
    assert text.startswith("# built from source/small/small.ipynb by `course build`; edit there\n")
    namespace: dict[str, Any] = {}
    exec(compile(text, "small.py", "exec"), namespace)
    assert namespace["scale"](np.ones(2), 3).tolist() == [3, 3]
    assert namespace["shift"](1, 2) == 3
    assert '\n# check("scale")\n' in text
    assert "\n# import matplotlib.pyplot as plt\n#\n# plt.plot" in text
    assert "\n# # Scaling\n#\n# Multiply, then add.\n" in text
    assert "SOLUTION" not in text
    assert "jupytext" not in text


def test_outputs_never_reach_the_release(course: Course) -> None:
    before = files(course.root, "release", "solutions")

    def run(nb: Any) -> None:
        nb["cells"][1] |= {
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "moved_along_by"}],
            "execution_count": 3,
        }

    edit_source(course, run)
    assert stale(course, "small") == []
    build(course)
    assert files(course.root, "release", "solutions") == before


def test_an_edited_solution_makes_the_reference_stale_and_a_build_mends_it(course: Course) -> None:
    def use_three_lines(nb: Any) -> None:
        nb["cells"][4]["source"] = SHIFT.replace("x + by", "by + x")

    edit_source(course, use_three_lines)
    before = files(course.root)
    assert stale(course, "small") == ["solutions/small.py"]
    assert files(course.root) == before
    [made] = build(course)
    # The answers are the same; what they were made from isn't.
    assert made.written == ("solutions/small.py", "release/small/checks/recorded.json")
    assert stale(course, "small") == []


def test_changed_checks_and_strays_are_stale(course: Course) -> None:
    tests = course.root / "tests" / "small" / "test_small.py"
    tests.write_text(tests.read_text().replace("np.ones(3)", "np.full(4, 7.0)"))
    stray = course.root / "release" / "small" / "notes.txt"
    stray.write_text("left behind")
    cache = course.root / "release" / "small" / "checks" / "__pycache__" / "x.pyc"
    cache.parent.mkdir()
    cache.write_text("of a run")
    names = [
        "release/small/checks/recorded.json",
        "release/small/checks/recorded.safetensors",
        "release/small/checks/test_small.py",
    ]
    found = stale(course, "small")
    assert found == [*names, "release/small/notes.txt"]
    [made] = build(course)
    assert list(made.written) == names
    assert made.removed == ("release/small/notes.txt",)
    assert cache.exists()


def test_recorded_answers_that_differ_by_rounding_are_kept(course: Course) -> None:
    path = course.root / "release" / "small" / "checks" / "recorded.safetensors"
    arrays = load(path.read_bytes())
    path.write_bytes(save({name: array * (1 + 1e-9) for name, array in arrays.items()}))
    kept = path.read_bytes()
    assert stale(course, "small") == []
    build(course)
    assert path.read_bytes() == kept


def test_recorded_answers_that_differ_by_more_are_stale(course: Course) -> None:
    path = course.root / "release" / "small" / "checks" / "recorded.safetensors"
    fresh = path.read_bytes()
    path.write_bytes(save({name: array * (1 + 1e-4) for name, array in load(fresh).items()}))
    assert stale(course, "small") == ["release/small/checks/recorded.safetensors"]
    build(course)
    assert path.read_bytes() == fresh


def renamed(nb: Any) -> None:
    nb["cells"][5]["metadata"]["nbgrader"]["grade_id"] = "scale"


def without_markers(nb: Any) -> None:
    nb["cells"][2]["source"] = "def scale(x, factor): return x"


def without_end(nb: Any) -> None:
    nb["cells"][2]["source"] = nb["cells"][2]["source"].replace("### END SOLUTION", "")


def without_points(nb: Any) -> None:
    del nb["cells"][3]["metadata"]["nbgrader"]["points"]


def without_id(nb: Any) -> None:
    del nb["cells"][0]["id"]


def code_by_hand(nb: Any) -> None:
    nb["cells"][7] |= {"cell_type": "code"}


def solution_in_given(nb: Any) -> None:
    nb["cells"][1]["source"] += "\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION"


def hidden_region(nb: Any) -> None:
    nb["cells"][3]["source"] += "\n### BEGIN HIDDEN TESTS\nassert 1\n### END HIDDEN TESTS"


def old_schema(nb: Any) -> None:
    nb["cells"][3]["metadata"]["nbgrader"]["schema_version"] = 2


def bad_name(nb: Any) -> None:
    nb["cells"][3]["metadata"]["nbgrader"]["grade_id"] = "the scale!"


@pytest.mark.parametrize(
    ("edit", "what", "step"),
    [
        (renamed, "cell 6 (scale): cell 4 has the same id 'scale'", "Give one of them another"),
        (without_markers, "cell 3 (blank-scale): is a blank without ### BEGIN SOLUTION", "around the solution"),
        (without_end, "cell 3 (blank-scale): a solution has no END SOLUTION", "Pair ### BEGIN"),
        (without_points, "cell 4 (scale): has no points", "Give it some"),
        (without_id, "cell 1 (text-title): has no cell id", "`course build --fix`"),
        (code_by_hand, "cell 8 (written-why): is graded by hand but isn't markdown", "Make it markdown"),
        (solution_in_given, "cell 2 (given-imports): holds a solution but is no blank", "Mark it"),
        (hidden_region, "cell 4 (scale): holds a region that nbgrader hides", "@hidden"),
        (old_schema, "cell 4 (scale): its nbgrader marks are of schema 2", "nbgrader update"),
        (bad_name, "cell 4 (the scale!): its nbgrader id is 'the scale!'", "Name it"),
    ],
)
def test_a_faulty_source_is_refused_with_the_cell_and_the_next_step(
    course: Course, edit: Edit, what: str, step: str
) -> None:
    before = files(course.root, "release", "solutions")
    edit_source(course, edit)
    with pytest.raises(CourseError) as raised:
        build(course)
    assert str(raised.value).startswith("source/small/small.ipynb can't be released:\n  cell ")
    assert what in str(raised.value)
    assert step in str(raised.value)
    with pytest.raises(CourseError):
        stale(course, "small")
    assert files(course.root, "release", "solutions") == before


def test_an_unknown_assignment_and_a_broken_notebook_are_refused(course: Course) -> None:
    with pytest.raises(CourseError, match="There is no assignment 'attention'"):
        build(course, ["attention"])
    source_path(course).write_text("<html>")
    with pytest.raises(CourseError, match=r"source/small/small\.ipynb: small\.ipynb is a web page"):
        build(course)


def test_a_second_notebook_is_refused(course: Course) -> None:
    shutil.copy(source_path(course), source_path(course).with_name("copy.ipynb"))
    with pytest.raises(CourseError, match=r"holds a second notebook, copy\.ipynb"):
        build(course)


def test_a_given_cell_that_repeats_a_solution_is_no_leak_and_a_check_that_does_is(course: Course) -> None:
    tests = course.root / "tests" / "small" / "test_small.py"
    tests.write_text(TESTS + "\n\ndef helper(x, factor):\n    product_of_both =  x * factor\n")
    with pytest.raises(CourseError) as raised:
        build(course)
    assert "would give solutions away:\n  checks/test_small.py: product_of_both = x * factor" in str(raised.value)
    edit_source(course, lambda nb: nb["cells"].insert(0, free("# product_of_both = x * factor", cell_id="a")))
    build(course)


def test_leaks_are_found_in_metadata_names_and_other_files(course: Course) -> None:
    release = course.root / "release" / "small"
    nb = json.loads((release / "small.ipynb").read_bytes())
    nb["metadata"]["note"] = {"deep": ["a", 'return moved_along_by # "quoted"']}
    (release / "small.ipynb").write_text(json.dumps(nb))
    (release / "numbers" / "return product_of_both").write_text("")
    (release / "a.json").write_text('{"a": "moved_along_by \\u003d x + by"}')
    assert leaks(release, source_notebook()) == [
        "a.json: moved_along_by = x + by",
        "numbers/return product_of_both: return product_of_both",
        "small.ipynb: return moved_along_by",
    ]


def test_what_nbgrader_itself_refuses_comes_with_its_reason(course: Course) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write('c.ClearSolutions.code_stub = {"julia": "error()"}\n')
    with pytest.raises(CourseError) as raised:
        build(Course(course.root))
    assert "language 'python' has not been specified" in str(raised.value)
    assert "nbgrader generate_assignment small --no-db --debug" in str(raised.value)


def test_settings_that_repair_does_not_know_are_refused(course: Course) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write('c.ClearSolutions.code_stub = {"python": "..."}\n')
    with pytest.raises(CourseError, match="releases the cell 'blank-scale' of small other than this kit expects"):
        build(Course(course.root))


def test_a_release_without_checks_is_refused(course: Course) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write("c.GenerateAssignment.preprocessors.pop()\n")
    with pytest.raises(CourseError, match=r"has no checks. Put 'autograder\.build\.PublicChecks'"):
        build(Course(course.root))


def test_tidying_gives_ids_and_drops_outputs_and_leaves_a_tidy_notebook_alone(course: Course) -> None:
    assignment = course.assignment("small")
    before = source_path(course).read_bytes()
    assert tidy(assignment) == []
    assert source_path(course).read_bytes() == before

    def litter(nb: Any) -> None:
        del nb["cells"][0]["id"]
        nb["cells"][1] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}

    edit_source(course, litter)
    assert untidy(read(source_path(course), limit_mib=1)) == ["cell 1 has no cell id", "cell 2 holds outputs"]
    [made] = build(course, fix=True)
    assert made.written == ("release/small/small.ipynb",)  # the id differs from the one it had
    tidied = read(source_path(course), limit_mib=1)
    assert untidy(tidied) == []
    nbformat.validate(nbformat.from_dict(tidied))
    assert [cell.source for cell in cells(tidied)] == [cell.source for cell in cells(source_notebook())]


def test_a_text_twin_of_the_notebook_stays_at_home(course: Course) -> None:
    assert (course.root / "source" / "small" / "small.py").exists()
    assert "release/small/small.py" not in files(course.root)


def test_an_answer_graded_by_nobody_is_refused(course: Course) -> None:
    edit_source(course, lambda nb: nb["cells"].append(marked("essay", "blank", "x")))
    with pytest.raises(CourseError, match=r"cell 9 \(essay\): is a blank without"):
        build(course)
