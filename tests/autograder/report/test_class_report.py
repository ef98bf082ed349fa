"""The instructor's page about an assignment, and the exports."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.report import class_report, exports
from autograder.results import CaseResult, Note, QuestionResult, Result, WrittenResult

Parse = Callable[[str], Any]


def page_of(results: list[Result], **more: Any) -> str:
    return class_report.page("Deep learning", "backprop", results, **more)


def test_the_page_opens_with_how_the_class_did(classroom: list[Result], contained: Parse) -> None:
    page = contained(page_of(classroom))
    assert "submissions 14 12 graded, 1 unreadable, 1 missing" in page.text
    assert "median 11.25 of 14" in page.text
    assert "need a person 2 submissions and 11 written answers" in page.text
    assert page.all("html") == [{"lang": "en"}]
    assert all(header.get("scope") in ("row", "col") for header in page.all("th"))


def test_the_gradebooks_totals_take_the_place_of_the_checks(classroom: list[Result], contained: Parse) -> None:
    totals = {result.student: 10.0 for result in classroom}
    page = contained(page_of(classroom, totals=totals, maximum=19))
    assert "mean 10 of 19" in page.text
    assert "As the gradebook has them." in page.text


def test_the_histogram_counts_everybody_once(classroom: list[Result], contained: Parse) -> None:
    scores = [result.score for result in classroom]
    drawn = class_report.histogram(scores, 14)
    assert [bar.count for bar in drawn.bars] == [2, 0, 0, 0, 0, 2, 0, 3, 1, 6]
    assert all(0 <= bar.y <= drawn.floor and bar.x + bar.width <= drawn.width for bar in drawn.bars)
    title = contained(page_of(classroom)).text
    assert "Students by score: 2 from 0, 0 from 1.4" in title


@settings(deadline=None)  # times are no part of what is promised
@given(st.lists(st.floats(-5, 40)), st.sampled_from([0.0, 1.0, 14.0]))
def test_no_score_falls_out_of_the_histogram(scores: list[float], points: float) -> None:
    drawn = class_report.histogram(scores, points)
    assert sum(bar.count for bar in drawn.bars) == len(scores)
    assert 0 <= drawn.mean_x <= drawn.width


def test_a_question_tells_its_commonest_mistakes_and_hardest_cases(classroom: list[Result]) -> None:
    facts = class_report.question_facts("layer_norm_backward", classroom)
    assert (facts.passed, facts.graded) == (8, 12)
    assert [(mistake.name, mistake.count) for mistake in facts.mistakes] == [("unbiased", 4)]
    assert [(case.name, case.failed) for case in facts.hard_cases] == [("shape0", 4), ("shape1", 4)]
    tape = class_report.question_facts("scalar_tape", classroom)
    assert [(mistake.name, mistake.count) for mistake in tape.mistakes] == [("overwrites", 3)]
    assert tape.limits == 1


def test_a_question_that_nobody_could_be_graded_on_is_no_failure(classroom: list[Result], contained: Parse) -> None:
    facts = class_report.question_facts("cuda_graph", classroom)
    assert (facts.graded, facts.share) == (0, 0.0)
    assert "cuda_graph not graded here –" in contained(page_of(classroom)).text


def test_who_needs_a_person_is_listed_with_why(classroom: list[Result], contained: Parse) -> None:
    text = contained(page_of(classroom)).text
    assert "student-09 unreadable: backprop.ipynb is no notebook" in text
    assert "student-10 no notebook: submitted/student-10/backprop holds no notebook" in text
    assert "explain_layer_norm 11 answers to read: student-02, student-03" in text


def test_the_table_tells_limits_repairs_and_a_missing_jail(classroom: list[Result], contained: Parse) -> None:
    text = contained(page_of(classroom)).text
    assert "limit hit: 10 s of wall time (8 cases)" in text
    assert "2 deleted check cells were put back" in text
    assert "Graded without a sandbox: student-12." in text
    assert "Slowest: student-05 41 s" in text


def test_a_class_of_nobody_has_a_page(contained: Parse) -> None:
    assert "submissions 0" in contained(page_of([])).text


def hostile_results(samples: SimpleNamespace, hostile: str) -> list[Result]:
    case = CaseResult(hostile, "failed", summary=hostile, limit=hostile)
    bad = samples.result(
        1,
        student=hostile,
        questions=(QuestionResult(hostile, 1, (case,), hostile, hostile),),
        written=(WrittenResult(hostile, 1, True),),
        notes=(Note("file", hostile),),
        sandbox="UNSANDBOXED",
        submission_sha256=hostile,
    )
    return [bad, replace(bad, state="failed", reason=hostile)]


def test_hostile_text_is_shown_as_text(samples: SimpleNamespace, hostile: str, contained: Parse) -> None:
    contained(class_report.page(hostile, hostile, hostile_results(samples, hostile)))


@settings(deadline=None)  # times are no part of what is promised
@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=60))
def test_any_text_is_shown_as_text(samples: SimpleNamespace, contained: Parse, hostile: str) -> None:
    contained(class_report.page(hostile, hostile, hostile_results(samples, hostile)))


def test_the_page_is_written(classroom: list[Result], tmp_path: Path) -> None:
    path = class_report.write("Deep learning", "backprop", classroom, None, tmp_path / "reports" / "backprop.html")
    assert path.read_text(encoding="utf-8") == page_of(classroom)


def test_the_csv_has_a_line_per_submission_and_a_column_per_question(classroom: list[Result], tmp_path: Path) -> None:
    text = exports.write_csv(classroom, tmp_path / "a.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 14
    assert rows[1]["student"] == "student-02"
    assert (rows[1]["score"], rows[1]["points"], rows[1]["layer_norm_backward"]) == ("13", "14", "2")
    assert rows[1]["cuda_graph"] == ""
    assert rows[1]["explain_layer_norm"] == "to read"
    assert rows[8]["state"] == "unreadable"
    assert "not JSON" in rows[8]["needs_person"]


@pytest.mark.parametrize(
    "formula",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        '=HYPERLINK("http://x","y")',
        "|calc",
        "\u202e=1",
        "\x1b[0m=1",
    ],
)
def test_no_text_becomes_a_formula(samples: SimpleNamespace, tmp_path: Path, formula: str) -> None:
    made = samples.result(1, student=formula, notes=(Note("file", formula),), device=formula)
    text = exports.write_csv([made], tmp_path / "a.csv").read_text(encoding="utf-8")
    for field in list(csv.reader(io.StringIO(text, newline="")))[1]:
        assert not field.startswith(("=", "+", "-", "@", "\t", "\r", "|")), field


@settings(deadline=None)  # times are no part of what is promised
@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=40))
def test_no_text_at_all_becomes_a_formula(text: str) -> None:
    plain = exports.plain(text)
    assert not plain.startswith(("=", "+", "-", "@"))
    assert "\n" not in plain


def test_the_json_has_the_scores_and_all_that_was_found(classroom: list[Result], tmp_path: Path) -> None:
    found = json.loads(exports.write_json(classroom, tmp_path / "a.json").read_text(encoding="utf-8"))["results"]
    assert found[1]["score"] == pytest.approx(13)
    assert found[1]["scores"]["layer_norm_backward"] == pytest.approx(2)
    assert "cuda_graph" not in found[1]["scores"]
    assert found[1]["questions"][3]["mistake"] == "unbiased"
    assert found[8]["reason"] == classroom[8].reason
