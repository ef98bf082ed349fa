"""Other right answers about positions, the cache of keys and values, and the decoder, in either framework."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("rope_attention")
def by_halves():
    """The same dot products with the parameters for the other layout."""

    def rope_attention(x, params, heads, positions):
        q = x @ pairs_to_halves(params["wq"], heads) + pairs_to_halves(params["bq"], heads)
        k = x @ pairs_to_halves(params["wk"], heads) + pairs_to_halves(params["bk"], heads)
        v = split_heads(x @ params["wv"] + params["bv"], heads)
        q, k = (rope(split_heads(part, heads), positions, "halves") for part in (q, k))
        y, _ = attention(q, k, v, causal_mask(x.shape[1], x.shape[1]))
        return merge_heads(y) @ params["wo"] + params["bo"]


@alternative("rope_attention")
def from_the_first_position():
    """Only offsets count: positions may begin at 0."""

    def rope_attention(x, params, heads, positions):
        q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
        q, k = (rope(part, positions - positions[0]) for part in (q, k))
        y, _ = attention(q, k, v, causal_mask(x.shape[1], x.shape[1]))
        return merge_heads(y) @ params["wo"] + params["bo"]


@alternative("decoder")
def part_by_part():
    def decoder(ids, caches, params, heads):
        def norm(x, owner, name):
            return layer_norm(x, owner[f"{name}_scale"], owner[f"{name}_shift"], 1e-5)

        try:
            x = torch.nn.functional.embedding(ids, params["embedding"])
        except NameError:
            x = tf.nn.embedding_lookup(params["embedding"], ids)
        steps = [None] * len(caches)
        for at, block in enumerate(params["blocks"]):
            y, steps[at] = cached_attention(norm(x, block, "norm1"), caches[at], block, heads)
            h = x + y
            x = h + feed_forward(norm(h, block, "norm2"), block)
        try:
            return torch.einsum("btd,vd->btv", norm(x, params, "norm"), params["embedding"]), steps
        except NameError:
            return tf.einsum("btd,vd->btv", norm(x, params, "norm"), params["embedding"]), steps
