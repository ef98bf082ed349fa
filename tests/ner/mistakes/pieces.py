"""Classic mistakes with subwords, parts that fit, and windows."""

from autograder import edited, mistake

edited(
    "subwords",
    "silent words lost",
    old='tokenize(word) or ["[UNK]"]',
    new="tokenize(word)",
    hint="This is what you get when a word without pieces vanishes. It gets one [UNK], so that its tag and its "
    "prediction have a place.",
)
edited(
    "subwords",
    "one id per word",
    old="word_ids += [at] * len(parts)",
    new="word_ids += [at]",
    hint="This is what you get when each word gives one id. Each piece has the id of its word.",
)
edited(
    "subwords",
    "specials with a word",
    old='return [*pieces, "[SEP]"], [*word_ids, None]',
    new='return [*pieces, "[SEP]"], [0, *word_ids[1:], len(words) - 1]',
    hint="This is what you get when [CLS] and [SEP] belong to a word. Their id is None.",
)
edited(
    "subwords",
    "no special at the end",
    old='return [*pieces, "[SEP]"], [*word_ids, None]',
    new="return pieces, word_ids",
    hint="This is what you get without [SEP] at the end.",
)
edited(
    "subwords",
    "words counted from one",
    old="parts = tokenize(word) or",
    new="at += 1\n        parts = tokenize(word) or",
    hint="This is what you get when words are counted from 1. The first one is 0.",
)
edited(
    "subwords",
    "same word same id",
    old="word_ids += [at] * len(parts)",
    new="word_ids += [words.index(word)] * len(parts)",
    hint="This is what you get with words.index(word), which finds the first of two equal words. enumerate "
    "counts them.",
)

edited(
    "align_labels",
    "B repeated on continuations",
    old='if word == last and tag != "O":',
    new="if False:",
    hint="This is what you get when every piece repeats the word's tag. A continuation never begins a span: B- "
    "becomes I-.",
)
edited(
    "align_labels",
    "specials as O",
    old="        label = -100\n",
    new='        label = label_ids["O"] if word is None else -100\n',
    hint="This is what you get when [CLS] and [SEP] are labelled O. They have no label: -100.",
)
edited(
    "align_labels",
    "continuations as O",
    old="        label = -100\n",
    new='        label = -100 if word is None or word != last else label_ids["O"]\n',
    hint="This is what you get when continuations are labelled O. They are left out (-100), or continue the span.",
)
edited(
    "align_labels",
    "specials as class 0",
    old="        label = -100\n",
    new="        label = -100 if word is not None else 0\n",
    hint="This is what you get when [CLS] and [SEP] have the label 0, which is a class. They have none: -100.",
)
edited(
    "align_labels",
    "word 0 taken for a special",
    old="if word is not None and (word != last or every_piece):",
    new="if word and (word != last or every_piece):",
    hint="This is what you get with `if word:`, which is false for the word 0 as well. Ask `is not None`.",
)
edited(
    "align_labels",
    "tags taken in order",
    old="        labels.append(label)\n",
    new="        if word is not None and word != last and not every_piece:\n"
    "            label = label_ids[tags[len({w for w in word_ids[: len(labels)] if w is not None})]]\n"
    "        labels.append(label)\n",
    hint="This is what you get when the tags are used up one after another. A part of a sentence begins later: "
    "word_ids says which word's tag it is.",
)
edited(
    "align_labels",
    "every piece always",
    old="(word != last or every_piece)",
    new="True",
    hint="This is what you get when every_piece=False labels continuations too. There only a word's first piece "
    "counts.",
)
edited(
    "align_labels",
    "B- replaced inside the type",
    old='tag = "I" + tag[1:]',
    new='tag = tag.replace("B-", "I-")\n                label_ids = {**label_ids, tag: label_ids.get(tag, 0)}',
    hint='This is what you get with tag.replace("B-", "I-"), which also changes a type like SUB-PART. Change the '
    "prefix only.",
)

edited(
    "split_words",
    "counter reset to 0",
    old="""    parts, start = [], 0
    while start < len(counts):
        end, used = start, 2
        while end < len(counts) and used + counts[end] <= limit:
            used += counts[end]
            end += 1
""",
    new="""    parts, start = [], 0
    while start < len(counts):
        end, used = start + (start > 0), 2
        while end < len(counts) and used + counts[end] <= limit:
            used += counts[end]
            end += 1
""",
    hint="This is what you get when the counter is set to 0 after a cut, although the word that didn't fit "
    "stands in the new part already. Count it there.",
)
edited(
    "split_words",
    "specials not counted",
    old="end, used = start, 2",
    new="end, used = start, 0",
    hint="This is what you get when [CLS] and [SEP] aren't counted. Each part has them, and they take two of its "
    "pieces.",
)
edited(
    "split_words",
    "one special counted",
    old="end, used = start, 2",
    new="end, used = start, 1",
    hint="This is what you get when only one of the two specials is counted.",
)
edited(
    "split_words",
    "limit never reached",
    old="used + counts[end] <= limit:",
    new="(end == start or used + counts[end] < limit):",
    hint="This is what you get with < for ≤: a part may hold exactly the limit. Here it stays one piece below.",
)
edited(
    "split_words",
    "cut inside entities",
    old="if entity.get(end, start) > start:",
    new="if False:",
    hint="This is what you get when the cut may fall inside an entity. Move it back to the entity's first word.",
)
edited(
    "split_words",
    "neighbours as one entity",
    old="for at in range(start + 1, end)}",
    new="for at in range(start + 1, end + 1)}",
    hint="This is what you get when a cut right after an entity counts as inside. There it is harmless.",
)
edited(
    "split_words",
    "words counted not pieces",
    old="used + counts[end] <= limit:\n            used += counts[end]",
    new="used + 1 <= limit:\n            used += 1",
    hint="This is what you get when words are counted. The limit is one of pieces.",
)
edited(
    "split_words",
    "last part lost",
    old="    return parts\n",
    new="    return parts[:-1]\n",
    hint="This is what you get when a part is stored only when it is full: the last one is lost.",
)
edited(
    "split_words",
    "a word that never fits",
    old='raise ValueError("a word alone is longer than the limit")',
    new="return [(at, at + 1) for at in range(len(counts))]",
    hint="This is what you get when no ValueError is raised for a word that fits into no part.",
)


@mistake(
    "split_words",
    hint="This is what you get when a whole long entity is taken into one part, over the limit. The limit holds "
    "always; such an entity is cut where the part is full.",
)
def long_entity_kept_whole():
    def split_words(counts, spans, limit):
        if max(counts, default=0) > limit - 2:
            raise ValueError("a word alone is longer than the limit")
        begins = {at: (first, last) for first, last, _ in spans for at in range(first + 1, last)}
        parts, start = [], 0
        while start < len(counts):
            end, used = start, 2
            while end < len(counts) and used + counts[end] <= limit:
                used += counts[end]
                end += 1
            if end in begins:
                end = begins[end][0] if begins[end][0] > start else begins[end][1]
            parts.append((start, end))
            start = end
        return parts


edited(
    "windows",
    "overlap taken for the step",
    old="ranges[-1][0] + size - overlap",
    new="ranges[-1][0] + max(1, overlap)",
    hint="This is what you get when the overlap is the step between windows. The step is size - overlap.",
)
edited(
    "windows",
    "a last window inside the one before",
    old="while ranges and ranges[-1][1] < length:",
    new="while ranges and ranges[-1][0] + size - overlap < length:",
    hint="This is what you get when windows begin as long as there is a place to begin: the last ones lie within "
    "the one before. Stop when a window ends with the text.",
)
edited(
    "windows",
    "past the end",
    old="ranges.append((start, min(start + size, length)))",
    new="ranges.append((start, start + size))",
    hint="This is what you get when the last window reaches past the text.",
)
edited(
    "windows",
    "no overlap",
    old="ranges[-1][0] + size - overlap",
    new="ranges[-1][0] + size",
    hint="This is what you get when each window begins where the one before ends. They share `overlap` positions.",
)
edited(
    "windows",
    "rest dropped",
    old="while ranges and ranges[-1][1] < length:",
    new="while ranges and ranges[-1][1] + size - overlap <= length:",
    hint="This is what you get when only whole windows are kept: the rest of the text is never seen.",
)
edited(
    "windows",
    "a window over nothing",
    old="ranges = [(0, min(size, length))] if length else []",
    new="ranges = [(0, min(size, length))]",
    hint="This is what you get when an empty text has a window.",
)

edited(
    "merge_mean",
    "overlap counted twice",
    old="    return total / count\n",
    new="    return total\n",
    hint="This is what you get when the scores are added up and not divided: positions in an overlap count twice.",
)
edited(
    "merge_mean",
    "divided by all windows",
    old="    return total / count\n",
    new="    return total / len(scores)\n",
    hint="This is what you get when the sum is divided by the number of all windows. Divide by how many saw the "
    "position.",
)
edited(
    "merge_mean",
    "last window wins",
    old="        total[start:end] += score\n        count[start:end] += 1",
    new="        total[start:end] = score\n        count[start:end] = 1",
    hint="This is what you get when a later window overwrites the one before.",
)
edited(
    "merge_mean",
    "mean of means",
    old="        total[start:end] += score\n        count[start:end] += 1",
    new="        seen = count[start:end] > 0\n"
    "        total[start:end] = np.where(seen, (total[start:end] + score) / 2, score)\n        count[start:end] = 1",
    hint="This is what you get when each window is averaged with the result so far. Where three overlap, the "
    "last one counts half.",
)
edited(
    "merge_mean",
    "windows one after another",
    old="    return total / count\n",
    new="    return np.concatenate(scores)\n",
    hint="This is what you get when the windows are put one after another: overlaps are in it twice.",
)
edited(
    "merge_mean",
    "float64 whatever comes",
    old="np.zeros((ranges[-1][1], scores[0].shape[1]), scores[0].dtype)",
    new="np.zeros((ranges[-1][1], scores[0].shape[1]))",
    hint="This is what you get when the sum is float64 whatever the scores are. Keep their dtype.",
)

edited(
    "merge_by_context",
    "last window wins",
    old="        better = context > most[start:end]\n",
    new="        better = context >= 0\n",
    hint="This is what you get when a later window always overwrites the one before. The one with more context "
    "decides.",
)
edited(
    "merge_by_context",
    "first window wins",
    old="        better = context > most[start:end]\n",
    new="        better = most[start:end] < 0\n",
    hint="This is what you get when the first window that saw a position decides. The one with more context does.",
)
edited(
    "merge_by_context",
    "later of equals",
    old="context > most[start:end]",
    new="context >= most[start:end]",
    hint="This is what you get when the later window wins a tie. Of equals, the earlier decides.",
)
edited(
    "merge_by_context",
    "left context only",
    old="context = np.minimum(position, position[::-1])",
    new="context = position",
    hint="This is what you get when only the positions to the left count as context. It is the nearer edge that "
    "counts.",
)
edited(
    "merge_by_context",
    "farther edge",
    old="context = np.minimum(position, position[::-1])",
    new="context = np.maximum(position, position[::-1])",
    hint="This is what you get with the farther edge. What counts is the nearer one.",
)

edited(
    "split_words",
    "the word before the cut asked",
    old="        if entity.get(end, start) > start:\n            end = entity[end]\n",
    new="        if entity.get(end - 1, start) > start:\n            end = entity[end - 1]\n",
    hint="This is what you get when the last word of the part tells whether the cut is inside an entity. The first "
    "word after the cut does.",
)
edited(
    "split_words",
    "cut behind the entity",
    old="        if entity.get(end, start) > start:\n            end = entity[end]\n",
    new="        if entity.get(end, start) > start:\n"
    "            end = next(last for first, last, _ in spans if first < end < last)\n",
    hint="This is what you get when a cut inside an entity is moved to its end: the part comes out over the limit. "
    "Move it back, to the entity's first word.",
)
edited(
    "windows",
    "last window moved back",
    old="        ranges.append((start, min(start + size, length)))\n",
    new="        start = max(0, min(start, length - size))\n"
    "        ranges.append((start, min(start + size, length)))\n",
    hint="This is what you get when the last window is moved back until it is full. Here it keeps its place, and may "
    "be shorter.",
)
edited(
    "merge_by_context",
    "distance to the middle",
    old="context = np.minimum(position, position[::-1])",
    new="context = len(labels[0]) - np.abs(position - (len(position) - 1) / 2).astype(int)",
    hint="This is what you get when the window with the nearest middle decides. A short last window has a near "
    "middle, but little context.",
)
