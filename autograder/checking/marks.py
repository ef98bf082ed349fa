"""The marks that make a pytest function a check."""

from __future__ import annotations

import math

import pytest

hidden = pytest.mark.hidden
"""A check that never leaves the instructor's side: no release holds it, no feedback shows its numbers."""


def question(name: str, *, weight: float = 1.0) -> pytest.MarkDecorator:
    """Mark a test as a check of the question `name`, the `grade_id` of its grade cell.

    Each case (each parameter set) weighs `weight`; a question's score is its points
    times passed weight over total weight. Raises ValueError for a weight that isn't above 0.
    """
    if not 0 < weight < math.inf:
        raise ValueError(f"{name}: a case's weight is a number above 0, not {weight}")
    return pytest.mark.question(name, weight=weight)
