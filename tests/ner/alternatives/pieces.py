"""Other right answers for subwords, parts and windows."""

import numpy as np

from autograder import alternative


@alternative("subwords")
def by_pairs():
    def subwords(words, tokenize):
        pairs = [("[CLS]", None)]
        for number, word in enumerate(words):
            cut = list(tokenize(word))
            pairs.extend((piece, number) for piece in (cut if cut else ["[UNK]"]))
        pairs.append(("[SEP]", None))
        return [piece for piece, _ in pairs], [number for _, number in pairs]


@alternative("align_labels")
def by_a_table_of_continuations():
    def align_labels(tags, word_ids, label_ids, every_piece=False):
        out = np.full(len(word_ids), -100)
        for i, w in enumerate(word_ids):
            if w is None:
                continue
            if i == 0 or word_ids[i - 1] != w:
                out[i] = label_ids[tags[w]]
            elif every_piece:
                out[i] = label_ids["O" if tags[w] == "O" else "I-" + tags[w].partition("-")[2]]
        return out


@alternative("split_words")
def by_cumulative_sums():
    def split_words(counts, spans, limit):
        room = limit - 2
        if any(count > room for count in counts):
            raise ValueError(f"a word has more than {room} pieces")
        total = np.concatenate([[0], np.cumsum(counts)]).astype(int)
        start, parts = 0, []
        while start < len(counts):
            end = int(np.searchsorted(total, total[start] + room, side="right")) - 1
            for first, last, _ in spans:
                if start < first < end < last:
                    end = first
                    break
            parts.append((start, end))
            start = end
        return parts


@alternative("windows")
def by_a_count_of_steps():
    def windows(length, size, overlap):
        found, start = [], 0
        while start < length:
            found.append((start, min(length, start + size)))
            if start + size >= length:
                break
            start += size - overlap
        return found


@alternative("merge_mean")
def by_a_stack_with_holes():
    def merge_mean(scores, ranges):
        stack = np.full((len(ranges), ranges[-1][1], scores[0].shape[1]), np.nan, scores[0].dtype)
        for row, score, (start, end) in zip(stack, scores, ranges, strict=True):
            row[start:end] = score
        return np.nanmean(stack, axis=0)


@alternative("merge_by_context")
def position_by_position():
    def merge_by_context(labels, ranges):
        merged = []
        for p in range(ranges[-1][1]):
            held = [i for i, (s, e) in enumerate(ranges) if s <= p < e]
            best = max(held, key=lambda i: min(p - ranges[i][0], ranges[i][1] - 1 - p))
            merged.append(labels[best][p - ranges[best][0]])
        return np.array(merged, dtype=labels[0].dtype)
