"""Other right answers in CTC's tensors, in TensorFlow."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("ctc_greedy")
def by_the_library():
    def ctc_greedy(logits, lengths, blank=0):
        frames = tf.transpose(logits, [1, 0, 2])
        (decoded,), _ = tf.nn.ctc_greedy_decoder(frames, tf.cast(lengths, tf.int32), True, blank)
        labels = tf.sparse.to_dense(decoded, default_value=-1).numpy()
        return [[int(label) for label in row if label >= 0] for row in labels]


@alternative("ctc_greedy")
def by_numpy():
    def ctc_greedy(logits, lengths, blank=0):
        found = []
        for row, length in zip(logits.numpy(), lengths.numpy(), strict=True):
            path = row[:length].argmax(axis=1)
            changes = np.append(True, path[1:] != path[:-1])[: len(path)]
            found.append(path[changes & (path != blank)].tolist())
        return found


@alternative("ctc_states")
def by_numpy_too():
    def ctc_states(targets, blank=0):
        labels = targets.numpy()
        states = np.full((len(labels), 2 * labels.shape[1] + 1), blank, np.int64)
        states[:, 1::2] = labels
        skip = np.zeros(states.shape, bool)
        skip[:, 3::2] = labels[:, 1:] != labels[:, :-1]
        return tf.constant(states), tf.constant(skip)


@alternative("ctc_states")
def by_repeating():
    def ctc_states(targets, blank=0):
        size = 2 * targets.shape[1] + 1
        odd = tf.range(size) % 2 == 1
        spread = tf.repeat(tf.pad(targets, [[0, 0], [0, 1]]), 2, axis=1)[:, :size]
        states = tf.where(odd, spread, tf.constant(blank, tf.int64))
        jumps = tf.concat([tf.zeros([len(targets), min(size, 2)], tf.bool), states[:, 2:] != states[:, :-2]], axis=1)
        return states, tf.logical_and(odd, jumps)


@alternative("ctc_alpha")
def by_concatenating():
    def ctc_alpha(log_probs, states, skip):
        emitted = tf.unstack(tf.gather(tf.transpose(log_probs, [1, 0, 2]), tf.broadcast_to(
            states, [log_probs.shape[1], *states.shape]), axis=2, batch_dims=2))  # fmt: skip
        two = tf.fill([len(states), 2], tf.constant(LOG_ZERO, log_probs.dtype))
        gate = tf.where(skip, tf.constant(0, log_probs.dtype), LOG_ZERO)
        alpha = [tf.concat([emitted[0][:, :2], tf.repeat(two[:, :1], max(0, states.shape[1] - 2), axis=1)], axis=1)]
        for now in emitted[1:]:
            before = tf.concat([two, alpha[-1]], axis=1)
            ways = before[:, 2:], before[:, 1:-1], before[:, :-2] + gate
            high = tf.stop_gradient(tf.maximum(tf.maximum(ways[0], ways[1]), ways[2]))
            alpha.append(high + tf.math.log(tf.add_n([tf.exp(way - high) for way in ways])) + now)
        return tf.stack(alpha, axis=1)


@alternative("ctc_alpha")
def by_a_matrix_of_moves():
    def ctc_alpha(log_probs, states, skip):
        at = tf.range(states.shape[1])
        by = at[None, :] - at[:, None]  # how far a move from row to column goes
        moves = (by == 0) | (by == 1) | ((by == 2) & skip[:, None, :])
        weights = tf.where(moves, tf.constant(0, log_probs.dtype), LOG_ZERO)
        chosen = tf.one_hot(states, log_probs.shape[2], dtype=log_probs.dtype)
        emitted = tf.einsum("btc,bsc->bts", log_probs, chosen)
        alpha = [tf.where(at < 2, emitted[:, 0], LOG_ZERO)]
        for t in range(1, log_probs.shape[1]):
            alpha.append(tf.reduce_logsumexp(alpha[-1][:, :, None] + weights, axis=1) + emitted[:, t])
        return tf.stack(alpha, axis=1)


@alternative("ctc_loss")
def with_its_own_gradient():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        shares = tf.nn.softmax(logits).numpy().astype(np.float64)
        log_probs = tf.nn.log_softmax(logits).numpy().astype(np.float64)
        losses, slopes = np.zeros(len(shares)), np.zeros_like(shares)
        for row, (t, u) in enumerate(zip(lengths.numpy(), target_lengths.numpy(), strict=True)):
            states = np.full(2 * u + 1, blank)
            states[1::2] = targets.numpy()[row, :u]
            skips = np.append([False, False], states[2:] != states[:-2])[: len(states)]
            emitted = log_probs[row, :t][:, states]

            def sums(emitted, skips, begins):
                alpha = np.full(emitted.shape, -np.inf)
                alpha[0] = np.where(begins, emitted[0], -np.inf)
                for at in range(1, len(emitted)):
                    before = np.append([-np.inf, -np.inf], alpha[at - 1])
                    ways = np.logaddexp(before[2:], before[1:-1])
                    alpha[at] = np.logaddexp(ways, np.where(skips, before[:-2], -np.inf)) + emitted[at]
                return alpha

            ends = np.arange(len(states)) >= len(states) - 2
            alpha = sums(emitted, skips, ends[::-1])
            back = np.append([False, False], skips[:1:-1])[: len(states)]
            beta = sums(emitted[::-1, ::-1], back, ends[::-1])[::-1, ::-1]
            total = np.logaddexp.reduce(np.where(ends, alpha[-1], -np.inf))
            losses[row] = -total
            if np.isfinite(total):
                seen = np.exp(alpha + beta - emitted - total)
                slopes[row, :t] = shares[row, :t]
                for at, state in enumerate(states):
                    slopes[row, :t, state] -= seen[:, at]

        @tf.custom_gradient
        def loss_of(logits):
            def gradient(dlosses):
                return dlosses[:, None, None] * tf.cast(slopes, logits.dtype)

            return tf.cast(losses, logits.dtype), gradient

        return loss_of(logits)


@alternative("ctc_loss")
def row_by_row():
    def ctc_loss(logits, targets, lengths, target_lengths, blank=0):
        losses = []
        for row, (t, u) in enumerate(zip(lengths.numpy(), target_lengths.numpy(), strict=True)):
            states, skip = ctc_states(targets[row : row + 1, :u], blank)
            last = ctc_alpha(tf.nn.log_softmax(logits[row : row + 1, :t]), states, skip)[0, -1]
            total = tf.reduce_logsumexp(last[-2:])
            losses.append(-total if total > -1e29 else tf.constant(np.inf, logits.dtype))
        return tf.stack(losses) + 0 * tf.reduce_sum(logits)
