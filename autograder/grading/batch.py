"""A whole class: what is new gets graded, and each result is kept as soon as it is there."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from autograder import notebook as notebooks
from autograder.checking import panel
from autograder.course import Course, CourseError, SandboxName
from autograder.grading.autograded import executed
from autograder.grading.discover import Refused, Submission, find, sha256
from autograder.grading.engine import Engine, suite_key
from autograder.grading.grade import Graded
from autograder.grading.gradebook import Gradebook
from autograder.grading.handback import write_autograded
from autograder.notebook import Notebook
from autograder.results import Result, from_dict, to_json

Seen = Callable[[Result], None]


@dataclass
class Summary:
    """What a run did: the results of all submissions (old and new), sorted by student, and what was left out."""

    results: list[Result] = field(default_factory=list)
    graded: int = 0
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    level: str = ""


@dataclass(frozen=True)
class Options:
    """How a class is graded. `jobs` 0: one per core."""

    student: str | None = None
    jobs: int = 0
    device: str | None = None
    sandbox: SandboxName | None = None
    force: bool = False

    def workers(self, course: Course) -> int:
        return self.jobs or course.settings.jobs or len(os.sched_getaffinity(0))


def grade_class(
    course: Course,
    assignment: str,
    options: Options,
    *,
    started: Callable[[int, int], None] = lambda total, unchanged: None,
    seen: Seen = lambda result: None,
) -> Summary:
    """Grade what was handed in for an assignment into the gradebook, `autograded/` and `.course/results/`.

    `started` is told how many submissions will be graded and how many are unchanged, `seen`
    gets each result once it is recorded. A submission whose
    content, checks and settings haven't changed is not graded again unless `force`.
    Raises `CourseError` for faults of the course, and when another run is at work.
    """
    found = course.assignment(assignment)
    submissions, refused = find(course, assignment, options.student)
    summary = Summary(refused=refused)
    with _alone(course), Gradebook(course) as gradebook:
        source = notebooks.read(found.source, limit_mib=course.limits.notebook_mib)
        key = suite_key(course, assignment, options.device or course.settings.device, options.sandbox or course.sandbox)
        gradebook.ensure_assignment(assignment, source)
        recorded = {score.student for score in gradebook.scores(assignment) if score.submitted}
        todo: list[Submission] = []
        for submission in submissions:
            fresh = options.force or submission.student not in recorded
            known = None if fresh else _known(course, submission, key)
            if known is None:
                todo.append(submission)
            else:
                summary.results.append(known)
                summary.unchanged += 1
        started(len(todo), summary.unchanged)
        if todo:
            jobs = min(options.workers(course), len(todo))
            with Engine(course, assignment, jobs=jobs, device=options.device, sandbox=options.sandbox) as engine:
                summary.level = engine.level
                for submission, graded in engine.grade(todo):
                    summary.results.append(_keep(course, gradebook, submission, graded, key, seen))
                    summary.graded += 1
    summary.results.sort(key=lambda result: result.student)
    return summary


def results_of(course: Course, assignment: str) -> list[Result]:
    """The kept results of an assignment, sorted by student."""
    folder = course.state / "results" / assignment
    return [from_dict(json.loads(path.read_text(encoding="utf-8"))["result"]) for path in sorted(folder.glob("*.json"))]


def _keep(course: Course, gradebook: Gradebook, submission: Submission, graded: Graded, key: str, seen: Seen) -> Result:
    """Record one result; its own file comes last, so that a run stopped before it grades again."""
    result = graded.result
    notes = gradebook.record(result, graded.notebook)
    if notes:
        result = dataclasses.replace(result, notes=(*result.notes, *notes))
    # Without a notebook the empty release stands there with the reason, never an older attempt.
    shown = graded.notebook if graded.notebook is not None else _released(course, result.assignment)
    write_autograded(course, result, executed(shown, result, panel.html))
    path = _result_path(course, submission)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(f'{{"key": "{key}", "result": {to_json(result)}}}\n', encoding="utf-8")
    partial.replace(path)
    seen(result)
    return result


def _released(course: Course, assignment: str) -> Notebook:
    source = notebooks.read(course.assignment(assignment).source, limit_mib=course.limits.notebook_mib)
    return {**source, "cells": [notebooks.released(cell) for cell in source["cells"]]}


def _known(course: Course, submission: Submission, key: str) -> Result | None:
    """The kept result of this very submission under these very checks, None if there is none."""
    try:
        kept = json.loads(_result_path(course, submission).read_text(encoding="utf-8"))
        if kept["key"] != key or submission.path is None:
            return None
        result = from_dict(kept["result"])
        return result if result.submission_sha256 == sha256(submission.path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none, or none that can be read: grade it


def _result_path(course: Course, submission: Submission) -> Path:
    return course.state / "results" / submission.assignment / f"{submission.student}.json"


@contextmanager
def _alone(course: Course) -> Iterator[None]:
    """Refuse to run beside another grading of this course."""
    course.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = course.state / "lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CourseError(
                f"Another run is grading this course (process {file.read().strip() or 'unknown'}). "
                "Wait until it has ended, then run this again: what it graded will not be graded twice."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
