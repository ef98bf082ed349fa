"""Twins: one assignment in two frameworks, whose notebooks share all cells but those tagged `own`.

The first one's notebook is the truth for what they share: its cells in their order. A cell
tagged `own` stands in both under one id, each with the text of its framework.
"""

from __future__ import annotations

from autograder.building.source import read_source
from autograder.course import Assignment, CourseError
from autograder.notebook import Notebook, is_own


def in_step(assignment: Assignment) -> tuple[Notebook, list[str]]:
    """The notebook as its first twin's makes it, and in what the present one differs: a line for each cell.

    An assignment that is no twin is as it should be. Raises `CourseError` when a cell of its
    own has no place: that can't be put right without losing it, or writing it.
    """
    twin = read_source(assignment)
    if assignment.first == assignment.name:
        return twin, []
    first = read_source(assignment.course.assignment(assignment.first))
    mine = {cell.get("id"): cell for cell in twin["cells"]}
    places = [cell.get("id") for cell in first["cells"]]
    _hold(assignment, first, twin)
    made = [mine[cell["id"]] if is_own(cell) else cell for cell in first["cells"]]
    differing = [
        f"cell {cell.get('id')!r} differs from {assignment.first}'s"
        for cell in made
        if mine.get(cell.get("id")) != cell
    ]
    differing += [f"cell {name!r} stands in {assignment.name} alone" for name in mine if name not in places]
    if not differing and list(mine) != places:
        differing = [f"the cells stand in another order than {assignment.first}'s"]
    return {**twin, "cells": made}, differing


def _hold(assignment: Assignment, first: Notebook, twin: Notebook) -> None:
    """Raises `CourseError` unless the cells tagged `own` are the same in both."""
    own, others = ({cell.get("id") for cell in notebook["cells"] if is_own(cell)} for notebook in (first, twin))
    for name, lacks, has in [
        *((name, assignment.name, assignment.first) for name in own - others),
        *((name, assignment.first, assignment.name) for name in others - own),
    ]:
        raise CourseError(
            f"source/{lacks} has no cell {name!r} tagged 'own', but its twin {has} does. "
            f"Write it for {lacks}'s framework, or take the tag 'own' away in {has}."
        )
