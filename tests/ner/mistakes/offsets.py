"""Classic mistakes with offsets."""

from autograder import edited, mistake


@mistake(
    "token_offsets",
    hint="This is what you get with \\w+, which doesn't match combining marks and cuts words there. Marks "
    "(category M) belong to the word.",
)
def marks_cut_off():
    import re

    def token_offsets(text):
        return [match.span() for match in re.finditer(r"[^\W_]+|_|[^\w\s]", text)]


@mistake(
    "token_offsets",
    hint="This is what you get when tokens are looked up by text.find: the second of two equal words gets the "
    "place of the first.",
)
def first_occurrence():
    def token_offsets(text):
        tokens, word = [], ""
        for char in [*text, " "]:
            if unicodedata.category(char)[0] in "LMN":  # noqa: F821
                word += char
                continue
            tokens += [word] if word else []
            tokens += [] if char.isspace() else [char]
            word = ""
        return [(text.find(token), text.find(token) + len(token)) for token in tokens]


@mistake(
    "token_offsets",
    hint="This is what you get when offsets are counted in bytes. They are counted in code points, as Python's "
    "strings are.",
)
def bytes_for_characters():
    def token_offsets(text):
        offsets, in_word, place = [], False, 0
        for char in text:
            width = len(char.encode())
            wordlike = unicodedata.category(char)[0] in "LMN"  # noqa: F821
            if wordlike and in_word:
                offsets[-1] = (offsets[-1][0], place + width)
            elif not char.isspace():
                offsets.append((place, place + width))
            in_word = wordlike
            place += width
        return offsets


@mistake(
    "token_offsets",
    hint="This is what you get when the text is composed first (NFC): every mark that melts away shifts what "
    "comes after. Offsets belong to the text as it was given.",
)
def composed_first():
    def token_offsets(text):
        text = unicodedata.normalize("NFC", text)  # noqa: F821
        offsets, in_word = [], False
        for at, char in enumerate(text):
            wordlike = unicodedata.category(char)[0] in "LMN"  # noqa: F821
            if wordlike and in_word:
                offsets[-1] = (offsets[-1][0], at + 1)
            elif not char.isspace():
                offsets.append((at, at + 1))
            in_word = wordlike
        return offsets


edited(
    "token_offsets",
    "every character a token",
    old='wordlike = unicodedata.category(char)[0] in "LMN"',
    new="wordlike = False",
    hint="This is what you get when words aren't runs of characters. Letters, marks and numbers in a row are one "
    "token.",
)
edited(
    "token_offsets",
    "split at white space only",
    old='wordlike = unicodedata.category(char)[0] in "LMN"',
    new="wordlike = not char.isspace()",
    hint="This is what you get when only white space separates tokens. Signs are tokens of their own.",
)
edited(
    "token_offsets",
    "white space as tokens",
    old="elif not char.isspace():",
    new='elif char != " ":',
    hint="This is what you get when only the plain space is white space. Newlines, tabs and others are none either.",
)
edited(
    "token_offsets",
    "numbers apart",
    old='in "LMN"\n        if wordlike and in_word:',
    new='in "LM"\n        if wordlike and in_word:',
    hint="This is what you get when numbers aren't part of words. Categories L, M and N are.",
)

edited(
    "char_spans_to_tags",
    "whole tokens only",
    old="first < end and start < last:",
    new="start <= first and last <= end:",
    hint="This is what you get when a token must lie within the span as a whole. One character in common is enough.",
)
edited(
    "char_spans_to_tags",
    "by the token's beginning",
    old="first < end and start < last:",
    new="start <= first < end:",
    hint="This is what you get when the token's first character must lie in the span. Any of its characters will do.",
)
edited(
    "char_spans_to_tags",
    "touching is enough",
    old="first < end and start < last:",
    new="first <= end and start <= last:",
    hint="This is what you get when a token that only touches the span belongs to it. Ends are exclusive.",
)
edited(
    "char_spans_to_tags",
    "neighbours merged",
    old='        prefix = "B"\n        for at',
    new='        prefix = "B" if start == min(spans)[0] else "I"\n        for at',
    hint="This is what you get when only the first span begins with B. Set the prefix back for each span.",
)
edited(
    "char_spans_to_tags",
    "the later span wins",
    old='if tags[at] == "O" and first < end',
    new="if first < end",
    hint="This is what you get when a later span overwrites a token of an earlier one. The one that begins first "
    "has it.",
)
edited(
    "char_spans_to_tags",
    "as they come",
    old="    for start, end, kind in sorted(spans):\n        prefix = ",
    new="    for start, end, kind in spans:\n        prefix = ",
    hint="This is what you get when spans are expected from left to right. Of two that share a token, the one "
    "that begins first has it, whatever their order.",
)
edited(
    "char_spans_to_tags",
    "shared token counts as begun",
    old='if tags[at] == "O" and first < end and start < last:\n                tags[at] = f"{prefix}-{kind}"\n',
    new="if first < end and start < last:\n"
    '                tags[at] = f"{prefix}-{kind}" if tags[at] == "O" else tags[at]\n',
    hint="This is what you get when a span whose first token went to another goes on with I. Its first own token "
    "has B.",
)
edited(
    "char_spans_to_tags",
    "B on every token",
    old='                prefix = "I"\n    return tags',
    new="    return tags",
    hint="This is what you get when every token of a span has B. Only the first has; the others go on with I.",
)

edited(
    "tags_to_char_spans",
    "end of the token after",
    old="offsets[end - 1][1], kind)",
    new="offsets[min(end, len(offsets) - 1)][1], kind)",
    hint="This is what you get with the end of the token after the span. `end` is exclusive: the last token is "
    "end - 1.",
)
edited(
    "tags_to_char_spans",
    "up to the next token",
    old="offsets[end - 1][1], kind)",
    new="offsets[end][0] if end < len(offsets) else offsets[-1][1], kind)",
    hint="This is what you get when a span reaches to the next token, with the space before it. It ends with its "
    "last token.",
)
edited(
    "tags_to_char_spans",
    "end of the first token",
    old="offsets[end - 1][1], kind)",
    new="offsets[start][1], kind)",
    hint="This is what you get when a span ends with its first token.",
)
edited(
    "tags_to_char_spans",
    "lengths added up",
    old="return [(offsets[start][0], offsets[end - 1][1], kind)",
    new="return [(offsets[start][0], offsets[start][0] + sum(b - a for a, b in offsets[start:end]), kind)",
    hint="This is what you get when the lengths of the tokens are added up: the spaces between them are missing.",
)

edited(
    "to_char_offsets",
    "bytes for characters",
    old="return [(place[start], place[end], kind) for start, end, kind in spans]",
    new="return [(start, end, kind) for start, end, kind in spans]",
    hint="This is what you get when offsets are taken as they are. Units before them must be counted as characters.",
)
edited(
    "to_char_offsets",
    "UTF-16 taken for characters",
    old='    encoding, width = {"utf-8"',
    new='    if unit == "utf-16":\n        return [tuple(span) for span in spans]\n    encoding, width = {"utf-8"',
    hint="This is what you get when UTF-16 is counted as one unit per character. Beyond U+FFFF, as with emoji, "
    "it is two.",
)
edited(
    "to_char_offsets",
    "sorted",
    old="for start, end, kind in spans]\n",
    new="for start, end, kind in sorted(spans)]\n",
    hint="This is what you get when the spans are sorted. They keep their order.",
)


@mistake(
    "token_offsets",
    hint="This is what you get when the underscore is a letter, as in \\w. It is a sign, and a token of its own.",
)
def underscore_as_a_letter():
    def token_offsets(text):
        offsets, in_word = [], False
        for at, char in enumerate(text):
            wordlike = char == "_" or unicodedata.category(char)[0] in "LMN"  # noqa: F821
            if wordlike and in_word:
                offsets[-1] = (offsets[-1][0], at + 1)
            elif not char.isspace():
                offsets.append((at, at + 1))
            in_word = wordlike
        return offsets


edited(
    "token_offsets",
    "marks by combining",
    old='wordlike = unicodedata.category(char)[0] in "LMN"',
    new="wordlike = char.isalnum() or unicodedata.combining(char) > 0",
    hint="This is what you get with unicodedata.combining(char), which is 0 for many marks, such as the vowel signs of "
    "Devanagari. Category M has them all.",
)
edited(
    "token_offsets",
    "ends inclusive",
    old="offsets[-1] = (offsets[-1][0], at + 1)",
    new="offsets[-1] = (offsets[-1][0], at)",
    hint="This is what you get when the end is the token's last character. It is the place after it.",
)
edited(
    "tags_to_char_spans",
    "strict IOB2",
    old="for start, end, kind in read_spans(tags)]",
    new='for start, end, kind in read_spans(tags) if tags[start][0] in "BS"]',
    hint="This is what you get when only spans that begin with B or S are kept. Read as read_spans does: I and E may "
    "begin a span too.",
)
edited(
    "to_char_offsets",
    "end of the last character",
    old="return [(place[start], place[end], kind)",
    new="return [(place[start], place[end] - (end > start), kind)",
    hint="This is what you get when the end is the span's last character. It is the place after it.",
)


@mistake(
    "to_char_offsets",
    hint="This is what you get when UTF-16 is counted in bytes. Its unit has two of them.",
)
def utf_16_in_bytes():
    def to_char_offsets(text, spans, unit):
        raw, name = (text.encode(), "utf-8") if unit == "utf-8" else (text.encode("utf-16-le"), "utf-16-le")
        places = [[len(raw[:at].decode(name, "ignore")) for at in span[:2]] for span in spans]
        return [(*place, span[2]) for place, span in zip(places, spans, strict=True)]


@mistake(
    "to_char_offsets",
    hint='This is what you get with "utf-16", which writes a byte-order mark in front. "utf-16-le" doesn\'t.',
)
def byte_order_mark_counted():
    def to_char_offsets(text, spans, unit):
        raw, width = (text.encode(), 1) if unit == "utf-8" else (text.encode("utf-16"), 2)
        name = "utf-8" if unit == "utf-8" else "utf-16"
        places = [[len(raw[: width * at].decode(name, "ignore")) for at in span[:2]] for span in spans]
        return [(*place, span[2]) for place, span in zip(places, spans, strict=True)]


@mistake(
    "to_char_offsets",
    hint="This is what you get when the text is composed first (NFC): every mark that melts away shifts what "
    "comes after.",
)
def composed_before_counting():
    def to_char_offsets(text, spans, unit):
        name, width = ("utf-8", 1) if unit == "utf-8" else ("utf-16-le", 2)
        raw = unicodedata.normalize("NFC", text).encode(name)  # noqa: F821
        places = [[len(raw[: width * at].decode(name, "ignore")) for at in span[:2]] for span in spans]
        return [(*place, span[2]) for place, span in zip(places, spans, strict=True)]
