"""Answers with the largest arrays that may cross, in every case, for the grader to keep; it deserves 0."""


# %% double
def double(x):
    return np.zeros((64, 1 << 20), np.float32 if x.dtype == np.float64 else np.float64)[:, : 1 << 18]


# %% center
def center(x):
    return torch.zeros(1 << 25)


# %% running
class Running:
    def add(self, x):
        return [np.zeros(1 << 23, np.float32), np.zeros(1 << 23, np.float32)]
