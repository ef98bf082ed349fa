"""The grading of one assignment at work: a warm zygote and as many workers as there are jobs."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import hashlib
import importlib.metadata
import json
import selectors
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from autograder import notebook as notebooks
from autograder.checking.record import JSON_NAME, SCHEMA
from autograder.checking.suite import suite_of
from autograder.course import Course, CourseError, SandboxName
from autograder.grading.discover import Submission
from autograder.grading.grade import Graded, loads
from autograder.grading.worker import receive, send
from autograder.notebook import Notebook
from autograder.results import QuestionResult, Result, WrittenResult
from autograder.sandbox.host import Host, Worker

_FRAMEWORKS = ("numpy", "torch", "tensorflow", "tensorflow-cpu", "scipy", "course-autograder")


class Engine:
    """Grades submissions of one assignment, `jobs` at once.

    A context manager: entering starts the zygote (which imports what the notebook
    imports) and records the secret answers when the checks have changed. Raises
    `CourseError` for faults of the course, `SandboxUnavailable` where there is no jail.
    """

    def __init__(
        self,
        course: Course,
        assignment: str,
        *,
        jobs: int = 1,
        device: str | None = None,
        sandbox: SandboxName | None = None,
    ) -> None:
        self.course, self.assignment = course, course.assignment(assignment)
        self.jobs = max(1, jobs)
        self.device = device or course.settings.device
        self.sandbox = sandbox or course.sandbox
        self._source = notebooks.read(self.assignment.source, limit_mib=course.limits.notebook_mib)
        self._stack = contextlib.ExitStack()
        self._idle: list[Worker] = []
        self.key = suite_key(course, assignment, self.device, self.sandbox)

    def __enter__(self) -> Engine:
        preload = tuple(sorted(notebooks.imports(self._source)))
        self._host = self._stack.enter_context(Host(preload=preload, limits=self.course.limits, sandbox=self.sandbox))
        try:
            self._record()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._idle:
            worker.close()
        self._idle.clear()
        self._stack.close()

    @property
    def level(self) -> str:
        """'jail' with the layers that hold, or 'UNSANDBOXED'."""
        return self._host.description

    def grade(self, submissions: Iterable[Submission]) -> Iterator[tuple[Submission, Graded]]:
        """Grade them, in whatever order they are done."""
        waiting = deque((submission, _order(submission)) for submission in submissions)
        again: set[str] = set()
        busy: dict[Worker, tuple[Submission, dict[str, Any]]] = {}
        with selectors.DefaultSelector() as selector:
            try:
                while waiting or busy:
                    while waiting and len(busy) < self.jobs:
                        worker = self._give(waiting[0][1])
                        busy[worker] = waiting.popleft()
                        selector.register(worker.socket, selectors.EVENT_READ, worker)
                    for key, _ in selector.select():
                        worker = key.data
                        selector.unregister(worker.socket)
                        submission, order = busy.pop(worker)
                        graded = self._answer(worker)
                        if isinstance(graded, Graded):
                            yield submission, graded
                        elif graded is None and submission.student not in again:
                            again.add(submission.student)
                            waiting.append((submission, order))
                        else:
                            yield submission, self._failed(submission, graded)
            finally:
                for worker in busy:
                    worker.close()

    def grade_one(self, student: str, notebook: Notebook) -> Graded:
        """Grade a notebook that has been read. Raises `CourseError` when the worker ends over it twice."""
        for _ in range(2):
            graded = self._answer(self._give({"student": student, "notebook": notebook}))
            if isinstance(graded, Graded):
                return graded
        raise CourseError(f"Grading {student}'s {self.assignment.name} failed twice: {graded or 'the worker ended'}")

    def _give(self, order: dict[str, Any]) -> Worker:
        """A worker that has been given `order`. One that ended while it had nothing to do is replaced."""
        while True:
            waited = bool(self._idle)
            worker = self._worker()
            try:
                send(worker.socket, order)
            except OSError:  # it has ended
                if waited:
                    worker.close()
                    continue
            return worker

    def _worker(self) -> Worker:
        if self._idle:
            return self._idle.pop()
        task = self._task() | {"socket": str(self._host.socket_path)}
        worker = self._host.fork_worker("autograder.grading.worker:grade_submissions", json.dumps(task).encode())
        self._expect(worker, "ready", "The grading worker ended before it was ready")
        return worker

    def _answer(self, worker: Worker) -> Graded | str | None:
        """What a worker made of its submission: the fault's traceback if it failed, None when it ended over it."""
        try:
            message = receive(worker.socket)
        except OSError:
            message = None
        if message is None:
            worker.close()
            return None
        self._idle.append(worker)
        return json.loads(message)["fault"] if message.startswith(b'{"fault"') else loads(message)

    def _record(self) -> None:
        if (self._folder / JSON_NAME).is_file():
            return
        worker = self._host.fork_worker("autograder.grading.worker:record_answers", json.dumps(self._task()).encode())
        self._expect(worker, "done", "Recording the reference's answers ended without a word")
        worker.close()

    def _expect(self, worker: Worker, word: str, otherwise: str) -> None:
        try:
            message = receive(worker.socket)
        except OSError:  # it ended while it was talking
            message = None
        said: dict[str, Any] = {} if message is None else json.loads(message)
        if word not in said:
            worker.close()
            raise CourseError(
                said.get("error") or f"{otherwise}. `{suite_of(self.assignment).command}` shows what is wrong."
            )

    def _task(self) -> dict[str, str]:
        return {
            "root": str(self.course.root),
            "assignment": self.assignment.name,
            "device": self.device,
            "folder": str(self._folder),
        }

    @property
    def _folder(self) -> Path:
        return self.course.state / "recordings" / self.assignment.name / self.key[:16]

    def _failed(self, submission: Submission, fault: str | None) -> Graded:
        """A result for a submission that we couldn't grade; what is known of the fault is kept for a person."""
        reason = "grading it ended the grading worker twice; a person must look at it"
        if fault is not None:
            place = self.course.state / "faults" / self.assignment.name / f"{submission.student}.txt"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(fault, encoding="utf-8")
            last = fault.strip().splitlines()[-1][:200]
            reason = f"grading it failed ({last}); {place.relative_to(self.course.root)} has all of it"
        cells = notebooks.cells(self._source)
        result = Result(
            submission.student,
            submission.assignment,
            "failed",
            tuple(QuestionResult(c.grade_id, c.points) for c in cells if c.role == "check" and c.grade_id),
            tuple(
                WrittenResult(c.grade_id, c.points, answered=False) for c in cells if c.role == "written" and c.grade_id
            ),
            reason=reason,
            sandbox=self.level,
            device=self.device,
        )
        return Graded(result, None)


def suite_key(course: Course, assignment: str, device: str, sandbox: str) -> str:
    """A fingerprint of all that a score depends on besides the submission."""
    found = course.assignment(assignment)
    digest = hashlib.sha256()
    files = sorted(path for path in found.tests.rglob("*.py"))
    for path in (*files, found.source, found.solution):
        digest.update(f"\0{path.relative_to(course.root)}\0".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    versions = []
    for name in _FRAMEWORKS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions.append(f"{name} {importlib.metadata.version(name)}")
    settings = dataclasses.asdict(course.limits)
    digest.update(json.dumps([SCHEMA, versions, settings, device, sandbox, course.secret_seed]).encode())
    return digest.hexdigest()


_shared: dict[tuple[Path, str], Engine] = {}


def shared_engine(course: Course, assignment: str) -> Engine:
    """One engine for each assignment of this process, started when first asked for and ended with the process."""
    place = (course.root, assignment)
    if place not in _shared:
        engine = Engine(course, assignment)
        engine.__enter__()
        atexit.register(engine.__exit__)
        _shared[place] = engine
    return _shared[place]


def _order(submission: Submission) -> dict[str, Any]:
    order = dataclasses.asdict(submission)
    return order | {
        "folder": str(submission.folder),
        "path": None if submission.path is None else str(submission.path),
    }
