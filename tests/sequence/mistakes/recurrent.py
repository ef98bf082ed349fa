"""Classic mistakes in recurrent networks that look alike in both frameworks."""

from autograder import edited, mistake

USES_LSTM = ("lstm_forward", "masked_lstm", "bidirectional_lstm")
USES_GATES = ("lstm_step_backward", "lstm_backward")
USES_FILTERS = ("next_probabilities", "generate_characters")

# -- cells --------------------------------------------------------------------------------------------------------

edited(
    "rnn_step",
    "no bias",
    old='x @ params["w_x"] + h @ params["w_h"] + params["b"])',
    new='x @ params["w_x"] + h @ params["w_h"])',
    hint="This is what you get without the bias.",
)
edited(
    "rnn_step",
    "bias twice",
    old='x @ params["w_x"] + h @ params["w_h"] + params["b"])',
    new='x @ params["w_x"] + params["b"] + h @ params["w_h"] + params["b"])',
    hint="This is what you get when the bias is added to each of the two products. Here it is one, added once.",
)
edited(
    "rnn_step",
    "weights swapped",
    old='x @ params["w_x"] + h @ params["w_h"] + params["b"])',
    new='x @ params["w_h"] + h @ params["w_x"] + params["b"])',
    hint="This is what you get when the weights are swapped: w_x multiplies the input, w_h the state.",
)
edited(
    "rnn_step",
    "state added outside",
    old='x @ params["w_x"] + h @ params["w_h"] + params["b"])',
    new='x @ params["w_x"] + params["b"]) + h @ params["w_h"]',
    hint="This is what you get when the state's product is added after the tanh. It stands inside.",
)

edited(
    "lstm_step",
    "order i f o g",
    old="a_i, a_f, a_g, a_o = ",
    new="a_i, a_f, a_o, a_g = ",
    hint="This is what you get when the columns are read as i, f, o, g. Here the order is i, f, g, o.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "order i g f o",
    old="a_i, a_f, a_g, a_o = ",
    new="a_i, a_g, a_f, a_o = ",
    hint="This is what you get when the columns are read as i, g, f, o, as TensorFlow 1 had them. Here: i, f, g, o.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "order f i g o",
    old="a_i, a_f, a_g, a_o = ",
    new="a_f, a_i, a_g, a_o = ",
    hint="This is what you get when the input and the forget gate are swapped. Here the order is i, f, g, o.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "order i o f g",
    old="a_i, a_f, a_g, a_o = ",
    new="a_i, a_o, a_f, a_g = ",
    hint="This is what you get when the columns are read as i, o, f, g, ONNX's order. Here the order is i, f, g, o.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "no bias",
    old='a = x @ params["w_x"] + h @ params["w_h"] + params["b"]\n',
    new='a = x @ params["w_x"] + h @ params["w_h"]\n',
    hint="This is what you get without the bias.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "coupled gates",
    old="c = f * c + i * g",
    new="c = f * c + (1 - f) * g",
    hint="This is what you get when 1 - f takes the input gate's place. An LSTM's input gate is a gate of its own.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "old memory not faded",
    old="c = f * c + i * g",
    new="c = c + i * g",
    hint="This is what you get without the forget gate, as in the LSTM of 1997. The old memory is multiplied by f.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "h and c swapped",
    old="return h, c, (i, f, g, o)",
    new="return c, h, (i, f, g, o)",
    hint="This is what you get when c is returned first. The state h comes first, then the memory.",
    also=USES_LSTM,
)
edited(
    "lstm_step",
    "gates before the nonlinearity",
    old="return h, c, (i, f, g, o)",
    new="return h, c, (a_i, a_f, a_g, a_o)",
    hint="This is what you get when the sums are returned for the gates. Return the gates' values, after σ and tanh.",
    also=USES_LSTM,
)

edited(
    "gru_step",
    "order z r n",
    old="    r, z = ",
    new="    z, r = ",
    hint="This is what you get when the columns are read as z, r, n, Keras' order. Here the order is r, z, n.",
)
edited(
    "gru_step",
    "always after",
    old="    if reset_after:",
    new="    if True:",
    hint="This is what you get when r always multiplies the product. With reset_after=False it multiplies the state, "
    "before the product.",
)
edited(
    "gru_step",
    "always before",
    old="    if reset_after:",
    new="    if False:",
    hint="This is what you get when r always multiplies the state. With reset_after=True it multiplies the product.",
)
edited(
    "gru_step",
    "after for before",
    old="    if reset_after:",
    new="    if not reset_after:",
    hint="This is what you get when the two versions are swapped. With reset_after=True the product comes first, then "
    "r.",
)
edited(
    "gru_step",
    "z for its complement",
    old="return (1 - z) * n + z * h",
    new="return z * n + (1 - z) * h",
    hint="This is what you get when z and 1 - z are swapped. Here z is how much of the old state stays.",
)
edited(
    "gru_step",
    "bias outside the reset",
    old="seen = r * h_n",
    new='seen = r * (h @ params["w_h"])[:, 2 * h.shape[1] :] + params["b_h"][2 * h.shape[1] :]',
    hint="This is what you get when the bias b_hn is added after the reset. With reset_after=True it stands inside.",
)
edited(
    "gru_step",
    "no reset",
    old="seen = r * h_n",
    new="seen = h_n",
    hint="This is what you get when the reset gate isn't used with reset_after=True.",
)
edited(
    "gru_step",
    "no bias of the state",
    old='h @ params["w_h"] + params["b_h"]',
    new='h @ params["w_h"]',
    hint="This is what you get without b_h. A GRU has two biases.",
)
edited(
    "gru_step",
    "no bias with reset before",
    old='params["w_h"][:, last:] + params["b_h"][last:]',
    new='params["w_h"][:, last:]',
    hint="This is what you get when b_hn is forgotten with reset_after=False.",
)
edited(
    "gru_step",
    "columns of another gate",
    old='params["w_h"][:, last:] +',
    new='params["w_h"][:, : h.shape[1]] +',
    hint="This is what you get when the candidate uses the reset gate's columns of w_h. Its own are the last H.",
)
edited(
    "gru_step",
    "what stays is reset",
    old="return (1 - z) * n + z * h",
    new="return (1 - z) * n + z * (r * h)",
    hint="This is what you get when the reset gate acts on the state that stays. It acts within the candidate only.",
)

edited(
    "reorder_gates",
    "the other way round",
    old="blocks[source.index(gate)] for gate in target",
    new="blocks[target.index(gate)] for gate in source",
    hint="This is what you get with the inverse permutation. For each letter of target, find where it stands in "
    "source.",
)
edited(
    "reorder_gates",
    "left as it is",
    old="[blocks[source.index(gate)] for gate in target]",
    new="list(blocks)",
    hint="This is what you get when the blocks stay where they are.",
)
edited(
    "reorder_gates",
    "first two exchanged",
    old="[blocks[source.index(gate)] for gate in target]",
    new="[blocks[1], blocks[0], *blocks[2:]]",
    hint="This is what you get when the first two blocks are exchanged, whatever the orders. Look the letters up.",
)

# -- over time ----------------------------------------------------------------------------------------------------

edited(
    "lstm_forward",
    "states before the step",
    old="hs.append(h)\n        cache.append((*before, gates))",
    new="hs.append(before[1])\n        cache.append((*before, gates))",
    hint="This is what you get when hs holds the states before each step. It holds those after it.",
)
edited(
    "lstm_forward",
    "memory for state",
    old="hs.append(h)\n        cache.append((*before, gates))",
    new="hs.append(c)\n        cache.append((*before, gates))",
    hint="This is what you get when hs holds the memory c. Outputs are the states h.",
)
edited(
    "lstm_forward",
    "cache after the step",
    old="hs.append(h)\n        cache.append((*before, gates))",
    new="hs.append(h)\n        cache.append((x_t, h, c, gates))",
    hint="This is what you get when the cache holds h and c after the step. Backward needs those before it.",
)
edited(
    "lstm_forward",
    "state not carried",
    old="h, c, gates = lstm_step(*before, params)\n        hs.append(h)",
    new="after, c, gates = lstm_step(*before, params)\n        hs.append(after)",
    hint="This is what you get when each step starts from the first h. Hand the new state on.",
)
edited(
    "lstm_forward",
    "memory not carried",
    old="h, c, gates = lstm_step(*before, params)\n        hs.append(h)",
    new="h, _, gates = lstm_step(*before, params)\n        hs.append(h)",
    hint="This is what you get when the memory isn't handed on. Both h and c go to the next step.",
)
edited(
    "lstm_forward",
    "last h and c swapped",
    old="=1), h, c, cache",
    new="=1), c, h, cache",
    hint="This is what you get when the last c comes before the last h.",
)

edited(
    "lstm_gates_backward",
    "gradient through c dropped",
    old="dc = dc + dh * o * (1 - tanh_c**2)",
    new="dc = dh * o * (1 - tanh_c**2)",
    hint="This is what you get when the gradient that comes through the next step's memory, dc, is dropped. Add it.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "gradient through h dropped",
    old="dc = dc + dh * o * (1 - tanh_c**2)",
    new="dc = dc + 0 * dh",
    hint="This is what you get when c doesn't get what comes through h = o tanh c. Add dh * o * (1 - tanh(c)**2).",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "output gate forgotten",
    old="dc = dc + dh * o * (1 - tanh_c**2)",
    new="dc = dc + dh * (1 - tanh_c**2)",
    hint="This is what you get when o is forgotten on the way from h to c.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "tanh of c not differentiated",
    old="dc = dc + dh * o * (1 - tanh_c**2)",
    new="dc = dc + dh * o",
    hint="This is what you get without the derivative of tanh(c) on the way from h to c.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "derivative at c",
    old="dc = dc + dh * o * (1 - tanh_c**2)",
    new="dc = dc + dh * o * (1 - (f * c + i * g) ** 2)",
    hint="This is what you get with 1 - c**2. The derivative of tanh at c is 1 - tanh(c)**2.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "forget gate with the new memory",
    old="dc * c * f * (1 - f)",
    new="dc * (f * c + i * g) * f * (1 - f)",
    hint="This is what you get when the forget gate's gradient uses the new memory. It multiplied the old one.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "sigmoids not differentiated",
    old="da_i, da_f = dc * g * i * (1 - i), dc * c * f * (1 - f)",
    new="da_i, da_f = dc * g, dc * c",
    hint="This is what you get without the sigmoid's derivative, which is i(1 - i) for the input gate.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "tanh's derivative for sigmoids",
    old="da_i, da_f = dc * g * i * (1 - i), dc * c * f * (1 - f)",
    new="da_i, da_f = dc * g * (1 - i**2), dc * c * (1 - f**2)",
    hint="This is what you get with 1 - i**2 for the gates. They are sigmoids, with the derivative i(1 - i).",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "sigmoid's derivative for the candidate",
    old="dc * i * (1 - g**2)",
    new="dc * i * g * (1 - g)",
    hint="This is what you get with g(1 - g). The candidate g is a tanh, with the derivative 1 - g**2.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "output gate with c",
    old="dh * tanh_c * o * (1 - o)",
    new="dh * (f * c + i * g) * o * (1 - o)",
    hint="This is what you get when the output gate's gradient uses c. It multiplied tanh(c).",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "memory passes unfaded",
    old="=1), dc * f",
    new="=1), dc",
    hint="This is what you get when f is forgotten on the way to the old memory.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "only dc fades",
    old="da_i, da_f = dc * g * i",
    new="dc_next = dc - dh * o * (1 - tanh_c**2)\n    da_i, da_f = dc_next * g * i",
    hint="This is what you get when the gates use dc as it came in. First add what comes through h, then go on.",
    also=USES_GATES,
)
edited(
    "lstm_gates_backward",
    "order i f o g",
    old="[da_i, da_f, da_g, da_o]",
    new="[da_i, da_f, da_o, da_g]",
    hint="This is what you get when the columns are written as i, f, o, g. Here the order is i, f, g, o.",
    also=USES_GATES,
)

edited(
    "lstm_step_backward",
    "dh passed on",
    old="return dx, dh_before, dc_before, dparams",
    new="return dx, dh_before + dh, dc_before, dparams",
    hint="This is what you get when dh is also passed on as it is. The old state is seen by the gates only.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "dc of the new memory",
    old="return dx, dh_before, dc_before, dparams",
    new="return dx, dh_before, dc, dparams",
    hint="This is what you get when dc is handed on unchanged. lstm_gates_backward gives that of the old memory.",
    also=("lstm_backward",),
)
edited(
    "lstm_step_backward",
    "dh and dc swapped",
    old="return dx, dh_before, dc_before, dparams",
    new="return dx, dc_before, dh_before, dparams",
    hint="This is what you get when dc is returned before dh.",
    also=("lstm_backward",),
)

edited(
    "lstm_backward",
    "next step's dh forgotten",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dhs[:, t], dc, *cache[t], params)",
    hint="This is what you get when the gradient from the next step, dh, is forgotten. A state is read by the loss "
    "and by the next step: add both.",
)
edited(
    "lstm_backward",
    "only the last dh",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dh, dc, *cache[t], params)",
    hint="This is what you get when dhs isn't used. The loss may look at the state of every step.",
)
edited(
    "lstm_backward",
    "gradient through c dropped",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dh + dhs[:, t], dc if t == len(cache) - 1 else 0 * dc, *cache[t], params)",
    hint="This is what you get when dc isn't handed from step to step. The memory's gradient runs back through all.",
)
edited(
    "lstm_backward",
    "last dc forgotten",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dh + dhs[:, t], 0 * dc if t == len(cache) - 1 else dc, *cache[t], params)",
    hint="This is what you get when the gradient of the last c isn't used. Start from the dc that you were given.",
)
edited(
    "lstm_backward",
    "last dh forgotten",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dhs[:, t] + (0 * dh if t == len(cache) - 1 else dh), dc, *cache[t], params)",
    hint="This is what you get when the gradient of the last h isn't used. It comes beside what dhs says.",
)
edited(
    "lstm_backward",
    "states off by one",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dh + dhs[:, t - 1], dc, *cache[t], params)",
    hint="This is what you get when step t uses dhs[:, t - 1]. dhs[:, t] belongs to the state after step t.",
)
edited(
    "lstm_backward",
    "parameters overwritten",
    old="dparams = {name: dparams[name] + step[name] for name in params}",
    new="dparams = step",
    hint="This is what you get when each step overwrites the parameters' gradients. All steps share them: add up.",
)
edited(
    "lstm_backward",
    "mean over the steps",
    old="dparams = {name: dparams[name] + step[name] for name in params}",
    new="dparams = {name: dparams[name] + step[name] / len(cache) for name in params}",
    hint="This is what you get with the mean over the steps. What every step used collects the sum.",
)
edited(
    "lstm_backward",
    "truncated by one",
    old="dparams = {name: dparams[name] + step[name] for name in params}",
    new="dparams = {name: dparams[name] + step[name] * min(t, 1) for name in params}",
    hint="This is what you get when step 0 adds nothing to the parameters' gradients. Go back to the first step.",
)
edited(
    "lstm_backward",
    "first step left out",
    old="for t in reversed(range(len(cache))):",
    new="for t in [*reversed(range(1, len(cache)))] or [0]:",
    hint="This is what you get when the walk ends at step 1. Step 0 is a step too.",
)
edited(
    "lstm_backward",
    "forward in time",
    old="for t in reversed(range(len(cache))):",
    new="for t in range(len(cache)):",
    hint="This is what you get when the steps are walked from first to last. Gradients flow from the last to the "
    "first.",
)
edited(
    "lstm_backward",
    "dx backward in time",
    old="(dx[::-1], ",
    new="(dx, ",
    hint="This is what you get when dx is in the order of the walk, last step first. Turn it round.",
)
edited(
    "lstm_backward",
    "one step only",
    old="lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)",
    new="lstm_step_backward(dhs[:, t] + (dh if t == len(cache) - 1 else 0 * dh), "
    "dc if t == len(cache) - 1 else 0 * dc, *cache[t], params)",
    hint="This is what you get when each step is differentiated by itself, as if the states before it were detached. "
    "Hand dh and dc on.",
)

# -- padding ------------------------------------------------------------------------------------------------------

edited(
    "reverse_padded",
    "padding first",
    old="ends - 1 - steps, steps)",
    new="x.shape[1] - 1 - steps, x.shape[1] - 1 - steps)",
    hint="This is what you get when the whole row is flipped: the padding comes first. Reverse each row's own length.",
    also=("bidirectional_lstm",),
)
edited(
    "reverse_padded",
    "off by one",
    old="ends - 1 - steps, steps)",
    new="(ends - steps) % x.shape[1], steps)",
    hint="This is what you get when step 0 takes x[b, lengths[b]], the first of the padding. It takes the one before.",
    also=("bidirectional_lstm",),
)
edited(
    "reverse_padded",
    "padding reversed as well",
    old="ends - 1 - steps, steps)",
    new="(ends - 1 - steps) % x.shape[1], (ends - 1 - steps) % x.shape[1])",
    hint="This is what you get when the padding is reversed as well. It stays as it was.",
)
edited(
    "reverse_padded",
    "not reversed",
    old="ends - 1 - steps, steps)",
    new="steps, steps)",
    hint="This is what you get when nothing is reversed.",
    also=("bidirectional_lstm",),
)
edited(
    "reverse_padded",
    "first one repeated",
    old="ends - 1 - steps, steps)",
    new="ends - 1 - steps, 0 * steps)",
    hint="This is what you get when negative steps are clipped to 0: the padding becomes copies of the first element. "
    "It stays as it was.",
    also=("bidirectional_lstm",),
)

edited(
    "masked_lstm",
    "state moves at the padding",
    old="new_h, new_c, _ = lstm_step(x_t, h, c, params)",
    new="h, c, _ = lstm_step(x_t, h, c, params)\n        new_h, new_c = h, c",
    hint="This is what you get when the state goes on changing at the padding. There it keeps what it was.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "one too many",
    old="real = (t < lengths)[:, None]",
    new="real = (t <= lengths)[:, None]",
    hint="This is what you get when one step of the padding counts. Step t is real if t < length.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "one too few",
    old="real = (t < lengths)[:, None]",
    new="real = (t < lengths - 1)[:, None]",
    hint="This is what you get when the last real step is left out. Step t is real if t < length.",
    also=("bidirectional_lstm",),
)
edited(
    "masked_lstm",
    "mask inverted",
    old="real = (t < lengths)[:, None]",
    new="real = (t >= lengths)[:, None]",
    hint="This is what you get with the mask inverted. Real steps move the state, the padding doesn't.",
    also=("bidirectional_lstm",),
)

edited(
    "bidirectional_lstm",
    "not turned back",
    old="[right, reverse_padded(left, lengths)]",
    new="[right, left]",
    hint="This is what you get when the reverse outputs stay in the order in which they were read. Turn them back.",
)
edited(
    "bidirectional_lstm",
    "one set of parameters",
    old="lengths, zeros, zeros, backward)",
    new="lengths, zeros, zeros, forward)",
    hint="This is what you get when both directions use the same parameters. Each has its own.",
)
edited(
    "bidirectional_lstm",
    "reverse first",
    old="[right, reverse_padded(left, lengths)]",
    new="[reverse_padded(left, lengths), right]",
    hint="This is what you get when the reverse outputs come first.",
)
edited(
    "bidirectional_lstm",
    "last states swapped",
    old="[h_right, h_left]",
    new="[h_left, h_right]",
    hint="This is what you get when the reverse direction's last state comes first.",
)
edited(
    "bidirectional_lstm",
    "reverse goes on from forward",
    old="left, h_left, _ = masked_lstm(reverse_padded(x, lengths), lengths, zeros, zeros,",
    new="left, h_left, _ = masked_lstm(reverse_padded(x, lengths), lengths, h_right, zeros,",
    hint="This is what you get when the reverse direction starts from the other's last state. It starts from 0.",
)
edited(
    "bidirectional_lstm",
    "read forward twice",
    old="left, h_left, _ = masked_lstm(reverse_padded(x, lengths), lengths,",
    new="left, h_left, _ = masked_lstm(x, lengths,",
    hint="This is what you get when the second LSTM reads from the left too. Reverse its inputs, then its outputs.",
)

# -- windows ------------------------------------------------------------------------------------------------------

edited(
    "char_windows",
    "shifted by none",
    old="= ids[:-1], ids[1:]",
    new="= ids[:-1], ids[:-1]",
    hint="This is what you get when the target is the input itself. The target is the next id: such a model learns "
    "to copy.",
)
edited(
    "char_windows",
    "shifted the wrong way",
    old="= ids[:-1], ids[1:]",
    new="= ids[1:], ids[:-1]",
    hint="This is what you get when the target is the id before. The target is the next one.",
)
edited(
    "char_windows",
    "missing targets are 0",
    old="np.full(count * length, -100)",
    new="np.zeros(count * length, np.int64)",
    hint="This is what you get when missing targets are 0. That is a character; -100 is none.",
)


@mistake(
    "char_windows",
    hint="This is what you get when the rest that doesn't fill a window is dropped. Fill it up with -100.",
)
def rest_dropped():
    def char_windows(ids, length):
        ids = np.asarray(ids, dtype=np.int64)  # noqa: F821
        count = (len(ids) - 1) // length
        ids = ids[: count * length + 1]
        return ids[:-1].reshape(count, length), ids[1:].reshape(count, length)


@mistake(
    "char_windows",
    hint="This is what you get when the text is cut first and shifted within each block: at every cut one target is "
    "lost. Shift the whole text, then cut.",
)
def shifted_within_blocks():
    def char_windows(ids, length):
        ids = np.asarray(ids, dtype=np.int64)  # noqa: F821
        count = -(-(len(ids) - 1) // length)
        inputs = np.zeros(count * length, np.int64)  # noqa: F821
        inputs[: len(ids) - 1] = ids[:-1]
        inputs = inputs.reshape(count, length)
        targets = np.full((count, length), -100)  # noqa: F821
        targets[:, :-1] = inputs[:, 1:]
        return inputs, targets


@mistake(
    "char_windows",
    hint="This is what you get by np.roll: the last character's target is the first one. It has none.",
)
def rolled():
    def char_windows(ids, length):
        ids = np.asarray(ids, dtype=np.int64)  # noqa: F821
        count = -(-len(ids) // length)
        inputs, targets = np.zeros(count * length, np.int64), np.full(count * length, -100)  # noqa: F821
        inputs[: len(ids)], targets[: len(ids)] = ids, np.roll(ids, -1)  # noqa: F821
        return inputs.reshape(count, length), targets.reshape(count, length)


@mistake(
    "char_windows",
    hint="This is what you get with a window at every position. Each target belongs to one window only.",
)
def overlapping():
    def char_windows(ids, length):
        ids = np.asarray(ids, dtype=np.int64)  # noqa: F821
        starts = range(max(0, len(ids) - length))
        windows = np.array([ids[start : start + length + 1] for start in starts])  # noqa: F821
        windows = windows.reshape(len(starts), length + 1)
        return windows[:, :-1], windows[:, 1:]


@mistake(
    "char_windows",
    hint="This is what you get when each window begins one after the last one's end: its first character is no target. "
    "A window begins with the last target of the one before.",
)
def gap_between_windows():
    def char_windows(ids, length):
        ids = np.asarray(ids, dtype=np.int64)  # noqa: F821
        blocks = [ids[at : at + length + 1] for at in range(0, len(ids) - 1, length + 1)]
        inputs = np.zeros((len(blocks), length), np.int64)  # noqa: F821
        targets = np.full((len(blocks), length), -100)  # noqa: F821
        for row, block in enumerate(blocks):
            inputs[row, : len(block) - 1], targets[row, : len(block) - 1] = block[:-1], block[1:]
        return inputs, targets


# -- perplexity ---------------------------------------------------------------------------------------------------

edited(
    "character_perplexity",
    "mean of means",
    old="np.average(losses, weights=counts)",
    new="np.mean(losses)",
    hint="This is what you get when all batches weigh the same. They weigh by their number of characters.",
)
edited(
    "character_perplexity",
    "mean of perplexities",
    old="return float(np.exp(mean)), mean",
    new="return float(np.average(np.exp(losses), weights=counts)), mean",
    hint="This is what you get with the mean of the batches' perplexities. Take the mean of the losses, then exp.",
)
edited(
    "character_perplexity",
    "power of 2",
    old="return float(np.exp(mean)), mean",
    new="return float(2**mean), mean",
    hint="This is what you get with 2 to the power of nats. The loss is in nats: e to the power of it.",
)
edited(
    "character_perplexity",
    "bits from nats the wrong way",
    old="mean / float(np.log(2))",
    new="mean * float(np.log(2))",
    hint="This is what you get when nats are multiplied by ln 2. A bit is ln 2 nats: divide.",
)
edited(
    "character_perplexity",
    "nats for bits",
    old="mean / float(np.log(2))",
    new="mean",
    hint="This is what you get when nats are given for bits. Divide by ln 2.",
)
edited(
    "character_perplexity",
    "sum of losses",
    old="np.average(losses, weights=counts)",
    new="np.sum(losses) / np.sum(counts)",
    hint="This is what you get when the losses are added as if they were totals. Each is a mean: multiply by its "
    "count.",
)

# -- what may be drawn --------------------------------------------------------------------------------------------

edited(
    "top_k_logits",
    "the k-th goes",
    old="logits >= kth",
    new="logits > kth",
    hint="This is what you get when the k-th largest goes too. It stays, and all that equal it.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "one too many",
    old="min(k, logits.shape[1])",
    new="min(k + 1, logits.shape[1])",
    hint="This is what you get when k + 1 stay.",
    also=USES_FILTERS,
)
edited(
    "top_k_logits",
    "k beyond V",
    old="min(k, logits.shape[1])",
    new="k",
    hint="This is what you get when k isn't limited to V. From V on, all stay.",
    also=USES_FILTERS,
)

edited(
    "top_p_logits",
    "the one that crosses dropped",
    old="before < p, ordered",
    new="before + probabilities <= p, ordered",
    hint="This is what you get when the character that crosses the threshold is dropped. Without it the rest doesn't "
    "reach p: it stays.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "the one that crosses dropped but for the first",
    old="before < p, ordered",
    new="(before + probabilities <= p) | (before == 0), ordered",
    hint="This is what you get when the character that crosses the threshold is dropped, unless it is the first. It "
    "stays: the rest doesn't reach p.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "one too many",
    old="before < p, ordered",
    new="before - probabilities < p, ordered",
    hint="This is what you get when one more stays than is needed to reach p.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "mask in sorted order",
    old="logits >= least",
    new="before < p",
    hint="This is what you get when the sorted row's mask is laid on the unsorted one. Bring it back to where the "
    "characters stand, or compare with the smallest logit that stays.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "not sorted",
    old="softmax(ordered, ",
    new="softmax(logits, ",
    hint="This is what you get when the probabilities are added up as they stand. Sort them first, largest first.",
    also=USES_FILTERS,
)
edited(
    "top_p_logits",
    "each beside p",
    old="before < p, ordered",
    new="probabilities >= 1 - p, ordered",
    hint="This is what you get when each probability is compared by itself. Add up those that are larger.",
    also=USES_FILTERS,
)

edited(
    "next_probabilities",
    "temperature multiplied",
    old="logits / temperature if temperature > 0",
    new="logits * temperature if temperature > 0",
    hint="This is what you get when the logits are multiplied by the temperature. Divide: a high one makes all alike.",
    also=("generate_characters",),
)
edited(
    "next_probabilities",
    "divided by 0",
    old="logits / temperature if temperature > 0 else top_k_logits(logits, 1)",
    new="logits / temperature",
    hint="This is what you get when the temperature 0 is divided by. There the largest logit takes all.",
    also=("generate_characters",),
)
edited(
    "next_probabilities",
    "temperature 0 as 1",
    old="logits / temperature if temperature > 0 else top_k_logits(logits, 1)",
    new="logits / (temperature or 1.0)",
    hint="This is what you get when a temperature of 0 changes nothing. There the largest logit takes all.",
    also=("generate_characters",),
)
edited(
    "next_probabilities",
    "top-p before top-k",
    old="    if top_k is not None:\n        logits = top_k_logits(logits, top_k)\n"
    "    if top_p is not None:\n        logits = top_p_logits(logits, top_p)\n",
    new="    if top_p is not None:\n        logits = top_p_logits(logits, top_p)\n"
    "    if top_k is not None:\n        logits = top_k_logits(logits, top_k)\n",
    hint="This is what you get with top-p before top-k. First top-k: then top-p sees the survivors' probabilities.",
    also=("generate_characters",),
)
edited(
    "next_probabilities",
    "top-p without top-k",
    old="    if top_k is not None:\n        logits = top_k_logits(logits, top_k)\n    if top_p is not None:",
    new="    if top_k is not None and top_p is None:\n        logits = top_k_logits(logits, top_k)\n"
    "    if top_p is not None:",
    hint="This is what you get when top_k isn't applied where top_p is given. Both may be.",
    also=("generate_characters",),
)

# -- drawing ------------------------------------------------------------------------------------------------------

edited(
    "sample_ids",
    "reached but not exceeded",
    old="passed = reached <= ",
    new="passed = reached < ",
    hint="This is what you get when reaching the number is enough: u = 0 draws a character of probability 0. The sum "
    "must exceed it.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "total taken for 1",
    old="uniform[:, None] * reached[:, -1:]",
    new="uniform[:, None]",
    hint="This is what you get when u isn't multiplied by the row's total, which rounding makes other than 1.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "one number for all rows",
    old="uniform[:, None] * reached[:, -1:]",
    new="uniform[:1, None] * reached[:, -1:]",
    hint="This is what you get when all rows use the first uniform number. Each row has its own.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "from the other end",
    old="uniform[:, None] * reached[:, -1:]",
    new="(1 - uniform)[:, None] * reached[:, -1:]",
    hint="This is what you get with 1 - u for u.",
    also=("generate_characters",),
)
edited(
    "sample_ids",
    "those after it counted",
    old="passed = reached <= ",
    new="passed = reached > ",
    hint="This is what you get when the characters after the drawn one are counted. Its index is the number before it.",
    also=("generate_characters",),
)

edited(
    "generate_characters",
    "state not carried while writing",
    old="logits, state = model(written[-1], state)",
    new="logits, _ = model(written[-1], state)",
    hint="This is what you get when the new state isn't kept while writing: the model forgets all since the prompt.",
)
edited(
    "generate_characters",
    "state not carried through the prompt",
    old="logits, state = model(read, state)",
    new="logits, _ = model(read, state)",
    hint="This is what you get when the state isn't kept while the prompt is read.",
)
edited(
    "generate_characters",
    "end of the prompt read twice",
    old="        if written:\n            logits, state = model(written[-1], state)",
    new="        logits, state = model(written[-1] if written else read, state)",
    hint="This is what you get when the prompt's last character is read twice. The logits after reading it are the "
    "ones to draw from.",
)
edited(
    "generate_characters",
    "own words not read",
    old="logits, state = model(written[-1], state)",
    new="logits, state = model(read, state)",
    hint="This is what you get when the prompt's last character is read again and again. Read what was just written.",
)
edited(
    "generate_characters",
    "first word read again",
    old="logits, state = model(written[-1], state)",
    new="logits, state = model(written[0], state)",
    hint="This is what you get when the first new character is read again and again. Read the last one.",
)
edited(
    "generate_characters",
    "one number for all steps",
    old="sample_ids(probabilities, u)",
    new="sample_ids(probabilities, uniform[:, 0])",
    hint="This is what you get when each step uses the first uniform number. Step t uses column t.",
)
edited(
    "generate_characters",
    "options ignored",
    old="next_probabilities(logits, temperature, top_k, top_p)",
    new="next_probabilities(logits)",
    hint="This is what you get when temperature, top_k and top_p aren't used.",
)
edited(
    "generate_characters",
    "top-k and top-p ignored",
    old="next_probabilities(logits, temperature, top_k, top_p)",
    new="next_probabilities(logits, temperature)",
    hint="This is what you get when top_k and top_p aren't used.",
)
