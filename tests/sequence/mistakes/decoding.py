"""Classic mistakes with positions, RoPE, the cache of keys and values, and the decoder, in either framework."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

TURNED = ("rope_attention", "cached_attention", "decoder")
CACHED = ("cached_attention", "decoder")

edited(
    "sinusoidal_encoding",
    "position off by one",
    old="angles = positions[:, None] / 10000**exponents",
    new="angles = (positions[:, None] + 1) / 10000**exponents",
    hint="Positions are counted from 1. Take them as they are given: the first is 0.",
)
edited(
    "sinusoidal_encoding",
    "half the exponent",
    old="angles = positions[:, None] / 10000**exponents",
    new="angles = positions[:, None] / 10000 ** (exponents / 2)",
    hint="The exponent of pair i is i/D. It is 2i/D.",
)
edited(
    "sinusoidal_encoding",
    "spacing of tensor2tensor",
    old="angles = positions[:, None] / 10000**exponents",
    new="angles = positions[:, None] / 10000 ** (exponents * width / max(width - 2, 1))",
    hint="The exponents are spaced as i / (D/2 - 1), as in the authors' code. The paper, and this question, have 2i/D.",
)
edited(
    "sinusoidal_encoding",
    "multiplied by the wavelength",
    old="angles = positions[:, None] / 10000**exponents",
    new="angles = positions[:, None] * 10000**exponents",
    hint="The positions were multiplied by 10000^(2i/D). They are divided by it: later pairs turn slower.",
)

TURN = "turned = [a * cos - b * sin, a * sin + b * cos]"

edited(
    "rope",
    "turned the other way",
    old=TURN,
    new="turned = [a * cos + b * sin, b * cos - a * sin]",
    hint="Pairs were turned by -θ. (a, b) becomes (a cos θ - b sin θ, a sin θ + b cos θ).",
    also=TURNED,
)
edited(
    "rope",
    "sine and cosine swapped",
    old=TURN,
    new="turned = [a * sin - b * cos, a * cos + b * sin]",
    hint="Sine and cosine have changed places. (a, b) becomes (a cos θ - b sin θ, a sin θ + b cos θ), and position 0 "
    "changes nothing.",
    also=TURNED,
)
edited(
    "rope",
    "both with a minus",
    old=TURN,
    new="turned = [a * cos - b * sin, a * sin - b * cos]",
    hint="That is no rotation: the second number of the pair is a sin θ + b cos θ, with a plus.",
    also=TURNED,
)
edited(
    "rope",
    "layouts exchanged",
    old='pairs = layout == "pairs"',
    new='pairs = layout != "pairs"',
    hint='The layouts are exchanged: "pairs" are neighbours, 2i and 2i+1; "halves" are i and i + d/2.',
    also=TURNED,
)
edited(
    "rope",
    "halves always",
    old='pairs = layout == "pairs"',
    new="pairs = False",
    hint='The halves were paired whatever the layout is. For "pairs" take neighbours, features 2i and 2i+1.',
    also=TURNED,
)
edited(
    "rope",
    "pairs always",
    old='pairs = layout == "pairs"',
    new="pairs = True",
    hint='Neighbours were paired whatever the layout is. For "halves" take features i and i + d/2.',
)
edited(
    "rope",
    "half the exponent",
    old="/ half\n    angles",
    new="/ (2 * half)\n    angles",
    hint="The exponent of pair i is i/d. It is 2i/d, with the head's width d.",
    also=TURNED,
)
edited(
    "rope",
    "exponent one too far",
    old="/ half\n    angles",
    new="/ max(half - 1, 1)\n    angles",
    hint="The exponents run to 1. With 2i/d, i from 0 to d/2 - 1, they end before.",
    also=TURNED,
)


@mistake("pairs_to_halves", hint="The parameter is as it was. Bring features 0, 2, 4, … of each head before 1, 3, 5, …")
def not_permuted():
    def pairs_to_halves(w, heads):
        return w


edited(
    "pairs_to_halves",
    "inverse permutation",
    old="heads, -1, 2)",
    new="heads, 2, -1)",
    hint="This is the inverse permutation, from halves to pairs. Column j of a head's first half is its column 2j.",
)
edited(
    "pairs_to_halves",
    "heads ignored",
    old="heads, -1, 2)",
    new="1, -1, 2)",
    hint="The columns were permuted across all heads. Each head keeps its own D / H columns.",
)

ATTEND = "y, _ = attention(rope(q, positions), rope(k, positions), v, mask)"

edited(
    "rope_attention",
    "keys turned the other way",
    old=ATTEND,
    new=ATTEND.replace("rope(k, positions)", "rope(k, -positions)"),
    hint="Keys were turned the other way, so scores depend on the sum of positions. Both turn the same way: the "
    "difference comes from the transpose in the product.",
)
edited(
    "rope_attention",
    "keys not turned",
    old=ATTEND,
    new=ATTEND.replace("rope(k, positions)", "k"),
    hint="Only queries were turned, so scores depend on the query's own position. Turn queries and keys.",
)
edited(
    "rope_attention",
    "values turned as well",
    old=ATTEND,
    new=ATTEND.replace("v, mask", "rope(v, positions), mask"),
    hint="Values were turned as well. Only queries and keys are: a value says what is found, not where.",
)
edited(
    "rope_attention",
    "keys off by one",
    old=ATTEND,
    new=ATTEND.replace("rope(k, positions)", "rope(k, positions + 1)"),
    hint="Keys are off by one position. Queries and keys have the same positions.",
)
edited(
    "rope_attention",
    "halves",
    old=ATTEND,
    new=ATTEND.replace("positions)", 'positions, "halves")'),
    hint='This is what you get with the layout "halves". The parameters are made for "pairs".',
)
edited(
    "rope_attention",
    "no mask",
    old=ATTEND,
    new=ATTEND.replace("v, mask", "v"),
    hint="There is no causal mask: every position sees the future (a leak).",
)
edited(
    "rope_attention",
    "output projection forgotten",
    old='v, mask)\n    return merge_heads(y) @ params["wo"] + params["bo"]',
    new="v, mask)\n    return merge_heads(y)",
    hint="The output projection is missing: multiply the merged heads by wo and add bo.",
)
edited(
    "rope_attention",
    "given positions not used",
    old=ATTEND,
    new=ATTEND.replace("positions)", "positions - positions)"),
    hint="The tokens' positions don't show in the result. Turn queries and keys by them.",
)


@mistake(
    "rope_attention",
    hint="RoPE was applied before the heads were split, so each head has frequencies of its own. It acts on the d "
    "features of each head: split first.",
)
def turned_before_splitting():
    def rope_attention(x, params, heads, positions):
        q, k, v = (x @ params["w" + name] + params["b" + name] for name in "qkv")
        q, k, v = (split_heads(part, heads) for part in (rope(q, positions), rope(k, positions), v))
        y, _ = attention(q, k, v, causal_mask(x.shape[1], x.shape[1]))
        return merge_heads(y) @ params["wo"] + params["bo"]


RETURN = 'return merge_heads(y) @ params["wo"] + params["bo"], {"k": k, "v": v}'

edited(
    "cached_attention",
    "position not advanced",
    old="range(past, past + t",
    new="range(0, t",
    hint="The chunk's positions begin at 0 again. They go on after the cache: from S to S + T - 1.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "position off by one",
    old="range(past, past + t",
    new="range(past + 1, past + t + 1",
    hint="The chunk's positions are off by one: the first after S positions, counted from 0, is S.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "position of the last chunk",
    old="range(past, past + t",
    new="range(max(past - 1, 0), max(past - 1, 0) + t",
    hint="The chunk's positions are off by one: the first after S positions, counted from 0, is S.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "overwritten, not appended",
    old='{"k": k, "v": v}',
    new='{"k": k[:, :, past:], "v": v[:, :, past:]}',
    hint="The new cache holds this chunk alone. Append it to what the cache had.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "oldest positions dropped",
    old='{"k": k, "v": v}',
    new='{"k": k[:, :, t * (past > 0) :], "v": v[:, :, t * (past > 0) :]}',
    hint="The cache doesn't grow: as much as was appended was dropped at the left. Keep all S + T positions.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "mask aligned at the upper left",
    old="causal_mask(t, past + t)",
    new="causal_mask(past + t, past + t)[:t]",
    hint="The mask within the chunk has the wrong offset: query i sees i + 1 keys. It stands at position S + i, and "
    "sees S + i + 1.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "no mask",
    old="causal_mask(t, past + t)",
    new="(causal_mask(t, past + t) | True)",
    hint="Within a chunk of several tokens the future leaks in. It goes unnoticed with one token at a time.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "mask of the chunk alone",
    old="causal_mask(t, past + t)",
    new="(causal_mask(t, past + t) & ~causal_mask(past + t, past + t)[past - 1 : past or None])",
    hint="The chunk attends to itself alone. All positions of the cache are its past.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "changed in place",
    old=RETURN,
    new=f'cache["k"], cache["v"] = k, v\n    {RETURN.split(", {")[0]}, cache',
    hint="The cache that was given has been changed. Return a new dict: another continuation may need the old one.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "values turned as well",
    old='[cache["v"], v]',
    new='[cache["v"], rope(v, positions)]',
    hint="Values were turned as well. Only queries and keys are.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "query not turned",
    old="y, _ = attention(rope(q, positions), k, v, ",
    new="y, _ = attention(q, k, v, ",
    hint="The queries weren't turned. They stand at the chunk's positions, as its keys do.",
    also=("decoder",),
)
edited(
    "cached_attention",
    "keys cached before RoPE",
    old='{"k": k, "v": v}',
    new='{"k": rope(k, -positions) if past == 0 else k, "v": v}',
    hint="The cache holds keys before RoPE, which the next chunk takes for turned ones. Keep each key as it was turned "
    "where it stood.",
    also=("decoder",),
)

edited(
    "decoder",
    "last norm forgotten",
    old='x = layer_norm(x, params["norm_scale"], params["norm_shift"])',
    new="x = x + 0",
    hint="The norm after the last block is missing. In pre-norm models nothing else normalises the sum.",
)
edited(
    "decoder",
    "one cache for all",
    old="attended, cache = cached_attention(normed, cache, block, heads)",
    new="attended, cache = cached_attention(normed, caches[0], block, heads)",
    hint="All blocks got the first one's cache. Each block has its own keys and values.",
)
edited(
    "decoder",
    "old caches returned",
    old="attended, cache = cached_attention(normed, cache, block, heads)",
    new="attended, _ = cached_attention(normed, cache, block, heads)",
    hint="The caches that were given are returned. Return the new ones.",
)
edited(
    "decoder",
    "first norm forgotten",
    old="attended, cache = cached_attention(normed, cache, block, heads)",
    new="attended, cache = cached_attention(x, cache, block, heads)",
    hint="The attention got x itself. It takes LN₁(x).",
)
edited(
    "decoder",
    "residual from the normalised value",
    old="x = x + attended\n        x",
    new="x = normed + attended\n        x",
    hint="The attention's output was added to LN₁(x). Add it to x itself.",
)
edited(
    "decoder",
    "no residual around the MLP",
    old="x = x + feed_forward(",
    new="x = feed_forward(",
    hint="The residual connection around the MLP is missing.",
)
edited(
    "decoder",
    "one block for all",
    old='zip(params["blocks"], caches)',
    new='zip([params["blocks"][0]] * len(caches), caches)',
    hint="All layers had the first block's parameters.",
)
edited(
    "decoder",
    "embedding scaled",
    old='for block, cache in zip(params["blocks"], caches):',
    new='x = x * x.shape[-1] ** 0.5\n    for block, cache in zip(params["blocks"], caches):',
    hint="The embedding was multiplied by √D, as in the paper of 2017. Here it is taken as it is.",
)
edited(
    "decoder",
    "last position alone",
    old='x = layer_norm(x, params["norm_scale"], params["norm_shift"])',
    new='x = layer_norm(x[:, -1:], params["norm_scale"], params["norm_shift"])',
    hint="These are logits of the last position alone. Training needs those of all positions.",
)
