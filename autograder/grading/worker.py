"""What runs in a grading worker: a trusted fork of the zygote that has the frameworks but no secret yet.

It reads the checks and the recorded answers, then grades whatever it is told, one after
the other. Messages are length-prefixed JSON; the other end is our own engine.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import socket
import struct
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder import notebook as notebooks
from autograder.checking.attempt import released_files
from autograder.checking.record import read_recording, record, save
from autograder.checking.run import Runner, drive
from autograder.checking.suite import suite_of
from autograder.course import Course, CourseError
from autograder.grading.discover import Submission
from autograder.grading.grade import Graded, Grader, dumps
from autograder.sandbox.host import Host

_LENGTH = struct.Struct("<Q")
Entry = Callable[[socket.socket, bytes], None]


def _while_it_listens(entry: Entry) -> Entry:
    """An entry that ends quietly when the engine's process has been killed: nobody is there to be told."""

    @functools.wraps(entry)
    def run(channel: socket.socket, payload: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            entry(channel, payload)

    return run


@_while_it_listens
def record_answers(channel: socket.socket, payload: bytes) -> None:
    """Entry of a worker that records the secret answers of an assignment and ends."""
    task = json.loads(payload)
    course = Course(Path(task["root"]))
    _calm(task["device"])
    try:
        recording = drive(
            suite_of(course.assignment(task["assignment"])),
            lambda runner: record(runner, seed=course.secret_seed, device=task["device"], mistakes=False),
        )
        save(recording, Path(task["folder"]))
    except CourseError as error:
        send(channel, {"error": str(error)})
        return
    except OSError as error:  # a full disk, a folder that can't be written
        send(channel, {"error": f"The reference's answers can't be kept: {error}. Mend that and run this again."})
        return
    send(channel, {"done": True})


@_while_it_listens
def grade_submissions(channel: socket.socket, payload: bytes) -> None:
    """Entry of a worker that grades what comes over the channel until that closes."""
    task = json.loads(payload)
    course = Course(Path(task["root"]))
    assignment = course.assignment(task["assignment"])
    limits = course.limits
    _calm(task["device"])

    def work(runner: Runner) -> None:
        with Host.connect(Path(task["socket"]), limits) as host:
            grader = Grader(
                host,
                runner,
                notebooks.read(assignment.source, limit_mib=limits.notebook_mib),
                read_recording(Path(task["folder"]), device=task["device"]),
                released_files(assignment.release),
                limits.notebook_mib,
                Path(task["folder"]),
            )
            send(channel, {"ready": True})
            while (message := receive(channel)) is not None:
                try:
                    answer = dumps(_grade(grader, json.loads(message)))
                except Exception:  # noqa: BLE001 - a fault of ours costs this submission, not the batch
                    answer = json.dumps({"fault": traceback.format_exc()}).encode()
                send_bytes(channel, answer)

    try:
        drive(suite_of(assignment), work)
    except CourseError as error:
        send(channel, {"error": str(error)})


def _grade(grader: Grader, order: dict[str, Any]) -> Graded:
    if "notebook" in order:
        return grader.grade_notebook(order["student"], grader.runner.suite.name, order["notebook"])
    return grader.grade(_submission(order))


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """Send one JSON message."""
    send_bytes(channel, json.dumps(message).encode())


def send_bytes(channel: socket.socket, data: bytes) -> None:
    """Send one message that is JSON already."""
    channel.sendall(_LENGTH.pack(len(data)) + data)


def receive(channel: socket.socket) -> bytes | None:
    """The next message, None when the other end has closed."""
    head = _exactly(channel, _LENGTH.size)
    return None if head is None else _exactly(channel, _LENGTH.unpack(head)[0])


def _exactly(channel: socket.socket, count: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < count:
        part = channel.recv(min(count - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _submission(order: dict[str, Any]) -> Submission:
    path = order.pop("path")
    return Submission(**{**order, "folder": Path(order["folder"]), "path": None if path is None else Path(path)})


def _calm(device: str) -> None:
    """One thread for the check's own arithmetic: the cores belong to the submissions. TF32 is off while grading."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that a check traces a function again is nobody's news
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
        if device == "cuda":
            torch.backends.cuda.matmul.allow_tf32 = False
            torch.backends.cudnn.allow_tf32 = False
