"""Results for other programs: CSV for spreadsheets, JSON for scripts."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Sequence
from pathlib import Path

from autograder.checking import panel
from autograder.report import pages
from autograder.report.facts import graded_questions, happenings, question_names, why_a_person, written_names
from autograder.results import QuestionResult, Result

_FORMULA_STARTS = ("=", "+", "-", "@", "|", "%")


def write_csv(results: Sequence[Result], path: Path) -> Path:
    """One line per submission, a column per question; spreadsheets read every text as text."""
    names, answers = question_names(results), written_names(results)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    fixed = ["student", "assignment", "state", "score", "points"]
    told = ["needs_person", "what_happened", "sandbox", "device", "seconds", "submission_sha256"]
    writer.writerow([plain(name) for name in [*fixed, *names, *answers, *told]])
    for result in results:
        by_name = graded_questions(result)
        answered = {written.question: written.answered for written in result.written}
        writer.writerow(
            [
                plain(result.student),
                plain(result.assignment),
                result.state,
                _points(result.score),
                _points(result.points),
                *(_cell(by_name.get(name)) for name in names),
                *({True: "to read", False: "no answer", None: ""}[answered.get(name)] for name in answers),
                plain(why_a_person(result)),
                plain("; ".join(text for text, _ in happenings(result))),
                plain(result.sandbox),
                plain(result.device),
                f"{result.seconds:.3f}",
                plain(result.submission_sha256 or ""),
            ]
        )
    return pages.write(path, table.getvalue())


def write_json(results: Sequence[Result], path: Path) -> Path:
    """All that was found, each result with the score and points that follow from it."""
    records = [
        {
            "score": result.score,
            "points": result.points,
            "needs_person": result.needs_person,
            "scores": {question.question: question.score for question in result.questions if question.graded},
            **dataclasses.asdict(result),
        }
        for result in results
    ]
    return pages.write(path, json.dumps({"results": records}, indent=1, ensure_ascii=True) + "\n")


def plain(text: str) -> str:
    """One line of text that no spreadsheet takes for a formula."""
    shown = panel.one_line(text, 1_000)
    return f"'{shown}" if shown.startswith(_FORMULA_STARTS) else shown


def _cell(question: QuestionResult | None) -> str:
    return _points(question.score) if question is not None and question.graded else ""


def _points(value: float) -> str:
    """Exact enough to be added up again, without a float's noise."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
