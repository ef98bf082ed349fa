"""Changes its arguments in place and gives them back, to change what is expected; the rest deserves 2.

Says: changes its argument in place
"""


# %% double
def double(x):
    x *= 0
    return x


# %% center
def center(x):
    x -= x.mean(dim=0)
    return x
