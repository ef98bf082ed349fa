"""Checks of questions 3 to 5: subwords and their labels, parts that fit, windows that overlap."""

import numpy as np
import pytest

from autograder import agree, hidden, question


def some_words(data, count):
    return ["".join(data.choice("abcdeghiklmnoprstuvzäéłøþň") for _ in range(data.size(1, 9))) for _ in range(count)]


def some_types(data):
    """Names of types; "B-" stands inside of one."""
    first = "".join(data.choice("CDFGHKMN") for _ in range(3))
    return [first, f"SUB-{first}"]


def some_tags(data, length, kinds):
    """Legal IOB2 tags: first two spans side by side and an O, then anything."""
    tags = [f"B-{kinds[1]}", f"B-{kinds[0]}", f"I-{kinds[0]}", "O"]
    while len(tags) < length:
        kind = data.choice(kinds)
        tags += data.choice([["O"], ["O"], [f"B-{kind}"], [f"B-{kind}", f"I-{kind}"]])
    return tags[:length]


# -- pieces and labels --------------------------------------------------------------------------------------------


def cut(ns, words, width, silent):
    """Pieces and word ids, with a tokenizer that cuts after `width` characters and is silent about some words."""

    class ChangedArgument(Exception):
        pass

    def tokenize(word):
        pieces = [word[at : at + width] for at in range(0, len(word), width)]
        return [] if word in silent else [piece if at == 0 else "##" + piece for at, piece in enumerate(pieces)]

    given = list(words)
    pieces, word_ids = ns.subwords(given, tokenize)
    if given != words:
        raise ChangedArgument("subwords changes the list that it is given; work on a copy")
    return list(pieces), list(word_ids)


NAMES = ("the pieces", "the word ids")


@question("subwords")
@pytest.mark.parametrize("silent", [False, True], ids=["every word has pieces", "a word without pieces"])
def test_pieces(student, reference, data, silent):
    """The pieces of a sentence"""
    words = some_words(data, data.size(4, 7))
    words[1] = words[-1] = "lorněmaren"[: data.size(7, 10)]
    args = words, data.size(2, 3), [words[2]] if silent else []
    agree(student.run(cut, *args), reference.run(cut, *args), names=NAMES)


def label(ns, tags, word_ids, label_ids, every_piece):
    """The labels, and an error if what was given isn't as it was."""

    class ChangedArgument(Exception):
        pass

    given = list(tags), list(word_ids), dict(label_ids)
    labels = ns.align_labels(*given, every_piece=every_piece)
    if given != (tags, word_ids, label_ids):
        raise ChangedArgument("align_labels changes what it is given; work on a copy")
    return labels


def labelled(data, *, first=0):
    """Tags, the words of pieces (from word `first` on), and ids in which O isn't 0."""
    kinds = some_types(data)
    length = first + data.size(9, 12)
    tags = some_tags(data, length, kinds)
    word_ids = [None]
    for word in range(first, length):
        word_ids += [word] * (data.size(2, 3) if word < first + 4 else data.size(1, 3))
    names = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in kinds)]
    ids = {name: int(at) + 1 for name, at in zip(names, data.permutation(len(names)), strict=True)}
    return tags, [*word_ids, None], ids


@question("align_labels")
@pytest.mark.parametrize("every_piece", [False, True])
@pytest.mark.parametrize("first", [0, 4], ids=["a sentence", "a later part"])
def test_labels(student, reference, data, every_piece, first):
    """The labels of pieces"""
    args = *labelled(data, first=first), every_piece
    got, expected = (side.run(label, *args) for side in (student, reference))
    agree(got, expected, what="the labels")


# -- parts that fit -----------------------------------------------------------------------------------------------


def split_each(ns, problems):
    """The parts for each (counts, spans, limit), or "ValueError"."""

    class ChangedArgument(Exception):
        pass

    found = []
    for counts, spans, limit in problems:
        given = list(counts), list(spans)
        try:
            found.append([(int(start), int(end)) for start, end in ns.split_words(*given, limit)])
        except ValueError:
            found.append("ValueError")
        if given != (counts, spans):
            raise ChangedArgument("split_words changes a list that it is given; work on a copy")
    return found


def compare_split(student, reference, *problems):
    problems = list(problems)
    agree(student.run(split_each, problems), reference.run(split_each, problems), what="the parts of each sentence")


@question("split_words")
def test_long_words(student, reference, data):
    """Words of nearly the limit"""
    size = data.size(3, 9)
    counts = [size] * data.size(4, 7)
    compare_split(student, reference, (counts, [], size + 2), (counts, [], 2 * size + 1), (counts, [], 2 * size + 2))


@question("split_words")
def test_no_entities(student, reference, data):
    """Sentences without entities"""
    problems = []
    for _ in range(6):
        counts = [data.size(1, 5) for _ in range(data.size(15, 25))]
        problems.append((counts, [], data.size(8, 14)))
    compare_split(student, reference, *problems)


@question("split_words")
def test_entity_at_the_cut(student, reference, data):
    """An entity where the cut would be"""
    problems = []
    for back in (1, 2, 3):
        room = data.size(6, 9)
        counts = [1] * (2 * room + 3)
        # words [room - back, room + 1) are an entity: a cut at `room` would be inside of it
        problems.append((counts, [(room - back, room + 1, "X"), (room + 1, room + 2, "X")], room + 2))
        problems.append((counts, [(room - back, room, "X"), (room, room + 2, "Y")], room + 2))
    compare_split(student, reference, *problems)


@question("split_words")
def test_entity_too_long(student, reference, data):
    """An entity that fits into no part"""
    room, before = data.size(5, 8), data.size(1, 3)
    length = before + 2 * room + 3
    compare_split(
        student,
        reference,
        ([1] * length, [(before, length - 1, "X")], room + 2),
        ([1] * length, [(0, length, "X")], room + 2),
        ([2] * length, [(before, before + room + 2, "X"), (before + room + 2, length, "X")], room + 2),
    )


@question("split_words")
def test_word_too_long(student, reference, data):
    """A word that fits alone, one that doesn't, and no word"""
    size = data.size(5, 9)
    words = [1, size, 2]
    problems = [(words, [], size + 2), (words, [], size + 1), (words, [], size), ([], [], size)]
    compare_split(student, reference, *problems)


# -- windows ------------------------------------------------------------------------------------------------------


def windows_each(ns, problems):
    """The windows over each text, by (length, size, overlap)."""
    return {problem: [(int(start), int(end)) for start, end in ns.windows(*problem)] for problem in problems}


@question("windows")
@pytest.mark.parametrize("kind", ["some", "short", "exact", "far overlapping", "apart"])
def test_windows(student, reference, data, kind):
    """The windows over some texts"""
    size, overlap, steps = data.size(6, 9), data.size(1, 2), data.size(2, 5)
    problems = {
        "some": [(length, size, overlap) for length in range(3 * size, 4 * size)],
        "short": [(length, size, overlap) for length in range(size + 1)],
        "exact": [(size + n * (size - overlap) + more, size, overlap) for n in range(steps) for more in (0, 1)],
        "far overlapping": [(length, size, size - 1 - n) for n in range(2) for length in range(size, 2 * size)],
        "apart": [(length, size, 0) for length in range(size, 3 * size + 1)],
    }[kind]
    agree(
        student.run(windows_each, problems),
        reference.run(windows_each, problems),
        what="the windows of (length, size, overlap)",
    )


def some_windows(data, reference, kind):
    """Windows over two texts: one that they fill, and one whose last window is shorter than the others."""
    size = data.size(7, 11)
    overlap = {"few": 3, "many": size - data.size(2, 3), "none": 0}[kind]
    step = size - overlap
    full = size + data.size(2, 4) * step
    return [reference.windows(length, size, overlap).value for length in (full, full + data.size(1, step - 1))]


@question("merge_mean")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("overlaps", ["few", "many", "none"])
def test_mean(student, reference, data, overlaps, dtype):
    """The mean of the scores, with overlaps"""
    k = data.size(2, 5)
    for ranges in some_windows(data, reference, overlaps):
        scores = [data.normal(end - start, k, dtype=dtype) for start, end in ranges]
        agree(student.merge_mean(scores, ranges), reference.merge_mean(scores, ranges), what="the scores")


@question("merge_by_context")
@pytest.mark.parametrize("dtype", ["int64", "int32"])
@pytest.mark.parametrize("overlaps", ["few", "many", "none"])
def test_context(student, reference, data, overlaps, dtype):
    """The label of the window with most context, with overlaps"""
    for ranges in some_windows(data, reference, overlaps):
        # Labels tell their window, so that no wrong choice is right by luck.
        labels = [data.integers(100 * at, 100 * at + 100, end - start) for at, (start, end) in enumerate(ranges)]
        labels = [label.astype(dtype) for label in labels]
        got, expected = (side.merge_by_context(labels, ranges) for side in (student, reference))
        agree(got, expected, what="the labels")
