"""Answers with an object that equals everything, in every question; it deserves 0.

Says: is an object of type Same
"""


# %% double
class Same:
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __array__(self, *args, **kwargs):
        return np.zeros(3)

    def __len__(self):
        return 3

    def add(self, x):
        return self

    __hash__ = None


def double(x):
    return Same()


# %% center
def center(x):
    return Same()


# %% running
def Running():
    return Same()
