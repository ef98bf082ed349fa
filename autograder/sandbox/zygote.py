"""The warm process: imports the frameworks once, and is forked for every submission and every grader.

    python -m autograder.sandbox.zygote      started by `Host`; settings and lifeline are descriptor 0

It is exec'd fresh, so nothing of the course is in its memory or environment. It imports
what it is told and runs no tensor operation: a fork of a process with threads, or with a
framework's runtime started, hangs or can't be locked in.

Clients connect to a socket in a folder that only its user may enter, and send one line of
JSON per request; each gets one line back, with file descriptors where there are some::

    {"ask": "spawn", "limits": {…}}          channel, control and, where there are any, a pidfd; see jail.Started
    {"ask": "worker", "entry": "mod:func"}   a stream socket and a pipe that tells the exit code; takes stderr along
    {"ask": "kill", "pid": …}                ends a worker
    {"ask": "hello"}                         the layers that hold

What a client was given ends with its connection.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from autograder.course import Limits
from autograder.sandbox import _syscalls as sc
from autograder.sandbox import jail

_LINE = 1 << 16
_LENGTH = struct.Struct("<Q")


@dataclass
class _Client:
    """A connection and the processes that end with it."""

    connection: socket.socket
    pids: set[int] = field(default_factory=set)
    pending: bytes = b""
    descriptors: list[int] = field(default_factory=list)


class Zygote:
    """Serves spawn and worker requests until the lifeline closes."""

    def __init__(self, lifeline: socket.socket, listener: socket.socket, plan: jail.Plan, workspace: Path) -> None:
        from autograder.sandbox._outputs import Recorder
        from autograder.sandbox._shell import make_shell

        self._lifeline = lifeline
        self._listener = listener
        self._plan = plan
        self._clients: dict[int, _Client] = {}
        self._exit_pipes: dict[int, int] = {}  # of workers, by pid
        self._count = 0
        self._recorder = Recorder(0)
        self._shell = make_shell(self._recorder, str(workspace / "ipython"))

    def serve(self) -> None:
        """Answer clients until the lifeline closes; then end everything that was started."""
        wake_read, wake_write = os.pipe()
        for descriptor in (wake_read, wake_write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        gc.collect()
        gc.freeze()  # so that no collection in a fork touches, and so copies, what was here before
        sc.use_huge_pages()
        while True:
            poll = select.poll()
            for descriptor in (self._lifeline.fileno(), self._listener.fileno(), wake_read, *self._clients):
                poll.register(descriptor, select.POLLIN)
            ready = {descriptor for descriptor, _ in poll.poll()}
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 4096)
            self._reap()
            if self._lifeline.fileno() in ready:
                break
            if self._listener.fileno() in ready:
                connection, _ = self._listener.accept()
                self._clients[connection.fileno()] = _Client(connection)
            for descriptor in ready & set(self._clients):
                self._read(self._clients[descriptor])
        for client in list(self._clients.values()):
            self._drop(client)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for client in self._clients.values():
                client.pids.discard(pid)
            pipe = self._exit_pipes.pop(pid, None)
            if pipe is not None:
                with contextlib.suppress(OSError):
                    os.write(pipe, b"%d\n" % os.waitstatus_to_exitcode(status))
                os.close(pipe)

    def _drop(self, client: _Client) -> None:
        for pid in client.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for descriptor in client.descriptors:
            os.close(descriptor)
        del self._clients[client.connection.fileno()]
        client.connection.close()

    def _read(self, client: _Client) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(client.connection, _LINE, 4)
        except OSError:
            data, descriptors = b"", []
        client.descriptors += descriptors
        if not data or len(client.pending) > _LINE:
            self._drop(client)
            return
        *lines, client.pending = (client.pending + data).split(b"\n")
        for line in lines:
            self._answer(client, json.loads(line))

    def _answer(self, client: _Client, request: dict[str, Any]) -> None:
        passed, client.descriptors = client.descriptors, []
        answer: dict[str, Any] = {}
        sockets: list[int] = []
        try:
            if request["ask"] == "spawn":
                sockets = self._spawn(client, Limits(**request["limits"]))
            elif request["ask"] == "worker":
                sockets, answer = self._worker(client, request["entry"], passed)
            elif request["ask"] == "kill" and request["pid"] in client.pids:
                os.kill(request["pid"], signal.SIGKILL)
            else:
                answer = {"layers": self._plan.layers(), "jailed": self._plan.tree is not None}
        except (jail.JailError, OSError, LookupError, TypeError) as error:
            answer = {"failed": str(error) or repr(error)}
        with contextlib.suppress(OSError):
            socket.send_fds(client.connection, [json.dumps(answer).encode() + b"\n"], sockets)
        for descriptor in (*sockets, *passed):
            os.close(descriptor)

    def _spawn(self, client: _Client, limits: Limits) -> list[int]:
        self._count += 1
        from autograder.sandbox.serve import run

        def body(channel: socket.socket, ready: Any) -> None:
            self._recorder.set_limit(limits.output_kib << 10)
            run(channel, self._shell, self._recorder, ready)

        started = jail.start(self._plan, limits, body, number=self._count)
        client.pids.add(started.pid)
        found = [started.channel.detach(), started.control.detach()]
        return found if started.pidfd is None else [*found, started.pidfd]

    def _worker(self, client: _Client, entry: str, passed: Sequence[int]) -> tuple[list[int], dict[str, Any]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            _become_worker(entry, theirs, passed)
        theirs.close()
        client.pids.add(pid)
        self._exit_pipes[pid] = writing
        return [ours.detach(), reading], {"pid": pid}


def _become_worker(entry: str, channel: socket.socket, passed: Sequence[int]) -> NoReturn:
    """Run `entry` ("module:function") with the socket and the payload; what it returns, if an int, is the exit code."""
    code = 1
    try:
        os.setsid()
        if sc.LINUX:
            sc.die_with_parent(signal.SIGKILL)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for standard, descriptor in zip((1, 2), (*passed, *passed)[:2], strict=False):
            os.dup2(descriptor, standard)
        sc.close_all_but({0, 1, 2, channel.fileno()})
        with channel.makefile("rb") as file:
            start = json.loads(file.read(_LENGTH.unpack(file.read(_LENGTH.size))[0]))
            payload = file.read(_LENGTH.unpack(file.read(_LENGTH.size))[0])
        # As multiprocessing's spawn does: the same place to import from and to work in.
        sys.path[:] = start["path"]
        os.chdir(start["folder"])
        os.environ.clear()
        os.environ.update(start["environment"])
        tempfile.tempdir = None
        module, _, name = entry.partition(":")
        result = getattr(importlib.import_module(module), name)(channel, payload)
        code = result if isinstance(result, int) else 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - a fork never returns into its parent's code
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


# What a framework imports on the first use of something common: 2.4 s for torch.func, paid once here
# instead of by every fork that takes a Hessian-vector product.
_IMPORTED_LATE = {"torch": ("torch._dynamo", "torch._decomp.decompositions_for_jvp")}


def main() -> None:
    """Serve the host whose lifeline descriptor 0 is; remove the workspace, which this starts in, if the host can't."""
    lifeline, workspace = socket.socket(fileno=os.dup(0)), os.getcwd()
    try:
        _serve(lifeline)
    except BrokenPipeError:  # the host was killed while this was starting
        pass
    finally:
        poll = select.poll()
        poll.register(lifeline, select.POLLIN)
        if poll.poll(0):  # nothing comes but the end
            shutil.rmtree(workspace, ignore_errors=True)


def _serve(lifeline: socket.socket) -> None:
    """Read the settings, import, tell that all is ready, and serve."""
    with lifeline.makefile("rb") as file:
        settings = json.loads(file.readline() or b"null")
    if settings is None:  # the host was killed before it could say
        return
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    workspace = Path(settings["workspace"])
    # Libraries that write below the home folder while they are imported shall do it here.
    os.environ.update(HOME=str(workspace), MPLCONFIGDIR=str(workspace), TMPDIR=str(workspace))
    missing = []
    for name in settings["preload"]:
        try:
            importlib.import_module(name)
        except ImportError as error:
            missing.append(f"{name} ({error})")
            continue
        for late in _IMPORTED_LATE.get(name, ()):
            with contextlib.suppress(ImportError):  # other versions keep it elsewhere
                importlib.import_module(late)
    answer: dict[str, Any] = {"missing": missing}
    zygote = None
    try:
        plan = jail.plan(workspace, jailed=settings["jailed"])
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(workspace / "socket"))
        listener.listen(64)
        zygote = Zygote(lifeline, listener, plan, workspace)
        threads = len(os.listdir("/proc/self/task")) if sc.LINUX else 1
        if settings["jailed"] and threads > 1:
            answer["failed"] = f"importing {', '.join(settings['preload'])} started threads, and a fork loses them"
        answer["layers"] = plan.layers()
    except (jail.JailError, OSError) as error:
        answer["failed"] = str(error)
    lifeline.sendall(json.dumps(answer).encode() + b"\n")
    if zygote is not None and "failed" not in answer:
        zygote.serve()


if __name__ == "__main__":
    # Under its own name, so that the shell's __main__ can take this one's place.
    from autograder.sandbox.zygote import main as _main

    _main()
