"""Answers lists, tuples and tensors of another framework with the right numbers in them; the rest deserves 2."""


# %% double
def double(x):
    return (x + x).tolist()


# %% center
def center(x):
    return (x - x.mean(dim=0)).numpy()
