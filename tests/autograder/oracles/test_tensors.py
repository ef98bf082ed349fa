"""The reference of tensors agrees with NumPy, SciPy, PyTorch, TensorFlow and exact arithmetic."""

from __future__ import annotations

import importlib.util
import itertools
import math
import warnings
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special
from torch.nn.utils.rnn import pad_sequence

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


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (4, 1, 3), (2, 3, 4, 5)])
def test_strides_of_a_fresh_array_are_torchs_and_numpys(reference: ModuleType, shape: tuple[int, ...]) -> None:
    assert reference.row_major_strides(shape) == torch.empty(shape).stride()
    assert reference.row_major_strides(shape) == tuple(stride // 8 for stride in np.empty(shape).strides)


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
def test_reshaping_needs_a_copy_where_numpy_copies(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    views = copies = 0
    for _ in range(200):
        x = np.arange(48.0).reshape([int(n) for n in rng.permutation([2, 4, 6])])
        x = x.transpose(rng.permutation(3)) if rng.random() < 0.3 else x
        x = x[tuple(slice(None, None, int(step)) for step in rng.choice([1, 1, -1, 2], 3))]
        sizes = [int(n) for n in rng.permutation([*x.shape[:1], 1, x.size // x.shape[0]])]
        found = reference.reshape_strides(x.shape, tuple(stride // 8 for stride in x.strides), tuple(sizes))
        wanted = x.reshape(sizes)
        assert (found is not None) == np.shares_memory(x, wanted)
        if found is None:
            copies += 1
        else:
            views += 1
            same(np.lib.stride_tricks.as_strided(x, sizes, [8 * stride for stride in found]), wanted)
    assert min(views, copies) > 20


@SEEDS
def test_what_is_one_run_is_what_numpy_flattens_to_a_view(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(100):
        x = np.zeros(rng.integers(1, 5, 4))[tuple(slice(None, None, int(step)) for step in rng.choice([1, 1, -1], 4))]
        x = x.transpose(rng.permutation(4)) if rng.random() < 0.5 else x
        runs = reference.merge_axes(x.shape, tuple(stride // 8 for stride in x.strides))
        assert math.prod(size for size, _ in runs) == x.size
        assert (len(runs) <= 1) == np.shares_memory(x, x.reshape(-1))


@SEEDS
def test_views_are_predicted_as_the_frameworks_make_them(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        x = np.zeros(rng.integers(1, 5, 3), np.float32).transpose(rng.permutation(3))[:: rng.choice([1, 2])]
        y = torch.from_numpy(x)
        strides = tuple(y.stride())
        done = [
            ("flatten", None, x.flatten(), y.flatten()),
            ("reshape", (x.size,), x.reshape(x.size), y.reshape(x.size)),
            ("contiguous", None, np.ascontiguousarray(x), y.contiguous()),
            ("index", (0, slice(None)), x[0, :], y[0, :]),
            ("index", (0, 0, 0), x[0, 0, 0], y[0, 0, 0]),
            ("index", ([0],), x[[0]], y[[0]]),
            ("flip", 1, np.flip(x, 1), y.flip(1)),
            ("cast", "float32", x.astype("float32"), y.to(torch.float32)),
            ("cast", "float64", x.astype("float64"), y.to(torch.float64)),
        ]
        for operation, argument, by_numpy, by_torch in done:
            predicted = reference.is_view("numpy", x.shape, strides, operation, argument)
            assert predicted == np.shares_memory(x, by_numpy), operation
            predicted = reference.is_view("torch", x.shape, strides, operation, argument)
            assert predicted == (y.untyped_storage().data_ptr() == by_torch.untyped_storage().data_ptr()), operation


@pytest.mark.parametrize("labels", ["ii", "iji", "jii", "ijij", "iii", "kij"])
def test_a_diagonal_is_the_view_that_numpys_einsum_gives(reference: ModuleType, labels: str) -> None:
    size = dict(zip("ijk", (3, 4, 5), strict=True))
    a = np.random.default_rng(0).normal(size=[size[label] for label in labels])
    view, letters = reference.diagonal_view(a, labels)
    assert letters == "".join(dict.fromkeys(labels))
    same(view, np.einsum(f"{labels}->{letters}", a))
    assert np.shares_memory(view, a)


@SEEDS
def test_aligned_axes_are_what_einsum_makes_with_a_one(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    order = "".join(rng.permutation(list("ijkl")))
    labels = "".join(rng.permutation(list(order))[:3])
    a = rng.normal(size=(2, 3, 4))
    aligned = reference.align_axes(a, labels, order)
    missing = next(letter for letter in order if letter not in labels)
    same(aligned, np.einsum(f"{labels},{missing}->{order}", a, np.ones(1)))
    assert np.shares_memory(aligned, a)


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
            same(reference.logsumexp(x, axis, keepdims), torch.logsumexp(torch.from_numpy(x), axis, keepdim=keepdims))
    same(reference.logsumexp(np.zeros((3, 0))), np.full(3, -np.inf))


@SEEDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_of_an_addition_is_exact(reference: ModuleType, seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.normal(size=(2, 200)) * 10.0 ** rng.integers(-6, 7, (2, 200))).astype(dtype)
    s, e = reference.two_sum(a, b)
    assert s.dtype == e.dtype == dtype
    assert np.count_nonzero(e) > 50
    for one, other, rounded, error in zip(a, b, s, e, strict=True):
        assert rounded == one + other
        assert Fraction(float(rounded)) + Fraction(float(error)) == Fraction(float(one)) + Fraction(float(other))


@SEEDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_compensated_sum_is_within_its_bound(reference: ModuleType, seed: int, dtype: str) -> None:
    rng = np.random.default_rng(seed)
    large = (rng.normal(size=(2, 100)) / np.finfo(dtype).eps ** 0.75).astype(dtype)
    x = rng.permutation(np.concatenate([*large, rng.random(100).astype(dtype), -(large[0] + large[1])]))
    unit, exact = np.finfo(dtype).eps / 2, math.fsum(x.astype(float))
    bound = 2 * unit * abs(exact) + (len(x) * unit) ** 2 * np.abs(x.astype(float)).sum()
    assert abs(float(reference.compensated_sum(x)) - exact) <= bound
    assert abs(float(x.sum()) - exact) > bound  # what NumPy's own sum doesn't keep
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


@SEEDS
def test_groups_are_padded_as_torchs_pad_sequence_pads_them(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": rng.integers(0, 5, 40), "u": rng.normal(size=40), "v": rng.integers(-9, 9, 40)})
    groups = [frame.loc[frame["id"] == key, ["v", "u"]].to_numpy(np.float32) for key in sorted(set(frame["id"]))]
    padded, mask = reference.pad_groups(frame, "id", ["v", "u"])
    same(padded, pad_sequence([torch.from_numpy(group) for group in groups], batch_first=True))
    assert mask.sum(axis=1).tolist() == [len(group) for group in groups]


@SEEDS
def test_a_masked_mean_is_that_of_numpys_masked_arrays(reference: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, mask = rng.normal(size=(4, 6, 2)), rng.random((4, 6)) < 0.5
    mask[:, 0] = True
    hidden = np.broadcast_to(~mask[..., None], x.shape)
    wanted = np.ma.masked_array(x, hidden).mean(axis=1).filled(0)
    same(reference.masked_mean_torch(torch.from_numpy(x), torch.from_numpy(mask)), wanted)


def test_dtypes_are_promoted_as_by_adding(reference: ModuleType) -> None:
    dtypes = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
    for names in itertools.product(dtypes, repeat=3):
        tensors = [torch.ones(1, dtype=dtype) for dtype in names]
        assert (
            reference.common_dtype([tensors, {"ids": torch.arange(3)}]) == (tensors[0] + tensors[1] + tensors[2]).dtype
        )


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_batch_moves_as_torchs_modules_move(reference: ModuleType, device: str) -> None:
    batch = {"x": torch.ones(2, dtype=torch.float16), "ids": torch.arange(3), "mask": torch.tensor([True])}
    module = torch.nn.Module()
    for name, tensor in batch.items():
        module.register_buffer(name, tensor)
    module.to(device, torch.float64)  # casts floating buffers alone, as is asked for here
    for name, tensor in reference.to_device_torch(batch, device, torch.float64).items():
        assert (tensor.dtype, tensor.device) == (getattr(module, name).dtype, getattr(module, name).device)


def test_structures_are_mapped_as_torchs_pytree_maps_them(reference: ModuleType) -> None:
    from torch.utils import _pytree

    class Pair(NamedTuple):
        first: Any
        second: Any

    structure = {"b": [1, (2, Pair(3, {"z": 4, "a": ()}))], "a": "text"}
    assert reference.map_structure(repr, structure) == _pytree.tree_map(repr, structure)
    assert type(reference.map_structure(repr, structure)["b"][1][1]) is Pair
