"""Other right answers for recurrent networks, in TensorFlow."""

from autograder import alternative


@alternative("rnn_step")
def by_keras():
    def rnn_step(x, h, params):
        cell = tf.keras.layers.SimpleRNNCell(h.shape[1], dtype=x.dtype.name)  # noqa: F821
        cell.build(x.shape)
        cell.set_weights([params["w_x"], params["w_h"], params["b"]])
        return cell(x, [h])[0]


@alternative("rnn_step")
def one_product():
    def rnn_step(x, h, params):
        w = tf.concat([params["w_x"], params["w_h"]], 0)  # noqa: F821
        return tf.math.tanh(tf.nn.bias_add(tf.matmul(tf.concat([x, h], 1), w), params["b"]))  # noqa: F821


@alternative("lstm_step")
def one_product_of_an_lstm():
    def lstm_step(x, h, c, params):
        w = tf.concat([params["w_h"], params["w_x"]], 0)  # noqa: F821
        a = tf.nn.bias_add(tf.matmul(tf.concat([h, x], 1), w), params["b"])  # noqa: F821
        size = h.shape[1]
        g = tf.math.tanh(a[:, 2 * size : 3 * size])  # noqa: F821
        i, f, _, o = tf.split(tf.nn.sigmoid(a), 4, 1)  # noqa: F821
        c = i * g + c * f
        return tf.math.tanh(c) * o, c, (i, f, g, o)  # noqa: F821


@alternative("lstm_step")
def by_keras_cell():
    def lstm_step(x, h, c, params):
        cell = tf.keras.layers.LSTMCell(h.shape[1], dtype=x.dtype.name)  # noqa: F821
        cell.build(x.shape)
        cell.set_weights([params["w_x"], params["w_h"], params["b"]])
        new_h, new_c = cell(x, [h, c])[1]
        a = tf.split(tf.matmul(x, params["w_x"]) + tf.matmul(h, params["w_h"]) + params["b"], 4, 1)  # noqa: F821
        gates = [tf.tanh(part) if at == 2 else tf.sigmoid(part) for at, part in enumerate(a)]  # noqa: F821
        return new_h, new_c, tuple(gates)


@alternative("gru_step")
def by_keras_gru():
    def gru_step(x, h, params, reset_after=True):
        cell = tf.keras.layers.GRUCell(h.shape[1], reset_after=reset_after, dtype=x.dtype.name)  # noqa: F821
        cell.build(x.shape)
        turn = lambda w: reorder_gates(w, "rzn", "zrn")  # noqa: E731, F821
        biases = [turn(params[name]) for name in ("b_x", "b_h")]
        bias = tf.stack(biases) if reset_after else biases[0] + biases[1]  # noqa: F821
        cell.set_weights([turn(params["w_x"]), turn(params["w_h"]), bias])
        return cell(x, [h])[0]


@alternative("gru_step")
def biases_joined_where_they_may():
    def gru_step(x, h, params, reset_after=True):
        size = h.shape[1]
        b = params["b_x"] + params["b_h"]
        both = x @ params["w_x"][:, : 2 * size] + h @ params["w_h"][:, : 2 * size] + b[: 2 * size]
        r, z = tf.split(tf.nn.sigmoid(both), 2, 1)  # noqa: F821
        n = x @ params["w_x"][:, 2 * size :]
        w_n, b_x, b_h = params["w_h"][:, 2 * size :], params["b_x"][2 * size :], params["b_h"][2 * size :]
        n = tf.tanh(n + b_x + r * (h @ w_n + b_h) if reset_after else n + (r * h) @ w_n + b_x + b_h)  # noqa: F821
        return n + z * (h - n)


@alternative("reorder_gates")
def by_an_index():
    def reorder_gates(w, source, target):
        blocks = tf.reshape(w, [*w.shape[:-1], len(source), -1])  # noqa: F821
        return tf.reshape(tf.gather(blocks, [source.index(gate) for gate in target], axis=-2), w.shape)  # noqa: F821


@alternative("reorder_gates")
def column_by_column():
    def reorder_gates(w, source, target):
        size = w.shape[-1] // len(source)
        return tf.gather(w, [source.index(gate) * size + at for gate in target for at in range(size)], axis=-1)  # noqa: F821


@alternative("lstm_forward")
def by_slices():
    def lstm_forward(x, h, c, params):
        hs, cache = [], []
        for t in range(x.shape[1]):
            new_h, new_c, gates = lstm_step(x[:, t], h, c, params)  # noqa: F821
            cache.append((x[:, t], h, c, gates))
            h, c = new_h, new_c
            hs.append(h[:, None])
        return tf.concat(hs, 1), h, c, cache  # noqa: F821


@alternative("lstm_forward")
def inputs_first():
    def lstm_forward(x, h, c, params):
        """The input's part of all steps in one product."""
        ahead, hs, cache = x @ params["w_x"] + params["b"], [], []
        for t in range(x.shape[1]):
            a = tf.split(ahead[:, t] + h @ params["w_h"], 4, 1)  # noqa: F821
            i, f, g, o = tf.sigmoid(a[0]), tf.sigmoid(a[1]), tf.tanh(a[2]), tf.sigmoid(a[3])  # noqa: F821
            cache.append((x[:, t], h, c, (i, f, g, o)))
            c = f * c + i * g
            h = o * tf.tanh(c)  # noqa: F821
            hs.append(h)
        return tf.stack(hs, 1), h, c, cache  # noqa: F821


@alternative("lstm_gates_backward")
def gates_by_a_tape():
    def lstm_gates_backward(dh, dc, c, gates):
        sources = [*gates, c]
        with tf.GradientTape() as tape:  # noqa: F821
            tape.watch(sources)
            i, f, g, o, before = sources
            new_c = f * before + i * g
            new_h = o * tf.tanh(new_c)  # noqa: F821
        *dgates, dbefore = tape.gradient([new_h, new_c], sources, output_gradients=[dh, dc])
        slopes = [1 - gate**2 if at == 2 else gate - gate**2 for at, gate in enumerate(gates)]
        return tf.concat([d * slope for d, slope in zip(dgates, slopes, strict=True)], 1), dbefore  # noqa: F821


@alternative("lstm_gates_backward")
def derivatives_together():
    def lstm_gates_backward(dh, dc, c, gates):
        i, f, g, o = gates
        shown = tf.tanh(i * g + c * f)  # noqa: F821
        total = dc + dh * (o - o * shown * shown)
        outer = tf.concat([total * g, total * c, total * i, dh * shown], 1)  # noqa: F821
        inner = tf.concat([i - i * i, f - f * f, 1 - g * g, o - o * o], 1)  # noqa: F821
        return outer * inner, f * total


@alternative("lstm_step_backward")
def by_a_tape_of_the_step():
    def lstm_step_backward(dh, dc, x, h, c, gates, params):
        sources = [x, h, c, params]
        with tf.GradientTape() as tape:  # noqa: F821
            tape.watch(sources)
            new_h, new_c, _ = lstm_step(x, h, c, params)  # noqa: F821
        return tuple(tape.gradient([new_h, new_c], sources, output_gradients=[dh, dc]))


@alternative("lstm_step_backward")
def by_einsum():
    def lstm_step_backward(dh, dc, x, h, c, gates, params):
        da, dc = lstm_gates_backward(dh, dc, c, gates)  # noqa: F821
        both = tf.einsum("bi,bg->ig", tf.concat([x, h], 1), da)  # noqa: F821
        dx, dh = (tf.einsum("bg,ig->bi", da, params[name]) for name in ("w_x", "w_h"))  # noqa: F821
        b = tf.linalg.matvec(da, tf.ones(len(da), da.dtype), transpose_a=True)  # noqa: F821
        return dx, dh, dc, {"w_x": both[: x.shape[1]], "w_h": both[x.shape[1] :], "b": b}


@alternative("lstm_backward")
def products_at_the_end():
    def lstm_backward(dhs, dh, dc, cache, params):
        das = []
        for t in range(len(cache) - 1, -1, -1):
            _, _, c, gates = cache[t]
            da, dc = lstm_gates_backward(dhs[:, t] + dh, dc, c, gates)  # noqa: F821
            dh = tf.matmul(da, params["w_h"], transpose_b=True)  # noqa: F821
            das.insert(0, da)
        x, h = (tf.concat([entry[at] for entry in cache], 0) for at in (0, 1))  # noqa: F821
        flat = tf.concat(das, 0)  # noqa: F821
        grads = {"w_x": tf.transpose(x) @ flat, "w_h": tf.transpose(h) @ flat, "b": tf.reduce_sum(flat, 0)}  # noqa: F821
        return tf.stack(das, 1) @ tf.transpose(params["w_x"]), dh, dc, grads  # noqa: F821


@alternative("lstm_backward")
def by_a_tape_of_all():
    def lstm_backward(dhs, dh, dc, cache, params):
        x, (_, h, c, _) = tf.stack([entry[0] for entry in cache], 1), cache[0]  # noqa: F821
        sources = [x, h, c, params]
        with tf.GradientTape() as tape:  # noqa: F821
            tape.watch(sources)
            hs, last_h, last_c, _ = lstm_forward(x, h, c, params)  # noqa: F821
        return tuple(tape.gradient([hs, last_h, last_c], sources, output_gradients=[dhs, dh, dc]))


@alternative("reverse_padded")
def by_the_library():
    def reverse_padded(x, lengths):
        return tf.reverse_sequence(x, lengths, seq_axis=1, batch_axis=0)  # noqa: F821


@alternative("reverse_padded")
def row_by_row():
    def reverse_padded(x, lengths):
        rows = [tf.concat([row[:n][::-1], row[n:]], 0) for row, n in zip(x, lengths.numpy(), strict=True)]  # noqa: F821
        return tf.stack(rows)  # noqa: F821


@alternative("masked_lstm")
def by_keras_layer():
    def masked_lstm(x, lengths, h, c, params):
        cell = tf.keras.layers.LSTMCell(h.shape[1], dtype=x.dtype.name)  # noqa: F821
        cell.build(x.shape[::2])
        for weight, value in zip(cell.weights, (params["w_x"], params["w_h"], params["b"]), strict=True):
            weight.assign(value)
        mask = tf.sequence_mask(lengths, x.shape[1])  # noqa: F821
        layer = tf.keras.layers.RNN(  # noqa: F821
            cell, return_sequences=True, return_state=True, zero_output_for_mask=True, dtype=x.dtype.name
        )
        return tuple(layer(x, initial_state=[h, c], mask=mask))


@alternative("masked_lstm")
def by_arithmetic():
    def masked_lstm(x, lengths, h, c, params):
        mask = tf.sequence_mask(lengths, x.shape[1], dtype=x.dtype)  # noqa: F821
        hs = []
        for t in range(x.shape[1]):
            m = mask[:, t, None]
            new_h, new_c, _ = lstm_step(x[:, t] * m, h, c, params)  # noqa: F821
            h, c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
            hs.append(m * h)
        return tf.stack(hs, 1), h, c  # noqa: F821


@alternative("bidirectional_lstm")
def by_reverse_sequence():
    def bidirectional_lstm(x, lengths, forward, backward):
        b, size = x.shape[0], forward["w_h"].shape[0]
        mask = tf.sequence_mask(lengths, x.shape[1], x.dtype)[:, :, None]  # noqa: F821
        outputs = []
        for params, turn in ((forward, False), (backward, True)):
            read = tf.reverse_sequence(x, lengths, 1) if turn else x  # noqa: F821
            h = c = tf.zeros((b, size), x.dtype)  # noqa: F821
            hs, _, _, _ = lstm_forward(read * mask, h, c, params)  # noqa: F821
            last = tf.gather(hs, tf.maximum(lengths - 1, 0), batch_dims=1)  # noqa: F821
            hs = tf.reverse_sequence(hs, lengths, 1) if turn else hs  # noqa: F821
            outputs.append((hs * mask, last * mask[:, 0]))
        return tuple(tf.concat(pair, -1) for pair in zip(*outputs, strict=True))  # noqa: F821


@alternative("bidirectional_lstm")
def from_the_right_end():
    def bidirectional_lstm(x, lengths, forward, backward):
        """The reverse LSTM walks from the last column to the first; its state stays 0 until the row begins."""
        zeros = tf.zeros((x.shape[0], forward["w_h"].shape[0]), x.dtype)  # noqa: F821
        right, h_right, _ = masked_lstm(x, lengths, zeros, zeros, forward)  # noqa: F821
        h, c, left = zeros, zeros, []
        for t in range(x.shape[1] - 1, -1, -1):
            real = (t < lengths)[:, None]
            new_h, new_c, _ = lstm_step(x[:, t], h, c, backward)  # noqa: F821
            h, c = tf.where(real, new_h, h), tf.where(real, new_c, c)  # noqa: F821
            left.insert(0, h)
        return tf.concat([right, tf.stack(left, 1)], 2), tf.concat([h_right, h], 1)  # noqa: F821


@alternative("character_loss")
def by_the_librarys_loss():
    def character_loss(logits, targets):
        real = targets != -100
        legal = tf.where(real, targets, tf.zeros_like(targets))  # noqa: F821
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(legal, logits)  # noqa: F821
        losses = tf.where(real, losses, tf.zeros_like(losses))  # noqa: F821
        return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.reduce_sum(tf.cast(real, losses.dtype)))  # noqa: F821


@alternative("character_loss")
def real_ones_only():
    def character_loss(logits, targets):
        real = targets != -100
        log_p = tf.nn.log_softmax(tf.boolean_mask(logits, real))  # noqa: F821
        chosen = tf.one_hot(tf.boolean_mask(targets, real), logits.shape[2], dtype=logits.dtype)  # noqa: F821
        if len(chosen) == 0:
            return 0 * tf.reduce_sum(logits)  # noqa: F821
        return -tf.reduce_mean(tf.reduce_sum(log_p * chosen, axis=1))  # noqa: F821


@alternative("top_k_logits")
def by_sorting():
    def top_k_logits(logits, k):
        kth = tf.sort(logits, axis=1, direction="DESCENDING")[:, :k][:, -1:]  # noqa: F821
        return tf.where(logits < kth, tf.constant(-np.inf, logits.dtype), logits)  # noqa: F821


@alternative("top_k_logits")
def by_counting():
    def top_k_logits(logits, k):
        larger = tf.math.count_nonzero(logits[:, None, :] > logits[:, :, None], axis=2)  # noqa: F821
        return tf.where(larger < k, logits, tf.fill(logits.shape, tf.cast(-np.inf, logits.dtype)))  # noqa: F821


@alternative("top_p_logits")
def by_comparing_all():
    def top_p_logits(logits, p):
        probabilities = tf.nn.softmax(logits)  # noqa: F821
        larger = tf.cast(logits[:, None, :] > logits[:, :, None], logits.dtype)  # noqa: F821
        before = tf.linalg.matvec(larger, probabilities)  # noqa: F821
        return tf.where(before >= p, tf.cast(-np.inf, logits.dtype), logits)  # noqa: F821


@alternative("top_p_logits")
def row_after_row():
    def top_p_logits(logits, p):
        rows = []
        for row in logits.numpy():
            weight = np.exp((row - row.max()).astype(np.float64))  # noqa: F821
            shares, reached, least = weight / weight.sum(), 0.0, np.inf  # noqa: F821
            for at in np.argsort(-shares, kind="stable"):  # noqa: F821
                if reached >= p:
                    break
                reached, least = reached + shares[at], row[at]
            rows.append(np.where(row >= least, row, -np.inf))  # noqa: F821
        return tf.constant(np.stack(rows), logits.dtype)  # noqa: F821


@alternative("next_probabilities")
def by_probabilities():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        if temperature == 0:
            largest = tf.cast(logits == tf.reduce_max(logits, 1, keepdims=True), logits.dtype)  # noqa: F821
            return largest / tf.reduce_sum(largest, 1, keepdims=True)  # noqa: F821
        warm = logits / temperature
        warm = warm if top_k is None else top_k_logits(warm, top_k)  # noqa: F821
        warm = warm if top_p is None else top_p_logits(warm, top_p)  # noqa: F821
        weight = tf.exp(warm - tf.reduce_max(warm, 1, keepdims=True))  # noqa: F821
        return weight / tf.reduce_sum(weight, 1, keepdims=True)  # noqa: F821


@alternative("next_probabilities")
def by_log_softmax():
    def next_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
        logits = top_k_logits(logits, 1) if temperature == 0 else tf.divide(logits, temperature)  # noqa: F821
        if top_k:
            logits = top_k_logits(logits, top_k)  # noqa: F821
        if top_p:
            logits = top_p_logits(logits, top_p)  # noqa: F821
        return tf.exp(tf.nn.log_softmax(logits))  # noqa: F821


@alternative("sample_ids")
def by_searching():
    def sample_ids(probabilities, uniform):
        reached = tf.cumsum(probabilities, 1)  # noqa: F821
        aim = uniform[:, None] * reached[:, -1:]
        return tf.searchsorted(reached, aim, side="right", out_type=tf.int64)[:, 0]  # noqa: F821


@alternative("sample_ids")
def first_that_exceeds():
    def sample_ids(probabilities, uniform):
        reached = tf.math.cumsum(probabilities, 1)  # noqa: F821
        return tf.argmax(tf.cast(reached > uniform[:, None] * reached[:, -1:], tf.int32), 1)  # noqa: F821


@alternative("generate_characters")
def last_step_apart():
    def generate_characters(model, state, prompt, uniform, temperature=1.0, top_k=None, top_p=None):
        ids = prompt
        for t in range(prompt.shape[1] + uniform.shape[1] - 1):
            logits, state = model(ids[:, t], state)
            if t >= prompt.shape[1] - 1:
                new = sample_ids(  # noqa: F821
                    next_probabilities(logits, temperature, top_k, top_p),  # noqa: F821
                    uniform[:, t - prompt.shape[1] + 1],
                )
                ids = tf.concat([ids, new[:, None]], 1)  # noqa: F821
        return ids[:, prompt.shape[1] :]


@alternative("generate_characters")
def one_ahead():
    def generate_characters(model, state, prompt, uniform, temperature=1.0, top_k=None, top_p=None):
        out = []
        for t in range(prompt.shape[1]):
            logits, state = model(prompt[:, t], state)
        for t in range(uniform.shape[1]):
            probabilities = next_probabilities(logits, temperature, top_k, top_p)  # noqa: F821
            out.append(sample_ids(probabilities, uniform[:, t]))  # noqa: F821
            logits, state = model(out[-1], state)
        return tf.transpose(tf.stack(out))  # noqa: F821
