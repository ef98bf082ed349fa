"""Other right answers for counting spans and for averages."""

from autograder import alternative


@alternative("span_counts")
def by_numbered_sentences():
    def span_counts(gold, guessed):
        from collections import Counter

        def numbered(side):
            return {(n, *span) for n, tags in enumerate(side) for span in read_spans(tags)}  # noqa: F821

        one, other = numbered(gold), numbered(guessed)
        correct, there, found = (Counter(span[-1] for span in spans) for spans in (one & other, one, other))
        return {kind: (correct[kind], found[kind], there[kind]) for kind in sorted(there.keys() | found.keys())}


@alternative("f1_report")
def by_numpy():
    import numpy as np

    def f1_report(counts):
        def rates(correct, guessed, gold):
            p = correct / guessed if guessed > 0 else 0.0
            r = correct / gold if gold > 0 else 0.0
            return p, r, 2 * p * r / (p + r) if p + r > 0 else 0.0

        report = {kind: rates(*numbers) for kind, numbers in counts.items()}
        table = np.array(list(report.values()) or [(0.0, 0.0, 0.0)])
        sums = np.array(list(counts.values()) or [(0, 0, 0)]).sum(axis=0)
        return {**report, "macro": tuple(table.mean(axis=0)), "micro": rates(*sums.tolist())}


@alternative("span_counts")
def by_pandas():
    def span_counts(gold, guessed):
        import pandas as pd

        def frame(side, name):
            rows = [(n, *span) for n, tags in enumerate(side) for span in read_spans(tags)]  # noqa: F821
            return pd.DataFrame(rows, columns=["sentence", "start", "end", "type"]).assign(**{name: 1})

        both = frame(gold, "gold").merge(frame(guessed, "guessed"), how="outer").fillna(0)
        both["correct"] = both["gold"] * both["guessed"]
        sums = both.groupby("type")[["correct", "guessed", "gold"]].sum().astype(int)
        return {kind: tuple(row.tolist()) for kind, row in zip(sums.index, sums.to_numpy(), strict=True)}


@alternative("f1_report")
def by_scikit_learn():
    def f1_report(counts):
        from sklearn.metrics import precision_recall_fscore_support

        if not counts:
            return {"micro": (0.0, 0.0, 0.0), "macro": (0.0, 0.0, 0.0)}
        # One sample per span: gold against guessed, "" where there is none.
        pairs = []
        for kind, (correct, guessed, gold) in counts.items():
            pairs += [(kind, kind)] * correct + [("", kind)] * (guessed - correct) + [(kind, "")] * (gold - correct)
        gold, guessed = zip(*pairs, strict=True)
        kinds = list(counts)
        each = precision_recall_fscore_support(gold, guessed, labels=kinds, zero_division=0)[:3]
        report = dict(zip(kinds, zip(*(column.tolist() for column in each), strict=True), strict=True))
        for name in ("micro", "macro"):
            three = precision_recall_fscore_support(gold, guessed, labels=kinds, average=name, zero_division=0)[:3]
            report[name] = tuple(map(float, three))
        return report
