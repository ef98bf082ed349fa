"""Answers NaN and infinities in every place, which compare false to everything; it deserves 0."""


# %% double
def double(x):
    return np.full_like(x, np.nan)


# %% center
def center(x):
    return torch.full_like(x, float("inf"))


# %% running
class Running:
    def add(self, x):
        return float("nan")

    def __len__(self):
        return 3
