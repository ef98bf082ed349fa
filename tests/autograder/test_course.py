"""The course: found from anywhere inside, its faults told, its seed made once."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traitlets.config import Config

from autograder.course import Course, CourseError, Limits, find_course, is_safe_name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course of two assignments."""
    (tmp_path / "course_config.py").write_text("c = get_config()\n")
    for name in ("beta", "alpha"):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / f"{name}.ipynb").write_text("{}")
    return tmp_path


def configure(root: Path, *lines: str) -> Course:
    (root / "course_config.py").write_text("\n".join(["c = get_config()", *lines]) + "\n")
    return Course(root)


def test_a_course_is_found_from_any_folder_within_it(root: Path) -> None:
    assert find_course(root / "source" / "alpha").root == root.resolve()


def test_outside_of_a_course_the_error_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=rf"No course_config\.py in {tmp_path.resolve()}.*--course"):
        find_course(tmp_path)


def test_assignments_are_those_in_source_unless_the_settings_order_them(root: Path) -> None:
    assert Course(root).assignments == ("alpha", "beta")
    assert configure(root, "c.CourseSettings.assignments = ['beta']").assignments == ("beta",)


def test_the_parts_of_an_assignment_lie_where_the_settings_put_them(root: Path) -> None:
    alpha = configure(root, "c.CourseDirectory.release_directory = 'out'").assignment("alpha")
    places = [alpha.source, alpha.release, alpha.solution, alpha.tests]
    assert [path.relative_to(root.resolve()).as_posix() for path in places] == [
        "source/alpha/alpha.ipynb", "out/alpha", "solutions/alpha.py", "tests/alpha"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["gamma", "", "../alpha", "alpha/../beta", "a\nb"])
def test_an_unknown_assignment_is_told_with_those_that_there_are(name: str, root: Path) -> None:
    with pytest.raises(CourseError, match=r"alpha, beta\)\. `course new"):
        Course(root).assignment(name)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("c.CourseSettings.cell_seconds = 'x'", "cell_seconds"),
        ("c.CourseSettings.device = 'tpu'", "device"),
        ("c.CourseSettings.sandbox = 'off'", "sandbox"),
        ("1 / 0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
    ],
)
def test_a_setting_that_is_wrong_is_told_with_its_file(line: str, told: str, root: Path) -> None:
    with pytest.raises(CourseError, match=rf"course_config\.py can't be (read|used): .*{told}"):
        configure(root, line)


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"There is no .*course_config\.py"):
        Course(tmp_path)


def test_limits_come_from_the_settings_and_overrides_win(root: Path) -> None:
    course = configure(root, "c.CourseSettings.case_seconds = 3", "c.CourseSettings.memory_mib = 7")
    assert course.limits == Limits(case_seconds=3.0, memory_mib=7)
    over = Course(root, Config({"CourseSettings": {"case_seconds": 1.5}}))
    assert over.limits == Limits(case_seconds=1.5, memory_mib=7)


def test_the_secret_seed_is_made_once_and_only_its_owner_may_read_it(root: Path) -> None:
    seed = Course(root).secret_seed
    assert Course(root).secret_seed == seed
    assert seed % 2  # never 0, the public one
    assert stat.S_IMODE((root / ".course" / "seed").stat().st_mode) == 0o600
    assert [path.name for path in (root / ".course").iterdir()] == ["seed"]


def test_runs_that_start_at_once_agree_on_one_seed(root: Path) -> None:
    together = threading.Barrier(8)
    seeds, faults = set(), []

    def start() -> None:
        course = Course(root)
        together.wait()
        try:
            seeds.add(course.secret_seed)
        except CourseError as error:
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(seeds), faults) == (1, [])


@pytest.mark.parametrize("content", [b"", b"seed", b"\xff"])
def test_a_damaged_seed_is_told_with_what_a_new_one_means(content: bytes, root: Path) -> None:
    (root / ".course").mkdir()
    (root / ".course" / "seed").write_bytes(content)
    with pytest.raises(CourseError, match=r"holds no number\. Delete it"):
        _ = Course(root).secret_seed


def test_students_are_the_folders_that_hold_the_assignment(root: Path) -> None:
    course = Course(root)
    assert list(course.students("alpha")) == []
    for place in ("zoe/alpha", "ann/alpha", "bob/beta"):
        (root / "submitted" / place).mkdir(parents=True)
    (root / "submitted" / "notes.txt").touch()
    assert [path.name for path in course.students("alpha")] == ["ann", "zoe"]


@pytest.mark.parametrize("name", ["ann", "a.b-c_d+e@f.org", "0", "x" * 100])
def test_names_of_people_are_safe(name: str) -> None:
    assert is_safe_name(name)


BAD = ["", ".", "..", "a..b", "/a", "a/b", "a\\b", "-x", ".x", "~x", "a b", "a\n", "a\0", "é", "x" * 101]


@pytest.mark.parametrize("name", BAD)
def test_names_that_lead_elsewhere_are_not(name: str) -> None:
    assert not is_safe_name(name)


@settings(deadline=None)
@given(st.text())
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    if is_safe_name(name):
        assert Path("/base", name).resolve().parent == Path("/base").resolve()
