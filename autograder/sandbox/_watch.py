"""The jail's init: watches what the student's processes use, ends them, and reports how it went.

It runs no student code and stays outside the last layers. Its one line of report is the
only thing about a jail that is believed.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from autograder.course import Limits

TICK_MS = 40  # a process can touch about a GiB a second, so this much late is some tens of MiB
_CROWD = 4  # more processes than this are stopped while their pages are counted
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Ending:
    """How a jail ended. `limit` is 'memory' or 'cpu time' when the init ended it for that reason.

    `status` is what waitpid says of the student's process (None: it was told to stop);
    `cpu_seconds` covers every process there was, `peak_mib` what they had of their own.
    """

    status: int | None
    limit: str | None
    cpu_seconds: float
    peak_mib: float

    def line(self) -> bytes:
        return json.dumps({"ended": asdict(self)}).encode() + b"\n"


def watch(
    student: int,
    control: socket.socket,
    limits: Limits,
    *,
    processes: Callable[[], Iterable[int]],
    send: Callable[[signal.Signals], None],
) -> Ending:
    """Wait until `student` ends, a limit is hit, or the other end of `control` closes; then end all and reap.

    `processes` lists the processes to account for, `send` sends them a signal.
    """
    meter = _Meter(limits, processes, send)
    status: int | None = None
    limit: str | None = None
    poll = select.poll()
    poll.register(control, select.POLLIN)
    with contextlib.suppress(AttributeError, OSError):  # without pidfds, the tick finds out
        poll.register(os.pidfd_open(student), select.POLLIN)
    meter.exceeded()  # before any student's code: what there is now is inherited
    while limit is None:
        events = poll.poll(TICK_MS)
        status = _reap(student)
        if status is not None or any(descriptor == control.fileno() for descriptor, _ in events):
            break
        limit = meter.exceeded()
    meter.exceeded()
    send(signal.SIGKILL)
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            break
        send(signal.SIGKILL)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    # What ends unwaited-for is missing from rusage, what ends between two ticks from the meter.
    seconds = max(usage.ru_utime + usage.ru_stime, meter.cpu_seconds)
    return Ending(status, limit, round(seconds, 3), round(meter.peak_kib / 1024, 1))


def _reap(student: int) -> int | None:
    """Collect what has ended; the student's status if that is among it."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if not pid:
            return found
        if pid == student:
            found = status


class _Meter:
    """CPU time and memory of all processes of a jail, looked at tick by tick."""

    def __init__(
        self, limits: Limits, processes: Callable[[], Iterable[int]], send: Callable[[signal.Signals], None]
    ) -> None:
        self._limits = limits
        self._processes = processes
        self._send = send
        self._cpu: dict[tuple[int, str], float] = {}
        self._inherited_kib: int | None = None
        self.peak_kib = 0

    @property
    def cpu_seconds(self) -> float:
        return sum(self._cpu.values())

    def exceeded(self) -> str | None:
        """Look once; the limit that is exceeded, if any."""
        pids = list(self._processes())
        for pid in pids:
            self._note_cpu(pid)
        private = [_memory_kib(pid) for pid in pids]
        if self._inherited_kib is None:
            # The pages of the warm process, shared until written to: nobody's fault.
            self._inherited_kib = sum(private)
        used = max(0, sum(private) - self._inherited_kib)
        bound = self._limits.memory_mib << 10
        if used > bound:
            # Children share their parents' pages, so the sum over processes may be too much. The
            # exact figure costs a walk over all pages and is asked for in doubt only.
            used = min(used, self._exactly_kib(pids))
        own = sum(max(0, kib - self._inherited_kib) for kib in private)
        self.peak_kib = max(self.peak_kib, min(own, used))
        if used > bound:
            return "memory"
        return "cpu time" if self.cpu_seconds > self._limits.cpu_seconds else None

    def _exactly_kib(self, pids: list[int]) -> int:
        """The sum with each page counted once.

        A crowd that wants every core would leave this process a hundredth of one, for a walk that takes
        tens of milliseconds, and could go on taking memory meanwhile.
        """
        if len(pids) <= _CROWD:
            return sum(_shared_out_kib(pid) for pid in pids)
        self._send(signal.SIGSTOP)
        try:
            return sum(_shared_out_kib(pid) for pid in pids)
        finally:
            self._send(signal.SIGCONT)

    def _note_cpu(self, pid: int) -> None:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                fields = file.read().rpartition(b") ")[2].split()
        except OSError:
            return
        key = (pid, fields[19].decode())  # with the start time: pids come round again
        self._cpu[key] = (int(fields[11]) + int(fields[12])) / _CLOCK_TICKS


def _memory_kib(pid: int) -> int:
    """Anonymous and shared memory of a process in KiB, pages shared with others counted in full."""
    return _fields_kib(f"/proc/{pid}/status", (b"RssAnon:", b"RssShmem:"))


def _shared_out_kib(pid: int) -> int:
    """The same with each page divided among those who have it; `_memory_kib` when a process hides."""
    try:
        return _fields_kib(f"/proc/{pid}/smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:"), strict=True)
    except OSError:
        return _memory_kib(pid)


def _fields_kib(path: str, names: tuple[bytes, ...], *, strict: bool = False) -> int:
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        if strict:
            raise
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(names))


def all_but_init() -> list[int]:
    """Every process of the jail but its init, which asks."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]


def send_to_all_others(number: signal.Signals) -> None:
    """As a jail's init: a signal to everything else in it, also to what is being forked right now."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, number)


def descendants() -> list[int]:
    """Without a jail: every process that descends from this one."""
    parents: dict[int, list[int]] = {}
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:  # no /proc on this system: limits per process are all there is
        return []
    for name in names:
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            parents.setdefault(int(file.read().rpartition(b") ")[2].split()[1]), []).append(int(name))
    found, layer = [], [os.getpid()]
    while layer:
        layer = [child for pid in layer for child in parents.get(pid, ())]
        found += layer
    return found


def send_to_descendants(student: int, number: signal.Signals) -> None:
    """A signal to every descendant of this process."""
    for pid in {student, *descendants()}:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def wait_readable(control: socket.socket, seconds: float) -> bool:
    """Whether something arrives within `seconds`."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))
