"""Which questions can a change of the reference reach at all?

A question uses the names that its checks ask for, and whatever those use in turn. A variant
that changes none of them can't change an outcome, so it needn't be run there.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any


class Watched(dict[str, Any]):
    """A namespace that notes which of its names checks ask for.

    The functions in it go on using the namespace that it was made from: only what comes
    through a request is seen.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        super().__init__(namespace)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.asked.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return super().__contains__(name)


def uses(text: str) -> dict[str, set[str]]:
    """For each top-level name of a text, the top-level names that it uses: itself, and all the way down."""
    direct: dict[str, set[str]] = {}
    for node in ast.parse(text).body:
        for name in _bound(node):
            direct.setdefault(name, set()).update(_mentioned(node))
    reached = {name: {name} | (mentioned & direct.keys()) for name, mentioned in direct.items()}
    grew = True
    while grew:
        grew = False
        for name, names in reached.items():
            more = set().union(*(reached[other] for other in names)) - names
            if more:
                reached[name] = names | more
                grew = True
    return reached


def _bound(node: ast.stmt) -> set[str]:
    """The names that a top-level statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _mentioned(node: ast.stmt) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
