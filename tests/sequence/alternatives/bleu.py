"""Other right answers in BLEU."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("clipped_matches")
def gram_by_gram():
    def clipped_matches(candidate, references, n):
        grams = [tuple(candidate[at : at + n]) for at in range(len(candidate) - n + 1)]
        others = [[tuple(one[at : at + n]) for at in range(len(one) - n + 1)] for one in references]
        matches = 0
        for gram in set(grams):
            matches += min(grams.count(gram), max(other.count(gram) for other in others))
        return matches, len(grams)


@alternative("clipped_matches")
def by_counters():
    def clipped_matches(candidate, references, n):
        own, others = ngrams(candidate, n), [ngrams(reference, n) for reference in references]
        matches = sum(min(count, max(other[gram] for other in others)) for gram, count in own.items())
        return matches, max(0, len(candidate) - n + 1)


@alternative("brevity_penalty")
def by_sorting():
    def brevity_penalty(candidates, references):
        c = r = 0
        for candidate, options in zip(candidates, references, strict=True):
            lengths = sorted(len(reference) for reference in options)
            r += min(lengths, key=lambda length: abs(length - len(candidate)))
            c += len(candidate)
        if c == 0:
            return 0.0 if r else 1.0
        return min(1.0, float(np.exp(1.0 - r / c)))


@alternative("corpus_bleu")
def by_roots():
    def corpus_bleu(candidates, references, smoothing="none"):
        sums = np.zeros((4, 2), dtype=np.int64)
        for candidate, options in zip(candidates, references, strict=True):
            sums += np.array([clipped_matches(candidate, options, n) for n in (1, 2, 3, 4)])
        if sums[0, 0] == 0 or (sums[:, 1] == 0).any():
            return 0.0
        precisions, gap = [], 1.0
        for matches, total in sums.tolist():
            if matches == 0:
                gap = gap / 2 if smoothing == "exp" else 0.0
                matches = gap
            precisions.append(matches / total)
        return 100 * brevity_penalty(candidates, references) * float(np.prod(precisions)) ** 0.25


@alternative("corpus_bleu")
def by_scipy():
    def corpus_bleu(candidates, references, smoothing="none"):
        from scipy.stats import gmean

        table = [[clipped_matches(c, r, n) for n in range(1, 5)] for c, r in zip(candidates, references, strict=True)]
        matches, totals = np.array(table, float).sum(axis=0).T
        if matches[0] == 0 or totals[3] == 0 or (smoothing == "none" and not matches.all()):
            return 0.0
        gaps = matches == 0
        matches[gaps] = 0.5 ** np.arange(1, gaps.sum() + 1)
        return float(100 * brevity_penalty(candidates, references) * gmean(matches / totals))
