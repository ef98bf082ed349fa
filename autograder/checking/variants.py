"""Wrong answers and other right ones, as changes of the reference.

`mistakes.py` (or the modules of a folder `mistakes/`) names the classic mistakes of an
assignment, `alternatives.py` honest other answers. Both say what takes the place of what
in the reference, so one entry gives a namespace for the lint and a notebook for a class.
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import textwrap
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from autograder.course import CourseError
from autograder.notebook import FRAMEWORKS


class VariantError(CourseError):
    """A mistake or an alternative that doesn't fit the reference; the message says which and why."""


@dataclass(frozen=True)
class Variant:
    """The reference with one thing changed.

    `also` names other questions that a mistake rightly fails, or that an alternative answers
    as well. Either `old` gives way to `new`, or the `definitions` take the place of the
    reference's of the same names.
    """

    kind: Literal["mistake", "alternative"]
    question: str
    name: str
    hint: str = ""
    also: tuple[str, ...] = ()
    old: str = ""
    new: str = ""
    definitions: str = ""

    @property
    def questions(self) -> tuple[str, ...]:
        return (self.question, *self.also)

    def apply(self, cells: Sequence[str]) -> list[str]:
        """The reference's code cells (or its whole text, as one) with the change made.

        Raises `VariantError` when there is no, or more than one, place for it.
        """
        if self.old:
            return self._edit(cells)
        return self._define(cells)

    def places(self, cells: Sequence[str]) -> set[str]:
        """Names of the functions and classes that this changes; two variants that share one exclude each other."""
        if not self.old:
            return {node.name for node in _definitions(self.definitions)}
        return {
            node.name
            for cell in cells
            if self.old in cell
            for node, lines in zip(_definitions(cell), _texts_of(cell), strict=True)
            if self.old in lines
        }

    def _edit(self, cells: Sequence[str]) -> list[str]:
        count = sum(cell.count(self.old) for cell in cells)
        if count != 1:
            raise VariantError(f"{self}: {self.old!r} stands {count} times in the reference; it must stand there once")
        return [cell.replace(self.old, self.new) for cell in cells]

    def _define(self, cells: Sequence[str]) -> list[str]:
        try:
            body = ast.parse(self.definitions).body
        except SyntaxError as error:
            raise VariantError(f"{self}: its definitions can't be read: {error}") from None
        lines = self.definitions.splitlines()
        wanted = {node.name: _lines_of(node, lines) for node in body if isinstance(node, _DEFINITIONS)}
        places = {  # where a name is defined twice, the last definition holds
            node.name: (at, node) for at, cell in enumerate(cells) for node in _definitions(cell) if node.name in wanted
        }
        if not places:
            raise VariantError(f"{self}: the reference defines none of {', '.join(sorted(wanted))}")
        ordered = sorted(places.values(), key=lambda place: (place[0], place[1].lineno))
        # What stands for nothing in the reference (imports, helpers) goes, in its order, before the first that does.
        own = [_lines_of(n, lines) for n in body if not (isinstance(n, _DEFINITIONS) and n.name in places)]
        changed = [cell.splitlines() for cell in cells]
        for at, node in reversed(ordered):
            before = "\n".join(own) + "\n\n\n" if own and node is ordered[0][1] else ""
            changed[at][_first_line(node) - 1 : node.end_lineno] = [before + wanted[node.name]]
        untouched = set(range(len(cells))) - {at for at, _ in ordered}
        return [cell if at in untouched else "\n".join(changed[at]) for at, cell in enumerate(cells)]

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} of {self.question}"


@dataclass(frozen=True)
class Variants:
    """All mistakes and alternatives of one assignment, in the order of their files."""

    mistakes: tuple[Variant, ...] = ()
    alternatives: tuple[Variant, ...] = ()


_collected: ContextVar[list[Variant] | None] = ContextVar("collected", default=None)


def edited(question: str, name: str, *, old: str, new: str, hint: str, also: Sequence[str] = ()) -> None:
    """A mistake made by one edit: `old`, which stands once in the reference, becomes `new`."""
    _collect(Variant("mistake", question, name, hint, tuple(also), old=old, new=new))


def mistake(question: str, *, hint: str, also: Sequence[str] = ()) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """A mistake whose function body holds the definitions that take the reference's place."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        _collect(Variant("mistake", question, _name(function), hint, tuple(also), definitions=_body(function)))
        return function

    return register


def alternative(question: str, *, also: Sequence[str] = ()) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Another right answer; its function body holds the definitions that take the reference's place."""

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        _collect(Variant("alternative", question, _name(function), "", tuple(also), definitions=_body(function)))
        return function

    return register


def load(folder: Path, framework: str | None = None) -> Variants:
    """The variants of the assignment whose checks lie in `folder`.

    Where twins share the checks, `mistakes/torch/` and `mistakes/tensorflow/` (likewise of
    alternatives) hold what fits the reference in that `framework` alone. Raises `VariantError`
    naming the file when one can't be loaded or two share a name.
    """
    variants = Variants(*(_load(folder, what, framework) for what in ("mistakes", "alternatives")))
    seen: set[tuple[str, str]] = set()
    for variant in (*variants.mistakes, *variants.alternatives):
        if (variant.question, variant.name) in seen:
            raise VariantError(f"{folder}: {variant} is there twice")
        seen.add((variant.question, variant.name))
    return variants


def _load(folder: Path, what: str, framework: str | None) -> tuple[Variant, ...]:
    files = [folder / f"{what}.py"] if (folder / f"{what}.py").is_file() else sorted((folder / what).glob("*.py"))
    for own in sorted({path.parent for path in (folder / what).glob("*/*.py")}):
        if own.name not in FRAMEWORKS or framework is None:  # or nobody would ever run them
            raise VariantError(f"{own} fits no notebook: {', '.join(FRAMEWORKS)} are known, each for a twin of its own")
        if own.name == framework:
            files += sorted(own.glob("*.py"))
    found: list[Variant] = []
    token = _collected.set(found)
    try:
        for file in files:
            spec = importlib.util.spec_from_file_location(f"_{what}_{file.parent.name}_{file.stem}", file)
            if spec is None or spec.loader is None:
                raise VariantError(f"{file} is no Python file")
            try:
                spec.loader.exec_module(importlib.util.module_from_spec(spec))
            except Exception as error:
                raise VariantError(f"{file}: {type(error).__name__}: {error}") from error
    finally:
        _collected.reset(token)
    return tuple(found)


def _collect(variant: Variant) -> None:
    found = _collected.get()
    if found is not None:
        found.append(variant)


def _name(function: Callable[..., Any]) -> str:
    return function.__name__.replace("_", " ")


def _body(function: Callable[..., Any]) -> str:
    """The source of a function's body, dedented."""
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    first, *rest = node.body
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):  # a docstring
        if not rest:
            raise VariantError(f"{function.__name__} defines nothing")
        first = rest[0]
    return textwrap.dedent("\n".join(source.splitlines()[_first_line(first) - 1 :]))


_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@lru_cache(maxsize=1024)  # a reference is looked through once for every variant of it
def _definitions(text: str) -> tuple[_Definition, ...]:
    try:
        return tuple(node for node in ast.parse(text).body if isinstance(node, _DEFINITIONS))
    except SyntaxError:  # magics: such a cell defines nothing that a variant replaces
        return ()


@lru_cache(maxsize=1024)
def _texts_of(text: str) -> tuple[str, ...]:
    """The lines of each of the definitions."""
    lines = text.splitlines()
    return tuple(_lines_of(node, lines) for node in _definitions(text))


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _lines_of(node: ast.stmt, lines: list[str]) -> str:
    return "\n".join(lines[_first_line(node) - 1 : node.end_lineno])
