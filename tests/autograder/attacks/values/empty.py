"""Answers empty arrays, None and nothing, of which every element is right; it deserves 0."""


# %% double
def double(x):
    return x[:0]


# %% center
def center(x):
    return x[:0]


# %% running
class Running:
    def add(self, x):
        return []

    def __len__(self):
        return 3
