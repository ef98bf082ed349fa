"""Inside the jail: answer frames, one after the other, over the namespace that the notebook's cells fill.

Requests are `["files", {name: array index}]`, `["cell", source]` and `["exchange", tree]`.
Nothing here is believed by the other side: a student's code can do all that this code can.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.sandbox._outputs import Recorder
from autograder.sandbox._shell import Shell, take_over_streams
from autograder.sandbox.objects import Objects, too_large
from autograder.sandbox.wire import FROM_STUDENT, MIB, TO_STUDENT, BadFrame, Bounds, receive, send
from autograder.values import Tree

Answer = tuple[Tree, list[np.ndarray]]


class Server:
    """Answers requests on one socket until that closes."""

    def __init__(self, channel: socket.socket, shell: Shell, recorder: Recorder) -> None:
        self._channel = channel
        self._shell = shell
        self._recorder = recorder
        self._objects = Objects(shell.namespace)
        # Taken now: a cell may well put something else in their place.
        self._receive, self._send, self._too_large = receive, send, too_large

    def serve(self) -> None:
        """Answer until the other side closes."""
        while True:
            try:
                frame = self._receive(self._channel, bounds=TO_STUDENT)
            except (EOFError, OSError):
                return
            answer, bounds = self._answer(frame.tree, frame.arrays)
            try:
                self._send(self._channel, *answer, frame.nonce, bounds=bounds)
            except BadFrame as error:
                # Nothing has been sent yet, so there is still one answer to give.
                self._send(self._channel, *self._too_large(error), frame.nonce)

    def _answer(self, request: Any, arrays: list[np.ndarray]) -> tuple[Answer, Bounds]:
        kind, payload = request
        if kind == "exchange":
            return self._objects.answer(payload, arrays), FROM_STUDENT
        if kind == "cell":
            return self._cell(payload), Bounds(body_bytes=64 * MIB)
        return self._files(payload, arrays), FROM_STUDENT

    def _cell(self, source: str) -> Answer:
        self._recorder.begin()
        error = self._shell.run(source)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # noqa: BLE001, S112 - a student's own stream
                continue
        return [None, None] if error is None else [error.summary, error.line], [self._recorder.finish()]

    def _files(self, names: dict[str, int], arrays: list[np.ndarray]) -> Answer:
        for name, index in names.items():
            os.makedirs(os.path.dirname(os.path.abspath(name)), exist_ok=True)
            with open(name, "wb") as file:
                file.write(arrays[index].tobytes())
        return None, []


def stand_in() -> None:
    """Put a tiny `autograder` in the package's place: `check` does nothing in here, pytest checks outside."""

    def check(*questions: Any, **options: Any) -> None:
        """Checks run outside; in here this does nothing."""

    module = types.ModuleType("autograder", "The part of the kit that notebooks import, as it is while grading.")
    module.check = check  # type: ignore[attr-defined]
    sys.modules["autograder"] = module


def reseed() -> None:
    """Give this fork random numbers of its own; every fork would draw the same ones otherwise.

    TensorFlow draws its seeds when it first needs them, and by then it runs in here; Keras
    takes them from `random`.
    """
    random.seed()
    np.random.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(int.from_bytes(os.urandom(7), "little"))


def environment(home: str, temporary: str) -> dict[str, str]:
    """All that a student's process finds in os.environ."""
    one = dict.fromkeys(
        ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
         "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1",
    )  # fmt: skip
    return {
        "HOME": home,
        "TMPDIR": temporary,
        "MPLCONFIGDIR": os.path.join(home, ".config", "matplotlib"),
        "MPLBACKEND": "agg",
        "PATH": "/usr/bin:/bin",
        "USER": "student",
        "LANG": "C.UTF-8",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        **one,
    }


def run(channel: socket.socket, shell: Shell, recorder: Recorder, ready: Callable[[], None]) -> None:
    """The student's process from the moment it is locked in; `ready` is called just before the first request."""
    stand_in()
    reseed()
    take_over_streams(recorder)
    server = Server(channel, shell, recorder)
    ready()
    server.serve()
