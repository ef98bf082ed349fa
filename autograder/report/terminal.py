"""What instructors and students read in a terminal: the scores' table, progress, a check's lines.

Nothing from a submission is read as rich's markup: it reaches the screen in `Text` objects,
cleaned of terminal controls.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from autograder.checking import panel
from autograder.report.facts import best_points, graded_questions, happenings, plural, question_names
from autograder.results import QuestionResult, Result

_STYLES: dict[panel.Status, str] = {"passed": "green", "partly": "yellow", "failed": "red", "ungraded": "dim"}
_NOTE_CHARACTERS = 160
_MOST_COLUMNS = 14  # more questions than this are counted, and only those that weren't passed are named
_NAMED = 6
_ROOMY = 8  # so many questions leave room for wide gaps on 80 columns


def scores_table(results: Sequence[Result], *, title: str = "") -> Table:
    """One line per submission: its score, each question as ✓, ✗ or the points earned, and what happened.

    Questions are numbered to keep the table narrow; the caption tells which is which.
    """
    names = question_names(results)
    if len(names) > _MOST_COLUMNS:
        return _counts_table(results, names, title)
    table = Table(
        title=Text(panel.one_line(title)) if title else None,
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0) if len(names) <= _ROOMY else 0,
    )
    table.add_column("student", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    out_of = {question.question: question.points for result in results for question in result.questions}
    for index, name in enumerate(names, 1):
        table.add_column(f"{index}\n/{panel.number(out_of[name])}", justify="center", no_wrap=True)
    table.add_column("what happened", overflow="fold", min_width=10)
    points = best_points(results)
    for result in results:
        by_name = graded_questions(result)
        table.add_row(
            Text(panel.one_line(result.student, 60)),
            _score(result, points),
            *(_mark(by_name.get(name)) for name in names),
            _happened(result),
        )
    if names:
        table.caption = Text(
            "  ".join(f"{i}:{panel.one_line(name, 60)}" for i, name in enumerate(names, 1)), style="dim"
        )
    return table


def _counts_table(results: Sequence[Result], names: Sequence[str], title: str) -> Table:
    """One line per submission of a long assignment: how many questions were passed, and which weren't."""
    table = Table(
        title=Text(panel.one_line(title)) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("student", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    for heading, style in (("✓", "green"), ("◐", "yellow"), ("✗", "red")):
        table.add_column(Text(heading, style=style), justify="right", no_wrap=True)
    table.add_column("not passed, and what happened", overflow="fold", min_width=10)
    points = best_points(results)
    for result in results:
        found = graded_questions(result)
        states = [panel.status(question) for question in found.values()]
        counts = [states.count(state) if states else "" for state in ("passed", "partly", "failed")]
        table.add_row(
            Text(panel.one_line(result.student, 60)),
            _score(result, points),
            *(str(count or "") for count in counts),
            _not_passed(result),
        )
    return table


def _not_passed(result: Result) -> Text:
    """The first questions that weren't passed, by name, then what happened to the submission."""
    found = graded_questions(result)
    open_ones = [name for name, question in found.items() if panel.status(question) in ("partly", "failed")]
    said = Text()
    if open_ones and len(open_ones) == len(found):
        said.append("none passed")
    elif open_ones:
        more = len(open_ones) - _NAMED
        said.append(", ".join(panel.one_line(name, 60) for name in open_ones[:_NAMED]))
        said.append(f" and {more} more" if more > 0 else "", style="dim")
    happened = _happened(result)
    return said.append("\n" if said.plain and happened.plain else "").append_text(happened)


def summary_line(results: Sequence[Result]) -> Text:
    """The table in one line: "14 submissions: 12 graded, 2 missing; median 17/24; 2 need a person; …"."""
    states = {state: sum(r.state == state for r in results) for state in ("graded", "unreadable", "missing", "failed")}
    line = f"{plural(len(results), 'submission')}: " + (
        ", ".join(f"{count} {state}" for state, count in states.items() if count) or "nothing to grade"
    )
    if results:
        median = statistics.median(result.score for result in results)
        line += f"; median {panel.number(median)}/{panel.number(best_points(results))}"
    lost = sum(result.state != "graded" for result in results)
    if lost:
        line += f"; {lost} {'needs' if lost == 1 else 'need'} a person"
    answers = sum(written.answered for result in results for written in result.written)
    if answers:
        line += f"; {plural(answers, 'written answer')} to read"
    return Text(line)


def question_lines(questions: Iterable[QuestionResult], *, public: bool = True) -> list[Table]:
    """What `course check` prints: for each question a verdict with its hint and first failing case."""
    lines = []
    for question in questions:
        state = panel.status(question)
        first, *rest = panel.text(question, public=public).splitlines()
        name, _, verdict = first.partition("   ")
        hint = panel.one_line(question.hint) if question.hint and state in ("partly", "failed") else None
        told: list[RenderableType] = [Text.assemble((name, f"bold {_STYLES[state]}"), "  ", verdict)]
        for more in rest:
            text = more.removeprefix("    ")
            told.append(Padding(Text(text, style="bold yellow" if text == hint else ""), (0, 0, 0, 4)))
        line = Table.grid(padding=(0, 1, 0, 0))  # a grid, so that long lines wrap under their beginning
        line.add_row(Text(panel.SYMBOLS[state], style=_STYLES[state]), Group(*told))
        lines.append(line)
    return lines


def total_line(questions: Sequence[QuestionResult]) -> Text:
    """How far it is: "9/13 points; 3 of 4 questions passed; 1 not graded here"."""
    graded = [question for question in questions if panel.status(question) != "ungraded"]
    passed = sum(question.passed for question in graded)
    score = panel.number(sum(question.score for question in graded))
    line = f"{score}/{panel.number(sum(question.points for question in graded))} points"
    line += f"; {passed} of {plural(len(graded), 'question')} passed"
    if len(graded) < len(questions):
        line += f"; {len(questions) - len(graded)} not graded here"
    return Text(line, style="bold green" if graded and passed == len(graded) else "bold")


def progress(console: Console | None = None) -> Progress:
    """A progress bar with rate and time left; where output is no terminal, a plain line at every tenth."""
    console = console or Console(stderr=True)
    if not console.is_terminal:
        return _Lines(console=console, auto_refresh=False)
    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate(ProgressColumn):
    """Submissions per second, or per minute when they are slow."""

    def render(self, task: Task) -> Text:
        return Text(_rate(task), style="dim")


class _Lines(Progress):
    """Progress for logs: no cursor movement, one line whenever another tenth is done."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._said: dict[TaskID, int] = {}

    def start(self) -> None:
        """Nothing to draw live."""

    def stop(self) -> None:
        """Nothing was drawn live."""

    def refresh(self) -> None:
        """Nothing to draw again."""

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._say(task_id)

    def update(self, task_id: TaskID, **changes: Any) -> None:
        super().update(task_id, **changes)
        self._say(task_id)

    def _say(self, task_id: TaskID) -> None:
        task = self._tasks[task_id]
        tenth = int(10 * task.completed / task.total) if task.total else 0
        if tenth > self._said.get(task_id, 0):
            self._said[task_id] = tenth
            rate = _rate(task)
            line = f"{task.description} {task.completed:.0f}/{task.total:.0f}" + (f", {rate}" if rate else "")
            self.console.print(Text(panel.one_line(line)), soft_wrap=True)


def _rate(task: Task) -> str:
    speed = task.finished_speed or task.speed
    if not speed:
        return ""
    return f"{speed:.1f}/s" if speed >= 1 else f"{60 * speed:.1f}/min"


def _score(result: Result, points: float) -> Text:
    shown = f"{panel.number(result.score)}/{panel.number(result.points if result.state == 'graded' else points)}"
    return Text(shown, style="" if result.state == "graded" else "red")


def _mark(question: QuestionResult | None) -> Text:
    if question is None:
        return Text("")
    state = panel.status(question)
    if state == "partly":
        tenths = math.floor(question.score * 10 + 1e-6) / 10  # narrower than the two decimals shown elsewhere
        return Text(panel.number(tenths), style=_STYLES[state])
    return Text({"passed": "✓", "failed": "✗", "ungraded": "–"}[state], style=_STYLES[state])


def _happened(result: Result) -> Text:
    told = Text()
    for index, (text, alarming) in enumerate(happenings(result)):
        told.append("; " if index else "")
        told.append(panel.one_line(text, _NOTE_CHARACTERS), style="red" if alarming else "")
    return told
