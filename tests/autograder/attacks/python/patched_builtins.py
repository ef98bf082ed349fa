"""Patches builtins (isinstance, len, all, type's name, __build_class__, abs) in its process; it deserves 0."""

# %% before
import builtins

builtins.isinstance = lambda *args: True
builtins.all = builtins.any = lambda *args: True
builtins.abs = builtins.max = lambda *args, **kwargs: 0
builtins.len = lambda thing: 3
builtins.AssertionError = type("AssertionError", (BaseException,), {})


# %% double
def double(x):
    return x


# %% center
def center(x):
    return x


# %% running
class Running:
    def add(self, x):
        return x
