"""Answers right means with a length that is negative, a text or without an end; the rest deserves 6."""


# %% running
class Running:
    def __init__(self):
        self.total, self.count = 0.0, 0

    def add(self, x):
        self.total += x
        self.count += 1
        return self.total / self.count

    def __len__(self):
        return -3
