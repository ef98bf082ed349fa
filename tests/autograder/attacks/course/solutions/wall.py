# built from source/wall/wall.ipynb by `course build`; edit there

# %% [markdown]
# # The wall
#
# Three small things and a thought.

# %%
import numpy as np
import torch

from autograder import check


# %%
def double(x):
    """Twice x, an array (N,) of any dtype."""
    # SECRET-OF-THE-REFERENCE
    return x + x


# %%
# check("double")

# %%
def center(x):
    """x, a tensor (N, D), minus its mean over N."""
    return x - x.mean(dim=0)


# %%
# check("center")

# %%
class Running:
    """The mean of what was added, and how many numbers that were."""

    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, x):
        self.total += x
        self.count += 1
        return self.total / self.count

    def __len__(self):
        return self.count

# %%
# check("running")

# %%
# print(double(np.arange(3.0)))

# %% [markdown]
# Because the mean of x - m is 0.
