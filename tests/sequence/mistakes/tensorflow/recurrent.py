"""Classic mistakes in recurrent networks, in TensorFlow."""

from autograder import edited, mistake

USES_LSTM = ("lstm_forward", "masked_lstm", "bidirectional_lstm")
USES_GATES = ("lstm_step_backward", "lstm_backward")
USES_FILTERS = ("next_probabilities", "generate_characters")

# -- cells --------------------------------------------------------------------------------------------------------

edited(
    "rnn_step",
    "no tanh",
    old="return tf.tanh(x @",
    new="return (x @",
    hint="This is what you get without the tanh.",
)
edited(
    "rnn_step",
    "relu for tanh",
    old="return tf.tanh(x @",
    new="return tf.nn.relu(x @",
    hint="This is what you get with a relu. This cell has a tanh.",
)

edited(
    "lstm_step",
    "tanh left out on c",
    old="h = o * tf.tanh(c)",
    new="h = o * c",
    hint="This is what you get when the tanh is left out on c: h = o * tanh(c).",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "old memory shown",
    old="c = f * c + i * g\n    h = o * tf.tanh(c)",
    new="c, h = f * c + i * g, o * tf.tanh(c)",
    hint="This is what you get when h is made from the memory before the step. It shows the new one.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "sigmoid for the candidate",
    old="tf.tanh(a_g)",
    new="tf.sigmoid(a_g)",
    hint="This is what you get when the candidate g is a sigmoid too. It is a tanh: it may also take away.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "tanh for the input gate",
    old="tf.sigmoid(a_i)",
    new="tf.tanh(a_i)",
    hint="This is what you get when the input gate is a tanh. Gates are sigmoids.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "1 added to the forget gate",
    old="tf.sigmoid(a_f)",
    new="tf.sigmoid(a_f + 1)",
    hint="This is what you get when 1 is added to the forget gate at run time, as in TensorFlow 1. Its bias holds all.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "gates interleaved",
    old="a_i, a_f, a_g, a_o = tf.split(a, 4, axis=1)",
    new="a_i, a_f, a_g, a_o = (a[:, at::4] for at in range(4))",
    hint="This is what you get when every fourth column is taken for a gate. Each gate has a block of H columns.",
    also=USES_LSTM,
)

edited(
    "gru_step",
    "sigmoid for the candidate",
    old="n = tf.tanh(x_n + seen)",
    new="n = tf.sigmoid(x_n + seen)",
    hint="This is what you get when the candidate n is a sigmoid. It is a tanh.",
)
edited(
    "gru_step",
    "candidate resets its input too",
    old="n = tf.tanh(x_n + seen)",
    new="n = tf.tanh(r * x_n + seen)",
    hint="This is what you get when r also multiplies the input's part of the candidate. It resets the state only.",
)

edited(
    "reorder_gates",
    "rows for columns",
    old="blocks = tf.split(w, len(source), axis=-1)\n"
    "    return tf.concat([blocks[source.index(gate)] for gate in target], axis=-1)",
    new="blocks = tf.split(w, len(source), axis=0)\n"
    "    return tf.concat([blocks[source.index(gate)] for gate in target], axis=0)",
    hint="This is what you get when the blocks are taken along the first axis. They lie along the last one.",
)
edited(
    "reorder_gates",
    "interleaved",
    old="blocks = tf.split(w, len(source), axis=-1)",
    new="blocks = [w[..., at :: len(source)] for at in range(len(source))]",
    hint="This is what you get when every K-th column is taken for a gate. Each gate has a block of H columns.",
)

# -- over time ----------------------------------------------------------------------------------------------------

edited(
    "lstm_forward",
    "time first",
    old="return tf.stack(hs, axis=1), h, c, cache",
    new="return tf.stack(hs, axis=0), h, c, cache",
    hint="This is what you get when hs is (T, B, H). The batch comes first: stack along axis 1.",
)
edited(
    "lstm_forward",
    "batch taken for time",
    old="for x_t in tf.unstack(x, axis=1):\n        before",
    new="for x_t in tf.unstack(x, axis=0):\n        before",
    hint="This is what you get when the walk is along the batch. Time is axis 1.",
)

edited(
    "lstm_gates_backward",
    "tanh of the old memory",
    old="tanh_c = tf.tanh(f * c + i * g)",
    new="tanh_c = tf.tanh(c)",
    hint="This is what you get with tanh of the old memory. h was made from the new one, f * c + i * g.",
    also=USES_GATES,
)

edited(
    "lstm_step_backward",
    "mean over the batch",
    old='{"w_x": tf.transpose(x) @ da, "w_h": tf.transpose(h) @ da, "b": tf.reduce_sum(da, axis=0)}',
    new='{"w_x": tf.transpose(x) @ da / len(x), "w_h": tf.transpose(h) @ da / len(x), "b": tf.reduce_mean(da, axis=0)}',
    hint="This is what you get with means over the batch. What all rows used collects the sum.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "bias by the mean",
    old='"b": tf.reduce_sum(da, axis=0)}',
    new='"b": tf.reduce_mean(da, axis=0)}',
    hint="This is what you get with the mean for the bias. All rows used it: sum over the batch.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "state after the step",
    old='"w_h": tf.transpose(h) @ da',
    new='"w_h": tf.transpose(gates[3] * tf.tanh(gates[1] * c + gates[0] * gates[2])) @ da',
    hint="This is what you get when w_h's gradient uses the state after the step. w_h multiplied the one before.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "weights not transposed",
    old='dx, dh_before = da @ tf.transpose(params["w_x"]), da @ tf.transpose(params["w_h"])',
    new='dx = da @ tf.reshape(params["w_x"], (-1, x.shape[1]))\n'
    '    dh_before = da @ tf.reshape(params["w_h"], (-1, h.shape[1]))',
    hint="This is what you get when the weights are reshaped, where they should be transposed.",
    also=("lstm_backward",),
)

# -- padding ------------------------------------------------------------------------------------------------------

edited(
    "reverse_padded",
    "padding set to 0",
    old="return tf.gather(x, source, batch_dims=1)",
    new="real = tf.reshape(steps < ends, x.shape[:2] + [1] * (len(x.shape) - 2))\n"
    "    return tf.where(real, tf.gather(x, source, batch_dims=1), tf.zeros_like(x))",
    hint="This is what you get when the padding is set to 0. It stays as it was.",
)
edited(
    "reverse_padded",
    "by the longest",
    old="tf.range(x.shape[1], dtype=lengths.dtype), lengths[:, None]",
    new="tf.range(x.shape[1], dtype=lengths.dtype), tf.reduce_max(lengths) + 0 * lengths[:, None]",
    hint="This is what you get when all rows are reversed in the longest one's length. Each row has its own.",
    also=("bidirectional_lstm",),
)

HOLD = "h, c = tf.where(real, new_h, h), tf.where(real, new_c, c)"

edited(
    "masked_lstm",
    "memory moves at the padding",
    old=HOLD,
    new="h, c = tf.where(real, new_h, h), new_c",
    hint="This is what you get when only h is held at the padding. The memory c is held too.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "state 0 at the padding",
    old=HOLD,
    new="h, c = tf.where(real, new_h, 0 * h), tf.where(real, new_c, 0 * c)",
    hint="This is what you get when the state is set to 0 at the padding. There it keeps what it was; outputs are 0.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "last output repeated",
    old="hs.append(tf.where(real, h, tf.zeros_like(h)))",
    new="hs.append(h)",
    hint="This is what you get when outputs at the padding repeat the last one, as Keras' layers do. Here they are 0.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "last column taken for the last state",
    old="        hs.append(tf.where(real, h, tf.zeros_like(h)))\n    return tf.stack(hs, axis=1), h, c",
    new="        hs.append(tf.where(real, h, tf.zeros_like(h)))\n    return tf.stack(hs, axis=1), hs[-1], c",
    hint="This is what you get when the last state is the output of the last column. For a shorter row that is "
    "padding.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "inputs masked only",
    old="        new_h, new_c, _ = lstm_step(x_t, h, c, params)\n        " + HOLD,
    new="        h, c, _ = lstm_step(tf.where(real, x_t, tf.zeros_like(x_t)), h, c, params)",
    hint="This is what you get when the padding's inputs are set to 0. The cell still runs on: hold its state.",
    also=("bidirectional_lstm",),
)


@mistake(
    "bidirectional_lstm",
    hint="This is what you get when the whole rows are flipped: the reverse LSTM reads the padding first. Use "
    "reverse_padded, on the way there and back.",
)
def padding_reversed_first():
    def bidirectional_lstm(x, lengths, forward, backward):
        size = forward["w_h"].shape[0]
        zeros = tf.zeros((x.shape[0], size), x.dtype)  # noqa: F821
        right, h_right, _ = masked_lstm(x, lengths, zeros, zeros, forward)  # noqa: F821
        left, h_left, _, _ = lstm_forward(x[:, ::-1], zeros, zeros, backward)  # noqa: F821
        real = tf.sequence_mask(lengths, x.shape[1], x.dtype)  # noqa: F821
        hs = tf.concat([right, left[:, ::-1] * real[:, :, None]], axis=2)  # noqa: F821
        return hs, tf.concat([h_right, h_left], axis=1)  # noqa: F821


edited(
    "bidirectional_lstm",
    "outputs at the last real step",
    old="return hs, tf.concat([h_right, h_left], axis=1)",
    new="return hs, tf.gather(hs, tf.maximum(lengths - 1, 0), batch_dims=1)",
    hint="This is what you get when the last state is the joined output at the last real step. There the reverse LSTM "
    "has read one element: its last state stands at step 0.",
)
edited(
    "bidirectional_lstm",
    "outputs at the last column",
    old="return hs, tf.concat([h_right, h_left], axis=1)",
    new="return hs, hs[:, -1]",
    hint="This is what you get when the last state is the joined output of the last column, which may be padding.",
)
edited(
    "bidirectional_lstm",
    "outputs turned back by a flip",
    old="hs = tf.concat([right, reverse_padded(left, lengths)], axis=2)",
    new="hs = tf.concat([right, left[:, ::-1]], axis=2)",
    hint="This is what you get when the reverse outputs are turned back by a plain flip: the padding comes first. Turn "
    "them back by the same rule.",
)
edited(
    "bidirectional_lstm",
    "added, not joined",
    old="hs = tf.concat([right, reverse_padded(left, lengths)], axis=2)",
    new="hs = right + reverse_padded(left, lengths)",
    hint="This is what you get when the two states are added. They stand side by side, in 2 * H columns.",
)

# -- loss ---------------------------------------------------------------------------------------------------------

TOTAL = "return -tf.reduce_sum(tf.where(real, picked, 0)) / count"
LOG_P = "log_p = logits - tf.reduce_logsumexp(logits, axis=-1, keepdims=True)"

edited(
    "character_loss",
    "divided by all places",
    old=TOTAL,
    new="return -tf.reduce_mean(tf.where(real, picked, 0))",
    hint="This is what you get when the places that don't count are in the divisor. Divide by the number of real "
    "targets.",
)
edited(
    "character_loss",
    "ignored ones counted",
    old=TOTAL,
    new="return -tf.reduce_mean(picked)",
    hint="This is what you get when -100 is taken for character 0. Such targets don't count.",
)
edited(
    "character_loss",
    "sum",
    old=TOTAL,
    new="return -tf.reduce_sum(tf.where(real, picked, 0))",
    hint="This is what you get with the sum. Divide by the number of real targets.",
)
edited(
    "character_loss",
    "mean of the rows' means",
    old=TOTAL,
    new="rows = tf.maximum(tf.reduce_sum(tf.cast(real, logits.dtype), axis=1), 1)\n"
    "    return tf.reduce_mean(-tf.reduce_sum(tf.where(real, picked, 0), axis=1) / rows)",
    hint="This is what you get with the mean of the rows' means. All real targets weigh the same, wherever they stand.",
)
edited(
    "character_loss",
    "bits",
    old=TOTAL,
    new=TOTAL + " / tf.cast(np.log(2), logits.dtype)",
    hint="This is what you get in bits. The loss is in nats, with the natural logarithm.",
)
edited(
    "character_loss",
    "loss of nothing is NaN",
    old=TOTAL,
    new="return -tf.reduce_sum(tf.where(real, picked, 0)) / tf.reduce_sum(tf.cast(real, logits.dtype))",
    hint="This is what you get when no target is real and the sum is divided by 0. The loss of nothing is 0.",
)
edited(
    "character_loss",
    "no shift",
    old=LOG_P,
    new="log_p = logits - tf.math.log(tf.reduce_sum(tf.exp(logits), axis=-1, keepdims=True))",
    hint="This is what you get when exp overflows. Use logsumexp, or subtract the largest logit first.",
)
edited(
    "character_loss",
    "log of a softmax",
    old=LOG_P,
    new="log_p = tf.math.log(tf.nn.softmax(logits, axis=-1) + 1e-9)",
    hint="This is what you get by the logarithm of a softmax, with a small number added against log 0. Work with "
    "logits.",
)
edited(
    "character_loss",
    "softmax twice",
    old=LOG_P,
    new="log_p = tf.nn.log_softmax(tf.nn.softmax(logits, axis=-1), axis=-1)",
    hint="This is what you get when a softmax is taken before a loss that takes its own. It expects logits.",
)
edited(
    "character_loss",
    "shifted again",
    old="real = targets != -100\n    log_p",
    new="logits, targets = logits[:, :-1], targets[:, 1:]\n    real = targets != -100\n    log_p",
    hint="This is what you get when the targets are shifted in the loss again. char_windows has done it.",
)

# -- what may be drawn --------------------------------------------------------------------------------------------


@mistake(
    "top_k_logits",
    hint="This is what you get when exactly k stay: of equals, those that come first. All that equal the k-th stay.",
    also=USES_FILTERS,
)
def equals_cut_by_place():
    def top_k_logits(logits, k):
        order = tf.math.top_k(logits, min(k, logits.shape[1])).indices  # noqa: F821
        keep = tf.reduce_max(tf.one_hot(order, logits.shape[1]), axis=1) > 0  # noqa: F821
        return tf.where(keep, logits, tf.cast(-np.inf, logits.dtype))  # noqa: F821


TOP_K = "return tf.where(logits >= kth, logits, tf.cast(-np.inf, logits.dtype))"

edited(
    "top_k_logits",
    "0 for those that go",
    old=TOP_K,
    new="return tf.where(logits >= kth, logits, tf.zeros_like(logits))",
    hint="This is what you get when the logits that go become 0. A logit of 0 has a probability: take -inf.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "k largest of the batch",
    old=TOP_K,
    new="return tf.where(logits >= tf.reduce_min(kth), logits, tf.cast(-np.inf, logits.dtype))",
    hint="This is what you get with one threshold for the whole batch. Each row has its own k-th largest.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "k smallest",
    old=TOP_K,
    new="return tf.where(logits <= kth, logits, tf.cast(-np.inf, logits.dtype))",
    hint="This is what you get when the smaller ones stay.",
    also=USES_FILTERS,
)

edited(
    "top_p_logits",
    "smallest first",
    old='direction="DESCENDING"',
    new='direction="ASCENDING"',
    hint="This is what you get when the probabilities are added up from the smallest. Sort them, largest first.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "0 for those that go",
    old="return tf.where(logits >= least, logits, -infinity)",
    new="return tf.where(logits >= least, logits, 0 * logits)",
    hint="This is what you get when the logits that go become 0. A logit of 0 has a probability: take -inf.",
    also=USES_FILTERS,
)


@mistake(
    "top_p_logits",
    hint="This is what you get when equals are cut by where they stand. They stay or go together.",
    also=USES_FILTERS,
)
def equals_cut():
    def top_p_logits(logits, p):
        order = tf.argsort(logits, axis=1, direction="DESCENDING", stable=True)  # noqa: F821
        ordered = tf.gather(logits, order, batch_dims=1)  # noqa: F821
        keep = tf.cumsum(tf.nn.softmax(ordered, axis=1), axis=1, exclusive=True) < p  # noqa: F821
        kept = tf.where(keep, ordered, tf.cast(-np.inf, logits.dtype))  # noqa: F821
        return tf.gather(kept, tf.argsort(order, axis=1), batch_dims=1)  # noqa: F821


FIRST = "logits = logits / temperature if temperature > 0 else top_k_logits(logits, 1)\n    if top_k is not None:"
END = "return tf.nn.softmax(logits, axis=1)"


@mistake(
    "next_probabilities",
    hint="This is what you get when the temperature comes after top-p: which characters stay is then decided without "
    "it.",
    also=("generate_characters",),
)
def temperature_last():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        if top_k is not None:
            logits = top_k_logits(logits, top_k)  # noqa: F821
        if top_p is not None:
            logits = top_p_logits(logits, top_p)  # noqa: F821
        logits = logits / temperature if temperature > 0 else top_k_logits(logits, 1)  # noqa: F821
        return tf.nn.softmax(logits, axis=1)  # noqa: F821


edited(
    "next_probabilities",
    "softmax before the temperature",
    old=FIRST,
    new="logits = tf.nn.softmax(logits, axis=1) / temperature if temperature > 0 else top_k_logits(logits, 1)\n"
    "    if top_k is not None:",
    hint="This is what you get when probabilities are divided by the temperature. Divide the logits, then take the "
    "softmax.",
    also=("generate_characters",),
)
edited(
    "next_probabilities",
    "first of equals at 0",
    old=FIRST,
    new="if temperature == 0:\n"
    "        return tf.one_hot(tf.argmax(logits, axis=1), logits.shape[1], dtype=logits.dtype)\n"
    "    logits = logits / temperature\n    if top_k is not None:",
    hint="This is what you get when the first of several largest logits takes all at temperature 0. Equals share it.",
    also=("generate_characters",),
)


@mistake(
    "next_probabilities",
    hint="This is what you get when the softmax comes before top-k and top-p and nothing is normalised after: the rows "
    "don't add up to 1. Take the softmax of the logits that are left.",
    also=("generate_characters",),
)
def not_normalised():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        logits = logits / temperature if temperature > 0 else top_k_logits(logits, 1)  # noqa: F821
        probabilities = tf.nn.softmax(logits, axis=1)  # noqa: F821
        if top_k is not None:
            logits = top_k_logits(logits, top_k)  # noqa: F821
        if top_p is not None:
            logits = top_p_logits(logits, top_p)  # noqa: F821
        return tf.where(logits > -np.inf, probabilities, tf.zeros_like(logits))  # noqa: F821


edited(
    "next_probabilities",
    "logits returned",
    old=END,
    new="return logits",
    hint="This is what you get without the softmax. Probabilities are asked for.",
    also=("generate_characters",),
)

# -- drawing ------------------------------------------------------------------------------------------------------

COUNT = "return tf.reduce_sum(tf.cast(passed, tf.int64), axis=1)"

edited(
    "sample_ids",
    "one too far",
    old=COUNT,
    new="count = tf.reduce_sum(tf.cast(passed, tf.int64), axis=1)\n"
    "    return tf.minimum(count + 1, probabilities.shape[1] - 1)",
    hint="This is what you get when the character after the one that was hit is taken.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "likeliest one",
    old=COUNT,
    new="return tf.argmax(probabilities, axis=1)",
    hint="This is what you get when the likeliest character is taken. Draw one, by the uniform number.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "likeliest ones first",
    old="reached = tf.cumsum(probabilities, axis=1)",
    new='reached = tf.cumsum(tf.sort(probabilities, axis=1, direction="DESCENDING"), axis=1)',
    hint="This is what you get when the probabilities are sorted before they are added up: the index is a rank. Leave "
    "them where they stand.",
    also=("generate_characters",),
)

edited(
    "generate_characters",
    "end of the prompt only",
    old="for read in tf.unstack(prompt, axis=1):",
    new="for read in [prompt[:, -1]]:",
    hint="This is what you get when only the prompt's last character is read. Read all of it.",
)
edited(
    "generate_characters",
    "prompt returned too",
    old="return tf.stack(written, axis=1)",
    new="return tf.concat([prompt, tf.stack(written, axis=1)], axis=1)",
    hint="This is what you get when the prompt is returned too. Return the new characters only.",
)
edited(
    "generate_characters",
    "likeliest ones written",
    old="written.append(sample_ids(probabilities, u))",
    new="written.append(tf.argmax(probabilities, axis=1))",
    hint="This is what you get when the likeliest character is written each time. Draw by the uniform numbers.",
)
