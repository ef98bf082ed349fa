"""Classic mistakes in attention, its heads and the Transformer block, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

ATTENTION = ("multi_head_attention", "transformer_block", "rope_attention", "cached_attention", "decoder")
BLOCKS = ("transformer_block", "decoder")
WEIGHTS = "tf.where(mask, tf.nn.softmax(tf.where(mask, scores, q.dtype.min)), 0)"

edited(
    "attention",
    "mask after the softmax",
    old=WEIGHTS,
    new="tf.where(mask, tf.nn.softmax(scores), 0)",
    hint="This is what you get with the mask after the softmax: rows no longer sum to 1. Mask the scores first.",
    also=ATTENTION,
)
edited(
    "attention",
    "scores times mask",
    old=WEIGHTS,
    new="tf.nn.softmax(scores * tf.cast(mask, scores.dtype))",
    hint="Scores times the mask are 0 where it is False, and exp(0) is 1: forbidden keys keep a share. Fill with the "
    "lowest finite number.",
    also=ATTENTION,
)
edited(
    "attention",
    "mask inverted",
    old=WEIGHTS,
    new="tf.where(mask, 0, tf.nn.softmax(tf.where(mask, q.dtype.min, scores)))",
    hint="The mask is taken the wrong way round. Here True means: may attend.",
    also=ATTENTION,
)
edited(
    "attention",
    "NaN in rows of nothing",
    old=WEIGHTS,
    new="tf.nn.softmax(tf.where(mask, scores, -np.inf))",
    hint="A row of nothing but -inf has a softmax of 0/0. Fill with the lowest finite number, and set the weights to 0 "
    "where the mask is False.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "NaN in the gradients",
    old=WEIGHTS,
    new="tf.nn.softmax(scores + tf.where(mask, tf.zeros_like(scores), -np.inf))\n"
    "        weights = tf.where(tf.math.is_nan(weights), 0, weights)",
    hint="The values are right, but gradients of rows of nothing are NaN: the softmax's backward pass multiplies NaN "
    "by 0, and an addition passes it on. Fill with the lowest finite number instead of adding -inf.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "rows of nothing attend to all",
    old=WEIGHTS,
    new="tf.nn.softmax(tf.where(mask, scores, q.dtype.min))",
    hint="Rows of nothing became uniform: where all scores are the same, so are the weights. Set the weights to 0 "
    "where the mask is False.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "filled with too little",
    old=WEIGHTS,
    new="tf.where(mask, tf.nn.softmax(tf.where(mask, scores, -1e4)), 0)",
    hint="-1e4 isn't low enough: with large scores the forbidden keys take the weight. Fill with the dtype's min.",
)


@mistake(
    "attention",
    hint="The softmax runs over the queries. Each query shares out its weight among the keys, the last axis.",
    also=ATTENTION,
)
def softmax_over_queries():
    def attention(q, k, v, mask=None):
        scores = tf.matmul(q, k, transpose_b=True) / q.shape[-1] ** 0.5
        if mask is None:
            weights = tf.nn.softmax(scores, axis=-2)
        else:
            weights = tf.where(mask, tf.nn.softmax(tf.where(mask, scores, q.dtype.min), axis=-2), 0)
        return weights @ v, weights


@mistake(
    "split_heads",
    hint="Heads and times are mixed up: one reshape to (B, H, T, d) gives each head some of the positions. Split the "
    "last axis, (B, T, H, d), then let two axes change places.",
    also=ATTENTION,
)
def heads_by_one_reshape():
    def split_heads(x, heads):
        b, t, d = x.shape
        return tf.reshape(x, (b, heads, t, d // heads))


@mistake(
    "split_heads",
    hint="Each head got every H-th feature. Head h has the h-th slice: split the last axis into (H, d), not (d, H).",
    also=ATTENTION,
)
def heads_interleaved():
    def split_heads(x, heads):
        b, t, d = x.shape
        return tf.transpose(tf.reshape(x, (b, t, d // heads, heads)), (0, 3, 1, 2))


@mistake(
    "split_heads",
    hint="The axes are (B, T, H, d). Heads come before times: let the two axes change places.",
    also=ATTENTION,
)
def heads_not_moved():
    def split_heads(x, heads):
        b, t, d = x.shape
        return tf.reshape(x, (b, t, heads, d // heads))


@mistake(
    "merge_heads",
    hint="Heads and times are mixed up: the axes must change places before heads and features become one axis.",
    also=ATTENTION,
)
def merged_without_transposing():
    def merge_heads(x):
        b, h, t, d = x.shape
        return tf.reshape(x, (b, t, h * d))


@mistake(
    "merge_heads",
    hint="The heads' features alternate. First come all of head 0, then all of head 1: the last two axes are (H, d).",
    also=ATTENTION,
)
def merged_alternating():
    def merge_heads(x):
        b, h, t, d = x.shape
        return tf.reshape(tf.transpose(x, (0, 2, 3, 1)), (b, t, h * d))


@mistake(
    "causal_mask",
    hint="This is a mask to be added to scores, 0 and -inf. What is asked is a boolean one, True: may attend.",
    also=("transformer_block", "rope_attention", "cached_attention", "decoder"),
)
def mask_to_be_added():
    def causal_mask(queries, keys):
        return tf.constant(np.where(np.tri(queries, keys, keys - queries), 0, -np.inf))


edited(
    "layer_norm",
    "unbiased variance",
    old="variance = tf.reduce_mean(centred**2, axis=-1, keepdims=True)",
    new="variance = tf.reduce_sum(centred**2, axis=-1, keepdims=True) / (x.shape[-1] - 1)",
    hint="This is what you get with the unbiased variance, dividing by D - 1. LayerNorm divides by D.",
    also=BLOCKS,
)
edited(
    "layer_norm",
    "mean not subtracted",
    old="centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)",
    new="centred = x",
    hint="The mean isn't subtracted: this is RMSNorm.",
    also=BLOCKS,
)


@mistake(
    "layer_norm",
    hint="Mean and variance were taken over positions as well. Each position is normalised for itself: the last axis.",
    also=BLOCKS,
)
def normalised_over_positions():
    def layer_norm(x, scale, shift, eps=1e-5):
        axes = tuple(range(-min(len(x.shape), 2), 0))
        centred = x - tf.reduce_mean(x, axis=axes, keepdims=True)
        return centred / (tf.reduce_mean(centred**2, axis=axes, keepdims=True) + eps) ** 0.5 * scale + shift


GELU = "hidden = hidden / 2 * (1 + tf.math.erf(hidden / 2**0.5))"

edited(
    "feed_forward",
    "GELU by tanh",
    old=GELU,
    new="hidden = tf.nn.gelu(hidden, approximate=True)",
    hint="This is the GELU approximated by tanh, as GPT-2 has it. Asked is the exact one, with erf.",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "GELU by a sigmoid",
    old=GELU,
    new="hidden = hidden * tf.sigmoid(1.702 * hidden)",
    hint="This is the GELU approximated by a sigmoid. Asked is the exact one, with erf.",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "ReLU",
    old=GELU,
    new="hidden = tf.nn.relu(hidden)",
    hint="This is what you get with ReLU. Asked is GELU.",
    also=BLOCKS,
)
