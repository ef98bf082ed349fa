"""Put a submission back into the assignment's shape, keeping what the student wrote."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import Any

from autograder.notebook._cells import Notebook, grade_id, marks, points, role, tags, with_ids
from autograder.notebook._release import released
from autograder.results import Note

_FLAGS = ("grade", "solution", "locked", "task")
_NAMED = 5  # how many cells one note names


def repair(submission: Notebook, source: Notebook) -> tuple[Notebook, tuple[Note, ...]]:
    """The submission with every cell of the source, once, in the source's order.

    Locked cells get the source's text, blanks and written answers keep the student's,
    and all get the source's type, marks and points as a release has them. The
    student's own cells stay behind the cell that they stood behind, with their text
    and nothing of nbgrader's. The notes tell the student what was put right; an
    untouched release gives none. Both notebooks are left as they are.
    """
    parts = {name: released(cell) for cell in source["cells"] if role(cell) != "free" and (name := grade_id(cell))}
    copies: dict[str, list[int]] = {}
    foreign: list[str] = []
    for index, cell in enumerate(submission["cells"]):
        name = grade_id(cell)
        if name in parts:
            copies.setdefault(name, []).append(index)
        elif name is not None and role(cell) != "free":
            foreign.append(name)
    said: list[str] = []
    kept = {
        name: _chosen(parts[name], [submission["cells"][i] for i in found], found, said)
        for name, found in copies.items()
    }
    made = {name: _mended(part, submission["cells"][kept[name]], said) if name in kept else part
            for name, part in parts.items()}  # fmt: skip
    said += _missing([part for name, part in parts.items() if name not in kept], all_of=not kept)
    said += _moved(sorted(kept, key=lambda name: kept[name]), list(parts))
    said += [f"The cell marked {_quoted(name)} isn't one of this assignment's; it counts as your own."
             for name in foreign[:_NAMED]]  # fmt: skip
    notebook = {
        "cells": _in_order(submission["cells"], parts, copies, kept, made),
        "metadata": {key: value for key, value in source["metadata"].items() if key != "celltoolbar"},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return with_ids(notebook), tuple(Note("repair", text) for text in said)


def _in_order(
    cells: Sequence[Any],
    parts: Iterable[str],
    copies: dict[str, list[int]],
    kept: dict[str, int],
    made: dict[str, dict[str, Any]],
) -> list[dict[str, Any]]:
    """The mended cells in the source's order, each followed by the student's own cells behind it."""
    name_at = {index: name for name, indices in copies.items() for index in indices}
    own: dict[str | None, list[dict[str, Any]]] = {None: []}
    behind: str | None = None
    taken = frozenset(part["id"] for part in made.values() if "id" in part)
    for index, cell in enumerate(cells):
        name = name_at.get(index)
        if name is None:
            own.setdefault(behind, []).append(_own(cell, taken))
        elif kept[name] == index:
            behind = name
    # A missing cell comes back before the own cells at its place: when a student moved
    # an answer to a cell of their own, the empty blank must not come after it.
    ordered = []
    waiting = own.pop(None)
    for name in parts:
        if name in kept:
            ordered += waiting
            waiting = own.get(name, [])
        ordered.append(made[name])
    return ordered + waiting


def _chosen(part: Any, found: Sequence[Any], indices: Sequence[int], said: list[str]) -> int:
    """Which of the copies of a cell counts: for an answer, the only one that was filled in, else the first."""
    if len(found) == 1:
        return indices[0]
    answers = [i for i, cell in zip(indices, found, strict=True) if not _same(cell["source"], part["source"])]
    if role(part) in ("blank", "written") and len(answers) == 1:
        chosen, which = answers[0], "the one that was filled in"
    else:
        chosen, which = indices[0], "the first"
    said.append(f"There were {len(found)} copies of {_called(part)}; {which} counts.")
    return chosen


def _mended(part: Any, cell: Any, said: list[str]) -> dict[str, Any]:
    """The cell of the release, holding the student's answer where one belongs."""
    called = _called(part)
    if cell["cell_type"] != part["cell_type"]:
        said.append(f"{_capital(called)} had become a {cell['cell_type']} cell; "
                    f"it is a {part['cell_type']} cell again.")  # fmt: skip
    mended = dict(part)
    kind = role(part)
    if kind in ("blank", "written"):
        mended["source"] = cell["source"]
        if part["cell_type"] != "code" and "attachments" in cell:
            mended["attachments"] = cell["attachments"]
    elif not _same(cell["source"], part["source"]):
        said.append(f"{_capital(called)} had been edited; the assignment's text is back in its place.")
    elif kind != "check" and part["cell_type"] == cell["cell_type"] == "code":
        mended["outputs"] = cell["outputs"]  # a check's outputs are claims; a plot is the student's to show
    if points(cell) != points(part):
        said.append(f"The points of {called} had been changed to {points(cell):g}; they are {points(part):g}.")
    elif [marks(cell).get(flag, False) for flag in _FLAGS] != [marks(part).get(flag, False) for flag in _FLAGS]:
        said.append(f"The marks that make {called} what it is had been changed; they have been put right.")
    return mended


def _own(cell: Any, taken: frozenset[str]) -> dict[str, Any]:
    kept = {key: value for key, value in cell.items() if key != "metadata" and not (key == "id" and value in taken)}
    return {**kept, "metadata": {"tags": tags(cell)} if tags(cell) else {}}


def _missing(parts: Sequence[Any], *, all_of: bool) -> list[str]:
    if all_of and parts:
        return ["None of the assignment's cells are in this notebook: is it the right one? All have been put back."]
    said = [f"{_capital(_called(part))} was missing; it has been put back, empty."
            for part in parts if role(part) in ("blank", "written")]  # fmt: skip
    locked = [part for part in parts if role(part) not in ("blank", "written")]
    if len(locked) > _NAMED:
        names = _listed([grade_id(part) for part in locked])
        return [*said, f"{len(locked)} cells of the assignment were missing; they have been put back: {names}."]
    return said + [f"{_capital(_called(part))} was missing; it has been put back." for part in locked]


def _moved(found: Sequence[str], order: Sequence[str]) -> list[str]:
    """The fewest cells whose moving explains the order found: all but a longest increasing run."""
    place = {name: i for i, name in enumerate(order)}
    tails: list[int] = []
    lengths: list[int] = []
    for name in found:
        at = bisect.bisect_left(tails, place[name])
        tails[at : at + 1] = [place[name]]
        lengths.append(at)
    moved = []
    expected = len(tails) - 1
    for name, length in zip(reversed(found), reversed(lengths), strict=True):
        if length == expected:
            expected -= 1
        else:
            moved.append(name)
    if not moved:
        return []
    moved.sort(key=lambda name: place[name])
    return [f"Cells had been moved; they stand in the assignment's order again: {_listed(moved)}."]


def _called(part: Any) -> str:
    kind = role(part)
    noun = {"check": "check cell", "blank": "blank", "written": "written answer", "demo": "demo cell"}.get(
        kind, "given cell" if part["cell_type"] == "code" else "text cell"
    )
    return f"the {noun} {_quoted(grade_id(part) or '')}"


def _listed(names: Sequence[str | None]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(_quoted(name or "") for name in names[:_NAMED]) + more


def _quoted(name: str) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:60])
    return f"'{shown}'"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _same(one: str, other: str) -> bool:
    """Equal but for line endings and white space at the ends of lines, which editors change unasked."""
    return [line.rstrip() for line in one.strip().splitlines()] == [
        line.rstrip() for line in other.strip().splitlines()
    ]
