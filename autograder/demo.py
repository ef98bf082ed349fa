"""A sample class for an assignment, composed from its reference, alternatives and mistakes.

Every student stands for something that real classes hand in. The folder that they are put
into is a course of its own, so a demo never touches the real gradebook.
"""

from __future__ import annotations

import ast
import copy
import shutil
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder import notebook as notebooks
from autograder.checking.suite import suite_of
from autograder.checking.variants import Variant, VariantError
from autograder.course import CONFIG_NAME, Course, CourseError
from autograder.notebook import Notebook, Unreadable

_IMPATIENT = """
# A demo doesn't wait long for its endless loop.
c.CourseSettings.case_seconds = 4.0
"""


@dataclass(frozen=True)
class Sample:
    """One sample student: what was handed in, as the file's name and bytes, and what it stands for."""

    student: str
    story: str
    name: str
    content: bytes


def compose(course: Course, assignment: str, folder: Path) -> tuple[Course, tuple[Sample, ...]]:
    """Make `folder` a course with a sample class for `assignment`; whatever lay there is replaced.

    Returns the new course and its samples. Raises `CourseError` when the assignment isn't built.
    """
    marker = folder / ".demo"
    if folder.exists() and not marker.is_file():
        raise CourseError(f"{folder} was not made by `course demo`; name another folder or remove it.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()
    shutil.copy(course.root / CONFIG_NAME, folder)
    with (folder / CONFIG_NAME).open("a") as config:
        config.write(_IMPATIENT)
    if (course.root / "nbgrader_config.py").is_file():
        shutil.copy(course.root / "nbgrader_config.py", folder)
    found = course.assignment(assignment)
    (folder / "solutions").mkdir()
    shutil.copy(found.solution, folder / "solutions")
    for origin in (found.source.parent, found.release, found.tests):
        target = folder / origin.relative_to(course.root)
        shutil.copytree(origin, target, ignore=shutil.ignore_patterns("__pycache__"))
    made = samples(course, assignment)
    handed_in = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    for sample in made:
        place = folder / "submitted" / sample.student / assignment
        place.mkdir(parents=True)
        (place / sample.name).write_bytes(sample.content)
        (place / "timestamp.txt").write_text(handed_in)
    return Course(folder), made


def samples(course: Course, assignment: str) -> tuple[Sample, ...]:
    """The sample class of an assignment, the same on every call."""
    source, release = _notebooks(course, assignment)
    variants = suite_of(course.assignment(assignment)).variants
    first = _one_each(variants.alternatives)
    second = _one_each(variants.alternatives[::-1])
    wrong = _one_each(variants.mistakes)
    also_wrong = _one_each(variants.mistakes[::-1])

    def answers(*changes: Variant, upto: int | None = None) -> Notebook:
        return _answered(source, release, changes, upto)

    half = sum(cell.role == "blank" for cell in notebooks.cells(source)) // 2

    def begun() -> Notebook:
        """Half done: what happens to a damaged notebook shows as well there, and is graded in half the time."""
        return answers(upto=half)

    stories: list[tuple[str, Callable[[], Notebook | bytes], str]] = [
        ("the reference itself", answers, ""),
        ("honest alternatives throughout", lambda: answers(*first), ""),
        ("other honest alternatives", lambda: answers(*second), ""),
        ("one classic mistake", lambda: answers(*wrong[len(wrong) // 2 :][:1]), ""),
        ("a classic mistake in every third question", lambda: answers(*wrong[::3]), ""),
        ("other mistakes in every third question", lambda: answers(*also_wrong[1::3]), ""),
        ("a mistake in every question", lambda: answers(*wrong), ""),
        ("the first half done", lambda: answers(upto=half), ""),
        ("the untouched release", lambda: release, ""),
        ("a syntax error in one cell", lambda: _in_blank(begun(), 1, lambda text: text + "\nreturn ("), ""),
        ("an endless loop in one answer", lambda: _in_blank(begun(), 2, _looping), ""),
        ("deleted and copied cells", lambda: _damaged(begun()), ""),
        ("a function renamed", lambda: _in_blank(begun(), 3, _renamed), ""),
        ("an answer that ends its own process", lambda: _in_blank(begun(), 4, _leaving), ""),
        ("a file that is no notebook", lambda: b"<html><body>Sign in to continue</body></html>\n", ""),
        ("a notebook by another name", begun, f"{assignment}-final (2).ipynb"),
    ]
    made = []
    for number, (story, make, name) in enumerate(stories, 1):
        content = make()
        data = content if isinstance(content, bytes) else notebooks.dump(content)
        made.append(Sample(f"student-{number:02}", story, name or f"{assignment}.ipynb", data))
    return tuple(made)


def answered(course: Course, assignment: str) -> Notebook:
    """The released notebook with the reference's answers in its blanks."""
    return _answered(*_notebooks(course, assignment), (), None)


def _notebooks(course: Course, assignment: str) -> tuple[Notebook, Notebook]:
    """Source and release. Raises `CourseError` when there is no release."""
    found = course.assignment(assignment)
    limit = course.limits.notebook_mib
    source = notebooks.read(found.source, limit_mib=limit)
    try:
        return source, notebooks.read(found.release / f"{assignment}.ipynb", limit_mib=limit)
    except Unreadable:
        raise CourseError(f"{assignment} isn't released yet. `course build {assignment}` does it.") from None


def _one_each(variants: Sequence[Variant]) -> list[Variant]:
    """The first variant of every question, so that no two change the same place."""
    chosen: dict[str, Variant] = {}
    for variant in variants:
        chosen.setdefault(variant.question, variant)
    return list(chosen.values())


def _answered(source: Notebook, release: Notebook, changes: Sequence[Variant], upto: int | None) -> Notebook:
    """The release with the reference's answers in its blanks, changed by `changes`; only the first `upto` blanks."""
    pairs = list(zip(notebooks.cells(source), source["cells"], strict=True))
    blanks = [cell for cell, _ in pairs if cell.role == "blank"]
    texts = ["\n".join(_unmarked(cell.source)) for cell in blanks]
    taken: set[str] = set()
    for change in changes:
        places = change.places(texts)
        if taken & places:
            continue  # what another change has replaced already: their caches needn't fit
        try:
            texts = change.apply(texts)
        except VariantError:
            continue
        taken |= places
    filled = {cell.grade_id: text for cell, text in list(zip(blanks, texts, strict=True))[:upto]}
    model_answers = {cell.grade_id: cell.source for cell, _ in pairs if cell.role == "written"}
    made = copy.deepcopy(release)
    for cell, raw in zip(notebooks.cells(made), made["cells"], strict=True):
        if cell.grade_id in filled:
            raw["source"] = filled[cell.grade_id]
        elif cell.role == "written" and upto is None:
            raw["source"] = "\n".join(_unmarked(model_answers[cell.grade_id]))
    return made


def _unmarked(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() not in ("### BEGIN SOLUTION", "### END SOLUTION")]


def _in_blank(notebook: Notebook, number: int, change: Callable[[str], str]) -> Notebook:
    """The notebook with its blank `number` (modulo how many there are) changed."""
    blanks = [
        raw
        for cell, raw in zip(notebooks.cells(notebook), notebook["cells"], strict=True)
        if cell.role == "blank" and "def " in cell.source
    ]
    raw = blanks[number % len(blanks)]
    raw["source"] = change(raw["source"])
    return notebook


def _looping(text: str) -> str:
    return _as_first_statement(text, "while True:\n    pass")


def _leaving(text: str) -> str:
    return _as_first_statement(text, "import os\nos._exit(0)")


def _as_first_statement(text: str, statement: str) -> str:
    """`statement` in front of the body of the last function that `text` defines, or at the end."""
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    if not functions:
        return f"{text}\n{statement}"
    first = functions[-1].body[0]
    lines = text.splitlines()
    return "\n".join(
        [*lines[: first.lineno - 1], textwrap.indent(statement, " " * first.col_offset), *lines[first.lineno - 1 :]]
    )


def _renamed(text: str) -> str:
    return text.replace("def ", "def my_", 1)


def _damaged(notebook: Notebook) -> Notebook:
    """The notebook with a check deleted, a blank copied and two cells swapped."""
    cells = notebook["cells"]
    roles = [cell.role for cell in notebooks.cells(notebook)]
    blank = roles.index("blank")
    copied = copy.deepcopy(cells[blank])
    copied["id"] = "copied-blank"
    del cells[roles.index("check")]
    cells.insert(blank + 1, copied)
    cells[-1], cells[-2] = cells[-2], cells[-1]
    return notebook
