# built from source/ner/ner.ipynb by `course build`; edit there

# %% [markdown]
# # Named-entity recognition
#
# *Lorne wrote to the Bank of Ysmar.* Which words are names, and of what? Finding persons, places and organisations
# in text is called named-entity recognition, NER. The network that does it is the short part. The long part is
# everything around it: files, tags, subwords, windows, padding, scores, offsets. Mistakes there raise no error;
# they cost a few points of F1 in silence, or add some that aren't real. You build all of it:
#
# 1. from a **file** to tags, and from tags to **spans**, in the three schemes that you will meet;
# 2. from words to **subwords**, to pieces that fit a model, to padded **batches** in PyTorch and TensorFlow;
# 3. the **score** by which NER systems are compared, exactly as `conlleval` counts it;
# 4. the **CRF**: all taggings of a sentence summed, differentiated and searched in linear time;
# 5. **character offsets**, so that what was found can be marked in the text it came from.
#
# Afterwards you can take a tagged corpus to a model and back to the text, and say at every step what could be lost.
#
# **You need** Python, NumPy, and the idea of a softmax. The CRF uses `logsumexp` and a gradient.
# **It takes** about eight hours, in as many sittings as you like: every step has its own check.

# %% [markdown]
# ## How to work
#
# Each step has an idea, a cell to fill in and a check. Replace `raise NotImplementedError()` by your code, run the
# cell, then the `check("…")` below it. Its panel says which case failed, and it knows the classic mistakes. Most blanks
# take about ten lines.
#
# **Two ways to read.** At a first meeting: the idea, the picture, the blank. What stands behind a bar, as below, is for
# the second reading and for those who have done all this before. The checks know these details too, so come back to
# them when a case fails that you don't understand.
#
# > **Where experts slip.** In the steps between the formulas: a tag that begins nothing, a counter that is set to 0, a
# > mask made from labels. None of them raises an error.
#
# Some rules hold everywhere:
#
# - The checks here use public inputs. When your notebook is graded the same checks run on other texts, tags and
#   numbers, so answer for every input that the docstring allows.
# - Tags, spans and ids are compared exactly. A span is `(start, end, type)`, with `end` exclusive as in Python's slices.
# - Nobody changes an argument in place. Whoever gave you the list may need it again.
# - You may add cells and helper functions. Leave names and signatures of what is asked as they are.

# %%
import re
import unicodedata
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from autograder import check

# %% [markdown]
# ## The data, and how it is made
#
# There is no download: the corpus is written by a small grammar from a seed. Its card:
#
# | | |
# | --- | --- |
# | **made by** | `make_corpus(seed, documents, unseen)` below: templates with slots, filled at random |
# | **language** | English sentences, with invented names from several alphabets' worth of accents |
# | **types** | `PER` persons, `LOC` places, `ORG` organisations, `WORK` titles of books and songs |
# | **on purpose** | *ambiguous*: Lorne, Ysmar, Maren are persons, places and parts of companies, and some sentences don't tell which · *adjacent*: "showed Maren Tovi", two persons side by side · *nested-looking*: "the Bank of Ysmar" is one `ORG`, not an `ORG` with a `LOC` in it · *multi-word*: titles of up to five words · *Unicode*: Łucja, Þórdis, Nguyệt, and é written as e + ´ |
# | **unseen** | this share of the surnames and places is made up anew for each mention, letter by letter |
# | **size** | 160 documents (804 sentences, 8,609 words) to train on, 30 (140; 1,458) to test; other seeds give more |
# | **not in it** | real persons, real places, real text, and the ambiguity of real language: scores here say whether the code works, not how good NER is |
#
# A document is a list of sentences, a sentence is a list of words and a list of tags of the same length.

# %%
GIVEN = "Maren Tovi Lorne Ada Ysmar Łucja Þórdis Nguyệt Émile Ingrid Oskar Zoë Rafael José".split()
SURNAMES = "Kovář Lindqvist Ångmark Żelin O'Dara Ferrante Thorvald Mbeki-Lund Sørby Vale Hart Lorne".split()
PLACES = "Ysmar|Lorne|Maren|Arvel|Brennick|Port Salt|New Arvel|São Telmo|Öland Bay|Vale of Hart|Kovář".split("|")
TRADES = "Bank Museum University Port Ministry Theatre".split()
FIRMS = "& Sons|Group|Airlines|Foundation|Steel|Ltd".split("|")
TITLES = "The Long Winter|Letters to Maren|Port Salt|A House in Ysmar|Nine|The Last Train to Arvel|Hart".split("|")
TEMPLATES = """{PER} moved from {LOC} to {LOC} .
{PER} , who was born in {LOC} , leads {ORG} .
{ORG} has bought {ORG} for ten million .
Yesterday {PER} met {PER} and {PER} in {LOC} .
{PER} showed {PER} {PER} 's letter .
In {LOC} {PER} opened a branch of {ORG} .
" {WORK} " by {PER} won a prize in {LOC} .
They read {WORK} on the way to {LOC} .
{ORG} {LOC} will close in May .
It rained for three days , and nobody came .
The bank of the river near {LOC} is steep .
A port , a museum and a theatre : that is {LOC} .
{LOC} beat {LOC} 3 - 1 on Sunday .
{PER} of {ORG} said so to {PER} of {ORG} .
Nobody has heard of {PER} since May .
Nobody has heard of {ORG} since May .
Nobody has heard of {LOC} since May .
{PER} lost a million in {WORK} .
{ORG} lost a million in {LOC} .""".split("\n")


def invented(rng):
    """A name that nobody has seen: two or three syllables."""
    return "".join(rng.choice(["ka", "ber", "os", "lin", "dru", "vé", "ash", "tor", "mi"], rng.integers(2, 4))).title()


def make_name(kind, rng, unseen):
    """The words of one name of this kind."""
    one_of = lambda items: str(rng.choice(items))
    surname = invented(rng) if rng.random() < unseen else one_of(SURNAMES)
    place = invented(rng) if rng.random() < unseen else one_of(PLACES)
    if kind == "LOC":
        return place
    if kind == "PER":
        return one_of([f"{one_of(GIVEN)} {surname}", one_of(GIVEN), f"{one_of(GIVEN)[0]}. {surname}"])
    if kind == "ORG":
        longer = [f"the {one_of(TRADES)} of {place}", f"{surname} {one_of(FIRMS)}", f"{place} {one_of(TRADES)}"]
        return one_of([*longer, surname])
    return one_of(TITLES)


def make_sentence(rng, unseen):
    """Words and IOB2 tags of one sentence."""
    words, tags = [], []
    for part in str(rng.choice(TEMPLATES)).split(" "):
        if not part.startswith("{"):
            words.append(part)
            tags.append("O")
            continue
        name = make_name(part[1:-1], rng, unseen)
        if rng.random() < 0.2:  # the same letters, but accents as characters of their own
            name = unicodedata.normalize("NFD", name)
        name = name.split(" ")
        words += name
        tags += [f"B-{part[1:-1]}"] + [f"I-{part[1:-1]}"] * (len(name) - 1)
    return words, tags


def make_corpus(seed, documents, unseen=0.2):
    """A list of documents, each a list of 2 to 8 sentences (words, tags)."""
    rng = np.random.default_rng(seed)
    return [[make_sentence(rng, unseen) for _ in range(rng.integers(2, 9))] for _ in range(documents)]


def to_conll(corpus):
    """The corpus as the text of a CoNLL file: word, a column of no interest, tag."""
    lines = []
    for document in corpus:
        lines += ["-DOCSTART- -X- O", ""]
        for words, tags in document:
            lines += [f"{word} _ {tag}" for word, tag in zip(words, tags)] + [""]
    return "\n".join(lines)


# %%
# train_text, test_text = to_conll(make_corpus(1, 160)), to_conll(make_corpus(2, 30, unseen=0.5))
# print("\n".join(train_text.split("\n")[:18]))

# %% [markdown]
# A few of its sentences, drawn by `draw_sentence`, which the rest of the notebook uses too. Above each
# box stands its type, and each type has its shade; a dashed frame is a `WORK`.

# %%
BOXES = {"PER": "0.95", "LOC": "0.82", "ORG": "0.68", "WORK": "white"}


def text_axes(lines, columns, title):
    """Axes for lines of text at y = 0, -1.5, -3, …, on which a character is one unit wide."""
    size = 0.094 * columns + 0.2, 0.45 * (1.5 * lines + 0.6) + 0.4
    ax = plt.subplots(figsize=size, layout="constrained")[1]
    ax.set(xlim=(-1, columns - 1), ylim=(0.4 - 1.5 * lines, 1), title=title)
    return ax


def draw_sentence(ax, words, spans, y=0.0, notes=()):
    """Draw words in a row at height y, a labelled box around each span; `notes` are (start, end, text) below it."""
    ends = np.cumsum([len(unicodedata.normalize("NFC", word)) + 1 for word in words])
    starts = ends - [len(unicodedata.normalize("NFC", word)) + 1 for word in words]
    for start, end, kind in spans:
        style = "--" if kind == "WORK" else "-"
        box = plt.Rectangle((starts[start] - 0.4, y - 0.32), ends[end - 1] - starts[start] - 0.2, 0.64,
                            facecolor=BOXES.get(kind, "0.9"), edgecolor="0.2", linestyle=style)
        ax.add_patch(box)
        ax.text(starts[start] - 0.4, y + 0.36, kind, size=7, color="0.25", va="bottom")
    for start, word in zip(starts, words):
        ax.text(start, y - 0.14, unicodedata.normalize("NFC", word), family="monospace", size=11)
    for start, end, note in notes:
        ax.plot([starts[start] - 0.3, ends[end - 1] - 0.7], [y - 0.45] * 2, color="black", linewidth=2)
        ax.text(starts[start] - 0.3, y - 0.5, note, size=7, va="top")
    ax.axis("off")


# %% [markdown]
# ## 1. Read a CoNLL file
#
# The format is as old as the field: one token per line, columns beside it, an empty line after each sentence. It looks
# as if three lines of code would do.
#
# ```
# -DOCSTART- -X- O      a document begins: no token, and it ends a sentence like an empty line
#                       an empty line ends a sentence; two of them make no empty sentence
# # sent_id = 7         a comment: it is skipped, wherever it stands, and ends nothing
# Maren   NNP   B-PER   the word, columns of no interest, the tag
# Tovi    NNP   I-PER
# left    VBD   O       and here the file may end, without a newline
# ```
#
# > **Where experts slip.**
# >
# > - A sentence ends at an empty line **or at the end of the text**. A reader that stores a sentence only at an empty line
# >   loses the last one of each file that lacks its last newline. And an empty line may hold spaces.
# > - `#` may be a token, and `#nlp` surely is one. Here a comment is a line that begins with **`#` and a space**. (A file
# >   whose columns are separated by spaces could write the token `#` just so: such a file has no comments, and is read
# >   with `comments=False`.)
# > - Lines end with `\n`, or `\r\n` if the file was on Windows, and such a file may begin with the invisible
# >   byte-order mark `\ufeff`. It belongs to the file, not to the first word, comment or `-DOCSTART-`.
# > - Columns are separated by spaces and tabs, **and by nothing else**. `str.split()` also splits at the no-break
# >   space U+00A0, which stands inside tokens (`10 000`), `str.strip()` takes it off their ends, and `str.splitlines()`
# >   splits at U+0085 and U+2028, which occur in text from the web. Then a token becomes a tag, or half a line a sentence.

# %%
def read_conll(text, tag_column=-1, comments=True):
    """The sentences of a CoNLL file.

    text        the whole file
    tag_column  which column holds the tag; the word is always the first one
    comments    whether lines that begin with "# " are comments; a comment doesn't end a sentence
    returns     a list of sentences, each a tuple (words, tags) of two lists of strings
    """
    sentences, words, tags = [], [], []
    for line in [*text.removeprefix("\ufeff").split("\n"), ""]:
        if comments and line.startswith("# "):
            continue
        columns = re.split("[ \t]+", line.strip(" \t\r"))
        if columns[0] not in ("", "-DOCSTART-"):
            words.append(columns[0])
            tags.append(columns[tag_column])
        elif words:
            sentences.append((words, tags))
            words, tags = [], []
    return sentences


# %%
# check("read_conll")

# %% [markdown]
# ## 2. Tags and spans
#
# A tag per word is how a network writes its answer; a span is what we want to know. Three schemes
# are in use, the first of them since Ramshaw & Marcus (1995):
#
# | words | `Maren` | `Tovi` | `left` | `Port` | `Salt` | rule |
# | --- | --- | --- | --- | --- | --- | --- |
# | spans | PER | PER | | LOC | LOC | two persons side by side, one place of two words |
# | **IOB1** | `I-PER` | `B-PER` | `O` | `I-LOC` | `I-LOC` | `B-` only where a span follows another **of its type** directly |
# | **IOB2** | `B-PER` | `B-PER` | `O` | `B-LOC` | `I-LOC` | every span begins with `B-` |
# | **BIOES** | `S-PER` | `S-PER` | `O` | `B-LOC` | `E-LOC` | also marks the end; `S-` is a span of one word |
#
# A network may write any list of tags, legal or not: `O I-PER`, `B-PER I-LOC`. Which spans are these? The reading on
# which the field has agreed is that of Tjong Kim Sang's and Buchholz's script `conlleval` (2000): never throw a tag
# away. One rule serves all three schemes. A word whose tag isn't `O` **begins** a new span if
#
# - its prefix is `B` or `S`, **or**
# - the word before it is `O`, or there is none, **or**
# - the prefix before it is `E` or `S`, **or**
# - the type before it is another one.
#
# Else it continues the span before it.
#
# > **Where experts slip.** `O I-PER` has one span, and `B-PER I-LOC` two. A reader that keeps only spans that begin with
# > `B-` (*strict* IOB2) gives another score for the same model. A type may hold hyphens: `B-GPE-LOC` has the type
# > `GPE-LOC`. And the last span may end with the sentence.

# %%
def read_spans(tags):
    """The spans of a sentence's tags, by conlleval's rule.

    tags     list of strings: "O", or a prefix (B, I, E or S), a hyphen and a type; legal or not
    returns  list of tuples (start, end, type), end exclusive, from left to right
    """
    spans, last_prefix, last_kind = [], "O", ""
    for at, tag in enumerate(tags):
        prefix, _, kind = tag.partition("-")
        if prefix != "O":
            begins = prefix in "BS" or last_prefix in "OES" or kind != last_kind
            start = at if begins else spans.pop()[0]
            spans.append((start, at + 1, kind))
        last_prefix, last_kind = prefix, kind
    return spans


# %%
# check("read_spans")

# %% [markdown]
# ### And back
#
# Writing is easier, for spans are always legal. Only IOB1 looks at the neighbour: `B-` where the span before it ends
# right here **and** has the same type.
#
# > **Where experts slip.** `I-LOC O B-LOC` is no IOB1: there the second span begins with `I-`, for something stands
# > between. CoNLL-2003 was published in IOB1; a strict reader of IOB2 finds hardly a span in it.

# %%
def write_tags(spans, length, scheme):
    """The tags of a sentence from its spans.

    spans    tuples (start, end, type) that don't overlap, each of at least one word, in any order
    length   the number of words
    scheme   "IOB1", "IOB2" or "BIOES"
    returns  list of `length` strings
    """
    tags, before = ["O"] * length, None
    for start, end, kind in sorted(spans):
        prefixes = ["I"] * (end - start)
        if scheme != "IOB1" or before == (start, kind):
            prefixes[0] = "B"
        if scheme == "BIOES":
            prefixes[-1] = "E" if end - start > 1 else "S"
        tags[start:end] = [f"{prefix}-{kind}" for prefix in prefixes]
        before = (end, kind)
    return tags


# %%
# check("write_tags")

# %% [markdown]
# With both you can turn each scheme into each other one, repair illegal tags, and draw.

# %%
# def convert(tags, scheme):
#     """The same spans in another scheme."""
#     return write_tags(read_spans(tags), len(tags), scheme)
#
#
# words = [word.ljust(5) for word in "Maren Tovi left the Bank of Ysmar for São Telmo".split()]
# tags = "B-PER B-PER O B-ORG I-ORG I-ORG I-ORG O B-LOC I-LOC".split()
# ax = text_axes(3, 70, "one sentence, three schemes")
# draw_sentence(ax, words, read_spans(tags))
# for row, scheme in enumerate(["IOB1", "IOB2", "BIOES"]):
#     ax.text(-8, -1.2 - row, scheme, size=10, weight="bold")
#     for at, tag in enumerate(convert(tags, scheme)):
#         ax.text(6 * at, -1.2 - row, tag, size=10, family="monospace")
# ax.set_xlim(-9, 61)
# plt.show()

# %%
# sentences = read_conll(train_text)
# ax = text_axes(6, 74, f"6 of {len(sentences)} sentences")
# for row, (words, tags) in enumerate(sentences[:6]):
#     draw_sentence(ax, words, read_spans(tags), y=-1.5 * row)
# plt.show()
# Counter(kind for _, tags in sentences for *_, kind in read_spans(tags))

# %% [markdown]
# ## 3. Labels for subwords
#
# Models read *subwords*: `Lindqvist` becomes `Lin ##dq ##vist`, where `##` says "goes on without a space" (WordPiece,
# Schuster & Nakajima 2012, as BERT uses it). Here is a small one. It cuts off the longest piece that its vocabulary
# knows, again and again, and calls a word that can't be cut `[UNK]`.
#
# > **Where experts slip.** Like the original it drops control and format characters first, so that **a word may have no
# > piece at all**: a soft hyphen or a zero-width space alone. Code that counts on one piece per word shifts every label
# > after it.

# %%
def make_vocabulary(words, size=400):
    """The characters of the words, and their most frequent beginnings and continuations, up to `size` pieces."""
    letters, longer = Counter(), Counter()
    for word in words:
        for start in range(len(word)):
            for end in range(start + 1, min(len(word), start + 6) + 1):
                piece = ("##" if start else "") + word[start:end]
                (letters if end == start + 1 else longer)[piece] += 1
    return {*letters, *(piece for piece, _ in longer.most_common(max(0, size - len(letters))))}


def wordpiece(word, vocabulary):
    """The pieces of one word, by longest match first; [] if nothing visible is left of it."""
    word = "".join(char for char in word if unicodedata.category(char) not in ("Cc", "Cf"))
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            piece = ("##" if start else "") + word[start:end]
            if piece in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(piece)
        start = end
    return pieces


# %%
# vocabulary = make_vocabulary([line.split(" ")[0] for line in train_text.split("\n") if line])
# print(wordpiece("Lindqvist", vocabulary), wordpiece("museums", vocabulary), wordpiece("\u00ad", vocabulary))

# %% [markdown]
# Two things are needed of a sentence: its pieces, between the *special* pieces `[CLS]` and `[SEP]`, and for each piece
# the number of the word it came from. The second list is what all the rest hangs on. A word without pieces gets one
# `[UNK]`, so that no word is lost and predictions have a place to come back from.

# %%
def subwords(words, tokenize):
    """The pieces of a sentence and where each came from.

    words     list of strings
    tokenize  function from a word to the list of its pieces, which may be empty
    returns   pieces, list of strings, with [CLS] first and [SEP] last;
              word_ids, list of the same length: the word's index, None for [CLS] and [SEP]
    """
    pieces, word_ids = ["[CLS]"], [None]
    for at, word in enumerate(words):
        parts = tokenize(word) or ["[UNK]"]
        pieces += parts
        word_ids += [at] * len(parts)
    return [*pieces, "[SEP]"], [*word_ids, None]


# %%
# check("subwords")

# %% [markdown]
# Tags belong to words, the loss to pieces. What label has `##dq`? Two answers are in use (`every_piece`):
#
# | | `[CLS]` | `Lin` | `##dq` | `##vist` | `left` | `[SEP]` |
# | --- | --- | --- | --- | --- | --- | --- |
# | `False` | −100 | `B-PER` | −100 | −100 | `O` | −100 |
# | `True` | −100 | `B-PER` | `I-PER` | `I-PER` | `O` | −100 |
#
# −100 is the label that losses leave out: PyTorch's `cross_entropy` has it as `ignore_index`, and TensorFlow users
# mask it by hand. Specials have it always.
#
# > **Where experts slip.** In the second row a **continuation never begins a span**: with `B-PER` three times the model
# > would learn that this is three persons. Only the *prefix* changes, so mind types like `SUB-PART`, in which `"B-"`
# > occurs twice. `if word:` is false for the word 0. And a part of a sentence needn't begin with its word 0: `word_ids`
# > tells whose tag it is, not a counter.

# %%
def align_labels(tags, word_ids, label_ids, every_piece=False):
    """The label of each piece.

    tags         IOB2 tags of the words
    word_ids     as subwords gives them; pieces of a word stand together. A part of a sentence may begin later than 0
    label_ids    dict from tag to id
    every_piece  False: a word's first piece has its label, the others -100; True: the others continue the span
    returns      (len(word_ids),) int64
    """
    labels, last = [], None
    for word in word_ids:
        label = -100
        if word is not None and (word != last or every_piece):
            tag = tags[word]
            if word == last and tag != "O":
                tag = "I" + tag[1:]
            label = label_ids[tag]
        labels.append(label)
        last = word
    return np.array(labels, dtype=np.int64)


# %%
# check("align_labels")

# %%
# words, tags = "Þórdis Lindqvist runs Thorvald Airlines".split(), "B-PER I-PER O B-ORG I-ORG".split()
# pieces, word_ids = subwords(words, lambda word: wordpiece(word, vocabulary))
# label_ids = {tag: at for at, tag in enumerate(["O", "B-PER", "I-PER", "B-ORG", "I-ORG"])}
# names = {at: tag for tag, at in label_ids.items()} | {-100: "−100"}
# rows = [align_labels(tags, word_ids, label_ids, every_piece=every) for every in (False, True)]
#
# fig, ax = plt.subplots(figsize=(11, 2.2), layout="constrained")
# for at, (piece, word) in enumerate(zip(pieces, word_ids)):
#     color = "white" if word is None else ("0.95", "0.8")[word % 2]
#     for y, text in [(2, piece), *((1 - row, names[int(labels[at])]) for row, labels in enumerate(rows))]:
#         shown = color if y == 2 or text != "−100" else "white"
#         ax.add_patch(plt.Rectangle((at, y), 0.95, 0.85, facecolor=shown, edgecolor="0.4"))
#         ax.text(at + 0.47, y + 0.42, text, ha="center", va="center", size=7.5, family="monospace")
# ax.set(xlim=(0, len(pieces)), ylim=(0, 3), yticks=[2.4, 1.4, 0.4], xticks=[])
# ax.set_yticklabels(["piece", "first piece only", "every piece"])
# ax.set_title("one shade per word")
# plt.show()

# %% [markdown]
# ## 4. Sentences that are too long
#
# A model has a maximum length, in *pieces, with the specials counted*. Longer sentences must be cut, between words, and
# if it can be helped not inside an entity: half a name is a wrong lesson for the model.
#
# From left to right:
#
# 1. Take as many words as fit into `limit` minus the two specials.
# 2. If the cut falls inside an entity, move it back to the entity's first word.
# 3. If that leaves nothing (the entity begins where the part begins), the cut can't be avoided: leave it where it was.
#
# > **Where experts slip.** A script that has been copied for years counts pieces word by word and starts a new line when
# > the next word doesn't fit. Then it sets its counter to **0**, although that word already stands on the new line. With
# > room for 8 and words of 6 pieces it lets 12 through, and the model cuts off the rest without a word (the picture
# > below). Its cousins forget that each part has its own `[CLS]` and `[SEP]`.

# %%
def split_words(counts, spans, limit):
    """Cut a sentence into parts that fit a model.

    counts   the number of pieces of each word, at least 1
    spans    the entities, tuples (start, end, type) in words
    limit    the most pieces of one part, [CLS] and [SEP] included
    returns  list of tuples (start, end) in words, end exclusive: the parts, from left to right
    Raises ValueError if a word alone doesn't fit.
    """
    if max(counts, default=0) > limit - 2:
        raise ValueError("a word alone is longer than the limit")
    entity = {at: start for start, end, _ in spans for at in range(start + 1, end)}  # where not to cut
    parts, start = [], 0
    while start < len(counts):
        end, used = start, 2
        while end < len(counts) and used + counts[end] <= limit:
            used += counts[end]
            end += 1
        if entity.get(end, start) > start:
            end = entity[end]
        parts.append((start, end))
        start = end
    return parts


# %%
# check("split_words")

# %%
# def script(counts, limit):
#     """The parts of the script that sets its counter to 0."""
#     parts, start, used = [], 0, 2
#     for at, count in enumerate(counts):
#         used += count
#         if used > limit:
#             parts.append((start, at))
#             start, used = at, 2  # the word `at` stands on the new line already, and isn't counted
#     return [*parts, (start, len(counts))]
#
#
# counts, entity, limit = [6, 6, 6, 2, 3, 1, 1, 4, 2], (6, 8, "ORG"), 10
# ways = {"the counter set to 0": script(counts, limit), "split_words": split_words(counts, [entity], limit)}
#
# fig, axes = plt.subplots(1, 2, figsize=(10, 2.8), layout="constrained", sharey=True)
# for ax, (name, parts) in zip(axes, ways.items()):
#     for row, (start, end) in enumerate(parts):
#         x = 0
#         for at, wide in [(None, 1), *((at, counts[at]) for at in range(start, end)), (None, 1)]:
#             shade = "white" if at is None else "0.55" if entity[0] <= at < entity[1] else "0.88"
#             ax.add_patch(plt.Rectangle((x, -row), wide, 0.8, facecolor=shade, edgecolor="black"))
#             ax.text(x + 0.3, 0.4 - row, "" if at is None else wide, va="center", size=9)
#             x += wide
#     ax.axvline(limit, color="black", linestyle="--")
#     ax.set(xlim=(-0.3, 17), ylim=(-4.2, 1), xlabel="pieces, with [CLS] and [SEP] (white)", title=name, yticks=[])
# axes[0].set_ylabel("part")
# axes[1].text(limit + 0.3, -0.5, "the limit;\ndark: an entity", va="center", size=9)
# plt.show()

# %% [markdown]
# ## 5. Windows that overlap
#
# At prediction time the entities aren't known, so nobody can spare them. The remedy: parts that *overlap*. Each is
# `size` long and shares `overlap` positions with the next; then every entity of up to `overlap + 1` words lies whole
# in some window. The last window ends where the text ends and may be shorter, and none is wholly inside another.
#
# > **Where experts slip.** Mind the word *stride*. In signal processing it is the step from one start to the next; in
# > Hugging Face's tokenizers `stride=` is the **overlap**. The step is size − overlap. And stop when a window has reached the
# > end: a loop over all starts below `length` adds windows that lie inside the one before.

# %%
def windows(length, size, overlap):
    """The windows over a text.

    length   positions in the text, at least 0; without any there is no window
    size     positions in a window
    overlap  positions that neighbours share, less than size
    returns  list of tuples (start, end), end exclusive
    """
    ranges = [(0, min(size, length))] if length else []
    while ranges and ranges[-1][1] < length:
        start = ranges[-1][0] + size - overlap
        ranges.append((start, min(start + size, length)))
    return ranges


# %%
# check("windows")

# %% [markdown]
# Now positions in an overlap have two answers, or more. Putting the windows' answers one after another counts these
# positions, and their entities, twice. One way to merge: the **mean** of the scores of all windows that saw a position.
#
# > **Where experts slip.** Averaging each window with the result so far is no mean where three overlap: the last one
# > counts half. And the mean of logits isn't the mean of probabilities; both are in use, so say which was meant.

# %%
def merge_mean(scores, ranges):
    """One score per position and class: the mean over the windows that hold the position.

    scores   list of arrays (end - start, K), one for each window
    ranges   the windows, as windows gives them, at least one
    returns  (length, K), in the dtype of the scores
    """
    total = np.zeros((ranges[-1][1], scores[0].shape[1]), scores[0].dtype)
    count = np.zeros((len(total), 1), scores[0].dtype)
    for score, (start, end) in zip(scores, ranges, strict=True):
        total[start:end] += score
        count[start:end] += 1
    return total / count


# %%
# check("merge_mean")

# %% [markdown]
# The other way: trust the window that saw most **context**. Near its edge a window knows little of what comes next. At
# position $p$ a window $(s, e)$ has the context $\min(p - s,\; e - 1 - p)$, the positions to its nearer edge. The
# window with the largest one decides alone; of equals, the earlier. (BERT's reading of long texts for question
# answering does so.)

# %%
def merge_by_context(labels, ranges):
    """One label per position: that of the window in which the position lies farthest from the nearer edge.

    labels   list of arrays (end - start,) of ints, one for each window
    ranges   the windows, as windows gives them, at least one
    returns  (length,), in the dtype of the labels
    """
    merged = np.zeros(ranges[-1][1], labels[0].dtype)
    most = np.full(len(merged), -1)
    for label, (start, end) in zip(labels, ranges, strict=True):
        position = np.arange(end - start)
        context = np.minimum(position, position[::-1])
        better = context > most[start:end]
        merged[start:end][better] = label[better]
        most[start:end][better] = context[better]
    return merged


# %%
# check("merge_by_context")

# %%
# length, size, overlap = 26, 10, 4
# ranges = windows(length, size, overlap)
# fig, ax = plt.subplots(figsize=(10, 2.6), layout="constrained")
# chosen = merge_by_context([np.full(end - start, at) for at, (start, end) in enumerate(ranges)], ranges)
# for row, (start, end) in enumerate(ranges):
#     for at in range(start, end):
#         context = min(at - start, end - 1 - at)
#         own = chosen[at] == row
#         ax.add_patch(plt.Rectangle((at, -row), 0.94, 0.85, facecolor="0.7" if own else "white", edgecolor="0.4"))
#         ax.text(at + 0.47, 0.42 - row, str(context), ha="center", va="center", size=8)
# ax.set(xlim=(-0.2, length), ylim=(0.2 - len(ranges), 1.1), xlabel="position", ylabel="window",
#        title="the context of each position in each window; grey: this window decides")
# ax.set_yticks(0.42 - np.arange(len(ranges)), range(len(ranges)))
# ax.set_xticks(np.arange(0, length, 5) + 0.47, range(0, length, 5))
# plt.show()

# %% [markdown]
# ## 6. Batches
#
# A batch is a rectangle, sentences are not: the shorter ones are **padded**. Then three things must know which places
# are real. The model's attention and recurrences need the *attention mask*. The loss needs *labels of −100* at the
# padding: label 0 is `O` in most label lists, and with zeros there the model earns its loss by calling padding
# `O`. And the ids need the vocabulary's own padding id, which isn't always 0 (RoBERTa's is 1).
#
# > **Where experts slip.** Keep apart what −100 means and what the mask means. A continuation (`##vist`) has the label
# > −100 **and** is real: the model must read it. So the mask comes from lengths, never from labels, nor from ids, for the
# > padding id may be the id of a real piece as well (many models pad with the end-of-text id). And pad copies: a list
# > that was made longer in place comes padded in the next epoch.

# %%
def pad_batch(examples, pad_id):
    """A batch from examples of different lengths.

    examples  list of tuples (ids, labels): two lists of ints of the same length, at least 1
    pad_id    the id that fills up
    returns   dict of arrays (B, T), T the longest length: "input_ids" int64,
              "attention_mask" bool (True: real), "labels" int64 (-100 at the padding)
    """
    shape = len(examples), max(len(ids) for ids, _ in examples)
    batch = {
        "input_ids": np.full(shape, pad_id, np.int64),
        "attention_mask": np.zeros(shape, bool),
        "labels": np.full(shape, -100, np.int64),
    }
    for row, (ids, labels) in enumerate(examples):
        batch["input_ids"][row, : len(ids)] = ids
        batch["attention_mask"][row, : len(ids)] = True
        batch["labels"][row, : len(ids)] = labels
    return batch


# %%
# check("pad_batch")

# %% [markdown]
# ### Buckets
#
# Padding is paid for like real text. If neighbours have similar lengths there is little of it: sort by length, then
# fill batches up to a *budget of places*, padding included, instead of a fixed number of sentences. Short sentences
# then come in large batches, long ones in small batches, and memory stays within bounds. A batch of $n$ sentences
# whose longest has length $\ell$ takes $n\,\ell$ places.
#
# > **Where experts slip.** A budget of *real* pieces bounds nothing: it is the padded rectangle that fills the memory. And
# > in training shuffle the *batches* in each epoch, or the model always sees the short sentences first.

# %%
def bucket_batches(lengths, budget):
    """Which examples go together into batches.

    lengths  the length of each example, at least 1
    budget   the most places of a batch, padding included; an example longer than that is a batch of its own
    returns  list of lists of ints: examples by length, shortest first, equal lengths in their order; each batch takes
             as many as fit
    """
    batches = [[]]
    for at in sorted(range(len(lengths)), key=lambda at: lengths[at]):
        if batches[-1] and (len(batches[-1]) + 1) * lengths[at] > budget:
            batches.append([])
        batches[-1].append(at)
    return batches if lengths else []


# %%
# check("bucket_batches")

# %%
# rng = np.random.default_rng(0)
# examples = []
# for at in rng.permutation(len(sentences))[:48]:
#     pieces, word_ids = subwords(sentences[at][0], lambda word: wordpiece(word, vocabulary))
#     examples.append(([7] * len(pieces), [0] * len(pieces)))
# lengths = [len(ids) for ids, _ in examples]
# by_order = [list(range(start, start + 16)) for start in range(0, 48, 16)]
# by_length = bucket_batches(lengths, budget=16 * 24)
#
# fig, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained", sharey=True)
# for ax, batches, name in zip(axes, (by_order, by_length), ("16 sentences each, as they come", "buckets of 384 places")):
#     row, real, places = 0, 0, 0
#     for batch in batches:
#         mask = pad_batch([examples[at] for at in batch], 0)["attention_mask"]
#         ax.imshow(mask, cmap="gray_r", vmin=-0.3, vmax=1.4, extent=(0, mask.shape[1], row + len(mask), row), aspect="auto")
#         ax.add_patch(plt.Rectangle((0, row), mask.shape[1], len(mask), fill=False, edgecolor="black"))
#         row, real, places = row + len(mask) + 1, real + mask.sum(), places + mask.size
#     ax.set(xlim=(0, max(lengths) + 1), ylim=(row, -1), xlabel="piece", ylabel="sentence",
#            title=f"{name}: {100 - 100 * real / places:.0f} % is padding (pale)")
# plt.show()

# %% [markdown]
# ### Class weights
#
# Two words of three are `O` here, and more in newspapers. A loss may weight the classes against
# that. With $n_c$ the number of labels $c$, $N$ the number of all labels, and $K$ the number of classes **that occur**,
#
# $$w_c = \frac{N}{K\,n_c}, \qquad w_c = 0 \text{ for a class that doesn't occur},$$
#
# so that every class weighs the same in total, and the average weight of a label is 1 (scikit-learn calls it
# `"balanced"`). Labels of −100 are no labels.
#
# > **Where experts slip.** `labels == -100` is easily forgotten, and NumPy's indexing by −100 raises nothing where there are
# > 100 classes or more. A class that doesn't occur has no $n_c$ to divide by, and isn't counted in
# > $K$.

# %%
def class_weights(labels, num_labels):
    """Weights by which all classes that occur count the same.

    labels      int64 array of any shape, in 0 … num_labels-1, or -100; at least one is a label
    num_labels  the number of classes
    returns     (num_labels,) float64
    """
    counts = np.bincount(labels[labels != -100], minlength=num_labels)
    occurs = counts > 0
    weights = np.zeros(num_labels)
    weights[occurs] = counts.sum() / (occurs.sum() * counts[occurs])
    return weights


# %%
# check("class_weights")

# %% [markdown]
# ### The same in the frameworks
#
# PyTorch's `DataLoader` takes a list of batches of indices as its `batch_sampler`, and a function `collate_fn` that
# makes one batch from the examples chosen. TensorFlow's `tf.data` reads examples from a generator and has
# `padded_batch`. Its default padding is 0 for everything: say `padding_values`.
#
# > **Where experts slip.** Both must survive a second epoch: give the `DataLoader` a list and not an iterator, and
# > `from_generator` the *function* and not a generator that it has made. `padded_batch` pads labels with 0 = `O` and masks
# > with `False`. (`tf.data` has buckets of its own, `bucket_by_sequence_length`.)

# %%
import tensorflow as tf
import torch


# %%
def torch_loader(examples, batches, pad_id):
    """A DataLoader over given batches.

    examples  as pad_batch takes them
    batches   list of lists of indices into examples, as bucket_batches gives them
    returns   a torch.utils.data.DataLoader whose batches are dicts like those of pad_batch, of torch tensors
              (int64, bool, int64), in the order of `batches`
    """
    def collate(chosen):
        return {name: torch.as_tensor(array) for name, array in pad_batch(chosen, pad_id).items()}

    return torch.utils.data.DataLoader(examples, batch_sampler=batches, collate_fn=collate)


# %%
# check("torch_loader")

# %%
def tf_dataset(examples, batch_size, pad_id):
    """A tf.data.Dataset over the examples in their order.

    examples    as pad_batch takes them
    batch_size  examples in a batch; the last batch may be smaller, and isn't dropped
    returns     a tf.data.Dataset whose batches are dicts like those of pad_batch, of TensorFlow tensors
                (int64, bool, int64), each padded to its own longest example
    """
    def generate():
        for ids, labels in examples:
            yield {"input_ids": ids, "attention_mask": [True] * len(ids), "labels": labels}

    kinds = {"input_ids": tf.int64, "attention_mask": tf.bool, "labels": tf.int64}
    signature = {name: tf.TensorSpec([None], kind) for name, kind in kinds.items()}
    padding = {"input_ids": np.int64(pad_id), "attention_mask": False, "labels": np.int64(-100)}
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    return dataset.padded_batch(batch_size, padding_values=padding)


# %%
# check("tf_dataset")

# %% [markdown]
# ## 7. The score
#
# Two words of three are `O` here, and more in newspapers, so a model that finds nothing gets 65 % of the *tokens* right. Worth is measured in
# **spans**: one counts as correct if start, end and type are all right. There is no half point for half a name.
#
# $$P = \frac{\text{correct}}{\text{guessed}}, \qquad R = \frac{\text{correct}}{\text{gold}}, \qquad
# F_1 = \frac{2PR}{P+R} = \frac{2\,\text{correct}}{\text{guessed} + \text{gold}} .$$
#
# The spans of both sides are read with `read_spans`, each sentence **for itself**.
#
# > **Where experts slip.** Read as one long list, a span at the end of a sentence would go on in the next. Illegal guesses
# > count as `conlleval` counts them; a strict reader gives other numbers for the same model, and papers have been compared
# > across that gap. A type that is only guessed counts too: with its wrong guesses.

# %%
def span_counts(gold, guessed):
    """How many spans are correct, guessed and there, by type.

    gold, guessed  lists of sentences, each a list of tags; both of the same lengths
    returns        dict from each type that occurs on either side to a tuple of ints (correct, guessed, gold)
    """
    counts = {}
    for gold_tags, guessed_tags in zip(gold, guessed, strict=True):
        there, found = set(read_spans(gold_tags)), set(read_spans(guessed_tags))
        for column, spans in enumerate((there & found, found, there)):
            for *_, kind in spans:
                counts.setdefault(kind, [0, 0, 0])[column] += 1
    return {kind: tuple(three) for kind, three in counts.items()}


# %%
# check("span_counts")

# %% [markdown]
# Two averages are in use, and they answer two questions. **Micro**: add up the counts of all types, then take $P$,
# $R$, $F_1$ of the sums: every span counts the same. **Macro**: the mean of the types' $P$, of their $R$, and of their
# $F_1$: every type counts the same, however rare. A quotient with the denominator 0 is
# 0.
#
# > **Where experts slip.** Macro $F_1$ is here the mean of the $F_1$, not the $F_1$ of the means; both are in print
# > (Opitz & Burst 2019), and they differ. Types that were never found count as 0: they aren't left out.

# %%
def f1_report(counts):
    """Precision, recall and F1 by type and on average.

    counts   as span_counts gives them; may be empty (then both averages are zeros)
    returns  dict from each type, "micro" and "macro" to a tuple of floats (P, R, F1), between 0 and 1
    """
    def scores(correct, guessed, gold):
        pairs = (correct, guessed), (correct, gold), (2 * correct, guessed + gold)
        return tuple(above / below if below else 0.0 for above, below in pairs)

    report = {kind: scores(*three) for kind, three in counts.items()}
    macro = tuple(sum(column) / len(counts) for column in zip(*report.values())) or (0.0, 0.0, 0.0)
    micro = scores(*map(sum, zip(*counts.values()))) if counts else (0.0, 0.0, 0.0)
    return report | {"micro": micro, "macro": macro}


# %%
# check("f1_report")

# %%
# words = "Maren Tovi left the Bank of Ysmar .".split()
# gold = "B-PER I-PER O B-ORG I-ORG I-ORG I-ORG O".split()
# guesses = {
#     "gold": gold,
#     "half a name": "B-PER O O B-ORG I-ORG I-ORG I-ORG O".split(),
#     "one too many": "B-PER I-PER O B-ORG I-ORG I-ORG B-LOC O".split(),
#     "another type": "B-PER I-PER O B-LOC I-LOC I-LOC I-LOC O".split(),
#     "illegal, but right": "I-PER I-PER O I-ORG I-ORG I-ORG I-ORG O".split(),
# }
# ax = text_axes(len(guesses), 92, "what a guess is worth")
# for row, (name, tags) in enumerate(guesses.items()):
#     draw_sentence(ax, words, read_spans(tags), y=-1.5 * row)
#     p, r, f1 = f1_report(span_counts([gold], [tags]))["micro"]
#     tokens = np.mean([one == other for one, other in zip(gold, tags)])
#     told = f"{name:19} tokens {tokens:4.0%}   P {p:4.0%}   R {r:4.0%}   F1 {f1:4.0%}"
#     ax.text(38, -0.14 - 1.5 * row, told, size=9, family="monospace")
# plt.show()

# %%
# # The simplest tagger: remember the most frequent tag of every word. Nearly all tokens are right; the spans say more.
# seen = {}
# for words, tags in sentences:
#     for word, tag in zip(words, tags):
#         seen.setdefault(word, Counter())[tag] += 1
# test_sentences = read_conll(test_text)
# gold = [tags for _, tags in test_sentences]
# baseline = [[seen[word].most_common(1)[0][0] if word in seen else "O" for word in words] for words, _ in test_sentences]
# right = np.mean([one == other for tags, others in zip(gold, baseline) for one, other in zip(tags, others)])
# baseline_report = f1_report(span_counts(gold, baseline))
# print(f"tokens right: {100 * right:.1f} %")
# for kind, (p, r, f1) in baseline_report.items():
#     print(f"{kind:6} P {100 * p:5.1f}  R {100 * r:5.1f}  F1 {100 * f1:5.1f}")

# %% [markdown]
# ## 8. The CRF
#
# A network gives each word a score for each tag, its **emissions**. Taking the best tag word by word ignores that
# tags depend on their neighbours: `I-ORG` after `B-PER` makes no sense. A *conditional random field* (Lafferty, McCallum &
# Pereira 2001) scores the tagging $y_1 \dots y_T$ as a whole, with a score for each transition $A_{ij}$ **from tag $i$ to
# tag $j$**, and for the first and the last tag:
#
# $$s(y) = a_{y_1} + \sum_{t=1}^{T} E_{t,y_t} + \sum_{t=2}^{T} A_{y_{t-1},y_t} + b_{y_T}, \qquad
# p(y) = \frac{e^{s(y)}}{Z}, \qquad Z = \sum_{y'} e^{s(y')} .$$
#
# It is a softmax over all $K^T$ taggings. All functions below take a padded batch:
#
# | argument | shape | |
# | --- | --- | --- |
# | `emissions` | (B, T, K) | floats; at the padding they may be anything finite |
# | `transitions` | (K, K) | `transitions[i, j]`: from i to j; −inf rules a transition out |
# | `start`, `end` | (K,) | for the first and the last real tag; −inf rules a tag out there |
# | `mask` | (B, T) bool | True: real; at least one in each row, all of them before the padding |
#
# First the score of one given tagging; one that is ruled out has the score −inf.
#
# > **Where experts slip.** `end` belongs to the last **real** tag. Tags at the padding are −100 if they come from
# > `pad_batch`, which as an index counts from the end. And 0 · (−inf) is NaN: mask with `np.where`, not by multiplying.

# %%
def crf_score(emissions, transitions, start, end, tags, mask):
    """The score s(y) of one tagging for each sentence.

    emissions, transitions, start, end, mask  as in the table
    tags     (B, T) int64 in 0 … K-1; anything at the padding, also -100
    returns  (B,), in the dtype of emissions
    """
    rows, steps = np.arange(len(tags)), np.arange(tags.shape[1])
    tags = np.where(mask, tags, 0)
    emitted = np.where(mask, emissions[rows[:, None], steps, tags], 0).sum(axis=1)
    moved = np.where(mask[:, 1:], transitions[tags[:, :-1], tags[:, 1:]], 0).sum(axis=1)
    last = tags[rows, mask.sum(axis=1) - 1]
    return start[tags[:, 0]] + emitted + moved + end[last]


# %%
# check("crf_score")

# %% [markdown]
# ### The sum over all taggings
#
# With 9 tags and 30 words $Z$ has $9^{30}$ terms. But they share their beginnings. Let $\alpha_{t,j}$ be the log of the
# sum over all beginnings of length $t$ that end in tag $j$. Each of them is a beginning of length $t-1$ and one
# more step:
#
# $$\alpha_{1,j} = a_j + E_{1,j}, \qquad
# \alpha_{t,j} = E_{t,j} + \log \sum_i e^{\alpha_{t-1,i} + A_{ij}}, \qquad
# \log Z = \log \sum_j e^{\alpha_{T,j} + b_j} .$$
#
# That is the *forward algorithm*, $T K^2$ operations. At the padding $\alpha$ stands still.
# `logsumexp` is given; it doesn't overflow, and takes −inf for what it is.
#
# > **Where experts slip.** The sum runs over $i$, where one comes **from**; the emission is that of $j$, where one goes to.
# > Implementations differ in whether `transitions` is [from, to] or [to, from]: read before you copy.

# %%
def logsumexp(x, axis):
    """log(sum(exp(x))) along an axis, for numbers of any size; -inf where all of them are -inf."""
    high = x.max(axis=axis, keepdims=True)
    high = np.where(np.isfinite(high), high, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x - high).sum(axis=axis)) + high.squeeze(axis)


# %%
def crf_forward(emissions, transitions, start, end, mask):
    """All taggings summed.

    emissions, transitions, start, end, mask  as in the table
    returns  alpha (B, T, K), at the padding a repetition of the last real one, and log Z (B,)
    """
    alpha = [start + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        moved = logsumexp(alpha[-1][:, :, None] + transitions, axis=1) + emissions[:, t]
        alpha.append(np.where(mask[:, t, None], moved, alpha[-1]))
    return np.stack(alpha, axis=1), logsumexp(alpha[-1] + end, axis=1)


# %%
# check("crf_forward")

# %% [markdown]
# ### What the model believes
#
# The probability that word $t$ has tag $j$, whatever the others have, is its *marginal*. It takes a second sum, from
# the other end: $\beta_{t,i}$, the log of the sum over all ways to go on after tag $i$ at $t$,
#
# $$\beta_{T,i} = b_i, \qquad \beta_{t,i} = \log \sum_j e^{A_{ij} + E_{t+1,j} + \beta_{t+1,j}} ,$$
#
# where $T$ is the sentence's own length. Every tagging with tag $j$ at $t$ is a beginning and a way to go on:
#
# $$p(y_t = j) = e^{\alpha_{t,j} + \beta_{t,j} - \log Z}, \qquad
# p(y_{t} = i, y_{t+1} = j) = e^{\alpha_{t,i} + A_{ij} + E_{t+1,j} + \beta_{t+1,j} - \log Z} .$$
#
# > **Where experts slip.** A word's own emission is in $\alpha$ and so must not be in $\beta$. $\beta$ begins with $b$ at
# > each sentence's own last word, not at the end of the row.

# %%
def crf_marginals(emissions, transitions, start, end, mask):
    """The probabilities of single tags and of neighbouring pairs.

    emissions, transitions, start, end, mask  as in the table
    returns  unary (B, T, K), p(y_t = j), and pairs (B, T-1, K, K), p(y_t = i, y_t+1 = j); both 0 at the padding
    """
    alpha, log_z = crf_forward(emissions, transitions, start, end, mask)
    unary, pairs = np.zeros_like(alpha), np.zeros((*mask[:, 1:].shape, *transitions.shape), alpha.dtype)
    beta = np.broadcast_to(end, alpha[:, 0].shape)
    for t in reversed(range(emissions.shape[1])):
        real = mask[:, t, None]
        one = alpha[:, t] + beta - log_z[:, None]
        unary[:, t] = np.exp(np.where(real, one, -np.inf))
        if t > 0:
            step = transitions + (emissions[:, t] + beta)[:, None, :]
            two = alpha[:, t - 1, :, None] + step - log_z[:, None, None]
            pairs[:, t - 1] = np.exp(np.where(real[:, :, None], two, -np.inf))
            beta = np.where(real, logsumexp(step, axis=2), beta)
    return unary, pairs


# %%
# check("crf_marginals")

# %%
# tags = ["O", "B-PER", "I-PER", "B-LOC"]
# words = ["Maren", "Lorne", "left", "Ysmar"]
# emissions = np.array([[[0.0, 2.0, 0.5, 1.5], [0.0, 1.0, 1.2, 1.6], [2.5, 0.0, 0.0, 0.0], [0.0, 1.0, 0.3, 2.0]]])
# transitions = np.array([[0.5, 0, -6, 0], [0, -1, 2, -1], [0, -1, 0.5, -1], [0.5, -1, -6, -1]])
# unary, pairs = crf_marginals(emissions, transitions, np.array([0, 0, -6.0, 0]), np.zeros(4), np.ones((1, 4), bool))
#
# fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
# for t in range(3):
#     for i, j in np.ndindex(4, 4):
#         ax.plot([2 * t, 2 * t + 2], [-i, -j], color="black", linewidth=6 * pairs[0, t, i, j], alpha=0.6, zorder=1)
# for t, j in np.ndindex(4, 4):
#     p = unary[0, t, j]
#     ax.scatter(2 * t, -j, s=900, color=str(1 - 0.8 * p), edgecolor="black", zorder=2)
#     ax.text(2 * t, -j, f"{p:.2f}", ha="center", va="center", size=8, color="white" if p > 0.5 else "black", zorder=3)
# ax.set_xticks(range(0, 8, 2), words)
# ax.set_yticks(range(0, -4, -1), tags)
# ax.set(xlim=(-0.6, 6.6), ylim=(-3.6, 0.6), title="marginals: dark circles and thick lines are likely")
# plt.show()

# %% [markdown]
# ### The gradient comes for free
#
# $\log Z$ is a log of a sum of exponentials, and its derivative by a score is the probability of what that score
# belongs to. So the gradient of $\log Z$ **is** the marginals: by $E_{tj}$ it is $p(y_t = j)$, by $A_{ij}$ the *sum over all
# steps* of $p(y_t = i, y_{t+1} = j)$. Training minimises $\log Z - s(y)$ for the gold tagging $y$; its gradient is
# *believed minus seen*, as with every softmax.
#
# > **Where experts slip.** `end` meets each sentence at its own last word. What all sentences share (`transitions`, `start`,
# > `end`) collects the sum over them, each weighted by its own `dlog_z`.

# %%
def crf_gradient(emissions, transitions, start, end, mask, dlog_z):
    """Gradients of log Z.

    emissions, transitions, start, end, mask  as in the table
    dlog_z   (B,), the gradient of a loss by each sentence's log Z
    returns  demissions (B, T, K), dtransitions (K, K), dstart (K,), dend (K,)
    """
    unary, pairs = crf_marginals(emissions, transitions, start, end, mask)
    demissions = unary * dlog_z[:, None, None]
    dtransitions = (pairs * dlog_z[:, None, None, None]).sum(axis=(0, 1))
    ends = demissions[np.arange(len(mask)), mask.sum(axis=1) - 1]
    return demissions, dtransitions, demissions[:, 0].sum(axis=0), ends.sum(axis=0)


# %%
# check("crf_gradient")

# %% [markdown]
# ## 9. The best legal tagging
#
# Some transitions must never be: in IOB2 an `I-X` only goes on after `B-X` or `I-X`, and never comes first. In BIOES
# moreover a span that has begun (`B-X`, `I-X`) **must** go on with `I-X` or `E-X`, and so it can't be the last. A table of
# what is allowed is all that a decoder needs.
#
# > **Where experts slip.** Tags may come in any order; don't count on `O` being the first. `start` and `end` need rules as
# > well: a table of transitions alone lets a sentence begin with `I-`. Types are compared whole: `I-X` doesn't go on
# > after `B-SUB-X`.

# %%
def allowed_transitions(tags, scheme):
    """Which taggings are legal.

    tags     list of K different tags
    scheme   "IOB2" or "BIOES"
    returns  bool arrays: start (K,), may it come first; transitions (K, K), may j follow i; end (K,), may it come last
    """
    def legal(before, after):
        goes_on = before[0] in "BI" and after[0] in "IE" and before[2:] == after[2:]
        if scheme == "IOB2":
            return goes_on or after[0] != "I"
        return goes_on or (before[0] in "OES" and after[0] in "OBS")

    transitions = [[legal(before, after) for after in tags] for before in tags]
    start, end = [legal("O", tag) for tag in tags], [legal(tag, "O") for tag in tags]
    return np.array(start), np.array(transitions), np.array(end)


# %%
# check("allowed_transitions")

# %% [markdown]
# The best tagging is the forward algorithm with a maximum in the place of the sum (Viterbi 1967). Remember, for each word
# and tag, **where the maximum came from**; at the end, take the best last tag and walk these pointers back:
#
# $$\delta_{1,j} = a_j + E_{1,j}, \qquad \delta_{t,j} = E_{t,j} + \max_i (\delta_{t-1,i} + A_{ij}), \qquad
# \psi_{t,j} = \operatorname*{argmax}_i (\delta_{t-1,i} + A_{ij}) .$$
#
# What isn't allowed has the score −inf.
#
# > **Where experts slip.** A large negative number won't do: emissions can be larger. Each pointer is looked up at the tag
# > just found, not at the last one. Write the −inf into copies: the scores belong to the model. And a greedy decoder that
# > takes the best *legal* next tag is legal, but not the best.

# %%
def viterbi(emissions, transitions, start, end, allowed=None):
    """The best tagging of one sentence.

    emissions           (T, K), T at least 1
    transitions         (K, K), from i to j
    start, end          (K,)
    allowed             three bool arrays like start, transitions and end, as allowed_transitions gives them,
                        or None: everything is
    returns             the tags (T,) int64, and their score, one number in the dtype of emissions
    """
    if allowed is not None:
        scores = start, transitions, end
        start, transitions, end = (np.where(ok, score, -np.inf) for ok, score in zip(allowed, scores))
    best, pointers = start + emissions[0], []
    for emission in emissions[1:]:
        candidates = best[:, None] + transitions
        pointers.append(candidates.argmax(axis=0))
        best = candidates.max(axis=0) + emission
    path = [(best + end).argmax()]
    for pointer in reversed(pointers):
        path.append(pointer[path[-1]])
    return np.array(path[::-1], dtype=np.int64), (best + end).max()


# %%
# check("viterbi")

# %%
# # A tagger without a CRF: emissions only. Word by word the best tags are illegal; Viterbi finds the best legal ones.
# tags, words = ["O", "B-PER", "I-PER", "B-LOC"], ["Maren", "Lorne", "left", "Ysmar"]
# emissions = np.array([[0.0, 1.0, 0.2, 1.3], [0.0, 0.2, 1.5, 1.0], [2.5, 0.0, 0.0, 0.0], [0.0, 0.5, 1.2, 1.0]])
# allowed = allowed_transitions(tags, "IOB2")
# path, score = viterbi(emissions, np.zeros((4, 4)), np.zeros(4), np.zeros(4), allowed)
#
# fig, ax = plt.subplots(figsize=(9, 3.6), layout="constrained")
# for t in range(3):
#     for i, j in np.argwhere(allowed[1]):
#         ax.plot([2 * t, 2 * t + 2], [-i, -j], color="0.8", linewidth=1, zorder=1)
# alone = emissions.argmax(axis=1)
# ax.plot(2 * np.arange(4), -alone, "--", color="black", linewidth=2, zorder=2,
#         label=f"word by word: {emissions.max(axis=1).sum():.1f}, illegal")
# ax.plot(2 * np.arange(4), -path, "-", color="0.35", linewidth=5, zorder=2, label=f"Viterbi: {score:.1f}, the best legal one")
# for t, j in np.ndindex(4, 4):
#     ax.scatter(2 * t, -j, s=900, color="white" if t or allowed[0][j] else "0.75", edgecolor="black", zorder=3)
#     ax.text(2 * t, -j, f"{emissions[t, j]:.1f}", ha="center", va="center", size=9, zorder=4)
# ax.set_xticks(range(0, 8, 2), words)
# ax.set_yticks(range(0, -4, -1), tags)
# ax.set(xlim=(-0.6, 6.6), ylim=(-3.6, 1.4), title="emissions; pale lines are allowed, a grey circle may not come first")
# ax.legend(loc="upper center", ncols=2, frameon=False)
# plt.show()

# %% [markdown]
# ## 10. Back to the text
#
# Whoever asked for the names wants them marked in *their* text, so tokens must remember where they stood. Looking them
# up afterwards with `text.find(token)` finds the first *Lorne* for the second. So keep the offsets while cutting.
#
# What is a character? In Python one *code point* of Unicode. "é" may be one of them (U+00E9), or two: an e and a
# *combining mark* (U+0301). They look alike, and names of files from a Mac are full of the second form.
# `unicodedata.category(char)` tells: its first letter is `L` for letters, `M` for marks, `N` for numbers.
#
# > **Where experts slip.** The regular expression `\w` doesn't match marks, so `\w+` cuts `José` into `Jose` and `´`; and
# > it matches the underscore. `unicodedata.combining(char)` is 0 for many marks. To compose the text first (NFC) shifts every
# > offset behind a mark that melts away: offsets belong to the text as it was given.

# %%
def token_offsets(text):
    """Where the tokens of a text stand.

    A token is a longest run of letters, marks and numbers (categories L, M and N), or any other single character that
    isn't white space (str.isspace).

    returns  list of tuples (start, end), end exclusive, in code points
    """
    offsets, in_word = [], False
    for at, char in enumerate(text):
        wordlike = unicodedata.category(char)[0] in "LMN"
        if wordlike and in_word:
            offsets[-1] = (offsets[-1][0], at + 1)
        elif not char.isspace():
            offsets.append((at, at + 1))
        in_word = wordlike
    return offsets


# %%
# check("token_offsets")

# %% [markdown]
# Annotators mark characters; their ends needn't be those of tokens: a stroke too short, a space too many, one half of
# `Ysmar-Arvel`. A token belongs to a span **if they share a character**.
#
# > **Where experts slip.** If a token shares characters with two spans, the one that begins first has it, and the other
# > begins with `B-` at its first own token. Neighbours of one type stay two spans. Ends are exclusive, so to touch isn't
# > to share.

# %%
def char_spans_to_tags(spans, offsets):
    """IOB2 tags from spans of characters.

    spans    tuples (start, end, type) in characters, end exclusive; they don't overlap, in any order
    offsets  as token_offsets gives them
    returns  list of strings, one for each token; a span that gets no token is lost
    """
    tags = ["O"] * len(offsets)
    for start, end, kind in sorted(spans):
        prefix = "B"
        for at, (first, last) in enumerate(offsets):
            if tags[at] == "O" and first < end and start < last:
                tags[at] = f"{prefix}-{kind}"
                prefix = "I"
    return tags


# %%
# check("char_spans_to_tags")

# %% [markdown]
# The way back: a span of tokens begins where its first token begins, and ends where its last one ends.

# %%
def tags_to_char_spans(tags, offsets):
    """Spans of characters from tags, read as read_spans does.

    tags, offsets  one for each token
    returns        list of tuples (start, end, type) in characters, end exclusive, from left to right
    """
    return [(offsets[start][0], offsets[end - 1][1], kind) for start, end, kind in read_spans(tags)]


# %%
# check("tags_to_char_spans")

# %% [markdown]
# Other programs count otherwise. Rust, Go and most databases count the **bytes** of UTF-8: 1 for `a`, 2 for `é`, 3 for
# `ế`, 4 for 🚂. JavaScript and Java count **units of UTF-16**: 1 for all of these but the last, 2 for 🚂.
#
# > **Where experts slip.** While texts are English, nobody notices the difference; the first accent shifts everything after
# > it by one. Python's `"utf-16"` writes a byte-order mark in front each time; `"utf-16-le"` doesn't.

# %%
def to_char_offsets(text, spans, unit):
    """Spans of another program in code points.

    spans    tuples (start, end, type), end exclusive, counted in `unit`; they never cut a character
    unit     "utf-8" (bytes) or "utf-16" (units of two bytes, without a byte-order mark)
    returns  list of tuples (start, end, type) in code points, in the order of spans
    """
    encoding, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2)}[unit]
    place, position = {0: 0}, 0
    for at, char in enumerate(text):
        position += len(char.encode(encoding)) // width
        place[position] = at + 1
    return [(place[start], place[end], kind) for start, end, kind in spans]

# %%
# check("to_char_offsets")

# %%
# text = "Łucja flew from São Telmo 🚂 to Nguyệt's house."
# spans = [(0, 5, "PER"), (16, 25, "LOC"), (31, 37, "PER")]
# offsets = token_offsets(text)
# tags = char_spans_to_tags(spans, offsets)
# print([text[start:end] for start, end in offsets])
# print(tags_to_char_spans(tags, offsets) == spans)
#
# fig, ax = plt.subplots(figsize=(10, 2.4), layout="constrained")
# widths = {"code points": [1] * len(text), "UTF-16 units": [len(c.encode("utf-16-le")) // 2 for c in text],
#           "UTF-8 bytes": [len(c.encode()) for c in text]}
# for row, (name, width) in enumerate(widths.items()):
#     for at, wide, char in zip(np.cumsum(width) - width, width, text):
#         ax.add_patch(plt.Rectangle((at, -row), wide, 0.8, facecolor=str(1 - 0.18 * (wide - 1)), edgecolor="0.6"))
#         ax.text(at + wide / 2, 0.4 - row, char if char != "🚂" else "■", ha="center", va="center", size=8)
# ax.set(xlim=(0, len(text.encode()) + 1), ylim=(-2.1, 1), xlabel="offset", title="one text, three ways to count (■ is the locomotive)")
# ax.set_yticks([0.4, -0.6, -1.6], list(widths))
# plt.show()

# %% [markdown]
# ## All together: a BiLSTM-CRF
#
# Now nothing is new. `read_conll` reads, `subwords` cuts, `bucket_batches` groups, a bidirectional LSTM reads the pieces,
# and its output at the first piece of each word gives the word's emissions (Huang, Xu & Yu 2015; Lample et al. 2016). The
# loss is your $\log Z - s(y)$: an `autograd.Function` around your NumPy, with your marginals as its gradient. `viterbi`
# decodes, `span_counts` scores. Half of the surnames and places in the test were never seen in training, so the model
# has to read letters and neighbours. It trains for some seconds.

# %%
# tag_list = ["O", *(f"{prefix}-{kind}" for kind in BOXES for prefix in "BI")]
# label_ids = {tag: at for at, tag in enumerate(tag_list)}
# piece_ids = {piece: at for at, piece in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(vocabulary)])}
#
#
# def encode(words, tags):
#     """Ids of the pieces; labels of the pieces, -100 at all but the first ones of words."""
#     pieces, word_ids = subwords(words, lambda word: wordpiece(word, vocabulary))
#     return [piece_ids.get(piece, 1) for piece in pieces], align_labels(tags, word_ids, label_ids).tolist()
#
#
# class CRFLoss(torch.autograd.Function):
#     """log Z - s(y), summed over the batch: your functions, and the marginals as the gradient."""
#
#     @staticmethod
#     def forward(ctx, emissions, transitions, start, end, tags, mask):
#         args = [tensor.detach().numpy() for tensor in (emissions, transitions, start, end)]
#         tags, mask = tags.numpy(), mask.numpy()
#         ctx.grads = list(crf_gradient(*args, mask, np.ones(len(mask), np.float32)))
#         b, t = np.nonzero(mask)
#         np.subtract.at(ctx.grads[0], (b, t, tags[b, t]), 1)
#         b, t = np.nonzero(mask[:, 1:])
#         np.subtract.at(ctx.grads[1], (tags[b, t], tags[b, t + 1]), 1)
#         np.subtract.at(ctx.grads[2], tags[:, 0], 1)
#         np.subtract.at(ctx.grads[3], tags[np.arange(len(tags)), mask.sum(1) - 1], 1)
#         loss = crf_forward(*args, mask)[1] - crf_score(*args, tags, mask)
#         return torch.tensor(loss.sum())
#
#     @staticmethod
#     def backward(ctx, dloss):
#         return *(torch.as_tensor(grad) * dloss for grad in ctx.grads), None, None
#
#
# class Tagger(torch.nn.Module):
#     """Pieces (B, T) to the emissions of words (B, W, K), and the scores of a CRF."""
#
#     def __init__(self, width=40):
#         super().__init__()
#         self.embedding = torch.nn.Embedding(len(piece_ids), width, padding_idx=0)
#         self.lstm = torch.nn.LSTM(width, width, batch_first=True, bidirectional=True)
#         self.dropout, self.out = torch.nn.Dropout(0.3), torch.nn.Linear(2 * width, len(tag_list))
#         self.crf = torch.nn.ParameterList([torch.zeros(len(tag_list), len(tag_list)), *torch.zeros(2, len(tag_list))])
#
#     def forward(self, batch):
#         lengths = batch["attention_mask"].sum(1)
#         packed = torch.nn.utils.rnn.pack_padded_sequence(
#             self.dropout(self.embedding(batch["input_ids"])), lengths, batch_first=True, enforce_sorted=False)
#         states = torch.nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]
#         # The first pieces of words are where labels are: bring them to the front of each row.
#         first = batch["labels"] != -100
#         order = torch.argsort(~first, dim=1, stable=True)[:, : int(first.sum(1).max())]
#         emissions = self.out(self.dropout(states.gather(1, order[..., None].expand(-1, -1, states.shape[2]))))
#         return emissions, batch["labels"].gather(1, order), first.gather(1, order)
#
#
# torch.set_num_threads(1)  # tensors as small as these gain nothing from more
# torch.manual_seed(0)
# model = Tagger()
# optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
# train = [encode(words, tags) for words, tags in sentences]
# batches = bucket_batches([len(ids) for ids, _ in train], budget=600)
# losses, rng = [], np.random.default_rng(0)
# for epoch in range(8):
#     for group in optimizer.param_groups:
#         group["lr"] = 1e-2 * (1 - epoch / 8)
#     shuffled, total = [batches[at] for at in rng.permutation(len(batches))], 0.0
#     for batch in torch_loader(train, shuffled, pad_id=0):
#         # Every word may be an unseen one: some pieces are hidden from the model while it trains.
#         hide = (torch.rand(batch["input_ids"].shape) < 0.1) & batch["attention_mask"]
#         batch["input_ids"] = batch["input_ids"].masked_fill(hide, 1)
#         emissions, labels, mask = model(batch)
#         loss = CRFLoss.apply(emissions, *model.crf, labels, mask)
#         optimizer.zero_grad()
#         (loss / mask.sum()).backward()
#         optimizer.step()
#         total += loss.item()
#     losses.append(total / sum(len(tags) for _, tags in sentences))
#
# model.eval()
# allowed, guessed = allowed_transitions(tag_list, "IOB2"), []
# with torch.no_grad():
#     scores = [parameter.numpy() for parameter in model.crf]
#     test = [encode(words, tags) for words, tags in test_sentences]
#     for batch in torch_loader(test, [[at] for at in range(len(test))], pad_id=0):
#         path, _ = viterbi(model(batch)[0][0].numpy(), *scores, allowed)
#         guessed.append([tag_list[at] for at in path])
# report = f1_report(span_counts(gold, guessed))
#
# fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
# left.plot(range(1, len(losses) + 1), losses, "o-", color="black", markersize=4)
# left.set(xlabel="epoch", ylabel="loss per word", ylim=(0, None), title="training: log Z − s(y)")
# names, places = list(report), np.arange(len(report))
# middle.bar(places - 0.2, [100 * baseline_report[name][2] for name in names], 0.4, color="white", edgecolor="black",
#            label="most frequent tag")
# middle.bar(places + 0.2, [100 * report[name][2] for name in names], 0.4, color="0.5", edgecolor="black", hatch="//",
#            label="BiLSTM-CRF")
# middle.set_xticks(places, names, rotation=45)
# middle.set(ylabel="F1 in %", ylim=(0, 119), title=f"test: micro F1 {100 * report['micro'][2]:.1f}")
# middle.legend(ncols=2, fontsize=8)
# image = right.imshow(scores[0], cmap="gray")
# right.set_xticks(range(9), tag_list, rotation=90, fontsize=7)
# right.set_yticks(range(9), tag_list, fontsize=7)
# right.set(xlabel="to", ylabel="from", title="the learned transitions")
# fig.colorbar(image, ax=right, label="score")
# plt.show()

# %% [markdown]
# Where is it wrong? Boxes are gold; what was guessed instead stands under a bar. Look for names that the grammar made
# hard: a place in a company, a person who is called like a town, a name that nobody has seen.

# %%
# wrong = []
# for (words, tags), guess in zip(test_sentences, guessed):
#     right_spans, guessed_spans = read_spans(tags), read_spans(guess)
#     if set(right_spans) != set(guessed_spans):
#         missed = [(start, end, "missed") for start, end, kind in right_spans
#                   if not any(first < end and start < last for first, last, _ in guessed_spans)]
#         wrong.append((words, right_spans, [span for span in guessed_spans if span not in right_spans] + missed))
#
# shown = wrong[:8]
# title = f"{len(wrong)} of {len(test_sentences)} sentences have an error; {len(shown)} are shown"
# ax = text_axes(4 * len(shown) / 3, 80, f"{title}\nboxes: gold; bars: guessed instead")
# for row, (words, right_spans, notes) in enumerate(shown):
#     draw_sentence(ax, words, right_spans, y=-2 * row, notes=notes)
# plt.show()

# %% [markdown]
# ## Two questions to answer in words
#
# A person reads these answers. A few sentences each are enough.
#
# **One model, three numbers.** A colleague reports these scores of one and the same model on one test set:
#
# | script | reading | score |
# | --- | --- | --- |
# | A | share of tokens that are right | 97.1 |
# | B | span F1, each sentence read by conlleval's rule | 84.0 |
# | C | span F1, only spans that are legal IOB2 count, on either side | 81.5 |
#
# 1. Why is A so much higher than B? Name a tagger that does nothing and still does well at A.
# 2. What kind of errors must the model make for C to differ from B, and which step of this notebook would remove the
#    difference?
# 3. Before scoring, the colleague drops all sentences longer than 128 pieces from gold and guesses. What does that do
#    to the score, and to what it says? What should be done with the words that the model never saw?

# %% [markdown]
# *Points: 1 + 1.5 + 1.5.*
#
# 1. Most tokens are O, and easy. A tagger that says O always has the share of O at A (75 to 85 % in news), and F1 = 0.
#    A span of three words with one wrong token loses one of three at A, and all of it at B (it counts as both missed
#    and guessed wrongly).
# 2. Illegal tags: an I-X after O, after another type, or first in the sentence. By conlleval's rule they begin a span,
#    which may be right; strictly read it is none. Viterbi with allowed_transitions gives legal tags only, and B = C.
#    (Turning I- into B- with read_spans and write_tags does it as well, and then C becomes B.)
# 3. It scores an easier test set: recall loses its hardest part, and numbers can't be compared with others'. Gold must
#    stay whole. Split or use overlapping windows and merge, so that every word has a prediction; if words are cut off
#    nevertheless, they count as O, and the entities there as missed.

# %% [markdown]
# **Why a CRF?**
#
# 1. The forward algorithm and Viterbi differ in one operation. Which algebraic law do both need, and what would a
#    transition score that depends on the tags two words back cost, in time and memory?
# 2. Constrained Viterbi can be put behind a model that was trained with a plain softmax for each word. What does a
#    CRF trained as a whole learn that this one doesn't? When would you not bother?
# 3. Your loss becomes negative after an hour of training. Is that possible? Name two mistakes that make it so.

# %% [markdown]
# *Points: 1.5 + 1.5 + 1.*
#
# 1. Distributivity: a sum (or maximum) over many paths may be pulled inside, since adding a score distributes over
#    logsumexp and over max. States become pairs of tags: T·K³ operations and K² numbers per word.
# 2. Scores of transitions between legal tags (an ORG seldom follows a PER directly), and emissions that are trained
#    knowing that the neighbours vote as well; probabilities for whole taggings, marginals that add up. With a strong
#    encoder (a fine-tuned Transformer) neighbours are in the emissions already and the gain is small, often a few
#    tenths of F1; with little data, many types, or long spans it is larger.
# 3. No: log Z sums over all taggings, the gold one included, so log Z ≥ s(y). It becomes negative if the two see
#    different things: a mask in one and not in the other, −100 as an index from the end, end scores at the padding,
#    transposed transitions in one of them, or a gold tagging that log Z rules out by −inf.
