"""The roles of cells, what they import, their ids, and what nbgrader would release of them."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import pytest

from autograder.notebook import Cell, cells, defines, imports, release_text, role, solution_lines, with_ids

from .small import free, marked, notebook, source_notebook


def test_each_cell_has_the_role_that_its_marks_give() -> None:
    nb = source_notebook()
    nb["cells"].append(free("mine = 1"))
    roles = [cell.role for cell in cells(nb)]
    assert roles == ["given", "given", "blank", "check", "blank", "check", "demo", "written", "free"]
    assert cells(nb)[3] == Cell(3, "check", "scale", "code", 'check("scale")', 2.0)
    assert cells(nb)[8] == Cell(8, "free", None, "code", "mine = 1", 0.0)


@pytest.mark.parametrize("schema", [None, 0, 1, 2])
def test_older_schemas_read_alike(schema: int | None) -> None:
    cell = marked("scale", "check", 'check("scale")', points=2)
    flags = cell["metadata"]["nbgrader"]
    del flags["schema_version"], flags["task"]
    if schema is not None:
        flags["schema_version"] = schema
    assert role(cell) == "check"


@pytest.mark.parametrize(
    "metadata",
    [None, [], {}, {"nbgrader": 3}, {"nbgrader": {"grade": True}}, {"nbgrader": {"grade": True, "grade_id": ""}},
     {"nbgrader": {"grade": "yes", "grade_id": "a"}}, {"nbgrader": {"locked": 1, "grade_id": ["a"]}}],
)  # fmt: skip
def test_marks_that_make_no_sense_leave_a_cell_free(metadata: Any) -> None:
    assert role({"cell_type": "code", "metadata": metadata, "source": ""}) == "free"


def test_imports_are_found_among_magics_and_broken_cells() -> None:
    nb = notebook(
        free("%matplotlib inline\nimport numpy as np, os.path\nfiles = !ls\nt = %timeit -o 1\nnp.ones?"),
        free("def f():\n    !pip install torch\n    from torch.nn import functional\n    from . import near\n"),
        free("import broken as\nimport nothing"),
        free("%%time\nimport pandas"),
        free("%%bash\nimport bash"),
        free("import markdown", cell_type="markdown"),
        free("+" * 200_000 + "1"),
        free("a = '\\d'\nimport scipy.linalg"),
        free("null = '\0'"),
    )
    demo = free("import sklearn")
    demo["metadata"]["tags"] = ["demo"]  # nbgrader's lock isn't needed for what follows
    demo["metadata"]["nbgrader"] = {"grade_id": "demo-1", "locked": True, "grade": False, "solution": False}
    nb["cells"].append(demo)
    assert imports(nb) == {"numpy", "os", "torch", "pandas", "scipy"}


def test_missing_ids_come_from_the_grade_id_or_the_text_and_sound_ones_stay() -> None:
    nb = source_notebook()
    nb["cells"] += [free("x"), free("x"), free("y", cell_id="kept"), free("y", cell_id="kept"), free("z", cell_id="ä")]
    del nb["cells"][0]["id"]
    before = copy.deepcopy(nb)
    named = [cell["id"] for cell in with_ids(nb)["cells"]]
    assert nb == before
    assert len(set(named)) == len(named)
    assert named[1:8] == [cell["id"] for cell in nb["cells"][1:8]]
    assert named[10] == "kept"
    nb["cells"][0]["source"] = "# Another title"
    assert with_ids(nb)["cells"][0]["id"] == named[0]
    assert with_ids(with_ids(nb)) == with_ids(nb)


def test_the_solution_is_cut_out_at_its_own_indent() -> None:
    assert release_text(source_notebook()["cells"][2]) == (
        "def scale(x, factor):\n"
        '    """x times factor, elementwise."""\n'
        "    # YOUR CODE HERE\n"
        "    raise NotImplementedError()"
    )
    assert release_text(source_notebook()["cells"][7]) == "YOUR ANSWER HERE"
    assert solution_lines(source_notebook()["cells"][2]) == (
        "product_of_both = x * factor",
        "return product_of_both",
    )


@pytest.mark.parametrize("text", ["### BEGIN SOLUTION\nx", "### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION"])
def test_solution_marks_that_do_not_pair_up_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="solution"):
        release_text(marked("blank-a", "blank", text))


@pytest.mark.parametrize("blank", ["\n", " ", "\t", "a", "a, ", "\n "], ids=repr)
def test_what_a_cell_imports_is_known_at_once_however_much_blank_there_is(blank: str) -> None:
    """It used to take the square of it: minutes for this."""
    nb = notebook(free("import numpy\n" + blank * 100_000 + "\n%matplotlib inline\nx = (", cell_id="a"))
    assert imports(nb) == frozenset()


def test_a_thousand_cells_of_one_text_are_named_with_a_few_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counted(data: bytes) -> Any:
        nonlocal made
        made += 1
        return hashlib.blake2b(data)

    monkeypatch.setattr("autograder.notebook._cells.hashlib.sha256", counted)
    named = with_ids(notebook(*[free("same") for _ in range(1000)]))
    assert len({cell["id"] for cell in named["cells"]}) == 1000
    assert made < 1100


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(x):", True),
        ("if 1:\n\tclass  f:", True),
        ("f = 1", True),
        ("x\nf=1", True),
        ("def fg(x): ...", False),
        ("# def f", False),
        ("  f = 1", False),
        ("\n" * 400_000 + "def g(): ...", False),
    ],
)
def test_what_a_cell_defines_is_found_in_time_even_among_half_a_million_empty_lines(source: str, found: bool) -> None:
    assert defines(source, "f") is found
