"""A few hundred damaged frames and notebooks at each run of the tests; `make fuzz` tries millions."""

from __future__ import annotations

import importlib.util
import json
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ..small import HOUSE
from . import __main__ as runner
from . import frames, notebooks

FRAMES, NOTEBOOKS = frames.corpus(), notebooks.corpus()
TAGS = ["f", "i", "b", "slice", "...", "t", "l", "s", "d", "u", "a", "h"]
leaves = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.sampled_from([*TAGS, "numpy", "scalar", "float64"])
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=3)).map(list)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=25,
)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(FRAMES), st.integers(0, 2**32))
def test_a_damaged_frame_is_read_or_refused_with_a_reason(frame: bytes, seed: int) -> None:
    assert frames.check(frames.mutate(frame, random.Random(seed)))


@settings(max_examples=400, deadline=None)
@given(trees)
def test_any_tree_is_a_value_or_no_plain_data(tree: Any) -> None:
    control = json.dumps({"nonce": "n", "tree": tree, "complex": {}}).encode()
    header = json.dumps({"0": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}).encode()
    body = struct.pack("<Q", len(header)) + header + bytes(16)
    assert frames.check(frames.HEADER.pack(b"AGF", 1, len(control), len(body)) + control + body)


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(NOTEBOOKS), st.integers(0, 2**32))
def test_a_damaged_notebook_is_repaired_or_refused_with_the_next_step(notebook: bytes, seed: int) -> None:
    assert notebooks.check(notebooks.mutate(notebook, random.Random(seed)))


def test_the_fuzzer_counts_what_it_tried_and_why_it_was_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.autograder.fuzz", "--engine", "random", "--seconds", "3", "--seed", "1"]
    done = subprocess.run([*command, "--to", str(tmp_path)], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "fuzz.json").read_text())
    assert told["frames"] > 0
    assert told["notebooks"] > 0
    assert (told["crashes"], told["hangs"]) == (0, 0)
    for target in ("frames", "notebooks"):
        assert told["read"][target] + sum(told["refusals"][target].values()) == told[target]


def test_the_fuzzer_finds_what_raises_what_kills_and_what_never_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "STALL_SECONDS", 0.5)
    told = runner.fuzz("planted", tmp_path, seconds=20, engine="random", seed=1, most=6)
    kept = {finding["message"].split(":")[-1].strip(): (tmp_path / finding["file"]) for finding in told.findings}
    found = {message: path.read_bytes() for message, path in kept.items()}
    assert found.pop("the process ended with -9") == b"kill"
    assert found.pop("no end after 0.5 s") == b"spin"
    assert set(found.values()) == {b"raise"}


def test_without_atheris_the_fuzzer_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["fuzz"])
    with pytest.raises(SystemExit, match=r"pip install -c constraints\.txt -e '\.\[fuzz\]'.*ENGINE=random"):
        runner.main()
