"""What a student reads under `check("affine_backward")`: one verdict, one hint, details folded.

`html` is for Jupyter, formgrader and the feedback page; `text` is for terminals. Both are
light to import, and both treat every string of a result as hostile: a submission's own
words reach them through error messages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Literal

from autograder.results import CaseResult, QuestionResult

Status = Literal["passed", "partly", "failed", "ungraded"]

SYMBOLS: dict[Status, str] = {"passed": "✓", "partly": "◐", "failed": "✗", "ungraded": "○"}
WORDS: dict[Status, str] = {"passed": "passed", "partly": "partly right", "failed": "not yet", "ungraded": "not graded"}

_SUMMARY_CHARACTERS = 600
_DETAIL_CHARACTERS = 8_000
_TEXT_DETAIL_LINES = 12
_OTHERS_SHOWN = 12

# Escape sequences whole (OSC up to its end, CSI, the short ones), so that no "[31m" is left behind.
_ESCAPES = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]")
_LINE_ENDS = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
# Marks that reorder what is read: with them a line can say the reverse of what it holds.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean(text: str, limit: int | None = None) -> str:
    """`text` without terminal controls, bidirectional marks and lone surrogates; lines and tabs stay.

    With `limit`, at most that many characters, the cut marked by an ellipsis.
    """
    if limit is not None:
        text = text[: 4 * limit]  # so that the work is bounded as well as the outcome
    text = _LINE_ENDS.sub("\n", _ESCAPES.sub("", text))
    text = _SURROGATES.sub("\ufffd", _BIDI.sub("", _CONTROLS.sub("", text)))
    return text if limit is None or len(text) <= limit else text[: limit - 1].rstrip() + "…"


def one_line(text: str, limit: int = _SUMMARY_CHARACTERS) -> str:
    """`text` cleaned and on a single line."""
    return clean(" ".join(clean(text, 2 * limit).split()), limit)


def number(value: float) -> str:
    """A number of points as people write it: 4, 1.33; never rounded up to points that weren't earned."""
    if not math.isfinite(value):
        return "–"
    return f"{math.floor(value * 100 + 1e-6) / 100:.2f}".rstrip("0").rstrip(".")


def score(question: QuestionResult) -> str:
    """The score out of the points: 4/6, or –/6 when it could not be graded here."""
    earned = number(question.score) if status(question) != "ungraded" else "–"
    return f"{earned}/{number(question.points)}"


def status(question: QuestionResult) -> Status:
    """Whether a question was passed, partly passed, failed, or could not be graded here."""
    if question.passed:
        return "passed"
    if not question.graded and question.cases:
        return "ungraded"
    return "partly" if any(case.outcome == "passed" for case in question.cases) else "failed"


def verdict(question: QuestionResult, *, public: bool = False) -> str:
    """One line of what was found; `public` when only the cases that students have were run."""
    return _story(question, public=public).verdict


def text(question: QuestionResult, *, public: bool = False) -> str:
    """The panel for a terminal: the verdict, the hint, then what the first failing case said."""
    story = _story(question, public=public)
    lines = [f"{one_line(question.question, 100)}  {score(question)}   {story.verdict}"]
    if story.hint:
        lines.append(f"    {story.hint}")
    lines += [f"    {line}" for line in story.more]
    if story.failures:
        detail = story.failures[0].detail.splitlines()
        lines += [f"    {line}".rstrip() for line in detail[:_TEXT_DETAIL_LINES]]
        if len(detail) > _TEXT_DETAIL_LINES:
            lines.append(f"    … {_count(len(detail) - _TEXT_DETAIL_LINES, 'more line')}")
    lines += [f"    {failure.title}: {failure.summary}" for failure in story.failures[1:4]]
    if len(story.failures) > 4:
        lines.append(f"    {_count(len(story.failures) - 4, 'more case')} failed")
    return "\n".join(lines)


def html(question: QuestionResult, *, public: bool = False) -> str:
    """The panel for a notebook or a page: inline styles only, no script, readable on light and dark."""
    story = _story(question, public=public)
    state = status(question)
    color = _COLORS[state]
    parts = [
        f'<div class="check-panel" style="{_PANEL};border-left:4px solid {color}">',
        '<div style="margin:0">',
        f'<span style="{_BADGE};background:{color}">{SYMBOLS[state]} {WORDS[state]}</span> ',
        f'<code style="{_NAME}">{escape(one_line(question.question, 100))}</code> ',
        f'<span style="font-weight:600;white-space:nowrap" title="points">{escape(score(question))}</span>',
        f'<div style="margin:.35em 0 0">{escape(story.verdict)}</div></div>',
    ]
    if story.hint:
        parts.append(f'<div style="{_HINT}"><strong>Hint.</strong> {escape(story.hint)}</div>')
    if story.more:
        parts.append(_block("\n".join(story.more)))
    if story.failures and story.failures[0].detail:
        parts.append(_fold("Details", _block(story.failures[0].detail)))
    if story.failures[1:]:
        parts.append(_fold(f"{_count(len(story.failures) - 1, 'more case')} failed", _others(story.failures[1:])))
    parts.append("</div>")
    return "".join(parts)


@dataclass(frozen=True)
class _Failure:
    title: str  # "case 2 of 3", "hidden case 3 of 3"
    summary: str
    detail: str


@dataclass(frozen=True)
class _Story:
    """What a panel tells, cleaned but not escaped."""

    verdict: str
    hint: str
    more: tuple[str, ...]  # the lines of the first failing case's summary after its first
    failures: tuple[_Failure, ...]


def _story(question: QuestionResult, *, public: bool) -> _Story:
    state = status(question)
    if state == "ungraded":
        return _Story(_not_here(question.cases), "", (), ())
    if state == "passed":
        return _Story(_what_passed(question, public=public), "", (), ())
    hint = one_line(question.hint or "")
    failures = tuple(_failures(question))
    if len(failures) > 1 and len({failure.summary for failure in failures}) == 1:
        # A blank, a name that isn't there: every case says the same, and once is enough.
        which = f"all {len(failures)} cases" if len(failures) == len(question.cases) else f"{len(failures)} cases"
        failures = (_Failure(which, failures[0].summary, failures[0].detail),)
    if not failures:
        return _Story("no case could be run, so it earns nothing yet", hint, (), ())
    first, _, rest = failures[0].summary.partition("\n")
    line = f"{failures[0].title}: {first}"
    others = (_Failure(f.title, one_line("; ".join(f.summary.splitlines())), f.detail) for f in failures[1:])
    return _Story(line, hint, tuple(rest.splitlines()), (failures[0], *others))


def _failures(question: QuestionResult) -> Iterator[_Failure]:
    """The failing cases, those that the student can see first: they say more."""
    count = len(question.cases)
    numbered = [(index, case) for index, case in enumerate(question.cases, 1) if case.outcome == "failed"]
    for index, case in sorted(numbered, key=lambda pair: pair[1].hidden):
        summary = (
            "\n".join(line for line in clean(case.summary, _SUMMARY_CHARACTERS).splitlines() if line.strip())
            or "it did not pass"
        )
        if case.limit and case.limit not in summary:
            summary = f"stopped by a limit ({one_line(case.limit, 100)}); {summary}"
        if case.hidden:  # neither its detail nor its name: a case's name often tells its inputs
            yield _Failure(f"hidden case {index} of {count}", summary.removeprefix("a hidden case: "), "")
        else:
            yield _Failure(f"case {index} of {count}", summary, clean(case.detail, _DETAIL_CHARACTERS).strip("\n"))


def _what_passed(question: QuestionResult, *, public: bool) -> str:
    passed = [case for case in question.cases if case.outcome == "passed"]
    hidden = sum(case.hidden for case in passed)
    kind = "public case" if public else "case"
    line = f"all {_count(len(passed), kind)} passed" if len(passed) > 1 else f"the one {kind} passed"
    if hidden:
        line += f", {hidden} of them hidden" if hidden < len(passed) else ", hidden"
    if public:
        line += "; more run when it is graded"
    left = tuple(case for case in question.cases if case.outcome == "ungraded")
    return f"{line}; {_count(len(left), 'case')} {_not_here(left)}" if left else line


def _not_here(cases: tuple[CaseResult, ...]) -> str:
    shown = next((one_line(case.summary) for case in cases if case.summary.strip() and not case.hidden), "")
    if not shown:
        return "not graded here"
    return shown if shown.startswith("not graded") else f"not graded here: {shown}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# Inline styles can't ask whether the surroundings are light or dark, so text inherits its
# color, surfaces are see-through greys, and the badge brings its own ground (4.5:1 at least).
_COLORS: dict[Status, str] = {"passed": "#1a7f4b", "partly": "#9a6200", "failed": "#b3372f", "ungraded": "#5f6b7a"}
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_PANEL = (
    "box-sizing:border-box;max-width:60em;margin:.5em 0;padding:.7em 1em;border:1px solid rgba(128,128,128,.35);"
    "border-radius:6px;background:rgba(128,128,128,.06);color:inherit;"
    "font:14px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;overflow-wrap:anywhere"
)
_BADGE = (
    "display:inline-block;padding:0 .6em;margin-right:.4em;border-radius:4px;color:#fff;font-size:12px;"
    "font-weight:600;line-height:1.7;white-space:nowrap"
)
_NAME = f"padding:0;background:none;color:inherit;font-family:{_MONO};font-size:13.5px;font-weight:600"
_HINT = (
    "margin:.6em 0 .2em;padding:.5em .8em;border-left:3px solid #c08a1e;border-radius:0 4px 4px 0;"
    "background:rgba(214,158,46,.16)"
)
_PRE = (
    "margin:.5em 0 .1em;padding:.5em .7em;border-radius:4px;background:rgba(128,128,128,.1);color:inherit;"
    f"font-family:{_MONO};font-size:12.5px;line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere"
)


def _block(content: str) -> str:
    return f'<pre style="{_PRE}">{escape(content)}</pre>'


def _fold(title: str, content: str) -> str:
    head = f'<summary style="cursor:pointer">{escape(title)}</summary>'
    return f'<details style="margin:.45em 0 0">{head}{content}</details>'


def _others(failures: tuple[_Failure, ...]) -> str:
    items = [
        f'<li style="margin:.25em 0">{escape(failure.title)}: {escape(failure.summary)}'
        + (_fold("Details", _block(failure.detail)) if failure.detail else "")
        + "</li>"
        for failure in failures[:_OTHERS_SHOWN]
    ]
    if len(failures) > _OTHERS_SHOWN:
        items.append(f"<li>and {len(failures) - _OTHERS_SHOWN} more</li>")
    return f'<ul style="margin:.3em 0 0;padding-left:1.4em">{"".join(items)}</ul>'
