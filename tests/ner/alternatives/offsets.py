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
