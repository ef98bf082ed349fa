"""Leaves sockets, pipes and files in every place that it may write to; the right answers deserve 8."""

# %% before
import os
import socket

kept = []
for place in ("/tmp", "/dev/shm", os.getcwd(), "/var/tmp", "/", "@COURSE@"):
    try:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(f"{place}/@MARK@.socket")
        listener.listen()
        kept.append(listener)
        os.mkfifo(f"{place}/@MARK@.pipe")
        open(f"{place}/@MARK@", "w").close()
    except OSError:
        pass
