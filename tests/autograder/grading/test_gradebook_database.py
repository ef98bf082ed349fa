"""The gradebook's database is written whole or not at all, and what is wrong with it is said with the next step."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from typing import Any

import pytest

from autograder.course import CourseError
from autograder.grading.gradebook import Gradebook

KILLED = """
import sys
from pathlib import Path
from autograder.course import Course
from autograder.grading.gradebook import Gradebook
from autograder.results import read

root = Path(sys.argv[1])
with Gradebook(Course(root)) as gradebook, gradebook.transaction():
    for path in sorted(root.glob("result-*.json")):
        gradebook.record(read(path), None)
    gradebook._session.flush()
    print("written, not committed", flush=True)
    sys.stdin.read()
"""


def students(tiny: Any) -> list[str]:
    with Gradebook(tiny.course) as gradebook:
        return [score.student for score in gradebook.scores("powers")]


def record(gradebook: Gradebook, *results: Any, notebook: Any) -> None:
    with gradebook.transaction():
        for each in results:
            gradebook.record(each, notebook)


def use(tiny: Any, result: Any) -> None:
    with Gradebook(tiny.course) as gradebook:
        gradebook.record(result, tiny.answered())
        gradebook.scores("powers")


def test_a_process_killed_in_a_transaction_leaves_nothing_and_a_rerun_all(tiny: Any, make: Any) -> None:
    from autograder.results import to_json

    found = [make.result(f"student-{i:02}") for i in range(1, 31)]
    for each in found:
        (tiny.root / f"result-{each.student}.json").write_text(to_json(each))
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tiny.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    with worker:
        assert worker.stdout.readline() == "written, not committed\n"
        os.kill(worker.pid, signal.SIGKILL)
        assert worker.wait(30) == -signal.SIGKILL

    assert students(tiny) == []
    with Gradebook(tiny.course) as gradebook:
        record(gradebook, *found, notebook=tiny.answered())
    assert students(tiny) == [each.student for each in found]


def test_an_error_undoes_the_whole_transaction_and_a_caught_one_only_its_own_record(tiny: Any, make: Any) -> None:
    bad = make.result("student-02", make.question("square", 3), assignment="roots")
    with Gradebook(tiny.course) as gradebook:
        with pytest.raises(CourseError, match="'roots'"):
            record(gradebook, make.result("student-01"), bad, notebook=tiny.answered())
        assert gradebook.scores("powers") == []

        with gradebook.transaction():
            gradebook.record(make.result("student-01"), tiny.answered())
            with pytest.raises(CourseError, match="'roots'"):
                record(gradebook, make.result("student-04"), bad, notebook=tiny.answered())
            gradebook.record(make.result("student-03"), tiny.answered())
            assert len(gradebook.scores("powers")) == 2
        assert [score.student for score in gradebook.scores("powers")] == ["student-01", "student-03"]


def test_a_locked_database_is_waited_for_and_then_named(tiny: Any, make: Any) -> None:
    other = sqlite3.connect(tiny.root / "gradebook.db", isolation_level=None)
    try:
        with Gradebook(tiny.course, wait_seconds=0.1) as gradebook:
            with gradebook._opened.engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 100  # milliseconds
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(
                CourseError, match=r"gradebook\.db can't be used: another program .* nothing was written"
            ):
                gradebook.record(make.result(), tiny.answered())
            other.execute("COMMIT")
            gradebook.record(make.result(), tiny.answered())
    finally:
        other.close()
    assert students(tiny) == ["student-01"]


@pytest.mark.parametrize("damage", ["no database", "cut off"])
def test_a_damaged_database_is_named_with_what_to_do(tiny: Any, make: Any, damage: str) -> None:
    path = tiny.root / "gradebook.db"
    if damage == "no database":
        path.write_bytes(b"These are not the pages you are looking for. " * 200)
    else:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CourseError, match=r"gradebook\.db can't be used: .*backup"):
        use(tiny, make.result())


def test_a_lost_gradebook_is_not_replaced_by_an_empty_one(tiny: Any, make: Any) -> None:
    graded = tiny.root / "autograded" / "student-01" / "powers"
    graded.mkdir(parents=True)
    (graded / "powers.ipynb").write_text("{}")
    path = tiny.root / "gradebook.db"
    path.unlink()
    with pytest.raises(CourseError, match=r"gradebook\.db is gone or empty, .* backup"), Gradebook(tiny.course):
        pass
    assert not path.exists()
    path.touch()
    with pytest.raises(CourseError, match=r"gone or empty"), Gradebook(tiny.course):
        pass


def test_scores_written_to_a_file_that_was_replaced_meanwhile_are_not_lost_in_silence(tiny: Any, make: Any) -> None:
    path = tiny.root / "gradebook.db"
    with Gradebook(tiny.course) as gradebook:
        gradebook.record(make.result(), tiny.answered())
        path.rename(tiny.root / "moved.db")
        with pytest.raises(CourseError, match="deleted or replaced"):
            gradebook.record(make.result("student-02"), tiny.answered())


def test_a_database_of_another_nbgrader_is_named_with_the_upgrade(tiny: Any) -> None:
    with sqlite3.connect(tiny.root / "gradebook.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'b6d005d67074'")
    connection.close()
    with pytest.raises(CourseError, match="nbgrader db upgrade"), Gradebook(tiny.course):
        pass


def test_a_database_of_something_else_is_left_alone(tiny: Any) -> None:
    path = tiny.root / "gradebook.db"
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(CourseError, match="holds other tables"), Gradebook(tiny.course):
        pass
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    connection.close()


def test_a_folder_that_cannot_hold_a_database_is_named(tiny: Any) -> None:
    tiny.configure(f"c.CourseDirectory.db_url = 'sqlite:///{tiny.root}/nowhere/gradebook.db'")
    with pytest.raises(CourseError, match=r"nowhere/gradebook\.db can't be used: it can't be opened"):
        Gradebook(tiny.course).__enter__()
    tiny.configure("c.CourseDirectory.db_url = 'gradebook.db'")
    with pytest.raises(CourseError, match="no database URL"):
        Gradebook(tiny.course).__enter__()


def test_two_runs_that_make_the_gradebook_at_once_both_get_it(tiny: Any) -> None:
    (tiny.root / "gradebook.db").unlink()
    script = (
        "import sys; from pathlib import Path; from autograder.course import Course; "
        "from autograder.grading.gradebook import Gradebook; from autograder.notebook import read\n"
        "import nbgrader.api; print('ready', flush=True); sys.stdin.readline(); root = Path(sys.argv[1])\n"
        "with Gradebook(Course(root)) as g: "
        "g.ensure_assignment('powers', read(root / 'source/powers/powers.ipynb', limit_mib=1))"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(tiny.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        with worker:
            assert worker.wait(60) == 0
    with tiny.nbgrader() as book:
        assert [(a.name, a.max_score) for a in book.assignments] == [("powers", 10.0)]


def test_importing_the_package_brings_in_no_database_and_no_nbgrader() -> None:
    script = (
        "import json, sys, autograder, autograder.grading.gradebook, autograder.grading.autograded\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    loaded = json.loads(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout)
    assert not {"nbgrader", "sqlalchemy", "alembic", "nbconvert", "nbformat"} & set(loaded)
