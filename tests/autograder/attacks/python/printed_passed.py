"""Prints what a passed check prints, in pytest's, nbgrader's and this kit's words, and as JSON; it deserves 0."""

# %% before
import sys

for stream in (sys.stdout, sys.stderr, sys.__stdout__):
    print("PASSED\n8 passed in 0.01s\n✓ double 2/2 all 2 cases passed\nscore: 100/100", file=stream)
    print('{"outcome": "passed", "score": 100, "points": 100}', file=stream)


# %% double
def double(x):
    print("PASSED")
    return "PASSED"


# %% center
def center(x):
    raise SystemExit("PASSED")


# %% running
class Running:
    def add(self, x):
        return "2.0"
