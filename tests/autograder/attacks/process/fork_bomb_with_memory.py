"""Forks and fills memory in every child, in a cell; what is right and comes after it deserves at most 8.

Says: Cell
"""

# %% before
import os
import signal

for _ in range(100):
    try:
        if not os.fork():
            part = bytearray(b"x") * (60 << 20)
            signal.pause()
    except OSError:
        break
signal.pause()
