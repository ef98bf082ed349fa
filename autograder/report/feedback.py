"""The page that a student gets back: what was right, what to try next, and the notebook with each verdict in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.checking import panel
from autograder.course import CourseError, is_safe_name
from autograder.report import markdown, pages
from autograder.report.facts import remarks
from autograder.report.notebook_html import ShownCell, shown_cells
from autograder.results import QuestionResult, Result, WrittenResult

_NEXT_STEP = {
    "unreadable": "Mend the file as the reason says, check that it opens in Jupyter, and hand it in again.",
    "missing": "Hand the notebook in under the assignment's name, or ask your instructor where it went.",
    "failed": "This isn't your fault. Your instructor has been told; nothing of what you handed in is lost.",
}
_STATE_TITLES = {
    "unreadable": "Your notebook could not be read",
    "missing": "There was no notebook to grade",
    "failed": "Grading did not finish",
}


@dataclass(frozen=True)
class WrittenFeedback:
    """What a person said about an answer, or about a check: `score` is None while nobody has read it."""

    score: float | None = None
    comment: str = ""
    extra_credit: float = 0.0


@dataclass(frozen=True)
class Line:
    """One question in the page's table, and where its cell is."""

    anchor: str
    name: str
    state: panel.Status | str  # of a written answer: waiting, unanswered, read
    word: str
    symbol: str
    earned: float
    points: float
    counts: bool  # False while it waits for a person, or for a machine that can grade it
    verdict: str
    hint: str
    panel: Markup
    comment: Markup

    @property
    def score(self) -> str:
        """4/6, or –/6 when nothing is known yet."""
        return f"{panel.number(self.earned) if self.counts else '–'}/{panel.number(self.points)}"

    @property
    def share(self) -> float:
        """How much of the points was earned, 0 to 1."""
        return min(1.0, max(0.0, self.earned / self.points)) if self.points else 0.0


@dataclass(frozen=True)
class Total:
    """The sum as the header shows it."""

    earned: float
    points: float
    waiting: float  # points of written answers that nobody has read yet
    late_penalty: float

    @property
    def share(self) -> float:
        return min(1.0, max(0.0, self.earned / self.points)) if self.points else 0.0


def page(
    result: Result,
    notebook: dict[str, Any] | None,
    *,
    title: str,
    written: Mapping[str, WrittenFeedback] | None = None,
    late_penalty: float = 0.0,
    maximum: float | None = None,
    graded_at: datetime | None = None,
    versions: Mapping[str, str] | None = None,
) -> str:
    """One self-contained HTML page about a submission.

    `title` is the course's; `notebook` the repaired notebook that `result.cells` counts in
    (None when it could not be read). `written` holds, by grade_id, what a person gave for
    written answers, or put in the place of a check's score. `late_penalty` is in points;
    `maximum` the assignment's points, for a submission that could not be graded.
    """
    people = written or {}
    checks = [_check(number, question, people) for number, question in enumerate(result.questions, 1)]
    answers = [_answer(number, answer, people) for number, answer in enumerate(result.written, 1)]
    lines = [*checks, *answers]
    graded = result.state == "graded"
    cells = shown_cells(notebook, result.cells) if notebook is not None else ()
    placed = {cell.grade_id for cell in cells}
    return pages.render(
        "feedback.html.j2",
        course=title,
        result=result,
        lines=lines if graded else [],
        notes=remarks(result),
        at={line.name: line for line in lines},
        homeless=[line for line in checks if graded and line.name not in placed],
        cells=cells,
        cell_notes={cell.grade_id: _comment(people, cell) for cell in cells if cell.role in ("blank", "given")},
        total=_total(lines, late_penalty) if graded else Total(0.0, maximum or result.points, 0.0, 0.0),
        advice=_advice(checks) if graded else "",
        state_title=_STATE_TITLES.get(result.state, ""),
        next_step=_NEXT_STEP.get(result.state, ""),
        graded_at=graded_at,
        versions=versions or {},
    )


def write(folder: Path, result: Result, html: str) -> Path:
    """Write a submission's page to `folder`/<student>/<assignment>/<assignment>.html and return that path.

    Raises `CourseError` for a name that may not become part of a path.
    """
    for name in (result.student, result.assignment):
        if not is_safe_name(name):
            raise CourseError(f"No feedback can be written for {name!r}: it may not become part of a path. Rename it.")
    target = folder / result.student / result.assignment / f"{result.assignment}.html"
    return pages.write(target, html)


def _check(number: int, question: QuestionResult, people: Mapping[str, WrittenFeedback]) -> Line:
    state = panel.status(question)
    person = people.get(question.question)
    earned = question.score if person is None or person.score is None else person.score
    earned += person.extra_credit if person is not None else 0.0
    graded = state != "ungraded" or (person is not None and person.score is not None)
    return Line(
        anchor=f"q{number}",
        name=question.question,
        state=state,
        word=panel.WORDS[state],
        symbol=panel.SYMBOLS[state],
        earned=earned,
        points=question.points,
        counts=graded,
        verdict=panel.verdict(question),
        hint=question.hint or "" if state in ("partly", "failed") else "",
        panel=Markup(panel.html(question)),  # noqa: S704 - panel.html escapes all that it shows
        comment=markdown.render(person.comment) if person is not None else Markup(""),
    )


def _answer(number: int, answer: WrittenResult, people: Mapping[str, WrittenFeedback]) -> Line:
    person = people.get(answer.question)
    read = person is not None and person.score is not None
    state, word, symbol, verdict = (
        ("read", "read", "✎", "read by a person")
        if read
        else ("waiting", "waiting", "…", "waiting for a person to read it")
        if answer.answered
        else ("unanswered", "no answer", "○", "no answer was given")
    )
    earned = person.score + person.extra_credit if person is not None and person.score is not None else 0.0
    return Line(
        anchor=f"w{number}",
        name=answer.question,
        state=state,
        word=word,
        symbol=symbol,
        earned=earned,
        points=answer.points,
        counts=state != "waiting",
        verdict=verdict,
        hint="",
        panel=Markup(""),
        comment=markdown.render(person.comment) if person is not None else Markup(""),
    )


def _comment(people: Mapping[str, WrittenFeedback], cell: ShownCell) -> Markup:
    """A person's comment on a cell that has no score of its own."""
    person = people.get(cell.grade_id or "")
    return markdown.render(person.comment) if person is not None and person.comment else Markup("")


def _total(lines: list[Line], late_penalty: float) -> Total:
    points = sum(line.points for line in lines if line.counts)
    waiting = sum(line.points for line in lines if line.state == "waiting")
    earned = sum(line.earned for line in lines)
    return Total(max(0.0, earned - late_penalty), points, waiting, late_penalty)


def _advice(checks: list[Line]) -> str:
    """The one sentence to read first."""
    graded = [line for line in checks if line.state != "ungraded"]
    open_ones = [line for line in graded if line.state != "passed"]
    if not graded:
        return ""
    if not open_ones:
        return "Every check that could be run here passed. Well done."
    return next(_first_steps(open_ones))


def _first_steps(open_ones: list[Line]) -> Iterator[str]:
    """Where to go on: what has a hint comes first, then what is nearly right, then the first that fails."""
    for line in open_ones:
        if line.hint:
            yield f"A good place to go on: {line.name}. Its hint names what your answer does."
    for line in open_ones:
        if line.state == "partly":
            yield f"A good place to go on: {line.name}. Part of it is right already."
    yield f"A good place to go on: {open_ones[0].name}. Questions often build on the ones before them."
