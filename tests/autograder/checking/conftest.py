"""One tiny course, built once, and one warm process, for all tests of checking."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.course import Course, Limits
from autograder.sandbox.host import Host

from ..sums import write_course


@pytest.fixture(scope="session")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course, built: never to be changed."""
    from autograder.build import build

    root = write_course(tmp_path_factory.mktemp("sums") / "course")
    build(Course(root))
    return root


@pytest.fixture
def course(sums: Path, tmp_path: Path) -> Path:
    """A copy of the built course that a test may change."""
    shutil.copytree(sums, tmp_path / "course")
    return tmp_path / "course"


@pytest.fixture(scope="session")
def warm() -> Iterator[Host]:
    """A warm process with NumPy."""
    with Host(preload=("numpy",), limits=Limits(), self_test=False) as host:
        yield host
