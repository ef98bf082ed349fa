"""One student's process as the trusted side sees it: requests with deadlines, and how it ended."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any, Self

import numpy as np

from autograder.course import Limits
from autograder.sandbox._explain import SandboxUnavailable, explain
from autograder.sandbox._outputs import plain, read_outputs
from autograder.sandbox.student import LimitHit, StudentFault
from autograder.sandbox.wire import FROM_STUDENT, MIB, BadFrame, Bounds, Frame, receive, send, unsolicited
from autograder.values import Tree

_READY_SECONDS = 60.0
_END_SECONDS = 10.0  # for an ended jail to be reaped
_LAST_WORD_SECONDS = 1.0  # from the channel's end to the report of what ended it


@dataclass(frozen=True)
class CellOutcome:
    """What one cell did. `outputs` are nbformat's, without terminal escapes; `seconds` wall time.

    `error` is one line ("NameError: name 'x' is not defined"), `error_line` counts from 1.
    """

    error: str | None
    error_line: int | None
    outputs: tuple[dict[str, Any], ...]
    seconds: float


@dataclass(frozen=True)
class Usage:
    """What all processes of a jail used: CPU time in seconds, memory of their own in MiB at its peak."""

    cpu_seconds: float
    peak_mib: float


class Jailed:
    """A student's process, a `student.Transport`.

    `dead` once it can answer no more; `ended` then says what ended it.
    """

    def __init__(
        self,
        channel: socket.socket,
        control: socket.socket,
        pidfd: int | None,
        limits: Limits,
        *,
        seconds: float | None = None,
    ) -> None:
        self._channel, self._control, self._pidfd = channel, control, pidfd
        self._limits = limits
        self._seconds_left = limits.submission_seconds if seconds is None else seconds
        self._usage: Usage | None = None
        self.dead = False
        self.ended: str | None = None

    @property
    def seconds_left(self) -> float:
        """Wall time that is left for requests."""
        return self._seconds_left

    def wait_until_ready(self) -> None:
        """Wait until the jail stands. Raises `SandboxUnavailable` with the step that failed."""
        message = json.loads(read_line(self._control, _READY_SECONDS) or b"{}")
        if not message.get("ready"):
            self.dead, self.ended = True, "was never started"
            raise SandboxUnavailable(explain(str(message.get("failed") or "it ended while it was being built")))

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write files into the work folder. Raises `ValueError` for a path that leads out of it."""
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
                raise ValueError(f"{name!r} is no path inside the work folder")
        arrays = [np.frombuffer(content, np.uint8) for content in files.values()]
        names = {name: index for index, name in enumerate(files)}
        self._request(["files", names], arrays, FROM_STUDENT, self._limits.cell_seconds)

    def run_cell(self, source: str) -> CellOutcome:
        """Run one cell. An exception in it is an outcome; raises `LimitHit` or `StudentFault` when the process ends."""
        kept = self._limits.output_kib << 10
        start = time.monotonic()
        frame = self._request(["cell", source], [], Bounds(body_bytes=64 * MIB), self._limits.cell_seconds)
        seconds = time.monotonic() - start
        try:
            match frame.tree, frame.arrays:
                case [str() | None as error, int() | None as line], [packed]:
                    outputs = read_outputs(packed, limit=kept)
                    return CellOutcome(None if error is None else plain(error), line, outputs, seconds)
            raise BadFrame("a cell's outcome that is none")
        except BadFrame as error:
            raise self._refused(error) from None

    def exchange(
        self, tree: Tree, arrays: list[np.ndarray], *, seconds: float | None = None
    ) -> tuple[Tree, list[np.ndarray]]:
        """One request of a check and its answer. Raises `LimitHit` or `StudentFault`.

        `seconds`: wall time for it, where the case has used up some of `case_seconds` already.
        """
        seconds = self._limits.case_seconds if seconds is None else min(seconds, self._limits.case_seconds)
        frame = self._request(["exchange", tree], arrays, FROM_STUDENT, seconds)
        return frame.tree, frame.arrays

    def close(self) -> Usage:
        """End every process of the jail and wait until they are gone."""
        self.dead = True
        self.ended = self.ended or "was closed"
        if self._usage is None:
            self._finish()
        self._channel.close()
        self._control.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None
        assert self._usage is not None
        return self._usage

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _request(self, tree: Tree, arrays: list[np.ndarray], bounds: Bounds, seconds: float) -> Frame:
        if self.dead:
            raise StudentFault(f"the notebook's process is gone: it {self.ended}")
        nonce = secrets.token_hex(16)
        start = time.monotonic()
        allowed = min(seconds, self._seconds_left)
        try:
            if unsolicited(self._channel) and self._channel.recv(1, socket.MSG_PEEK):
                raise BadFrame("bytes that nobody asked for")
            send(self._channel, tree, arrays, nonce, deadline=start + allowed)
            return receive(self._channel, nonce, bounds=bounds, deadline=start + allowed)
        except TimeoutError:
            if allowed < seconds:
                hit = LimitHit("submission time", f"ran longer than {self._limits.submission_seconds:g} s in all")
            else:
                hit = LimitHit("wall time", f"ran longer than {seconds:g} s")
            raise self._over(hit) from None
        except BadFrame as error:
            raise self._refused(error) from None
        except (EOFError, OSError):
            raise self._over(None) from None
        finally:
            self._seconds_left -= time.monotonic() - start

    def _refused(self, error: BadFrame) -> StudentFault:
        return self._over(StudentFault(f"sent an answer that is none: {error}"))

    def _over(self, why: StudentFault | None) -> StudentFault:
        """End the process; why it ended, by what its init reports when that isn't known yet."""
        self.dead = True
        ending = self._finish(patience=_LAST_WORD_SECONDS if why is None else 0.0)
        if why is None:
            why = _why(ending, self._limits)
        self.ended = str(why)
        return why

    def _finish(self, patience: float = 0.0) -> dict[str, Any]:
        """Let the init end the jail, read its report and wait until all is gone."""
        line = read_line(self._control, patience) if patience else b""
        if not line:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_WR)
            line = read_line(self._control, _END_SECONDS)
        ending: dict[str, Any] = {}
        with contextlib.suppress(ValueError, KeyError):
            ending = json.loads(line or b"{}").get("ended", {})
        if self._pidfd is not None and not _readable(self._pidfd, _END_SECONDS if line else 0.0):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            _readable(self._pidfd, _END_SECONDS)
        self._usage = Usage(ending.get("cpu_seconds", 0.0), ending.get("peak_mib", 0.0))
        return ending


def _why(ending: dict[str, Any], limits: Limits) -> StudentFault:
    """What the init's report says, in a student's words."""
    if ending.get("limit") == "memory":
        return LimitHit("memory", f"used more than {limits.memory_mib} MiB of memory")
    if ending.get("limit") == "cpu time":
        return LimitHit("cpu time", f"used more than {limits.cpu_seconds:g} s of CPU time")
    status = ending.get("status")
    if status is None:
        return StudentFault("closed its connection to the grader")
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return LimitHit("exit", f"ended its own process (exit code {code})")
    if -code == signal.SIGXCPU:
        return LimitHit("cpu time", f"used more than {limits.cpu_seconds:g} s of CPU time")
    name = (signal.strsignal(-code) or f"signal {-code}").lower()
    return LimitHit("crash", f"crashed ({name})")


def read_line(control: socket.socket, seconds: float) -> bytes:
    """One line, or what there is of it at the other end's close or after `seconds`."""
    line, deadline = b"", time.monotonic() + seconds
    while not line.endswith(b"\n"):
        if not _readable(control.fileno(), deadline - time.monotonic()):
            break
        try:
            byte = control.recv(1)  # what follows the line is for the next reader
        except OSError:
            break
        if not byte:
            break
        line += byte
    return line


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))
