"""A class is graded once, whatever happens in between."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autograder import notebook as notebooks
from autograder.course import Course, CourseError
from autograder.demo import answered
from autograder.grading.batch import Options, grade_class, results_of
from autograder.grading.discover import find
from autograder.grading.gradebook import Gradebook

pytestmark = pytest.mark.xdist_group("batch")
DEADLINE = 60.0
WRONG = "def double(x):\n    return x * x"


@pytest.fixture
def course(sample_course: Callable[[Path], Course], tmp_path: Path) -> Course:
    return sample_course(tmp_path / "course")


def hand_in(course: Course, student: str, double: str | None = None) -> Path:
    notebook = answered(course, "tiny")
    if double is not None:
        next(cell for cell in notebook["cells"] if cell["id"] == "blank-double")["source"] = double
    path = course.folder("submitted") / student / "tiny" / "tiny.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(notebooks.dump(notebook))
    return path


def scores(course: Course) -> dict[str, float]:
    with Gradebook(course) as gradebook:
        return {score.student: score.auto for score in gradebook.scores("tiny") if score.submitted}


def test_only_what_changed_is_graded_again(course: Course) -> None:
    hand_in(course, "student-01")
    hand_in(course, "student-02", WRONG)
    first = grade_class(course, "tiny", Options(jobs=1))
    assert (first.graded, first.unchanged) == (2, 0)
    hand_in(course, "student-02")
    second = grade_class(course, "tiny", Options(jobs=1))
    assert (second.graded, second.unchanged) == (1, 1)
    assert scores(course) == {"student-01": 5.0, "student-02": 5.0}
    assert grade_class(course, "tiny", Options(jobs=1, force=True)).graded == 2


def test_a_changed_check_regrades_everybody(course: Course) -> None:
    hand_in(course, "student-01")
    grade_class(course, "tiny", Options(jobs=1))
    checks = course.root / "tests" / "tiny" / "test_tiny.py"
    checks.write_text(checks.read_text().replace("data.size(3, 7)", "data.size(4, 7)"))
    assert grade_class(course, "tiny", Options(jobs=1)).graded == 1


def test_a_reference_that_fails_its_own_check_is_the_courses_fault_and_nobodys_score(course: Course) -> None:
    hand_in(course, "student-01")
    checks = course.root / "tests" / "tiny" / "test_tiny.py"
    checks.write_text(checks.read_text().replace("reference.double(x)", "reference.double(x).value + 1"))
    with pytest.raises(CourseError, match="The reference fails double"):
        grade_class(course, "tiny", Options(jobs=1))
    assert results_of(course, "tiny") == []


def test_a_manual_score_survives_a_regrade(course: Course) -> None:
    from nbgrader.api import Gradebook as NbGradebook

    hand_in(course, "student-01")
    grade_class(course, "tiny", Options(jobs=1))
    with NbGradebook(course.database_url()) as gradebook:
        grade = gradebook.find_grade("why", "tiny", "tiny", "student-01")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.db.commit()
    grade_class(course, "tiny", Options(jobs=1, force=True))
    with NbGradebook(course.database_url()) as gradebook:
        assert gradebook.find_grade("why", "tiny", "tiny", "student-01").manual_score == 1.5
        assert gradebook.find_submission("tiny", "student-01").score == 6.5


@pytest.mark.parametrize("name", ["..", "a b", "x;y", "-flag", "new\nline", "é"])
def test_a_folder_that_is_no_student_id_is_refused_and_the_others_are_graded(course: Course, name: str) -> None:
    hand_in(course, "student-01")
    if name != "..":
        hand_in(course, name)
    submissions, refused = find(course, "tiny")
    assert [submission.student for submission in submissions] == ["student-01"]
    assert len(refused) == (name != "..")
    if name == "..":
        with pytest.raises(CourseError, match="no student id"):
            find(course, "tiny", "..")


def test_links_are_not_followed(course: Course, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(hand_in(course, "student-01").read_bytes())
    (course.folder("submitted") / "student-02" / "tiny").mkdir(parents=True)
    (course.folder("submitted") / "student-02" / "tiny" / "tiny.ipynb").symlink_to(secret)
    (course.folder("submitted") / "student-03").symlink_to(course.folder("submitted") / "student-01")
    submissions, refused = find(course, "tiny")
    by_student = {submission.student: submission for submission in submissions}
    assert by_student["student-02"].path is None
    assert "no ordinary file" in by_student["student-02"].problem
    assert [entry.name for entry in refused] == ["student-03"]


def test_two_runs_at_once_are_refused(course: Course) -> None:
    hand_in(course, "student-01", "def double(x):\n    while True:\n        pass")
    with grading(course) as first:
        wait_for(first, b"grading tiny")
        with pytest.raises(CourseError, match=f"Another run is grading this course \\(process {first.pid}\\)"):
            grade_class(course, "tiny", Options(jobs=1))
        first.wait(DEADLINE)
    assert scores(course) == {"student-01": 3.0}


def test_a_killed_run_goes_on_where_it_stopped_and_leaves_no_process(course: Course) -> None:
    for number in range(4):
        hand_in(course, f"student-{number:02}", WRONG if number % 2 else None)
    hand_in(course, "student-99", "def double(x):\n    while True:\n        pass")
    with grading(course) as first:
        wait_for(first, b"grading tiny 2/5")
        mine = descendants(first.pid)
        first.send_signal(signal.SIGKILL)
        first.wait(DEADLINE)
    assert mine
    wait_until_gone(mine)
    second = grade_class(course, "tiny", Options(jobs=1))
    assert second.graded + second.unchanged == 5
    assert second.unchanged >= 1
    assert scores(course) == {
        "student-00": 5.0, "student-01": 3.0, "student-02": 5.0, "student-03": 3.0, "student-99": 3.0,
    }  # fmt: skip


def test_a_result_file_that_was_cut_short_is_graded_again(course: Course) -> None:
    hand_in(course, "student-01")
    grade_class(course, "tiny", Options(jobs=1))
    path = course.state / "results" / "tiny" / "student-01.json"
    path.write_text(path.read_text()[:100])
    assert grade_class(course, "tiny", Options(jobs=1)).graded == 1
    assert json.loads(path.read_text())["result"]["state"] == "graded"


class grading:
    """`course grade tiny --jobs 1` in a process of its own."""

    def __init__(self, course: Course) -> None:
        self.course = course

    def __enter__(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "autograder", "grade", "tiny", "--jobs", "1"]
        self.process = subprocess.Popen(
            command, cwd=self.course.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()


def wait_for(process: subprocess.Popen[bytes], text: bytes) -> None:
    """Read what the process prints until `text` is in it."""
    assert process.stdout is not None
    said, end = b"", time.monotonic() + DEADLINE
    while text not in said:
        ready, _, _ = select.select([process.stdout], [], [], end - time.monotonic())
        part = os.read(process.stdout.fileno(), 4096) if ready else b""
        assert part, f"it never said {text!r}: {said!r}"
        said += part


def descendants(pid: int) -> set[int]:
    """All processes below `pid`, whatever session they are in."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in found | {pid}} - found:
        found |= more
    return found


def wait_until_gone(pids: set[int]) -> None:
    """Wait on each process's own end; those that are gone already can't be waited for."""
    for pid in pids:
        for descriptor in _pidfd(pid):
            ready, _, _ = select.select([descriptor], [], [], DEADLINE)
            os.close(descriptor)
            assert ready, f"process {pid} lives on"


def _pidfd(pid: int) -> Iterator[int]:
    try:
        yield os.pidfd_open(pid)
    except ProcessLookupError:
        return


def _parent(path: Path) -> int:
    try:
        return int(path.joinpath("stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
