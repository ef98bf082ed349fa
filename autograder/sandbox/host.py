"""The trusted side: start the warm process, fork jails from it, and talk to a student's process within limits.

with Host(preload=("numpy", "torch"), limits=course.limits) as host, host.spawn() as student:
    outcome = student.run_cell("def f(x): return 2 * x")
    answer = StudentSession(student)...
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from autograder.course import Limits
from autograder.sandbox._escapes import probe, require_that_it_holds
from autograder.sandbox._explain import SandboxUnavailable, explain
from autograder.sandbox._jailed import CellOutcome, Jailed, Usage, read_line

__all__ = ["CellOutcome", "Host", "Jailed", "SandboxUnavailable", "Usage", "Worker", "probe"]

UNSANDBOXED = "UNSANDBOXED"
_START_SECONDS = 300.0  # frameworks on a cold disk
_ANSWER_SECONDS = 60.0
_LENGTH = struct.Struct("<Q")
# One thread per process: submissions run side by side, and answers don't depend on the number of cores.
_ONE_THREAD = dict.fromkeys(
    ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS",
     "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"], "1",
)  # fmt: skip


class Worker:
    """A trusted fork of the warm process, running a function that its client named."""

    def __init__(self, channel: socket.socket, exit_pipe: int, pid: int, host: Host) -> None:
        self.socket = channel
        self.pid = pid
        self._exit = os.fdopen(exit_pipe, "rb", buffering=0)
        self._host = host

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, negative for a signal. Raises `TimeoutError` after `timeout` seconds."""
        poll = select.poll()
        poll.register(self._exit, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise TimeoutError(f"the worker {self.pid} still runs")
        text = self._exit.read(16)
        return int(text) if text else -signal.SIGKILL  # no word: the warm process is gone, and its workers with it

    def kill(self) -> None:
        """End it now."""
        with contextlib.suppress(SandboxUnavailable):
            self._host._ask({"ask": "kill", "pid": self.pid})

    def close(self) -> None:
        """Let go of its socket; a worker takes that as the end of its work."""
        self.socket.close()
        self._exit.close()


class Host:
    """The warm process of this machine, or a connection to the one that another process started.

    Attributes: `level`, "jail" or "UNSANDBOXED"; `layers`, what holds; `missing`, what of
    `preload` couldn't be imported, each with the reason; `socket_path`, for `Host.connect`.
    Raises `SandboxUnavailable` when the jail can't be built here, or doesn't hold.
    """

    def __init__(
        self,
        *,
        preload: Sequence[str],
        limits: Limits,
        sandbox: Literal["jail", "none"] = "jail",
        self_test: bool = True,
    ) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise SandboxUnavailable(explain("namespaces exist on Linux only"))
        self.limits = limits
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._workspace: Path | None = Path(tempfile.mkdtemp(prefix="course-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: socket.socket | None = None
        self.missing: tuple[str, ...] = ()
        self.socket_path = self._workspace / "socket"
        try:
            self._start(preload, jailed=sandbox == "jail")
            self._connect()
            if sandbox == "jail" and self_test:
                require_that_it_holds(self)
        except BaseException:
            self.close()
            raise

    @classmethod
    def connect(cls, socket_path: Path, limits: Limits) -> Host:
        """Use the warm process behind `socket_path`; what it starts for this connection ends with it."""
        host = cls.__new__(cls)
        host.limits, host.socket_path, host.missing = limits, socket_path, ()
        host._lock = threading.Lock()
        host._workspace = host._process = host._lifeline = host._connection = None
        host._connect()
        return host

    @property
    def description(self) -> str:
        """The level and what holds, in one line."""
        return f"{self.level} ({', '.join(self.layers)})" if self.layers else self.level

    def spawn(self, files: Mapping[str, bytes] | None = None, *, seconds: float | None = None) -> Jailed:
        """A fresh student's process, with `files` (relative path: content) in its work folder.

        `seconds`: wall time that all its requests together may take, the course's `submission_seconds`
        if not given. Raises `SandboxUnavailable` with the step that failed.
        """
        _, descriptors = self._ask({"ask": "spawn", "limits": asdict(self.limits)})
        channel, control = (socket.socket(fileno=descriptor) for descriptor in descriptors[:2])
        pidfd = descriptors[2] if len(descriptors) > 2 else None
        jailed = Jailed(channel, control, pidfd, self.limits, seconds=seconds)
        try:
            jailed.wait_until_ready()
            if files:
                jailed.put(files)
        except BaseException:
            jailed.close()
            raise
        return jailed

    def fork_worker(self, entry: str, payload: bytes) -> Worker:
        """Fork a trusted process that runs `entry` ("module:function") as `function(socket, payload)`.

        It imports and works where this process does, writes its errors where this process does,
        and has what was preloaded for free. Its exit code is the int that the function returns, or 0.
        """
        answer, descriptors = self._ask({"ask": "worker", "entry": entry}, pass_on=(2,))
        worker = Worker(socket.socket(fileno=descriptors[0]), descriptors[1], int(answer["pid"]), self)
        start = json.dumps({"path": sys.path, "folder": os.getcwd(), "environment": dict(os.environ) | _ONE_THREAD})
        with contextlib.suppress(BrokenPipeError):  # one that ended at once tells so by its exit code
            for part in (start.encode(), payload):
                worker.socket.sendall(_LENGTH.pack(len(part)) + part)
        return worker

    def close(self) -> None:
        """End the warm process and all that it started. A connected host only ends what it started itself."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._lifeline is not None:
            self._lifeline.close()
        if self._process is not None:
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._workspace is not None:
            shutil.rmtree(self._workspace, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, preload: Sequence[str], *, jailed: bool) -> None:
        assert self._workspace is not None
        self._lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        # Nothing of this process's environment goes along: a fork's /proc/self/environ would show it.
        inherited = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "HOME") if name in os.environ}
        environment = {**inherited, **_ONE_THREAD, "LANG": "C.UTF-8", "TF_CPP_MIN_LOG_LEVEL": "3"}
        log = self._workspace / "zygote.log"
        with log.open("wb") as file, theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-E", "-P", "-m", "autograder.sandbox.zygote"],
                stdin=theirs.fileno(),
                stdout=file,
                stderr=file,
                env=environment,
                cwd=self._workspace,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the other in order
            )
        settings = {"preload": list(preload), "jailed": jailed, "workspace": str(self._workspace)}
        try:
            self._lifeline.sendall(json.dumps(settings).encode() + b"\n")
            line = read_line(self._lifeline, _START_SECONDS)
        except OSError:
            line = b""
        if not line:
            tail = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise SandboxUnavailable(
                "The warm process didn't start: " + (" / ".join(tail) or "it ended without a word") + ". "
                "Is the kit installed for this Python (`python -m pip install -e .`)?"
            )
        answer = json.loads(line)
        self.missing = tuple(answer["missing"])
        if "failed" in answer:
            raise SandboxUnavailable(explain(answer["failed"]))

    def _connect(self) -> None:
        self._connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._connection.connect(str(self.socket_path))
        except OSError as error:
            self.close()
            raise SandboxUnavailable(f"No warm process answers at {self.socket_path}: {error}.") from None
        answer, _ = self._ask({"ask": "hello"})
        self.level = "jail" if answer["jailed"] else UNSANDBOXED
        self.layers: tuple[str, ...] = tuple(answer["layers"])

    def _ask(self, request: dict[str, Any], pass_on: Sequence[int] = ()) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            connection = self._connection
            if connection is None:
                raise SandboxUnavailable("This host is closed.")
            try:
                socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], list(pass_on))
                connection.settimeout(_ANSWER_SECONDS)
                data, descriptors, _, _ = socket.recv_fds(connection, 1 << 16, 4)
                while data and not data.endswith(b"\n"):
                    data += connection.recv(1 << 16)
            except OSError as error:
                data, descriptors = f"{error}".encode(), []
        if not data.endswith(b"\n"):
            said = f" ({data.decode(errors='replace')})" if data else ""
            raise SandboxUnavailable(f"The warm process is gone{said}. Run the same command again.")
        answer = json.loads(data)
        if "failed" in answer:
            raise SandboxUnavailable(explain(answer["failed"]))
        return answer, descriptors
