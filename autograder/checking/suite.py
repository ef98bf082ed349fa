"""The checks of one assignment, and what answers for the reference: live, or replayed.

A `Suite` is found from the assignment, or from the folder that holds the checks: `tests/<a>/`
in a course, or `checks/` beside a released notebook, where recorded answers take the
reference's place. Twins share a folder of checks and differ in their framework.
"""

from __future__ import annotations

import contextlib
import linecache
import logging
import os
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder import notebook
from autograder.checking.variants import Variant, VariantError, Variants
from autograder.checking.variants import load as load_variants
from autograder.course import Assignment, CourseError, find_course


@dataclass(frozen=True)
class Suite:
    """The checks of an assignment: where they lie, and the points of each question in order.

    `solution` is the reference's file on the instructor's side, None in a release. `framework`
    is the one that the notebook imports, None where it imports none or both.
    """

    name: str
    folder: Path
    points: dict[str, float]
    solution: Path | None
    framework: str | None = None

    @property
    def public(self) -> bool:
        return self.solution is None

    @cached_property
    def variants(self) -> Variants:
        return load_variants(self.folder, self.framework)

    @property
    def command(self) -> str:
        """What runs these checks in a terminal."""
        twin = "" if self.public or self.folder.name == self.name else f" --assignment {self.name}"
        return f"pytest tests/{self.folder.name}{twin}"

    @cached_property
    def text(self) -> str:
        """The reference's source. Raises `CourseError` where there is none."""
        if self.solution is None:
            raise CourseError(f"{self.folder} belongs to a release: it holds no reference.")
        try:
            return self.solution.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CourseError(f"{self.solution} is missing. `course build {self.name}` makes it.") from None

    def namespace(self, variant: Variant | None = None) -> dict[str, Any]:
        """The reference's names, or those of the reference with one thing changed, made anew.

        Raises `CourseError` when it can't be run, `VariantError` when that is the variant's doing.
        """
        text = self.text if variant is None else variant.apply([self.text])[0]
        # A module of its own, registered, so that dataclasses and pickles of the notebook find it.
        module = types.ModuleType(f"solutions_{self.name}")
        sys.modules[module.__name__] = module
        origin = str(self.solution) if variant is None else f"<cell {variant}>"
        if variant is not None:  # tf.function and the like read the source of what they are given
            linecache.cache[origin] = (len(text), None, text.splitlines(True), origin)
        try:
            code = compile(text, origin, "exec")
            with _quiet_frameworks():
                exec(code, module.__dict__)  # noqa: S102 - the course's own code
        except Exception as error:
            told = f"can't be run: {type(error).__name__}: {error}"
            if variant is not None:
                raise VariantError(f"{self.folder}: {variant} {told}") from error
            raise CourseError(f"{self.solution} {told}") from error
        return module.__dict__


@contextlib.contextmanager
def _quiet_frameworks() -> Iterator[None]:
    """Without what TensorFlow's C++ tells descriptor 2 while it is imported, which no setting of its own prevents.

    What it warns about functions that a check traces again is nobody's news either.
    """
    if "tensorflow" in sys.modules:
        yield
        return
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def find_suite(folder: Path, name: str | None = None) -> Suite:
    """The suite whose checks lie in `folder`; `name` tells which, where twins share them.

    Raises `CourseError` when it belongs to nothing.
    """
    folder = folder.resolve()
    if (folder / "recorded.json").is_file():
        from autograder.checking.record import read_head

        head = read_head(folder)
        return Suite(folder.parent.name, folder, head.points, None, head.framework)
    assignment = find_course(folder).assignment(name or folder.name)
    if assignment.tests.resolve() != folder:
        raise CourseError(f"{assignment.name} is graded by the checks in {assignment.tests}, not by those in {folder}.")
    return suite_of(assignment)


def suite_of(assignment: Assignment) -> Suite:
    """The checks of an assignment of a course. Raises `CourseError` when its notebook can't be read."""
    try:
        source = notebook.read(assignment.source, limit_mib=assignment.course.limits.notebook_mib)
    except notebook.Unreadable as error:
        raise CourseError(str(error)) from None
    points = {cell.grade_id: cell.points for cell in notebook.cells(source) if cell.role == "check" and cell.grade_id}
    framework = notebook.framework(source)
    return Suite(assignment.name, assignment.tests.resolve(), points, assignment.solution, framework)
