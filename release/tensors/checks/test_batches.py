"""Questions 5, 9 and 10: scatter-add, ragged batches, nested structures; the same checks for both frameworks."""

import numpy as np
import pytest

from autograder import agree, hidden, question

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])

# -- scatter-add --------------------------------------------------------------------------------------------------


def rows_of_segments(data, dtype, *shape):
    """Values, segment numbers of which many appear twice, and their count; the last segment has no rows."""
    count = data.size(4, 6)
    rows = 4 * count
    segments = data.permutation(rows) % (count - 1)
    return data.normal(rows, *shape, dtype=dtype), segments, count


def compare_segments(student, reference, name, make, rows):
    values, segments, count = rows
    args = (make(values), make(segments), count)
    agree(getattr(student, name)(*args), getattr(reference, name)(*args), what="the sums")


def compare_segment_gradient(student, reference, data, name, make):
    values, segments, count = rows_of_segments(data, "float64", data.size(2, 4))
    args, dout = (make(values), make(segments), count), (make(data.normal(count, values.shape[1])),)
    agree(student.grad(name, args, dout), reference.grad(name, args, dout), names=("the gradient by values",))


def compare_odd_segments(student, reference, data, name, make):
    values, segments, count = rows_of_segments(data, "float32", data.size(2, 4))
    none = (values[:0], segments[:0], count)
    single = (values, np.full_like(segments, count - 2), count)
    alone = (values[:1], segments[:1], count + 3)
    in_order = (values, np.sort(segments), count)
    for rows in (none, single, alone, in_order):
        compare_segments(student, reference, name, make, rows)


SHAPES = pytest.mark.parametrize("axes", [0, 1, 2], ids=["numbers", "vectors", "matrices"])


@question("segment_sum_torch")
@DTYPES
@SHAPES
def test_segments_torch(student, reference, data, axes, dtype):
    """rows that are"""
    shape = (data.size(2, 4), data.size(5, 6))[:axes]
    compare_segments(student, reference, "segment_sum_torch", data.torch, rows_of_segments(data, dtype, *shape))


@question("segment_sum_torch")
def test_segment_gradient_torch(student, reference, data):
    """the gradient under a random upstream gradient"""
    compare_segment_gradient(student, reference, data, "segment_sum_torch", data.torch)


@question("segment_sum_tf")
@DTYPES
@SHAPES
def test_segments_tf(student, reference, data, axes, dtype):
    """rows that are"""
    shape = (data.size(2, 4), data.size(5, 6))[:axes]
    compare_segments(student, reference, "segment_sum_tf", data.tf, rows_of_segments(data, dtype, *shape))


@question("segment_sum_tf")
def test_segment_gradient_tf(student, reference, data):
    """the gradient under a random upstream gradient"""
    compare_segment_gradient(student, reference, data, "segment_sum_tf", data.tf)


# -- ragged batches -----------------------------------------------------------------------------------------------


def padded_and_mask(ns, table, index, key, names):
    import pandas as pd

    frame = pd.DataFrame(table, index=index)
    before = frame.copy()
    batch, real = ns.pad_groups(frame, key, names)
    return batch, real, bool(frame.equals(before))


def table_of(data, keys, columns=3):
    """The columns of a frame whose groups lie scattered; some of its numbers are 0 or missing."""
    lengths = data.permutation(len(keys)) + 1
    key = np.repeat(np.asarray(keys), lengths)
    key = key[data.permutation(len(key))]
    values = data.normal(len(key), columns)
    values[data.rng.random(values.shape) < 0.2] = 0
    values[data.rng.random(values.shape) < 0.1] = np.nan
    values[data.size(0, len(key) - 1)] = 0  # a row all of zeros is a row
    return {"id": key} | {name: values[:, at] for at, name in enumerate("uvw"[:columns])}


def compare_padding(student, reference, table, index=None, names=("u", "v", "w")):
    index = list(range(len(table["id"]))) if index is None else index
    args = (table, index, "id", list(names))
    parts = ("padded", "mask", "whether the frame is as it was")
    agree(student.run(padded_and_mask, *args), reference.run(padded_and_mask, *args), names=parts, nan=True)


@question("pad_groups")
@pytest.mark.parametrize("kind", ["numbers", "strings"])
def test_padding(student, reference, data, kind):
    """groups named by"""
    count = data.size(5, 7)
    keys = data.permutation(90)[:count] if kind == "numbers" else [f"w{int(at)}" for at in data.permutation(90)[:count]]
    compare_padding(student, reference, table_of(data, keys))


@question("pad_groups")
def test_chosen_columns(student, reference, data):
    """some of the columns, in another order, one with whole numbers"""
    table = table_of(data, data.permutation(9)[:5])
    table["n"] = data.integers(-9, 10, len(table["id"]))
    compare_padding(student, reference, table, names=("w", "n", "u"))


@question("pad_groups")
def test_order_of_many_rows(student, reference, data):
    """groups of many rows, which keep their order"""
    keys = np.repeat(data.permutation(30)[:3], data.size(40, 50))
    key = keys[data.permutation(len(keys))]
    compare_padding(student, reference, {"id": key, "u": data.normal(len(key))}, names=("u",))


@question("pad_groups")
def test_index_of_the_frame(student, reference, data):
    """a frame with an index of its own, in which labels appear twice"""
    table = table_of(data, data.permutation(50)[:6])
    index = [int(label) for label in data.integers(0, 5, len(table["id"]))]
    compare_padding(student, reference, table, index)


def ragged(data, dtype, padding):
    """x (B, L, C) with something in its padding, and a mask; the lengths differ, and none is L."""
    lengths = data.permutation(data.size(4, 6)) + 1
    mask = np.arange(lengths.max() + data.size(2, 4)) < lengths[:, None]
    x = data.normal(*mask.shape, data.size(2, 4), dtype=dtype)
    x[~mask] = padding
    return x, mask


def compare_means(student, reference, name, make, batch):
    args = tuple(make(array) for array in batch)
    agree(getattr(student, name)(*args), getattr(reference, name)(*args), what="the means")


def compare_longer_padding(student, reference, data, name, make):
    x, mask = ragged(data, "float64", 0.0)
    more = data.size(1, 5)
    x_long = np.concatenate([x, data.normal(len(x), more, x.shape[2], scale=100.0)], axis=1)
    mask_long = np.pad(mask, ((0, 0), (0, more)))
    expected = getattr(reference, name)(make(x), make(mask))
    agree(getattr(student, name)(make(x_long), make(mask_long)), expected, what="the means after padding further")


def compare_unfit_steps(student, reference, data, name, make):
    x, mask = ragged(data, "float64", 0.0)
    x[0, 0, 0], x[1, 0, 1], x[2, 0, 0] = np.nan, np.inf, -np.inf  # every example has a step 0
    args = (make(x), make(mask))
    agree(getattr(student, name)(*args), getattr(reference, name)(*args), what="the means", nan=True)


def compare_mean_gradient(student, reference, data, name, make, padding):
    x, mask = ragged(data, "float64", padding)
    mask[1] = False
    args, dout = (make(x), make(mask)), (make(data.normal(len(x), x.shape[2])),)
    agree(student.grad(name, args, dout), reference.grad(name, args, dout), names=("the gradient by x",))


def compare_scattered_means(student, reference, data, name, make):
    """A mask with holes, examples without a step, and a batch whose padding is anything."""
    x = data.normal(data.size(5, 7), data.size(6, 9), data.size(2, 3), dtype="float32")
    mask = data.rng.random(x.shape[:2]) < 0.5
    mask[0], mask[2], mask[3] = False, True, False
    x[~mask] = data.choice([np.nan, np.inf])
    compare_means(student, reference, name, make, (x, mask))
    compare_means(student, reference, name, make, (x, np.zeros_like(mask)))


PADDING = pytest.mark.parametrize("padding", [0.0, 1e3, np.inf, np.nan], ids=["0", "1000", "inf", "NaN"])


@question("masked_mean_torch")
@DTYPES
@PADDING
def test_means_torch(student, reference, data, padding, dtype):
    """padding that is"""
    compare_means(student, reference, "masked_mean_torch", data.torch, ragged(data, dtype, padding))


@question("masked_mean_torch")
def test_longer_padding_torch(student, reference, data):
    """more padding changes nothing"""
    compare_longer_padding(student, reference, data, "masked_mean_torch", data.torch)


@question("masked_mean_torch")
def test_unfit_steps_torch(student, reference, data):
    """NaN and infinities in steps that count"""
    compare_unfit_steps(student, reference, data, "masked_mean_torch", data.torch)


@question("masked_mean_torch")
def test_empty_example_torch(student, reference, data):
    """an example without any step"""
    x, mask = ragged(data, "float64", 0.0)
    mask[data.size(0, 3)] = False
    compare_means(student, reference, "masked_mean_torch", data.torch, (x, mask))


@question("masked_mean_torch")
@pytest.mark.parametrize("padding", [0.0, np.nan], ids=["0", "NaN"])
def test_mean_gradient_torch(student, reference, data, padding):
    """the gradient, with an example without any step and padding that is"""
    compare_mean_gradient(student, reference, data, "masked_mean_torch", data.torch, padding)


@question("masked_mean_tf")
@DTYPES
@PADDING
def test_means_tf(student, reference, data, padding, dtype):
    """padding that is"""
    compare_means(student, reference, "masked_mean_tf", data.tf, ragged(data, dtype, padding))


@question("masked_mean_tf")
def test_longer_padding_tf(student, reference, data):
    """more padding changes nothing"""
    compare_longer_padding(student, reference, data, "masked_mean_tf", data.tf)


@question("masked_mean_tf")
def test_unfit_steps_tf(student, reference, data):
    """NaN and infinities in steps that count"""
    compare_unfit_steps(student, reference, data, "masked_mean_tf", data.tf)


@question("masked_mean_tf")
def test_empty_example_tf(student, reference, data):
    """an example without any step"""
    x, mask = ragged(data, "float64", 0.0)
    mask[data.size(0, 3)] = False
    compare_means(student, reference, "masked_mean_tf", data.tf, (x, mask))


@question("masked_mean_tf")
@pytest.mark.parametrize("padding", [0.0, np.nan], ids=["0", "NaN"])
def test_mean_gradient_tf(student, reference, data, padding):
    """the gradient, with an example without any step and padding that is"""
    compare_mean_gradient(student, reference, data, "masked_mean_tf", data.tf, padding)


# -- nested structures --------------------------------------------------------------------------------------------


def mapped(ns, kind, leaves):
    """A structure made of the leaves, mapped; what came out in words, the order of the calls, and what is left over."""
    from collections import namedtuple

    Pair = namedtuple("Pair", "first second")
    a, b, c, d, e = leaves
    structure = {
        "a leaf": a,
        "a list": [a, b, c],
        "a tuple": (a, b, c),
        "a dict": {"z": a, "a": b, 3: c},
        "a named tuple": Pair(a, b),
        "nested": {"x": [a, (b, {"y": c})], "empty": {}, "rest": [d, [], (), e]},
        "named tuples inside": [Pair(a, [b, Pair(c, d)]), {"k": Pair(e, ())}],
        "strings and None": ["word", None, {"name": "text", "count": a}, (None, True)],
    }[kind]
    calls = []

    def function(leaf):
        calls.append(leaf)
        return ["a list is no leaf", leaf] if leaf == d else (leaf, "seen")

    def told(value):
        if isinstance(value, dict):
            return [type(value).__name__, [[key, told(item)] for key, item in value.items()]]
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *(told(item) for item in value)]
        return value

    before = told(structure)
    result = ns.map_structure(function, structure)
    return told(result), calls, told(structure) == before, isinstance(structure, (list, dict)) and result is structure


NESTED = ["a leaf", "a list", "a tuple", "a dict", "a named tuple", "nested", "named tuples inside", "strings and None"]
MAPPED = ("the result, as lists with the names of the types", "the leaves in the order of the calls")
MAPPED += ("whether the structure is as it was", "whether the result is the structure itself")


@question("map_structure")
@pytest.mark.parametrize("kind", NESTED)
def test_map(student, reference, data, kind):
    """the structure is"""
    args = (kind, [int(leaf) for leaf in data.permutation(1000)[:5]])
    agree(student.run(mapped, *args), reference.run(mapped, *args), names=MAPPED)


def deep(ns, depth, width, numbers):
    structure = list(numbers)
    for level in range(depth):
        structure = [{"level": structure}, (structure, level)][level % 2]
        structure = [structure] * width if level == depth // 2 else structure
    total = []
    result = ns.map_structure(lambda leaf: total.append(leaf) or leaf * 2, structure)
    return repr(result), len(total)


def dtype_of_batch(ns, names):
    import torch

    # Every second one has no axes: such a tensor counts like any other.
    tensors = [torch.ones([2] * (at % 2 == 0)).to(getattr(torch, name)) for at, name in enumerate(names)]
    middle = len(tensors) // 2
    batch = {"a": tensors[:middle], "b": ({"c": tuple(tensors[middle:])}, "float64", 1.5, None)}
    return str(ns.common_dtype(batch))


@question("common_dtype")
@pytest.mark.parametrize(
    "names",
    [
        ("float32", "float64", "float32"),
        ("float64", "float32", "float16"),
        ("float16", "bfloat16"),
        ("bfloat16", "float16", "int64"),
        ("float16", "int64", "bool"),
        ("int64", "bfloat16"),
        ("int64", "bool", "uint8"),
        ("float16", "float16"),
    ],
    ids=" ".join,
)
def test_promotion(student, reference, names):
    """tensors of"""
    agree(student.run(dtype_of_batch, names), reference.run(dtype_of_batch, names), what="the dtype, as a str")


def moved_torch(ns, names, device, dtype, by_name=True):
    """A nested batch after to_device_torch: for each leaf what it is, and whether it is the very same object."""
    import torch

    device = device if by_name else torch.device(device)

    tensors = [torch.arange(6).reshape(2, 3).to(getattr(torch, name)) for name in names]
    note = object()
    batch = {"x": tensors[:2], "more": (tensors[2:], "text", 2.5, None, note), "first again": tensors[0]}
    result = ns.to_device_torch(batch, device, *([] if dtype is None else [getattr(torch, dtype)]))
    pairs = [*zip(result["x"], batch["x"], strict=True), *zip(result["more"][0], batch["more"][0], strict=True)]
    told = [
        [str(new.dtype), str(new.device), list(new.shape), new is old, None if new.is_meta else new.tolist()]
        for new, old in [*pairs, (result["first again"], tensors[0])]
    ]
    others = [type(part).__name__ for part in result["more"]], result["more"][4] is note, result["more"][1]
    return told, others, [type(part).__name__ for part in (result, result["x"], result["more"])]


def moved_tf(ns, names, device, dtype):
    """A nested batch after to_device_tf: for each leaf what it is, and whether it is the very same object."""
    import tensorflow as tf

    tensors = [tf.cast(tf.reshape(tf.range(6), (2, 3)), name) for name in names]
    note = object()
    batch = {"x": tensors[:2], "more": (tensors[2:], "text", 2.5, None, note), "first again": tensors[0]}
    result = ns.to_device_tf(batch, device, *([] if dtype is None else [tf.as_dtype(dtype)]))
    pairs = [*zip(result["x"], batch["x"], strict=True), *zip(result["more"][0], batch["more"][0], strict=True)]
    told = [
        [new.dtype.name, new.device[-5:], new.shape.as_list(), new is old, new.numpy().tolist()]
        for new, old in [*pairs, (result["first again"], tensors[0])]
    ]
    others = [type(part).__name__ for part in result["more"]], result["more"][4] is note, result["more"][1]
    return told, others, [type(part).__name__ for part in (result, result["x"], result["more"])]


MOVED = ("[dtype, device, shape, whether it is the same object, numbers] of each tensor",)
MOVED += ("what isn't a tensor", "the types of the structure")
BATCHES = {
    "floats and ids": ("float32", "int64", "float64", "bool"),
    "half precision": ("float16", "bfloat16", "int32", "float32"),
    "all right already": ("float32", "float32", "int64", "uint8"),
}


def compare_moves(student, reference, driver, kind, device, dtype):
    args = (BATCHES[kind], device, dtype)
    agree(student.run(driver, *args), reference.run(driver, *args), names=MOVED)


@question("to_device_torch")
@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16"])
@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("kind", BATCHES)
def test_move_torch(student, reference, kind, device, dtype):
    """a batch, a device and a dtype"""
    compare_moves(student, reference, moved_torch, kind, device, dtype)


@question("to_device_tf")
@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16"])
@pytest.mark.parametrize("kind", BATCHES)
def test_move_tf(student, reference, kind, dtype):
    """a batch and a dtype"""
    compare_moves(student, reference, moved_tf, kind, "CPU:0", dtype)


def moved_to_nowhere(ns, names, device):
    """What happens to a tensor of each dtype that is to go to a device which this machine hasn't."""
    import tensorflow as tf

    soft, told = tf.config.get_soft_device_placement(), []
    tensors = [tf.cast([1, 2], name) for name in names]
    tf.config.set_soft_device_placement(False)  # TensorFlow would take another device and say nothing
    try:
        for tensor in tensors:
            try:
                ns.to_device_tf([tensor], device)
                told.append("nothing")
            except tf.errors.OpError:
                told.append("an error")
    finally:
        tf.config.set_soft_device_placement(soft)
    return told


@question("to_device_tf")
def test_device_that_is_not_there(student, data):
    """a device that isn't there is TensorFlow's error: tensors of every kind are moved"""
    names, device = ["float32", "int64", "bool", "float64"], f"CPU:{data.size(5, 9)}"
    told = student.run(moved_to_nowhere, names, device)
    agree(told, ["an error"] * len(names), what=f"what happens to tensors that are to go to {device}")
