"""Sleeps in every answer so that no CPU time is used; it deserves 0.

Says: ran longer than
"""

# %% before
import time


# %% double
def double(x):
    time.sleep(1000)


# %% center
def center(x):
    time.sleep(1000)


# %% running
class Running:
    def add(self, x):
        time.sleep(1000)
