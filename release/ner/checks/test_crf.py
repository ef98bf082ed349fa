"""Checks of questions 8 and 9: the CRF's sums and gradients, and the best legal tagging."""

import itertools

import numpy as np
import pytest

from autograder import agree, hidden, question

# Scores of thousands, added up along two ways, leave so many units in the last place.
ENUMERATED = 1e-12


def a_mask(data, b, t):
    """Lengths from 1 to t, both of which occur."""
    lengths = np.array([data.size(1, t) for _ in range(b)])
    lengths[:2] = [t, max(1, t - 2)]
    lengths[-1] = 1
    return np.arange(t) < lengths[data.permutation(b)][:, None]


def a_crf(data, kind="plain", dtype="float64", *, b=None, t=None, k=None):
    """emissions, transitions, start, end, mask. At the padding lie numbers far from the others."""
    b, t, k = b or data.size(3, 5), 1 if kind == "one word" else t or data.size(5, 8), k or data.size(3, 5)
    mask, scale = a_mask(data, b, t), 1.5
    emissions = data.normal(b, t, k, scale=scale, dtype=dtype)
    if kind == "large scores":
        # Large for all tags of a word alike: exp overflows or vanishes, and yet no tag is certain.
        level = np.array([400, -400] * b)[:b, None, None]
        emissions = (emissions + level).astype("float32").astype(dtype)
    emissions = np.where(mask[..., None], emissions, emissions + np.asarray(7, dtype))
    transitions = data.normal(k, k, scale=scale, dtype=dtype)
    start, end = data.normal(k, scale=scale, dtype=dtype), data.normal(k, scale=scale, dtype=dtype)
    if kind == "ruled out":
        # The last tag never comes first, nothing but the last two leads to it, and the first never comes last.
        transitions[: k - 2, k - 1] = start[k - 1] = end[0] = -np.inf
    return emissions, transitions, start, end, mask


KINDS = ["plain", "large scores", "ruled out", "one word"]


def score_of(emissions, transitions, start, end, tags):
    """The score of one tagging of one sentence, word by word."""
    total, before = 0.0, None
    for emission, tag in zip(emissions, tags, strict=True):
        total += emission[tag] + (start[tag] if before is None else transitions[before, tag])
        before = tag
    return total + end[before]


def enumerated(emissions, transitions, start, end):
    """All taggings of one sentence and their scores."""
    t, k = emissions.shape
    taggings = list(itertools.product(range(k), repeat=t))
    return taggings, np.array([score_of(emissions, transitions, start, end, tags) for tags in taggings])


# -- score, sum, marginals, gradient ------------------------------------------------------------------------------


def some_tags(data, mask, k, padding):
    tags = data.integers(0, k, *mask.shape)
    return np.where(mask, tags, padding if padding is not None else tags)


@question("crf_score")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("padding", [None, -100, 0], ids=["any tags", "-100", "0"])
def test_score(student, reference, data, padding, dtype):
    """The score of a tagging; at the padding"""
    emissions, transitions, start, end, mask = a_crf(data, dtype=dtype)
    args = emissions, transitions, start, end, some_tags(data, mask, len(start), padding), mask
    agree(student.crf_score(*args), reference.crf_score(*args), what="the scores")


@question("crf_score")
def test_score_of_one_word(student, reference, data):
    """Sentences of one word"""
    emissions, transitions, start, end, mask = a_crf(data, "one word")
    args = emissions, transitions, start, end, some_tags(data, mask, len(start), None), mask
    agree(student.crf_score(*args), reference.crf_score(*args), what="the scores")


@question("crf_score")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_score_of_what_is_ruled_out(student, reference, data, dtype):
    """A tagging that is ruled out by -inf, and others next to which only the padding is"""
    emissions, transitions, start, end, mask = a_crf(data, "ruled out", dtype, k=data.size(4, 6))
    k = len(start)
    tags = data.integers(1, k - 1, *mask.shape)  # nothing is ruled out between these
    lengths = mask.sum(axis=1)
    tags[~mask], tags[np.arange(len(mask)), lengths - 1] = k - 1, 1  # but from 1 into the padding
    tags[int(lengths.argmax()), 0] = k - 1
    args = emissions, transitions, start, end, tags, mask
    agree(student.crf_score(*args), reference.crf_score(*args), what="the scores")


@question("crf_forward")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_forward(student, reference, data, kind, dtype):
    """alpha and log Z"""
    args = a_crf(data, kind, dtype)
    agree(student.crf_forward(*args), reference.crf_forward(*args), names=("alpha", "log Z"))


@question("crf_forward")
@pytest.mark.parametrize("t", [1, 2, 4])
def test_all_taggings(student, data, t):
    """log Z is the sum over all taggings, one by one; words"""
    emissions, transitions, start, end, mask = args = a_crf(data, b=3, t=t, k=3)
    totals = []
    for row, real in zip(emissions, mask, strict=True):
        scores = enumerated(row[real], transitions, start, end)[1]
        totals.append(np.logaddexp.reduce(scores))
    agree(student.crf_forward(*args)[1], np.array(totals), what="log Z", rtol=ENUMERATED)


NAMES = ("the marginals of tags", "the marginals of pairs")


@question("crf_marginals")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_marginals(student, reference, data, kind, dtype):
    """The marginals"""
    args = a_crf(data, kind, dtype)
    agree(student.crf_marginals(*args), reference.crf_marginals(*args), names=NAMES)


@question("crf_marginals")
def test_marginals_of_all_taggings(student, data):
    """The marginals are sums over all taggings, one by one"""
    emissions, transitions, start, end, mask = args = a_crf(data, b=3, t=4, k=3)
    unary, pairs = np.zeros(emissions.shape), np.zeros((3, 3, 3, 3))
    for row, real in enumerate(mask):
        taggings, scores = enumerated(emissions[row, real], transitions, start, end)
        shares = np.exp(scores - np.logaddexp.reduce(scores))
        for tags, share in zip(taggings, shares, strict=True):
            for place, tag in enumerate(tags):
                unary[row, place, tag] += share
            for at, (one, two) in enumerate(itertools.pairwise(tags)):
                pairs[row, at, one, two] += share
    agree(student.crf_marginals(*args), (unary, pairs), names=NAMES, rtol=ENUMERATED)


def small_scores(data, kind, dtype, *, b):
    """A CRF whose log Z is near 0, for what is lost in log Z is lost in each marginal.

    Many tags and sentences: of a few numbers, the reference's own rounding error may be small by luck.
    """
    emissions, transitions, start, end, mask = a_crf(data, kind, dtype, b=b, k=data.size(7, 9))
    emissions = (emissions.astype("float32") / 2 - np.float32(2.5)).astype(dtype)
    return emissions, transitions / 2, start / 2, end / 2, mask


GRADIENTS = ("demissions", "dtransitions", "dstart", "dend")


@question("crf_gradient")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["plain", "ruled out", "one word"])
def test_gradient(student, reference, data, kind, dtype):
    """The gradient of log Z under random cotangents"""
    args = small_scores(data, kind, dtype, b=data.size(6, 9))
    dlog_z = data.normal(len(args[0]), dtype=dtype)
    agree(student.crf_gradient(*args, dlog_z), reference.crf_gradient(*args, dlog_z), names=GRADIENTS)


# -- the best legal tagging ---------------------------------------------------------------------------------------


def a_tag_set(data, prefixes, *, complete=True):
    kind = "".join(data.choice("CDFGHKMN") for _ in range(3))
    tags = ["O", *(f"{prefix}-{name}" for name in (kind, f"{kind}X", f"B-{kind}") for prefix in prefixes)]
    tags = [tags[at] for at in data.permutation(len(tags))]
    return tags if complete else tags[: data.size(5, 7)]


@question("allowed_transitions")
@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_allowed(student, reference, data, scheme):
    """What may follow what, first come, last come"""
    tags = a_tag_set(data, "BI" if scheme == "IOB2" else "BIES")
    got, expected = (side.allowed_transitions(tags, scheme) for side in (student, reference))
    agree(got, expected, names=("start", "transitions", "end"))


def rules(data, scheme):
    """start, transitions, end of one type's tags in random order, and which of them a model would like too much."""
    tags = ["O", "B", "I"] if scheme == "IOB2" else ["O", "B", "I", "E", "S"]
    follows = {
        "IOB2": {"O": "OB", "B": "OBI", "I": "OBI"},
        "BIOES": {"O": "OBS", "B": "IE", "I": "IE", "E": "OBS", "S": "OBS"},
    }[scheme]
    tags = [tags[at] for at in data.permutation(len(tags))]
    transitions = np.array([[after in follows[before] for after in tags] for before in tags])
    start = np.array([tag in follows["O"] for tag in tags])
    end = np.array([scheme == "IOB2" or tag not in "BI" for tag in tags])
    liked = np.array([3.0 * (tag in "IE") for tag in tags])
    return (start, transitions, end), liked


def tempted(emissions, allowed, by):
    """The emissions with more for the tags that may not come first, or last."""
    emissions = emissions.copy()
    emissions[0] += by * ~allowed[0]
    emissions[-1] += by * ~allowed[2]
    return emissions


def best_of_all(emissions, transitions, start, end, rules=(True, True, True)):
    may_start, may_follow, may_end = rules
    transitions = np.where(may_follow, transitions, -np.inf)
    start, end = np.where(may_start, start, -np.inf), np.where(may_end, end, -np.inf)
    taggings, scores = enumerated(emissions, transitions, start, end)
    return np.array(taggings[int(scores.argmax())]), float(scores.max())


BEST = ("the tags", "their score")


def a_sentence(data, t, k, scale=1.0, dtype="float64"):
    return [data.normal(*shape, scale=scale, dtype=dtype) for shape in ((t, k), (k, k), (k,), (k,))]


@question("viterbi")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("t", [1, 2, 12, 25])
def test_best(student, reference, data, t, dtype):
    """The best of all taggings; words"""
    args = a_sentence(data, t, data.size(3, 6), dtype=dtype)
    agree(student.viterbi(*args), reference.viterbi(*args), names=BEST)


@question("viterbi")
def test_best_one_by_one(student, data):
    """The best of all taggings, compared one by one"""
    for t in range(1, 6):
        args = a_sentence(data, t, 3)
        agree(student.viterbi(*args), best_of_all(*args), names=BEST, rtol=ENUMERATED)


@question("viterbi")
@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_best_legal(student, data, scheme):
    """The best legal tagging, compared one by one, where the model likes others better"""
    allowed, liked = rules(data, scheme)
    for t in range(2, 6):
        emissions, *others = a_sentence(data, t, len(liked))
        args = tempted(emissions + liked, allowed, 3.0), *others, allowed
        agree(student.viterbi(*args), best_of_all(*args), names=BEST, rtol=ENUMERATED)


@question("viterbi")
@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_strong_likes(student, reference, data, scheme):
    """The best legal tagging, where the model likes others by far"""
    allowed, liked = rules(data, scheme)
    emissions, *others = a_sentence(data, data.size(6, 9), len(liked), scale=10.0)
    emissions = emissions + 1e6 * liked + 1e6 * (data.normal(*emissions.shape) > 0)
    args = tempted(emissions, allowed, 5e6), *others, allowed
    agree(student.viterbi(*args), reference.viterbi(*args), names=BEST)
