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

from autograder.sandbox._mounts import python_tree

_JAIL_IDS = range(0x70000000, 0x70000000 + 4096)  # autograder.sandbox.jail maps a root grader's students to these
_KEY = 0x77616C6C  # of what the attacks make by System V's calls
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
        mounts=frozenset(_mounts(folder)),
        cgroups=frozenset(_cgroups()),
        shared_memory=frozenset(
            f"{kind} {line.split()[1]}"
            for kind in ("shm", "sem", "msg")
            for line in _lines(f"/proc/sysvipc/{kind}")[1:]
            if int(line.split()[0]) == _KEY
        ),
        sockets=frozenset(_sockets(mark, folder)),
        descriptors=frozenset(_descriptors()),
    )


def wait_for_the_last() -> None:
    """Wait until every process that could be one left behind has ended, or for some seconds; reap what came here."""
    deadline = time.monotonic() + _PATIENCE
    for pid in (*_descendants(), *_orphans()):
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
                with contextlib.suppress(OSError):  # one that no path can name
                    if path.is_symlink():
                        found[str(path)] = os.readlink(path)
                    elif path.is_file():
                        found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _processes() -> Iterable[str]:
    yield from (f"{pid} below this one" for pid in _descendants())
    yield from (f"{pid} of the jail's id, without a warm process" for pid in _orphans())


def _orphans() -> list[int]:
    """Processes with the id of a root grader's student that hang on no warm process (another run's may)."""
    parents, owners = _table()
    found = []
    for pid, owner in owners.items():
        above = pid
        while owners.get(above, 0) in _JAIL_IDS:
            above = parents.get(above, 0)
        with contextlib.suppress(OSError):
            if owner in _JAIL_IDS and b"sandbox.zygote" not in Path(f"/proc/{above}/cmdline").read_bytes():
                found.append(pid)
    return found


def _descendants() -> list[int]:
    parents, _ = _table()
    found, layer = [], [os.getpid()]
    while layer:
        layer = [pid for pid, parent in parents.items() if parent in layer]
        found += layer
    return found


def _table() -> tuple[dict[int, int], dict[int, int]]:
    """Every process's parent and owner."""
    parents, owners = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{entry}/stat").read_text(errors="replace")
                parents[int(entry)] = int(text.rpartition(")")[2].split()[1])
                owners[int(entry)] = os.stat(f"/proc/{entry}").st_uid
    return parents, owners


def _files(mark: str, folder: Path) -> Iterable[str]:
    yield from (str(path) for path in folder.rglob("*"))
    for place in (*_PLACES, os.getcwd(), str(Path.home()), "/"):
        for path in Path(place).glob("*") if os.path.isdir(place) else ():
            with contextlib.suppress(OSError):
                if mark in path.name or path.name.startswith("core.") or path.lstat().st_uid in _JAIL_IDS:
                    yield str(path)


def _mounts(folder: Path) -> Iterable[str]:
    """Where a jail mounts things, and what lies in this run's own folder: other programs mount things as well."""
    places = (python_tree().mount_point, str(folder.parent), "/proc", "/dev")
    for line in _lines("/proc/self/mountinfo"):
        if line.split()[4].startswith(places):
            yield line.split()[4]


def _cgroups() -> Iterable[str]:
    """Those below this process's own."""
    for line in _lines("/proc/self/cgroup"):
        _, controllers, place = line.split(":", 2)
        root = "/sys/fs/cgroup" + (f"/{controllers.removeprefix('name=')}" if controllers else "") + place
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
