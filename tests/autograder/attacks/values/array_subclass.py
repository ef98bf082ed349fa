"""Answers with subclasses of ndarray, Tensor and float that equal everything; it deserves 0."""


# %% before
class Same(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    def __sub__(self, other):
        return np.zeros(self.shape)

    __rsub__ = __sub__


class SameTensor(torch.Tensor):
    def __eq__(self, other):
        return torch.ones(self.shape, dtype=torch.bool)


class SameNumber(float):
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0


# %% double
def double(x):
    return x.view(Same)


# %% center
def center(x):
    return x.as_subclass(SameTensor)


# %% running
class Running:
    def add(self, x):
        return SameNumber(x)
