"""Classic mistakes in attention, its heads and the Transformer block, in PyTorch."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

ATTENTION = ("multi_head_attention", "transformer_block", "rope_attention", "cached_attention", "decoder")
BLOCKS = ("transformer_block", "decoder")
WEIGHTS = "scores.masked_fill(~mask, torch.finfo(q.dtype).min).softmax(-1).masked_fill(~mask, 0)"

edited(
    "attention",
    "mask after the softmax",
    old=WEIGHTS,
    new="scores.softmax(-1).masked_fill(~mask, 0)",
    hint="This is what you get with the mask after the softmax: rows no longer sum to 1. Mask the scores first.",
    also=ATTENTION,
)
edited(
    "attention",
    "scores times mask",
    old=WEIGHTS,
    new="(scores * mask).softmax(-1)",
    hint="Scores times the mask are 0 where it is False, and exp(0) is 1: forbidden keys keep a share. Fill with the "
    "lowest finite number.",
    also=ATTENTION,
)
edited(
    "attention",
    "mask inverted",
    old=WEIGHTS,
    new=WEIGHTS.replace("~mask", "mask"),
    hint="The mask is taken the wrong way round. Here True means: may attend.",
    also=ATTENTION,
)
edited(
    "attention",
    "NaN in rows of nothing",
    old=WEIGHTS,
    new="scores.masked_fill(~mask, -torch.inf).softmax(-1)",
    hint="A row of nothing but -inf has a softmax of 0/0. Fill with the lowest finite number, and set the weights to 0 "
    "where the mask is False.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "NaN in the gradients",
    old=WEIGHTS,
    new="(scores + torch.zeros_like(scores).masked_fill(~mask, -torch.inf)).softmax(-1).nan_to_num()",
    hint="The values are right, but gradients of rows of nothing are NaN: the softmax's backward pass multiplies NaN "
    "by 0, and an addition passes it on. Fill with the lowest finite number instead of adding -inf.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "rows of nothing attend to all",
    old=WEIGHTS,
    new="scores.masked_fill(~mask, torch.finfo(q.dtype).min).softmax(-1)",
    hint="Rows of nothing became uniform: where all scores are the same, so are the weights. Set the weights to 0 "
    "where the mask is False.",
    also=("multi_head_attention", "transformer_block"),
)
edited(
    "attention",
    "filled with too little",
    old=WEIGHTS,
    new="scores.masked_fill(~mask, -1e4).softmax(-1).masked_fill(~mask, 0)",
    hint="-1e4 isn't low enough: with large scores the forbidden keys take the weight. Fill with "
    "torch.finfo(dtype).min.",
)


@mistake(
    "attention",
    hint="The softmax runs over the queries. Each query shares out its weight among the keys, the last axis.",
    also=ATTENTION,
)
def softmax_over_queries():
    def attention(q, k, v, mask=None):
        scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
        if mask is None:
            weights = scores.softmax(-2)
        else:
            weights = scores.masked_fill(~mask, torch.finfo(q.dtype).min).softmax(-2).masked_fill(~mask, 0)
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
        return x.reshape(b, heads, t, d // heads)


@mistake(
    "split_heads",
    hint="Each head got every H-th feature. Head h has the h-th slice: split the last axis into (H, d), not (d, H).",
    also=ATTENTION,
)
def heads_interleaved():
    def split_heads(x, heads):
        b, t, d = x.shape
        return x.reshape(b, t, d // heads, heads).permute(0, 3, 1, 2)


@mistake(
    "split_heads",
    hint="The axes are (B, T, H, d). Heads come before times: let the two axes change places.",
    also=ATTENTION,
)
def heads_not_moved():
    def split_heads(x, heads):
        b, t, d = x.shape
        return x.reshape(b, t, heads, d // heads)


@mistake(
    "merge_heads",
    hint="Heads and times are mixed up: the axes must change places before heads and features become one axis.",
    also=ATTENTION,
)
def merged_without_transposing():
    def merge_heads(x):
        b, h, t, d = x.shape
        return x.reshape(b, t, h * d)


@mistake(
    "merge_heads",
    hint="The heads' features alternate. First come all of head 0, then all of head 1: the last two axes are (H, d).",
    also=ATTENTION,
)
def merged_alternating():
    def merge_heads(x):
        b, h, t, d = x.shape
        return x.permute(0, 2, 3, 1).reshape(b, t, h * d)


@mistake(
    "causal_mask",
    hint="This is a mask to be added to scores, 0 and -inf. What is asked is a boolean one, True: may attend.",
    also=("transformer_block", "rope_attention", "cached_attention", "decoder"),
)
def mask_to_be_added():
    def causal_mask(queries, keys):
        return torch.full((queries, keys), -torch.inf).triu(keys - queries + 1)


edited(
    "layer_norm",
    "unbiased variance",
    old="variance = (centred**2).mean(-1, keepdim=True)",
    new="variance = x.var(-1, keepdim=True)",
    hint="This is what you get with the unbiased variance, which x.var gives by default. LayerNorm divides by D.",
    also=BLOCKS,
)
edited(
    "layer_norm",
    "mean not subtracted",
    old="centred = x - x.mean(-1, keepdim=True)",
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
        axes = tuple(range(-min(x.ndim, 2), 0))
        centred = x - x.mean(axes, keepdim=True)
        return centred / ((centred**2).mean(axes, keepdim=True) + eps) ** 0.5 * scale + shift


GELU = "hidden = hidden / 2 * (1 + torch.erf(hidden / 2**0.5))"

edited(
    "feed_forward",
    "GELU by tanh",
    old=GELU,
    new='hidden = F.gelu(hidden, approximate="tanh")',
    hint="This is the GELU approximated by tanh, as GPT-2 has it. Asked is the exact one, with erf.",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "GELU by a sigmoid",
    old=GELU,
    new="hidden = hidden * torch.sigmoid(1.702 * hidden)",
    hint="This is the GELU approximated by a sigmoid. Asked is the exact one, with erf.",
    also=BLOCKS,
)
edited(
    "feed_forward",
    "ReLU",
    old=GELU,
    new="hidden = F.relu(hidden)",
    hint="This is what you get with ReLU. Asked is GELU.",
    also=BLOCKS,
)


edited(
    "transformer_block",
    "x changed in place",
    old="x = x + attended\n    normed",
    new="x += attended\n    normed",
    hint="x += … changes the tensor that was given. Write x = x + ….",
)
