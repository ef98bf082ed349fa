"""Pages from templates: each is one file that loads nothing and runs nothing."""

from __future__ import annotations

import contextlib
import os
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from autograder.checking import panel
from autograder.report.facts import plural

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render(template: str, **context: Any) -> str:
    """The page of a template. Every string that isn't `Markup` is cleaned and escaped on its way."""
    return _environment().get_template(template).render(policy=POLICY, **context)


def write(path: Path, page: str) -> Path:
    """Write a page whole or not at all; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="") as file:
            file.write(page)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would keep a web server from handing it out
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return path


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=panel.number, plural=_plural, seconds=seconds)
    environment.globals.update(code_style=_code_style())
    return environment


def seconds(value: float) -> str:
    """A duration as people say it: 0.8 s, 41 s, 2 min 5 s."""
    if value < 10:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _plural(count: int, noun: str) -> str:
    return plural(count, noun)


def _cleaned(value: Any) -> Any:
    return panel.clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _code_style() -> Markup:
    """Pygments' colors for light surroundings, and for dark ones on a screen."""
    light, dark = (
        "\n".join(
            line
            for line in HtmlFormatter(style=style, nobackground=True).get_style_defs(".code").splitlines()
            if line.startswith(".code .")
        )
        for style in ("default", "github-dark")
    )
    dark = f"@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"
    return Markup(f"{light}\n{dark}")  # noqa: S704 - Pygments' own style sheets
