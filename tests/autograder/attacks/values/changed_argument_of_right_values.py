"""Doubles its argument in place and gives the right numbers back, which isn't a right `double`; the rest deserves 6.

Says: changes its argument in place
"""


# %% double
def double(x):
    x += x
    return x
