"""Other right answers in byte-level BPE."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names
# ruff: noqa: RUF007 - what students write

from autograder import alternative


@alternative("pair_counts")
def by_a_counter():
    def pair_counts(words):
        counts = Counter()
        for tokens, count in words.items():
            for at in range(1, len(tokens)):
                counts[tokens[at - 1], tokens[at]] += count
        return counts


@alternative("merge_pair")
def by_looking_back():
    def merge_pair(tokens, pair, new):
        merged = []
        for token in tokens:
            if merged and merged[-1] == pair[0] and token == pair[1]:
                merged[-1] = new
            else:
                merged.append(token)
        return tuple(merged)


@alternative("merge_pair")
def by_replacing_in_a_string():
    def merge_pair(tokens, pair, new):
        text = "".join(map(chr, tokens)).replace("".join(map(chr, pair)), chr(new))
        return tuple(map(ord, text))


@alternative("train_bpe")
def with_counts_kept_up_to_date():
    def train_bpe(words, num_merges):
        from collections import defaultdict

        corpus = [(list(word), count) for word, count in words.items()]
        counts = defaultdict(int)
        for tokens, count in corpus:
            for left, right in zip(tokens, tokens[1:], strict=False):
                counts[left, right] += count
        merges = {}
        for new in range(256, 256 + num_merges):
            present = [(-count, pair) for pair, count in counts.items() if count > 0]
            if not present:
                break
            pair = min(present)[1]
            merges[pair] = new
            for tokens, count in corpus:
                if pair not in zip(tokens, tokens[1:], strict=False):
                    continue
                for left, right in zip(tokens, tokens[1:], strict=False):
                    counts[left, right] -= count
                at = 0
                while at < len(tokens) - 1:
                    if (tokens[at], tokens[at + 1]) == pair:
                        tokens[at : at + 2] = [new]
                    at += 1
                for left, right in zip(tokens, tokens[1:], strict=False):
                    counts[left, right] += count
        return merges


@alternative("train_bpe")
def by_two_sorts():
    def train_bpe(words, num_merges):
        corpus, merges = [(tuple(word), count) for word, count in words.items()], {}
        for at in range(num_merges):
            counts = Counter()
            for tokens, count in corpus:
                for pair in zip(tokens, tokens[1:], strict=False):
                    counts[pair] += count
            ranked = sorted(sorted(counts), key=counts.get, reverse=True)
            if not ranked:
                break
            merges[ranked[0]] = 256 + at
            corpus = [(merge_pair(tokens, ranked[0], 256 + at), count) for tokens, count in corpus]
        return merges


@alternative("encode_word")
def merge_by_merge():
    def encode_word(word, merges):
        tokens = tuple(word)
        for pair, new in merges.items():
            tokens = merge_pair(tokens, pair, new)
        return list(tokens)


@alternative("encode_word")
def one_place_at_a_time():
    def encode_word(word, merges):
        tokens = list(word)
        while len(tokens) > 1:
            ranks = [merges.get((tokens[at], tokens[at + 1]), 1 << 60) for at in range(len(tokens) - 1)]
            best = ranks.index(min(ranks))
            if ranks[best] == 1 << 60:
                break
            tokens[best : best + 2] = [ranks[best]]
        return tokens


@alternative("encode_text")
def word_by_word_with_a_cache():
    def encode_text(text, merges):
        known, tokens = {}, []
        for match in WORD.finditer(text):
            word = match.group()
            if word not in known:
                known[word] = encode_word(bytes(word, "utf8"), merges)
            tokens.extend(known[word])
        return tokens


@alternative("decode_ids")
def by_a_stack():
    def decode_ids(ids, merges):
        parts = {new: pair for pair, new in merges.items()}
        stack, out = list(reversed(ids)), bytearray()
        while stack:
            token = stack.pop()
            if token < 256:
                out.append(token)
            else:
                left, right = parts[token]
                stack += [right, left]
        return out.decode("utf-8", "replace")


@alternative("decode_ids")
def by_an_incremental_decoder():
    def decode_ids(ids, merges):
        import codecs

        table = [bytes([byte]) for byte in range(256)]
        for left, right in merges:
            table.append(table[left] + table[right])
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        return "".join(decoder.decode(table[token]) for token in ids) + decoder.decode(b"", final=True)
