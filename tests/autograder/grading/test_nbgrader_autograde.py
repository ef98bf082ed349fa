"""nbgrader's own `autograde`, and formgrader's button, grade through our executor and agree with `course grade`."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.course import Course
from autograder.demo import answered
from autograder.grading.autograded import executed
from autograder.grading.batch import Options, grade_class
from autograder.grading.gradebook import Gradebook
from autograder.grading.handback import write_autograded
from autograder.notebook import dump, read, repair

pytestmark = pytest.mark.filterwarnings(
    # nbgrader's own add_submission builds its rows in an order that newer SQLAlchemy remarks on.
    "ignore:Object of type <Submitted(Assignment|Notebook)> not in session:sqlalchemy.exc.SAWarning"
)

LISTS = """
c.Autograde.pre_convert_hook = "autograder.grading.nbgrader_execute.register"
c.Autograde.sanitize_preprocessors = [
    "autograder.grading.nbgrader_execute.RepairCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.grading.nbgrader_execute.JailExecute",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "autograder.grading.nbgrader_execute.RecordReview",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
"""
STOCK_SANITIZING = "c.Autograde.sanitize_preprocessors = c.Autograde.sanitize_preprocessors[1:]\n"


@pytest.fixture
def graded(tiny: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Stands in for the jail: repairs for real, and finds what the test says of each student."""
    found: dict[str, Any] = {}

    def grade_notebook(course: Any, assignment: str, student: str, notebook: Any) -> Any:
        source = read(course.assignment(assignment).source, limit_mib=1)
        repaired, notes = repair(notebook, source)
        from dataclasses import replace

        result = found.get(student) or make.result(student)
        return replace(result, notes=notes), repaired

    monkeypatch.setattr("autograder.grading.grade.grade_notebook", grade_notebook)
    tiny.configure(LISTS)

    def expect(result: Any) -> None:
        found[result.student] = result

    return expect


def autograde(tiny: Any, assignment: str = "powers") -> None:
    """`nbgrader autograde powers --force`."""
    from nbgrader.converters import Autograde
    from nbgrader.coursedir import CourseDirectory

    config = tiny.course.config.copy()
    config.CourseDirectory.root = str(tiny.course.root)
    config.CourseDirectory.assignment_id = assignment
    Autograde(coursedir=CourseDirectory(config=config), config=config, force=True).start()


def copied_cell(tiny: Any) -> Any:
    notebook = tiny.answered()
    notebook["cells"].append(dict(notebook["cells"][2], id="a-copy"))
    return notebook


def test_nbgrader_autograde_leaves_the_rows_that_record_leaves(
    tiny: Any, make: Any, graded: Callable[..., None]
) -> None:
    results = [
        make.result("student-01", make.question("square", 3), make.question("cube", 1)),
        make.result("student-02", make.question("square", 0), make.question("cube", 0, outcome="ungraded")),
        make.result("student-03", state="failed", reason="the jail died", questions=(), cells=()),
    ]
    for each in results:
        graded(each)
        tiny.submit(each.student, tiny.answered(why=None if each.student.endswith("2") else "So."), "2026-03-01 12:00")
    before = (tiny.root / "gradebook.db").read_bytes()
    autograde(tiny)
    by_nbgrader = tiny.rows()
    shown = (tiny.root / "autograded/student-01/powers/powers.ipynb").read_text()
    assert "1.0" in shown

    (tiny.root / "gradebook.db").write_bytes(before)
    with Gradebook(tiny.course) as gradebook:
        for each in results:
            notebook = read(tiny.root / "submitted" / each.student / "powers/powers.ipynb", limit_mib=1)
            gradebook.record(each, notebook)
    assert tiny.rows() == by_nbgrader


def test_a_copied_cell_and_a_broken_file_stop_nobody_elses_grading(
    tiny: Any, graded: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    from nbgrader.converters import NbGraderException

    tiny.submit("student-01", copied_cell(tiny))
    (tiny.submit("student-02", {}) / "powers.ipynb").write_text("no JSON")
    tiny.submit("student-03", tiny.answered())
    with caplog.at_level(logging.CRITICAL), pytest.raises(NbGraderException):
        autograde(tiny)
    with Gradebook(tiny.course) as gradebook:
        totals = {score.student: (score.total, score.submitted) for score in gradebook.scores("powers")}
    assert totals["student-01"] == totals["student-03"] == (5.0, True)
    assert totals["student-02"][0] == 0.0
    assert "copies of" in (tiny.root / "autograded/student-01/powers/powers.ipynb").read_text()


def test_without_our_repair_a_copied_cell_ends_nbgraders_batch(
    tiny: Any, graded: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """If nbgrader mends this one day, RepairCells has one reason less."""
    from nbgrader.converters import NbGraderException

    tiny.configure(STOCK_SANITIZING)
    tiny.submit("student-01", copied_cell(tiny))
    tiny.submit("student-02", tiny.answered())
    with caplog.at_level(logging.CRITICAL), pytest.raises(NbGraderException):
        autograde(tiny)
    with Gradebook(tiny.course) as gradebook:
        assert "student-02" not in {score.student for score in gradebook.scores("powers")}


def test_the_real_jail_gives_nbgrader_the_scores_that_course_grade_writes(
    sample_course: Callable[[Path], Course], tmp_path: Path
) -> None:
    course = sample_course(tmp_path / "course")
    for student, double in (("student-01", None), ("student-02", "def double(x):\n    return x * x")):
        notebook = answered(course, "tiny")
        if double is not None:
            next(cell for cell in notebook["cells"] if cell["id"] == "blank-double")["source"] = double
        path = course.folder("submitted") / student / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(dump(notebook))

    def scores() -> list[Any]:
        with Gradebook(course) as gradebook:
            return gradebook.scores("tiny")

    grade_class(course, "tiny", Options(jobs=1))
    by_course_grade = scores()
    assert by_course_grade[0].auto > by_course_grade[1].auto
    config = course.root / "course_config.py"
    config.write_text(config.read_text() + LISTS)
    (course.root / "gradebook.db").unlink()
    shutil.rmtree(course.folder("autograded"))
    autograde(SimpleNamespace(course=Course(course.root)), "tiny")
    assert scores() == by_course_grade


def test_a_courses_own_stub_counts_as_untouched_on_both_roads(
    tiny: Any, make: Any, graded: Callable[..., None]
) -> None:
    tiny.configure("c.ClearSolutions.text_stub = 'Write here.'")
    source = read(tiny.course.assignment("powers").source, limit_mib=1)
    with Gradebook(tiny.course) as gradebook:
        gradebook.ensure_assignment("powers", source)
        gradebook.record(make.result("student-01"), tiny.answered(why="Write here."))
    tiny.submit("student-02", tiny.answered(why="Write here."))
    autograde(tiny)
    with Gradebook(tiny.course) as gradebook:
        ours, theirs = gradebook.scores("powers")
    assert ours.cells == theirs.cells
    assert next(cell.auto_score for cell in ours.cells if cell.cell == "why") == 0.0


def test_formgraders_button_grades_what_nobody_registered(tiny: Any, graded: Callable[..., None]) -> None:
    (tiny.root / "gradebook.db").unlink()
    tiny.submit("student-01", tiny.answered())
    said = tiny.api().autograde("powers", "student-01")
    assert said["success"], said
    (shown,) = tiny.api().get_submissions("powers")
    assert (shown["autograded"], shown["score"], shown["max_score"]) == (True, 5.0, 10.0)


def test_lists_feedback_and_export_of_nbgrader_show_what_was_recorded(
    tiny: Any, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbgrader.apps import ExportApp

    tiny.configure("c.LateSubmissionPlugin.penalty_method = 'zero'")
    with tiny.nbgrader() as book:
        book.update_or_create_assignment("powers", duedate="2026-03-01 12:00:00 UTC")
    with Gradebook(tiny.course) as gradebook:
        for number, when in ((1, "2026-03-01 11:00:00 UTC"), (2, "2026-03-01 13:00:00 UTC")):
            result = make.result(f"student-{number:02}", make.question("square", 3), make.question("cube", number))
            tiny.submit(result.student, tiny.answered(), when)
            gradebook.record(result, tiny.answered())
            write_autograded(tiny.course, result, executed(tiny.answered(), result, {"cube": "<i>the panel</i>"}))
    with tiny.nbgrader() as book:
        book.find_comment("why", "powers", "powers", "student-01").manual_comment = "Think of the units."
        grade = book.find_grade("why", "powers", "powers", "student-01")
        grade.manual_score, grade.needs_manual_grade = 4.5, False
        book.db.commit()
    with Gradebook(tiny.course) as gradebook:
        ours = gradebook.scores("powers")

    listed = tiny.api().get_submissions("powers")
    assert [row["autograded"] for row in listed] == [True, True]
    assert [row["score"] for row in listed] == [score.raw for score in ours]
    assert [row["needs_manual_grade"] for row in listed] == [False, True]

    monkeypatch.chdir(tiny.root)
    app = ExportApp()
    app.initialize(["--log-level=ERROR"])
    app.start()
    header, *lines = (line.split(",") for line in (tiny.root / "grades.csv").read_text().splitlines())
    exported = [dict(zip(header, line, strict=True)) for line in lines]
    assert [float(row["score"]) for row in exported] == [score.total for score in ours] == [7.5, 0.0]
    assert [float(row["late_submission_penalty"]) for row in exported] == [0.0, 4.0]

    said = tiny.api().generate_feedback("powers")
    assert said["success"], said
    page = (tiny.root / "feedback/student-01/powers/powers.html").read_text()
    assert "Think of the units." in page
    assert "<i>the panel</i>" in page
    assert "(Score: 7.5 / 10.0)" in page
