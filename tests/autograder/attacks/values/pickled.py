"""Answers with objects whose unpickling would run code at the grader's; nothing unpickles them: the rest deserves 6.

Says: is an object of type Bomb
"""


# %% double
class Bomb:
    def __reduce__(self):
        return (__import__("os").system, ("touch /tmp/@MARK@",))


def double(x):
    return Bomb()
