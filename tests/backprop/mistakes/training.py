"""Classic mistakes in questions 8 to 10: dropout, pooling, optimizers, clipping."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

MASK = "mask = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)"

edited(
    "dropout",
    "not scaled",
    old=MASK,
    new="mask = (rng.random(x.shape) >= p).astype(x.dtype)",
    hint="What survives isn't scaled, so the layer's output shrinks by 1 - p in training. Divide by 1 - p.",
)
edited(
    "dropout",
    "p as the probability to keep",
    old=MASK,
    new="mask = (rng.random(x.shape) < p).astype(x.dtype) / p",
    hint="p is taken for the probability to keep an element. Here, as in every framework of today, it is the "
    "probability to drop one.",
)
edited(
    "dropout",
    "scaled by p",
    old=MASK,
    new="mask = (rng.random(x.shape) >= p).astype(x.dtype) / max(p, 1e-9)",
    hint="Survivors are divided by p. They survive with probability 1 - p, so it is 1 - p that keeps the mean.",
)
edited(
    "dropout",
    "one draw for a row",
    old=MASK,
    new="mask = (rng.random(x.shape[-1:]) >= p).astype(x.dtype) * np.ones_like(x) / (1 - p)",
    hint="All rows share one mask. Every element has its own draw: rng.random(x.shape).",
)
edited(
    "dropout",
    "gradient not scaled",
    old="return dout if cache is None else dout * cache",
    new="return dout if cache is None else dout * (cache > 0)",
    hint="The gradient passes the mask but not its scale: the forward pass multiplied by 1/(1 - p), so the backward "
    "pass does.",
)
edited(
    "dropout",
    "gradient passes everywhere",
    old="return dout if cache is None else dout * cache",
    new="return dout",
    hint="The gradient ignores the mask. What was dropped had no influence on the loss: its gradient is 0.",
)


@mistake(
    "dropout",
    hint="Dropout is at work in evaluation as well. With training=False x passes unchanged, and so does the gradient.",
)
def training_ignored():
    def dropout_forward(x, p, rng, *, training):
        mask = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)
        return x * mask, mask


@mistake(
    "dropout",
    hint="This is the dropout of the 2014 paper: unscaled in training, multiplied by 1 - p in evaluation. The "
    "inverted form scales in training and leaves evaluation alone.",
)
def scaled_in_evaluation():
    def dropout_forward(x, p, rng, *, training):
        mask = (rng.random(x.shape) >= p).astype(x.dtype) if training else np.full_like(x, 1 - p)
        return x * mask, mask


@mistake(
    "dropout",
    hint="The backward pass draws a mask of its own. It needs the mask of the forward pass: keep it in the cache.",
)
def mask_drawn_anew():
    def dropout_forward(x, p, rng, *, training):
        mask = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)
        return (x * mask, (p, x.shape)) if training else (x, None)

    def dropout_backward(dout, cache):
        if cache is None:
            return dout
        p, shape = cache
        mask = np.random.default_rng(0).random(shape) >= p
        return (dout * mask / (1 - p)).astype(dout.dtype)


@mistake(
    "dropout",
    hint="rng isn't used: every call draws the same mask from a generator of its own. Draw from the one you are given.",
)
def own_generator():
    def dropout_forward(x, p, rng, *, training):
        if not training:
            return x, None
        mask = (np.random.default_rng(1).random(x.shape) >= p).astype(x.dtype) / (1 - p)
        return x * mask, mask


@mistake(
    "dropout",
    hint="NumPy's global state is used in the place of rng: nobody can repeat the run. Draw from rng.",
)
def global_state():
    def dropout_forward(x, p, rng, *, training):
        if not training:
            return x, None
        mask = (np.random.random(x.shape) >= p).astype(x.dtype) / (1 - p)
        return x * mask, mask


edited(
    "max_pool_forward",
    "starts at zero",
    old="return flat.max(axis=-1), (flat",
    new="return flat.max(axis=-1, initial=0), (flat",
    hint="The running maximum starts at 0, so a window of negative numbers gives 0. Start from the window's own "
    "numbers.",
)
edited(
    "max_pool_forward",
    "mean",
    old="return flat.max(axis=-1), (flat",
    new="return flat.mean(axis=-1), (flat",
    hint="This is average pooling.",
)
edited(
    "max_pool_forward",
    "stride ignored",
    old="windows = sliding_windows(x, size, stride)\n    flat",
    new="windows = sliding_windows(x, size, size)\n    flat",
    hint="The windows step by their own size. They step by stride, so they may overlap or leave gaps.",
    also=("max_pool_backward",),
)
edited(
    "max_pool_forward",
    "largest magnitude",
    old="return flat.max(axis=-1), (flat",
    new="return np.take_along_axis(flat, abs(flat).argmax(-1)[..., None], -1)[..., 0], (flat",
    hint="This picks the number of largest magnitude. The maximum of -3 and 1 is 1.",
)


@mistake(
    "max_pool_forward",
    hint="The last, cut-off windows are there as well. Only whole windows count: (H - K) // s + 1 of them.",
    also=("max_pool_backward",),
)
def cut_off_windows_as_well():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        gaps = [-(x.shape[2 + a] - size[a]) % stride[a] for a in (0, 1)]
        x = np.pad(x, ((0, 0), (0, 0), (0, gaps[0]), (0, gaps[1])), constant_values=-np.inf)
        windows = sliding_windows(x, size, stride)
        flat = windows.reshape(*windows.shape[:4], -1)
        return flat.max(axis=-1), (flat.argmax(axis=-1), x.shape, size, stride)


edited(
    "max_pool_backward",
    "overwritten",
    old="dwindows[..., u, v] += dout * (winner == number)",
    new="won = winner == number\n        dwindows[..., u, v][won] = dout[won]",
    hint="A pixel that wins in several windows keeps the gradient of the last one only. Add them up.",
)
edited(
    "max_pool_backward",
    "whole window",
    old="dwindows[..., u, v] += dout * (winner == number)",
    new="dwindows[..., u, v] += dout / len(list(np.ndindex(*size)))",
    hint="The gradient is spread over the whole window, as in average pooling. It goes to the maximum alone.",
)
edited(
    "max_pool_backward",
    "columns before rows",
    old="for number, (u, v) in enumerate(np.ndindex(*size)):",
    new="for number, (v, u) in enumerate(np.ndindex(*size[::-1])):",
    hint="The winner's index is read column by column. argmax over a flattened window counts row by row: u, v = "
    "divmod(index, KW).",
)


@mistake(
    "max_pool_backward",
    hint="With ties, each of the equal elements gets the whole gradient, so there is more of it than came in. The "
    "first maximum gets it all, the others nothing.",
)
def ties_get_it_twice():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        out = sliding_windows(x, size, stride).max(axis=(4, 5))
        return out, (x, out, size, stride)

    def max_pool_backward(dout, cache):
        x, out, size, stride = cache
        dx = np.zeros(x.shape, dout.dtype)
        windows, dwindows = sliding_windows(x, size, stride), sliding_windows(dx, size, stride)
        for u, v in np.ndindex(*size):
            dwindows[..., u, v] += dout * (windows[..., u, v] == out)
        return dx


@mistake(
    "max_pool_backward",
    hint="With ties, equal elements share the gradient. That is a fair subgradient, but not the one asked for: the "
    "first maximum gets it all.",
)
def ties_share():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        out = sliding_windows(x, size, stride).max(axis=(4, 5))
        return out, (x, out, size, stride)

    def max_pool_backward(dout, cache):
        x, out, size, stride = cache
        dx = np.zeros(x.shape, dout.dtype)
        windows, dwindows = sliding_windows(x, size, stride), sliding_windows(dx, size, stride)
        won = windows == out[..., None, None]
        count = won.sum(axis=(4, 5)).astype(dout.dtype)
        for u, v in np.ndindex(*size):
            dwindows[..., u, v] += dout * won[..., u, v] / count
        return dx


@mistake(
    "max_pool_backward",
    hint="With ties, the last of the equal elements gets the gradient; asked for is the first, in row order. A loop "
    "with >= moves on to later ones, one with > doesn't.",
)
def last_of_the_ties():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        windows = sliding_windows(x, size, stride)
        flat = windows.reshape(*windows.shape[:4], -1)
        winner = flat.shape[-1] - 1 - flat[..., ::-1].argmax(axis=-1)
        return flat.max(axis=-1), (winner, x.shape, size, stride)


VELOCITY = 'velocity = momentum * state.get("velocity", 0.0) + grad'
NESTEROV = 'return param - lr * (grad + momentum * velocity), {"velocity": velocity}'

edited(
    "nesterov_step",
    "classical momentum",
    old=NESTEROV,
    new='return param - lr * velocity, {"velocity": velocity}',
    hint="This is classical momentum: the step is the velocity itself. Nesterov looks ahead and steps by g + μu.",
)
edited(
    "nesterov_step",
    "old velocity",
    old=NESTEROV,
    new='return param - lr * (grad + momentum * state.get("velocity", 0.0)), {"velocity": velocity}',
    hint="The step uses the velocity from before this gradient, which makes it classical momentum again. Update the "
    "velocity first.",
)
edited(
    "nesterov_step",
    "velocity as an average",
    old=VELOCITY,
    new='velocity = momentum * state.get("velocity", 0.0) + (1 - momentum) * grad',
    hint="The velocity is an average, with a factor 1 - μ, as Adam's first moment is. Here the gradient is added "
    "whole.",
)
edited(
    "nesterov_step",
    "decay past the velocity",
    old="grad = grad + weight_decay * param\n    velocity",
    new="param = param - lr * weight_decay * param\n    velocity",
    hint="The weight decay bypasses the velocity. That is AdamW's way; here λθ is part of the gradient.",
)
edited(
    "nesterov_step",
    "no decay",
    old="grad = grad + weight_decay * param\n    velocity",
    new="velocity",
    hint="The weight decay isn't used: g + λθ takes the place of g, in the velocity as well.",
)
edited(
    "nesterov_step",
    "in place",
    old=NESTEROV,
    new='param -= lr * (grad + momentum * velocity)\n    return param, {"velocity": velocity}',
    hint="`param -= ...` changes the caller's array. Return a new one: `param = param - ...`.",
)


@mistake(
    "nesterov_step",
    hint="The learning rate is part of the velocity, as in the paper. With a constant rate that is the same; when "
    "the rate falls, old gradients go on with the old one.",
)
def rate_inside_the_velocity():
    def nesterov_step(param, grad, state, lr, momentum=0.9, weight_decay=0.0):
        grad = grad + weight_decay * param
        velocity = momentum * state.get("velocity", 0.0) - lr * grad
        return param + momentum * velocity - lr * grad, {"velocity": velocity}


UPDATE = "update = m_hat / (np.sqrt(v_hat) + eps) + weight_decay * param"

edited(
    "adamw_step",
    "eps inside the root",
    old=UPDATE,
    new="update = m_hat / np.sqrt(v_hat + eps) + weight_decay * param",
    hint="eps stands inside the root, where 1e-8 acts like 1e-4: gradients of 1e-3 and below come out too small. It "
    "is added to the root.",
)
edited(
    "adamw_step",
    "eps before the correction",
    old=UPDATE,
    new="update = m_hat / ((np.sqrt(v) + eps) / (1 - beta2**step) ** 0.5) + weight_decay * param",
    hint="eps is added to the root of the uncorrected v (the paper's ε hat, Keras' epsilon). Early on it is then "
    "too large by 1/sqrt(1 - β2^t). Correct v first.",
)
edited(
    "adamw_step",
    "no bias correction",
    old=UPDATE,
    new="update = m / (np.sqrt(v) + eps) + weight_decay * param",
    hint="The bias correction is missing: both averages start at 0, so divide them by 1 - β^t.",
)
edited(
    "adamw_step",
    "only the mean corrected",
    old="v_hat = v / (1 - beta2**step)",
    new="v_hat = v",
    hint="v isn't corrected for its start at 0. Divide it by 1 - β2^t, as m by 1 - β1^t.",
)
edited(
    "adamw_step",
    "step counted from 0",
    old="m_hat = m / (1 - beta1**step)\n    v_hat = v / (1 - beta2**step)",
    new="m_hat = m / (1 - beta1 ** max(step - 1, 1))\n    v_hat = v / (1 - beta2 ** max(step - 1, 1))",
    hint="The bias correction lags one step behind: the first step has t = 1, the second t = 2.",
)
edited(
    "adamw_step",
    "decay in the moments",
    old="m = beta1 * state.get",
    new="grad = grad + weight_decay * param\n    weight_decay = 0.0\n    m = beta1 * state.get",
    hint="The weight decay is part of the gradient: this is Adam with L2, and the division by sqrt(v) undoes most "
    "of it. AdamW adds λθ after the division.",
)
edited(
    "adamw_step",
    "decay without the rate",
    old="return param - lr * update, {",
    new="return param - lr * (update - weight_decay * param) - weight_decay * param, {",
    hint="The weight decay isn't multiplied by the learning rate: the whole bracket is, decay included.",
)
edited(
    "adamw_step",
    "decay of the new parameter",
    old="return param - lr * update, {",
    new="return (param - lr * (update - weight_decay * param)) * (1 - lr * weight_decay), {",
    hint="The decay is taken of the parameter after the step. λ multiplies the parameter from before it.",
)
edited(
    "adamw_step",
    "betas swapped",
    old="beta1, beta2 = betas",
    new="beta2, beta1 = betas",
    hint="The betas have changed places: the first one is for the mean of the gradient, the second for its square.",
)
edited(
    "adamw_step",
    "magnitude for square",
    old="(1 - beta2) * grad**2",
    new="(1 - beta2) * abs(grad)",
    hint="v averages the magnitude of the gradient. It averages the square.",
)
edited(
    "adamw_step",
    "in place",
    old="return param - lr * update, {",
    new="param -= lr * update\n    return param, {",
    hint="`param -= ...` changes the caller's array. Return a new one: `param - lr * ...`.",
)

edited(
    "parameter_groups",
    "defaults win",
    old="self.groups = [defaults | group for group in groups]",
    new="self.groups = [group | defaults for group in groups]",
    hint="The defaults overwrite the groups' own settings. They only fill in what a group leaves open.",
)
edited(
    "parameter_groups",
    "caller's groups",
    old="self.groups = [defaults | group for group in groups]",
    new="self.groups = groups\n        for group in groups:\n            group.update(defaults | group)",
    hint="The dicts that the caller passed get the defaults written into them. Make new dicts.",
)
edited(
    "parameter_groups",
    "rebinding",
    old="param[...], self.state[name] = self.rule",
    new="self.params[name], self.state[name] = self.rule",
    hint="The optimizer's dict gets new arrays, while the model goes on with the old ones. Write into the array: "
    "`param[...] = new`.",
)


@mistake(
    "parameter_groups",
    hint="All parameters share one state: velocities mix, and the step count runs as many times too fast as there "
    "are parameters. One state per parameter.",
)
def one_state_for_all():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params = rule, params
            self.groups = [defaults | group for group in groups]
            self.state = {}

        def step(self, grads):
            for group in self.groups:
                settings = {key: value for key, value in group.items() if key != "names"}
                for name in group["names"]:
                    if grads.get(name) is not None:
                        param = self.params[name]
                        param[...], self.state = self.rule(param, grads[name], self.state, **settings)


@mistake(
    "parameter_groups",
    hint="The state isn't kept from step to step: every step is a first one. Store what the rule returns.",
)
def state_lost():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params = rule, params
            self.groups = [defaults | group for group in groups]

        def step(self, grads):
            for group in self.groups:
                settings = {key: value for key, value in group.items() if key != "names"}
                for name in group["names"]:
                    if grads.get(name) is not None:
                        param = self.params[name]
                        param[...], _ = self.rule(param, grads[name], {}, **settings)


@mistake(
    "parameter_groups",
    hint="A parameter without a gradient is updated as if its gradient were zero: it decays, and its step count "
    "runs on. Leave it and its state alone.",
)
def zeros_for_no_gradient():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params = rule, params
            self.groups = [defaults | group for group in groups]
            self.state = {name: {} for name in params}

        def step(self, grads):
            for group in self.groups:
                settings = {key: value for key, value in group.items() if key != "names"}
                for name in group["names"]:
                    param, grad = self.params[name], grads.get(name)
                    grad = np.zeros_like(param) if grad is None else grad
                    param[...], self.state[name] = self.rule(param, grad, self.state[name], **settings)


@mistake(
    "parameter_groups",
    hint="The settings are read once, when the optimizer is made, so a schedule has no effect. Read self.groups at "
    "every step.",
)
def settings_frozen():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params = rule, params
            self.groups = [defaults | group for group in groups]
            self.state = {name: {} for name in params}
            self.settings = {
                name: {key: value for key, value in group.items() if key != "names"}
                for group in self.groups
                for name in group["names"]
            }

        def step(self, grads):
            for name, settings in self.settings.items():
                if grads.get(name) is not None:
                    param = self.params[name]
                    param[...], self.state[name] = self.rule(param, grads[name], self.state[name], **settings)


@mistake(
    "parameter_groups",
    hint="Every parameter gets the settings of the first group. Look up the group that its name is in.",
)
def first_group_for_all():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params = rule, params
            self.groups = [defaults | group for group in groups]
            self.state = {name: {} for name in params}

        def step(self, grads):
            settings = {key: value for key, value in self.groups[0].items() if key != "names"}
            for name, param in self.params.items():
                if grads.get(name) is not None:
                    param[...], self.state[name] = self.rule(param, grads[name], self.state[name], **settings)


SCALE = "scale = 1.0 if norm <= max_norm else max_norm / norm"
NORM = "norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))"

edited(
    "clip_global_norm",
    "always scales",
    old=SCALE,
    new="scale = max_norm / norm if norm else 1.0",
    hint="Gradients below the threshold are scaled up to it. Clipping only ever shrinks: min(1, c / norm).",
)
edited(
    "clip_global_norm",
    "zero over zero",
    old=SCALE,
    new="scale = np.float64(min(max_norm, norm)) / norm",
    hint="A gradient of zero gives 0/0. Scale only when the norm is above max_norm.",
)
edited(
    "clip_global_norm",
    "no root",
    old=NORM,
    new="norm = float(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values()))",
    hint="This is the sum of squares; the norm is its root.",
)
edited(
    "clip_global_norm",
    "sum of norms",
    old=NORM,
    new="norm = float(sum(np.linalg.norm(grad.astype(np.float64)) for grad in grads.values()))",
    hint="The norms of the parameters are added up. Lengths add like the sides of a right triangle: add the "
    "squares, then take the root.",
)
edited(
    "clip_global_norm",
    "largest element",
    old=NORM,
    new="norm = float(max(np.abs(grad).max() for grad in grads.values()))",
    hint="This is the largest element, the maximum norm. Asked for is the Euclidean one.",
)
edited(
    "clip_global_norm",
    "norm after clipping",
    old="return {name: grad * scale for name, grad in grads.items()}, norm",
    new="return {name: grad * scale for name, grad in grads.items()}, min(norm, max_norm)",
    hint="The norm that you return is the one after clipping. The one before it tells how wild the batch was.",
)
edited(
    "clip_global_norm",
    "float32 squares",
    old=NORM,
    new="with np.errstate(over='ignore'):\n"
    "        norm = float(np.sqrt(sum(np.sum(np.square(grad)) for grad in grads.values())))",
    hint="The squares overflow in float32, the norm is infinite and the gradients become 0. Square in float64: "
    "np.square(grad, dtype=np.float64).",
)


@mistake(
    "clip_global_norm",
    hint="Each parameter is clipped by its own norm, which bends the gradient. There is one norm, of all parameters "
    "together, and one factor.",
)
def norm_of_each_parameter():
    def clip_global_norm(grads, max_norm):
        norms = {name: float(np.linalg.norm(grad.astype(np.float64))) for name, grad in grads.items()}
        clipped = {
            name: grad * (1.0 if norms[name] <= max_norm else max_norm / norms[name]) for name, grad in grads.items()
        }
        return clipped, float(np.linalg.norm(list(norms.values())))


@mistake(
    "clip_global_norm",
    hint="Every element is clipped to the threshold by itself, which bends the gradient. Clip the length of the whole.",
)
def element_by_element():
    def clip_global_norm(grads, max_norm):
        norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))
        return {name: np.clip(grad, -max_norm, max_norm) for name, grad in grads.items()}, norm


@mistake(
    "clip_global_norm",
    hint="The caller's gradients are changed in place (`grad *= scale`). Return new arrays.",
)
def in_place():
    def clip_global_norm(grads, max_norm):
        norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))
        if norm > max_norm:
            for grad in grads.values():
                grad *= max_norm / norm
        return dict(grads), norm
