"""Sends each answer twice, so that the second might count for the next question; it deserves at most 0."""

# %% before
import os

real = os.write
import gc

server = next(o for o in gc.get_objects() if type(o).__name__ == "Server")
send = server._send


def twice(channel, *answer, **options):
    send(channel, *answer, **options)
    send(channel, *answer, **options)


server._send = twice
