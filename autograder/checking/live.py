"""`check("affine_backward")` in a notebook: the same checks on the names of this very kernel."""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.checking import panel
from autograder.checking.diagnose import Recall, questions
from autograder.checking.record import Recording, read_recording, record
from autograder.checking.run import Run, Runner, drive, live, live_reference, replayed
from autograder.checking.suite import Suite, find_suite, suite_of
from autograder.course import PUBLIC_SEED, Course, CourseError, find_course
from autograder.results import QuestionResult


class Score(float):
    """What `check` gives: a number to nbgrader, which takes it for partial credit, a panel to people."""

    def __new__(cls, result: QuestionResult, *, public: bool) -> Score:
        return super().__new__(cls, result.score)

    def __init__(self, result: QuestionResult, *, public: bool) -> None:
        self.result, self._public = result, public

    def _repr_html_(self) -> str:
        return panel.html(self.result, public=self._public)

    def __repr__(self) -> str:
        return float.__repr__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return (float, (float(self),))


def check(question: str) -> Score:
    """Check what this notebook defines for `question` and show a panel.

    In a release the public cases run, with recorded answers in the reference's place; in a
    course's own folders all cases, against the reference. The value is the score in points.
    Raises `CourseError` when no checks lie beside the notebook or none has this name.
    """
    checks, seed = _checks()
    namespace = _namespace()

    def work(runner: Runner) -> QuestionResult:
        return _result(runner, question, namespace, seed)

    result = drive(checks, work)
    score = Score(result, public=checks.public)
    if not _in_kernel():
        sys.stdout.write(panel.text(result, public=score._public) + "\n")
    return score


def check_all(
    checks: Suite,
    namespace: dict[str, Any],
    *,
    seed: int = PUBLIC_SEED,
    missing: Callable[[str], str | None] = lambda name: None,
) -> tuple[QuestionResult, ...]:
    """The results of every question of the checks, for a namespace of this process.

    `missing` tells why a name isn't defined, where that is known.
    """

    def work(runner: Runner) -> tuple[QuestionResult, ...]:
        reference, recording = _expected(runner, seed)
        outcomes = runner.run(Run(runner.suite, seed, live(namespace), reference, missing=missing))
        return questions(runner.suite, outcomes, _recall(runner, seed, recording))

    return drive(checks, work)


def _result(runner: Runner, question: str, namespace: dict[str, Any], seed: int) -> QuestionResult:
    suite = runner.suite
    if question not in suite.points:
        near = difflib.get_close_matches(question, suite.points, 1)
        raise CourseError(f"There is no question {question!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
    reference, recording = _expected(runner, seed)
    outcomes = runner.run(Run(suite, seed, live(namespace), reference), [question])
    results = questions(suite, outcomes, _recall(runner, seed, recording))
    return next(result for result in results if result.question == question)


def _expected(runner: Runner, seed: int) -> tuple[Any, Recording | None]:
    if runner.suite.public:
        recording = read_recording(runner.suite.folder)
        return replayed(recording.reference), recording
    return live_reference(_reference(runner.suite)), None


def _recall(runner: Runner, seed: int, recording: Recording | None) -> Recall:
    """The recording, or where the mistakes themselves are at hand: run those of the question that failed."""
    return lambda question: recording or record(runner, seed=seed, only=question)


_references: dict[Path, tuple[float, dict[str, Any]]] = {}


def _reference(suite: Suite) -> dict[str, Any]:
    """The reference's namespace, kept between checks while its file doesn't change."""
    assert suite.solution is not None
    changed = suite.solution.stat().st_mtime if suite.solution.is_file() else 0.0
    kept = _references.get(suite.solution)
    if kept is None or kept[0] != changed:
        kept = _references[suite.solution] = (changed, suite.namespace())
    return kept[1]


def _checks() -> tuple[Suite, int]:
    """The checks that belong to the working directory, and the seed to use."""
    here = Path.cwd().resolve()
    course = _course(here)
    if course is not None and course.folder("autograded").resolve() in here.parents:
        # nbgrader's own autograder runs the notebook here: what counts is the course's, not what was handed in.
        return suite_of(course.assignment(here.name)), course.secret_seed
    if (here / "checks" / "recorded.json").is_file():
        return find_suite(here / "checks"), PUBLIC_SEED
    if course is not None and here.name in course.assignments:
        return suite_of(course.assignment(here.name)), PUBLIC_SEED
    raise CourseError(
        f"No checks lie beside this notebook (looked for {here / 'checks'}). "
        "Open the notebook in the folder in which it was released."
    )


def _course(here: Path) -> Course | None:
    try:
        return find_course(here)
    except CourseError:
        return None


def _namespace() -> dict[str, Any]:
    """The notebook's names: IPython's, or those of the module that called `check`."""
    if "IPython" in sys.modules:
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None:
            return dict(shell.user_ns)
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("autograder."):
        frame = frame.f_back
    return dict(frame.f_globals) if frame is not None else {}


def _in_kernel() -> bool:
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
