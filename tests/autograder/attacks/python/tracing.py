"""Sets trace and profile functions that change return values on their way to the grader; it deserves 0."""

# %% before
import sys


def trace(frame, event, argument):
    if event == "return" and "value" in frame.f_locals:
        frame.f_locals["value"] = True
    return trace


sys.settrace(trace)
sys.setprofile(lambda *args: None)


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
