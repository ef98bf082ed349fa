"""Checks of questions 1 and 2: files of tagged words, and the schemes of tags."""

import pytest

from autograder import agree, hidden, question

LETTERS = "abcdeghiklmnoprstuvzäéłøþňŚ"


def a_word(data):
    return "".join(data.choice(LETTERS) for _ in range(data.size(2, 6)))


def some_types(data, count=2):
    """Names of types, one of which ends like another one."""
    first = "".join(data.choice("CDFGHKMN") for _ in range(3))
    return [first, f"{data.choice('PQR')}B-{first}", f"{first}X"][:count]


# -- files --------------------------------------------------------------------------------------------------------


def read(ns, text, options):
    """The sentences, with characters that can't be seen written as escapes."""

    def shown(strings):
        return [string.encode("unicode_escape").decode() for string in strings]

    return [(shown(words), shown(tags)) for words, tags in ns.read_conll(text, **options)]


def rows(data, columns=2, between=" ", word=a_word):
    """The lines of one sentence: a word, columns of no interest, a tag."""
    kinds = some_types(data)
    tags = ["O", *(f"{prefix}-{kind}" for prefix in "BI" for kind in kinds)]
    lines = []
    for _ in range(data.size(2, 5)):
        middle = [data.choice(["NN", "VB", "_", "-X-"]) for _ in range(columns - 2)]
        lines.append(between.join([word(data), *middle, data.choice(tags)]))
    return lines


def file_of(data, kind):
    """The text of a file, and the options to read it with."""
    first, second, third = ([*rows(data), ""] for _ in range(3))
    if kind == "columns and tabs":
        body = [line for between in ("\t", "  ", " \t ") for line in [*rows(data, 4, between), ""]]
        return "\n".join(body), {}
    if kind == "an inner column":
        body = [line for between in (" ", "\t", " \t ") for line in [*rows(data, 4, between), ""]]
        return "\n".join(body), {"tag_column": data.choice([1, 2])}
    if kind == "no final newline":
        return "\n".join(first + second + third[:-1]), {}
    if kind == "empty lines":
        return "\n".join(["", "", *first, "", *second, " \t ", *third, "", ""]), {}
    if kind == "documents":
        start = ["-DOCSTART- -X- O", ""]
        return "\n".join(start + first + second + start + third), {}
    if kind == "documents without empty lines":
        start = ["-DOCSTART-\tO"]
        return "\n".join(start + first[:-1] + start + second + third), {}
    if kind == "comments":
        note = [f"# id = {data.size(1, 99)}"]
        return "\n".join(note + first + note * 2 + second + third[:1] + note + third[1:] + note), {}
    if kind == "# as a token":
        body = ["#\tO", *first[:-1], f"#{a_word(data)} O", "", "##\tO", *second, *third]
        return "\n".join(body), {}
    if kind == "# as a token, no comments":
        return "\n".join(["# O", *first[:-1], "# O", "", *second]), {"comments": False}
    if kind == "from Windows":
        return "\ufeff" + "\r\n".join(first + second + third), {}
    if kind == "from Windows, no token first":
        head = data.choice([["# one"], ["-DOCSTART- -X- O", ""]])
        return "\ufeff" + "\r\n".join(head + first + second[:-1]), {}
    if kind == "odd spaces in tokens":
        odd = rows(data, word=lambda data: f"{data.size(1, 9)}{data.choice(chr(0xA0) + chr(0x202F))}000")
        breaks = rows(data, word=lambda data: f"{a_word(data)}{data.choice(chr(0x85) + chr(0x2028))}{a_word(data)}")
        edges = rows(data, word=lambda data: f"{data.choice(chr(0xA0) + chr(0x3000))}{a_word(data)}")
        return "\n".join([*odd, "", *first, *breaks, "", *edges]), {}
    return data.choice(["", "\n", "\n\n", "-DOCSTART- O\n\n"]), {}


def compare_read(student, reference, text, options):
    agree(student.run(read, text, options), reference.run(read, text, options), what="the list of sentences")


@question("read_conll")
@pytest.mark.parametrize(
    "kind",
    [
        "columns and tabs",
        "an inner column",
        "no final newline",
        "empty lines",
        "documents",
        "documents without empty lines",
        "comments",
        "# as a token",
        "# as a token, no comments",
        "from Windows",
        "from Windows, no token first",
        "odd spaces in tokens",
        "nothing in it",
    ],
)
def test_file(student, reference, data, kind):
    """A file"""
    compare_read(student, reference, *file_of(data, kind))


@hidden
@question("read_conll")
def test_everything_in_one_file(student, reference, data):
    """A file from Windows with documents, comments and no final newline"""
    parts = [rows(data, 3, data.choice(["\t", " "])) for _ in range(4)]
    lines = ["-DOCSTART- -X- O", "", "# one", *parts[0], "", "", *parts[1], "-DOCSTART- -X- O", "# two", *parts[2], ""]
    compare_read(student, reference, "\ufeff" + "\r\n".join([*lines, "#\t_\tO", *parts[3]]), {})


# -- spans --------------------------------------------------------------------------------------------------------


def read_each(ns, lists):
    """The spans of each list of tags, by the tags."""

    class ChangedArgument(Exception):
        pass

    found = {}
    for tags in lists:
        given = list(tags)
        found[" ".join(tags)] = [(int(start), int(end), str(kind)) for start, end, kind in ns.read_spans(given)]
        if given != tags:
            raise ChangedArgument("read_spans changes the list that it is given; work on a copy")
    return found


def read_all(ns, tags, length, begin):
    """The spans of all lists of `length` tags that begin so, as "start-end type", by the tags."""
    import itertools

    found = {}
    for rest in itertools.product(tags, repeat=length - len(begin)):
        one = [*begin, *rest]
        spans = ns.read_spans(list(one))
        found[" ".join(one)] = ", ".join(f"{start}-{end} {kind}" for start, end, kind in spans)
    return found


def compare_all(student, reference, tags, lengths):
    """Length by length, so that the first list that differs is one of the shortest."""
    for length in lengths:
        for begin in [[tag] for tag in tags] if length > 4 else [[]]:  # an answer has 64 KiB besides arrays
            args = read_all, tags, length, begin
            agree(student.run(*args), reference.run(*args), what=f"the spans of each list of {length} tags")


def noisy_tags(data, prefixes, kinds, length):
    """Any tags, legal or not, in which neighbours are often of one type."""
    tags, kind = [], data.choice(kinds)
    for _ in range(length):
        kind = data.choice([kind, kind, *kinds])
        tags.append("O" if data.size(1, 5) == 1 else f"{data.choice(prefixes)}-{kind}")
    return tags


def spans_at_random(data, length, kinds):
    """Spans that don't overlap, many of them side by side."""
    placed, at = [], 0
    while at < length:
        end = min(length, at + data.size(1, 3))
        if data.size(1, 4) > 1:
            placed.append((at, end, data.choice(kinds)))
        at = end
    return placed


CASES = {
    "side by side": ["B-{a} B-{a} I-{a} O B-{a}", "I-{a} B-{a} I-{a}", "S-{a} S-{a} B-{a} E-{a} B-{a} I-{a} E-{a}"],
    "at the end": ["O B-{a}", "O B-{a} I-{a}", "O I-{b} B-{b}", "S-{a}", "B-{b} E-{b}"],
    "another type follows": ["B-{a} I-{b} I-{b}", "I-{a} I-{b} I-{a}", "B-{a} B-{b}", "B-{a} E-{b}", "I-{c} I-{a}"],
    "illegal": ["I-{a}", "O I-{a} I-{a} O", "E-{a} I-{a}", "S-{a} I-{a} E-{a}", "B-{a} O I-{a}", "E-{a} E-{a}"],
    "nothing": ["", "O", "O O O"],
}


@question("read_spans")
@pytest.mark.parametrize("kind", list(CASES))
def test_spans(student, reference, data, kind):
    """The spans of some tags"""
    names = dict(zip("abc", some_types(data, 3), strict=True))
    lists = [line.format(**names).split() for line in CASES[kind]]
    agree(student.run(read_each, lists), reference.run(read_each, lists), what="the spans of each sentence")


def short_tags(data, prefixes, count):
    """O and the tags of one or two types, in random order. The second type ends like the first."""
    kind, other = data.choice("CDFG"), data.choice("HKMN")
    tags = ["O", *(f"{prefix}-{kind}" for kind in [kind, f"{other}-{kind}"][:count] for prefix in prefixes)]
    return [tags[at] for at in data.permutation(len(tags))]


@question("read_spans")
@pytest.mark.parametrize(("prefixes", "count", "longest"), [("BI", 2, 4), ("BIES", 1, 4), ("BIES", 2, 3)])
def test_all_tags(student, reference, data, prefixes, count, longest):
    """All lists of tags up to some length; prefixes, types, the longest"""
    compare_all(student, reference, short_tags(data, prefixes, count), range(longest + 1))


@hidden
@question("read_spans")
@pytest.mark.parametrize(("prefixes", "count"), [("BI", 2), ("BIES", 1)])
def test_all_tags_of_longer_sentences(student, reference, data, prefixes, count):
    """All lists of five tags; prefixes, types"""
    compare_all(student, reference, short_tags(data, prefixes, count), [5])


@hidden
@question("read_spans")
def test_noisy_tags(student, reference, data):
    """Long noisy sentences"""
    kinds = some_types(data, 3)
    lists = [noisy_tags(data, prefixes, kinds, data.size(20, 40)) for prefixes in ("BI", "BIES", "ISE", "I")]
    agree(student.run(read_each, lists), reference.run(read_each, lists), what="the spans of each sentence")


# -- tags ---------------------------------------------------------------------------------------------------------


def write_all(ns, kinds, scheme, length):
    """The tags for all ways to place spans in `length` words, told in either order, by the spans."""

    class ChangedArgument(Exception):
        pass

    def layouts(start, length):
        if start >= length:
            yield []
            return
        yield from layouts(start + 1, length)
        for end in range(start + 1, length + 1):
            for kind in kinds:
                for rest in layouts(end, length):
                    yield [(start, end, kind), *rest]

    found = {}
    for spans in layouts(0, length):
        for given in (spans, spans[::-1]):
            passed = list(given)
            tags = ns.write_tags(passed, length, scheme)
            if passed != given:
                raise ChangedArgument("write_tags changes the list that it is given; work on a copy")
            found[", ".join(f"{start}-{end} {kind}" for start, end, kind in given)] = " ".join(tags)
    return found


def compare_written(student, reference, data, scheme, lengths):
    kind = data.choice("CDFG")
    for length in lengths:
        args = write_all, [kind, f"{data.choice('HKMN')}-{kind}"], scheme, length
        agree(student.run(*args), reference.run(*args), what=f"the tags of each way to place spans in {length} words")


@question("write_tags")
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_tags(student, reference, data, scheme):
    """The tags of a sentence"""
    kinds, length = some_types(data), data.size(4, 6)
    # Side by side of one type, of two types, of one word, apart, and O at both ends.
    ends = [1, 2, 4, 5, 5 + length, 7 + length, 8 + length, 9 + length]
    names = [kinds[0], kinds[0], kinds[0], kinds[1], None, kinds[1], None, kinds[1]]
    spans = [(1 + start, 1 + end, kind) for start, end, kind in zip([0, *ends], ends, names, strict=False) if kind]
    args = spans, ends[-1] + 3, scheme
    agree(student.write_tags(*args), reference.write_tags(*args), what="the list of tags")


@question("write_tags")
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_all_spans(student, reference, data, scheme):
    """All ways to place spans in up to four words"""
    compare_written(student, reference, data, scheme, range(5))


@hidden
@question("write_tags")
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_all_spans_in_five_words(student, reference, data, scheme):
    """All ways to place spans in five words"""
    compare_written(student, reference, data, scheme, [5])


@hidden
@question("write_tags")
@pytest.mark.parametrize("scheme", ["IOB1", "IOB2", "BIOES"])
def test_spans_in_any_order(student, reference, data, scheme):
    """Many spans in random order"""
    length = data.size(25, 40)
    spans = spans_at_random(data, length, some_types(data, 3))
    spans = [spans[at] for at in data.permutation(len(spans))]
    args = spans, length, scheme
    agree(student.write_tags(*args), reference.write_tags(*args), what="the list of tags")
