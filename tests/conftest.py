"""Options and fixtures of the kit's own tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.course import Course

# A release's checks are run by what is handed in, not by pytest's own walk through the tree.
collect_ignore_glob = ["autograder/samples/course/release/*", "autograder/attacks/course/release/*"]
_SAMPLES = Path(__file__).parent / "autograder" / "samples"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the samples' golden results anew")


@pytest.fixture(scope="session")
def sample_course() -> Callable[[Path], Course]:
    """`sample_course(folder)`: a fresh copy of the samples' tiny course there, nothing handed in yet."""

    def make(folder: Path) -> Course:
        shutil.copytree(_SAMPLES / "course", folder, ignore=shutil.ignore_patterns(".course", "__pycache__"))
        config = folder / "course_config.py"
        # The copy lies elsewhere; the settings that it shares with the whole course don't.
        config.write_text(config.read_text().replace("here.parents[3]", repr(str(_SAMPLES.parents[2]))))
        return Course(folder)

    return make
