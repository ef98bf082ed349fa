"""A small class, made by hand, in which everything happens that can happen to a submission."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

from autograder.results import CaseResult, CellResult, Note, QuestionResult, Result, WrittenResult

HINTS = {
    "unbiased": "This is what you get with the unbiased variance (dividing by N-1). LayerNorm divides by N.",
    "overwrites": "Gradients are overwritten: a value used twice must add up what comes back along both paths.",
    "no_shift": "Subtract each row's maximum before exp: scores of 1e4 overflow otherwise.",
}
DIFFERS = "17 of 32 elements differ; worst at [5, 2]: yours -0.4127, expected -0.3861 (off by 2.7e-02, allowed 3.1e-14)"
# The summaries' form is that of the checks: the check's name, the case, what, where, how far.
POINTS = {"scalar_tape": 4.0, "affine_backward": 3.0, "softmax_cross_entropy": 4.0, "layer_norm_backward": 3.0}
COUNTS = {"scalar_tape": 8, "affine_backward": 6, "softmax_cross_entropy": 8, "layer_norm_backward": 6}


def question(name: str, wrong: int = 0, mistake: str | None = None, limit: str | None = None) -> QuestionResult:
    """A question whose first `wrong` cases fail; the last third of its cases is hidden."""
    count = COUNTS[name]
    cases = []
    for index in range(count):
        hidden = index >= count - count // 3
        failed = index < wrong
        summary = f"dx has shape (8, 4) as expected, float64 as expected\n{DIFFERS}" if failed and not hidden else ""
        if failed and hidden:
            summary = "the answer differs on a hidden input"
        if failed and limit:
            summary = "it was still running"
        detail = "dx, yours:\n[[ 0.11 -0.41]\n [ 0.20  0.37]]" if failed and not hidden else ""
        cases.append(
            CaseResult(
                f"shape{index}",
                "failed" if failed else "passed",
                hidden=hidden,
                summary=summary,
                detail=detail,
                limit=limit if failed else None,
                seconds=0.02,
            )
        )
    return QuestionResult(name, POINTS[name], tuple(cases), mistake, HINTS[mistake] if mistake else None)


GPU = QuestionResult("cuda_graph", 2.0, (CaseResult("a", "ungraded", summary="not graded here: needs a GPU"),))


def result(number: int, *questions: QuestionResult, **changes: object) -> Result:
    """student-0<number>'s result, right in every question that isn't named."""
    given = {q.question: q for q in questions}
    made = Result(
        student=f"student-{number:02}",
        assignment="backprop",
        state="graded",
        questions=(*(given.get(name, question(name)) for name in POINTS), GPU),
        written=(WrittenResult("explain_layer_norm", 3.0, True), WrittenResult("explain_momentum", 2.0, False)),
        sandbox="jail (namespaces, seccomp, cgroup)",
        seconds=0.9 + 0.21 * number,
        submission_sha256="5f0c" * 16,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def nothing(number: int, state: str, reason: str) -> Result:
    """A submission of which nothing could be graded, as the engine records it."""
    made = result(number)
    return replace(
        made,
        state=state,
        questions=tuple(QuestionResult(q.question, q.points) for q in made.questions),
        written=tuple(replace(written, answered=False) for written in made.written),
        notes=(Note("file", reason),),
        reason=reason,
        seconds=0.01,
    )  # type: ignore[arg-type]


def make_class() -> list[Result]:
    """student-01 to student-14."""
    unbiased = question("layer_norm_backward", 2, "unbiased")
    overwrites = question("scalar_tape", 6, "overwrites")
    overflow = question("softmax_cross_entropy", 3, "no_shift")
    endless = question("scalar_tape", 8, limit="10 s of wall time")
    repaired = Note("repair", "2 deleted check cells were put back: affine_backward, layer_norm_backward")
    renamed = Note("file", "no backprop.ipynb; the one notebook there, Backprop (1).ipynb, was used")
    name_error = Note("cell", "cell 7 stopped: NameError: name 'np' is not defined (line 3)")
    limit = Note("limit", "one cell was stopped after 20 s; the cells after it ran")
    failing_cell = CellResult(6, "free", None, "NameError: name 'np' is not defined (line 3)")
    return [
        result(1, written=()),
        result(2, unbiased),
        result(3, overwrites),
        result(4, overflow, unbiased),
        result(5, endless, notes=(limit,), seconds=41.0),
        result(6, notes=(repaired,)),
        result(7, question("affine_backward", 6), notes=(name_error,), cells=(failing_cell,)),
        result(8, overwrites, unbiased, question("affine_backward", 1), overflow),
        nothing(9, "unreadable", "backprop.ipynb is no notebook: not JSON at line 1. Ask for the file again."),
        nothing(10, "missing", "submitted/student-10/backprop holds no notebook"),
        result(11, unbiased, notes=(renamed,)),
        result(12, sandbox="UNSANDBOXED", notes=(Note("sandbox", "this machine allows no user namespaces"),)),
        result(13, question("softmax_cross_entropy", 8), overwrites),
        result(14, question("softmax_cross_entropy", 1)),
    ]


def cell(
    kind: str, source: str, role: str = "free", grade_id: str | None = None, points: float | None = None, **more: Any
) -> dict[str, Any]:
    """A notebook's cell with nbgrader's marks for a role."""
    flags = {
        "given": (False, False, True),
        "demo": (False, False, True),
        "blank": (False, True, False),
        "check": (True, False, True),
        "written": (True, True, False),
    }
    made: dict[str, Any] = {"cell_type": kind, "source": source, "metadata": {}, **more}
    if role != "free":
        grade, solution, locked = flags[role]
        marks = {"grade": grade, "solution": solution, "locked": locked, "task": False, "schema_version": 3}
        made["metadata"]["nbgrader"] = {**marks, "grade_id": grade_id}
        if points is not None:
            made["metadata"]["nbgrader"]["points"] = points
    if role == "demo":
        made["metadata"]["tags"] = ["demo"]
    if kind == "code":
        made = {"outputs": [], "execution_count": None, **made}
    return made


def make_png(width: int = 6, height: int = 4) -> bytes:
    """A small grey gradient."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((40 * x + 20 * y) % 256 for x in range(width)) for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def picture(encoded: str, plain: str = "<Figure size 640x480 with 1 Axes>") -> dict[str, Any]:
    data = {"image/png": encoded, "text/plain": plain}
    return {"output_type": "display_data", "data": data, "metadata": {}}


LAYER_NORM = '''def layer_norm_backward(dout, cache):
    """Gradients of LayerNorm.

    dout has shape (N, D); returns dx (N, D), dgamma (D,), dbeta (D,).
    """
    normalised, gamma, inverse = cache
    dgamma = (dout * normalised).sum(axis=0)
    dbeta = dout.sum(axis=0)
    dnormalised = dout * gamma
    mean = dnormalised.mean(axis=1, keepdims=True)
    product = (dnormalised * normalised).mean(axis=1, keepdims=True)
    dx = inverse * (dnormalised - mean - normalised * product)  # see the formula above
    return dx, dgamma, dbeta'''

GIVEN = "import math\n\nimport numpy as np\n\n\n" + "\n".join(
    f"def example_{i}(x):\n    return x + {i}\n" for i in range(8)
)


def make_notebook(image: str | None = None) -> dict[str, Any]:
    """A notebook of the class's assignment, as a student might hand it in."""
    encoded = image or base64.b64encode(make_png()).decode()
    cells = [
        cell("markdown", "# Backpropagation\n\nYou will write the backward pass of four layers, and **check** each "
             "against numbers.\n\n- what a *cotangent* is\n- why gradients add up", "given", "intro"),
        cell("code", GIVEN, "given", "imports"),
        cell("markdown", "## LayerNorm\n\nEach row of $x$ is centred and scaled, $\\hat x = (x - \\mu) / "
             "\\sqrt{\\sigma^2 + \\epsilon}$, so that\n\n$$dx = \\frac{1}{\\sigma}(d\\hat x - "
             "\\overline{d\\hat x} - \\hat x\\,\\overline{d\\hat x\\,\\hat x})$$\n\nSource: "
             "[Ba, Kiros, Hinton 2016](https://arxiv.org/abs/1607.06450).", "given", "layer_norm_text"),
        cell("code", LAYER_NORM, "blank", "layer_norm_blank"),
        cell("code", 'check("layer_norm_backward")', "check", "layer_norm_backward", 3),
        cell("code", "x = np.linspace(0, 1, 5)\nprint(x)\nxs", outputs=[stream("[0.   0.25 0.5  0.75 1.  ]\n")]),
        cell("code", 'check("scalar_tape")', "check", "scalar_tape", 4),
        cell("code", 'check("affine_backward")', "check", "affine_backward", 3),
        cell("code", 'check("softmax_cross_entropy")', "check", "softmax_cross_entropy", 4),
        cell("code", "plot_losses(losses)  # how the loss falls", "demo", "plot", outputs=[picture(encoded)]),
        cell("code", 'check("cuda_graph")', "check", "cuda_graph", 2),
        cell("markdown", "The variance divides by *N*, because it is the variance of these very numbers, not an "
             "estimate:\n\n| divide by | at width 4 |\n|---|---|\n| N | 1.00 |\n| N − 1 | 1.33 |",
             "written", "explain_layer_norm", 3),
        cell("markdown", "", "written", "explain_momentum", 2),
    ]  # fmt: skip
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def notebook() -> dict[str, Any]:
    """The notebook that the class's results belong to."""
    return make_notebook()


@pytest.fixture
def classroom() -> list[Result]:
    """Fourteen results of one assignment."""
    return make_class()


@pytest.fixture(scope="session")
def samples() -> SimpleNamespace:
    """What the class and its notebook are made of."""
    return SimpleNamespace(
        question=question, result=result, nothing=nothing, GPU=GPU, HINTS=HINTS,
        cell=cell, png=make_png, stream=stream, picture=picture,
    )  # fmt: skip


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b2Jgone \x1bc",
    "a\x00b\x08c\x7f",
    "\u202eevil\u2066 \u200f",
    "\ud800 lone",
    "</pre></details></style><b>",
    "[bold red]markup[/]",
    "[x](javascript:alert(1))",
    "![x](data:text/html;base64,PHNjcmlwdD4=)",
)


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    """Each of the strings that would do harm if they were believed."""
    return str(request.param)


class Page(HTMLParser):
    """A parsed page: tags, attributes, words; every element must be closed in order."""

    VOID = frozenset({"meta", "img", "br", "hr", "input", "link", "base"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"closed twice: {tag}"
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("style", "script"):
            self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    @property
    def tags(self) -> set[str]:
        return {tag for tag, _ in self.elements}

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def assert_contained(html: str) -> Page:
    """The page runs nothing, loads nothing and holds no invisible control."""
    html.encode("utf-8")
    page = Page(html)
    assert not page.tags & {
        "script",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "form",
        "audio",
        "video",
        "foreignobject",
    }
    policy = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    ]
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "action", "srcset", "background"):
            value = attributes.get(name)
            if value is not None:
                assert value.startswith(("#", "data:image/png;base64,", "https://", "http://", "mailto:")), value
                assert name != "src" or value.startswith("data:image/png;base64,")
    assert not set(html) & set(
        "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x07\x08\x1b\x7f\x9b"
    )
    return page


@pytest.fixture(scope="session")
def contained() -> Callable[[str], Page]:
    """Parses a page after proving that it runs and loads nothing."""
    return assert_contained
