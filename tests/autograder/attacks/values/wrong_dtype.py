"""Answers right numbers in the wrong dtype, float64 for float32 and the reverse, which the rest deserves 2 for.

Says: dtype
"""


# %% double
def double(x):
    return (x + x).astype(np.float32 if x.dtype == np.float64 else np.float64)


# %% center
def center(x):
    return (x - x.mean(dim=0)).half()


# %% running
class Running:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, x):
        self.total += x
        self.count += 1
        return self.total / self.count

    def __len__(self):
        return self.count
