"""What grading found, as frozen records that go to JSON and back."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["passed", "failed", "ungraded"]  # ungraded: needs what this machine lacks (a GPU)
State = Literal["graded", "unreadable", "missing", "failed"]
SCHEMA = 1


@dataclass(frozen=True)
class CaseResult:
    """One case of one check.

    `summary` is one line for the student; `detail` folds below it. A hidden case shows
    neither its inputs nor any expected value. `limit` names the limit that ended it.
    """

    case: str
    outcome: Outcome
    weight: float = 1.0
    hidden: bool = False
    summary: str = ""
    detail: str = ""
    limit: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class QuestionResult:
    """All cases of a question; `score` is points x passed weight / total weight."""

    question: str
    points: float
    cases: tuple[CaseResult, ...] = ()
    mistake: str | None = None  # the classic mistake that gives these very answers
    hint: str | None = None

    @property
    def graded_weight(self) -> float:
        return sum(case.weight for case in self.cases if case.outcome != "ungraded")

    @property
    def graded(self) -> bool:
        """False when no case could be run on this machine."""
        return self.graded_weight > 0

    @property
    def score(self) -> float:
        passed = sum(case.weight for case in self.cases if case.outcome == "passed")
        return self.points * (passed / self.graded_weight) if self.graded else 0.0  # all passed: the points, exactly

    @property
    def passed(self) -> bool:
        return self.graded and all(case.outcome != "failed" for case in self.cases)


@dataclass(frozen=True)
class WrittenResult:
    """An answer that a person grades."""

    question: str
    points: float
    answered: bool


@dataclass(frozen=True)
class CellResult:
    """What running one of the submission's cells gave. `index` counts in the repaired notebook."""

    index: int
    role: str
    grade_id: str | None
    error: str | None = None  # "NameError: name 'x' is not defined (line 3)"
    outputs: tuple[dict[str, Any], ...] = ()  # nbformat outputs, within bounds
    seconds: float = 0.0


@dataclass(frozen=True)
class Note:
    """Something about the submission that its author, and the instructor, should know."""

    kind: Literal["repair", "limit", "cell", "file", "sandbox"]
    text: str


@dataclass(frozen=True)
class Result:
    """Everything that grading one submission found."""

    student: str
    assignment: str
    state: State
    questions: tuple[QuestionResult, ...] = ()
    written: tuple[WrittenResult, ...] = ()
    cells: tuple[CellResult, ...] = ()
    notes: tuple[Note, ...] = ()
    reason: str | None = None  # why it is unreadable, missing or failed
    sandbox: str = "jail"  # the level that held: "jail …" or "UNSANDBOXED"
    device: str = "cpu"
    seconds: float = 0.0
    submission_sha256: str | None = None
    schema: int = field(default=SCHEMA)

    @property
    def score(self) -> float:
        """The sum of what the checks gave, in points; written answers aren't in it."""
        return sum(question.score for question in self.questions)

    @property
    def points(self) -> float:
        """Out of how much: the points of the questions that could be graded here."""
        return sum(question.points for question in self.questions if question.graded or not question.cases)

    @property
    def needs_person(self) -> bool:
        return self.state != "graded" or any(written.answered for written in self.written)


def to_json(record: Any) -> str:
    """A record of this module as JSON that can be written as UTF-8, keys in the order of its fields."""
    data = dataclasses.asdict(record)
    text = json.dumps(data, indent=1, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate in what a student's code said
        return json.dumps(data, indent=1)
    return text


def from_json(text: str) -> Result:
    """The `Result` that `to_json` wrote. Raises ValueError for anything else."""
    try:
        return from_dict(json.loads(text))
    except RecursionError:
        raise ValueError("no result: nested too deep") from None


def from_dict(data: Any) -> Result:
    """The `Result` in parsed JSON. Raises ValueError for anything else."""
    try:
        if data.get("schema") != SCHEMA:
            raise ValueError(f"schema {data.get('schema')!r}, expected {SCHEMA}")
        return typing.cast(Result, _build(Result, data))
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no result: {error}") from None


def read(path: Path) -> Result:
    """Read one result file. Raises ValueError naming the file when it holds no result."""
    try:
        return from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _build(kind: Any, data: Any) -> Any:
    """`data`, as parsed from JSON, in the type `kind` (records, tuples, optionals, plain values). Raises TypeError."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _build(hints[name], value) for name, value in data.items()})  # type: ignore[operator]
    if origin in (types.UnionType, typing.Union):
        if data is None:
            return None
        return _build(next(a for a in arguments if a is not type(None)), data)
    if origin is tuple and type(data) in (list, tuple):
        return tuple(_build(arguments[0], item) for item in data)
    if kind is float and type(data) is int:
        return float(data)
    if data not in arguments if origin is Literal else type(data) is not (origin or kind):
        raise TypeError(f"{data!r:.40} is no {getattr(origin or kind, '__name__', kind)}")
    return data
