"""Classic mistakes with positions, RoPE and the cache of keys and values, in PyTorch."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

CACHED = ("cached_attention", "decoder")
ENCODING = "return torch.stack([angles.sin(), angles.cos()], -1).reshape(len(positions), width)"

edited(
    "sinusoidal_encoding",
    "sine and cosine swapped",
    old=ENCODING,
    new="return torch.stack([angles.cos(), angles.sin()], -1).reshape(len(positions), width)",
    hint="Cosines are in the even columns. The sine comes first.",
)
edited(
    "sinusoidal_encoding",
    "all sines first",
    old=ENCODING,
    new="return torch.cat([angles.sin(), angles.cos()], -1)",
    hint="All sines come first, as in the authors' code. In the paper, and here, they alternate with the cosines.",
)


edited(
    "sinusoidal_encoding",
    "frequencies in float32",
    old="exponents = torch.arange(0, width, 2, dtype=positions.dtype, device=positions.device) / width",
    new="exponents = torch.arange(0, width, 2, device=positions.device) / width",
    hint="The frequencies were computed in float32, torch's default for a quotient of integers, though positions are "
    "float64. Give torch.arange the dtype of positions.",
)


@mistake(
    "sinusoidal_encoding",
    hint="Each column has a frequency of its own. The sine and the cosine of a pair have the same one, 2i/D.",
)
def column_by_column():
    def sinusoidal_encoding(positions, width):
        columns = torch.arange(width, dtype=positions.dtype, device=positions.device)
        angles = positions[:, None] / 10000 ** (columns / width)
        return torch.where(columns % 2 == 0, angles.sin(), angles.cos())


ANGLES = "angles = positions[..., None].to(x.dtype) / 10000**exponents"

edited(
    "rope",
    "position off by one",
    old=ANGLES,
    new=ANGLES.replace("None]", "None].add(1)"),
    hint="Positions are off by one. Take them as they are given: at position 0 nothing turns.",
    also=CACHED,
)
edited(
    "rope",
    "positions not used",
    old=ANGLES,
    new="angles = torch.arange(x.shape[-2], dtype=x.dtype, device=x.device)[:, None] / 10000**exponents",
    hint="Positions are counted from 0, whatever is given. With a cache they begin later.",
    also=("rope_attention", "cached_attention", "decoder"),
)
edited(
    "rope",
    "angles in float32",
    old=ANGLES,
    new="angles = (positions[..., None].float() / 10000 ** exponents.float()).to(x.dtype)",
    hint="Angles were computed in float32 though x is float64. Compute them in the dtype of x.",
    also=("rope_attention", "cached_attention", "decoder"),
)
edited(
    "rope",
    "pairs put back as halves",
    old="return torch.stack(turned, -1).reshape(x.shape) if pairs else torch.cat(turned, -1)",
    new="return torch.cat(turned, -1)",
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
        exponents = torch.arange(half, dtype=x.dtype, device=x.device) / half
        angles = (positions[..., None].to(x.dtype) / 10000**exponents).repeat_interleave(2, -1)
        if layout == "pairs":
            other = torch.stack([-x[..., 1::2], x[..., 0::2]], -1).reshape(x.shape)
        else:
            other = torch.cat([-x[..., half:], x[..., :half]], -1)
        return x * angles.cos() + other * angles.sin()


@mistake(
    "pairs_to_halves",
    hint="The rows were permuted. Weights are (in, out) here: the features of the heads are the columns.",
)
def rows_permuted():
    def pairs_to_halves(w, heads):
        pairs = w.reshape(heads, -1, 2, *w.shape[1:])
        return pairs.transpose(1, 2).reshape(w.shape)


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
        positions = torch.arange(past + t, device=x.device)
        k = rope(torch.cat([cache["k"], k], 2), positions)
        v = torch.cat([cache["v"], v], 2)
        y, _ = attention(rope(q, positions[past:]), k, v, causal_mask(t, past + t).to(x.device))
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
        positions = torch.arange(past + t, device=x.device)
        k, v = torch.cat([cache["k"], k], 2), torch.cat([cache["v"], v], 2)
        mask = causal_mask(t, past + t).to(x.device)
        y, _ = attention(rope(q, positions[past:]), rope(k, positions), v, mask)
        return merge_heads(y) @ params["wo"] + params["bo"], {"k": k, "v": v}


edited(
    "cached_attention",
    "put before the cache",
    old='k = torch.cat([cache["k"], rope(k, positions)], 2)\n    v = torch.cat([cache["v"], v], 2)',
    new='k = torch.cat([rope(k, positions), cache["k"]], 2)\n    v = torch.cat([v, cache["v"]], 2)',
    hint="The new keys and values stand before the old ones. Append them behind.",
    also=("decoder",),
)
