"""Other right answers about positions and the cache of keys and values, in PyTorch."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("sinusoidal_encoding")
def by_exponentials():
    def sinusoidal_encoding(positions, width):
        step = torch.arange(0, width, 2, dtype=positions.dtype, device=positions.device)
        frequencies = torch.exp(-np.log(10000.0) * step / width)
        encoding = positions.new_zeros(len(positions), width)
        encoding[:, 0::2] = torch.sin(positions[:, None] * frequencies)
        encoding[:, 1::2] = torch.cos(positions[:, None] * frequencies)
        return encoding


@alternative("sinusoidal_encoding")
def by_numpy():
    def sinusoidal_encoding(positions, width):
        angles = positions.cpu().numpy()[:, None] * np.power(10000.0, -2 * (np.arange(width) // 2) / width)
        encoding = np.where(np.arange(width) % 2, np.cos(angles), np.sin(angles))
        return torch.tensor(encoding, dtype=positions.dtype, device=positions.device)


@alternative("rope")
def by_complex_numbers():
    def rope(x, positions, layout="pairs"):
        half = x.shape[-1] // 2
        frequencies = 10000.0 ** -(torch.arange(half, dtype=x.dtype, device=x.device) / half)
        angles = positions.unsqueeze(-1) * frequencies
        turns = torch.polar(torch.ones_like(angles), angles)
        if layout == "pairs":
            return torch.view_as_real(torch.view_as_complex(x.unflatten(-1, (half, 2)).contiguous()) * turns).flatten(
                -2
            )
        turned = torch.complex(*x.chunk(2, -1)) * turns
        return torch.cat([turned.real, turned.imag], -1)


@alternative("rope")
def by_rotate_half():
    def rope(x, positions, layout="pairs"):
        d = x.shape[-1]
        frequencies = 1 / 10000 ** (torch.arange(0, d, 2, dtype=x.dtype, device=x.device) / d)
        angles = torch.einsum("...t,f->...tf", positions.to(x.dtype), frequencies)
        if layout == "pairs":
            angles = angles.repeat_interleave(2, -1)
            other = torch.stack([-x[..., 1::2], x[..., 0::2]], -1).flatten(-2)
        else:
            angles = torch.cat([angles, angles], -1)
            other = torch.cat([-x[..., d // 2 :], x[..., : d // 2]], -1)
        return x * angles.cos() + other * angles.sin()


@alternative("pairs_to_halves")
def by_indices():
    def pairs_to_halves(w, heads):
        order = np.arange(w.shape[-1]).reshape(heads, -1, 2).swapaxes(1, 2).ravel()
        return w[..., torch.tensor(order, device=w.device)]


@alternative("pairs_to_halves")
def head_by_head():
    def pairs_to_halves(w, heads):
        return torch.cat([half for part in w.chunk(heads, -1) for half in (part[..., ::2], part[..., 1::2])], -1)


@alternative("rope_attention")
def by_the_library():
    def rope_attention(x, params, heads, positions):
        q, k, v = ((x @ params["w" + n] + params["b" + n]).unflatten(-1, (heads, -1)).transpose(1, 2) for n in "qkv")
        y = F.scaled_dot_product_attention(rope(q, positions), rope(k, positions), v, is_causal=True)
        return F.linear(y.transpose(1, 2).flatten(2), params["wo"].T, params["bo"])


@alternative("cached_attention")
def into_a_buffer():
    def cached_attention(x, cache, params, heads):
        (b, t, d), past = x.shape, cache["k"].shape[2]
        q, k, v = (split_heads(x @ params["w" + name] + params["b" + name], heads) for name in "qkv")
        positions = past + torch.arange(t, device=x.device)
        grown = {}
        for name, new in (("k", rope(k, positions)), ("v", v)):
            grown[name] = x.new_empty(b, heads, past + t, d // heads)
            grown[name][:, :, :past] = cache[name]
            grown[name][:, :, past:] = new
        mask = torch.arange(past + t, device=x.device) <= positions[:, None]
        y = F.scaled_dot_product_attention(rope(q, positions), grown["k"], grown["v"], mask)
        return merge_heads(y) @ params["wo"] + params["bo"], grown


@alternative("cached_attention")
def token_by_token():
    def cached_attention(x, cache, params, heads):
        outputs = []
        for at in range(x.shape[1]):
            q, k, v = (split_heads(x[:, at : at + 1] @ params["w" + n] + params["b" + n], heads) for n in "qkv")
            position = torch.tensor([cache["k"].shape[2]], device=x.device)
            cache = {
                "k": torch.cat([cache["k"], rope(k, position)], 2),
                "v": torch.cat([cache["v"], v], 2),
            }
            outputs.append(merge_heads(attention(rope(q, position), cache["k"], cache["v"])[0]))
        return torch.cat(outputs, 1) @ params["wo"] + params["bo"], cache
