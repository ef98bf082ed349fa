"""Other right answers for recurrent networks, in PyTorch."""

from autograder import alternative


@alternative("rnn_step")
def by_the_library():
    def rnn_step(x, h, params):
        w_x, w_h = params["w_x"].T, params["w_h"].T
        return torch._VF.rnn_tanh_cell(x, h, w_x, w_h, params["b"], torch.zeros_like(params["b"]))  # noqa: F821


@alternative("rnn_step")
def one_product():
    def rnn_step(x, h, params):
        w = torch.cat([params["w_x"], params["w_h"]])  # noqa: F821
        return torch.addmm(params["b"], torch.hstack([x, h]), w).tanh()  # noqa: F821


@alternative("lstm_step")
def one_product_of_an_lstm():
    def lstm_step(x, h, c, params):
        a = F.linear(torch.cat([h, x], 1), torch.cat([params["w_h"], params["w_x"]]).T, params["b"])  # noqa: F821
        size = h.shape[1]
        g = torch.tanh(a[:, 2 * size : 3 * size])  # noqa: F821
        i, f, _, o = torch.sigmoid(a).split(size, 1)  # noqa: F821
        c = torch.addcmul(i * g, f, c)  # noqa: F821
        return c.tanh() * o, c, (i, f, g, o)


@alternative("lstm_step")
def by_the_librarys_cell():
    def lstm_step(x, h, c, params):
        w_x, w_h, b = params["w_x"].T, params["w_h"].T, params["b"]
        new_h, new_c = torch._VF.lstm_cell(x, (h, c), w_x, w_h, b, torch.zeros_like(b))  # noqa: F821
        a = (F.linear(x, w_x, b) + F.linear(h, w_h)).unflatten(1, (4, -1))  # noqa: F821
        gates = [a[:, at].tanh() if at == 2 else a[:, at].sigmoid() for at in range(4)]
        return new_h, new_c, tuple(gates)


@alternative("gru_step")
def by_the_librarys_gru():
    def gru_step(x, h, params, reset_after=True):
        w_x, w_h, b_x, b_h = params["w_x"], params["w_h"], params["b_x"], params["b_h"]
        if reset_after:
            return torch._VF.gru_cell(x, h, w_x.T, w_h.T, b_x, b_h)  # noqa: F821
        (xr, xz, xn), (wr, wz, wn), (br, bz, bn) = (x @ w_x + b_x).chunk(3, 1), w_h.chunk(3, 1), b_h.chunk(3)
        r, z = torch.sigmoid(xr + h @ wr + br), torch.sigmoid(xz + h @ wz + bz)  # noqa: F821
        return torch.lerp(torch.tanh(xn + (h * r) @ wn + bn), h, z)  # noqa: F821


@alternative("gru_step")
def biases_joined_where_they_may():
    def gru_step(x, h, params, reset_after=True):
        size = h.shape[1]
        b = params["b_x"] + params["b_h"]
        both = x @ params["w_x"][:, : 2 * size] + h @ params["w_h"][:, : 2 * size] + b[: 2 * size]
        r, z = both.sigmoid().split(size, 1)
        n = x @ params["w_x"][:, 2 * size :]
        w_n, b_x, b_h = params["w_h"][:, 2 * size :], params["b_x"][2 * size :], params["b_h"][2 * size :]
        n = n + b_x + r * (h @ w_n + b_h) if reset_after else n + (r * h) @ w_n + b_x + b_h
        return n.tanh() + z * (h - n.tanh())


@alternative("reorder_gates")
def by_an_index():
    def reorder_gates(w, source, target):
        order = torch.tensor([source.index(gate) for gate in target], device=w.device)  # noqa: F821
        return w.unflatten(-1, (len(source), -1)).index_select(-2, order).flatten(-2)


@alternative("reorder_gates")
def column_by_column():
    def reorder_gates(w, source, target):
        size = w.shape[-1] // len(source)
        return w[..., [source.index(gate) * size + at for gate in target for at in range(size)]]


@alternative("lstm_forward")
def into_a_buffer():
    def lstm_forward(x, h, c, params):
        hs = torch.empty(x.shape[0], x.shape[1], h.shape[1], dtype=x.dtype, device=x.device)  # noqa: F821
        cache = []
        for t in range(x.shape[1]):
            new_h, new_c, gates = lstm_step(x[:, t], h, c, params)  # noqa: F821
            cache.append((x[:, t], h, c, gates))
            hs[:, t], h, c = new_h, new_h, new_c
        return hs, h, c, cache


@alternative("lstm_forward")
def inputs_first():
    def lstm_forward(x, h, c, params):
        """The input's part of all steps in one product."""
        ahead, hs, cache = x @ params["w_x"] + params["b"], [], []
        for t in range(x.shape[1]):
            a = (ahead[:, t] + h @ params["w_h"]).chunk(4, 1)
            i, f, g, o = a[0].sigmoid(), a[1].sigmoid(), a[2].tanh(), a[3].sigmoid()
            cache.append((x[:, t], h, c, (i, f, g, o)))
            c = f * c + i * g
            h = o * c.tanh()
            hs.append(h)
        return torch.stack(hs, 1), h, c, cache  # noqa: F821


@alternative("lstm_gates_backward")
def gates_by_autograd():
    def lstm_gates_backward(dh, dc, c, gates):
        leaves = [leaf.detach().clone().requires_grad_() for leaf in (*gates, c)]
        i, f, g, o, before = leaves
        new_c = f * before + i * g
        *dgates, dbefore = torch.autograd.grad((o * new_c.tanh(), new_c), leaves, (dh, dc))  # noqa: F821
        slopes = [1 - gate**2 if at == 2 else gate - gate**2 for at, gate in enumerate(gates)]
        return torch.hstack([d * slope for d, slope in zip(dgates, slopes, strict=True)]), dbefore  # noqa: F821


@alternative("lstm_gates_backward")
def derivatives_together():
    def lstm_gates_backward(dh, dc, c, gates):
        i, f, g, o = gates
        shown = torch.tanh(torch.addcmul(i * g, f, c))  # noqa: F821
        total = dc + dh * (o - o * shown * shown)
        outer = torch.stack([total * g, total * c, total * i, dh * shown], 1)  # noqa: F821
        inner = torch.stack([i - i * i, f - f * f, 1 - g * g, o - o * o], 1)  # noqa: F821
        return (outer * inner).flatten(1), f * total


@alternative("lstm_step_backward")
def by_autograd_of_the_step():
    def lstm_step_backward(dh, dc, x, h, c, gates, params):
        names = list(params)
        leaves = [leaf.detach().clone().requires_grad_() for leaf in (x, h, c, *params.values())]
        new_h, new_c, _ = lstm_step(*leaves[:3], dict(zip(names, leaves[3:], strict=True)))  # noqa: F821
        grads = torch.autograd.grad((new_h, new_c), leaves, (dh, dc))  # noqa: F821
        return *grads[:3], dict(zip(names, grads[3:], strict=True))


@alternative("lstm_step_backward")
def by_einsum():
    def lstm_step_backward(dh, dc, x, h, c, gates, params):
        da, dc = lstm_gates_backward(dh, dc, c, gates)  # noqa: F821
        both = torch.einsum("bi,bg->ig", torch.cat([x, h], 1), da)  # noqa: F821
        dx, dh = (torch.einsum("bg,ig->bi", da, params[name]) for name in ("w_x", "w_h"))  # noqa: F821
        b = torch.ones(len(da), dtype=da.dtype, device=da.device) @ da  # noqa: F821
        return dx, dh, dc, {"w_x": both[: x.shape[1]], "w_h": both[x.shape[1] :], "b": b}


@alternative("lstm_backward")
def products_at_the_end():
    def lstm_backward(dhs, dh, dc, cache, params):
        das = []
        for t in range(len(cache) - 1, -1, -1):
            _, _, c, gates = cache[t]
            da, dc = lstm_gates_backward(dhs[:, t] + dh, dc, c, gates)  # noqa: F821
            dh = da @ params["w_h"].T
            das.insert(0, da)
        da = torch.stack(das, 1)  # noqa: F821
        x, h = (torch.stack([entry[at] for entry in cache], 1) for at in (0, 1))  # noqa: F821
        flat = da.flatten(0, 1)
        grads = {"w_x": x.flatten(0, 1).T @ flat, "w_h": h.flatten(0, 1).T @ flat, "b": flat.sum(0)}
        return da @ params["w_x"].T, dh, dc, grads


@alternative("lstm_backward")
def by_autograd_of_all():
    def lstm_backward(dhs, dh, dc, cache, params):
        x = torch.stack([entry[0] for entry in cache], 1)  # noqa: F821
        names, (_, h, c, _) = list(params), cache[0]
        leaves = [leaf.detach().clone().requires_grad_() for leaf in (x, h, c, *params.values())]
        outputs = lstm_forward(*leaves[:3], dict(zip(names, leaves[3:], strict=True)))  # noqa: F821
        grads = torch.autograd.grad(outputs[:3], leaves, (dhs, dh, dc))  # noqa: F821
        return *grads[:3], dict(zip(names, grads[3:], strict=True))


@alternative("reverse_padded")
def row_by_row():
    def reverse_padded(x, lengths):
        rows = [torch.cat([row[:n].flip(0), row[n:]]) for row, n in zip(x, lengths.tolist(), strict=True)]  # noqa: F821
        return torch.stack(rows)  # noqa: F821


@alternative("reverse_padded")
def by_rolling_a_flip():
    def reverse_padded(x, lengths):
        index = torch.arange(x.shape[1], device=x.device).repeat(len(x), 1)  # noqa: F821
        for row, n in enumerate(lengths):
            index[row, :n] = index[row, :n].flip(0)
        index = index.reshape(*index.shape, *[1] * (x.ndim - 2)).expand_as(x)
        return x.gather(1, index)


@alternative("masked_lstm")
def packed():
    def masked_lstm(x, lengths, h, c, params):
        module = torch.nn.LSTM(x.shape[2], h.shape[1], batch_first=True, dtype=x.dtype)  # noqa: F821
        given = [params["w_x"].T, params["w_h"].T, params["b"], torch.zeros_like(params["b"])]  # noqa: F821
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        read = lengths.clamp(min=1)
        inputs = torch.nn.utils.rnn.pack_padded_sequence(  # noqa: F821
            x, read.cpu(), batch_first=True, enforce_sorted=False
        )
        weights = dict(zip(names, given, strict=True))
        packed, (last_h, last_c) = torch.func.functional_call(module, weights, (inputs, (h[None], c[None])))  # noqa: F821
        hs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])  # noqa: F821
        some = (lengths > 0)[:, None]  # packing knows no row of length 0
        return hs * some[:, None], torch.where(some, last_h[0], h), torch.where(some, last_c[0], c)  # noqa: F821


@alternative("masked_lstm")
def by_arithmetic():
    def masked_lstm(x, lengths, h, c, params):
        mask = (torch.arange(x.shape[1], device=x.device) < lengths[:, None]).to(x.dtype)  # noqa: F821
        hs = []
        for t in range(x.shape[1]):
            m = mask[:, t, None]
            new_h, new_c, _ = lstm_step(x[:, t] * m, h, c, params)  # noqa: F821
            h, c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
            hs.append(m * h)
        return torch.stack(hs, 1), h, c  # noqa: F821


@alternative("bidirectional_lstm")
def packed_both_ways():
    def bidirectional_lstm(x, lengths, forward, backward):
        size = forward["w_h"].shape[0]
        module = torch.nn.LSTM(x.shape[2], size, batch_first=True, bidirectional=True, dtype=x.dtype)  # noqa: F821
        weights = {}
        for end, params in (("", forward), ("_reverse", backward)):
            weights[f"weight_ih_l0{end}"], weights[f"weight_hh_l0{end}"] = params["w_x"].T, params["w_h"].T
            weights[f"bias_ih_l0{end}"], weights[f"bias_hh_l0{end}"] = params["b"] / 2, params["b"] / 2
        read = lengths.clamp(min=1).cpu()
        inputs = torch.nn.utils.rnn.pack_padded_sequence(x, read, batch_first=True, enforce_sorted=False)  # noqa: F821
        packed, (h, _) = torch.func.functional_call(module, weights, (inputs,))  # noqa: F821
        hs, _ = torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True, total_length=x.shape[1])  # noqa: F821
        some = (lengths > 0)[:, None]
        return hs * some[:, None], torch.cat([h[0], h[1]], 1) * some  # noqa: F821


@alternative("bidirectional_lstm")
def from_the_right_end():
    def bidirectional_lstm(x, lengths, forward, backward):
        """The reverse LSTM walks from the last column to the first; its state stays 0 until the row begins."""
        zeros = x.new_zeros(len(x), forward["w_h"].shape[0])
        right, h_right, _ = masked_lstm(x, lengths, zeros, zeros, forward)  # noqa: F821
        h, c, left = zeros, zeros, []
        for t in range(x.shape[1] - 1, -1, -1):
            real = (t < lengths)[:, None]
            new_h, new_c, _ = lstm_step(x[:, t], h, c, backward)  # noqa: F821
            h, c = torch.where(real, new_h, h), torch.where(real, new_c, c)  # noqa: F821
            left.insert(0, h)
        return torch.cat([right, torch.stack(left, 1)], 2), torch.cat([h_right, h], 1)  # noqa: F821


@alternative("character_loss")
def by_the_librarys_loss():
    def character_loss(logits, targets):
        total = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum")  # noqa: F821
        return total / max(1, int((targets != -100).sum()))


@alternative("character_loss")
def real_ones_only():
    def character_loss(logits, targets):
        real = targets != -100
        if not real.any():
            return 0 * logits.sum()
        log_p = logits[real].log_softmax(1)
        return -log_p[range(len(log_p)), targets[real]].mean()


@alternative("top_k_logits")
def by_sorting():
    def top_k_logits(logits, k):
        kth = logits.sort(dim=1, descending=True).values[:, :k][:, -1:]
        return logits.masked_fill(logits < kth, float("-inf"))


@alternative("top_k_logits")
def by_counting():
    def top_k_logits(logits, k):
        larger = (logits[:, None, :] > logits[:, :, None]).sum(2)
        return torch.where(larger < k, logits, torch.full_like(logits, -torch.inf))  # noqa: F821


@alternative("top_p_logits")
def by_comparing_all():
    def top_p_logits(logits, p):
        probabilities = logits.softmax(1)
        larger = (logits[:, None, :] > logits[:, :, None]).to(logits.dtype)
        before = (larger @ probabilities[:, :, None])[..., 0]
        return logits.masked_fill(before >= p, -torch.inf)  # noqa: F821


@alternative("top_p_logits")
def row_after_row():
    def top_p_logits(logits, p):
        rows = []
        for row in logits:
            reached, least = 0.0, torch.inf  # noqa: F821
            for value, share in zip(*torch.sort(row.softmax(0), descending=True), strict=True):  # noqa: F821
                if reached >= p:
                    break
                reached, least = reached + float(value), row[share]
            rows.append(torch.where(row >= least, row, -torch.inf))  # noqa: F821
        return torch.stack(rows)  # noqa: F821


@alternative("next_probabilities")
def by_probabilities():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        if temperature == 0:
            largest = (logits == logits.max(1, keepdim=True).values).to(logits.dtype)
            return largest / largest.sum(1, keepdim=True)
        warm = logits / temperature
        warm = warm if top_k is None else top_k_logits(warm, top_k)  # noqa: F821
        warm = warm if top_p is None else top_p_logits(warm, top_p)  # noqa: F821
        weight = torch.exp(warm - warm.max(1, keepdim=True).values)  # noqa: F821
        return weight / weight.sum(1, keepdim=True)


@alternative("next_probabilities")
def by_log_softmax():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        logits = top_k_logits(logits, 1) if temperature == 0 else logits.div(temperature)  # noqa: F821
        if top_k:
            logits = top_k_logits(logits, top_k)  # noqa: F821
        if top_p:
            logits = top_p_logits(logits, top_p)  # noqa: F821
        return F.log_softmax(logits, dim=-1).exp()  # noqa: F821


@alternative("sample_ids")
def by_searching():
    def sample_ids(probabilities, uniform):
        reached = probabilities.cumsum(1)
        return torch.searchsorted(reached, uniform[:, None] * reached[:, -1:], right=True)[:, 0]  # noqa: F821


@alternative("sample_ids")
def first_that_exceeds():
    def sample_ids(probabilities, uniform):
        reached = probabilities.cumsum(1)
        return (reached > uniform[:, None] * reached[:, -1:]).int().argmax(1)


@alternative("generate_characters")
def last_step_apart():
    def generate_characters(model, state, prompt, uniform, temperature=1.0, top_k=None, top_p=None):
        ids = prompt
        logits = None
        for t in range(prompt.shape[1] + uniform.shape[1] - 1):
            logits, state = model(ids[:, t], state)
            if t >= prompt.shape[1] - 1:
                new = sample_ids(  # noqa: F821
                    next_probabilities(logits, temperature, top_k, top_p),  # noqa: F821
                    uniform[:, t - prompt.shape[1] + 1],
                )
                ids = torch.cat([ids, new[:, None]], 1)  # noqa: F821
        return ids[:, prompt.shape[1] :]


@alternative("generate_characters")
def one_ahead():
    def generate_characters(model, state, prompt, uniform, temperature=1.0, top_k=None, top_p=None):
        out = torch.empty_like(uniform, dtype=torch.int64)  # noqa: F821
        for t in range(prompt.shape[1]):
            logits, state = model(prompt[:, t], state)
        for t in range(uniform.shape[1]):
            probabilities = next_probabilities(logits, temperature, top_k, top_p)  # noqa: F821
            out[:, t] = sample_ids(probabilities, uniform[:, t])  # noqa: F821
            logits, state = model(out[:, t], state)
        return out
