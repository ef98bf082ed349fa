"""Other right answers about attention and the Transformer block, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("attention")
def by_a_layer_of_keras():
    def attention(q, k, v, mask=None):
        scores = tf.einsum("...td,...sd->...ts", q / q.shape[-1] ** 0.5, k)
        mask = tf.ones_like(scores, tf.bool) if mask is None else tf.broadcast_to(mask, scores.shape)
        weights = tf.keras.layers.Softmax(dtype=q.dtype)(scores, mask) * tf.cast(mask, q.dtype)
        return tf.einsum("...ts,...se->...te", weights, v), weights


@alternative("attention")
def by_minus_infinity():
    def attention(q, k, v, mask=None):
        scores = q @ tf.linalg.matrix_transpose(k) * q.shape[-1] ** -0.5
        if mask is not None:
            scores = tf.where(mask, scores, -np.inf)
        weights = tf.nn.softmax(scores)
        weights = tf.where(tf.math.is_nan(weights), 0, weights)
        return weights @ v, weights


@alternative("attention")
def by_exponentials():
    def attention(q, k, v, mask=None):
        scores = tf.matmul(q, k, adjoint_b=True) / np.sqrt(q.shape[-1]).item()
        mask = tf.ones_like(scores, tf.bool) if mask is None else mask
        scores = tf.where(mask, scores, -1e30)
        high = tf.stop_gradient(tf.reduce_max(scores, axis=-1, keepdims=True))
        parts = tf.exp(scores - high) * tf.cast(mask, q.dtype)
        weights = tf.math.divide_no_nan(parts, tf.reduce_sum(parts, axis=-1, keepdims=True))
        return weights @ v, weights


@alternative("split_heads")
def by_split():
    def split_heads(x, heads):
        return tf.stack(tf.split(x, heads, axis=-1), axis=1)


@alternative("split_heads")
def by_einsum():
    def split_heads(x, heads):
        return tf.einsum("bthd->bhtd", tf.reshape(x, (*x.shape[:2], heads, -1)))


@alternative("merge_heads")
def by_unstack():
    def merge_heads(x):
        return tf.concat(tf.unstack(x, axis=1), axis=-1)


@alternative("merge_heads")
def by_einsum_():
    def merge_heads(x):
        return tf.reshape(tf.einsum("bhtd->bthd", x), (x.shape[0], x.shape[2], -1))


@alternative("multi_head_attention")
def by_kernels_as_in_keras():
    def multi_head_attention(x, memory, params, heads, mask=None):
        (b, t, d), s = x.shape, memory.shape[1]

        def projected(inputs, name):
            kernel = tf.reshape(params["w" + name], (inputs.shape[-1], heads, -1))
            return tf.einsum("btd,dhe->bhte", inputs, kernel) + tf.reshape(params["b" + name], (heads, 1, -1))

        q, k, v = projected(x, "q"), projected(memory, "k"), projected(memory, "v")
        mask = None if mask is None else tf.broadcast_to(mask, (b, t, s))[:, None]
        y, weights = attention(q, k, v, mask)
        return tf.einsum("bhte,hed->btd", y, tf.reshape(params["wo"], (heads, -1, d))) + params["bo"], weights


@alternative("causal_mask")
def by_band_part():
    def causal_mask(queries, keys):
        return tf.linalg.band_part(tf.ones((queries, keys), tf.bool), -1, keys - queries)


@alternative("causal_mask")
def by_numpy():
    def causal_mask(queries, keys):
        return tf.constant(np.tri(queries, keys, keys - queries, dtype=bool))


@alternative("layer_norm")
def by_keras_ops():
    def layer_norm(x, scale, shift, eps=1e-5):
        mean, variance = tf.nn.moments(x, axes=[-1], keepdims=True)
        return tf.nn.batch_normalization(x, mean, variance, shift, scale, eps)


@alternative("layer_norm")
def by_squared_difference():
    def layer_norm(x, scale, shift, eps=1e-5):
        mean = tf.reduce_mean(x, -1, True)
        variance = tf.reduce_mean(tf.math.squared_difference(x, mean), -1, True)
        return (x - mean) * tf.math.rsqrt(variance + eps) * scale + shift


@alternative("feed_forward")
def by_keras():
    def feed_forward(x, params):
        hidden = tf.keras.activations.gelu(tf.tensordot(x, params["w1"], 1) + params["b1"])
        return tf.tensordot(hidden, params["w2"], 1) + params["b2"]


@alternative("feed_forward")
def by_erfc():
    def feed_forward(x, params):
        hidden = tf.einsum("...d,dm->...m", x, params["w1"]) + params["b1"]
        hidden = hidden * tf.math.erfc(-hidden / np.sqrt(2).item()) / 2
        return tf.einsum("...m,md->...d", hidden, params["w2"]) + params["b2"]


@alternative("transformer_block")
def by_one_projection():
    def transformer_block(x, params, heads, real=None):
        b, t, d = x.shape
        mask = tf.linalg.band_part(tf.ones((1, 1, t, t), tf.bool), -1, 0)
        mask = mask if real is None else mask & real[:, None, None]
        normed = layer_norm(x, params["norm1_scale"], params["norm1_shift"])
        weight = tf.concat([params["wq"], params["wk"], params["wv"]], 1)
        joined = normed @ weight + tf.concat([params["bq"], params["bk"], params["bv"]], 0)
        q, k, v = tf.unstack(tf.einsum("btnhd->nbhtd", tf.reshape(joined, (b, t, 3, heads, -1))))
        y, weights = attention(q, k, v, mask)
        x = x + tf.reshape(tf.einsum("bhtd->bthd", y), (b, t, d)) @ params["wo"] + params["bo"]
        normed = layer_norm(x, params["norm2_scale"], params["norm2_shift"])
        return x + tf.nn.gelu(normed @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"], weights
