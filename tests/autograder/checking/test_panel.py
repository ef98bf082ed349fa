"""The panel under a check, in a notebook and in a terminal."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checking import panel
from autograder.results import CaseResult, Outcome, QuestionResult

HINT = "This is what you get with the unbiased variance (dividing by N-1). LayerNorm divides by N."
NUMBERS = "17 of 32 elements differ; worst at [5, 2]: yours -0.4127, expected -0.3861 (off by 2.7e-02, allowed 3.1e-14)"

LAYER_NORM = QuestionResult(
    "layer_norm_backward",
    3,
    (
        CaseResult("shape0", "passed"),
        CaseResult("shape1", "failed", summary=f"dx has shape (8, 4) as expected\n{NUMBERS}", detail="dx =\n[[1, 2]]"),
        CaseResult("shape2", "passed"),
    ),
    mistake="unbiased",
    hint=HINT,
)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b2Jgone \x1bc",
    "a\x00b\x08c\x7f",
    "\u202eevil\u2066 \u200f",
    "\ud800 lone",
    "</pre></details><b>",
    "[bold red]markup[/]",
)


class Elements(HTMLParser):
    """The start tags of a piece of HTML, and whether every element was closed in order."""

    VOID = frozenset({"meta", "img", "br", "hr", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def question(*outcomes: Outcome, hidden: int = 0, points: float = 6) -> QuestionResult:
    """A question whose last `hidden` cases are hidden."""
    count = len(outcomes)
    cases = [
        CaseResult(f"n{i}", outcome, hidden=i >= count - hidden, summary="wrong" if outcome == "failed" else "")
        for i, outcome in enumerate(outcomes)
    ]
    return QuestionResult("affine_backward", points, tuple(cases))


def test_a_failing_check_says_what_where_and_how_far_and_gives_the_hint_right_after_the_verdict() -> None:
    lines = panel.text(LAYER_NORM).splitlines()
    assert lines[0] == "layer_norm_backward  2/3   case 2 of 3: dx has shape (8, 4) as expected"
    assert lines[1] == f"    {HINT}"
    assert lines[2] == f"    {NUMBERS}"
    assert lines[3:] == ["    dx =", "    [[1, 2]]"]


def test_the_html_panel_says_the_same_with_the_detail_folded() -> None:
    html = panel.html(LAYER_NORM)
    told = Elements(html).text
    assert "case 2 of 3: dx has shape (8, 4) as expected" in told
    assert told.index(HINT) < told.index(NUMBERS)
    assert html.index("<details") < html.index("[[1, 2]]")


def test_a_pass_says_what_passed() -> None:
    assert panel.verdict(question(*["passed"] * 6), public=True) == (
        "all 6 public cases passed; more run when it is graded"
    )
    assert panel.verdict(question("passed"), public=True) == "the one public case passed; more run when it is graded"
    assert panel.verdict(question(*["passed"] * 9, hidden=3)) == "all 9 cases passed, 3 of them hidden"
    assert panel.verdict(question("passed", "passed", hidden=2)) == "all 2 cases passed, hidden"


def test_a_question_that_this_machine_cannot_grade_says_why() -> None:
    for summary in ("needs a GPU", "not graded here: needs a GPU"):
        alone = QuestionResult("cuda_graph", 4, (CaseResult("a", "ungraded", summary=summary),))
        assert panel.text(alone) == "cuda_graph  –/4   not graded here: needs a GPU"
    some = QuestionResult("triton", 4, (CaseResult("a", "passed"), CaseResult("b", "ungraded", summary="needs a GPU")))
    assert panel.text(some) == "triton  4/4   the one case passed; 1 case not graded here: needs a GPU"


def test_a_hidden_case_shows_neither_its_name_nor_its_detail() -> None:
    case = CaseResult("width1-of-NAMEDINPUT", "failed", hidden=True, summary="dx differs", detail="expected SECRET")
    hidden = QuestionResult("norm", 2, (CaseResult("a", "passed"), case))
    for shown in (panel.text(hidden), panel.html(hidden)):
        assert "hidden case 2 of 2: dx differs" in shown
        assert "SECRET" not in shown
        assert "NAMEDINPUT" not in shown


def test_a_public_failure_comes_before_a_hidden_one() -> None:
    cases = (
        CaseResult("a", "failed", hidden=True, summary="hidden says little"),
        CaseResult("b", "failed", summary="public says more"),
    )
    lines = panel.text(QuestionResult("norm", 2, cases)).splitlines()
    assert lines == [
        "norm  0/2   case 2 of 2: public says more",
        "    hidden case 1 of 2: hidden says little",
    ]


def test_the_limit_that_ended_a_case_is_named() -> None:
    case = CaseResult("a", "failed", limit="10 s of wall time", summary="it was still running")
    assert "stopped by a limit (10 s of wall time); it was still running" in panel.text(QuestionResult("q", 1, (case,)))
    told = CaseResult("a", "failed", limit="memory", summary="stopped: more memory than 4096 MiB")
    assert "stopped by" not in panel.text(QuestionResult("q", 1, (told,)))


def test_many_failures_are_counted_and_not_all_printed() -> None:
    cases = tuple(CaseResult(f"c{n}", "failed", summary=f"element {n} differs") for n in range(40))
    failed = QuestionResult("q", 1, cases)
    assert len(panel.text(failed).splitlines()) == 5
    assert panel.text(failed).endswith("36 more cases failed")
    assert "and 27 more" in panel.html(failed)


def test_what_every_case_says_is_said_once() -> None:
    cases = tuple(CaseResult(f"c{n}", "failed", summary="affine_backward still has its blank") for n in range(4))
    assert panel.text(QuestionResult("q", 1, cases)) == "q  0/1   all 4 cases: affine_backward still has its blank"
    passed = CaseResult("c", "passed")
    assert "4 cases: affine_backward still" in panel.text(QuestionResult("q", 1, (passed, *cases)))


def test_long_details_are_cut() -> None:
    case = CaseResult("a", "failed", summary="x" * 10_000, detail="line\n" * 100_000)
    failed = QuestionResult("q", 1, (case,))
    assert len(panel.text(failed)) < 2_000
    assert "more lines" in panel.text(failed)
    assert len(panel.html(failed)) < 20_000


def test_a_question_without_any_case_earns_nothing_and_says_so() -> None:
    assert panel.text(question()) == "affine_backward  0/6   no case could be run, so it earns nothing yet"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(4.0, "4"), (4 / 3, "1.33"), (0.5, "0.5"), (5.9999, "5.99"), (0.1 + 0.2, "0.3"), (10, "10"), (float("nan"), "–")],
)
def test_points_are_written_as_people_write_them(value: float, shown: str) -> None:
    assert panel.number(value) == shown


def test_the_same_verdict_is_never_shown_by_color_alone() -> None:
    for state, outcomes in {
        "passed": ["passed"],
        "partly right": ["passed", "failed"],
        "not yet": ["failed"],
        "not graded": ["ungraded"],
    }.items():
        assert state in Elements(panel.html(question(*outcomes))).text  # type: ignore[arg-type]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_shown_as_text(hostile: str) -> None:
    assert_harmless(hostile)


@settings(deadline=None)  # times are no part of what is promised
@given(st.text(alphabet=st.characters(codec=None, categories=None), max_size=80))
def test_any_text_is_shown_as_text(hostile: str) -> None:
    assert_harmless(hostile)


def assert_harmless(hostile: str) -> None:
    case = CaseResult(hostile, "failed", summary=hostile, detail=hostile, limit=hostile or None)
    failed = QuestionResult(hostile, 1, (case, case), mistake=hostile, hint=hostile)
    elements = Elements(panel.html(failed))
    assert set(elements.tags) <= {"div", "span", "code", "strong", "pre", "details", "summary", "ul", "li"}
    assert set(elements.attributes) <= {"class", "style", "title"}
    for shown in (panel.html(failed), panel.text(failed)):
        shown.encode("utf-8")
        controls = {c for c in shown if unicodedata.category(c) == "Cc"} - {"\n", "\t"}
        assert not controls
        assert not set(shown) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_escape_sequences_go_whole() -> None:
    assert panel.clean("\x1b[1;31mred\x1b[0m") == "red"
    assert panel.clean("\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\") == "link"
    assert panel.clean("50%\r100%\r\ndone") == "50%\n100%\ndone"


def test_cleaning_with_a_limit_keeps_to_it() -> None:
    assert panel.clean("abcdef", 4) == "abc…"
    assert panel.clean("abcd", 4) == "abcd"


def test_the_panel_is_light_to_import() -> None:
    code = "import sys, autograder.checking.panel; print([m for m in ('jinja2', 'numpy', 'rich') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_white_can_be_read_on_every_badge() -> None:
    for color in panel._COLORS.values():
        channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_what_every_case_says_keeps_the_traceback_of_a_public_one() -> None:
    cases = (
        CaseResult("a", "failed", hidden=True, summary="a hidden case: raises TypeError", detail="SECRET"),
        CaseResult("b", "failed", summary="raises TypeError", detail="notebook, line 3, in f"),
    )
    shown = panel.text(QuestionResult("norm", 2, cases))
    assert shown.splitlines() == ["norm  0/2   all 2 cases: raises TypeError", "    notebook, line 3, in f"]
