"""The tiny course of the checking tests, built once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.course import Course

from ..sums import write_course


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from autograder.build import build

    root = write_course(tmp_path_factory.mktemp("sums") / "course")
    build(Course(root))
    return root


@pytest.fixture
def course(built: Path, tmp_path: Path) -> Course:
    shutil.copytree(built, tmp_path / "course")
    return Course(tmp_path / "course")
