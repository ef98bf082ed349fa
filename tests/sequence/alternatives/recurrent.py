"""Other right answers that fit both frameworks."""

from autograder import alternative


@alternative("char_windows")
def by_padding():
    def char_windows(ids, length):
        ids = np.asarray(ids)  # noqa: F821
        rest = -(len(ids) - 1) % length
        both = [(ids[:-1], 0), (ids[1:], -100)]
        padded = [np.pad(part, (0, rest), constant_values=fill) for part, fill in both]  # noqa: F821
        return tuple(part.reshape(-1, length).astype(np.int64) for part in padded)  # noqa: F821


@alternative("char_windows")
def window_by_window():
    def char_windows(ids, length):
        ids, inputs, targets = list(ids), [], []
        for start in range(0, len(ids) - 1, length):
            ahead = ids[start : start + length + 1]
            missing = length + 1 - len(ahead)
            inputs.append(ahead[:-1] + missing * [0])
            targets.append(ahead[1:] + missing * [-100])
        shape = len(inputs), length
        return np.array(inputs, np.int64).reshape(shape), np.array(targets, np.int64).reshape(shape)  # noqa: F821


@alternative("character_perplexity")
def by_totals():
    def character_perplexity(losses, counts):
        import math

        nats = sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts)
        return math.exp(nats), math.log2(math.e) * nats


@alternative("character_perplexity")
def by_powers_of_two():
    def character_perplexity(losses, counts):
        bits = np.dot(losses, counts) / np.log(2) / np.sum(counts)  # noqa: F821
        return 2**bits, bits
