"""The reference of backprop's tapes and layers agrees with PyTorch's autograd and layers, in float64."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

SOLUTION = Path(__file__).parents[3] / "solutions" / "backprop.py"
SEEDS = pytest.mark.parametrize("seed", range(5))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_of_backprop", SOLUTION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the frameworks say when they are imported
        spec.loader.exec_module(module)
    return module


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, requires_grad=True)


def equal(got: Any, expected: Any) -> None:
    """Equal in shape and dtype, and in numbers up to rounding in float64."""
    for one, other in zip(got, expected, strict=True):
        right = other.detach().numpy() if isinstance(other, torch.Tensor) else np.asarray(other)
        assert np.shape(one) == right.shape
        assert np.asarray(one).dtype == right.dtype
        np.testing.assert_allclose(one, right, rtol=1e-11, atol=1e-12)


def torch_gradients(out: torch.Tensor, dout: np.ndarray, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(out, inputs, torch.tensor(dout))


@SEEDS
def test_random_expressions_of_numbers_have_autograds_gradients(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=4)
    ours = [reference.Value(float(number)) for number in numbers]
    theirs = [leaf(np.array(number)) for number in numbers]
    leaves = ours[:], theirs[:]
    binary: list[Callable[[Any, Any], Any]] = [
        lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a - b, lambda a, b: 2 - a * 0.5 + b,
        lambda a, b: a / (b * b + 1.0), lambda a, b: 1.5 / (a**2 + b**2 + 1.0), lambda a, b: -a + b,
    ]  # fmt: skip
    unary: list[Callable[[Any], Any]] = [
        lambda a: a.tanh(), lambda a: a.relu(), lambda a: a.tanh().exp(), lambda a: (a.tanh() + 2) ** 1.5,
        lambda a: (a**2 + 1) ** -1,
    ]  # fmt: skip
    for _ in range(40):
        i, j = rng.integers(len(ours), size=2)
        if rng.random() < 0.5:
            operation = binary[rng.integers(len(binary))]
            ours.append((operation(ours[i], ours[j])).tanh())
            theirs.append((operation(theirs[i], theirs[j])).tanh())
        else:
            function = unary[rng.integers(len(unary))]
            ours.append(function(ours[i]))
            theirs.append(function(theirs[i]))
    root, loss = sum(ours[5:], ours[4]), sum(theirs[5:], theirs[4])
    reference.value_backward(root)
    expected = torch.autograd.grad(loss, leaves[1], allow_unused=True)
    np.testing.assert_allclose(root.data, loss.item(), rtol=1e-12)
    np.testing.assert_allclose(
        [value.grad for value in leaves[0]], [0 if grad is None else grad.item() for grad in expected], rtol=1e-9
    )


ARRAY_PROGRAMS: dict[str, tuple[tuple[tuple[int, ...], ...], Callable[..., Any], Callable[..., torch.Tensor]]] = {
    "add": (((3, 1), (2, 1, 4)), lambda r, a, b: r.tensor_add(a, b), lambda a, b: a + b),
    "mul": (((4,), (2, 3, 1)), lambda r, a, b: r.tensor_mul(a, b), lambda a, b: a * b),
    "tanh": (((2, 3),), lambda r, a: r.tensor_tanh(a), lambda a: a.tanh()),
    "matmul": (((5, 1, 3, 4), (2, 4, 2)), lambda r, a, b: r.tensor_matmul(a, b), lambda a, b: a @ b),
    "sum": (((2, 3, 4),), lambda r, a: r.tensor_sum(a, (0, -1)), lambda a: a.sum((0, -1))),
    "sum of all": (((2, 3),), lambda r, a: r.tensor_sum(a), lambda a: a.sum()),
    "sum, keepdims": (((2, 3),), lambda r, a: r.tensor_sum(a, 1, keepdims=True), lambda a: a.sum(1, keepdim=True)),
    "reshape": (((2, 3, 4),), lambda r, a: r.tensor_reshape(a, (4, -1)), lambda a: a.reshape(4, -1)),
    "getitem": (
        ((4, 3),),
        lambda r, a: r.tensor_getitem(a, (np.array([3, 0, 3, 3]), np.array([1, 2, 1, 0]))),
        lambda a: a[torch.tensor([3, 0, 3, 3]), torch.tensor([1, 2, 1, 0])],
    ),
    "a residual block": (
        ((5, 3), (3, 3), (3,)),
        lambda r, x, w, b: r.tensor_add(x, r.tensor_tanh(r.tensor_add(r.tensor_matmul(r.tensor_add(x, x), w), b))),
        lambda x, w, b: x + ((x + x) @ w + b).tanh(),
    ),
}


@pytest.mark.parametrize("name", ARRAY_PROGRAMS)
def test_programs_of_arrays_have_autograds_gradients(reference: ModuleType, name: str) -> None:
    shapes, program, expected = ARRAY_PROGRAMS[name]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    ours, theirs = [reference.Tensor(array) for array in arrays], [leaf(array) for array in arrays]
    result, out = program(reference, *ours), expected(*theirs)
    dout = rng.normal(size=out.shape)
    reference.tensor_backward(result, dout)
    equal([result.data], [out])
    equal([tensor.grad for tensor in ours], torch_gradients(out, dout, *theirs))


@SEEDS
@pytest.mark.parametrize("lead", [(), (4,), (2, 3)])
def test_affine_is_torchs_linear(reference: ModuleType, seed: int, lead: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    x, w, b, dout = (
        rng.normal(size=(*lead, 3)),
        rng.normal(size=(3, 5)),
        rng.normal(size=5),
        rng.normal(size=(*lead, 5)),
    )
    inputs = leaf(x), leaf(w), leaf(b)
    expected = F.linear(inputs[0], inputs[1].T, inputs[2])
    out, cache = reference.affine_forward(x, w, b)
    equal([out, *reference.affine_backward(dout, cache)], [expected, *torch_gradients(expected, dout, *inputs)])


@SEEDS
@pytest.mark.parametrize("ignore_index", [-100, 2])
def test_softmax_cross_entropy_is_torchs(reference: ModuleType, seed: int, ignore_index: int) -> None:
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(size=(7, 4), scale=10.0 ** rng.integers(5)), rng.integers(0, 4, 7)
    targets[:2] = ignore_index, 1
    z = leaf(logits)
    loss = F.cross_entropy(z, torch.tensor(targets), ignore_index=ignore_index)
    got = reference.softmax_cross_entropy(logits, targets, ignore_index)
    equal(got, [loss, *torch.autograd.grad(loss, z)])
    equal([reference.log_softmax(logits)], [torch.log_softmax(z, -1)])


@SEEDS
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_is_torchs(reference: ModuleType, seed: int, training: bool) -> None:
    rng = np.random.default_rng(seed)
    x, gamma, beta, mean = rng.normal(size=(6, 4)), rng.normal(size=4), rng.normal(size=4), rng.normal(size=4)
    var, dout = rng.uniform(0.5, 2, size=4), rng.normal(size=(6, 4))
    inputs, running = (leaf(x), leaf(gamma), leaf(beta)), (torch.tensor(mean), torch.tensor(var))
    expected = F.batch_norm(inputs[0], *running, inputs[1], inputs[2], training=training, momentum=0.3, eps=1e-3)
    settings = {"training": training, "momentum": 0.3, "eps": 1e-3}
    out, cache, *statistics = reference.batch_norm_forward(x, gamma, beta, mean, var, **settings)
    equal([out, *statistics], [expected, *running])
    equal(reference.batch_norm_backward(dout, cache), torch_gradients(expected, dout, *inputs))


@SEEDS
@pytest.mark.parametrize("shape", [(4,), (5, 3), (2, 3, 4), (6, 1)])
def test_layer_norm_and_rms_norm_are_torchs(reference: ModuleType, seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    x, gamma, beta, dout = rng.normal(size=shape), *rng.normal(size=(2, shape[-1])), rng.normal(size=shape)
    inputs = leaf(x), leaf(gamma), leaf(beta)
    expected = F.layer_norm(inputs[0], shape[-1:], *inputs[1:], eps=1e-3)
    out, cache = reference.layer_norm_forward(x, gamma, beta, 1e-3)
    equal([out, *reference.layer_norm_backward(dout, cache)], [expected, *torch_gradients(expected, dout, *inputs)])
    expected = F.rms_norm(inputs[0], shape[-1:], inputs[1], eps=1e-3)
    out, cache = reference.rms_norm_forward(x, gamma, 1e-3)
    equal([out, *reference.rms_norm_backward(dout, cache)], [expected, *torch_gradients(expected, dout, *inputs[:2])])


def layers(reference: ModuleType, dtype: str) -> dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any]]]:
    """Each layer's forward (out, cache), its backward, and inputs that learn."""
    rng = np.random.default_rng(7)
    x, w, row = rng.normal(size=(4, 3)).astype(dtype), rng.normal(size=(3, 5)).astype(dtype), np.ones(3, dtype)
    bias, gamma, beta = rng.normal(size=5).astype(dtype), *rng.normal(size=(2, 3)).astype(dtype)

    def batch_norm(training: bool) -> Callable[..., Any]:
        return lambda *inputs: reference.batch_norm_forward(*inputs, 0 * row, row, training=training)[:2]

    return {
        "affine": (reference.affine_forward, reference.affine_backward, [x, w, bias]),
        "batch norm, training": (batch_norm(True), reference.batch_norm_backward, [x, gamma, beta]),
        "batch norm, evaluation": (batch_norm(False), reference.batch_norm_backward, [x, gamma, beta]),
        "layer norm": (reference.layer_norm_forward, reference.layer_norm_backward, [x, gamma, beta]),
        "RMS norm": (reference.rms_norm_forward, reference.rms_norm_backward, [x, gamma]),
    }


LAYERS = ["affine", "batch norm, training", "batch norm, evaluation", "layer norm", "RMS norm"]


@pytest.mark.parametrize("name", LAYERS)
def test_layers_pass_gradcheck(reference: ModuleType, name: str) -> None:
    forward, backward, inputs = layers(reference, "float64")[name]

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *tensors: torch.Tensor) -> torch.Tensor:
            out, ctx.cache = forward(*(tensor.detach().numpy() for tensor in tensors))
            return torch.tensor(out)

        @staticmethod
        def backward(ctx: Any, dout: torch.Tensor) -> Any:
            return tuple(map(torch.tensor, backward(dout.numpy(), ctx.cache)))

    assert torch.autograd.gradcheck(Layer.apply, [leaf(array) for array in inputs])


@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_float32_and_leave_their_arguments_alone(reference: ModuleType, name: str) -> None:
    forward, backward, inputs = layers(reference, "float32")[name]
    before = [array.copy() for array in inputs]
    out, cache = forward(*inputs)
    dout = np.ones_like(out)
    gradients = backward(dout, cache)
    assert {out.dtype, *(gradient.dtype for gradient in gradients)} == {np.dtype("float32")}
    assert all(np.array_equal(*pair) for pair in zip([*inputs, dout], [*before, np.ones_like(out)], strict=True))


def test_the_given_numerical_gradient_finds_the_layers_gradients(reference: ModuleType) -> None:
    forward, backward, (x, gamma, beta) = layers(reference, "float64")["layer norm"]
    out, cache = forward(x, gamma, beta)
    dout = np.random.default_rng(1).normal(size=out.shape)
    numeric = reference.numerical_gradient(lambda moved: forward(moved, gamma, beta)[0], x, dout)
    np.testing.assert_allclose(backward(dout, cache)[0], numeric, rtol=1e-6, atol=1e-8)
