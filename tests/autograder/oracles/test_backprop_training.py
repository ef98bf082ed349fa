"""The second half of backprop's reference agrees with PyTorch, SciPy and gradcheck, in float64."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import special

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """solutions/backprop.py, whose checks and demos are commented out."""
    spec = importlib.util.spec_from_file_location("backprop_reference", ROOT / "solutions" / "backprop.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def tensor(array, requires_grad=True):
    return torch.from_numpy(np.array(array)).requires_grad_(requires_grad)


def same(got, wanted, rtol=1e-12):
    wanted = wanted.detach().numpy() if isinstance(wanted, torch.Tensor) else wanted
    got = got.detach().numpy() if isinstance(got, torch.Tensor) else got
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol * np.abs(wanted).max(initial=1.0), strict=True)


LAYERS = [
    ((1, 1), (0, 0), (1, 1), 1),
    ((2, 3), (1, 2), (1, 1), 1),
    ((1, 2), (3, 1), (2, 3), 1),
    ((3, 1), (2, 2), (1, 2), 2),
    ((2, 2), (1, 1), (2, 2), 4),
]


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), LAYERS)
def test_convolution_is_torchs(reference, rng, stride, padding, dilation, groups):
    x, w, b = rng.normal(size=(2, 4, 9, 10)), rng.normal(size=(8, 4 // groups, 3, 2)), rng.normal(size=8)
    out, cache = reference.conv2d_forward(x, w, b, stride, padding, dilation, groups)
    inputs = [tensor(array) for array in (x, w, b)]
    wanted = torch.nn.functional.conv2d(*inputs, stride, padding, dilation, groups)
    same(out, wanted)
    dout = rng.normal(size=out.shape)
    grads = torch.autograd.grad(wanted, inputs, tensor(dout, False))
    for got, grad in zip(reference.conv2d_backward(dout, cache), grads, strict=True):
        same(got, grad)


def test_windows_are_torchs_unfold(reference, rng):
    x = rng.normal(size=(2, 3, 9, 11))
    windows = reference.sliding_windows(x, (3, 2), (2, 3), (2, 4))
    unfolded = torch.nn.functional.unfold(tensor(x, False), (3, 2), (2, 4), 0, (2, 3))
    same(windows.transpose(0, 1, 4, 5, 2, 3).reshape(2, 18, -1), unfolded)
    assert np.shares_memory(windows, x)
    assert windows.flags.writeable


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("size", "stride"), [((2, 2), (2, 2)), ((3, 2), (1, 1)), ((2, 3), (3, 2))])
def test_max_pooling_is_torchs_ties_included(reference, rng, size, stride, ties):
    x = rng.integers(-2, 2, (2, 3, 8, 9)).astype(float) if ties else rng.normal(size=(2, 3, 8, 9))
    out, cache = reference.max_pool_forward(x, size, stride)
    leaf = tensor(x)
    wanted = torch.nn.functional.max_pool2d(leaf, size, stride)
    same(out, wanted)
    dout = rng.normal(size=out.shape)
    same(reference.max_pool_backward(dout, cache), torch.autograd.grad(wanted, leaf, tensor(dout, False))[0])


def test_dropout_keeps_the_mean_and_its_mask(reference, rng):
    x, dout = rng.uniform(1, 2, (300, 200)), rng.normal(size=(300, 200))
    out, cache = reference.dropout_forward(x, 0.3, rng, training=True)
    kept = out != 0
    assert abs(kept.mean() - 0.7) < 5 * np.sqrt(0.3 * 0.7 / x.size)
    same(out[kept], x[kept] / 0.7)
    same(reference.dropout_backward(dout, cache), np.where(kept, dout / 0.7, 0))
    out, cache = reference.dropout_forward(x, 0.3, rng, training=False)
    same(out, x)
    same(reference.dropout_backward(dout, cache), dout)


def path_of(rule, param, grads, settings):
    state, path = {}, []
    for grad, setting in zip(grads, settings, strict=True):
        param, state = rule(param, grad, state, **setting)
        path.append(param)
    return path


def path_of_torch(optimizer_class, param, grads, settings, **fixed):
    weight = torch.nn.Parameter(tensor(param, False))
    optimizer, path = optimizer_class([weight], **settings[0], **fixed), []
    for grad, setting in zip(grads, settings, strict=True):
        optimizer.param_groups[0].update(setting)
        weight.grad = tensor(grad, False)
        optimizer.step()
        path.append(weight.detach().clone())
    return path


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-8])
def test_adamw_is_torchs(reference, rng, scale):
    param, grads = rng.normal(size=(3, 4)), scale * rng.normal(size=(12, 3, 4))
    settings = [{"lr": 0.1 / (1 + t), "betas": (0.8, 0.95), "weight_decay": 0.2} for t in range(12)]
    wanted = path_of_torch(torch.optim.AdamW, param, grads, settings)
    for got, right in zip(path_of(reference.adamw_step, param, grads, settings), wanted, strict=True):
        same(got, right)


def test_nesterov_is_torchs(reference, rng):
    param, grads = rng.normal(size=(3, 4)), rng.normal(size=(12, 3, 4))
    settings = [{"lr": 0.1 / (1 + t), "momentum": 0.8, "weight_decay": 0.1} for t in range(12)]
    wanted = path_of_torch(torch.optim.SGD, param, grads, settings, nesterov=True)
    for got, right in zip(path_of(reference.nesterov_step, param, grads, settings), wanted, strict=True):
        same(got, right)


def test_parameter_groups_are_torchs(reference, rng):
    arrays = {name: rng.normal(size=shape) for name, shape in {"w": (3, 4), "b": (4,), "v": (4, 2)}.items()}
    weights = {name: torch.nn.Parameter(tensor(array, False)) for name, array in arrays.items()}
    groups = [{"names": ["w", "v"], "weight_decay": 0.3}, {"names": ["b"], "lr": 0.01}]
    theirs = [{**group, "params": [weights[name] for name in group["names"]]} for group in groups]
    for group in theirs:
        del group["names"]
    ours = reference.Optimizer(reference.adamw_step, arrays, groups, lr=0.1, weight_decay=0.0)
    optimizer = torch.optim.AdamW(theirs, lr=0.1, weight_decay=0.0)
    for step in range(6):
        grads = {name: rng.normal(size=array.shape) for name, array in arrays.items() if step % 3 or name != "v"}
        ours.groups[0]["lr"] = optimizer.param_groups[0]["lr"] = 0.1 / (1 + step)
        for name, weight in weights.items():
            weight.grad = tensor(grads[name], False) if name in grads else None
        ours.step(grads)
        optimizer.step()
        for name, weight in weights.items():
            same(arrays[name], weight)


@pytest.mark.parametrize("max_norm", [0.1, 1.0, 100.0])
def test_clipping_is_torchs_but_for_its_eps(reference, rng, max_norm):
    grads = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4)}
    weights = [torch.nn.Parameter(tensor(grad, False)) for grad in grads.values()]
    for weight, grad in zip(weights, grads.values(), strict=True):
        weight.grad = tensor(grad, False)
    norm = torch.nn.utils.clip_grad_norm_(weights, max_norm)
    clipped, ours = reference.clip_global_norm(grads, max_norm)
    assert ours == pytest.approx(norm.item(), rel=1e-12)
    for weight, grad in zip(weights, clipped.values(), strict=True):
        same(grad, weight.grad, rtol=1e-5)  # torch divides by the norm + 1e-6


def test_log_ndtr_passes_gradcheck_twice(reference):
    x = torch.linspace(-12, 4, 33, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(reference.log_ndtr_torch, x)
    assert torch.autograd.gradgradcheck(reference.log_ndtr_torch, x)
    same(reference.log_ndtr_torch(x), torch.special.log_ndtr(x))


def test_log_ndtr_in_tensorflow_is_scipys_to_the_second_derivative(reference):
    import tensorflow as tf

    x = np.linspace(-12, 4, 33)
    with tf.GradientTape() as outer:
        point = tf.constant(x)
        outer.watch(point)
        with tf.GradientTape() as inner:
            inner.watch(point)
            y = reference.log_ndtr_tf(point)
        slope = inner.gradient(y, point)
    bend = outer.gradient(slope, point)
    wanted = np.sqrt(2 / np.pi) / special.erfcx(-x / np.sqrt(2))
    same(y.numpy(), special.log_ndtr(x))
    same(slope.numpy(), wanted)
    same(bend.numpy(), -wanted * (x + wanted), rtol=1e-10)


def coupled(x):
    return torch.sin(x.flip(0)) * torch.exp(x.mean()) + x**3


def test_products_are_those_of_the_whole_matrices(reference, rng):
    x, v = tensor(rng.normal(size=5)), tensor(rng.normal(size=5), False)
    jacobian = torch.autograd.functional.jacobian(coupled, x)
    same(reference.jvp_torch(coupled, x, v), jacobian @ v)
    hessian = torch.autograd.functional.hessian(lambda x: coupled(x).square().sum(), x)
    same(reference.hvp_torch(lambda x: coupled(x).square().sum(), x, v), hessian @ v)


def test_products_in_tensorflow_are_those_in_torch(reference, rng):
    import tensorflow as tf

    def coupled_tf(x):
        return tf.sin(x[::-1]) * tf.exp(tf.reduce_mean(x)) + x**3

    x, v = rng.normal(size=5), rng.normal(size=5)
    wanted = reference.jvp_torch(coupled, tensor(x), tensor(v, False))
    same(reference.jvp_tf(coupled_tf, tf.constant(x), tf.constant(v)).numpy(), wanted)
    wanted = reference.hvp_torch(lambda x: coupled(x).square().sum(), tensor(x), tensor(v, False))
    same(reference.hvp_tf(lambda x: tf.reduce_sum(coupled_tf(x) ** 2), tf.constant(x), tf.constant(v)).numpy(), wanted)


def test_products_of_linear_functions(reference):
    import tensorflow as tf

    a = np.arange(4.0)
    x, zero = np.ones(4), np.zeros(4)
    same(reference.hvp_torch(lambda x: (tensor(a, False) * x).sum(), tensor(x), tensor(x, False)), zero)
    same(reference.hvp_tf(lambda x: tf.reduce_sum(a * x), tf.constant(x), tf.constant(x)).numpy(), zero)
