"""Loops for ever in an answer and ignores every signal; the two right answers deserve 6.

Says: ran longer than
"""

# %% double
import signal


def double(x):
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        pass
