# built from source/backprop/backprop.ipynb by `course build`; edit there

# %% [markdown]
# # Backpropagation
#
# A neural network learns because its loss can be differentiated with respect to a million weights at once, for
# a few times the price of computing it. The method is called backpropagation, or reverse-mode automatic
# differentiation. Here you build it, three times over:
#
# 1. as a **tape** that differentiates whatever you write: first for single numbers, then for arrays;
# 2. as **layers**, whose derivatives you work out by hand, in NumPy: affine, softmax cross-entropy, BatchNorm,
#    LayerNorm, RMSNorm, convolution, pooling, dropout, and the optimizers that use the gradients;
# 3. as an **extension** of PyTorch and TensorFlow, which have such a tape inside.
#
# Afterwards you can derive the gradient of a new layer, make it correct at the edges (empty, huge, masked),
# prove that it is right, and say what `loss.backward()` does.
#
# **You need** Python, NumPy (broadcasting, `axis=`, fancy indexing), matrix products and the chain rule.
# **It takes** about eight hours, in as many sittings as you like: every step has its own check.

# %% [markdown]
# ## How to work
#
# Each step has an idea, a formula, a cell to fill in and a check. Replace `raise NotImplementedError()` by
# your code, run the cell, then the `check("…")` below it. Its panel says which case failed, where the largest
# error is and how large it may be, and it knows the classic mistakes. Most blanks take fewer than ten lines.
#
# - The checks here use public inputs. When your notebook is graded the same checks run on secret numbers and
#   secret shapes, so answer for every input that the docstring allows.
# - Functions work in the dtype of their inputs: float32 in, float32 out. A NumPy integer in a division is enough
#   to break that (`np.float32(1) / np.int64(2)` is a float64); Python's own numbers leave the dtype alone.
# - Nobody changes an argument in place. Whoever gave you the array may need it again.
# - You may add cells and helper functions. Leave names and signatures of what is asked as they are.

# %%
import matplotlib.pyplot as plt
import numpy as np

from autograder import check


# %% [markdown]
# ## 1. A tape of numbers
#
# Any program is a chain of small operations whose derivatives are known. So let every number remember which
# numbers it was made from (its *parents*), and how fast it changes with each of them (its *partials*). Nothing
# else is needed to differentiate the whole program afterwards.
#
# | operation | result $y$ | partials |
# | --- | --- | --- |
# | `a + b` | $a + b$ | $\partial y/\partial a = 1,\quad \partial y/\partial b = 1$ |
# | `a * b` | $a\,b$ | $\partial y/\partial a = b,\quad \partial y/\partial b = a$ |
# | `a ** n` | $a^n$, $n$ a plain number | $n\,a^{n-1}$ |
# | `a.exp()` | $e^a$ | $y$ |
# | `a.tanh()` | $\tanh a$ | $1 - y^2$ |
# | `a.relu()` | $\max(a, 0)$ | $1$ if $a > 0$, else $0$ |
#
# `Node` below is given: it stores the record, and gets the other operators from the ones that you write.

# %%
class Node:
    """A number and how it was made.

    data      the number itself
    parents   tuple of the Nodes it was computed from
    partials  tuple of numbers, d(this)/d(parent), one for each parent
    grad      d(root)/d(this); value_backward fills it in
    """

    def __init__(self, data, parents=(), partials=()):
        self.data, self.parents, self.partials = data, tuple(parents), tuple(partials)
        self.grad = 0.0

    def __repr__(self):
        return f"{type(self).__name__}({self.data:.4g}, grad={self.grad:.4g})"

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * other**-1

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other


def as_value(x):
    """`x` itself if it is a Value, else a new Value that holds the plain number `x`."""
    return x if isinstance(x, Node) else Value(x)


# %% [markdown]
# Each method makes **one** new `Value(result, parents, partials)`. The first is done.

# %%
class Value(Node):
    """A number on the tape: Value(data, parents, partials)."""

    def __add__(self, other):
        """self + other; `other` is a Value or a plain number."""
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        """self * other; `other` is a Value or a plain number."""
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, n):
        """self ** n for a plain number n, which may be negative or a fraction but not 0."""
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),))

    def exp(self):
        """e to the power of self."""
        y = np.exp(self.data)
        return Value(y, (self,), (y,))

    def tanh(self):
        """The hyperbolic tangent, for numbers of any size."""
        y = np.tanh(self.data)
        return Value(y, (self,), (1 - y**2,))

    def relu(self):
        """The larger of self and 0; its partial at exactly 0 is 0."""
        return Value(max(self.data, 0.0), (self,), (float(self.data > 0),))


# %%
# check("value_ops")

# %% [markdown]
# ### An order to walk in
#
# The gradient of a node is the sum over everything that was made *from* it. So a node must not pass its gradient
# on before it has received all of it. A *topological order* sees to that: a list in which parents stand before
# the nodes made from them, each node once. Reading it backwards, every node comes after all of its users.
#
# Depth-first search finds it: visit the parents first, then append the node itself. Remember what you
# have seen: a node that is used twice is reached twice, and without a memory a chain of $n$ doublings
# `x = x + x` is walked $2^n$ times. (Graphs in the checks are less than 200 deep, so recursion will do.)

# %%
def topological_order(root):
    """The nodes that `root` was computed from, and `root`.

    root     anything with .parents, a tuple of such nodes
    returns  a list: each node once, parents before the nodes made from them, so that root is the last
    """
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


# %%
# check("topological_order")

# %% [markdown]
# ### The chain rule, once through the list
#
# Write $\bar v = \partial\,\mathrm{root} / \partial v$ for the gradient of a node. Then
#
# $$\overline{\mathrm{root}} = 1, \qquad \bar p = \sum_{v \text{ made from } p} \frac{\partial v}{\partial p}\,\bar v .$$
#
# The sum is the part that is easily lost: a node used twice gets two contributions, and they **add up**.
# One pass from the root back to the leaves computes every gradient, however many leaves there are: that is
# why training a network is affordable (Linnainmaa 1970; Rumelhart, Hinton & Williams 1986).

# %%
def value_backward(root):
    """Set `.grad` of every node that `root` was computed from to d(root)/d(node).

    root     a Value, or any other Node
    returns  nothing

    Gradients left over from an earlier call count for nothing: calling it twice gives the same as once.
    """
    order = topological_order(root)
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in reversed(order):
        for parent, partial in zip(node.parents, node.partials, strict=True):
            parent.grad += partial * node.grad


# %%
# check("value_backward")

# %% [markdown]
# Here is your tape of $y = \tanh(a\,b + a)$. Every node shows its number above and its gradient below, every
# arrow its partial. The gradient of $a$ is the sum of what comes back along its two arrows.

# %%
# def draw_tape(root, names, ax):
#     """Draw the graph behind `root`; `names` maps some of its nodes to a label."""
#     order = topological_order(root)
#     column = {}
#     for node in order:
#         column[node] = 1 + max((column[parent] for parent in node.parents), default=-1)
#     place, height = {}, {}
#     for node in order:
#         x = column[node]
#         height[x] = height.get(x, 0) + 1
#         place[node] = (2.2 * x, -1.5 * height[x] - (0.75 if x % 2 else 0))
#     for node in order:
#         for parent, partial in zip(node.parents, node.partials, strict=True):
#             start, end = np.array(place[parent]), np.array(place[node])
#             ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.4", "shrinkA": 26, "shrinkB": 30})
#             ax.text(*(start + 0.42 * (end - start)), f"×{partial:.2f}", size=9, ha="center", va="center",
#                     bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
#     for node, (x, y) in place.items():
#         label = f"{names.get(node, '')}\n{node.data:.2f}\ngrad {node.grad:.2f}".strip()
#         ax.text(x, y, label, ha="center", va="center", size=10,
#                 bbox={"boxstyle": "round", "facecolor": "0.92", "edgecolor": "0.3"})
#     ax.set_xlim(-1, 2.2 * max(column.values()) + 1)
#     ax.set_ylim(min(y for _, y in place.values()) - 0.9, max(y for _, y in place.values()) + 0.9)
#     ax.axis("off")
#
#
# a, b = Value(0.5), Value(-2.0)
# product = a * b
# total = product + a
# y = total.tanh()
# value_backward(y)
# draw_tape(y, {a: "a", b: "b", product: "a · b", total: "a · b + a", y: "tanh"}, plt.subplots(figsize=(8, 2.6))[1])
# plt.show()

# %% [markdown]
# ## 2. A tape of arrays
#
# One node per number is too slow: we want one node per array. The derivative of an array by an array is a Jacobian,
# far too large to store; but the backward pass never needs the Jacobian itself, only its product with the
# gradient that comes in. So a node now keeps, for each parent, not a number but a *function*: from $\bar y$, the
# gradient of the loss by the result $y$ (its **cotangent**, of the same shape as $y$), to
#
# $$\bar x = J^\top \bar y, \qquad \text{that is} \qquad \bar x_j = \sum_i \bar y_i\,\frac{\partial y_i}{\partial x_j} .$$
#
# This is a *vector-Jacobian product*, a vjp; $\bar x$ has the shape of $x$. Writing vjps is what "deriving the
# backward pass" means, here and in every framework.

# %%
class Tensor:
    """An array and how it was made.

    data     the array
    parents  tuple of the Tensors it was computed from
    vjps     tuple of functions, one for each parent: from the cotangent of data to what this parent gets from it
    grad     the cotangent of data; tensor_backward fills it in
    """

    def __init__(self, data, parents=(), vjps=()):
        self.data, self.parents, self.vjps = np.asarray(data), tuple(parents), tuple(vjps)
        self.grad = None

    def __repr__(self):
        return f"Tensor(shape={self.data.shape}, dtype={self.data.dtype})"


# %% [markdown]
# ### Undo a broadcast
#
# When `(4, 3) + (3,)` broadcasts, NumPy uses each element of the vector four times. Used four times, it collects
# four contributions: **the vjp of a broadcast is a sum over the axes that it repeated**. Those are the axes that
# were put in front, and the axes of size 1 that were stretched.

# %%
def unbroadcast(grad, shape):
    """Sum `grad` down to `shape`, over the axes along which an array of that shape was repeated.

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
# Multiplication and tanh are given as patterns: the result, the parents, and one vjp for each. With your
# `unbroadcast` their operands may broadcast freely. Now write addition.

# %%
def tensor_mul(a, b):
    """a * b, element by element, with broadcasting."""
    return Tensor(
        a.data * b.data,
        (a, b),
        (lambda g: unbroadcast(g * b.data, a.data.shape), lambda g: unbroadcast(g * a.data, b.data.shape)),
    )


def tensor_tanh(a):
    """tanh of each element."""
    y = np.tanh(a.data)
    return Tensor(y, (a,), (lambda g: g * (1 - y**2),))


# %%
def tensor_add(a, b):
    """a + b with broadcasting.

    a, b     Tensors of any shapes that broadcast together
    returns  one Tensor with parents (a, b)
    """
    return Tensor(
        a.data + b.data,
        (a, b),
        (lambda g: unbroadcast(g, a.data.shape), lambda g: unbroadcast(g, b.data.shape)),
    )


# %%
# check("tensor_add")

# %% [markdown]
# ### Matrix product
#
# For $Y = A B$, element by element, $Y_{im} = \sum_k A_{ik} B_{km}$. So $A_{ik}$ meets row $k$ of $B$, and
#
# $$\bar A = \bar Y B^\top, \qquad \bar B = A^\top \bar Y .$$
#
# When the three sizes differ, the shapes leave no other choice, which is a good way to remember it. `@` also
# multiplies stacks of matrices, with leading axes that broadcast; the transpose is then of the last two axes only,
# and what was broadcast is summed.

# %%
def tensor_matmul(a, b):
    """a @ b for matrices, or stacks of them.

    a        Tensor (..., n, k)
    b        Tensor (..., k, m); the leading axes of both broadcast
    returns  one Tensor (..., n, m) with parents (a, b)
    """
    return Tensor(
        a.data @ b.data,
        (a, b),
        (
            lambda g: unbroadcast(g @ b.data.swapaxes(-1, -2), a.data.shape),
            lambda g: unbroadcast(a.data.swapaxes(-1, -2) @ g, b.data.shape),
        ),
    )


# %%
# check("tensor_matmul")

# %% [markdown]
# ### Sum
#
# A sum is the mirror image of a broadcast: **the vjp of a sum repeats the cotangent** along the axes that were
# summed. Without `keepdims` those axes are gone from the cotangent, and have to be put back (as size 1) before it
# can broadcast.

# %%
def tensor_sum(a, axis=None, keepdims=False):
    """The sum over `axis`, as np.sum does it.

    a         Tensor of any shape
    axis      None for all axes, an int (a negative one counts from the end) or a tuple of ints
    keepdims  whether the summed axes stay, with size 1
    returns   one Tensor with parents (a,)
    """
    def vjp(g):
        if axis is not None and not keepdims:
            g = np.expand_dims(g, axis)
        return np.broadcast_to(g, a.data.shape)

    return Tensor(a.data.sum(axis=axis, keepdims=keepdims), (a,), (vjp,))


# %%
# check("tensor_sum")

# %% [markdown]
# ### Moving numbers around
#
# `reshape` and indexing compute nothing: each element of the result *is* an element of `a`. So the vjp carries each
# number of the cotangent back to the place where its element came from. After a reshape that is a reshape. After
# `a[key]` it is a scatter: start from zeros, and **add** at `key`, because a key such as `[2, 0, 2]` takes one
# element more than once. (`grad[key] += g` adds only once for repeated indices; `np.add.at` is the function that
# doesn't.)

# %%
def tensor_reshape(a, shape):
    """a in another shape, in row-major order, as np.reshape does it.

    a        Tensor
    shape    tuple of ints, one of which may be -1
    returns  one Tensor with parents (a,)
    """
    return Tensor(a.data.reshape(shape), (a,), (lambda g: g.reshape(a.data.shape),))


def tensor_getitem(a, key):
    """a[key], as NumPy indexes.

    a        Tensor
    key      whatever NumPy takes: ints, slices, index arrays with repeats, boolean masks, tuples of these
    returns  one Tensor with parents (a,)
    """
    def vjp(g):
        grad = np.zeros_like(a.data)
        np.add.at(grad, key, g)
        return grad

    return Tensor(a.data[key], (a,), (vjp,))


# %%
# check("tensor_views")

# %% [markdown]
# ### Backward, for arrays
#
# The same pass as before, with vjps in the place of partials: $\bar p = \sum_v \mathrm{vjp}_{v \to p}(\bar v)$. The
# pass starts from a cotangent of the root's shape; for a loss that is the number 1.
#
# One trap is new. A vjp may hand back the very array that it was given (the vjp of `a + b` does, to both parents),
# or a read-only view. Storing that array as a parent's `grad` and then adding to it *in place* changes another
# node's gradient too. Add into an array of your own.

# %%
def tensor_backward(root, cotangent):
    """Set `.grad` of every Tensor that `root` was computed from to its cotangent.

    root       Tensor
    cotangent  array in the shape and dtype of root.data: the gradient of the loss by it
    returns    nothing

    Each grad has the shape of its Tensor's data. Gradients left over from an earlier call count for nothing.
    """
    order = topological_order(root)
    for node in order:
        node.grad = np.zeros_like(node.data)
    root.grad = cotangent
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps, strict=True):
            parent.grad = parent.grad + vjp(node.grad)


# %%
# check("tensor_backward")

# %% [markdown]
# That is a small deep-learning framework. Here it fits a curve with one hidden layer of 16 tanh units, by plain
# gradient descent on the mean squared error.

# %%
# Tensor.__add__, Tensor.__mul__, Tensor.__matmul__ = tensor_add, tensor_mul, tensor_matmul
#
# rng = np.random.default_rng(0)
# x = np.linspace(-1, 1, 64)[:, None]
# target = np.sin(4 * x) + 0.1 * rng.normal(size=x.shape)
# w1, b1 = Tensor(2 * rng.normal(size=(1, 16))), Tensor(rng.normal(size=16))
# w2, b2 = Tensor(0.25 * rng.normal(size=(16, 1))), Tensor(np.zeros(1))
#
# losses = []
# for _ in range(2000):
#     prediction = tensor_tanh(Tensor(x) @ w1 + b1) @ w2 + b2
#     residual = prediction + Tensor(-target)
#     loss = tensor_sum(residual * residual * Tensor(1 / x.size))
#     tensor_backward(loss, np.ones(()))
#     losses.append(float(loss.data))
#     for parameter in (w1, b1, w2, b2):
#         parameter.data = parameter.data - 0.1 * parameter.grad
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
# left.semilogy(losses, color="black")
# left.set(xlabel="step", ylabel="mean squared error", title=f"loss after 2000 steps: {losses[-1]:.4f}")
# right.plot(x, target, "o", color="0.6", markersize=4, label="data: sin 4x + noise")
# right.plot(x, prediction.data, color="black", label="the network")
# right.set(xlabel="x", ylabel="y", ylim=(-1.4, 2.1), xticks=[-1, -0.5, 0, 0.5, 1], title="the fit")
# right.legend(loc="upper right")
# plt.show()

# %% [markdown]
# ## 3. Layers by hand: affine
#
# A tape stores every intermediate array. A layer whose backward pass is worked out on paper stores little, is
# faster, and can be made safe where the naive chain of operations would overflow. From here on a layer is a pair of
# functions:
#
# - `out, cache = layer_forward(x, …)`: what is in the `cache` is your choice. Keep what backward needs, no more;
# - `dx, … = layer_backward(dout, cache)`: `dout` is the cotangent of `out`; one gradient for each input that learns.
#
# Your own check for any of them: move each input by a little, both ways, and compare. Central differences err by
# about $\varepsilon^2$, and by rounding over $\varepsilon$, so use float64 and expect some eight digits, no more.

# %%
def numerical_gradient(f, x, dout, eps=1e-6):
    """The vjp of `f` at `x`, by central differences.

    f        function from an array like x to an array of any shape
    x        float64 array
    dout     the cotangent, an array of the shape of f(x)
    eps      how far each element is moved
    returns  the sum of dout * df/dx[i] at each index i of x, an array of x's shape

    For example numerical_gradient(lambda w: affine_forward(x, w, b)[0], w, dout)
    """
    grad = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = eps
        grad[index] = np.sum(dout * (f(x + step) - f(x - step))) / (2 * eps)
    return grad


# %% [markdown]
# The affine layer multiplies each vector of features by one matrix and adds one bias:
#
# $$y = x W + b, \qquad x \in \mathbb R^{\dots \times D},\; W \in \mathbb R^{D \times M},\; b \in \mathbb R^{M}.$$
#
# The dots stand for any number of leading axes: a batch, a batch of sequences, or none.

# %%
def affine_forward(x, w, b):
    """The affine map x w + b of every vector in x.

    x        (..., D), with any number of leading axes, also none
    w        (D, M)
    b        (M,)
    returns  out (..., M), and a cache of your choice for affine_backward
    """
    return x @ w + b, (x, w)


# %%
# check("affine_forward")

# %% [markdown]
# All leading axes together are just many rows. With $x$ and $\bar y$ flattened to matrices $X$ $(N \times D)$ and
# $\bar Y$ $(N \times M)$, this is the matrix product of section 2, and a bias that was broadcast over the rows:
#
# $$\bar x = \bar y\, W^\top, \qquad \bar W = X^\top \bar Y, \qquad \bar b = \sum_{n=1}^N \bar Y_n .$$

# %%
def affine_backward(dout, cache):
    """Gradients of affine_forward.

    dout     (..., M), the cotangent of out
    cache    what affine_forward returned
    returns  dx (..., D), dw (D, M), db (M,)
    """
    x, w = cache
    rows = x.reshape(-1, x.shape[-1])
    drows = dout.reshape(-1, dout.shape[-1])
    return dout @ w.T, rows.T @ drows, drows.sum(axis=0)


# %%
# check("affine_backward")

# %% [markdown]
# ## 4. Softmax cross-entropy
#
# A classifier ends in $C$ scores per example, the *logits* $z$. Softmax makes probabilities of them:
# $p_c = e^{z_c} / \sum_k e^{z_k}$. In floating point $e^{89}$ overflows float32 and $e^{710}$ float64, but adding a
# constant to all logits changes nothing: subtract the largest, and the largest exponent is 0. And since the loss
# needs $\log p$, never compute $p$ first: small probabilities would become $\log 0$.
#
# $$\log p_c = (z_c - m) - \log \sum_k e^{z_k - m}, \qquad m = \max_k z_k .$$

# %%
def log_softmax(logits):
    """The logarithm of softmax over the last axis.

    logits   (..., C), finite numbers of any size, or -inf for a class that is ruled out (never a whole row)
    returns  (..., C); -inf where logits are
    """
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


# %%
# check("log_softmax")

# %% [markdown]
# The loss is the mean of $-\log p$ at the right class, over the examples that count. Padding and unlabelled
# examples carry the target `ignore_index`; they add nothing to the sum **and nothing to the count**. With
# $K$ the examples kept,
#
# $$L = -\frac{1}{|K|} \sum_{n \in K} \log p_{n,t_n}, \qquad
# \frac{\partial L}{\partial z_{nc}} = \frac{1}{|K|}\bigl(p_{nc} - [c = t_n]\bigr) \text{ for } n \in K, \text{ else } 0 .$$
#
# What is left of softmax and logarithm is a difference: *predicted minus wanted*. If nothing is kept, let loss
# and gradient be 0 (PyTorch gives NaN there, which one empty batch then spreads through every weight).

# %%
def softmax_cross_entropy(logits, targets, ignore_index=-100):
    """The mean cross-entropy of the examples whose target isn't `ignore_index`, and its gradient.

    logits        (N, C), as log_softmax takes them
    targets       (N,), ints in 0 … C-1, or ignore_index
    ignore_index  any int, which may also be one of 0 … C-1
    returns       loss, one number, and dlogits (N, C), both in the dtype of logits
    """
    kept = targets != ignore_index
    count = max(int(kept.sum()), 1)
    rows, labels = np.flatnonzero(kept), targets[kept]
    log_p = log_softmax(logits)
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    dlogits[~kept] = 0
    return -log_p[rows, labels].sum() / count, dlogits / count


# %%
# check("softmax_cross_entropy")

# %% [markdown]
# The gradient pushes up the logit of the right class and pushes the others down, each in proportion to the
# probability that was wrongly given to it. It is bounded, adds up to 0, and vanishes only when the prediction is
# right.

# %%
# logits, target = np.array([[2.0, 1.0, -1.0, 0.5, -2.0]]), np.array([1])
# p = np.exp(log_softmax(logits))[0]
# dlogits = softmax_cross_entropy(logits, target)[1][0]
#
# fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
# ax.bar(np.arange(5) - 0.2, p, 0.4, color="0.8", edgecolor="black", label="probability p")
# ax.bar(np.arange(5) + 0.2, dlogits, 0.4, color="0.4", edgecolor="black", hatch="//", label="gradient by the logit")
# ax.axhline(0, color="black", linewidth=0.8)
# ax.set(xlabel="class (the target is 1)", ylabel="value", title="predicted minus wanted")
# ax.legend()
# plt.show()

# %% [markdown]
# ## 5. BatchNorm
#
# Layers train faster when their inputs keep a steady scale. A normalization layer subtracts a mean, divides by a
# standard deviation, and then lets the network choose scale and shift again ($\gamma$, $\beta$, one per feature).
# They differ in *what the statistics are taken over*: BatchNorm looks down a column, at one feature in all
# examples; LayerNorm looks along a row, at all features of one example.

# %%
# fig, axes = plt.subplots(1, 2, figsize=(8, 2.9), layout="constrained")
# shared = {
#     "BatchNorm: one mean per feature": lambda n, d: d == 2,
#     "LayerNorm: one mean per example": lambda n, d: n == 1,
# }
# for ax, (title, inside) in zip(axes, shared.items(), strict=True):
#     for n, d in np.ndindex(4, 6):
#         color, hatch = ("0.55", "//") if inside(n, d) else ("0.95", "")
#         ax.add_patch(plt.Rectangle((d, n), 0.92, 0.92, facecolor=color, edgecolor="0.3", hatch=hatch))
#     ax.set(xlim=(-0.2, 6.2), ylim=(4.2, -0.2), aspect="equal", title=title, xlabel="feature d", ylabel="example n")
#     ax.set_xticks(np.arange(6) + 0.46, range(6))
#     ax.set_yticks(np.arange(4) + 0.46, range(4))
# plt.show()

# %% [markdown]
# In training, with statistics of the $N$ rows at hand (Ioffe & Szegedy 2015):
#
# $$\mu = \frac1N \sum_n x_n, \quad \sigma^2 = \frac1N \sum_n (x_n - \mu)^2, \quad
# \hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \quad y = \gamma\,\hat x + \beta .$$
#
# An example's answer should not depend on its neighbours once training is over. So training also keeps *running*
# statistics, and evaluation uses those. The running variance estimates that of all data: it takes the unbiased
# batch variance, $\tfrac{N}{N-1}\sigma^2$, as PyTorch does. With momentum $\alpha$:
#
# $$r_\mu \leftarrow (1-\alpha)\, r_\mu + \alpha\,\mu, \qquad
# r_{\sigma^2} \leftarrow (1-\alpha)\, r_{\sigma^2} + \alpha\,\tfrac{N}{N-1}\,\sigma^2 .$$

# %%
def batch_norm_forward(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    """Normalize each feature over the batch, in training, or by the running statistics, in evaluation.

    x                          (N, D); N is at least 2 in training
    gamma, beta                (D,)
    running_mean, running_var  (D,)
    training                   False: use the running statistics, and return them as they are
    returns                    out (N, D), a cache of your choice, the new running_mean (D,) and running_var (D,)
    """
    mean, var = running_mean, running_var
    if training:
        n = len(x)
        mean, var = x.mean(axis=0), x.var(axis=0)
        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * (n / (n - 1))
    std = np.sqrt(var + eps)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, std, gamma, training), running_mean, running_var


# %%
# check("batch_norm_forward")

# %% [markdown]
# In training every $x_n$ acts on its whole column, since it moves $\mu$ and $\sigma$ as well. Three paths lead back
# from $\hat x$ to $x$; put together, with $\bar{\hat x} = \gamma\,\bar y$ and all means taken over the batch,
#
# $$\bar x = \frac{1}{\sqrt{\sigma^2+\varepsilon}} \Bigl(\bar{\hat x} - \underbrace{\operatorname{mean}(\bar{\hat x})}_{\text{through } \mu} -
# \underbrace{\hat x \cdot \operatorname{mean}(\bar{\hat x}\,\hat x)}_{\text{through } \sigma}\Bigr),
# \qquad \bar\gamma = \sum_n \bar y_n \hat x_n, \qquad \bar\beta = \sum_n \bar y_n .$$
#
# It makes sense without the algebra, too: shifting a column, or scaling it, leaves $\hat x$ alone (but for
# $\varepsilon$), so the gradient can hold nothing in these two directions, and they are what is subtracted. Derive
# it once on paper. In evaluation the statistics are constants, and only the first path is left.

# %%
def batch_norm_backward(dout, cache):
    """Gradients of batch_norm_forward, in either mode.

    dout     (N, D), the cotangent of out
    cache    what batch_norm_forward returned; it must tell the mode
    returns  dx (N, D), dgamma (D,), dbeta (D,)
    """
    xhat, std, gamma, training = cache
    dxhat = dout * gamma
    dgamma, dbeta = (dout * xhat).sum(axis=0), dout.sum(axis=0)
    if training:
        dxhat = dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)
    return dxhat / std, dgamma, dbeta


# %%
# check("batch_norm_backward")

# %% [markdown]
# ## 6. LayerNorm and RMSNorm
#
# LayerNorm (Ba, Kiros & Hinton 2016) takes mean and variance over the features of each example. It needs no batch,
# no running statistics and no second mode, which is why Transformers use it:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \quad y = \gamma\,\hat x + \beta, \qquad
# \mu = \frac1D \sum_d x_d, \quad \sigma^2 = \frac1D \sum_d (x_d - \mu)^2 .$$
#
# The variance divides by $D$, not by $D-1$, and $\varepsilon$ is inside the root.

# %%
def layer_norm_forward(x, gamma, beta, eps=1e-5):
    """Normalize each vector in x over its features.

    x            (..., D), with any number of leading axes, also none
    gamma, beta  (D,)
    returns      out (..., D), and a cache of your choice for layer_norm_backward
    """
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    xhat = (x - x.mean(axis=-1, keepdims=True)) / std
    return gamma * xhat + beta, (xhat, std, gamma)


# %%
# check("layer_norm_forward")

# %% [markdown]
# The derivation is BatchNorm's, along the other axis: the means inside $\bar x$ now run over the features of each
# example. The gradients of $\gamma$ and $\beta$ still sum over everything that shared them, which is all leading
# axes.

# %%
def layer_norm_backward(dout, cache):
    """Gradients of layer_norm_forward.

    dout     (..., D), the cotangent of out
    cache    what layer_norm_forward returned
    returns  dx (..., D), dgamma (D,), dbeta (D,)
    """
    xhat, std, gamma = cache
    dxhat = dout * gamma
    dx = dxhat - dxhat.mean(axis=-1, keepdims=True) - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)
    leading = tuple(range(dout.ndim - 1))
    return dx / std, (dout * xhat).sum(axis=leading), dout.sum(axis=leading)


# %%
# check("layer_norm_backward")

# %% [markdown]
# RMSNorm (Zhang & Sennrich 2019) leaves the mean where it is and divides by the root mean square alone. It has no
# shift. It is cheaper, in their experiments works as well, and most large language models use it today:
#
# $$\hat x = \frac{x}{\sqrt{\operatorname{mean}(x^2) + \varepsilon}}, \qquad y = \gamma\,\hat x .$$

# %%
def rms_norm_forward(x, gamma, eps=1e-5):
    """Divide each vector in x by its root mean square.

    x        (..., D), with any number of leading axes, also none
    gamma    (D,)
    returns  out (..., D), and a cache of your choice for rms_norm_backward
    """
    rms = np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)
    return gamma * (x / rms), (x / rms, rms, gamma)


# %%
# check("rms_norm_forward")

# %% [markdown]
# Nothing is subtracted going forward, so one of LayerNorm's three paths is missing going back. Which one?

# %%
def rms_norm_backward(dout, cache):
    """Gradients of rms_norm_forward.

    dout     (..., D), the cotangent of out
    cache    what rms_norm_forward returned
    returns  dx (..., D), dgamma (D,)
    """
    xhat, rms, gamma = cache
    dxhat = dout * gamma
    dx = (dxhat - xhat * (dxhat * xhat).mean(axis=-1, keepdims=True)) / rms
    return dx, (dout * xhat).sum(axis=tuple(range(dout.ndim - 1)))


# %%
# check("rms_norm_backward")

# %% [markdown]
# ## 7. Convolution
#
# A convolution layer slides a small kernel over an image and takes an inner product at every stop. Hard-to-read
# loops over positions vanish once you see the windows themselves as an array. With NumPy's strides they cost
# nothing: `np.lib.stride_tricks.sliding_window_view` *views* every window of an image without copying a number, and
# slicing that view with steps gives stride and dilation.
#
# Per axis, with size $H$, kernel $K$, stride $s$, padding $p$ and dilation $d$, the kernel spans $d(K-1)+1$ pixels,
# so there are
#
# $$H' = \left\lfloor \frac{H + 2p - d(K-1) - 1}{s} \right\rfloor + 1$$
#
# windows, and tap $u$ of window $i$ lies on pixel $i\,s + u\,d$. Pixels after the last window are not used.

# %%
def sliding_windows(x, size, stride=(1, 1), dilation=(1, 1)):
    """View every window of an image that a kernel looks at.

    x                 (N, C, H, W), already padded, any dtype
    size              (KH, KW), the kernel's size
    stride, dilation  pairs as well: (vertical, horizontal)
    returns           (N, C, OH, OW, KH, KW), a writeable view of x and no copy:
                      [n, c, i, j, u, v] is x[n, c, i * stride[0] + u * dilation[0], j * stride[1] + v * dilation[1]]
    """
    (kh, kw), (sh, sw), (dh, dw) = size, stride, dilation
    span = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, span, axis=(2, 3), writeable=True)
    return windows[:, :, ::sh, ::sw, ::dh, ::dw]


# %%
# check("sliding_windows")

# %% [markdown]
# Frameworks call *convolution* what mathematics calls cross-correlation: the kernel is **not** flipped. With
# zero-padded input $\tilde x$ and output channel $f$ in group $g$,
#
# $$y_{n,f,i,j} = b_f + \sum_{c=0}^{C/G-1} \sum_{u,v} w_{f,c,u,v}\;
#   \tilde x_{n,\;g\,C/G + c,\; i s_h + u d_h,\; j s_w + v d_w}.$$
#
# Groups split the channels into $G$ independent convolutions: group $g$ reads its $C/G$ input channels and writes its
# $F/G$ output channels. $G = 1$ is the usual layer, $G = C$ the *depthwise* one. Reshape the channel axes to
# (group, channel within the group), and the formula is one `np.einsum`.

# %%
def conv2d_forward(x, w, b, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """Convolve a batch of images, as torch.nn.functional.conv2d does.

    x        (N, C, H, W)
    w        (F, C // groups, KH, KW)
    b        (F,)
    stride, padding, dilation   pairs (vertical, horizontal); padding adds zeros on both sides
    returns  out (N, F, OH, OW) in the dtype of x, and a cache of your choice for conv2d_backward
    """
    (ph, pw), (f, _, kh, kw) = padding, w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    windows = sliding_windows(padded, (kh, kw), stride, dilation)
    n, c, oh, ow = windows.shape[:4]
    windows = windows.reshape(n, groups, c // groups, oh, ow, kh, kw)
    kernels = w.reshape(groups, f // groups, c // groups, kh, kw)
    out = np.einsum("ngcyxuv,gfcuv->ngfyx", windows, kernels).reshape(n, f, oh, ow)
    return out + b[:, None, None], (padded, w, stride, padding, dilation, groups)


# %%
# check("conv2d_forward")

# %% [markdown]
# Each product $w \cdot \tilde x$ of the formula above sends the cotangent $\bar y$ to both of its factors:
#
# $$\bar b_f = \sum_{n,i,j} \bar y_{n,f,i,j}, \qquad
#   \bar w_{f,c,u,v} = \sum_{n,i,j} \bar y_{n,f,i,j}\;\tilde x_{n,\;gC/G+c,\;i s_h + u d_h,\;j s_w + v d_w},$$
#
# $$\bar{\tilde x}_{n,\;gC/G+c,\;i s_h + u d_h,\;j s_w + v d_w}
#   \mathrel{+}= \sum_{f \in g} w_{f,c,u,v}\;\bar y_{n,f,i,j}.$$
#
# The last line *scatters*: windows overlap, so a pixel collects from several of them. Fix one tap $(u, v)$, though,
# and no two windows share a pixel: adding into `sliding_windows(dx)[..., u, v]` tap by tap is safe, and stride and
# dilation come for free. (All taps in one `+=` are not: where windows overlap, NumPy loses sums.) At the end, cut the
# padding off.

# %%
def conv2d_backward(dout, cache):
    """Gradients of conv2d_forward.

    dout     (N, F, OH, OW), the cotangent of out
    cache    what conv2d_forward returned
    returns  dx (N, C, H, W), dw (F, C // groups, KH, KW), db (F,)
    """
    padded, w, stride, padding, dilation, groups = cache
    (n, f, oh, ow), (kh, kw), (ph, pw) = dout.shape, w.shape[2:], padding
    dpadded = np.zeros_like(padded)
    windows, dwindows = (sliding_windows(a, (kh, kw), stride, dilation) for a in (padded, dpadded))
    grouped = dout.reshape(n, groups, f // groups, oh, ow)
    kernels = w.reshape(groups, f // groups, -1, kh, kw)
    for u, v in np.ndindex(kh, kw):
        dtap = np.einsum("ngfyx,gfc->ngcyx", grouped, kernels[..., u, v])
        dwindows[..., u, v] += dtap.reshape(dwindows.shape[:4])
    windows = windows.reshape(n, groups, -1, oh, ow, kh, kw)
    dw = np.einsum("ngfyx,ngcyxuv->gfcuv", grouped, windows).reshape(w.shape)
    dx = dpadded[:, :, ph : dpadded.shape[2] - ph, pw : dpadded.shape[3] - pw]
    return dx, dw, dout.sum(axis=(0, 2, 3))


# %%
# check("conv2d_backward")

# %% [markdown]
# What does your backward pass tell about a network? The gradient of *one* output pixel with respect to the input is
# nonzero exactly on its **receptive field**. Below, three 3×3 layers with kernels of ones: the number in a pixel is
# how many paths lead from it to the output. Dilations 1, 2, 4 see 15×15 pixels with the same 27 weights, which is
# the idea of [Yu and Koltun (2016)](https://arxiv.org/abs/1511.07122); dilations 2, 2, 2 leave holes, the *gridding*
# that [Wang et al. (2018)](https://arxiv.org/abs/1702.08502) warn of.

# %%
# def paths_to_one_pixel(dilations, size=17):
#     gradient = np.zeros((1, 1, size, size))
#     gradient[0, 0, size // 2, size // 2] = 1.0
#     for d in reversed(dilations):
#         layer = {"w": np.ones((1, 1, 3, 3)), "b": np.zeros(1), "padding": (d, d), "dilation": (d, d)}
#         _, cache = conv2d_forward(np.zeros_like(gradient), **layer)
#         gradient, _, _ = conv2d_backward(gradient, cache)
#     return gradient[0, 0]
#
# fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
# for ax, dilations in zip(axes, [(1, 1, 1), (1, 2, 4), (2, 2, 2)], strict=True):
#     paths = paths_to_one_pixel(dilations)
#     rows = np.flatnonzero(paths.any(axis=1))
#     image = ax.imshow(np.where(paths > 0, paths, np.nan), cmap="gray_r", vmin=0)
#     ax.set_title(f"dilations {dilations}\nspan {np.ptp(rows) + 1}, {np.count_nonzero(paths)} pixels seen")
#     ax.set(xlabel="column", ylabel="row", xticks=range(0, 17, 4), yticks=range(0, 17, 4))
#     fig.colorbar(image, ax=ax, label="paths to the output", shrink=0.8)
# plt.show()

# %% [markdown]
# ## 8. Dropout and max-pooling
#
# Dropout ([Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html)) sets each activation to zero
# with probability $p$ while training, so that no unit can rely on another one. The *inverted* form, which every
# framework uses, scales the survivors, so that the expected output is the input and evaluation needs no change:
#
# $$y = m \odot x, \qquad m_i = \begin{cases} 0 & \text{with probability } p \\ 1/(1-p) & \text{otherwise,} \end{cases}
#   \qquad \bar x = m \odot \bar y .$$
#
# Every element has its own draw, and the backward pass uses the **same** mask: store it.

# %%
def dropout_forward(x, p, rng, *, training):
    """Drop elements of x in training; return x unchanged in evaluation.

    x        any shape
    p        0 <= p < 1, the probability that an element is dropped
    rng      numpy.random.Generator, the only source of randomness
    returns  out, shape and dtype of x, and a cache of your choice for dropout_backward
    """
    if not training:
        return x, None
    mask = (rng.random(x.shape) >= p).astype(x.dtype) / (1 - p)
    return x * mask, mask


def dropout_backward(dout, cache):
    """The gradient of x, in either mode. dout, the cotangent of out, and the result have the shape of x."""
    return dout if cache is None else dout * cache


# %%
# check("dropout")

# %% [markdown]
# Max-pooling keeps the largest number of each window, per channel. Its gradient goes to that number alone: the pool
# is a *router*. Two details decide whether yours is right:
#
# - **Ties.** After a ReLU a window is often all zeros. One element gets the gradient, the **first** maximum in row
#   order, as in PyTorch; giving it to each of them would multiply it.
# - **Overlap.** With a stride smaller than the window one pixel can win several times, and collects from all of them.

# %%
def max_pool_forward(x, size=(2, 2), stride=(2, 2)):
    """Maximum of every window.

    x        (N, C, H, W)
    size     (KH, KW); stride a pair as well. Rows and columns after the last whole window are not used.
    returns  out (N, C, OH, OW) in the dtype of x, and a cache of your choice for max_pool_backward
    """
    windows = sliding_windows(x, size, stride)
    flat = windows.reshape(*windows.shape[:4], -1)
    return flat.max(axis=-1), (flat.argmax(axis=-1), x.shape, size, stride)


# %%
# check("max_pool_forward")

# %%
def max_pool_backward(dout, cache):
    """Gradient of max_pool_forward: the first maximum of each window gets it all.

    dout     (N, C, OH, OW), the cotangent of out
    returns  dx (N, C, H, W) in the dtype of dout
    """
    winner, shape, size, stride = cache
    dx = np.zeros(shape, dout.dtype)
    dwindows = sliding_windows(dx, size, stride)
    for number, (u, v) in enumerate(np.ndindex(*size)):
        dwindows[..., u, v] += dout * (winner == number)
    return dx


# %%
# check("max_pool_backward")

# %% [markdown]
# ## 9. Optimizers
#
# Gradients in hand, take a step. An update rule here is a plain function from (parameter, gradient, state) to (new
# parameter, new state). What the state holds is up to you; before the first step it is an empty dict.
#
# **Momentum** lets a velocity $u$ build up along directions in which gradients agree. **Nesterov's** variant steps
# from where that velocity is about to lead. In the form that frameworks use
# ([Sutskever et al., 2013](https://proceedings.mlr.press/v28/sutskever13.html), with the learning rate outside of the
# velocity), with gradient $g$, momentum $\mu$, learning rate $\eta$, weight decay $\lambda$ and $u_0 = 0$:
#
# $$g \leftarrow g + \lambda\theta, \qquad u_t = \mu\,u_{t-1} + g, \qquad \theta_t = \theta_{t-1} - \eta\,(g + \mu\,u_t).$$

# %%
def nesterov_step(param, grad, state, lr, momentum=0.9, weight_decay=0.0):
    """One step of stochastic gradient descent with Nesterov momentum, as torch.optim.SGD(nesterov=True) does.

    param, grad   arrays of one shape and dtype; neither is changed
    state         what the step before returned, {} before the first one
    returns       the new parameter, shape and dtype of param, and the new state, a dict
    """
    grad = grad + weight_decay * param
    velocity = momentum * state.get("velocity", 0.0) + grad
    return param - lr * (grad + momentum * velocity), {"velocity": velocity}


# %%
# check("nesterov_step")

# %% [markdown]
# **Adam** ([Kingma and Ba, 2015](https://arxiv.org/abs/1412.6980)) divides by a running root mean square, so that
# every parameter moves about $\eta$ per step whatever the size of its gradient. **AdamW**
# ([Loshchilov and Hutter, 2019](https://arxiv.org/abs/1711.05101)) takes the weight decay out of the gradient:
# decay that passes through the division would shrink the least the parameters with the largest gradients.
#
# $$m_t = \beta_1 m_{t-1} + (1-\beta_1)\,g, \qquad v_t = \beta_2 v_{t-1} + (1-\beta_2)\,g^2, \qquad
#   \hat m = \frac{m_t}{1-\beta_1^t}, \qquad \hat v = \frac{v_t}{1-\beta_2^t},$$
#
# $$\theta_t = \theta_{t-1} - \eta\left(\frac{\hat m}{\sqrt{\hat v} + \epsilon} + \lambda\,\theta_{t-1}\right).$$
#
# Both averages start at 0 and are too small at first; dividing by $1-\beta^t$ (the first step is $t = 1$) mends that.
# Mind $\epsilon$: outside of the root, and added to the *corrected* $\sqrt{\hat v}$. With gradients of order 1 nobody
# notices where it stands. With gradients of $10^{-3}$ and below, where real networks live, they do: inside of the
# root, $10^{-8}$ acts like $10^{-4}$.

# %%
def adamw_step(param, grad, state, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """One step of AdamW, as torch.optim.AdamW does. Arguments and results as in nesterov_step."""
    beta1, beta2 = betas
    step = state.get("step", 0) + 1
    m = beta1 * state.get("m", 0.0) + (1 - beta1) * grad
    v = beta2 * state.get("v", 0.0) + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    update = m_hat / (np.sqrt(v_hat) + eps) + weight_decay * param
    return param - lr * update, {"step": step, "m": m, "v": v}


# %%
# check("adamw_step")

# %% [markdown]
# The two rules and plain gradient descent on a long valley, $\tfrac12(\theta_1^2 + 30\,\theta_2^2)$. Plain descent
# crawls along the floor, as the steep direction bounds its learning rate; momentum gathers speed there; AdamW takes
# steps of nearly equal length in both directions at once.

# %%
# curvature = np.array([1.0, 30.0])
# rules = {
#     "gradient descent": (nesterov_step, {"lr": 0.05, "momentum": 0.0}, "-", "o"),
#     "Nesterov, momentum 0.8": (nesterov_step, {"lr": 0.02, "momentum": 0.8}, "--", "s"),
#     "AdamW": (adamw_step, {"lr": 0.3, "weight_decay": 0.0}, ":", "^"),
# }
# grid_x, grid_y = np.meshgrid(np.linspace(-4.6, 1.2, 80), np.linspace(-1.4, 1.4, 80))
# fig, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
# left.contour(grid_x, grid_y, 0.5 * (grid_x**2 + 30 * grid_y**2), levels=[0.3, 1, 3, 8, 16, 30], colors="0.75")
# for name, (rule, settings, line, marker) in rules.items():
#     path, state = [np.array([-4.0, 1.0])], {}
#     for _ in range(40):
#         new, state = rule(path[-1], curvature * path[-1], state, **settings)
#         path.append(new)
#     path = np.array(path)
#     left.plot(*path[:25].T, line, marker=marker, markersize=3, color="black", linewidth=1, label=name)
#     right.semilogy(0.5 * (path**2 @ curvature), line, marker=marker, markevery=5, color="black", label=name)
# left.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", title="the first 25 steps")
# right.set(xlabel="step", ylabel="loss", title="loss")
# right.legend()
# plt.show()

# %% [markdown]
# **Parameter groups** give parts of a network their own settings: no weight decay for biases and normalisation gains,
# a smaller learning rate for a pretrained body. An optimizer keeps one state *per parameter*, reads a group's
# settings at every step (a schedule may have changed them), and writes into the parameters' own arrays, since the
# model holds those. A parameter that got no gradient stays exactly as it is: no decay, no momentum, no tick of its
# step counter.

# %%
class Optimizer:
    """Updates named parameters in place, each by the settings of its group."""

    def __init__(self, rule, params, groups, **defaults):
        """
        rule      adamw_step, nesterov_step, or any function (param, grad, state, **settings) -> (param, state)
        params    {name: array}
        groups    [{"names": [name, ...], setting: value, ...}, ...]: who is in the group, and the group's settings
        defaults  settings for the groups that don't have their own

        Keeps self.groups, a list of dicts like `groups` with the defaults filled in; whoever changes a setting
        there (optimizer.groups[0]["lr"] = 0.01) changes it from the next step on. `groups` itself isn't changed.
        """
        self.rule, self.params = rule, params
        self.groups = [defaults | group for group in groups]
        self.state = {name: {} for name in params}

    def step(self, grads):
        """Update by grads {name: array}, in the parameters' own arrays.

        A name that is missing in grads, or None there, has no gradient: its parameter and its state stay as they are.
        Parameters in no group stay as well.
        """
        for group in self.groups:
            settings = {key: value for key, value in group.items() if key != "names"}
            for name in group["names"]:
                if grads.get(name) is not None:
                    param, state = self.params[name], self.state[name]
                    param[...], self.state[name] = self.rule(param, grads[name], state, **settings)


# %%
# check("parameter_groups")

# %% [markdown]
# ## 10. Clipping by the global norm
#
# One freak batch can throw a network out of the valley that it was in. Clipping ([Pascanu et al.,
# 2013](https://proceedings.mlr.press/v28/pascanu13.html)) bounds the length of the *whole* gradient, all parameters
# taken as one long vector, and keeps its direction. A norm per parameter would bend it.
#
# $$\lVert g \rVert = \sqrt{\textstyle\sum_k \lVert g_k \rVert^2}, \qquad
#   g_k \leftarrow g_k \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right).$$
#
# The norm before clipping is returned as well: it is the number to log. Freak gradients are why one clips, so sum the
# squares in float64: the square of $10^{20}$ is infinite in float32.

# %%
def clip_global_norm(grads, max_norm):
    """Scale gradients down together so that their global norm is at most max_norm.

    grads    {name: array}, of any shapes and dtypes; not changed
    returns  {name: array} of the same shapes and dtypes, and the global norm before clipping, a float; the norm is
             computed in float64
    """
    norm = float(np.sqrt(sum(np.sum(np.square(grad, dtype=np.float64)) for grad in grads.values())))
    scale = 1.0 if norm <= max_norm else max_norm / norm
    return {name: grad * scale for name, grad in grads.items()}, norm


# %%
# check("clip_global_norm")

# %% [markdown]
# ## 11. Your own function in PyTorch and TensorFlow
#
# From here on the frameworks do the bookkeeping, and you supply what they lack. (Importing them takes some seconds.)

# %%
import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reports on your processor otherwise

import tensorflow as tf
import torch
from scipy import special

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


# %% [markdown]
# Censored and ordinal data ("at least 5 years") need $\log\Phi(x)$, the logarithm of the normal distribution
# function. `torch.log(ndtr(x))` is $-\infty$ below $x \approx -5.6$ in float32; SciPy's `special.log_ndtr` is right
# everywhere, but SciPy knows nothing of gradients. `torch.autograd.Function` joins the two: a forward that may
# compute in any way, and a backward that you vouch for,
#
# $$y = \log\Phi(x), \qquad \frac{\mathrm dy}{\mathrm dx} = \frac{\varphi(x)}{\Phi(x)}
#   = \exp\!\left(-\tfrac12 x^2 - \log\sqrt{2\pi} - y\right).$$
#
# The right-hand form needs no quotient of two numbers that both underflow. Written with torch operations on what
# `ctx.save_for_backward` kept, the backward is differentiable itself, so second derivatives (Newton's method,
# Hessians) work too. An output may be saved as well as an input; torch ties it to the graph.

# %%
class LogNdtr(torch.autograd.Function):
    """log Φ(x), element by element, by scipy.special.log_ndtr."""

    @staticmethod
    def forward(ctx, x):
        """x is a float tensor of any shape on any device; the result has its shape, dtype and device."""
        y = torch.as_tensor(special.log_ndtr(x.detach().cpu().numpy()), device=x.device)
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, dout):
        """The gradient of x, given dout, the cotangent of the output."""
        x, y = ctx.saved_tensors
        return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI - y)


def log_ndtr_torch(x):
    """log Φ(x) of a tensor, differentiable as often as you like."""
    return LogNdtr.apply(x)


# %%
# check("log_ndtr_torch")

# %% [markdown]
# TensorFlow has no $\log\Phi$ in its core at all. `tf.numpy_function` calls NumPy code from a graph (its result has
# forgotten its static shape: `tf.ensure_shape` restores it), and `@tf.custom_gradient` takes a function that returns
# the output and a function for the gradient.
#
# One trap: TensorFlow does *not* tie the output `y` to the custom gradient when you capture it. The first derivative
# is right, the second one silently wrong, as $y$ counts as a constant. Inside the gradient function, compute
# $\log\Phi(x)$ by calling `log_ndtr_tf(x)` itself: it carries its own gradient, to any order.

# %%
@tf.custom_gradient
def log_ndtr_tf(x):
    """log Φ(x), element by element, by scipy.special.log_ndtr; eagerly and in tf.function.

    x        float tensor of any shape
    returns  (y, gradient): y of the shape and dtype of x, and the function that takes the cotangent of y to the
             gradient of x (the decorator makes of this a function x -> y)
    """
    y = tf.ensure_shape(tf.numpy_function(special.log_ndtr, [x], x.dtype), x.shape)

    def gradient(dout):
        return dout * tf.exp(-x * x / 2 - LOG_SQRT_2PI - log_ndtr_tf(x))

    return y, gradient


# %%
# check("log_ndtr_tf")

# %%
# x = torch.linspace(-16, 3, 400, requires_grad=True)
# y = log_ndtr_torch(x)
# (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
# (bend,) = torch.autograd.grad(slope.sum(), x)
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
# left.plot(x.detach(), y.detach(), color="black", label="log_ndtr_torch")
# naive = torch.log(torch.special.ndtr(x)).detach()
# left.plot(x.detach(), naive, color="0.6", linewidth=5, zorder=0, label="log(ndtr(x)), float32")
# left.set(xlabel="x", ylabel=r"$\log\Phi(x)$", title="where the naive logarithm ends")
# left.legend()
# right.plot(x.detach(), slope.detach(), color="black", label="first derivative")
# right.plot(x.detach(), bend, "--", color="black", label="second derivative")
# right.set(xlabel="x", title="both derivatives are finite everywhere")
# right.legend()
# plt.show()

# %% [markdown]
# ## 12. Products with Jacobians and Hessians
#
# A Jacobian $J = \partial f/\partial x$ of a million by a million numbers never fits in memory, yet its *products*
# with vectors cost a few evaluations of $f$:
#
# | | product | mode | in torch | in TensorFlow |
# |---|---|---|---|---|
# | VJP | $J^\top u$, how $\langle u, f\rangle$ changes with $x$ | reverse | `torch.autograd.grad` | `tf.GradientTape` |
# | JVP | $J v$, how $f$ changes along $v$ | forward | `torch.func.jvp` | `tf.autodiff.ForwardAccumulator` |
# | HVP | $H v$, how $\nabla f$ changes along $v$ | one over the other | both | both |
#
# Forward mode isn't even needed: $J^\top u$ is linear in $u$, so the *VJP of the VJP* with respect to $u$ is $J v$.
# And for a scalar $f$ the Hessian is the Jacobian of the gradient, so ([Pearlmutter,
# 1994](https://doi.org/10.1162/neco.1994.6.1.147))
#
# $$H v = \nabla_x\,\langle \nabla f(x),\, v\rangle
#   = \left.\frac{\partial}{\partial \varepsilon} \nabla f(x + \varepsilon v)\right|_{\varepsilon=0}.$$
#
# Take any of these roads, but never build the matrix: the checks of the torch functions count floating-point
# operations.

# %%
def jvp_torch(f, x, v):
    """J v for the Jacobian J of f at x.

    f        takes a tensor of the shape of x, returns a tensor of any other shape
    x, v     tensors of one shape, which may or may not require gradients; their .grad stays as it is
    returns  a tensor of the shape of f(x): how f changes at x along v
    """
    x = x.detach().requires_grad_()
    y = f(x)
    u = torch.zeros_like(y, requires_grad=True)
    (vjp,) = torch.autograd.grad(y, x, u, create_graph=True)
    return torch.autograd.grad(vjp, u, v)[0]


# %%
# check("jvp_torch")

# %%
def hvp_torch(f, x, v):
    """H v for the Hessian H of f at x.

    f        takes a tensor of the shape of x, returns a tensor with one number (); may be linear, then H v is 0
    x, v     as in jvp_torch
    returns  a tensor of the shape of x
    """
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    if not gradient.requires_grad:  # it doesn't depend on x
        return torch.zeros_like(x)
    return torch.autograd.grad(gradient, x, v)[0]


# %%
# check("hvp_torch")

# %% [markdown]
# The same in TensorFlow. Here tapes and accumulators nest: whoever stands outside differentiates what happens inside.

# %%
def jvp_tf(f, x, v):
    """J v for the Jacobian J of f at x; arguments and result as in jvp_torch, tensors of TensorFlow."""
    with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
        y = f(x)
    return accumulator.jvp(y, unconnected_gradients="zero")


# %%
# check("jvp_tf")

# %%
def hvp_tf(f, x, v):
    """H v for the Hessian H of f at x; arguments and result as in hvp_torch, tensors of TensorFlow."""
    with tf.autodiff.ForwardAccumulator(x, v) as accumulator:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        gradient = tape.gradient(y, x, unconnected_gradients="zero")
    return accumulator.jvp(gradient, unconnected_gradients="zero")

# %%
# check("hvp_tf")

# %% [markdown]
# What is $Hv$ good for? Multiply a vector by $H$ again and again, and what survives is the direction of the largest
# eigenvalue $\lambda$, the *sharpness* of the loss. Along that direction gradient descent multiplies its error by
# $1 - \eta\lambda$ per step, so it converges only for $\eta < 2/\lambda$. Here is a least-squares fit to the digits,
# with 640 parameters; no Hessian was ever built to find its limit.

# %%
# from sklearn.datasets import load_digits
#
# digits = load_digits()
# pixels = torch.as_tensor(digits.data / 16.0)
# wanted = torch.nn.functional.one_hot(torch.as_tensor(digits.target), 10).double()
#
# def squared_error(w):
#     return ((pixels @ w - wanted) ** 2).sum(1).mean() / 2
#
# estimates, v = [], torch.randn(64, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
# for _ in range(12):
#     v = v / v.norm()
#     Hv = hvp_torch(squared_error, torch.zeros_like(v), v)
#     estimates.append((v * Hv).sum().item())
#     v = Hv
# sharpness = estimates[-1]
#
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
# left.plot(range(1, 13), estimates, "o-", color="black", markersize=4)
# left.set_title(f"power iteration: λ = {sharpness:.3f}")
# left.set(xlabel="Hessian-vector products", ylabel="estimate of λ")
# for share, line in ((0.5, ":"), (1.9, "-"), (2.05, "--")):
#     w, losses = torch.zeros(64, 10, dtype=torch.float64, requires_grad=True), []
#     for _ in range(60):
#         loss = squared_error(w)
#         losses.append(loss.item())
#         (gradient,) = torch.autograd.grad(loss, w)
#         w = (w - share / sharpness * gradient).detach().requires_grad_()
#     right.semilogy(losses, line, color="black", label=f"learning rate {share} / λ")
# right.set(xlabel="step", ylabel="squared error", title="the limit is 2 / λ")
# right.legend()
# plt.show()

# %% [markdown]
# ## All together: a network that reads digits
#
# Nothing below is new: `affine`, `batch_norm`, `dropout` and `softmax_cross_entropy`, an `Optimizer` with
# `adamw_step` and two parameter groups (weight decay for the matrices only), `clip_global_norm`, and a learning rate
# that falls along half a cosine. Forward remembers the caches, backward takes them in reverse order. That is what a
# framework does for you. scikit-learn's digits are 1,797 images of 8×8; a quarter of them, never trained on, is the
# test.

# %%
# from sklearn.datasets import load_digits
# from sklearn.model_selection import train_test_split
#
# digits = load_digits()
# images, labels = (digits.data / 16.0).astype(np.float32), digits.target
# x_train, x_test, y_train, y_test = train_test_split(images, labels, test_size=0.25, random_state=0, stratify=labels)
#
# rng, widths = np.random.default_rng(0), [64, 128, 64, 10]
# params, running = {}, {}
# for k, (d, m) in enumerate(zip(widths, widths[1:])):
#     params[f"w{k}"] = rng.normal(0, np.sqrt(2 / d), (d, m)).astype(np.float32)
#     params[f"b{k}"] = np.zeros(m, np.float32)
#     if k < 2:
#         params[f"gamma{k}"], params[f"beta{k}"] = np.ones(m, np.float32), np.zeros(m, np.float32)
#         running[k] = np.zeros(m, np.float32), np.ones(m, np.float32)
#
#
# def mlp_forward(x, training):
#     caches = []
#     for k in range(3):
#         x, affine_cache = affine_forward(x, params[f"w{k}"], params[f"b{k}"])
#         caches.append(affine_cache)
#         if k < 2:
#             gamma, beta = params[f"gamma{k}"], params[f"beta{k}"]
#             x, norm_cache, *running[k] = batch_norm_forward(x, gamma, beta, *running[k], training=training)
#             active = x > 0  # ReLU
#             x, dropout_cache = dropout_forward(x * active, 0.2, rng, training=training)
#             caches[-1] = affine_cache, norm_cache, active, dropout_cache
#     return x, caches
#
#
# def mlp_backward(dx, caches):
#     grads = {}
#     for k in (2, 1, 0):
#         affine_cache = caches[k]
#         if k < 2:
#             affine_cache, norm_cache, active, dropout_cache = caches[k]
#             dx = dropout_backward(dx, dropout_cache) * active
#             dx, grads[f"gamma{k}"], grads[f"beta{k}"] = batch_norm_backward(dx, norm_cache)
#         dx, grads[f"w{k}"], grads[f"b{k}"] = affine_backward(dx, affine_cache)
#     return grads
#
#
# decayed = [name for name in params if name.startswith("w")]
# others = [name for name in params if not name.startswith("w")]
# groups = [{"names": decayed, "weight_decay": 0.05}, {"names": others, "weight_decay": 0.0}]
# optimizer = Optimizer(adamw_step, params, groups, lr=3e-3)
#
# epochs, batch, history = 40, 64, []
# for epoch in range(epochs):
#     for group in optimizer.groups:
#         group["lr"] = 3e-3 * 0.5 * (1 + np.cos(np.pi * epoch / epochs))
#     order, losses = rng.permutation(len(x_train)), []
#     for rows in np.array_split(order, len(order) // batch):
#         logits, caches = mlp_forward(x_train[rows], training=True)
#         loss, dlogits = softmax_cross_entropy(logits, y_train[rows])
#         grads, norm = clip_global_norm(mlp_backward(dlogits, caches), 1.0)
#         optimizer.step(grads)
#         losses.append(float(loss))
#     logits, _ = mlp_forward(x_test, training=False)
#     history.append((np.mean(losses), softmax_cross_entropy(logits, y_test)[0], np.mean(logits.argmax(1) == y_test)))
#
# train_loss, test_loss, accuracy = np.array(history, dtype=float).T
# fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
# left.semilogy(train_loss, "--", color="black", label="training, with dropout")
# left.semilogy(test_loss, color="black", label="test")
# left.set(xlabel="epoch", ylabel="cross-entropy", title="loss")
# left.legend()
# right.plot(100 * accuracy, color="black")
# right.axhline(95, color="0.6", linestyle=":")
# right.set_title(f"{100 * accuracy[-1]:.1f} % of {len(y_test)} test digits are right")
# right.set(xlabel="epoch", ylabel="test accuracy in %")
# plt.show()

# %% [markdown]
# Which ones does it misread, and would you have read them? Sorted by how sure the network was of its wrong answer.

# %%
# log_p = log_softmax(logits)
# guesses = logits.argmax(axis=1)
# wrong = np.flatnonzero(guesses != y_test)
# wrong = wrong[np.argsort(-log_p[wrong, guesses[wrong]])][:8]
# fig, axes = plt.subplots(1, 8, figsize=(11, 2.1), layout="constrained")
# for ax in axes:
#     ax.axis("off")
# for ax, at in zip(axes, wrong):
#     ax.imshow(x_test[at].reshape(8, 8), cmap="gray_r")
#     sure = 100 * np.exp(log_p[at, guesses[at]])
#     ax.set_title(f"is {y_test[at]}, read as {guesses[at]}\n{sure:.0f} % sure", fontsize=9)
# plt.show()

# %% [markdown]
# ## Two questions to answer in words
#
# A person reads these answers. A few sentences each are enough.
#
# **A gradient check read right.** Three layers were compared with `numerical_gradient` in float64, with random
# cotangents. The largest difference, relative to the largest gradient:
#
# | `eps` | layer A | layer B | layer C |
# |---|---|---|---|
# | 1e-2 | 9e-5 | 3e-1 | 2e-1 |
# | 1e-4 | 9e-9 | 3e-1 | 8e-4 |
# | 1e-6 | 7e-11 | 3e-1 | 1e-10 |
# | 1e-8 | 8e-9 | 3e-1 | 6e-9 |
# | 1e-10 | 6e-7 | 3e-1 | 8e-8 |
#
# One layer's backward pass is wrong. Which, and how do you know? Explain the two others column by column: why does A
# get better, then worse, and what kind of function is C likely to be? And why random cotangents: name a layer of this
# notebook whose `dx` could be nothing but zeros, and still pass with a cotangent of ones.

# %% [markdown]
# *One point each.*
#
# 1. **B is wrong.** Its error doesn't depend on `eps`, so it comes neither from the difference quotient nor from
#    rounding; at 3e-1 a whole term or factor is missing. (It is a BatchNorm without the path through the mean.)
# 2. **A is right.** The central difference errs by about eps² (from 1e-2 to 1e-4 the error falls by 1e4), and by
#    rounding, about 1e-16/eps, which takes over below 1e-6. The best eps lies between them, and no eps gives 16
#    digits.
# 3. **C is right, with kinks,** such as a ReLU or a maximum. Where a kink lies within eps of an input, the difference
#    mixes both slopes. The smaller eps, the fewer inputs are so close; at 1e-6 none is. Comparing away from kinks
#    tells for sure.
# 4. **Softmax, LayerNorm or BatchNorm:** the sum of their outputs doesn't change with the input, so with ones the
#    right gradient is 0 as well. (Softmax adds up to 1; x̂ has mean 0 whatever x is, at γ = 1.)

# %% [markdown]
# **Forward or reverse?** A function $f: \mathbb R^n \to \mathbb R^m$ is a chain of $k$ operations.
#
# 1. How many evaluations' worth of work does its whole Jacobian take in forward mode, and how many in reverse mode?
#    Which one do you choose for a loss, and which for a curve $\mathbb R \to \mathbb R^m$?
# 2. Why does the memory of reverse mode grow with $k$, while forward mode's needn't? Name one way to pay less
#    memory, and its price.
# 3. Your network has $10^8$ parameters. What do one gradient, one product $Hv$, and all of $H$ cost, in time and
#    memory?

# %% [markdown]
# *Points: 1 + 1.5 + 1.5.*
#
# 1. Forward mode gives one column of J per pass, so about n evaluations (times a small constant); reverse mode gives
#    one row, so about m. A loss has m = 1: reverse. A curve has n = 1: forward.
# 2. Reverse mode starts from the end and needs the intermediate values of the forward pass, in reverse order, for the
#    local derivatives: all k are kept. Forward mode carries the derivative along and forgets each value once it is
#    used. Checkpointing keeps some of the values and recomputes the rest (√k of them, for about one more forward
#    pass); smaller batches, lower precision or reversible layers count as well, each with its price.
# 3. A gradient: a small multiple of one evaluation, about 3, and 10⁸ numbers besides the tape. Hv: about two to three
#    gradients, twice the tape, 10⁸ numbers. H: 10⁸ products, and 10¹⁶ numbers (40 petabytes in float32): never.
