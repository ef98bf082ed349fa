"""The executed notebook of a submission: what formgrader and nbgrader's feedback show and score.

nbgrader reads a check cell's score from its first output (`nbgrader.utils.determine_grade`): an
error or anything on stderr is 0, an execute_result whose text is a number is that many points, and
everything else (also NaN, a negative number, no output at all) is full marks. So a check cell gets
exactly one output here, and its text is the score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from autograder.checking.panel import one_line
from autograder.grading.submission import score_of
from autograder.notebook import cells, with_ids
from autograder.results import CellResult, QuestionResult, Result

Panel = Callable[[QuestionResult], str] | Mapping[str, str]

# What a student's output may show in an instructor's browser: formgrader puts HTML, SVG and
# JavaScript into its own page, where a script could hand out grades in the instructor's name.
_SAFE_IMAGES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_NOTICE_ID = "autograder-notice"

# WORD JOINER: it takes no width, and behind it what stood there is no tag and no entity any more.
JOINER = "\u2060"
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=#|[A-Za-z][A-Za-z0-9]*;)")
_LINK_IN_FORMULA = re.compile(r"\\(?=href|url|style|class|cssId|require|unicode)")
_SCHEME = re.compile(r"(javascript|vbscript|data)(?=\\?:)", re.IGNORECASE)  # nbconvert lets every link through
_MARKDOWN = re.compile(r"([\\`*_\[\]#|$~!])")


def executed(notebook: dict[str, Any], result: Result, panel: Panel | None = None) -> dict[str, Any]:
    """The repaired `notebook` with the outputs of `result` in place; the one given is left as it is.

    Run cells get their outputs and errors, in order of `CellResult.index`; each check cell gets its score
    and, as HTML, its panel (`panel(question)` or `panel[name]`). Notes, and why a submission could
    not be graded, stand in a cell on top. For an unreadable submission give the release's notebook.
    """
    ran = {cell.index: cell for cell in result.cells}
    questions = {question.question: question for question in result.questions}
    made = []
    count = 0
    for cell in cells(notebook):
        raw = notebook["cells"][cell.index]
        if cell.cell_type != "code":
            made.append(raw)
            continue
        count += 1
        if cell.role == "check":
            outputs = [_score_output(questions.get(cell.grade_id or ""), panel, count)]
        elif cell.index in ran:
            outputs = _outputs(ran[cell.index], count)
        else:
            outputs = _cleaned(raw.get("outputs", []), count) if cell.role == "demo" else []
        shown = count if cell.role == "check" or cell.index in ran else None
        made.append({**raw, "outputs": outputs, "execution_count": shown})
    notice = _notice(result)
    return with_ids({**notebook, "cells": [*notice, *made]})


def _score_output(question: QuestionResult | None, panel: Panel | None, count: int) -> dict[str, Any]:
    """One output, whose text is the number that nbgrader takes for the score. What nothing graded shows 0."""
    score = score_of(question) if question is not None and question.graded else 0.0
    data = {"text/plain": repr(float(score))}
    if question is not None and panel is not None:
        html = panel(question) if callable(panel) else panel.get(question.question, "")
        if html:
            data["text/html"] = html
    return {"output_type": "execute_result", "execution_count": count, "data": data, "metadata": {}}


def _outputs(cell: CellResult, count: int) -> list[dict[str, Any]]:
    outputs = _cleaned(cell.outputs, count)
    if cell.error is not None and not any(output["output_type"] == "error" for output in outputs):
        name, _, value = cell.error.partition(":")
        error = {"output_type": "error", "ename": name.strip(), "evalue": value.strip(), "traceback": [cell.error]}
        outputs.append(error)
    return outputs


def _cleaned(outputs: Iterable[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The outputs made anew from the parts that are safe to show; anything else is left out."""
    cleaned: list[dict[str, Any]] = []
    for output in outputs:
        kind = output.get("output_type")
        if kind == "stream":
            name = "stderr" if output.get("name") == "stderr" else "stdout"
            cleaned.append({"output_type": "stream", "name": name, "text": _text(output.get("text"))})
        elif kind == "error":
            trace = output.get("traceback")
            cleaned.append(
                {
                    "output_type": "error",
                    "ename": _text(output.get("ename")),
                    "evalue": _text(output.get("evalue")),
                    "traceback": [_text(line) for line in trace] if isinstance(trace, list) else [],
                }
            )
        elif kind in ("display_data", "execute_result"):
            data = _safe_data(output.get("data"))
            shown: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
            cleaned.append({**shown, "execution_count": count} if kind == "execute_result" else shown)
    return cleaned


def _safe_data(data: Any) -> dict[str, str]:
    found = data if isinstance(data, dict) else {}
    safe = {kind: _text(found[kind]) for kind in ("text/plain", *_SAFE_IMAGES) if kind in found}
    safe = {kind: text for kind, text in safe.items() if kind == "text/plain" or _BASE64.fullmatch(text)}
    return safe or {"text/plain": "(an output that can't be shown here)"}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _notice(result: Result) -> list[dict[str, Any]]:
    """A cell that says what an instructor, and the student, should know before reading on; none when all is well."""
    lines = []
    if not result.sandbox.startswith("jail") and not any(note.kind == "sandbox" for note in result.notes):
        lines.append(f"Sandbox: {result.sandbox}.")
    if result.state != "graded":
        lines.append(f"This submission is {result.state}: {result.reason or 'no reason was given'}")
    lines += [note.text for note in result.notes if note.text != result.reason]
    if not lines:
        return []
    shown = (_MARKDOWN.sub(r"\\\1", harmless(one_line(line))) for line in lines)
    items = "\n".join(f"- {line}" for line in shown)
    source = f"**Notes of the autograder**\n\n{items}"
    return [{"cell_type": "markdown", "id": _NOTICE_ID, "metadata": {}, "source": source}]


def harmless(text: str) -> str:
    """The markdown `text` without anything that a browser would run: no tags, no script behind a link."""
    for pattern in (_TAG, _ENTITY, _LINK_IN_FORMULA, _SCHEME):
        text = pattern.sub(lambda found: found.group() + JOINER, text)
    return text
