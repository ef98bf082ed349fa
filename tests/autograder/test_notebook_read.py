"""Reading what a stranger handed in: either a notebook in a known shape, or one line that says what is wrong."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.notebook import Unreadable, dump, read

from .small import free, notebook, source_notebook

GOOD = dump(source_notebook())


def reading(data: bytes | Path) -> Any:
    return read(data, limit_mib=1)


def with_text(old: bytes, new: bytes) -> bytes:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    ("data", "what", "step"),
    [
        (b"", "is empty", "Save the notebook in Jupyter"),
        (b" \n\t ", "is empty", "Save the notebook in Jupyter"),
        (b"\xef\xbb\xbf", "is empty", "Save the notebook in Jupyter"),
        (b"PK\x03\x04rest", "is a zip archive", "Unpack it"),
        (b"%PDF-1.7", "is a PDF", "not a print"),
        (b"\x1f\x8b\x08", "gzip", "Unpack it"),
        (b"\x89PNG\r\n", "picture", "not a screenshot"),
        (b"\n <!DOCTYPE html><html>", "is a web page", "Download the notebook itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", "git lfs pull"),
        ('{"cells": []}'.encode("utf-16"), "UTF-16", "UTF-8"),
        (b"{\n<<<<<<< HEAD\n", "merge conflict", "Solve it"),
        (b'{"cells": ["\xff"]}', "isn't text in UTF-8 (byte 12)", "save it"),
        (b"import numpy as np\n", "is no notebook: it isn't JSON", "Open it in Jupyter"),
        (GOOD[:700], "is cut off at its end", "Open it in Jupyter"),
        (GOOD.replace(b"null", b"nil", 1), "is broken JSON (line ", "Open it in Jupyter"),
        (b"[1, 2]", "is JSON but no notebook", ".ipynb"),
        (b'{"a": 1}', "is JSON but no notebook", ".ipynb"),
        (b'{"nbformat": 3, "worksheets": []}', "old format (3)", "save it"),
        (b'{"nbformat": "\\u001b[2J\\u0000", "worksheets": []}', "old format (?[2J?)", "save it"),
        (b'{"nbformat": 5, "cells": []}', "notebook format '5'; 4 is expected", "save it"),
        (b'{"nbformat": "4", "cells": []}', "4 is expected", "save it"),
        (b'{"nbformat": 4, "cells": {}}', "no list of cells", "save it"),
        (b'{"nbformat": 4, "cells": [7]}', "no list of cells", "save it"),
        (b'{"nbformat": 4, "nbformat": 4, "cells": []}', "the key 'nbformat' twice", "save it"),
        (with_text(b'"points": 2', b'"points": 2, "points": 200'), "the key 'points' twice", "save it"),
        (b'{"nbformat": 4, "cells": [], "metadata": {"x": %s}}' % (b"9" * 5000), "can't be parsed", "save it"),
        (b'{"nbformat": 4, "cells": ' + b"[" * 100_000, "nested deeper than 64 levels", "Clear its outputs"),
        (b'{"nbformat": 4, "cells": [' + b'{"a":' * 100_000, "nested deeper than 64 levels", "Clear its outputs"),
        (b"x" * (2**20 + 1), "has 1.0 MiB, more than the 1 MiB", "Clear its outputs"),
        (json.dumps(notebook(*[free("")] * 1001)).encode(), "has 1,001 cells", "Delete"),
        (json.dumps(notebook({**free(""), "outputs": [{}] * 10_001})).encode(), "more than 10,000 outputs", "Clear"),
    ],
)
def test_what_is_no_notebook_is_named_with_the_next_step(data: bytes, what: str, step: str) -> None:
    with pytest.raises(Unreadable) as raised:
        reading(data)
    message = str(raised.value)
    assert what in message
    assert step in message
    assert message.startswith("The notebook ")
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 250


def test_a_sound_notebook_is_read_and_written_byte_for_byte_as_nbformat_does() -> None:
    assert dump(reading(GOOD)) == GOOD
    node = nbformat.reads(GOOD.decode(), as_version=4)
    assert nbformat.writes(node).rstrip("\n").encode() + b"\n" == GOOD


def test_outputs_and_attachments_are_written_as_nbformat_does() -> None:
    code = {**free("1\n2", cell_id="a"), "execution_count": 3}
    code["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two"]},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<b>\n</b>", "image/png": "QUJD\nRA=="}},
        {"output_type": "execute_result", "execution_count": 3, "metadata": {},
         "data": {"application/json": {"a": ["b", "c"]}, "image/svg+xml": "<svg>\n</svg>", "text/plain": ["é"]}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a\nb"]},
    ]  # fmt: skip
    text = {**free("![](a.png)", cell_type="markdown", cell_id="b")}
    text["attachments"] = {"a.png": {"image/png": "QUJD", "text/plain": ["x\n", "y"]}}
    raw = json.dumps(notebook(code, text)).encode()
    node = nbformat.reads(raw.decode(), as_version=4)
    assert dump(reading(raw)) == nbformat.writes(node).rstrip("\n").encode() + b"\n"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert reading(b"\xef\xbb\xbf" + GOOD) == reading(GOOD)


def test_brackets_and_quotes_within_texts_are_no_nesting() -> None:
    deep = notebook(free('s = "' + "[" * 500 + '\\"' + "{" * 500 + '"', cell_id="a"))
    assert reading(dump(deep)) == deep


def test_half_a_character_is_replaced_and_whole_ones_stay() -> None:
    raw = json.dumps(notebook(free("a = '😀'"))).encode().replace(b"a = ", b"\\ud800 = ")
    assert b"\\ud83d\\ude00" in raw
    assert reading(raw)["cells"][0]["source"] == "? = '😀'"


def test_numbers_that_json_lacks_are_read_as_null() -> None:
    raw = b'{"nbformat": 4, "cells": [], "metadata": {"a": NaN, "b": [-Infinity, 1e999, 1.5]}}'
    assert reading(raw)["metadata"] == {"a": None, "b": [None, None, 1.5]}


def test_parts_of_the_wrong_type_are_put_in_shape() -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "source": ["a\n", "b"], "metadata": [], "outputs": "x", "execution_count": -1},
        {"cell_type": "heading", "source": 7, "metadata": {"trusted": True}},
        {"cell_type": "markdown", "source": ["a", 1], "attachments": {"a": 3}, "outputs": [1]},
        {"cell_type": "code", "outputs": [3, {"output_type": "pwn"}, {"output_type": "stream", "text": {"a": 1}}]},
        {},
    ]
    raw = json.dumps({"nbformat": 4, "nbformat_minor": "x", "metadata": 3, "cells": cells}).encode()
    stream = {"output_type": "stream", "name": "stdout", "text": ""}
    assert reading(raw) == {
        "cells": [
            {"cell_type": "code", "source": "a\nb", "metadata": {}, "outputs": [], "execution_count": None},
            {"cell_type": "raw", "source": "", "metadata": {}},
            {"cell_type": "markdown", "source": "", "metadata": {}, "attachments": {}},
            {"cell_type": "code", "source": "", "metadata": {}, "outputs": [stream], "execution_count": None},
            {"cell_type": "raw", "source": "", "metadata": {}},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def test_a_file_is_named_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "hw\x1b[31m.ipynb"
    path.write_bytes(b"")
    with pytest.raises(Unreadable, match=r"^hw\?\[31m\.ipynb is empty"):
        reading(path)


def test_missing_files_folders_and_pipes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="isn't there"):
        reading(tmp_path / "a.ipynb")
    (tmp_path / "b.ipynb").mkdir()
    with pytest.raises(Unreadable, match=r"is a folder|no regular file"):
        reading(tmp_path / "b.ipynb")
    os.mkfifo(tmp_path / "c.ipynb")
    with pytest.raises(Unreadable, match="no regular file"):
        reading(tmp_path / "c.ipynb")


def test_links_may_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    mine, other = tmp_path / "alice" / "small", tmp_path / "bob" / "small"
    for folder in (mine, other):
        folder.mkdir(parents=True)
        (folder / "real.ipynb").write_bytes(GOOD)
    (mine / "small.ipynb").symlink_to(other / "real.ipynb")
    (mine / "inner.ipynb").symlink_to("real.ipynb")
    (mine / "circle.ipynb").symlink_to("circle.ipynb")
    with pytest.raises(Unreadable, match="leads out of its folder"):
        reading(mine / "small.ipynb")
    with pytest.raises(Unreadable, match="can't be opened"):
        reading(mine / "circle.ipynb")
    assert reading(mine / "inner.ipynb") == reading(GOOD)
    (tmp_path / "carol").mkdir()
    (tmp_path / "carol" / "small").symlink_to(other, target_is_directory=True)
    with pytest.raises(Unreadable, match="leads out of its folder"):
        read(tmp_path / "carol" / "small" / "real.ipynb", limit_mib=1, inside=tmp_path / "carol")


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    with path.open("wb") as file:
        file.truncate(200 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=r"has 200\.0 MiB, more than the 1 MiB"):
            reading(path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_many_tiny_values_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(Unreadable, match="2,000,000 values"):
        read(b'{"nbformat": 4, "cells": [' + b"{}," * 2_000_001, limit_mib=20)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.binary(max_size=8)), max_size=4)
    | st.binary(max_size=200)
)
def test_damaged_bytes_give_a_notebook_or_one_clear_line(damage: Any) -> None:
    data = damage if isinstance(damage, bytes) else GOOD
    for at, length, new in damage if isinstance(damage, list) else ():
        data = data[:at] + new + data[at + length :]
    said = found = None
    try:
        found = reading(data)
    except Unreadable as error:
        said = str(error)
    if found is None:
        assert said is not None
        assert said.isprintable()
    else:
        assert reading(dump(found)) == found
