from autograder import alternative


@alternative("double")
def by_two():
    def double(x):
        return 2 * x


@alternative("center")
def column_by_column():
    def center(x):
        return np.stack([column - column.mean() for column in x.T], axis=1)  # noqa: F821 - the notebook's np
