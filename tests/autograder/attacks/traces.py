"""What a batch leaves behind on the machine: looked for before and after it, so that only what is new counts."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import select
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_JAIL_IDS = range(0x70000000, 0x70000000 + 4096)  # autograder.sandbox.jail maps a root grader's students to these
_SUBREAPER = 36
_PLACES = ("/tmp", "/dev/shm", "/var/tmp", "/dev/mqueue")
_PATIENCE = 5.0  # for the kernel to end what is being ended


def adopt_orphans() -> None:
    """Make this process the one that its descendants' orphans come to, so that a daemon of theirs can be found."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


@dataclass(frozen=True)
class Traces:
    """What there is on the machine that a submission could have left, by kind."""

    processes: frozenset[str]
    files: frozenset[str]
    mounts: frozenset[str]
    cgroups: frozenset[str]
    shared_memory: frozenset[str]
    sockets: frozenset[str]
    descriptors: frozenset[str]

    def since(self, before: Traces) -> list[str]:
        """What is here and wasn't before, in words."""
        return [
            f"{kind}: {found}"
            for kind in self.__dataclass_fields__
            for found in sorted(getattr(self, kind) - getattr(before, kind))
        ]


def traces(mark: str, folder: Path) -> Traces:
    """Everything by now: processes below this one or of a jail without a warm process, marked files, and so on.

    `mark` is in the name of every file that an attack makes, `folder` the one for temporary files of this run.
    """
    return Traces(
        processes=frozenset(_processes()),
        files=frozenset(_files(mark, folder)),
        mounts=frozenset(line.split()[4] for line in _lines("/proc/self/mountinfo")),
        cgroups=frozenset(_cgroups()),
        shared_memory=frozenset(
            f"{kind} {line.split()[1]}" for kind in ("shm", "sem", "msg") for line in _lines(f"/proc/sysvipc/{kind}")[1:]
        ),
        sockets=frozenset(_sockets(mark, folder)),
        descriptors=frozenset(_descriptors()),
    )


def wait_for_descendants() -> None:
    """Wait until every process below this one has ended, or for some seconds; reap what came to this process."""
    deadline = time.monotonic() + _PATIENCE
    for pid in _descendants():
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def fingerprints(folders: Iterable[Path]) -> dict[str, str]:
    """What lies in some folders: each file's digest, each link's target."""
    found = {}
    for folder in folders:
        for parent, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                path = Path(parent, name)
                if path.is_symlink():
                    found[str(path)] = os.readlink(path)
                elif path.is_file():
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _processes() -> Iterable[str]:
    parents, names, owners = _table()
    for pid in _descendants():
        yield f"{pid} ({names.get(pid, '')}) below this one"
    for pid, uid in owners.items():
        line, above = [], pid
        while above in parents and above > 1:
            line.append(names[above])
            above = parents[above]
        if uid in _JAIL_IDS and "python" not in " ".join(line[2:]):  # another run's jail hangs on its warm process
            yield f"{pid} ({names[pid]}) of the jail's id {uid}"


def _descendants() -> list[int]:
    parents, _, _ = _table()
    found, layer = [], [os.getpid()]
    while layer:
        layer = [pid for pid, parent in parents.items() if parent in layer]
        found += layer
    return found


def _table() -> tuple[dict[int, int], dict[int, str], dict[int, int]]:
    parents, names, owners = {}, {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{entry}/stat").read_text(errors="replace")
                parents[int(entry)] = int(text.rpartition(")")[2].split()[1])
                names[int(entry)] = text.partition("(")[2].rpartition(")")[0]
                owners[int(entry)] = os.stat(f"/proc/{entry}").st_uid
    return parents, names, owners


def _files(mark: str, folder: Path) -> Iterable[str]:
    yield from (str(path) for path in folder.rglob("*"))
    for place in (*_PLACES, os.getcwd(), str(Path.home()), "/"):
        for path in Path(place).glob("*") if os.path.isdir(place) else ():
            with contextlib.suppress(OSError):
                if mark in path.name or path.name.startswith("core.") or path.lstat().st_uid in _JAIL_IDS:
                    yield str(path)


def _cgroups() -> Iterable[str]:
    own = _lines("/proc/self/cgroup")
    for root in ("/sys/fs/cgroup", *(f"/sys/fs/cgroup{line.split(':')[2]}" for line in own)):
        with contextlib.suppress(OSError):
            yield from (entry.path for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))


def _sockets(mark: str, folder: Path) -> Iterable[str]:
    for line in _lines("/proc/net/unix")[1:]:
        path = line.split(maxsplit=7)[7:]
        if path and (mark in path[0] or path[0].startswith(str(folder))):
            yield path[0]


def _descriptors() -> Iterable[str]:
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{descriptor}")
            if not target.startswith(("/proc/", "anon_inode:[pidfd]")):
                yield f"{descriptor} {target}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []
