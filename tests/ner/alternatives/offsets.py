"""Other right answers for offsets."""

from autograder import alternative


@alternative("token_offsets")
def by_groups():
    def token_offsets(text):
        from itertools import groupby

        offsets, at = [], 0

        def kind(pair):
            place, char = pair
            return -1 if unicodedata.category(char)[0] in ("L", "M", "N") else place  # noqa: F821

        for key, group in groupby(enumerate(text), key=kind):
            size = len(list(group))
            if key == -1 or not text[at].isspace():
                offsets.append((at, at + size))
            at += size
        return offsets


@alternative("char_spans_to_tags")
def token_by_token():
    def char_spans_to_tags(spans, offsets):
        ordered, tags, last = sorted(spans), [], None
        for first, after in offsets:
            owner = next((n for n, (s, e, _) in enumerate(ordered) if max(s, first) < min(e, after)), None)
            tags.append("O" if owner is None else ("I-" if owner == last else "B-") + ordered[owner][2])
            last = owner
        return tags


@alternative("tags_to_char_spans")
def by_the_tokens_of_each_span():
    def tags_to_char_spans(tags, offsets):
        found = []
        for start, end, kind in read_spans(tags):  # noqa: F821
            own = offsets[start:end]
            found.append((min(first for first, _ in own), max(last for _, last in own), kind))
        return found


@alternative("to_char_offsets")
def by_decoding_the_head():
    def to_char_offsets(text, spans, unit):
        name, width = ("utf-8", 1) if unit == "utf-8" else ("utf-16-le", 2)
        raw = text.encode(name)

        def place(offset):
            return len(raw[: width * offset].decode(name))

        return [(place(start), place(end), kind) for start, end, kind in spans]


@alternative("token_offsets")
def by_a_regular_expression_over_kinds():
    def token_offsets(text):
        import re

        kinds = ("w" if c.isalnum() or unicodedata.category(c).startswith("M") else c for c in text)  # noqa: F821
        kinds = "".join(kind if kind == "w" else " " if kind.isspace() else "." for kind in kinds)
        return [match.span() for match in re.finditer(r"w+|\.", kinds)]


@alternative("char_spans_to_tags")
def character_by_character():
    def char_spans_to_tags(spans, offsets):
        owner = {}
        for number, (start, end, kind) in enumerate(sorted(spans)):
            owner.update((at, (number, kind)) for at in range(start, end))
        tags, begun = [], set()
        for start, end in offsets:
            owners = [owner[at] for at in range(start, end) if at in owner]
            if not owners:
                tags.append("O")
                continue
            number, kind = owners[0]
            tags.append(("I-" if number in begun else "B-") + kind)
            begun.add(number)
        return tags


@alternative("to_char_offsets")
def by_bisection():
    def to_char_offsets(text, spans, unit):
        import numpy as np

        if unit == "utf-8":
            widths = [1 + (ord(c) > 0x7F) + (ord(c) > 0x7FF) + (ord(c) > 0xFFFF) for c in text]
        else:
            widths = [1 + (ord(c) > 0xFFFF) for c in text]
        ends = np.cumsum([0, *widths])
        place = {int(end): at for at, end in enumerate(ends)}
        return [(place[a], place[b], kind) for a, b, kind in spans]


@alternative("tags_to_char_spans")
def one_pass_over_the_tags():
    def tags_to_char_spans(tags, offsets):
        found, before = [], "O"
        for tag, (first, last) in zip(tags, offsets, strict=True):
            if tag != "O":
                goes_on = tag[0] in "IE" and before[0] in "BI" and before[2:] == tag[2:]
                found.append((found.pop()[0] if goes_on else first, last, tag[2:]))
            before = tag
        return found
