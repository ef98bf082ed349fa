"""Recorded answers: they come back as they were, byte for byte the same, and hold nothing hidden."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from autograder.checking.record import (
    ARRAYS_NAME,
    JSON_NAME,
    Head,
    Recording,
    dump,
    parse,
    read_head,
    read_recording,
    record,
)
from autograder.checking.record import save as keep
from autograder.checking.reference import Entry
from autograder.checking.run import Raised, Run, Runner, drive, live, replayed
from autograder.course import CourseError
from autograder.values import Handle


@pytest.fixture(scope="module")
def recordings(sums: Path) -> dict[str, Recording]:
    """All cases, and the public ones."""

    def work(runner: Runner) -> dict[str, Recording]:
        return {"all": record(runner, seed=5), "public": record(runner, seed=5, public=True)}

    return drive(sums / "tests" / "sums", work)


def test_every_case_of_the_reference_is_kept_and_each_mistakes_answers_where_it_fails(
    recordings: dict[str, Recording],
) -> None:
    kept = recordings["all"]
    assert list(kept.reference) == [
        "softmax::test_rows[float32]", "softmax::test_rows[float64]", "softmax::test_large", "running::test_mean",
        "tags::test_tags",
    ]  # fmt: skip
    assert {name: list(cases) for name, cases in kept.mistakes.items()} == {
        "softmax: over every axis": list(kept.reference)[:3],
        "softmax: no shift": ["softmax::test_large"],
        "running: sum instead": ["running::test_mean"],
        "tags: small letters": ["tags::test_tags"],
        "tags: first letter by index": ["tags::test_tags"],
    }
    assert kept.mistakes["tags: first letter by index"]["tags::test_tags"] == [Raised("IndexError")]
    assert kept.hints["tags: small letters"] == "Capitals are asked for."
    assert kept.points == {"softmax": 4.0, "running": 1.5, "tags": 1.0}


def test_a_public_recording_holds_nothing_hidden(recordings: dict[str, Recording], sums: Path) -> None:
    public = recordings["public"]
    assert "softmax::test_large" not in public.reference
    assert public.mistakes["softmax: no shift"] == {}
    checks = sums / "release" / "sums" / "checks"
    for path in checks.iterdir():
        assert b"test_large" not in path.read_bytes()
        assert b"7351" not in path.read_bytes()


def test_one_question_can_be_recorded_alone(sums: Path) -> None:
    alone = drive(sums / "tests" / "sums", lambda runner: record(runner, seed=5, only="tags"))
    assert list(alone.reference) == ["tags::test_tags"]
    assert list(alone.mistakes) == ["tags: small letters", "tags: first letter by index"]


def test_a_recording_comes_back_as_it_was_and_its_bytes_are_always_the_same(recordings: dict[str, Recording]) -> None:
    for kept in recordings.values():
        files = dump(kept)
        back = parse(files)
        assert dump(back) == files
        assert repr({case: list(log) for case, log in back.reference.items()}) == repr(dict(kept.reference))
        assert repr({n: dict(s) for n, s in back.mistakes.items()}) == repr(
            {n: dict(s) for n, s in kept.mistakes.items()}
        )
        assert (back.seed, back.device, back.points, back.hints) == (kept.seed, kept.device, kept.points, kept.hints)


def test_the_same_run_gives_the_same_bytes(recordings: dict[str, Recording], sums: Path) -> None:
    again = drive(sums / "tests" / "sums", lambda runner: record(runner, seed=5))
    assert dump(again) == dump(recordings["all"])


def test_replayed_answers_grade_as_the_live_reference_does(recordings: dict[str, Recording], sums: Path) -> None:
    back = parse(dump(recordings["all"]))

    def work(runner: Runner) -> list[str]:
        run = Run(runner.suite, 5, live(runner.suite.namespace()), replayed(back.reference))
        return [outcome.result.outcome for outcome in runner.run(run)]

    assert drive(sums / "tests" / "sums", work) == ["passed"] * 5


VALUES: list[Any] = [
    None, 3, 1.5, float("nan"), "ü", b"x", (1, [2.0, {"a": np.ones(2, "f")}]), np.array(["w"]), np.float32(1),
    Handle(1, "Tape"), {1, 2},
]  # fmt: skip


def test_entries_of_any_kind_come_back(recordings: dict[str, Recording]) -> None:
    import torch

    log = [Entry("call", "f", value, (0.5,), 2.0) for value in [*VALUES, torch.ones(2, dtype=torch.bfloat16)]]
    log.append(Entry("call", "g", None, (), 0.0, ("ValueError", "odd")))
    back = parse(dump(Recording(1, "cpu", {"q": 1.0}, {"q::case": log})))
    assert repr(back.reference["q::case"]) == repr(log)


def test_an_answer_is_put_together_when_it_is_asked_for() -> None:
    """A question of NumPy code needs no torch because another has tensors, nor the seconds to import it."""
    script = (
        "import sys; from autograder.checking.record import *; from autograder.checking.reference import Entry\n"
        "files = eval(sys.stdin.read()); back = parse(files)\n"
        "assert back.reference['a::case'][0].value == 1\n"
        "assert list(back.reference) == ['a::case', 'b::case'] and 'torch' not in sys.modules\n"
        "back.reference['b::case']; assert 'torch' in sys.modules"
    )
    import torch

    logs = {"a::case": [Entry("call", "", 1, (), 0.0)], "b::case": [Entry("call", "", torch.ones(2), (0.0,), 0.0)]}
    files = dump(Recording(1, "cpu", {}, logs))
    subprocess.run([sys.executable, "-c", script], input=repr(files), text=True, check=True, timeout=120)


def test_a_reference_that_fails_its_own_check_is_not_recorded(course: Path) -> None:
    solution = course / "solutions" / "sums.py"
    solution.write_text(solution.read_text().replace("word[:1].upper()", "word[0].upper()"))
    with pytest.raises(CourseError, match=r"The reference fails tags::test_tags: .*IndexError"):
        drive(course / "tests" / "sums", lambda runner: record(runner, seed=5))


def damaged(**changes: Any) -> dict[str, bytes]:
    log = [Entry("call", "f", np.ones(2), (0.0,), 1.0)]
    files = dump(Recording(1, "cpu", {"q": 1.0}, {"q::case": log}, {"q: m": {"q::case": [np.ones(2)]}}))
    head = json.loads(files[JSON_NAME]) | {
        key: value for key, value in changes.items() if key not in ("json", "arrays")
    }
    files[JSON_NAME] = changes.get("json", json.dumps(head).encode())
    files[ARRAYS_NAME] = changes.get("arrays", files[ARRAYS_NAME])
    return files


@pytest.mark.parametrize(
    "changes",
    [
        {"json": b""}, {"json": b"[]"}, {"json": b"\xff"}, {"json": b"{}"}, {"json": b"[" * 100_000}, {"schema": 1},
        {"points": []}, {"points": {"q": "x"}}, {"seed": None}, {"mistakes": []}, {"mistakes": None}, {"hints": 5},
        {"reference": None}, {"reference": {"q::case": None}}, {"reference": {"q::case": [0, 1]}},
        {"reference": {"q::case": [0, 1, ["l", [1]]]}}, {"reference": {"q::case": [5, 1, ["a", 0, "numpy"]]}},
        {"rounding": {}}, {"rounding": {"q::case": []}}, {"mistakes": {"q: m": None}},
        {"mistakes": {"q: m": {"q::case": [0, 0, ["x"]]}}}, {"arrays": b""}, {"arrays": b"\xff" * 99},
        {"arrays": save({})},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_recordings_are_told_as_such(changes: dict[str, Any]) -> None:
    def read() -> None:
        back = parse(damaged(**changes))
        _ = [*back.reference.values()], [dict(streams) for streams in back.mistakes.values()]

    with pytest.raises(CourseError, match=r"recorded answers .*[Rr]ebuild the release"):
        read()
    parse(damaged())


def test_missing_files_are_told(tmp_path: Path) -> None:
    for read in (read_recording, read_head):
        with pytest.raises(CourseError, match=r"can't be read .*recorded\.json.*Rebuild the release, or download"):
            read(tmp_path)
    for name, content in damaged().items():
        (tmp_path / name).write_bytes(content)
    assert read_recording(tmp_path).seed == 1
    assert read_head(tmp_path) == Head({"q": 1.0}, None)


def test_what_a_killed_writer_left_half_is_written_over_and_what_is_whole_stays(
    recordings: dict[str, Recording], tmp_path: Path
) -> None:
    """Under a name of its process it lay there for good, as large as the recording."""
    writer = multiprocessing.get_context("spawn").Process(target=killed_half_way, args=(tmp_path,))
    writer.start()
    writer.join()
    assert writer.exitcode == -signal.SIGKILL
    assert sorted(os.listdir(tmp_path)) != []
    keep(recordings["all"], tmp_path)
    assert sorted(os.listdir(tmp_path)) == [JSON_NAME, ARRAYS_NAME]
    written = (tmp_path / JSON_NAME).stat()
    keep(recordings["all"], tmp_path)
    assert (tmp_path / JSON_NAME).stat() == written
    assert read_recording(tmp_path).reference.keys() == recordings["all"].reference.keys()


def killed_half_way(folder: Path) -> None:
    """Killed when the numbers are written and not yet in their place."""
    Path.replace = lambda path, target: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
    keep(Recording(5, "cpu", {}, {}), folder)
