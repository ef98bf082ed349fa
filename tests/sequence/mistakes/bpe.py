"""Classic mistakes in byte-level BPE."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names
# ruff: noqa: RUF007 - what students write

from autograder import edited, mistake

edited(
    "pair_counts",
    "words not weighted",
    old="counts[pair] = counts.get(pair, 0) + count",
    new="counts[pair] = counts.get(pair, 0) + 1",
    hint="This is what you get when each word counts once. A pair counts as often as its word occurs.",
    also=("train_bpe",),
)
edited(
    "pair_counts",
    "last count only",
    old="counts[pair] = counts.get(pair, 0) + count",
    new="counts[pair] = count",
    hint="This is what you get when a count takes the place of the one before. Counts of all places add up.",
    also=("train_bpe",),
)
edited(
    "pair_counts",
    "once per word",
    old="for pair in zip(tokens, tokens[1:]):\n            counts",
    new="for pair in set(zip(tokens, tokens[1:])):\n            counts",
    hint="This is what you get when a pair counts once in a word. It counts at every place where it stands.",
    also=("train_bpe",),
)
edited(
    "pair_counts",
    "pair turned round",
    old="for pair in zip(tokens, tokens[1:]):\n            counts",
    new="for pair in zip(tokens[1:], tokens):\n            counts",
    hint="This is what you get with (right, left). A pair is (left, right).",
    also=("train_bpe",),
)


@mistake(
    "pair_counts",
    hint="This is what you get when overlapping pairs count once: aaa holds (a, a) at two places, and counts 2.",
    also=("train_bpe",),
)
def overlaps_once():
    def pair_counts(words):
        counts = {}
        for tokens, count in words.items():
            at = 0
            while at + 1 < len(tokens):
                pair = tokens[at : at + 2]
                counts[pair] = counts.get(pair, 0) + count
                at += 2 if pair[0] == pair[1] and tokens[at + 2 : at + 3] == pair[:1] else 1
        return counts


@mistake(
    "pair_counts",
    hint="This is what you get when the words are joined: the last token of one and the first of the next are no pair.",
    also=("train_bpe",),
)
def across_words():
    def pair_counts(words):
        counts = {}
        stream = [(token, count) for tokens, count in words.items() for token in tokens]
        for (left, count), (right, _) in zip(stream, stream[1:], strict=False):
            counts[left, right] = counts.get((left, right), 0) + count
        return counts


@mistake(
    "pair_counts",
    hint="This is what you get without the last pair of each word. A word of n tokens has n - 1 pairs.",
    also=("train_bpe",),
)
def last_pair_lost():
    def pair_counts(words):
        counts = {}
        for tokens, count in words.items():
            for at in range(len(tokens) - 2):
                pair = tokens[at], tokens[at + 1]
                counts[pair] = counts.get(pair, 0) + count
        return counts


GLUED = ("train_bpe", "encode_word", "encode_text", "decode_ids")


@mistake(
    "merge_pair",
    hint="This is what you get from right to left. From left to right aaa becomes A a, not a A.",
    also=GLUED,
)
def right_to_left():
    def merge_pair(tokens, pair, new):
        merged, at = [], len(tokens)
        while at > 0:
            found = at > 1 and tokens[at - 2 : at] == pair
            merged.append(new if found else tokens[at - 1])
            at -= 2 if found else 1
        return tuple(merged[::-1])


@mistake(
    "merge_pair",
    hint="This is what you get when only the first place is glued. The pair is glued wherever it stands.",
    also=GLUED,
)
def first_place_only():
    def merge_pair(tokens, pair, new):
        for at in range(len(tokens) - 1):
            if tokens[at : at + 2] == pair:
                return tokens[:at] + (new,) + tokens[at + 2 :]
        return tokens


@mistake(
    "merge_pair",
    hint="This is what you get when a token is glued twice: aaa becomes A A. After a pair go on behind it.",
    also=GLUED,
)
def glued_twice():
    def merge_pair(tokens, pair, new):
        hits = [tokens[at : at + 2] == pair for at in range(len(tokens))]
        merged = []
        for at, token in enumerate(tokens):
            if hits[at]:
                merged.append(new)
            elif at == 0 or not hits[at - 1]:
                merged.append(token)
        return tuple(merged)


@mistake(
    "merge_pair",
    hint="This is what you get when the loop ends before the last token: it is lost unless it was glued.",
    also=GLUED,
)
def last_token_lost():
    def merge_pair(tokens, pair, new):
        merged, at = [], 0
        while at < len(tokens) - 1:
            found = tokens[at : at + 2] == pair
            merged.append(new if found else tokens[at])
            at += 2 if found else 1
        return tuple(merged)


edited(
    "merge_pair",
    "either order",
    old="if tokens[at : at + 2] == pair:",
    new="if tokens[at : at + 2] in (pair, pair[::-1]):",
    hint="This is what you get when the pair is glued in either order. (left, right) isn't (right, left).",
    also=GLUED,
)
edited(
    "merge_pair",
    "one step after a pair",
    old="            merged.append(new)\n            at += 2",
    new="            merged.append(new)\n            at += 1",
    hint="This is what you get when the right half of a glued pair stays. After a pair go on behind both.",
    also=GLUED,
)

BEST = "best = min(counts, key=lambda pair: (-counts[pair], pair))"

edited(
    "train_bpe",
    "first of equals",
    old=BEST,
    new="best = max(counts, key=counts.get)",
    hint="This is what you get when the pair that was met first wins a tie (minbpe does so). Here the smallest "
    "pair does.",
)
edited(
    "train_bpe",
    "last of equals",
    old=BEST,
    new="best = sorted(counts, key=counts.get)[-1]",
    hint="This is what you get when the pair that was met last wins a tie. Here the smallest pair does.",
)
edited(
    "train_bpe",
    "largest of equals",
    old=BEST,
    new="best = max(counts, key=lambda pair: (counts[pair], pair))",
    hint="This is what you get when the largest pair wins a tie. Here the smallest pair does: min over (-count, pair).",
)
edited(
    "train_bpe",
    "rarest pair",
    old=BEST,
    new="best = min(counts, key=lambda pair: (counts[pair], pair))",
    hint="This is what you get with the rarest pair. The most frequent one is glued.",
)
edited(
    "train_bpe",
    "pairs that occur once are left",
    old="        if not counts:\n            break\n        best",
    new="        if max(counts.values(), default=0) < 2:\n            break\n        best",
    hint="This is what you get when training stops at pairs that occur once (subword-nmt does so). Here it goes on"
    " while there is a pair.",
)
edited(
    "train_bpe",
    "size of the vocabulary",
    old="for new in range(256, 256 + num_merges):",
    new="for new in range(256, num_merges):",
    hint="This is what you get when num_merges is taken for the size of the vocabulary, bytes included.",
)
edited(
    "train_bpe",
    "ids one too high",
    old="for new in range(256, 256 + num_merges):",
    new="for new in range(257, 257 + num_merges):",
    hint="This is what you get when new ids begin at 257. The bytes are 0 to 255, so the first new id is 256.",
)
edited(
    "train_bpe",
    "nothing glued",
    old="        corpus = {merge_pair(tokens, best, new): count for tokens, count in corpus.items()}",
    new="        corpus = {word: n for word, n in corpus.items() if best not in zip(word, word[1:])}",
    hint="This is what you get when words in which a pair was found are left out from then on. Glue the pair in them.",
)


@mistake(
    "train_bpe",
    hint="This is what you get when pairs are counted once, at the beginning. Gluing changes neighbours: count anew "
    "after each merge.",
)
def counted_once():
    def train_bpe(words, num_merges):
        counts = pair_counts({tuple(word): count for word, count in words.items()})
        best = sorted(counts, key=lambda pair: (-counts[pair], pair))[:num_merges]
        return {pair: 256 + at for at, pair in enumerate(best)}


@mistake(
    "train_bpe",
    hint="This is what you get when ties are broken by the bytes of the tokens. The smallest pair of ids wins.",
)
def ties_by_bytes():
    def train_bpe(words, num_merges):
        pieces = {at: bytes([at]) for at in range(256)}
        merges, corpus = {}, {tuple(word): count for word, count in words.items()}
        while len(merges) < num_merges:
            counts = pair_counts(corpus)
            if not counts:
                break
            best = min(counts, key=lambda pair: (-counts[pair], pieces[pair[0]], pieces[pair[1]]))
            new = merges[best] = 256 + len(merges)
            pieces[new] = pieces[best[0]] + pieces[best[1]]
            corpus = {merge_pair(tokens, best, new): count for tokens, count in corpus.items()}
        return merges


@mistake(
    "train_bpe",
    hint="This is what you get when the words are joined to one text first. Pairs never reach from one word into "
    "the next.",
)
def no_words():
    def train_bpe(words, num_merges):
        stream = tuple(byte for word, count in words.items() for byte in word * count)
        merges = {}
        while len(merges) < num_merges:
            counts = pair_counts({stream: 1})
            if not counts:
                break
            best = min(counts, key=lambda pair: (-counts[pair], pair))
            merges[best] = 256 + len(merges)
            stream = merge_pair(stream, best, merges[best])
        return merges


@mistake(
    "train_bpe",
    hint="This is what you get when each different word counts once. Frequent words weigh more: keep their counts.",
)
def words_counted_once():
    def train_bpe(words, num_merges):
        merges, corpus = {}, {tuple(word): 1 for word in words}
        while len(merges) < num_merges:
            counts = pair_counts(corpus)
            if not counts:
                break
            best = min(counts, key=lambda pair: (-counts[pair], pair))
            merges[best] = 256 + len(merges)
            corpus = {merge_pair(tokens, best, merges[best]): 1 for tokens in corpus}
        return merges


@mistake(
    "encode_word",
    hint="This is what you get from left to right: the first pair that is known. The pair that was learned first "
    "goes first, wherever it stands.",
    also=("encode_text",),
)
def by_position():
    def encode_word(word, merges):
        tokens = tuple(word)
        while True:
            first = next((pair for pair in zip(tokens, tokens[1:], strict=False) if pair in merges), None)
            if first is None:
                return list(tokens)
            at = list(zip(tokens, tokens[1:], strict=False)).index(first)
            tokens = tokens[:at] + (merges[first],) + tokens[at + 2 :]


@mistake(
    "encode_word",
    hint="This is what you get with the longest token that fits, as WordPiece does it. BPE repeats the merges in "
    "their order.",
    also=("encode_text",),
)
def longest_match():
    def encode_word(word, merges):
        pieces = {at: bytes([at]) for at in range(256)}
        for (left, right), new in merges.items():
            pieces[new] = pieces[left] + pieces[right]
        ids = {piece: at for at, piece in reversed(pieces.items())}
        tokens, at = [], 0
        while at < len(word):
            end = max(end for end in range(at + 1, len(word) + 1) if word[at:end] in ids)
            tokens.append(ids[word[at:end]])
            at = end
        return tokens


@mistake(
    "encode_word",
    hint="This is what you get after one pass: pairs of bytes are glued, but not what was made of them. Look again"
    " until no pair is known.",
    also=("encode_text",),
)
def one_pass():
    def encode_word(word, merges):
        tokens = tuple(word)
        known = {pair for pair in zip(tokens, tokens[1:], strict=False) if pair in merges}
        for pair in sorted(known, key=merges.get):
            tokens = merge_pair(tokens, pair, merges[pair])
        return list(tokens)


@mistake(
    "encode_word",
    hint="This is what you get when each merge is used once only. It is used at every place where its pair stands.",
    also=("encode_text",),
)
def each_merge_once():
    def encode_word(word, merges):
        tokens = list(word)
        for pair, new in merges.items():
            for at in range(len(tokens) - 1):
                if (tokens[at], tokens[at + 1]) == pair:
                    tokens[at : at + 2] = [new]
                    break
        return tokens


@mistake(
    "encode_word",
    hint="This is what you get when the pair that was learned last is glued first. Take the smallest id.",
    also=("encode_text",),
)
def latest_first():
    def encode_word(word, merges):
        tokens = tuple(word)
        while True:
            known = [pair for pair in zip(tokens, tokens[1:], strict=False) if pair in merges]
            if not known:
                return list(tokens)
            pair = max(known, key=merges.get)
            tokens = merge_pair(tokens, pair, merges[pair])


@mistake(
    "encode_word",
    hint="This is what you get when the most frequent pair of the word goes first. Frequency counted in training; "
    "now only the order of the merges does.",
    also=("encode_text",),
)
def by_frequency_in_the_word():
    def encode_word(word, merges):
        tokens = tuple(word)
        while True:
            counts = {pair: n for pair, n in pair_counts({tokens: 1}).items() if pair in merges}
            if not counts:
                return list(tokens)
            pair = min(counts, key=lambda pair: (-counts[pair], merges[pair]))
            tokens = merge_pair(tokens, pair, merges[pair])


@mistake(
    "encode_word",
    hint="This is what you get when bytes are decoded first, and what is no UTF-8 is replaced. A word is bytes, "
    "any bytes.",
)
def through_text():
    def encode_word(word, merges):
        tokens = tuple(word.decode("utf-8", errors="replace").encode("utf-8"))
        for pair, new in merges.items():
            tokens = merge_pair(tokens, pair, new)
        return list(tokens)


LINE = 'return [token for word in split_text(text) for token in encode_word(word.encode("utf-8"), merges)]'

edited(
    "encode_text",
    "not cut into words",
    old=LINE,
    new='return encode_word(text.encode("utf-8"), merges)',
    hint="This is what you get when the text isn't cut: merges reach across words. Encode each word of split_text.",
)
edited(
    "encode_text",
    "cut at spaces",
    old=LINE,
    new="return [token for word in text.split() for token in encode_word(word.encode(), merges)]",
    hint="This is what you get with str.split: the white space is lost. split_text keeps it, in front of the words.",
    also=("decode_ids",),
)
edited(
    "encode_text",
    "characters for bytes",
    old=LINE,
    new="return [token for word in split_text(text) for token in encode_word([ord(char) for char in word], merges)]",
    hint="This is what you get with code points. A word goes in as its UTF-8 bytes: an é is two of them.",
    also=("decode_ids",),
)
edited(
    "encode_text",
    "stripped",
    old=LINE,
    new='return [token for word in split_text(text.strip()) for token in encode_word(word.encode("utf-8"), merges)]',
    hint="This is what you get when white space at the ends is stripped. Nothing of a text may be lost.",
    also=("decode_ids",),
)
edited(
    "encode_text",
    "letters made small",
    old=LINE,
    new='return [token for word in split_text(text.lower()) for token in encode_word(word.encode("utf-8"), merges)]',
    hint="This is what you get in lower case. The text is encoded as it is.",
    also=("decode_ids",),
)
edited(
    "encode_text",
    "what isn't ASCII ignored",
    old=LINE,
    new='return [token for word in split_text(text) for token in encode_word(word.encode("ascii", "ignore"), merges)]',
    hint="This is what you get when what isn't ASCII is dropped. Every character has UTF-8 bytes.",
    also=("decode_ids",),
)


@mistake(
    "encode_text",
    hint="This is what you get when the text is composed first (NFC). It is encoded as it is, code point by code "
    "point.",
    also=("decode_ids",),
)
def composed_first():
    def encode_text(text, merges):
        import unicodedata

        words = split_text(unicodedata.normalize("NFC", text))
        return [token for word in words for token in encode_word(word.encode("utf-8"), merges)]


JOINED = 'return b"".join(pieces[at] for at in ids).decode("utf-8", errors="replace")'

edited(
    "decode_ids",
    "token by token",
    old=JOINED,
    new='return "".join(pieces[at].decode("utf-8", errors="replace") for at in ids)',
    hint="This is what you get token by token: a character whose bytes lie in two tokens breaks. Join the bytes first.",
)
edited(
    "decode_ids",
    "invalid bytes dropped",
    old=JOINED,
    new='return b"".join(pieces[at] for at in ids).decode("utf-8", errors="ignore")',
    hint="This is what you get when invalid bytes are dropped. They become U+FFFD.",
)
edited(
    "decode_ids",
    "invalid bytes refused",
    old=JOINED,
    new='return b"".join(pieces[at] for at in ids).decode("utf-8")',
    hint="Bytes that are no UTF-8 raise here. They become U+FFFD: errors='replace'.",
)
edited(
    "decode_ids",
    "bytes as characters",
    old=JOINED,
    new='return b"".join(pieces[at] for at in ids).decode("latin-1")',
    hint="This is what you get when each byte is a character (Latin-1). The bytes are UTF-8.",
)
edited(
    "decode_ids",
    "parts turned round",
    old="        pieces[new] = pieces[left] + pieces[right]\n    return",
    new="        pieces[new] = pieces[right] + pieces[left]\n    return",
    hint="This is what you get with the right part before the left one.",
)
edited(
    "decode_ids",
    "spaces between tokens",
    old=JOINED,
    new='return b" ".join(pieces[at] for at in ids).decode("utf-8", errors="replace")',
    hint="This is what you get with a space between the tokens. Spaces are in the tokens already.",
)
edited(
    "decode_ids",
    "byte-order mark swallowed",
    old=JOINED,
    new='return b"".join(pieces[at] for at in ids).decode("utf-8-sig", errors="replace")',
    hint="This is what you get with utf-8-sig, which swallows a byte-order mark. It is a character like others.",
)


@mistake(
    "decode_ids",
    hint="This is what you get when a token is taken apart once only. Its parts may be merged tokens themselves.",
)
def taken_apart_once():
    def decode_ids(ids, merges):
        parts = {new: pair for pair, new in merges.items()}
        flat = [part for at in ids for part in parts.get(at, (at,))]
        return bytes(part % 256 for part in flat).decode("utf-8", errors="replace")
