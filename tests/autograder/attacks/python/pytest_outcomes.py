"""Raises pytest's own skip, xfail and exit, NotImplementedError and a missing module from its answers; it deserves 0."""

# %% before
try:
    import pytest
except ImportError:
    pytest = None


def raise_by_name(name, message):
    error = type(name, (BaseException,), {"__module__": "_pytest.outcomes"})
    raise error(message)


# %% double
def double(x):
    raise_by_name("Skipped", "not here")


# %% center
def center(x):
    raise ModuleNotFoundError("No module named 'cuda'", name="cuda")


# %% running
class Running:
    def add(self, x):
        raise_by_name("Exit", "all passed")
