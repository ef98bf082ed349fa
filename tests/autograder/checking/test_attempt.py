"""An attempt: one submission's cells and cases, in as many processes as it takes, within its time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autograder.checking import attempt as attempts
from autograder.checking.attempt import Attempt, FileAttempt, attempt_file, level_note, released_files
from autograder.course import Course, CourseError, Limits
from autograder.notebook import dump
from autograder.sandbox.host import Host, SandboxUnavailable
from autograder.sandbox.student import LimitHit, StudentError, StudentFault

from ..small import free, marked, notebook
from ..sums import answered

Make = Callable[..., Attempt]
LIMITS = Limits(cell_seconds=0.4, case_seconds=0.4, submission_seconds=20.0, processes=16, disk_mib=16, memory_mib=1024)


@pytest.fixture
def attempt(warm: Host) -> Iterator[Make]:
    """Attempts at a notebook of these cells, within limits of one's own."""
    opened: list[Any] = []

    def make(*cells: str, files: dict[str, bytes] | None = None, **limits: float) -> Attempt:
        host = Host.connect(warm.socket_path, replace(LIMITS, **limits))  # type: ignore[arg-type]
        opened.append(host)
        opened.append(
            Attempt(host, notebook(*(free(text, cell_id=f"c-{at}") for at, text in enumerate(cells))), files=files)
        )
        return opened[-1]

    yield make
    for each in reversed(opened):
        each.close()


LOOP = "while True: pass"
DIE = "import os; os._exit(3)"


def test_names_of_all_cells_answer(attempt: Make) -> None:
    made = attempt("x = 1", "y = x + 1", "def f(z): return x + y + z")
    assert made.student("q::a").f(10) == 13
    assert [cell.error for cell in made.cells] == [None] * 3
    assert made.notes == []
    assert made.level.startswith("jail (")


def test_an_error_in_a_cell_does_not_stop_the_rest(attempt: Make) -> None:
    made = attempt("x = 1", "y = 1\n1 / 0", "def (", "z = x + 1")
    assert made.student("q::a").z == 2
    assert [bool(cell.error) for cell in made.cells] == [False, True, True, False]
    assert made.cells[1].error == "ZeroDivisionError: division by zero (line 2)"
    assert made.cells[2].error.startswith("SyntaxError")  # type: ignore[union-attr]


def test_why_a_name_is_missing_is_known_when_its_cell_failed(attempt: Make) -> None:
    made = attempt("1 / 0\ndef f(): pass\nvalue = 3", "g = 1")
    assert made.missing("f") == "its cell failed with ZeroDivisionError: division by zero (line 1)"
    assert made.missing("value") is not None
    assert made.missing("g") is None
    assert made.missing("f.*") is None
    with pytest.raises(StudentError, match="Missing: f"):
        _ = made.student("q::a").f


def test_only_what_a_student_may_write_is_run(warm: Host) -> None:
    cells = [
        marked("given", "given", "x = [1]"), marked("check", "check", "x.append('check')", points=1),
        marked("demo", "demo", "x.append('demo')"), marked("blank", "blank", "x.append('blank')"),
    ]  # fmt: skip
    with Attempt(warm, notebook(*cells, free("x.append('free')"))) as made:
        assert made.student("q::a").x == [1, "blank", "free"]


def test_files_beside_the_notebook_can_be_opened(attempt: Make) -> None:
    made = attempt("text = open('data/words.txt').read()", files={"data/words.txt": b"one two"})
    assert made.student("q::a").text == "one two"


def test_outputs_are_kept(attempt: Make) -> None:
    [cell] = attempt("print('said')\n1 + 1").cells
    assert [output["output_type"] for output in cell.outputs] == ["stream", "execute_result"]


def test_outputs_of_all_cells_together_are_bounded_too(attempt: Make) -> None:
    made = attempt(*["print('x' * 200_000)"] * 8, "print('short')", notebook_mib=1)
    assert [bool(cell.outputs) for cell in made.cells] == [True] * 5 + [False] * 4
    assert [note.text for note in made.notes] == [
        "All outputs together were more than 1 MiB; those of 4 cells were cut."
    ]


@pytest.mark.parametrize(("source", "told"), [(LOOP, "ran longer than 0.4 s"), (DIE, "ended its own process")])
def test_a_cell_that_ends_the_process_is_left_out_and_the_rest_runs(source: str, told: str, attempt: Make) -> None:
    made = attempt("x = 1", source, "y = x + 1")
    assert made.student("q::a").y == 2
    assert [bool(cell.error) for cell in made.cells] == [False, True, False]
    assert told in made.cells[1].error  # type: ignore[operator]
    [note] = made.notes
    assert (note.kind, note.text.startswith("Cell 2 "), told in note.text) == ("limit", True, True)


@pytest.mark.parametrize(
    ("source", "limit"), [(LOOP, "wall time"), (DIE, "exit"), ("import ctypes; ctypes.string_at(0)", "crash")]
)
def test_a_case_that_ends_the_process_costs_that_case_only(source: str, limit: str, attempt: Make) -> None:
    made = attempt("x = 1", f"def f():\n    {source}", "def g(): return x")
    first = made.student("q::a")
    with pytest.raises(LimitHit) as hit:
        first.f()
    assert hit.value.limit == limit
    with pytest.raises(StudentFault):
        first.g()
    assert made.student("q::b").g() == 1


def test_what_a_case_changed_over_there_is_gone_with_its_process(attempt: Make) -> None:
    made = attempt("x = []", "def f(): x.append(1); return len(x)", f"def end(): {DIE}")
    student = made.student("q::a")
    assert (student.f(), student.f()) == (1, 2)
    with pytest.raises(LimitHit):
        student.end()
    assert made.student("q::b").f() == 1


def test_a_question_that_loops_costs_one_limit_and_little_more_for_each_further_case(attempt: Make) -> None:
    made = attempt(f"def f():\n    {LOOP}", "def g(): return 1")
    for case, seconds in enumerate(["0.4", "0.08", "0.08"]):
        with pytest.raises(LimitHit, match=f"ran longer than {seconds} s") as hit:
            made.student(f"slow::{case}").f()
        assert hit.value.limit == "wall time"
    with pytest.raises(LimitHit, match=r"ran longer than 0\.4 s"):
        made.student("other::a").f()
    assert made.student("slow::more").g() == 1


def test_a_submission_that_ends_its_process_again_and_again_has_had_its_chances(
    attempt: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MAX_RENEWALS", 3)
    made = attempt(f"def f(): {DIE}", "def g(): return 1")
    for case in range(3):
        with pytest.raises(LimitHit, match="exit code 3"):
            made.student(f"q::{case}").f()
    with pytest.raises(LimitHit, match="not run: the submission ended its process 3 times"):
        made.student("q::more").g()


def test_all_processes_of_a_submission_share_its_time(attempt: Make) -> None:
    made = attempt(LOOP, LOOP, LOOP, "x = 1", cell_seconds=0.3, submission_seconds=0.5)
    errors = [cell.error or "" for cell in made.cells]
    assert "ran longer than 0.3 s" in errors[0]
    assert "0.5 s" in errors[1] or "used up" in errors[1]
    assert "used up" in errors[2]
    assert "used up" in errors[3]
    with pytest.raises(LimitHit, match=r"took longer than 0\.5 s in all"):
        _ = made.student("q::a").x


def test_cases_stop_when_the_submissions_time_is_used_up(attempt: Make) -> None:
    made = attempt(f"def f():\n    {LOOP}", "def g(): return 1", case_seconds=5.0, submission_seconds=1.0)
    with pytest.raises(LimitHit, match=r"1 s"):
        made.student("q::a").f()
    with pytest.raises(LimitHit, match="took longer than 1 s in all"):
        made.student("q::b").g()


def test_time_is_billed_over_all_processes(attempt: Make) -> None:
    made = attempt("sum(range(2_000_000))", DIE, "x = 1")
    made.close()
    assert made.cpu_seconds > 0


def test_no_process_to_be_had_is_the_graders_fault_and_not_the_students(
    attempt: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = attempt(f"def f(): {DIE}")
    with pytest.raises(LimitHit):
        made.student("q::a").f()

    def spawn(*_: Any, **__: Any) -> Any:
        raise SandboxUnavailable("the warm process is gone")

    monkeypatch.setattr(made._host, "spawn", spawn)
    with pytest.raises(CourseError, match="the warm process is gone"):
        made.student("q::b")


# A file of its own


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_file_is_repaired_and_graded_with_a_host_of_its_own(sums: Path, tmp_path: Path) -> None:
    handed_in = answered("extra = tags(['ab'])")
    handed_in["cells"] = [cell for cell in handed_in["cells"] if cell["id"] != "given-imports"]
    path = tmp_path / "mine.ipynb"
    path.write_bytes(dump(handed_in))
    before = open_descriptors()
    made: FileAttempt = attempt_file(Course(sums), "sums", path, device="cpu", sandbox="none")
    try:
        assert made.student("q::a").extra == ["A"]
        assert any("put back" in note.text for note in made.notes)
        assert made.level.startswith("UNSANDBOXED")
    finally:
        made.close()
    assert open_descriptors() == before


def test_a_file_that_can_not_be_read_is_told(sums: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text("{")
    for missing in (path, tmp_path / "none.ipynb"):
        with pytest.raises(CourseError, match=missing.name):
            attempt_file(Course(sums), "sums", missing, device="cpu", sandbox="none")


def test_files_of_a_release_are_those_beside_the_notebook(tmp_path: Path) -> None:
    for name in ("a.ipynb", "words.txt", "data/x.csv", "checks/recorded.json", "data/checks/y.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    assert released_files(tmp_path) == {"data/x.csv": b"data/x.csv", "words.txt": b"words.txt"}
    assert released_files(tmp_path / "none") == {}


def test_a_result_made_without_the_jail_says_so() -> None:
    assert level_note("UNSANDBOXED (no seccomp)").kind == "sandbox"
    assert level_note("jail (seccomp)") is None
