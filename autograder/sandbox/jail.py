"""The jail: namespaces, mounts, limits and filters around a fork of the warm process.

The warm process forks A, A makes the namespaces and forks B, the init of the jail; B makes
the jail's file system, gives up its rights and forks C, which sets its limits and filters
and runs the student's code. SIGKILL of A ends all of them: B asks to be sent it when its parent ends, and the
kernel ends a PID namespace with its init.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from autograder.course import Limits
from autograder.sandbox import _filters, _mounts, _watch
from autograder.sandbox import _syscalls as sc
from autograder.sandbox._limits import set_limits
from autograder.sandbox.serve import environment

_UID = 1000  # inside
# Ids that no distribution hands out to people, services or containers come first.
_OUTER_IDS = (0x70000000, 40000)
_HANDSHAKE_SECONDS = 20.0
_CHANNEL, _CONTROL = 3, 4

_leave = os._exit  # taken before a student's code can put something else in its place

Body = Callable[[socket.socket, Callable[[], None]], None]


class JailError(Exception):
    """A jail couldn't be built; the message names the step and what the kernel said."""


@dataclass(frozen=True)
class Started:
    """A jail that is being built. `channel` leads to C, `control` to B; `pidfd` is A's, None where there are none."""

    pid: int
    pidfd: int | None
    channel: socket.socket
    control: socket.socket


@dataclass(frozen=True)
class Plan:
    """How every jail of this process is built; `tree` is None where there is to be none."""

    tree: _mounts.Tree | None
    outer_ids: tuple[int, int] | None  # (first, count) of the ids to map to; None: this process's own
    seccomp: bytes | None
    landlock: bool
    workspace: Path  # where unjailed processes get their folders

    def layers(self) -> tuple[str, ...]:
        """What holds besides limits."""
        if self.tree is None:
            return ()
        layers = [
            "user, PID, mount, network, IPC, UTS and cgroup namespaces",
            "read-only file system",
            "no capabilities",
        ]
        layers += ["Landlock"] if self.landlock else []
        return (*layers, *(["seccomp"] if self.seccomp else []))


def plan(workspace: Path, *, jailed: bool) -> Plan:
    """The plan for this process, machine and user. Raises `JailError`."""
    if not jailed:
        return Plan(None, None, None, False, workspace)
    if not sc.LINUX:
        raise JailError("namespaces exist on Linux only")
    try:
        tree = _mounts.python_tree()
    except OSError as error:
        raise JailError(str(error)) from None
    outer = _outer_ids() if os.geteuid() == 0 else None
    return Plan(tree, outer, _filters.seccomp_program(), _filters.landlock_version() > 0, workspace)


def _outer_ids() -> tuple[int, int] | None:
    """Ids that students' processes get when this process is root; None when it is root of a namespace without any."""
    with open("/proc/self/uid_map") as file:
        ranges = [tuple(map(int, line.split())) for line in file]
    for wanted in _OUTER_IDS:
        if any(first <= wanted and wanted + 4096 <= first + count for first, _, count in ranges):
            return wanted, 4096
    return None


def start(plan: Plan, limits: Limits, body: Body, *, number: int = 0) -> Started:
    """Fork a jail that runs `body(channel, ready)`; comes back before it is ready.

    `number` tells jails apart that run at once. What goes wrong is told on `control`, as is
    readiness and, at the end, an `Ending`: each a line of JSON. Raises `JailError`.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    control, reporting = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        raise JailError(f"fork: {error}") from None
    if not pid:
        _outermost(plan, limits, body, theirs.fileno(), reporting.fileno(), parent)
    theirs.close()
    reporting.close()
    pidfd = None
    with contextlib.suppress(AttributeError, OSError):
        pidfd = os.pidfd_open(pid)
    if plan.tree is not None and plan.outer_ids is not None:
        _map_ids(pid, control, plan.outer_ids[0] + number % plan.outer_ids[1])
    return Started(pid, pidfd, ours, control)


def _map_ids(pid: int, control: socket.socket, outer: int) -> None:
    """As root: write the maps of A, which may not name an id of the host itself."""
    if not _watch.wait_readable(control, _HANDSHAKE_SECONDS):
        os.kill(pid, signal.SIGKILL)
        return
    # Anything but the mark is the start of a message about what failed, and stays for the reader.
    if control.recv(2, socket.MSG_PEEK) != b"M\n":
        return
    control.recv(2)
    with contextlib.suppress(OSError):  # A sees it when it takes on the id, and tells
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{pid}/{name}").write_text(f"{_UID} {outer} 1")
        control.send(b"k")


def _outermost(plan: Plan, limits: Limits, body: Body, channel: int, reporting: int, parent: int) -> NoReturn:
    """A. Makes the namespaces, forks B and stays to be killed."""
    control = _only(channel, reporting)
    try:
        os.setsid()
        _reset_signals()
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")
        if plan.tree is None:
            if sc.LINUX:
                sc.die_with_parent(signal.SIGKILL)
                sc.prctl(sc.PR_SET_CHILD_SUBREAPER, 1, what="subreaper")
            _check_parent(parent)
            _unjailed(plan, limits, body, control)
        _enter_user_namespace(plan, control)
        sc.die_with_parent(signal.SIGKILL)
        _check_parent(parent)
        rest = sc.NEWPID | sc.NEWNS | sc.NEWIPC | sc.NEWUTS | sc.NEWCGROUP | sc.NEWNET
        sc.unshare(rest, "PID, mount, IPC, UTS, cgroup and network namespaces")
        me = os.pidfd_open(os.getpid())
        init = os.fork()
        if not init:
            _init(plan, limits, body, control, me)
        control.close()
        os.close(_CHANNEL)
        os.waitpid(init, 0)
    except BaseException as error:  # noqa: BLE001 - a fork never returns into its parent's code
        _tell(control, failed=error)
    os._exit(0)


def _enter_user_namespace(plan: Plan, control: socket.socket) -> None:
    assert plan.tree is not None
    if plan.outer_ids is None:
        uid, gid = os.geteuid(), os.getegid()
        sc.unshare(sc.NEWUSER, "user namespace")
        # Without this an ordinary user may write no gid_map.
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{_UID} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{_UID} {gid} 1")
        return
    # Root builds the tree while it still is root: Python may lie below a home of mode 0700.
    os.setgroups([])
    sc.unshare(sc.NEWNS, "mount namespace")
    _mounts.mount_tree(plan.tree)
    sc.unshare(sc.NEWUSER, "user namespace")
    control.sendall(b"M\n")
    if not _watch.wait_readable(control, _HANDSHAKE_SECONDS) or control.recv(1) != b"k":
        raise OSError("the id maps were not written")
    os.setresgid(_UID, _UID, _UID)
    os.setresuid(_UID, _UID, _UID)


def _init(plan: Plan, limits: Limits, body: Body, control: socket.socket, parent: int) -> NoReturn:
    """B. Builds the file system, forks C, watches and reports."""
    try:
        assert plan.tree is not None
        sc.die_with_parent(signal.SIGKILL)
        if _ended(parent):
            os._exit(1)
        os.close(parent)
        if plan.outer_ids is None:
            _mounts.mount_tree(plan.tree)
        else:
            _mounts.bind_on_itself(plan.tree)
        _mounts.enter_tree(plan.tree, disk_mib=limits.disk_mib)
        sc.set_hostname("jail")
        # Before there is a student who could look into this process.
        sc.prctl(sc.PR_SET_DUMPABLE, 0, what="dumpable")
        sc.drop_capabilities()
        student = os.fork()
        if not student:
            _student(plan, limits, body, control)
        os.close(_CHANNEL)
        ending = _watch.watch(student, control, limits, processes=_watch.all_but_init, send=_watch.send_to_all_others)
        with contextlib.suppress(OSError):
            control.sendall(ending.line())
    except BaseException as error:  # noqa: BLE001
        _tell(control, failed=error)
    os._exit(0)


def _student(plan: Plan, limits: Limits, body: Body, control: socket.socket) -> NoReturn:
    """C. Locks itself in and runs the student's code."""
    try:
        os.setsid()  # the kernel shares the cores among sessions, where it does: the init is in another one
        # Unlike the init that it was forked from, or that couldn't measure it.
        sc.prctl(sc.PR_SET_DUMPABLE, 1, what="dumpable")
        set_limits(limits)
        lock_files_and_calls(plan)
        assert plan.tree is not None
        _become(environment(_mounts.HOME, plan.tree.temporary))
        _run(body, control)
    except BaseException as error:  # noqa: BLE001
        _tell(control, failed=error)
    finally:
        _leave(0)


def lock_files_and_calls(plan: Plan) -> None:
    """The last layers, after the mounts they speak of: Landlock, then seccomp, which forbids both."""
    if plan.landlock and plan.tree is not None:
        devices = [f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")]
        _filters.apply_landlock(list(plan.tree.writable), devices)
    if plan.seccomp is not None:
        _filters.apply_seccomp(plan.seccomp)


def _unjailed(plan: Plan, limits: Limits, body: Body, control: socket.socket) -> NoReturn:
    """A without a jail: only watches. The folder goes when the process does."""
    folder = tempfile.mkdtemp(dir=plan.workspace)
    os.chdir(folder)
    student = os.fork()
    if not student:
        try:
            if sc.LINUX:
                sc.die_with_parent(signal.SIGKILL)
            set_limits(limits, alone=False)
            _become(environment(folder, folder))
            _run(body, control)
        except BaseException as error:  # noqa: BLE001
            _tell(control, failed=error)
        finally:
            _leave(0)
    os.close(_CHANNEL)
    ending = _watch.watch(
        student,
        control,
        limits,
        processes=_watch.descendants,
        send=lambda number: _watch.send_to_descendants(student, number),
    )
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        control.sendall(ending.line())
    os._exit(0)


def _run(body: Body, control: socket.socket) -> None:
    def ready() -> None:
        _tell(control, ready=True)
        control.close()  # what is reported there is believed, so no student's code may have it

    body(socket.socket(fileno=_CHANNEL), ready)


def _become(variables: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # may have been found, and kept, by an import of the warm process


def _only(channel: int, reporting: int) -> socket.socket:
    """Leave the two sockets as descriptors 3 and 4, /dev/null as 0 to 2, and nothing else."""
    channel, reporting = os.dup(channel), os.dup(reporting)
    while min(channel, reporting) <= _CONTROL:  # so that neither is in the other's place
        channel, reporting = os.dup(channel), os.dup(reporting)
    os.dup2(channel, _CHANNEL)
    os.dup2(reporting, _CONTROL)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    sc.close_all_but({0, 1, 2, _CHANNEL, _CONTROL})
    return socket.socket(fileno=_CONTROL)


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _check_parent(parent: int) -> None:
    if os.getppid() != parent:  # it ended before it could be asked for
        os._exit(1)


def _ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def _tell(control: socket.socket, *, ready: bool = False, failed: BaseException | None = None) -> None:
    message = {"ready": ready, "failed": None if failed is None else f"{type(failed).__name__}: {failed}"}
    with contextlib.suppress(OSError):
        control.sendall(json.dumps(message).encode() + b"\n")
