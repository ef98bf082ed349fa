"""Reads other processes by ptrace, process_vm_readv, /proc/<pid>/mem and environ; the right answers deserve 8.

Says: looked into nothing
"""

# %% before
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
seen = []
for pid in {1, os.getppid(), int("@PID@"), *(int(name) for name in os.listdir("/proc") if name.isdigit())}:
    if pid == os.getpid():
        continue
    if libc.ptrace(16, pid, 0, 0) == 0:
        seen.append(f"ptrace {pid}")
    for name in ("mem", "environ", "maps", "fd", "root", "cwd", "stack"):
        try:
            path = f"/proc/{pid}/{name}"
            os.listdir(path) if name == "fd" else os.readlink(path) if name in ("root", "cwd") else open(
                path, "rb"
            ).read()
            seen.append(path)
        except OSError:
            pass
    local, buffer = (ctypes.c_size_t * 2)(), ctypes.create_string_buffer(64)
    local[0], local[1] = ctypes.addressof(buffer), 64
    if libc.process_vm_readv(pid, local, 1, local, 1, 0) > 0:
        seen.append(f"process_vm_readv {pid}")
print("PROCESS-" + f"SEEN {seen}" if seen else "looked into nothing")
