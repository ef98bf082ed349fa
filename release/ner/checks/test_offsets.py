"""Checks of question 10: offsets of tokens and of spans, in characters, bytes and units of UTF-16."""

import itertools
import unicodedata

import pytest

from autograder import agree, hidden, question

NAMES = "José Łucja Zoë Nguyệt Þórdis Öland São Kovář Émile Ångmark नमस्ते Ⅷ 42 m² привет 东京".split()
SIGNS = [".", ",", "'", "_", "-", "🚂", "(", "…", "€"]
SPACES = [" ", "  ", "\n", "\t", "\u00a0", "\u3000"]


def a_text(data, parts=12, *, decomposed=False, signs=True):
    """Names, with white space or signs between them."""
    text = data.choice(["", " "])
    for _ in range(parts):
        name = data.choice(NAMES)
        text += unicodedata.normalize("NFD", name) if decomposed and data.size(1, 2) == 1 else name
        text += data.choice(SIGNS) + data.choice(["", " "]) if signs and data.size(1, 2) == 1 else data.choice(SPACES)
    return text


def tokens_each(ns, texts):
    """The offsets of each text, by the text."""
    return {text: [(int(start), int(end)) for start, end in ns.token_offsets(text)] for text in texts}


def compare_tokens(student, reference, texts):
    agree(student.run(tokens_each, texts), reference.run(tokens_each, texts), what="the offsets of each text")


@question("token_offsets")
@pytest.mark.parametrize("kind", ["white space", "signs", "the same word twice", "combining marks", "other alphabets"])
def test_tokens(student, reference, data, kind):
    """The tokens of some texts"""
    word = data.choice(NAMES[:10])
    texts = {
        "white space": [a_text(data, signs=False), f"\u3000{a_text(data, 3, signs=False)}\n\n", "", " \n"],
        "signs": [a_text(data), f"{word}_{word}--{word}...", f"3.5 {word}'s", f"({word})", "🚂🚂"],
        "the same word twice": [f"{word} {word} {word}{word} {word}", f"{word}. {word}"],
        "combining marks": [
            *(unicodedata.normalize("NFD", f"{name} {a_text(data, 4)}") for name in NAMES[:3]),
            f"-\u0301 {word}\u0301_",  # a mark alone is a run too
        ],
        "other alphabets": [f"नमस्ते {word}", f"{word} Ⅷ m² ½", f"привет-{word}", f"东京 {word}"],
    }[kind]
    compare_tokens(student, reference, texts)


# -- spans of characters ------------------------------------------------------------------------------------------


def tags_each(ns, problems):
    class ChangedArgument(Exception):
        pass

    found = []
    for spans, offsets in problems:
        given = list(spans), list(offsets)
        found.append([str(tag) for tag in ns.char_spans_to_tags(*given)])
        if given != (spans, offsets):
            raise ChangedArgument("char_spans_to_tags changes a list that it is given; work on a copy")
    return found


def some_offsets(data, count):
    """Tokens of one to six characters; between them nothing, or one or two spaces."""
    tokens, at = [], data.size(0, 2)
    for number in range(count):
        end = at + data.size(3, 6)
        tokens.append((at, end))
        at = end + (0 if number == 2 else data.size(1, 2))
    return tokens


def spans_over(data, offsets):
    """Spans of one to three tokens, some side by side: (first token, after the last, type)."""
    placed, at = [], 0
    while at < len(offsets):
        end = min(len(offsets), at + data.size(1, 3))
        if data.size(1, 3) > 1:
            placed.append((at, end, data.choice(["PER", "LOC"])))
        at = end
    return placed


def compare_tags(student, reference, *problems):
    problems = list(problems)
    agree(student.run(tags_each, problems), reference.run(tags_each, problems), what="the tags of each text")


@question("char_spans_to_tags")
@pytest.mark.parametrize("kind", ["whole tokens", "too short", "too long", "side by side", "one token, two spans"])
def test_tags_of_characters(student, reference, data, kind):
    """Tags from spans of characters"""
    o = some_offsets(data, data.size(9, 12))
    a, b = data.choice(["PER", "ORG"]), "LOC"
    spans = {
        "whole tokens": [(o[1][0], o[2][1], a), (o[4][0], o[4][1], b), (o[6][0], o[8][1], a)],
        "too short": [(o[1][0] + 1, o[1][1], a), (o[3][0], o[4][0] + 1, b), (o[6][0] + 1, o[6][1] - 1, a)],
        "too long": [(o[1][0] - 1, o[1][1] + 1, a), (o[4][0] - 1, o[4][1] + 1, b), (o[5][1], o[6][0], a)],
        "side by side": [(o[1][0], o[2][1], a), (o[3][0], o[3][1], a), (o[4][0], o[5][1], a), (o[6][0], o[6][1], b)],
        "one token, two spans": [
            (o[1][0], o[1][0] + 1, a),
            (o[1][0] + 1, o[2][1], b),
            (o[4][0], o[4][0] + 2, a),
            (o[4][0] + 2, o[4][1], a),
            (o[6][0], o[7][0] + 1, b),
            (o[7][0] + 1, o[8][1], b),
        ],
    }[kind]
    shuffled = [spans[at] for at in data.permutation(len(spans))]
    compare_tags(student, reference, (spans, o), (shuffled, o), (spans[::-1], o), ([], o), (spans, []))


def spans_each(ns, problems):
    return [[(int(s), int(e), str(kind)) for s, e, kind in ns.tags_to_char_spans(*problem)] for problem in problems]


def tags_over(data, count, prefixes):
    kinds = ["PER", "LOC"]
    tags = [f"{prefixes[0]}-PER", f"{prefixes[-1]}-PER", "O", f"{prefixes[0]}-LOC"]
    while len(tags) < count:
        tags.append("O" if data.size(1, 3) == 1 else f"{data.choice(prefixes)}-{data.choice(kinds)}")
    return tags


@question("tags_to_char_spans")
@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES"])
def test_spans_of_characters(student, reference, data, prefixes):
    """Spans of characters from tags; prefixes"""
    problems = []
    for _ in range(4):
        offsets = some_offsets(data, data.size(9, 14))
        problems.append((tags_over(data, len(offsets), prefixes), offsets))
    agree(student.run(spans_each, problems), reference.run(spans_each, problems), what="the spans of each text")


# -- other programs -----------------------------------------------------------------------------------------------


def convert_each(ns, problems):
    return [[(int(s), int(e), str(kind)) for s, e, kind in ns.to_char_offsets(*problem)] for problem in problems]


def counted(text, at, unit):
    """How far the first `at` characters of the text reach."""
    head = text[:at]
    return len(head.encode("utf-8")) if unit == "utf-8" else at + sum(ord(char) > 0xFFFF for char in head)


def in_unit(data, text, unit):
    cuts = sorted({0, len(text), *(data.size(0, len(text)) for _ in range(6))})
    spans = [(start, end, data.choice(["PER", "LOC"])) for start, end in itertools.pairwise(cuts)]
    spans = [(counted(text, start, unit), counted(text, end, unit), kind) for start, end, kind in spans]
    return text, [spans[at] for at in data.permutation(len(spans))], unit


@question("to_char_offsets")
@pytest.mark.parametrize("unit", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", ["accents", "outside the first plane", "combining marks"])
def test_other_units(student, reference, data, kind, unit):
    """Spans of another program"""
    text = {
        "accents": f"Þórdis {a_text(data, 5)} é",
        "outside the first plane": f"🚂 {a_text(data, 5)}🚂🚂 𝔏 {data.choice(NAMES)} 🚂",
        "combining marks": unicodedata.normalize("NFD", f"José {a_text(data, 5)} Nguyệt"),
    }[kind]
    problems = [in_unit(data, text, unit), in_unit(data, text[::-1], unit), ("", [], unit)]
    agree(student.run(convert_each, problems), reference.run(convert_each, problems), what="the spans of each text")
