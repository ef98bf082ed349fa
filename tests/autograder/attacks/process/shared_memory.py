"""Hoards memory that no process's size shows: shared maps, /dev/shm, pipes, memfd and System V; the rest deserves 6.

Says: raises
"""

# %% double
import ctypes
import socket


def double(x):
    libc = ctypes.CDLL(None, use_errno=True)
    kept = [
        libc.shmget(0x77616C6C, 1 << 30, 0o1666),
        libc.semget(0x77616C6C, 8, 0o1666),
        libc.msgget(0x77616C6C, 0o1666),
    ]
    kept.append(libc.memfd_create(b"wall", 0))
    for _ in range(200):
        one, other = socket.socketpair()
        one.setblocking(False)
        try:
            while True:
                one.send(bytes(1 << 16))
        except OSError:
            kept += [one, other]
    for number in range(100):
        with open(f"/dev/shm/@MARK@{number}", "wb") as file:
            file.write(bytes(1 << 20))
    return kept
