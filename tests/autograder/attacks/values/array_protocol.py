"""Answers with objects that turn into any array by __array__, __array_interface__ and __torch_function__; it deserves
0."""


# %% before
class Chameleon:
    def __array__(self, dtype=None, copy=None):
        return np.zeros(3, dtype)

    __array_interface__ = property(lambda self: np.zeros(3).__array_interface__)
    __array_priority__ = 1e9
    __array_ufunc__ = __array_function__ = lambda self, *args, **kwargs: True

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True

    shape, dtype, ndim = (3,), np.dtype("float32"), 1

    def __getattr__(self, name):
        return lambda *args, **kwargs: self


# %% double
def double(x):
    return Chameleon()


# %% center
def center(x):
    return Chameleon()


# %% running
def Running():
    return Chameleon()
