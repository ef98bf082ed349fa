"""Cutting hidden checks out of a test file, without touching a line of the rest."""

from __future__ import annotations

import pytest

from autograder.building.checks import without_hidden
from autograder.course import CourseError

from .small import TESTS


def cut(source: str) -> str | None:
    return without_hidden(source, "test_a.py")


def test_a_hidden_check_goes_with_its_decorators_and_the_comment_above() -> None:
    public = cut(TESTS)
    assert public is not None
    start, end = TESTS.index("\n\n# A secret"), TESTS.index('\n\n@question("shift")')
    assert public == TESTS[:start] + TESTS[end:]


@pytest.mark.parametrize(
    "decorator", ["@hidden", "@hidden()", "@pytest.mark.hidden", "@autograder.hidden", "@mark(1)\n@secret\n@other"]
)
def test_hidden_is_known_by_all_its_names(decorator: str) -> None:
    source = f"from autograder import hidden as secret\n\n# kept\n\n{decorator}\ndef test_a():\n    pass\n\nx = 1\n"
    assert cut(source) == "from autograder import hidden as secret\n\n# kept\n\nx = 1\n"


def test_classes_and_methods_are_cut_too() -> None:
    source = (
        "@hidden\nclass TestAll:\n    def test_a(self): ...\n\n\n"
        "class TestSome:\n    def test_b(self):\n        pass\n\n"
        "    # secret\n    @hidden\n    def test_c(self):\n        pass\n"
    )
    assert cut(source) == "\n\nclass TestSome:\n    def test_b(self):\n        pass\n"


def test_a_file_that_is_hidden_as_a_whole_is_left_out() -> None:
    assert cut("pytestmark = [pytest.mark.hidden]\n\ndef test_a(): ...\n") is None


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=hidden)])\ndef test_a(x): ...\n",
        "mine = hidden\n\n@mine\ndef test_a(): ...\n",
        "if hidden:\n    def test_a(): ...\n",
    ],
)
def test_what_cannot_be_cut_is_refused(source: str) -> None:
    with pytest.raises(CourseError, match="`hidden` is used other than as a decorator"):
        cut(source)


def test_a_class_left_empty_and_broken_files_are_refused() -> None:
    with pytest.raises(CourseError, match="left empty without its hidden checks"):
        cut("class TestA:\n    @hidden\n    def test_a(self): ...\n")
    with pytest.raises(CourseError, match=r"test_a\.py can't be parsed"):
        cut("def")


def test_a_file_without_anything_hidden_stays_as_it_is() -> None:
    source = "# first\nx = '''\n@hidden\ndef a(): ...\n'''\n\n\ndef test_a(): ...  # end\n"
    assert cut(source) == source
