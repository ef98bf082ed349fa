"""The pytest plugin: fixtures, options, and what a case's outcome means for a student.

pytest tests/backprop                               grades the reference
pytest tests/backprop --submission FILE.ipynb       grades a notebook, in the jail
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from autograder.checking import verdict
from autograder.checking.compare import Witness, witnessed
from autograder.checking.data import Data
from autograder.checking.reference import ReplayMismatch
from autograder.checking.run import DRIVEN, RUN, Run, case_id, live, live_reference
from autograder.checking.suite import Suite, find_suite
from autograder.course import PUBLIC_SEED, CourseError, find_course
from autograder.sandbox.student import Namespace

_WITNESS = pytest.StashKey[Witness]()
_ATTEMPT = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("autograder", "grading notebooks")
    group.addoption("--submission", type=Path, metavar="FILE", help="grade this notebook instead of the reference")
    group.addoption("--assignment", metavar="NAME", help="which of the twins that these checks grade")
    group.addoption("--device", choices=["cpu", "cuda"], default=None, help="where answers are checked")
    group.addoption("--sandbox", choices=["jail", "none"], default=None, help="'none' runs the notebook unprotected")
    group.addoption("--seed", type=int, default=None, help="seed of the inputs (default: the course's secret one)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "question(name, weight=1.0): the question that a check grades")
    config.addinivalue_line("markers", "hidden: a check that no student gets to see")


@pytest.fixture
def student(request: pytest.FixtureRequest) -> Namespace:
    """What is graded: the notebook's names, wherever they live."""
    return _run(request).student(case_id(request.node))


@pytest.fixture
def reference(request: pytest.FixtureRequest) -> Namespace:
    """The reference solution: its answers carry the rounding error that they show."""
    return _run(request).reference(case_id(request.node))


@pytest.fixture
def data(request: pytest.FixtureRequest) -> Data:
    """Inputs drawn from the seed, for this case alone."""
    run = _run(request)
    return Data(run.seed, case_id(request.node), device=run.device, framework=run.suite.framework)


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """'cpu' or 'cuda'."""
    return _run(request).device


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> str | None:
    """'torch' or 'tensorflow', whichever the graded notebook is written in; None for neither or both."""
    return _run(request).suite.framework


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Run the submission's cells before the first case, so that what is wrong with the file is told once."""
    config = session.config
    if config.getoption("submission") is None or config.option.collectonly or not session.items:
        return
    folders = {item.path.parent.resolve() for item in session.items if item.get_closest_marker("question")}
    if len(folders) != 1:
        raise pytest.UsageError(
            "--submission goes with the checks of one assignment: pytest tests/NAME --submission FILE"
        )
    try:
        config.stash[RUN] = _from_options(config, _suite(config, folders.pop()))
    except CourseError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if item.get_closest_marker("question") is None:
        return (yield)
    with witnessed() as witness:
        item.stash[_WITNESS] = witness
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    run = item.config.stash.get(RUN, None)
    if run is None or item.get_closest_marker("question") is None or call.when == "teardown":
        return report
    if call.when == "setup" and call.excinfo is None:
        return report
    try:
        outcome = verdict.outcome(item, call, item.stash.get(_WITNESS, None) or Witness())
    except (CourseError, ReplayMismatch) as error:  # the course's own fault
        if item.config.stash.get(DRIVEN, False):
            raise
        if run.graded:
            pytest.exit(f"{item.nodeid}: {error}", returncode=pytest.ExitCode.INTERNAL_ERROR)
        return report
    run.outcomes.append(outcome)
    if run.graded and report.failed:
        report.longrepr = f"{item.name}: {outcome.result.summary}\n{outcome.result.detail}".rstrip()
    return report


@pytest.hookimpl(tryfirst=True, specname="pytest_runtest_makereport")
def pytest_autograder_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
    """A report without pytest's traceback, for what a student's answer did.

    A student's fault is one line; a traceback through the check would tell nothing, and
    drawing it takes longer than the check.
    """
    run = item.config.stash.get(RUN, None)
    if run is None or not run.graded or call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return None
    return pytest.TestReport(
        item.nodeid, item.location, dict.fromkeys(item.keywords, 1), "failed", "",
        "setup" if call.when == "setup" else "call", (),
        call.duration, call.start, call.stop,
    )  # fmt: skip


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is None or not run.outcomes:
        return
    from autograder.checking import panel
    from autograder.checking.diagnose import questions

    terminalreporter.section("questions")
    results = questions(run.suite, run.outcomes, None)
    for result in results:
        if result.cases:
            terminalreporter.write_line(panel.text(result))
    graded = [result for result in results if result.graded]
    score, points = sum(r.score for r in graded), sum(r.points for r in graded)
    terminalreporter.write_line(f"score {score:g} of {points:g}, on {run.device}, {_level(config)}")


def pytest_unconfigure(config: pytest.Config) -> None:
    attempt = config.stash.get(_ATTEMPT, None)
    if attempt is not None:
        attempt.close()


def _run(request: pytest.FixtureRequest) -> Run:
    """The run that the caller of `drive` set up, or the one that pytest's options ask for."""
    config = request.config
    run = config.stash.get(RUN, None)
    if run is not None and run.suite.folder == request.path.parent.resolve():
        return run
    run = config.stash[RUN] = _from_options(config, _suite(config, request.path.parent))
    return run


def _suite(config: pytest.Config, folder: Path) -> Suite:
    """The suite in `folder`: of the twin that is named, else of the one that the submission's file is called by."""
    name, submission = config.getoption("assignment"), config.getoption("submission")
    if name is None and submission is not None and not (folder / "recorded.json").is_file():
        course = find_course(folder)
        if course.settings.twins.get(submission.stem) == folder.name:
            name = submission.stem
    return find_suite(folder, name)


def _from_options(config: pytest.Config, suite: Suite) -> Run:
    submission, seed = config.getoption("submission"), config.getoption("seed")
    course = find_course(suite.folder)
    device = config.getoption("device") or course.settings.device
    reference = live_reference(suite.namespace(), device=device)
    if submission is None:
        seed = PUBLIC_SEED if seed is None else seed
        return Run(suite, seed, live(suite.namespace(), device=device), reference, device, graded=False)
    from autograder.checking.attempt import attempt_file

    attempt = attempt_file(course, suite.name, submission, device=device, sandbox=config.getoption("sandbox"))
    config.stash[_ATTEMPT] = attempt
    seed = course.secret_seed if seed is None else seed
    return Run(suite, seed, attempt.student, reference, device, missing=attempt.missing)


def _level(config: pytest.Config) -> str:
    attempt = config.stash.get(_ATTEMPT, None)
    return "the reference" if attempt is None else f"sandbox: {attempt.level}"
