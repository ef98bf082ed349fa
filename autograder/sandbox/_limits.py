"""The limits that the kernel itself holds; `_watch` holds the others."""

from __future__ import annotations

import os
import resource

from autograder.course import Limits
from autograder.sandbox import _syscalls as sc


def set_limits(limits: Limits, *, alone: bool = True) -> None:
    """The limits that the kernel holds per process or user; totals are watched from outside.

    `alone`: in a user namespace of its own. Elsewhere the number of processes would count
    everything that the user runs.
    """
    with open("/proc/self/statm", "rb") if sc.LINUX else open(os.devnull, "rb") as file:
        inherited = int((file.read().split() or [b"0"])[0]) * os.sysconf("SC_PAGE_SIZE")
    # Address space is cheap and libraries reserve much of it; this bound only turns an absurd
    # allocation into a MemoryError that names a line.
    space = inherited + 2 * (limits.memory_mib << 20)
    wanted = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_FSIZE": limits.disk_mib << 20,
        "RLIMIT_CPU": int(limits.cpu_seconds) + 2,
        "RLIMIT_NPROC": limits.processes + 2,  # the jail's own two count
        "RLIMIT_AS": space,
        "RLIMIT_STACK": 64 << 20,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_MEMLOCK": 0,
    }
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None or (name == "RLIMIT_NPROC" and not alone) or (name == "RLIMIT_AS" and not inherited):
            continue
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (value, value))
