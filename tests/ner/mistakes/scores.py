"""Classic mistakes in counting spans and in averaging."""

from autograder import edited, mistake


@mistake("span_counts", hint="This is what you get when tokens are counted. Half a name is none: count whole spans.")
def tokens_counted():
    def span_counts(gold, guessed):
        counts = {}
        for there, found in zip(gold, guessed, strict=True):
            for one, other in zip(there, found, strict=True):
                for column, tag in enumerate((one if one == other else "O", other, one)):
                    if tag != "O":
                        counts.setdefault(tag.partition("-")[2], [0, 0, 0])[column] += 1
        return {kind: tuple(three) for kind, three in counts.items()}


@mistake(
    "span_counts",
    hint="This is what you get when all sentences are read as one. A span ends with its sentence, whatever comes next.",
)
def sentence_boundary_not_reset():
    def span_counts(gold, guessed):
        there = set(read_spans([tag for tags in gold for tag in tags]))  # noqa: F821
        found = set(read_spans([tag for tags in guessed for tag in tags]))  # noqa: F821
        counts = {}
        for column, spans in enumerate((there & found, found, there)):
            for *_, kind in spans:
                counts.setdefault(kind, [0, 0, 0])[column] += 1
        return {kind: tuple(three) for kind, three in counts.items()}


@mistake(
    "span_counts",
    hint="This is what you get when the spans of all sentences are thrown into one set: two spans at the same "
    "place of different sentences become one.",
)
def sentences_in_one_set():
    def span_counts(gold, guessed):
        there = {span for tags in gold for span in read_spans(tags)}  # noqa: F821
        found = {span for tags in guessed for span in read_spans(tags)}  # noqa: F821
        counts = {}
        for column, spans in enumerate((there & found, found, there)):
            for *_, kind in spans:
                counts.setdefault(kind, [0, 0, 0])[column] += 1
        return {kind: tuple(three) for kind, three in counts.items()}


edited(
    "span_counts",
    "guessed and gold exchanged",
    old="enumerate((there & found, found, there))",
    new="enumerate((there & found, there, found))",
    hint="This is what you get when guessed and gold are exchanged, which makes precision of recall. The order "
    "is (correct, guessed, gold).",
)
edited(
    "span_counts",
    "type ignored",
    old="enumerate((there & found, found, there))",
    new="enumerate(({span for span in found if span[:2] in {s[:2] for s in there}}, found, there))",
    hint="This is what you get when a span is correct by its place alone. Its type must be right as well.",
)
edited(
    "span_counts",
    "overlap is enough",
    old="enumerate((there & found, found, there))",
    new="enumerate(\n"
    "            ({s for s in found if any(s[0] < e and b < s[1] and s[2] == k for b, e, k in there)}, found, there)\n"
    "        )",
    hint="This is what you get when a span is correct if it overlaps one. Start and end must both be right.",
)
edited(
    "span_counts",
    "types of gold only",
    old="return {kind: tuple(three) for kind, three in counts.items()}",
    new="return {kind: tuple(three) for kind, three in counts.items() if three[2]}",
    hint="This is what you get when a type that is only guessed isn't counted. Its guesses are wrong, and count "
    "as such.",
)
edited(
    "span_counts",
    "strict reading",
    old="there, found = set(read_spans(gold_tags)), set(read_spans(guessed_tags))",
    new="there, found = (\n"
    '            {s for s in read_spans(tags) if tags[s[0]][0] in "BS"} for tags in (gold_tags, guessed_tags)\n'
    "        )",
    hint="This is what you get when only spans that begin with B or S count. conlleval counts those that begin "
    "with I too.",
)

edited(
    "f1_report",
    "precision and recall exchanged",
    old="pairs = (correct, guessed), (correct, gold),",
    new="pairs = (correct, gold), (correct, guessed),",
    hint="This is what you get when precision and recall are exchanged. Precision divides by what was guessed.",
)
edited(
    "f1_report",
    "F1 of the means",
    old='return report | {"micro": micro, "macro": macro}',
    new="f1 = 2 * macro[0] * macro[1] / (macro[0] + macro[1]) if macro[0] + macro[1] else 0.0\n"
    '    return report | {"micro": micro, "macro": (macro[0], macro[1], f1)}',
    hint="This is what you get when macro F1 is the F1 of macro P and macro R. It is the mean of the types' F1.",
)
edited(
    "f1_report",
    "micro and macro exchanged",
    old='return report | {"micro": micro, "macro": macro}',
    new='return report | {"micro": macro, "macro": micro}',
    hint="This is what you get when micro and macro are exchanged. Micro adds the counts up, macro takes means.",
)
edited(
    "f1_report",
    "arithmetic mean",
    old="pairs = (correct, guessed), (correct, gold), (2 * correct, guessed + gold)\n"
    "        return tuple(above / below if below else 0.0 for above, below in pairs)",
    new="pairs = (correct, guessed), (correct, gold)\n"
    "        p, r = (above / below if below else 0.0 for above, below in pairs)\n"
    "        return p, r, (p + r) / 2",
    hint="This is what you get with the arithmetic mean of P and R. F1 is the harmonic one: 2PR / (P + R).",
)
edited(
    "f1_report",
    "types without gold left out",
    old="sum(column) / len(counts) for",
    new="sum(column) / max(1, sum(three[2] > 0 for three in counts.values())) for",
    hint="This is what you get when types that never occur in gold are left out of the macro average. Guessed in vain, "
    "they count as 0.",
)
edited(
    "f1_report",
    "only types with a score",
    old="macro = tuple(sum(column) / len(counts) for column in zip(*report.values()))",
    new="macro = tuple(sum(column) / max(1, sum(map(bool, column))) for column in zip(*report.values()))",
    hint="This is what you get when types with the score 0 are left out of the macro average. They count as 0.",
)
edited(
    "f1_report",
    "weighted by gold",
    old="macro = tuple(sum(column) / len(counts) for column in zip(*report.values()))",
    new="n = [three[2] for three in counts.values()]\n"
    "    macro = tuple(\n"
    "        sum(map(lambda a, b: a * b, column, n)) / (sum(n) or 1) for column in zip(*report.values())\n"
    "    )",
    hint="This is what you get when types are weighted by how often they occur. In the macro average all types "
    "count the same.",
)
edited(
    "f1_report",
    "zero by zero is one",
    old="above / below if below else 0.0",
    new="above / below if below else 1.0",
    hint="This is what you get when a quotient with the denominator 0 is 1. Here it is 0.",
)

edited(
    "f1_report",
    "in percent",
    old="above / below if below else 0.0",
    new="100 * above / below if below else 0.0",
    hint="This is what you get in percent. The report holds fractions, between 0 and 1.",
)
edited(
    "f1_report",
    "written into the counts",
    old='return report | {"micro": micro, "macro": macro}',
    new="counts.update(report, micro=micro, macro=macro)\n    return counts",
    hint="This is what you get when the report is written into the counts that were given. Make a dict of its own.",
)
edited(
    "f1_report",
    "micro F1 of macro",
    old='return report | {"micro": micro, "macro": macro}',
    new='return report | {"micro": micro, "macro": (*macro[:2], micro[2])}',
    hint="This is what you get when macro has the F1 of micro. It is the mean of the types' F1.",
)
