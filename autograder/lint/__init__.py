"""Is the course sound? Built files, notebooks, and what the checks catch and let through."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from autograder import build, notebook
from autograder.checking.suite import Suite, suite_of
from autograder.checking.variants import VariantError
from autograder.course import Assignment, Course, CourseError
from autograder.lint.measure import HONEST_MARGIN, MISTAKE_RATIO, Measured, measure


@dataclass(frozen=True)
class Fault:
    """Something unsound: what, with the file, and the command or the edit that mends it."""

    what: str
    mend: str


@dataclass(frozen=True)
class LintReport:
    """What the lint of one assignment found. `measured` has a row for every mistake and alternative."""

    assignment: str
    questions: int
    seeds: int
    seconds: float
    measured: tuple[Measured, ...]
    faults: tuple[Fault, ...]

    @property
    def mistakes(self) -> tuple[Measured, ...]:
        return tuple(row for row in self.measured if row.kind == "mistake")

    @property
    def alternatives(self) -> tuple[Measured, ...]:
        return tuple(row for row in self.measured if row.kind == "alternative")

    @property
    def mistakes_caught(self) -> int:
        return sum(row.passed == 0 for row in self.mistakes)

    @property
    def alternatives_accepted(self) -> int:
        return sum(row.failed == 0 for row in self.alternatives)


def lint_assignment(
    course: Course, name: str, *, seeds: int = 20, processes: int = 0, device: str = "cpu"
) -> LintReport:
    """Prove one assignment sound, or say what isn't.

    The reference, every mistake and every alternative are run on `seeds` secret seeds, shared
    by `processes` (0: one per core). Raises `CourseError` when its files can't be read.
    """
    began = time.perf_counter()
    assignment = course.assignment(name)
    suite = suite_of(assignment)
    try:
        variants = suite.variants
    except VariantError as error:  # then nothing can be built or run either
        return LintReport(name, len(suite.points), seeds, 0.0, (), (Fault(str(error), "Mend that file."),))
    faults = _built(course, assignment)
    for question in suite.points:
        where = assignment.tests.relative_to(course.root)
        if not any(variant.question == question for variant in variants.mistakes):
            faults.append(Fault(f"{question} has no mistake", f"Name its classic mistakes in {where}/mistakes.py."))
        if not any(question in variant.questions for variant in variants.alternatives):
            faults.append(
                Fault(f"{question} has no alternative", f"Add another right answer to {where}/alternatives.py.")
            )
    for variant in (*variants.mistakes, *variants.alternatives):
        for question in variant.questions:
            if question not in suite.points:
                faults.append(Fault(f"{variant} names no question ({question})", "Use the grade_id of a check cell."))
        if variant.kind == "mistake" and not variant.hint.strip():
            faults.append(Fault(f"{variant} has no hint", "Say in a sentence what it is and what is right."))
    rows = _measured(assignment, suite, seeds, processes, device, faults)
    return LintReport(name, len(suite.points), seeds, round(time.perf_counter() - began, 1), tuple(rows), tuple(faults))


def _built(course: Course, assignment: Assignment) -> list[Fault]:
    """What is wrong with the built files and the notebook, before anything is run."""
    faults: list[Fault] = []
    source = notebook.read(assignment.source, limit_mib=course.limits.notebook_mib)
    shown = assignment.source.relative_to(course.root)
    faults += [Fault(f"{shown}: {what}", f"course build --fix {assignment.name}") for what in build.untidy(source)]
    try:
        differing = build.in_step(assignment)[1]
        faults += [Fault(f"{shown}: {what}", f"course build --fix {assignment.name}") for what in differing]
    except CourseError as error:
        faults.append(Fault(str(error), "Edit that notebook."))
    try:
        for path in build.stale(course, assignment.name):
            faults.append(Fault(f"{path} is stale", f"course build {assignment.name}"))
    except CourseError as error:
        faults.append(Fault(f"it can't be built: {error}", f"course build {assignment.name}"))
    for leak in build.leaks(assignment.release, source):
        faults.append(Fault(f"the release holds solution text: {leak}", f"course build {assignment.name}"))
    return faults


def _measured(
    assignment: Assignment, suite: Suite, seeds: int, processes: int, device: str, faults: list[Fault]
) -> list[Measured]:
    # Seeds that nobody can know beforehand, but the same on each run of one course.
    chosen = [assignment.course.secret_seed + number for number in range(seeds)]
    try:
        rows = measure(suite, chosen, device=device, processes=processes or _cores())
    except CourseError as error:
        faults.append(Fault(str(error), f"`{suite.command}` shows more."))
        return []
    where = assignment.tests.relative_to(assignment.course.root).as_posix()
    for row in rows:
        if not row.good:
            faults.append(Fault(_why(row), _mend(row, where)))
    return rows


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _why(row: Measured) -> str:
    if row.kind == "reference":
        return f"the reference fails on {row.failed} of {row.seeds} seeds: {row.says}"
    if row.kind == "release":
        return f"the untouched release earns points: {row.says}"
    if row.kind == "unchecked":
        return f"{row.question} has no check"
    label = f"{row.kind} {row.name!r} of {row.question}"
    if row.kind == "alternative":
        if row.failed:
            return f"{label} fails on {row.failed} of {row.seeds} seeds: {row.says}"
        return f"{label} comes to {row.margin:.2f} of the tolerance (at most {HONEST_MARGIN})"
    if row.passed:
        return f"{label} passes on {row.passed} of {row.seeds} seeds"
    if row.strays:
        return f"{label} also fails {', '.join(row.strays)}"
    return f"{label} is caught by only {row.ratio:.1f} times the tolerance (at least {MISTAKE_RATIO:g})"


def _mend(row: Measured, where: str) -> str:
    if row.kind in ("reference", "release", "unchecked"):
        return f"Mend the check in {where}/, or the solution in the source notebook."
    if row.kind == "alternative":
        return f"Choose inputs in {where}/ that leave honest rounding more room."
    if row.strays:
        return f"Name the other questions in also=(…) if it rightly fails them, in {where}/mistakes."
    return f"Choose inputs in {where}/ on which it shows: smaller sizes, other magnitudes, another case."
