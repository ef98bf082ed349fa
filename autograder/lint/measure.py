"""What the checks of an assignment let through and what they catch, over many secret seeds."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from autograder import notebook as notebooks
from autograder.checking.record import LoggedReferences
from autograder.checking.run import CaseOutcome, Run, Runner, drive, live, replayed
from autograder.checking.suite import Suite, suite_of
from autograder.checking.variants import Variant
from autograder.course import CourseError, find_course
from autograder.lint.reach import Watched, uses
from autograder.sandbox.student import Namespace

References = Callable[[str], Namespace]

# The gate of CHECKING: an honest answer stays within half of what is allowed, a mistake goes ten times beyond.
HONEST_MARGIN = 0.5
MISTAKE_RATIO = 10.0
STRAY_SEEDS = 2


@dataclass(frozen=True)
class Measured:
    """One variant (or the reference: name "") over some seeds.

    `failed` and `passed` count seeds by whether its question failed; `margin` is the largest
    honest distance seen, `ratio` the smallest distance by which a seed caught the mistake (the
    cases after one that is clear enough aren't run), both in units of what is allowed. `strays`
    are the other questions that failed too. `says` is a line of the first failure.
    """

    kind: str
    question: str
    name: str
    passed: int = 0
    failed: int = 0
    margin: float = 0.0
    ratio: float = float("inf")
    strays: tuple[str, ...] = ()
    says: str = ""

    @property
    def seeds(self) -> int:
        return self.passed + self.failed

    @property
    def good(self) -> bool:
        """Whether this is as it should be: caught on every seed, or accepted on every seed."""
        if self.kind == "mistake":
            return self.passed == 0 and not self.strays and self.ratio >= MISTAKE_RATIO
        return self.failed == 0 and self.margin <= HONEST_MARGIN


@dataclass
class _Tally:
    entries: dict[tuple[str, str, str], Measured] = field(default_factory=dict)

    def add(self, kind: str, question: str, name: str, outcomes: Sequence[CaseOutcome], own: Sequence[str]) -> None:
        key = (kind, question, name)
        entry = self.entries.get(key, Measured(kind, question, name))
        bad = [outcome for outcome in outcomes if outcome.result.outcome == "failed"]
        # A mistake is caught by its own question; an alternative must pass everywhere.
        mine = [outcome for outcome in bad if kind != "mistake" or outcome.question == question]
        strays = {outcome.question for outcome in bad if kind == "mistake" and outcome.question not in own}
        caught = max((outcome.ratio for outcome in mine), default=float("inf"))
        self.entries[key] = replace(
            entry,
            passed=entry.passed + (not mine),
            failed=entry.failed + bool(mine),
            margin=max([entry.margin, *(outcome.margin for outcome in outcomes)]),
            ratio=min(entry.ratio, caught),
            strays=tuple(sorted({*entry.strays, *strays})),
            says=entry.says or next((f"{o.result.case}: {o.result.summary}" for o in (mine or bad)), ""),
        )


def measure(
    checks: Path | Suite, seeds: Sequence[int], *, device: str = "cpu", processes: int = 1, select: str | None = None
) -> list[Measured]:
    """Run the reference, every mistake and every alternative of a suite, or of the checks in a folder, on all `seeds`.

    `select` keeps only one question's cases and variants. With several `processes`, each takes a share of the seeds.
    """
    shares = [list(seeds[at::processes]) for at in range(processes) if seeds[at::processes]]
    if len(shares) <= 1:
        return _measure(checks, list(seeds), device, STRAY_SEEDS, select)
    strays = math.ceil(STRAY_SEEDS / len(shares))
    # Fresh processes: a fork of one that has run torch or TensorFlow would hang.
    with multiprocessing.get_context("spawn").Pool(len(shares)) as pool:
        parts = pool.starmap(_measure, [(checks, share, device, strays, select) for share in shares])
    return _merged(parts)


def _measure(checks: Path | Suite, seeds: list[int], device: str, strays: int, select: str | None) -> list[Measured]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # on small arrays threads only get in each other's way
    return drive(
        checks, lambda runner: _seeds(runner, seeds, device, strays, selected=select is not None), select=select
    )


def _is_caught(outcome: CaseOutcome) -> bool:
    """Whether a case tells a mistake from an answer as clearly as a course must."""
    return outcome.result.outcome == "failed" and outcome.ratio >= MISTAKE_RATIO


def _seeds(runner: Runner, seeds: list[int], device: str, strays: int, *, selected: bool) -> list[Measured]:
    suite, tally = runner.suite, _Tally()
    present = {case.split("::")[0] for case in runner.cases}
    namespace = suite.namespace()
    variants: list[tuple[Variant, dict[str, object]]] = [
        (variant, suite.namespace(variant))
        for variant in (*suite.variants.mistakes, *suite.variants.alternatives)
        if variant.question in present
    ]
    reach = _Reach(suite, namespace)
    seconds = find_course(suite.folder).limits.case_seconds  # what a submission has
    for number, seed in enumerate(seeds):
        references = LoggedReferences(namespace, device=device)
        student = reach.watching(device) if number == 0 else live(namespace, device=device)
        outcomes = runner.run(Run(suite, seed, student, references, device, graded=False))
        tally.add("reference", "", "", outcomes, ())
        if any(outcome.result.outcome == "failed" for outcome in outcomes):
            continue  # there is nothing whole to compare with
        expected = replayed(references.logs)
        if number == 0:
            tally.add("release", "", "", _earned(runner, suite, seed, expected, device), ())
        for variant, changed in variants:
            run = Run(suite, seed, live(changed, device=device, seconds=seconds), expected, device)
            # Strays show on any seed: the first few look for them wherever there could be one.
            if number < strays:
                outcomes = runner.run(run, reach.questions(variant))
            elif variant.kind == "mistake":
                outcomes = runner.run(run, [variant.question], enough=_is_caught)
            else:
                outcomes = runner.run(run, variant.questions)
            tally.add(variant.kind, variant.question, variant.name, outcomes, variant.questions)
    unchecked = [Measured("unchecked", question, "", failed=1) for question in suite.points if question not in present]
    return [*tally.entries.values(), *([] if selected else unchecked)]


class _Reach:
    """Which questions a variant can reach, from what the checks asked of the reference."""

    def __init__(self, suite: Suite, namespace: dict[str, object]) -> None:
        self._suite, self._namespace = suite, namespace
        self._asked: dict[str, set[str]] = {}
        self._uses = uses(suite.text)

    def watching(self, device: str) -> References:
        """Students of the reference whose requests are noted."""

        def student(case: str) -> Namespace:
            watched = Watched(self._namespace)
            watched.asked = self._asked.setdefault(case.split("::")[0], set())
            return live(watched, device=device)(case)

        return student

    def questions(self, variant: Variant) -> list[str]:
        """The variant's own questions, and all whose checks use what it changes."""
        places = variant.places([self._suite.text])
        if not places:  # an edit outside of any function: it may reach everything
            return list(self._suite.points)
        reached = [
            question
            for question, asked in self._asked.items()
            if any(places & self._uses.get(name, {name}) for name in asked)
        ]
        return list(dict.fromkeys([*variant.questions, *reached]))


def _earned(runner: Runner, suite: Suite, seed: int, expected: References, device: str) -> list[CaseOutcome]:
    """The cases that the untouched release passes, as failures: there should be none."""
    outcomes = runner.run(Run(suite, seed, live(released(suite), device=device), expected, device))
    earned = [outcome for outcome in outcomes if outcome.result.outcome == "passed"]
    return [
        replace(outcome, result=replace(outcome.result, outcome="failed", summary="passes with the blanks left"))
        for outcome in earned
    ]


def released(suite: Suite) -> dict[str, object]:
    """The names that a release notebook defines before anybody has filled a blank."""
    course = find_course(suite.folder)
    path = course.assignment(suite.name).release / f"{suite.name}.ipynb"
    namespace: dict[str, object] = {"__name__": "released"}
    try:
        notebook = notebooks.read(path, limit_mib=course.limits.notebook_mib)
    except notebooks.Unreadable as error:
        raise CourseError(f"{error} `course build {suite.name}` makes the release anew.") from None
    for cell in notebooks.cells(notebook):
        if cell.cell_type == "code" and cell.role in ("given", "blank"):
            # A cell that needs what a blank should have given fails, as it does for students.
            with contextlib.suppress(Exception):
                exec(compile(cell.source, f"<cell {cell.grade_id}>", "exec"), namespace)  # noqa: S102 - ours
    return namespace


def _merged(parts: Sequence[Sequence[Measured]]) -> list[Measured]:
    merged: dict[tuple[str, str, str], Measured] = {}
    for entry in (entry for part in parts for entry in part):
        key = (entry.kind, entry.question, entry.name)
        if key not in merged:
            merged[key] = entry
            continue
        first = merged[key]
        merged[key] = replace(
            first,
            passed=first.passed + entry.passed,
            failed=first.failed + entry.failed,
            margin=max(first.margin, entry.margin),
            ratio=min(first.ratio, entry.ratio),
            strays=tuple(sorted({*first.strays, *entry.strays})),
            says=first.says or entry.says,
        )
    return list(merged.values())


if __name__ == "__main__":
    # python -m autograder.lint.measure ASSIGNMENT [QUESTION]: the table of one assignment, while writing it
    import sys

    began = time.perf_counter()
    chosen = suite_of(find_course().assignment(sys.argv[1]))
    rows = measure(chosen, range(1, 6), select=sys.argv[2] if len(sys.argv) > 2 else None)
    for row in rows:
        sign = "ok " if row.good else "BAD"
        sys.stdout.write(
            f"{sign} {row.kind:11} {row.question:24} {row.name:44.44} passed {row.passed} failed {row.failed} "
            f"margin {row.margin:.2f} ratio {row.ratio:.1e} {' '.join(row.strays)}\n"
        )
        if not row.good:
            sys.stdout.write(f"      {row.says}\n")
    sys.stdout.write(f"{len(rows)} rows, {time.perf_counter() - began:.1f} s\n")
