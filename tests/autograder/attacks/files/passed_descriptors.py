"""Sends hundreds of its own descriptors to the grader along its channel, to use up the grader's: deserves at most 8."""

# %% before
import os
import socket

channel = socket.socket(fileno=os.dup(3))
nulls = [os.open("/dev/null", os.O_RDONLY) for _ in range(60)]


# %% double
def double(x):
    for _ in range(20):
        socket.send_fds(channel, [b""], nulls)
    return x + x
