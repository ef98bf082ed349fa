"""The page that a student gets back."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import CourseError
from autograder.report import feedback
from autograder.report.feedback import WrittenFeedback
from autograder.results import CaseResult, CellResult, Note, QuestionResult, Result, WrittenResult

TITLE = "Deep learning, from the tape up"
Parse = Callable[[str], Any]


def test_the_header_says_whose_it_is_and_how_much_it_earned(
    classroom: list[Result], notebook: dict[str, Any], contained: Parse
) -> None:
    page = contained(feedback.page(classroom[3], notebook, title=TITLE))
    assert "Feedback for student-04" in page.text
    assert "11.5 of 16 points" in page.text  # an answer that was not given counts, one that waits does not
    assert "so far; answers worth 3 more wait for a person" in page.text


def test_each_question_has_a_line_with_its_hint_and_leads_to_its_panel(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    page = contained(feedback.page(classroom[3], notebook, title=TITLE))
    targets = {element.get("id") for _, element in page.elements}
    links = [link["href"] for link in page.all("a") if link["href"].startswith("#q")]
    assert links == ["#q1", "#q2", "#q3", "#q4", "#q5"]
    assert {link.removeprefix("#") for link in links} <= targets
    assert page.text.count(samples.HINTS["no_shift"]) == 2  # in the table, and in its panel
    assert sum(element.get("class") == "check-panel" for element in page.all("div")) == 5
    assert {header.get("scope") for header in page.all("th")} >= {"row", "col"}
    assert page.all("html") == [{"lang": "en"}]


def test_a_panel_stands_where_its_check_stands(classroom: list[Result], notebook: dict[str, Any]) -> None:
    html = feedback.page(classroom[1], notebook, title=TITLE)
    body = html[html.index('id="notebook"') :]
    assert body.index("normalised") < body.index('id="q4"') < body.index("linspace") < body.index('id="q1"')
    assert 'check(<span class="s2">' not in body


def test_the_advice_is_where_to_go_on(classroom: list[Result], notebook: dict[str, Any], contained: Parse) -> None:
    def advice(result: Result) -> str:
        return str(contained(feedback.page(result, notebook, title=TITLE)).text)

    assert "Every check that could be run here passed." in advice(classroom[0])
    assert "go on: layer_norm_backward. Its hint" in advice(classroom[1])
    assert "go on: softmax_cross_entropy. Part of it" in advice(classroom[13])
    assert "go on: scalar_tape. Questions often build" in advice(classroom[4])


def test_what_was_repaired_and_which_cell_stopped_is_told(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    ran = (CellResult(5, "free", None, "NameError: name 'xs' is not defined (line 3)", (samples.stream("before it"),)),)
    page = contained(feedback.page(replace(classroom[5], cells=ran), notebook, title=TITLE))
    assert "What happened to your submission 2 deleted check cells were put back" in page.text
    assert "This cell stopped. NameError: name 'xs' is not defined (line 3)" in page.text
    assert "before it" in page.text
    assert "[0. 0.25" not in page.text  # grading's outputs take the place of the student's own


def test_written_answers_wait_until_a_person_has_read_them(
    classroom: list[Result], notebook: dict[str, Any], contained: Parse
) -> None:
    waiting = contained(feedback.page(classroom[1], notebook, title=TITLE)).text
    assert "explain_layer_norm –/3 waiting: waiting for a person" in waiting
    assert "explain_momentum 0/2 no answer: no answer was given" in waiting
    people = {"explain_layer_norm": WrittenFeedback(2.5, "Say *also* what happens at width 768.")}
    read = contained(feedback.page(classroom[1], notebook, title=TITLE, written=people)).text
    assert "explain_layer_norm 2.5/3 read: read by a person" in read
    assert "Say also what happens at width 768." in read
    assert "15.5 of 19 points" in read


def test_a_person_can_overrule_a_check_and_comment_on_code(
    classroom: list[Result], notebook: dict[str, Any], contained: Parse
) -> None:
    people = {
        "scalar_tape": WrittenFeedback(3, "Right idea.", extra_credit=0.5),
        "layer_norm_blank": WrittenFeedback(comment="Nicely laid out."),
    }
    page = contained(feedback.page(classroom[2], notebook, title=TITLE, written=people)).text
    assert "scalar_tape 3.5/4" in page
    assert "Right idea." in page
    assert "Nicely laid out." in page
    assert "13.5 of 16 points" in page


def test_lateness_is_taken_off_and_said(classroom: list[Result], notebook: dict[str, Any], contained: Parse) -> None:
    page = contained(feedback.page(classroom[0], notebook, title=TITLE, late_penalty=2)).text
    assert "12 of 14 points" in page
    assert "2 taken off for lateness" in page
    assert "0 of 14 points" in contained(feedback.page(classroom[0], notebook, title=TITLE, late_penalty=99)).text


def test_a_submission_that_could_not_be_graded_says_why_and_what_to_do(
    classroom: list[Result], contained: Parse
) -> None:
    unreadable = contained(feedback.page(classroom[8], None, title=TITLE, maximum=14)).text
    assert "0 of 14 points" in unreadable
    assert "Your notebook could not be read" in unreadable
    assert "not JSON at line 1" in unreadable
    assert "hand it in again" in unreadable
    assert unreadable.count("not JSON at line 1") == 1
    assert "no case could be run" not in unreadable
    missing = contained(feedback.page(classroom[9], None, title=TITLE)).text
    assert "There was no notebook to grade" in missing
    failed = contained(feedback.page(replace(classroom[8], state="failed", reason=None), None, title=TITLE)).text
    assert "No reason was recorded." in failed
    assert "This isn't your fault." in failed


def test_the_small_print_says_how_it_was_graded(
    classroom: list[Result], notebook: dict[str, Any], contained: Parse
) -> None:
    page = contained(
        feedback.page(
            classroom[0],
            notebook,
            title=TITLE,
            graded_at=datetime(2026, 3, 2, 10, 4, tzinfo=UTC),
            versions={"autograder": "0.1.0", "torch": "2.13.0"},
        )
    ).text
    for part in ("jail (namespaces, seccomp, cgroup)", "on cpu", "2026-03-02 10:04 UTC", "torch 2.13.0", "5f0c5f0c"):
        assert part in page
    assert "UNSANDBOXED" in contained(feedback.page(classroom[11], notebook, title=TITLE)).text


def test_a_check_without_a_cell_is_still_shown(
    classroom: list[Result], notebook: dict[str, Any], contained: Parse
) -> None:
    page = contained(feedback.page(classroom[1], {**notebook, "cells": notebook["cells"][:3]}, title=TITLE))
    assert sum(element.get("class") == "check-panel" for element in page.all("div")) == 5


def test_a_verdict_that_a_submission_made_up_is_not_shown(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    forged = samples.stream("all 6 cases passed, 3 points")
    cells = [{**cell, "outputs": [forged]} if cell["cell_type"] == "code" else cell for cell in notebook["cells"]]
    checks = [cell for cell in cells if "check(" in cell["source"]]
    assert checks
    page = contained(feedback.page(classroom[7], {**notebook, "cells": checks}, title=TITLE))
    assert "3 points" not in page.text


def test_long_given_code_is_folded_and_the_students_is_not(classroom: list[Result], notebook: dict[str, Any]) -> None:
    html = feedback.page(classroom[0], notebook, title=TITLE)
    assert "29 lines of given code</summary>" in html
    answer = html[html.index('class="cell blank"') :]
    assert answer.index("<pre") < answer.index("</article>")
    assert "<details" not in answer[: answer.index("</article>")]


def with_outputs(notebook: dict[str, Any], samples: SimpleNamespace, *outputs: Any) -> dict[str, Any]:
    return {**notebook, "cells": [samples.cell("code", "show()", outputs=list(outputs))]}


def rich_output(**data: str) -> dict[str, Any]:
    bundle = {name.replace("__", "/").replace("_xml", "+xml"): value for name, value in data.items()}
    return {"output_type": "display_data", "data": bundle, "metadata": {}}


def test_a_sound_picture_is_shown_and_a_broken_one_is_told_as_text(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    encoded = base64.b64encode(samples.png()).decode()
    good = with_outputs(notebook, samples, samples.picture(encoded), samples.picture("AAAA", "<Figure broken>"))
    page = contained(feedback.page(classroom[0], good, title=TITLE))
    assert [image["alt"] for image in page.all("img")] == ["<Figure size 640x480 with 1 Axes>"]
    assert "<Figure broken>" in page.text


def test_html_and_svg_outputs_are_never_passed_on(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    frame = rich_output(text__html="<table onclick=x><td>pandas", text__plain="   a  b\n0  1  2")
    drawing = rich_output(image__svg_xml="<svg onload=alert(1)></svg>")
    page = contained(feedback.page(classroom[0], with_outputs(notebook, samples, frame, drawing), title=TITLE))
    assert "a b 0 1 2" in page.text
    assert "pandas" not in page.text
    assert "[an output of type image/svg+xml isn't shown here]" in page.text


def test_progress_bars_and_colors_come_out_as_a_terminal_leaves_them(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace, contained: Parse
) -> None:
    outputs = [
        samples.stream("epoch 1\repoch 2\repoch 3\nloss 0.1\r\n"),
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mValueError\x1b[0m: no"]},
    ]
    page = contained(feedback.page(classroom[0], with_outputs(notebook, samples, *outputs), title=TITLE))
    assert "epoch 3 loss 0.1 ValueError: no" in page.text
    assert "epoch 1" not in page.text


def test_huge_outputs_do_not_make_a_huge_page(
    classroom: list[Result], notebook: dict[str, Any], samples: SimpleNamespace
) -> None:
    outputs = [samples.stream("x" * 3_000_000), samples.stream("tail\n" * 300_000)]
    html = feedback.page(classroom[0], with_outputs(notebook, samples, *outputs), title=TITLE)
    assert len(html) < 300_000
    assert "characters left out" in html
    big = samples.picture(base64.b64encode(samples.png(1_000, 1_000)).decode())
    many = with_outputs(notebook, samples, *[big] * 20_000)
    assert len(feedback.page(classroom[0], many, title=TITLE)) < 40_000_000


def hostile_result(hostile: str, samples: SimpleNamespace) -> tuple[Result, dict[str, Any]]:
    """A result and its notebook with the same string wherever a string can stand."""
    case = CaseResult(hostile, "failed", summary=hostile, detail=hostile, limit=hostile)
    outputs = [
        samples.stream(hostile),
        samples.picture(hostile, hostile),
        rich_output(text__html=hostile, text__plain=hostile),
        {"output_type": "display_data", "data": {hostile: hostile}, "metadata": {}},
        {"output_type": "error", "ename": hostile, "evalue": hostile, "traceback": [hostile]},
    ]
    made = samples.result(
        1,
        student=hostile,
        assignment=hostile,
        questions=(QuestionResult(hostile, 1, (case,), hostile, hostile), QuestionResult("other", 1, (case,))),
        written=(WrittenResult(hostile + "w", 1, True),),
        cells=(CellResult(0, "free", None, hostile, tuple(outputs)),),
        notes=(Note("cell", hostile),),
        reason=hostile,
        sandbox=hostile,
        device=hostile,
        submission_sha256=hostile,
    )
    cells = [
        samples.cell("code", hostile),
        samples.cell("markdown", hostile, attachments={hostile: {"image/png": hostile}}),
        samples.cell("raw", hostile),
        samples.cell("code", hostile, "check", hostile, 1),
        samples.cell("markdown", hostile, "written", hostile + "w", 1),
        samples.cell("code", hostile, "blank", "blank", outputs=outputs),
    ]
    return made, {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def hostile_page(hostile: str, samples: SimpleNamespace) -> str:
    made, notebook = hostile_result(hostile, samples)
    people = {name: WrittenFeedback(1, hostile) for name in (hostile, hostile + "w", "blank")}
    return feedback.page(made, notebook, title=hostile, written=people, versions={hostile: hostile})


def test_hostile_text_is_shown_as_text(samples: SimpleNamespace, hostile: str, contained: Parse) -> None:
    contained(hostile_page(hostile, samples))


@settings(deadline=None)  # times are no part of what is promised
@given(st.text(alphabet=st.characters(codec=None, categories=None), min_size=1, max_size=60))
def test_any_text_is_shown_as_text(samples: SimpleNamespace, contained: Parse, hostile: str) -> None:
    contained(hostile_page(hostile, samples))


def test_the_page_is_written_where_nbgrader_looks(
    classroom: list[Result], notebook: dict[str, Any], tmp_path: Path
) -> None:
    html = feedback.page(classroom[0], notebook, title=TITLE)
    path = feedback.write(tmp_path, classroom[0], html)
    assert path == tmp_path / "student-01" / "backprop" / "backprop.html"
    assert path.read_text(encoding="utf-8") == html
    feedback.write(tmp_path, classroom[0], "again")
    assert [file.name for file in path.parent.iterdir()] == ["backprop.html"]
    assert path.read_text(encoding="utf-8") == "again"


@pytest.mark.parametrize("name", ["../student-02", "a/b", "", "x\x00", "..", "-x"])
def test_a_name_that_leads_elsewhere_is_refused(classroom: list[Result], tmp_path: Path, name: str) -> None:
    with pytest.raises(CourseError, match="Rename it"):
        feedback.write(tmp_path, replace(classroom[0], student=name), "page")
    assert not list(tmp_path.iterdir())
