"""What a terminal shows: the scores' table, the check's lines, progress."""

from __future__ import annotations

import io
from types import SimpleNamespace

from rich.console import Console, RenderableType

from autograder.report import terminal
from autograder.results import CaseResult, Note, QuestionResult, Result


def shown(renderable: RenderableType, *, width: int = 160, terminal: bool = False) -> str:
    """What a console of `width` columns prints."""
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def line_of(text: str, student: str) -> str:
    return next(line for line in text.splitlines() if student in line)


def test_the_table_shows_score_each_question_and_what_happened(classroom: list[Result]) -> None:
    text = shown(terminal.scores_table(classroom, title="backprop"))
    first = line_of(text, "student-01")
    assert "14/14" in first
    assert first.count("✓") == 4
    second = line_of(text, "student-02")
    assert "13/14" in second
    assert second.split()[2:] == ["✓", "✓", "✓", "2", "–"]
    assert "✗" in line_of(text, "student-05")
    assert "stopped after 20 s" in text
    assert "0/14" in line_of(text, "student-09")
    assert "not JSON at line 1" in text
    assert "UNSANDBOXED" in line_of(text, "student-12")
    assert "2 deleted check cells were put back" in text
    assert "4:layer_norm_backward" in text


def test_the_table_fits_eighty_columns(classroom: list[Result]) -> None:
    text = shown(terminal.scores_table(classroom), width=80)
    assert max(len(line) for line in text.splitlines()) <= 80
    assert all(f"student-{number:02}" in text for number in range(1, 15))


def test_twelve_questions_fit_eighty_columns(samples: SimpleNamespace) -> None:
    partly = (CaseResult("a", "passed", weight=1), CaseResult("b", "failed", weight=2))
    many = tuple(QuestionResult(f"question_{i}", 4, partly) for i in range(12))
    text = shown(terminal.scores_table([samples.result(1, questions=many)]), width=80)
    assert line_of(text, "student-01").split()[1:14] == ["16/48", *["1.3"] * 12]


def test_a_table_of_nothing_can_be_shown() -> None:
    assert "student" in shown(terminal.scores_table([]))
    assert str(terminal.summary_line([])) == "0 submissions: nothing to grade"


def test_the_summary_counts_states_and_who_needs_a_person(classroom: list[Result]) -> None:
    line = str(terminal.summary_line(classroom))
    assert line.startswith("14 submissions: 12 graded, 1 unreadable, 1 missing; median ")
    assert line.endswith("; 2 need a person; 11 written answers to read")


def test_a_check_prints_verdict_hint_and_first_failing_case(samples: SimpleNamespace) -> None:
    public = QuestionResult("affine_backward", 3, tuple(CaseResult(f"n{i}", "passed") for i in range(6)))
    lines = terminal.question_lines([public, samples.question("layer_norm_backward", 2, "unbiased"), samples.GPU])
    passed, failed, ungraded = (shown(line) for line in lines)
    assert passed.rstrip() == "✓ affine_backward  3/3  all 6 public cases passed; more run when it is graded"
    assert failed.splitlines()[0].startswith("◐ layer_norm_backward  2/3  2 cases: ")
    assert failed.splitlines()[1].strip() == samples.HINTS["unbiased"]
    assert ungraded.rstrip() == "○ cuda_graph  –/2  not graded here: needs a GPU"


def test_a_long_verdict_wraps_under_its_beginning(samples: SimpleNamespace) -> None:
    line = terminal.question_lines([samples.question("layer_norm_backward", 2, "unbiased")])[0]
    text = shown(line, width=60)
    assert all(row.startswith(("◐ ", "  ")) and len(row) <= 60 for row in text.splitlines())


def test_the_total_leaves_out_what_could_not_be_graded_here(samples: SimpleNamespace) -> None:
    questions = [samples.question("scalar_tape"), samples.question("affine_backward", 6), samples.GPU]
    assert str(terminal.total_line(questions)) == "4/7 points; 1 of 2 questions passed; 1 not graded here"


def test_hostile_text_reaches_the_screen_as_text(samples: SimpleNamespace, hostile: str) -> None:
    case = CaseResult(hostile, "failed", summary=hostile, detail=hostile)
    bad = QuestionResult(hostile, 1, (case,), hint=hostile)
    made = samples.result(1, student=hostile, questions=(bad,), notes=(Note("cell", hostile),))
    lost = samples.result(2, state="unreadable", reason=hostile, questions=())
    out = shown(terminal.scores_table([made, lost], title=hostile), terminal=True)
    out += "".join(shown(line, terminal=True) for line in terminal.question_lines([bad]))
    out.encode("utf-8")
    assert not set(out) & set("\x00\x07\x08\x1b\x7f\x9b\u202e\u2066\u200f")
    if "[bold red]" in hostile:
        assert "[bold red]markup[/]" in out


def test_progress_in_a_log_is_a_plain_line_at_every_tenth() -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with terminal.progress(console) as bar:
        task = bar.add_task("Grading [backprop]", total=40)
        for _ in range(40):
            bar.advance(task)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("Grading [backprop] 4/40")
    assert lines[-1].startswith("Grading [backprop] 40/40")
    assert "\x1b" not in console.file.getvalue()


def test_progress_in_a_terminal_shows_how_many_are_done() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    with terminal.progress(console) as bar:
        task = bar.add_task("Grading [backprop]", total=3)
        bar.update(task, completed=3)
    assert isinstance(console.file, io.StringIO)
    assert "Grading [backprop]" in console.file.getvalue()
    assert "3/3" in console.file.getvalue()


def test_progress_without_anything_to_do_is_quiet() -> None:
    console = Console(file=io.StringIO(), force_terminal=False)
    with terminal.progress(console) as bar:
        bar.advance(bar.add_task("Grading", total=0))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == ""
