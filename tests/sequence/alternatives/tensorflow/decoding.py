"""Other right answers about positions and the cache of keys and values, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("sinusoidal_encoding")
def by_exponentials():
    def sinusoidal_encoding(positions, width):
        pairs = tf.cast(tf.range(width) // 2, positions.dtype)
        angles = positions[:, None] * tf.exp(pairs * (-2 * np.log(10000.0) / width))
        return tf.where(tf.range(width) % 2 == 0, tf.sin(angles), tf.cos(angles))


@alternative("sinusoidal_encoding")
def by_numpy():
    def sinusoidal_encoding(positions, width):
        angles = positions.numpy()[:, None] * np.power(10000.0, -2 * (np.arange(width) // 2) / width)
        encoding = np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))
        return tf.constant(encoding, positions.dtype)


@alternative("rope")
def by_complex_numbers():
    def rope(x, positions, layout="pairs"):
        half = x.shape[-1] // 2
        frequencies = 10000.0 ** -(tf.range(half, dtype=x.dtype) / half)
        angles = tf.cast(positions, x.dtype)[..., None] * frequencies
        parts = (x[..., ::2], x[..., 1::2]) if layout == "pairs" else tf.split(x, 2, axis=-1)
        turned = tf.complex(*parts) * tf.complex(tf.cos(angles), tf.sin(angles))
        both = tf.math.real(turned), tf.math.imag(turned)
        return tf.reshape(tf.stack(both, axis=-1), x.shape) if layout == "pairs" else tf.concat(both, axis=-1)


@alternative("rope")
def by_rotate_half():
    def rope(x, positions, layout="pairs"):
        d = x.shape[-1]
        frequencies = 1 / 10000 ** (tf.range(0, d, 2, dtype=x.dtype) / d)
        angles = tf.einsum("...t,f->...tf", tf.cast(positions, x.dtype), frequencies)
        if layout == "pairs":
            angles = tf.repeat(angles, 2, axis=-1)
            other = tf.reshape(tf.stack([-x[..., 1::2], x[..., 0::2]], -1), x.shape)
        else:
            angles = tf.concat([angles, angles], -1)
            other = tf.concat([-x[..., d // 2 :], x[..., : d // 2]], -1)
        return x * tf.cos(angles) + other * tf.sin(angles)


@alternative("pairs_to_halves")
def by_indices():
    def pairs_to_halves(w, heads):
        order = np.arange(w.shape[-1]).reshape(heads, -1, 2).swapaxes(1, 2).ravel()
        return tf.gather(w, order, axis=-1)


@alternative("pairs_to_halves")
def head_by_head():
    def pairs_to_halves(w, heads):
        parts = [half for part in tf.split(w, heads, axis=-1) for half in (part[..., ::2], part[..., 1::2])]
        return tf.concat(parts, axis=-1)


@alternative("rope_attention")
def by_one_projection():
    def rope_attention(x, params, heads, positions):
        b, t, d = x.shape
        weight = tf.concat([params["wq"], params["wk"], params["wv"]], 1)
        joined = tf.einsum("btd,de->bte", x, weight) + tf.concat([params["bq"], params["bk"], params["bv"]], 0)
        q, k, v = tf.unstack(tf.einsum("btnhd->nbhtd", tf.reshape(joined, (b, t, 3, heads, -1))))
        mask = tf.linalg.band_part(tf.ones((t, t), tf.bool), -1, 0)
        y, _ = attention(rope(q, positions), rope(k, positions), v, mask)
        return tf.reshape(tf.einsum("bhtd->bthd", y), (b, t, d)) @ params["wo"] + params["bo"]


@alternative("cached_attention")
def two_kinds_of_keys():
    """The chunk's own keys under a square mask, the cache's under none."""

    def cached_attention(x, cache, params, heads):
        past, t = cache["k"].shape[2], x.shape[1]
        q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
        positions = past + tf.range(t)
        q, k = rope(q, positions), rope(k, positions)
        square = tf.linalg.band_part(tf.ones((t, t), tf.bool), -1, 0)
        mask = tf.concat([tf.ones((t, past), tf.bool), square], 1)
        grown = {name: tf.concat([cache[name], new], axis=2) for name, new in (("k", k), ("v", v))}
        y, _ = attention(q, grown["k"], grown["v"], mask)
        return merge_heads(y) @ params["wo"] + params["bo"], grown


@alternative("cached_attention")
def token_by_token():
    def cached_attention(x, cache, params, heads):
        outputs = []
        for at in range(x.shape[1]):
            q, k, v = (split_heads(x[:, at : at + 1] @ params["w" + n] + params["b" + n], heads) for n in "qkv")
            position = tf.constant([cache["k"].shape[2]])
            cache = {
                "k": tf.concat([cache["k"], rope(k, position)], 2),
                "v": tf.concat([cache["v"], v], 2),
            }
            outputs.append(merge_heads(attention(rope(q, position), cache["k"], cache["v"])[0]))
        return tf.concat(outputs, 1) @ params["wo"] + params["bo"], cache
