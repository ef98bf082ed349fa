"""The jail's last layers: Landlock over files, seccomp over system calls. Both by ctypes alone."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Sequence

from autograder.sandbox import _syscalls as sc

# Calls no exercise needs: (x86-64, AArch64). Those that make memory which no file system's
# cap and no process's size shows (memfd, System V) are among them.
_DENIED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "syslog": (103, 116),
    "seccomp": (317, 277),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
}
# ENOSYS makes libraries fall back to what is allowed: clone3's flags lie in memory, where a filter can't look.
_UNKNOWN = {
    "clone3": (435, 435),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
}
_CLONE, _SOCKET = (56, 220), (41, 198)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_FAMILIES = (1, 2, 10)  # Unix, IPv4, IPv6

_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_AT_NUMBER, _AT_ARCH, _AT_FIRST = 0, 4, 16  # offsets in struct seccomp_data
_X32 = 0x40000000

_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # since which version
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | (1 << 14) | (1 << 15)  # those that a rule for a file may name
_MAKE_DEVICES = (1 << 6) | (1 << 11)


def seccomp_program(machine: str | None = None) -> bytes | None:
    """The filter for this machine, or None on one whose system calls aren't known here."""
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return None
    column, arch = known
    code = [_step(_LOAD, _AT_ARCH), _step(_EQUAL, arch, 1, 0), _step(_RETURN, _KILL), _step(_LOAD, _AT_NUMBER)]
    if arch == _MACHINES["x86_64"][1]:  # the same calls once more, under other numbers
        code += [_step(_AT_LEAST, _X32, 0, 1), _step(_RETURN, _ERRNO | errno.EPERM)]
    for calls, answer in ((_DENIED, errno.EPERM), (_UNKNOWN, errno.ENOSYS)):
        for numbers in calls.values():
            code += [_step(_EQUAL, numbers[column], 0, 1), _step(_RETURN, _ERRNO | answer)]
    namespaces = 0
    for flag in sc.NAMESPACES:
        namespaces |= flag & ~0xFF  # the low byte of clone's flags is a signal
    code += [
        _step(_EQUAL, _CLONE[column], 0, 5),
        _step(_LOAD, _AT_FIRST),
        _step(_AND, namespaces),
        _step(_EQUAL, 0, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _ERRNO | errno.EPERM),
        _step(_EQUAL, _SOCKET[column], 0, 2 + len(_FAMILIES)),
        _step(_LOAD, _AT_FIRST),
    ]
    code += [_step(_EQUAL, family, len(_FAMILIES) - at, 0) for at, family in enumerate(_FAMILIES)]
    code += [_step(_RETURN, _ERRNO | errno.EAFNOSUPPORT), _step(_RETURN, _ALLOW)]
    return b"".join(code)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def apply_seccomp(program: bytes) -> None:
    """Filter this process's calls and those of all its children. Needs no_new_privs."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.addressof(buffer))
    sc.prctl(sc.PR_SET_SECCOMP, 2, ctypes.addressof(header), what="seccomp")


class _Ruleset(ctypes.Structure):
    _fields_ = [
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    ]


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def landlock_version() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return sc.syscall(sc.LANDLOCK_CREATE, None, 0, 1, what="landlock")
    except OSError:
        return 0


def apply_landlock(writable: Sequence[str], devices: Sequence[str]) -> None:
    """Allow reading below the root, writing below `writable` and to `devices`; no TCP, nothing else.

    Paths are those of the jail. Needs no_new_privs.
    """
    version = landlock_version()
    rights = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    # A kernel takes no more of the structure than it knows.
    size = 8 if version < 4 else 16 if version < 6 else 24
    attributes = _Ruleset(rights, 3, 3)  # bind and connect; abstract sockets and signals to outside
    ruleset = sc.syscall(sc.LANDLOCK_CREATE, ctypes.byref(attributes), size, 0, what="landlock ruleset")
    try:
        _allow(ruleset, "/", rights & (_EXECUTE | _READ_FILE | _READ_DIR))
        for path in writable:
            _allow(ruleset, path, rights & ~_MAKE_DEVICES)
        for path in devices:
            _allow(ruleset, path, rights & _ON_FILES & ~_EXECUTE)
        sc.syscall(sc.LANDLOCK_RESTRICT, ruleset, 0, what="landlock restrict")
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _Rule(rights, descriptor)
        sc.syscall(sc.LANDLOCK_ADD, ruleset, 1, ctypes.byref(rule), 0, what=f"landlock {path}")
    finally:
        os.close(descriptor)
