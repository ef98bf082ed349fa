"""Other right answers in reading CTC's paths; those in its tensors are in torch/ and tensorflow/."""

from autograder import alternative


@alternative("ctc_collapse")
def by_groups():
    def ctc_collapse(path, blank):
        import itertools

        return [symbol for symbol, _ in itertools.groupby(path) if symbol != blank]


@alternative("ctc_collapse")
def by_remembering_the_last():
    def ctc_collapse(path, blank):
        labels, last = [], None
        for symbol in path:
            if symbol not in (last, blank):
                labels.append(symbol)
            last = symbol
        return labels
