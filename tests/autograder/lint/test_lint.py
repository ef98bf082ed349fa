"""Lint: a sound course has no faults, and each kind of unsoundness is found with what mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import Course, CourseError
from autograder.lint import LintReport, lint_assignment
from autograder.lint.measure import HONEST_MARGIN, MISTAKE_RATIO, Measured, measure


def lint(course: Course, seeds: int = 2) -> LintReport:
    return lint_assignment(course, "sums", seeds=seeds, processes=1)


def replace_in(course: Course, path: str, old: str, new: str) -> None:
    file = course.root / path
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


CHECKS, MISTAKES, ALTERNATIVES = (f"tests/sums/{name}.py" for name in ("test_sums", "mistakes", "alternatives"))


def test_a_sound_course_has_no_faults_and_a_row_for_everything(course: Course) -> None:
    report = lint(course, seeds=3)
    assert report.faults == ()
    assert (report.questions, report.seeds) == (3, 3)
    assert (len(report.mistakes), report.mistakes_caught) == (5, 5)
    assert (len(report.alternatives), report.alternatives_accepted) == (3, 3)
    for row in report.mistakes:
        assert (row.failed, row.strays, row.good) == (3, (), True)
        assert row.ratio >= MISTAKE_RATIO
    for row in report.alternatives:
        assert (row.passed, row.good) == (3, True)
        assert row.margin <= HONEST_MARGIN


def test_processes_share_the_seeds_and_find_the_same(course: Course) -> None:
    folder, seeds = course.root / "tests" / "sums", [5, 6, 7]
    alone, shared = (
        {(row.kind, row.question, row.name): row for row in measure(folder, seeds, processes=processes)}
        for processes in (1, 2)
    )
    del alone["release", "", ""], shared["release", "", ""]  # looked at once in each process
    assert alone == shared
    only = measure(folder, seeds, select="tags")
    assert {row.question for row in only} == {"", "tags"}


@pytest.mark.parametrize("in_float32", ["0", "2.0**-18"], ids=["passes", "hardly fails"])
def test_a_mistake_that_one_case_hardly_shows_is_caught_by_the_next(course: Course, in_float32: str) -> None:
    # float32 comes first; past the first seeds no more cases are run than are enough.
    off = f"(powers.sum(axis=-1, keepdims=True) * (1 + (2.0**-40 if x.dtype.itemsize == 8 else {in_float32})))"
    replace_in(course, MISTAKES, "powers.sum()", off)
    rows = measure(course.root / "tests" / "sums", range(1, 6))
    [row] = [row for row in rows if row.name == "over every axis"]
    assert (row.failed, row.passed, row.good) == (5, 0, True)


def test_a_mistake_that_never_ends_is_caught_in_the_time_a_submission_has(course: Course) -> None:
    with (course.root / "course_config.py").open("a") as file:
        file.write("c.CourseSettings.case_seconds = 0.2\n")
    replace_in(course, MISTAKES, "return [word[:1] for word in words]", "\n        while True:\n            pass")
    rows = measure(course.root / "tests" / "sums", [1], select="tags")
    [row] = [row for row in rows if row.name == "small letters"]
    assert (row.good, row.says) == (True, "tags::test_tags: capitals, and an empty word: takes longer than 0.2 s")


Change = Callable[[Course], None]


def edit(path: str, old: str, new: str) -> Change:
    return lambda course: replace_in(course, path, old, new)


def drop_question(course: Course) -> None:
    """The check of `tags` is gone, its cell stays."""
    text = (course.root / CHECKS).read_text()
    (course.root / CHECKS).write_text(text[: text.index('@question("tags")')])


def fill_release(course: Course) -> None:
    path = course.root / "release" / "sums" / "sums.ipynb"
    made = json.loads(path.read_text())
    for cell in made["cells"]:
        if cell["id"] == "blank-tags":
            cell["source"] = "def tags(words):\n    return [word[:1].upper() for word in words]"
    path.write_text(json.dumps(made))


def outputs_in_source(course: Course) -> None:
    path = course.root / "source" / "sums" / "sums.ipynb"
    made = json.loads(path.read_text())
    made["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    path.write_text(json.dumps(made))


def tell_solution(course: Course) -> None:
    (course.root / "release" / "sums" / "notes.txt").write_text("shifted = x - x.max(axis=-1, keepdims=True)\n")


FAULTS: dict[str, tuple[Change, str, str]] = {
    "a mistake that passes": (
        edit(MISTAKES, "powers.sum()", "powers.sum(axis=-1, keepdims=True) + 0"),
        r"mistake 'over every axis' of softmax passes on 2 of 2 seeds",
        "Choose inputs",
    ),
    "a mistake that is hardly caught": (
        edit(MISTAKES, "powers.sum()", "(powers.sum(axis=-1, keepdims=True) * (1 + 2.0**-46))"),
        r"mistake 'over every axis' of softmax is caught by only \d",
        "Choose inputs",
    ),
    "an alternative that fails": (
        edit(ALTERNATIVES, "word.upper()[:1]", "word.upper()[:2]"),
        r"alternative 'by capitals' of tags fails on 2 of 2 seeds: tags::test_tags",
        "honest rounding",
    ),
    "an alternative that hardly passes": (
        edit(ALTERNATIVES, "np.exp(shifted - ", "(1 + 3 * 2.0**-50) * np.exp(shifted - "),
        r"alternative 'through logarithms' of softmax comes to 0\.\d+ of the tolerance",
        "honest rounding",
    ),
    "a stray": (
        edit(MISTAKES, "def sum_instead():", "def sum_instead():\n    def tags(words):\n        return []\n"),
        r"mistake 'sum instead' of running also fails tags",
        r"also=\(…\)",
    ),
    "no hint": (
        edit(MISTAKES, "Capitals are asked for.", " "),
        r"mistake 'small letters' of tags has no hint",
        "in a sentence",
    ),
    "no mistake": (
        edit(MISTAKES, '@mistake("running"', '@mistake("softmax"'),
        r"running has no mistake",
        r"tests/sums/mistakes\.py",
    ),
    "no alternative": (
        edit(ALTERNATIVES, '@alternative("tags")', '@alternative("running")'),
        r"tags has no alternative",
        r"tests/sums/alternatives\.py",
    ),
    "a question that isn't": (
        edit(MISTAKES, 'maximum first.",', 'maximum first.", also=("sofmax",),'),
        r"names no question \(sofmax\)",
        "grade_id",
    ),
    "an unchecked question": (drop_question, r"^tags has no check$", "Mend the check"),
    "a release that earns": (fill_release, r"the untouched release earns points: tags::test_tags", "Mend the check"),
    "a stale release": (edit(CHECKS, "rows of any length", "rows"), r"release/sums/.* is stale", "course build sums"),
    "a stale solution": (
        edit("solutions/sums.py", "upper()", "upper() "),
        r"solutions/sums\.py is stale",
        "course build sums",
    ),
    "outputs": (outputs_in_source, r"source/sums/sums\.ipynb: ", "course build --fix sums"),
    "a leak": (tell_solution, r"the release holds solution text", "course build sums"),
    "a reference that fails": (
        edit(CHECKS, "agree(student.tags(words), reference.tags(words))", "agree(student.tags(words), [])"),
        r"the reference fails on 2 of 2 seeds: tags::test_tags",
        "Mend the check",
    ),
    "a check that can't be collected": (
        edit(CHECKS, "import numpy", "import nothing_like_this"),
        "nothing_like_this",
        "",
    ),
    "a mistake that is no Python": (
        edit(MISTAKES, "def tags(words):", "def tags(words:"),
        r"mistakes\.py: SyntaxError",
        "",
    ),
    "a mistake that is there twice": (
        edit(MISTAKES, "first_letter_by_index", "small_letters"),
        r"'small letters' of tags is there twice",
        "Mend that file",
    ),
    "a mistake that fits nowhere": (edit(MISTAKES, "powers.sum(axis", "power.sum(axis"), r"stands 0 times", ""),
    "a mistake that can't be run": (
        edit(MISTAKES, "powers.sum()", "powers.sum("),
        r"'over every axis' of softmax can't be run: SyntaxError",
        "",
    ),
    "a broken check": (
        edit(CHECKS, "student.tags(words)", "student.tags(reference.tags(words))"),
        r"sends an answer of the reference",
        "",
    ),
    "no release": (
        lambda course: (course.root / "release" / "sums" / "sums.ipynb").unlink(),
        r"release/sums/sums\.ipynb is stale",
        "course build sums",
    ),
    "no solution": (
        lambda course: (course.root / "solutions" / "sums.py").unlink(),
        r"solutions/sums\.py",
        "course build",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_unsound_is_found_with_what_mends_it(kind: str, course: Course) -> None:
    change, what, mend = FAULTS[kind]
    change(course)
    faults = lint(course).faults
    assert any(re.search(what, fault.what) and re.search(mend, fault.mend) for fault in faults), faults
    assert all(fault.what and fault.mend for fault in faults)


def test_nothing_is_written(course: Course) -> None:
    def everything() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in course.root.rglob("*") if path.is_file() and path.suffix != ".pyc"}

    _ = course.secret_seed
    before = everything()
    lint(course, seeds=1)
    assert everything() == before


def test_an_unknown_assignment_is_told(course: Course) -> None:
    with pytest.raises(CourseError, match="There is no assignment 'none'"):
        lint_assignment(course, "none")


@pytest.mark.parametrize(
    ("row", "good"),
    [
        (Measured("mistake", "q", "m", passed=0, failed=5, ratio=10.0), True),
        (Measured("mistake", "q", "m", passed=1, failed=4, ratio=99.0), False),
        (Measured("mistake", "q", "m", passed=0, failed=5, ratio=9.9), False),
        (Measured("mistake", "q", "m", passed=0, failed=5, strays=("r",)), False),
        (Measured("alternative", "q", "a", passed=5, margin=0.5), True),
        (Measured("alternative", "q", "a", passed=5, margin=0.51), False),
        (Measured("alternative", "q", "a", passed=4, failed=1), False),
    ],
)
def test_mistakes_go_ten_times_beyond_and_honest_answers_use_half(row: Measured, good: bool) -> None:
    assert row.good is good
