"""Notebooks that might be handed in: this course's own, damaged at random; and what must hold for each."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path
from typing import Any

from autograder.notebook import Notebook, Unreadable, cells, dump, imports, read, repair

from ..small import HOUSE, source_notebook
from . import damage

LIMIT_MIB = 2.0
_STEPS = (". ", "hand", "Hand", "Save", "Clear", "Open", "Delete", "Unpack", "Solve", "Run", "Download")
_NODES: tuple[Any, ...] = (
    {"cell_type": "code", "source": "x", "metadata": {}, "outputs": [], "execution_count": None},
    {"cell_type": "markdown", "source": ["a\n", "b"], "metadata": {}, "attachments": {"a.png": {"image/png": "QUJD"}}},
    {"cell_type": "heading"}, {"nbgrader": {"grade_id": "scale", "grade": True, "points": 1e9, "solution": True}},
    {"grade_id": ["x"], "grade": 1, "locked": "yes", "task": True, "solution": {}}, {"tags": ["demo", 3, ["own"]]},
    {"output_type": "stream", "name": ["x"], "text": [1]}, {"output_type": "error", "traceback": [1, "a"]},
    {"output_type": "execute_result", "data": {"application/json": [[1]], "text/html": {"a": 1}, "": 3}}, "scale", 4, 3,
    {"output_type": "display_data", "data": {"image/png": ["QUJD"]}, "metadata": {"a": [1]}},
    1e300, -(10**400), 10**400,
)  # fmt: skip


class Violated(AssertionError):
    """A notebook that got something that it must not get; the message says what."""


def check(data: bytes) -> str:
    """Read, repair and write a notebook as grading does. 'read', or the reason it was refused for.

    Raises `Violated`, or whatever the reader let through.
    """
    try:
        found = read(data, limit_mib=LIMIT_MIB)
    except Unreadable as error:
        said = str(error)
        if not said.startswith("The notebook ") or not said.endswith(".") or not any(step in said for step in _STEPS):
            raise Violated(f"a refusal without a next step: {said!r}") from error
        if not said.isprintable() or len(said) > 300:
            raise Violated(f"a refusal that is no clear line: {said!r}") from error
        return said
    if read(dump(found), limit_mib=10 * LIMIT_MIB) != found:
        raise Violated("what was read isn't what is written")
    source = _source()
    repaired, notes = repair(found, source)
    dump(repaired)
    imports(found)
    if any(not note.text.isprintable() for note in notes):
        raise Violated("a note that can't be printed")
    wanted = [(cell.role, cell.grade_id, cell.cell_type, cell.points) for cell in cells(source) if cell.grade_id]
    got = [(cell.role, cell.grade_id, cell.cell_type, cell.points) for cell in cells(repaired) if cell.grade_id]
    if wanted != got:
        raise Violated("repair doesn't give the assignment's cells")
    ids = [cell["id"] for cell in repaired["cells"]]
    if len(set(ids)) != len(ids):
        raise Violated("an id twice")
    return "read"


@cache
def _source() -> Notebook:
    return source_notebook()


def corpus(*, largest: int = 40_000) -> list[bytes]:
    """The course's notebooks, sources and releases, cut down to `largest` bytes; the tests' samples; small ones."""
    found = [dump(source_notebook()), b'{"nbformat": 4, "cells": []}', b'{"nbformat": 3, "worksheets": []}']
    places = (HOUSE / "source", HOUSE / "release", Path(__file__).parents[1] / "samples")
    for path in sorted(path for place in places for path in place.rglob("*.ipynb")):
        data = path.read_bytes()
        if len(data) > largest:
            data = _shortened(data, largest)
        found.append(data[:largest])
    found.append(dump(_with_outputs()))
    return list(dict.fromkeys(found))


def _shortened(data: bytes, largest: int) -> bytes:
    """A notebook with only as many of its cells as there is room for; other bytes stay as they are."""
    try:
        notebook = json.loads(data)
        while len(json.dumps(notebook)) > largest and notebook["cells"]:
            notebook["cells"] = notebook["cells"][: len(notebook["cells"]) * 2 // 3]
        return json.dumps(notebook, indent=1, ensure_ascii=False).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return data


def _with_outputs() -> Notebook:
    notebook = source_notebook()
    shown = [
        {"output_type": "stream", "name": "stdout", "text": "loss 0.1\n"},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": "QUJD", "text/plain": "<Figure>"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a\x1b[31m"]},
    ]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = shown
    return notebook


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The notebook with one to three things wrong: in its bytes, in its JSON, or in its cells."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice((_bytes, _json, _json, _cells, _cells, _text))(data, rng)
    return data


def _bytes(data: bytes, rng: random.Random) -> bytes:
    return damage.of_bytes(data, rng)


def _json(data: bytes, rng: random.Random) -> bytes:
    return damage.of_json(data, rng, _NODES)


def _cells(data: bytes, rng: random.Random) -> bytes:
    """What people and merges do to cells: copied, moved, deleted, retyped, edited, marked anew."""
    try:
        notebook = json.loads(data)
        cells = notebook["cells"]
        at, kind = rng.randrange(len(cells)), rng.randrange(8)
        if kind == 0:
            cells[at:at] = [cells[at]] * rng.choice((1, 2, 30))
        elif kind == 1:
            rng.shuffle(cells)
        elif kind == 2:
            del cells[at : at + rng.choice((1, 1, 5))]
        elif kind == 3:
            cells[at]["cell_type"] = rng.choice(("code", "markdown", "raw", "heading", None))
        elif kind == 4:
            cells[at]["metadata"]["nbgrader"] = rng.choice(cells)["metadata"].get("nbgrader", {})
        elif kind == 5:
            cells[at]["metadata"]["nbgrader"][rng.choice(("points", "grade_id", "solution", "locked"))] = rng.choice(
                _NODES
            )
        elif kind == 6:
            cells[at]["id"] = rng.choice(cells).get("id", "é" * 70)
        else:
            cells[at]["outputs"] = [rng.choice(_NODES) for _ in range(rng.choice((1, 3, 200)))]
        return json.dumps(notebook).encode()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return damage.of_bytes(data, rng)


def _text(data: bytes, rng: random.Random) -> bytes:
    """Other source text in a cell: nested, long, blank, magic, no Python at all."""
    piece = rng.choice(
        (" ", "\n", "(", "-", "a?", "%x\n", "a, ", "'", '"""', "\\", "\ud800", "f'{", "lambda:", "x.", "\0", "=%")
    )
    source = piece * rng.choice((1, 3, 90, 3000)) + rng.choice(
        ("", "x", ")", "import torch", "%%time\nimport tensorflow")
    )
    try:
        notebook = json.loads(data)
        notebook["cells"][rng.randrange(len(notebook["cells"]))]["source"] = source
        return json.dumps(notebook).encode()
    except (ValueError, TypeError, KeyError, RecursionError):
        return damage.of_bytes(data, rng)
