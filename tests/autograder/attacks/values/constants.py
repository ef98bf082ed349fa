"""Answers constants of the right kind and shape: zeros, ones, the inputs, the last answer; half of `center`, whose
single row is 0, and `running` deserve 4.

Says: elements differ
"""


# %% double
def double(x):
    return np.zeros_like(x)


# %% center
def center(x):
    return torch.zeros_like(x)
