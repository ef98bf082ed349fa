"""Faults of our own side: what is killed, full or read-only costs no score, and says what to do."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder import notebook as notebooks
from autograder.course import Course
from autograder.demo import answered
from autograder.grading import worker as workers
from autograder.grading.discover import find
from autograder.grading.engine import Engine

from ..small import HOUSE

pytestmark = pytest.mark.xdist_group("batch")
DEADLINE = 60.0


@pytest.fixture
def course(sample_course: Callable[[Path], Course], tmp_path: Path) -> Course:
    course = sample_course(tmp_path / "course")
    for number in range(2):
        path = course.folder("submitted") / f"student-{number:02}" / "tiny" / "tiny.ipynb"
        path.parent.mkdir(parents=True)
        path.write_bytes(notebooks.dump(answered(course, "tiny")))
    return course


def test_rounds_of_faults_end_with_the_gradebook_of_an_undisturbed_run_and_leave_nothing_behind(tmp_path: Path) -> None:
    """A few of what `make faults` does hundreds of times."""
    told = tmp_path / "faults.json"
    command = [sys.executable, "-m", "benchmarks.faults", "--rounds", "2", "--undisturbed", "1", "--students", "4"]
    only = ["--seed", "20", "--only", "kill grader", "kill worker"]
    done = subprocess.run(
        [*command, "--json", str(told), *only], cwd=HOUSE, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(told.read_text())["faults"] == {"kill grader": 1, "kill worker": 1}


def test_a_worker_that_is_killed_while_it_waits_is_replaced(course: Course) -> None:
    """Giving it a submission raised BrokenPipeError, for which the command ended without a word."""
    first, second = find(course, "tiny")[0]
    with Engine(course, "tiny") as engine:
        assert [graded.result.state for _, graded in engine.grade([first])] == ["graded"]
        idle = engine._idle[0]
        os.kill(idle.pid, signal.SIGKILL)
        idle.wait(DEADLINE)
        assert [graded.result.score for _, graded in engine.grade([second])] == [5.0]


def test_a_worker_whose_engine_was_killed_ends_without_a_word(
    course: Course, capfd: pytest.CaptureFixture[str]
) -> None:
    with Engine(course, "tiny") as engine:
        worker = engine._worker()
        # What it says to nobody: its answer meets a closed socket with something unread in it.
        workers.send(worker.socket, {"student": "student-00", "notebook": answered(course, "tiny")})
        worker.socket.close()
        assert worker.wait(DEADLINE) == 0
        worker.close()
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("blocks", [0, 60])
def test_a_disk_without_room_is_told_with_the_next_step(course: Course, blocks: int) -> None:
    """As a quota does it: no file may grow beyond so many blocks of 512 or 1024 bytes."""
    grade = shlex.join([sys.executable, "-m", "autograder", "grade", "tiny", "--jobs", "1"])
    limited = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; ulimit -f {blocks}; exec {grade}"],
        cwd=course.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert limited.returncode == 2, limited.stderr
    assert "Traceback" not in limited.stderr
    assert "course: " in limited.stderr
    assert "again" in limited.stderr
