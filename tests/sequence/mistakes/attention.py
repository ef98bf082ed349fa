"""Classic mistakes in attention, its heads and masks, and the Transformer block, in either framework."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

ATTENTION = ("multi_head_attention", "transformer_block", "rope_attention", "cached_attention", "decoder")
MASKS = ("transformer_block", "rope_attention", "cached_attention", "decoder")
BLOCKS = ("transformer_block", "decoder")

edited(
    "attention",
    "scale by d",
    old="/ q.shape[-1] ** 0.5",
    new="/ q.shape[-1]",
    hint="This is what you get when the scores are divided by d. Divide by the square root of d.",
    also=ATTENTION,
)
edited(
    "attention",
    "no scale",
    old=" / q.shape[-1] ** 0.5",
    new="",
    hint="This is what you get without the scale. Divide the scores by the square root of d.",
    also=ATTENTION,
)
edited(
    "attention",
    "scale by the values' width",
    old="/ q.shape[-1] ** 0.5",
    new="/ v.shape[-1] ** 0.5",
    hint="This is what you get when the scale is taken from the width of v. It belongs to q · k: take q's.",
)
edited(
    "attention",
    "scale by the number of keys",
    old="/ q.shape[-1] ** 0.5",
    new="/ k.shape[-2] ** 0.5",
    hint="This is what you get when the scale is taken from the number of keys. Take the width d, k.shape[-1].",
    also=ATTENTION,
)

edited(
    "multi_head_attention",
    "output projection forgotten",
    old='return merge_heads(y) @ params["wo"] + params["bo"], weights',
    new="return merge_heads(y), weights",
    hint="The output projection is missing: multiply the merged heads by wo and add bo.",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "output bias forgotten",
    old='return merge_heads(y) @ params["wo"] + params["bo"], weights',
    new='return merge_heads(y) @ params["wo"], weights',
    hint="The output's bias bo is missing.",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "mask without an axis for heads",
    old="mask[..., None, :, :]",
    new="mask",
    hint="A mask (B, T, S) was broadcast to (B, H, T, S) as it is: examples were taken for heads. "
    "Insert an axis for the heads before the last two.",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "axis for heads at the front",
    old="mask[..., None, :, :]",
    new="mask[None]",
    hint="The mask's axis for heads is in front of the examples, so examples were taken for heads. "
    "It belongs before the last two axes.",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "keys and values from x",
    old='k = split_heads(memory @ params["wk"] + params["bk"], heads)\n    v = split_heads(memory @',
    new='k = split_heads(x @ params["wk"] + params["bk"], heads)\n    v = split_heads(x @',
    hint="Keys and values were made from x. They come from memory; only queries come from x.",
)
edited(
    "multi_head_attention",
    "values by the keys' projection",
    old='memory @ params["wv"] + params["bv"]',
    new='memory @ params["wk"] + params["bk"]',
    hint="The values were projected with the keys' parameters. Use wv and bv.",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "biases forgotten",
    old='q = split_heads(x @ params["wq"] + params["bq"], heads)',
    new='q = split_heads(x @ params["wq"], heads)',
    hint="The queries' bias bq is missing. (Without the keys' bias nothing would change: a softmax doesn't see it.)",
    also=("transformer_block",),
)
edited(
    "multi_head_attention",
    "scale of the whole width",
    old="y, weights = attention(q, k, v, None",
    new="y, weights = attention(q / heads**0.5, k, v, None",
    hint="This is what you get when scores are divided by √D, with the model's width. Each head has the width "
    "D / H: divide by its root.",
    also=("transformer_block",),
)


@mistake(
    "multi_head_attention",
    hint="These are the weights averaged over the heads, as torch.nn.MultiheadAttention gives them by default. "
    "Return those of each head, (B, H, T, S).",
    also=("transformer_block",),
)
def weights_averaged():
    def multi_head_attention(x, memory, params, heads, mask=None):
        q, k, v = (
            split_heads(inputs @ params["w" + name] + params["b" + name], heads)
            for inputs, name in ((x, "q"), (memory, "k"), (memory, "v"))
        )
        y, weights = attention(q, k, v, None if mask is None else mask[..., None, :, :])
        return merge_heads(y) @ params["wo"] + params["bo"], sum(weights[:, head] for head in range(heads)) / heads


edited(
    "causal_mask",
    "aligned at the upper left",
    old="at <= at[keys - queries :, None]",
    new="at <= at[:queries, None]",
    hint="This mask is aligned at the upper left corner, as is_causal of F.scaled_dot_product_attention is. The "
    "queries are the last positions: query i is number keys − queries + i.",
    also=("cached_attention", "decoder"),
)
edited(
    "causal_mask",
    "itself forbidden",
    old="at <= at[keys - queries :, None]",
    new="at < at[keys - queries :, None]",
    hint="This mask doesn't let a position see itself. A query may attend to all keys up to its own position, "
    "included.",
    also=MASKS,
)
edited(
    "causal_mask",
    "the next one allowed",
    old="at <= at[keys - queries :, None]",
    new="at <= at[keys - queries :, None] + 1",
    hint="This mask is off by one: it lets a position see the next one, which is what the model is to predict.",
    also=MASKS,
)
edited(
    "causal_mask",
    "the future alone",
    old="at <= at[keys - queries :, None]",
    new="at >= at[keys - queries :, None]",
    hint="This is the other triangle: queries see the future, not the past. Rows are queries, columns are keys.",
    also=MASKS,
)
edited(
    "causal_mask",
    "True where forbidden",
    old="at <= at[keys - queries :, None]",
    new="at > at[keys - queries :, None]",
    hint="Here True says: may not, as in torch.nn.MultiheadAttention. In this notebook True says: may attend.",
    also=MASKS,
)

edited(
    "layer_norm",
    "eps outside of the root",
    old="(variance + eps) ** 0.5",
    new="(variance**0.5 + eps)",
    hint="This is what you get with eps added to the standard deviation. Add it to the variance, inside of the root.",
    also=BLOCKS,
)
edited(
    "layer_norm",
    "no eps",
    old="(variance + eps) ** 0.5",
    new="variance**0.5",
    hint="eps is missing: positions whose features are all the same give 0/0. Add it to the variance.",
    also=BLOCKS,
)
edited(
    "layer_norm",
    "eps of Keras",
    old="def layer_norm(x, scale, shift, eps=1e-5):",
    new="def layer_norm(x, scale, shift, eps=1e-3):",
    hint="This is what you get with eps = 1e-3, as Keras has it by default. Here it is 1e-5.",
    also=BLOCKS,
)
edited(
    "layer_norm",
    "eps given and not used",
    old="(variance + eps) ** 0.5",
    new="(variance + 1e-5) ** 0.5",
    hint="The argument eps isn't used.",
)
edited(
    "layer_norm",
    "scale and shift forgotten",
    old="** 0.5 * scale + shift",
    new="** 0.5 + 0 * scale * shift",
    hint="The learned scale and shift are missing.",
    also=BLOCKS,
)

edited(
    "feed_forward",
    "no root of two",
    old="erf(hidden / 2**0.5)",
    new="erf(hidden)",
    hint="This is what you get with erf(x). The distribution function of a standard normal number has erf(x / √2).",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "no half",
    old="hidden = hidden / 2 * (1 + ",
    new="hidden = hidden * (1 + ",
    hint="These are twice the GELU's values: x Φ(x) = x/2 · (1 + erf(x / √2)).",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "no activation",
    old="hidden = hidden / 2 * (1 + ",
    new="_ = hidden / 2 * (1 + ",
    hint="Between the two layers there is no activation: together they are one affine layer.",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "second bias forgotten",
    old='return hidden @ params["w2"] + params["b2"]',
    new='return hidden @ params["w2"]',
    hint="The second layer's bias b2 is missing.",
    also=BLOCKS,
)


@mistake(
    "transformer_block",
    hint="This is post-norm, as in the paper of 2017: the norm after the addition. Normalise what goes into the "
    "attention and the MLP, and add their outputs to what isn't normalised.",
)
def post_norm():
    def transformer_block(x, params, heads, real=None):
        mask = causal_mask(x.shape[1], x.shape[1])
        if real is not None:
            mask = mask & real[:, None, :]
        attended, weights = multi_head_attention(x, x, params, heads, mask)
        x = layer_norm(x + attended, params["norm1_scale"], params["norm1_shift"])
        return layer_norm(x + feed_forward(x, params), params["norm2_scale"], params["norm2_shift"]), weights


@mistake(
    "transformer_block",
    hint="No causal mask: every position sees the future (a leak). Combine causal_mask with the mask of the padding.",
)
def no_causal_mask():
    def transformer_block(x, params, heads, real=None):
        mask = None if real is None else real[:, None, :]
        normed = layer_norm(x, params["norm1_scale"], params["norm1_shift"])
        attended, weights = multi_head_attention(normed, normed, params, heads, mask)
        x = x + attended
        normed = layer_norm(x, params["norm2_scale"], params["norm2_shift"])
        return x + feed_forward(normed, params), weights


@mistake(
    "transformer_block",
    hint="The MLP's output was added to the block's input, so what the attention found is lost on the way. Add it to "
    "h = x + attention.",
)
def second_residual_from_the_input():
    def transformer_block(x, params, heads, real=None):
        mask = causal_mask(x.shape[1], x.shape[1])
        if real is not None:
            mask = mask & real[:, None, :]
        normed = layer_norm(x, params["norm1_scale"], params["norm1_shift"])
        attended, weights = multi_head_attention(normed, normed, params, heads, mask)
        normed = layer_norm(x + attended, params["norm2_scale"], params["norm2_shift"])
        return x + feed_forward(normed, params), weights


@mistake(
    "transformer_block",
    hint="Attention and MLP both read LN₁(x), side by side, as in GPT-J. Here the MLP comes after the attention: it "
    "reads LN₂(h) with h = x + attention.",
)
def side_by_side():
    def transformer_block(x, params, heads, real=None):
        mask = causal_mask(x.shape[1], x.shape[1])
        if real is not None:
            mask = mask & real[:, None, :]
        normed = layer_norm(x, params["norm1_scale"], params["norm1_shift"])
        attended, weights = multi_head_attention(normed, normed, params, heads, mask)
        return x + attended + feed_forward(normed, params), weights


CALL = "attended, weights = multi_head_attention(normed, normed, params, heads, mask)"

edited(
    "transformer_block",
    "mask off by one",
    old=CALL,
    new="seen = causal_mask(x.shape[1] + 1, x.shape[1] + 1)[1:, :-1]\n"
    "    seen = seen if real is None else seen & real[:, None, :]\n"
    f"    {CALL.replace('mask)', 'seen)')}",
    hint="The mask is off by one: each position sees the next one (a leak). Query i may see keys j ≤ i.",
)
edited(
    "transformer_block",
    "keys not normalised",
    old=CALL,
    new=CALL.replace("normed, normed", "normed, x"),
    hint="Only the queries were normalised. In self-attention keys and values come from LN₁(x) as well.",
)
edited(
    "transformer_block",
    "padding as queries",
    old="mask & real[:, None, :]",
    new="mask & real[:, :, None]",
    hint="The padding was taken out of the queries. Nobody may attend *to* it: real belongs to the axis of keys.",
)
edited(
    "transformer_block",
    "real inverted",
    old="mask & real[:, None, :]",
    new="mask & ~real[:, None, :]",
    hint="The tokens were masked, and the padding was not. real is True for tokens, which may be attended to.",
)
edited(
    "transformer_block",
    "causal or real",
    old="mask & real[:, None, :]",
    new="mask | real[:, None, :]",
    hint="The masks were joined by or. A key must be in the past *and* real.",
)
edited(
    "transformer_block",
    "real instead of causal",
    old="mask = mask & real[:, None, :]",
    new="mask = real[:, None, :]",
    hint="Where there is padding, its mask took the place of the causal one, and the future leaks in. Join them by &.",
)
edited(
    "transformer_block",
    "padding forgotten",
    old="mask = mask & real[:, None, :]",
    new="mask = mask & (real[:, None, :] | True)",
    hint="The padding was attended to. A key must be in the past *and* real.",
)
edited(
    "transformer_block",
    "residual from the normalised value",
    old="x = x + attended\n    normed",
    new="x = normed + attended\n    normed",
    hint="The attention's output was added to LN₁(x). Add it to x itself: the residual path isn't normalised.",
)
edited(
    "transformer_block",
    "second residual from the normalised value",
    old="return x + feed_forward(normed, params), weights",
    new="return normed + feed_forward(normed, params), weights",
    hint="The MLP's output was added to LN₂(h). Add it to h itself: the residual path isn't normalised.",
)
edited(
    "transformer_block",
    "no residual around the MLP",
    old="return x + feed_forward(normed, params), weights",
    new="return feed_forward(normed, params), weights",
    hint="The residual connection around the MLP is missing.",
)
edited(
    "transformer_block",
    "no residual around the attention",
    old="x = x + attended\n    normed",
    new="x = attended\n    normed",
    hint="The residual connection around the attention is missing.",
)
edited(
    "transformer_block",
    "second norm forgotten",
    old="return x + feed_forward(normed, params), weights",
    new="return x + feed_forward(x, params), weights",
    hint="The MLP got h itself. It takes LN₂(h).",
)
edited(
    "transformer_block",
    "one norm twice",
    old='params["norm2_scale"], params["norm2_shift"]',
    new='params["norm1_scale"], params["norm1_shift"]',
    hint="The first norm's scale and shift were used twice. The second norm has its own.",
)
