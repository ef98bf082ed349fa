"""Answers with objects whose class, name, repr, hash and length lie or never come back; it deserves 0."""


# %% before
class Liar(type):
    __name__ = property(lambda cls: "ndarray")

    def __instancecheck__(cls, other):
        return True


class Array(metaclass=Liar):
    __class__ = property(lambda self: np.ndarray)
    __hash__ = None

    def __repr__(self):
        raise SystemExit

    def __len__(self):
        return 1 << 62

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        return self


# %% double
def double(x):
    return Array()


# %% center
def center(x):
    return Array()


# %% running
def Running():
    return Array()
