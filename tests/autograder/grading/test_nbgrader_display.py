"""What students write does nothing in the browser of whoever reads it in nbgrader's own pages."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "`<script>alert(1)</script>` and\n\n```html\n<script>alert(1)</script>\n```",
    '```x"><script>alert(1)</script>\ncode\n```',
    "[x](javascript:alert(1)) ![y](JavaScript:alert(1)) [z]\n\n[z]: vbscript:alert(1)",
    "[x](&#106;avascript:alert(1)) [y](javascript\\:alert(1)) [z](data:text/html;base64,aGk=)",
    "[x](<javascript:alert(1)>)",
    "$$<script>alert(1)</script>$$ \\begin{x}<svg onload=alert(1)>\\end{x} $\\href{javascript:alert(1)}{x}$",
    "# title <svg/onload=alert(1)>",
    "| a |\n|---|\n| <iframe src=x> |",
    "\\<script>alert(1)</script> <!-- --><script>alert(1)</script>",
    '![x](x "a\\" onload=\\"alert(1)")',
    "![x](attachment:own.svg) ![y](attachment:missing.png)",
)


class Found(HTMLParser):
    """Everything in a page that could run."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "svg", "object", "embed", "base", "form", "meta", "link", "style"):
            self.dangers.append(tag)
        for name, value in attributes:
            scheme = (value or "").strip().lower().split(":")[0]
            if name.startswith("on") or (name in ("href", "src") and scheme in ("javascript", "vbscript")):
                self.dangers.append(f"{tag} {name}={value}")
            if name in ("href", "src") and scheme == "data" and not (value or "").startswith("data:image/png;base64,"):
                self.dangers.append(f"{tag} {name}={value}")


def page(cell: Any, *, harmless: bool) -> str:
    from nbconvert.exporters import HTMLExporter
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.template_name = "basic"
    if harmless:
        config.HTMLExporter.preprocessors = ["autograder.grading.nbgrader_display.HarmlessText"]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    return str(HTMLExporter(config=config).from_notebook_node(notebook)[0])


def dangers(html: str) -> list[str]:
    found = Found()
    found.feed(html)
    return found.dangers


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_students_markdown_can_run(text: str) -> None:
    cell = nbformat.v4.new_markdown_cell(text)
    cell["attachments"] = {"own.svg": {"image/svg+xml": "PHN2Zz4="}}
    assert dangers(page(cell, harmless=True)) == []
    raw = nbformat.v4.new_raw_cell(text, metadata={"raw_mimetype": "text/html"})
    assert dangers(page(raw, harmless=True)) == []


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://example.org/pixel.png)",
        "![x](//example.org/pixel.png)",
        "![x [y] z](<https://example.org/pixel.png>)",
        "![x]\n\n[x]: https://example.org/pixel.png",
        "[![x](http://example.org/pixel.png)](attachment:i.png)",
    ],
)
def test_no_picture_is_fetched_from_elsewhere_its_address_can_be_followed(text: str) -> None:
    shown = page(nbformat.v4.new_markdown_cell(text), harmless=True)
    assert "<img" not in shown
    assert "example.org/pixel.png" in shown


def test_without_it_scripts_do_get_through() -> None:
    """If nbconvert mends this one day, HarmlessText can go."""
    assert dangers(page(nbformat.v4.new_markdown_cell(HOSTILE[0]), harmless=False)) == ["script"]


def test_markdown_formulas_and_images_stay_and_so_does_the_courses_own_html() -> None:
    text = "**bold**, $a < b$, `x`\n\n> quote\n\n[link](https://example.org) ![i](attachment:i.png)"
    cell = nbformat.v4.new_markdown_cell(text)
    cell["attachments"] = {"i.png": {"image/png": "aGk="}}
    shown = page(cell, harmless=True)
    for part in ("<strong>bold</strong>", "<blockquote>", 'href="https://example.org"', "data:image/png;base64,aGk="):
        assert part in shown
    marks = {"schema_version": 3, "grade_id": "g", "locked": True, "grade": False, "solution": False, "task": False}
    given = nbformat.v4.new_markdown_cell("<kbd>Ctrl</kbd>", metadata={"nbgrader": marks})
    assert "<kbd>Ctrl</kbd>" in page(given, harmless=True)
