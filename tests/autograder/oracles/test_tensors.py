"""The reference of tensors agrees with NumPy, SciPy, PyTorch, TensorFlow and exact arithmetic."""

from __future__ import annotations

import importlib.util
import math
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy import special

SOLUTION = Path(__file__).parents[3] / "solutions" / "tensors.py"
SEEDS = pytest.mark.parametrize("seed", range(5))


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_of_tensors", SOLUTION)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the frameworks say when they are imported
        spec.loader.exec_module(module)
    return module


def same(got: Any, wanted: Any, rtol: float = 1e-12) -> None:
    got, wanted = (x.detach().numpy() if isinstance(x, torch.Tensor) else np.asarray(x) for x in (got, wanted))
    np.testing.assert_allclose(got, wanted, rtol=rtol, atol=rtol, strict=True)


@SEEDS
def test_shapes_broadcast_as_numpys(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        shapes = [tuple(int(n) for n in rng.choice([0, 1, 1, 2, 3], rng.integers(0, 4))) for _ in range(3)]
        try:
            wanted = np.broadcast_shapes(*shapes)
        except ValueError:
            with pytest.raises(ValueError, match="broadcast"):
                reference.broadcast_shape(*shapes)
        else:
            assert reference.broadcast_shape(*shapes) == wanted


@SEEDS
def test_unbroadcast_is_autograds_gradient_of_expand(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for shape in ((), (4,), (1, 4), (3, 1), (3, 4), (1, 1), (2, 1, 4), (1, 3, 1)):
        x, grad = torch.zeros(shape, dtype=torch.float64, requires_grad=True), rng.normal(size=(2, 3, 4))
        (wanted,) = torch.autograd.grad(x.expand(2, 3, 4), x, torch.from_numpy(grad))
        same(reference.unbroadcast(grad, shape), wanted)


@SEEDS
def test_views_see_what_numpys_views_see(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    buffer = rng.normal(size=6 * 7 * 8)
    array, view = buffer.reshape(6, 7, 8), (0, (6, 7, 8), reference.row_major_strides((6, 7, 8)))
    key = (slice(None, None, -2), int(rng.integers(-7, 7)), slice(1, -1, 3))
    array, view = array[key], reference.index_view(view, key)
    same(reference.read(buffer, view), array)
    array, view = array.T, reference.transpose_view(view, (1, 0))
    same(reference.read(buffer, view), array)
    shape = (3, *array.shape)
    same(reference.read(buffer, reference.broadcast_view(view, shape)), np.broadcast_to(array, shape))
    with pytest.raises(IndexError):
        reference.index_view(view, (array.shape[0],))


@SEEDS
def test_windows_are_numpys_and_torchs(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, size, step = rng.normal(size=(3, 20)), int(rng.integers(1, 8)), int(rng.integers(1, 4))
    windows = reference.sliding_windows(x, size, step)
    same(windows, np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::step, :])
    same(windows, torch.from_numpy(x).unfold(-1, size, step))
    assert np.shares_memory(windows, x)


@SEEDS
def test_reshaping_needs_a_copy_where_torchs_view_fails(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(200):
        x = torch.arange(24.0).reshape([int(n) for n in rng.permutation([2, 3, 4, 1])])
        x = x.permute([int(axis) for axis in rng.permutation(4)])[
            tuple(slice(None, None, int(s)) for s in rng.choice([1, 2], 4))
        ]
        sizes = [int(n) for n in rng.permutation([p for n in x.shape for p in ([2, 2] if n == 4 else [n])])]
        found = reference.reshape_strides(tuple(x.shape), x.stride(), tuple(sizes))
        try:
            wanted = x.view(sizes)
        except RuntimeError:
            assert found is None
        else:
            assert found is not None
            same(torch.as_strided(x, sizes, found, x.storage_offset()), wanted)


@SEEDS
def test_einsum_is_numpys(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = dict(zip("ijkl", (2, 3, 4, 5), strict=True))
    for _ in range(60):
        left, right = ("".join(rng.choice(list("ijkl"), rng.integers(0, 4))) for _ in "ab")
        letters = rng.permutation(sorted(set(left + right)))
        equation = f"{left},{right}->{''.join(letters[: rng.integers(0, len(letters) + 1)])}"
        a, b = (rng.normal(size=[size[letter] for letter in labels]) for labels in (left, right))
        same(reference.einsum(equation, a, b), np.einsum(equation, a, b))


@SEEDS
def test_logsumexp_is_scipys(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, 5)) * 10 + rng.choice([0, 1e4, -1e4], (6, 1))
    x[1], x[2, 3], x[3, :2] = -np.inf, np.inf, -np.inf
    for axis in (0, 1, -1):
        for keepdims in (False, True):
            same(reference.logsumexp(x, axis, keepdims), special.logsumexp(x, axis=axis, keepdims=keepdims))
    same(reference.logsumexp(np.zeros((3, 0))), np.full(3, -np.inf))


@SEEDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_compensated_sum_is_within_its_bound(reference: ModuleType, seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=500) * 10.0 ** rng.integers(-4, 5, 500)).astype(dtype)
    unit, exact = np.finfo(dtype).eps / 2, math.fsum(x.astype(float))
    bound = unit * abs(exact) + (len(x) * unit) ** 2 * np.abs(x.astype(float)).sum()
    assert abs(float(reference.compensated_sum(x)) - exact) <= bound + unit * abs(exact)
    assert reference.compensated_sum(x).dtype == dtype


@SEEDS
def test_both_frameworks_give_the_same_sums_and_means(reference: ModuleType, seed: int) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(seed)
    values, segments = rng.normal(size=(12, 3)), rng.integers(0, 4, 12)
    wanted = np.zeros((5, 3))
    np.add.at(wanted, segments, values)
    same(reference.segment_sum_torch(torch.from_numpy(values), torch.from_numpy(segments), 5), wanted)
    same(reference.segment_sum_tf(tf.constant(values), tf.constant(segments), 5).numpy(), wanted)
    x, mask = rng.normal(size=(4, 6, 2)), rng.random((4, 6)) < 0.5
    mask[1] = False
    x[~mask] = np.nan
    wanted = np.array(
        [row[kept].mean(axis=0) if kept.any() else np.zeros(2) for row, kept in zip(x, mask, strict=True)]
    )
    same(reference.masked_mean_torch(torch.from_numpy(x), torch.from_numpy(mask)), wanted)
    same(reference.masked_mean_tf(tf.constant(x), tf.constant(mask)).numpy(), wanted)


def test_structures_are_mapped_as_torchs_pytree_maps_them(reference: ModuleType) -> None:
    from torch.utils import _pytree

    class Pair(NamedTuple):
        first: Any
        second: Any

    structure = {"b": [1, (2, Pair(3, {"z": 4, "a": ()}))], "a": "text"}
    assert reference.map_structure(repr, structure) == _pytree.tree_map(repr, structure)
    assert type(reference.map_structure(repr, structure)["b"][1][1]) is Pair
