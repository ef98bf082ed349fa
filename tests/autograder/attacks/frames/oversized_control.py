"""Announces and sends a control part beyond its bound in the place of an answer; the rest deserves 6.

Says: sent an answer that is none: a control part of
"""

# %% helpers


# %% double
def double(x):
    send(frame(b" " * (1 << 20)))
