"""Stops itself by SIGSTOP in an answer, so that no loop is seen to run; the rest deserves 6.

Says: ran longer than
"""

# %% double
import os
import signal


def double(x):
    os.kill(os.getpid(), signal.SIGSTOP)
    return x + x
