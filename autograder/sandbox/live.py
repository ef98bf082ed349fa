"""A transport to the namespace of this very process: no wall, but answers within the bounds of one."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from autograder.sandbox.objects import Objects, too_large
from autograder.sandbox.student import LimitHit
from autograder.sandbox.wire import BadFrame, pack, unpack
from autograder.values import Tree


class _Overtime(BaseException):
    """The time for an answer is over."""


class LiveTransport:
    """The namespace of this process: a live kernel, a reference, a mistake.

    `seconds` bounds the wall time of an answer, where this is the main thread of its process.
    """

    def __init__(self, namespace: dict[str, Any], *, device: str = "cpu", seconds: float | None = None) -> None:
        # Someone who interrupts a kernel wants the check to stop, not its case to fail.
        self._objects = Objects(namespace, device=device, passing=(KeyboardInterrupt, _Overtime))
        self._seconds = seconds

    def exchange(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        try:
            with _alarm(self._seconds):
                answer = self._objects.answer(tree, arrays)
        except _Overtime:
            raise LimitHit("wall time", f"takes longer than {self._seconds:g} s") from None
        # What a jail couldn't send counts here no more than there, or a course could seem sound and not be.
        try:
            frame = unpack(pack(*answer, ""))
        except BadFrame as error:
            frame = unpack(pack(*too_large(error), ""))
        return frame.tree, frame.arrays


@contextlib.contextmanager
def _alarm(seconds: float | None) -> Iterator[None]:
    """Raise `_Overtime` in the block after `seconds`, and again each second for whoever swallows it."""
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: object) -> NoReturn:
        raise _Overtime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
