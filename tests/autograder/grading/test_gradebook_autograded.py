"""The executed notebook: nbgrader reads the very scores from it, and it does nothing in a person's browser."""

from __future__ import annotations

import copy
import os
from dataclasses import replace
from typing import Any

import nbformat
import pytest

from autograder.checking import panel
from autograder.course import CourseError
from autograder.grading.autograded import executed
from autograder.grading.handback import write_autograded
from autograder.grading.submission import score_of
from autograder.results import CaseResult, CellResult, Note, QuestionResult


def read_by_nbgrader(notebook: dict[str, Any], name: str) -> float:
    from nbgrader.utils import determine_grade

    cell = next(each for each in nbformat.from_dict(notebook).cells if each.id == name)
    return float(determine_grade(cell)[0])


def outputs(notebook: dict[str, Any], name: str) -> list[Any]:
    return list(next(cell["outputs"] for cell in notebook["cells"] if cell["id"] == name))


def weighted(points: float, *weights: tuple[float, bool]) -> QuestionResult:
    cases = tuple(CaseResult(str(i), "passed" if ok else "failed", weight=w) for i, (w, ok) in enumerate(weights))
    return QuestionResult("cube", points, cases)


@pytest.mark.parametrize(
    "cube",
    [
        weighted(3.0, (1, True)),
        weighted(3.0, (1, False)),
        weighted(3.0, (1, True), (2, False)),
        weighted(3.0, (2, True), (-1, False)),  # above the points: nbgrader would stop
        weighted(3.0, (-1, True), (3, False)),  # negative: nbgrader would take it for full marks
        weighted(3.0, (float("nan"), True)),
        weighted(3.0, (float("inf"), True)),
        QuestionResult("cube", 3.0),
        QuestionResult("cube", 3.0, (CaseResult("gpu", "ungraded"),)),
    ],
)
def test_nbgrader_reads_the_score_that_is_recorded(tiny: Any, make: Any, cube: QuestionResult) -> None:
    shown = executed(tiny.answered(), make.result("student-01", cube), panel.html)
    assert read_by_nbgrader(shown, "cube") == score_of(cube)
    assert 0.0 <= score_of(cube) <= 3.0
    assert outputs(shown, "cube")[0]["data"]["text/plain"] != "-0.0"
    assert read_by_nbgrader(shown, "square") == 0.0  # nothing graded it; nbgrader alone would give full marks


def test_the_notebook_is_valid_and_the_one_given_is_untouched(tiny: Any, make: Any) -> None:
    given = tiny.answered()
    before = copy.deepcopy(given)
    noted = make.result(notes=(Note("repair", "The check cell 'cube' was missing; it has been put back."),))
    shown = executed(given, noted, {"square": "<b>panel</b>"})
    nbformat.validate(nbformat.from_dict(shown))
    assert given == before
    assert outputs(shown, "square")[0]["data"]["text/html"] == "<b>panel</b>"
    assert "was missing" in shown["cells"][0]["source"]


def test_a_cell_shows_what_it_printed_and_why_it_failed(tiny: Any, make: Any) -> None:
    ran = CellResult(
        1,
        "blank",
        "square-answer",
        error="NameError: name 'y' is not defined (line 2)",
        outputs=({"output_type": "stream", "name": "stderr", "text": "careful\n"},),
    )
    shown = executed(tiny.answered(), make.result(cells=(ran,)))
    stream, error = outputs(shown, "square-answer")
    assert stream == {"output_type": "stream", "name": "stderr", "text": "careful\n"}
    assert (error["ename"], error["evalue"]) == ("NameError", "name 'y' is not defined (line 2)")
    assert read_by_nbgrader(shown, "square") == 2.0  # what a student's cell prints to stderr costs nothing


def test_outputs_of_students_bring_no_script_into_an_instructors_browser(tiny: Any, make: Any) -> None:
    script = "<script>document.title = 'taken'</script>"
    hostile = (
        {"output_type": "display_data", "data": {"text/html": script, "text/plain": "a table"}, "metadata": {"x": 1}},
        {"output_type": "display_data", "data": {"image/svg+xml": script, "application/javascript": "x"}},
        {"output_type": "execute_result", "data": {"image/png": f'"onerror="x {script}'}},
        {"output_type": "display_data", "data": {"image/png": ["aGk=\n", "aGk="]}},
        {"output_type": "update_display_data", "data": {"text/html": script}},
        {"output_type": "stream", "text": [1, "kept"]},
        {"output_type": "error", "ename": None, "traceback": "none"},
    )
    notebook = tiny.answered()
    notebook["cells"][6]["outputs"] = list(hostile)  # the demo cell: what the student ran is kept
    shown = executed(notebook, make.result(cells=(CellResult(1, "blank", "square-answer", outputs=hostile),)))
    nbformat.validate(nbformat.from_dict(shown))
    for name in ("square-answer", "plot"):
        assert "script" not in str(outputs(shown, name))
        assert [o["data"] for o in outputs(shown, name) if "data" in o][:1] == [{"text/plain": "a table"}]
        assert {"image/png": "aGk=\naGk="} in [o.get("data") for o in outputs(shown, name)]


def test_notes_and_reasons_are_shown_as_text(tiny: Any, make: Any) -> None:
    reason = "</p><script>x</script>\n\n# big ![](http://example.org/a.png)"
    result = make.result(state="unreadable", reason=reason, sandbox="UNSANDBOXED", cells=())
    source = executed(tiny.release(), result)["cells"][0]["source"]
    assert "UNSANDBOXED" in source
    assert "<script" not in source
    assert source.splitlines()[-1].startswith("- This submission is unreadable: ")
    assert "\\!\\[\\]" in source


def test_the_folder_is_as_nbgrader_leaves_it_and_nothing_is_followed_or_left_over(tiny: Any, make: Any) -> None:
    folder = tiny.submit("student-01", tiny.answered(), "2026-03-01 12:00:00 UTC")
    (folder / "figure.png").write_bytes(b"png")
    (folder / "secret").symlink_to(tiny.root / "gradebook.db")
    (folder / "data.csv").write_text("forged")
    os.mkfifo(folder / "pipe")
    shown = executed(tiny.answered(), make.result())
    path = write_autograded(tiny.course, make.result(), shown)

    def found() -> dict[str, int]:
        return {p.name: p.stat().st_mode & 0o777 for p in path.parent.iterdir()}

    names = ("powers.ipynb", "timestamp.txt", "figure.png", "data.csv")
    assert found() == dict.fromkeys(names, 0o444)
    assert (path.parent / "data.csv").read_text() == "x,y\n1,1\n"
    assert nbformat.read(path, as_version=4).cells[2].outputs[0].data["text/plain"] == "2.0"

    (folder / "figure.png").unlink()
    tiny.configure("c.CourseDirectory.groupshared = True")
    write_autograded(tiny.course, make.result(), shown)
    assert set(found()) == set(names) - {"figure.png"}
    assert found()["powers.ipynb"] == 0o664
    assert path.parent.stat().st_mode & 0o2770 == 0o2770
    assert [p.name for p in (tiny.root / "autograded").iterdir()] == ["student-01"]


def test_a_folder_that_cannot_be_written_is_named(tiny: Any, make: Any) -> None:
    (tiny.root / "autograded").write_text("a file where the folder should be")
    with pytest.raises(CourseError, match=r"autograded/student-01/powers can't be written"):
        write_autograded(tiny.course, make.result(), tiny.answered())
    with pytest.raises(CourseError, match="can't become part of a path"):
        write_autograded(tiny.course, replace(make.result(), student="../x"), tiny.answered())


def test_nothing_that_lies_beside_a_notebook_is_in_the_way_of_the_class(tiny: Any, make: Any) -> None:
    """A name of the assignment's own, as a file or a folder, and a path that nobody can write."""
    source = tiny.root / "source" / "powers"
    (source / "images").mkdir()
    (source / "images" / "plot.png").write_text("ours")
    (source / "table.csv").write_text("ours")
    folder = tiny.root / "submitted" / "student-01" / "powers"
    for name in ("powers.ipynb", "table.csv"):
        (folder / name).mkdir(parents=True)
        (folder / name / "inside.txt").write_text("theirs")
    (folder / "images").write_text("theirs")
    (folder / "fine.txt").write_text("theirs")
    deep = os.open(folder, os.O_RDONLY)
    for _ in range(24):
        os.mkdir("d" * 200, dir_fd=deep)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        os.close(os.open("f" * 200, os.O_WRONLY | os.O_CREAT, dir_fd=inner))
        deep = inner
    os.close(deep)
    path = write_autograded(tiny.course, make.result(), tiny.answered())
    assert path.is_file()
    written = path.parent
    assert (written / "table.csv").read_text() == (written / "images" / "plot.png").read_text() == "ours"
    assert (written / "fine.txt").read_text() == "theirs"


def test_what_an_earlier_submission_left_is_not_in_the_way_of_the_next(tiny: Any, make: Any) -> None:
    folder = tiny.root / "submitted" / "student-01" / "powers"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "notes").write_text("a file")
    write_autograded(tiny.course, make.result(), tiny.answered())
    (folder / "notes").unlink()
    (folder / "notes").mkdir()
    (folder / "notes" / "first.txt").write_text("a file in a folder")
    path = write_autograded(tiny.course, make.result(), tiny.answered())
    assert (path.parent / "notes" / "first.txt").read_text() == "a file in a folder"


def test_a_link_in_the_place_of_the_folder_handed_in_is_not_followed(tiny: Any, make: Any, tmp_path: Any) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "seed").write_text("4711")
    (tiny.root / "submitted" / "student-01").mkdir(parents=True, exist_ok=True)
    (tiny.root / "submitted" / "student-01" / "powers").symlink_to(tmp_path / "elsewhere")
    path = write_autograded(tiny.course, make.result(), tiny.answered())
    assert not (path.parent / "seed").exists()
