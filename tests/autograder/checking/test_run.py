"""Running cases: once or many times, each fault laid at the right door."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.checking.diagnose import questions
from autograder.checking.record import LoggedReferences, record
from autograder.checking.reference import ReplayMismatch
from autograder.checking.run import CaseOutcome, Run, Runner, drive, live, live_reference, replayed
from autograder.checking.variants import VariantError
from autograder.course import CourseError
from autograder.sandbox.student import LimitHit, Namespace, StudentFault

RIGHT = {
    "softmax::test_rows[float32]": "passed",
    "softmax::test_rows[float64]": "passed",
    "softmax::test_large": "passed",
    "running::test_mean": "passed",
    "tags::test_tags": "passed",
}


def graded(
    folder: Path, changes: dict[str, Any] | None = None, *, seed: int = 1, only: Any = None
) -> list[CaseOutcome]:
    """The outcomes for the reference with some names changed."""

    def work(runner: Runner) -> list[CaseOutcome]:
        names = runner.suite.namespace()
        reference = live_reference(runner.suite.namespace())
        return runner.run(Run(runner.suite, seed, live(names | (changes or {})), reference), only)

    return drive(folder, work)


@pytest.fixture
def checks(sums: Path) -> Path:
    return sums / "tests" / "sums"


@pytest.fixture
def mine(course: Path) -> Path:
    return course / "tests" / "sums"


def add(folder: Path, text: str, *, alone: bool = True) -> Path:
    """The checks with more of them; `alone`: in the place of the others."""
    path = folder / "test_sums.py"
    head = path.read_text()
    path.write_text((head.split("@question")[0] if alone else head) + "\n\n" + text)
    return folder


def test_each_case_has_an_outcome_named_by_question_and_test(checks: Path) -> None:
    outcomes = graded(checks)
    assert {outcome.result.case: outcome.result.outcome for outcome in outcomes} == RIGHT
    assert [outcome.result.hidden for outcome in outcomes] == [False, False, True, False, False]
    assert [outcome.result.weight for outcome in outcomes] == [1, 1, 2, 1, 1]


def test_a_question_gets_its_points_by_weight(checks: Path) -> None:
    def half(x: Any) -> Any:
        return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)  # overflows in the hidden case

    with np.errstate(all="ignore"):
        results = drive(checks, lambda runner: questions(runner.suite, graded(checks, {"softmax": half}), None))
    assert {result.question: result.score for result in results} == {"softmax": 2.0, "running": 1.5, "tags": 1.0}


def test_the_same_checks_run_many_times_for_different_students(checks: Path) -> None:
    def work(runner: Runner) -> list[list[str]]:
        reference = live_reference(runner.suite.namespace())
        names = runner.suite.namespace()
        runs = [names, {}, names | {"tags": lambda words: words}, names]
        made = [runner.run(Run(runner.suite, 3, live(each), reference)) for each in runs]
        return [[outcome.result.case for outcome in run if outcome.result.outcome == "failed"] for run in made]

    assert drive(checks, work) == [[], list(RIGHT), ["tags::test_tags"], []]


def test_only_the_questions_asked_for_are_run(checks: Path) -> None:
    assert [outcome.question for outcome in graded(checks, only=["tags", "running"])] == ["running", "tags"]
    cases = drive(checks, lambda runner: list(runner.cases), select="tags")
    assert cases == ["tags::test_tags"]


def test_no_more_cases_run_than_are_enough(checks: Path) -> None:
    def work(runner: Runner) -> list[list[str]]:
        reference = live_reference(runner.suite.namespace())
        run = Run(runner.suite, 1, live({"softmax": lambda x: x}), reference)
        made = [
            runner.run(run, ["softmax"], enough=lambda outcome: outcome.result.outcome == "failed"),
            runner.run(run, ["softmax"], enough=lambda outcome: outcome.result.hidden),
            runner.run(run, ["softmax"], enough=lambda outcome: outcome.result.outcome == "passed"),
            runner.run(run),
        ]
        return [[outcome.result.case for outcome in outcomes] for outcomes in made]

    cases = list(RIGHT)
    assert drive(checks, work) == [cases[:1], cases[:3], cases[:3], cases]


def test_after_a_run_that_stopped_early_another_file_may_begin(mine: Path) -> None:
    text = (mine / "test_sums.py").read_text()
    (mine / "test_more.py").write_text(text.split("@question")[0] + text[text.index('@question("tags")') :])
    (mine / "test_sums.py").write_text(text[: text.index('@question("tags")')])

    def work(runner: Runner) -> list[str]:
        reference = live_reference(runner.suite.namespace())
        names = runner.suite.namespace()
        run = Run(runner.suite, 1, live(names), reference)
        runner.run(run, ["softmax"], enough=lambda outcome: True)
        return [outcome.result.outcome for outcome in runner.run(run, ["tags"])]

    assert drive(mine, work) == ["passed"]


def test_what_is_told_of_a_hidden_case_names_neither_it_nor_a_number(checks: Path) -> None:
    outcomes = graded(checks, {"softmax": lambda x: x * 0 + 7351})
    hidden = next(outcome.result for outcome in outcomes if outcome.result.hidden)
    assert hidden.outcome == "failed"
    assert hidden.detail == ""
    assert "7351" not in hidden.summary
    assert hidden.summary.startswith("a hidden case: the answer has shape (3, 4) as expected")
    public = next(outcome.result for outcome in outcomes if not outcome.result.hidden)
    assert public.summary.startswith("rows of any length [float32]: ")
    assert "yours 7351" in public.summary
    assert public.detail.startswith("yours:")


def tell(what: Any) -> Any:
    def softmax(x: Any) -> Any:
        raise ValueError(f"x is {x}") if what is None else what

    return softmax


def test_a_students_exception_is_told_but_not_what_it_says_of_a_hidden_case(checks: Path) -> None:
    public, _, hidden, *_ = (outcome.result for outcome in graded(checks, {"softmax": tell(None)}))
    assert "raises ValueError: x is [[" in public.summary
    assert "raises ValueError" in hidden.summary
    assert "x is" not in hidden.summary
    assert hidden.detail == ""


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SystemExit(1), "raises SystemExit: 1"),
        (LimitHit("wall time", "no limit of ours"), "raises LimitHit: no limit of ours"),
        (RuntimeError("two\nlines"), "raises RuntimeError: two"),
    ],
)
def test_whatever_a_student_raises_fails_the_case_in_one_line(error: BaseException, told: str, checks: Path) -> None:
    first, *_ = graded(checks, {"softmax": tell(error)})
    assert told in first.result.summary
    assert len(first.result.summary.splitlines()) == 1
    assert first.result.limit is None


def test_a_limit_is_named_in_the_result(checks: Path) -> None:
    class Slow:
        def perform(self, request: Any) -> Any:
            raise LimitHit("wall time", "ran longer than 10 s")

    def work(runner: Runner) -> list[CaseOutcome]:
        reference = live_reference(runner.suite.namespace())
        return runner.run(Run(runner.suite, 1, lambda case: Namespace(Slow()), reference), ["tags"])

    [outcome] = drive(checks, work)
    assert (outcome.result.outcome, outcome.result.limit) == ("failed", "wall time")
    assert outcome.result.summary.endswith("ran longer than 10 s")


# Checks that are skipped, odd or broken


def test_a_case_that_can_not_run_here_is_not_graded(mine: Path) -> None:
    add(
        mine,
        "@question('tags')\ndef test_inside(student):\n    pytest.skip('needs a GPU')\n\n\n"
        "@question('tags')\n@pytest.mark.skipif(True, reason='needs two GPUs')\ndef test_marked(student):\n    pass\n",
    )
    results = [outcome.result for outcome in graded(mine)]
    assert [(r.outcome, r.summary) for r in results] == [
        ("ungraded", "not graded here: needs a GPU"), ("ungraded", "not graded here: needs two GPUs")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("a, b = student.softmax(np.ones(2), )[:1]", "isn't of the form that the question asks for (ValueError"),
        ("assert student.tags(['a']) == ['B'], 'a becomes B'", "a becomes B"),
        ("pytest.fail('no good')", "no good"),
        ("raise RuntimeError('one\\n' * 99)", "(RuntimeError: one one"),
    ],
)
def test_an_answer_that_a_check_stumbles_over_fails_in_one_line(body: str, told: str, mine: Path) -> None:
    add(mine, f"@question('tags')\ndef test_odd(student):\n    {body}\n")
    [outcome] = graded(mine)
    assert outcome.result.outcome == "failed"
    assert told in outcome.result.summary
    assert len(outcome.result.summary.splitlines()) == 1
    assert len(outcome.result.summary) < 500


def test_a_check_of_no_question_is_refused_with_its_name(mine: Path) -> None:
    add(mine, "def test_loose(student):\n    pass\n", alone=False)
    with pytest.raises(CourseError, match=r'test_loose checks no question: mark it with @question\("name"\)'):
        graded(mine)


def test_two_checks_of_one_name_and_question_are_refused(mine: Path) -> None:
    """Their draws and recorded answers would be taken for each other's."""
    (mine / "test_more.py").write_text((mine / "test_sums.py").read_text())
    with pytest.raises(CourseError, match="has another check of this name; rename one"):
        graded(mine)


def test_checks_that_can_not_be_collected_are_told_with_pytests_words(mine: Path) -> None:
    add(mine, "import nothing_like_this\n", alone=False)
    with pytest.raises(CourseError, match=r"(?s)can't be collected.*nothing_like_this"):
        graded(mine)


def test_a_check_that_sends_the_answer_is_the_courses_fault_not_a_students_zero(mine: Path) -> None:
    add(mine, "@question('tags')\ndef test_leak(student, reference):\n    student.tags(reference.tags(['a']))\n")
    with pytest.raises(CourseError, match="sends an answer of the reference"):
        graded(mine)


def test_a_replay_that_does_not_fit_is_the_courses_fault_not_a_students_zero(checks: Path) -> None:
    def work(runner: Runner, entries: Any) -> Any:
        return runner.run(Run(runner.suite, 1, live(runner.suite.namespace()), replayed(entries)))

    with pytest.raises(ReplayMismatch, match="rebuild the release"):
        drive(checks, lambda runner: work(runner, {case: [] for case in runner.cases}))
    with pytest.raises(CourseError, match=r"nothing is recorded for softmax::test_rows\[float32\]"):
        drive(checks, lambda runner: work(runner, {}))


def test_a_process_that_can_not_be_had_is_not_a_students_zero(checks: Path) -> None:
    def student(case: str) -> Namespace:
        raise CourseError("no jail here")

    def work(runner: Runner) -> Any:
        return runner.run(Run(runner.suite, 1, student, live_reference(runner.suite.namespace())))

    with pytest.raises(CourseError, match="no jail here"):
        drive(checks, work)


def test_a_student_that_fails_in_a_fixture_of_the_check_fails_the_case(mine: Path) -> None:
    add(mine, "@pytest.fixture\ndef made(student):\n    return student.absent()\n\n\n"
        "@question('tags')\ndef test_made(made):\n    pass\n")  # fmt: skip
    [outcome] = graded(mine)
    assert (outcome.result.outcome, outcome.result.summary) == ("failed", "absent isn't defined: did you rename it?")


# Where a run leaves no trace


def test_another_folders_checks_of_the_same_file_name_are_not_mixed_up(checks: Path, mine: Path) -> None:
    assert len(graded(checks)) == 5
    add(mine, "@question('tags')\ndef test_other(student):\n    pass\n")
    assert [outcome.result.case for outcome in graded(mine)] == ["tags::test_other"]
    assert len(graded(checks)) == 5
    assert "test_sums" not in sys.modules


def test_a_run_prints_nothing_and_leaves_the_streams(checks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graded(checks)
    assert capsys.readouterr() == ("", "")
    drive(checks, lambda runner: print("said by the work"))
    assert capsys.readouterr().out == "said by the work\n"


def test_what_the_work_raises_comes_out_as_it_is(checks: Path) -> None:
    def work(runner: Runner) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        drive(checks, work)


def test_warnings_of_a_students_code_are_nobodys_news(checks: Path) -> None:
    def warns(words: Any) -> Any:
        warnings.warn("look here", stacklevel=1)
        return [word[:1].upper() for word in words]

    assert graded(checks, {"tags": warns})[-1].result.outcome == "passed"


def test_settings_of_pytest_in_the_environment_change_nothing(checks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n 4 --nonsense")
    monkeypatch.setenv("PYTEST_PLUGINS", "nothing_like_this")
    assert len(graded(checks)) == 5


def test_the_seed_decides_the_inputs(checks: Path) -> None:
    seen: list[Any] = []

    def work(runner: Runner) -> None:
        reference = live_reference(runner.suite.namespace())
        for seed in (1, 1, 2):
            runner.run(Run(runner.suite, seed, live({"tags": seen.append, "softmax": seen.append}), reference))

    drive(checks, work)
    drawn = [[np.asarray(each).tolist() for each in seen[at : at + 4]] for at in (0, 4, 8)]
    assert drawn[0] == drawn[1]
    assert all(one != two for one, two in zip(drawn[0], drawn[2], strict=True))


def test_answers_and_margins_are_kept_for_lint_and_diagnosis(checks: Path) -> None:
    outcomes = {outcome.result.case: outcome for outcome in graded(checks, {"tags": lambda words: 1 / 0})}
    assert [type(answer).__name__ for answer in outcomes["tags::test_tags"].answers] == ["Raised"]
    assert len(outcomes["running::test_mean"].answers) == 5
    assert outcomes["running::test_mean"].margin == 0


def test_logged_references_give_the_same_outcomes_replayed(checks: Path) -> None:
    def work(runner: Runner) -> tuple[list[CaseOutcome], list[CaseOutcome]]:
        suite, student = runner.suite, live({**runner.suite.namespace(), "softmax": lambda x: x})
        references = LoggedReferences(suite.namespace())
        first = runner.run(Run(suite, 5, student, references))
        return first, runner.run(Run(suite, 5, student, replayed(references.logs)))

    facts = [
        [(o.result.case, o.result.summary, o.result.detail, o.ratio, o.margin) for o in run]
        for run in drive(checks, work)
    ]
    assert facts[0] == facts[1]


def test_a_mistake_that_does_not_run_is_told_with_its_name(mine: Path) -> None:
    with (mine / "mistakes.py").open("a") as file:
        file.write("\nedited('tags', 'crash', old='def tags(words):', new='def tags(', hint='h')\n")
    with pytest.raises(VariantError, match="mistake 'crash' of tags can't be run: SyntaxError"):
        drive(mine, lambda runner: record(runner, seed=1))


def test_a_missing_or_broken_solution_is_told_with_its_file(course: Path) -> None:
    solution = course / "solutions" / "sums.py"
    solution.write_text("1 / 0")
    with pytest.raises(CourseError, match=r"sums\.py can't be run: ZeroDivisionError"):
        graded(course / "tests" / "sums")
    solution.unlink()
    with pytest.raises(CourseError, match=r"sums\.py is missing\. `course build sums` makes it"):
        graded(course / "tests" / "sums")


def test_a_source_notebook_that_can_not_be_read_is_told(course: Path) -> None:
    (course / "source" / "sums" / "sums.ipynb").write_text("{")
    with pytest.raises(CourseError, match=r"sums\.ipynb"):
        graded(course / "tests" / "sums")


def test_students_faults_are_faults() -> None:
    assert issubclass(LimitHit, StudentFault)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ValueError", "raises ValueError"),
        ("InputIs7351", "raises an exception of its own"),
        ("Missing", "raises an exception of its own"),
    ],
)
def test_of_an_exception_in_a_hidden_case_no_word_is_told_that_could_be_an_input(
    checks: Path, name: str, told: str
) -> None:
    def softmax(x: Any) -> Any:
        raise (ValueError if name == "ValueError" else type(name, (Exception,), {}))(f"the input is {x}")

    hidden = next(each.result for each in graded(checks, {"softmax": softmax}) if each.result.hidden)
    assert hidden.summary == f"a hidden case: {told}"
    assert hidden.detail == ""
