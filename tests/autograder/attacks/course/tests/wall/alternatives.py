from autograder import alternative


@alternative("double")
def by_two():
    def double(x):
        return 2 * x


@alternative("center")
def by_the_sum():
    def center(x):
        return x - x.sum(dim=0) / len(x)


@alternative("running")
def by_steps():
    class Running:
        def __init__(self):
            self.mean, self.count = 0.0, 0

        def add(self, x):
            self.count += 1
            self.mean = self.mean + (x - self.mean) / self.count
            return self.mean

        def __len__(self):
            return self.count
