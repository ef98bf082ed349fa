"""The instructor's page about an assignment: how the class did, where it stumbled, who needs a person."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.checking import panel
from autograder.report import pages
from autograder.report.facts import (
    best_points,
    graded_questions,
    happenings,
    is_sandboxed,
    question_names,
    why_a_person,
    written_names,
    written_points,
)
from autograder.results import CaseResult, QuestionResult, Result

_BINS = 10
_MISTAKES = 4  # how many are named for each question
_CASES = 3
_SUMMARY_CHARACTERS = 110
_SLOWEST = 3


@dataclass(frozen=True)
class Mistake:
    """A classic mistake, and how many made it."""

    name: str
    hint: str
    count: int


@dataclass(frozen=True)
class HardCase:
    """A case that many failed."""

    name: str
    hidden: bool
    failed: int
    summary: str  # what it said most often


@dataclass(frozen=True)
class QuestionFacts:
    """How the class did on one question; `graded` of them could be graded here."""

    name: str
    points: float
    graded: int
    passed: int
    mean: float
    mistakes: tuple[Mistake, ...]
    hard_cases: tuple[HardCase, ...]
    limits: int

    @property
    def share(self) -> float:
        return self.passed / self.graded if self.graded else 0.0


@dataclass(frozen=True)
class WrittenFacts:
    """A question that people grade: whose answers are there to read, and how many gave none."""

    name: str
    to_read: tuple[str, ...]
    unanswered: int


@dataclass(frozen=True)
class Bar:
    """One bar of the histogram, in the drawing's units."""

    label: str
    count: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Histogram:
    """Scores in ten equal bins, drawn `width` x `height`; `mean_x` is where the mean lies."""

    bars: tuple[Bar, ...]
    mean_x: float
    width: float = 640.0
    height: float = 220.0
    floor: float = 180.0


@dataclass(frozen=True)
class Row:
    """One student in the table."""

    result: Result
    score: float
    marks: tuple[tuple[str, str], ...]  # of each question, its state and what is shown
    happened: tuple[tuple[str, bool], ...]


def page(
    course_title: str,
    assignment: str,
    results: Sequence[Result],
    totals: Mapping[str, float] | None = None,
    *,
    maximum: float | None = None,
) -> str:
    """The report as one self-contained HTML page.

    `totals` are the students' scores as the gradebook has them (with written answers, extra
    credit and late penalties), out of `maximum`; without them the checks' scores are shown.
    A submission that wasn't graded counts in the scores, and not in what questions tell.
    """
    if maximum is None:
        maximum = best_points(results) + (written_points(results) if totals is not None else 0.0)
    scores = {result.student: result.score for result in results} | dict(totals or {})
    scored = [scores[result.student] for result in results]
    names = question_names(results)
    seconds = [result.seconds for result in results if result.state == "graded"]
    return pages.render(
        "class_report.html.j2",
        course=course_title,
        assignment=assignment,
        count=len(results),
        states=[(state, n) for state, n in Counter(result.state for result in results).items()],
        points=maximum,
        from_gradebook=totals is not None,
        mean=statistics.fmean(scored) if scored else 0.0,
        median=statistics.median(scored) if scored else 0.0,
        best=max(scored, default=0.0),
        histogram=histogram(scored, maximum),
        questions=[question_facts(name, results) for name in names],
        written=_written(results),
        names=names,
        rows=[_row(result, scores[result.student], names) for result in results],
        lost=[(result.student, why_a_person(result)) for result in results if result.state != "graded"],
        unsandboxed=[result.student for result in results if not is_sandboxed(result)],
        seconds=seconds,
        median_seconds=statistics.median(seconds) if seconds else 0.0,
        slowest=sorted((r for r in results if r.state == "graded"), key=lambda r: -r.seconds)[:_SLOWEST],
    )


def write(
    course_title: str,
    assignment: str,
    results: Sequence[Result],
    totals: Mapping[str, float] | None,
    path: Path,
    *,
    maximum: float | None = None,
) -> Path:
    """Write `page` to `path`, whole or not at all."""
    return pages.write(path, page(course_title, assignment, results, totals, maximum=maximum))


def question_facts(name: str, results: Sequence[Result]) -> QuestionFacts:
    """What the results say about one question."""
    found = [questions[name] for result in results if name in (questions := graded_questions(result))]
    graded = [question for question in found if panel.status(question) != "ungraded"]
    return QuestionFacts(
        name=name,
        points=max((question.points for question in found), default=0.0),
        graded=len(graded),
        passed=sum(question.passed for question in graded),
        mean=statistics.fmean(question.score for question in graded) if graded else 0.0,
        mistakes=_mistakes(graded),
        hard_cases=_hard_cases(graded),
        limits=sum(any(case.limit for case in question.cases) for question in graded),
    )


def histogram(scores: Sequence[float], points: float) -> Histogram:
    """The scores' distribution; a score over the points (extra credit) counts in the last bin."""
    shares = [min(1.0, max(0.0, score / points)) if points else 0.0 for score in scores]
    counts = Counter(min(_BINS - 1, int(share * _BINS + 1e-9)) for share in shares)
    left, width, top = 20.0, 60.0, 26.0
    empty = Histogram((), left)
    tallest = max(counts.values(), default=1)
    bars = []
    for index in range(_BINS):
        height = (empty.floor - top) * counts[index] / tallest
        x = left + index * width
        label = f"{panel.number(points * index / _BINS)}"
        bars.append(Bar(label, counts[index], x + 3, empty.floor - height, width - 6, height))
    mean = statistics.fmean(shares) if shares else 0.0
    return Histogram(tuple(bars), left + mean * width * _BINS)


def _mistakes(questions: Sequence[QuestionResult]) -> tuple[Mistake, ...]:
    hints = {question.mistake: question.hint or "" for question in questions if question.mistake}
    counts = Counter(question.mistake for question in questions if question.mistake)
    return tuple(Mistake(name, hints[name], count) for name, count in counts.most_common(_MISTAKES))


def _hard_cases(questions: Sequence[QuestionResult]) -> tuple[HardCase, ...]:
    failed: dict[str, list[CaseResult]] = {}
    for question in questions:
        for case in question.cases:
            if case.outcome == "failed":
                failed.setdefault(case.case.removeprefix(f"{question.question}::"), []).append(case)
    hardest = sorted(failed.items(), key=lambda item: -len(item[1]))[:_CASES]
    return tuple(
        HardCase(name, cases[0].hidden, len(cases), Counter(map(_first_line, cases)).most_common(1)[0][0])
        for name, cases in hardest
    )


def _first_line(case: CaseResult) -> str:
    return panel.one_line((case.summary.strip().splitlines() or [""])[0], _SUMMARY_CHARACTERS)


def _written(results: Sequence[Result]) -> list[WrittenFacts]:
    graded = [result for result in results if result.state == "graded"]
    found = []
    for name in written_names(results):
        answers = [(result.student, w) for result in graded for w in result.written if w.question == name]
        to_read = tuple(student for student, written in answers if written.answered)
        found.append(WrittenFacts(name, to_read, len(answers) - len(to_read)))
    return found


def _row(result: Result, score: float, names: Sequence[str]) -> Row:
    by_name = graded_questions(result)
    return Row(result, score, tuple(_mark(by_name.get(name)) for name in names), tuple(happenings(result)))


def _mark(question: QuestionResult | None) -> tuple[str, str]:
    if question is None:
        return "ungraded", ""
    state = panel.status(question)
    shown = {"passed": "✓", "failed": "✗", "ungraded": "–"}.get(state)
    return state, shown or panel.score(question)
