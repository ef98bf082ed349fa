"""Checks of question 7: spans counted, and precision, recall and F1."""

import pytest

from autograder import agree, hidden, question


def count(ns, gold, guessed):
    class ChangedArgument(Exception):
        pass

    given = [list(tags) for tags in gold], [list(tags) for tags in guessed]
    counts = ns.span_counts(*given)
    if given != (gold, guessed):
        raise ChangedArgument("span_counts changes a list that it is given; work on a copy")
    # Sorted: what comes out of a set has another order each time.
    return {str(kind): tuple(int(number) for number in three) for kind, three in sorted(counts.items())}


def report(ns, counts):
    class ChangedArgument(Exception):
        pass

    given = dict(counts)
    scores = {str(name): tuple(float(number) for number in three) for name, three in ns.f1_report(given).items()}
    if given != counts:
        raise ChangedArgument("f1_report changes the counts that it is given; make a dict of its own")
    return scores


def some_types(data):
    first = "".join(data.choice("CDFGHKMN") for _ in range(3))
    return [first, f"{data.choice('PQR')}-{first}", f"{first}X"]


def some_tags(data, length, kinds, prefixes="BI"):
    """Any tags, legal or not, in which neighbours are often of one type."""
    tags, kind = [], data.choice(kinds)
    for _ in range(length):
        kind = data.choice([kind, kind, *kinds])
        tags.append("O" if data.size(1, 3) == 1 else f"{data.choice(prefixes)}-{kind}")
    return tags


def noisy(data, tags, kinds, prefixes="BI"):
    """The tags with about one in five drawn anew."""
    return [some_tags(data, 1, kinds, prefixes)[0] if data.size(1, 5) == 1 else tag for tag in tags]


def compare_counts(student, reference, gold, guessed):
    agree(student.run(count, gold, guessed), reference.run(count, gold, guessed), what="the counts")


@question("span_counts")
@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES"])
def test_noisy_guesses(student, reference, data, prefixes):
    """Noisy guesses of noisy tags; prefixes"""
    kinds = some_types(data)
    gold = [some_tags(data, data.size(8, 16), kinds, prefixes) for _ in range(12)]
    compare_counts(student, reference, gold, [noisy(data, tags, kinds, prefixes) for tags in gold])


@question("span_counts")
def test_sentences(student, reference, data):
    """Spans at the ends of sentences"""
    a, b, _ = some_types(data)
    gold = [["O", f"B-{a}"], [f"I-{a}", f"I-{a}", "O", f"B-{b}"], [f"I-{b}"], [f"I-{b}", "O"]]
    guessed = [["O", f"B-{a}"], [f"I-{a}", f"I-{a}", "O", f"I-{b}"], [f"I-{b}"], [f"B-{b}", "O"]]
    order = data.permutation(2).tolist()
    gold, guessed = ([*tags, *([tags[0], tags[1]][at] for at in order)] for tags in (gold, guessed))
    compare_counts(student, reference, gold, guessed)


@question("span_counts")
def test_same_places(student, reference, data):
    """The same span in several sentences"""
    a, b, c = some_types(data)
    times = data.size(3, 5)
    gold = [[f"B-{a}", "O", f"B-{b}", f"I-{b}"]] * times + [["O"] * 4]
    guessed = [[f"B-{a}", "O", f"B-{b}", f"B-{b}"]] * (times - 1) + [["O"] * 4, [f"B-{a}", f"I-{a}", "O", f"B-{c}"]]
    compare_counts(student, reference, gold, guessed)


@question("span_counts")
def test_half_right(student, reference, data):
    """Spans that are right by half: too long, too short, of another type"""
    a, b, c = some_types(data)
    gold = [[f"B-{a}", f"I-{a}", "O"], [f"B-{a}", f"I-{a}", "O"], [f"B-{b}", f"I-{b}", "O"], [f"B-{b}", "O", "O"]]
    guessed = [[f"B-{a}", "O", "O"], [f"B-{a}", f"I-{a}", f"I-{a}"], [f"B-{c}", f"I-{c}", "O"], [f"I-{b}", "O", "O"]]
    order = data.permutation(4).tolist()
    compare_counts(student, reference, [gold[at] for at in order], [guessed[at] for at in order])


def compare_report(student, reference, counts):
    agree(student.run(report, counts), reference.run(report, counts), what="the report")


def some_counts(data, kinds):
    counts = {}
    for at, kind in enumerate(kinds):
        right = data.size(3, 9)
        # More guessed than there for one type, fewer for another, so that no mean is like another.
        counts[kind] = right, right + data.size(2, 5) + 20 * at, right + data.size(7, 9) + 30 * (at == 0)
    return counts


@question("f1_report")
def test_report(student, reference, data):
    """Three types"""
    compare_report(student, reference, some_counts(data, some_types(data)))


@question("f1_report")
@pytest.mark.parametrize("kind", ["never guessed", "never there", "never right"])
def test_zeros(student, reference, data, kind):
    """A type that was"""
    kinds, n = some_types(data), data.size(2, 6)
    zeros = {"never guessed": (0, 0, n), "never there": (0, n, 0), "never right": (0, n, n + 1)}[kind]
    compare_report(student, reference, some_counts(data, kinds[:2]) | {kinds[2]: zeros})


@question("f1_report")
def test_nothing_found(student, reference, data):
    """No spans at all"""
    compare_report(student, reference, {})
    kind = some_types(data)[0]
    compare_report(student, reference, {kind: (0, data.size(1, 4), 0)})
