"""Questions 8 to 10: dropout, max-pooling, optimizers, gradient clipping."""

import numpy as np
import pytest

from autograder import agree, hidden, question

FIVE_SIGMA = 5.0


# Dropout. Which elements are dropped is the student's own draw: the checks read the mask off the
# output and hold everything else to it.


def generator(ns, seed):
    return np.random.default_rng(seed)


def kept(out, x):
    """Where `out` isn't zero; fails when it doesn't look like `x` at all."""
    if type(out) is not np.ndarray or out.shape != x.shape or out.dtype != x.dtype:
        agree(out, x, what="out")
    return out != 0


def within_five_sigma(mask, expected, what):
    """The mean of independent draws `mask`, each True with probability `expected`."""
    share, allowed = mask.mean(), FIVE_SIGMA * np.sqrt(expected * (1 - expected) / mask.size)
    assert abs(share - expected) <= allowed, f"{what} is {share:.3f}, expected {expected:.3f} within {allowed:.3f}"


@question("dropout")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_survivors_and_their_gradients(student, data, dtype):
    """what survives is scaled, and the gradient goes through the same mask"""
    shape = (data.size(4, 6), data.size(3, 5), data.size(5, 7))
    x, dout = data.uniform(*shape, low=0.5, high=2.0, dtype=dtype), data.normal(*shape, dtype=dtype)
    p = data.choice([0.2, 0.3, 0.4, 0.7])
    out, cache = student.dropout_forward(x, p, student.run(generator, data.size(0, 2**31)), training=True)
    mask = kept(out, x)
    agree(out, (x * mask / (1 - p)).astype(dtype), what="out")
    agree(student.dropout_backward(dout, cache), (dout * mask / (1 - p)).astype(dtype), what="dx")


@question("dropout")
@pytest.mark.parametrize("p", [0.1, 0.35, 0.8])
def test_how_many_survive(student, data, p):
    """how many elements survive, in 20,000 draws"""
    x = data.uniform(200, 100, low=0.5, high=2.0)
    out, _ = student.dropout_forward(x, p, student.run(generator, data.size(0, 2**31)), training=True)
    within_five_sigma(kept(out, x), 1 - p, "the fraction that survives")


@question("dropout")
def test_draws_are_independent(student, data):
    """every element of every call has its own draw"""
    x = data.uniform(120, 80, low=0.5, high=2.0)
    p, rng = 0.35, student.run(generator, data.size(0, 2**31))
    first, second = (kept(student.dropout_forward(x, p, rng, training=True)[0], x) for _ in range(2))
    alike = p**2 + (1 - p) ** 2
    within_five_sigma(first == second, alike, "the fraction dropped or kept alike in two calls")
    within_five_sigma(first[::2] == first[1::2], alike, "the fraction dropped or kept alike in two rows")
    within_five_sigma(first[:, ::2] == first[:, 1::2], alike, "the fraction dropped or kept alike in two columns")


@question("dropout")
def test_rng_decides(student, data):
    """the same seed gives the same mask"""
    x = data.uniform(data.size(4, 6), data.size(5, 9), low=0.5, high=2.0)
    seed = data.size(0, 2**31)
    first, second = (student.dropout_forward(x, 0.5, student.run(generator, seed), training=True)[0] for _ in range(2))
    kept(first, x)
    agree(second, first, what="out of a second generator with the same seed")


@question("dropout")
@pytest.mark.parametrize(("p", "training"), [(0.4, False), (0.0, True)], ids=["evaluation", "p = 0"])
def test_nothing_is_dropped(student, data, p, training):
    """x and dout pass unchanged"""
    shape = (data.size(2, 4), data.size(3, 5))
    x, dout = data.normal(*shape), data.normal(*shape)
    out, cache = student.dropout_forward(x, p, student.run(generator, 1), training=training)
    agree(out, x, what="out")
    agree(student.dropout_backward(dout, cache), dout, what="dx")


# Max-pooling

POOLS = [
    pytest.param((2, 2), (2, 2), id="2 by 2"),
    pytest.param((3, 2), (1, 1), id="overlapping windows"),
    pytest.param((2, 3), (3, 2), id="stride (3, 2)"),
]


@question("max_pool_forward")
@pytest.mark.parametrize(("size", "stride"), POOLS)
def test_maxima(student, reference, data, size, stride):
    """the maxima of an image, some of its windows all negative"""
    # The last window of all but the smallest stride is always cut off by the border.
    height, width = (k + s * data.size(2, 3) + s - 1 for k, s in zip(size, stride, strict=True))
    x = data.normal(data.size(2, 3), data.size(2, 3), height, width) - 1
    out, _ = student.max_pool_forward(x, size, stride)
    expected, _ = reference.max_pool_forward(x, size, stride)
    agree(out, expected, what="out")


def compare_pool_gradients(student, reference, data, x, size, stride, dtype="float64"):
    out, expected_cache = reference.max_pool_forward(x, size, stride)
    dout = data.normal(*out.shape, dtype=dtype)
    _, cache = student.max_pool_forward(x, size, stride)
    agree(student.max_pool_backward(dout, cache), reference.max_pool_backward(dout, expected_cache), what="dx")


@question("max_pool_backward")
@pytest.mark.parametrize(("size", "stride"), POOLS)
def test_routes(student, reference, data, size, stride):
    """who gets the gradient, without ties"""
    shape = (data.size(2, 3), data.size(2, 3), data.size(7, 9), data.size(8, 11))
    x = data.permutation(int(np.prod(shape))).reshape(shape) / 8.0 - 9.0
    compare_pool_gradients(student, reference, data, x, size, stride)


@question("max_pool_backward")
@pytest.mark.parametrize(("size", "stride"), POOLS)
def test_routes_after_relu(student, reference, data, size, stride):
    """who gets the gradient when a ReLU left many windows with nothing but zeros"""
    x = np.maximum(data.normal(2, data.size(2, 3), data.size(7, 9), data.size(8, 11), dtype="float32") - 0.7, 0)
    compare_pool_gradients(student, reference, data, x, size, stride, "float32")


# Optimizers


def steps(ns, rule, param, grads, settings):
    """The parameter after each step, one set of settings a step."""
    path, state = [], {}
    for grad, setting in zip(grads, settings, strict=True):
        param, state = getattr(ns, rule)(param, grad, state, **setting)
        path.append(param.copy())
    return path


def compare_steps(student, reference, rule, param, grads, settings):
    args = (rule, param, list(grads), settings)
    names = [f"the parameter after step {number}" for number in range(1, len(grads) + 1)]
    agree(student.run(steps, *args), reference.run(steps, *args), names=names)


@question("nesterov_step")
def test_first_nesterov_step(student, reference, data):
    """the first step, by the defaults; param and grad stay as they are"""
    shape = (data.size(2, 4), data.size(3, 5))
    args = (data.normal(*shape), data.normal(*shape), {}, 0.1)
    param, _ = student.nesterov_step(*args)
    expected, _ = reference.nesterov_step(*args)
    agree(param, expected, what="the new parameter")


@question("nesterov_step")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nesterov_path(student, reference, data, dtype):
    """six steps with weight decay"""
    shape = (data.size(2, 4), data.size(3, 5))
    setting = {"lr": 0.1, "momentum": data.choice([0.5, 0.7, 0.9]), "weight_decay": 0.1}
    grads = data.normal(6, *shape, dtype=dtype)
    compare_steps(student, reference, "nesterov_step", data.normal(*shape, dtype=dtype), grads, [setting] * 6)


@question("nesterov_step")
def test_nesterov_schedule(student, reference, data):
    """a learning rate that falls while the velocity goes on"""
    settings = [{"lr": lr, "momentum": 0.8} for lr in (0.4, 0.4, 0.1, 0.02)]
    size = data.size(3, 6)
    compare_steps(student, reference, "nesterov_step", data.normal(size), data.normal(4, size), settings)


@question("adamw_step")
def test_first_adamw_step(student, reference, data):
    """the first step, by the defaults; param and grad stay as they are"""
    shape = (data.size(2, 4), data.size(3, 5))
    param, grad = data.normal(*shape), data.normal(*shape)
    new, _ = student.adamw_step(param, grad, {})
    expected, _ = reference.adamw_step(param, grad, {})
    agree(new, expected, what="the new parameter")


@question("adamw_step")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-7], ids=["of order 1", "of 1e-3", "of 1e-7"])
def test_adamw_path(student, reference, data, scale, dtype):
    """eight steps with gradients"""
    shape = (data.size(2, 4), data.size(3, 5))
    setting = {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": 0.2}
    grads = data.normal(8, *shape, scale=scale, dtype=dtype)
    compare_steps(student, reference, "adamw_step", data.normal(*shape, dtype=dtype), grads, [setting] * 8)


@question("adamw_step")
def test_adamw_schedule(student, reference, data):
    """a learning rate that falls, and gradients that are zero for some elements"""
    grads = data.normal(5, 4, data.size(3, 6)) * (data.integers(0, 2, 4, 1) == 1)
    grads[:, 0] = 0
    settings = [{"lr": lr, "weight_decay": 0.1} for lr in (0.3, 0.2, 0.1, 0.05, 0.01)]
    compare_steps(student, reference, "adamw_step", data.normal(*grads.shape[1:]), grads, settings)


def training(ns, arrays, groups, defaults, grads, changes):
    """The parameters after each step, read from the arrays that the model holds, and `groups` afterwards.

    The rule makes a longer step each time it is called for a parameter, so a state that is lost, shared
    or advanced too often shows.
    """

    def rule(param, grad, state, *, lr, pull=0.0):
        count = state.get("count", 0) + 1
        return param - lr * count * grad - pull * param, {"count": count}

    params, path = dict(arrays), []
    optimizer = ns.Optimizer(rule, params, groups, **defaults)
    for grad, change in zip(grads, changes, strict=True):
        for number, key, value in change:
            optimizer.groups[number][key] = value
        optimizer.step(grad)
        path.append({name: array.copy() for name, array in arrays.items()})
    return path, groups


def compare_training(student, reference, data, names, groups, defaults, missing=None, changes=None, count=4):
    missing, changes = missing or {}, changes or {}
    shapes = {name: (data.size(2, 4), data.size(1, 3))[: data.size(1, 2)] for name in names}
    arrays = {name: data.normal(*shape) for name, shape in shapes.items()}
    grads = [{name: data.normal(*shape) for name, shape in shapes.items()} for _ in range(count)]
    for number, (name, how) in missing.items():
        if how == "None":
            grads[number][name] = None
        else:
            del grads[number][name]
    args = (arrays, groups, defaults, grads, [changes.get(number, []) for number in range(count)])
    what = ("the parameters, step by step", "groups, the list that Optimizer was given")
    agree(student.run(training, *args), reference.run(training, *args), names=what)


@question("parameter_groups")
def test_each_group_has_its_settings(student, reference, data):
    """two groups with their own settings, and one parameter in no group"""
    groups = [{"names": ["w1", "w2"], "lr": 0.1, "pull": 0.2}, {"names": ["b1", "b2"], "lr": 0.3}]
    compare_training(student, reference, data, ["w1", "b1", "w2", "b2", "frozen"], groups, {})


@question("parameter_groups")
def test_defaults_fill_in(student, reference, data):
    """defaults fill in what a group leaves open, and nothing else"""
    groups = [{"names": ["head"], "lr": 0.5}, {"names": ["body", "stem"]}, {"names": ["gain"], "pull": 0.0}]
    compare_training(student, reference, data, ["stem", "body", "head", "gain"], groups, {"lr": 0.05, "pull": 0.3})


@question("parameter_groups")
@pytest.mark.parametrize("how", ["missing", "None"])
def test_parameter_without_gradient(student, reference, data, how):
    """a parameter without a gradient stays as it is, and so does its state"""
    groups = [{"names": ["a", "b"], "lr": 0.1, "pull": 0.2}]
    compare_training(student, reference, data, ["a", "b"], groups, {}, missing={0: ("a", how), 2: ("b", how)})


@question("parameter_groups")
def test_schedule(student, reference, data):
    """settings changed in optimizer.groups count from the next step on"""
    groups = [{"names": ["a"], "lr": 0.1}, {"names": ["b", "c"]}]
    changes = {1: [(0, "lr", 0.5)], 2: [(1, "lr", 0.03), (1, "pull", 0.4)]}
    compare_training(student, reference, data, ["a", "b", "c"], groups, {"lr": 0.2}, changes=changes)


# Gradient clipping


def gradients(data, dtype="float64", scale=1.0):
    """Gradients of very different sizes, and the norm of all of them."""
    grads = {
        "w1": data.normal(data.size(2, 5), data.size(3, 5), scale=scale, dtype=dtype),
        "b1": data.normal(data.size(2, 5), scale=3 * scale, dtype=dtype),
        "w2": data.normal(2, data.size(1, 3), 3, scale=0.2 * scale, dtype=dtype),
    }
    return grads, float(np.sqrt(sum(np.sum(grad.astype("float64") ** 2) for grad in grads.values())))


def compare_clipping(student, reference, grads, max_norm, rtol=0.0):
    clipped, norm = student.clip_global_norm(grads, max_norm)
    expected, expected_norm = reference.clip_global_norm(grads, max_norm)
    agree(clipped, expected, what="the gradients")
    agree(norm, expected_norm, what="the norm before clipping", rtol=rtol)


@question("clip_global_norm")
@pytest.mark.parametrize("share", [0.1, 0.7, 1.3, 20.0])
def test_clipping(student, reference, data, share):
    """max_norm as a multiple of the norm"""
    grads, norm = gradients(data)
    compare_clipping(student, reference, grads, share * norm)


@question("clip_global_norm")
def test_gradients_of_zero(student, reference, data):
    """gradients that are all zero"""
    grads = {"w": np.zeros((data.size(2, 4), 3)), "b": np.zeros(data.size(2, 4), "float32")}
    compare_clipping(student, reference, grads, 1.0)


@question("clip_global_norm")
@pytest.mark.parametrize("scale", [1.0, 1e20], ids=["of order 1", "of 1e20"])
def test_clipping_in_float32(student, reference, data, scale):
    """float32 gradients"""
    grads, norm = gradients(data, "float32", scale)
    # The norm is a Python float: whoever sums gradients of order 1 in float32 is off by some of its units.
    compare_clipping(student, reference, grads, 0.3 * norm, rtol=4e-6)
