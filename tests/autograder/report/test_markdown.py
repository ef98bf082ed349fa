"""Markdown from strangers."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.report import markdown

ALLOWED = {
    *("p", "em", "strong", "s", "code", "pre", "a", "ul", "ol", "li", "blockquote", "hr", "br", "span", "div", "img"),
    *("table", "thead", "tbody", "tr", "th", "td", "h3", "h4", "h5", "h6"),
    *("math", "semantics", "annotation", "mrow", "mi", "mn", "mo", "msub", "msup", "msubsup", "munder", "mspace"),
}
OF_MATHML = {"display", "encoding", "stretchy", "width"}


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(html: str) -> None:
    for tag, attributes in Tags(html).found:
        assert tag in ALLOWED, tag
        assert set(attributes) <= {"class", "href", "rel", "src", "alt", "title", "start", "style"} | OF_MATHML, (
            attributes
        )
        assert (attributes.get("style") or "text-align:left") in {
            f"text-align:{s}" for s in ("left", "right", "center")
        }
        assert (attributes.get("href") or "#").startswith(("http://", "https://", "mailto:", "#"))
        assert (attributes.get("src") or "data:image/png;base64,").startswith("data:image/png;base64,")


def test_text_lists_tables_and_code_are_shown() -> None:
    html = markdown.render("# One\n\n- *a*\n- **b**\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n```python\nx < 1\n```")
    for part in ("<h3>One</h3>", "<em>a</em>", "<td>2</td>", "x &lt; 1"):
        assert part in html


def test_a_formula_is_drawn_and_is_no_markdown() -> None:
    html = markdown.render("with $a_i * b_i*$ and\n\n$$\n\\sum_i x_i < 1\n$$")
    assert "<em>" not in html
    assert '<math display="inline">' in html
    assert '<math display="block">' in html
    assert "costs $5 and $6" in markdown.render("costs $5 and $6")


def test_a_formula_that_cannot_be_drawn_stays_as_it_was_typed() -> None:
    html = markdown.render("$\\weird{a_i} < *b*$")
    assert "<code>\\weird{a_i} &lt; *b*</code>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](file:///etc/passwd)",
        "[x](//example.org)",
        "<javascript:alert(1)>",
        "![x](https://example.org/track.png)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        '[x](https://example.org "onmouseover=alert(1)")',
        '[x](https://example.org/"onmouseover="alert(1))',
        "$<script>alert(1)</script>$",
        "$$\n</div><script>alert(1)</script>\n$$",
        "```<script>\n</code></pre><script>\n```",
        "| <b> | \n|---|\n| <i> |",
    ],
)
def test_nothing_runs_and_nothing_is_loaded(text: str) -> None:
    assert_harmless(markdown.render(text))


@settings(deadline=None)  # times are no part of what is promised
@given(st.text(alphabet="<>[]()!\"'`$*_#|-:&;=\n\\ ajsx/1é\u202e\x00", max_size=120))
def test_no_text_makes_it_dangerous(text: str) -> None:
    assert_harmless(markdown.render(text))


def test_links_to_the_web_stay_and_tell_nothing_about_where_they_stood() -> None:
    html = markdown.render("[paper](https://arxiv.org/abs/1607.06450)")
    assert '<a href="https://arxiv.org/abs/1607.06450" rel="noopener noreferrer nofollow">paper</a>' in html


def test_a_link_that_is_refused_stays_as_it_was_typed() -> None:
    assert markdown.render("[x](javascript:a)") == "<p>[x](javascript:a)</p>\n"
    assert markdown.render("[data](train.csv)") == "<p>[data](train.csv)</p>\n"


def test_an_attached_picture_is_shown_when_it_is_sound(samples: SimpleNamespace) -> None:
    sound = {"a.png": {"image/png": base64.b64encode(samples.png()).decode()}}
    assert 'src="data:image/png;base64,' in markdown.render("![my drawing](attachment:a.png)", sound)
    broken = {"a.png": {"image/png": "AAAA"}}
    for attachments in (broken, None, {"a.png": "x"}, {"a.png": {"image/svg+xml": "<svg/>"}}):
        html = markdown.render("![my drawing](attachment:a.png)", attachments)
        assert "<img" not in html
        assert "[picture: my drawing]" in html


def test_deep_nesting_and_long_text_are_bounded() -> None:
    assert len(markdown.render("> " * 5_000 + "x")) < 100_000
    assert len(markdown.render("x" * 1_000_000)) < 2 * markdown.MAX_CHARACTERS
