"""Classic mistakes in the tapes of numbers and of arrays."""

import numpy as np

from autograder import edited, mistake

# -- numbers ------------------------------------------------------------------------------------------------------

edited(
    "value_ops",
    "product with its own factor",
    old="(other.data, self.data)",
    new="(self.data, other.data)",
    hint="This is what you get when each factor of a product gets itself as its partial. d(ab)/da is b, the other one.",
)
edited(
    "value_ops",
    "power without its factor",
    old="n * self.data ** (n - 1)",
    new="self.data ** (n - 1)",
    hint="This is what you get when the exponent is lowered but not brought down: d(aⁿ)/da is n·aⁿ⁻¹.",
)
edited(
    "value_ops",
    "power without lowering",
    old="n * self.data ** (n - 1)",
    new="n * self.data**n",
    hint="This is what you get when the exponent is brought down but not lowered: d(aⁿ)/da is n·aⁿ⁻¹.",
)
edited(
    "value_ops",
    "exp by the power rule",
    old="return Value(y, (self,), (y,))",
    new="return Value(y, (self,), (self.data * np.exp(self.data - 1),))",
    hint="This is what you get when exp is differentiated like a power, as a·exp(a-1). exp is its own derivative.",
)
edited(
    "value_ops",
    "tanh without the square",
    old="(1 - y**2,)",
    new="(1 - y,)",
    hint="This is what you get with the partial 1 - y for tanh. It is 1 - y².",
)
edited(
    "value_ops",
    "tanh squares its input",
    old="(1 - y**2,)",
    new="(1 - self.data**2,)",
    hint="This is what you get with the partial 1 - a² for tanh. The square is that of the result: 1 - tanh(a)².",
)
edited(
    "value_ops",
    "tanh by large exponentials",
    old="y = np.tanh(self.data)",
    new="y = (np.exp(2 * self.data) - 1) / (np.exp(2 * self.data) + 1)",
    hint="This is what you get when tanh is a quotient of exponentials: beyond some hundreds they overflow, and "
    "inf/inf is NaN. NumPy and math have a tanh that doesn't.",
)
edited(
    "value_ops",
    "relu partial one at zero",
    old="float(self.data > 0)",
    new="float(self.data >= 0)",
    hint="This is what you get when relu has the partial 1 at exactly 0. By convention it is 0 there.",
)
edited(
    "value_ops",
    "relu lets every gradient through",
    old="float(self.data > 0)",
    new="1.0",
    hint="This is what you get when relu's partial is always 1. Where the input is negative the result is the "
    "constant 0, and the partial is 0.",
)

ORDER = ("value_backward", "tensor_backward")


@mistake(
    "topological_order",
    hint="This is what you get when nodes are listed each time they are reached. Remember which you have seen: every "
    "node stands in the list once.",
    also=ORDER,
)
def no_memory():
    def topological_order(root):
        order = []
        for parent in root.parents:
            order.extend(topological_order(parent))
        return [*order, root]


@mistake(
    "topological_order",
    hint="This is what you get when a node is listed before its parents are visited. Visit the parents first, then "
    "append the node.",
    also=ORDER,
)
def node_before_its_parents():
    def topological_order(root):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                order.append(node)
                for parent in node.parents:
                    visit(parent)

        visit(root)
        return order


@mistake(
    "topological_order",
    hint="This is what you get with breadth-first search. It puts a node next to its nearest user; the order has to "
    "put it before the farthest one as well.",
    also=ORDER,
)
def breadth_first():
    def topological_order(root):
        order, seen = [root], {root}
        for node in order:
            for parent in node.parents:
                if parent not in seen:
                    seen.add(parent)
                    order.append(parent)
        return order[::-1]


@mistake(
    "topological_order",
    hint="This is what you get when the list runs from the root down to the leaves. Parents come first, the root last.",
    also=ORDER,
)
def reversed_order():
    def topological_order(root):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(root)
        return order[::-1]


@mistake(
    "topological_order",
    hint="This is what you get when nodes are told apart by their numbers: two nodes that hold the same number are "
    "still two nodes. Remember the nodes themselves, or their id().",
    also=ORDER,
)
def equal_numbers_taken_for_one_node():
    def topological_order(root):
        order, seen = [], set()

        def visit(node):
            key = repr(node.data)
            if key not in seen:
                seen.add(key)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(root)
        return order


edited(
    "topological_order",
    "without the root",
    old="    visit(root)\n    return order",
    new="    visit(root)\n    return order[:-1]",
    hint="This is what you get when the root is left out. It belongs to the list, as its last node.",
    also=ORDER,
)

edited(
    "value_backward",
    "overwrites",
    old="parent.grad += partial * node.grad",
    new="parent.grad = partial * node.grad",
    hint="This is what you get when a node's gradient is overwritten by its latest contribution. A node that is used "
    "more than once gets the sum of them: +=.",
)
edited(
    "value_backward",
    "from the leaves up",
    old="for node in reversed(order):\n        for parent, partial",
    new="for node in order:\n        for parent, partial",
    hint="This is what you get when the pass runs from the leaves to the root: nodes hand on a gradient that they "
    "have yet to receive. Go through the order backwards.",
)
edited(
    "value_backward",
    "keeps old gradients",
    old="    for node in order:\n        node.grad = 0.0\n    root.grad = 1.0",
    new="    root.grad = 1.0",
    hint="This is what you get when gradients from an earlier call are still there and are added to. Set every node's "
    "grad to 0 before the pass.",
)
edited(
    "value_backward",
    "clears only the leaves",
    old="    for node in order:\n        node.grad = 0.0\n    root.grad",
    new="    for node in order:\n        if not node.parents:\n            node.grad = 0.0\n    root.grad",
    hint="This is what you get when only the leaves start from 0. The nodes in between keep what an earlier call "
    "left, and hand it on; clear them all.",
)
edited(
    "value_backward",
    "root not seeded",
    old="    root.grad = 1.0",
    new="    pass",
    hint="This is what you get when the root's own gradient stays 0: then everything is 0. d(root)/d(root) is 1.",
)
edited(
    "value_backward",
    "root seeded with its number",
    old="    root.grad = 1.0",
    new="    root.grad = root.data",
    hint="This is what you get when the pass starts from the root's number. It starts from d(root)/d(root) = 1.",
)


@mistake(
    "value_backward",
    hint="This is what you get when a node hands on its gradient each time something arrives: what came before is "
    "handed on again. Wait until it is complete, by following the topological order.",
)
def hands_on_too_early():
    def value_backward(root):
        for node in topological_order(root):  # noqa: F821
            node.grad = 0.0
        root.grad = 1.0

        def push(node):
            for parent, partial in zip(node.parents, node.partials, strict=True):
                parent.grad += partial * node.grad
                push(parent)

        push(root)


# -- arrays -------------------------------------------------------------------------------------------------------

BROADCASTING = ("tensor_add", "tensor_matmul")


@mistake(
    "unbroadcast",
    hint="This is what you get when only the axes in front are summed. Axes of size 1 that were stretched are summed "
    "as well, and keep their size 1.",
    also=BROADCASTING,
)
def stretched_axes_not_summed():
    def unbroadcast(grad, shape):
        return grad.sum(axis=tuple(range(grad.ndim - len(shape))))


@mistake(
    "unbroadcast",
    hint="This is what you get when summed axes vanish where the shape has an axis of size 1: (3, 1) becomes (3,). "
    "Sum with keepdims=True, or reshape to the shape that is asked for.",
    also=BROADCASTING,
)
def lost_axes_of_size_one():
    def unbroadcast(grad, shape):
        padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
        return np.asarray(grad.sum(axis=tuple(axis for axis, size in enumerate(padded) if size == 1)))


@mistake(
    "unbroadcast",
    hint="This is what you get when shapes are aligned on the left. Broadcasting aligns them on the right: new axes "
    "come in front.",
    also=BROADCASTING,
)
def aligned_on_the_left():
    def unbroadcast(grad, shape):
        padded = tuple(shape) + (1,) * (grad.ndim - len(shape))
        repeated = tuple(axis for axis, size in enumerate(padded) if size == 1)
        return grad.sum(axis=repeated, keepdims=True).reshape(shape)


edited(
    "unbroadcast",
    "mean instead of sum",
    old="return grad.sum(axis=repeated, keepdims=True).reshape(shape)",
    new="return grad.mean(axis=repeated, keepdims=True).reshape(shape)",
    hint="This is what you get with the mean. An element that was used n times collects n contributions: the sum.",
    also=BROADCASTING,
)

ADD_VJPS = "(lambda g: unbroadcast(g, a.data.shape), lambda g: unbroadcast(g, b.data.shape))"
edited(
    "tensor_add",
    "broadcast not undone",
    old=ADD_VJPS,
    new="(lambda g: g, lambda g: g)",
    hint="This is what you get when both operands receive the whole cotangent. An operand that was broadcast gets the "
    "sum over the axes it was repeated on: unbroadcast.",
)
edited(
    "tensor_add",
    "only the second broadcast undone",
    old=ADD_VJPS,
    new="(lambda g: g, lambda g: unbroadcast(g, b.data.shape))",
    hint="This is what you get when only the second operand's broadcast is undone. The first may be the smaller one "
    "too.",
)
edited(
    "tensor_add",
    "bias summed over the first axis",
    old=ADD_VJPS,
    new="(lambda g: g, lambda g: g.sum(axis=0))",
    hint="This is what you get when the second operand is taken for a bias and summed over axis 0. Which axes were "
    "repeated depends on the shapes: unbroadcast finds them.",
)
edited(
    "tensor_add",
    "vjps of a product",
    old=ADD_VJPS,
    new="(lambda g: unbroadcast(g * b.data, a.data.shape), lambda g: unbroadcast(g * a.data, b.data.shape))",
    hint="This is what you get with the vjps of a product. Both partials of a sum are 1: the cotangent goes through "
    "as it is.",
)

edited(
    "tensor_matmul",
    "all axes transposed",
    old="unbroadcast(g @ b.data.swapaxes(-1, -2), a.data.shape)",
    new="unbroadcast(g @ b.data.T, a.data.shape)",
    hint="This is what you get with .T, which reverses all axes of a stack of matrices. Transpose the last two: "
    "swapaxes(-1, -2), or .mT.",
)
edited(
    "tensor_matmul",
    "not transposed",
    old="unbroadcast(g @ b.data.swapaxes(-1, -2), a.data.shape)",
    new="unbroadcast(g @ b.data, a.data.shape)",
    hint="This is what you get without the transpose; for square matrices the shapes don't tell. A's gradient is the "
    "cotangent times B transposed.",
)
edited(
    "tensor_matmul",
    "factors in the wrong order",
    old="unbroadcast(a.data.swapaxes(-1, -2) @ g, b.data.shape)",
    new="unbroadcast(g @ a.data.swapaxes(-1, -2), b.data.shape)",
    hint="This is what you get when the factors of B's gradient change places; for square matrices the shapes don't "
    "tell. It is A transposed times the cotangent.",
)
edited(
    "tensor_matmul",
    "stack not summed",
    old="lambda g: unbroadcast(a.data.swapaxes(-1, -2) @ g, b.data.shape)",
    new="lambda g: a.data.swapaxes(-1, -2) @ g",
    hint="This is what you get when the operand that was broadcast keeps a gradient for each matrix of the stack. It "
    "was used for all of them: unbroadcast sums.",
)

edited(
    "tensor_sum",
    "axis not put back",
    old="            g = np.expand_dims(g, axis)\n",
    new="            pass\n",
    hint="This is what you get when the summed axis isn't put back before the cotangent is broadcast: it is then "
    "repeated along the wrong axis, or doesn't fit at all. np.expand_dims puts it back.",
)
edited(
    "tensor_sum",
    "cotangent not repeated",
    old="return np.broadcast_to(g, a.data.shape)",
    new="return g",
    hint="This is what you get when the cotangent keeps the shape of the sum. Every element that was summed gets it: "
    "broadcast it to the shape of a.",
)
edited(
    "tensor_sum",
    "vjp of a mean",
    old="return np.broadcast_to(g, a.data.shape)",
    new="return np.broadcast_to(g, a.data.shape) * (max(g.size, 1) / a.data.size)",
    hint="This is what you get for a mean, whose cotangent is divided by the number of elements. A sum's isn't.",
)
edited(
    "tensor_sum",
    "axis put back twice",
    old="if axis is not None and not keepdims:",
    new="if axis is not None:",
    hint="This is what you get when the axis is put back although keepdims has kept it.",
)
edited(
    "tensor_sum",
    "last axis put back",
    old="g = np.expand_dims(g, axis)",
    new="g = np.expand_dims(g, -1 if isinstance(axis, int) else axis)",
    hint="This is what you get when the axis is put back at the end, whichever was summed. Put it where it was.",
)

edited(
    "tensor_views",
    "reshape not undone",
    old="(lambda g: g.reshape(a.data.shape),)",
    new="(lambda g: g,)",
    hint="This is what you get when the cotangent keeps the new shape. It goes back into the shape of a.",
)
edited(
    "tensor_views",
    "reshape undone by columns",
    old="(lambda g: g.reshape(a.data.shape),)",
    new='(lambda g: g.reshape(a.data.shape, order="F"),)',
    hint="This is what you get when the cotangent is put back column by column. The result was read row by row.",
)
edited(
    "tensor_views",
    "repeats overwrite",
    old="np.add.at(grad, key, g)",
    new="grad[key] = g",
    hint="This is what you get with grad[key] = g: an element that the key takes twice keeps only its last "
    "contribution. They add up: np.add.at.",
)
edited(
    "tensor_views",
    "repeats added once",
    old="np.add.at(grad, key, g)",
    new="grad[key] += g",
    hint="This is what you get with grad[key] += g: NumPy reads, adds and writes once for each place, however often "
    "the key names it. np.add.at adds every time.",
)
edited(
    "tensor_views",
    "float64 zeros",
    old="grad = np.zeros_like(a.data)\n        np.add",
    new="grad = np.zeros(a.data.shape)\n        np.add",
    hint="This is what you get with np.zeros, which makes float64 whatever the dtype of a. np.zeros_like keeps it.",
)

BACKWARD_SUM = "parent.grad = parent.grad + vjp(node.grad)"
edited(
    "tensor_backward",
    "overwrites",
    old=BACKWARD_SUM,
    new="parent.grad = vjp(node.grad)",
    hint="This is what you get when a cotangent is overwritten by its latest contribution. A Tensor that is used more "
    "than once gets the sum of them.",
)
edited(
    "tensor_backward",
    "from the leaves up",
    old="for node in reversed(order):\n        for parent, vjp",
    new="for node in order:\n        for parent, vjp",
    hint="This is what you get when the pass runs from the leaves to the root. Go through the order backwards.",
)
edited(
    "tensor_backward",
    "starts from ones",
    old="root.grad = cotangent",
    new="root.grad = np.ones_like(root.data)",
    hint="This is what you get when the pass starts from ones. It starts from the cotangent that was given.",
)


@mistake(
    "tensor_backward",
    hint="This is what you get when a contribution is stored as it came and the next one added to it in place: a vjp "
    "may have handed the same array to another node. Add into a new array.",
)
def adds_into_a_shared_array():
    def tensor_backward(root, cotangent):
        order = topological_order(root)  # noqa: F821
        for node in order:
            node.grad = None
        root.grad = cotangent
        for node in reversed(order):
            for parent, vjp in zip(node.parents, node.vjps, strict=True):
                share = vjp(node.grad)
                if parent.grad is None:
                    parent.grad = share
                else:
                    parent.grad += share


@mistake(
    "tensor_backward",
    hint="This is what you get when cotangents from an earlier call are still there and are added to. Start every "
    "Tensor from zeros.",
)
def keeps_old_cotangents():
    def tensor_backward(root, cotangent):
        order = topological_order(root)  # noqa: F821
        for node in order:
            if node.grad is None:
                node.grad = np.zeros_like(node.data)
        root.grad = cotangent
        for node in reversed(order):
            for parent, vjp in zip(node.parents, node.vjps, strict=True):
                parent.grad = parent.grad + vjp(node.grad)
