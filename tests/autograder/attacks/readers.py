"""What of a submission reaches a person: looked for in every page, table and export that grading writes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from pathlib import Path

from rich.console import Console

from autograder.course import Course
from autograder.report import terminal
from autograder.results import Result

_ACTIVE = ("script", "iframe", "object", "embed", "base", "form", "frame", "applet")
_SCHEMES = ("javascript", "vbscript", "data")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_IMAGE = "data:image/"


class _Page(HTMLParser):
    """Everything in a page that acts, or asks another machine for something."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE or "wallattack" in tag:
            self.dangers.append(f"<{tag}>")
        for name, value in attributes:
            text = (value or "").strip().lower()
            if name.startswith("on") or "wallattack" in name:
                self.dangers.append(f"<{tag} {name}={text[:40]}>")
            if name in ("href", "src", "action", "xlink:href", "srcset", "style") and (
                (text.split(":")[0] in _SCHEMES and not text.startswith(_IMAGE))
                or "url(" in text
                or (name != "href" and "//" in text and not text.startswith(_IMAGE))
            ):
                self.dangers.append(f"<{tag} {name}={text[:40]}>")


def dangers_of_html(html: str) -> list[str]:
    """Tags and attributes of a page that would run, or fetch, something."""
    page = _Page()
    page.feed(html)
    return page.dangers


def dangers_of_csv(text: str) -> list[str]:
    """Cells that a spreadsheet takes for a formula, and line ends and controls inside of cells."""
    return [
        f"the cell {cell[:40]!r}"
        for row in csv.reader(io.StringIO(text, newline=""))
        for cell in row
        if cell.startswith(("=", "+", "-", "@", "\t", "\r")) or _CONTROLS.search(cell) or "\n" in cell
    ]


def dangers_of_terminal(results: Sequence[Result]) -> list[str]:
    """Controls that the table of scores and each check's lines would send to a terminal."""
    console = Console(file=io.StringIO(), width=200, color_system=None)
    console.print(terminal.scores_table(results, title="the wall"))
    console.print(terminal.summary_line(results))
    for result in results:
        for line in terminal.question_lines(result.questions):
            console.print(line)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [f"the control {found!r}" for found in sorted(set(_CONTROLS.findall(text)))]


def nbgraders_page(path: Path, course: Course) -> str:
    """An executed notebook as formgrader and nbgrader's feedback show it: with the course's own settings."""
    import nbformat
    from nbconvert.exporters import HTMLExporter

    exporter = HTMLExporter(config=course.config, template_name="basic")
    return str(exporter.from_notebook_node(nbformat.read(path, as_version=4))[0])


def dangers_to_readers(course: Course, results: Sequence[Result], closely: Iterable[str]) -> dict[str, list[str]]:
    """By student (or report), what would act on whoever reads it; `closely`: whose page nbgrader makes as well."""
    found: dict[str, list[str]] = {}
    for result in results:
        page = course.folder("feedback") / result.student / result.assignment / f"{result.assignment}.html"
        found[result.student] = dangers_of_html(page.read_text(encoding="utf-8"))
    for student in closely:
        path = course.folder("autograded") / student / results[0].assignment / f"{results[0].assignment}.ipynb"
        found[student] = found.get(student, []) + dangers_of_html(nbgraders_page(path, course))
    reports = course.root / "reports" / results[0].assignment
    found["the class report"] = dangers_of_html((reports / "index.html").read_text(encoding="utf-8"))
    found["scores.csv"] = dangers_of_csv((reports / "scores.csv").read_bytes().decode())
    found["the terminal"] = dangers_of_terminal(results)
    return {name: dangers for name, dangers in found.items() if dangers}
