"""Checks of question 11: BLEU. The reference agrees with sacrebleu (tests/autograder/oracles)."""

import pytest

from autograder import agree, hidden, question

LOGS = 1e-12  # four logarithms, their mean and its exponential, in any order


def a_sentence(data, low, high, words):
    return [f"w{word}" for word in data.integers(0, words + 1, data.size(low, high))]


def a_variant(data, tokens, noise, words):
    """A copy with some tokens replaced, dropped, repeated or exchanged with the next one."""
    out = []
    others, draws = data.integers(0, words + 1, len(tokens)), data.uniform(len(tokens))
    for token, other, draw in zip(tokens, others, draws, strict=True):
        if draw < noise / 4:
            continue
        out.append(f"w{other}" if draw < noise / 2 else token)
        if draw > 1 - noise / 4:
            out.append(token)
        elif draw > 1 - noise / 2 and len(out) > 1:
            out[-2:] = out[:-3:-1]
    return out


def a_corpus(data, count, *, low=5, high=15, words=12, noise=0.5, references=3, cut=0):
    """Candidates, and for each one to `references` references that share much with it and with each other."""
    candidates, options = [], []
    for _ in range(count):
        tokens = a_sentence(data, low, high, words)
        options.append([a_variant(data, tokens, noise, words) for _ in range(data.size(1, references))])
        candidates.append(a_variant(data, tokens, noise, words)[: len(tokens) - cut])
    return candidates, options


# matches


def each_matched(ns, candidates, references, n):
    return [tuple(ns.clipped_matches(one, others, n)) for one, others in zip(candidates, references)]  # noqa: B905


@question("clipped_matches")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_matches(student, reference, data, n):
    """sentences with several references; n"""
    args = *a_corpus(data, 12, words=4), n
    agree(student.run(each_matched, *args), reference.run(each_matched, *args), what="(matches, total)")


@question("clipped_matches")
def test_repeated_words(student, data):
    """a word that is repeated, oftener than in any reference"""
    a, b, c = (f"w{word}" for word in data.permutation(50)[:3])
    many = data.size(5, 9)
    references = [[a, b, a, c], [b, a, c, c], [a, c, b, a, a]]
    got = [student.clipped_matches([word] * many, references, n) for word in (a, b, c) for n in (1, 2)]
    most = {a: (3, 1), b: (1, 0), c: (2, 1)}
    expected = [(most[word][n - 1], many + 1 - n) for word in (a, b, c) for n in (1, 2)]
    agree(got, expected, what="(matches, total)")


@question("clipped_matches")
def test_short_sentences(student, reference, data):
    """sentences shorter than n, on both sides, and empty ones"""
    candidates = [a_sentence(data, size, size, 2) for size in (0, 1, 2, 3, 5)]
    references = [[a_sentence(data, size, size, 2) for size in (0, 2, 4)] for _ in candidates]
    for n in (1, 2, 4):
        args = candidates, references, n
        agree(student.run(each_matched, *args), reference.run(each_matched, *args), what="(matches, total)")


@hidden
@question("clipped_matches")
@pytest.mark.parametrize("n", [1, 4])
def test_matches_of_long_sentences(student, reference, data, n):
    """long sentences of few words; n"""
    args = *a_corpus(data, 6, low=50, high=80, words=2, references=4), n
    agree(student.run(each_matched, *args), reference.run(each_matched, *args), what="(matches, total)")


# the penalty


def of_lengths(candidates, references):
    return [["w"] * length for length in candidates], [[["w"] * length for length in some] for some in references]


def compare_penalties(student, reference, corpora):
    agree(
        [student.brevity_penalty(*corpus) for corpus in corpora],
        [reference.brevity_penalty(*corpus).value for corpus in corpora],
        what="the penalties",
        rtol=LOGS,
    )


@question("brevity_penalty")
def test_penalties(student, reference, data):
    """corpora that are shorter than their references, or longer"""
    corpora = []
    for shift in (-4, -2, -1, 1, 4):
        lengths = [data.size(8, 25) for _ in range(8)]
        references = [[max(1, length - shift + data.size(-4, 4)) for _ in range(data.size(2, 4))] for length in lengths]
        corpora.append(of_lengths(lengths, references))
    compare_penalties(student, reference, corpora)


@question("brevity_penalty")
def test_equally_close(student, reference, data):
    """references that are equally close, one shorter and one longer"""
    corpora = []
    for _ in range(3):
        lengths = [data.size(8, 15) for _ in range(6)]
        gaps = [data.size(1, 4) for _ in range(6)]
        references = [
            data.choice([[length - gap, length + gap], [length + gap, length - gap]])
            for length, gap in zip(lengths, gaps, strict=True)
        ]
        # Some sentences are short for all of their references, so that there is a penalty.
        corpora.append(of_lengths([*lengths, 3, 4], [*references, [20, 25], [18, 30]]))
    compare_penalties(student, reference, corpora)


@question("brevity_penalty")
def test_penalties_at_the_edge(student, data):
    """empty candidates, equal lengths, one word less"""
    n = data.size(5, 20)
    corpora = [of_lengths([0, 0], [[n], [3]]), of_lengths([n, 7], [[n + 5, n], [7]]), of_lengths([n, 0], [[n], [0]])]
    agree([student.brevity_penalty(*corpus) for corpus in corpora], [0.0, 1.0, 1.0], what="the penalties")


@hidden
@question("brevity_penalty")
def test_penalties_of_large_corpora(student, reference, data):
    """large corpora"""
    corpora = [a_corpus(data, 60, noise=noise, references=5, cut=cut) for noise, cut in ((0.3, 2), (0.9, 1))]
    compare_penalties(student, reference, corpora)


# the score


def compare_scores(student, reference, corpora, *more):
    agree(
        [student.corpus_bleu(*corpus, *more) for corpus in corpora],
        [reference.corpus_bleu(*corpus, *more).value for corpus in corpora],
        what="BLEU",
        rtol=LOGS,
    )


@question("corpus_bleu")
@pytest.mark.parametrize("references", [1, 4])
def test_scores(student, reference, data, references):
    """corpora with noise; references at most"""
    corpora = [a_corpus(data, 15, words=60, noise=noise, references=references, cut=2) for noise in (0.2, 0.4, 0.6)]
    compare_scores(student, reference, corpora)


@question("corpus_bleu")
def test_long_and_short_sentences(student, reference, data):
    """good long sentences and bad short ones, some of them empty"""
    corpora = []
    for _ in range(3):
        long, short = a_corpus(data, 4, low=30, high=40, noise=0.2), a_corpus(data, 8, low=2, high=6, noise=0.9)
        empty = [[]], [[a_sentence(data, 2, 4, 9)]]
        corpora.append(tuple(one + other + none for one, other, none in zip(long, short, empty, strict=True)))
    compare_scores(student, reference, corpora)


@question("corpus_bleu")
def test_perfect_and_hopeless(student, data):
    """a reference itself, and words that nobody said"""
    tokens = [a_sentence(data, 5, 12, 30) for _ in range(4)]
    others = [[f"x{token}" for token in sentence] for sentence in tokens]
    corpora = [
        (tokens, [[other, one] for one, other in zip(tokens, others, strict=True)]),
        (tokens, [[o] for o in others]),
    ]
    agree([student.corpus_bleu(*corpus) for corpus in corpora], [100.0, 0.0], what="BLEU", rtol=LOGS)
    agree([student.corpus_bleu(*corpus, "exp") for corpus in corpora], [100.0, 0.0], what="BLEU", rtol=LOGS)


def in_pieces(data, words):
    """A sentence of which `words` neighbours, and no more, are in its reference."""
    tokens = [f"w{at}" for at in range(12)]
    mixed = [token for at in range(0, 12, words) for token in (*tokens[at : at + words], f"x{at}")]
    return mixed[: data.size(9, 11)], [tokens]


@question("corpus_bleu")
@pytest.mark.parametrize("smoothing", ["none", "exp"])
def test_lengths_without_a_match(student, reference, data, smoothing):
    """few sentences, in which no long n-gram matches; smoothing"""
    corpora = []
    for words in (1, 2, 3):
        pairs = [in_pieces(data, words) for _ in range(data.size(1, 3))]
        corpora.append(([one for one, _ in pairs], [others for _, others in pairs]))
    compare_scores(student, reference, corpora, smoothing)


@question("corpus_bleu")
@pytest.mark.parametrize("smoothing", ["none", "exp"])
def test_nothing_of_length_four(student, reference, data, smoothing):
    """sentences of fewer than four words; smoothing"""
    short = [a_sentence(data, size, size, 9) for size in (3, 2, 3)]
    corpora = [(short, [[one] for one in short]), ([[]], [[short[0]]]), ([[], []], [[[]], [[]]])]
    compare_scores(student, reference, corpora, smoothing)


@hidden
@question("corpus_bleu")
@pytest.mark.parametrize("smoothing", ["none", "exp"])
def test_scores_of_large_corpora(student, reference, data, smoothing):
    """large corpora; smoothing"""
    corpora = [a_corpus(data, 40, words=30, noise=noise, references=4) for noise in (0.3, 0.8)]
    compare_scores(student, reference, corpora, smoothing)
