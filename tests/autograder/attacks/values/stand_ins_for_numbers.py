"""Answers True for 1, 0-d arrays, complex numbers, strings of digits and Decimals for numbers; the rest deserves 6."""

# %% running
from decimal import Decimal


class Running:
    count = 0

    def add(self, x):
        self.count += 1
        return [Decimal(x), str(x), complex(x), True][self.count % 4]

    def __len__(self):
        return self.count
