"""One submission, from its file to its `Result`."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from autograder import notebook as notebooks
from autograder.checking.attempt import Attempt, level_note
from autograder.checking.diagnose import questions
from autograder.checking.record import Recording, read_recording, save, with_mistakes
from autograder.checking.run import Run, Runner, replayed
from autograder.course import Course, CourseError
from autograder.grading.discover import Submission, sha256
from autograder.notebook import Notebook, Unreadable
from autograder.results import Note, QuestionResult, Result, State, WrittenResult
from autograder.sandbox.host import Host


@dataclass(frozen=True)
class Graded:
    """A result with the repaired notebook that it is about; None when nothing could be read."""

    result: Result
    notebook: Notebook | None


@dataclass(frozen=True)
class Grader:
    """Everything that grading a submission of one assignment needs.

    `source` is the instructor's notebook, `recording` the reference's secret answers, `files`
    what lies beside the released notebook. What the mistakes of a question answer is found out
    when the first submission fails it, and kept.
    """

    host: Host
    runner: Runner
    source: Notebook
    recording: Recording
    files: Mapping[str, bytes]
    notebook_mib: float
    folder: Path  # where the recording lies, and what is found out of the mistakes is kept
    _with_mistakes: dict[str, Recording] = field(default_factory=dict)

    def grade(self, submission: Submission) -> Graded:
        """Grade a hand-in. Whatever is wrong with it is in the result; nothing is raised for it."""
        if submission.path is None:
            return Graded(self._empty(submission, cast(State, submission.state), submission.problem), None)
        try:
            notebook = notebooks.read(submission.path, limit_mib=self.notebook_mib, inside=submission.folder)
        except Unreadable as error:
            return Graded(self._empty(submission, "unreadable", str(error), fingerprint(submission.path)), None)
        graded = self.grade_notebook(submission.student, submission.assignment, notebook)
        remarks = (Note("file", submission.remark),) if submission.remark else ()
        result = replace(
            graded.result,
            notes=(*remarks, *graded.result.notes),
            submission_sha256=fingerprint(submission.path),
        )
        return Graded(result, graded.notebook)

    def grade_notebook(self, student: str, assignment: str, notebook: Notebook) -> Graded:
        """Grade a notebook that has been read."""
        began = time.perf_counter()
        repaired, repairs = notebooks.repair(notebook, self.source)
        device = self.recording.device
        with Attempt(self.host, repaired, files=self.files, device=device) as attempt:
            expected = replayed(self.recording.reference)
            run = Run(
                self.runner.suite, self.recording.seed, attempt.student, expected, device, missing=attempt.missing
            )
            outcomes = self.runner.run(run)
            cells, notes, level = attempt.cells, attempt.notes, attempt.level
        found = questions(self.runner.suite, outcomes, self._recall)
        unsandboxed = level_note(level)
        result = Result(
            student,
            assignment,
            "graded",
            found,
            _written(repaired, self.source),
            cells,
            (*([unsandboxed] if unsandboxed else []), *repairs, *notes),
            sandbox=level,
            device=device,
            seconds=round(time.perf_counter() - began, 3),
        )
        return Graded(result, repaired)

    def _recall(self, question: str) -> Recording:
        """What the mistakes of a question answer: found out once, by whichever worker is first."""
        if question not in self._with_mistakes:
            folder = self.folder / question
            try:
                known = read_recording(folder, device=self.recording.device)
            except (OSError, CourseError):
                known = with_mistakes(self.runner, self.recording, [question])
                save(replace(known, reference={}), folder)
            self._with_mistakes[question] = known
        return self._with_mistakes[question]

    def _empty(self, submission: Submission, state: State, reason: str, digest: str | None = None) -> Result:
        """A result of nothing: every question at 0 with the reason."""
        return Result(
            submission.student,
            submission.assignment,
            state,
            tuple(QuestionResult(name, points) for name, points in self.runner.suite.points.items()),
            tuple(replace(w, answered=False) for w in _written(self.source, self.source)),
            reason=reason,
            sandbox=self.host.description,
            device=self.recording.device,
            submission_sha256=digest,
        )


def grade_notebook(course: Course, assignment: str, student: str, notebook: Notebook) -> tuple[Result, Notebook]:
    """Grade one notebook from within another program (nbgrader's autograder), and keep the engine warm.

    Returns the result and the repaired notebook. Raises `CourseError` for faults of the course.
    """
    from autograder.grading.engine import shared_engine

    graded = shared_engine(course, assignment).grade_one(student, notebook)
    assert graded.notebook is not None
    return graded.result, graded.notebook


def fingerprint(path: Path) -> str | None:
    """The file's sha256, None when it can't be read."""
    try:
        return sha256(path)
    except OSError:
        return None


def dumps(graded: Graded) -> bytes:
    """A graded submission as it travels from a grading worker."""
    return json.dumps({"result": dataclasses.asdict(graded.result), "notebook": graded.notebook}).encode()


def loads(data: bytes) -> Graded:
    """The graded submission that `dumps` wrote."""
    from autograder.results import from_dict

    parts: dict[str, Any] = json.loads(data)
    return Graded(from_dict(parts["result"]), parts["notebook"])


def _written(notebook: Notebook, source: Notebook) -> tuple[WrittenResult, ...]:
    """The questions that a person grades; answered: the text isn't the release's any more."""
    untouched = {cell.grade_id: notebooks.release_text(raw) for cell, raw in _pairs(source) if cell.role == "written"}
    return tuple(
        WrittenResult(cell.grade_id or "", cell.points, raw["source"].strip() != untouched[cell.grade_id].strip())
        for cell, raw in _pairs(notebook)
        if cell.role == "written" and cell.grade_id in untouched
    )


def _pairs(notebook: Notebook) -> list[tuple[notebooks.Cell, dict[str, Any]]]:
    return list(zip(notebooks.cells(notebook), notebook["cells"], strict=True))
