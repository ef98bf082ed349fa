"""The public half of the checks: test files with what is marked @hidden cut out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograder.course import Assignment, CourseError

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_checks(assignment: Assignment) -> dict[str, bytes]:
    """The test files that a release carries, by name. Raises `CourseError` when one can't be cut."""
    paths = sorted(assignment.tests.glob("test_*.py"))
    if not paths:
        raise CourseError(f"There are no checks in {assignment.tests}: write test_{assignment.name}.py there.")
    cut = {path.name: without_hidden(path.read_text(encoding="utf-8"), str(path)) for path in paths}
    return {name: text.encode() for name, text in cut.items() if text is not None}


def without_hidden(source: str, name: str) -> str | None:
    """The text of a test file without its hidden checks; None when the whole file is hidden.

    A definition goes with its decorators and the comment right above it. Raises
    `CourseError` where `hidden` marks what isn't a definition of its own.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise CourseError(f"{name} can't be parsed: {error}. Mend it and build again.") from None
    names = _names_of_hidden(tree)
    if any(_is_pytestmark(node) and _mentions(node, names) for node in tree.body):
        return None
    lines = source.splitlines(keepends=True)
    dropped: set[int] = set()
    for node in _hidden_definitions(tree, names):
        dropped.update(_lines_of(node, lines))
    kept = [line for number, line in enumerate(lines, 1) if number not in dropped]
    text = "".join(kept).rstrip() + "\n"
    try:
        rest = ast.parse(text)
    except SyntaxError:
        raise CourseError(f"{name}: a class is left empty without its hidden checks. Mark the class @hidden.") from None
    for statement in rest.body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)) and _mentions(statement, names):
            raise CourseError(
                f"{name}: `hidden` is used other than as a decorator, so what it hides can't be cut out "
                f"(line {statement.lineno} of the public half). Give the hidden cases a check of their own."
            )
    return text


def _names_of_hidden(tree: ast.Module) -> set[str]:
    """The names that `hidden` goes by in this file."""
    found = {"hidden"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update(alias.asname for alias in node.names if alias.name == "hidden" and alias.asname)
    return found


def _hidden_definitions(tree: ast.AST, names: set[str]) -> Iterator[_Definition]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and any(
            _names(decorator, names) for decorator in node.decorator_list
        ):
            yield node


def _names(decorator: ast.expr, names: set[str]) -> bool:
    """Whether the decorator is `hidden` itself: by name, as an attribute, or called."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(target, ast.Attribute):
        return target.attr == "hidden"
    return isinstance(target, ast.Name) and target.id in names


def _mentions(tree: ast.AST, names: set[str]) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in names) or (isinstance(node, ast.Attribute) and node.attr == "hidden")
        for node in ast.walk(tree)
    )


def _is_pytestmark(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in targets)


def _lines_of(node: _Definition, lines: list[str]) -> range:
    """The definition's lines: decorators, the comment right above, and the blank lines before that."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    while first > 1 and lines[first - 2].lstrip().startswith("#"):
        first -= 1
    while first > 1 and not lines[first - 2].strip():
        first -= 1
    last = node.end_lineno or node.lineno
    return range(first, last + 1)
