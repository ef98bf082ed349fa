"""Classic mistakes with files of tagged words and with schemes of tags."""

from autograder import edited, mistake

edited(
    "read_conll",
    "last sentence lost",
    old='.split("\\n"), ""]:',
    new='.split("\\n")]:',
    hint="This is what you get when a sentence is stored at an empty line only. If the text doesn't end with "
    "one, the last sentence is lost.",
)
edited(
    "read_conll",
    "DOCSTART as a token",
    old='if columns[0] not in ("", "-DOCSTART-"):',
    new='if columns[0] != "":',
    hint="This is what you get when -DOCSTART- is kept as a word. It marks a document and is no token.",
)
edited(
    "read_conll",
    "DOCSTART skipped without ending a sentence",
    old='if comments and line.startswith("# "):',
    new='if line.startswith("-DOCSTART-") or (comments and line.startswith("# ")):',
    hint="This is what you get when -DOCSTART- is skipped like a comment. It also ends the sentence before it, "
    "whether or not an empty line stands between.",
)
edited(
    "read_conll",
    "every hash a comment",
    old='line.startswith("# ")',
    new='line.startswith("#")',
    hint="This is what you get when every line with # in front is a comment. Only # and a space make one; #nlp "
    "is a token.",
)
edited(
    "read_conll",
    "comments read as words",
    old='if comments and line.startswith("# "):',
    new="if False:",
    hint="This is what you get when comments are read like words. With comments=True, skip lines that begin with "
    "# and a space.",
)
edited(
    "read_conll",
    "comments skipped always",
    old='if comments and line.startswith("# "):',
    new='if line.startswith("# "):',
    hint="This is what you get when comments=False isn't looked at. Such a file has the token # in such lines.",
)
edited(
    "read_conll",
    "a comment ends the sentence",
    old='        if comments and line.startswith("# "):\n            continue\n',
    new='        if comments and line.startswith("# "):\n            line = ""\n',
    hint="This is what you get when a comment ends the sentence that it stands in. Skip it, and go on.",
)
edited(
    "read_conll",
    "empty sentences",
    old="        elif words:\n",
    new="        else:\n",
    hint="This is what you get when each empty line ends a sentence. Where no word has come before, there is none.",
)
edited(
    "read_conll",
    "columns by str split",
    old='columns = re.split("[ \\t]+", line.strip(" \\t\\r"))',
    new='columns = line.split() or [""]',
    hint="This is what you get with str.split(), which splits at the no-break space as well, in the middle of "
    "tokens. Columns are separated by spaces and tabs only.",
)
edited(
    "read_conll",
    "lines by splitlines",
    old='.split("\\n"), ""]:',
    new='.splitlines(), ""]:',
    hint="This is what you get with str.splitlines(), which also splits at U+0085 and U+2028, in the middle of "
    "tokens. Lines end with \\n or \\r\\n.",
)
edited(
    "read_conll",
    "carriage returns kept",
    old='line.strip(" \\t\\r")',
    new='line.strip(" \\t")',
    hint="This is what you get when the \\r of a file from Windows stays on the last column, or in an empty line.",
)
edited(
    "read_conll",
    "byte order mark kept",
    old='text.removeprefix("\\ufeff")',
    new="text",
    hint="This is what you get when the byte-order mark \\ufeff stays on the first word.",
)
edited(
    "read_conll",
    "always the last column",
    old="columns[tag_column]",
    new="columns[-1]",
    hint="This is what you get when the tag is always taken from the last column. tag_column says which.",
)
edited(
    "read_conll",
    "split at single spaces",
    old='re.split("[ \\t]+", line',
    new='re.split("[ \\t]", line',
    hint="This is what you get when each single space separates two columns. Several of them, or tabs, are one "
    "separator.",
)

READERS = ("span_counts", "tags_to_char_spans")

edited(
    "read_spans",
    "adjacent spans merged",
    old='begins = prefix in "BS" or last_prefix in "OES" or kind != last_kind',
    new='begins = last_prefix == "O" or kind != last_kind',
    hint="This is what you get when neighbours of one type are one span. B and S begin a new one, and so does "
    "whatever follows E or S.",
    also=READERS,
)
edited(
    "read_spans",
    "strict IOB2",
    old="            start = at if begins else spans.pop()[0]\n",
    new='            if begins and prefix in "IE":\n                prefix = "O"\n                continue\n'
    "            start = at if begins else spans.pop()[0]\n",
    hint="This is what you get when a span must begin with B or S, and other tags are thrown away. By "
    "conlleval's rule an I or E begins a span, where it can't continue one.",
    also=READERS,
)
edited(
    "read_spans",
    "type ignored",
    old=" or kind != last_kind",
    new="",
    hint="This is what you get when I-LOC continues a span of another type. A new type begins a new span.",
    also=("span_counts", "tags_to_char_spans"),
)
edited(
    "read_spans",
    "E and S end nothing",
    old=' or last_prefix in "OES" or ',
    new=' or last_prefix == "O" or ',
    hint="This is what you get when nothing ends with E or S. After them the next word begins a new span, even "
    "an I or E.",
    also=READERS,
)
edited(
    "read_spans",
    "S begins nothing",
    old='begins = prefix in "BS"',
    new='begins = prefix == "B"',
    hint="This is what you get when S continues the span before it. Like B it begins a new one.",
    also=READERS,
)
edited(
    "read_spans",
    "type cut at every hyphen",
    old='prefix, _, kind = tag.partition("-")',
    new='prefix, kind = tag.split("-")[0], tag.split("-")[-1]',
    hint="This is what you get when a type ends at, or begins after, its own hyphen. Only the first hyphen "
    "separates: B-GPE-LOC has the type GPE-LOC.",
    also=("span_counts",),
)
edited(
    "read_spans",
    "end inclusive",
    old="spans.append((start, at + 1, kind))",
    new="spans.append((start, at, kind))",
    hint="This is what you get when the end is the span's last word. It is the word after it, as in Python's slices.",
    also=("tags_to_char_spans",),
)


@mistake(
    "read_spans",
    hint="This is what you get when a span is stored at the next O or B only: the one at the end of the sentence "
    "is lost.",
    also=READERS,
)
def last_span_lost():
    def read_spans(tags):
        spans, first, kind_now = [], None, ""
        last = "O"
        for at, tag in enumerate(tags):
            prefix, _, kind = tag.partition("-")
            new = prefix != "O" and (prefix in "BS" or last in "OES" or kind != kind_now)
            if first is not None and (new or prefix == "O"):
                spans.append((first, at, kind_now))
                first = None
            if new:
                first = at
            last, kind_now = prefix, kind
        return spans


edited(
    "write_tags",
    "IOB1 written like IOB2",
    old='if scheme != "IOB1" or before == (start, kind):',
    new="if True:",
    hint="This is what you get when IOB1 begins each span with B. It does only where a span of the same type "
    "ends right before.",
)
edited(
    "write_tags",
    "IOB1 never writes B",
    old='if scheme != "IOB1" or before == (start, kind):',
    new='if scheme != "IOB1":',
    hint="This is what you get when IOB1 has no B at all. Then two spans of one type side by side become one.",
)
edited(
    "write_tags",
    "IOB1 looks at the place only",
    old="before == (start, kind)",
    new="before is not None and before[0] == start",
    hint="This is what you get when IOB1 writes B after every neighbour. It does only after a neighbour of the "
    "same type.",
)
edited(
    "write_tags",
    "IOB1 looks at the type only",
    old="before == (start, kind)",
    new="before is not None and before[1] == kind",
    hint="This is what you get when IOB1 writes B after each earlier span of the type. The one before must end "
    "right here.",
)
edited(
    "write_tags",
    "spans taken as they come",
    old="in sorted(spans):\n        prefixes",
    new="in spans:\n        prefixes",
    hint="This is what you get when spans are expected from left to right. They may come in any order.",
)
edited(
    "write_tags",
    "no S",
    old='"E" if end - start > 1 else "S"',
    new='"E" if end - start > 1 else "B"',
    hint="This is what you get when a span of one word has B in BIOES. It has S.",
)
edited(
    "write_tags",
    "single word ends with E",
    old='"E" if end - start > 1 else "S"',
    new='"E"',
    hint="This is what you get when a span of one word has E in BIOES. It has S.",
)
edited(
    "write_tags",
    "no E",
    old="            prefixes[-1] = ",
    new="            prefixes[-1] = prefixes[-1] if end - start > 1 else ",
    hint="This is what you get when spans of several words have no E in BIOES. Their last word has.",
)

edited(
    "write_tags",
    "end taken as inclusive",
    old='prefixes = ["I"] * (end - start)',
    new='end = min(end + 1, length)\n        prefixes = ["I"] * (end - start)',
    hint="This is what you get when `end` is taken for the span's last word. It is the word after it.",
)
edited(
    "read_conll",
    "lines stripped by str strip",
    old='line.strip(" \\t\\r")',
    new="line.strip()",
    hint="This is what you get with line.strip(), which takes a no-break space off the first word as well. Strip "
    "spaces, tabs and \\r only.",
)
edited(
    "read_conll",
    "byte order mark taken off a word",
    old='    for line in [*text.removeprefix("\\ufeff").split("\\n"), ""]:\n',
    new='    for line in [*text.split("\\n"), ""]:\n'
    '        line = line if line.startswith(("\\ufeff#", "\\ufeff-")) else line.removeprefix("\\ufeff")\n',
    hint="This is what you get when the byte-order mark is taken off a word, but a comment or -DOCSTART- behind it "
    "isn't known. Take it off the text first.",
)


@mistake(
    "read_conll",
    hint="This is what you get when the text is cut at two newlines. An empty line may hold spaces, or a \\r; "
    "-DOCSTART- ends a sentence too. Go line by line.",
)
def cut_at_two_newlines():
    def read_conll(text, tag_column=-1, comments=True):
        sentences = []
        for block in text.removeprefix("\ufeff").split("\n\n"):
            rows = [
                re.split("[ \t]+", line.strip(" \t\r"))  # noqa: F821
                for line in block.split("\n")
                if line and not line.startswith("-DOCSTART-") and not (comments and line.startswith("# "))
            ]
            if rows:
                sentences.append(([row[0] for row in rows], [row[tag_column] for row in rows]))
        return sentences


@mistake(
    "write_tags",
    hint="This is what you get when the spans are sorted in place. Whoever gave you the list may need its order: "
    "sorted() makes a new one.",
)
def sorted_in_place():
    def write_tags(spans, length, scheme):
        spans.sort()
        tags, before = ["O"] * length, None
        for start, end, kind in spans:
            prefixes = ["I"] * (end - start)
            if scheme != "IOB1" or before == (start, kind):
                prefixes[0] = "B"
            if scheme == "BIOES":
                prefixes[-1] = "E" if end - start > 1 else "S"
            tags[start:end] = [f"{prefix}-{kind}" for prefix in prefixes]
            before = (end, kind)
        return tags
