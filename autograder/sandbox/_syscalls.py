"""The Linux calls that Python doesn't offer, by ctypes. Each raises `OSError` naming itself."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from typing import Any, Final

LINUX: Final = sys.platform.startswith("linux")

NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET = (
    0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
NAMESPACES: Final = (NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, 0x80)  # 0x80: time

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 4096, 16384, 1 << 18
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8
MNT_DETACH = 2

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 36, 38, 47

# Since Linux 5.0 a new call has the same number on every architecture.
_PIDFD_SEND_SIGNAL, _CLOSE_RANGE, _MOUNT_SETATTR = 424, 436, 442
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
_HUGE, _MADV_COLLAPSE = 2 << 20, 25
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000

libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None


class _MountAttributes(ctypes.Structure):
    _fields_ = [
        ("set", ctypes.c_uint64),
        ("clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns", ctypes.c_uint64),
    ]


class _CapabilityHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def check(result: int, what: str) -> int:
    """`result`, or the `OSError` that it stands for."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def syscall(number: int, *arguments: object, what: str) -> int:
    """A call by its number; int arguments go as long, so that no upper half is left undefined."""
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return check(int(libc.syscall(ctypes.c_long(number), *wide)), what)


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str | None = None) -> None:
    """mount(2)."""
    source_, target_, kind_, data_ = (None if text is None else text.encode() for text in (source, target, kind, data))
    result = libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_)
    check(result, f"mount {kind or source or 'propagation'} on {target}")


def bind(source: str, target: str, attributes: int | None = None) -> None:
    """Bind `source` with all that is mounted below it; `attributes` (ATTR_…) then hold for all of it."""
    mount(source, target, None, MS_BIND | MS_REC)
    if attributes is not None:
        set_attributes(target, attributes, recursive=True)


def set_attributes(path: str, attributes: int, *, recursive: bool) -> None:
    """mount_setattr(2): a remount would reach the top mount only, not those below it."""
    wanted = _MountAttributes(attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    syscall(
        _MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, ctypes.byref(wanted), ctypes.sizeof(wanted),
        what=f"mount_setattr {path}",
    )  # fmt: skip


def umount(path: str) -> None:
    """umount2(2), detaching at once."""
    check(libc.umount2(path.encode(), MNT_DETACH), f"umount {path}")


def pivot_root(new: str, old: str) -> None:
    """pivot_root(2)."""
    check(libc.pivot_root(new.encode(), old.encode()), "pivot_root")


def unshare(flags: int, what: str) -> None:
    """unshare(2); `what` names the namespaces in the error."""
    check(libc.unshare(flags), f"unshare {what}")


def prctl(option: int, argument: int, *more: int, what: str) -> int:
    """prctl(2)."""
    values = [ctypes.c_ulong(value) for value in (argument, *more, 0, 0, 0)[:4]]
    return check(libc.prctl(option, *values), f"prctl {what}")


def set_hostname(name: str) -> None:
    """sethostname(2)."""
    check(libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "sethostname")


def drop_capabilities() -> None:
    """Give up every capability, also those that a program started later could get."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) < 0:
            if ctypes.get_errno() != errno.EINVAL:  # EINVAL: beyond the last capability
                check(-1, "drop the bounding set")
            break
    header = _CapabilityHeader(0x20080522, 0)
    check(libc.capset(ctypes.byref(header), (ctypes.c_uint32 * 6)()), "capset")
    prctl(PR_SET_NO_NEW_PRIVS, 1, what="no_new_privs")


def close_all_but(keep: set[int]) -> None:
    """Close every file descriptor that isn't in `keep`."""
    low = 0
    for kept in sorted(keep):
        _close_range(low, kept - 1)
        low = kept + 1
    _close_range(low, 0x7FFFFFFF)


def _close_range(low: int, high: int) -> None:
    if low > high:
        return
    try:
        if not LINUX:
            raise OSError(errno.ENOSYS, "close_range")
        syscall(_CLOSE_RANGE, low, high, 0, what="close_range")
    except OSError:  # an older kernel, or another system
        os.closerange(low, min(high + 1, os.sysconf("SC_OPEN_MAX")))


def die_with_parent(signal_number: int) -> None:
    """Be sent the signal when the parent ends. Giving up a uid clears this, so it is asked for after that."""
    prctl(PR_SET_PDEATHSIG, signal_number, what="parent's death")


def use_huge_pages() -> None:
    """Gather this process's own memory into huge pages, where the kernel can (Linux 6.1 or newer).

    A fork copies one entry for each page, and its end frees them: with the frameworks in
    memory that is most of what a fork costs.
    """
    try:
        with open("/proc/self/maps") as file:
            regions = [line.split() for line in file]
    except OSError:
        return
    for fields in regions:
        if fields[1] == "rw-p" and (len(fields) < 6 or fields[5] == "[heap]"):
            low, high = (int(part, 16) for part in fields[0].split("-"))
            if high - low >= _HUGE:
                libc.madvise(ctypes.c_void_p(low), ctypes.c_size_t(high - low), _MADV_COLLAPSE)
