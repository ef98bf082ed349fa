"""Questions 3 and 8: sliding windows by strides; which operations give a view and which a copy."""

import math

import numpy as np
import pytest

from autograder import agree, hidden, question

# -- sliding windows ----------------------------------------------------------------------------------------------


PARTS = ["every second number", "backwards", "a column", "inner columns"]


def windows_and_sharing(ns, x, size, steps, part):
    """Windows of a part of x; what strays from it reads numbers that stand around it, the same each time."""
    room = 8 * size * x.size
    around = np.full(2 * room + x.size, 77, x.dtype)
    inside = around[room : room + x.size].reshape(x.shape)
    inside[...] = x
    before = around.copy()
    array = {
        "all": lambda: inside,
        "every second number": lambda: inside[..., ::2],
        "backwards": lambda: inside[..., ::-1],
        "a column": lambda: inside.T,
        "inner columns": lambda: inside[:, 1:-1],
    }[part]()
    windows = ns.sliding_windows(array, size, *steps)
    return windows, bool((around == before).all()), bool(np.may_share_memory(windows, array))


def compare_windows(student, reference, x, size, *steps, part="all"):
    args = (x, size, steps, part)
    (got, kept, _), (expected, _, _) = (
        student.run(windows_and_sharing, *args),
        reference.run(windows_and_sharing, *args),
    )
    agree(got, expected, what="the array of windows")
    agree(kept, True, what="whether x is as it was")


@question("sliding_windows")
@pytest.mark.parametrize("step", [1, 2, 3])
def test_windows_of_a_series(student, reference, data, step):
    """a series, windows that begin so far apart"""
    compare_windows(student, reference, data.normal(data.size(20, 30)), data.size(4, 7), step)


@question("sliding_windows")
@pytest.mark.parametrize("rest", [0, 1, 2])
def test_last_window(student, reference, data, rest):
    """so many numbers left over behind the last window"""
    size, step, count = data.size(2, 5), 3, data.size(3, 6)
    x = data.normal(step * (count - 1) + size + rest, dtype="float32")
    compare_windows(student, reference, x, size, step)


@question("sliding_windows")
def test_windows_of_a_batch(student, reference, data):
    """leading axes, and a step of 1 by default"""
    x = data.normal(data.size(2, 4), data.size(2, 3), data.size(9, 14), dtype="float32")
    compare_windows(student, reference, x, data.size(2, 6))


@question("sliding_windows", weight=5.0)
def test_windows_share_memory(student, data):
    """no number is copied"""
    x = data.normal(3, data.size(10, 20))
    for steps in ((), (2,)):
        shared = student.run(windows_and_sharing, x, data.size(3, 5), steps, "all")[2]
        agree(shared, True, what="whether the windows share memory with x")


@question("sliding_windows")
@pytest.mark.parametrize("part", PARTS)
def test_windows_of_views(student, reference, data, part):
    """an array that isn't contiguous:"""
    x = data.normal(data.size(10, 12), data.size(13, 16))
    compare_windows(student, reference, x, data.size(2, 4), data.size(1, 2), part=part)


@hidden
@question("sliding_windows")
def test_one_window(student, reference, data):
    """as long as the series; whole numbers; a step longer than a window"""
    n = data.size(4, 9)
    for x, size, step in ((data.normal(2, n), n, 1), (data.integers(0, 99, 3 * n), 2, 4), (data.normal(n), 1, 1)):
        compare_windows(student, reference, x, size, step)


# -- layouts ------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "fresh": lambda n, m, k: np.zeros((n, m, k)),
    "transposed": lambda n, m, k: np.zeros((n, m, k)).transpose(2, 0, 1),
    "reversed axes": lambda n, m, k: np.zeros((n, m, k)).T,
    "every second column": lambda n, m, k: np.zeros((n, m, 2 * k))[..., ::2],
    "every second row": lambda n, m, k: np.zeros((n, 2 * m, k))[:, ::2],
    "first columns": lambda n, m, k: np.zeros((n, m, k + 1))[..., :k],
    "first rows": lambda n, m, k: np.zeros((2 * n, m, k))[:n],
    "repeated rows": lambda n, m, k: np.broadcast_to(np.zeros((m, k)), (n, m, k)),
    "repeated columns": lambda n, m, k: np.broadcast_to(np.zeros((n, m, 1)), (n, m, k)),
    "one number repeated": lambda n, m, k: np.broadcast_to(np.zeros(1), (n, m, k)),
    "one channel": lambda n, m, k: np.zeros((n, 3, m, k))[:, 1:2],
    "a column of each": lambda n, m, k: np.zeros((n, m, k))[:, :, 1:2],
}
BACKWARDS = {
    "backwards": lambda n, m, k: np.zeros((n, m, k))[::-1, ::-1, ::-1],
    "rows upside down": lambda n, m, k: np.zeros((n, m, k))[:, ::-1],
}


def layout(data, kind):
    """Shape and strides in elements; sizes are composite, so that axes can be split, and no two are equal."""
    sizes = np.array([4, 6, 9])[data.permutation(3)]
    x = (LAYOUTS | BACKWARDS)[kind](*(int(size) for size in sizes))
    return x.shape, tuple(stride // x.itemsize for stride in x.strides)


def spread(shape, strides):
    """An array of these strides in which every position holds its own number."""
    first = -sum(stride * (size - 1) for size, stride in zip(shape, strides, strict=True) if stride < 0)
    last = sum(stride * (size - 1) for size, stride in zip(shape, strides, strict=True) if stride > 0)
    buffer = np.arange(first + last + 1, dtype="float32")
    return np.lib.stride_tricks.as_strided(buffer[first:], shape, tuple(stride * 4 for stride in strides))


def new_shapes(data, shape):
    """Shapes of as many elements: axes merged, split, and of size 1."""
    total = math.prod(shape)
    found = [shape, (total,), (1, *shape), (*shape, 1), (*shape[:-2], -1), (-1, *shape[2:]), (total // 2, 2), (2, -1)]
    found += [(*shape[:-1], 1, shape[-1]), (3, total // 6, 2), (shape[0], -1, 1)]
    for _ in range(4):
        order = data.permutation(len(shape))
        found.append(tuple(shape[int(axis)] for axis in order))
    return [tuple(total // -math.prod(new) if size == -1 else size for size in new) for new in found]


def as_view(x, shape):
    """x in another shape without a copy, or None."""
    try:
        return np.reshape(x, shape, copy=False)
    except ValueError:
        return None


@question("merge_axes")
@pytest.mark.parametrize("kind", [*LAYOUTS, *BACKWARDS])
def test_runs(student, reference, data, kind):
    """the layout"""
    shape, strides = layout(data, kind)
    agree(student.merge_axes(shape, strides), reference.merge_axes(shape, strides), what=f"runs of {shape}, {strides}")


@hidden
@question("merge_axes")
def test_runs_with_ones(student, reference, data):
    """axes of size 1 with odd strides in between, one number alone, no axis at all"""
    n, m, odd = data.size(2, 5), data.size(6, 9), data.size(50, 70)
    for shape, strides in (
        ((n, 1, m), (m, odd, 1)),
        ((1, n, m, 1, 1), (odd, 2 * m, 2, 0, odd)),
        ((n, 1, 1, m), (m + 1, odd, m, 1)),
        ((1, 1), (odd, 1)),
        ((), ()),
    ):
        agree(student.merge_axes(shape, strides), reference.merge_axes(shape, strides), what="the list of runs")


def all_strides(ns, cuts):
    return [ns.reshape_strides(*cut) for cut in cuts]


def compare_reshapes(student, cuts):
    for cut, got in zip(cuts, student.run(all_strides, cuts), strict=True):
        compare_reshape(got, *cut)


def compare_reshape(got, shape, strides, new_shape):
    x = spread(shape, strides)
    view = as_view(x, new_shape)
    agree(got is None, view is None, what=f"whether {shape}, strides {strides} can be {new_shape} only by a copy")
    if view is not None:
        agree(len(got), len(new_shape), what="the number of strides")
        seen = np.full(new_shape, int(x.flat[0]))
        for index, stride in zip(np.indices(new_shape), got, strict=True):
            seen += index * stride
        agree(seen, view.astype(int), what=f"the order of the elements of {shape}, {strides} as {new_shape}")


@question("reshape_strides")
@pytest.mark.parametrize("kind", [*LAYOUTS, *BACKWARDS])
def test_reshape(student, data, kind):
    """many new shapes for the layout"""
    shape, strides = layout(data, kind)
    compare_reshapes(student, [(shape, strides, new_shape) for new_shape in new_shapes(data, shape)])


@hidden
@question("reshape_strides")
def test_reshape_anything(student, data):
    """random cuts of random arrays"""
    sizes, cuts = [1, 1, 2, 2, 3, 4], []
    for _ in range(60):
        x = np.zeros(tuple(data.choice(sizes) for _ in range(data.size(1, 5)))).transpose()
        x = x[tuple(slice(None, None, data.choice([1, 1, 1, 2, -1])) for _ in x.shape)]
        x = x.transpose(data.permutation(x.ndim)) if data.rng.random() < 0.5 else x.transpose()
        left, new_shape = x.size, []
        while left > 1:
            size = data.choice([size for size in (1, 2, 3, 4, left) if left % size == 0])
            new_shape.append(size)
            left //= size
        strides = tuple(stride // x.itemsize for stride in x.strides)
        cuts.append((x.shape, strides, tuple(new_shape)))
    compare_reshapes(student, [*cuts, ((1, 1), (data.size(2, 9), 1), ()), ((), (), (1, 1))])


# -- view or copy -------------------------------------------------------------------------------------------------


def shares(framework, shape, strides, operation, argument):
    """What the framework itself does."""
    x = spread(shape, strides)
    if framework == "numpy":
        y = {
            "transpose": lambda: x.transpose(argument),
            "broadcast": lambda: np.broadcast_to(x, argument),
            "reshape": lambda: x.reshape(argument),
            "flatten": lambda: x.flatten(),
            "contiguous": lambda: np.ascontiguousarray(x),
            "index": lambda: x[argument],
            "flip": lambda: np.flip(x, argument),
            "cast": lambda: x.astype(argument),
        }[operation]()
        return bool(np.may_share_memory(x, y))
    import torch

    needed = 1 + sum(stride * (size - 1) for size, stride in zip(shape, strides, strict=True))
    x = torch.as_strided(torch.zeros(needed), shape, strides)
    y = {
        "transpose": lambda: x.permute(argument),
        "broadcast": lambda: x.expand(argument),
        "reshape": lambda: x.reshape(argument),
        "flatten": lambda: x.flatten(),
        "contiguous": lambda: x.contiguous(),
        "index": lambda: x[argument],
        "flip": lambda: x.flip(argument),
        "cast": lambda: x.to(getattr(torch, argument)),
    }[operation]()
    return y.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()


def arguments(data, operation, shape):
    """Arguments of an operation, several of those on which it depends."""
    ints = (0,) * len(shape)
    mixed = [(0, slice(0, 3)), (slice(None, None, 2),), ints[:-1], ints, ([0, 1, 1],), (slice(None), [0]), (0, [0])]
    return {
        "transpose": [tuple(range(len(shape)))[::-1], tuple(range(len(shape)))],
        "broadcast": [(data.size(2, 3), *shape)],
        "reshape": new_shapes(data, shape),
        "index": [*mixed, (*ints[:-1], slice(0, 1))],
        "flip": [data.size(0, len(shape) - 1)],
        "cast": ["float32", "float64", "int32"],
    }.get(operation, [None])


OPERATIONS = ["transpose", "broadcast", "reshape", "flatten", "contiguous", "index", "flip", "cast"]


def all_predictions(ns, calls):
    return [ns.is_view(*call) for call in calls]


def compare_predictions(student, calls):
    for call, predicted in zip(calls, student.run(all_predictions, calls), strict=True):
        _, shape, strides, operation, argument = call
        told = f"is_view for {operation} {argument if argument is not None else ''} of {shape}, strides {strides}"
        agree(predicted, shares(*call), what=told)


def calls_for(data, framework, operation, kinds):
    """What is_view is asked for an operation: all kinds of layout, with all arguments."""
    layouts = [layout(data, kind) for kind in kinds]
    return [
        (framework, shape, strides, operation, argument)
        for shape, strides in layouts
        for argument in arguments(data, operation, shape)
    ]


@question("is_view")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_prediction(student, data, framework, operation):
    """what the framework does"""
    compare_predictions(student, calls_for(data, framework, operation, LAYOUTS))


@question("is_view")
@pytest.mark.parametrize("operation", ["reshape", "contiguous"])
def test_prediction_for_negative_strides(student, data, operation):
    """NumPy's arrays that run backwards"""
    compare_predictions(student, calls_for(data, "numpy", operation, BACKWARDS))


@hidden
@question("is_view")
@pytest.mark.parametrize("framework", ["numpy", "torch"])
def test_prediction_for_small_arrays(student, data, framework):
    """axes of size 1 with odd strides, and vectors"""
    n, odd, calls = data.size(4, 8), data.size(20, 30), []
    for shape, strides in (((1, n), (odd, 1)), ((n, 1), (1, odd)), ((1, 1), (odd, odd)), ((n,), (1,)), ((n,), (2,))):
        for operation in ("flatten", "contiguous", "reshape", "flip"):
            argument = {"reshape": (1, n if n in shape else 1, 1), "flip": 0}.get(operation)
            calls.append((framework, shape, strides, operation, argument))
    compare_predictions(student, calls)
