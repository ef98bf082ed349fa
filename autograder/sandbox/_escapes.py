"""Does the jail hold on this machine? Breaking out is tried for real, versions are not trusted."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import socket
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.course import Limits
from autograder.sandbox import _filters
from autograder.sandbox import _syscalls as sc
from autograder.sandbox._explain import SandboxUnavailable
from autograder.sandbox._jailed import Jailed
from autograder.sandbox.serve import environment
from autograder.sandbox.student import StudentFault

if TYPE_CHECKING:
    from autograder.sandbox.host import Host

# Runs in the jail as a cell. Each attempt names what it got hold of, or None.
_ATTEMPTS = """
import ctypes, json, os, signal, socket, sys
facts = json.loads(FACTS)
found = {}

def attempt(name, function):
    try:
        found[name] = function()
    except OSError:
        found[name] = None

def files():
    seen = [path for path in facts["files"] if os.path.exists(path)]
    return f"saw {seen[0]}" if seen else None

def processes():
    others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
    return f"saw {len(others)} other processes" if others else None

def signals():
    os.kill(facts["pid"], 0)
    return f"can signal process {facts['pid']}"

def network():
    socket.create_connection(("127.0.0.1", facts["port"]), 2).close()
    return "reached a port of this machine"

def abstract():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\\0" + facts["abstract"])
    return "reached a socket of this machine"

def write():
    for folder in (*facts["read_only"], "/"):
        try:
            with open(os.path.join(folder, facts["abstract"]), "w"):
                return f"wrote to {folder}"
        except OSError:
            continue

def variables():
    with open("/proc/self/environ", "rb") as file:
        raw = file.read().split(b"\\0")
    names = {*os.environ, *(item.partition(b"=")[0].decode() for item in raw)} - {""}
    extra = names - set(facts["variables"])
    return f"saw the variables {', '.join(sorted(extra))}" if extra else None

def descriptors():
    held = []
    for descriptor in range(256):
        try:
            os.fstat(descriptor)
            held.append(descriptor)
        except OSError:
            pass
    return f"holds the descriptors {held}" if set(held) - {0, 1, 2, 3} else None

def namespaces():
    pid = os.fork()
    if not pid:
        os._exit(0 if ctypes.CDLL(None).unshare(0x10000000) < 0 else 1)
    return "made a user namespace" if os.waitpid(pid, 0)[1] else None

for name, function in [
    ("files", files), ("processes", processes), ("signals", signals), ("network", network),
    ("abstract sockets", abstract), ("write", write), ("environment", variables),
    ("descriptors", descriptors), ("namespaces", namespaces),
]:
    attempt(name, function)

# What stays behind: a daemon that no polite signal ends, with this process's sockets open.
if not os.fork():
    os.setsid()
    if not os.fork():
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        while True:
            signal.pause()
    os._exit(0)
os.wait()
print(json.dumps(found))
"""
_OUTLIVE_SECONDS = 5.0
_REMEDIES = {
    "files": "mount namespaces don't hide files",
    "processes": "PID namespaces don't hide processes",
    "signals": "PID namespaces don't hide processes",
    "network": "network namespaces don't cut the network off",
    "abstract sockets": "network namespaces don't cut sockets off",
    "write": "read-only mounts can be written to",
    "environment": "the environment of the grader gets in",
    "descriptors": "open files of the grader get in",
    "outliving": "processes outlive their jail",
}


@dataclass(frozen=True)
class Attempt:
    """One way out: `found` is what it got hold of, None when the jail held."""

    name: str
    found: str | None


def attempts(host: Host) -> list[Attempt]:
    """Try each way out of one of `host`'s jails."""
    with contextlib.ExitStack() as stack:
        canary = stack.enter_context(tempfile.NamedTemporaryFile(prefix="canary-", dir=host.socket_path.parent))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        name = secrets.token_hex(8)
        abstract.bind("\0" + name)
        abstract.listen()
        facts = {
            "files": [canary.name, str(host.socket_path), *_files_of(Path.cwd())],
            "pid": os.getpid(),
            "port": listener.getsockname()[1],
            "abstract": name,
            "read_only": [sys.prefix, sys.base_prefix, "/usr/lib", "/etc", "/proc/self"],
            "variables": [*environment("", ""), "PATH", "LD_LIBRARY_PATH", "HOME", "LC_CTYPE"],
        }
        student = stack.enter_context(host.spawn())
        found = _run(student, facts)
        held = stack.enter_context(socket.socket(fileno=os.dup(student._channel.fileno())))
        student.close()
        # The other end is open as long as anything in there lives.
        poll = select.poll()
        poll.register(held, select.POLLIN)
        gone = bool(poll.poll(_OUTLIVE_SECONDS * 1000)) and _at_its_end(held)
        found["outliving"] = None if gone else "a daemon lives on"
        return [Attempt(name, result) for name, result in found.items()]


def _at_its_end(channel: socket.socket) -> bool:
    try:
        return not channel.recv(1)
    except ConnectionError:  # closed with something unread
        return True


def _files_of(folder: Path) -> list[str]:
    """Some files of the folder that this process works in, and of those above it: most likely the course."""
    found = []
    for place in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            found += sorted(str(path) for path in place.iterdir() if path.is_file())[:5]
    return [
        path for path in found if not path.startswith((sys.prefix, sys.base_prefix, "/lib", "/usr", "/etc", "/proc"))
    ]


def _run(student: Jailed, facts: dict[str, Any]) -> dict[str, str | None]:
    try:
        outcome = student.run_cell(f"FACTS = {json.dumps(facts)!r}\n{_ATTEMPTS}")
    except StudentFault as fault:  # it, or the warm process that it is a fork of, was killed
        raise SandboxUnavailable(
            f"The jail's self-test didn't finish: its process {fault}. Run the same command again."
        ) from None
    shown = "".join(output["text"] for output in outcome.outputs if output["output_type"] == "stream")
    try:
        found = json.loads(shown)
    except ValueError:
        raise SandboxUnavailable(f"The jail's self-test didn't finish: {outcome.error or shown[:200]}.") from None
    return dict(found)


def require_that_it_holds(host: Host) -> None:
    """Raises `SandboxUnavailable` naming every way out that is open.

    New namespaces are no way out, only more of the kernel to attack; without seccomp they are possible.
    """
    open_ways = [
        f"student code {attempt.found} ({_REMEDIES[attempt.name]})"
        for attempt in attempts(host)
        if attempt.found is not None
        and (attempt.name != "namespaces" or "seccomp" in host.layers)
        and attempt.name in _REMEDIES
    ]
    if open_ways:
        raise SandboxUnavailable(
            f"The jail doesn't hold here: {'; '.join(open_ways)}. Grade on another machine or in a virtual one, "
            "and report this together with the output of `course doctor`."
        )


def probe() -> list[tuple[str, bool, str]]:
    """Each layer: its name, whether it holds on this machine, and what to do if it doesn't."""
    from autograder.sandbox.host import Host

    try:
        host = Host(preload=(), limits=replace(Limits(), memory_mib=512), self_test=False)
    except SandboxUnavailable as error:
        return [("jail", False, str(error))]
    with host:
        try:
            tried = attempts(host)
        except SandboxUnavailable as error:
            return [("jail", False, str(error))]
        found = [("jail", True, host.description)]
        for attempt in tried:
            remedy = f"student code {attempt.found}: {_REMEDIES.get(attempt.name, 'install seccomp support')}"
            found.append((attempt.name, attempt.found is None, "" if attempt.found is None else remedy))
    version = _filters.landlock_version()
    found.append(("Landlock", version > 0, "" if version else "Linux 5.13 or newer, with landlock among its `lsm=`"))
    known = _filters.seccomp_program() is not None
    found.append(("seccomp", known, "" if known else "its calls are known for x86-64 and AArch64 only"))
    pidfd = hasattr(os, "pidfd_open") and sc.LINUX
    found.append(("pidfd", pidfd, "" if pidfd else "Linux 5.3 or newer"))
    return found
