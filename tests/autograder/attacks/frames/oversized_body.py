"""Announces a body of exabytes in the place of an answer, for the grader to make room for; the rest deserves 6.

Says: sent an answer that is none: a body of
"""

# %% helpers


# %% double
def double(x):
    send(frame({"nonce": "", "tree": 1, "complex": {}}, size=1 << 62))
