"""Other right answers about attention and the Transformer block, in PyTorch."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("attention")
def by_the_library():
    def attention(q, k, v, mask=None):
        each_key = torch.eye(k.shape[-2], dtype=k.dtype, device=k.device).expand(*k.shape[:-1], k.shape[-2])
        return tuple(F.scaled_dot_product_attention(q, k, values, mask) for values in (v, each_key))


@alternative("attention")
def by_minus_infinity():
    def attention(q, k, v, mask=None):
        scores = torch.einsum("...td,...sd->...ts", q / q.shape[-1] ** 0.5, k)
        if mask is not None:
            scores = torch.where(mask, scores, -torch.inf)
        weights = torch.softmax(scores, -1).nan_to_num()
        return torch.einsum("...ts,...se->...te", weights, v), weights


@alternative("attention")
def by_exponentials():
    def attention(q, k, v, mask=None):
        scores = (q @ k.mT) * q.shape[-1] ** -0.5
        mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
        scores = scores.masked_fill(~mask, -1e30)
        parts = (scores - scores.amax(-1, keepdim=True).detach()).exp() * mask
        weights = parts / parts.sum(-1, keepdim=True).clamp_min(1e-30)
        return weights @ v, weights


@alternative("split_heads")
def by_chunks():
    def split_heads(x, heads):
        return torch.stack(x.chunk(heads, -1), 1)


@alternative("split_heads")
def by_unflatten():
    def split_heads(x, heads):
        return x.unflatten(-1, (heads, -1)).movedim(-2, 1)


@alternative("merge_heads")
def by_unbind():
    def merge_heads(x):
        return torch.cat(x.unbind(1), -1)


@alternative("merge_heads")
def by_flatten():
    def merge_heads(x):
        return x.permute(0, 2, 1, 3).contiguous().flatten(2)


@alternative("multi_head_attention")
def by_torch_nn_functional():
    def multi_head_attention(x, memory, params, heads, mask=None):
        (b, t, d), s = x.shape, memory.shape[1]
        mask = torch.ones(b, t, s, dtype=torch.bool, device=x.device) if mask is None else mask.expand(b, t, s)
        some = mask.any(-1, keepdim=True)  # the library gives NaN where there is none
        y, weights = F.multi_head_attention_forward(
            x.transpose(0, 1), memory.transpose(0, 1), memory.transpose(0, 1), d, heads,
            None, torch.cat([params["bq"], params["bk"], params["bv"]]), None, None, False, 0.0,
            params["wo"].T, params["bo"], attn_mask=~(mask | ~some).repeat_interleave(heads, 0),
            use_separate_proj_weight=True, average_attn_weights=False,
            q_proj_weight=params["wq"].T, k_proj_weight=params["wk"].T, v_proj_weight=params["wv"].T,
        )  # fmt: skip
        return torch.where(some, y.transpose(0, 1), params["bo"]), weights * some[:, None]


@alternative("causal_mask")
def by_tril():
    def causal_mask(queries, keys):
        return torch.ones(queries, keys, dtype=torch.bool).tril(keys - queries)


@alternative("causal_mask")
def by_the_library_s_lower_right():
    def causal_mask(queries, keys):
        from torch.nn.attention.bias import causal_lower_right

        return causal_lower_right(queries, keys)._materialize()


@alternative("layer_norm")
def by_torch_functional():
    def layer_norm(x, scale, shift, eps=1e-5):
        return F.layer_norm(x, x.shape[-1:], scale, shift, eps)


@alternative("layer_norm")
def by_var_mean():
    def layer_norm(x, scale, shift, eps=1e-5):
        variance, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
        return (x - mean) * torch.rsqrt(variance + eps) * scale + shift


@alternative("feed_forward")
def by_linear_and_gelu():
    def feed_forward(x, params):
        return F.linear(F.gelu(F.linear(x, params["w1"].T, params["b1"])), params["w2"].T, params["b2"])


@alternative("feed_forward")
def by_the_distribution_function():
    def feed_forward(x, params):
        hidden = torch.einsum("...d,dm->...m", x, params["w1"]) + params["b1"]
        return torch.einsum("...m,md->...d", hidden * torch.special.ndtr(hidden), params["w2"]) + params["b2"]


@alternative("transformer_block")
def by_torch_functional_():
    def transformer_block(x, params, heads, real=None):
        t, d = x.shape[1:]
        mask = torch.ones(t, t, dtype=torch.bool, device=x.device).tril()[None, None]
        mask = mask if real is None else mask & real[:, None, None]
        normed = F.layer_norm(x, (d,), params["norm1_scale"], params["norm1_shift"])
        weight = torch.cat([params["wq"], params["wk"], params["wv"]], 1)
        joined = normed @ weight + torch.cat([params["bq"], params["bk"], params["bv"]])
        q, k, v = joined.unflatten(-1, (3, heads, d // heads)).permute(2, 0, 3, 1, 4)
        each_key = torch.eye(t, dtype=x.dtype, device=x.device).expand(*q.shape[:3], t)
        y, weights = (F.scaled_dot_product_attention(q, k, values, mask) for values in (v, each_key))
        x = x + F.linear(y.transpose(1, 2).flatten(2), params["wo"].T, params["bo"])
        normed = F.layer_norm(x, (d,), params["norm2_scale"], params["norm2_shift"])
        return x + F.gelu(normed @ params["w1"] + params["b1"]) @ params["w2"] + params["b2"], weights
