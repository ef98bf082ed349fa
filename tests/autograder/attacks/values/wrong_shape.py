"""Answers shapes that broadcast: one number, an added axis, a transposed tensor; the rest deserves 2.

Says: has shape
"""


# %% double
def double(x):
    return (x + x)[None]


# %% center
def center(x):
    return (x - x.mean(dim=0))[None]
