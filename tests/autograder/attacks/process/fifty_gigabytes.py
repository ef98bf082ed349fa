"""Allocates 50 GB at once in an answer, which is an error of that answer; the rest deserves 6.

Says: MemoryError
"""


# %% double
def double(x):
    return np.ones((50, 1 << 27)) + x
