"""Classic mistakes in beam search."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

SORTED = "return sorted(extensions, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[:width]"
SEARCHED = ("beam_search",)

edited(
    "expand_beam",
    "multiplied",
    old="(tokens + (token,), total + step)",
    new="(tokens + (token,), total * step)",
    hint="This is what you get when log-probabilities are multiplied. Probabilities multiply, their logarithms add up.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "last step only",
    old="(tokens + (token,), total + step)",
    new="(tokens + (token,), step)",
    hint="This is what you get with the last token's log-probability alone. The total of the hypothesis belongs to it.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "probabilities for logarithms",
    old="(tokens + (token,), total + step)",
    new="(tokens + (token,), total + np.exp(step))",
    hint="This is what you get when probabilities are added. Add their logarithms.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "mean for sum",
    old="(tokens + (token,), total + step)",
    new="(tokens + (token,), (total * len(tokens) + step) / (len(tokens) + 1))",
    hint="This is what you get when totals are normalised while pruning. Here a total is a sum; the search "
    "normalises what is finished.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "worst first",
    old=SORTED,
    new="return sorted(extensions, key=lambda hypothesis: (hypothesis[1], hypothesis[0]))[:width]",
    hint="This is what you get with the smallest totals. The largest ones (nearest to 0) are the most probable.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "first of equals",
    old=SORTED,
    new="return sorted(extensions, key=lambda hypothesis: -hypothesis[1])[:width]",
    hint="This is what you get when the hypothesis that was met first wins a tie. Here the smaller tuple of tokens"
    " does.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "larger of equals",
    old=SORTED,
    new="return sorted(extensions, key=lambda hypothesis: hypothesis[::-1], reverse=True)[:width]",
    hint="This is what you get when the larger tuple of tokens wins a tie. Here the smaller one does.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "impossible tokens kept",
    old="        if step > -np.inf\n    ]",
    new="    ]",
    hint="This is what you get when impossible tokens fill the beam. A total of -inf is no candidate.",
    also=SEARCHED,
)
edited(
    "expand_beam",
    "one too many",
    old=SORTED,
    new="return sorted(extensions, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[: width + 1]",
    hint="This is what you get with one hypothesis more than `width`.",
    also=SEARCHED,
)


@mistake(
    "expand_beam",
    hint="This is what you get when each hypothesis keeps its own best extension. All extensions of all hypotheses"
    " compete in one list.",
    also=SEARCHED,
)
def one_per_parent():
    def expand_beam(live, log_probs, width):
        kept = []
        for tokens, total in live:
            steps = log_probs(tokens).tolist()
            best = max(range(len(steps)), key=lambda token: (steps[token], -token))
            if steps[best] > -np.inf:
                kept.append((tokens + (best,), total + steps[best]))
        return sorted(kept, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "expand_beam",
    hint="This is what you get when each hypothesis keeps `width` extensions of its own. There are `width` over all.",
    also=SEARCHED,
)
def width_per_parent():
    def expand_beam(live, log_probs, width):
        kept = []
        for tokens, total in live:
            steps = [(total + step, token) for token, step in enumerate(log_probs(tokens).tolist()) if step > -np.inf]
            steps = sorted(steps, key=lambda one: (-one[0], one[1]))[:width]
            kept += [(tokens + (token,), new) for new, token in steps]
        return sorted(kept, key=lambda one: (-one[1], one[0]))[:150]  # a search with it has to end


SCORED = "finished.append((tokens, total / ((5 + length) / 6) ** alpha))"

edited(
    "beam_search",
    "not normalised",
    old=SCORED,
    new="finished.append((tokens, total))",
    hint="This is what you get when scores are sums. Divide by ((5 + L) / 6) ** alpha.",
)
edited(
    "beam_search",
    "divided by a power of the length",
    old=SCORED,
    new="finished.append((tokens, total / length**alpha))",
    hint="This is what you get with L ** alpha. The penalty asked for is GNMT's, ((5 + L) / 6) ** alpha.",
)
edited(
    "beam_search",
    "power of a part",
    old=SCORED,
    new="finished.append((tokens, total / ((5 + length) ** alpha / 6)))",
    hint="This is what you get with (5 + L) ** alpha / 6. The power is that of the quotient.",
)
edited(
    "beam_search",
    "eos not counted",
    old=SCORED,
    new="finished.append((tokens, total / ((5 + length - (tokens[-1] == eos)) / 6) ** alpha))",
    hint="This is what you get when L leaves eos out. L counts all generated tokens, eos included.",
)
edited(
    "beam_search",
    "multiplied by the penalty",
    old=SCORED,
    new="finished.append((tokens, total * ((5 + length) / 6) ** alpha))",
    hint="This is what you get when the sum is multiplied by the penalty. Sums are negative: dividing helps the "
    "long ones.",
)
edited(
    "beam_search",
    "cut off ones lost",
    old="if tokens[-1] == eos or length == max_length:",
    new="if tokens[-1] == eos:",
    hint="This is what you get when hypotheses that reach max_length without eos are lost. They are finished as "
    "they are.",
)
edited(
    "beam_search",
    "finished ones extended",
    old="            else:\n                live.append((tokens, total))",
    new="            live.append((tokens, total))",
    hint="This is what you get when finished hypotheses are extended as well. After eos nothing follows.",
)
edited(
    "beam_search",
    "one step less",
    old="    for length in range(1, max_length + 1):\n        beam, live",
    new="    for length in range(1, max_length):\n        beam, live",
    hint="This is what you get after max_length - 1 steps. A sequence may have max_length tokens.",
)
edited(
    "beam_search",
    "score of another length",
    old=SCORED,
    new="finished.append((tokens, total / ((5 + max_length) / 6) ** alpha))",
    hint="This is what you get when all are normalised by max_length. L is the hypothesis' own length.",
)
edited(
    "beam_search",
    "all that finished",
    old="return sorted(finished, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[:width]",
    new="return sorted(finished, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))",
    hint="This is what you get when more than the `width` best are returned.",
)
edited(
    "beam_search",
    "in the order of finishing",
    old="return sorted(finished, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[:width]",
    new="return finished[:width]",
    hint="This is what you get when hypotheses come in the order in which they finished. Sort them by their scores.",
)


@mistake(
    "beam_search",
    hint="This is what you get when the search stops at the first finished hypothesis. A longer one may be better:"
    " go on while any is live.",
)
def stops_at_the_first():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, width), []
            for tokens, total in beam:
                if tokens[-1] == eos or length == max_length:
                    finished.append((tokens, total / ((5 + length) / 6) ** alpha))
                else:
                    live.append((tokens, total))
            if finished:
                break
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when the search stops at `width` finished hypotheses. Live ones may still become "
    "better: go on while any is live.",
)
def stops_at_width():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, width), []
            for tokens, total in beam:
                if tokens[-1] == eos or length == max_length:
                    finished.append((tokens, total / ((5 + length) / 6) ** alpha))
                else:
                    live.append((tokens, total))
            if len(finished) >= width:
                break
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when the beam becomes narrower with each finished hypothesis. In each step it is "
    "filled up to `width` again.",
)
def beam_shrinks():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, max(0, width - len(finished))), []
            for tokens, total in beam:
                if tokens[-1] == eos or length == max_length:
                    finished.append((tokens, total / ((5 + length) / 6) ** alpha))
                else:
                    live.append((tokens, total))
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when hypotheses that finish early are lost, and only those of the last step count.",
)
def finished_ones_lost():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live = beam = [((), 0.0)]
        for _ in range(max_length):
            if not live:
                break
            beam = expand_beam(live, log_probs, width)
            live = [one for one in beam if one[0][-1] != eos]
        scored = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha) for tokens, total in beam]
        return sorted(scored, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when finished hypotheses stay in the beam, where extensions of others push them "
    "out, or they take the live ones' places. Put them aside.",
)
def finished_ones_compete():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        beam = [((), 0.0)]
        for _ in range(max_length):
            done = [one for one in beam if one[0] and one[0][-1] == eos]
            live = [one for one in beam if not one[0] or one[0][-1] != eos]
            candidates = done + expand_beam(live, log_probs, 10**6)
            beam = sorted(candidates, key=lambda one: (-one[1], one[0]))[:width]
        scored = [(tokens, total / ((5 + len(tokens)) / 6) ** alpha) for tokens, total in beam]
        return sorted(scored, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when finished hypotheses don't count among the `width` of a step: then `width` live"
    " ones always remain (Hugging Face's rule). Here the best `width` are kept, and the finished ones among "
    "them put aside.",
)
def finished_ones_beside():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, 10**6), []
            for tokens, total in beam:
                if tokens[-1] == eos or length == max_length:
                    finished.append((tokens, total / ((5 + length) / 6) ** alpha))
                elif len(live) < width:
                    live.append((tokens, total))
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when normalised scores are carried on and normalised again. Carry sums; normalise "
    "what is finished.",
)
def normalised_again_and_again():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, width), []
            for tokens, total in beam:
                scored = tokens, total / ((5 + length) / 6) ** alpha
                if tokens[-1] == eos or length == max_length:
                    finished.append(scored)
                else:
                    live.append(scored)
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]


@mistake(
    "beam_search",
    hint="This is what you get when eos is cut off what is returned. It is one of the tokens.",
)
def eos_cut_off():
    def beam_search(log_probs, eos, width, max_length, alpha=0.0):
        live, finished = [((), 0.0)], []
        for length in range(1, max_length + 1):
            beam, live = expand_beam(live, log_probs, width), []
            for tokens, total in beam:
                if tokens[-1] == eos or length == max_length:
                    score = total / ((5 + length) / 6) ** alpha
                    finished.append((tokens[:-1] if tokens[-1] == eos else tokens, score))
                else:
                    live.append((tokens, total))
        return sorted(finished, key=lambda one: (-one[1], one[0]))[:width]
