"""`course new attention`: an assignment that lints clean once its blank is filled."""

from __future__ import annotations

import keyword
import re
from importlib import resources
from pathlib import Path
from typing import Any

from autograder.course import Course, CourseError
from autograder.notebook import Notebook, dump, with_ids

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = ("autograder", "test", "tests", "conftest")  # what tests/ or an import would mistake it for
_MARK = "%% "
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def new(course: Course, name: str) -> tuple[Path, ...]:
    """Write source/<name>/ and tests/<name>/ with one worked question; returns the paths written.

    Raises `CourseError` when the name can't be an assignment's, or when something of
    that name is there; then nothing is written.
    """
    _check(name)
    title = name.replace("_", " ").capitalize()
    source, tests = course.folder("source") / name, course.root / "tests" / name
    files = {
        source / f"{name}.ipynb": dump(_notebook(_template("notebook", title=title))),
        tests / f"test_{name}.py": _template("tests", name=name).encode(),
        tests / "mistakes.py": _template("mistakes", name=name).encode(),
        tests / "alternatives.py": _template("alternatives", name=name).encode(),
    }
    built = (course.folder("release") / name, course.root / "solutions" / f"{name}.py")
    for path in (source, tests, *built):
        if path.exists() or path.is_symlink():
            shown = path.relative_to(course.root) if path.is_relative_to(course.root) else path
            raise CourseError(f"{shown} is there already. Choose another name, or remove it first.")
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tuple(files)


def _check(name: str) -> None:
    if _NAME.fullmatch(name) and not keyword.iskeyword(name) and name not in _TAKEN:
        return
    proposal = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:40]
    usable = _NAME.fullmatch(proposal) and not keyword.iskeyword(proposal) and proposal not in _TAKEN
    hint = f", for example {proposal!r}" if usable else ", for example 'attention'"
    raise CourseError(
        f"{name!r} can't name an assignment. Take small letters, digits and _, beginning with a letter{hint}: "
        "the name becomes folders and a Python module."
    )


def _template(which: str, **values: str) -> str:
    text = (resources.files("autograder") / "templates" / "assignment" / f"{which}.txt").read_text(encoding="utf-8")
    for key, value in values.items():  # not str.format: formulas and code have braces of their own
        text = text.replace(f"{{{key}}}", value)
    return text


def _notebook(text: str) -> Notebook:
    """A notebook of a template: each cell begins with '%% kind grade_id [points]'."""
    cells = [_cell(*part.partition("\n")[::2]) for part in text.removeprefix(_MARK).split(f"\n{_MARK}")]
    metadata = {"kernelspec": dict(_KERNEL), "language_info": {"name": "python"}}
    return with_ids({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _cell(head: str, source: str) -> dict[str, Any]:
    kind, grade_id, *points = head.split()
    marks: dict[str, Any] = {
        "grade": kind in ("check", "written"),
        "grade_id": grade_id,
        "locked": kind not in ("blank", "written"),
        "schema_version": 3,
        "solution": kind in ("blank", "written"),
        "task": False,
    }
    if points:
        marks["points"] = float(points[0])
    metadata: dict[str, Any] = {"nbgrader": marks}
    if kind == "demo":
        metadata["tags"] = ["demo"]
    cell: dict[str, Any] = {"metadata": metadata, "source": source.rstrip("\n")}
    if kind in ("text", "written"):
        return {"cell_type": "markdown", **cell}
    return {"cell_type": "code", **cell, "outputs": [], "execution_count": None}
