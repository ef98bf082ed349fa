"""Checks of the two tapes: numbers (questions value_ops … value_backward), then arrays."""

import numpy as np
import pytest

from autograder import agree, hidden, question

# -- numbers ------------------------------------------------------------------------------------------------------


def partials_of(ns, operation, x, y, n):
    """Results, partials by x and partials by y of one operation, number by number."""
    operations = {
        "a * b": lambda a, b: a * b,
        "a * a": lambda a, b: a * a,
        "a * number": lambda a, b: a * n,
        "number * a": lambda a, b: n * a,
        "a ** n": lambda a, b: a**n,
        "a.exp()": lambda a, b: a.exp(),
        "a.tanh()": lambda a, b: a.tanh(),
        "a.relu()": lambda a, b: a.relu(),
    }
    results, partials = [], []
    for one, two in zip(x, y, strict=True):
        a, b = ns.Value(one), ns.Value(two)
        result = operations[operation](a, b)
        if not any(parent is a for parent in result.parents):
            raise ValueError("the result's parents should be the Values it was computed from")
        edges = list(zip(result.parents, result.partials, strict=True))
        results.append(result.data)
        partials.append([sum(partial for parent, partial in edges if parent is value) for value in (a, b)])
    return np.array(results, dtype=np.float64), np.array(partials, dtype=np.float64)


def compare_operation(student, reference, *case):
    names = ("the results", "the partials")
    agree(student.run(partials_of, *case), reference.run(partials_of, *case), names=names)


@question("value_ops")
@pytest.mark.parametrize("operation", ["a * b", "a * a", "a * number", "number * a", "a.exp()", "a.tanh()", "a.relu()"])
def test_operation(student, reference, data, operation):
    """The result and its partials"""
    count = data.size(4, 8)
    compare_operation(student, reference, operation, data.normal(count), data.normal(count), data.choice([3.5, -2.5]))


@question("value_ops")
@pytest.mark.parametrize("n", [2, 3, -1, -2, 0.5, 1.5])
def test_power(student, reference, data, n):
    """a ** n and its partial"""
    x = data.uniform(data.size(4, 8), low=0.5, high=2.0)
    if n == int(n):
        x[::2] *= -1
    compare_operation(student, reference, "a ** n", x, x, n)


@question("value_ops")
def test_relu_at_zero(student, reference, data):
    """relu at exactly 0 has the partial 0"""
    x = np.concatenate([np.zeros(1), data.uniform(2, low=0.1), -data.uniform(2, low=0.1)])
    compare_operation(student, reference, "a.relu()", x, x, 1)


@question("value_ops")
def test_large_tanh(student, reference, data):
    """tanh of large numbers is 1 or -1"""
    x = data.uniform(3, low=400.0, high=2000.0) * np.array([1.0, -1.0, 1.0])
    compare_operation(student, reference, "a.tanh()", x, x, 1)


@hidden
@question("value_ops")
@pytest.mark.parametrize("operation", ["a * b", "a.exp()", "a.relu()"])
def test_operation_at_any_scale(student, reference, data, operation):
    """Large and small numbers"""
    x = data.normal(6) * np.array([1e-4, 1e-2, 1.0, 3.0, 10.0, 30.0])
    compare_operation(student, reference, operation, x, data.normal(6, scale=100.0), 1)


def random_parents(data, count):
    """A random graph: for each node the earlier nodes it is made from, some of them twice."""
    parents = [[], []]
    for node in range(2, count):
        parents.append([int(data.integers(0, node)) for _ in range(data.size(1, 3))])
    return parents


def ladder(rungs):
    """Each node is made from the one before it, used twice: 2 ** rungs paths."""
    return [[], *([node, node] for node in range(rungs))]


def skips(count):
    """Each node is made from the two before it: short and long ways lead to every node."""
    return [[], [0], *([node - 2, node - 1] for node in range(2, count))]


def reachable(parents, root):
    """The nodes that `root` is made from, and `root`, in ascending order."""
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(parents[node])
    return sorted(found)


def graph(data, kind):
    """The parents of each node, and the root."""
    parents = {
        "random": lambda: random_parents(data, data.size(12, 18)),
        "a node used twice": lambda: ladder(data.size(4, 6)),
        "long and short ways": lambda: skips(data.size(6, 9)),
        "a long chain": lambda: [[], *([node] for node in range(data.size(120, 150)))],
        "one node": lambda: [[]],
    }[kind]()
    if kind == "random":
        # Everything flows into the root, but for the two nodes made after it.
        inner = len(parents)
        parents.append([int(node) for node in data.permutation(inner)])
        return [*parents, [inner], [0, 1]], inner
    return parents, len(parents) - 1


def order_of(ns, parents, root):
    """The numbers of the nodes in the list that topological_order gives; -1 for a node it made up."""
    nodes = []
    for mine in parents:
        nodes.append(ns.Value(0.5, tuple(nodes[parent] for parent in mine), tuple(1.0 for _ in mine)))
    numbers = {id(node): number for number, node in enumerate(nodes)}
    return [numbers.get(id(node), -1) for node in ns.topological_order(nodes[root])]


KINDS = ["random", "a node used twice", "long and short ways", "a long chain", "one node"]


@question("topological_order")
@pytest.mark.parametrize("kind", KINDS)
def test_order(student, data, kind):
    """Every node once, after all of its parents"""
    parents, root = graph(data, kind)
    order = student.run(order_of, parents, root)
    agree(sorted(order), reachable(parents, root), what="the set of nodes in the list (sorted, by number)")
    place = {node: at for at, node in enumerate(order)}
    early = [node for node in order if any(place[parent] > place[node] for parent in parents[node])]
    agree(len(early), 0, what="the number of nodes that stand before one of their parents")


@hidden
@question("topological_order")
@pytest.mark.parametrize("shape", ["dense", "wide"])
def test_order_of_large_graphs(student, data, shape):
    """Graphs with many edges"""
    count = data.size(25, 35)
    if shape == "dense":
        parents = [[int(node) for node in data.permutation(at)] for at in range(count // 3)]  # 2 ** 10 paths
    else:
        parents = [*([] for _ in range(count)), *([int(data.integers(0, count))] for _ in range(count))]
        parents.append([int(node) for node in data.permutation(2 * count)])
    order = student.run(order_of, parents, len(parents) - 1)
    agree(sorted(order), reachable(parents, len(parents) - 1), what="the set of nodes in the list (sorted, by number)")
    place = {node: at for at, node in enumerate(order)}
    early = [node for node in order if any(place[parent] > place[node] for parent in parents[node])]
    agree(len(early), 0, what="the number of nodes that stand before one of their parents")


def gradients_of(ns, parents, partials, root, wanted, calls, stale):
    """The gradients of the `wanted` nodes after `calls` calls of value_backward."""
    partials, nodes = iter(partials), []
    for mine in parents:
        nodes.append(ns.Value(0.5, tuple(nodes[parent] for parent in mine), tuple(next(partials) for _ in mine)))
    for node in nodes:
        node.grad = stale
    for _ in range(calls):
        ns.value_backward(nodes[root])
    return np.array([nodes[node].grad for node in wanted], dtype=np.float64)


def compare_gradients(student, reference, data, parents, root, calls=1, stale=0.0):
    partials = data.uniform(sum(map(len, parents)), low=0.5, high=1.0)
    partials *= data.rng.choice([-1.0, 1.0], partials.shape)
    case = (parents, partials, root, reachable(parents, root), calls, stale)
    agree(student.run(gradients_of, *case), reference.run(gradients_of, *case), what="the gradients, node by node,")


@question("value_backward")
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(student, reference, data, kind):
    """The gradient of every node"""
    compare_gradients(student, reference, data, *graph(data, kind))


@question("value_backward")
def test_backward_twice(student, reference, data):
    """Calling it twice gives the same as once"""
    compare_gradients(student, reference, data, *graph(data, "random"), calls=2)


@question("value_backward")
def test_stale_gradients(student, reference, data):
    """Gradients left over from something else count for nothing"""
    compare_gradients(student, reference, data, *graph(data, "random"), stale=7.0)


@hidden
@question("value_backward")
def test_gradients_of_a_dense_graph(student, reference, data):
    """A graph with many edges"""
    count = data.size(9, 12)
    parents = [[int(node) for node in data.permutation(at)] for at in range(count)]
    compare_gradients(student, reference, data, parents, count - 1, calls=data.choice([1, 3]), stale=-3.0)


# -- arrays -------------------------------------------------------------------------------------------------------


def positive(data, shape, dtype="float64"):
    """Numbers whose sum is large as well: where it nearly cancels, its rounding would be all that is compared."""
    return data.uniform(*shape, low=0.25, high=2.0, dtype=dtype)


def repeated_shapes(data, kind):
    """A shape, and a larger one that it broadcasts to."""
    n, m, k = data.size(2, 4), data.size(2, 4), data.size(2, 4)
    return {
        "new axes": ((k,), (n, m, k)),
        "stretched axes": ((n, 1, k), (n, m, k)),
        "both": ((m, 1), (n, m, k)),
        "to one number": ((), (n, m)),
        "all stretched": ((1, 1), (n, m)),
        "none": ((n, m), (n, m)),
        "an axis of size 1 that stays": ((1, k), (n, 1, k)),
        "an empty axis": ((1, k), (0, k)),
    }[kind]


@question("unbroadcast")
@pytest.mark.parametrize(
    "kind", ["new axes", "stretched axes", "both", "to one number", "all stretched", "none", "an empty axis"]
)
def test_unbroadcast(student, reference, data, kind):
    """Summed over what was repeated"""
    shape, large = repeated_shapes(data, kind)
    grad = positive(data, large)
    agree(student.unbroadcast(grad, shape), reference.unbroadcast(grad, shape))


@question("unbroadcast")
@pytest.mark.parametrize("kind", ["new axes", "both", "an axis of size 1 that stays"])
def test_unbroadcast_in_float32(student, reference, data, kind):
    """float32 stays float32"""
    shape, large = repeated_shapes(data, kind)
    grad = positive(data, large, "float32")
    agree(student.unbroadcast(grad, shape), reference.unbroadcast(grad, shape))


@hidden
@question("unbroadcast")
def test_unbroadcast_anything(student, reference, data):
    """Four axes, repeated in any way"""
    large = tuple(data.size(2, 3) for _ in range(4))
    shape = tuple(data.choice([1, size]) for size in large)[data.size(0, 2) :]
    grad = data.strided(positive(data, large))
    agree(student.unbroadcast(grad, shape), reference.unbroadcast(grad, shape))


def vjps_of(ns, function, operands, cotangent, arguments):
    """The result of one operation and each operand's share of the cotangent; an operand None repeats the first."""
    first = ns.Tensor(operands[0])
    tensors = [first if operand is None else ns.Tensor(operand) for operand in operands[1:]]
    result = getattr(ns, function)(first, *tensors, *arguments)
    before, shares = cotangent.copy(), []
    for tensor in (first, *tensors):
        mine = [vjp(cotangent) for parent, vjp in zip(result.parents, result.vjps, strict=True) if parent is tensor]
        if not mine:
            raise ValueError("the result's parents should be the Tensors it was computed from")
        shares.append(sum(mine[1:], mine[0]))
    if not np.array_equal(before, cotangent):
        raise ValueError("a vjp changes its cotangent in place; work on a copy")
    return result.data, shares


def compare_vjps(student, reference, data, function, operands, shape, *arguments, dtype="float64"):
    case = (function, operands, positive(data, shape, dtype), list(arguments))
    agree(student.run(vjps_of, *case), reference.run(vjps_of, *case), names=("the result", "the vjps"))


@question("tensor_add")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "kind", ["same shape", "matrix and bias", "bias and matrix", "column and row", "with a number"]
)
def test_add(student, reference, data, kind, dtype):
    """The sum and both vjps"""
    n, m = data.size(2, 5), data.size(2, 5)
    one, two = {
        "same shape": ((n, m), (n, m)),
        "matrix and bias": ((n, m), (m,)),
        "bias and matrix": ((m,), (n, m)),
        "column and row": ((n, 1), (1, m)),
        "with a number": ((n, m), ()),
    }[kind]
    operands = [data.normal(*one, dtype=dtype), data.normal(*two, dtype=dtype)]
    compare_vjps(student, reference, data, "tensor_add", operands, np.broadcast_shapes(one, two), dtype=dtype)


@hidden
@question("tensor_add")
def test_add_to_itself(student, reference, data):
    """A tensor added to itself"""
    shape = (data.size(2, 4), data.size(2, 4))
    compare_vjps(student, reference, data, "tensor_add", [data.normal(*shape), None], shape)


@question("tensor_matmul")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["matrices", "square", "stacks", "one stack", "broadcast stacks"])
def test_matmul(student, reference, data, kind, dtype):
    """The product and both vjps"""
    n, k, m, s, t = (data.size(2, 5) for _ in range(5))
    one, two, leading = {
        "matrices": ((n, k), (k, m), ()),
        "square": ((n, n), (n, n), ()),
        "stacks": ((s, n, k), (s, k, m), (s,)),
        "one stack": ((s, n, k), (k, m), (s,)),
        "broadcast stacks": ((t, 1, n, k), (s, k, m), (t, s)),
    }[kind]
    operands = [data.normal(*one, dtype=dtype), data.normal(*two, dtype=dtype)]
    shape = (*leading, one[-2], two[-1])
    compare_vjps(student, reference, data, "tensor_matmul", operands, shape, dtype=dtype)


@hidden
@question("tensor_matmul")
def test_matmul_with_itself(student, reference, data):
    """A stack of matrices squared"""
    s, n = data.size(2, 3), data.size(2, 4)
    compare_vjps(student, reference, data, "tensor_matmul", [data.normal(s, n, n), None], (s, n, n))


@question("tensor_sum")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("keepdims", [False, True], ids=["axes dropped", "keepdims"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2)], ids="axis={}".format)
def test_sum(student, reference, data, axis, keepdims, dtype):
    """The sum and its vjp"""
    n = data.size(2, 4)
    x = positive(data, (n, n, n), dtype)  # a cube: a cotangent on the wrong axis still fits
    shape = x.sum(axis=axis, keepdims=keepdims).shape
    compare_vjps(student, reference, data, "tensor_sum", [x], shape, axis, keepdims, dtype=dtype)


@hidden
@question("tensor_sum")
@pytest.mark.parametrize("axis", [None, 0, -2, (1, -1)], ids="axis={}".format)
def test_sum_of_uneven_shapes(student, reference, data, axis):
    """Other shapes"""
    x = data.strided(positive(data, (data.size(2, 3), 1, data.size(4, 6))))
    compare_vjps(student, reference, data, "tensor_sum", [x], x.sum(axis=axis).shape, axis)


@question("tensor_views")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["flat", "more axes", "other axes"])
def test_reshape(student, reference, data, kind, dtype):
    """reshape: the result and its vjp"""
    n, m = data.size(2, 4), data.size(2, 4)
    x = data.normal(2 * n, m, dtype=dtype)
    shape = {"flat": (-1,), "more axes": (n, 2, m), "other axes": (m, -1)}[kind]
    compare_vjps(student, reference, data, "tensor_reshape", [x], x.reshape(shape).shape, shape, dtype=dtype)


def key_of(data, kind, n, m):
    """A key for an array of shape (n, m)."""
    rows = data.integers(0, n, 6)
    rows[3:] = rows[:3]  # each of them taken twice
    return {
        "a row": lambda: data.size(0, n - 1),
        "a slice": lambda: (slice(1, None), slice(None, None, -2)),
        "a row many times": lambda: np.full(4, data.size(0, n - 1)),
        "rows, some of them twice": lambda: rows,
        "elements, some of them twice": lambda: (rows, np.tile(data.integers(0, m, 3), 2)),
        "a mask": lambda: data.normal(n, m) > 0,
        "a new axis": lambda: (Ellipsis, None, data.size(0, m - 1)),
    }[kind]()


@question("tensor_views")
@pytest.mark.parametrize(
    "kind", ["a row", "a slice", "rows, some of them twice", "elements, some of them twice", "a mask", "a new axis"]
)
def test_getitem(student, reference, data, kind):
    """getitem: the result and its vjp"""
    n, m = data.size(4, 6), data.size(3, 5)
    x, key = data.normal(n, m), key_of(data, kind, n, m)
    compare_vjps(student, reference, data, "tensor_getitem", [x], x[key].shape, key)


@hidden
@question("tensor_views")
@pytest.mark.parametrize("kind", ["a slice", "a row many times", "a mask"])
def test_getitem_in_float32(student, reference, data, kind):
    """getitem in float32"""
    n, m = data.size(4, 6), data.size(3, 5)
    x, key = data.strided(data.normal(n, m, dtype="float32")), key_of(data, kind, n, m)
    compare_vjps(student, reference, data, "tensor_getitem", [x], x[key].shape, key, dtype="float32")


def cotangents_of(ns, parents, matrices, leaves, root, cotangent, wanted, calls):
    """The cotangents of the `wanted` nodes, and whether the root's is as it was before.

    A node's data is the sum of (parent @ matrix), or of the parent itself where the matrix is None.
    """
    nodes = []
    for mine, maps, leaf in zip(parents, matrices, leaves, strict=True):
        data = leaf
        for parent, matrix in zip(mine, maps, strict=True):
            data = data + (nodes[parent].data if matrix is None else nodes[parent].data @ matrix)
        vjps = [(lambda g: g) if matrix is None else (lambda g, m=matrix: g @ m.T) for matrix in maps]
        nodes.append(ns.Tensor(data, tuple(nodes[parent] for parent in mine), tuple(vjps)))
    given = cotangent.copy()
    for _ in range(calls):
        ns.tensor_backward(nodes[root], given)
    return [nodes[node].grad for node in wanted], bool(np.array_equal(given, cotangent))


def compare_cotangents(student, reference, data, parents, root, *, same_width, dtype="float64", calls=1):
    rows = data.size(2, 3)
    width = data.size(2, 4)
    widths = [width if same_width else data.size(1, 4) for _ in parents]
    matrices = [
        [
            None if same_width and data.rng.random() < 0.5 else data.normal(widths[parent], widths[node], dtype=dtype)
            for parent in mine
        ]
        for node, mine in enumerate(parents)
    ]
    leaves = [data.normal(rows, widths[node], dtype=dtype) for node in range(len(parents))]
    cotangent = data.normal(rows, widths[root], dtype=dtype)
    case = (parents, matrices, leaves, root, cotangent, reachable(parents, root), calls)
    names = ("the cotangents, node by node,", "that the given cotangent is unchanged")
    agree(student.run(cotangents_of, *case), reference.run(cotangents_of, *case), names=names)


@question("tensor_backward")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["random", "a node used twice", "long and short ways", "one node"])
def test_cotangents(student, reference, data, kind, dtype):
    """The cotangent of every node"""
    if kind == "random":
        inner = data.size(6, 8)
        parents, root = [*random_parents(data, inner), [int(node) for node in data.permutation(inner)]], inner
    else:
        parents, root = graph(data, kind)
    compare_cotangents(student, reference, data, parents, root, same_width=False, dtype=dtype)


@question("tensor_backward")
@pytest.mark.parametrize("calls", [1, 2], ids=["called once", "called twice"])
def test_shared_cotangents(student, reference, data, calls):
    """Residual connections, x + f(x), whose vjps hand on the array that they got"""
    width, rows = data.size(2, 4), data.size(2, 3)
    parents, matrices = [[]], [[]]
    for _ in range(3):
        x = len(parents) - 1
        parents += [[x], [x, x + 1] if data.rng.random() < 0.5 else [x + 1, x]]
        matrices += [[data.normal(width, width)], [None, None]]
    leaves = [data.normal(rows, width) for _ in parents]
    cotangent, root = data.normal(rows, width), len(parents) - 1
    case = (parents, matrices, leaves, root, cotangent, reachable(parents, root), calls)
    names = ("the cotangents, node by node,", "that the given cotangent is unchanged")
    agree(student.run(cotangents_of, *case), reference.run(cotangents_of, *case), names=names)


@hidden
@question("tensor_backward")
def test_cotangents_with_shared_arrays(student, reference, data):
    """A graph with many edges, half of which hand on the array that they got"""
    inner = data.size(7, 9)
    parents = [*random_parents(data, inner), [int(node) for node in data.permutation(inner)]]
    compare_cotangents(student, reference, data, parents, inner, same_width=True, calls=2)
