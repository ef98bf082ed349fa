"""Other right answers to questions 8 to 10: dropout, pooling, optimizers, clipping."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("dropout")
def by_binomial_draws():
    def dropout_forward(x, p, rng, *, training):
        keep = 1.0 - p
        mask = rng.binomial(1, keep, size=x.shape).astype(bool) if training else None
        out = np.where(mask, x / x.dtype.type(keep), x.dtype.type(0)) if training else x.copy()
        return out, {"mask": mask, "keep": keep}

    def dropout_backward(dout, cache):
        if cache["mask"] is None:
            return dout.copy()
        dx = dout / dout.dtype.type(cache["keep"])
        dx[~cache["mask"]] = 0
        return dx


@alternative("dropout")
def by_uniform_draws_and_a_closure():
    def dropout_forward(x, p, rng, *, training):
        if not training or p == 0:
            return x, lambda dout: dout
        kept = rng.uniform(size=x.shape) > p
        scale = 1 / (1 - p)
        return x * kept * scale, lambda dout: dout * kept * scale

    def dropout_backward(dout, cache):
        return cache(dout)


@alternative("max_pool_forward", also=("max_pool_backward",))
def by_loops():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        oh, ow = ((x.shape[2 + a] - size[a]) // stride[a] + 1 for a in (0, 1))
        out = np.empty((*x.shape[:2], oh, ow), x.dtype)
        for i in range(oh):
            for j in range(ow):
                rows = slice(i * stride[0], i * stride[0] + size[0])
                columns = slice(j * stride[1], j * stride[1] + size[1])
                out[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
        return out, (x, size, stride)

    def max_pool_backward(dout, cache):
        x, size, stride = cache
        dx = np.zeros(x.shape, dout.dtype)
        for n, c, i, j in np.ndindex(*dout.shape):
            top, left = i * stride[0], j * stride[1]
            window = x[n, c, top : top + size[0], left : left + size[1]]
            u, v = np.unravel_index(window.argmax(), window.shape)
            dx[n, c, top + u, left + v] += dout[n, c, i, j]
        return dx


@alternative("max_pool_forward", also=("max_pool_backward",))
def by_torch_max_pool2d():
    def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
        import torch

        tensor = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        out = torch.nn.functional.max_pool2d(tensor, size, stride)
        return out.detach().numpy(), lambda dout: torch.autograd.grad(out, tensor, torch.from_numpy(dout))[0].numpy()

    def max_pool_backward(dout, cache):
        return cache(dout)


@alternative("max_pool_backward")
def by_add_at():
    def max_pool_backward(dout, cache):
        winner, shape, size, stride = cache
        n, c, i, j = np.indices(dout.shape)
        u, v = np.divmod(winner, size[1])
        dx = np.zeros(shape, dout.dtype)
        np.add.at(dx, (n, c, i * stride[0] + u, j * stride[1] + v), dout)
        return dx


@alternative("nesterov_step")
def by_torch_sgd():
    def nesterov_step(param, grad, state, lr, momentum=0.9, weight_decay=0.0):
        import torch

        weight = torch.nn.Parameter(torch.from_numpy(param.copy()))
        nesterov = momentum > 0
        optimizer = torch.optim.SGD([weight], lr=lr, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay)
        if state.get("momentum_buffer") is not None:
            optimizer.state[weight]["momentum_buffer"] = state["momentum_buffer"]
        weight.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        buffer = optimizer.state[weight].get("momentum_buffer", None)
        return weight.detach().numpy(), {
            "momentum_buffer": weight.grad + weight_decay * param if buffer is None else buffer
        }


@alternative("nesterov_step")
def with_the_first_velocity_set():
    def nesterov_step(param, grad, state, lr, momentum=0.9, weight_decay=0.0):
        new_state = dict(state)
        d = grad.copy()
        if weight_decay:
            d += weight_decay * param
        if "u" in state:
            new_state["u"] = state["u"] * momentum + d
        else:
            new_state["u"] = d.copy()
        return param - lr * d - lr * momentum * new_state["u"], new_state


@alternative("adamw_step")
def by_torch_adamw():
    def adamw_step(param, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        import torch

        weight = torch.nn.Parameter(torch.from_numpy(param.copy()))
        optimizer = torch.optim.AdamW([weight], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        if state:
            optimizer.state[weight].update(state)
        weight.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        return weight.detach().numpy(), dict(optimizer.state[weight])


@alternative("adamw_step")
def with_corrections_folded_into_the_rate():
    def adamw_step(param, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
        if not state:
            state = {"t": 0, "moments": np.zeros((2, *param.shape), param.dtype)}
        t, moments = state["t"] + 1, state["moments"].copy()
        for moment, beta, value in zip(moments, betas, (grad, grad * grad), strict=True):
            moment += (1 - beta) * (value - moment)
        root = float(np.sqrt(1 - betas[1] ** t))
        rate = lr * root / (1 - betas[0] ** t)
        shrunk = param * (1 - lr * weight_decay)
        return shrunk - rate * moments[0] / (np.sqrt(moments[1]) + eps * root), {"t": t, "moments": moments}


@alternative("parameter_groups")
def by_name():
    class Optimizer:
        def __init__(self, rule, params, groups, **defaults):
            self.rule, self.params, self.states = rule, params, {}
            self.groups = []
            for group in groups:
                filled = dict(group)
                for key, value in defaults.items():
                    filled.setdefault(key, value)
                self.groups.append(filled)

        def step(self, grads):
            for name, grad in grads.items():
                group = next((group for group in self.groups if name in group["names"]), None)
                if grad is None or group is None:
                    continue
                settings = dict(group)
                del settings["names"]
                new, self.states[name] = self.rule(self.params[name], grad, self.states.get(name, {}), **settings)
                np.copyto(self.params[name], new)


@alternative("clip_global_norm")
def by_one_long_vector():
    def clip_global_norm(grads, max_norm):
        whole = np.concatenate([grad.ravel().astype(np.float64) for grad in grads.values()])
        norm = np.linalg.norm(whole)
        scale = min(1.0, max_norm / max(norm, np.finfo(float).tiny))
        return {name: (grad * scale).astype(grad.dtype) for name, grad in grads.items()}, norm


@alternative("clip_global_norm")
def by_scaling_with_the_largest():
    def clip_global_norm(grads, max_norm):
        import math

        largest = max(float(np.abs(grad).max(initial=0)) for grad in grads.values())
        if largest == 0:
            return {name: grad.copy() for name, grad in grads.items()}, 0.0
        norm = largest * math.sqrt(sum(float(((grad / np.float64(largest)) ** 2).sum()) for grad in grads.values()))
        factor = max_norm / norm if norm > max_norm else 1.0
        return {name: factor * grad for name, grad in grads.items()}, norm
