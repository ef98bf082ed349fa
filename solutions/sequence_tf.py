# built from source/sequence_tf/sequence_tf.ipynb by `course build`; edit there

# %% [markdown]
# # Sequence models
#
# Text, speech, prices: much of what there is to learn comes one item after another, and the answer to *what comes
# next?* is most of what a language model is. Here you build the models that give it, and what stands around them, from
# their parts:
#
# 1. the **recurrent** family: RNN, GRU and LSTM, backpropagation through time by hand, padding and two directions, a
#    character model that writes;
# 2. the **Transformer**: attention with masks, a causal block, positions, and the cache that makes generation fast;
# 3. the **text** at both ends: byte-level tokens going in, beam search coming out, BLEU to measure it, and CTC for
#    when nobody knows which output belongs to which input.
#
# Afterwards you can write any of these from an empty file, say which convention a checkpoint or a library follows (gate
# order, reset gate, mask, pairing of rotations, length penalty), and test each by an invariant instead of by looking at a loss.
#
# **You need** Python, NumPy, tensors of one framework, and backpropagation as an idea.
# **It takes** about twelve hours, in as many sittings as you like: every step has its own check, and the three parts don't
# need each other.

# %% [markdown]
# ## How to work
#
# Each step has an idea, a formula, a cell to fill in and a check. Replace `raise NotImplementedError()` by your code, run the
# cell, then the `check("…")` below it. Its panel says which case failed, where the largest error is and how large it may be,
# and it knows the classic mistakes. Most blanks take about ten lines.
#
# - This assignment exists twice: `sequence` in PyTorch, `sequence_tf` in TensorFlow. The questions, the checks and most of the
#   text are the same. Do one of them, and read the other's solution afterwards.
# - The checks here use public inputs. When your notebook is graded the same checks run on secret numbers and shapes, so
#   answer for every input that the docstring allows.
# - Functions work in the dtype of their inputs: float32 in, float32 out; float64 in, float64 out.
# - Nobody changes an argument in place. Whoever gave you the tensor may need it again.
# - You may add cells and helper functions. Leave names and signatures of what is asked as they are.
# - Paragraphs that begin with *The detail that catches experts* can be skipped at a first reading.

# %%
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from autograder import check


# %% [markdown]
# ## 1. Cells that read one step at a time
#
# A recurrent network reads a sequence from left to right and keeps what it needs of the past in a **state** of fixed
# size. The **cell** is the one function that it applies at every step, each time with the same parameters,
# $h_t = \mathrm{cell}(x_t, h_{t-1})$. Whatever the sequence's length, there is one cell; it is unrolled as often as
# needed.
#
# Everywhere in this part:
#
# - the batch comes first: an input of one step is `(B, I)`, a state `(B, H)`, a sequence `(B, T, I)`;
# - weights are `(in, out)`, so a product is written `x @ w`, and parameters lie in a plain dict;
# - a cell with several gates has their weights side by side in one matrix, `(I, 4 * H)` say, **in the order that is
#   named**. One large product is much faster than four small ones.

# %% [markdown]
# ### The plain cell
#
# Elman (1990) mixes the input with the state and squashes the sum, so that the state stays within $(-1, 1)$:
#
# $$h_t = \tanh(x_t W_x + h_{t-1} W_h + b)$$
#
# *The detail that catches experts:* `torch.nn.RNN` has **two** biases, `bias_ih` and `bias_hh` (cuDNN wants them so),
# Keras has one. Only their sum matters to the output, but not to training: each of the two gets the whole gradient, so
# the sum moves twice as far in a step.

# %%
def rnn_step(x, h, params):
    """One step of a plain recurrent network.

    x        (B, I) floating
    h        (B, H) the state before the step
    params   dict: "w_x" (I, H), "w_h" (H, H), "b" (H,)
    returns  (B, H) the state after it
    """
    return tf.tanh(x @ params["w_x"] + h @ params["w_h"] + params["b"])


# %%
# check("rnn_step")

# %% [markdown]
# ### LSTM
#
# The plain cell rewrites its whole state at every step, and what it knew is soon gone. The long short-term memory
# (Hochreiter & Schmidhuber 1997; the forget gate is Gers', Schmidhuber's & Cummins', 2000) keeps a second state $c$, the
# *memory*, that is only **added to** and **faded**. Gates, numbers in $(0, 1)$ for each element, say how much:
#
# $$(a_i, a_f, a_g, a_o) = x_t W_x + h_{t-1} W_h + b$$
# $$i = \sigma(a_i),\quad f = \sigma(a_f),\quad g = \tanh(a_g),\quad o = \sigma(a_o)$$
# $$c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)$$
#
# The input gate $i$ admits the candidate $g$, the forget gate $f$ keeps the old memory, and the output gate $o$ shows
# part of it. Here the columns are in the order **i, f, g, o**.

# %%
# fig, ax = plt.subplots(figsize=(10, 5.2), layout="constrained")
#
#
# def box(x, y, text, shade, round_=False):
#     style = "circle,pad=0.12" if round_ else "round,pad=0.4"
#     ax.text(x, y, text, ha="center", va="center", size=12, zorder=3,
#             bbox={"boxstyle": style, "facecolor": shade, "edgecolor": "0.2"})
#
#
# def arrow(*points, style="-|>", width=1.4, color="0.2"):
#     xs, ys = zip(*points)
#     ax.plot(xs[:-1], ys[:-1], color=color, linewidth=width, zorder=1, solid_capstyle="round")
#     ax.annotate("", points[-1], points[-2], zorder=2, arrowprops={
#         "arrowstyle": style, "color": color, "linewidth": width, "shrinkA": 0, "shrinkB": 0})
#
#
# arrow((0.2, 4.2), (2.28, 4.2), width=3.2, color="0.45")  # the memory's straight road
# arrow((2.72, 4.2), (4.68, 4.2), width=3.2, color="0.45")
# arrow((5.12, 4.2), (9.8, 4.2), width=3.2, color="0.45")
# ax.plot([0.2, 8.5], [0.7, 0.7], color="0.2", linewidth=1.4, zorder=1)  # what the gates read
# arrow((1.1, -0.3), (1.1, 0.7), style="-")
# for x, name, shade in [(2.5, "f", "0.82"), (4.1, "i", "0.82"), (5.7, "g", "white"), (8.5, "o", "0.82")]:
#     arrow((x, 0.7), (x, 1.3))
#     box(x, 1.6, rf"$\sigma$  {name}" if name != "g" else "tanh  g", shade)
# arrow((2.5, 1.9), (2.5, 3.96))
# arrow((4.1, 1.9), (4.1, 2.9), (4.68, 2.9))
# arrow((5.7, 1.9), (5.7, 2.9), (5.12, 2.9))
# arrow((4.9, 3.14), (4.9, 3.96))
# arrow((7.2, 4.2), (7.2, 3.4))
# arrow((7.2, 2.84), (7.2, 2.35), (8.26, 2.35))
# arrow((8.5, 1.9), (8.5, 2.11))
# arrow((8.74, 2.35), (9.8, 2.35))
# for x, y, sign in [(2.5, 4.2, "×"), (4.9, 4.2, "+"), (4.9, 2.9, "×"), (8.5, 2.35, "×")]:
#     box(x, y, sign, "white", round_=True)
# box(7.2, 3.12, "tanh", "white")
# for x, y, text in [(0.1, 4.45, "$c_{t-1}$"), (9.55, 4.45, "$c_t$"), (0.1, 0.9, "$h_{t-1}$"), (9.55, 2.6, "$h_t$"),
#                    (1.2, -0.3, "$x_t$")]:
#     ax.text(x, y, text, size=13)
# for x, y, text in [(2.62, 3.2, "how much of the\nold memory stays"), (5.0, 3.5, "what is written"),
#                    (8.6, 2.9, "what is shown"), (5.6, 4.42, "no weight matrix on this road: × and + only"),
#                    (1.3, 0.35, "$x_t W_x + h_{t-1} W_h + b$, one product for all four")]:
#     ax.text(x, y, text, size=9, color="0.25", va="center" if "\n" in text else "baseline")
# ax.set(xlim=(0, 10), ylim=(-0.6, 4.9), title="an LSTM cell: shaded gates are in (0, 1)")
# ax.axis("off")
# plt.show()

# %%
def lstm_step(x, h, c, params):
    """One step of an LSTM.

    x        (B, I) floating
    h, c     (B, H) the state and the memory before the step
    params   dict: "w_x" (I, 4 * H), "w_h" (H, 4 * H), "b" (4 * H,), columns in the order i, f, g, o
    returns  h, c, both (B, H), after the step, and the tuple of gates (i, f, g, o), each (B, H)
    """
    a = x @ params["w_x"] + h @ params["w_h"] + params["b"]
    a_i, a_f, a_g, a_o = tf.split(a, 4, axis=1)
    i, f, g, o = tf.sigmoid(a_i), tf.sigmoid(a_f), tf.tanh(a_g), tf.sigmoid(a_o)
    c = f * c + i * g
    h = o * tf.tanh(c)
    return h, c, (i, f, g, o)


# %%
# check("lstm_step")

# %% [markdown]
# ### GRU, in two versions
#
# The gated recurrent unit (Cho et al. 2014) has one state and three blocks of columns, here in the order **r, z, n**. The
# reset gate $r$ says how much of the old state the candidate $n$ may see, the update gate $z$ how much of it stays:
#
# $$r = \sigma(x W_{xr} + b_{xr} + h W_{hr} + b_{hr}), \qquad z = \sigma(x W_{xz} + b_{xz} + h W_{hz} + b_{hz})$$
#
# | `reset_after` | candidate | who does so |
# | --- | --- | --- |
# | `True` | $n = \tanh\big(x W_{xn} + b_{xn} + r \odot (h W_{hn} + b_{hn})\big)$ | cuDNN, PyTorch, Keras' default |
# | `False` | $n = \tanh\big(x W_{xn} + b_{xn} + (r \odot h)\, W_{hn} + b_{hn}\big)$ | the paper, Keras with `reset_after=False` |
#
# $$h' = (1 - z) \odot n + z \odot h$$
#
# With `True` all that multiplies $h$ is one product, known before $r$; therefore it is the fast one. The two are
# **not** the same function, and weights trained for one don't work in the other.
#
# *The detail that catches experts:* in the first row the bias $b_{hn}$ stands **inside** the reset. That is why a GRU
# needs two biases where an RNN could do with one. And $z$ is a matter of taste: Chung et al. (2014) write
# $(1 - z) \odot h + z \odot n$, so one paper's update gate is the other's complement.

# %%
def gru_step(x, h, params, reset_after=True):
    """One step of a gated recurrent unit.

    x            (B, I) floating
    h            (B, H) the state before the step
    params       dict: "w_x" (I, 3 * H), "w_h" (H, 3 * H), "b_x" (3 * H,), "b_h" (3 * H,), columns in the order r, z, n
    reset_after  whether r multiplies the product with w_h (and its bias), or the state before it
    returns      (B, H) the state after the step
    """
    x_r, x_z, x_n = tf.split(x @ params["w_x"] + params["b_x"], 3, axis=1)
    h_r, h_z, h_n = tf.split(h @ params["w_h"] + params["b_h"], 3, axis=1)
    r, z = tf.sigmoid(x_r + h_r), tf.sigmoid(x_z + h_z)
    if reset_after:
        seen = r * h_n
    else:
        last = 2 * h.shape[1]
        seen = (r * h) @ params["w_h"][:, last:] + params["b_h"][last:]
    n = tf.tanh(x_n + seen)
    return (1 - z) * n + z * h


# %%
# check("gru_step")

# %% [markdown]
# ### Another library's weights
#
# Sooner or later you load weights that somebody else trained. The shapes fit whatever the order of the gates, so a
# wrong one raises nothing; the network just talks nonsense. Who stores what:
#
# | | LSTM | GRU | weights | biases |
# | --- | --- | --- | --- | --- |
# | here | i, f, g, o | r, z, n | (in, out) | LSTM one, GRU two |
# | PyTorch, cuDNN | i, f, g, o | r, z, n | (out, in) | two |
# | Keras 3 | i, f, **c**, o (their c is g) | **z, r**, h (their h is n) | (in, out) | LSTM one; GRU two if `reset_after` |
# | TensorFlow's `BlockLSTM` | i, **c, f**, o | | input above state in one matrix | one |
# | ONNX | i, **o, f, c** | **z, r**, h | (out, in) | two |
#
# *The detail that catches experts:* PyTorch and Keras agree about the LSTM, which only uses other letters, and disagree
# about the GRU. Besides, the forget gate's bias is a convention too: Keras starts it at 1 (`unit_forget_bias`, Gers et
# al. 2000; Jozefowicz et al. 2015), PyTorch near 0, and TensorFlow 1 *added* 1 at run time, so its stored weights look
# right and act otherwise.
#
# A function that changes the order must not do it the other way round. That shows only where the permutation isn't its
# own inverse: exchanging two gates looks fine either way, moving three doesn't.

# %%
def reorder_gates(w, source, target):
    """The blocks of gates along the last axis, in another order.

    w        (..., K * H), a weight or a bias of a cell with K gates
    source   string of K different letters: the order of the blocks in w, as "ifgo"
    target   the same letters: the order wanted, as "iofg"
    returns  a tensor of w's shape
    """
    blocks = tf.split(w, len(source), axis=-1)
    return tf.concat([blocks[source.index(gate)] for gate in target], axis=-1)


# %%
# check("reorder_gates")

# %%
# tf.random.set_seed(0)
# x_try, h_try, c_try = tf.random.normal((5, 3)), tf.random.normal((5, 4)), tf.random.normal((5, 4))
# lstm_cell = tf.keras.layers.LSTMCell(4)
# theirs = lstm_cell(x_try, [h_try, c_try])[1]
# mine = dict(zip(("w_x", "w_h", "b"), map(tf.convert_to_tensor, lstm_cell.weights)))
# for name, one, other in zip("hc", lstm_step(x_try, h_try, c_try, mine), theirs):
#     print(f"LSTM, {name}: largest difference from keras.layers.LSTMCell {tf.reduce_max(abs(one - other)):.1e}")
# gru_cell = tf.keras.layers.GRUCell(4, bias_initializer="random_normal")
# theirs = gru_cell(x_try, [h_try])[0]
# w_x, w_h, b = (reorder_gates(tf.convert_to_tensor(w), "zrn", "rzn") for w in gru_cell.weights)
# mine = {"w_x": w_x, "w_h": w_h, "b_x": b[0], "b_h": b[1]}
# for after in (True, False):
#     far = tf.reduce_max(abs(gru_step(x_try, h_try, mine, reset_after=after) - theirs))
#     print(f"GRU, reset_after={after}: largest difference from keras.layers.GRUCell {far:.1e}")

# %% [markdown]
# ## 2. Backpropagation through time
#
# Unrolled over $T$ steps the network is an ordinary chain of layers that happen to share their parameters. So nothing
# new is needed to differentiate it (Werbos 1990): go forward and keep what backward will need, then walk back from the
# last step to the first, handing two gradients from step to step, $\partial L/\partial h$ and $\partial L/\partial c$,
# and **adding up** what each step contributes to the parameters.
#
# Forward first. A loss may look at the state of every step, and at the last $h$ and $c$, so all are returned.

# %%
def lstm_forward(x, h, c, params):
    """An LSTM over a whole sequence.

    x        (B, T, I), T at least 1
    h, c     (B, H) the states before the first step
    params   as lstm_step takes them
    returns  hs, (B, T, H), the state after every step;
             h, c, both (B, H), after the last step;
             cache, a list of T tuples (x_t, h, c, gates): what lstm_step was given at step t, and the gates it gave
    """
    hs, cache = [], []
    for x_t in tf.unstack(x, axis=1):
        before = (x_t, h, c)
        h, c, gates = lstm_step(*before, params)
        hs.append(h)
        cache.append((*before, gates))
    return tf.stack(hs, axis=1), h, c, cache


# %%
# check("lstm_forward")

# %% [markdown]
# ### Back through one step: the gates
#
# Write $h', c'$ for the states after the step, $\bar h', \bar c'$ for the loss's gradients with respect to them. The
# memory $c'$ reaches the loss by **two** roads: through the next step's memory, which is what $\bar c'$ says, and
# through $h'$ of its own step. First join them:
#
# $$\delta = \bar c' + \bar h' \odot o \odot (1 - \tanh^2 c')$$
#
# Then $c' = f \odot c + i \odot g$ tells the rest. With $\sigma' = \sigma(1 - \sigma)$ and $\tanh' = 1 - \tanh^2$,
# written with the *values* of the gates, which are at hand:
#
# | | gradient before the nonlinearity |
# | --- | --- |
# | $\bar a_i$ | $\delta \odot g \odot i(1 - i)$ |
# | $\bar a_f$ | $\delta \odot c \odot f(1 - f)$, with the **old** memory $c$ |
# | $\bar a_g$ | $\delta \odot i \odot (1 - g^2)$ |
# | $\bar a_o$ | $\bar h' \odot \tanh c' \odot o(1 - o)$ |
# | $\bar c$ | $\delta \odot f$ |
#
# The last row is what the LSTM was invented for: along this road the memory's gradient is only multiplied by $f$ from
# step to step, with no matrix and no $\tanh'$ in between.

# %%
def lstm_gates_backward(dh, dc, c, gates):
    """Back through lstm_step's nonlinearities.

    dh, dc   (B, H) gradients with respect to the step's new h and new c
    c        (B, H) the memory before the step
    gates    tuple (i, f, g, o), as lstm_step gave them
    returns  da, (B, 4 * H), the gradient before the nonlinearities, columns in the order i, f, g, o;
             dc, (B, H), the gradient with respect to the memory before the step
    """
    i, f, g, o = gates
    tanh_c = tf.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - tanh_c**2)
    da_i, da_f = dc * g * i * (1 - i), dc * c * f * (1 - f)
    da_g, da_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    return tf.concat([da_i, da_f, da_g, da_o], axis=1), dc * f


# %%
# check("lstm_gates_backward")

# %% [markdown]
# ### Back through one step: the products
#
# What is left is $a = x W_x + h W_h + b$, an affine map of two inputs, with $\bar a$ now known:
#
# $$\bar x = \bar a W_x^\top, \quad \bar h = \bar a W_h^\top, \quad \overline{W_x} = x^\top \bar a, \quad
# \overline{W_h} = h^\top \bar a, \quad \bar b = \textstyle\sum_{\text{batch}} \bar a$$
#
# Here $h$ is the state **before** the step. The parameters' gradients are sums over the batch; a mean, if one is wanted,
# was taken in the loss.

# %%
def lstm_step_backward(dh, dc, x, h, c, gates, params):
    """Back through lstm_step.

    dh, dc          (B, H) gradients with respect to the step's new h and new c
    x, h, c, gates  an entry of lstm_forward's cache
    params          as lstm_step takes them
    returns         dx (B, I), and dh, dc, both (B, H), with respect to what the step was given;
                    dparams, a dict like params
    """
    da, dc_before = lstm_gates_backward(dh, dc, c, gates)
    dx, dh_before = da @ tf.transpose(params["w_x"]), da @ tf.transpose(params["w_h"])
    dparams = {"w_x": tf.transpose(x) @ da, "w_h": tf.transpose(h) @ da, "b": tf.reduce_sum(da, axis=0)}
    return dx, dh_before, dc_before, dparams


# %%
# check("lstm_step_backward")

# %% [markdown]
# ### Back through time
#
# At step $t$ the state $h_t$ has two readers: the loss, whose gradient is `dhs[:, t]`, and step $t + 1$, whose gradient
# arrives as $\bar h$. They add. The same for the last step, where the final `dh` takes the next step's place, and for
# $\bar c$, which no one but the next step reads.
#
# *The detail that catches experts:* frameworks make **truncated** backpropagation easy to do by accident. A state that is
# carried from one chunk of text to the next must be detached, or the graph grows without end; detached, it carries no
# gradient, and what happened 65 steps ago can't be learned with chunks of 64 unless the *state* still shows it. Forward
# memory may be longer than backward memory. And memory in bytes is the price of the exact gradient: the cache holds
# $T$ steps of $B \times (I + 6H)$ numbers.

# %%
def lstm_backward(dhs, dh, dc, cache, params):
    """Back through lstm_forward.

    dhs      (B, T, H) the loss's gradient with respect to every step's state
    dh, dc   (B, H) its gradients with respect to the last h and c, beside what dhs says
    cache    as lstm_forward gave it
    params   as lstm_step takes them
    returns  dx (B, T, I); dh, dc, both (B, H), with respect to the states before the first step;
             dparams, a dict like params
    """
    dx, dparams = [], {name: tf.zeros_like(value) for name, value in params.items()}
    for t in reversed(range(len(cache))):
        dx_t, dh, dc, step = lstm_step_backward(dh + dhs[:, t], dc, *cache[t], params)
        dx.append(dx_t)
        dparams = {name: dparams[name] + step[name] for name in params}
    return tf.stack(dx[::-1], axis=1), dh, dc, dparams


# %%
# check("lstm_backward")

# %% [markdown]
# How far does a gradient reach? Below the loss looks at the last state only, and `lstm_step_backward` carries its
# gradient back through 60 steps of a random LSTM. The plain cell's gradient passes $W_h^\top$ and $\tanh'$ at every
# step and vanishes (or explodes: Bengio, Simard & Frasconi 1994). The LSTM's memory fades by $f$: with a forget bias of
# 0 that is about one half a step, worse than this plain cell; with a bias of 3 it is 0.95.

# %%
# rng = np.random.default_rng(0)
# steps, width = 60, 32
#
#
# def random_lstm(forget_bias):
#     """A random LSTM whose forget gates have this bias."""
#     w = rng.normal(0, width**-0.5, (2, width, 4 * width))
#     b = np.zeros(4 * width)
#     b[width:2 * width] = forget_bias
#     return {"w_x": tf.constant(w[0]), "w_h": tf.constant(0.5 * w[1]), "b": tf.constant(b)}
#
#
# lags, x_try = np.arange(1, steps + 1), tf.constant(rng.normal(size=(8, steps, width)))
# fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
# for forget_bias, style in [(0, ":"), (1, "-."), (3, "-")]:
#     params = random_lstm(forget_bias)
#     zeros = tf.zeros((8, width), tf.float64)
#     _, _, _, cache = lstm_forward(x_try, zeros, zeros, params)
#     dh, dc, norms = tf.constant(rng.normal(size=(8, width))), zeros, []
#     for entry in reversed(cache):
#         _, dh, dc, _ = lstm_step_backward(dh, dc, *entry, params)
#         norms.append(float(tf.norm(dc)))
#     ax.semilogy(lags, np.array(norms) / norms[0], style, color="black", label=f"LSTM, forget bias {forget_bias}: dc")
# w_h, h = tf.constant(rng.normal(0, width**-0.5, (width, width))), tf.zeros((8, width), tf.float64)
# hs = []
# for x_t in tf.unstack(x_try, axis=1):
#     eye = tf.eye(width, dtype=tf.float64)
#     h = rnn_step(x_t, h, {"w_x": 0.5 * eye, "w_h": w_h, "b": tf.zeros(width, tf.float64)})
#     hs.append(h)
# dh, norms = tf.constant(rng.normal(size=(8, width))), []
# for h in reversed(hs):
#     dh = (dh * (1 - h**2)) @ tf.transpose(w_h)
#     norms.append(float(tf.norm(dh)))
# ax.semilogy(lags, np.array(norms) / norms[0], "--", color="0.5", label="plain cell: dh")
# ax.set(xlabel="steps back", ylabel="norm of the gradient, relative", title="how far the last state's gradient reaches",
#        ylim=(1e-14, 3))
# ax.legend()
# plt.show()

# %% [markdown]
# ## 3. Padding, and two directions
#
# Sequences in a batch differ in length, so the shorter ones are padded on the right, and `lengths` says how much is
# real. The padding must not change anything: a sequence's result may not depend on how long the others in its batch
# are. This is the invariant that the checks test, with large numbers in the padding. Three things have to be right:
#
# - the **state** stands still at the padding, so the final state is the one after the last *real* step;
# - the **outputs** at the padding are 0;
# - the **reverse direction** begins at the last real step. A plain flip puts the padding first, and the reverse cell
#   has read ten steps of nothing before it sees the last word.
#
# ### Reverse what is real

# %%
def reverse_padded(x, lengths):
    """Each sequence of a batch reversed in its own length; the padding stays where it is.

    x        (B, T, ...) of any dtype
    lengths  (B,) int64 in 0 … T
    returns  a tensor of x's shape and dtype: row b is x[b, n-1], …, x[b, 0] with n = lengths[b],
             then x[b, n:] as it was
    """
    steps, ends = tf.range(x.shape[1], dtype=lengths.dtype), lengths[:, None]
    source = tf.where(steps < ends, ends - 1 - steps, steps)
    return tf.gather(x, source, batch_dims=1)


# %%
# check("reverse_padded")

# %%
# words = ["recurrent", "state", "gate", "memory"]
# lengths = tf.constant([len(word) for word in words], tf.int64)
# padded = tf.constant([[ord(char) for char in word.ljust(9, "·")] for word in words])
# panels = [("the batch: read from left to right", padded), ("flipped as it is: padding first", padded[:, ::-1]),
#           ("reverse_padded", reverse_padded(padded, lengths))]
#
# fig, axes = plt.subplots(1, 3, figsize=(12, 2.6), layout="constrained")
# for ax, (title, batch) in zip(axes, panels):
#     for row, codes in enumerate(batch.numpy().tolist()):
#         for at, char in enumerate(map(chr, codes)):
#             shade = "0.75" if char == "·" else "white"
#             ax.add_patch(plt.Rectangle((at, -row), 0.94, 0.86, facecolor=shade, edgecolor="0.4"))
#             ax.text(at + 0.47, 0.43 - row, char, ha="center", va="center", family="monospace", size=11)
#     ax.annotate("", (9, 1.25), (0, 1.25), arrowprops={"arrowstyle": "-|>", "color": "0.2"})
#     ax.set(xlim=(-0.2, 9.2), ylim=(-3.2, 1.5), title=title)
#     ax.axis("off")
# fig.suptitle("what a cell reads, in the arrow's direction; grey is padding", size=10, color="0.3")
# plt.show()

# %% [markdown]
# ### One direction, with a mask
#
# At step $t$ the rows with $t < \text{length}$ take the new state, the others keep theirs:
#
# $$m_t = [t < \text{length}], \qquad
# (h_t, c_t) = m_t\,\mathrm{lstm}(x_t, h_{t-1}, c_{t-1}) + (1 - m_t)\,(h_{t-1}, c_{t-1})$$
#
# *The details that catch experts:* Keras' layers *repeat* the last output at the padding, and give 0 only with
# `zero_output_for_mask=True`. PyTorch's `pad_packed_sequence` gives 0, and cuts the outputs to the longest sequence
# unless it is told `total_length`; a batch padded to a fixed length comes back shorter. And choosing by `where` is safe
# forward, not backward: if a NaN stands in the padding, the gradient is $0 \cdot \text{NaN} = \text{NaN}$ in every
# parameter. Padding should be 0.

# %%
def masked_lstm(x, lengths, h, c, params):
    """An LSTM over sequences of different lengths.

    x        (B, T, I), T at least 1; any finite numbers at the padding
    lengths  (B,) int64 in 0 … T; all may be less than T
    h, c     (B, H) the states before the first step
    params   as lstm_step takes them
    returns  hs, (B, T, H), the state after every step, 0 at the padding;
             h, c, both (B, H), after each row's last real step (a row of length 0 keeps what it was given)
    """
    hs = []
    for t, x_t in enumerate(tf.unstack(x, axis=1)):
        real = (t < lengths)[:, None]
        new_h, new_c, _ = lstm_step(x_t, h, c, params)
        h, c = tf.where(real, new_h, h), tf.where(real, new_c, c)
        hs.append(tf.where(real, h, tf.zeros_like(h)))
    return tf.stack(hs, axis=1), h, c


# %%
# check("masked_lstm")

# %% [markdown]
# ### Both directions
#
# Schuster & Paliwal (1997): one LSTM reads from the left, another with parameters of its own from the right, and at
# each step the two states stand side by side, $[\overrightarrow{h}_t; \overleftarrow{h}_t]$. So each place knows both
# of its sides. The reverse LSTM's outputs come in the order in which it read; turn them back before they are joined,
# **by the same rule**.
#
# Its *final* state is the one after it has read the **first** element; in the joined outputs it stands at step 0. The
# outputs at the last real step hold a reverse state that has read one element only, a favourite mistake of
# classifiers (`output[:, -1]`).

# %%
def bidirectional_lstm(x, lengths, forward, backward):
    """Two LSTMs over sequences of different lengths, one in each direction, from states of 0.

    x                  (B, T, I), T at least 1; any finite numbers at the padding
    lengths            (B,) int64 in 0 … T
    forward, backward  the parameters of the two, as lstm_step takes them
    returns            hs, (B, T, 2 * H), both states at each step, forward first, 0 at the padding;
                       h, (B, 2 * H), both final states, forward first
    """
    zeros = tf.zeros((x.shape[0], forward["w_h"].shape[0]), dtype=x.dtype)
    right, h_right, _ = masked_lstm(x, lengths, zeros, zeros, forward)
    left, h_left, _ = masked_lstm(reverse_padded(x, lengths), lengths, zeros, zeros, backward)
    hs = tf.concat([right, reverse_padded(left, lengths)], axis=2)
    return hs, tf.concat([h_right, h_left], axis=1)


# %%
# check("bidirectional_lstm")

# %% [markdown]
# ## 4. A character language model
#
# A language model tells the next token from those before it. With single characters as tokens nothing is needed but a
# text: its every character is the answer to what comes before (Sutskever, Martens & Hinton 2011; Karpathy 2015). Train
# the network to give the next character a high probability, and let it write by drawing from its own answers.
#
# ### Windows
#
# A text of $n$ characters has $n - 1$ questions: at `ids[t]` the answer is `ids[t + 1]`. The network reads the text in
# windows of a fixed length, one after another, so that **every** character but the first is a target **once**:
#
# | `r e c u r r e n t`, length 5 | window 0 | window 1 |
# | --- | --- | --- |
# | inputs | `r e c u r` | `r e n 0 0` |
# | targets | `e c u r r` | `e n t −100 −100` |
#
# Cutting into blocks first and shifting within each block loses one target at every cut. The last window is filled up:
# inputs with 0, targets with −100, which a loss leaves out.

# %%
def char_windows(ids, length):
    """A text as inputs and targets of a language model.

    ids      list or array of n ints, n at least 1
    length   the length of a window
    returns  inputs, targets: int64 arrays (N, length), N as small as can be (0 if n = 1). The targets are the next ids;
             what is missing in the last window is 0 in inputs and -100 in targets
    """
    ids = np.asarray(ids, dtype=np.int64)
    questions = len(ids) - 1
    count = -(-questions // length)
    inputs, targets = np.zeros(count * length, np.int64), np.full(count * length, -100)
    inputs[:questions], targets[:questions] = ids[:-1], ids[1:]
    return inputs.reshape(count, length), targets.reshape(count, length)


# %%
# check("char_windows")

# %% [markdown]
# ### The loss
#
# The mean of $-\log p(\text{target})$ over all **real** targets of the batch, in nats:
#
# $$L = -\frac{1}{|R|} \sum_{(b,t) \in R} \Big( z_{b,t,y_{b,t}} - \log \sum_v e^{z_{b,t,v}} \Big), \qquad
# R = \{(b, t) : y_{b,t} \ne -100\}$$
#
# Work with the logits $z$: going through a softmax gives $\log 0$ as soon as they lie far apart.
#
# *The detail that catches experts:* `F.cross_entropy(..., ignore_index=-100)` of a batch without a real target is 0/0 =
# NaN, and one such batch ruins the model. TensorFlow's `sparse_softmax_cross_entropy_with_logits` knows no ignored
# label at all: −100 is an error on a CPU and a NaN on a GPU, so labels must be made legal before, and left out after.
# Here the loss of nothing is 0.

# %%
def character_loss(logits, targets):
    """The mean cross-entropy over the real targets.

    logits   (B, T, V) floating, finite, also 1e4 and more
    targets  (B, T) int64 in 0 … V-1, or -100: not counted
    returns  a tensor of no dimension, in the dtype of logits; 0 if no target is real
    """
    real = targets != -100
    log_p = logits - tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
    picked = tf.gather(log_p, tf.where(real, targets, 0), batch_dims=2)
    count = tf.maximum(tf.reduce_sum(tf.cast(real, logits.dtype)), 1)
    return -tf.reduce_sum(tf.where(real, picked, 0)) / count


# %%
# check("character_loss")

# %% [markdown]
# ### What the loss says
#
# $e^L$ is called **perplexity**: the model is as uncertain as if it chose among that many equally likely characters.
# $L / \ln 2$ are the **bits per character** into which the text could be compressed with it. Over several batches the
# mean is taken *over characters*: batches weigh by how many they have, the last one is smaller, and a mean of
# perplexities is something else (never smaller, by Jensen's inequality).

# %%
def character_perplexity(losses, counts):
    """The perplexity of a whole text, and its bits per character.

    losses   list of floats: each batch's mean loss in nats
    counts   list of ints: how many targets each batch has, 0 included; not all are 0
    returns  perplexity, bits: two floats
    """
    mean = float(np.average(losses, weights=counts))
    return float(np.exp(mean)), mean / float(np.log(2))


# %%
# check("character_perplexity")

# %% [markdown]
# ### Which characters may be drawn
#
# The tail of the distribution is long and poorly estimated: no single character there is likely, but together they are,
# and one wrong letter derails what follows. So the tail is cut off before drawing, by giving it the logit $-\infty$.
#
# **Top-k** (Fan, Lewis & Dauphin 2018) keeps the $k$ largest logits of each row. Here those that *equal* the $k$-th
# stay as well: which of two equals goes should not depend on where it stands.

# %%
def top_k_logits(logits, k):
    """Keep the k largest logits of each row, and those that equal the k-th largest.

    logits   (B, V) floating; may hold -inf
    k        at least 1; from V on, all stay
    returns  (B, V) in the dtype of logits, -inf for those that go
    """
    kth = tf.math.top_k(logits, min(k, logits.shape[1])).values[:, -1:]
    return tf.where(logits >= kth, logits, tf.cast(-np.inf, logits.dtype))


# %%
# check("top_k_logits")

# %% [markdown]
# **Top-p**, or nucleus sampling (Holtzman et al. 2020), lets the number vary: where the model is sure, one character
# stays, where it isn't, many. It keeps the smallest set of most likely characters whose probability together
# **reaches** $p$. The one that crosses the threshold belongs to the set (without it the set wouldn't reach $p$), so
# there is always at least one. Put so that order among equals can't matter:
#
# > a character stays if all those that are **more likely** than it have together **less than** $p$.
#
# | probability | 0.45 | 0.30 | 0.15 | 0.10 | |
# | --- | --- | --- | --- | --- | --- |
# | the more likely ones together | 0 | 0.45 | 0.75 | 0.90 | |
# | $p = 0.7$: stays | yes | yes (it crosses: 0.75) | no | no | |
#
# *The detail that catches experts:* the decision is made on the *sorted* row and must be brought back to the places
# where the characters stand. A sorted mask on unsorted logits keeps the right number of the wrong characters. A
# threshold in *value* (the smallest logit that stays) needs no way back.

# %%
def top_p_logits(logits, p):
    """Keep a character of a row if all the more likely ones have together less than p; equals stay or go together.

    logits   (B, V) floating; may hold -inf, but not only
    p        in (0, 1)
    returns  (B, V) in the dtype of logits, -inf for those that go
    """
    infinity = tf.cast(np.inf, logits.dtype)
    ordered = tf.sort(logits, axis=1, direction="DESCENDING")
    probabilities = tf.nn.softmax(ordered, axis=1)
    before = tf.cumsum(probabilities, axis=1, exclusive=True)
    least = tf.reduce_min(tf.where(before < p, ordered, infinity), axis=1, keepdims=True)
    return tf.where(logits >= least, logits, -infinity)


# %%
# check("top_p_logits")

# %% [markdown]
# ### Temperature, and the order of things
#
# A temperature $\tau$ divides the **logits**: below 1 the likely becomes likelier, above 1 all become more alike. As
# $\tau \to 0$ the largest logit takes all (equals share it); take that as what $\tau = 0$ means, since dividing by 0
# gives NaN.
#
# The three are applied in this order: **temperature, then top-k, then top-p**, then the softmax. Top-p adds up
# probabilities, so it must see those *after* the temperature; and after top-k, for the survivors' probabilities have
# grown.
#
# *The detail that catches experts:* the order is a convention. Hugging Face's transformers and vLLM have this one;
# llama.cpp applies the temperature last unless told otherwise, so the same three numbers write another text there.

# %%
def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    """The probabilities from which the next character is drawn.

    logits       (B, V) floating, finite
    temperature  at least 0; 0: only the largest logit of a row is left, or all that equal it
    top_k        as top_k_logits takes it, or None: all stay
    top_p        as top_p_logits takes it, or None: all stay
    returns      (B, V) in the dtype of logits
    """
    logits = logits / temperature if temperature > 0 else top_k_logits(logits, 1)
    if top_k is not None:
        logits = top_k_logits(logits, top_k)
    if top_p is not None:
        logits = top_p_logits(logits, top_p)
    return tf.nn.softmax(logits, axis=1)


# %%
# check("next_probabilities")

# %% [markdown]
# ### Drawing
#
# A uniform number $u$ from $[0, 1)$ becomes a character by the inverse of the cumulative distribution: add up the
# probabilities from the left and take the **first** character at which the sum **exceeds** $u$. Each character then
# owns an interval as long as its probability.
#
# Given random numbers make the draw a function of its arguments, which can be repeated and tested. One case draws
# 20 000 times and counts: each count must lie within five standard deviations, $5\sqrt{N p (1 - p)}$, of its mean
# $N p$.
#
# *The details that catch experts:* with $\ge$ for $>$, $u = 0$ draws the first character even if its probability is 0,
# and zeros are what top-k and top-p make. And after rounding the sum of all may stay below $u$: then no character is
# found, and the index is $V$. Compare with $u$ times the row's **total**, then neither can happen.

# %%
def sample_ids(probabilities, uniform):
    """Draw one character for each row.

    probabilities  (B, V) floating, not negative; each row's total is 1, but for rounding
    uniform        (B,) of the same dtype, in [0, 1)
    returns        (B,) int64: the first character at which the cumulative sum exceeds uniform times the row's total
    """
    reached = tf.cumsum(probabilities, axis=1)
    passed = reached <= uniform[:, None] * reached[:, -1:]
    return tf.reduce_sum(tf.cast(passed, tf.int64), axis=1)


# %%
# check("sample_ids")

# %% [markdown]
# ### Writing
#
# To go on from a prompt the model reads it character by character and carries its state; the logits after the prompt's
# **last** character give the first new one. Each new character is then read in turn. Any model will do that goes from a
# character and a state to logits and a new state: an LSTM here, later a Transformer with its cache.

# %%
def generate_characters(model, state, prompt, uniform, temperature=1.0, top_k=None, top_p=None):
    """Let a model go on from a prompt.

    model        function from ids (B,) int64 and a state to logits (B, V) for the next character and the new state
    state        the state before the prompt
    prompt       (B, P) int64, P at least 1
    uniform      (B, L) floating, L at least 1: column t draws the t-th new character, as sample_ids does
    temperature, top_k, top_p  as next_probabilities takes them
    returns      (B, L) int64: the new characters, without the prompt
    """
    for read in tf.unstack(prompt, axis=1):
        logits, state = model(read, state)
    written = []
    for u in tf.unstack(uniform, axis=1):
        if written:
            logits, state = model(written[-1], state)
        probabilities = next_probabilities(logits, temperature, top_k, top_p)
        written.append(sample_ids(probabilities, u))
    return tf.stack(written, axis=1)


# %%
# check("generate_characters")

# %% [markdown]
# ### A model of Python's help
#
# Everything is in place. The data come with Python: `pydoc_data.topics` holds the pages that `help("if")` shows, some
# 450 000 characters of English, grammar and examples (they differ a little from one version of Python to the next). An
# embedding turns ids into vectors, **your** `lstm_forward` reads them, one matrix turns states into logits, and
# `character_loss` compares. Training takes half a minute.

# %%
# from pydoc_data.topics import topics
#
# text = "\n\n".join(topics[name] for name in sorted(topics))
# text = "".join(char for char in text if char.isascii())
# alphabet = sorted(set(text))
# char_ids = {char: at for at, char in enumerate(alphabet)}
# all_ids = [char_ids[char] for char in text]
# cut = len(all_ids) * 9 // 10  # the last pages are for the test
# window = 40
# train_windows, test_windows = (char_windows(ids, window) for ids in (all_ids[:cut], all_ids[cut:cut + 20_000]))
# print(f"{len(text)} characters, {len(alphabet)} different ones; {len(train_windows[0])} windows to learn from")
# print(text[text.index("The \"while\" statement"):][:420])

# %%
# rng = np.random.default_rng(0)
# v, width, rows, steps, rate = len(alphabet), 160, 32, 1000, 1e-2
# shapes = {"embedding": (v, 32), "w_x": (32, 4 * width), "w_h": (width, 4 * width), "out": (width, v)}
# begin = {name: rng.normal(0, 1 if name == "embedding" else shape[0] ** -0.5, shape) for name, shape in shapes.items()}
# begin |= {"b": np.zeros(4 * width), "out_b": np.zeros(v)}
# begin["b"][width:2 * width] = 1  # the forget gates begin open
# params = {name: tf.Variable(value, dtype=tf.float32) for name, value in begin.items()}
# weights = list(params.values())
# optimizer = tf.keras.optimizers.Adam(beta_2=0.98, global_clipnorm=1.0)  # Pascanu et al. (2013): they may explode
#
#
# def all_logits(inputs):
#     """The logits (B, T, V) of windows (B, T), each from a state of 0."""
#     zeros = tf.zeros((inputs.shape[0], width))
#     hs, _, _, _ = lstm_forward(tf.gather(params["embedding"], inputs), zeros, zeros, params)
#     return hs @ params["out"] + params["out_b"]
#
#
# @tf.function(autograph=False)  # traced once: the steps are unrolled into one graph
# def train_step(inputs, targets):
#     """One step of Adam; the loss before it."""
#     with tf.GradientTape() as tape:
#         loss = character_loss(all_logits(inputs), targets)
#     optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
#     return loss
#
#
# inputs, targets = train_windows
# losses = []
# for step in range(steps):
#     batch = rng.integers(0, len(inputs), rows)
#     optimizer.learning_rate = rate * min(1, (step + 1) / 50) * (1 - step / steps)
#     losses.append(float(train_step(tf.constant(inputs[batch]), tf.constant(targets[batch]))))
#
# parts = [[tf.constant(array[at:at + 100]) for array in test_windows] for at in range(0, len(test_windows[0]), 100)]
# means = [float(character_loss(all_logits(inputs), targets)) for inputs, targets in parts]
# counts = [int(tf.math.count_nonzero(targets != -100)) for _, targets in parts]
# perplexity, bits = character_perplexity(means, counts)

# %%
# smooth = np.convolve(losses, np.ones(25) / 25, mode="valid")
# fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
# ax.plot(losses, color="0.8", label="each batch")
# ax.plot(np.arange(len(smooth)) + 12, smooth, color="black", label="mean of 25")
# chance, tested = np.log(len(alphabet)), np.log(perplexity)
# for height, style, name in [(chance, "--", "all characters equally likely"), (tested, ":", "pages not learned from")]:
#     ax.axhline(height, color="0.3", linestyle=style, linewidth=1)
#     ax.text(len(losses), height + 0.05, name, ha="right", size=9, color="0.3")
# ax.set(xlabel="step", ylabel="loss in nats per character", ylim=(1, 5),
#        title=f"test: perplexity {perplexity:.2f}, {bits:.2f} bits per character")
# ax.legend(loc="center right")
# plt.show()

# %% [markdown]
# Let it write, at two temperatures. At 0.5 it is careful and repeats itself, at 1.0 it is bolder and less correct.
# Quotes that close, indents that return and paragraphs that end are things that the plain rule *letters make words*
# doesn't give: they need a memory.

# %%
# def help_model(ids, state):
#     """Logits for the next character, and the new state, by lstm_step."""
#     h, c, _ = lstm_step(tf.gather(params["embedding"], ids), *state, params)
#     return h @ params["out"] + params["out_b"], (h, c)
#
#
# prompt = tf.constant([[char_ids[char] for char in "The \"with\" statement"]], tf.int64)
# uniform = tf.constant(np.random.default_rng(1).random((1, 420), dtype=np.float32))
# zeros = tf.zeros((1, width))
# for temperature in (0.5, 1.0):
#     new = generate_characters(help_model, (zeros, zeros), prompt, uniform, temperature, top_p=0.95)
#     print(f"--- temperature {temperature}")
#     print("The \"with\" statement" + "".join(alphabet[at] for at in new[0].numpy()) + "\n")

# %% [markdown]
# What does the memory hold? Of the 160 numbers in $c$ some can be read (Karpathy, Johnson & Fei-Fei 2015). Below the
# network reads a page that it hasn't learned from, and for each of three properties of the text the number that follows
# it best is drawn. Nobody has told the model about lines, quotes or indents.

# %%
# passage = text[cut:cut + 2000]
# read = tf.gather(params["embedding"], [[char_ids[char] for char in passage]])
# _, _, _, cache = lstm_forward(read, zeros, zeros, params)
# memory = np.array([tf.tanh(entry[2][0]) for entry in cache[1:]])  # after each character but the last

# %%
# properties = {"column in the line": [], "between quotes": [], "line is indented": []}
# for at in range(len(passage) - 1):
#     line, paragraph = (passage[:at + 1].rpartition(cut_at)[2] for cut_at in ("\n", "\n\n"))
#     for name, value in zip(properties, (len(line), paragraph.count('"') % 2, line.startswith("   "))):
#         properties[name].append(float(value))
#
# begins = passage.index("\n", 600) - 50
# shown = range(begins, begins + 130)
# fig, axes = plt.subplots(len(properties), 1, figsize=(13, 5.4), layout="constrained", sharex=True)
# for ax, (name, values) in zip(axes, properties.items()):
#     values = np.array(values)
#     follows = [np.corrcoef(number, values)[0, 1] if number.std() > 0.15 else 0 for number in memory.T]
#     best = int(np.abs(follows).argmax())
#     ax.bar(range(130), memory[shown, best], width=1, color="0.7")
#     ax.step(range(130), values[shown] / values[shown].max(), color="black", where="mid", linewidth=1.2)
#     ax.set(ylim=(-1.1, 1.1), yticks=[-1, 0, 1], xlim=(-0.5, 129.5), ylabel=f"tanh of c[{best}]")
#     ax.set_title(f"bars: the number of c that follows \"{name}\" (line, scaled) best, r = {follows[best]:.2f}", size=10)
# letters = [{"\n": "↵", " ": "·"}.get(passage[at], passage[at]) for at in shown]
# axes[-1].set_xticks(range(130), letters, size=7, family="monospace")
# for ax in axes:
#     ax.tick_params(axis="x", length=0)
# axes[-1].set_xlabel("the text that was read (· is a space, ↵ a line's end)")
# plt.show()

# %% [markdown]
# ### A question to answer in words
#
# A person reads this answer. A few sentences to each part are enough.
#
# **What is remembered, and what is learned.** A colleague trains a character LSTM on a long text in chunks of 64
# characters. The state at the end of a chunk is carried on to the next, detached.
#
# 1. In this text an opening bracket is often closed 200 characters later, and the trained model closes it. How can that
#    be, if no gradient ever crosses the border of a chunk? And what kind of dependency over 200 characters would it not
#    learn?
# 2. Every step multiplies the memory's gradient by $f$. What must $f$ be on average for a tenth of the gradient to be
#    left after 200 steps, and which bias gives that (without inputs)? Name a price of such a bias.
# 3. They turn it into a classifier: a bidirectional LSTM over padded batches, with `output[:, -1]` as the summary of a
#    text. It reaches 83 % on batches of one text and 71 % on batches of 32. Explain both numbers, and say what to use
#    instead.

# %% [markdown]
# *Points: 1.5 + 1 + 1.5.*
#
# 1. The forward state crosses the border although the gradient doesn't. Within a chunk, brackets that open and close
#    some 20 or 60 characters apart teach the network to store "a bracket is open" in $c$ and to keep it with
#    $f \approx 1$ as long as nothing erases it; kept that way, it also lasts 200 steps. What it can't learn is a
#    dependency of which no shorter example exists: then nothing within a chunk rewards the *storing*, because the
#    reward comes when the storing step is out of reach.
# 2. $f^{200} = 0.1$ gives $f = 0.1^{1/200} = 0.9885$, so $b_f = \ln(f / (1 - f)) \approx 4.5$. The price:
#    $\sigma'(4.5) \approx 0.011$, so the gate itself hardly learns, and old memories pile up ($c$ grows, $\tanh c$
#    saturates) until it has learned to forget.
# 3. In a batch of 32 most rows end in padding, so the last column is padding there: 0 if the outputs are masked, else a
#    state that has read many steps of nothing; and what the batch is made of decides it. With one text a batch there is
#    no padding, but the reverse half of `output[:, -1]` has read one element only: the model is nearly one-directional,
#    hence 83 % rather than more. Use the final states: forward after each row's last real step, reverse after the first
#    element (step 0 of the joined outputs), as `bidirectional_lstm` returns them; or a masked mean or maximum over the
#    real steps.

# %% [markdown]
# ## 5. Attention
#
# A recurrent network carries all that it has read in one vector. With attention each position asks all others a
# question, its **query**; each answers by how well its **key** fits, and gives its **value** to that degree. Any two
# positions are one step apart, and all positions are computed at once (Vaswani et al. 2017). With queries $Q$ of shape
# (T, d), keys $K$ (S, d) and values $V$ (S, e):
#
# $$A = \mathrm{softmax}\!\left(\frac{QK^\top}{\sqrt d}\right), \qquad Y = AV, \qquad
# A_{ij} = \frac{e^{q_i \cdot k_j / \sqrt d}}{\sum_{j' \text{ allowed}} e^{q_i \cdot k_{j'} / \sqrt d}} .$$
#
# Row $i$ of $A$ are the **attention weights** of query $i$; they sum to 1. Why $\sqrt d$: if the entries of $q$ and $k$
# have variance 1, $q \cdot k$ has variance $d$, and a softmax of numbers that large has nearly all of its weight at one
# place, and nearly no gradient.
#
# A **mask** says which pairs may meet: no padding, no future. It acts *before* the softmax, since what is left must sum
# to 1. In this notebook a mask is boolean and **True means: may attend**.
#
# *The details that catch experts.*
#
# - Both conventions are in use, within one library: `F.scaled_dot_product_attention` and
#   `keras.layers.MultiHeadAttention` read True as *may attend*; `torch.nn.MultiheadAttention` and
#   `nn.TransformerEncoderLayer` read True, in `attn_mask` and in `key_padding_mask`, as *may not*.
# - A query that may attend to nothing has a softmax of nothing but −∞: 0/0. Such rows are real, with padding at the left
#   and a causal mask. Here they give **zeros**, weights and output. It isn't enough to overwrite the NaN afterwards:
#   if −∞ was *added* to the scores, the backward pass multiplies 0 by NaN, and one such row spoils every parameter.
#   Fill with a large **finite** number, and set the weights to 0 where the mask is False.
# - How large? −10⁴ is no −∞ where scores reach such sizes. The lowest number of the dtype always is.

# %%
def attention(q, k, v, mask=None):
    """Scaled dot-product attention.

    q        (..., T, d) floats
    k, v     (..., S, d) and (..., S, e), of the same dtype; the leading axes are those of q
    mask     bool, of a shape that broadcasts to (..., T, S): True where a query may attend to a key; None: everywhere
    returns  tuple: y (..., T, e) and the weights (..., T, S), in the dtype of q;
             rows without any True are zeros in both, and have gradients of zero
    """
    scores = tf.matmul(q, k, transpose_b=True) / q.shape[-1] ** 0.5
    if mask is None:
        weights = tf.nn.softmax(scores)
    else:
        weights = tf.where(mask, tf.nn.softmax(tf.where(mask, scores, q.dtype.min)), 0)
    return weights @ v, weights


# %%
# check("attention")

# %% [markdown]
# What a mask does, and what the scale does: the numbers are weights in %, each row sums to 100. The padding is the last
# key; crosses mark what the mask rules out.

# %%
# as_tensor = tf.convert_to_tensor  # for the drawings: they are the same in both notebooks

# %%
# rng = np.random.default_rng(3)
# q_drawn, k_drawn = rng.normal(size=(2, 5, 64))
# everything, no_future = np.ones((5, 5), bool), np.tri(5, dtype=bool) & (np.arange(5) < 4)
# drawn = [("no mask", q_drawn, everything), ("no future, no padding", q_drawn, no_future),
#          ("no mask, and no √d (d = 64)", 8 * q_drawn, everything)]
#
# fig, axes = plt.subplots(1, 3, figsize=(11, 3.9), layout="constrained")
# for ax, (title, queries, allowed) in zip(axes, drawn):
#     weights = attention(as_tensor(queries), as_tensor(k_drawn), as_tensor(k_drawn), as_tensor(allowed))[1]
#     weights = np.asarray(weights)
#     image = ax.imshow(weights, cmap="gray_r", vmin=0, vmax=1)
#     for i, j in np.ndindex(5, 5):
#         percent = 100 * weights[i, j]
#         ax.text(j, i, f"{percent:.0f}" if allowed[i, j] else "×", ha="center", va="center",
#                 color="white" if percent > 50 else "black")
#     ax.set(title=title, xlabel="key", ylabel="query", xticks=range(5), yticks=range(5))
# fig.colorbar(image, ax=axes, label="weight", shrink=0.85)
# plt.show()

# %% [markdown]
# ### Several heads
#
# One softmax finds one thing. **Multi-head attention** runs $H$ of them side by side, each on a slice of
# $d = D / H$ of the $D$ features, and all in one batched product: split the last axis, and bring the heads next to the
# batch, (B, T, D) → (B, H, T, d). Head $h$ has the features $hd \dots (h+1)d - 1$.
#
# *The detail that catches experts:* a reshape from (B, T, D) to (B, H, T, d) runs without an error and gives the right
# shape, with times and heads mixed up: one head gets the first positions, and another the last. The last axis is split
# first, (B, T, H, d); then two axes change places.

# %%
def split_heads(x, heads):
    """The features shared out among heads.

    x        (B, T, D)
    heads    H, a divisor of D
    returns  (B, H, T, D / H); head h has the h-th slice of the features
    """
    b, t, d = x.shape
    return tf.transpose(tf.reshape(x, (b, t, heads, d // heads)), (0, 2, 1, 3))


# %%
# check("split_heads")

# %% [markdown]
# And back. The axes change places first, then heads and features become one axis again.

# %%
def merge_heads(x):
    """The inverse of split_heads.

    x        (B, H, T, d)
    returns  (B, T, H·d)
    """
    b, h, t, d = x.shape
    return tf.reshape(tf.transpose(x, (0, 2, 1, 3)), (b, t, h * d))


# %%
# check("merge_heads")

# %% [markdown]
# Now the whole layer. Queries come from `x`, keys and values from `memory`: another sequence (*cross-attention*, as in
# translation), or `x` itself (*self-attention*). Each is projected, the heads attend, and an **output projection** mixes
# what they found:
#
# $$\mathrm{MHA}(x, m) = \mathrm{merge}\bigl(\mathrm{attention}(\mathrm{split}(xW_q + b_q), \mathrm{split}(mW_k + b_k),
# \mathrm{split}(mW_v + b_v))\bigr) W_o + b_o .$$
#
# Parameters are a dict: `wq`, `wk`, `wv`, `wo` of shapes (in, out) and `bq`, `bk`, `bv`, `bo`. A mask is the same for all
# heads: it may be (T, S), or (B, T, S) with one for each example, and needs an axis for the heads, at the right place.
#
# *The detail that catches experts:* without that axis a mask (B, T, S) meets scores (B, H, T, S), and if B = H
# broadcasting takes examples for heads, without an error. $b_k$ does nothing at all: it adds the same number to all
# scores of a query, and a softmax doesn't see that. Layouts differ, too: PyTorch stores `weight` as (out, in), and
# `torch.nn.MultiheadAttention` all three projections in one `in_proj_weight` (3D, D), where Keras has kernels
# (D, H, d) and (H, d, D).

# %%
def multi_head_attention(x, memory, params, heads, mask=None):
    """Multi-head attention of the positions of x to those of memory.

    x        (B, T, D) floats: where queries come from
    memory   (B, S, E): where keys and values come from; x itself for self-attention
    params   dict: wq (D, D), wk and wv (E, D), wo (D, D), and bq, bk, bv, bo (D,)
    heads    H, a divisor of D
    mask     bool, (T, S) or (B, T, S): True where a query may attend to a key, in every head; None: everywhere
    returns  tuple: y (B, T, D) and the weights (B, H, T, S)
    """
    q = split_heads(x @ params["wq"] + params["bq"], heads)
    k = split_heads(memory @ params["wk"] + params["bk"], heads)
    v = split_heads(memory @ params["wv"] + params["bv"], heads)
    y, weights = attention(q, k, v, None if mask is None else mask[..., None, :, :])
    return merge_heads(y) @ params["wo"] + params["bo"], weights


# %%
# check("multi_head_attention")

# %% [markdown]
# ## 6. A Transformer block
#
# A language model predicts the next token at every position at once. That is honest only if no position sees what comes
# after it: with a **causal mask** position $i$ attends to $j \le i$, itself included. A model that leaks reaches a
# wonderful loss, and writes nonsense, since at generation there is no future to copy from.
#
# Later the queries will be only the **last** positions of the sequence, while the keys are all of it. So the mask is a
# rectangle, aligned at its lower right corner: of $S$ positions, query $i$ of $T$ is number $S - T + i$.
#
# *The detail that catches experts:* `is_causal=True` of `F.scaled_dot_product_attention` aligns at the upper **left**
# corner. With one query and a cache of keys, that query sees only the very first key.

# %%
def causal_mask(queries, keys):
    """Which keys the last positions of a sequence may attend to.

    queries  T ≤ keys: the queries are the last T positions
    keys     S: the keys are all positions
    returns  (T, S) bool: True where the key's position is at most the query's
    """
    at = tf.range(keys)
    return at <= at[keys - queries :, None]


# %%
# check("causal_mask")

# %% [markdown]
# ### Layer normalisation
#
# Sums of many layers drift in size. LayerNorm (Ba, Kiros & Hinton 2016) brings each position's features, **each
# position for itself**, to mean 0 and variance 1, and then gives them a learned scale and shift:
#
# $$\mathrm{LN}(x) = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta, \qquad
# \mu = \frac1D \sum_k x_k, \qquad \sigma^2 = \frac1D \sum_k (x_k - \mu)^2 .$$
#
# *The detail that catches experts:* $\varepsilon$ is 10⁻⁵ in PyTorch and 10⁻³ in Keras. A model moved from one to the
# other runs, and is a little off at every layer, most where activations are small.

# %%
def layer_norm(x, scale, shift, eps=1e-5):
    """Layer normalisation over the last axis.

    x             (..., D) floats
    scale, shift  γ and β, (D,)
    eps           added to the variance, which divides by D
    returns       of the shape and dtype of x
    """
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(centred**2, axis=-1, keepdims=True)
    return centred / (variance + eps) ** 0.5 * scale + shift


# %%
# check("layer_norm")

# %% [markdown]
# ### The MLP with GELU
#
# Attention moves information between positions; the MLP works on each position for itself, in a wider layer:
# $\mathrm{FF}(x) = \mathrm{GELU}(xW_1 + b_1)\,W_2 + b_2$. The *Gaussian error linear unit* (Hendrycks & Gimpel 2016)
# multiplies a number by the probability that a standard normal one is smaller:
#
# $$\mathrm{GELU}(x) = x\,\Phi(x) = \frac x2 \left(1 + \mathrm{erf}\frac{x}{\sqrt2}\right)
# \approx \frac x2 \left(1 + \tanh\!\left[\sqrt{2/\pi}\,\bigl(x + 0.044715\,x^3\bigr)\right]\right) .$$
#
# Here it is the first form, the **exact** one, with erf.
#
# *The detail that catches experts:* both are called "gelu", and they differ by up to 5·10⁻⁴. PyTorch, TensorFlow and
# Keras take erf unless told otherwise, `jax.nn.gelu` takes tanh; Hugging Face's BERT has erf, GPT-2 has tanh
# (`gelu_new`). And `tf.nn.gelu` takes $\sqrt2$ in float32 whatever the dtype: in float64 it is right to eight digits.

# %%
def feed_forward(x, params):
    """The MLP of a block: two affine layers, with the exact GELU between them.

    x        (..., T, D) floats
    params   dict: w1 (D, M), b1 (M,), w2 (M, D), b2 (D,)
    returns  of the shape and dtype of x
    """
    hidden = x @ params["w1"] + params["b1"]
    hidden = hidden / 2 * (1 + tf.math.erf(hidden / 2**0.5))
    return hidden @ params["w2"] + params["b2"]


# %%
# check("feed_forward")

# %% [markdown]
# ### The block
#
# Two layers, each with a residual connection around it, and a norm in front of it:
#
# $$h = x + \mathrm{MHA}\bigl(\mathrm{LN}_1(x)\bigr), \qquad y = h + \mathrm{FF}\bigl(\mathrm{LN}_2(h)\bigr) .$$
#
# This is **pre-norm**: from input to output leads a path of nothing but additions, and deep stacks train without a
# warm-up (Xiong et al. 2020). The paper of 2017 had **post-norm**, $\mathrm{LN}(x + \mathrm{MHA}(x))$. What is added is
# $x$ and $h$, not their normalised forms: normalising the residual would undo the path. A whole model has one more norm
# after the last block.
#
# The mask of the block joins two: causal, and no attention to padding. `real` says which tokens are real. The padding's
# own rows are computed like all others; what they give is ignored by the loss. If the padding is at the left, as it is
# when prompts of different lengths are to go on at once, its queries have nothing to attend to: the rows of zeros from
# above.
#
# *The detail that catches experts:* `torch.nn.TransformerEncoderLayer` and most Keras examples are post-norm, with ReLU,
# unless you ask for `norm_first=True` and `activation="gelu"`. Weights load either way.

# %%
def transformer_block(x, params, heads, real=None):
    """A causal pre-norm Transformer block.

    x        (B, T, D) floats
    params   dict of what multi_head_attention and feed_forward take, and norm1_scale, norm1_shift (before the
             attention), norm2_scale, norm2_shift (before the MLP), (D,) each; eps is 1e-5
    heads    H, a divisor of D
    real     (B, T) bool, True for tokens and False for padding, which nothing attends to; None: no padding
    returns  tuple: y (B, T, D) and the attention weights (B, H, T, T)
    """
    mask = causal_mask(x.shape[1], x.shape[1])
    if real is not None:
        mask = mask & real[:, None, :]
    normed = layer_norm(x, params["norm1_scale"], params["norm1_shift"])
    attended, weights = multi_head_attention(normed, normed, params, heads, mask)
    x = x + attended
    normed = layer_norm(x, params["norm2_scale"], params["norm2_shift"])
    return x + feed_forward(normed, params), weights


# %%
# check("transformer_block")

# %% [markdown]
# A causal model can be tested without knowing anything about it: change one input, and see which outputs move. Above the
# diagonal nothing may. The right one has three positions of padding in front, which nobody sees; their own rows show only
# themselves.

# %%
# def drawn_block(rng, width, inner):
#     """Random parameters of a block, as arrays."""
#     arrays = {f"w{name}": rng.normal(size=(width, width)) / width**0.5 for name in "qkvo"}
#     arrays |= {f"b{name}": np.zeros(width) for name in "qkvo"}
#     arrays |= {f"norm{number}_scale": np.ones(width) for number in (1, 2)}
#     arrays |= {f"norm{number}_shift": np.zeros(width) for number in (1, 2)}
#     arrays |= {"w1": rng.normal(size=(width, inner)) / width**0.5, "b1": np.zeros(inner)}
#     return arrays | {"w2": rng.normal(size=(inner, width)) / inner**0.5, "b2": np.zeros(width)}
#
#
# rng, length = np.random.default_rng(0), 10
# block = {name: as_tensor(array) for name, array in drawn_block(rng, 16, 32).items()}
# x_drawn = rng.normal(size=(length, 16))
# changed = np.stack([x_drawn] * (length + 1))
# changed[np.arange(length), np.arange(length)] += rng.normal(size=(length, 16))
#
# fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
# for ax, padding in zip(axes, (0, 3)):
#     real = np.tile(np.arange(length) >= padding, (length + 1, 1))
#     y = np.asarray(transformer_block(as_tensor(changed), block, 4, as_tensor(real))[0])
#     moved = np.abs(y[:-1] - y[-1]).mean(-1).T
#     image = ax.imshow(np.where(moved > 0, np.log10(moved + 1e-300), np.nan), cmap="gray_r", vmin=-3, vmax=0.3)
#     ax.plot([-0.5, length - 0.5], [-0.5, length - 0.5], "--", color="0.5", linewidth=1)
#     ax.set(xlabel="input that was changed", ylabel="output", title=f"{padding} positions of padding" if padding else
#            "no padding")
# fig.colorbar(image, ax=axes, label="mean change, log₁₀ (white: exactly none)", shrink=0.85)
# plt.show()

# %% [markdown]
# ## 7. Where is it?
#
# Attention is a weighted *set*: shuffle keys and values together, and nothing changes. So positions must be told. The
# first way (Vaswani et al. 2017) adds a vector to each token's embedding. Pairs of features turn like the hands of
# clocks, from one turn every $2\pi$ positions to one every $2\pi \cdot 10^4$:
#
# $$\mathrm{PE}(p)_{2i} = \sin\frac{p}{10000^{2i/D}}, \qquad \mathrm{PE}(p)_{2i+1} = \cos\frac{p}{10000^{2i/D}},
# \qquad i = 0 \dots D/2 - 1 .$$
#
# A shift by $k$ positions turns each pair by an angle that depends on $k$ alone. So $\mathrm{PE}(p) \cdot
# \mathrm{PE}(p')$ depends on $p - p'$ only.
#
# *The details that catch experts.* Sine and cosine of one pair have the **same** frequency: the exponent is $2i/D$ in
# both columns, not column by column. And what the authors ran (tensor2tensor) was not what they wrote: it puts all
# sines first and all cosines after them, and spaces the exponents as $i / (D/2 - 1)$, so that the last one is exactly
# 1.

# %%
def sinusoidal_encoding(positions, width):
    """Sinusoidal position encodings as the paper of 2017 writes them.

    positions  (T,) floats: positions counted from 0; fractions are allowed
    width      D, even
    returns    (T, D) in the dtype of positions: sines in the even columns, cosines in the odd ones
    """
    exponents = tf.range(0, width, 2, dtype=positions.dtype) / width
    angles = positions[:, None] / 10000**exponents
    return tf.reshape(tf.stack([tf.sin(angles), tf.cos(angles)], -1), (len(positions), width))


# %%
# check("sinusoidal_encoding")

# %% [markdown]
# ### Rotary position embedding
#
# RoPE (Su et al. 2021) adds nothing to the embedding. It turns **queries and keys**, in every layer and every head:
# pair $i$ of a head of width $d$, at position $p$, by the angle $\theta = p / 10000^{2i/d}$:
#
# $$\begin{pmatrix} a \\ b \end{pmatrix} \mapsto
# \begin{pmatrix} a\cos\theta - b\sin\theta \\ a\sin\theta + b\cos\theta \end{pmatrix}, \qquad
# \bigl(R_p\, q\bigr) \cdot \bigl(R_{p'} k\bigr) = q \cdot R_{p'-p}\, k .$$
#
# Rotations keep lengths, so what changes is the dot product alone, and there only the **relative** offset counts. Both
# must turn the same way: the offset comes from the transpose in the product. Values aren't turned; they carry what is
# found, not where.
#
# *The details that catch experts.*
#
# - **Two pairings** are in use. RoFormer's paper, GPT-J and Meta's LLaMA code pair neighbours, (0, 1), (2, 3), …:
#   `"pairs"` here. GPT-NeoX and Hugging Face's LLaMA pair the halves, (0, d/2), (1, d/2+1), …: `"halves"` here. A
#   checkpoint is trained for one of them. With the other one it loads, runs, and talks rubbish at some distance.
# - Angles want precision. In bfloat16 there is no 257, so positions and angles are computed in float32, and only the
#   turned result is rounded. Here they are computed in the dtype of `x`, which is float32 or float64.

# %%
def rope(x, positions, layout="pairs"):
    """Rotary position embedding.

    x          (..., T, d) floats, d even: queries or keys
    positions  integers or floats, of a shape that broadcasts to x.shape[:-1], such as (T,)
    layout     "pairs": features 2i and 2i+1 are a pair; "halves": features i and i + d/2
    returns    of the shape and dtype of x: pair i turned by positions / 10000^(2i/d)
    """
    half = x.shape[-1] // 2
    exponents = tf.range(half, dtype=x.dtype) / half
    angles = tf.cast(positions[..., None], x.dtype) / 10000**exponents
    cos, sin = tf.cos(angles), tf.sin(angles)
    pairs = layout == "pairs"
    a, b = (x[..., 0::2], x[..., 1::2]) if pairs else (x[..., :half], x[..., half:])
    turned = [a * cos - b * sin, a * sin + b * cos]
    return tf.reshape(tf.stack(turned, -1), x.shape) if pairs else tf.concat(turned, -1)


# %%
# check("rope")

# %% [markdown]
# Left: the encoding as an image; fast clocks are at the left, and each row is a position. Right: the dot product of one
# query and one key, turned by RoPE, against the offset of their positions. The query stands at three places, and the
# three curves lie on each other.

# %%
# rng, offsets = np.random.default_rng(0), np.arange(-60, 61)
# one_query, one_key = 1 + 0.5 * rng.normal(size=(2, 1, 64))
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
# encoding = np.asarray(sinusoidal_encoding(as_tensor(np.arange(100.0)), 64))
# image = left.imshow(encoding, cmap="gray", aspect="auto", interpolation="nearest")
# left.set(xlabel="feature: sine, cosine, sine, …", ylabel="position", title="sinusoidal encoding, D = 64")
# fig.colorbar(image, ax=left, label="value")
# for place, style, every in ((0, "-", 1), (100, "o", 6), (1000, "x", 6)):
#     turned_query = np.asarray(rope(as_tensor(one_query), as_tensor([place])))
#     turned_keys = np.asarray(rope(as_tensor(np.repeat(one_key, 121, axis=0)), as_tensor(place + offsets)))
#     right.plot(offsets[::every], (turned_keys @ turned_query[0])[::every], style, color="0.6" if style == "-" else "0",
#                markersize=9 if style == "o" else 6, fillstyle="none", label=f"query at {place}")
# right.set(xlabel="position of the key − position of the query", ylabel="dot product", title="RoPE, d = 64")
# right.legend()
# plt.show()

# %% [markdown]
# ### From one checkpoint to the other
#
# Which features form a pair is only a matter of names, and names can be changed: permute the **columns** of $W_q$ and
# of $W_k$, and the biases with them, head by head, so that what were neighbours is now half a head apart. The dot
# products stay the same, and $W_v$ and $W_o$ stay as they are. That is what the conversion of Meta's LLaMA weights for
# Hugging Face does.
#
# *The detail that catches experts:* the permutation isn't its own inverse (for heads wider than 4), and it works within
# each head. PyTorch's `weight` is (out, in): there it is the rows.

# %%
def pairs_to_halves(w, heads):
    """A projection to queries or keys made for RoPE with "pairs", as one for "halves".

    w        (..., D): a weight (in, out) or a bias (out,), the last axis being that of the output
    heads    H; D / H is even
    returns  of the shape of w: in each head the features 0, 2, 4, … first, then 1, 3, 5, …
    """
    pairs = tf.reshape(w, (*w.shape[:-1], heads, -1, 2))
    return tf.reshape(tf.linalg.matrix_transpose(pairs), w.shape)


# %%
# check("pairs_to_halves")

# %% [markdown]
# ### Causal self-attention with RoPE
#
# All pieces so far in one layer: project, split, turn queries and keys, attend causally, merge, project. The mask goes
# by the order in the sequence, the angles by `positions`. Add 1000 to all positions, and the result is the same.

# %%
def rope_attention(x, params, heads, positions):
    """Causal multi-head self-attention with RoPE.

    x          (B, T, D) floats
    params     dict: wq, wk, wv, wo (D, D) and bq, bk, bv, bo (D,)
    heads      H; D / H is even
    positions  (T,) integers: the tokens' positions, for RoPE in the layout "pairs"
    returns    (B, T, D)
    """
    q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
    mask = causal_mask(x.shape[1], x.shape[1])
    y, _ = attention(rope(q, positions), rope(k, positions), v, mask)
    return merge_heads(y) @ params["wo"] + params["bo"]


# %%
# check("rope_attention")

# %% [markdown]
# ## 8. The KV cache
#
# A model writes one token at a time, and each needs attention to all before it. Their keys and values don't change:
# causal attention never lets the past see what came later. So they are computed once, and kept. What was quadratic work
# per token becomes linear, and the price is memory: two tensors (B, H, S, d) for each layer (Pope et al. 2022).
#
# The cache is a dict, `"k"` and `"v"`, with S = 0 positions at the start. A step gets a chunk of T new tokens: the
# whole prompt at once (*prefill*), then one by one. It
#
# 1. projects the chunk alone, and turns queries and keys by their own positions, $S \dots S + T - 1$;
# 2. **appends** keys (turned) and values to what the cache holds;
# 3. attends with a causal mask of T queries and S + T keys;
# 4. returns the output and a **new** dict. Whoever gave you the old one may still need it: beam search goes on from one
#    cache in several ways.
#
# *The details that catch experts.* Each key is turned once, by the position where it stood, and kept so: a cache of
# turned keys can't be cut at the left and renumbered. And the mask within a chunk is the rectangle of section 6:
# aligned at the upper left, a chunk's last token would not see the end of its own chunk, while one token at a time,
# with no mask at all, would be right. Test a cache with chunks.

# %%
def empty_cache(x, heads):
    """A cache of no positions, for inputs like x (B, T, D): "k" and "v" of shape (B, H, 0, D / H)."""
    nothing = tf.zeros((x.shape[0], heads, 0, x.shape[2] // heads), x.dtype)
    return {"k": nothing, "v": nothing}


# %%
def cached_attention(x, cache, params, heads):
    """Causal self-attention with RoPE for the next positions of a sequence.

    x        (B, T, D) floats: the next T ≥ 1 positions
    cache    dict: k and v (B, H, S, D / H), the S ≥ 0 positions before them, keys after RoPE; not changed
    params   as rope_attention takes them
    heads    H
    returns  tuple: y (B, T, D), as rope_attention gives it for these positions of the whole sequence, and a new dict
             like cache, with S + T positions
    """
    past, t = cache["k"].shape[2], x.shape[1]
    q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
    positions = tf.range(past, past + t)
    k = tf.concat([cache["k"], rope(k, positions)], 2)
    v = tf.concat([cache["v"], v], 2)
    y, _ = attention(rope(q, positions), k, v, causal_mask(t, past + t))
    return merge_heads(y) @ params["wo"] + params["bo"], {"k": k, "v": v}


# %%
# check("cached_attention")

# %% [markdown]
# ### A decoder
#
# The whole language model, as LLaMA and its relatives have it in outline: embed the tokens, pass the blocks, each with
# a cache of its own, normalise once more, and compare with every token's embedding (*tied* weights: the output matrix
# is the embedding, transposed):
#
# $$x_0 = E[\mathrm{ids}], \qquad
# h = x_\ell + \mathrm{attention}_\ell\bigl(\mathrm{LN}_1(x_\ell)\bigr), \quad x_{\ell+1} = h +
# \mathrm{FF}_\ell\bigl(\mathrm{LN}_2(h)\bigr), \qquad
# \mathrm{logits} = \mathrm{LN}(x_L)\, E^\top .$$
#
# No positions are added: they are in the attention. Training is the same function: the whole sequence in one chunk,
# with empty caches.

# %%
def decoder(ids, caches, params, heads):
    """A causal language model: logits of the next token, for the next positions of a sequence.

    ids      (B, T) int64 in 0 … V-1: the next T ≥ 1 tokens
    caches   list of dicts, one for each block, as cached_attention takes them; not changed
    params   dict: embedding (V, D), norm_scale, norm_shift (D,), and blocks, a list of dicts with the keys of
             transformer_block; eps is 1e-5
    heads    H
    returns  tuple: logits (B, T, V), and a list of the new caches
    """
    x, grown = tf.gather(params["embedding"], ids), []
    for block, cache in zip(params["blocks"], caches):
        normed = layer_norm(x, block["norm1_scale"], block["norm1_shift"])
        attended, cache = cached_attention(normed, cache, block, heads)
        x = x + attended
        x = x + feed_forward(layer_norm(x, block["norm2_scale"], block["norm2_shift"]), block)
        grown.append(cache)
    x = layer_norm(x, params["norm_scale"], params["norm_shift"])
    return x @ tf.transpose(params["embedding"]), grown


# %%
# check("decoder")

# %% [markdown]
# ### All together: what heads learn
#
# A sequence like 7 3 11 7 3 11 7 … is a random pattern, repeated. From its second turn on it can be foretold, but only
# by who looks back: *where did I see this token before, and what came after it?* No single layer can do that, for a
# position knows its own token, not the one before it. Two can: a head of the first block attends to the **previous**
# token and writes it down, and a head of the second finds the place whose *previous* token is the one at hand. Elhage
# et al. (2021) and Olsson et al. (2022) found these **induction heads** in language models of every size.
#
# Your `decoder` trains on it from scratch, in some ten seconds. The pattern's period is random, so no fixed offset will
# do.

# %%
# vocabulary, width, head_count, length_seen = 16, 32, 2, 18
#
#
# def repeated_patterns(rng, count):
#     """ids (count, length_seen + 1), and (count, length_seen) bool: whether the next token can be known."""
#     periods = rng.integers(3, 9, count)
#     rows = [rng.permutation(vocabulary)[np.arange(length_seen + 1) % period] for period in periods]
#     return tf.constant(np.array(rows)), tf.constant(np.arange(1, length_seen + 1) >= periods[:, None])
#
#
# def parameter(array):
#     return tf.Variable(array, dtype=tf.float32)
#
#
# rng = np.random.default_rng(1)
# model = {"embedding": parameter(rng.normal(size=(vocabulary, width))), "norm_scale": parameter(np.ones(width)),
#          "norm_shift": parameter(np.zeros(width)), "blocks": []}
# for _ in range(2):
#     model["blocks"].append({name: parameter(array) for name, array in drawn_block(rng, width, 64).items()})
# singles = [model["embedding"], model["norm_scale"], model["norm_shift"]]
# variables = [*singles, *(variable for block in model["blocks"] for variable in block.values())]
# optimizer = tf.keras.optimizers.Adam(1e-2, epsilon=1e-8)
# optimizer.build(variables)
# nothing_yet, losses = [empty_cache(tf.zeros((64, 1, width)), head_count)] * 2, []
#
#
# @tf.function(autograph=False)  # one trace for all steps: eagerly it would take minutes
# def train_step(ids, known):
#     with tf.GradientTape() as tape:
#         logits, _ = decoder(ids[:, :-1], nothing_yet, model, head_count)
#         loss = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], logits)
#         loss = tf.reduce_mean(tf.boolean_mask(loss, known))
#     gradients = tape.gradient(loss, variables)
#     optimizer.apply_gradients((gradient, variable) for gradient, variable in zip(gradients, variables))
#     return loss
#
#
# for step in range(600):
#     losses.append(float(train_step(*repeated_patterns(rng, 64))))
#
# for part in (model, *model["blocks"]):  # training is over: tensors instead of variables
#     part |= {name: tf.convert_to_tensor(variable) for name, variable in part.items() if name != "blocks"}

# %% [markdown]
# What each head looks at, for a pattern of six. Read a row from its label: where does this token look? In one map of
# the first block the dark diagonal lies one step beside the main one (marked by dots): that is the previous token. In
# the second block one runs five steps beside it: six steps back stood the same token, and five steps back what followed
# it. (Which head learns what depends on the seed; a head may do two things, or nothing that can be named, and rest on
# the first token.)

# %%
# row = np.random.default_rng(5).permutation(vocabulary)[np.arange(length_seen) % 6]
# places = as_tensor(np.arange(length_seen))
# x_drawn, maps = as_tensor(np.asarray(model["embedding"])[row][None]), []
# for block in model["blocks"]:  # a block as in decoder, with the weights kept
#     normed = layer_norm(x_drawn, block["norm1_scale"], block["norm1_shift"])
#     q, k, v = (split_heads(normed @ block["w" + name] + block["b" + name], head_count) for name in "qkv")
#     found, weights = attention(rope(q, places), rope(k, places), v, causal_mask(length_seen, length_seen))
#     x_drawn = x_drawn + merge_heads(found) @ block["wo"] + block["bo"]
#     x_drawn = x_drawn + feed_forward(layer_norm(x_drawn, block["norm2_scale"], block["norm2_shift"]), block)
#     maps += list(np.asarray(weights)[0])
#
# fig, axes = plt.subplots(1, 5, figsize=(15, 3.5), layout="constrained", width_ratios=[1.1, 1, 1, 1, 1])
# axes[0].semilogy(losses, color="black", linewidth=0.7)
# axes[0].set(xlabel="step", ylabel="loss", title="training")
# for at, (ax, weights) in enumerate(zip(axes[1:], maps)):
#     image = ax.imshow(weights, cmap="gray_r", vmin=0, vmax=1)
#     ax.plot(range(length_seen), range(length_seen), ".", color="0.6", markersize=3)
#     ax.set(title=f"block {1 + at // head_count}, head {1 + at % head_count}", xlabel="looks at", ylabel="token")
#     ax.set_xticks(range(length_seen), row, fontsize=6)
#     ax.set_yticks(range(length_seen), row, fontsize=6)
# fig.colorbar(image, ax=axes[-1], label="weight", shrink=0.85)
# plt.show()

# %% [markdown]
# And what the cache saves. Counted are the floating-point operations of the matrix products that your `decoder` runs
# for **one more token** at position $t$: with a cache it gets this token alone, without it all $t$ tokens. The gap
# grows with $t$, and with it the memory: the cache holds $2 L D$ numbers per position ($L$ blocks of width $D$).

# %%
# def operations(ids, caches):
#     """Floating-point operations of the matrix products in one call of decoder."""
#     ids = tf.convert_to_tensor(ids)
#     graph = tf.function(lambda: decoder(ids, caches, model, head_count), autograph=False).get_concrete_function().graph
#     products = [op for op in graph.get_operations() if op.type in ("MatMul", "BatchMatMulV2", "BatchMatMulV3")]
#     return sum(2 * op.outputs[0].shape.num_elements() * op.inputs[0].shape[-1] for op in products)
#
#
# lengths = [1, 4, 16, 64, 256]
# nothing_yet = [empty_cache(tf.zeros((1, 1, width)), head_count)] * 2
# ids = np.random.default_rng(0).integers(0, vocabulary, (1, lengths[-1]))
# caches = [decoder(tf.constant(ids[:, : t - 1]), nothing_yet, model, head_count)[1] if t > 1 else nothing_yet
#           for t in lengths]

# %%
# without_cache = [operations(ids[:, :t], nothing_yet) for t in lengths]
# with_cache = [operations(ids[:, t - 1 : t], cache) for t, cache in zip(lengths, caches)]
# numbers_kept = [sum(np.asarray(part).size for layer in cache for part in layer.values()) for cache in caches]
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
# left.loglog(lengths, without_cache, "o--", color="black", fillstyle="none", label="without a cache")
# left.loglog(lengths, with_cache, "s-", color="black", label="with a cache")
# left.set(xlabel="position of the token", ylabel="operations for one token", title="work")
# left.legend()
# right.plot(lengths, numbers_kept, "s-", color="black")
# right.set(xlabel="position of the token", ylabel="numbers in the cache", title="memory")
# plt.show()
#
# whole = np.asarray(decoder(as_tensor(ids), nothing_yet, model, head_count)[0])[:, -1]
# stepwise = np.asarray(decoder(as_tensor(ids[:, -1:]), caches[-1], model, head_count)[0])[:, -1]
# print(f"the last token's logits differ by at most {np.abs(whole - stepwise).max():.1e}, of {np.abs(whole).max():.0f}")

# %% [markdown]
# ## A question to answer in words
#
# A person reads this answer. A few sentences for each part are enough.
#
# **Three models that run.** None of them raises an error.
#
# 1. A colleague's causal model reaches a loss of 0.02 on held-out text, where good models of this size reach 1.2. What
#    it writes is nonsense. What is the likely fault, why does validation not show it, and which test of two lines does?
# 2. A public checkpoint with RoPE was loaded into your decoder. All shapes fit. Its loss is far better than chance and
#    far worse than published, and gets worse the longer the text. Which detail of section 7 fits that? How do you mend
#    it without touching `rope`, and which of `wq`, `wk`, `wv`, `wo` and their biases change?
# 3. A model has 32 blocks of width 4096 (32 heads of 128) and is served in float16. How large is its KV cache for one
#    sequence of 8192 tokens? Why are keys and values kept, and queries not? Name two ways to make the cache smaller,
#    and what each one costs.

# %% [markdown]
# *Points: 1 + 1.5 + 1.5.*
#
# 1. It leaks: a position sees the token it is to predict (no causal mask, a mask off by one, or inputs and targets not
#    shifted). Validation runs the same forward pass, with the same future at hand, so it is as good as training; only
#    generation has no future. Test: change token t + 1 (or the last one), run again, and compare the outputs up to t:
#    they must be equal to the last digit. (Or: the gradient of output t by inputs after t is 0.)
# 2. The pairing: the checkpoint is made for the other layout (halves and pairs). Shapes are the same, and at small
#    offsets the angles are small, so near tokens are found nearly as before; with the distance the wrong features turn
#    at the wrong speeds. Permute the columns of wq and wk and the entries of bq and bk, head by head, with the same
#    permutation (pairs_to_halves or its inverse). wv, bv, wo, bo stay: values aren't turned. (Another base than 10000
#    is an answer worth a point as well, if it is mended by changing the base.)
# 3. 2 (k and v) · 32 blocks · 8192 positions · 4096 numbers · 2 bytes = 4 GiB. Later queries meet every old key and
#    value again; an old query is never asked again, its output is done. Smaller: fewer heads for keys and values than
#    for queries (multi-query, grouped-query attention: a little quality, and it has to be trained so); 8 or 4 bits per
#    number (rounding errors, work to unpack); a sliding window (what has left it can't be seen); a low-rank latent
#    (MLA: more computation, RoPE needs extra care); sharing between layers; sharing of common prefixes between
#    sequences (only helps where there are some). Two of them with their cost are enough.

# %% [markdown]
# ## 9. Byte-level BPE
#
# A model reads numbers, a text is characters, and there are some 150 000 of them in Unicode. Byte-level *byte-pair
# encoding* starts from the 256 bytes of UTF-8, so that **no text is unknown**, and then glues: the pair of neighbours
# that is most frequent becomes a new token, again and again (Gage 1994 for compression; Sennrich, Haddow & Birch 2016
# for translation; Radford et al. 2019, GPT-2, on bytes). Frequent words end up as one token, rare ones as a few pieces.
#
# Before anything is glued the text is cut into **words**, and no token ever reaches across a cut: otherwise `dog.`,
# `dog!` and `dog?` would be three tokens. The cut below is GPT-2's, as far as Python's `re` can say it: a space belongs
# to the word *after* it, letters, digits and signs stay apart, and of several spaces the last one goes to the word.
# Nothing is lost: the words joined are the text. This leaves a corpus as a table: each word, and how often it occurs.
# The cell imports `re` and `Counter`, which you may use.

# %%
import re
from collections import Counter

WORD = re.compile(r"'(?:[sdmt]|ll|ve|re)| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def split_text(text):
    """The words of a text, each with the space before it; joined they are the text again."""
    return WORD.findall(text)


def count_words(text):
    """How often each word of a text occurs: a dict from the word's UTF-8 bytes to a count."""
    return dict(Counter(word.encode("utf-8") for word in split_text(text)))


# %%
# print(split_text("It's 3 dogs,  not 12 naïve_ones."))
# print(count_words("the dog and the cat and the naïve dog"))

# %% [markdown]
# ### Count the pairs
#
# A word is a tuple of tokens, at first its bytes. A pair counts **once for each place** where it stands, times the
# **count of the word**. `aaa` holds the pair `(a, a)` at two places, so it counts 2, although only one of them can be
# glued. Words have no neighbours: the last token of one and the first of the next are no pair.

# %%
def pair_counts(words):
    """How often each pair of neighbouring tokens occurs in a corpus.

    words    dict from a word, a tuple of token ids, to its count, at least 1
    returns  dict from each pair (left, right) that occurs to its count
    """
    counts = {}
    for tokens, count in words.items():
        for pair in zip(tokens, tokens[1:]):
            counts[pair] = counts.get(pair, 0) + count
    return counts


# %%
# check("pair_counts")

# %% [markdown]
# ### Glue a pair
#
# Everybody must glue the same places, or encoding gives other tokens than training counted on. The rule: go from **left
# to right**, glue the pair where you meet it, go on **after** it. So `aaa` becomes `A a` with `A` for `aa`, and never
# `a A`; `aaaaa` becomes `A A a`.

# %%
def merge_pair(tokens, pair, new):
    """A word with a pair glued wherever it stands.

    tokens   tuple of token ids
    pair     tuple (left, right)
    new      the id of the token that takes the place of the pair; it is neither in tokens nor in pair
    returns  tuple of token ids
    """
    merged, at = [], 0
    while at < len(tokens):
        if tokens[at : at + 2] == pair:
            merged.append(new)
            at += 2
        else:
            merged.append(tokens[at])
            at += 1
    return tuple(merged)


# %%
# check("merge_pair")

# %% [markdown]
# ### Train
#
# Count, take the most frequent pair, glue it in all words, and **count anew**: gluing has changed the neighbours. The
# tokens 0 to 255 are the bytes, the first pair becomes token 256, the next one 257. What is learned is nothing but the
# list of pairs in this order.
#
# Counts are often equal, so a rule for **ties** is part of the algorithm: here the smallest pair wins, as Python compares
# tuples of ids: $(97, 300)$ before $(98, 97)$.
#
# *The detail that catches experts:* everybody breaks ties in another way, and two trainers with the same corpus give
# different tokenisers. Hugging Face's `tokenizers` takes the smallest pair of ids, as you do (but numbers the bytes in
# another order). `subword-nmt` takes the pair that comes *last* in the alphabet. `minbpe` and the trainer in tiktoken's
# `_educational.py` take the pair they met first, so that there the order of the words matters. How OpenAI trained GPT-2's
# merges was never published: only the list is.

# %%
def train_bpe(words, num_merges):
    """Learn merges from a corpus.

    words       dict from a word, bytes, to its count, at least 1
    num_merges  how many pairs to learn; fewer are learned only when no word has a pair left
    returns     dict from a pair of ids to the id of the new token, 256, 257, … in the order in which they were learned.
                Each is the most frequent pair at its turn; of equal counts the smallest pair
    """
    merges, corpus = {}, {tuple(word): count for word, count in words.items()}
    for new in range(256, 256 + num_merges):
        counts = pair_counts(corpus)
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges[best] = new
        corpus = {merge_pair(tokens, best, new): count for tokens, count in corpus.items()}
    return merges


# %%
# check("train_bpe")

# %% [markdown]
# ### Encode a word
#
# Encoding repeats what training would have done to this word: of all pairs in it glue the one that was **learned
# first**, then look again, until no pair is known. Since a merge gives an id that only later merges use, the id of the
# new token is its rank.
#
# The order matters. With the merges `b+c`, then `a+b`, then `bc+d`, the word `abcd` is `a bcd`. Whoever goes from left
# to right glues `a+b` first and ends with `ab c d`. Nor is it the *longest match*, which WordPiece takes: with the
# merges `c+d`, `b+cd`, `a+b` the word `abcd` is `a bcd`, while the longest token that fits at the left is `ab`, which
# leaves `cd`.

# %%
def encode_word(word, merges):
    """The tokens of one word.

    word     bytes, any bytes
    merges   as train_bpe gives them
    returns  list of token ids, [] for a word without bytes
    """
    tokens = tuple(word)
    while True:
        first = min(zip(tokens, tokens[1:]), key=lambda pair: merges.get(pair, np.inf), default=None)
        if first not in merges:
            return list(tokens)
        tokens = merge_pair(tokens, first, merges[first])


# %%
# check("encode_word")

# %% [markdown]
# ### Encode a text
#
# A text is cut into words with `split_text`, each word into its UTF-8 bytes. What training never saw together must not
# be glued now: a merge `e + space` can be in a list, but inside of a word no space follows an `e`.
#
# *The detail that catches experts:* the text must reach the tokeniser as it is. Normalising it (`é` from two code points
# to one), stripping it, or translating `\r\n` gives other tokens, and a text that can't be had back.

# %%
def encode_text(text, merges):
    """The tokens of a text.

    text     a string that UTF-8 can encode
    merges   as train_bpe gives them
    returns  list of token ids, those of the words of split_text one after another
    """
    return [token for word in split_text(text) for token in encode_word(word.encode("utf-8"), merges)]


# %%
# check("encode_text")

# %% [markdown]
# ### Decode
#
# Each token stands for bytes: those of its left part and those of its right part. Join the bytes of **all** tokens, then
# decode UTF-8 once. A token may hold half of a character (😀 has four bytes, and often two tokens), so that decoding token
# by token breaks it. A model may also write bytes that are no UTF-8 at all; they become the replacement character �
# (U+FFFD), as `bytes.decode(errors="replace")` does it, and nothing is raised.
#
# *The detail that catches experts:* this is why a stream of tokens can't be shown token by token. A server holds bytes
# back until they are a whole character. And decoding is the inverse of encoding, but not the other way round: many lists
# of tokens decode to one text, and encoding gives one of them.

# %%
def decode_ids(ids, merges):
    """The text of a list of tokens.

    ids      list of token ids, each below 256 or one of the merges' values
    merges   as train_bpe gives them
    returns  string; bytes that aren't UTF-8 become U+FFFD, as bytes.decode("utf-8", errors="replace") puts it
    """
    pieces = {at: bytes([at]) for at in range(256)}
    for (left, right), new in merges.items():
        pieces[new] = pieces[left] + pieces[right]
    return b"".join(pieces[at] for at in ids).decode("utf-8", errors="replace")


# %%
# check("decode_ids")

# %% [markdown]
# Now train it on something real: the help texts of Python's own standard library, which `help("for")` shows. Half of the
# topics train, the other half is only encoded. How many tokens does a character cost? English gets cheaper with every
# merge, and soon the gain is small. A sentence in another language gains little from merges that were learned on
# English: each letter with an accent has two or three bytes. Users of that language wait longer and pay more for the same
# text (Petrov et al. 2023).

# %%
# from pydoc_data.topics import topics
#
# help_train, help_test = ("\n".join(topics[name] for name in sorted(topics)[half::2]) for half in (0, 1))
# help_words = dict(Counter(count_words(help_train)).most_common(1500))
# help_merges = train_bpe(help_words, 600)
#
#
# def tokens_per_character(text, merges):
#     lengths = {word: len(encode_word(word, merges)) for word in count_words(text)}
#     return sum(lengths[word] * count for word, count in count_words(text).items()) / len(text)
#
#
# vietnamese = "Mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi."
# lines = {"help, the half it was trained on": (help_train[:60000], "-", "o"),
#          "help, the other half": (help_test[:60000], "--", "s"), "a sentence in Vietnamese": (vietnamese, ":", "^")}
# sizes = [0, 10, 25, 50, 100, 200, 400, 600]
# fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
# for label, (sample, style, marker) in lines.items():
#     costs = [tokens_per_character(sample, dict(list(help_merges.items())[:size])) for size in sizes]
#     ax.plot([256 + size for size in sizes], costs, style + marker, color="black", markersize=4, label=label)
# ax.set(xlabel="vocabulary: 256 bytes + merges", ylabel="tokens per character", ylim=(0, None),
#        title="what a character costs")
# ax.legend()
# plt.show()

# %%
# sentence = "The for statement is used to iterate over the elements of a sequence — naïve, isn't it? 😀"
# fig, ax = plt.subplots(figsize=(10, 2.6), layout="constrained")
# for row, size in enumerate([0, 50, 200, 600]):
#     merges_so_far = dict(list(help_merges.items())[:size])
#     ids, x = encode_text(sentence, merges_so_far), 0.0
#     for at, token in enumerate(ids):
#         shown = decode_ids([token], merges_so_far).replace(" ", "·").replace("\ufffd", "▯")
#         box = plt.Rectangle((x, -row), len(shown), 0.8, facecolor=("white", "0.85")[at % 2], edgecolor="0.3",
#                             linewidth=0.6)
#         ax.add_patch(box)
#         ax.text(x + len(shown) / 2, 0.38 - row, shown, ha="center", va="center", size=6.5, family="DejaVu Sans Mono")
#         x += len(shown)
#     ax.text(x + 1, 0.4 - row, f"{len(ids)} tokens", va="center", size=8)
# ax.set(xlim=(-0.5, 108), ylim=(-3.2, 1), xticks=[],
#        title="one sentence, with its token borders (· is a space, ▯ a part of a character)")
# ax.set_yticks([0.4 - row for row in range(4)], [f"{256 + size} ids" for size in (0, 50, 200, 600)])
# plt.show()

# %% [markdown]
# ## 10. Beam search
#
# A language model gives $\log p(y_t \mid y_1 \dots y_{t-1})$ for every next token. Which **sequence** is most probable?
# There are $V^T$ of them. The greedy answer takes the best token at each step, and may walk into a place where all that
# follows is improbable. *Beam search* (Lowerre 1976; Graves 2012 and Sutskever, Vinyals & Le 2014 for neural models)
# keeps the `width` best beginnings, called hypotheses, extends all of them by all tokens, and again keeps the `width`
# best. With `width` 1 it is greedy, with $V^T$ it sees everything.
#
# ### Extend and prune
#
# One step. Log-probabilities of a sequence are **added**. All extensions of all hypotheses compete in **one** list: if
# the first hypothesis has the three best extensions, it may keep all three, and another hypothesis dies. A token with
# log-probability −inf is impossible and no candidate, even where the beam has room. Of candidates with equal sums the
# one whose tuple of tokens is smaller comes first.

# %%
def expand_beam(live, log_probs, width):
    """One step: all hypotheses extended by all tokens, and the best of them.

    live       list of hypotheses, tuples (tokens, total): a tuple of ints and the sum of their log-probabilities
    log_probs  function from a tuple of tokens to an array (V,) float64, the log-probabilities of the next token
    width      the most hypotheses to keep, over all
    returns    list of at most `width` tuples (tokens, total), one token longer, the largest total first; of equal
               totals the smaller tuple of tokens first. Nothing with a total of -inf is among them
    """
    extensions = [
        (tokens + (token,), total + step)
        for tokens, total in live
        for token, step in enumerate(log_probs(tokens).tolist())
        if step > -np.inf
    ]
    return sorted(extensions, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[:width]


# %%
# check("expand_beam")

# %% [markdown]
# ### The search
#
# A hypothesis whose last token is `eos` is **finished**: it is put aside, with its score, and never extended. The
# others go on; the search ends when none is left, or after `max_length` tokens, and then those that are left are
# finished as they are. In the next step the beam is filled up to `width` again from what is live.
#
# It doesn't end when the first hypothesis is finished: a longer one may be better. Above all when **lengths** are
# rewarded. Every token makes the sum smaller, so sums prefer short sequences. GNMT (Wu et al. 2016) divides by a penalty:
#
# $$\text{score}(y) = \frac{\log p(y)}{\text{lp}(L)}, \qquad \text{lp}(L) = \left(\frac{5 + L}{6}\right)^{\alpha},$$
#
# where $L$ counts all generated tokens, **`eos` included**. With $\alpha = 0$ the score is the sum. Only finished
# hypotheses get a score; pruning compares sums, and in one step all have the same length anyway.
#
# *The detail that catches experts:* "beam search" names a family. Here finished hypotheses leave the beam and it stays
# `width` wide; in Nematus it becomes narrower with each finished one; in Hugging Face's `generate` the best `2·width`
# candidates are looked at, so that `width` live ones always remain, and `early_stopping=True` stops at `width` finished
# ones. Some divide by $L^\alpha$, some leave `eos` out of $L$. And a wider beam may give worse translations, for the
# model's most probable sequence is often a very short one (Koehn & Knowles 2017; Stahlberg & Byrne 2019).

# %%
def beam_search(log_probs, eos, width, max_length, alpha=0.0):
    """The best sequences that a beam of the given width finds.

    log_probs   as expand_beam takes it; tokens begin with the first generated one, the empty tuple is the start
    eos         the token that ends a sequence
    width       hypotheses kept in each step, finished ones included; then those are put aside
    max_length  the most tokens, eos included, at least 1; a hypothesis that reaches it is finished without eos, too
    alpha       exponent of the length penalty
    returns     list of the `width` best finished hypotheses (fewer if there are fewer), tuples (tokens, score), eos
                among the tokens; the largest score first, of equal scores the smaller tuple of tokens first
    """
    live, finished = [((), 0.0)], []
    for length in range(1, max_length + 1):
        beam, live = expand_beam(live, log_probs, width), []
        for tokens, total in beam:
            if tokens[-1] == eos or length == max_length:
                finished.append((tokens, total / ((5 + length) / 6) ** alpha))
            else:
                live.append((tokens, total))
    return sorted(finished, key=lambda hypothesis: (-hypothesis[1], hypothesis[0]))[:width]


# %%
# check("beam_search")

# %% [markdown]
# A model in which greedy fails. `a` is the better beginning, but nothing after it is probable; `the` is the second
# best, and what follows it is nearly certain. Width 1 never sees that, width 2 does. Numbers at the nodes are sums of
# log-probabilities.

# %%
# TREE_WORDS = ["■", "a", "the", "cat", "dog"]  # ■ ends a sentence
# TREE_PROBS = {(): [0, 0.55, 0.45, 0, 0], (1,): [0.05, 0, 0, 0.5, 0.45], (2,): [0.02, 0, 0, 0.9, 0.08]}
#
#
# def tree_log_probs(tokens):
#     """After the noun the sentence ends, or goes on with another noun."""
#     probs = TREE_PROBS.get(tokens, [0.85, 0, 0, 0.05, 0.1])
#     with np.errstate(divide="ignore"):
#         return np.log(np.array(probs, float))
#
#
# def draw_beam(ax, width, length=3):
#     """The beam in every step."""
#     ax.text(0, 0, "start", ha="center", va="center", size=8)
#     places, live = {(): 0.0}, [((), 0.0)]
#     for step in range(1, length + 1):
#         candidates = sorted(expand_beam(live, tree_log_probs, 99), key=lambda one: (-places[one[0][:-1]], one[0]))
#         kept = {tokens for tokens, _ in expand_beam(live, tree_log_probs, width)}
#         for tokens, y in zip((tokens for tokens, _ in candidates), np.linspace(1, -1, len(candidates) + 2)[1:-1]):
#             places[tokens] = y * 3
#         for tokens, total in candidates:
#             color = "black" if tokens in kept else "0.45"
#             y, before = places[tokens], places[tokens[:-1]]
#             ax.plot([step - 0.82, step - 0.25], [before, y], color=color, linewidth=1.6 if tokens in kept else 0.8,
#                     linestyle="-" if tokens in kept else ":")
#             ax.text(step - 0.2, y, f"{TREE_WORDS[tokens[-1]]}  {total:.2f}", va="center", size=8, color=color)
#         live = [(tokens, total) for tokens, total in expand_beam(live, tree_log_probs, width) if tokens[-1]]
#     tokens, score = beam_search(tree_log_probs, 0, width, length)[0]
#     ax.set(xlim=(-0.3, length + 0.4), ylim=(-3, 3),
#            title=f"width {width}: {' '.join(TREE_WORDS[token] for token in tokens)}  {score:.2f}")
#     ax.axis("off")
#
#
# fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
# for ax, width in zip(axes, (1, 2)):
#     draw_beam(ax, width)
# axes[0].text(0, -2.9, "solid: kept, dotted: pruned, ■: finished", size=9)
# plt.show()

# %% [markdown]
# ## 11. BLEU
#
# How good is a translation when many are right? BLEU (Papineni et al. 2002) counts which word sequences, *n-grams* of
# length 1 to 4, a candidate shares with human **references**, and multiplies a penalty for being short. It is crude,
# and it has measured progress for twenty years, so it must be computed alike everywhere. Post (2018) found differences
# of up to 1.8 points between papers that all said BLEU, and wrote `sacrebleu`, with which your numbers agree.
#
# Here a sentence is a list of tokens, and a corpus a list of sentences. Each candidate has one reference or several.

# %%
def ngrams(tokens, n):
    """How often each n-gram occurs in a list of tokens: a Counter of tuples."""
    return Counter(zip(*(tokens[at:] for at in range(n))))


# %% [markdown]
# ### Matches, clipped
#
# Of the candidate's n-grams, how many stand in a reference? If each could match as often as it liked, `the the the the`
# would be perfect. So an n-gram matches at most as often as in **the one reference that has it most often**:
#
# $$\text{matches} = \sum_{g} \min\Big(\text{count}(g),\; \max_r \text{count}_r(g)\Big), \qquad
# \text{total} = \sum_g \text{count}(g) .$$
#
# Different n-grams may take their maximum from different references. A sentence shorter than $n$ has none: its total is
# 0, not negative.

# %%
def clipped_matches(candidate, references, n):
    """How many n-grams of a sentence are in its references.

    candidate   list of tokens, may be empty
    references  list of lists of tokens, at least one
    n           length of the n-grams, at least 1
    returns     tuple of ints (matches, total)
    """
    counts, allowed = ngrams(candidate, n), Counter()
    for reference in references:
        allowed |= ngrams(reference, n)  # | is the maximum of the counts, & the minimum
    return (counts & allowed).total(), counts.total()


# %%
# check("clipped_matches")

# %% [markdown]
# ### The brevity penalty
#
# Matches over total is a precision, and precision rewards saying little. Recall is hard to define with several
# references, so BLEU punishes brevity instead. Each sentence has an effective reference length, that of the reference
# **closest** to the candidate's length, and of two that are equally close the **shorter**. Both lengths are summed over
# the corpus, to $c$ and $r$, and only then compared:
#
# $$\text{BP} = \begin{cases} 1 & c \ge r \\ e^{1 - r/c} & c < r \end{cases}$$
#
# A short sentence may so be made up for by a long one. A corpus of empty candidates has the penalty 0.
#
# *The detail that catches experts:* NIST's script `mteval-v11b` takes the shortest reference instead, and scores with
# several references can't be compared with it.

# %%
def brevity_penalty(candidates, references):
    """The penalty for a corpus that is shorter than its references.

    candidates  list of sentences (lists of tokens)
    references  for each sentence the list of its references, at least one
    returns     float between 0 and 1
    """
    closest = [
        min((abs(len(reference) - len(candidate)), len(reference)) for reference in options)[1]
        for candidate, options in zip(candidates, references, strict=True)
    ]
    c, r = sum(map(len, candidates)), sum(closest)
    if c >= r:
        return 1.0
    return float(np.exp(1 - r / c)) if c else 0.0


# %%
# check("brevity_penalty")

# %% [markdown]
# ### The score
#
# $$\text{BLEU} = 100 \cdot \text{BP} \cdot \exp\Big(\frac14 \sum_{n=1}^{4} \log p_n\Big), \qquad
# p_n = \frac{\sum_\text{sentences} \text{matches}_n}{\sum_\text{sentences} \text{total}_n} .$$
#
# The sums run over the **corpus**: BLEU isn't the mean of sentences' BLEU, nor is $p_n$ a mean of sentences'
# precisions. The mean over $n$ is geometric, so one $p_n = 0$ makes the score 0. For a corpus that is rare, for a few
# sentences it isn't, and sacrebleu smooths by default (`"exp"`, from NIST's `mteval-v13a`): the first $n$ with no match
# gets $p_n = \frac{1}{2 \cdot \text{total}_n}$, the second $\frac{1}{4 \cdot \text{total}_n}$, and so on. Smoothed or
# not, the score is 0 if not even one word matches, or if some total is 0 (no sentence has four tokens).
#
# *The detail that catches experts:* most disagreements about BLEU are about **tokens**, not about this formula: `don't`
# as one, two or three of them, upper case or lower, and hence sacrebleu's *signature*, which is quoted beside the
# number.

# %%
def corpus_bleu(candidates, references, smoothing="none"):
    """BLEU of a corpus, as sacrebleu counts it.

    candidates  list of at least one sentence (a list of tokens)
    references  for each sentence the list of its references, at least one
    smoothing   "none", or "exp": the k-th n without a match has the precision 1 / (2^k total)
    returns     float between 0 and 100
    """
    log_precisions, zeros = [], 0
    for n in range(1, 5):
        pairs = [clipped_matches(*sentence, n) for sentence in zip(candidates, references, strict=True)]
        matches, total = map(sum, zip(*pairs))
        if total == 0 or (matches == 0 and (smoothing == "none" or n == 1)):
            return 0.0
        if matches == 0:
            zeros += 1
            matches = 2.0**-zeros
        log_precisions.append(np.log(matches / total))
    return float(100 * brevity_penalty(candidates, references) * np.exp(np.mean(log_precisions)))


# %%
# check("corpus_bleu")

# %% [markdown]
# What does BLEU punish? Sentences of 20 words are damaged in three ways, more and more. If words are replaced, the
# precisions fall, the long n-grams first. If the order is broken, single words still match and only the longer n-grams
# fall. If the ends are cut off, every n-gram is right, and nothing but the brevity penalty says that something is
# missing.

# %%
# rng = np.random.default_rng(0)
# originals = [[f"w{word}" for word in rng.integers(0, 500, 20)] for _ in range(60)]
#
#
# def damaged(tokens, kind, share):
#     """A copy in which a share of the tokens is replaced, moved, or cut off."""
#     tokens, hit = list(tokens), np.flatnonzero(rng.random(len(tokens)) < share)
#     if kind == "cut off":
#         return tokens[: round(len(tokens) * (1 - share))]
#     new = [f"x{at}" for at in hit] if kind == "replaced" else [tokens[at] for at in rng.permutation(hit)]
#     for at, token in zip(hit, new):
#         tokens[at] = token
#     return tokens
#
#
# shares = np.linspace(0, 0.6, 13)
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
# for kind, style in zip(("replaced", "moved", "cut off"), ("-", "--", ":")):
#     scores = [corpus_bleu([damaged(tokens, kind, share) for tokens in originals], [[tokens] for tokens in originals])
#               for share in shares]
#     left.plot(100 * shares, scores, style, color="black", label=kind)
# left.set(xlabel="words damaged, %", ylabel="BLEU", title="three kinds of damage")
# left.legend()
# for at, kind in enumerate(("replaced", "moved", "cut off")):
#     broken = [damaged(tokens, kind, 0.3) for tokens in originals]
#     counts = np.array([[clipped_matches(tokens, [other], n) for n in range(1, 5)]
#                        for tokens, other in zip(broken, originals)]).sum(axis=0)
#     bars = [*counts[:, 0] / counts[:, 1], brevity_penalty(broken, [[tokens] for tokens in originals])]
#     right.bar(np.arange(5) + 0.27 * (at - 1), bars, 0.25, color=("white", "0.75", "0.4")[at], edgecolor="black",
#               hatch=("", "//", "")[at], label=kind)
# right.set_xticks(range(5), ["$p_1$", "$p_2$", "$p_3$", "$p_4$", "BP"])
# right.set(ylim=(0, 1.3), title="at 30 % damage")
# right.legend(ncols=3, fontsize=8, loc="upper center")
# plt.show()

# %% [markdown]
# ## 12. CTC
#
# A recording has 500 frames, its transcript 40 letters, and nobody wrote down which frame belongs to which letter.
# *Connectionist temporal classification* (Graves et al. 2006) lets the network write one symbol for **each frame**, one
# of the letters or a **blank**, and sums over all ways to do so that read as the transcript. No alignment is needed to
# train, and the network finds one.
#
# A way to write is a path, one symbol per frame. What it reads as comes from two steps **in this order**: merge
# repeated neighbours into one, then drop the blanks. With `-` for the blank, `cc-aa-t`, `c-a---t` and `-caattt` all read
# `cat`. The blank is what separates double letters: `hel-lo` reads `hello`, `hello` reads `helo`.

# %%
def ctc_collapse(path, blank):
    """What a path reads as.

    path     list of ints, one symbol per frame, may be empty
    blank    the symbol that stands for nothing
    returns  list of ints, without blanks
    """
    merged = [symbol for at, symbol in enumerate(path) if at == 0 or symbol != path[at - 1]]
    return [symbol for symbol in merged if symbol != blank]


# %%
# check("ctc_collapse")

# %% [markdown]
# ### Greedy decoding
#
# The cheapest decoder takes the most probable symbol of each frame and collapses that path. A batch is padded: frames
# beyond a sequence's own length aren't read. (Whatever the padding holds, it isn't silence.)
#
# *The detail that catches experts:* this is the most probable **path**, not the most probable **text**, whose
# probability is a sum over paths. With two frames of $p(\text{a}) = 0.4$, $p(\text{-}) = 0.6$ the best path is `--`
# with 0.36, but `a` has $0.16 + 0.24 + 0.24 = 0.64$. Prefix beam search adds up the paths of each text.

# %%
def ctc_greedy(logits, lengths, blank=0):
    """What the most probable path of each sequence reads as.

    logits   (B, T, C) floats
    lengths  (B,) int64, frames of each sequence, from 0 to T
    blank    the class of the blank
    returns  list of B lists of ints
    """
    paths = tf.argmax(logits, axis=2).numpy().tolist()
    return [ctc_collapse(path[:length], blank) for path, length in zip(paths, lengths.numpy().tolist())]


# %%
# check("ctc_greedy")

# %% [markdown]
# ### The lattice
#
# Which paths read as `aab`? Write the target with a blank before, between and after its labels: `- a - a - b -`. These
# $S = 2U + 1$ places are *states*. A path begins in state 0 or 1, ends in one of the last two, and from frame to frame
#
# - **stays** in its state (a repeated symbol),
# - moves to the **next** state,
# - or **skips** one state, over a blank: from label to label, if the two labels **differ**. Between equal labels the
#   blank must be written, or they would merge. And nobody may skip a label, so that a blank is never reached by a skip.

# %%
def ctc_states(targets, blank=0):
    """The states of the lattice and which of them a skip may reach.

    targets  (B, U) int64, U may be 0; no label is the blank
    blank    the class of the blank
    returns  states (B, 2U + 1) int64, the class of each state;
             skip (B, 2U + 1) bool: whether the state may be reached from the one two before it
    """
    batch, length = targets.shape
    pairs = tf.stack([tf.fill([batch, length], tf.constant(blank, targets.dtype)), targets], axis=2)
    states = tf.pad(tf.reshape(pairs, [batch, 2 * length]), [[0, 0], [0, 1]], constant_values=blank)
    before = tf.pad(states, [[0, 0], [2, 0]], constant_values=blank)[:, : 2 * length + 1]
    start = tf.range(2 * length + 1) < 2
    return states, (states != before) & ~start  # a blank has a blank two before it


# %%
# check("ctc_states")

# %% [markdown]
# ### The forward sum
#
# Let $\alpha_{t,s}$ be the log of the summed probability of all beginnings that are in state $s$ at frame $t$. With
# $\ell_{t,s}$ for the log-probability at frame $t$ of the class of state $s$,
#
# $$\alpha_{0,s} = \begin{cases} \ell_{0,s} & s < 2 \\ -\infty & \text{else} \end{cases}, \qquad
# \alpha_{t,s} = \ell_{t,s} + \log\big( e^{\alpha_{t-1,s}} + e^{\alpha_{t-1,s-1}} +
# [\text{skip}_s]\, e^{\alpha_{t-1,s-2}} \big) .$$
#
# It must be done with logarithms: 500 frames of probability 0.1 multiply to $10^{-500}$, which is 0 in every float. But
# $\log 0 = -\infty$ is a trap for autograd: the gradient of $\log(e^{-\infty} + e^{-\infty})$ is $0/0$, NaN, and a NaN
# times 0 is still NaN. So write `LOG_ZERO`, −10³⁰, for "impossible": it swallows whatever is added to it, its `exp` is 0,
# and everything stays finite.

# %%
LOG_ZERO = -1e30  # the logarithm of 0, as far as a gradient can bear it; finite in float32


# %%
def ctc_alpha(log_probs, states, skip):
    """The forward sums of a batch, for all T frames (lengths come later).

    log_probs  (B, T, C) floats, finite, T at least 1
    states     (B, S) int64 and
    skip       (B, S) bool, as ctc_states gives them
    returns    alpha (B, T, S), in the dtype of log_probs; what can't be reached is below -1e29
    """
    frames, size = log_probs.shape[1], states.shape[1]
    index = tf.repeat(states[:, None], frames, axis=1)
    emitted = tf.unstack(tf.gather(log_probs, index, axis=2, batch_dims=2), axis=1)
    alpha = [tf.where(tf.range(size) < 2, emitted[0], LOG_ZERO)]
    for t in range(1, frames):
        before = tf.pad(alpha[-1], [[0, 0], [2, 0]], constant_values=LOG_ZERO)
        ways = tf.stack([alpha[-1], before[:, 1:-1], tf.where(skip, before[:, :-2], LOG_ZERO)])
        alpha.append(tf.reduce_logsumexp(ways, axis=0) + emitted[t])
    return tf.stack(alpha, axis=1)


# %%
# check("ctc_alpha")

# %% [markdown]
# ### The loss
#
# The probability of the target is the sum over the **two** states in which a path may end: the last label and the blank
# after it, each sequence at its own last frame $T_b - 1$ and its own states $2U_b$ and $2U_b - 1$:
#
# $$\text{loss}_b = -\log\big( e^{\alpha_{T_b - 1,\,2U_b}} + e^{\alpha_{T_b - 1,\,2U_b - 1}} \big) .$$
#
# Two cases need care. An **empty** target has one state only, state 0; its loss is that of a path of blanks. And a
# target may be **impossible**: it takes a frame for each label and one for the blank between each two equal labels, so
# 4 frames for `aab`. With fewer its probability is 0 and its loss **inf**, not NaN, and its gradient **0**: one bad
# recording shall not destroy a batch.
#
# *The details that catch experts:*
#
# - PyTorch's `F.ctc_loss` wants log-probabilities, and its gradient is right only **behind a log-softmax**: it gives back
#   the gradient by the logits. Its batch comes second, its `reduction="mean"` divides each loss by its target's length
#   first, and without `zero_infinity=True` an impossible target has a gradient of NaN.
# - TensorFlow's `tf.nn.ctc_loss` wants logits, and its $\log 0$ is about −708: an impossible target costs some 710
#   instead of inf, and where true losses are of that size the result may be off by dozens.
# - The blank is class 0 in PyTorch and in `tf.nn.ctc_loss`, but the **last** class in `tf.compat.v1.nn.ctc_loss`.

# %%
def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
    """The CTC loss of each sequence, differentiable by the logits.

    logits          (B, T, C) floats, finite; softmax over the last axis gives the probabilities
    targets         (B, U) int64, U may be 0; behind the length of a target stands anything from 0 to C - 1
    lengths         (B,) int64, frames of each sequence, from 1 to T
    target_lengths  (B,) int64, labels of each target, from 0 to U
    blank           the class of the blank
    returns         (B,) in the dtype of logits; inf for a target that doesn't fit its frames, with a gradient of 0
    """
    states, skip = ctc_states(targets, blank)
    alpha = ctc_alpha(tf.nn.log_softmax(logits, axis=2), states, skip)
    last = tf.gather(alpha, lengths - 1, axis=1, batch_dims=1)
    ends = tf.stack([2 * target_lengths, tf.maximum(2 * target_lengths - 1, 0)], axis=1)
    there = tf.stack([target_lengths >= 0, target_lengths > 0], axis=1)
    total = tf.reduce_logsumexp(tf.where(there, tf.gather(last, ends, axis=1, batch_dims=1), LOG_ZERO), axis=1)
    return tf.where(total > LOG_ZERO / 2, -total, np.inf)

# %%
# check("ctc_loss")

# %% [markdown]
# The lattice of `aab` in eight frames, with random log-probabilities. A dark circle has a large $\alpha$ within its
# frame; empty places can't be reached, or are too late to reach the end. From state 1 to state 3, `a` to `a`, there is
# no skip; from state 3 to state 5, `a` to `b`, there is.

# %%
# rng = np.random.default_rng(3)
# ctc_names, frames = "-ab", 8
# lattice_logits = tf.constant(rng.normal(size=(1, frames, 3)))
# lattice_targets = tf.constant([[1, 1, 2]], tf.int64)
# lattice_states, lattice_skip = (part[0].numpy() for part in ctc_states(lattice_targets))
# alpha_drawn = ctc_alpha(tf.nn.log_softmax(lattice_logits), *ctc_states(lattice_targets))[0].numpy()
# three, frame_count = tf.constant([3], tf.int64), tf.constant([frames], tf.int64)
# lattice_loss = ctc_loss(lattice_logits, lattice_targets, frame_count, three).numpy().item()

# %%
# size = len(lattice_states)
# reachable = alpha_drawn > LOG_ZERO / 2
# reaches = np.zeros_like(reachable)
# reaches[-1, -2:] = True
# edges = []
# for t in range(frames - 1, 0, -1):
#     for s in range(size):
#         for by in (0, 1, 2) if lattice_skip[s] else (0, 1):
#             if s - by >= 0 and reaches[t, s] and reachable[t - 1, s - by]:
#                 reaches[t - 1, s - by] = True
#                 edges.append((t, s, by))
# fig, ax = plt.subplots(figsize=(9, 4.2), layout="constrained")
# for t, s, by in edges:
#     ax.annotate("", (t - 0.2, -s), (t - 0.8, by - s), arrowprops={
#         "arrowstyle": "->", "color": ("0.6", "0.4", "black")[by], "linestyle": ("-", "-", "--")[by]})
# for t, s in np.argwhere(reaches & reachable):
#     shade = float(np.exp(alpha_drawn[t, s] - alpha_drawn[t][reachable[t]].max()))
#     ax.scatter(t, -s, s=500, color=str(1 - 0.85 * shade), edgecolor="black", zorder=2)
#     ax.text(t, -s, f"{alpha_drawn[t, s]:.1f}", ha="center", va="center", size=7, zorder=3,
#             color="white" if shade > 0.5 else "black")
# ax.set_yticks([-s for s in range(size)], [f"{ctc_names[label]}   state {s}" for s, label in enumerate(lattice_states)])
# ax.set(xlabel="frame", xlim=(-0.5, frames - 0.5), ylim=(0.6 - size, 0.6),
#        title=f"α of every state on a path that reads aab (dashed: skips); loss {lattice_loss:.3f}")
# plt.show()

# %% [markdown]
# ### A question to answer in words: numbers that don't compare
#
# A person reads this answer. A few sentences each are enough.
#
# 1. Model A has a BPE vocabulary of 32 000 and a perplexity of 24.0 per token on a text of which a token holds 4.2
#    bytes on average. Model B reads single bytes and has a perplexity of 2.40 per byte. Which one models the text
#    better? Show the number by which you compare them, and say why perplexities per token can't be.
# 2. A translator's beam search is widened from 4 to 100. The log-probability of what it finds rises on every sentence,
#    and BLEU falls by three points. How can both be true? Which of BLEU's factors would you look at first, and which
#    one setting of the search would you change?
# 3. A speech model has 40 ms per frame after its subsampling and is trained with CTC. Of 10 000 recordings 60 have the
#    loss inf. One of them lasts 1.6 s, and its transcript has 38 letters with four doubled ones. Explain it, and name
#    two remedies.

# %% [markdown]
# *Points: 1.5 + 1.5 + 1.*
#
# 1. Bits per byte: A has log2(24.0) = 4.58 bits per token, over 4.2 bytes: 1.09 bits per byte. B has log2(2.40) = 1.26
#    bits per byte. A is better. The probability of the whole text is what counts, and perplexity spreads it over the
#    number of tokens, which is the tokeniser's doing: with longer tokens the same model of the text has a higher
#    perplexity.
# 2. The search finds what the model believes in, and the model's most probable sequences are often too short: each
#    token costs probability, so that sums favour short outputs, in the extreme the empty one; a narrow beam never got
#    that far (it hid an error of the model behind an error of the search). BLEU sees other things. Look at the brevity
#    penalty (or the ratio of lengths c / r) first, and normalise by length (alpha, about 0.6 to 1, tuned on held-out
#    data); going back to a small beam also answers.
# 3. 1.6 s are 40 frames. CTC needs a frame for each label and a blank between equal neighbours: 38 + 4 = 42. No path
#    reads as the transcript, its probability is 0. Remedies: less subsampling (20 ms per frame); longer units than
#    letters (BPE has fewer labels); leave these recordings out or give them no weight (zero_infinity), if they are few,
#    and look at them, for a wrong transcript looks the same.
