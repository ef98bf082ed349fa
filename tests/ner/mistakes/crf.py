"""Classic mistakes in the CRF and in decoding."""

from autograder import edited, mistake

edited(
    "crf_score",
    "transitions transposed",
    old="transitions[tags[:, :-1], tags[:, 1:]]",
    new="transitions[tags[:, 1:], tags[:, :-1]]",
    hint="This is what you get when transitions are read as [to, from]. transitions[i, j] goes from i to j.",
)
edited(
    "crf_score",
    "emissions not masked",
    old="emitted = np.where(mask, emissions[rows[:, None], steps, tags], 0).sum(axis=1)",
    new="emitted = emissions[rows[:, None], steps, tags].sum(axis=1)",
    hint="This is what you get when the emissions at the padding are added. Only real words count.",
)
edited(
    "crf_score",
    "transitions not masked",
    old="moved = np.where(mask[:, 1:], transitions[tags[:, :-1], tags[:, 1:]], 0).sum(axis=1)",
    new="moved = transitions[tags[:, :-1], tags[:, 1:]].sum(axis=1)",
    hint="This is what you get when the transitions into the padding are added. A step counts if its second word "
    "is real.",
)
edited(
    "crf_score",
    "step out of the last word",
    old="moved = np.where(mask[:, 1:], trans",
    new="moved = np.where(mask[:, :-1], trans",
    hint="This is what you get when the step from the last word into the padding counts. A step counts if its "
    "second word is real.",
)
edited(
    "crf_score",
    "end at the last place",
    old="last = tags[rows, mask.sum(axis=1) - 1]",
    new="last = tags[:, -1]",
    hint="This is what you get when `end` is added for the last place of the row. It belongs to the last real word.",
)
edited(
    "crf_score",
    "no start and end",
    old="return start[tags[:, 0]] + emitted + moved + end[last]",
    new="return emitted + moved",
    hint="This is what you get without start and end.",
)
edited(
    "crf_score",
    "padding as an index",
    old="    tags = np.where(mask, tags, 0)\n    emitted",
    new="    tags = np.where(tags == -100, -1, tags)\n    last = emitted = (emissions[:, -1] * 0)[:, 0]\n"
    "    mask = mask | (tags == -1)\n    emitted",
    hint="This is what you get when -100 is used as an index, which counts from the end. Tags at the padding "
    "don't count.",
)

SUMS = ("crf_marginals", "crf_gradient")

edited(
    "crf_forward",
    "transitions transposed",
    old="logsumexp(alpha[-1][:, :, None] + transitions, axis=1)",
    new="logsumexp(alpha[-1][:, :, None] + transitions.T, axis=1)",
    hint="This is what you get when transitions are read as [to, from]. transitions[i, j] goes from i to j.",
    also=SUMS,
)
edited(
    "crf_forward",
    "sum over where to",
    old="logsumexp(alpha[-1][:, :, None] + transitions, axis=1)",
    new="logsumexp(alpha[-1][:, :, None] + transitions, axis=2)",
    hint="This is what you get when the sum runs over the tag that one goes to. It runs over the one that one "
    "comes from.",
    also=SUMS,
)
edited(
    "crf_forward",
    "mask ignored",
    old="alpha.append(np.where(mask[:, t, None], moved, alpha[-1]))",
    new="alpha.append(moved)",
    hint="This is what you get when alpha goes on at the padding. There it stands still.",
    also=SUMS,
)
edited(
    "crf_forward",
    "zero at the padding",
    old="alpha.append(np.where(mask[:, t, None], moved, alpha[-1]))",
    new="alpha.append(np.where(mask[:, t, None], moved, 0))",
    hint="This is what you get when alpha is 0 at the padding. It stands still: a repetition of the last real one.",
    also=SUMS,
)
edited(
    "crf_forward",
    "maximum for the sum",
    old="moved = logsumexp(alpha[-1][:, :, None] + transitions, axis=1)",
    new="moved = (alpha[-1][:, :, None] + transitions).max(axis=1)",
    hint="This is what you get with the maximum for the log of the sum: that is Viterbi, the best tagging and not all.",
    also=SUMS,
)
edited(
    "crf_forward",
    "no shift",
    old="moved = logsumexp(alpha[-1][:, :, None] + transitions, axis=1)",
    new='with np.errstate(all="ignore"):\n'
    "            moved = np.log(np.exp(alpha[-1][:, :, None] + transitions).sum(axis=1))\n        moved = moved",
    hint="This is what you get when exp is taken of large scores: it overflows. logsumexp subtracts the largest first.",
    also=("crf_marginals",),
)
edited(
    "crf_forward",
    "no end",
    old="logsumexp(alpha[-1] + end, axis=1)",
    new="logsumexp(alpha[-1], axis=1)",
    hint="This is what you get without the scores of the last tag, end.",
    also=SUMS,
)
edited(
    "crf_forward",
    "no start",
    old="alpha = [start + emissions[:, 0]]",
    new="alpha = [emissions[:, 0]]",
    hint="This is what you get without the scores of the first tag, start.",
    also=SUMS,
)
edited(
    "crf_forward",
    "emission before the step",
    old="moved = logsumexp(alpha[-1][:, :, None] + transitions, axis=1) + emissions[:, t]",
    new="moved = logsumexp(alpha[-1][:, :, None] + transitions + emissions[:, t, :, None], axis=1)",
    hint="This is what you get when a word's emissions are added for the tag before it. They belong to the tag "
    "that one goes to.",
    also=SUMS,
)

edited(
    "crf_marginals",
    "transitions transposed",
    old="step = transitions + (emissions",
    new="step = transitions.T + (emissions",
    hint="This is what you get when transitions are read as [to, from]. transitions[i, j] goes from i to j.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "forward sums only",
    old="one = alpha[:, t] + beta - log_z[:, None]",
    new="one = alpha[:, t] - logsumexp(alpha[:, t], axis=1)[:, None]",
    hint="This is what you get from alpha alone: what the words so far say. The words after it count too, by beta.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "word counted twice",
    old="one = alpha[:, t] + beta - log_z[:, None]",
    new="one = alpha[:, t] + beta + emissions[:, t] - log_z[:, None]\n"
    "        one = one - logsumexp(one, axis=1)[:, None]",
    hint="This is what you get when a word's own emissions are in alpha and in beta. They belong to alpha only.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "beta moves at the padding",
    old="beta = np.where(real, logsumexp(step, axis=2), beta)",
    new="beta = logsumexp(step, axis=2)",
    hint="This is what you get when beta moves at the padding. It begins with `end` at each sentence's own last word.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "padding not zero",
    old="unary[:, t] = np.exp(np.where(real, one, -np.inf))",
    new="unary[:, t] = np.exp(one)",
    hint="This is what you get when the marginals at the padding aren't set to 0.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "beta without end",
    old="beta = np.broadcast_to(end, alpha[:, 0].shape)",
    new="beta = np.zeros_like(alpha[:, 0])",
    hint="This is what you get when beta begins with 0. It begins with `end`.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "pairs as products",
    old="two = alpha[:, t - 1, :, None] + step - log_z[:, None, None]",
    new='with np.errstate(all="ignore"):\n'
    "                before = alpha[:, t - 1] + logsumexp(step, axis=2) - log_z[:, None]\n"
    "                two = before[:, :, None] + one[:, None, :]",
    hint="This is what you get when neighbours are taken for independent. A pair's probability is no product: "
    "the transition between them counts.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "pairs transposed",
    old="pairs[:, t - 1] = np.exp(np.where(real[:, :, None], two, -np.inf))",
    new="pairs[:, t - 1] = np.exp(np.where(real[:, :, None], two, -np.inf)).swapaxes(1, 2)",
    hint="This is what you get when pairs are stored as [to, from]. pairs[b, t, i, j] is y_t = i and y_t+1 = j.",
    also=("crf_gradient",),
)

edited(
    "crf_gradient",
    "cotangent forgotten",
    old="demissions = unary * dlog_z[:, None, None]",
    new="demissions = unary",
    hint="This is what you get when the marginals aren't multiplied by dlog_z.",
)
edited(
    "crf_gradient",
    "cotangent forgotten by transitions",
    old="(pairs * dlog_z[:, None, None, None]).sum",
    new="pairs.sum",
    hint="This is what you get when the marginals of pairs aren't multiplied by dlog_z.",
)
edited(
    "crf_gradient",
    "end at the last place",
    old="ends = demissions[np.arange(len(mask)), mask.sum(axis=1) - 1]",
    new="ends = demissions[:, -1]",
    hint="This is what you get when the gradient of end is taken at the row's last place. It is that of the last "
    "real word.",
)
edited(
    "crf_gradient",
    "transitions transposed",
    old=".sum(axis=(0, 1))\n",
    new=".sum(axis=(0, 1)).T\n",
    hint="This is what you get when the gradient of transitions is [to, from]. It is laid out like transitions.",
)
edited(
    "crf_gradient",
    "first step only",
    old="(pairs * dlog_z[:, None, None, None]).sum(axis=(0, 1))",
    new="(pairs * dlog_z[:, None, None, None])[:, :1].sum(axis=(0, 1))",
    hint="This is what you get when only the first step counts. Each step uses the same transitions: all of them "
    "add up.",
)
edited(
    "crf_gradient",
    "mean over the batch",
    old="return demissions, dtransitions, demissions[:, 0].sum(axis=0), ends.sum(axis=0)",
    new="return demissions, dtransitions, demissions[:, 0].mean(axis=0), ends.mean(axis=0)",
    hint="This is what you get with means over the batch. What was used by all sentences collects the sum.",
)

edited(
    "allowed_transitions",
    "transposed",
    old="[[legal(before, after) for after in tags] for before in tags]",
    new="[[legal(before, after) for before in tags] for after in tags]",
    hint="This is what you get when the table is [to, from]. transitions[i, j] says whether j may follow i.",
)
edited(
    "allowed_transitions",
    "I after any B",
    old=" and before[2:] == after[2:]",
    new="",
    hint="This is what you get when I and E may follow another type's B. A span has one type.",
)
edited(
    "allowed_transitions",
    "I may come first",
    old='start, end = [legal("O", tag) for tag in tags],',
    new="start, end = [True for tag in tags],",
    hint="This is what you get when every tag may come first. I and E may not: they go on with a span.",
)
edited(
    "allowed_transitions",
    "any end",
    old='[legal(tag, "O") for tag in tags]',
    new="[True for tag in tags]",
    hint="This is what you get when BIOES may end inside a span. After B and I something must follow.",
)
edited(
    "allowed_transitions",
    "open spans may stop",
    old='return goes_on or (before[0] in "OES" and after[0] in "OBS")',
    new='return goes_on or after[0] in "OBS"',
    hint="This is what you get when a BIOES span may stop without E. After B and I its own I or E must follow.",
)
edited(
    "allowed_transitions",
    "I only after B",
    old='goes_on = before[0] in "BI" and',
    new='goes_on = before[0] in "B" and',
    hint="This is what you get when I may follow B only. It may follow an I of its type as well.",
)
edited(
    "allowed_transitions",
    "type by its last part",
    old="before[2:] == after[2:]",
    new='before.split("-")[-1] == after.split("-")[-1]',
    hint="This is what you get when types are compared by their last part. B-X and X are two types.",
)

edited(
    "viterbi",
    "back-pointer off by one",
    old="path.append(pointer[path[-1]])",
    new="path.append(pointer[path[0]])",
    hint="This is what you get when each pointer is looked up at the last tag of all. Look it up at the tag "
    "found just before.",
)
edited(
    "viterbi",
    "one pointer missing",
    old="for pointer in reversed(pointers):",
    new="for pointer in reversed([pointers[0], *pointers[:-1]] if pointers else []):",
    hint="This is what you get when the back-pointers are one step off: pointer t leads from word t to word t-1.",
)
edited(
    "viterbi",
    "not walked back",
    old="    for pointer in reversed(pointers):\n        path.append(pointer[path[-1]])\n"
    "    return np.array(path[::-1]",
    new="    path = [(start + emissions[0]).argmax(), *emissions[1:-1].argmax(axis=1), *path][-len(emissions) :]\n"
    "    return np.array(path",
    hint="This is what you get when the best tag is taken word by word. Walk the pointers back from the best last tag.",
)
edited(
    "viterbi",
    "transitions transposed",
    old="candidates = best[:, None] + transitions",
    new="candidates = best[:, None] + transitions.T",
    hint="This is what you get when transitions are read as [to, from]. transitions[i, j] goes from i to j.",
)
edited(
    "viterbi",
    "argmax along the wrong axis",
    old="pointers.append(candidates.argmax(axis=0))",
    new="pointers.append(candidates.argmax(axis=1))",
    hint="This is what you get when pointers say where one goes to. They say where one came from.",
)
edited(
    "viterbi",
    "end forgotten",
    old="path = [(best + end).argmax()]",
    new="path = [best.argmax()]",
    hint="This is what you get when the last tag is chosen without the scores of end.",
)
edited(
    "viterbi",
    "illegal I after O",
    old="(np.where(ok, score, -np.inf) for ok, score in zip(allowed, scores))",
    new="start, transitions, end",
    hint="This is what you get when `allowed` isn't looked at. What isn't allowed has the score -inf.",
)
edited(
    "viterbi",
    "start not constrained",
    old="start, transitions, end = (np.where",
    new="_, transitions, end = (np.where",
    hint="This is what you get when any tag may come first. `allowed` holds a table for start too.",
)
edited(
    "viterbi",
    "a large number for infinity",
    old="np.where(ok, score, -np.inf)",
    new="np.where(ok, score, -1e4)",
    hint="This is what you get with -10000 for what isn't allowed: larger emissions buy their way around it. Use -inf.",
)

edited(
    "crf_score",
    "masked by multiplication",
    old="moved = np.where(mask[:, 1:], transitions[tags[:, :-1], tags[:, 1:]], 0).sum(axis=1)",
    new='tags = np.where(mask, tags, len(start) - 1)\n    with np.errstate(all="ignore"):\n'
    "        moved = (transitions[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]).sum(axis=1)",
    hint="This is what you get when the padding is masked by multiplying with 0: -inf times 0 is NaN. np.where "
    "leaves out what it doesn't take.",
)
edited(
    "crf_forward",
    "masked by multiplication",
    old="alpha.append(np.where(mask[:, t, None], moved, alpha[-1]))",
    new='with np.errstate(all="ignore"):\n'
    "            alpha.append(mask[:, t, None] * moved + ~mask[:, t, None] * alpha[-1])",
    hint="This is what you get when the padding is masked by multiplying with 0: -inf times 0 is NaN. np.where "
    "leaves out what it doesn't take.",
    also=SUMS,
)
edited(
    "crf_forward",
    "transitions counted at the first word",
    old="alpha = [start + emissions[:, 0]]",
    new="alpha = [logsumexp(start[:, None] + transitions, axis=0) + emissions[:, 0]]",
    hint="This is what you get when a transition leads into the first word. Nothing stands before it: only start "
    "and its emissions count.",
    also=SUMS,
)
edited(
    "crf_marginals",
    "each word by itself",
    old="one = alpha[:, t] + beta - log_z[:, None]",
    new="one = emissions[:, t] - logsumexp(emissions[:, t], axis=1)[:, None]",
    hint="This is what you get from a softmax of each word's emissions. Neighbours count too, by alpha and beta.",
    also=("crf_gradient",),
)
edited(
    "crf_marginals",
    "not exponentiated",
    old="unary[:, t] = np.exp(np.where(real, one, -np.inf))",
    new="unary[:, t] = np.where(real, one, 0)",
    hint="This is what you get when the logs of the probabilities are left as logs.",
    also=("crf_gradient",),
)
edited(
    "allowed_transitions",
    "a span after S",
    old='goes_on = before[0] in "BI" and',
    new='goes_on = before[0] in "BIS" and',
    hint="This is what you get when I or E may follow S. S is a whole span.",
)
edited(
    "viterbi",
    "end not constrained",
    old="start, transitions, end = (np.where",
    new="start, transitions, _ = (np.where",
    hint="This is what you get when any tag may come last. `allowed` holds a table for end too.",
)
edited(
    "viterbi",
    "score without end",
    old="(best + end).max()",
    new="best.max()",
    hint="This is what you get when the score lacks `end`, the score of the last tag.",
)
edited(
    "viterbi",
    "arguments changed in place",
    old="        start, transitions, end = (np.where(ok, score, -np.inf) for ok, score in zip(allowed, scores))\n",
    new="        for ok, score in zip(allowed, scores):\n            score[~ok] = -np.inf\n",
    hint="This is what you get when -inf is written into the scores that were given. They belong to the model: work "
    "on copies.",
)


@mistake(
    "viterbi",
    hint="This is what you get when the best next tag is taken word by word. What looks best now may lead nowhere: "
    "keep the best way to each tag, and decide at the end.",
)
def greedy():
    def viterbi(emissions, transitions, start, end, allowed=None):
        if allowed is not None:
            scores = start, transitions, end
            start, transitions, end = map(lambda ok, score: np.where(ok, score, -np.inf), allowed, scores)  # noqa: F821
        path, total = [], 0.0
        for t, emission in enumerate(emissions):
            step = emission + (transitions[path[-1]] if path else start) + (end if t == len(emissions) - 1 else 0)
            path.append(step.argmax())
            total = total + step.max()
        return np.array(path), total  # noqa: F821
