"""Classic mistakes in questions 1 and 2: broadcasting and its adjoint; views by offset, shape and strides."""

import itertools
import math

from autograder import edited, mistake

# -- broadcasting -------------------------------------------------------------------------------------------------

edited(
    "broadcast_shape",
    "aligned at the left",
    old="padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]",
    new="padded = [tuple(shape) + (1,) * (ndim - len(shape)) for shape in shapes]",
    hint="The shapes are aligned at the left. Broadcasting aligns them at the right: 1s are put in front.",
)


@mistake(
    "broadcast_shape",
    hint="The largest size wins, so 1 and 0 give 1. A 1 is stretched to whatever stands in its column, and that may "
    "be 0: an empty batch stays empty.",
)
def the_largest_size():
    def broadcast_shape(*shapes):
        ndim = max(len(shape) for shape in shapes)
        padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
        result = []
        for column in zip(*padded, strict=True):
            if len(set(column) - {0, 1}) > 1 or (0 in column and max(column) > 1):
                raise ValueError("the shapes don't broadcast")
            result.append(max(column))
        return tuple(result)


@mistake(
    "broadcast_shape",
    hint="Shapes that don't fit go through: two sizes that differ, neither of them 1, are a ValueError.",
)
def no_error():
    def broadcast_shape(*shapes):
        ndim = max(len(shape) for shape in shapes)
        padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
        return tuple(0 if 0 in column else max(column) for column in zip(*padded, strict=True))


@mistake(
    "broadcast_shape",
    hint="Sizes behind the shortest shape are lost: zip stops where the first shape ends. Fill the shorter shapes up "
    "with 1s in front.",
)
def cut_to_the_shortest():
    def broadcast_shape(*shapes):
        result = []
        for column in zip(*(reversed(shape) for shape in shapes), strict=False):
            sizes = set(column) - {1} or {1}
            if len(sizes) > 1:
                raise ValueError("the shapes don't broadcast")
            result.append(sizes.pop())
        return tuple(reversed(result))


@mistake(
    "broadcast_shape",
    hint="Each shape is compared with the first one alone, and a 1 there agrees with everything. Compare all sizes "
    "of a column with each other.",
)
def compared_with_the_first():
    def broadcast_shape(*shapes):
        ndim = max(len(shape) for shape in shapes)
        padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
        result = []
        for first, *others in zip(*padded, strict=True):
            if any(first != size and 1 not in (first, size) for size in others):
                raise ValueError("the shapes don't broadcast")
            result.append(next((size for size in (first, *others) if size != 1), 1))
        return tuple(result)


@mistake(
    "broadcast_shape",
    hint="Each shape is compared with its neighbour alone: with a 1 in between, two sizes that differ get through. "
    "Compare with the result so far.",
)
def compared_with_the_neighbour():
    def broadcast_shape(*shapes):
        ndim = max(len(shape) for shape in shapes)
        padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
        result = []
        for column in zip(*padded, strict=True):
            if any(one != other and 1 not in (one, other) for one, other in itertools.pairwise(column)):
                raise ValueError("the shapes don't broadcast")
            result.append(next((size for size in column if size != 1), 1))
        return tuple(result)


edited(
    "unbroadcast",
    "axes added at the end",
    old="padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)\n    repeated",
    new="padded = tuple(shape) + (1,) * (grad.ndim - len(shape))\n    repeated",
    hint="The wrong axes are summed: axes that a shape lacks are put in front of it, so the first ones are summed, "
    "not the last.",
)
edited(
    "unbroadcast",
    "mean for sum",
    old="return grad.sum(axis=repeated, keepdims=True).reshape(shape)",
    new="return grad.mean(axis=repeated, keepdims=True).reshape(shape)",
    hint="This is a mean over the repeated axes. An element that was used k times collects k contributions: the "
    "adjoint is their sum.",
)
edited(
    "unbroadcast",
    "keepdims lost",
    old="return grad.sum(axis=repeated, keepdims=True).reshape(shape)",
    new="return grad.sum(axis=repeated)",
    hint="Axes of size 1 are gone: the result has exactly the shape that is asked for. keepdims=True keeps them.",
)


@mistake(
    "unbroadcast",
    hint="Only the axes that were put in front are summed. Axes of size 1 that were stretched are repeats as well.",
)
def stretched_axes_forgotten():
    def unbroadcast(grad, shape):
        summed = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
        first = tuple(slice(0, size) for size in shape)
        return summed[first]


@mistake(
    "unbroadcast",
    hint="The axes that were put in front are summed, and axes of size 1 that were stretched are left stretched. Sum "
    "over those as well, with keepdims=True.",
)
def stretched_axes_left():
    def unbroadcast(grad, shape):
        while grad.ndim > len(shape):
            grad = grad.sum(axis=0)
        return grad


@mistake(
    "unbroadcast",
    hint="Only one of the repeats is taken. Each of them contributes: sum over the repeated axes.",
)
def the_first_repeat():
    def unbroadcast(grad, shape):
        first = grad[(0,) * (grad.ndim - len(shape))] if grad.size else grad.sum(0)
        return first[tuple(slice(0, size) for size in shape)].copy()


@mistake(
    "unbroadcast",
    hint="Every axis whose size isn't the expected one is summed, counted from the left. In a square all sizes are "
    "equal, and then nothing tells which axis was repeated: go by the place of the axis, from the right.",
)
def axes_found_by_their_size():
    def unbroadcast(grad, shape):
        while grad.ndim > len(shape):
            axis = next((at for at, size in enumerate(grad.shape) if size not in shape), grad.ndim - 1)
            grad = grad.sum(axis=axis)
        repeated = tuple(at for at, size in enumerate(shape) if size == 1)
        return grad.sum(axis=repeated, keepdims=True)


edited(
    "unbroadcast",
    "answer in float64",
    old="return grad.sum(axis=repeated, keepdims=True).reshape(shape)",
    new="return grad.sum(axis=repeated, keepdims=True, dtype=float).reshape(shape)",
    hint="The answer is float64 for a float32 gradient. np.zeros, dtype=float and float(...) make float64; keep the "
    "dtype of grad.",
)

# -- views --------------------------------------------------------------------------------------------------------

STRIDES = "return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))"

edited(
    "row_major_strides",
    "column by column",
    old=STRIDES,
    new="return tuple(math.prod(shape[:axis]) for axis in range(len(shape)))",
    hint="These are the strides of an array stored column by column, as in Fortran. Stored row by row, the last axis "
    "has stride 1.",
)
edited(
    "row_major_strides",
    "in bytes",
    old=STRIDES,
    new="return tuple(8 * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))",
    hint="These strides count bytes. Here they count elements, as PyTorch's do.",
)
edited(
    "row_major_strides",
    "own axis included",
    old=STRIDES,
    new="return tuple(math.prod(shape[axis:]) for axis in range(len(shape)))",
    hint="The product includes the axis itself. One step along an axis goes past what the axes behind it hold: the "
    "last one has stride 1.",
)

edited(
    "index_view",
    "offset ignored",
    old="    return offset, (*sizes, *shape[len(key) :]), (*steps, *strides[len(key) :])",
    new="    return offset - view[0], (*sizes, *shape[len(key) :]), (*steps, *strides[len(key) :])",
    hint="The view's own offset is lost: the new one begins where the old one began, plus start times stride for each "
    "part of the key.",
)
edited(
    "index_view",
    "offset in steps",
    old="offset += start * stride",
    new="offset += start",
    hint="The offset moves by start alone. One step along the axis is stride elements: it moves by start · stride.",
)
edited(
    "index_view",
    "step forgotten",
    old="steps.append(step * stride)",
    new="steps.append(stride)",
    hint="The slice's step doesn't reach the stride: with a step of 2, one step along the new axis is two along the "
    "old.",
)
edited(
    "index_view",
    "step for the stride",
    old="steps.append(step * stride)",
    new="steps.append(step)",
    hint="The new stride is the step alone. A step of the slice is as long as the old stride: multiply them.",
)
edited(
    "index_view",
    "size rounded down",
    old="sizes.append(len(range(start, stop, step)))",
    new="sizes.append(max(0, (stop - start) // step))",
    hint="The size is rounded down. 0, 2, 4 are three steps within 5: it is (stop - start) / step rounded up, which "
    "len(range(start, stop, step)) knows.",
)
edited(
    "index_view",
    "negative ints not wrapped",
    old="start = part % size",
    new="start = part",
    hint="A negative int points in front of the view. -1 is the last index of the axis: add the axis's size.",
)
edited(
    "index_view",
    "bounds not checked",
    old="elif -size <= part < size:",
    new="else:\n            start = part % size\n        if True:\n            offset += start * stride\n            "
    "continue\n        if isinstance(part, int):",
    hint="An int beyond the axis wraps around, or reads another row's number. It is an IndexError.",
)
edited(
    "index_view",
    "axis of an int kept",
    old="start = part % size",
    new="start = part % size\n            sizes.append(1)\n            steps.append(stride)",
    hint="An int leaves an axis of size 1. It fixes the axis, which is gone then.",
)
edited(
    "index_view",
    "other axes lost",
    old="return offset, (*sizes, *shape[len(key) :]), (*steps, *strides[len(key) :])",
    new="return offset, tuple(sizes), tuple(steps)",
    hint="Axes that the key doesn't reach are lost. x[0] of a matrix is a row: they stay as they are.",
)
edited(
    "index_view",
    "negative steps by hand",
    old="start, stop, step = part.indices(size)",
    new="start, stop, step = part.start or 0, size if part.stop is None else part.stop, part.step or 1",
    hint="Starts and stops that are negative, missing or beyond the end mean something else than they say, above all "
    "with a negative step. part.indices(size) works them out.",
)

TRANSPOSED = "return offset, tuple(shape[axis] for axis in axes), tuple(strides[axis] for axis in axes)"
STRETCHED = "kept = tuple(0 if size == 1 else stride for size, stride in zip(old_shape, strides, strict=True))"

edited(
    "transpose_view",
    "inverse order",
    old=TRANSPOSED,
    new="axes = [axes.index(axis) for axis in range(len(axes))]\n    "
    "return offset, tuple(shape[axis] for axis in axes), tuple(strides[axis] for axis in axes)",
    hint="The axes are moved by the inverse permutation: axis k of the result is axis axes[k] of the view, not the "
    "other way round. (They agree for two axes, but not for three.)",
)
edited(
    "transpose_view",
    "strides stay",
    old=TRANSPOSED,
    new="return offset, tuple(shape[axis] for axis in axes), strides",
    hint="Only the shape is transposed, which is a reshape. Every axis takes its stride along.",
)
edited(
    "transpose_view",
    "shape stays",
    old=TRANSPOSED,
    new="return offset, shape, tuple(strides[axis] for axis in axes)",
    hint="Only the strides are transposed: every axis takes its size along as well.",
)
edited(
    "transpose_view",
    "stretched axes walk on",
    old=STRETCHED,
    new="kept = strides",
    hint="broadcast_view keeps the stride of an axis of size 1 that it stretches, and walks into the neighbours. Its "
    "stride becomes 0.",
)
edited(
    "transpose_view",
    "axes put at the end",
    old="return offset, tuple(shape), (0,) * (len(shape) - len(old_shape)) + kept",
    new="return offset, tuple(shape), kept + (0,) * (len(shape) - len(old_shape))",
    hint="broadcast_view puts the new axes behind the old ones. They go in front.",
)
edited(
    "transpose_view",
    "offset ignored",
    old="return offset, tuple(shape), (0,)",
    new="return 0, tuple(shape), (0,)",
    hint="broadcast_view begins at the start of the buffer. The offset stays where it is.",
)


@mistake(
    "transpose_view",
    hint="broadcast_view gives the strides of a fresh array of the larger shape. Nothing was copied: the strides stay, "
    "but for the 0s of repeated axes.",
)
def fresh_strides():
    def broadcast_view(view, shape):
        strides = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
        return view[0], tuple(shape), strides
