"""Repair: whatever a student did to the notebook, the assignment is there again and their answers are kept."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.nbgraderformat import MetadataValidator

from autograder.notebook import dump, grade_id, read, release_text, released, repair, role

from .small import free, marked, notebook, source_notebook

SOURCE = source_notebook()
ORDER = [cell["metadata"]["nbgrader"]["grade_id"] for cell in SOURCE["cells"]]


def release() -> Any:
    return {**copy.deepcopy(SOURCE), "cells": [released(copy.deepcopy(cell)) for cell in SOURCE["cells"]]}


def ids(nb: Any) -> list[str | None]:
    return [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in nb["cells"]]


def texts(notes: Any) -> list[str]:
    assert all(note.kind == "repair" for note in notes)
    return [note.text for note in notes]


def at(nb: Any, name: str) -> Any:
    return nb["cells"][ids(nb).index(name)]


def test_an_untouched_release_comes_back_as_it_is_without_a_note() -> None:
    repaired, notes = repair(release(), SOURCE)
    assert notes == ()
    assert dump(repaired) == dump(release())


def test_answers_and_own_cells_are_kept() -> None:
    nb = release()
    at(nb, "blank-scale")["source"] = "def scale(x, factor): return x * factor"
    at(nb, "written-why")["source"] = "I think so."
    at(nb, "written-why")["attachments"] = {"a.png": {"image/png": "AAAA"}}
    nb["cells"].insert(3, free("helper = 1"))
    repaired, notes = repair(nb, SOURCE)
    assert notes == ()
    assert ids(repaired) == [*ORDER[:3], None, *ORDER[3:]]
    assert at(repaired, "blank-scale")["source"] == "def scale(x, factor): return x * factor"
    assert at(repaired, "written-why")["source"] == "I think so."
    assert at(repaired, "written-why")["attachments"] == {"a.png": {"image/png": "AAAA"}}


def test_neither_notebook_is_changed_by_repairing() -> None:
    nb, source = release(), copy.deepcopy(SOURCE)
    del nb["cells"][3]
    nb["cells"].reverse()
    before = copy.deepcopy(nb)
    repair(nb, source)
    assert nb == before
    assert source == SOURCE


def test_a_deleted_check_is_put_back_in_its_place() -> None:
    nb = release()
    nb["cells"] = [cell for cell in nb["cells"] if cell["metadata"]["nbgrader"]["grade_id"] != "scale"]
    repaired, notes = repair(nb, SOURCE)
    assert ids(repaired) == ORDER
    assert at(repaired, "scale") == at(release(), "scale")
    assert texts(notes) == ["The check cell 'scale' was missing; it has been put back."]


def test_a_deleted_blank_is_put_back_empty_and_before_the_own_cell_that_answers_it() -> None:
    nb = release()
    place = ids(nb).index("blank-scale")
    nb["cells"][place] = free("def scale(x, factor): return x * factor")
    repaired, notes = repair(nb, SOURCE)
    assert ids(repaired) == [*ORDER[:3], None, *ORDER[3:]]
    assert at(repaired, "blank-scale")["source"] == release_text(SOURCE["cells"][2])
    assert texts(notes) == ["The blank 'blank-scale' was missing; it has been put back, empty."]


def test_no_solution_comes_back_with_a_missing_cell() -> None:
    repaired, _ = repair(notebook(), SOURCE)
    assert b"product_of_both" not in dump(repaired)
    assert b"commutes" not in dump(repaired)


def test_edited_locked_cells_get_the_assignments_text() -> None:
    nb = release()
    at(nb, "scale")["source"] = "print('PASSED')"
    at(nb, "given-imports")["source"] += "\nraise SystemExit"
    at(nb, "demo-plot")["source"] = ""
    at(nb, "text-title")["source"] = "# Mine"
    repaired, notes = repair(nb, SOURCE)
    assert dump(repaired) == dump(release())
    assert texts(notes) == [
        "The text cell 'text-title' had been edited; the assignment's text is back in its place.",
        "The given cell 'given-imports' had been edited; the assignment's text is back in its place.",
        "The check cell 'scale' had been edited; the assignment's text is back in its place.",
        "The demo cell 'demo-plot' had been edited; the assignment's text is back in its place.",
    ]


def test_other_line_endings_are_no_edit() -> None:
    nb = release()
    for cell in nb["cells"]:
        if role(cell) not in ("blank", "written"):
            cell["source"] = cell["source"].replace("\n", " \r\n") + "\n"
    repaired, notes = repair(nb, SOURCE)
    assert notes == ()
    assert dump(repaired) == dump(release())


def test_a_retyped_answer_keeps_its_text_and_gets_its_type_back() -> None:
    nb = release()
    cell = at(nb, "blank-scale")
    cell |= {"cell_type": "markdown", "source": "def scale(x, factor): return 7"}
    del cell["outputs"], cell["execution_count"]
    repaired, notes = repair(nb, SOURCE)
    assert at(repaired, "blank-scale")["cell_type"] == "code"
    assert at(repaired, "blank-scale")["source"] == "def scale(x, factor): return 7"
    assert texts(notes) == ["The blank 'blank-scale' had become a markdown cell; it is a code cell again."]


@pytest.mark.parametrize("answered_first", [True, False])
def test_of_two_copies_of_a_blank_the_answered_one_counts(answered_first: bool) -> None:
    nb = release()
    place = ids(nb).index("blank-scale")
    answer = copy.deepcopy(nb["cells"][place])
    answer["source"] = "def scale(x, factor): return 7"
    nb["cells"].insert(place if answered_first else place + 1, answer)
    repaired, notes = repair(nb, SOURCE)
    assert ids(repaired) == ORDER
    assert at(repaired, "blank-scale")["source"] == "def scale(x, factor): return 7"
    assert texts(notes) == ["There were 2 copies of the blank 'blank-scale'; the one that was filled in counts."]


def test_of_two_answers_to_one_blank_the_first_counts_and_the_student_is_told() -> None:
    nb = release()
    place = ids(nb).index("blank-scale")
    first, second = (copy.deepcopy(nb["cells"][place]) for _ in range(2))
    first["source"], second["source"] = "first = 1", "second = 2"
    nb["cells"][place : place + 1] = [first, second]
    repaired, notes = repair(nb, SOURCE)
    assert at(repaired, "blank-scale")["source"] == "first = 1"
    assert texts(notes) == ["There were 2 copies of the blank 'blank-scale'; the first counts."]


def test_moved_cells_go_back_and_own_cells_stay_behind_their_neighbour() -> None:
    nb = release()
    shift = nb["cells"].pop(ids(nb).index("blank-shift"))
    nb["cells"][1:1] = [shift, free("behind_shift = 1")]
    repaired, notes = repair(nb, SOURCE)
    assert [i for i in ids(repaired) if i] == ORDER
    behind = [cell["source"] for cell in repaired["cells"]].index("behind_shift = 1")
    assert ids(repaired)[behind - 1] == "blank-shift"
    assert texts(notes) == ["Cells had been moved; they stand in the assignment's order again: 'blank-shift'."]


def test_own_cells_before_all_others_stay_there() -> None:
    nb = release()
    nb["cells"].insert(0, free("first = 1"))
    repaired, notes = repair(nb, SOURCE)
    assert repaired["cells"][0]["source"] == "first = 1"
    assert notes == ()


def test_edited_points_and_checksums_have_no_effect() -> None:
    nb = release()
    at(nb, "scale")["metadata"]["nbgrader"] |= {"points": 10**400, "checksum": "0" * 32}
    at(nb, "shift")["metadata"]["nbgrader"]["points"] = 150
    at(nb, "blank-scale")["metadata"]["nbgrader"]["checksum"] = "f" * 32
    repaired, notes = repair(nb, SOURCE)
    assert dump(repaired) == dump(release())
    assert texts(notes)[1] == "The points of the check cell 'shift' had been changed to 150; they are 1.5."


def test_changed_marks_are_put_right() -> None:
    nb = release()
    at(nb, "scale")["metadata"]["nbgrader"] |= {"solution": True, "grade": False}
    at(nb, "demo-plot")["metadata"]["tags"] = []
    repaired, notes = repair(nb, SOURCE)
    assert dump(repaired) == dump(release())
    assert "The marks that make the check cell 'scale' what it is had been changed" in texts(notes)[0]


def test_cells_with_unknown_marks_become_the_students_own() -> None:
    nb = release()
    nb["cells"].append(marked("extra\x1b[31m", "check", "check('extra')", points=100))
    repaired, notes = repair(nb, SOURCE)
    assert ids(repaired) == [*ORDER, None]
    assert role(repaired["cells"][-1]) == "free"
    assert texts(notes) == ["The cell marked 'extra?[31m' isn't one of this assignment's; it counts as your own."]


def test_another_notebook_altogether_is_called_that() -> None:
    _, notes = repair(notebook(free("print(1)")), SOURCE)
    assert len(notes) == 1
    assert "None of the assignment's cells are in this notebook" in notes[0].text


def test_a_checks_outputs_are_dropped_and_a_plot_is_kept() -> None:
    nb = release()
    output = {"output_type": "stream", "name": "stdout", "text": "PASSED"}
    at(nb, "scale")["outputs"] = [output]
    at(nb, "demo-plot")["outputs"] = [output]
    repaired, _ = repair(nb, SOURCE)
    assert at(repaired, "scale")["outputs"] == []
    assert at(repaired, "demo-plot")["outputs"] == [output]


def test_forged_ids_leave_the_assignments_ids_alone() -> None:
    nb = release()
    nb["cells"].insert(0, free("x = 1", cell_id=SOURCE["cells"][3]["id"]))
    nb["cells"].insert(0, free("x = 1", cell_id="no id at all!"))
    repaired, _ = repair(nb, SOURCE)
    assert at(repaired, "scale")["id"] == SOURCE["cells"][3]["id"]
    assert len({cell["id"] for cell in repaired["cells"]}) == len(repaired["cells"])


def damage(nb: Any, steps: list[tuple[str, int, int]]) -> None:
    """Do to the notebook what people and editors do."""
    for what, where, other in steps:
        cells = nb["cells"]
        if not cells:
            return
        i = where % len(cells)
        if what == "delete":
            del cells[i]
        elif what == "copy":
            cells.insert(other % (len(cells) + 1), copy.deepcopy(cells[i]))
        elif what == "shuffle":
            random.Random(other).shuffle(cells)
        elif what == "retype":
            cells[i]["cell_type"] = ("code", "markdown", "raw")[other % 3]
        elif what == "edit":
            cells[i]["source"] = f"edited = {other}"
        elif what == "own":
            cells.insert(i, free(f"own = {other}"))
        elif what == "marks":
            cells[i]["metadata"] = (
                {}, {"nbgrader": None}, {"nbgrader": {"grade_id": 7}}, {"nbgrader": {"grade_id": "scale"}, "tags": 3},
                {"nbgrader": {"grade_id": "zzz", "grade": True, "points": "ten"}},
                {"nbgrader": {"grade_id": "written-why", "solution": True, "grade": 1, "points": None}},
            )[other % 6]  # fmt: skip


STEPS = st.tuples(
    st.sampled_from(["delete", "copy", "shuffle", "retype", "edit", "own", "marks"]),
    st.integers(0, 60),
    st.integers(0, 60),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=14))
def test_any_damage_is_repaired_to_every_cell_once_in_order(steps: list[tuple[str, int, int]]) -> None:
    nb = release()
    damage(nb, steps)
    nb = read(json.dumps(nb).encode(), limit_mib=1)
    repaired, notes = repair(nb, SOURCE)
    assert [name for name in ids(repaired) if name] == ORDER
    for name in ORDER:
        mine, theirs = at(repaired, name), at(release(), name)
        assert mine["metadata"] == theirs["metadata"]
        assert mine["cell_type"] == theirs["cell_type"]
        assert role(mine) in ("blank", "written") or mine["source"] == theirs["source"]
    found = nbformat.from_dict(copy.deepcopy(repaired))
    nbformat.validate(found)
    MetadataValidator().validate_nb(found)
    own = {cell["source"] for cell in nb["cells"] if role(cell) == "free" and cell["source"].startswith("own = ")}
    own = {text for text in own if not any(grade_id(cell) in ORDER and cell["source"] == text for cell in nb["cells"])}
    assert own <= {cell["source"] for cell in repaired["cells"]}, "a student's own cell got lost"
    assert all(note.text.endswith((".", "?")) and "\n" not in note.text for note in notes)
    again, silence = repair(repaired, SOURCE)
    assert dump(again) == dump(repaired)
    assert silence == ()
