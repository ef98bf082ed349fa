"""A cell that loops with every signal blocked and stopped children; the rest was run without it and deserves 8.

Says: ran longer than
"""

# %% before
import os
import signal

signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
if not os.fork():
    os.kill(os.getpid(), signal.SIGSTOP)
while True:
    pass
