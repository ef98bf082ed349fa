"""Classic mistakes in the layers: affine, softmax cross-entropy, BatchNorm, LayerNorm, RMSNorm."""

import numpy as np

from autograder import edited, mistake

# -- affine -------------------------------------------------------------------------------------------------------

edited(
    "affine_forward",
    "no bias",
    old="return x @ w + b, (x, w)",
    new="return x @ w, (x, w)",
    hint="This is what you get without the bias: out = x w + b.",
)
edited(
    "affine_forward",
    "bias before the product",
    old="return x @ w + b, (x, w)",
    new="return x @ w + b @ np.ones((len(b), 1), b.dtype), (x, w)",
    hint="This is what you get when the bias is summed up before it is added. Each output has its own bias.",
)


@mistake(
    "affine_forward",
    hint="This is what you get when the leading axes are flattened and not restored: out has the leading axes of x.",
    also=("affine_backward",),
)
def leading_axes_lost():
    def affine_forward(x, w, b):
        x = x.reshape(-1, x.shape[-1])
        return x @ w + b, (x, w)


@mistake(
    "affine_forward",
    hint="This is what you get when the result is filled into an array from np.zeros or np.empty: those are float64. "
    "Give them dtype=x.dtype, or let NumPy make the array.",
)
def float64_buffer():
    def affine_forward(x, w, b):
        out = np.zeros((*x.shape[:-1], w.shape[1]))
        out += x @ w
        out += b
        return out, (x, w)


AFFINE_GRADIENTS = "return dout @ w.T, rows.T @ drows, drows.sum(axis=0)"
edited(
    "affine_backward",
    "bias summed over the features",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, rows.T @ drows, drows.sum(axis=1)",
    hint="This is what you get when db is summed over the features. Each bias was added to every row: sum over the "
    "rows.",
)
edited(
    "affine_backward",
    "bias summed over every axis",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, rows.T @ drows, dout.sum()",
    hint="This is what you get when db is summed over every axis, to one number. Sum over all axes but the last.",
)
edited(
    "affine_backward",
    "bias summed over the first axis only",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, rows.T @ drows, dout.sum(axis=0)",
    hint="This is what you get when db is summed over the first axis only. With inputs (B, T, D) the bias was added "
    "at every step too: sum over all axes but the last.",
)
edited(
    "affine_backward",
    "inputs not flattened",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, x.T @ dout, drows.sum(axis=0)",
    hint="This is what you get with x.T @ dout, which is right for a matrix only. Flatten the leading axes of both "
    "first.",
)
edited(
    "affine_backward",
    "weights' gradient transposed",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, drows.T @ rows, drows.sum(axis=0)",
    hint="This is what you get with dw transposed; where D = M the shapes don't tell. It is (D, M), like w: x "
    "transposed times dout.",
)
edited(
    "affine_backward",
    "weights not transposed",
    old=AFFINE_GRADIENTS,
    new="return dout @ w, rows.T @ drows, drows.sum(axis=0)",
    hint="This is what you get with dout @ w; where D = M the shapes don't tell. dx is dout times w transposed.",
)
edited(
    "affine_backward",
    "averaged over the rows",
    old=AFFINE_GRADIENTS,
    new="return dout @ w.T, rows.T @ drows / max(len(rows), 1), drows.sum(axis=0) / max(len(rows), 1)",
    hint="This is what you get when dw and db are averaged over the rows. If the loss is a mean, dout has that factor "
    "already; the layer sums.",
)

# -- softmax cross-entropy ----------------------------------------------------------------------------------------

SHIFT = "logits.max(axis=-1, keepdims=True)"
edited(
    "log_softmax",
    "no shift",
    old=f"shifted = logits - {SHIFT}",
    new="shifted = logits",
    hint="This is what you get without subtracting the largest logit: exp overflows to infinity, or all of it "
    "underflows.",
    also=("softmax_cross_entropy",),
)
edited(
    "log_softmax",
    "one shift for all rows",
    old=f"logits - {SHIFT}",
    new="logits - logits.max()",
    hint="This is what you get when the largest of all logits is subtracted: rows far below it underflow to log 0. "
    "Each row has its own largest.",
    also=("softmax_cross_entropy",),
)


@mistake(
    "log_softmax",
    hint="This is what you get with log(softmax): a small probability underflows to 0, its logarithm is -inf. "
    "Subtract the log of the sum from the logits, and never form p.",
    also=("softmax_cross_entropy",),
)
def logarithm_of_softmax():
    def log_softmax(logits):
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.log(e / e.sum(axis=-1, keepdims=True))


@mistake(
    "log_softmax",
    hint="This is what you get with log(p + 1e-12): it caps the loss of a confident mistake at 27.6, and bends every "
    "other one. With the log of the sum subtracted from the logits no constant is needed.",
    also=("softmax_cross_entropy",),
)
def logarithm_with_a_constant():
    def log_softmax(logits):
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.log(e / e.sum(axis=-1, keepdims=True) + 1e-12)


@mistake(
    "log_softmax",
    hint="This is what you get over the first axis, across examples. The classes are on the last axis: axis=-1.",
    also=("softmax_cross_entropy",),
)
def over_the_first_axis():
    def log_softmax(logits):
        shifted = logits - logits.max(axis=0, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))


edited(
    "softmax_cross_entropy",
    "divides by all examples",
    old="count = max(int(kept.sum()), 1)",
    new="count = len(targets)",
    hint="This is what you get when the sum is divided by all examples. Those that are ignored don't count.",
)
edited(
    "softmax_cross_entropy",
    "sum instead of mean",
    old="count = max(int(kept.sum()), 1)",
    new="count = 1",
    hint="This is what you get with the sum over the examples. The loss is their mean.",
)
edited(
    "softmax_cross_entropy",
    "gradient of the sum",
    old="/ count, dlogits / count",
    new="/ count, dlogits",
    hint="This is what you get when the loss is a mean and the gradient that of the sum. Both are divided by the "
    "count.",
)
edited(
    "softmax_cross_entropy",
    "ignored examples keep a gradient",
    old="    dlogits[~kept] = 0\n",
    new="",
    hint="This is what you get when ignored examples still have the gradient p. Theirs is 0: the loss doesn't see "
    "them.",
)
edited(
    "softmax_cross_entropy",
    "target not subtracted",
    old="    dlogits[rows, labels] -= 1\n",
    new="",
    hint="This is what you get when the gradient is p alone. At the right class it is p - 1.",
)
edited(
    "softmax_cross_entropy",
    "sign of the loss",
    old="return -log_p[rows, labels].sum() / count",
    new="return log_p[rows, labels].sum() / count",
    hint="This is what you get without the minus sign. Log-probabilities are negative, the loss is positive.",
)
edited(
    "softmax_cross_entropy",
    "nothing kept gives NaN",
    old="count = max(int(kept.sum()), 1)",
    new="count = np.asarray(kept.sum(), logits.dtype)",
    hint="This is what you get from 0 / 0 when every example is ignored. Loss and gradient are 0 then: divide by at "
    "least 1.",
)
edited(
    "softmax_cross_entropy",
    "divides by a NumPy integer",
    old="count = max(int(kept.sum()), 1)",
    new="count = np.maximum(kept.sum(), 1)",
    hint="This is what you get when float32 is divided by a NumPy integer: float64. Make the count a Python int.",
)
edited(
    "softmax_cross_entropy",
    "ignores negative targets",
    old="kept = targets != ignore_index",
    new="kept = targets >= 0",
    hint="This is what you get when every negative target is ignored, and nothing else. ignore_index may be any "
    "number, a class's too: compare with it.",
)

# -- BatchNorm ----------------------------------------------------------------------------------------------------

edited(
    "batch_norm_forward",
    "unbiased variance",
    old="mean, var = x.mean(axis=0), x.var(axis=0)",
    new="mean, var = x.mean(axis=0), x.var(axis=0, ddof=1)",
    hint="This is what you get when the batch is normalized by the unbiased variance (dividing by N-1). It is divided "
    "by N there; only the running variance is unbiased.",
    also=("batch_norm_backward",),
)
edited(
    "batch_norm_forward",
    "running variance biased",
    old="running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1))",
    new="running_var = (1 - momentum) * running_var + momentum * var",
    hint="This is what you get when the running variance takes the batch's biased variance. It takes the unbiased "
    "one, N/(N-1) times as large.",
)
edited(
    "batch_norm_forward",
    "momentum the other way round",
    old="running_mean = (1 - momentum) * running_mean + momentum * mean\n"
    "        running_var = (1 - momentum) * running_var + momentum * var",
    new="running_mean = momentum * running_mean + (1 - momentum) * mean\n"
    "        running_var = momentum * running_var + (1 - momentum) * var",
    hint="This is what you get when momentum weighs the old statistics. Here, as in PyTorch, it weighs the new batch.",
)
edited(
    "batch_norm_forward",
    "batch statistics in evaluation",
    old="    if training:\n        n = len(x)\n        mean, var = x.mean(axis=0), x.var(axis=0)\n",
    new="    mean, var = x.mean(axis=0), x.var(axis=0)\n    if training:\n        n = len(x)\n",
    hint="This is what you get when evaluation uses the batch's statistics. It uses the running ones, so that an "
    "answer doesn't depend on its neighbours.",
    also=("batch_norm_backward",),
)
edited(
    "batch_norm_forward",
    "statistics updated in evaluation",
    old="    if training:\n        n = len(x)\n        mean, var = x.mean(axis=0), x.var(axis=0)\n"
    "        running_mean = (1 - momentum) * running_mean + momentum * mean\n"
    "        running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1))\n",
    new="    if training:\n        mean, var = x.mean(axis=0), x.var(axis=0)\n"
    "    n = max(len(x), 2)\n"
    "    running_mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0)\n"
    "    running_var = (1 - momentum) * running_var + momentum * x.var(axis=0) * (n / (n - 1))\n",
    hint="This is what you get when evaluation moves the running statistics. Only training does.",
)
edited(
    "batch_norm_forward",
    "eps outside the root",
    old="std = np.sqrt(var + eps)\n    xhat = (x - mean) / std",
    new="std = np.sqrt(var) + eps\n    xhat = (x - mean) / std",
    hint="This is what you get with eps added to the standard deviation. It is added to the variance, inside the root.",
    also=("batch_norm_backward",),
)
edited(
    "batch_norm_forward",
    "one mean for all features",
    old="mean, var = x.mean(axis=0), x.var(axis=0)",
    new="mean, var = x.mean() + 0 * x[0], x.var() + 0 * x[0]",
    hint="This is what you get when mean and variance run over the whole array. Each feature, a column, has its own.",
    also=("batch_norm_backward",),
)
edited(
    "batch_norm_forward",
    "variance in one pass",
    old="mean, var = x.mean(axis=0), x.var(axis=0)",
    new="mean, var = x.mean(axis=0), np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0)",
    hint="This is what you get with the variance as mean(x²) - mean(x)²: far from 0 two large numbers cancel, and few "
    "digits are left. Subtract the mean first, then square.",
    also=("batch_norm_backward",),
)

NORMALIZED = "dxhat = dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)"
edited(
    "batch_norm_backward",
    "path through the mean dropped",
    old=NORMALIZED,
    new="dxhat = dxhat - xhat * (dxhat * xhat).mean(axis=0)",
    hint="This is what you get without the path through the mean: every x moves μ too, which takes mean(dx̂) away.",
)
edited(
    "batch_norm_backward",
    "path through the variance dropped",
    old=NORMALIZED,
    new="dxhat = dxhat - dxhat.mean(axis=0)",
    hint="This is what you get without the path through the variance: every x moves σ too, which takes x̂·mean(dx̂ "
    "x̂) away.",
)
edited(
    "batch_norm_backward",
    "statistics taken for constants",
    old=f"    if training:\n        {NORMALIZED}\n",
    new="",
    hint="This is what you get when mean and variance are taken for constants. In training they depend on x; two more "
    "paths lead back through them.",
)
edited(
    "batch_norm_backward",
    "same formula in evaluation",
    old=f"    if training:\n        {NORMALIZED}\n",
    new=f"    {NORMALIZED}\n",
    hint="This is what you get when evaluation uses the formula of training. The running statistics are constants: "
    "only dx̂ / σ is left.",
)
edited(
    "batch_norm_backward",
    "gamma forgotten",
    old="    dxhat = dout * gamma\n    dgamma, dbeta",
    new="    dxhat = dout\n    dgamma, dbeta",
    hint="This is what you get when gamma is left out on the way back: dx̂ = dout · γ.",
)
edited(
    "batch_norm_backward",
    "averages over n minus one",
    old=NORMALIZED,
    new="n = len(dxhat)\n        dxhat = dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).sum(axis=0) / (n - 1)",
    hint="This is what you get when the variance's path is averaged over N-1. The forward pass divided by N.",
)
edited(
    "batch_norm_backward",
    "gamma's gradient without the normalized input",
    old="dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)\n    if",
    new="dgamma, dbeta = (dxhat * xhat).sum(axis=0), dxhat.sum(axis=0)\n    if",
    hint="This is what you get when dgamma and dbeta are made from dx̂, which has gamma in it. They are made from dout.",
)

# -- LayerNorm ----------------------------------------------------------------------------------------------------

LAYER_STD = "std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)"
edited(
    "layer_norm_forward",
    "unbiased variance",
    old=LAYER_STD,
    new="std = np.sqrt(((x - x.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1, keepdims=True) "
    "/ max(x.shape[-1] - 1, 1) + eps)",
    hint="This is what you get with the unbiased variance (dividing by D-1). LayerNorm divides by D.",
    also=("layer_norm_backward",),
)
edited(
    "layer_norm_forward",
    "eps outside the root",
    old=LAYER_STD,
    new="std = np.sqrt(x.var(axis=-1, keepdims=True)) + eps",
    hint="This is what you get with eps added to the standard deviation. It is added to the variance, inside the root.",
    also=("layer_norm_backward",),
)
edited(
    "layer_norm_forward",
    "over the first axis",
    old=f"{LAYER_STD}\n    xhat = (x - x.mean(axis=-1, keepdims=True)) / std",
    new="std = np.sqrt(x.var(axis=0, keepdims=True) + eps)\n    xhat = (x - x.mean(axis=0, keepdims=True)) / std",
    hint="This is what you get over the first axis, which is BatchNorm. LayerNorm takes its statistics over the "
    "features of each example, the last axis.",
    also=("layer_norm_backward",),
)
edited(
    "layer_norm_forward",
    "over all axes",
    old=f"{LAYER_STD}\n    xhat = (x - x.mean(axis=-1, keepdims=True)) / std",
    new="std = np.sqrt(x.var(keepdims=True) + eps)\n    xhat = (x - x.mean(keepdims=True)) / std",
    hint="This is what you get when mean and variance run over the whole array. Each example has its own.",
    also=("layer_norm_backward",),
)
edited(
    "layer_norm_forward",
    "mean not subtracted",
    old="xhat = (x - x.mean(axis=-1, keepdims=True)) / std",
    new="xhat = x / std",
    hint="This is what you get when the mean isn't subtracted before dividing.",
    also=("layer_norm_backward",),
)

edited(
    "layer_norm_forward",
    "variance in one pass",
    old=LAYER_STD,
    new="mean = x.mean(axis=-1, keepdims=True)\n"
    "    std = np.sqrt(np.maximum((x**2).mean(axis=-1, keepdims=True) - mean**2, 0) + eps)",
    hint="This is what you get with the variance as mean(x²) - mean(x)²: far from 0 two large numbers cancel, and few "
    "digits are left. Subtract the mean first, then square.",
    also=("layer_norm_backward",),
)

LAYER_DX = (
    "dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)\n    leading"
)
edited(
    "layer_norm_backward",
    "path through the mean dropped",
    old=LAYER_DX,
    new="dx = dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)\n    leading",
    hint="This is what you get without the path through the mean: every feature moves μ too, which takes mean(dx̂) "
    "away.",
)
edited(
    "layer_norm_backward",
    "path through the variance dropped",
    old=LAYER_DX,
    new="dx = dxhat - dxhat.mean(axis=-1, keepdims=True)\n    leading",
    hint="This is what you get without the path through the variance: every feature moves σ too, which takes "
    "x̂·mean(dx̂ x̂) away.",
)
edited(
    "layer_norm_backward",
    "statistics taken for constants",
    old=LAYER_DX,
    new="dx = dxhat\n    leading",
    hint="This is what you get when mean and variance are taken for constants. They depend on x; two more paths lead "
    "back through them.",
)
edited(
    "layer_norm_backward",
    "gamma after the means",
    old=f"dxhat = dout * gamma\n    {LAYER_DX}",
    new="dx = dout - dout.mean(axis=-1, keepdims=True) - xhat * (dout * xhat).mean(axis=-1, keepdims=True)\n"
    "    dx = dx * gamma\n    leading",
    hint="This is what you get when gamma is multiplied in at the end. It differs from feature to feature, so it "
    "belongs inside the means: first dx̂ = dout · γ.",
)
edited(
    "layer_norm_backward",
    "parameters' gradients over the first axis only",
    old="leading = tuple(range(dout.ndim - 1))",
    new="leading = 0 if dout.ndim > 1 else ()",
    hint="This is what you get when dgamma and dbeta are summed over the first axis only. With inputs (B, T, D) they "
    "were used at every step too: sum over all axes but the last.",
)
edited(
    "layer_norm_backward",
    "means over the batch",
    old=LAYER_DX,
    new="dx = dxhat - dxhat.mean(axis=0, keepdims=True) - xhat * (dxhat * xhat).mean(axis=0, keepdims=True)\n"
    "    leading",
    hint="This is what you get with BatchNorm's means, over the batch. Here they run over the features of each "
    "example.",
)

# -- RMSNorm ------------------------------------------------------------------------------------------------------

RMS = "rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)"
edited(
    "rms_norm_forward",
    "eps outside the root",
    old=RMS,
    new="rms = np.sqrt((x**2).mean(axis=-1, keepdims=True)) + eps",
    hint="This is what you get with eps added to the root mean square. It is added to the mean square, inside the "
    "root.",
    also=("rms_norm_backward",),
)
edited(
    "rms_norm_forward",
    "mean subtracted",
    old=RMS,
    new="x = x - x.mean(axis=-1, keepdims=True)\n    " + RMS,
    hint="This is what you get when the mean is subtracted, which is LayerNorm. RMSNorm leaves it where it is.",
    also=("rms_norm_backward",),
)
edited(
    "rms_norm_forward",
    "sum instead of mean",
    old=RMS,
    new="rms = np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)",
    hint="This is what you get when x is divided by its length, the root of the sum of squares. RMSNorm takes the "
    "mean.",
    also=("rms_norm_backward",),
)
edited(
    "rms_norm_forward",
    "no root",
    old=RMS,
    new="rms = (x**2).mean(axis=-1, keepdims=True) + eps",
    hint="This is what you get when x is divided by the mean square. Take its root.",
    also=("rms_norm_backward",),
)

RMS_DX = "dx = (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)) / rms"
edited(
    "rms_norm_backward",
    "path through the mean added",
    old=RMS_DX,
    new="dx = (dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)) / rms",
    hint="This is what you get with LayerNorm's formula. RMSNorm subtracts no mean, so that path isn't there.",
)
edited(
    "rms_norm_backward",
    "path through the root mean square dropped",
    old=RMS_DX,
    new="dx = dxhat / rms",
    hint="This is what you get when the root mean square is taken for a constant. Every feature moves it, which takes "
    "x̂·mean(dx̂ x̂) away.",
)
edited(
    "rms_norm_backward",
    "sum instead of mean",
    old=RMS_DX,
    new="dx = (dxhat - xhat * (dxhat * xhat).sum(axis=-1, keepdims=True)) / rms",
    hint="This is what you get when dx̂·x̂ is summed over the features. It is their mean, as in the forward pass.",
)
edited(
    "rms_norm_backward",
    "gamma after the mean",
    old=f"dxhat = dout * gamma\n    {RMS_DX}",
    new="dx = gamma * (dout - xhat * (dout * xhat).mean(axis=-1, keepdims=True)) / rms",
    hint="This is what you get when gamma is multiplied in at the end. It belongs inside the mean: first dx̂ = dout · "
    "γ.",
)
edited(
    "rms_norm_backward",
    "gamma's gradient over the first axis only",
    old="return dx, (dout * xhat).sum(axis=tuple(range(dout.ndim - 1)))",
    new="return dx, (dout * xhat).sum(axis=0 if dout.ndim > 1 else ())",
    hint="This is what you get when dgamma is summed over the first axis only. Sum over all axes but the last.",
)
