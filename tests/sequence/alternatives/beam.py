"""Other right answers in beam search."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("expand_beam")
def by_a_heap():
    def expand_beam(live, log_probs, width):
        import heapq

        def all_of_them():
            for tokens, total in live:
                steps = log_probs(tokens)
                for token in np.flatnonzero(np.isfinite(steps)):
                    yield -(total + steps[token]), (*tokens, int(token))

        return [(tokens, -cost) for cost, tokens in heapq.nsmallest(width, all_of_them())]


@alternative("expand_beam")
def by_a_table():
    def expand_beam(live, log_probs, width):
        if not live:
            return []
        # In the order of their tokens, so that a stable sort of the flat table breaks ties by them.
        live = sorted(live)
        table = np.stack([total + log_probs(tokens) for tokens, total in live])
        best = np.argsort(-table.ravel(), kind="stable")[:width]
        rows, tokens = np.unravel_index(best, table.shape)
        found = [(live[row][0] + (int(token),), table[row, token]) for row, token in zip(rows, tokens, strict=True)]
        return [one for one in found if one[1] != -np.inf]


@alternative("beam_search")
def with_a_loop_that_ends():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        done, live = [], [((), 0.0)]
        while live:
            beam = expand_beam(live, log_probs, width)
            ended = [one for one in beam if one[0][-1] == eos or len(one[0]) == max_length]
            live = [one for one in beam if one not in ended]
            done += ended
        scored = [(-total * (6 / (5 + len(tokens))) ** alpha, tokens) for tokens, total in done]
        return [(tokens, -cost) for cost, tokens in sorted(scored)[:width]]


@alternative("beam_search")
def with_its_own_pruning():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, results = {(): 0.0}, []
        for length in range(1, max_length + 1):
            grown = {}
            for tokens, total in live.items():
                for token, step in enumerate(log_probs(tokens)):
                    if not np.isneginf(step):
                        grown[(*tokens, token)] = total + float(step)
            best = sorted(sorted(grown), key=grown.get, reverse=True)[:width]
            results += [(one, grown[one]) for one in best if one[-1] == eos or length == max_length]
            live = {one: grown[one] for one in best if one[-1] != eos}
        penalty = {length: np.exp(alpha * np.log((5 + length) / 6)) for length in range(1, max_length + 1)}
        results = [(tokens, float(total / penalty[len(tokens)])) for tokens, total in results]
        results.sort()
        results.sort(key=lambda one: one[1], reverse=True)
        return results[:width]
