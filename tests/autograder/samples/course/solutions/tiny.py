# built from source/tiny/tiny.ipynb by `course build`; edit there

# %% [markdown]
# # Tiny
#
# Two functions and a thought.

# %%
import numpy as np

from autograder import check


# %%
def double(x):
    """Twice x, an array (N,) of any dtype."""
    return x + x


# %%
# check("double")

# %%
def center(x):
    """x, an array (N, D), minus its mean over N."""
    return x - x.mean(axis=0)

# %%
# check("center")

# %% [markdown]
# The mean over N is one number per feature; subtracting it leaves every feature with mean 0.
