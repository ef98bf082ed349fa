"""Answers with nested lists, odd keys, thousands of objects and integers of thousands of digits; it deserves 0."""


# %% double
def double(x):
    return {i: [object() for _ in range(10)] for i in range(500)} if x.dtype == np.float32 else (1 << 4000)


# %% center
def center(x):
    answer = 0
    for _ in range(60):
        answer = [answer]
    return answer


# %% running
class Running:
    def add(self, x):
        return {float("nan"): 1, (1, 2): {1}, b"x": None, None: slice(None), frozenset({1}): ...}

    def __len__(self):
        return 1 << 61
