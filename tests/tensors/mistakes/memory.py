"""Classic mistakes in questions 3 and 8: sliding windows; views and copies."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

import math

import numpy as np

from autograder import edited, mistake

COUNT = "count = (x.shape[-1] - size) // step + 1"
STRIDES = "strides = (*x.strides[:-1], step * x.strides[-1], x.strides[-1])"

edited(
    "sliding_windows",
    "last window missing",
    old=COUNT,
    new="count = (x.shape[-1] - size) // step",
    hint="The last window is missing: there are (N - K) // S steps between the windows, so one window more.",
)
edited(
    "sliding_windows",
    "partial windows counted",
    old=COUNT,
    new="count = (x.shape[-1] - 1) // step + 1",
    hint="Windows that begin near the end reach beyond it: the last one begins at N - K at the latest. as_strided "
    "reads there whatever lies in memory.",
)
edited(
    "sliding_windows",
    "assumes contiguous",
    old=STRIDES,
    new="strides = (*x.strides[:-1], step * x.itemsize, x.itemsize)",
    hint="The numbers of x are taken to lie next to each other. x may be a view itself: its last stride, "
    "x.strides[-1], says how far apart they are.",
)
edited(
    "sliding_windows",
    "step not used",
    old=STRIDES,
    new="strides = (*x.strides[:-1], x.strides[-1], x.strides[-1])",
    hint="The windows begin one number apart, whatever the step. From window to window it is step times the stride "
    "of x.",
)
edited(
    "sliding_windows",
    "step within the window",
    old=STRIDES,
    new="strides = (*x.strides[:-1], x.strides[-1], step * x.strides[-1])",
    hint="The step is taken within a window. It leads from window to window; the numbers of one window are neighbours "
    "in x.",
)
edited(
    "sliding_windows",
    "windows side by side",
    old=STRIDES,
    new="strides = (*x.strides[:-1], size * x.strides[-1], x.strides[-1])",
    hint="Each window begins where the one before it ended. It begins step numbers after the one before it began.",
)


@mistake(
    "sliding_windows",
    hint="These are copies, size / step times as many numbers as x has. Return a view, by as_strided.",
)
def copies():
    def sliding_windows(x, size, step=1):
        starts = range(0, x.shape[-1] - size + 1, step)
        return np.stack([x[..., start : start + size] for start in starts], axis=-2)


@mistake(
    "sliding_windows",
    hint="The axes are in the wrong order: first which window, then where in the window.",
)
def places_before_windows():
    def sliding_windows(x, size, step=1):
        count = (x.shape[-1] - size) // step + 1
        strides = (*x.strides[:-1], x.strides[-1], step * x.strides[-1])
        return np.lib.stride_tricks.as_strided(x, (*x.shape[:-1], size, count), strides)


edited(
    "sliding_windows",
    "leading axes assumed fresh",
    old=STRIDES,
    new="leading = [math.prod(x.shape[axis + 1 :]) * x.strides[-1] for axis in range(x.ndim - 1)]\n    "
    "strides = (*leading, step * x.strides[-1], x.strides[-1])",
    hint="The leading axes are walked as in a fresh array. Keep the strides that x has.",
)

LAYOUT_USERS = ("reshape_strides", "is_view")

edited(
    "merge_axes",
    "any neighbours",
    old="if runs and runs[-1][1] == size * stride:",
    new="if runs:",
    hint="All axes are merged. Two are one run only where a step along the first goes as far as all steps along the "
    "second: its stride is size · stride of the second.",
    also=LAYOUT_USERS,
)
edited(
    "merge_axes",
    "equal strides",
    old="if runs and runs[-1][1] == size * stride:",
    new="if runs and runs[-1][1] == stride:",
    hint="Axes with equal strides are merged. The first stride has to be the second size times the second stride.",
    also=LAYOUT_USERS,
)
edited(
    "merge_axes",
    "size of the first",
    old="if runs and runs[-1][1] == size * stride:",
    new="if runs and runs[-1][1] == runs[-1][0] * stride:",
    hint="The condition takes the size of the first axis. A step along the first goes past all of the second: it is "
    "the second size that counts.",
    also=LAYOUT_USERS,
)
edited(
    "merge_axes",
    "stride of the first",
    old="runs[-1] = (runs[-1][0] * size, stride)",
    new="runs[-1] = (runs[-1][0] * size, runs[-1][1])",
    hint="The merged axis keeps the stride of the first. It goes in the small steps: the stride of the second.",
    also=LAYOUT_USERS,
)
edited(
    "merge_axes",
    "axes of size one kept",
    old="        if size == 1:\n            continue\n",
    new="",
    hint="Axes of size 1 are in the list, or keep their neighbours apart by a stride that is never used. Leave them "
    "out.",
    also=LAYOUT_USERS,
)
edited(
    "merge_axes",
    "repeats kept apart",
    old="if runs and runs[-1][1] == size * stride:",
    new="if runs and stride and runs[-1][1] == size * stride:",
    hint="Repeated axes (stride 0) are kept apart. 0 = n · 0, so two of them are one run as well: one number, "
    "repeated.",
    also=LAYOUT_USERS,
)

edited(
    "merge_axes",
    "backward runs kept apart",
    old="if runs and runs[-1][1] == size * stride:",
    new="if runs and stride >= 0 and runs[-1][1] == size * stride:",
    hint="Axes that run backwards are kept apart. The condition is the same for negative strides: an array that is "
    "reversed along every axis is one run.",
    also=LAYOUT_USERS,
)

edited(
    "reshape_strides",
    "an axis of one step cut",
    old="        if size > 1:\n            left, stride = runs.pop()",
    new="        if size > 0:\n            left, stride = runs.pop()",
    hint="A new axis of size 1 cuts from the runs as well, and finds none where all are used up. It takes nothing, and "
    "may have any stride.",
    also=("is_view",),
)
edited(
    "reshape_strides",
    "first axis first",
    old="for size in reversed(new_shape):",
    new="for size in new_shape:",
    hint="The runs are cut from the first new axis on. The last axis has the smallest steps: begin at the end.",
    also=("is_view",),
)
edited(
    "reshape_strides",
    "rest not scaled",
    old="runs.append((left // size, size * stride))",
    new="runs.append((left // size, stride))",
    hint="What is left of a run keeps its stride. One step of it now goes past the whole new axis: n times the stride.",
)
edited(
    "reshape_strides",
    "corners not seen",
    old="            if left % size:\n                return None\n",
    new="            while left % size:\n                left *= runs.pop()[0] if runs else size\n",
    hint="A new axis that doesn't fit into a run is laid across two of them, where no single stride leads. Return None "
    "there.",
    also=("is_view",),
)


@mistake(
    "reshape_strides",
    hint="These are the strides of a fresh array of the new shape. That is right for a fresh x only; a view has to "
    "cut the runs that it has.",
    also=("is_view",),
)
def fresh_strides():
    def reshape_strides(shape, strides, new_shape):
        return row_major_strides(new_shape)


@mistake(
    "reshape_strides",
    hint="You return None for everything that isn't stored row by row. Many views can be reshaped without a copy: "
    "every second row, say, can have its columns split, and axes of size 1 are always free.",
    also=("is_view",),
)
def only_contiguous():
    def reshape_strides(shape, strides, new_shape):
        if tuple(strides) != row_major_strides(shape):
            return None
        return row_major_strides(new_shape)


@mistake(
    "is_view",
    hint="reshape is taken for a view always. Where strides can't say it, it copies, silently: ask reshape_strides.",
)
def reshape_always_a_view():
    def is_view(framework, shape, strides, operation, argument=None):
        if operation == "reshape":
            return True
        if operation == "flatten":
            return framework == "torch" and reshape_strides(shape, strides, (math.prod(shape),)) is not None
        if operation == "contiguous":
            runs = merge_axes(shape, strides)
            return not runs or (len(runs) == 1 and runs[0][1] == 1)
        if operation == "index":
            number = framework == "numpy" and len(argument) == len(shape) and all(type(i) is int for i in argument)
            return not number and not any(type(i) is list for i in argument)
        return {"flip": framework == "numpy", "cast": framework == "torch" and argument == "float32"}.get(
            operation, True
        )


edited(
    "is_view",
    "flatten as a reshape in NumPy",
    old='return possible and (framework, operation) != ("numpy", "flatten")',
    new="return possible",
    hint="NumPy's flatten always copies; it is ravel that doesn't if it can. PyTorch's flatten doesn't if it can.",
)
edited(
    "is_view",
    "flatten always copies",
    old='return possible and (framework, operation) != ("numpy", "flatten")',
    new='return possible and operation != "flatten"',
    hint="PyTorch's flatten is a reshape to one axis: a view where there are strides for it.",
)
edited(
    "is_view",
    "lists taken for slices",
    old="return not any(isinstance(part, list) for part in argument) and not (number and",
    new="return not (number and",
    hint="Indexing by a list is taken for a view. The places in a list follow no stride, so it copies.",
)
edited(
    "is_view",
    "one number as a view",
    old='and not (number and framework == "numpy")',
    new="",
    hint="An int for every axis gives a view in PyTorch (a tensor without axes), but a plain number in NumPy: a copy.",
)
edited(
    "is_view",
    "any int as a number",
    old="number = len(argument) == len(shape) and all(isinstance(part, int) for part in argument)",
    new="number = any(isinstance(part, int) for part in argument)",
    hint="An int in the key is taken for a copy in NumPy. It fixes one axis, and the rest is a view; only an int for "
    "every axis leaves a number.",
)
edited(
    "is_view",
    "flip as a view",
    old='return framework == "numpy"',
    new="return True",
    hint="PyTorch's tensors have no negative strides, so its flip copies.",
)
edited(
    "is_view",
    "cast to the same dtype",
    old='return framework == "torch" and argument == "float32"',
    new='return argument == "float32"',
    hint="NumPy's astype copies even if nothing is to be changed (unless copy=False). PyTorch's .to gives x itself.",
)
edited(
    "is_view",
    "contiguous by all strides",
    old="return all(stride == 1 for _, stride in merge_axes(shape, strides)) and len(merge_axes(shape, strides)) < 2",
    new="return tuple(strides) == row_major_strides(shape)",
    hint="An axis of size 1 may have any stride, since no step is taken along it: the array is stored row by row all "
    "the same. Compare the strides of the other axes alone.",
)
edited(
    "is_view",
    "contiguous by runs alone",
    old="return all(stride == 1 for _, stride in merge_axes(shape, strides)) and len(merge_axes(shape, strides)) < 2",
    new="return len(merge_axes(shape, strides)) < 2",
    hint="One run isn't enough for a contiguous array: its stride has to be 1. A repeated number, or every second one, "
    "is a single run, too.",
)
