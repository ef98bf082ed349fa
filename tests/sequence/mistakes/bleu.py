"""Classic mistakes in BLEU."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

SCORE = ("corpus_bleu",)
MATCHED = "return (counts & allowed).total(), counts.total()"
ALLOWED = "allowed |= ngrams(reference, n)  # | is the maximum of the counts, & the minimum"

edited(
    "clipped_matches",
    "not clipped",
    old=MATCHED,
    new="return sum(count for gram, count in counts.items() if gram in allowed), counts.total()",
    hint="This is what you get without clipping: an n-gram that is in a reference matches as often as it is said. It "
    "matches at most as often as in one reference.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "references added up",
    old=ALLOWED,
    new="allowed += ngrams(reference, n)",
    hint="This is what you get when the references' counts are added up. Clip at the largest count in one reference.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "first reference only",
    old="    for reference in references:\n        allowed",
    new="    for reference in references[:1]:\n        allowed",
    hint="This is what you get with the first reference alone. Each n-gram looks for its best one.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "every reference must have it",
    old=ALLOWED,
    new="allowed = ngrams(reference, n) & (allowed or ngrams(reference, n))",
    hint="This is what you get with the smallest count of the references. It is the largest that clips.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "each n-gram once",
    old=MATCHED,
    new="return len(counts & allowed), len(counts)",
    hint="This is what you get when each different n-gram counts once. Repeated ones count as often as they match.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "total of the references",
    old=MATCHED,
    new="return (counts & allowed).total(), allowed.total()",
    hint="This is what you get when the references' n-grams are the total: that is recall. BLEU is built on precision.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "total below nothing",
    old=MATCHED,
    new="return (counts & allowed).total(), len(candidate) - n + 1",
    hint="This is what you get when a sentence shorter than n has a negative total. It has no n-gram: 0.",
    also=SCORE,
)
edited(
    "clipped_matches",
    "total in words",
    old=MATCHED,
    new="return (counts & allowed).total(), len(candidate)",
    hint="This is what you get when the total counts words. A sentence of k words has k - n + 1 n-grams, or none.",
    also=SCORE,
)


@mistake(
    "clipped_matches",
    hint="This is what you get when the one reference with most matches decides for all n-grams. Each n-gram takes"
    " its maximum from whichever reference has it most often.",
    also=SCORE,
)
def one_reference_for_all():
    def clipped_matches(candidate, references, n):
        counts = ngrams(candidate, n)
        return max((counts & ngrams(reference, n)).total() for reference in references), counts.total()


@mistake(
    "clipped_matches",
    hint="This is what you get when matches with each reference are added up. An n-gram matches once, in its best "
    "reference.",
    also=SCORE,
)
def matches_added_up():
    def clipped_matches(candidate, references, n):
        counts = ngrams(candidate, n)
        return sum((counts & ngrams(reference, n)).total() for reference in references), counts.total()


CLOSEST = "min((abs(len(reference) - len(candidate)), len(reference)) for reference in options)[1]"
PENALTY = "return float(np.exp(1 - r / c)) if c else 0.0"

edited(
    "brevity_penalty",
    "shortest reference",
    old=CLOSEST,
    new="min(len(reference) for reference in options)",
    hint="This is what you get with the shortest reference (NIST's old script takes it). Take the one closest in "
    "length.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "longest reference",
    old=CLOSEST,
    new="max(len(reference) for reference in options)",
    hint="This is what you get with the longest reference. Take the one closest in length.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "first reference",
    old=CLOSEST,
    new="len(options[0])",
    hint="This is what you get with the first reference. Take the one closest in length.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "mean of the references",
    old=CLOSEST,
    new="sum(map(len, options)) / len(options)",
    hint="This is what you get with the mean length of the references. Take the one closest in length.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "longer of two",
    old=CLOSEST,
    new="-min((abs(len(reference) - len(candidate)), -len(reference)) for reference in options)[1]",
    hint="This is what you get when of two equally close references the longer one counts. The shorter one does.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "first of two",
    old=CLOSEST,
    new="len(min(options, key=lambda reference: abs(len(reference) - len(candidate))))",
    hint="This is what you get when of two equally close references the first one counts. The shorter one does.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "upside down",
    old=PENALTY,
    new="return float(np.exp(1 - c / r)) if c else 0.0",
    hint="This is what you get with c / r, a factor above 1. The exponent is 1 - r / c, below 0.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "quotient alone",
    old=PENALTY,
    new="return c / r",
    hint="This is what you get with c / r. The penalty is exp(1 - r / c).",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "long ones punished",
    old="    if c >= r:\n        return 1.0\n    return float",
    new="    if c <= r:\n        return 1.0\n    return float",
    hint="This is what you get when corpora that are too long are punished. Precision sees to them; the penalty is"
    " for short ones.",
    also=SCORE,
)
edited(
    "brevity_penalty",
    "long ones rewarded",
    old="    if c >= r:\n        return 1.0\n    return float",
    new="    return float",
    hint="This is what you get when a corpus longer than its references has a factor above 1. It is 1 from c = r on.",
    also=SCORE,
)


@mistake(
    "brevity_penalty",
    hint="This is what you get when each sentence has its own penalty and their mean is taken. Sum the lengths "
    "over the corpus first.",
    also=SCORE,
)
def mean_of_sentences():
    def brevity_penalty(candidates, references):
        penalties = []
        for candidate, options in zip(candidates, references, strict=True):
            c = len(candidate)
            r = min((abs(len(reference) - c), len(reference)) for reference in options)[1]
            penalties.append(1.0 if c >= r else float(np.exp(1 - r / c)) if c else 0.0)
        return sum(penalties) / len(penalties)


@mistake(
    "brevity_penalty",
    hint="This is what you get when sentences that are too long don't make up for short ones. Only the corpus' "
    "lengths are compared.",
    also=SCORE,
)
def short_sentences_only():
    def brevity_penalty(candidates, references):
        c = r = 0
        for candidate, options in zip(candidates, references, strict=True):
            closest = min((abs(len(reference) - len(candidate)), len(reference)) for reference in options)[1]
            c, r = c + min(len(candidate), closest), r + closest
        if c >= r:
            return 1.0
        return float(np.exp(1 - r / c)) if c else 0.0


RETURNED = "return float(100 * brevity_penalty(candidates, references) * np.exp(np.mean(log_precisions)))"
ZERO = 'if total == 0 or (matches == 0 and (smoothing == "none" or n == 1)):\n            return 0.0'

edited(
    "corpus_bleu",
    "no penalty",
    old=RETURNED,
    new="return float(100 * np.exp(np.mean(log_precisions)))",
    hint="This is what you get without the brevity penalty.",
)
edited(
    "corpus_bleu",
    "arithmetic mean",
    old=RETURNED,
    new="return float(100 * brevity_penalty(candidates, references) * np.mean(np.exp(log_precisions)))",
    hint="This is what you get with the arithmetic mean of the precisions. BLEU's is geometric: the mean of their "
    "logarithms.",
)
edited(
    "corpus_bleu",
    "product alone",
    old=RETURNED,
    new="return float(100 * brevity_penalty(candidates, references) * np.exp(np.sum(log_precisions)))",
    hint="This is what you get with the product of the precisions. Take its fourth root.",
)
edited(
    "corpus_bleu",
    "between 0 and 1",
    old=RETURNED,
    new="return float(brevity_penalty(candidates, references) * np.exp(np.mean(log_precisions)))",
    hint="This is what you get as a fraction. The score asked for is in per cent, as sacrebleu gives it.",
)
edited(
    "corpus_bleu",
    "penalty within the mean",
    old=RETURNED,
    new="return float(100 * np.exp((np.log(brevity_penalty(candidates, references)) + sum(log_precisions)) / 5))",
    hint="This is what you get when the penalty is a fifth factor of the mean. It multiplies the mean.",
)
edited(
    "corpus_bleu",
    "up to trigrams",
    old="    for n in range(1, 5):\n        pairs",
    new="    for n in range(1, 4):\n        pairs",
    hint="This is what you get with n up to 3. BLEU goes up to 4.",
)
edited(
    "corpus_bleu",
    "no match skipped",
    old=ZERO,
    new="if total == 0 or matches == 0:\n            continue",
    hint="This is what you get when an n without a match is left out of the mean. Without smoothing the score is 0"
    " then.",
)
edited(
    "corpus_bleu",
    "always smoothed",
    old='(smoothing == "none" or n == 1)',
    new="n == 1",
    hint='This is what you get when an n without a match is smoothed always. With "none" the score is 0 then.',
)
edited(
    "corpus_bleu",
    "never smoothed",
    old='(matches == 0 and (smoothing == "none" or n == 1))',
    new="matches == 0",
    hint='This is what you get when "exp" is ignored: the k-th n without a match has the precision 1 / (2^k total).',
)
edited(
    "corpus_bleu",
    "hopeless ones smoothed",
    old='(smoothing == "none" or n == 1)',
    new='smoothing == "none"',
    hint="This is what you get when a corpus without a single right word is smoothed. Its score is 0.",
)
edited(
    "corpus_bleu",
    "smoothed from one on",
    old="matches = 2.0**-zeros",
    new="matches = 2.0 ** (1 - zeros)",
    hint="This is what you get when the first n without a match has the precision 1 / total. It is 1 / (2 total).",
)
edited(
    "corpus_bleu",
    "every gap smoothed alike",
    old="matches = 2.0**-zeros",
    new="matches = 0.5",
    hint="This is what you get when every n without a match has 1 / (2 total). The second one has 1 / (4 total), "
    "and so on.",
)
edited(
    "corpus_bleu",
    "everything smoothed",
    old="        if matches == 0:\n            zeros",
    new='        if smoothing == "exp" and n > 1:\n            matches, total = matches + 1, total + 1\n'
    "        elif matches == 0:\n            zeros",
    hint="This is what you get with add-one smoothing (Lin & Och 2004). exp changes only an n without a match.",
)


@mistake(
    "corpus_bleu",
    hint="This is what you get when sentences' BLEU is averaged. Matches, totals and lengths are summed over the "
    "corpus first.",
)
def mean_of_the_sentences():
    def corpus_bleu(candidates, references, smoothing="none"):
        scores = []
        for candidate, options in zip(candidates, references, strict=True):
            logs, zeros = [], 0
            for n in range(1, 5):
                matches, total = clipped_matches(candidate, options, n)
                if total == 0 or (matches == 0 and (smoothing == "none" or n == 1)):
                    logs.append(-np.inf)
                    continue
                zeros += matches == 0
                logs.append(np.log((matches or 2.0**-zeros) / total))
            scores.append(100 * brevity_penalty([candidate], [options]) * np.exp(np.mean(logs)))
        return float(np.mean(scores))


@mistake(
    "corpus_bleu",
    hint="This is what you get when the precisions of sentences are averaged. A precision is all matches of the "
    "corpus over all n-grams of the corpus.",
)
def mean_of_precisions():
    def corpus_bleu(candidates, references, smoothing="none"):
        logs, zeros = [], 0
        for n in range(1, 5):
            pairs = [clipped_matches(*sentence, n) for sentence in zip(candidates, references, strict=True)]
            matches, total = map(sum, zip(*pairs, strict=True))
            if total == 0 or (matches == 0 and (smoothing == "none" or n == 1)):
                return 0.0
            precision = np.mean([right / many for right, many in pairs if many])
            if matches == 0:
                zeros += 1
                precision = 2.0**-zeros / total
            logs.append(np.log(precision))
        return float(100 * brevity_penalty(candidates, references) * np.exp(np.mean(logs)))


@mistake(
    "corpus_bleu",
    hint="This is what you get when all sentences are joined to one: n-grams reach from a sentence into the next.",
)
def sentences_joined():
    def corpus_bleu(candidates, references, smoothing="none"):
        joined = [token for candidate in candidates for token in candidate]
        most = max(map(len, references))
        # A sentence with fewer references than others repeats its first one.
        options = [
            [token for some in references for token in (some[at] if at < len(some) else some[0])] for at in range(most)
        ]
        logs, zeros = [], 0
        for n in range(1, 5):
            matches, total = clipped_matches(joined, options, n)
            if total == 0 or (matches == 0 and (smoothing == "none" or n == 1)):
                return 0.0
            if matches == 0:
                zeros += 1
                matches = 2.0**-zeros
            logs.append(np.log(matches / total))
        return float(100 * brevity_penalty(candidates, references) * np.exp(np.mean(logs)))


@mistake(
    "corpus_bleu",
    hint="This is what you get with the precision of 4-grams alone. BLEU is the geometric mean of n = 1 to 4.",
)
def longest_only():
    def corpus_bleu(candidates, references, smoothing="none"):
        pairs = [clipped_matches(*sentence, 4) for sentence in zip(candidates, references, strict=True)]
        matches, total = map(sum, zip(*pairs, strict=True))
        return float(100 * brevity_penalty(candidates, references) * matches / total) if total else 0.0
