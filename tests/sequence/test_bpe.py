"""Checks of question 9: byte-level BPE, from counting pairs to decoding."""

import pytest

from autograder import agree, hidden, question

# What is in texts: letters of one to four bytes, marks of their own, signs, digits, several kinds of white space.
PIECES = "the dog's cat, isn't naïve Łucja người Jose\u0301 42 snake_case x=1; (a) 😀 👩‍🚀 日本 — \t \n \r\n   …".split(
    " "
)


def some_bytes(data, count):
    """Different bytes, in random order."""
    return data.permutation(256)[:count].tolist()


def a_word(data, alphabet, low, high):
    return [alphabet[at] for at in data.integers(0, len(alphabet), data.size(low, high))]


def a_corpus(data, *, letters, count, longest=8, most=9):
    """Words of few letters, so that pairs overlap and counts are equal now and then."""
    alphabet = some_bytes(data, letters)
    return {bytes(a_word(data, alphabet, 1, longest)): data.size(1, most) for _ in range(count)}


def a_text(data, count=40):
    """Pieces in random order, mostly with a space between them."""
    return "".join(data.choice(PIECES) + data.choice([" ", " ", " ", "  ", "", "\n"]) for _ in range(count))


def some_merges(data, tokens, count):
    """Merges in an order that has nothing to do with how frequent their pairs are, and what they make of `tokens`."""
    order, text = {}, "".join(map(chr, tokens))
    while len(order) < count and len(text) > 1:
        at = data.size(0, len(text) - 2)
        pair, new = text[at : at + 2], chr(256 + len(order))
        order[ord(pair[0]), ord(pair[1])] = ord(new)
        text = text.replace(pair, new)
    return order, [ord(char) for char in text]


def each_word(ns, words, merges):
    return [ns.encode_word(word, merges) for word in words]


# pairs


def counted(ns, words):
    return dict(ns.pair_counts(words))


@question("pair_counts")
@pytest.mark.parametrize("letters", [2, 5])
def test_counts(student, reference, data, letters):
    """the counts in a corpus; different tokens in it"""
    alphabet = [*some_bytes(data, letters - 1), data.size(256, 999)]
    words = {tuple(a_word(data, alphabet, 2, 9)): data.size(2, 50) for _ in range(25)}
    agree(student.run(counted, words), reference.run(counted, words), what="the counts")


@question("pair_counts")
def test_counts_of_runs(student, data):
    """a token many times in a row"""
    a, length, count = data.size(0, 255), data.size(4, 9), data.size(2, 9)
    agree(student.run(counted, {(a,) * length: count}), {(a, a): (length - 1) * count}, what="the counts")


@question("pair_counts")
def test_no_pairs(student, data):
    """no words, and words of one token"""
    words = {(token,): data.size(1, 9) for token in some_bytes(data, 5)}
    agree([student.run(counted, {}), student.run(counted, words)], [{}, {}], what="the counts")


@hidden
@question("pair_counts")
def test_counts_of_many(student, reference, data):
    """a large corpus"""
    words = {tuple(data.integers(0, 300, data.size(1, 12)).tolist()): data.size(1, 10**6) for _ in range(200)}
    agree(student.run(counted, words), reference.run(counted, words), what="the counts")


def each_merged(ns, words, pair, new):
    return [ns.merge_pair(tokens, pair, new) for tokens in words]


@question("merge_pair")
@pytest.mark.parametrize("same", [False, True], ids=["ab", "aa"])
def test_merged(student, reference, data, same):
    """words of few tokens; the pair is"""
    a, b, c = some_bytes(data, 3)
    pair = (a, a) if same else (a, b)
    words = [tuple(a_word(data, [a, a, b, b, c], 2, 12)) for _ in range(25)]
    args = words, pair, data.size(256, 999)
    agree(student.run(each_merged, *args), reference.run(each_merged, *args), what="the words")


@question("merge_pair")
def test_merged_runs(student, data):
    """runs of one token, of every length"""
    a, new = data.size(0, 255), data.size(256, 999)
    words, expected = [(a,) * n for n in range(9)], [(new,) * (n // 2) + (a,) * (n % 2) for n in range(9)]
    agree(student.run(each_merged, words, (a, a), new), expected, what="the words")


@question("merge_pair")
def test_merged_ends(student, data):
    """no token, one token, nothing but the pair, the pair at either end, the pair turned round"""
    a, b, c = (int(token) for token in data.permutation(400)[:3])
    new = 400 + data.size(0, 99)
    words = [(), (a,), (b,), (a, b), (a, b, c), (c, a, b), (b, a), (a, c, b), (a, a, b, b)]
    expected = [(), (a,), (b,), (new,), (new, c), (c, new), (b, a), (a, c, b), (a, new, b)]
    agree(student.run(each_merged, words, (a, b), new), expected, what="the words")


@hidden
@question("merge_pair")
def test_merged_long(student, reference, data):
    """long words"""
    a, b = some_bytes(data, 2)
    words = [tuple(a_word(data, [a, b], 60, 90)) for _ in range(5)]
    args = words, data.choice([(a, b), (b, a), (b, b)]), data.size(256, 999)
    agree(student.run(each_merged, *args), reference.run(each_merged, *args), what="the words")


# training


def learned(ns, words, num_merges):
    """The merges in their order."""
    return list(dict(ns.train_bpe(words, num_merges)).items())


def compare_training(student, reference, words, num_merges):
    args = words, num_merges
    agree(student.run(learned, *args), reference.run(learned, *args), what="the merges")


@question("train_bpe")
@pytest.mark.parametrize("letters", [2, 4, 7])
def test_trained(student, reference, data, letters):
    """the merges learned from a corpus; different bytes in it"""
    compare_training(student, reference, a_corpus(data, letters=letters, count=30), data.size(10, 14))


@question("train_bpe")
@pytest.mark.parametrize("letters", [3, 6])
def test_trained_with_ties(student, reference, data, letters):
    """many pairs that are equally frequent; different bytes in the corpus"""
    compare_training(student, reference, a_corpus(data, letters=letters, count=12, longest=6, most=1), 12)


@question("train_bpe")
def test_trained_on_weights(student, reference, data):
    """one frequent word among many rare ones"""
    words = a_corpus(data, letters=4, count=30, most=2)
    words |= {bytes(some_bytes(data, 6)): data.size(200, 300)}
    words = {word: words[word] for word in (list(words)[at] for at in data.permutation(len(words)))}
    compare_training(student, reference, words, 10)


@question("train_bpe")
def test_trained_to_the_end(student, reference, data):
    """more merges than there are pairs, or none at all"""
    words = a_corpus(data, letters=3, count=4, longest=5)
    alone = {bytes([byte]): 3 for byte in some_bytes(data, 3)}
    cases = [(words, 500), (words, 0), ({}, 5), (alone, 5)]
    agree(
        [student.run(learned, *args) for args in cases],
        [reference.run(learned, *args).value for args in cases],
        what="the merges",
    )


@hidden
@question("train_bpe")
def test_trained_on_text(student, reference, data):
    """a text in several alphabets, its words in random order"""
    words = {}
    for word in a_text(data, 120).split(" "):
        words[word.encode()] = words.get(word.encode(), 0) + data.size(1, 3)
    words = {word: words[word] for word in (list(words)[at] for at in data.permutation(len(words)))}
    compare_training(student, reference, words, 40)


# encoding


def compare_words(student, reference, words, merges):
    agree(student.run(each_word, words, merges), reference.run(each_word, words, merges), what="the tokens")


@question("encode_word")
@pytest.mark.parametrize("letters", [2, 3, 5])
def test_encoded(student, reference, data, letters):
    """words of few letters; different bytes in them"""
    alphabet = some_bytes(data, letters)
    merges, _ = some_merges(data, a_word(data, alphabet, 150, 150), 15)
    words = [bytes(a_word(data, alphabet, 2, 14)) for _ in range(40)]
    compare_words(student, reference, words, merges)


@question("encode_word")
def test_order_of_merges(student, data):
    """merges that take each other's bytes"""
    a, b, c, d = some_bytes(data, 4)
    word = bytes([a, b, c, d])
    cases = [
        ({(b, c): 256, (a, b): 257, (256, d): 258}, [a, 258]),
        ({(a, b): 256, (b, c): 257, (256, c): 258}, [258, d]),
        ({(c, d): 256, (b, 256): 257, (a, b): 258}, [a, 257]),
        ({(a, b): 256, (c, d): 257, (b, 257): 258}, [256, 257]),
        ({(b, c): 256, (a, 256): 257, (257, d): 258, (c, d): 259}, [258]),
    ]
    got = [student.encode_word(word, merges) for merges, _ in cases]
    agree(got, [tokens for _, tokens in cases], what="the tokens")


@question("encode_word")
def test_any_bytes(student, reference, data):
    """all 256 bytes, and bytes that are no UTF-8"""
    everything = data.permutation(256).tolist()
    merges, _ = some_merges(data, everything * 2, 60)
    words = [bytes(everything), *(bytes(data.integers(0, 256, data.size(1, 30)).tolist()) for _ in range(5))]
    compare_words(student, reference, words, merges)


@question("encode_word")
def test_little_to_encode(student, reference, data):
    """no bytes, one byte, no merges"""
    alphabet = some_bytes(data, 3)
    merges, _ = some_merges(data, a_word(data, alphabet, 30, 30), 4)
    compare_words(student, reference, [b"", *(bytes([byte]) for byte in alphabet)], merges)
    compare_words(student, reference, [b"", bytes(a_word(data, alphabet, 5, 9))], {})


@hidden
@question("encode_word")
def test_encoded_long(student, reference, data):
    """long words and many merges"""
    alphabet = some_bytes(data, 4)
    merges, _ = some_merges(data, a_word(data, alphabet, 400, 400), 80)
    compare_words(student, reference, [bytes(a_word(data, alphabet, 50, 80)) for _ in range(8)], merges)


@question("encode_text")
@pytest.mark.parametrize("count", [10, 60])
def test_encoded_text(student, reference, data, count):
    """a text, with merges that reach across its words; pieces in it"""
    text = a_text(data, count)
    merges, _ = some_merges(data, list(text.encode()), 60)
    agree(student.encode_text(text, merges), reference.encode_text(text, merges), what="the tokens")


@question("encode_text")
def test_encoded_spaces(student, reference, data):
    """white space at both ends, and of several kinds"""
    spaces = ["  ", "\t", "\n\n", " \u00a0", "\r\n", "   "]
    order = data.permutation(len(spaces))
    text = "".join(spaces[at] + data.choice(["a", "aa", "a.", "é"]) for at in order) + data.choice(spaces)
    merges, _ = some_merges(data, list((text * 3).encode()), 25)
    agree(student.encode_text(text, merges), reference.encode_text(text, merges), what="the tokens")


@question("encode_text")
def test_encoded_without_merges(student, data):
    """the bytes of a text, if there are no merges, and of no text"""
    text = "É" + a_text(data, 12)
    agree([student.encode_text(text, {}), student.encode_text("", {})], [list(text.encode()), []], what="the tokens")


@hidden
@question("encode_text")
def test_encoded_long_text(student, reference, data):
    """a long text with few merges"""
    text = a_text(data, 150)
    merges, _ = some_merges(data, list(text.encode()), 20)
    agree(student.encode_text(text, merges), reference.encode_text(text, merges), what="the tokens")


# decoding


@question("decode_ids")
@pytest.mark.parametrize("count", [0, 30, 100])
def test_decoded(student, data, count):
    """a text of several alphabets, from tokens that begin and end anywhere; merges"""
    text = a_text(data, 15) + "😀 người"
    merges, tokens = some_merges(data, list(text.encode()), count)
    agree(student.decode_ids(tokens, merges), text, what="the text")


@question("decode_ids")
def test_decoded_garbage(student, data):
    """bytes that are no UTF-8"""
    ids = data.integers(0, 256, 60).tolist()
    broken = (
        b"\xf0\x9f\x98",
        b"a\x80b",
        b"\xed\xa0\x80",
        b"\xc0\xaf",
        b"\xe2\x28\xa1",
        b"\xff\xfe",
        b"\xef\xbb\xbfx\x00",
    )
    expected = [one.decode("utf-8", errors="replace") for one in (bytes(ids), *broken)]
    got = [student.decode_ids(list(one), {}) for one in (bytes(ids), *broken)]
    agree(got, expected, what="the texts")


@question("decode_ids")
def test_decoded_pieces(student, reference, data):
    """the first tokens of a text, which may end within a character"""
    text = "".join(data.choice("😀日ộéa") for _ in range(12))
    merges, tokens = some_merges(data, list(text.encode()), 8)
    got, expected = (
        [side.decode_ids(tokens[:end], merges) for end in range(len(tokens) + 1)] for side in (student, reference)
    )
    agree(got, [one.value for one in expected], what="the texts")


@hidden
@question("decode_ids")
def test_there_and_back(student, data):
    """what encode_text gives is the text again"""
    text = " \n" + a_text(data, 40) + data.choice([" ", "\n", "😀", "\u0301"])
    merges, _ = some_merges(data, list(text.encode()), 60)
    agree(student.decode_ids(student.encode_text(text, merges), merges), text, what="the text")
