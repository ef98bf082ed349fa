"""Classic mistakes in CTC's tensors, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

edited(
    "ctc_greedy",
    "best frame of each class",
    old="paths = tf.argmax(logits, axis=2).numpy().tolist()",
    new="paths = tf.argmax(logits, axis=1).numpy().tolist()",
    hint="This is what you get with the best frame of each class. Take the best class of each frame: axis=2.",
)

LATTICE = ("ctc_loss",)
SKIP = "return states, (states != before) & ~start  # a blank has a blank two before it"
ODD = "(tf.zeros_like(states) + tf.range(2 * length + 1, dtype=states.dtype)) % 2 == 1"

edited(
    "ctc_states",
    "skip between equal labels",
    old=SKIP,
    new=f"return states, ({ODD}) & ~start",
    hint="This is what you get when equal labels may follow each other without a blank. They would be merged: no "
    "skip there.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip over labels",
    old=SKIP,
    new=f"return states, ((states != before) | ~({ODD})) & ~start",
    hint="This is what you get when a blank may be reached from the blank before it, over a label. No label may be"
    " skipped.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "no skip",
    old=SKIP,
    new="return states, tf.zeros_like(states, dtype=tf.bool)",
    hint="This is what you get without skips. Between labels that differ the blank may be left out.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip between equal labels only",
    old=SKIP,
    new=f"return states, (states == before) & ({ODD}) & ~start",
    hint="This is what you get the other way round: labels that differ may follow each other directly, equal ones "
    "may not.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip into the first label",
    old=SKIP,
    new="return states, (states != before) & (tf.range(2 * length + 1) > 0)",
    hint="This is what you get when the first label may be reached by a skip. Two before it there is no state.",
)
edited(
    "ctc_states",
    "neighbours compared",
    old=SKIP,
    new="return states, tf.pad(states[:, 1:] != states[:, :-1], [[0, 0], [1, 0]])",
    hint="This is what you get when a state is compared with the one before. A skip comes from two before.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "skip a label too early",
    old=SKIP,
    new="return states, tf.pad((states != before)[:, 2:], [[0, 0], [0, min(2, 2 * length + 1)]])",
    hint="This is what you get when the mask says where a skip begins. It says which state a skip reaches.",
    also=LATTICE,
)
edited(
    "ctc_states",
    "blank is always 0",
    old="    pairs = tf.stack([tf.fill([batch, length], tf.constant(blank, targets.dtype)), targets], axis=2)",
    new="    blank = 0\n    pairs = tf.stack([tf.zeros_like(targets), targets], axis=2)",
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
        batch, length = targets.shape
        pairs = tf.stack([tf.fill([batch, length], tf.constant(blank, targets.dtype)), targets], axis=2)
        states = tf.reshape(pairs, [batch, 2 * length])
        return states, tf.pad(states[:, 2:] != states[:, :-2], [[0, 0], [min(2, 2 * length), 0]])


START = "alpha = [tf.where(tf.range(size) < 2, emitted[0], LOG_ZERO)]"
WAYS = "ways = tf.stack([alpha[-1], before[:, 1:-1], tf.where(skip, before[:, :-2], LOG_ZERO)])"
NEXT = "alpha.append(tf.reduce_logsumexp(ways, axis=0) + emitted[t])"

edited(
    "ctc_alpha",
    "begins with the blank only",
    old=START,
    new="alpha = [tf.where(tf.range(size) < 1, emitted[0], LOG_ZERO)]",
    hint="This is what you get when paths begin with the blank only. They may begin with the first label, too.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "begins anywhere",
    old=START,
    new="alpha = [emitted[0]]",
    hint="This is what you get when paths begin in any state. They begin in state 0 or 1.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "skip mask ignored",
    old=WAYS,
    new="ways = tf.stack([alpha[-1], before[:, 1:-1], before[:, :-2]])",
    hint="This is what you get when every state may be skipped. A skip reaches only states where `skip` is True.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "no skip",
    old=WAYS,
    new="ways = tf.stack([alpha[-1], before[:, 1:-1]])",
    hint="This is what you get without skips. Where `skip` is True a state may be reached from two before.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "no staying",
    old=WAYS,
    new="ways = tf.stack([before[:, 1:-1], tf.where(skip, before[:, :-2], LOG_ZERO)])",
    hint="This is what you get when a path can't stay in its state. A symbol may be repeated.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "mask of where a skip begins",
    old=WAYS,
    new="jump = tf.pad(tf.where(skip, alpha[-1], LOG_ZERO), [[0, 0], [2, 0]], constant_values=LOG_ZERO)[:, :size]\n"
    "        ways = tf.stack([alpha[-1], before[:, 1:-1], jump])",
    hint="This is what you get when `skip` is read at the state where a skip begins. It belongs to the state it "
    "reaches.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "best way for all ways",
    old=NEXT,
    new="alpha.append(tf.reduce_max(ways, axis=0) + emitted[t])",
    hint="This is what you get with the best way into each state (Viterbi). All ways are summed: logsumexp.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "logarithms summed",
    old=NEXT,
    new="alpha.append(tf.reduce_sum(tf.where(ways > LOG_ZERO / 2, ways, 0), axis=0) + emitted[t])",
    hint="This is what you get when logarithms are added, which multiplies the probabilities of ways. They are "
    "summed: logsumexp.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "frame before",
    old=NEXT,
    new="alpha.append(tf.reduce_logsumexp(ways, axis=0) + emitted[t - 1])",
    hint="This is what you get when the emission of the frame before is added. At frame t it is that of frame t.",
    also=LATTICE,
)
edited(
    "ctc_alpha",
    "wrapped around",
    old="before = tf.pad(alpha[-1], [[0, 0], [2, 0]], constant_values=LOG_ZERO)",
    new="before = tf.concat([alpha[-1], alpha[-1], alpha[-1]], axis=1)[:, 2 * size - 2 :]",
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
        frames, size = log_probs.shape[1], states.shape[1]
        emitted = tf.gather(tf.exp(log_probs), tf.repeat(states[:, None], frames, axis=1), axis=2, batch_dims=2)
        alpha = [tf.where(tf.range(size) < 2, emitted[:, 0], 0.0)]
        for t in range(1, frames):
            step, jump = (tf.pad(alpha[-1], [[0, 0], [by, 0]])[:, :size] for by in (1, 2))
            alpha.append((alpha[-1] + step + tf.where(skip, jump, 0.0)) * emitted[:, t])
        alpha = tf.stack(alpha, axis=1)
        return tf.where(alpha > 0, tf.math.log(alpha), LOG_ZERO)


@mistake(
    "ctc_alpha",
    hint="This is what you get when the emission belongs to the state that a path leaves. It belongs to the state "
    "that it reaches.",
    also=LATTICE,
)
def emission_of_the_state_before():
    def ctc_alpha(log_probs, states, skip):
        frames, size = log_probs.shape[1], states.shape[1]
        emitted = tf.gather(log_probs, tf.repeat(states[:, None], frames, axis=1), axis=2, batch_dims=2)
        alpha = [tf.where(tf.range(size) < 2, emitted[:, 0], LOG_ZERO)]
        for t in range(1, frames):
            stay = alpha[-1] + emitted[:, t]
            step, jump = (tf.pad(stay, [[0, 0], [by, 0]], constant_values=LOG_ZERO)[:, :size] for by in (1, 2))
            alpha.append(tf.reduce_logsumexp(tf.stack([stay, step, tf.where(skip, jump, LOG_ZERO)]), axis=0))
        return tf.stack(alpha, axis=1)


READ = "tf.gather(last, ends, axis=1, batch_dims=1)"
TOTAL = f"total = tf.reduce_logsumexp(tf.where(there, {READ}, LOG_ZERO), axis=1)"
RETURNED = "return tf.where(total > LOG_ZERO / 2, -total, np.inf)"

edited(
    "ctc_loss",
    "ends with the blank only",
    old=TOTAL,
    new=f"total = {READ}[:, 0]",
    hint="This is what you get when paths end with the blank only. They may end with the last label, too.",
)
edited(
    "ctc_loss",
    "ends with the label only",
    old=TOTAL,
    new=f"total = {READ}[:, 1]",
    hint="This is what you get when paths end with the last label only. They may end with the blank after it, too.",
)
edited(
    "ctc_loss",
    "ends anywhere",
    old=TOTAL,
    new="total = tf.reduce_logsumexp(last, axis=1)",
    hint="This is what you get when paths may end in any state. They end in one of the target's last two.",
)
edited(
    "ctc_loss",
    "lengths ignored",
    old="last = tf.gather(alpha, lengths - 1, axis=1, batch_dims=1)",
    new="last = alpha[:, -1]",
    hint="This is what you get when the last frame of the batch is read. Each sequence has its own: lengths - 1.",
)
edited(
    "ctc_loss",
    "one frame too late",
    old="last = tf.gather(alpha, lengths - 1, axis=1, batch_dims=1)",
    new="last = tf.gather(alpha, tf.minimum(lengths, alpha.shape[1] - 1), axis=1, batch_dims=1)",
    hint="This is what you get at frame `length`, which is padding already. The last real frame is lengths - 1.",
)
edited(
    "ctc_loss",
    "target lengths ignored",
    old="    states, skip = ctc_states(targets, blank)\n    alpha",
    new="    states, skip = ctc_states(targets, blank)\n"
    "    target_lengths = tf.zeros_like(target_lengths) + targets.shape[1]\n    alpha",
    hint="This is what you get when the padding of the targets is spelled as well. A target has target_lengths labels.",
)
edited(
    "ctc_loss",
    "empty target counted twice",
    old=TOTAL,
    new=f"total = tf.reduce_logsumexp({READ}, axis=1)",
    hint="This is what you get when an empty target counts its only state twice. It has no last label.",
)
edited(
    "ctc_loss",
    "empty target counts from the end",
    old=TOTAL,
    new="total = tf.reduce_logsumexp(tf.gather(last, tf.stack([2 * target_lengths, "
    "(2 * target_lengths - 1) % states.shape[1]], axis=1), axis=1, batch_dims=1), axis=1)",
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
    new="return tf.where(total > LOG_ZERO / 2, -total, 0)",
    hint="This is what you get when an impossible target costs nothing (PyTorch's zero_infinity). Its loss is inf,"
    " its gradient 0.",
)
edited(
    "ctc_loss",
    "no softmax",
    old="alpha = ctc_alpha(tf.nn.log_softmax(logits, axis=2), states, skip)",
    new="alpha = ctc_alpha(logits, states, skip)",
    hint="This is what you get when logits are taken for log-probabilities. Take their log-softmax first.",
)
edited(
    "ctc_loss",
    "softmax over the frames",
    old="tf.nn.log_softmax(logits, axis=2)",
    new="tf.nn.log_softmax(logits, axis=1)",
    hint="This is what you get with a softmax over the frames. The classes of one frame add up to 1: axis=2.",
)
edited(
    "ctc_loss",
    "sign",
    old=RETURNED,
    new="return tf.where(total > LOG_ZERO / 2, total, np.inf)",
    hint="This is what you get without the minus: the log-probability. The loss is its negative.",
)
edited(
    "ctc_loss",
    "divided by the length",
    old=RETURNED,
    new="return tf.where(total > LOG_ZERO / 2, -total / tf.cast(tf.maximum(target_lengths, 1), total.dtype), np.inf)",
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
        index = tf.repeat(states[:, None], frames, axis=1)
        emitted = tf.gather(tf.nn.log_softmax(logits), index, axis=2, batch_dims=2)
        alpha = [tf.where(tf.range(size) < 2, emitted[:, 0], -np.inf)]
        for t in range(1, frames):
            step, jump = (tf.pad(alpha[-1], [[0, 0], [by, 0]], constant_values=-np.inf)[:, :size] for by in (1, 2))
            ways = tf.stack([alpha[-1], step, tf.where(skip, jump, -np.inf)])
            alpha.append(tf.reduce_logsumexp(ways, axis=0) + emitted[:, t])
        last = tf.gather(tf.stack(alpha, axis=1), lengths - 1, axis=1, batch_dims=1)
        ends = tf.stack([2 * target_lengths, tf.maximum(2 * target_lengths - 1, 0)], axis=1)
        there = tf.stack([target_lengths >= 0, target_lengths > 0], axis=1)
        return -tf.reduce_logsumexp(tf.where(there, tf.gather(last, ends, axis=1, batch_dims=1), -np.inf), axis=1)


@mistake(
    "ctc_loss",
    hint="This is what you get with tf.nn.ctc_loss, which computes in float32 and whose log 0 is -708: impossible "
    "targets cost some 710 instead of inf, and large losses are wrong.",
)
def the_librarys_zero():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        losses = tf.nn.ctc_loss(
            targets, tf.cast(logits, tf.float32), target_lengths, lengths, logits_time_major=False, blank_index=blank
        )
        return tf.cast(losses, logits.dtype)


@mistake(
    "ctc_loss",
    hint="The losses are right and the gradient is not: something on the way was stopped, or left the tensors.",
)
def gradient_of_the_emissions_only():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        states, skip = ctc_states(targets, blank)
        # The normaliser of the softmax is taken for a constant.
        normaliser = tf.stop_gradient(tf.reduce_logsumexp(logits, axis=2, keepdims=True))
        last = tf.gather(ctc_alpha(logits - normaliser, states, skip), lengths - 1, axis=1, batch_dims=1)
        ends = tf.stack([2 * target_lengths, tf.maximum(2 * target_lengths - 1, 0)], axis=1)
        there = tf.stack([target_lengths >= 0, target_lengths > 0], axis=1)
        total = tf.reduce_logsumexp(tf.where(there, tf.gather(last, ends, axis=1, batch_dims=1), LOG_ZERO), axis=1)
        return tf.where(total > LOG_ZERO / 2, -total, np.inf)


@mistake(
    "ctc_loss",
    hint="This is what you get for the most probable path alone. The probability of a target is the sum over all its "
    "paths.",
)
def best_path_only():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        states, skip = ctc_states(targets, blank)
        size, frames = states.shape[1], logits.shape[1]
        index = tf.repeat(states[:, None], frames, axis=1)
        emitted = tf.gather(tf.nn.log_softmax(logits), index, axis=2, batch_dims=2)
        alpha = [tf.where(tf.range(size) < 2, emitted[:, 0], LOG_ZERO)]
        for t in range(1, frames):
            step, jump = (tf.pad(alpha[-1], [[0, 0], [by, 0]], constant_values=LOG_ZERO)[:, :size] for by in (1, 2))
            best = tf.maximum(tf.maximum(alpha[-1], step), tf.where(skip, jump, LOG_ZERO))
            alpha.append(best + emitted[:, t])
        last = tf.gather(tf.stack(alpha, axis=1), lengths - 1, axis=1, batch_dims=1)
        ends = tf.stack([2 * target_lengths, tf.maximum(2 * target_lengths - 1, 0)], axis=1)
        total = tf.reduce_max(tf.gather(last, ends, axis=1, batch_dims=1), axis=1)
        return tf.where(total > LOG_ZERO / 2, -total, np.inf)
