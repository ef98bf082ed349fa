"""Other right answers for the CRF and for decoding."""

import numpy as np

from autograder import alternative


@alternative("crf_score")
def sentence_by_sentence():
    def crf_score(emissions, transitions, start, end, tags, mask):
        scores = np.zeros(len(tags), emissions.dtype)
        for row, length in enumerate(mask.sum(axis=1)):
            own = tags[row, :length]
            scores[row] = emissions[row, np.arange(length), own].sum() + transitions[own[:-1], own[1:]].sum()
            scores[row] += start[own[0]] + end[own[-1]]
        return scores


@alternative("crf_forward")
def by_scipy():
    def crf_forward(emissions, transitions, start, end, mask):
        from scipy.special import logsumexp as scipy_logsumexp

        alpha = np.empty_like(emissions)
        alpha[:, 0] = start + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            step = alpha[:, t - 1, :, None] + transitions[None] + emissions[:, t, None, :]
            alpha[:, t] = alpha[:, t - 1]
            alpha[mask[:, t], t] = scipy_logsumexp(step, axis=1)[mask[:, t]]
        return alpha, scipy_logsumexp(alpha[:, -1] + end, axis=1)


@alternative("crf_forward")
def by_logaddexp():
    def crf_forward(emissions, transitions, start, end, mask):
        alpha, log_z = np.zeros_like(emissions), np.zeros(len(emissions), emissions.dtype)
        for row, length in enumerate(mask.sum(axis=1)):
            a = start + emissions[row, 0]
            alpha[row, 0] = a
            for t in range(1, emissions.shape[1]):
                if t < length:
                    a = np.logaddexp.reduce(a[:, None] + transitions, axis=0) + emissions[row, t]
                alpha[row, t] = a
            log_z[row] = np.logaddexp.reduce(a + end)
        return alpha, log_z


@alternative("crf_marginals")
def beta_first():
    def crf_marginals(emissions, transitions, start, end, mask):
        alpha, log_z = crf_forward(emissions, transitions, start, end, mask)  # noqa: F821
        beta = np.zeros_like(emissions)
        b, t, k = emissions.shape
        unary, pairs = np.zeros((b, t, k), alpha.dtype), np.zeros((b, t - 1, k, k), alpha.dtype)
        for row, length in enumerate(mask.sum(axis=1)):
            beta[row, length - 1] = end
            for at in range(length - 2, -1, -1):
                ahead = beta[row, at + 1] + emissions[row, at + 1]
                beta[row, at] = np.logaddexp.reduce(transitions + ahead, axis=1)
                pairs[row, at] = np.exp(alpha[row, at][:, None] + transitions + ahead - log_z[row])
            unary[row, :length] = np.exp(alpha[row, :length] + beta[row, :length] - log_z[row])
        return unary, pairs


@alternative("crf_gradient")
def by_autograd():
    def crf_gradient(emissions, transitions, start, end, mask, dlog_z):
        import torch

        inputs = [torch.tensor(array, requires_grad=True) for array in (emissions, transitions, start, end)]
        e, a, first, last = inputs
        totals = []
        for row, length in enumerate(mask.sum(axis=1)):
            alpha = first + e[row, 0]
            for t in range(1, length):
                alpha = torch.logsumexp(alpha[:, None] + a, dim=0) + e[row, t]
            totals.append(torch.logsumexp(alpha + last, dim=0))
        (torch.stack(totals) * torch.tensor(dlog_z)).sum().backward()
        grads = [np.zeros_like(i.detach().numpy()) if i.grad is None else i.grad.numpy() for i in inputs]
        return tuple(np.nan_to_num(grad) for grad in grads)


@alternative("crf_gradient")
def by_einsum():
    def crf_gradient(emissions, transitions, start, end, mask, dlog_z):
        unary, pairs = crf_marginals(emissions, transitions, start, end, mask)  # noqa: F821
        last = mask & ~np.pad(mask[:, 1:], ((0, 0), (0, 1)))
        return (
            np.einsum("btk,b->btk", unary, dlog_z),
            np.einsum("btij,b->ij", pairs, dlog_z),
            dlog_z @ unary[:, 0],
            np.einsum("btk,bt,b->k", unary, last.astype(unary.dtype), dlog_z),
        )


@alternative("allowed_transitions")
def by_reading_what_is_written():
    def allowed_transitions(tags, scheme):
        def fits(one, other):
            """Whether the pair may stand side by side, by cases."""
            if scheme == "IOB2":
                return not other.startswith("I-") or one in ("B-" + other[2:], "I-" + other[2:])
            if one[0] in ("B", "I"):
                return other in ("I-" + one[2:], "E-" + one[2:])
            return other[0] in ("O", "B", "S")

        k = len(tags)
        table = np.zeros((k, k), bool)
        for i in range(k):
            for j in range(k):
                table[i, j] = fits(tags[i], tags[j])
        first = np.array([tag[0] not in "IE" for tag in tags])
        last = np.array([scheme == "IOB2" or tag[0] not in "BI" for tag in tags])
        return first, table, last


@alternative("viterbi")
def from_the_end():
    def viterbi(emissions, transitions, start, end, allowed=None):
        start, transitions, end = np.array(start), np.array(transitions), np.array(end)
        for score, ok in zip((start, transitions, end), allowed or (), strict=False):
            score[~ok] = -np.inf
        rest, choices = end, []
        for emission in emissions[:0:-1]:
            scores = transitions + (emission + rest)
            choices.append(scores.argmax(axis=1))
            rest = scores.max(axis=1)
        total = start + emissions[0] + rest
        path = [int(total.argmax())]
        for choice in choices[::-1]:
            path.append(int(choice[path[-1]]))
        return np.array(path), total.max()


@alternative("crf_score")
def by_torch_gather():
    def crf_score(emissions, transitions, start, end, tags, mask):
        import torch

        e, a, first, last = (torch.tensor(array) for array in (emissions, transitions, start, end))
        real, y = torch.tensor(mask), torch.tensor(tags).masked_fill(~torch.tensor(mask), 0)
        emitted = e.gather(2, y[:, :, None])[:, :, 0].masked_fill(~real, 0).sum(1)
        moved = a[y[:, :-1], y[:, 1:]].masked_fill(~real[:, 1:], 0).sum(1)
        final = y.gather(1, real.sum(1, keepdim=True) - 1)[:, 0]
        return (first[y[:, 0]] + emitted + moved + last[final]).numpy()


@alternative("crf_forward")
def by_torch():
    def crf_forward(emissions, transitions, start, end, mask):
        import torch

        e, a, first, last = (torch.tensor(array) for array in (emissions, transitions, start, end))
        alphas = [first + e[:, 0]]
        for t in range(1, e.shape[1]):
            step = torch.logsumexp(alphas[-1].unsqueeze(2) + a, dim=1) + e[:, t]
            alphas.append(torch.where(torch.tensor(mask[:, t]).unsqueeze(1), step, alphas[-1]))
        return torch.stack(alphas, 1).numpy(), torch.logsumexp(alphas[-1] + last, 1).numpy()


@alternative("crf_forward")
def by_tensorflow():
    def crf_forward(emissions, transitions, start, end, mask):
        import tensorflow as tf

        alphas = [tf.constant(start + emissions[:, 0])]
        for t in range(1, emissions.shape[1]):
            step = tf.reduce_logsumexp(alphas[-1][:, :, None] + transitions, axis=1) + emissions[:, t]
            alphas.append(tf.where(mask[:, t, None], step, alphas[-1]))
        return tf.stack(alphas, 1).numpy(), tf.reduce_logsumexp(alphas[-1] + end, axis=1).numpy()


@alternative("crf_marginals")
def by_the_gradient_of_log_z():
    def crf_marginals(emissions, transitions, start, end, mask):
        import torch

        b, t, k = emissions.shape
        e = torch.tensor(emissions, requires_grad=True)
        steps = torch.tensor(transitions).expand(b, t - 1, k, k).clone().requires_grad_()
        alpha, real = torch.tensor(start) + e[:, 0], torch.tensor(mask)
        for at in range(1, t):
            moved = torch.logsumexp(alpha[:, :, None] + steps[:, at - 1], 1) + e[:, at]
            alpha = torch.where(real[:, at, None], moved, alpha)
        log_z = torch.logsumexp(alpha + torch.tensor(end), 1).sum()
        unary, pairs = torch.autograd.grad(log_z, (e, steps), allow_unused=True, materialize_grads=True)
        return unary.numpy(), pairs.numpy()


@alternative("crf_gradient")
def by_gradient_tape():
    def crf_gradient(emissions, transitions, start, end, mask, dlog_z):
        import tensorflow as tf

        inputs = [tf.constant(array) for array in (emissions, transitions, start, end)]
        e, a, first, last = inputs
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            alpha = first + e[:, 0]
            for t in range(1, emissions.shape[1]):
                moved = tf.reduce_logsumexp(alpha[:, :, None] + a, axis=1) + e[:, t]
                alpha = tf.where(mask[:, t, None], moved, alpha)
            loss = tf.reduce_sum(tf.reduce_logsumexp(alpha + last, axis=1) * dlog_z)
        grads = tape.gradient(loss, inputs, unconnected_gradients="zero")
        return tuple(tf.convert_to_tensor(grad).numpy() for grad in grads)


@alternative("allowed_transitions")
def by_pairs_of_letters():
    def allowed_transitions(tags, scheme):
        letters, kinds = np.array([tag[0] for tag in tags]), np.array([tag[2:] for tag in tags])
        inside = np.isin(letters, ["I", "E"])
        same = (kinds[:, None] == kinds) & np.isin(letters, ["B", "I"])[:, None]
        if scheme == "IOB2":
            return ~inside, ~inside | same, np.ones(len(tags), dtype=bool)
        closed = np.isin(letters, ["O", "E", "S"])
        return ~inside, np.where(inside, same, closed[:, None]), closed


@alternative("viterbi")
def by_torch_max():
    def viterbi(emissions, transitions, start, end, allowed=None):
        import torch

        e, *scores = (torch.tensor(array) for array in (emissions, start, transitions, end))
        if allowed is not None:
            scores = [s.masked_fill(~torch.tensor(ok), float("-inf")) for s, ok in zip(scores, allowed, strict=True)]
        first, a, last = scores
        best, came = first + e[0], []
        for row in e[1:]:
            best, where = (best.unsqueeze(1) + a).max(dim=0)
            best = best + row
            came.append(where)
        score, tag = (best + last).max(dim=0)
        path = [int(tag)]
        while came:
            path.insert(0, int(came.pop()[path[0]]))
        return np.array(path, dtype=np.int64), score.item() if score.dtype == torch.float64 else score.numpy()[()]
