"""Classic mistakes in recurrent networks, in PyTorch."""

from autograder import edited, mistake

USES_LSTM = ("lstm_forward", "masked_lstm", "bidirectional_lstm")
USES_GATES = ("lstm_step_backward", "lstm_backward")
USES_FILTERS = ("next_probabilities", "generate_characters")

# -- cells --------------------------------------------------------------------------------------------------------

edited(
    "rnn_step",
    "no tanh",
    old="return torch.tanh(x @",
    new="return (x @",
    hint="This is what you get without the tanh.",
)
edited(
    "rnn_step",
    "relu for tanh",
    old="return torch.tanh(x @",
    new="return torch.relu(x @",
    hint="This is what you get with a relu. This cell has a tanh.",
)

edited(
    "lstm_step",
    "tanh left out on c",
    old="h = o * torch.tanh(c)",
    new="h = o * c",
    hint="This is what you get when the tanh is left out on c: h = o * tanh(c).",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "old memory shown",
    old="c = f * c + i * g\n    h = o * torch.tanh(c)",
    new="c, h = f * c + i * g, o * torch.tanh(c)",
    hint="This is what you get when h is made from the memory before the step. It shows the new one.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "sigmoid for the candidate",
    old="torch.tanh(a_g)",
    new="torch.sigmoid(a_g)",
    hint="This is what you get when the candidate g is a sigmoid too. It is a tanh: it may also take away.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "tanh for the input gate",
    old="torch.sigmoid(a_i)",
    new="torch.tanh(a_i)",
    hint="This is what you get when the input gate is a tanh. Gates are sigmoids.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "1 added to the forget gate",
    old="torch.sigmoid(a_f)",
    new="torch.sigmoid(a_f + 1)",
    hint="This is what you get when 1 is added to the forget gate at run time, as in TensorFlow 1. Its bias holds all.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "gates interleaved",
    old="a_i, a_f, a_g, a_o = a.chunk(4, dim=1)",
    new="a_i, a_f, a_g, a_o = (a[:, at::4] for at in range(4))",
    hint="This is what you get when every fourth column is taken for a gate. Each gate has a block of H columns.",
    also=USES_LSTM,
)

edited(
    "gru_step",
    "sigmoid for the candidate",
    old="n = torch.tanh(x_n + seen)",
    new="n = torch.sigmoid(x_n + seen)",
    hint="This is what you get when the candidate n is a sigmoid. It is a tanh.",
)
edited(
    "gru_step",
    "candidate resets its input too",
    old="n = torch.tanh(x_n + seen)",
    new="n = torch.tanh(r * x_n + seen)",
    hint="This is what you get when r also multiplies the input's part of the candidate. It resets the state only.",
)

edited(
    "reorder_gates",
    "rows for columns",
    old="blocks = w.chunk(len(source), dim=-1)\n"
    "    return torch.cat([blocks[source.index(gate)] for gate in target], dim=-1)",
    new="blocks = w.chunk(len(source), dim=0)\n"
    "    return torch.cat([blocks[source.index(gate)] for gate in target], dim=0)",
    hint="This is what you get when the blocks are taken along the first axis. They lie along the last one.",
)
edited(
    "reorder_gates",
    "interleaved",
    old="blocks = w.chunk(len(source), dim=-1)",
    new="blocks = [w[..., at :: len(source)] for at in range(len(source))]",
    hint="This is what you get when every K-th column is taken for a gate. Each gate has a block of H columns.",
)

# -- over time ----------------------------------------------------------------------------------------------------

edited(
    "lstm_forward",
    "time first",
    old="return torch.stack(hs, dim=1), h, c, cache",
    new="return torch.stack(hs, dim=0), h, c, cache",
    hint="This is what you get when hs is (T, B, H). The batch comes first: stack along axis 1.",
)
edited(
    "lstm_forward",
    "batch taken for time",
    old="for x_t in x.unbind(1):\n        before",
    new="for x_t in x.unbind(0):\n        before",
    hint="This is what you get when the walk is along the batch. Time is axis 1.",
)

edited(
    "lstm_gates_backward",
    "tanh of the old memory",
    old="tanh_c = torch.tanh(f * c + i * g)",
    new="tanh_c = torch.tanh(c)",
    hint="This is what you get with tanh of the old memory. h was made from the new one, f * c + i * g.",
    also=USES_GATES,
)

edited(
    "lstm_step_backward",
    "mean over the batch",
    old='{"w_x": x.T @ da, "w_h": h.T @ da, "b": da.sum(0)}',
    new='{"w_x": x.T @ da / len(x), "w_h": h.T @ da / len(x), "b": da.mean(0)}',
    hint="This is what you get with means over the batch. What all rows used collects the sum.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "bias by the mean",
    old='"b": da.sum(0)}',
    new='"b": da.mean(0)}',
    hint="This is what you get with the mean for the bias. All rows used it: sum over the batch.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "state after the step",
    old='"w_h": h.T @ da',
    new='"w_h": (gates[3] * torch.tanh(gates[1] * c + gates[0] * gates[2])).T @ da',
    hint="This is what you get when w_h's gradient uses the state after the step. w_h multiplied the one before.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "weights not transposed",
    old='dx, dh_before = da @ params["w_x"].T, da @ params["w_h"].T',
    new='dx = da @ params["w_x"].reshape(-1, x.shape[1])\n    dh_before = da @ params["w_h"].reshape(-1, h.shape[1])',
    hint="This is what you get when the weights are reshaped, where they should be transposed.",
    also=("lstm_backward",),
)

# -- padding ------------------------------------------------------------------------------------------------------

edited(
    "reverse_padded",
    "padding set to 0",
    old="return x[torch.arange(len(x), device=x.device)[:, None], source]",
    new="flipped = x[torch.arange(len(x), device=x.device)[:, None], source]\n"
    "    return flipped * (steps < ends).reshape(*source.shape, *[1] * (x.ndim - 2))",
    hint="This is what you get when the padding is set to 0. It stays as it was.",
)
edited(
    "reverse_padded",
    "by the longest",
    old="torch.arange(x.shape[1], device=x.device), lengths[:, None]",
    new="torch.arange(x.shape[1], device=x.device), lengths.max() + 0 * lengths[:, None]",
    hint="This is what you get when all rows are reversed in the longest one's length. Each row has its own.",
    also=("bidirectional_lstm",),
)

HOLD = "h, c = torch.where(real, new_h, h), torch.where(real, new_c, c)"

edited(
    "masked_lstm",
    "memory moves at the padding",
    old=HOLD,
    new="h, c = torch.where(real, new_h, h), new_c",
    hint="This is what you get when only h is held at the padding. The memory c is held too.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "state 0 at the padding",
    old=HOLD,
    new="h, c = torch.where(real, new_h, 0), torch.where(real, new_c, 0)",
    hint="This is what you get when the state is set to 0 at the padding. There it keeps what it was; outputs are 0.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "last output repeated",
    old="hs.append(torch.where(real, h, 0))",
    new="hs.append(h)",
    hint="This is what you get when outputs at the padding repeat the last one, as Keras' layers do. Here they are 0.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "last column taken for the last state",
    old="        hs.append(torch.where(real, h, 0))\n    return torch.stack(hs, dim=1), h, c",
    new="        hs.append(torch.where(real, h, 0))\n    return torch.stack(hs, dim=1), hs[-1], c",
    hint="This is what you get when the last state is the output of the last column. For a shorter row that is "
    "padding.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "inputs masked only",
    old="        new_h, new_c, _ = lstm_step(x_t, h, c, params)\n        " + HOLD,
    new="        h, c, _ = lstm_step(torch.where(real, x_t, 0), h, c, params)",
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
        zeros = x.new_zeros(len(x), size)
        right, h_right, _ = masked_lstm(x, lengths, zeros, zeros, forward)  # noqa: F821
        left, h_left, _, _ = lstm_forward(x.flip(1), zeros, zeros, backward)  # noqa: F821
        real = torch.arange(x.shape[1], device=x.device) < lengths[:, None]  # noqa: F821
        hs = torch.cat([right, left.flip(1) * real[:, :, None]], dim=2)  # noqa: F821
        return hs, torch.cat([h_right, h_left], dim=1)  # noqa: F821


edited(
    "bidirectional_lstm",
    "outputs at the last real step",
    old="return hs, torch.cat([h_right, h_left], dim=1)",
    new="last = (lengths - 1).clamp(min=0)\n    return hs, hs[torch.arange(len(x), device=x.device), last]",
    hint="This is what you get when the last state is the joined output at the last real step. There the reverse LSTM "
    "has read one element: its last state stands at step 0.",
)
edited(
    "bidirectional_lstm",
    "outputs at the last column",
    old="return hs, torch.cat([h_right, h_left], dim=1)",
    new="return hs, hs[:, -1]",
    hint="This is what you get when the last state is the joined output of the last column, which may be padding.",
)
edited(
    "bidirectional_lstm",
    "outputs turned back by a flip",
    old="hs = torch.cat([right, reverse_padded(left, lengths)], dim=2)",
    new="hs = torch.cat([right, left.flip(1)], dim=2)",
    hint="This is what you get when the reverse outputs are turned back by a plain flip: the padding comes first. Turn "
    "them back by the same rule.",
)
edited(
    "bidirectional_lstm",
    "added, not joined",
    old="hs = torch.cat([right, reverse_padded(left, lengths)], dim=2)",
    new="hs = right + reverse_padded(left, lengths)",
    hint="This is what you get when the two states are added. They stand side by side, in 2 * H columns.",
)

# -- loss ---------------------------------------------------------------------------------------------------------

TOTAL = "return -torch.where(real, picked, 0).sum() / real.sum().clamp(min=1)"
LOG_P = "log_p = logits - torch.logsumexp(logits, dim=-1, keepdim=True)"

edited(
    "character_loss",
    "divided by all places",
    old=TOTAL,
    new="return -torch.where(real, picked, 0).mean()",
    hint="This is what you get when the places that don't count are in the divisor. Divide by the number of real "
    "targets.",
)
edited(
    "character_loss",
    "ignored ones counted",
    old=TOTAL,
    new="return -picked.mean()",
    hint="This is what you get when -100 is taken for character 0. Such targets don't count.",
)
edited(
    "character_loss",
    "sum",
    old=TOTAL,
    new="return -torch.where(real, picked, 0).sum()",
    hint="This is what you get with the sum. Divide by the number of real targets.",
)
edited(
    "character_loss",
    "mean of the rows' means",
    old=TOTAL,
    new="return (-torch.where(real, picked, 0).sum(1) / real.sum(1).clamp(min=1)).mean()",
    hint="This is what you get with the mean of the rows' means. All real targets weigh the same, wherever they stand.",
)
edited(
    "character_loss",
    "bits",
    old=TOTAL,
    new=TOTAL + " / np.log(2)",
    hint="This is what you get in bits. The loss is in nats, with the natural logarithm.",
)
edited(
    "character_loss",
    "loss of nothing is NaN",
    old=TOTAL,
    new="return -torch.where(real, picked, 0).sum() / real.sum()",
    hint="This is what you get when no target is real and the sum is divided by 0. The loss of nothing is 0.",
)
edited(
    "character_loss",
    "no shift",
    old=LOG_P,
    new="log_p = logits - torch.log(torch.exp(logits).sum(-1, keepdim=True))",
    hint="This is what you get when exp overflows. Use logsumexp, or subtract the largest logit first.",
)
edited(
    "character_loss",
    "log of a softmax",
    old=LOG_P,
    new="log_p = torch.log(torch.softmax(logits, dim=-1) + 1e-9)",
    hint="This is what you get by the logarithm of a softmax, with a small number added against log 0. Work with "
    "logits.",
)
edited(
    "character_loss",
    "softmax twice",
    old=LOG_P,
    new="log_p = torch.log_softmax(torch.softmax(logits, dim=-1), dim=-1)",
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
        order = torch.sort(logits, dim=1, descending=True, stable=True).indices[:, :k]  # noqa: F821
        return torch.full_like(logits, -torch.inf).scatter(1, order, logits.gather(1, order))  # noqa: F821


TOP_K = "return torch.where(logits >= kth, logits, -torch.inf)"

edited(
    "top_k_logits",
    "0 for those that go",
    old=TOP_K,
    new="return torch.where(logits >= kth, logits, 0)",
    hint="This is what you get when the logits that go become 0. A logit of 0 has a probability: take -inf.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "k largest of the batch",
    old=TOP_K,
    new="return torch.where(logits >= kth.min(), logits, -torch.inf)",
    hint="This is what you get with one threshold for the whole batch. Each row has its own k-th largest.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "k smallest",
    old="torch.topk(logits, min(k, logits.shape[1]), dim=1)",
    new="torch.topk(logits, min(k, logits.shape[1]), dim=1, largest=False)",
    hint="This is what you get with the k-th smallest.",
    also=USES_FILTERS,
)

edited(
    "top_p_logits",
    "smallest first",
    old="descending=True",
    new="descending=False",
    hint="This is what you get when the probabilities are added up from the smallest. Sort them, largest first.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "0 for those that go",
    old="return torch.where(logits >= least, logits, -torch.inf)",
    new="return torch.where(logits >= least, logits, 0)",
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
        ordered, order = torch.sort(logits, dim=1, descending=True, stable=True)  # noqa: F821
        probabilities = torch.softmax(ordered, dim=1)  # noqa: F821
        keep = probabilities.cumsum(1) - probabilities < p
        kept = torch.where(keep, ordered, -torch.inf)  # noqa: F821
        return torch.empty_like(logits).scatter(1, order, kept)  # noqa: F821


FIRST = "logits = logits / temperature if temperature > 0 else top_k_logits(logits, 1)\n    if top_k is not None:"
END = "return torch.softmax(logits, dim=1)"


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
        return torch.softmax(logits, dim=1)  # noqa: F821


edited(
    "next_probabilities",
    "softmax before the temperature",
    old=FIRST,
    new="logits = torch.softmax(logits, dim=1) / temperature if temperature > 0 else top_k_logits(logits, 1)\n"
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
    "        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)\n"
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
        probabilities = torch.softmax(logits, dim=1)  # noqa: F821
        if top_k is not None:
            logits = top_k_logits(logits, top_k)  # noqa: F821
        if top_p is not None:
            logits = top_p_logits(logits, top_p)  # noqa: F821
        return torch.where(logits > -torch.inf, probabilities, 0)  # noqa: F821


edited(
    "next_probabilities",
    "logits returned",
    old=END,
    new="return logits",
    hint="This is what you get without the softmax. Probabilities are asked for.",
    also=("generate_characters",),
)

# -- drawing ------------------------------------------------------------------------------------------------------

COUNT = "return passed.sum(dim=1)"

edited(
    "sample_ids",
    "one too far",
    old=COUNT,
    new="return (passed.sum(dim=1) + 1).clamp(max=probabilities.shape[1] - 1)",
    hint="This is what you get when the character after the one that was hit is taken.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "likeliest one",
    old=COUNT,
    new="return probabilities.argmax(dim=1)",
    hint="This is what you get when the likeliest character is taken. Draw one, by the uniform number.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "likeliest ones first",
    old="reached = torch.cumsum(probabilities, dim=1)",
    new="reached = torch.cumsum(probabilities.sort(dim=1, descending=True).values, dim=1)",
    hint="This is what you get when the probabilities are sorted before they are added up: the index is a rank. Leave "
    "them where they stand.",
    also=("generate_characters",),
)

edited(
    "generate_characters",
    "end of the prompt only",
    old="for read in prompt.unbind(1):",
    new="for read in [prompt[:, -1]]:",
    hint="This is what you get when only the prompt's last character is read. Read all of it.",
)
edited(
    "generate_characters",
    "prompt returned too",
    old="return torch.stack(written, dim=1)",
    new="return torch.cat([prompt, torch.stack(written, dim=1)], dim=1)",
    hint="This is what you get when the prompt is returned too. Return the new characters only.",
)
edited(
    "generate_characters",
    "likeliest ones written",
    old="written.append(sample_ids(probabilities, u))",
    new="written.append(probabilities.argmax(dim=1))",
    hint="This is what you get when the likeliest character is written each time. Draw by the uniform numbers.",
)
