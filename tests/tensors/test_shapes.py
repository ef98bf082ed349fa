"""Questions 1 and 2: broadcasting and its adjoint; views by offset, shape and strides."""

import math

import numpy as np
import pytest

from autograder import agree, hidden, question

# -- broadcasting -------------------------------------------------------------------------------------------------


def different_sizes(data, count):
    """Sizes from 2 on, no two of them equal."""
    return tuple(int(size) for size in 2 + data.permutation(count + 2)[:count])


def family(data, ndim, count):
    """Shapes that broadcast together: some begin later than others, some have a 1 here and there."""
    full = different_sizes(data, ndim)
    shapes = []
    for _ in range(count):
        ones = data.rng.random(ndim) < 0.4
        shape = tuple(1 if one else size for one, size in zip(ones, full, strict=True))
        shapes.append(shape[data.size(0, ndim - 1) :])
    return shapes


def result_or_error(ns, shapes):
    try:
        return ns.broadcast_shape(*shapes)
    except ValueError:
        return "ValueError"


@question("broadcast_shape")
@pytest.mark.parametrize("count", [2, 3, 5])
def test_shapes_together(student, data, count):
    """random shapes, so many at once"""
    for _ in range(8):
        shapes = family(data, data.size(3, 5), count)
        agree(student.broadcast_shape(*shapes), np.broadcast_shapes(*shapes), what=f"the shape for {shapes}")


@question("broadcast_shape")
def test_row_and_matrix(student, data):
    """a vector meets the last axis; a number meets anything"""
    n, m, k = different_sizes(data, 3)
    for shapes in (((n, m, k), (k,)), ((k,), (n, m, 1)), ((n, 1), (m,)), ((), (n, m)), ((), ()), ((n,),)):
        agree(student.broadcast_shape(*shapes), np.broadcast_shapes(*shapes), what=f"the shape for {shapes}")


@question("broadcast_shape")
def test_empty_axes(student, data):
    """a size of 0 stays 0"""
    n, m = different_sizes(data, 2)
    for shapes in (((0, n), (n,)), ((m, 1), (1, 0)), ((1,), (0,)), ((n, 0, 1), (1, m))):
        agree(student.broadcast_shape(*shapes), np.broadcast_shapes(*shapes), what=f"the shape for {shapes}")


@question("broadcast_shape")
def test_shapes_that_do_not_fit(student, data):
    """ValueError for sizes that differ, neither of them 1"""
    n, m, k = different_sizes(data, 3)
    two = ((n, m), (m, n)), ((n, m, k), (n,)), ((n,), (0,))
    three = ((n, 1), (1, m), (k, m)), ((m, 1), (m, n), (m, k)), ((n, m), (1, m), (k, m))
    for shapes in (*two, *three):
        agree(student.run(result_or_error, shapes), "ValueError", what=f"what happens with {shapes}")


@hidden
@question("broadcast_shape")
def test_many_shapes(student, data):
    """many shapes, some of which fit and some of which don't"""
    for _ in range(30):
        shapes = [tuple(data.choice([1, 1, 2, 3, 0]) for _ in range(data.size(0, 3))) for _ in range(data.size(2, 3))]
        try:
            expected = np.broadcast_shapes(*shapes)
        except ValueError:
            expected = "ValueError"
        agree(student.run(result_or_error, shapes), expected, what="the shape")


KINDS = {
    "an axis in front": lambda n, m, k: ((n, m), (k, n, m)),
    "a stretched axis": lambda n, m, k: ((n, 1, m), (n, k, m)),
    "in front and stretched": lambda n, m, k: ((n, 1), (k, n, m)),
    "a row of a square": lambda n, m, k: ((n,), (n, n)),
    "a row with its axis": lambda n, m, k: ((1, n), (n, n)),
    "a column of a square": lambda n, m, k: ((n, 1), (n, n)),
    "a number": lambda n, m, k: ((), (n, m)),
    "nothing to do": lambda n, m, k: ((n, m), (n, m)),
    "size 1 in both": lambda n, m, k: ((1, n), (m, 1, n)),
}


@question("unbroadcast")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
def test_sums(student, reference, data, kind, dtype):
    """the gradient of"""
    shape, large = KINDS[kind](*different_sizes(data, 3))
    grad = data.normal(*large, dtype=dtype)
    agree(student.unbroadcast(grad, shape), reference.unbroadcast(grad, shape))


@question("unbroadcast")
@pytest.mark.parametrize("ndim", [2, 4])
def test_adjoint_identity(student, data, ndim):
    """the identity ⟨Bx, y⟩ = ⟨x, Bᵀy⟩, in whole numbers"""
    large = different_sizes(data, ndim)
    for _ in range(6):
        begin = data.size(0, ndim)
        shape = tuple(data.choice([1, size]) for size in large)[begin:]
        x = data.integers(-9, 10, *shape).astype("float64")
        y = data.integers(-9, 10, *large).astype("float64")
        adjoint = student.unbroadcast(y, shape)
        agree(adjoint.shape, shape, what="the shape of Bᵀy")
        left = np.vdot(np.broadcast_to(x, large), y)
        agree(float(np.vdot(x, adjoint)), float(left), what=f"⟨x, Bᵀy⟩ for x of shape {shape}, y of shape {large}")


@hidden
@question("unbroadcast")
def test_strided_and_empty(student, reference, data):
    """a gradient that isn't contiguous; an empty batch"""
    n, m, k = different_sizes(data, 3)
    grad = data.strided(data.normal(k, n, m, dtype="float32"))
    for shape in ((n, m), (1, m), (n, 1), (1, n, 1), (k, 1, 1)):
        agree(student.unbroadcast(grad, shape), reference.unbroadcast(grad, shape))
    agree(student.unbroadcast(np.zeros((0, m)), (m,)), np.zeros(m))


# -- views --------------------------------------------------------------------------------------------------------


def places(data, ndim=3):
    """A view of a buffer as the array of the positions that it sees: cut out of a larger array, axes in any order."""
    full = different_sizes(data, ndim)
    full = tuple(size + 4 for size in full)
    cut = tuple(slice(data.size(1, 2), None, data.size(1, 2)) for _ in full)
    return np.arange(math.prod(full)).reshape(full)[cut].transpose(data.permutation(ndim))


def view_of(seen):
    """(offset, shape, strides) in elements of an array of positions."""
    strides = tuple(stride // seen.itemsize for stride in seen.strides)
    return int(seen.flat[0]), seen.shape, strides


def compare_view(got, expected):
    """`got` sees the positions `expected`, whatever the strides of axes along which no step is taken."""
    offset, shape, strides = got
    agree(shape, expected.shape, what="the shape")
    agree(len(strides), expected.ndim, what="the number of strides")
    seen = np.zeros(expected.shape, "int64") + offset
    for index, stride in zip(np.indices(expected.shape), strides, strict=True):
        seen += index * stride
    agree(seen, expected, what="the array of positions in the buffer")


@question("row_major_strides")
@pytest.mark.parametrize("ndim", [0, 1, 2, 3, 5])
def test_row_major(student, reference, data, ndim):
    """so many axes"""
    shape = different_sizes(data, ndim)
    agree(student.row_major_strides(shape), reference.row_major_strides(shape), what=f"the strides for {shape}")


@hidden
@question("row_major_strides")
def test_row_major_with_ones(student, reference, data):
    """some sizes are 1"""
    n, m = different_sizes(data, 2)
    for shape in ((1, n), (n, 1), (1, n, 1, m), (1, 1)):
        agree(student.row_major_strides(shape), reference.row_major_strides(shape), what="the strides")


def error_of_index(ns, view, key):
    try:
        return ns.index_view(view, key)
    except IndexError:
        return "IndexError"


KEYS = {
    "ints": lambda a, b, c: (a - 2, 1, c - 1),
    "negative ints": lambda a, b, c: (-1, -b, -2),
    "a slice": lambda a, b, c: (slice(1, a), slice(None), slice(None, c - 1)),
    "steps": lambda a, b, c: (slice(1, None, 2), slice(None, None, 3), slice(0, c, 2)),
    "ends counted from the end": lambda a, b, c: (slice(-3, None), slice(None, -1), slice(-2, -1)),
    "negative steps": lambda a, b, c: (slice(None, None, -1), slice(b - 1, 0, -2), slice(None, None, -2)),
    "an int between slices": lambda a, b, c: (slice(1, None), 1, slice(None, None, 2)),
    "fewer parts than axes": lambda a, b, c: (1, slice(1, None)),
    "no part": lambda a, b, c: (),
    "ends that overshoot": lambda a, b, c: (slice(1, a + 5), slice(b + 3, None, -1), slice(-c - 4, 2)),
}


@question("index_view")
@pytest.mark.parametrize("kind", KEYS)
def test_index(student, data, kind):
    """a view indexed by"""
    seen = places(data)
    key = KEYS[kind](*seen.shape)
    compare_view(student.index_view(view_of(seen), key), np.asarray(seen[key]))


@question("index_view")
def test_view_of_a_view(student, data):
    """indexed again and again"""
    seen = places(data, 4)
    view = view_of(seen)
    for key in ((slice(None, None, -1), slice(1, None)), (0, slice(None), 1), (slice(None, None, 2), slice(1, 3))):
        view, seen = student.index_view(view, key), np.asarray(seen[key])
        compare_view(view, seen)
        view = view_of(seen)


@question("index_view")
def test_index_out_of_bounds(student, data):
    """an int beyond either end raises IndexError"""
    seen = places(data)
    a, b, _ = seen.shape
    for key in ((a,), (0, -b - 1), (slice(None), b + data.size(0, 3))):
        agree(student.run(error_of_index, view_of(seen), key), "IndexError", what=f"what happens with {key}")


@hidden
@question("index_view")
def test_random_keys(student, data):
    """random keys, some of which leave nothing"""
    ends = [None, -12, -4, -1, 0, 1, 2, 3, 7, 20]
    for _ in range(40):
        seen = places(data, data.size(1, 4))
        key = tuple(
            slice(data.choice(ends), data.choice(ends), data.choice([None, 1, 2, 3, -1, -2, -5]))
            if data.rng.random() < 0.7
            else data.size(-size, size - 1)
            for size in seen.shape
        )
        key = key[: data.size(0, len(key))]
        compare_view(student.index_view(view_of(seen), key), np.asarray(seen[key]))


@question("transpose_view")
@pytest.mark.parametrize("ndim", [2, 3, 4])
def test_transpose(student, data, ndim):
    """another order of so many axes"""
    seen = places(data, ndim)
    for axes in (tuple(np.roll(range(ndim), 1)), tuple(data.permutation(ndim)), tuple(range(ndim))):
        axes = tuple(int(axis) for axis in axes)
        compare_view(student.transpose_view(view_of(seen), axes), seen.transpose(axes))


@question("transpose_view")
@pytest.mark.parametrize("kind", ["stretched", "in front", "both"])
def test_broadcast(student, data, kind):
    """broadcast_view, with axes that are"""
    seen = places(data, 3)
    seen = seen if kind == "in front" else seen[:, 1:2]
    shape = tuple(data.size(2, 4) if size == 1 else size for size in seen.shape)
    shape = shape if kind == "stretched" else (data.size(2, 3), data.size(2, 4), *shape)
    compare_view(student.broadcast_view(view_of(seen), shape), np.broadcast_to(seen, shape))


@hidden
@question("transpose_view")
def test_number_to_matrix(student, data):
    """one number broadcast to a matrix, and a transpose of what was broadcast"""
    seen = places(data, 2)[1, 1]
    shape = (data.size(2, 4), data.size(5, 6))
    compare_view(student.broadcast_view((int(seen), (), ()), shape), np.broadcast_to(seen, shape))
    compare_view(student.transpose_view((int(seen), shape, (0, 0)), (1, 0)), np.broadcast_to(seen, shape).T)
