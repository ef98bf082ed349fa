"""Raises the recursion limit and recurses until the stack ends, and answers with a list in itself; the rest deserves
4."""

# %% double
import sys


def double(x):
    sys.setrecursionlimit(1 << 30)
    return double(x)


# %% running
class Running:
    def add(self, x):
        answer = []
        answer.append(answer)
        return answer
