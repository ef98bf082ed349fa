"""Announces more than it sends and waits, so that the grader waits too; the rest deserves 6.

Says: ran longer than
"""

# %% helpers


# %% double
def double(x):
    send(frame({"nonce": "", "tree": 1, "complex": {}}, size=100))
    while True:
        pass
