"""Replaces everything in sys.modules by an object that agrees with all that is asked; it deserves 0."""

# %% before
import sys
import types


class Agreeing(types.ModuleType):
    def __getattr__(self, name):
        return lambda *args, **kwargs: True


for name in list(sys.modules):
    if name.split(".")[0] in ("autograder", "pytest", "numpy", "torch", "json", "math", "struct", "select"):
        sys.modules[name] = Agreeing(name)


# %% double
def double(x):
    return True


# %% center
def center(x):
    return True


# %% running
class Running:
    def add(self, x):
        return True
