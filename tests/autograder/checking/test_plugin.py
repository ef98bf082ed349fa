"""pytest's own command: it grades the reference, or with --submission a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder import hidden, question
from autograder.notebook import dump

from ..sums import answered


def run(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`pytest tests/sums …` in a course."""
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest", "-p", "autograder.checking.plugin", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=course, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def submitted(folder: Path, *more: str, **changes: str) -> str:
    path = folder / "handed-in.ipynb"
    path.write_bytes(dump(answered(*more, **changes)))
    return str(path)


def test_the_reference_earns_everything(sums: Path) -> None:
    done = run(sums, "tests/sums")
    assert done.returncode == 0, done.stdout
    assert "score 6.5 of 6.5, on cpu, the reference" in done.stdout
    assert "5 passed" in done.stdout


def test_a_submission_is_graded_in_the_jail_and_told_without_a_traceback(sums: Path, tmp_path: Path) -> None:
    wrong = "def softmax(x):\n    return np.full(x.shape, 7351, x.dtype)"
    path = submitted(tmp_path, "import os; os._exit(3)", softmax=wrong)
    done = run(sums, "tests/sums", "--submission", path, "--seed", "3")
    assert done.returncode == 1
    assert "score 2.5 of 6.5, on cpu, sandbox: jail (" in done.stdout
    assert "3 failed, 2 passed" in done.stdout
    assert "softmax  0/4" in done.stdout
    assert "yours 7351" in done.stdout
    for line in done.stdout.splitlines():
        if "hidden" in line:
            assert "7351" not in line
    assert "Traceback" not in done.stdout + done.stderr
    assert "def test_" not in done.stdout


def test_a_right_submission_passes_and_says_when_it_was_not_kept(sums: Path, tmp_path: Path) -> None:
    done = run(sums, "tests/sums", "--submission", submitted(tmp_path), "--sandbox", "none")
    assert done.returncode == 0, done.stdout
    assert "score 6.5 of 6.5, on cpu, sandbox: UNSANDBOXED" in done.stdout


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"{", "handed-in.ipynb"), (None, "handed-in.ipynb")],
    ids=["no notebook", "no file"],
)
def test_a_submission_that_can_not_be_read_is_one_clear_line(
    content: bytes | None, told: str, sums: Path, tmp_path: Path
) -> None:
    path = tmp_path / "handed-in.ipynb"
    if content is not None:
        path.write_bytes(content)
    done = run(sums, "tests/sums", "--submission", str(path))
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    said = done.stderr.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith("ERROR: ")
    assert told in said[0]
    assert "Traceback" not in done.stdout


def test_a_submission_goes_with_one_assignment(sums: Path, tmp_path: Path) -> None:
    done = run(sums, "source", "--submission", submitted(tmp_path))
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    done = run(sums, "tests/sums", "--submission", submitted(tmp_path), "--collect-only", "-q")
    assert (done.returncode, "test_tags" in done.stdout) == (0, True)


def test_a_case_that_can_not_run_here_is_skipped_and_takes_no_points(course: Path, tmp_path: Path) -> None:
    checks = course / "tests" / "sums" / "test_sums.py"
    head, marker, tail = checks.read_text().partition("    words =")
    checks.write_text(f"{head}    pytest.skip('needs a GPU')\n{marker}{tail}")
    done = run(course, "tests/sums", "--submission", submitted(tmp_path), "--sandbox", "none")
    assert done.returncode == 0
    assert "not graded here: needs a GPU" in done.stdout
    assert "score 5.5 of 5.5" in done.stdout


def test_a_broken_check_ends_the_run_instead_of_costing_points(course: Path, tmp_path: Path) -> None:
    checks = course / "tests" / "sums" / "test_sums.py"
    checks.write_text(checks.read_text().replace("student.tags(words)", "student.tags(reference.tags(words))"))
    done = run(course, "tests/sums", "--submission", submitted(tmp_path), "--sandbox", "none")
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "test_tags: A check sends an answer of the reference to the student" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    done = run(course, "tests/sums")
    assert done.returncode == 1  # while it is written, pytest shows the place
    assert "1 failed, 4 passed" in done.stdout


def test_a_check_that_names_no_question_is_refused(course: Path) -> None:
    (course / "tests" / "sums" / "test_loose.py").write_text("def test_loose(student):\n    pass\n")
    done = run(course, "tests/sums")
    assert done.returncode == 1
    assert 'test_loose checks no question: mark it with @question("name")' in done.stdout


def test_a_mark_holds_the_question_and_its_weight() -> None:
    mark = question("softmax", weight=2).mark
    assert (mark.name, mark.args, mark.kwargs) == ("question", ("softmax",), {"weight": 2})
    assert hidden.name == "hidden"


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_that_no_score_can_be_made_of_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        question("softmax", weight=weight)
