"""The course that grades itself: what notebooks and checks import, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograder.checking.compare import agree
    from autograder.checking.live import check
    from autograder.checking.marks import hidden, question
    from autograder.checking.variants import alternative, edited, mistake

__all__ = ["agree", "alternative", "check", "edited", "hidden", "mistake", "question"]

_HOMES = {
    "agree": "autograder.checking.compare",
    "check": "autograder.checking.live",
    "question": "autograder.checking.marks",
    "hidden": "autograder.checking.marks",
    "mistake": "autograder.checking.variants",
    "alternative": "autograder.checking.variants",
    "edited": "autograder.checking.variants",
}


def __getattr__(name: str) -> Any:
    # Lazily, so that `import autograder` costs nothing and needs nothing.
    if name not in _HOMES:
        raise AttributeError(f"module 'autograder' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
