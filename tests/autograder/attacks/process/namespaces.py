"""Makes namespaces, mounts, keys, io_uring, bpf programs and a new root for itself; the right answers deserve 8.

Says: all refused
"""

# %% before
import ctypes

libc = ctypes.CDLL(None, use_errno=True)
CALLS = {
    "unshare user": lambda: libc.unshare(0x10000000),
    "unshare net": lambda: libc.unshare(0x40000000),
    "mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
    "umount": lambda: libc.umount2(b"/proc", 2),
    "chroot": lambda: libc.chroot(b"/tmp"),
    "setuid": lambda: libc.setuid(0),
    "keyring": lambda: libc.syscall(250, 0, -3, 1),
    "bpf": lambda: libc.syscall(321, 0, 0, 0),
    "io_uring": lambda: libc.syscall(425, 8, 0),
    "clone3": lambda: libc.syscall(435, None, 0),
    "userfaultfd": lambda: libc.syscall(323, 0),
    "perf": lambda: libc.syscall(298, 0, 0, 0, 0, 0),
    "open_by_handle": lambda: libc.syscall(304, 0, 0, 0),
    "reboot": lambda: libc.reboot(0),
    "hostname": lambda: libc.sethostname(b"wall", 4),
}
held = [name for name, call in CALLS.items() if call() >= 0]
print(f"got {held}" if held else "all refused")
