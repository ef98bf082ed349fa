"""Nothing a submission does earns, breaks or sees anything: all attacks in one batch between honest submissions."""

from __future__ import annotations

import pytest

from autograder.build import stale
from autograder.course import Course

from .attack import HERE, attacks
from .batch import FINDINGS, Report, run

pytestmark = pytest.mark.xdist_group("attacks")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return run(tmp_path_factory.mktemp("attacks"), attacks())


@pytest.mark.parametrize("finding", FINDINGS)
def test_nothing_is_found(report: Report, finding: str) -> None:
    assert getattr(report, finding) == []


def test_every_attack_has_a_result_or_is_refused(report: Report) -> None:
    assert [str(outcome.attack) for outcome in report.outcomes] == [str(attack) for attack in attacks()]
    assert len(report.outcomes) >= 70


def test_the_walls_course_is_built_from_its_source() -> None:
    assert stale(Course(HERE / "course"), "wall") == []
