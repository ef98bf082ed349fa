"""Recorded answers: the reference's, replayed where the reference may not be, and each mistake's.

One recording holds, for one seed and device, every case's stream of reference answers with
their rounding errors, and for each mistake the answers that it gives in the cases that it
fails. Beside a release it is made from the public cases; for grading from all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from autograder.checking.reference import Entry, LiveReference
from autograder.checking.run import Raised, Run, Runner, drive, live, replayed
from autograder.checking.suite import suite_of
from autograder.course import PUBLIC_SEED, Assignment, CourseError, find_course
from autograder.sandbox.student import Namespace, Remote
from autograder.values import decode, encode

SCHEMA = 5
JSON_NAME = "recorded.json"
ARRAYS_NAME = "recorded.safetensors"
T = TypeVar("T")


@dataclass(frozen=True)
class Recording:
    """`reference`: entries by case. `mistakes`: by name, the answers by case. `hints`: by mistake."""

    seed: int
    device: str
    points: dict[str, float]
    reference: Mapping[str, list[Entry]]
    mistakes: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)
    framework: str | None = None


class LoggedReferences:
    """References that are run, each case's answers kept in `logs`, ready to be replayed."""

    def __init__(self, namespace: dict[str, Any], *, device: str = "cpu") -> None:
        self._namespace, self._device = namespace, device
        self.logs: dict[str, list[Entry]] = {}

    def __call__(self, case: str) -> Namespace:
        session = LiveReference(self._namespace, device=self._device)
        self.logs[case] = session.log
        return Namespace(session)


def record(
    runner: Runner,
    *,
    seed: int,
    device: str = "cpu",
    public: bool = False,
    only: str | None = None,
    mistakes: bool = True,
) -> Recording:
    """Run the reference, and every mistake on its questions, and keep the answers.

    `public` leaves out what is hidden; `only` keeps one question; without `mistakes` they are
    left for `with_mistakes`. Raises `CourseError` when the reference fails a case.
    """
    suite = runner.suite
    namespace = suite.namespace()
    references = LoggedReferences(namespace, device=device)
    run = Run(suite, seed, live(namespace, device=device), references, device, graded=False)
    outcomes = runner.run(run, None if only is None else [only])
    for outcome in outcomes:
        if outcome.result.outcome == "failed":
            raise CourseError(
                f"The reference fails {outcome.result.case}: {outcome.result.summary} "
                f"(`{suite.command} --seed {seed}` shows where). Mend the check or the solution."
            )
    recording = Recording(seed, device, dict(suite.points), references.logs, framework=suite.framework)
    if mistakes:
        recording = with_mistakes(runner, recording, list(suite.points) if only is None else [only])
    if not public:
        return recording
    hidden = {outcome.result.case for outcome in outcomes if outcome.result.hidden}
    return replace(
        recording,
        reference={case: log for case, log in recording.reference.items() if case not in hidden},
        mistakes={
            name: {case: stream for case, stream in streams.items() if case not in hidden}
            for name, streams in recording.mistakes.items()
        },
    )


def with_mistakes(runner: Runner, recording: Recording, questions: Sequence[str]) -> Recording:
    """The recording with what the mistakes answer in the cases of `questions` that they fail."""
    found: dict[str, dict[str, list[Any]]] = {name: dict(streams) for name, streams in recording.mistakes.items()}
    hints = dict(recording.hints)
    seconds = find_course(runner.suite.folder).limits.case_seconds
    for variant in runner.suite.variants.mistakes:
        asked = [question for question in variant.questions if question in questions]
        if not asked:
            continue
        name = f"{variant.question}: {variant.name}"
        run = Run(
            runner.suite,
            recording.seed,
            live(runner.suite.namespace(variant), device=recording.device, seconds=seconds),
            replayed(recording.reference),
            recording.device,
        )
        _settle_chance()
        failed = [outcome for outcome in runner.run(run, asked) if outcome.result.outcome == "failed"]
        found.setdefault(name, {}).update({o.result.case: [_plain(answer) for answer in o.answers] for o in failed})
        hints[name] = variant.hint
    return replace(recording, mistakes=found, hints=hints)


def _settle_chance() -> None:
    """Seed the global generators, so that a mistake which draws from them gives the same answers every time."""
    random.seed(0)
    np.random.seed(0)
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)
    if (tf := sys.modules.get("tensorflow")) is not None:
        tf.random.set_seed(0)


def public_records(assignment: Assignment) -> dict[str, bytes]:
    """The files that a release carries beside its checks: recorded answers of the public cases."""
    recording = drive(suite_of(assignment), lambda runner: record(runner, seed=PUBLIC_SEED, public=True))
    return dump(recording, made_from=fingerprint(assignment))


def fingerprint(assignment: Assignment) -> str:
    """What recorded answers are made from: the checks, the mistakes and the reference. sha256."""
    digest = hashlib.sha256()
    for path in (*sorted(assignment.tests.rglob("*.py")), assignment.solution):
        digest.update(f"\0{path.relative_to(assignment.course.root).as_posix()}\0".encode())
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()


def still_recorded(assignment: Assignment, folder: Path) -> dict[str, bytes] | None:
    """The recorded files in `folder` if they were made from what the assignment holds now, else None."""
    try:
        files = {name: (folder / name).read_bytes() for name in (JSON_NAME, ARRAYS_NAME)}
        head = json.loads(files[JSON_NAME])
        whole = head["numbers"] == hashlib.sha256(files[ARRAYS_NAME]).hexdigest()
        fresh = head["schema"] == SCHEMA and head["made_from"] == fingerprint(assignment) and whole
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files if fresh else None


def dump(recording: Recording, *, made_from: str = "") -> dict[str, bytes]:
    """A recording as its two files: JSON for what is asked and said, safetensors for the numbers.

    Rounding errors stand apart: they alone differ from one processor to another by more than
    a last digit. `made_from` is the fingerprint of what was recorded (`fingerprint`).
    """
    from safetensors.numpy import save

    arrays: list[np.ndarray] = []

    def packed(value: Any) -> list[Any]:
        tree, own = encode(value)
        arrays.extend(own)
        return [len(arrays) - len(own), len(own), tree]

    # Taken apart before the head is written: it names the fingerprint of the numbers.
    reference = {case: packed([_entry_out(entry) for entry in log]) for case, log in recording.reference.items()}
    mistakes = {
        name: {case: packed([_answer_out(answer) for answer in stream]) for case, stream in streams.items()}
        for name, streams in recording.mistakes.items()
    }
    numbered = {f"{at:06}": np.ascontiguousarray(array).reshape(array.shape) for at, array in enumerate(arrays)}
    numbers = save(numbered)
    head = {
        "schema": SCHEMA,
        "made_from": made_from,
        "numbers": hashlib.sha256(numbers).hexdigest(),
        "seed": recording.seed,
        "device": recording.device,
        "points": recording.points,
        "framework": recording.framework,
        "hints": recording.hints,
        "rounding": {case: [entry.errors for entry in log] for case, log in recording.reference.items()},
        "reference": reference,
        "mistakes": mistakes,
    }
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":")) + "\n"
    return {JSON_NAME: text.encode(), ARRAYS_NAME: numbers}


def parse(files: dict[str, bytes], *, device: str = "cpu") -> Recording:
    """The recording that `dump` wrote. Raises `CourseError` when the files hold none.

    A case's answers are put together when they are asked for: a check of NumPy code needs no
    framework, nor the time to import one, because another question has tensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        head = json.loads(files[JSON_NAME])
        if head["schema"] != SCHEMA:
            raise CourseError(f"recorded answers of schema {head['schema']}, expected {SCHEMA}: rebuild the release")
        loaded = load(files[ARRAYS_NAME])
        arrays = [loaded[name] for name in sorted(loaded)]

        def entries(case: str) -> list[Entry]:
            stored, rounding = _unpacked(head["reference"][case], arrays, device), head["rounding"][case]
            return [
                Entry(op, name, value, tuple(errors), scale, raised)
                for (op, name, value, scale, raised), errors in zip(stored, rounding, strict=True)
            ]

        def stream(name: str, case: str) -> list[Any]:
            return [_answer_in(answer) for answer in _unpacked(head["mistakes"][name][case], arrays, device)]

        return Recording(
            int(head["seed"]),
            str(head["device"]),
            _points(head),
            _Lazy(head["reference"], entries),
            {name: _Lazy(cases, partial(stream, name)) for name, cases in head["mistakes"].items()},
            dict(head["hints"]),
            head["framework"],
        )
    except (*_MALFORMED, SafetensorError) as error:
        raise CourseError(_unreadable(error)) from None


def save(recording: Recording, folder: Path) -> None:
    """Write a recording to `folder`, for its owner's eyes only; a reader finds all of it or none.

    One writer after the other, under names of their own, so that what a killed one left is written over; what
    another has written meanwhile stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = dump(recording)
    with _alone_in(folder):
        if all(_holds(folder / name, content) for name, content in files.items()):
            return
        for name in sorted(files, key=lambda name: name == JSON_NAME):  # the JSON last: it says that all is there
            partial_file = folder / f".{name}.partial"
            partial_file.touch(mode=0o600)
            partial_file.write_bytes(files[name])
            partial_file.replace(folder / name)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Wait for other writers to the folder; the kernel lets go for one that is killed."""
    import fcntl  # not on Windows, where a learner replays recordings and writes none

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def read_recording(folder: Path, *, device: str = "cpu") -> Recording:
    """The recording that lies in `folder`, which holds a release's checks. Raises `CourseError` when none does."""
    try:
        return parse({name: (folder / name).read_bytes() for name in (JSON_NAME, ARRAYS_NAME)}, device=device)
    except OSError as error:
        raise CourseError(_unreadable(error)) from None


@dataclass(frozen=True)
class Head:
    """What a recording says of its assignment: the points of each question, and its framework."""

    points: dict[str, float]
    framework: str | None


def read_head(folder: Path) -> Head:
    """The head of the recording in `folder`, without reading its numbers. Raises `CourseError` when there is none."""
    try:
        head = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
        return Head(_points(head), head.get("framework"))
    except (OSError, *_MALFORMED) as error:
        raise CourseError(_unreadable(error)) from None


def _points(head: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in head["points"].items()}


_MALFORMED = (AttributeError, KeyError, IndexError, ValueError, TypeError, RecursionError)


def _unreadable(error: BaseException) -> str:
    return (
        f"The recorded answers can't be read ({type(error).__name__}: {error}). "
        "Rebuild the release, or download it once more."
    )


def _unpacked(packed: Any, arrays: list[np.ndarray], device: str) -> Any:
    start, count, tree = packed
    return decode(tree, arrays[start : start + count], device=device)


class _Lazy(Mapping[str, T]):
    """What `make` gives for each of some names, made when it is first asked for."""

    def __init__(self, names: Iterable[str], make: Callable[[str], T]) -> None:
        self._made: dict[str, T | None] = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> T:
        made = self._made[name]
        if made is None:
            try:
                made = self._made[name] = self._make(name)
            except _MALFORMED as error:
                raise CourseError(_unreadable(error)) from None
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _entry_out(entry: Entry) -> tuple[Any, ...]:
    return (entry.op, entry.name, entry.value, entry.scale, entry.raised)


def _answer_out(answer: Any) -> Any:
    return {"raised": answer.type_name} if isinstance(answer, Raised) else (answer,)


def _answer_in(stored: Any) -> Any:
    return Raised(stored["raised"]) if type(stored) is dict else stored[0]


def _plain(value: Any) -> Any:
    if isinstance(value, Remote):
        return value._handle
    if type(value) in (tuple, list):
        return type(value)(_plain(item) for item in value)
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value
