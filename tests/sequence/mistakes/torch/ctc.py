"""Classic mistakes in CTC's tensors, in PyTorch."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

edited(
    "ctc_greedy",
    "best frame of each class",
    old="paths = logits.argmax(dim=2).tolist()",
    new="paths = logits.argmax(dim=1).tolist()",
    hint="This is what you get with the best frame of each class. Take the best class of each frame: dim=2.",
)

LATTICE = ("ctc_loss",)
SKIP = "skip[:, 2:] = states[:, 2:] != states[:, :-2]  # a blank has a blank two before it"

edited(
    "ctc_states",
    "skip between equal labels",
    old=SKIP,
    new="skip[:, 3::2] = True",
    hint="This is what you get when equal labels may follow each other without a blank. They would be merged: no "
    "skip there.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip over labels",
    old=SKIP,
    new=SKIP + "\n    skip[:, 2::2] = True",
    hint="This is what you get when a blank may be reached from the blank before it, over a label. No label may be"
    " skipped.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "no skip",
    old=SKIP,
    new="",
    hint="This is what you get without skips. Between labels that differ the blank may be left out.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip between equal labels only",
    old=SKIP,
    new="skip[:, 3::2] = states[:, 3::2] == states[:, 1:-2:2]",
    hint="This is what you get the other way round: labels that differ may follow each other directly, equal ones "
    "may not.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip into the first label",
    old=SKIP,
    new=SKIP + "\n    skip[:, 1:2] = True",
    hint="This is what you get when the first label may be reached by a skip. Two before it there is no state.",
)
edited(
    "ctc_states",
    "neighbours compared",
    old=SKIP,
    new="skip[:, 1:] = states[:, 1:] != states[:, :-1]",
    hint="This is what you get when a state is compared with the one before. A skip comes from two before.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip a label too early",
    old=SKIP,
    new="skip[:, :-2] = states[:, 2:] != states[:, :-2]",
    hint="This is what you get when the mask says where a skip begins. It says which state a skip reaches.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "blank is always 0",
    old="2 * targets.shape[1] + 1), blank)",
    new="2 * targets.shape[1] + 1), 0)",
    hint="This is what you get when class 0 is the blank. It is the class that `blank` names.",
    also=LATTICE,
)


@mistake(
    "ctc_states",
    hint="This is what you get without the last blank. There is one before, between and after the labels: 2U + 1 "
    "states.",
    also=LATTICE,
)
def no_last_blank():
    def ctc_states(targets, blank=0):
        states = torch.full_like(targets, blank).repeat_interleave(2, dim=1)
        states[:, 1::2] = targets
        skip = torch.zeros_like(states, dtype=torch.bool)
        skip[:, 2:] = states[:, 2:] != states[:, :-2]
        return states, skip


START = "alpha = [torch.where(start, emitted[:, 0], LOG_ZERO)]"
WAYS = "ways = torch.stack([before[:, 2:], before[:, 1:-1], torch.where(skip, before[:, :-2], LOG_ZERO)])"
NEXT = "alpha.append(torch.logsumexp(ways, dim=0) + emitted[:, t])"

edited(
    "ctc_alpha",
    "begins with the blank only",
    old="start = torch.arange(size, device=states.device) < 2",
    new="start = torch.arange(size, device=states.device) < 1",
    hint="This is what you get when paths begin with the blank only. They may begin with the first label, too.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "begins anywhere",
    old=START,
    new="alpha = [emitted[:, 0]]",
    hint="This is what you get when paths begin in any state. They begin in state 0 or 1.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "skip mask ignored",
    old=WAYS,
    new="ways = torch.stack([before[:, 2:], before[:, 1:-1], before[:, :-2]])",
    hint="This is what you get when every state may be skipped. A skip reaches only states where `skip` is True.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "no skip",
    old=WAYS,
    new="ways = torch.stack([before[:, 2:], before[:, 1:-1]])",
    hint="This is what you get without skips. Where `skip` is True a state may be reached from two before.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "no staying",
    old=WAYS,
    new="ways = torch.stack([before[:, 1:-1], torch.where(skip, before[:, :-2], LOG_ZERO)])",
    hint="This is what you get when a path can't stay in its state. A symbol may be repeated.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "mask of where a skip begins",
    old=WAYS,
    new="jump = F.pad(torch.where(skip, alpha[-1], LOG_ZERO), (2, 0), value=LOG_ZERO)[:, :size]\n"
    "        ways = torch.stack([before[:, 2:], before[:, 1:-1], jump])",
    hint="This is what you get when `skip` is read at the state where a skip begins. It belongs to the state it "
    "reaches.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "best way for all ways",
    old=NEXT,
    new="alpha.append(ways.amax(dim=0) + emitted[:, t])",
    hint="This is what you get with the best way into each state (Viterbi). All ways are summed: logsumexp.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "logarithms summed",
    old=NEXT,
    new="alpha.append(torch.where(ways > LOG_ZERO / 2, ways, 0).sum(dim=0) + emitted[:, t])",
    hint="This is what you get when logarithms are added, which multiplies the probabilities of ways. They are "
    "summed: logsumexp.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "frame before",
    old=NEXT,
    new="alpha.append(torch.logsumexp(ways, dim=0) + emitted[:, t - 1])",
    hint="This is what you get when the emission of the frame before is added. At frame t it is that of frame t.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "wrapped around",
    old="before = F.pad(alpha[-1], (2, 0), value=LOG_ZERO)",
    new="before = torch.cat([alpha[-1], alpha[-1], alpha[-1]], dim=1)[:, 2 * size - 2 :]",
    hint="This is what you get with roll, or any other shift in a ring: the last state leads into the first one. "
    "What is shifted in is LOG_ZERO.",
    also=LATTICE,
)


@mistake(
    "ctc_alpha",
    hint="This is what you get with probabilities, which become 0 after some dozens of frames. Stay with logarithms.",
    also=LATTICE,
)
def in_probabilities():
    def ctc_alpha(log_probs, states, skip):
        batch, frames, _ = log_probs.shape
        size = states.shape[1]
        emitted = log_probs.exp().gather(2, states[:, None].expand(batch, frames, size))
        alpha = [torch.where(torch.arange(size, device=states.device) < 2, emitted[:, 0], 0.0)]
        for t in range(1, frames):
            step, jump = (F.pad(alpha[-1], (by, 0))[:, :size] for by in (1, 2))
            alpha.append((alpha[-1] + step + skip * jump) * emitted[:, t])
        alpha = torch.stack(alpha, dim=1)
        return torch.where(alpha > 0, alpha.log(), LOG_ZERO)


@mistake(
    "ctc_alpha",
    hint="This is what you get when the emission belongs to the state that a path leaves. It belongs to the state "
    "that it reaches.",
    also=LATTICE,
)
def emission_of_the_state_before():
    def ctc_alpha(log_probs, states, skip):
        batch, frames, _ = log_probs.shape
        size = states.shape[1]
        emitted = log_probs.gather(2, states[:, None].expand(batch, frames, size))
        alpha = [torch.where(torch.arange(size, device=states.device) < 2, emitted[:, 0], LOG_ZERO)]
        for t in range(1, frames):
            stay = alpha[-1] + emitted[:, t]
            step, jump = (F.pad(stay, (by, 0), value=LOG_ZERO)[:, :size] for by in (1, 2))
            alpha.append(torch.logsumexp(torch.stack([stay, step, torch.where(skip, jump, LOG_ZERO)]), dim=0))
        return torch.stack(alpha, dim=1)


TOTAL = "total = torch.logsumexp(torch.where(there, last.gather(1, ends), LOG_ZERO), dim=1)"
RETURNED = "return torch.where(total > LOG_ZERO / 2, -total, torch.inf)"

edited(
    "ctc_loss",
    "ends with the blank only",
    old=TOTAL,
    new="total = last.gather(1, ends)[:, 0]",
    hint="This is what you get when paths end with the blank only. They may end with the last label, too.",
)
edited(
    "ctc_loss",
    "ends with the label only",
    old=TOTAL,
    new="total = last.gather(1, ends)[:, 1]",
    hint="This is what you get when paths end with the last label only. They may end with the blank after it, too.",
)
edited(
    "ctc_loss",
    "ends anywhere",
    old=TOTAL,
    new="total = torch.logsumexp(last, dim=1)",
    hint="This is what you get when paths may end in any state. They end in one of the target's last two.",
)
edited(
    "ctc_loss",
    "lengths ignored",
    old="last = alpha[torch.arange(len(alpha), device=alpha.device), lengths - 1]",
    new="last = alpha[:, -1]",
    hint="This is what you get when the last frame of the batch is read. Each sequence has its own: lengths - 1.",
)
edited(
    "ctc_loss",
    "one frame too late",
    old="device=alpha.device), lengths - 1]",
    new="device=alpha.device), lengths.clamp(max=alpha.shape[1] - 1)]",
    hint="This is what you get at frame `length`, which is padding already. The last real frame is lengths - 1.",
)
edited(
    "ctc_loss",
    "target lengths ignored",
    old="    states, skip = ctc_states(targets, blank)\n    alpha",
    new="    states, skip = ctc_states(targets, blank)\n"
    "    target_lengths = torch.full_like(target_lengths, targets.shape[1])\n    alpha",
    hint="This is what you get when the padding of the targets is spelled as well. A target has target_lengths labels.",
)
edited(
    "ctc_loss",
    "empty target counted twice",
    old=TOTAL,
    new="total = torch.logsumexp(last.gather(1, ends), dim=1)",
    hint="This is what you get when an empty target counts its only state twice. It has no last label.",
)
edited(
    "ctc_loss",
    "empty target counts from the end",
    old=TOTAL,
    new="total = torch.logsumexp(last.gather(1, torch.stack([2 * target_lengths, "
    "(2 * target_lengths - 1) % states.shape[1]], dim=1)), dim=1)",
    hint="This is what you get when an empty target reads state -1, which counts from the end. It has one state only.",
)
edited(
    "ctc_loss",
    "impossible targets finite",
    old=RETURNED,
    new="return -total",
    hint="This is what you get when an impossible target has a finite loss, 1e30. Its loss is inf.",
)
edited(
    "ctc_loss",
    "impossible targets free",
    old=RETURNED,
    new="return torch.where(total > LOG_ZERO / 2, -total, 0)",
    hint="This is what you get when an impossible target costs nothing (PyTorch's zero_infinity). Its loss is inf,"
    " its gradient 0.",
)
edited(
    "ctc_loss",
    "no softmax",
    old="alpha = ctc_alpha(F.log_softmax(logits, dim=2), states, skip)",
    new="alpha = ctc_alpha(logits, states, skip)",
    hint="This is what you get when logits are taken for log-probabilities. Take their log-softmax first.",
)
edited(
    "ctc_loss",
    "softmax over the frames",
    old="F.log_softmax(logits, dim=2)",
    new="F.log_softmax(logits, dim=1)",
    hint="This is what you get with a softmax over the frames. The classes of one frame add up to 1: dim=2.",
)
edited(
    "ctc_loss",
    "sign",
    old=RETURNED,
    new="return torch.where(total > LOG_ZERO / 2, total, torch.inf)",
    hint="This is what you get without the minus: the log-probability. The loss is its negative.",
)
edited(
    "ctc_loss",
    "divided by the length",
    old=RETURNED,
    new="return torch.where(total > LOG_ZERO / 2, -total / target_lengths.clamp(min=1), torch.inf)",
    hint='This is what you get when losses are divided by the targets\' lengths, as reduction="mean" does. They '
    "aren't here.",
)
edited(
    "ctc_loss",
    "blank is always 0",
    old="    states, skip = ctc_states(targets, blank)\n    alpha",
    new="    states, skip = ctc_states(targets)\n    alpha",
    hint="This is what you get when `blank` isn't handed on.",
)


@mistake(
    "ctc_loss",
    hint="The gradient is NaN where ways of probability 0 meet: log(0 + 0) with -inf has the gradient 0/0. Write "
    "LOG_ZERO for log 0.",
)
def minus_infinity():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        states, skip = ctc_states(targets, blank)
        size, frames = states.shape[1], logits.shape[1]
        emitted = F.log_softmax(logits, dim=2).gather(2, states[:, None].expand(-1, frames, -1))
        alpha = [torch.where(torch.arange(size, device=states.device) < 2, emitted[:, 0], -torch.inf)]
        for t in range(1, frames):
            step, jump = (F.pad(alpha[-1], (by, 0), value=-torch.inf)[:, :size] for by in (1, 2))
            ways = torch.stack([alpha[-1], step, torch.where(skip, jump, -torch.inf)])
            alpha.append(torch.logsumexp(ways, dim=0) + emitted[:, t])
        last = torch.stack(alpha, dim=1)[torch.arange(len(states), device=states.device), lengths - 1]
        ends = torch.stack([2 * target_lengths, (2 * target_lengths - 1).clamp(min=0)], dim=1)
        there = torch.stack([target_lengths >= 0, target_lengths > 0], dim=1)
        return -torch.logsumexp(torch.where(there, last.gather(1, ends), -torch.inf), dim=1)


@mistake(
    "ctc_loss",
    hint="The loss is right, but an impossible target has a gradient of NaN, and a step with it destroys the model. "
    "Here its gradient is 0.",
)
def the_librarys_gradient():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        log_probs = F.log_softmax(logits, dim=2).transpose(0, 1)
        return F.ctc_loss(log_probs, targets, lengths, target_lengths, blank=blank, reduction="none")


@mistake(
    "ctc_loss",
    hint="The losses are right and the gradient is not: something on the way was detached, or left the tensors.",
)
def gradient_of_the_emissions_only():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        states, skip = ctc_states(targets, blank)
        # The normaliser of the softmax is taken for a constant.
        normaliser = torch.logsumexp(logits, dim=2, keepdim=True).detach()
        alpha = ctc_alpha(logits - normaliser, states, skip)
        last = alpha[torch.arange(len(alpha), device=alpha.device), lengths - 1]
        ends = torch.stack([2 * target_lengths, (2 * target_lengths - 1).clamp(min=0)], dim=1)
        there = torch.stack([target_lengths >= 0, target_lengths > 0], dim=1)
        total = torch.logsumexp(torch.where(there, last.gather(1, ends), LOG_ZERO), dim=1)
        return torch.where(total > LOG_ZERO / 2, -total, torch.inf)


@mistake(
    "ctc_loss",
    hint="This is what you get for the most probable path alone. The probability of a target is the sum over all its "
    "paths.",
)
def best_path_only():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        states, skip = ctc_states(targets, blank)
        size, frames = states.shape[1], logits.shape[1]
        emitted = F.log_softmax(logits, dim=2).gather(2, states[:, None].expand(-1, frames, -1))
        alpha = [torch.where(torch.arange(size, device=states.device) < 2, emitted[:, 0], LOG_ZERO)]
        for t in range(1, frames):
            step, jump = (F.pad(alpha[-1], (by, 0), value=LOG_ZERO)[:, :size] for by in (1, 2))
            alpha.append(torch.stack([alpha[-1], step, torch.where(skip, jump, LOG_ZERO)]).amax(0) + emitted[:, t])
        last = torch.stack(alpha, dim=1)[torch.arange(len(states), device=states.device), lengths - 1]
        ends = torch.stack([2 * target_lengths, (2 * target_lengths - 1).clamp(min=0)], dim=1)
        total = last.gather(1, ends).amax(dim=1)
        return torch.where(total > LOG_ZERO / 2, -total, torch.inf)
