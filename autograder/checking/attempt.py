"""One submission at work: its cells run in the jail, and its names answer the checks.

When a cell or a case ends the process (a limit, a crash, an exit), the next one gets a
fresh process in which the cells have run again, without the cell that was the cause.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autograder import notebook as notebooks
from autograder.course import Course, CourseError, Limits, SandboxName
from autograder.notebook import Cell, Notebook
from autograder.results import CellResult, Note
from autograder.sandbox.student import LimitHit, Namespace, StudentFault, StudentSession
from autograder.values import Tree

if TYPE_CHECKING:
    from autograder.sandbox.host import Host, Jailed

AFTER_A_HIT = 0.2  # of `case_seconds`, for the other cases of a question of which one ran out of time
MAX_RENEWALS = 40  # a submission that kills its process more often than this has had its chances
_RUN = ("given", "blank", "free")


class Attempt:
    """A repaired notebook in the jail.

    `cells` tells what running each code cell gave, `notes` what its author should know.
    The whole takes at most `limits.submission_seconds` of wall time.
    """

    def __init__(
        self, host: Host, notebook: Notebook, *, files: Mapping[str, bytes] | None = None, device: str = "cpu"
    ) -> None:
        self._host, self._files, self._device = host, dict(files or {}), device
        self._limits: Limits = host.limits
        self._cells = [
            cell for cell in notebooks.cells(notebook) if cell.cell_type == "code" and cell.role in _RUN and cell.source
        ]
        self._skipped: set[int] = set()
        self._slow: set[str] = set()  # questions of which a case ran out of time
        self._jailed: Jailed | None = None
        self._renewals = 0
        self._began = time.monotonic()
        self.cpu_seconds = 0.0
        self.notes: list[Note] = []
        self.cells: tuple[CellResult, ...] = ()
        self._run_first()

    @property
    def level(self) -> str:
        """How well the process was kept: 'jail' with the layers that hold, or 'UNSANDBOXED'."""
        return self._host.description

    def student(self, case: str) -> Namespace:
        """The notebook's names for one case, in a living process."""
        if self._jailed is None or self._jailed.dead:
            self._renew()
        question = case.partition("::")[0]
        seconds = self._limits.case_seconds * (AFTER_A_HIT if question in self._slow else 1.0)
        return Namespace(StudentSession(_CaseTransport(self, question, seconds), device=self._device))

    def missing(self, name: str) -> str | None:
        """Why a name isn't defined: the cell that should define it failed; None when that isn't so."""
        errors = {result.index: result.error for result in self.cells if result.error}
        for cell in self._cells:
            if cell.index in errors and notebooks.defines(cell.source, name):
                return f"its cell failed with {errors[cell.index]}"
        return None

    def exchange(self, tree: Tree, arrays: list[np.ndarray], case: _CaseTransport) -> tuple[Tree, list[np.ndarray]]:
        """One request within what is left of the case's and the submission's time."""
        if self._jailed is None:
            raise LimitHit("wall time", self._too_long())
        if self._jailed.dead:
            raise StudentFault("the notebook's process has ended in this case")
        left = min(case.deadline, self._began + self._limits.submission_seconds) - time.monotonic()
        if left <= 0:
            self._drop()
            raise LimitHit("wall time", self._over_time(case))
        try:
            return self._jailed.exchange(tree, arrays, seconds=left)
        except LimitHit as hit:
            if hit.limit == "wall time":  # named by the course's limit, not by what the case had left of it
                raise LimitHit(hit.limit, self._over_time(case)) from None
            raise

    def close(self) -> None:
        """End the process and everything that it started."""
        self._drop()

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_first(self) -> None:
        """Run the cells once for the record, in as many processes as it takes."""
        results: list[CellResult] = []
        room, cut = self._limits.notebook_mib << 20, 0
        for at, cell in enumerate(self._cells):
            if self._jailed is None or self._jailed.dead:
                self._renew(upto=at)
            if self._jailed is None:
                results.append(_not_run(cell, "not run: the submission's time was used up"))
                continue
            result = self._run_cell(self._jailed, cell)
            # Outputs of all cells, as a notebook holds them: no more than a notebook may have to be read.
            room -= len(json.dumps(result.outputs, ensure_ascii=False).encode("utf-8", "replace"))
            cut += room < 0 and bool(result.outputs)
            results.append(result if room >= 0 else replace(result, outputs=()))
        if cut:
            told = (
                f"All outputs together were more than {self._limits.notebook_mib} MiB; those of {cut} cells were cut."
            )
            self.notes.append(Note("limit", told))
        self.cells = tuple(results)

    def _run_cell(self, jailed: Jailed, cell: Cell) -> CellResult:
        try:
            outcome = jailed.run_cell(cell.source)
        except StudentFault as fault:
            self._skipped.add(cell.index)
            self.notes.append(Note("limit", f"Cell {cell.index + 1} {fault}; the rest was run without it."))
            return CellResult(cell.index, cell.role, cell.grade_id, f"this cell {fault}; the rest was run without it")
        line = f" (line {outcome.error_line})" if outcome.error and outcome.error_line else ""
        error = f"{outcome.error}{line}" if outcome.error else None
        return CellResult(cell.index, cell.role, cell.grade_id, error, outcome.outputs, round(outcome.seconds, 4))

    def _renew(self, upto: int | None = None) -> None:
        """A fresh process in which the first `upto` cells (all, by default) have run."""
        self._drop()
        while self._renewals < MAX_RENEWALS and time.monotonic() < self._began + self._limits.submission_seconds:
            self._renewals += 1
            self._jailed = self._spawn()
            for cell in self._cells[:upto]:
                if cell.index in self._skipped:
                    continue
                try:
                    self._jailed.run_cell(cell.source)
                except StudentFault:  # this time it ended the process: it may not run again
                    self._skipped.add(cell.index)
                    break
            else:
                return
            self._drop()

    def _spawn(self) -> Jailed:
        """A process that has what is left of the submission's time. Raises `CourseError` when none can start."""
        from autograder.sandbox.host import SandboxUnavailable

        left = self._began + self._limits.submission_seconds - time.monotonic()
        try:
            return self._host.spawn(self._files, seconds=max(0.0, left))
        except SandboxUnavailable as error:  # no fault of the submission's
            raise CourseError(str(error)) from error

    def _drop(self) -> None:
        if self._jailed is not None:
            self.cpu_seconds += self._jailed.close().cpu_seconds
            self._jailed = None

    def _over_time(self, case: _CaseTransport) -> str:
        self._slow.add(case.question)
        if time.monotonic() >= self._began + self._limits.submission_seconds:
            return f"ran when the submission's {self._limits.submission_seconds:g} s were used up"
        return f"ran longer than {case.seconds:g} s"

    def _too_long(self) -> str:
        if self._renewals >= MAX_RENEWALS:
            return f"not run: the submission ended its process {self._renewals} times"
        return f"not run: the submission took longer than {self._limits.submission_seconds:g} s in all"


class _CaseTransport:
    """The attempt's process for the length of one case."""

    def __init__(self, attempt: Attempt, question: str, seconds: float) -> None:
        self._attempt, self.question, self.seconds = attempt, question, seconds
        self.deadline = time.monotonic() + seconds

    def exchange(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        return self._attempt.exchange(tree, arrays, self)


def _not_run(cell: Cell, why: str) -> CellResult:
    return CellResult(cell.index, cell.role, cell.grade_id, why)


class FileAttempt:
    """An attempt at one notebook file with a host of its own, for pytest's `--submission`."""

    def __init__(self, course: Course, name: str, path: Path, *, device: str, sandbox: SandboxName | None) -> None:
        from autograder.sandbox.host import Host, SandboxUnavailable

        assignment = course.assignment(name)
        limits = course.limits
        source = notebooks.read(assignment.source, limit_mib=limits.notebook_mib)
        try:
            submission = notebooks.read(path, limit_mib=limits.notebook_mib)
        except notebooks.Unreadable as error:
            raise CourseError(str(error)) from None
        repaired, self.notes = notebooks.repair(submission, source)
        preload = tuple(sorted(notebooks.imports(source)))
        try:
            self._host = Host(preload=preload, limits=limits, sandbox=sandbox or course.sandbox)
        except SandboxUnavailable as error:
            raise CourseError(str(error)) from None
        try:
            self._attempt = Attempt(self._host, repaired, files=released_files(assignment.release), device=device)
        except BaseException:
            self._host.close()
            raise
        self.student, self.missing, self.level = self._attempt.student, self._attempt.missing, self._attempt.level

    def close(self) -> None:
        self._attempt.close()
        self._host.close()


def attempt_file(course: Course, name: str, path: Path, *, device: str, sandbox: SandboxName | None) -> FileAttempt:
    """Run the notebook at `path` for the assignment `name`. Raises `CourseError` when it can't be read."""
    return FileAttempt(course, name, path, device=device, sandbox=sandbox)


def released_files(release: Path) -> dict[str, bytes]:
    """The data files that lie beside a released notebook, by name: what the notebook may open."""
    if not release.is_dir():
        return {}
    return {
        str(path.relative_to(release)): path.read_bytes()
        for path in sorted(release.rglob("*"))
        if path.is_file() and path.suffix != ".ipynb" and "checks" not in path.relative_to(release).parts
    }


def level_note(level: str) -> Any:
    """A note for results made without the jail, None for others."""
    return Note("sandbox", "Graded without the jail (--sandbox none).") if level.startswith("UNSANDBOXED") else None
