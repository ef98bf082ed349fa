"""Other right answers for the layers: affine, softmax cross-entropy, BatchNorm, LayerNorm, RMSNorm."""

import numpy as np

from autograder import alternative


@alternative("affine_forward", also=("affine_backward",))
def affine_by_einsum():
    def affine_forward(x, w, b):
        return np.einsum("...d,dm->...m", x, w) + b, {"x": x, "w": w}

    def affine_backward(dout, cache):
        x, w = cache["x"], cache["w"]
        return (
            np.einsum("...m,dm->...d", dout, w),
            np.tensordot(x, dout, axes=(range(x.ndim - 1), range(x.ndim - 1))),
            np.einsum("nm->m", dout.reshape(-1, dout.shape[-1])),
        )


@alternative("affine_backward", also=("affine_forward",))
def affine_row_by_row():
    class Saved:
        def __init__(self, x, w):
            self.x, self.w = x, w

    def affine_forward(x, w, b):
        rows = x.reshape(-1, len(w))
        out = np.empty((len(rows), len(b)), x.dtype)
        for at, row in enumerate(rows):
            out[at] = b + row @ w
        return out.reshape(*x.shape[:-1], len(b)), Saved(x, w)

    def affine_backward(dout, cache):
        dx, dw, db = np.zeros_like(cache.x), np.zeros_like(cache.w), np.zeros(dout.shape[-1], dout.dtype)
        for index in np.ndindex(*dout.shape[:-1]):
            dx[index] = cache.w @ dout[index]
            dw += np.outer(cache.x[index], dout[index])
            db += dout[index]
        return dx, dw, db


@alternative("log_softmax")
def by_scipy():
    from scipy.special import log_softmax as scipy_log_softmax

    def log_softmax(logits):
        return scipy_log_softmax(logits, axis=-1)


@alternative("log_softmax", also=("softmax_cross_entropy",))
def by_logaddexp():
    def log_softmax(logits):
        return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


@alternative("log_softmax", also=("softmax_cross_entropy",))
def by_logsumexp():
    def log_softmax(logits):
        largest = logits.max(axis=-1, keepdims=True)
        return logits - (largest + np.log(np.exp(logits - largest).sum(axis=-1, keepdims=True)))


@alternative("softmax_cross_entropy")
def by_one_hot_rows():
    def softmax_cross_entropy(logits, targets, ignore_index=-100):
        weights = (targets != ignore_index).astype(logits.dtype)
        weights /= max(weights.sum(), 1)
        wanted = (targets[:, None] == np.arange(logits.shape[1])) * weights[:, None]
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        log_p = log_softmax(logits)  # noqa: F821
        # 0 times -inf is NaN: leave out what isn't wanted
        return -np.sum(wanted * np.where(wanted > 0, log_p, 0)), p * weights[:, None] - wanted


@alternative("softmax_cross_entropy")
def example_by_example():
    def softmax_cross_entropy(logits, targets, ignore_index=-100):
        loss, count = 0.0, 0
        dlogits = np.zeros_like(logits)
        for n, target in enumerate(targets):
            if target == ignore_index:
                continue
            largest = max(logits[n])
            e = np.exp(logits[n] - largest)
            loss += np.log(sum(e)) + float(largest) - float(logits[n, target])
            dlogits[n] = e / sum(e)
            dlogits[n, target] -= 1
            count += 1
        if count:
            loss /= count
            dlogits /= count
        return logits.dtype.type(loss), dlogits


@alternative("batch_norm_forward", also=("batch_norm_backward",))
def batch_norm_feature_by_feature():
    def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
        n, d = x.shape
        running_mean, running_var = running_mean.copy(), running_var.copy()
        out, std = np.empty_like(x), np.empty_like(gamma)
        centred = np.empty_like(x)
        for at in range(d):
            mean, var = running_mean[at], running_var[at]
            if training:
                mean = x[:, at].sum() / n
                squares = ((x[:, at] - mean) ** 2).sum()
                var = squares / n
                running_mean[at] += momentum * (mean - running_mean[at])
                running_var[at] += momentum * (squares / (n - 1) - running_var[at])
            std[at] = (var + eps) ** 0.5
            centred[:, at] = x[:, at] - mean
            out[:, at] = centred[:, at] * (gamma[at] / std[at]) + beta[at]
        return out, (centred, std, gamma, training), running_mean, running_var

    def batch_norm_backward(dout, cache):
        centred, std, gamma, training = cache
        n = len(dout)
        dgamma = np.einsum("nd,nd->d", dout, centred) / std
        dbeta = np.ones(n, dout.dtype) @ dout
        dxhat = dout * gamma
        if not training:
            return dxhat / std, dgamma, dbeta
        # The three paths one by one: through the variance, through the mean, and straight.
        dvar = -(dxhat * centred).sum(axis=0) / (2 * std**3)
        dmean = -dxhat.sum(axis=0) / std
        return dxhat / std + dvar * 2 * centred / n + dmean / n, dgamma, dbeta


@alternative("batch_norm_backward")
def batch_norm_by_projection():
    def batch_norm_backward(dout, cache):
        xhat, std, gamma, training = cache
        n = len(dout)
        dgamma, dbeta = np.sum(dout * xhat, axis=0), np.sum(dout, axis=0)
        if not training:
            return gamma / std * dout, dgamma, dbeta
        return gamma / (n * std) * (n * dout - dbeta - xhat * dgamma), dgamma, dbeta


@alternative("batch_norm_forward")
def batch_norm_as_scale_and_shift_in_evaluation():
    def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
        n = len(x)
        if not training:
            std = np.sqrt(running_var + eps)
            scale = gamma / std
            out = x * scale + (beta - running_mean * scale)
            return out, ((x - running_mean) / std, std, gamma, False), running_mean, running_var
        mean = np.ones(n, x.dtype) @ x / n
        centred = x - mean
        var = np.square(centred).mean(axis=0)
        std = np.sqrt(var + eps)
        xhat = centred / std
        running_mean = running_mean - momentum * (running_mean - mean)
        running_var = running_var - momentum * (running_var - centred.var(axis=0, ddof=1))
        return xhat * gamma + beta, (xhat, std, gamma, True), running_mean, running_var


@alternative("layer_norm_forward", also=("layer_norm_backward",))
def layer_norm_vector_by_vector():
    def layer_norm_forward(x, gamma, beta, eps=1e-5):
        out = np.empty_like(x)
        for index in np.ndindex(*x.shape[:-1]):
            centred = x[index] - x[index].mean()
            out[index] = centred * (centred.dot(centred) / len(centred) + eps) ** -0.5 * gamma + beta
        return out, {"x": x, "gamma": gamma, "eps": eps}

    def layer_norm_backward(dout, cache):
        # The Jacobian of each vector, written out.
        x, gamma, d = cache["x"], cache["gamma"], len(cache["gamma"])
        dx, dgamma, dbeta = np.empty_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
        for index in np.ndindex(*x.shape[:-1]):
            centred = x[index] - x[index].mean()
            scale = (centred.dot(centred) / d + cache["eps"]) ** -0.5
            xhat = centred * scale
            jacobian = (np.eye(d, dtype=x.dtype) - 1 / d - np.outer(xhat, xhat) / d) * scale
            dx[index] = jacobian @ (gamma * dout[index])
            dgamma += dout[index] * xhat
            dbeta += dout[index]
        return dx, dgamma, dbeta


@alternative("layer_norm_backward", also=("layer_norm_forward",))
def layer_norm_through_flat_rows():
    def layer_norm_forward(x, gamma, beta, eps=1e-5):
        rows = x.reshape(-1, len(gamma)).T
        centred = rows - rows.mean(axis=0)
        scale = 1 / np.sqrt(np.square(centred).mean(axis=0) + eps)
        xhat = (centred * scale).T.reshape(x.shape)
        return xhat * gamma + beta, (xhat.reshape(-1, len(gamma)), scale[:, None], gamma)

    def layer_norm_backward(dout, cache):
        xhat, scale, gamma = cache
        rows = dout.reshape(xhat.shape)
        d = len(gamma)
        dxhat = rows * gamma
        total, along = dxhat.sum(axis=1, keepdims=True), np.einsum("nd,nd->n", dxhat, xhat)[:, None]
        dx = scale / d * (d * dxhat - total - xhat * along)
        return dx.reshape(dout.shape), np.einsum("nd,nd->d", rows, xhat), rows.sum(axis=0)


@alternative("rms_norm_forward", also=("rms_norm_backward",))
def rms_norm_by_length():
    def rms_norm_forward(x, gamma, eps=1e-5):
        d = x.shape[-1]
        length = np.sqrt(np.einsum("...d,...d->...", x, x) + d * eps)[..., None]
        return x * gamma * (np.sqrt(np.array(d, x.dtype)) / length), (x, gamma, length)

    def rms_norm_backward(dout, cache):
        x, gamma, length = cache
        d = x.shape[-1]
        along = np.sum(dout * gamma * x, axis=-1, keepdims=True) / length**2
        dx = (dout * gamma - x * along) * (np.sqrt(np.array(d, x.dtype)) / length)
        dgamma = (dout * x * (np.sqrt(np.array(d, x.dtype)) / length)).reshape(-1, d).sum(axis=0)
        return dx, dgamma


@alternative("rms_norm_backward", also=("rms_norm_forward",))
def rms_norm_vector_by_vector():
    def rms_norm_forward(x, gamma, eps=1e-5):
        out, scale = np.empty_like(x), np.empty_like(x[..., :1])
        for index in np.ndindex(*x.shape[:-1]):
            scale[index] = 1 / np.sqrt(np.square(x[index]).mean() + eps)
            out[index] = x[index] * scale[index] * gamma
        return out, (x, scale, gamma)

    def rms_norm_backward(dout, cache):
        x, scale, gamma = cache
        dx, dgamma = np.empty_like(x), np.zeros_like(gamma)
        for index in np.ndindex(*x.shape[:-1]):
            xhat, dxhat = x[index] * scale[index], dout[index] * gamma
            dx[index] = scale[index] * (dxhat - xhat * (xhat @ dxhat) / len(gamma))
            dgamma += dout[index] * xhat
        return dx, dgamma
