"""Raises errors whose text, repr and traceback never end or are huge; it deserves 0."""


# %% double
def double(x):
    raise ValueError("x" * (1 << 26))


# %% center
class Endless(Exception):
    def __str__(self):
        return "y" * (1 << 26)

    __repr__ = __str__


def center(x):
    raise Endless


# %% running
class Running:
    def add(self, x):
        def deeper(n):
            if n:
                return deeper(n - 1)
            raise ExceptionGroup("z" * 10_000, [ValueError("z" * 10_000) for _ in range(1000)])

        return deeper(500)
