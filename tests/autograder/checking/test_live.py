"""`check("softmax")` in a notebook or a script: a number to programs, a panel to people."""

from __future__ import annotations

import copy
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autograder.checking.data import Data
from autograder.checking.live import Score, check, check_all
from autograder.course import Course, CourseError
from autograder.notebook import dump
from autograder.results import CaseResult, QuestionResult

from ..small import free, notebook
from ..sums import answered


def tags(words: list[str]) -> list[str]:
    return [word[:1].upper() for word in words]


def softmax(x: Any) -> Any:
    raise NotImplementedError


class Running:
    """The sum, not the mean: what the course's mistakes know."""

    def __init__(self) -> None:
        self.total = 0.0

    def add(self, x: Any) -> Any:
        self.total = self.total + x
        return self.total


@pytest.fixture
def release(sums: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A released assignment on a student's own machine, as the working directory."""
    shutil.copytree(sums / "release" / "sums", tmp_path / "sums")
    monkeypatch.chdir(tmp_path / "sums")
    return tmp_path / "sums"


def test_a_right_answer_earns_its_points_and_says_so(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score = check("tags")
    assert score == 1.0
    assert isinstance(score, float)
    assert repr(score) == "1.0"
    assert capsys.readouterr().out == "tags  1/1   the one public case passed; more run when it is graded\n"


def test_a_wrong_answer_gets_its_hint_from_the_recording(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score = check("running")
    assert score == 0
    assert score.result.mistake == "running: sum instead"
    assert "This is the sum; the mean divides it by how many there were." in capsys.readouterr().out
    assert "This is the sum" in score._repr_html_()
    assert "expected" in score._repr_html_()


def test_a_blank_is_told_as_a_blank(release: Path, sums: Path) -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def softmax(x):\n    raise NotImplementedError", "<cell 1>", "exec"), namespace)
    results = check_all(release / "checks", namespace)
    assert [case.summary for case in results[0].cases] == ["softmax still has its blank"] * 2
    assert results[1].cases[0].summary == "Running isn't defined: did you rename it?"


def test_in_a_release_public_cases_run_and_in_the_course_all(
    release: Path, sums: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(check("softmax").result.cases) == 2
    monkeypatch.chdir(sums / "source" / "sums")
    score = check("softmax")
    assert [case.hidden for case in score.result.cases] == [False, False, True]
    assert check("running").result.mistake == "running: sum instead"


def test_in_nbgraders_own_folder_the_courses_checks_count_with_the_secret_seed(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = course / "autograded" / "ann" / "sums"
    shutil.copytree(course / "release" / "sums", folder)
    shutil.rmtree(folder / "checks")
    (folder / "checks").mkdir()
    (folder / "checks" / "recorded.json").write_text("{}")  # what was handed in counts for nothing
    monkeypatch.chdir(folder)
    seeds: list[int] = []

    def drawn(seed: int, case: str, **settings: Any) -> Data:
        seeds.append(seed)
        return Data(seed, case, **settings)

    monkeypatch.setattr("autograder.checking.plugin.Data", drawn)
    assert check("tags") == 1.0
    assert seeds == [Course(course).secret_seed]


def test_a_question_that_is_not_there_suggests_the_nearest_name(release: Path) -> None:
    with pytest.raises(CourseError, match=r"There is no question 'sofmax'\. Did you mean 'softmax'\?"):
        check("sofmax")
    with pytest.raises(CourseError, match=r"There is no question 'attention'\.$"):
        check("attention")


def test_away_from_its_folder_a_check_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=rf"looked for {re.escape(str(tmp_path.resolve()))}.*folder in which it was"):
        check("softmax")


def test_damaged_checks_are_told(release: Path) -> None:
    (release / "checks" / "recorded.json").write_text("{")
    with pytest.raises(CourseError, match="recorded answers can't be read"):
        check("tags")


def test_an_edited_solution_counts_at_once(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(course / "source" / "sums")
    assert check("tags") == 1.0
    solution = course / "solutions" / "sums.py"
    solution.write_text(solution.read_text().replace("word[:1].upper()", "word[:1].lower()"))
    assert check("tags") == 0.0


def test_the_names_are_those_of_the_module_that_asks(release: Path) -> None:
    namespace = {"tags": lambda words: [], "check": check, "__name__": "elsewhere"}
    assert eval("check('tags')", namespace) == 0.0


def score(points: float, passed: int, of: int) -> Score:
    cases = tuple(CaseResult(str(at), "passed" if at < passed else "failed") for at in range(of))
    return Score(QuestionResult("q", points, cases), public=True)


@pytest.mark.parametrize(("points", "passed", "of"), [(1, 2, 3), (7, 2, 3), (0.1, 3, 3), (1e-7, 1, 3), (4, 0, 2)])
def test_as_text_a_score_is_exactly_its_number(points: float, passed: int, of: int) -> None:
    """nbgrader reads the points from there."""
    made = score(points, passed, of)
    assert float(repr(made)) == float(made) == made.result.score
    assert float(repr(made)) <= points


def test_a_score_is_copied_and_kept_as_a_number() -> None:
    made = score(3, 1, 2)
    for each in (copy.copy(made), pickle.loads(pickle.dumps(made)), made + 0):
        assert type(each) is float
        assert each == 1.5


def test_a_script_is_checked_as_well(release: Path) -> None:
    script = (
        "from autograder import check\nimport numpy as np\ndef tags(words): return 1 / 0\ncheck('tags')\nprint('on')"
    )
    (release / "mine.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "mine.py"], cwd=release, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "tags  0/1" in done.stdout
    assert "raises ZeroDivisionError: division by zero" in done.stdout
    assert done.stdout.endswith("on\n")


def test_in_a_kernel_a_panel_shows_and_errors_stand_at_the_students_own_line(release: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    made = answered(
        "check('running')", tags="def tags(words):\n    y = 1\n    return words / 0",
        running="class Running:\n    def add(self, x):\n        raise NotImplementedError",
    )  # fmt: skip
    made["cells"] += [free("check('none')", cell_id="none")]
    made["cells"] = [cell for cell in made["cells"] if cell["cell_type"] == "code"]
    nb = nbformat.reads(dump(notebook(*made["cells"])).decode(), as_version=4)
    client = NotebookClient(
        nb, timeout=120, allow_errors=True, kernel_name="python3", resources={"metadata": {"path": str(release)}}
    )
    client.execute()
    by_id = {cell["id"]: cell["outputs"] for cell in nb["cells"]}
    [softmax] = by_id["softmax"]
    assert softmax["data"]["text/plain"] == "4.0"
    assert "all 2 public cases passed" in softmax["data"]["text/html"]
    [failed] = by_id["tags"]
    assert failed["data"]["text/plain"] == "0.0"
    assert "raises TypeError" in failed["data"]["text/html"]
    assert "in tags: `return words / 0`" in failed["data"]["text/html"].replace("&#x27;", "'")
    [blank] = by_id["running"]
    assert "Running isn" not in blank["data"]["text/html"]
    assert "add still has its blank" in blank["data"]["text/html"]
    [error] = by_id["none"]
    assert error["ename"] == "CourseError"
