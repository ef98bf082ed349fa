"""Answers with generators and iterators that never end; it deserves 0."""

# %% double
import itertools


def double(x):
    return itertools.count()


# %% center
def center(x):
    while True:
        yield x


# %% running
def Running():
    return itertools.cycle([0])
