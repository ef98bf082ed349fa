"""Classic mistakes with positions, RoPE and the cache of keys and values, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

CACHED = ("cached_attention", "decoder")
ENCODING = "return tf.reshape(tf.stack([tf.sin(angles), tf.cos(angles)], -1), (len(positions), width))"

edited(
    "sinusoidal_encoding",
    "sine and cosine swapped",
    old=ENCODING,
    new="return tf.reshape(tf.stack([tf.cos(angles), tf.sin(angles)], -1), (len(positions), width))",
    hint="Cosines are in the even columns. The sine comes first.",
)
edited(
    "sinusoidal_encoding",
    "all sines first",
    old=ENCODING,
    new="return tf.concat([tf.sin(angles), tf.cos(angles)], -1)",
    hint="All sines come first, as in the authors' code. In the paper, and here, they alternate with the cosines.",
)


edited(
    "sinusoidal_encoding",
    "frequencies in float32",
    old="exponents = tf.range(0, width, 2, dtype=positions.dtype) / width",
    new="exponents = tf.cast(tf.cast(tf.range(0, width, 2) / width, tf.float32), positions.dtype)",
    hint="The frequencies were computed in float32, though positions are float64. Give tf.range the dtype of "
    "positions.",
)


@mistake(
    "sinusoidal_encoding",
    hint="Each column has a frequency of its own. The sine and the cosine of a pair have the same one, 2i/D.",
)
def column_by_column():
    def sinusoidal_encoding(positions, width):
        columns = tf.range(width, dtype=positions.dtype)
        angles = positions[:, None] / 10000 ** (columns / width)
        return tf.where(columns % 2 == 0, tf.sin(angles), tf.cos(angles))


ANGLES = "angles = tf.cast(positions[..., None], x.dtype) / 10000**exponents"

edited(
    "rope",
    "position off by one",
    old=ANGLES,
    new=ANGLES.replace("None]", "None] + 1"),
    hint="Positions are off by one. Take them as they are given: at position 0 nothing turns.",
    also=CACHED,
)
edited(
    "rope",
    "positions not used",
    old=ANGLES,
    new="angles = tf.range(x.shape[-2], dtype=x.dtype)[:, None] / 10000**exponents",
    hint="Positions are counted from 0, whatever is given. With a cache they begin later.",
    also=("rope_attention", "cached_attention", "decoder"),
)
edited(
    "rope",
    "angles in float32",
    old=ANGLES,
    new="angles = tf.cast(positions[..., None], tf.float32) / 10000 ** tf.cast(exponents, tf.float32)\n"
    "    angles = tf.cast(angles, x.dtype)",
    hint="Angles were computed in float32 though x is float64. Compute them in the dtype of x.",
    also=("rope_attention", "cached_attention", "decoder"),
)
edited(
    "rope",
    "pairs put back as halves",
    old="return tf.reshape(tf.stack(turned, -1), x.shape) if pairs else tf.concat(turned, -1)",
    new="return tf.concat(turned, -1)",
    hint="Neighbours were turned, but put back as halves: all first numbers, then all second ones. Put each where "
    "it was.",
    also=CACHED,
)


@mistake(
    "rope",
    hint="In the layout halves the angles must be repeated as a whole, θ₀ θ₁ … θ₀ θ₁ …, so that i and i + d/2 "
    "share one. Here each stands twice in a row.",
)
def angles_of_the_other_layout():
    def rope(x, positions, layout="pairs"):
        half = x.shape[-1] // 2
        exponents = tf.range(half, dtype=x.dtype) / half
        angles = tf.repeat(tf.cast(positions[..., None], x.dtype) / 10000**exponents, 2, axis=-1)
        if layout == "pairs":
            other = tf.reshape(tf.stack([-x[..., 1::2], x[..., 0::2]], -1), x.shape)
        else:
            other = tf.concat([-x[..., half:], x[..., :half]], -1)
        return x * tf.cos(angles) + other * tf.sin(angles)


@mistake(
    "pairs_to_halves",
    hint="The rows were permuted. Weights are (in, out) here: the features of the heads are the columns.",
)
def rows_permuted():
    def pairs_to_halves(w, heads):
        pairs = tf.reshape(w, (heads, -1, 2, *w.shape[1:]))
        return tf.reshape(tf.einsum("hij...->hji...", pairs), w.shape)


@mistake(
    "cached_attention",
    hint="The cache's keys were turned once more at each step. They were turned when they were appended; turn the new "
    "ones alone.",
    also=("decoder",),
)
def turned_again():
    def cached_attention(x, cache, params, heads):
        past, t = cache["k"].shape[2], x.shape[1]
        q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
        positions = tf.range(past + t)
        k = rope(tf.concat([cache["k"], k], 2), positions)
        v = tf.concat([cache["v"], v], 2)
        y, _ = attention(rope(q, positions[past:]), k, v, causal_mask(t, past + t))
        return merge_heads(y) @ params["wo"] + params["bo"], {"k": k, "v": v}


@mistake(
    "cached_attention",
    hint="The cache holds keys before RoPE, and all are turned at each step. It can be done so, but here the cache "
    "holds turned keys: turn each once, when it is appended.",
    also=("decoder",),
)
def keys_turned_when_used():
    def cached_attention(x, cache, params, heads):
        past, t = cache["k"].shape[2], x.shape[1]
        q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
        positions = tf.range(past + t)
        k, v = tf.concat([cache["k"], k], 2), tf.concat([cache["v"], v], 2)
        mask = causal_mask(t, past + t)
        y, _ = attention(rope(q, positions[past:]), rope(k, positions), v, mask)
        return merge_heads(y) @ params["wo"] + params["bo"], {"k": k, "v": v}


edited(
    "cached_attention",
    "put before the cache",
    old='k = tf.concat([cache["k"], rope(k, positions)], 2)\n    v = tf.concat([cache["v"], v], 2)',
    new='k = tf.concat([rope(k, positions), cache["k"]], 2)\n    v = tf.concat([v, cache["v"]], 2)',
    hint="The new keys and values stand before the old ones. Append them behind.",
    also=("decoder",),
)
