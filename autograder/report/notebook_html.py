"""A graded notebook as HTML: the student's cells in order, each check's panel in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from autograder.checking.panel import clean, one_line
from autograder.notebook import Role, cells
from autograder.report import markdown, png
from autograder.results import CellResult

LABELS: dict[Role, str] = {
    "given": "given",
    "blank": "your answer",
    "check": "check",
    "written": "your words",
    "demo": "demo, not run when grading",
    "free": "your own cell",
}

_FOLDED_LINES = 14  # given code longer than this is folded: what the student wrote stands out
_HIGHLIGHTED_CHARACTERS = 40_000
_SOURCE_CHARACTERS = 100_000
_OUTPUT_CHARACTERS = 20_000
_PAGE_IMAGES = 100
_PAGE_IMAGE_CHARACTERS = 24 * 2**20


@dataclass(frozen=True)
class ShownCell:
    """A cell as the page's template shows it; `body` and `outputs` are safe to insert."""

    role: Role
    label: str
    is_code: bool
    grade_id: str | None
    body: Markup
    lines: int
    folded: bool
    is_empty: bool
    outputs: tuple[Markup, ...] = ()
    error: str = ""


@dataclass
class _Budget:
    """What is left for pictures: a page must be quick to make and small enough to open."""

    characters: int = _PAGE_IMAGE_CHARACTERS
    pictures: int = _PAGE_IMAGES


def shown_cells(notebook: dict[str, Any], results: Sequence[CellResult]) -> tuple[ShownCell, ...]:
    """The notebook's cells; the outputs are those of grading where it ran a cell, else the notebook's own."""
    ran = {result.index: result for result in results}
    budget = _Budget()
    shown = []
    for cell, raw in zip(cells(notebook), notebook["cells"], strict=True):
        is_code = cell.cell_type == "code"
        result = ran.get(cell.index)
        if cell.role == "check":
            found: Sequence[Any] = ()  # its panel says more, and a submission's own output is no verdict
        else:
            found = result.outputs if result is not None else raw.get("outputs", ())
        lines = cell.source.count("\n") + 1 if cell.source else 0
        shown.append(
            ShownCell(
                role=cell.role,
                label=LABELS[cell.role],
                is_code=is_code,
                grade_id=cell.grade_id,
                body=code(cell.source) if is_code else _text(cell.cell_type, cell.source, raw.get("attachments")),
                lines=lines,
                folded=is_code and cell.role in ("given", "demo") and lines > _FOLDED_LINES,
                is_empty=not cell.source.strip(),
                outputs=tuple(
                    filter(None, (_output(output, budget) for output in found if isinstance(output, Mapping)))
                ),
                error=one_line(result.error) if result is not None and result.error else "",
            )
        )
    return tuple(shown)


def code(source: str) -> Markup:
    """Python source, highlighted."""
    source = clean(source, _SOURCE_CHARACTERS)
    if len(source) > _HIGHLIGHTED_CHARACTERS:  # a bound on the work that a stranger's text can cause
        return Markup('<pre class="code">{}</pre>').format(source)
    lexer, formatter = _highlighter()
    colored = Markup(highlight(source, lexer, formatter).rstrip("\n"))  # noqa: S704 - the formatter escapes
    return Markup('<pre class="code">{}</pre>').format(colored)


@cache
def _highlighter() -> tuple[PythonLexer, HtmlFormatter[str]]:
    return PythonLexer(stripnl=True), HtmlFormatter(nowrap=True)


def _text(kind: str, source: str, attachments: Any) -> Markup:
    if kind == "markdown":
        return markdown.render(source, attachments if isinstance(attachments, Mapping) else None)
    return Markup('<pre class="output">{}</pre>').format(clean(source, _SOURCE_CHARACTERS))


def _output(output: Mapping[str, Any], budget: _Budget) -> Markup | None:
    """One nbformat output: a sound PNG as a picture, everything else as text. HTML and SVG are never passed on."""
    kind = output.get("output_type")
    if kind == "stream":
        return _lines(output.get("text"), "stderr" if output.get("name") == "stderr" else "stdout")
    if kind == "error":
        traceback = output.get("traceback")
        told = "\n".join(line for line in traceback if isinstance(line, str)) if isinstance(traceback, list) else ""
        return _lines(told or f"{output.get('ename')}: {output.get('evalue')}", "stderr")
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    encoded = _joined(data.get("image/png"))
    plain = _joined(data.get("text/plain"))
    if encoded and budget.pictures and len(encoded) <= budget.characters:
        budget.pictures -= 1  # for broken ones as well: unpacking them is work
        if uri := png.data_uri(encoded):
            budget.characters -= len(uri)
            alt = one_line(plain, 200) or "a picture that this cell drew"
            return Markup('<img class="output" src="{}" alt="{}">').format(uri, alt)
    if plain:
        return _lines(plain, "stdout")
    kinds = ", ".join(sorted(one_line(str(name), 40) for name in data)[:3])
    return Markup('<p class="absent">[an output of type {} isn\'t shown here]</p>').format(kinds) if kinds else None


def _lines(text: Any, name: str) -> Markup | None:
    shown = _as_on_a_terminal(_joined(text))
    if not shown.strip():
        return None
    return Markup('<pre class="output {}" tabindex="0">{}</pre>').format(name, shown)


def _as_on_a_terminal(text: str) -> str:
    """Progress bars as a terminal leaves them (after the last carriage return); a long text loses its middle."""
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text[: 20 * _OUTPUT_CHARACTERS].split("\n"))
    text = clean(text).rstrip()
    if len(text) <= _OUTPUT_CHARACTERS:
        return text
    half = _OUTPUT_CHARACTERS // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
