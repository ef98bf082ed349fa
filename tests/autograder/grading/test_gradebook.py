"""Scores go into nbgrader's gradebook exactly as nbgrader's own preprocessors would put them there."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import Any

import nbformat
import pytest

from autograder.course import CourseError
from autograder.grading.autograded import executed
from autograder.grading.gradebook import Gradebook

pytestmark = pytest.mark.filterwarnings(
    # nbgrader's own add_submission builds its rows in an order that newer SQLAlchemy remarks on.
    "ignore:Object of type <Submitted(Assignment|Notebook)> not in session:sqlalchemy.exc.SAWarning"
)

CELLS = ("GradeCell", "SolutionCell", "TaskCell", "SourceCell")
LATE_AND_ZERO = "c.LateSubmissionPlugin.penalty_method = 'zero'"


def registered(tiny: Any) -> dict[str, Any]:
    """What the gradebook holds of the assignment, without its random ids."""
    from nbgrader import api

    found: dict[str, Any] = {}
    with tiny.nbgrader() as book:
        for kind in CELLS:
            for row in book.db.query(getattr(api, kind)):
                found[f"{kind} {row.name}"] = {k: v for k, v in row.to_dict().items() if k != "id"}
        found["kernelspecs"] = [notebook.kernelspec for notebook in book.db.query(api.Notebook)]
        found["assignments"] = [(a.name, a.course_id, a.duedate) for a in book.assignments]
    return found


def grade(tiny: Any, name: str, student: str = "student-01") -> Any:
    with tiny.nbgrader() as book:
        row = book.find_grade(name, "powers", "powers", student)
        return (row.auto_score, row.manual_score, row.needs_manual_grade)


def grade_by_hand(tiny: Any, name: str, score: float, student: str = "student-01") -> None:
    """What formgrader does when a person types a score."""
    with tiny.nbgrader() as book:
        row = book.find_grade(name, "powers", "powers", student)
        row.manual_score, row.needs_manual_grade = score, False
        comment = book.find_comment("why", "powers", "powers", student)
        comment.manual_comment = "Well said."
        book.db.commit()


def record(tiny: Any, *results: Any, notebook: Any = None) -> None:
    with Gradebook(tiny.course) as gradebook:
        for each in results:
            gradebook.record(each, notebook if notebook is not None else tiny.answered())


def test_registering_a_notebook_gives_the_rows_of_nbgraders_generate_assignment(tiny: Any, make: Any) -> None:
    by_nbgrader = registered(tiny)
    (tiny.root / "gradebook.db").unlink()
    with Gradebook(tiny.course) as gradebook:
        gradebook.ensure_assignment("powers", make.source())
    assert registered(tiny) == by_nbgrader


def test_a_new_database_has_the_schema_that_nbgrader_makes(tiny: Any) -> None:
    from sqlalchemy import create_engine, inspect, text

    def schema() -> tuple[dict[str, list[str]], str]:
        engine = create_engine(tiny.course.database_url())
        with engine.connect() as connection:
            look = inspect(connection)
            tables = {name: [str(c["name"]) for c in look.get_columns(name)] for name in look.get_table_names()}
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        engine.dispose()
        tables.pop("autograder_recorded", None)
        return tables, version

    by_nbgrader = schema()
    (tiny.root / "gradebook.db").unlink()
    with Gradebook(tiny.course):
        pass
    assert schema() == by_nbgrader


@pytest.mark.parametrize("written", ["answered", "untouched"])
@pytest.mark.parametrize(("square", "cube"), [(3, 3), (0, 3), (1, 2), (0, 0)])
@pytest.mark.parametrize("manual", [False, True])
def test_recording_leaves_the_rows_that_nbgraders_save_auto_grades_leaves(
    tiny: Any, make: Any, square: int, cube: int, written: str, manual: bool
) -> None:
    from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades

    tiny.configure(LATE_AND_ZERO)
    with tiny.nbgrader() as book:
        book.update_or_create_assignment("powers", duedate="2026-03-01 12:00:00 UTC")
        book.update_or_create_student("student-01")
        book.update_or_create_submission("powers", "student-01", timestamp="2026-03-01 13:00:00 UTC")
    if manual:
        grade_by_hand(tiny, "why", 4.0)
        grade_by_hand(tiny, "cube", 1.5)
    notebook = tiny.answered(why=None if written == "untouched" else "Because.", blanks=written != "untouched")
    found = make.result("student-01", make.question("square", square), make.question("cube", cube))

    resources = {"nbgrader": {"notebook": "powers", "assignment": "powers", "student": "student-01",
                              "db_url": tiny.course.database_url()}}  # fmt: skip
    before = (tiny.root / "gradebook.db").read_bytes()
    shown = nbformat.from_dict(executed(notebook, found))
    SaveAutoGrades(config=tiny.course.config).preprocess(shown, resources)
    AssignLatePenalties(config=tiny.course.config).preprocess(shown, resources)
    by_nbgrader = tiny.rows()

    (tiny.root / "gradebook.db").write_bytes(before)
    record(tiny, found, notebook=notebook)
    assert tiny.rows() == by_nbgrader


def test_a_second_run_leaves_the_database_as_it_was(tiny: Any, make: Any) -> None:
    found = [make.result(f"student-{i:02}", make.question("square", i), make.question("cube", 1)) for i in range(1, 4)]
    record(tiny, *found)
    once = tiny.rows()
    record(tiny, *found)
    assert tiny.rows() == once


def test_a_persons_grade_survives_a_regrade_and_is_reviewed_only_when_something_changed(tiny: Any, make: Any) -> None:
    record(tiny, make.result())
    grade_by_hand(tiny, "why", 4.0)
    grade_by_hand(tiny, "cube", 1.0)
    record(tiny, make.result())
    assert grade(tiny, "why") == (None, 4.0, False)
    assert grade(tiny, "cube") == (3.0, 1.0, False)

    record(tiny, make.result("student-01", make.question("square", 3), make.question("cube", 2)))  # the check changed
    assert grade(tiny, "why") == (None, 4.0, False)
    assert grade(tiny, "cube") == (2.0, 1.0, True)

    record(tiny, make.result(submission_sha256="1" * 64))  # handed in again
    assert grade(tiny, "why") == (None, 4.0, True)
    with Gradebook(tiny.course) as gradebook:
        why = next(c for c in gradebook.written_feedback("powers", "student-01") if c.cell == "why")
    assert (why.comment, why.score, why.max_score) == ("Well said.", 4.0, 5.0)


def test_a_result_that_names_no_submission_is_never_taken_for_unchanged(tiny: Any, make: Any) -> None:
    record(tiny, make.result(submission_sha256=None))
    grade_by_hand(tiny, "why", 4.0)
    record(tiny, make.result(submission_sha256=None))
    assert grade(tiny, "why") == (None, 4.0, True)


def test_what_this_machine_could_not_grade_waits_for_a_person_and_is_no_zero(tiny: Any, make: Any) -> None:
    record(tiny, make.result("student-01", make.question("square", 0, outcome="ungraded"), make.question("cube", 3)))
    assert grade(tiny, "square") == (None, None, True)
    assert grade(tiny, "cube") == (3.0, None, False)


@pytest.mark.parametrize("state", ["unreadable", "missing", "failed"])
def test_a_submission_that_could_not_be_graded_has_zero_and_a_flag(tiny: Any, make: Any, state: str) -> None:
    lost = make.result(questions=(), written=(), cells=(), state=state, reason="it is a PDF", submission_sha256=None)
    with Gradebook(tiny.course) as gradebook:
        gradebook.record(lost, None)
        (score,) = gradebook.scores("powers")
    assert (score.total, score.needs_manual_grade) == (0.0, True)
    assert grade(tiny, "square") == grade(tiny, "cube") == (0.0, None, True)
    assert grade(tiny, "why") == (None if state == "failed" else 0.0, None, True)  # an answer can still be read


def test_no_weights_of_a_check_give_more_than_the_points(tiny: Any, make: Any) -> None:
    from dataclasses import replace

    odd = make.question("cube", 2)
    odd = replace(odd, cases=tuple(replace(c, weight=1.0 if c.outcome == "passed" else -1.0) for c in odd.cases))
    record(tiny, make.result("student-01", make.question("square", 3), odd))
    assert odd.score == 6.0
    assert grade(tiny, "cube") == (3.0, None, False)


def test_late_work_loses_what_the_courses_plugin_says_unless_it_has_an_extension(tiny: Any, make: Any) -> None:
    (tiny.root / "tiny_late_plugin.py").write_text(
        "from nbgrader.plugins import BasePlugin\n\n\n"
        "class PerHour(BasePlugin):\n"
        "    def late_submission_penalty(self, student_id, score, total_seconds_late):\n"
        "        return total_seconds_late / 3600\n"
    )
    tiny.configure(
        f"import sys; sys.path.insert(0, {str(tiny.root)!r})\n"
        "c.AssignLatePenalties.plugin_class = 'tiny_late_plugin.PerHour'"
    )
    with tiny.nbgrader() as book:
        book.update_or_create_assignment("powers", duedate="2026-03-01 12:00:00 UTC")
    tiny.submit("student-01", tiny.answered(), "2026-03-01 14:00:00 UTC")
    tiny.submit("student-02", tiny.answered(), "2026-03-01T13:00:00+01:00")
    with Gradebook(tiny.course) as gradebook:
        for student in ("student-01", "student-02", "student-03"):
            assert gradebook.record(make.result(student), tiny.answered()) == ()
        late, on_time, unknown = gradebook.scores("powers")
    assert (late.raw, late.late_penalty, late.total) == (5.0, 2.0, 3.0)
    assert late.timestamp == datetime(2026, 3, 1, 14)
    assert (on_time.late_penalty, unknown.late_penalty) == (0.0, 0.0)

    with tiny.nbgrader() as book:
        book.grant_extension("powers", "student-01", minutes=90)
    record(tiny, make.result())
    with Gradebook(tiny.course) as gradebook:
        assert gradebook.scores("powers")[0].late_penalty == 0.5


def test_a_time_with_a_zone_is_kept_in_utc(tiny: Any, make: Any) -> None:
    with Gradebook(tiny.course) as gradebook:
        handed_in = datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))
        gradebook.record(make.result(), tiny.answered(), handed_in)
        assert gradebook.scores("powers")[0].timestamp == datetime(2026, 3, 1, 12)


def test_an_extension_without_a_due_date_makes_nothing_late(tiny: Any, make: Any) -> None:
    record(tiny, make.result())
    with tiny.nbgrader() as book:
        book.grant_extension("powers", "student-01", days=1)
    with Gradebook(tiny.course) as gradebook:
        gradebook.record(make.result(), tiny.answered(), datetime(2026, 3, 1))
        assert gradebook.scores("powers")[0].late_penalty == 0.0


def test_a_timestamp_that_is_none_is_told_and_the_scores_are_kept(tiny: Any, make: Any) -> None:
    tiny.submit("student-01", tiny.answered(), "yesterday, I swear")
    with Gradebook(tiny.course) as gradebook:
        (note,) = gradebook.record(make.result(), tiny.answered())
        assert "timestamp.txt" in note.text
        assert gradebook.scores("powers")[0].total == 5.0
        path = tiny.root / "submitted/student-01/powers/timestamp.txt"
        path.unlink()
        os.mkfifo(path)
        assert gradebook.record(make.result(), tiny.answered()) == ()  # and nobody waits for a pipe


def test_scores_agree_with_nbgraders_own_reading(tiny: Any, make: Any) -> None:
    with tiny.nbgrader() as book:
        book.update_or_create_student("student-09", first_name="No", last_name="Show")
    record(
        tiny,
        make.result("student-01"),
        make.result("student-02", make.question("square", 1), make.question("cube", 0)),
    )
    grade_by_hand(tiny, "why", 4.0, "student-02")
    with tiny.nbgrader() as book:
        book.find_grade("cube", "powers", "powers", "student-02").extra_credit = 0.5
        book.db.commit()
        theirs = {row["student"]: row for row in book.submission_dicts("powers")}
        students = sorted(student.id for student in book.students)
    with Gradebook(tiny.course) as gradebook:
        ours = {score.student: score for score in gradebook.scores("powers")}
    assert sorted(ours) == students
    for student, row in theirs.items():
        assert ours[student].raw == pytest.approx(row["score"])
        assert ours[student].max_score == row["max_score"]
        assert ours[student].needs_manual_grade == bool(row["needs_manual_grade"])
    assert (ours["student-09"].submitted, ours["student-09"].total) == (False, 0.0)
    assert ours["student-02"].auto == pytest.approx(2 / 3)
    assert ours["student-02"].manual == 4.0


def test_a_changed_notebook_keeps_grades_and_gives_submissions_the_new_cells(tiny: Any, make: Any) -> None:
    record(tiny, make.result())
    grade_by_hand(tiny, "why", 4.0)
    source = make.source()
    source["cells"][4]["metadata"]["nbgrader"]["points"] = 6
    source["cells"].append(make.cell("code", "fourth", "assert True", grade=True, locked=True, points=1))
    with Gradebook(tiny.course) as gradebook:
        gradebook.ensure_assignment("powers", source)
        (score,) = gradebook.scores("powers")
    assert score.max_score == 14.0
    assert grade(tiny, "why") == (None, 4.0, False)
    assert grade(tiny, "fourth") == (None, None, True)
    assert grade(tiny, "cube") == (3.0, None, False)


def test_a_vanished_cell_takes_no_persons_work_with_it(tiny: Any, make: Any) -> None:
    record(tiny, make.result())
    source = make.source()
    del source["cells"][4]  # the cube's check: nobody graded it by hand
    with Gradebook(tiny.course) as gradebook:
        gradebook.ensure_assignment("powers", source)
        assert [cell.cell for cell in gradebook.scores("powers")[0].cells] == ["square", "why"]
    grade_by_hand(tiny, "why", 4.0)
    before = tiny.rows()
    source["cells"] = [cell for cell in source["cells"] if cell["id"] not in ("why", "square")]
    with (
        Gradebook(tiny.course) as gradebook,
        pytest.raises(CourseError, match=r"'why' is gone.* commented on it 1 times"),
    ):
        gradebook.ensure_assignment("powers", source)
    assert tiny.rows() == before


def test_results_of_another_version_are_refused_by_name(tiny: Any, make: Any) -> None:
    from dataclasses import replace

    with Gradebook(tiny.course) as gradebook:
        worth = replace(make.question("cube", 3), points=30.0)
        with pytest.raises(CourseError, match="'cube' is worth 3 points in the gradebook and 30"):
            gradebook.record(make.result("student-01", worth), None)
        with pytest.raises(CourseError, match="no grade cell 'root'"):
            gradebook.record(make.result("student-01", replace(worth, question="root")), None)
        with pytest.raises(CourseError, match="doesn't know the assignment 'roots'"):
            gradebook.record(make.result(assignment="roots"), None)
        with pytest.raises(CourseError, match="can't be a student's id"):
            gradebook.record(make.result("../student-01"), None)
        assert gradebook.scores("powers") == []


def test_a_closed_list_of_students_is_respected(tiny: Any, make: Any) -> None:
    tiny.configure("c.Autograde.create_student = False")
    with Gradebook(tiny.course) as gradebook, pytest.raises(CourseError, match="doesn't know the student"):
        gradebook.record(make.result(), tiny.answered())


def test_notebooks_that_nbgrader_refuses_are_named(tiny: Any, make: Any) -> None:
    source = make.source()
    source["cells"].append(source["cells"][2])
    with Gradebook(tiny.course) as gradebook, pytest.raises(CourseError, match=r"powers\.ipynb.*Duplicate grade id"):
        gradebook.ensure_assignment("powers", source)


def test_extensions_are_kept_when_a_submission_is_recorded_again(tiny: Any, make: Any) -> None:
    record(tiny, make.result())
    with tiny.nbgrader() as book:
        book.grant_extension("powers", "student-01", days=2)
    record(tiny, make.result(submission_sha256="2" * 64))
    with tiny.nbgrader() as book:
        assert book.find_submission("powers", "student-01").extension == timedelta(days=2)
