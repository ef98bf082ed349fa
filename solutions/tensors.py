# built from source/tensors/tensors.ipynb by `course build`; edit there

# %% [markdown]
# # Tensors
#
# A tensor looks like a box of numbers. Underneath it is a flat stretch of memory and a few integers that say how to
# walk through it; on top of it lie the rules by which shapes, types and devices combine. Most bugs in deep learning
# that raise no error live in these rules: a mean over padding, a column that was broadcast by accident, a gradient
# that was overwritten instead of added, a loss that turned into NaN. Here you build the machinery yourself:
#
# 1. **shapes**: broadcasting, and what it does to gradients;
# 2. **memory**: offset, shape and strides; views against copies; sliding windows that cost nothing;
# 3. **sums**: `einsum`, scatter-add, and sums that keep their digits (logsumexp, compensated summation);
# 4. **batches**: padding and masks, data types and devices, in PyTorch and in TensorFlow.
#
# Afterwards you can say of any line of array code which shape it gives, whether it copies, what its gradient is, and
# where it loses digits.
#
# **You need** Python and a first acquaintance with NumPy (`shape`, `axis=`, slices).
# **It takes** about five hours, in as many sittings as you like: every step has its own check.

# %% [markdown]
# ## How to work
#
# Each step has an idea, a formula, a cell to fill in and a check. Replace `raise NotImplementedError()` by
# your code, run the cell, then the `check("…")` below it. Its panel says which case failed, where the largest
# error is and how large it may be, and it knows the classic mistakes. Most blanks take fewer than ten lines.
#
# - The checks here use public inputs. When your notebook is graded the same checks run on secret numbers and
#   secret shapes, so answer for every input that the docstring allows.
# - Functions work in the dtype of their inputs: float32 in, float32 out.
# - Nobody changes an argument in place. Whoever gave you the array may need it again.
# - Paragraphs in parentheses are for a second reading: they matter in practice, but no blank needs them.
# - You may add cells and helper functions. Leave names and signatures of what is asked as they are.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from autograder import check


# %% [markdown]
# ## 1. Broadcasting
#
# Arrays of different shapes combine as if the smaller one were repeated. Write the shapes below each other, **aligned
# at the right**, and put a 1 wherever a shape has run out:
#
# ```
#        8 × 1 × 6 × 5
#            7 × 1 × 5
#     ─────────────────
#        8 × 7 × 6 × 5
# ```
#
# In every column all sizes but the 1s must be equal, and that is the size of the result; a 1 is stretched. If only 1s
# stand in a column, the result has a 1 there. Two sizes that differ, neither of them 1, are an error. Mind that 0 is
# a size like any other: 1 and 0 give 0, so an empty batch stays empty.

# %%
def broadcast_shape(*shapes):
    """The shape that arrays of these shapes broadcast to.

    shapes   any number of tuples of ints (at least one)
    returns  a tuple of ints
    raises   ValueError if they don't broadcast
    """
    ndim = max(len(shape) for shape in shapes)
    padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    result = []
    for column in zip(*padded, strict=True):
        sizes = set(column) - {1} or {1}
        if len(sizes) > 1:
            raise ValueError(f"the shapes {shapes} don't broadcast")
        result.append(sizes.pop())
    return tuple(result)


# %%
# check("broadcast_shape")

# %% [markdown]
# What the rule means, for a column plus a row: each of them is read again and again (grey), and nothing is stored
# twice. It is also how two vectors of length $n$ become an $n \times n$ matrix when all you wanted was their
# difference: `(n, 1) - (n,)` raises no error.

# %%
# def draw_array(ax, array, real, title):
#     """Draw a matrix of numbers; cells where `real` is False are repeats."""
#     for (row, column), number in np.ndenumerate(array):
#         face = "white" if real[row, column] else "0.85"
#         ax.add_patch(plt.Rectangle((column, -row), 1, -1, facecolor=face, edgecolor="0.3"))
#         ax.text(column + 0.5, -row - 0.5, f"{number}", ha="center", va="center",
#                 color="black" if real[row, column] else "0.45")
#     ax.set(xlim=(-0.1, 4.1), ylim=(-3.1, 0.1), aspect="equal", title=title)
#     ax.axis("off")
#
#
# column, row = np.array([[0], [10], [20]]), np.array([1, 2, 3, 4])
# rows, columns = np.indices((3, 4))
# fig, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained")
# draw_array(axes[0], np.broadcast_to(column, (3, 4)), columns == 0, "(3, 1), stretched")
# draw_array(axes[1], np.broadcast_to(row, (3, 4)), rows == 0, "+   (4,), put in front and stretched")
# draw_array(axes[2], column + row, rows >= 0, "=   (3, 4)")
# plt.show()

# %% [markdown]
# ### Undo a broadcast
#
# Broadcasting is a linear map $B$ from the small array to the large one. Backpropagation through it needs its
# **adjoint** $B^\top$: the map for which, for every small $x$ and every large $y$,
#
# $$\langle B x,\, y \rangle = \langle x,\, B^\top y \rangle, \qquad \langle u, v \rangle = \sum_i u_i v_i .$$
#
# $Bx$ uses $x_j$ at several places. On the left $x_j$ therefore meets the sum of $y$ over those places, so that is
# what $B^\top y$ holds: **the adjoint of repeating is summing**. Sum over the axes that were put in front, and over
# those of size 1 that were stretched; the result has exactly the shape of $x$, its 1s included.
#
# An axis of size 1 that wasn't stretched is summed over its single element, which changes nothing, so it needs no case
# of its own. And go by the *place* of an axis, never by its size: in a square array both axes look the same.
#
# The identity is a test, too: draw $x$ and $y$ at random, compute both sides, and any wrong axis shows. It works for
# every pair of a linear map and its gradient.

# %%
def unbroadcast(grad, shape):
    """Sum `grad` down to `shape`: the adjoint of broadcasting an array of that shape.

    grad     array of a shape that `shape` broadcasts to
    shape    tuple of ints; may have fewer axes than grad, and axes of size 1
    returns  an array of shape `shape`, in the dtype of grad
    """
    padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    repeated = tuple(axis for axis, size in enumerate(padded) if size == 1)
    return grad.sum(axis=repeated, keepdims=True).reshape(shape)


# %%
# check("unbroadcast")

# %% [markdown]
# ## 2. What an array is
#
# Memory has no rows and columns. An array of any number of axes is a flat **buffer** and three facts:
#
# - the **offset** $o$: where the element with all indices 0 lies;
# - the **shape**: how many steps may be taken along each axis;
# - the **strides** $s$: how far one step along each axis goes.
#
# Element $(i_0, i_1, \dots)$ lies at position $o + \sum_k i_k s_k$. That is all. Transposing, slicing, reversing and
# broadcasting change only these facts: such a result is a **view**, it costs nothing, and it shares its numbers with
# the array that it came from.
#
# Here a *view* is the tuple `(offset, shape, strides)`, counted in **elements**, as PyTorch counts. (NumPy counts
# strides in bytes: divide by `itemsize`.) `read` shows you what a view sees.

# %%
def read(buffer, view):
    """The numbers that a view (offset, shape, strides) sees in a flat buffer, as an array of their own."""
    offset, shape, strides = view
    where = np.full(shape, offset)
    for axis, stride in enumerate(strides):
        where += stride * np.arange(shape[axis]).reshape(-1, *[1] * (len(shape) - axis - 1))
    return buffer[where]


# %% [markdown]
# A fresh array is stored row by row: one step along the last axis goes 1 element, one step along any other axis goes
# past everything that the axes behind it hold. For shape $(n_0, \dots, n_{d-1})$:
#
# $$s_k = \prod_{j > k} n_j, \qquad \text{e.g.}\quad (2, 3, 4) \to (12, 4, 1).$$

# %%
def row_major_strides(shape):
    """The strides, in elements, of a fresh array of this shape, stored row by row.

    shape    tuple of ints, all at least 1; () for a single number
    returns  a tuple of ints, one for each axis
    """
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


# %%
# check("row_major_strides")

# %% [markdown]
# ### Index and slice
#
# Along one axis with size $n$ and stride $s$:
#
# - an **integer** $i$ fixes the axis: the offset moves by $i\,s$, and the axis is gone. Negative $i$ counts from the
#   end;
# - a **slice** `start:stop:step` keeps the axis: the offset moves by $\mathrm{start}\cdot s$, the stride becomes
#   $\mathrm{step}\cdot s$, and the size is the number of steps. A negative step walks backwards, and an ordinary
#   negative stride is all that it takes.
#
# Python knows what a slice means for a given size, `None`s and overshooting ends included:
# `slice(None, None, -2).indices(7)` is `(6, -1, -2)`, and `len(range(6, -1, -2))` is 4.

# %%
def index_view(view, key):
    """The view that basic indexing gives: what `array[key]` is to `array`.

    view     (offset, shape, strides) in elements
    key      a tuple of ints and slices, one for each of the first axes; axes that it doesn't reach stay as they are
    returns  (offset, shape, strides)
    raises   IndexError for an int that lies outside of its axis
    """
    offset, shape, strides = view
    sizes, steps = [], []
    for part, size, stride in zip(key, shape, strides, strict=False):
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            sizes.append(len(range(start, stop, step)))
            steps.append(step * stride)
        elif -size <= part < size:
            start = part % size
        else:
            raise IndexError(f"index {part} is out of bounds for an axis of size {size}")
        offset += start * stride
    return offset, (*sizes, *shape[len(key) :]), (*steps, *strides[len(key) :])


# %%
# check("index_view")

# %% [markdown]
# ### Transpose and broadcast
#
# To transpose is to list the axes in another order; the numbers stay where they are. And to broadcast is to take
# steps that **lead nowhere**: along a stretched axis the stride is 0, so every index sees the same number.
# (Which is why writing into such a view is a mistake: one assignment changes a whole row of it. NumPy makes it
# read-only, PyTorch's `expand` warns in its manual.)

# %%
def transpose_view(view, axes):
    """The view with its axes in another order.

    view     (offset, shape, strides) in elements
    axes     a permutation of the axes: axis k of the result is axis axes[k] of the view
    returns  (offset, shape, strides)
    """
    offset, shape, strides = view
    return offset, tuple(shape[axis] for axis in axes), tuple(strides[axis] for axis in axes)


def broadcast_view(view, shape):
    """The view stretched to a larger shape, without a copy.

    view     (offset, its shape, strides) in elements
    shape    a shape that the view's own shape broadcasts to
    returns  (offset, shape, strides)
    """
    offset, old_shape, strides = view
    kept = tuple(0 if size == 1 else stride for size, stride in zip(old_shape, strides, strict=True))
    return offset, tuple(shape), (0,) * (len(shape) - len(old_shape)) + kept


# %%
# check("transpose_view")

# %% [markdown]
# Four views of one and the same buffer of 24 numbers, made by your functions. Dark cells are seen by the view; the
# number in a cell is its position, the small index which of the view's elements it is.

# %%
# whole = (0, (4, 6), row_major_strides((4, 6)))
# views = {
#     "x = all of it": whole,
#     "x[1:, ::2]": index_view(whole, (slice(1, None), slice(None, None, 2))),
#     "x[1:3, 1:4].T": transpose_view(index_view(whole, (slice(1, 3), slice(1, 4))), (1, 0)),
#     "x[::-1, 2]": index_view(whole, (slice(None, None, -1), 2)),
# }
# fig, axes = plt.subplots(4, 1, figsize=(10, 4.6), layout="constrained")
# for ax, (title, view) in zip(axes, views.items(), strict=True):
#     seen = read(np.arange(24), view).ravel().tolist()
#     for position in range(24):
#         inside = position in seen
#         ax.add_patch(plt.Rectangle((position, 0), 1, 1, facecolor="0.6" if inside else "white", edgecolor="0.3"))
#         ax.text(position + 0.5, 0.62, position, ha="center", va="center", size=9)
#         if inside:
#             ax.text(position + 0.5, 0.22, f"#{seen.index(position)}", ha="center", va="center", size=7)
#     ax.set(xlim=(-0.2, 24.2), ylim=(-0.05, 1.05))
#     ax.set_title(f"{title}:   offset {view[0]}, shape {view[1]}, strides {view[2]}", size=10, loc="left")
#     ax.axis("off")
# plt.show()

# %% [markdown]
# ## 3. Windows that overlap
#
# Nothing says that two indices must lead to different numbers. Cut a series $x_0, x_1, \dots$ into windows of length
# $K$ that begin every $S$ numbers: element $k$ of window $w$ is $x_{wS + k}$. That is linear in $w$ and $k$, so it is
# a view: with $s$ the stride of the series, the windows have strides $(S s,\; s)$. The number of windows is
#
# $$W = \left\lfloor \frac{N - K}{S} \right\rfloor + 1 .$$
#
# `np.lib.stride_tricks.as_strided(x, shape, strides)` makes such a view of an array (strides in **bytes**, as in
# `x.strides`, so start from those and the step is right whatever `x` is a view of). It checks nothing: a window too
# many reads memory that isn't yours. Pass `writeable=False`, as the windows overlap.

# %%
def sliding_windows(x, size, step=1):
    """All windows along the last axis, as a view: no number is copied.

    x        array (..., N) with N >= size, of any strides
    size     K, the length of a window
    step     S, from the beginning of a window to the beginning of the next
    returns  a view (..., W, K); numbers behind the last whole window are left out
    """
    count = (x.shape[-1] - size) // step + 1
    shape = (*x.shape[:-1], count, size)
    strides = (*x.strides[:-1], step * x.strides[-1], x.strides[-1])
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


# %%
# check("sliding_windows")

# %% [markdown]
# Windows turn "look at the neighbourhood" into a reduction over an axis. Here one row of a photograph, with noise on
# it, and its running median: `np.median(sliding_windows(row, 31), axis=-1)`. And windows of windows are the patches of
# an image, the input of every convolution.

# %%
# from sklearn.datasets import load_sample_image
#
# photo = load_sample_image("flower.jpg").mean(axis=2)
# noise = np.random.default_rng(0)
# row = photo[200].copy()
# row[noise.random(row.shape) < 0.1] = 255
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3), layout="constrained", width_ratios=[3, 2])
# left.plot(row, color="0.75", linewidth=0.8, label="row 200, one pixel in ten spoiled")
# left.plot(np.arange(15, 15 + len(row) - 30), np.median(sliding_windows(row, 31), axis=-1), color="black",
#           label="median of 31 neighbours")
# left.set(xlabel="column", ylabel="brightness", title="windows of a series", ylim=(0, 340), yticks=range(0, 251, 50))
# left.legend(loc="upper right", ncols=2, fontsize=8)
# patches = sliding_windows(sliding_windows(photo, 40, 40).transpose(1, 2, 0), 40, 40)  # column, x, row, y
# patches = patches.transpose(2, 0, 3, 1)
# image = right.imshow(patches.std(axis=(2, 3)), cmap="gray", extent=(0, 40 * patches.shape[1], 40 * patches.shape[0], 0))
# fig.colorbar(image, ax=right, label="standard deviation")
# right.set(title="contrast within patches of 40 by 40", xlabel="column", ylabel="row")
# plt.show()

# %% [markdown]
# ## 4. View or copy?
#
# Reshaping is where views end. `x.reshape(…)` promises the numbers in row-major order, and sometimes no strides can
# deliver them: then it copies, silently. (In PyTorch `x.view(…)` raises an error there instead.) When does it?
#
# Two neighbouring axes are **one run** when a step along the first goes exactly as far as all steps along the second:
# $s_k = n_{k+1}\, s_{k+1}$. Then they can be merged into one axis of size $n_k n_{k+1}$ with stride $s_{k+1}$. Axes of
# size 1 are never stepped along, so they don't matter, whatever their stride is. What is left after merging all that
# can be merged says everything about reshaping, and a fresh array is a single run of stride 1.

# %%
def merge_axes(shape, strides):
    """Merge neighbouring axes as far as strides allow.

    shape    tuple of ints, all at least 1
    strides  tuple of ints, in elements; may be 0 or negative
    returns  a list of tuples (size, stride) in the order of the axes, without axes of size 1
    """
    runs = []
    for size, stride in zip(shape, strides, strict=True):
        if size == 1:
            continue
        if runs and runs[-1][1] == size * stride:
            runs[-1] = (runs[-1][0] * size, stride)
        else:
            runs.append((size, stride))
    return runs


# %%
# check("merge_axes")

# %% [markdown]
# To reshape is to cut the runs anew. Go through the new sizes **from the last to the first**, always cutting from
# the end of the last run: a new axis takes that run's stride $s$ and leaves a run of $\mathrm{size} / n$ steps with
# stride $n s$. If $n$ doesn't divide what is left of the run, the new axis would have to turn a corner, and no view
# exists. A run of one step is used up; a new axis of size 1 takes nothing, and may have any stride.

# %%
def reshape_strides(shape, strides, new_shape):
    """The strides that make `new_shape` a view of the same numbers in the same (row-major) order.

    shape      tuple of ints, all at least 1
    strides    tuple of ints, in elements
    new_shape  tuple of ints, all at least 1, with as many elements
    returns    a tuple of ints, or None if there are no such strides and a copy has to be made
    """
    runs = merge_axes(shape, strides)
    new_strides = []
    for size in reversed(new_shape):
        stride = 0
        if size > 1:
            left, stride = runs.pop()
            if left % size:
                return None
            if left > size:
                runs.append((left // size, size * stride))
        new_strides.append(stride)
    return tuple(reversed(new_strides))


# %%
# check("reshape_strides")

# %% [markdown]
# The first six numbers of each row of eight, `x = buffer.reshape(4, 8)[:, :6]`: four runs of six, and neighbours along
# the last new axis in the same grey. As `(4, 2, 3)` every new axis stays within a run. As `(8, 3)` it goes 3 from the
# first new row to the next and then 5, across the gap, and one stride can't be both. As `(3, 8)` the new rows themselves
# go around a corner.

# %%
# fig, axes = plt.subplots(1, 3, figsize=(10, 2.1), layout="constrained")
# for ax, new_shape in zip(axes, [(4, 2, 3), (8, 3), (3, 8)], strict=True):
#     for row, column in np.ndindex(4, 8):
#         number = 6 * row + column if column < 6 else None  # which element of x lies there
#         face = "white" if number is None else ("0.6", "0.85")[number // new_shape[-1] % 2]
#         ax.add_patch(plt.Rectangle((column, -row), 1, -1, facecolor=face, edgecolor="0.3"))
#         ax.text(column + 0.5, -row - 0.5, "" if number is None else number, ha="center", va="center", size=9)
#     ax.set(xlim=(-0.1, 8.1), ylim=(-4.1, 0.1), aspect="equal")
#     strides = reshape_strides((4, 6), (8, 1), new_shape)
#     ax.set_title(f"{new_shape}: {f'strides {strides}' if strides else 'a copy'}", size=10)
#     ax.axis("off")
# plt.show()

# %% [markdown]
# ### Predict it
#
# Now you can predict for each operation whether its result shares memory with `x`. The rules, as they are in NumPy 2
# and PyTorch 2:
#
# | operation | NumPy | PyTorch |
# | --- | --- | --- |
# | `"transpose"`: `x.transpose(axes)`, `x.permute(axes)` | view | view |
# | `"broadcast"`: `np.broadcast_to(x, shape)`, `x.expand(shape)` | view | view |
# | `"reshape"`: `x.reshape(shape)` | view if strides exist, else copy | the same |
# | `"flatten"`: `x.flatten()` | always a copy | as `reshape` to one axis |
# | `"contiguous"`: `np.ascontiguousarray(x)`, `x.contiguous()` | `x` itself if it is stored row by row, else a copy | the same |
# | `"index"`: `x[key]` with slices and ints | view, but with an int for **every** axis a number, a copy | view |
# | `"index"`: `x[key]` with a list in the key | copy | copy |
# | `"flip"`: `np.flip(x, axis)`, `x.flip(axis)` | view, with a negative stride | copy: it has none of those |
# | `"cast"`: `x.astype(dtype)`, `x.to(dtype)` | always a copy | `x` itself if it has this dtype, else a copy |
#
# (TensorFlow's tensors never change, so there it matters for memory alone.) This is no table to learn by heart, but to
# have understood: *a view is whatever offset, shape and strides can say.*

# %%
def is_view(framework, shape, strides, operation, argument=None):
    """Whether the result of an operation on x shares memory with x; x itself counts as sharing.

    framework  "numpy" or "torch"
    shape      the shape of x, all sizes at least 1, at least one axis
    strides    the strides of x, in elements; the numbers of x are float32
    operation  a name of the table above
    argument   the axes (transpose), the new shape (reshape, broadcast), the key, a tuple that may have slices, ints
               and lists of ints (index), the axis (flip), or the name of the dtype (cast)
    returns    True or False
    """
    if operation in ("reshape", "flatten"):
        new_shape = argument if operation == "reshape" else (math.prod(shape),)
        possible = reshape_strides(shape, strides, new_shape) is not None
        return possible and (framework, operation) != ("numpy", "flatten")
    if operation == "contiguous":
        return all(stride == 1 for _, stride in merge_axes(shape, strides)) and len(merge_axes(shape, strides)) < 2
    if operation == "index":
        number = len(argument) == len(shape) and all(isinstance(part, int) for part in argument)
        return not any(isinstance(part, list) for part in argument) and not (number and framework == "numpy")
    if operation == "flip":
        return framework == "numpy"
    if operation == "cast":
        return framework == "torch" and argument == "float32"
    return True


# %%
# check("is_view")

# %% [markdown]
# ## 5. Einsum
#
# Einstein's convention writes any product of tensors as a string: name each axis by a letter; **multiply where letters
# meet, sum over the letters that don't appear in the result**.
#
# | equation | what it is |
# | --- | --- |
# | `ik,kj->ij` | matrix product $C_{ij} = \sum_k A_{ik} B_{kj}$ |
# | `bqd,bkd->bqk` | attention scores of a batch |
# | `i,j->ij` | outer product |
# | `ii,i->` | $\sum_i A_{ii}\, v_i$: a letter twice in one operand means its diagonal |
#
# Three small steps make it: diagonals, common axes, a sum.

# %% [markdown]
# ### A letter twice
#
# In `iji`, the first and the last index are the same $i$. One step of $i$ is then a step along both axes at once, so
# its stride is the **sum** of their strides: a diagonal is a view as well.

# %%
def diagonal_view(a, labels):
    """Give axes that share a label one common index.

    a        array, of any strides
    labels   a str with one letter for each axis of a; axes with the same letter have the same size
    returns  a view of a with one axis for each different letter, and these letters as a str, both in the order of
             their first appearance
    """
    sizes, strides = {}, {}
    for label, size, stride in zip(labels, a.shape, a.strides, strict=True):
        sizes[label] = size
        strides[label] = strides.get(label, 0) + stride
    view = np.lib.stride_tricks.as_strided(a, tuple(sizes.values()), tuple(strides.values()), writeable=False)
    return view, "".join(sizes)


# %%
# check("diagonal_view")

# %%
# fig, axes = plt.subplots(1, 3, figsize=(10, 2.5), layout="constrained")
# matrix = np.arange(20).reshape(4, 5)
# for ax, (title, part, labels) in zip(axes, [("ij", matrix, "ij"), ("ii, of the first columns", matrix[:, :4], "ii"),
#                                             ("ii, upside down", matrix[::-1, :4], "ii")], strict=True):
#     view, letters = diagonal_view(part, labels)
#     for (row, column), position in np.ndenumerate(matrix):
#         face = "0.6" if position in view else "white"
#         ax.add_patch(plt.Rectangle((column, -row), 1, -1, facecolor=face, edgecolor="0.3"))
#         ax.text(column + 0.5, -row - 0.5, position, ha="center", va="center", size=9)
#     strides = ", ".join(f"{stride // view.itemsize}" for stride in view.strides)
#     ax.set(xlim=(-0.1, 5.1), ylim=(-4.1, 0.1), aspect="equal")
#     ax.set_title(f"{title}: letters {letters}, strides {strides}", size=10)
#     ax.axis("off")
# plt.show()

# %% [markdown]
# ### The same axes for both
#
# To multiply by broadcasting, bring both operands to one common list of letters: transpose the axes that are there
# into that order, and put an axis of size 1 for each letter that is missing.

# %%
def align_axes(a, labels, order):
    """A view of `a` with one axis for each letter of `order`.

    a        array
    labels   str: the letters of a's axes, each once
    order    str of different letters, among them all of `labels`
    returns  a view of a whose axes stand in this order; size 1 for the letters that a doesn't have
    """
    there = a.transpose([labels.index(label) for label in order if label in labels])
    return there[tuple(slice(None) if label in labels else None for label in order)]


# %%
# check("align_axes")

# %% [markdown]
# ### Multiply and sum
#
# Use the letters of the result, in its order, then all the others; multiply the aligned operands, and sum over the
# others. This is einsum as a definition.
#
# (Libraries compute the same without the large product in between: letters in both operands and in the result are batch
# axes, letters in both but not in the result are contracted, and what is left of each operand is flattened to rows and
# columns of one batched matrix product. The definition needs memory for all letters at once, for `bqd,bkd->bqk` $d$ times
# as much as the result; the matrix product needs the result alone.)

# %%
def einsum(equation, a, b):
    """The product of two tensors, as `np.einsum` gives it, without the einsum of any library.

    equation  str such as "ik,kj->ij": letters of a, of b and of the result, in which each letter appears once; a
              letter of the result appears in a or in b
    a, b      arrays of one dtype; axes with the same letter have the same size
    returns   an array (or a number), in the dtype of a and b
    """
    inputs, output = equation.split("->")
    views = [diagonal_view(x, labels) for x, labels in zip((a, b), inputs.split(","), strict=True)]
    letters = dict.fromkeys(views[0][1] + views[1][1])
    order = output + "".join(letter for letter in letters if letter not in output)
    left, right = (align_axes(view, labels, order) for view, labels in views)
    return (left * right).sum(axis=tuple(range(len(output), len(order))))


# %%
# check("einsum")

# %% [markdown]
# ## 6. Sums that keep their digits: logsumexp
#
# Probabilities multiply, so models keep logarithms, and to *add* probabilities given by logarithms takes
#
# $$\operatorname{LSE}(x) = \log \sum_i e^{x_i} = m + \log \sum_i e^{x_i - m}, \qquad m = \max_i x_i .$$
#
# The first form overflows in float32 from $x = 89$ on, and gives $\log 0$ below $-104$. In the second the largest
# exponent is 0, so the sum lies between 1 and $n$. One trap is left: a probability of 0 has the logarithm $-\infty$,
# and if **all** are $-\infty$ (a row that is masked as a whole), $x - m$ is $-\infty - (-\infty)$, which is NaN.
# Such a sum is 0, and its logarithm $-\infty$. The same holds for an empty sum. What follows for $+\infty$?
#
# (Its gradient is softmax, $e^{x_i - \mathrm{LSE}(x)}$: the same subtraction, and on a row of $-\infty$ the same trap.)

# %%
def logsumexp(x, axis=-1, keepdims=False):
    """log(sum(exp(x))) along one axis, without overflow or underflow, NaN or warning.

    x         array of floats of any size, with infinities; the axis may be empty
    axis      int, may be negative
    keepdims  whether the axis stays, with size 1
    returns   an array (or a number) in the dtype of x; -inf where all elements are -inf or there are none, inf where
              one is inf
    """
    largest = x.max(axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(largest), largest, 0).astype(x.dtype)
    with np.errstate(divide="ignore", over="ignore"):  # the logarithm of 0 is meant, and so is inf
        result = np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)) + shift
    return result if keepdims else result.squeeze(axis)


# %%
# check("logsumexp")

# %% [markdown]
# The smooth maximum: for two numbers, LSE is close to the larger of them, and by $\log 2$ above it where they are
# equal. Computed without the shift it exists in float32 only between about -103 and 88.

# %%
# x = np.linspace(-150, 150, 301, dtype=np.float32)
# pairs = np.stack([x, x - 1], axis=1)
# with np.errstate(over="ignore", divide="ignore"):
#     naive = np.log(np.exp(pairs).sum(axis=1))
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
# near = np.linspace(-4, 4, 161)
# left.plot(near, logsumexp(np.stack([near, 0 * near], axis=1)), color="black", label="LSE(x, 0)")
# left.plot(near, np.maximum(near, 0), "--", color="0.5", label="max(x, 0)")
# left.set(xlabel="x", ylabel="in float64", title="a smooth maximum")
# left.legend()
# right.plot(x, logsumexp(pairs), color="black", label="shifted by the maximum")
# right.plot(x, naive, color="0.65", linewidth=5, alpha=0.7, label="without the shift")
# right.set(xlabel="x", ylabel="LSE(x, x - 1) in float32", title="the shift keeps it finite")
# right.legend()
# plt.show()

# %% [markdown]
# ### What an addition loses
#
# float32 keeps 24 binary digits. Add 1 to $2^{24} = 16\,777\,216$, and nothing happens. Such a loss can be known
# **exactly**: the rounding error of one floating-point addition is itself a floating-point number, and six
# operations find it (Knuth, *The Art of Computer Programming* II, 4.2.2). With $\oplus, \ominus$ for the rounded
# operations:
#
# $$s = a \oplus b, \qquad b' = s \ominus a, \qquad e = \bigl(a \ominus (s \ominus b')\bigr) \oplus (b \ominus b')
# \qquad\Longrightarrow\qquad a + b = s + e \text{ exactly.}$$
#
# $b'$ is what of $b$ arrived in the sum, $s \ominus b'$ what of $a$ did; the two brackets are what got lost of
# each. On paper $e$ is 0: a compiler that "simplifies" (`-ffast-math`) destroys it.

# %%
def two_sum(a, b):
    """The rounded sum of a and b, and what rounding took from it.

    a, b     floats, or arrays of floats of one shape and dtype, of any sizes and signs, but so that nothing overflows
    returns  s and e in the dtype of a and b: s is a + b rounded, and s + e is a + b exactly
    """
    s = a + b
    b_arrived = s - a
    return s, (a - (s - b_arrived)) + (b - b_arrived)


# %%
# check("two_sum")

# %% [markdown]
# ### A sum that remembers
#
# A running sum makes one rounding error per addition, up to $u = 2^{-24}$ (float32) of the sum so far. If the terms
# cancel, the errors stay: a result of 1 out of terms around $10^6$ may have no digit right. So **collect the errors
# beside the sum, and add them at the end** (Neumaier 1974, improving on Kahan 1965, whose version loses the error
# when the new term is larger than the sum; Ogita, Rump & Oishi 2005 write it with `two_sum`). The error is then about
#
# $$u\,\Bigl|\sum_i x_i\Bigr| + (n u)^2 \sum_i |x_i| \qquad\text{instead of}\qquad n u \sum_i |x_i| ,$$
#
# as good as summing in twice the precision and rounding once. There is no wider type to fall back on for float64, and
# none on most GPUs.

# %%
def compensated_sum(x):
    """The sum over the first axis, with the rounding errors collected and added at the end.

    x        array (N, ...) of floats; N may be 0
    returns  an array (...) (or a number) in the dtype of x; no wider type is needed
    """
    total, lost = np.zeros(x.shape[1:], x.dtype), np.zeros(x.shape[1:], x.dtype)
    for term in x:
        total, error = two_sum(total, term)
        lost = lost + error
    return total + lost


# %%
# check("compensated_sum")

# %% [markdown]
# Four ways to add $n$ positive random numbers in float32: one after the other; NumPy's `sum`, which adds in pairs, like
# a tournament, so that a number goes through about $\log_2 n$ additions; yours; and for comparison the float32 that is
# nearest to the true sum.
#
# (NumPy adds in pairs only along an axis whose numbers lie side by side in memory. Along any other it adds one after the
# other, so `x.sum(axis=0)` of a fresh matrix loses more digits than `x.T.copy().sum(axis=1)`.)

# %%
# rng = np.random.default_rng(0)
# counts = np.unique(np.logspace(1, 4.3, 20).astype(int))
# errors = {"one after the other": [], "np.sum, in pairs": [], "compensated": [], "the nearest float32": []}
# for count in counts:
#     numbers = rng.random((count, 20), dtype=np.float32)
#     exact = np.array([math.fsum(column) for column in numbers.T.astype(float)])
#     results = (np.cumsum(numbers, axis=0)[-1], np.ascontiguousarray(numbers.T).sum(axis=1), compensated_sum(numbers),
#                exact.astype(np.float32))
#     for kept, result in zip(errors.values(), results, strict=True):
#         kept.append(np.abs(result / exact - 1).mean())
# fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
# styles = [("o-", "black", 4), ("s--", "0.4", 4), ("^-", "0.55", 7), ("x:", "black", 5)]
# for (label, values), (style, color, size) in zip(errors.items(), styles, strict=True):
#     ax.loglog(counts, values, style, color=color, markersize=size, label=label)
# ax.set(xlabel="n", ylabel="mean relative error", title="what a sum in float32 loses")
# ax.legend()
# plt.show()

# %% [markdown]
# ## 7. Scatter-add, in PyTorch and TensorFlow
#
# From here on the arrays are tensors of two frameworks. The same idea goes by two names, and the same checks grade
# both.
#
# *Gathering* reads `values[index]`. Its adjoint *adds* to what lies at `index`: rows of a word-embedding table
# collect their gradients so, bins of a histogram their counts, nodes of a graph the messages of their neighbours.
# With a segment number $g_n$ for each row:
#
# $$y_s = \sum_{n\,:\,g_n = s} v_n, \qquad s = 0, \dots, S-1 .$$
#
# The trap is in the word *add*. `y[g] += v` reads `y[g]`, adds, and writes back; where a number appears twice in
# `g`, the last writer wins, and no error tells. Look for the operation that accumulates: `index_add` in PyTorch,
# `unsorted_segment_sum` or `tensor_scatter_nd_add` in TensorFlow, `np.add.at` in NumPy.
#
# (On a GPU the additions happen in whatever order the threads arrive, and floating-point addition isn't associative. The
# same scatter-add gives other last digits in each run, which is the usual reason why a seeded training can't be repeated.
# `torch.use_deterministic_algorithms(True)` and `tf.config.experimental.enable_op_determinism()` ask for a fixed order,
# which is slower.)

# %%
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reports on your processor otherwise

import tensorflow as tf
import torch


# %%
# g, v = np.array([0, 2, 2, 2]), np.ones(4)
# overwritten, added = np.zeros(3), np.zeros(3)
# overwritten[g] += v
# np.add.at(added, g, v)
# fig, ax = plt.subplots(figsize=(8, 2.4), layout="constrained")
# for row, segment in enumerate(g):
#     ax.annotate("", (segment + 0.5, 0.36), (row + 0.1, 1.12), arrowprops={"arrowstyle": "->", "color": "0.4"})
#     ax.text(row + 0.1, 1.25, f"v = {v[row]:.0f}, g = {segment}", ha="center", size=9)
# for segment in range(3):
#     ax.text(segment + 0.5, 0.02, f"y[{segment}]: {added[segment]:.0f} added,\n{overwritten[segment]:.0f} overwritten",
#             ha="center", size=9, fontweight="bold" if added[segment] != overwritten[segment] else "normal")
# ax.set(xlim=(-0.4, 3.6), ylim=(0, 1.4), title="np.add.at(y, g, v) adds; y[g] += v overwrites")
# ax.axis("off")
# plt.show()

# %%
def segment_sum_torch(values, segments, count):
    """Sum the rows of each segment.

    values    floating tensor (N, ...); may require a gradient
    segments  int64 tensor (N,), numbers in 0 ... count-1 in any order
    count     S, how many segments there are; some may have no rows
    returns   tensor (S, ...) in the dtype and on the device of values, differentiable by values; 0 where no row is
    """
    empty = torch.zeros((count, *values.shape[1:]), dtype=values.dtype, device=values.device)
    return empty.index_add(0, segments, values)


# %%
# check("segment_sum_torch")

# %%
def segment_sum_tf(values, segments, count):
    """The same in TensorFlow: a tensor (S, ...) in the dtype of values, differentiable by values."""
    return tf.math.unsorted_segment_sum(values, segments, count)


# %%
# check("segment_sum_tf")

# %% [markdown]
# ## 8. Ragged batches
#
# Sentences, visits, sessions: real examples have different lengths, and tensors don't. So short ones are *padded* to
# the length of the longest, and a **mask** says what is real. First from a table, in which each row is one step of
# some example, to the padded array.

# %%
import pandas as pd


# %%
def pad_groups(frame, key, columns):
    """Put the rows of each group into one row of a padded array.

    frame    pandas DataFrame with at least one row, with any index
    key      name of the column that tells the group; the groups' rows may lie scattered
    columns  list of C names of columns with numbers, which may be 0 or missing (NaN)
    returns  padded (G, L, C) float32, and mask (G, L) bool, True where a row is: groups in ascending order of their
             key, rows in the order of the frame, from the left; L is the length of the longest; padding is 0
    """
    groups = [group[columns].to_numpy(np.float32) for _, group in frame.groupby(key, sort=True)]
    lengths = np.array([len(group) for group in groups])
    mask = np.arange(lengths.max()) < lengths[:, None]
    padded = np.zeros((*mask.shape, len(columns)), np.float32)
    padded[mask] = np.concatenate(groups)
    return padded, mask


# %%
# check("pad_groups")

# %% [markdown]
# ### A mean that ignores the padding
#
# Every reduction over the padded axis has to know the mask. For the mean, with $m_{bl} \in \{0, 1\}$:
#
# $$y_b = \frac{\sum_l m_{bl}\, x_{bl}}{\max\bigl(1, \sum_l m_{bl}\bigr)} .$$
#
# The proof that it is right is an **invariance**: padding by ten more steps must change nothing. Neither must what
# the padding holds. Multiplying by the mask is not enough for that, as $0 \cdot \infty$ and $0 \cdot$ NaN are NaN
# (and padding does hold such things, when it went through a logarithm or a division before): *select* with `where`
# before you sum (and by the
# mask, not by what looks unfit: a NaN in a real step tells of a fault, and has to be seen). An example with nothing in it gets 0, not 0/0, whose NaN would reach every weight of the network
# by the next gradient.
#
# (The backward pass has a trap of the same kind. In `where(mask, log(x), 0)` the padding's gradient is
# $0 \cdot \frac1x$, at $x = 0$ again $0 \cdot \infty$: NaN, though the forward pass was clean. Select *before* the
# function that can fail, `log(where(mask, x, 1))`, and once more after it.)

# %%
def masked_mean_torch(x, mask):
    """The mean over the steps that the mask keeps.

    x        floating tensor (B, L, C); anything may stand in the padding, NaN and infinities included (in a step
             that counts they count, too)
    mask     bool tensor (B, L)
    returns  tensor (B, C) in the dtype of x, differentiable by x; 0 for an example without any step
    """
    kept = torch.where(mask[..., None], x, 0)
    return kept.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1)


# %%
# check("masked_mean_torch")

# %%
def masked_mean_tf(x, mask):
    """The same in TensorFlow: a tensor (B, C) in the dtype of x, differentiable by x."""
    kept = tf.where(mask[..., None], x, tf.zeros_like(x))
    count = tf.reduce_sum(tf.cast(mask, x.dtype), axis=1, keepdims=True)
    return tf.reduce_sum(kept, axis=1) / tf.maximum(count, 1)


# %%
# check("masked_mean_tf")

# %% [markdown]
# A table of random walks with a drift of 1 a step, of random lengths. Left, the padded batch, its padding
# hatched. Right, the mean step of each walk, with the mask, and divided by the padded length instead: the shorter a walk,
# the more the padding pulls its mean to 0.

# %%
# rng = np.random.default_rng(3)
# walks = []
# for walk in range(12):
#     length = int(rng.integers(3, 25))
#     walks.append(pd.DataFrame({"walk": walk, "step": rng.normal(1.0, 0.5, length)}))
# table = pd.concat(walks).sample(frac=1, random_state=0)  # scattered, as such tables are
# padded, mask = pad_groups(table, "walk", ["step"])
# right_mean = masked_mean_torch(torch.from_numpy(padded), torch.from_numpy(mask))[:, 0].numpy()
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
# image = left.imshow(padded[..., 0], cmap="gray", aspect="auto")
# for row, column in np.argwhere(~mask):
#     left.add_patch(plt.Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor="0.7", hatch="////",
#                                  linewidth=0))
# fig.colorbar(image, ax=left, label="step")
# left.set(xlabel="position", ylabel="walk", title="a padded batch")
# right.plot(mask.sum(axis=1), right_mean, "o", color="black", label="with the mask")
# right.plot(mask.sum(axis=1), padded[..., 0].mean(axis=1), "x", color="0.4", label="over the padded length")
# right.axhline(1, color="0.7", linestyle=":")
# right.set(xlabel="length of the walk", ylabel="mean step", title="the true mean is 1", ylim=(0, 1.5), xlim=(0, 25))
# right.legend(loc="lower right")
# plt.show()

# %% [markdown]
# ## 9. Nested structures, dtypes and devices
#
# A batch is seldom one tensor: it is a dict of tensors, of tuples of tensors, of strings and numbers besides. Whatever
# is to be done to its tensors, first comes a function that walks through the structure and builds the same structure
# again: `torch.utils._pytree`, `tf.nest` and JAX's pytrees do nothing else. A named tuple is the classic stumbling
# block: it is a tuple, but its class takes its fields one by one, `type(t)(*items)`.

# %%
def map_structure(function, structure):
    """Apply a function to every leaf of nested dicts, lists and tuples.

    function   called with each leaf, in order
    structure  plain dicts (keys and their order are kept), lists, tuples and named tuples, nested in any way, also empty;
               everything else is a leaf: tensors, numbers, strings, None
    returns    a new structure of the same types, with what the function returned in place of the leaves
    """
    if isinstance(structure, dict):
        return {key: map_structure(function, value) for key, value in structure.items()}
    if isinstance(structure, (list, tuple)):
        items = [map_structure(function, item) for item in structure]
        return type(structure)(*items) if hasattr(structure, "_fields") else type(structure)(items)
    return function(structure)


# %%
# check("map_structure")

# %% [markdown]
# ### The type that holds them all
#
# Types combine by *promotion*. `torch.promote_types(a, b)` knows the table, and two rules make it:
#
# - within a kind (bool, integer, floating) the result is the smallest type that holds both. The most instructive entry:
#   float16 (11 binary digits, exponents to 15) and bfloat16 (8 binary digits, exponents to 127). Neither holds the other,
#   so together they give float32. An order of types by size alone can't say that;
# - between kinds the higher kind decides alone: int64 and float16 give float16, whatever digits that costs. (There the
#   libraries part: NumPy takes float64 for these two, and TensorFlow raises an error until you cast.)
#
# That is about types. In an *expression* PyTorch looks at the operands, too: a Python number, and a tensor without axes
# beside one with axes, give way within their kind, which is what `torch.result_type(x, y)` tells. A batch is stored, not
# computed with, so here every tensor counts alike.

# %%
# names = ["bool", "int8", "int64", "float16", "bfloat16", "float32", "float64"]
# fig, ax = plt.subplots(figsize=(7.5, 3), layout="constrained")
# for (row, column), _ in np.ndenumerate(np.zeros((7, 7))):
#     promoted = torch.promote_types(getattr(torch, names[row]), getattr(torch, names[column]))
#     name = str(promoted).removeprefix("torch.")
#     neither = name not in (names[row], names[column])
#     ax.add_patch(plt.Rectangle((column, row), 1, 1, facecolor="0.75" if neither else "white", edgecolor="0.5"))
#     ax.text(column + 0.5, row + 0.5, name, ha="center", va="center", size=9)
# ax.set(xlim=(0, 7), ylim=(7, 0), title="torch.promote_types: grey where the result is neither of the two")
# ax.set_xticks(np.arange(7) + 0.5, names, size=9)
# ax.set_yticks(np.arange(7) + 0.5, names, size=9)
# plt.show()

# %%
def common_dtype(structure):
    """The dtype to which all floating tensors of a nested structure promote.

    structure  nested as in map_structure; its leaves are torch tensors and other things
    returns    a torch.dtype; None if there is no floating tensor. Integer and bool tensors don't count
    """
    found = []
    map_structure(found.append, structure)
    result = None
    for leaf in found:
        if torch.is_tensor(leaf) and leaf.is_floating_point():
            result = leaf.dtype if result is None else torch.promote_types(result, leaf.dtype)
    return result


# %%
# check("common_dtype")

# %% [markdown]
# ### Move a batch
#
# Three things go wrong when a batch is moved to a device and to a dtype in one go: token ids and masks become floats
# and no longer index anything; a tensor loses its dtype on the way through NumPy or `torch.tensor(...)`; and what
# already is where it should be is copied all the same, each time. PyTorch's `.to` returns the tensor **itself**
# when nothing is to be done. In TensorFlow a tensor is made on the device of the `with tf.device(…)` around it
# (`tf.identity` copies it there), and says where it is by its full name, such as
# `/job:localhost/replica:0/task:0/device:CPU:0`.
#
# (To try a second device without owning one, PyTorch has `"meta"`: tensors with shape and dtype, but no numbers.
# TensorFlow has nothing like it, and takes another device without a word where yours isn't there. The check turns that
# off, asks for a device that you haven't got, and expects TensorFlow's error. On a real GPU, copy from pinned memory with
# `non_blocking=True`, so that the copy runs beside the computation.)

# %%
def to_device_torch(structure, device, dtype=None):
    """Move every tensor of a nested structure, and cast the floating ones.

    structure  nested as in map_structure; its leaves are torch tensors and other things
    device     a device or its name, such as "cpu", "cuda:0", "meta"
    dtype      a floating torch.dtype for the floating tensors, or None: they keep theirs. Others always keep theirs
    returns    the new structure; leaves that aren't tensors, and tensors with nothing to do, are the same objects
    """
    def move(leaf):
        if not torch.is_tensor(leaf):
            return leaf
        return leaf.to(device, dtype if leaf.is_floating_point() else None)

    return map_structure(move, structure)


# %%
# check("to_device_torch")

# %%
def to_device_tf(structure, device, dtype=None):
    """The same in TensorFlow.

    device   the end of a device's name, such as "CPU:0" or "GPU:1"
    dtype    a floating tf.DType, or None
    returns  the new structure; leaves that aren't tensors, and tensors with nothing to do, are the same objects
    """
    def move(leaf):
        if not tf.is_tensor(leaf):
            return leaf
        with tf.device(device):
            if dtype is not None and leaf.dtype.is_floating:
                leaf = tf.cast(leaf, dtype)
            return leaf if leaf.device.endswith(device) else tf.identity(leaf)

    return map_structure(move, structure)

# %%
# check("to_device_tf")

# %% [markdown]
# ## 10. The pieces together
#
# A classifier without any training, from your functions alone. The mean image of each digit is a scatter-add. If every
# class is a Gaussian around its mean $\mu_k$ with one common variance $\sigma^2$, then up to a constant
# $\log p(x \mid k) = (\mu_k \cdot x - \tfrac12 \mu_k \cdot \mu_k)/\sigma^2$: two einsums; and the probability of each
# class is what remains after subtracting their logsumexp (Bayes' rule with equal priors).

# %%
# from sklearn.datasets import load_digits
#
# digits = load_digits()
# order = np.random.default_rng(0).permutation(len(digits.data))
# images, labels = digits.data[order].astype(np.float32) / 16, digits.target[order]
# train, test = slice(0, 1300), slice(1300, None)
#
# sums = segment_sum_torch(torch.from_numpy(images[train]), torch.from_numpy(labels[train]), 10).numpy()
# means = sums / np.bincount(labels[train], minlength=10).astype(np.float32)[:, None]
# variance = ((images[train] - means[labels[train]]) ** 2).mean()
# scores = (einsum("nd,kd->nk", images[test], means) - einsum("kd,kd->k", means, means) / 2) / variance
# log_p = scores - logsumexp(scores, axis=1, keepdims=True)
# guesses = log_p.argmax(axis=1)
#
# fig, axes = plt.subplots(2, 10, figsize=(10, 3.4), layout="constrained")
# for digit, ax in enumerate(axes[0]):
#     ax.imshow(means[digit].reshape(8, 8), cmap="gray_r")
#     ax.set_title(f"mean {digit}", size=9)
# unsure = np.argsort(log_p.max(axis=1))[:10]
# for ax, at in zip(axes[1], unsure, strict=True):
#     ax.imshow(images[test][at].reshape(8, 8), cmap="gray_r")
#     ax.set_title(f"{guesses[at]} ({100 * np.exp(log_p[at].max()):.0f} %),\nis {labels[test][at]}", size=8)
# for ax in axes.flat:
#     ax.axis("off")
# fig.suptitle(f"{100 * (guesses == labels[test]).mean():.1f} % of {len(guesses)} test digits are right; "
#              "below: where it is least sure", size=10)
# plt.show()

# %% [markdown]
# ## Two questions to answer in words
#
# A person reads these answers. A few sentences each are enough.
#
# **Where did the memory go?** `x` is a float32 array of shape (1000, 1000, 1000), fresh, 4 GB. Someone writes, in
# NumPy:
#
# ```python
# a = x[::2]
# b = x.transpose(2, 0, 1)
# c = b.reshape(1000, -1)
# d = np.broadcast_to(x[0], (1000, 1000, 1000))
# e = d + 0
# f = x[0, 0, :10]
# del x, a, b, c, d, e
# ```
#
# 1. Which of the lines `a` to `f` allocate memory for numbers, and how much? Give the strides (in elements) of `a`,
#    `b` and `d`.
# 2. `b.reshape(-1)` and `x.transpose(1, 0, 2)[0].reshape(-1)`: which of them copy, and by what rule?
# 3. Only `f` is left after the last line: ten numbers. How much memory is still in use, why, and what is the remedy?

# %% [markdown]
# *Points: 2 + 1 + 1.*
#
# 1. Only `e`, 4 GB. `a`, `b`, `d` and `f` are views: strides (2 000 000, 1000, 1) for `a`, (1, 1 000 000, 1000) for
#    `b`, (0, 1000, 1) for `d`. And so is `c`: axes 1 and 2 of `b` are one run, as 1 000 000 = 1000 · 1000, so the
#    strides (1, 1000) do it. (Half a point less for "a reshape after a transpose copies".)
# 2. Both copy. `b` merges to two runs, 1000 of stride 1 and 1 000 000 of stride 1000: they would be one if
#    1 = 1 000 000 · 1000. `x.transpose(1, 0, 2)[0]` has strides (1 000 000, 1), and 1 000 000 ≠ 1000 · 1. The rule:
#    neighbouring axes merge if and only if the first stride is the second size times the second stride.
# 3. All 4 GB of x: `f` is a view, and keeps the whole buffer alive. Remedy: `f = x[0, 0, :10].copy()`.

# %% [markdown]
# **Where did the digits go?**
#
# 1. A colleague computes the variance in float32 as `(x**2).mean() - x.mean()**2`, for data around 10 000 with a
#    standard deviation of 1, and gets a negative number. Explain with $u = 2^{-24} \approx 6\cdot 10^{-8}$ what
#    happened. Would `compensated_sum` in place of the means help? What would?
# 2. The loss of a batch is the mean of the examples' masked means. Another colleague sums over all steps of the batch
#    and divides by the number of steps in it. When do the two differ, and in whose favour? Which of them is changed
#    by padding?
# 3. Why does a test with integers stored as floats (say, from -8 to 8) tell a wrong axis from rounding better than a
#    tolerance does?

# %% [markdown]
# *Points: 2 + 1 + 1.*
#
# 1. Both terms are about 10⁸, and a float32 near 10⁸ is known to about 10⁸ · u ≈ 6 (its spacing is 8). The
#    difference should be 1: nothing of it is left, and its sign is chance (cancellation). Compensated sums don't
#    help: squaring each x has rounded it already, and both means are rounded to multiples of 8 before the
#    subtraction. Subtract the mean first and square then (`((x - x.mean())**2).mean()`, or Welford's update), or
#    compute in float64.
# 2. They differ when lengths do: the mean of means gives each *example* the same weight, the mean over steps each
#    *step*, so that long examples count more. With a right mask neither is changed by padding.
# 3. Sums and products of small integers are exact in floating point, in any order. So the right answer is equal to the
#    last bit, and any difference at all is a mistake: no tolerance is to be chosen.
