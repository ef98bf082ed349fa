"""Running an assignment's cases: once for pytest's own command, many times for a batch.

`drive` collects the checks once and hands a `Runner` to its caller, who may run them for
one student after another, or for one mistake and seed after another.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from _pytest.runner import runtestprotocol

from autograder.checking.reference import LiveReference, ReplayReference
from autograder.checking.suite import Suite, find_suite
from autograder.course import CourseError
from autograder.results import CaseResult
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.student import Namespace, StudentSession

T = TypeVar("T")

# pytest's own plugins that cost time and give these runs nothing: logging walks all loggers three times a
# case (a quarter of its time), unraisableexception collects all garbage of the process, twice.
_NOT_NEEDED = ("cacheprovider", "logging", "unraisableexception", "threadexception", "warnings", "faulthandler",
               "doctest", "junitxml", "stepwise", "pastebin")  # fmt: skip


@dataclass(frozen=True)
class Raised:
    """In a stream of answers: the student's code raised here."""

    type_name: str


@dataclass(frozen=True)
class CaseOutcome:
    """A case's result with what the diagnosis and the lint need besides.

    `answers` is what `agree` was given, in order; `margin` the largest distance that
    passed and `ratio` the one that failed, both in units of what is allowed.
    """

    question: str
    result: CaseResult
    answers: tuple[Any, ...] = ()
    margin: float = 0.0
    ratio: float = 0.0


@dataclass
class Run:
    """One pass over the cases: whose answers, what is expected, from which seed.

    `student` and `reference` give the namespace for a case. `missing` tells why a name isn't
    defined, where that is known. `graded` is False when the
    reference itself stands in the student's place and a failure is the course's own.
    """

    suite: Suite
    seed: int
    student: Callable[[str], Namespace]
    reference: Callable[[str], Namespace]
    device: str = "cpu"
    graded: bool = True
    missing: Callable[[str], str | None] = lambda name: None
    outcomes: list[CaseOutcome] = field(default_factory=list)


RUN = pytest.StashKey[Run]()
DRIVEN = pytest.StashKey[bool]()  # the cases are run by a `Runner`, not by pytest's own loop


def case_id(item: pytest.Item) -> str:
    """What names a case in seeds, recordings and results: its question and its test."""
    return f"{question_of(item)}::{item.name}"


def question_of(item: pytest.Item) -> str:
    """The question that an item checks. Raises `CourseError` for a test that names none."""
    mark = item.get_closest_marker("question")
    if mark is None:
        raise CourseError(f'{item.nodeid} checks no question: mark it with @question("name")')
    return str(mark.args[0])


class Runner:
    """The collected cases of a suite, ready to be run any number of times."""

    def __init__(self, session: pytest.Session, suite: Suite) -> None:
        self._session = session
        self.suite = suite
        self.cases: dict[str, pytest.Item] = {}
        for item in session.items:
            if case_id(item) in self.cases:
                raise CourseError(f"{item.nodeid}: {question_of(item)} has another check of this name; rename one")
            self.cases[case_id(item)] = item
        self._items = [(item, question_of(item)) for item in session.items]
        session.config.stash[DRIVEN] = True

    def run(
        self,
        run: Run,
        questions: Sequence[str] | None = None,
        *,
        enough: Callable[[CaseOutcome], bool] = lambda outcome: False,
    ) -> list[CaseOutcome]:
        """Run all cases, or those of some questions, and return their outcomes in order.

        The cases after one whose outcome is `enough` aren't run.
        """
        items = [item for item, question in self._items if questions is None or question in questions]
        self._session.config.stash[RUN] = run
        run.outcomes.clear()
        with warnings.catch_warnings():
            if run.graded:  # what an answer, or a mistake, makes NumPy warn about is not the course's news
                warnings.simplefilter("ignore")
            for item, following in itertools.zip_longest(items, items[1:]):
                runtestprotocol(item, log=False, nextitem=following)
                if run.outcomes and enough(run.outcomes[-1]):
                    # What the next case would have shared stands yet, and the next run may begin elsewhere.
                    self._session._setupstate.teardown_exact(None)
                    break
        return list(run.outcomes)


def drive(checks: Path | Suite, work: Callable[[Runner], T], *, select: str | None = None) -> T:
    """Collect the checks of a suite, or those in a folder, and return what `work` makes of them.

    `select` keeps only the cases of one question. Raises `CourseError` when the checks
    can't be collected; whatever `work` raises comes out as it is.
    """
    suite = checks if isinstance(checks, Suite) else find_suite(checks)
    folder = suite.folder
    loop = _Loop(suite, work, select)
    arguments = [
        str(folder), "--disable-plugin-autoload", "-p", "autograder.checking.plugin",
        "--import-mode=importlib", "--capture=no", "-q", "-c", os.devnull, f"--rootdir={folder}",
        *(word for name in _NOT_NEEDED for word in ("-p", f"no:{name}")),
    ]  # fmt: skip
    said, before = io.StringIO(), set(sys.modules)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _without(_PYTESTS_OWN):
            code = pytest.main(arguments, plugins=[loop])
    finally:
        # pytest would take a module from here again by its bare name: an older text, or another folder's.
        for name in sys.modules.keys() - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(folder.resolve()):
                del sys.modules[name]
    if loop.error is not None:
        raise loop.error
    if not loop.done:
        raise CourseError(f"The checks in {folder} can't be collected (pytest ended with {code}):\n{said.getvalue()}")
    return cast(T, loop.value)


_PYTESTS_OWN = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")  # meant for another run than this one


@contextlib.contextmanager
def _without(variables: Sequence[str]) -> Iterator[None]:
    """The environment without some of its variables for as long as the block runs."""
    kept = {name: os.environ.pop(name) for name in variables if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


class _Loop:
    """A pytest plugin whose run of the tests is whatever the caller of `drive` does."""

    def __init__(self, suite: Suite, work: Callable[[Runner], Any], select: str | None) -> None:
        self._suite, self._work, self._select = suite, work, select
        self._stdout, self._stderr = sys.stdout, sys.stderr  # pytest's own words are kept apart
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            return True  # a module that can't be collected; `drive` says so
        try:
            if self._select is not None:
                session.items = [item for item in session.items if question_of(item) == self._select]
            with contextlib.redirect_stdout(self._stdout), contextlib.redirect_stderr(self._stderr):
                self.value = self._work(Runner(session, self._suite))
        except BaseException as error:  # noqa: BLE001 - it travels through pytest to the caller
            self.error = error
        self.done = True
        return True


def live(namespace: dict[str, Any], *, device: str = "cpu", seconds: float | None = None) -> Callable[[str], Namespace]:
    """Students of a namespace of this process: for each case a session of its own.

    `seconds` bounds the wall time of each of their answers: a mistake may loop without an end.
    """
    return lambda case: Namespace(
        StudentSession(LiveTransport(namespace, device=device, seconds=seconds), device=device)
    )


def live_reference(namespace: dict[str, Any], *, device: str = "cpu") -> Callable[[str], Namespace]:
    """References that are run: for each case a session of its own."""
    return lambda case: Namespace(LiveReference(namespace, device=device))


def replayed(entries: Mapping[str, list[Any]]) -> Callable[[str], Namespace]:
    """References that are replayed from a recording, by case."""

    def reference(case: str) -> Namespace:
        if case not in entries:
            raise CourseError(f"nothing is recorded for {case}: rebuild the release")
        return Namespace(ReplayReference(list(entries[case])))

    return reference
