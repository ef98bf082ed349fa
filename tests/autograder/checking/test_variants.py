"""Mistakes and alternatives: each takes exactly the place that it names, or says why it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autograder.checking.variants import Variant, VariantError, load
from autograder.course import CourseError

CELLS = [
    "import math\nimport numpy as np\nBASE = 2",
    "%matplotlib inline\ndef f(x): return 'magic'",
    "@np.vectorize\ndef f(x):\n    return x + BASE\n\nLAST = f(1)",
    "class Model:\n    def __call__(self, x):\n        return f(x)\n\n\ndef g(x):\n    return f(x) * 3  # thrice",
]
CODE = [cell for cell in CELLS if not cell.startswith("%")]


def made(variant: Variant, cells: list[str] = CODE) -> dict[str, Any]:
    """The names that the changed reference defines; cells and whole text give the same ones."""
    namespaces = []
    for changed in (variant.apply(cells), variant.apply(["\n\n".join(cells)])):
        namespace: dict[str, Any] = {}
        exec("\n\n".join(changed), namespace)
        namespaces.append(namespace)
    assert namespaces[0].keys() == namespaces[1].keys()
    return namespaces[1]


def edit(old: str, new: str) -> Variant:
    return Variant("mistake", "q", "m", "hint", old=old, new=new)


def define(definitions: str) -> Variant:
    return Variant("alternative", "q", "a", definitions=definitions)


def test_an_edit_changes_its_one_place() -> None:
    changed = edit("* 3", "* 4").apply(CELLS)
    assert changed == [*CELLS[:3], CELLS[3].replace("* 3", "* 4")]


@pytest.mark.parametrize(("old", "count"), [("* 5", 0), ("return", 4)])
def test_an_edit_that_fits_nowhere_or_twice_is_refused(old: str, count: int) -> None:
    with pytest.raises(VariantError, match=rf"mistake 'm' of q: .* stands {count} times .* once"):
        edit(old, "").apply(CELLS)


def test_definitions_take_the_place_of_those_of_their_names() -> None:
    ns = made(define("def f(x):\n    return x * 10\n\ndef g(x):\n    return -f(x)"))
    assert (ns["g"](2), ns["Model"]()(2), ns["LAST"]) == (-20, 20, 10)


def test_decorators_go_with_what_they_decorate() -> None:
    assert "vectorize" not in "".join(define("def f(x): return 0").apply(CODE))
    ns = made(define("def twice(h):\n    return lambda x: 2 * h(x)\n\n@twice\ndef g(x): return x"))
    assert ns["g"](3) == 6


def test_a_class_may_take_the_place_of_a_function() -> None:
    ns = made(define("class g:\n    def __new__(cls, x): return 7"))
    assert ns["g"](1) == 7


def test_imports_constants_and_helpers_stand_before_what_needs_them() -> None:
    ns = made(
        define(
            "from dataclasses import dataclass\nSCALE = np.float64(BASE)\n"
            "def helper(x=SCALE): return x\n@dataclass\nclass Saved:\n    x: float = helper()\n"
            "def g(x): return Saved().x * x"
        )
    )
    assert ns["g"](3) == 6


def test_of_a_name_that_is_defined_twice_the_last_counts() -> None:
    twice = ["def f(x): return 1", "def f(x): return 2", "y = f(0)"]
    assert made(define("def f(x): return 3"), twice)["y"] == 3


def test_cells_with_magics_are_left_as_they_are() -> None:
    assert define("def f(x): return 0").apply(CELLS)[1] == CELLS[1]


def test_other_cells_and_lines_are_left_as_they_are() -> None:
    changed = define("def f(x): return 0").apply(CODE)
    assert (changed[0], changed[2]) == (CODE[0], CODE[2])
    assert changed[1] == "def f(x): return 0\n\nLAST = f(1)"


@pytest.mark.parametrize(
    ("definitions", "told"),
    [("def h(x): return 0", "defines none of h"), ("", "defines none of"), ("def", "can't be read")],
)
def test_definitions_that_fit_nowhere_are_refused(definitions: str, told: str) -> None:
    with pytest.raises(VariantError, match=f"alternative 'a' of q.*{told}"):
        define(definitions).apply(CODE)


# Files

MISTAKES = '''
import numpy as np
from autograder import edited, mistake

edited("f", "one less", old="+ BASE", new="+ 1", hint="BASE is 2.", also=("g",))

@mistake("g", hint="Three times.")
def only_twice():
    """What a docstring says is no definition."""
    import math

    def g(x):
        """Doubles."""
        return f(x) * math.floor(2.5)
'''
ALTERNATIVES = """
from autograder import alternative

@alternative("g", also=["f"])
def by_addition():
    # a comment
    def g(x):
        return f(x) + f(x) + f(x)
"""


def test_files_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    (tmp_path / "alternatives").mkdir()
    (tmp_path / "alternatives" / "b.py").write_text(ALTERNATIVES)
    (tmp_path / "alternatives" / "a.py").write_text(ALTERNATIVES.replace("by_addition", "by_summing"))
    variants = load(tmp_path)
    assert [str(variant) for variant in variants.mistakes] == ["mistake 'one less' of f", "mistake 'only twice' of g"]
    assert [variant.name for variant in variants.alternatives] == ["by summing", "by addition"]
    assert [variant.questions for variant in variants.mistakes] == [("f", "g"), ("g",)]
    assert variants.alternatives[0].questions == ("g", "f")
    assert made(variants.mistakes[0])["LAST"] == 2
    assert made(variants.mistakes[1])["g"](1) == 6
    assert made(variants.alternatives[0])["g"](1) == 9


def test_a_folder_without_variants_has_none(tmp_path: Path) -> None:
    assert (load(tmp_path).mistakes, load(tmp_path).alternatives) == ((), ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def (", r"mistakes\.py: SyntaxError: .*line 1"),
        ("import nothing_like_this", r"mistakes\.py: ModuleNotFoundError"),
        (
            "from autograder import mistake\n@mistake('f', hint='h')\ndef empty():\n    'a docstring'",
            r"mistakes\.py: .*empty defines nothing",
        ),
        ("from autograder import edited\n" + "edited('f', 'm', old='a', new='b', hint='h')\n" * 2, "'m' of f .* twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told_with_its_name(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mistakes.py").write_text(text)
    with pytest.raises(VariantError, match=told):
        load(tmp_path)


def test_a_mistake_and_an_alternative_may_not_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "mistakes.py").write_text(MISTAKES.replace("only_twice", "by_addition"))
    (tmp_path / "alternatives.py").write_text(ALTERNATIVES)
    with pytest.raises(VariantError, match="alternative 'by addition' of g is there twice"):
        load(tmp_path)


def test_an_edited_file_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "alternatives.py").write_text(ALTERNATIVES)
    load(tmp_path)
    (tmp_path / "alternatives.py").write_text(ALTERNATIVES.replace("f(x) + f(x) + f(x)", "sum([f(x)] * 3)"))
    assert "sum(" in load(tmp_path).alternatives[0].definitions


def test_what_is_wrong_with_a_variant_is_the_instructors_to_mend() -> None:
    assert issubclass(VariantError, CourseError)
