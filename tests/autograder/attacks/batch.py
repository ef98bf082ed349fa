"""All attacks graded in one batch between honest submissions, and what came of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.checking import panel
from autograder.cli.pages import write_all
from autograder.course import Course
from autograder.demo import answered
from autograder.grading.batch import Options, Summary, grade_class
from autograder.grading.gradebook import Gradebook
from autograder.report.facts import happenings
from autograder.results import Result

from .attack import ASSIGNMENT, HERE, Attack, hand_in
from .readers import dangers_to_readers
from .traces import adopt_orphans, fingerprints, traces, wait_for_the_last

_BETWEEN = 5  # attacks between two honest submissions
_LARGEST_MIB = 24  # of all that a submission makes grading write
_READ = ("people", "notebook")
_KEPT = ("source", "tests", "solutions", "release", "submitted")

# What honest neighbours hand in: blanks changed, and what they deserve.
HONEST: tuple[tuple[str, dict[str, str], float], ...] = (
    ("right", {}, 8.0),
    ("one mistake", {"double": "def double(x):\n    return x * x"}, 6.0),
    ("a blank left", {"center": "def center(x):\n    raise NotImplementedError()"}, 4.0),
    ("an error in a cell", {"running": "class Running:\n    nothing = missing"}, 6.0),
)


@dataclass(frozen=True)
class Outcome:
    """What an attack came to. `told` is what its author reads, `neighbours` the scores before and after it."""

    attack: Attack
    student: str
    result: Result | None
    told: str
    neighbours: tuple[float | None, ...]

    @property
    def score(self) -> float:
        return self.result.score if self.result is not None else 0.0

    @property
    def faults(self) -> list[str]:
        """What the result lacks: points that were deserved, and words that should have been said."""
        lost = self.attack.exactly and self.score < self.attack.deserves - 1e-9
        found = [f"got {self.score:g} where {self.attack.deserves:g} is deserved"] if lost else []
        return found + [f"doesn't say {phrase!r}" for phrase in self.attack.says if phrase not in self.told]


@dataclass
class Report:
    """What the batch came to; each list holds sentences and is empty when all is well."""

    outcomes: list[Outcome] = field(default_factory=list)
    gained: list[str] = field(default_factory=list)
    neighbours: int = 0
    neighbours_changed: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    secrets_seen: list[str] = field(default_factory=list)
    readers_reached: list[str] = field(default_factory=list)
    batch_stopped: list[str] = field(default_factory=list)
    not_told: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """As it is written to build/attacks.json."""
        lists = {name: getattr(self, name) for name in FINDINGS}
        return {
            "attacks": len(self.outcomes),
            "neighbours": self.neighbours,
            **lists,
            "seconds": round(self.seconds, 1),
        }


FINDINGS = (
    "gained", "neighbours_changed", "left_behind", "secrets_seen", "readers_reached", "batch_stopped", "not_told",
)  # fmt: skip


def run(folder: Path, attacks: Sequence[Attack], *, jobs: int = 2) -> Report:
    """Grade the honest submissions alone, then among the attacks, below `folder`; tell what is different."""
    began = time.perf_counter()
    mark = f"wallattack-{secrets.token_hex(6)}"
    with _temporary(folder / "tmp") as temporary, _environment(WALL_SECRET=f"ENVIRONMENT-{mark}"):
        adopt_orphans()
        calm = _course(folder / "calm")
        for number in range(len(HONEST)):
            _hand_in_honestly(calm, f"student-{number:03}", number)
        alone = grade_class(calm, ASSIGNMENT, Options(jobs=jobs))
        students = _seats(attacks)
        course = _course(folder / "course")
        shutil.copytree(calm.state, course.state)
        shutil.rmtree(course.state / "results")
        with _listening() as (facts, reached):
            facts |= {"COURSE": str(course.root), "HOUSE": str(HERE.parents[2]), "PID": str(os.getpid()), "MARK": mark}
            right = _right(course)
            for student, seat in students.items():
                if isinstance(seat, Attack):
                    place = course.root / "submitted" / student / ASSIGNMENT
                    place.mkdir(parents=True)
                    hand_in(seat, place, right, facts)
                else:
                    _hand_in_honestly(course, student, seat)
            before = traces(mark, temporary), fingerprints(course.root / name for name in _KEPT)
            report = Report()
            summary = _graded(course, report, jobs)
            wait_for_the_last()
            report.left_behind = traces(mark, temporary).since(before[0]) + reached()
        after = fingerprints(course.root / name for name in _KEPT)
        report.left_behind += [f"changed: {path}" for path in sorted(set(before[1].items()) ^ set(after.items()))]
    tokens = {
        "the checks": "SECRET-OF-THE-CHECKS",
        "the reference": "SECRET-OF-THE-REFERENCE",
        "the environment": f"ENVIRONMENT-{mark}",
        "the secret seed": str(course.secret_seed),
        "a neighbour's answer": "ANSWER-OF-A-NEIGHBOUR",
        "a hidden case's inputs": "HIDDEN-INPUT-SEEN",
        "another process": "PROCESS-SEEN",
    }
    _compare(report, course, students, alone, summary, tokens)
    report.seconds = time.perf_counter() - began
    return report


def _seats(attacks: Sequence[Attack]) -> dict[str, Attack | int]:
    """Who sits where: an attack, or the number of an honest submission, in the order of grading."""
    seats: list[Attack | int] = []
    for at, attack in enumerate(attacks):
        if at % _BETWEEN == 0:
            seats.append(at // _BETWEEN)
        seats.append(attack)
    seats.append(len(attacks) // _BETWEEN + 1)
    return {f"student-{number:03}": seat for number, seat in enumerate(seats, 1)}


def _course(root: Path) -> Course:
    shutil.copytree(HERE / "course", root, ignore=shutil.ignore_patterns(".course", "__pycache__", "gradebook.db"))
    config = root / "course_config.py"
    config.write_text(config.read_text().replace("here.parents[3]", repr(str(HERE.parents[2]))))
    return Course(root)


def _right(course: Course) -> Any:
    """The notebook with the reference's answers, without the words that tell the reference itself."""
    notebook = answered(course, ASSIGNMENT)
    for cell in notebook["cells"]:
        cell["source"] = "\n".join(line for line in cell["source"].splitlines() if "SECRET-OF" not in line)
    return notebook


def _hand_in_honestly(course: Course, student: str, number: int) -> None:
    notebook = _right(course)
    for name, text in HONEST[number % len(HONEST)][1].items():
        next(cell for cell in notebook["cells"] if cell["id"] == f"blank-{name}")["source"] = text
    notebook["cells"][-1]["source"] = "ANSWER-OF-A-NEIGHBOUR"
    place = course.root / "submitted" / student / ASSIGNMENT
    place.mkdir(parents=True)
    (place / f"{ASSIGNMENT}.ipynb").write_text(json.dumps(notebook))


def _graded(course: Course, report: Report, jobs: int) -> Summary:
    """Grade and write the pages, as `course grade` does."""
    summary = Summary()
    try:
        summary = grade_class(course, ASSIGNMENT, Options(jobs=jobs))
        write_all(course, ASSIGNMENT, summary.results)
    except Exception as error:
        report.batch_stopped.append(f"{type(error).__name__}: {error}")
    return summary


def _compare(
    report: Report,
    course: Course,
    students: Mapping[str, Attack | int],
    alone: Summary,
    summary: Summary,
    tokens: Mapping[str, str],
) -> None:
    results = {result.student: result for result in summary.results}
    refused = {one.name: one.why for one in summary.refused}
    calm = [_essence(result) for result in alone.results]
    honest = [student for student, seat in students.items() if not isinstance(seat, Attack)]
    report.neighbours = len(honest)
    with Gradebook(course) as gradebook:
        booked = {score.student: score.auto for score in gradebook.scores(ASSIGNMENT)}
    for student in honest:
        number = int(students[student]) % len(HONEST)  # type: ignore[call-overload]
        found, deserved = results.get(student), HONEST[number][2]
        if found is None or _essence(found) != calm[number]:
            report.neighbours_changed.append(f"{student}: {found.score if found else 'no result'}")
        elif not found.score == booked.get(student) == deserved:
            report.neighbours_changed.append(f"{student}: {found.score:g} where {deserved:g} is deserved")
    seated = {student: seat for student, seat in students.items() if isinstance(seat, Attack)}
    for student, attack in seated.items():
        result = results.get(student)
        told = _told(course, result) if result is not None else refused.get(student, "")
        around = [max((h for h in honest if h < student), default=""), min(h for h in honest if h > student)]
        neighbours = tuple(results[h].score if h in results else None for h in around)
        outcome = Outcome(attack, student, result, told, neighbours)
        report.outcomes.append(outcome)
        if outcome.score > attack.deserves + 1e-9 or booked.get(student, 0.0) > attack.deserves + 1e-9:
            report.gained.append(f"{attack}: {outcome.score:g}, {attack.deserves:g} deserved")
        if result is None and student not in refused and not report.batch_stopped:
            report.batch_stopped.append(f"{attack} has no result")
        report.not_told += [f"{attack} {fault}" for fault in outcome.faults]
        seen = _written_of(course, student)
        report.secrets_seen += [f"{attack}: {what}" for what, token in tokens.items() if token.encode() in seen]
        if len(seen) > _LARGEST_MIB << 20:
            report.left_behind.append(f"{attack}: {len(seen) >> 20} MiB of results")
    strangers = set(results) - set(students)
    report.left_behind += [f"a result of {student!r}, who handed nothing in" for student in sorted(strangers)]
    if summary.results and not report.batch_stopped:
        # nbgrader's own pages as well, but of what is made to be slow to render, which they are (docs/security.md).
        closely = [
            student
            for student, attack in seated.items()
            if student in results and attack.family in _READ and not attack.name.startswith("deep_")
        ]
        for who, dangers in dangers_to_readers(course, summary.results, closely).items():
            name = seated.get(who, who)
            report.readers_reached.append(f"{name}: {', '.join(sorted(set(dangers))[:5])}")


def _essence(result: Result) -> Result:
    """A result without times, and without a name."""
    questions = tuple(
        replace(question, cases=tuple(replace(case, seconds=0.0) for case in question.cases))
        for question in result.questions
    )
    cells = tuple(replace(cell, seconds=0.0) for cell in result.cells)
    return replace(result, student="", questions=questions, cells=cells, seconds=0.0)


def _told(course: Course, result: Result) -> str:
    """All words that a student reads: panels, notes, and errors of cells."""
    lines = [panel.text(question) for question in result.questions]
    lines += [note.text for note in result.notes] + [text for text, _ in happenings(result)]
    lines += [cell.error for cell in result.cells if cell.error]
    lines += [output.get("text", "") for cell in result.cells for output in cell.outputs]
    return "\n".join([*lines, result.reason or ""])


def _written_of(course: Course, student: str) -> bytes:
    """Everything that grading wrote about a submission."""
    places = [course.folder(name) / student for name in ("autograded", "feedback")]
    places += [course.state / "results" / ASSIGNMENT / f"{student}.json", course.state / "faults" / ASSIGNMENT]
    files = [path for place in places for path in (place.rglob("*") if place.is_dir() else [place])]
    return b"\n".join(path.read_bytes() for path in files if path.is_file())


@contextlib.contextmanager
def _listening() -> Iterator[tuple[dict[str, str], Any]]:
    """A port and an abstract socket of this machine, which no submission may reach."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        name = f"wall-{secrets.token_hex(6)}"
        abstract.bind("\0" + name)
        abstract.listen()

        def reached() -> list[str]:
            found = []
            for what, listener in (("a port of this machine", server), ("an abstract socket", abstract)):
                listener.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    listener.accept()[0].close()
                    found.append(f"reached: {what}")
            return found

        yield {"PORT": str(server.getsockname()[1]), "SOCKET": name}, reached


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """A folder of this run's own for temporary files."""
    folder.mkdir(parents=True)
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = before


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
