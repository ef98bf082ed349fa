"""Keeps a student's text from acting in the browser of whoever reads it in nbgrader's pages.

formgrader and nbgrader's feedback put the HTML of markdown cells into their own page, so a script in
a written answer would run with the instructor's rights, and could hand out grades. course_config.py
names `HarmlessText` in `c.HTMLExporter.preprocessors`. Outputs of code cells are cleaned where the
executed notebook is made (`autograded`).
"""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked

from autograder.grading.autograded import JOINER, harmless

_IMAGE = re.compile(r"image/(png|jpeg|gif)")
# Not so much as a picture is fetched from elsewhere: whoever put it there would know who reads what, and when.
_FROM_ELSEWHERE = re.compile(r"!(?=\[)(?!\[[^\]\n]{0,200}\]\(attachment:)")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")

_EMPTY = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="  # one clear pixel
)


class HarmlessText(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    """Shows HTML in a student's text as the characters that were typed; markdown and formulas stay.

    Pictures that aren't attached become links.

    Locked cells are the course's own (grading restores them) and stay as they are.
    """

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> tuple[Any, Any]:
        if cell.cell_type != "code" and not is_locked(cell):
            cell.source = harmless(_FROM_ELSEWHERE.sub(f"!{JOINER}", cell.source))
            cell["attachments"] = _Attachments(
                {name: images for name, bundle in cell.get("attachments", {}).items() if (images := _images(bundle))}
            )
        return cell, resources


class _Attachments(NotebookNode):  # type: ignore[misc]  # nbformat has no types
    """Images of a cell, and an empty one for every other name: nbconvert gives no page at all for a missing one."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> dict[str, str]:
        return {"image/png": _EMPTY}


def _images(bundle: Any) -> dict[str, str]:
    return {
        kind: data
        for kind, data in bundle.items()
        if _IMAGE.fullmatch(kind) and isinstance(data, str) and _BASE64.fullmatch(data)
    }
