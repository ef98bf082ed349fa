"""Markdown from strangers as HTML: no raw HTML, no picture from elsewhere, links only to the web."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from functools import cache
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup
from mdit_py_plugins.dollarmath import dollarmath_plugin

from autograder.checking.panel import clean
from autograder.report import mathml, png

MAX_CHARACTERS = 100_000
_WEB = re.compile(r"(?:https?://|mailto:)[^\s\\]+", re.IGNORECASE)
_PAGE_LEVELS = 2  # the page's own headings: a notebook's first level becomes its third


def render(text: str, attachments: Mapping[str, Any] | None = None) -> Markup:
    """`text` as HTML. Formulas become MathML; attached PNGs are shown when sound."""
    parser = _parser()
    html = parser.render(clean(text, MAX_CHARACTERS), {"attachments": attachments or {}})
    return Markup(html)  # noqa: S704 - the parser escapes all it is given: html is off, links and pictures are vetted


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _is_allowed  # type: ignore[method-assign]
    # A dollar before a digit is money more often than mathematics, except at the start of a formula.
    dollarmath_plugin(parser, allow_labels=False, allow_digits=False, renderer=_formula)
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    return parser


def _is_allowed(url: str) -> bool:
    return _WEB.fullmatch(url) is not None or url.startswith("attachment:")


def _formula(content: str, config: Mapping[str, Any]) -> str:
    """Drawn by the browser where it can be drawn whole, else as it was typed."""
    drawn = mathml.render(content, display=bool(config.get("display_mode")))
    return str(drawn) if drawn is not None else f"<code>{escape(content.strip())}</code>"


def _lower_headings(state: Any) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + _PAGE_LEVELS)}"


def _image(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    token = tokens[index]
    described = escapeHtml(renderer.renderInlineAsText(token.children, options, env) if token.children else "")
    name = str(token.attrs.get("src", "")).removeprefix("attachment:")
    bundle = env.get("attachments", {}).get(name)
    encoded = bundle.get("image/png") if isinstance(bundle, Mapping) else None
    uri = png.data_uri(encoded) if isinstance(encoded, str) else None
    if uri is None:
        return f'<span class="absent">[picture: {described or "not shown"}]</span>'
    return f'<img src="{uri}" alt="{described}">'


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: MutableMapping[str, Any]
) -> str:
    href = str(tokens[index].attrs.get("href", ""))
    if not _WEB.fullmatch(href):  # an attachment is no place to go
        href = "#"
    return f'<a href="{escape(href)}" rel="noopener noreferrer nofollow">'
