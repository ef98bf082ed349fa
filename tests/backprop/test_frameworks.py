"""Questions 11 and 12: a SciPy function made differentiable, and products with Jacobians and Hessians."""

import pytest

from autograder import agree, hidden, question

# The derivatives are an exp of a difference of numbers near x²/2, up to 1000 in float64 and 40 in float32, and the
# second one multiplies that by x again: honest ways to write them differ by so many units in the last place.
ROOM = {"float64": 1e-11, "float32": 1e-4}

MAX_COST = 12.0  # evaluations of f, by floating-point operations: a Hessian-vector product takes about 4 to 6


def arguments(data, dtype, low, *shape):
    """Points on both sides of 0, and a cotangent."""
    return data.uniform(*shape, low=low, high=4.0, dtype=dtype), data.normal(*shape, dtype=dtype)


# log Φ in PyTorch


def second_derivative_torch(ns, x, dout, v):
    import torch

    point = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(ns.log_ndtr_torch(point), point, dout, create_graph=True)
    return torch.autograd.grad(slope, point, v)[0]


def third_derivative_torch(ns, x, v):
    import torch

    point = x.detach().requires_grad_()
    derivative = ns.log_ndtr_torch(point)
    for _ in range(3):
        (derivative,) = torch.autograd.grad(derivative.sum(), point, create_graph=True)
    return (derivative * v).detach()


@question("log_ndtr_torch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_value_torch(student, reference, data, dtype):
    """the values, far into the left tail"""
    x = data.torch(data.uniform(data.size(3, 5), data.size(6, 9), low=-50.0, high=6.0, dtype=dtype))
    agree(student.log_ndtr_torch(x), reference.log_ndtr_torch(x), what="y")


@question("log_ndtr_torch")
@pytest.mark.parametrize(("dtype", "low"), [("float64", -45.0), ("float64", -3.0), ("float32", -9.0)])
def test_gradient_torch(student, reference, data, dtype, low):
    """the gradient under a random upstream gradient"""
    x, dout = map(data.torch, arguments(data, dtype, low, data.size(6, 8), data.size(8, 10)))
    dx, expected = student.grad("log_ndtr_torch", (x,), (dout,)), reference.grad("log_ndtr_torch", (x,), (dout,))
    agree(dx, expected, names=("dx",), rtol=ROOM[dtype])


@question("log_ndtr_torch")
@pytest.mark.parametrize("low", [-6.0, -2.0])
def test_second_derivative_torch(student, reference, data, low):
    """the second derivative, by backward through backward"""
    x, dout = map(data.torch, arguments(data, "float64", low, data.size(40, 60)))
    v = data.torch(data.normal(*x.shape))
    agree(
        student.run(second_derivative_torch, x, dout, v),
        reference.run(second_derivative_torch, x, dout, v),
        what="the second derivative",
        rtol=ROOM["float64"],
    )


@hidden
@question("log_ndtr_torch")
def test_third_derivative_torch(student, reference, data):
    """the third derivative, in a tensor that isn't contiguous"""
    x, v = map(data.torch, arguments(data, "float64", -3.0, data.size(5, 7), data.size(8, 10)))
    x, v = x.T, v.T
    agree(
        student.run(third_derivative_torch, x, v),
        reference.run(third_derivative_torch, x, v),
        what="the third derivative",
        rtol=ROOM["float64"],
    )


@hidden
@question("log_ndtr_torch")
def test_one_number_torch(student, reference, data):
    """a tensor with no dimension, in float32"""
    x, dout = map(data.torch, arguments(data, "float32", -5.0))
    agree(student.log_ndtr_torch(x), reference.log_ndtr_torch(x), what="y")
    dx, expected = student.grad("log_ndtr_torch", (x,), (dout,)), reference.grad("log_ndtr_torch", (x,), (dout,))
    agree(dx, expected, names=("dx",), rtol=ROOM["float32"])


# log Φ in TensorFlow


def second_derivative_tf(ns, x, dout, v):
    import tensorflow as tf

    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = ns.log_ndtr_tf(x)
        slope = inner.gradient(y, x, output_gradients=dout)
    return outer.gradient(slope, x, output_gradients=v)


def traced_tf(ns, x, dout):
    import tensorflow as tf

    shapes = []

    def run(point):
        with tf.GradientTape() as first:
            first.watch(point)
            y = ns.log_ndtr_tf(point)
        shapes.append(None if y.shape.rank is None else tuple(y.shape))
        return y, first.gradient(y, point, output_gradients=dout)

    y, dx = tf.function(run, autograph=False)(x)
    return y, dx, shapes[0]


@question("log_ndtr_tf")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_value_tf(student, reference, data, dtype):
    """the values, far into the left tail"""
    x = data.tf(data.uniform(data.size(3, 5), data.size(6, 9), low=-50.0, high=6.0, dtype=dtype))
    agree(student.log_ndtr_tf(x), reference.log_ndtr_tf(x), what="y")


@question("log_ndtr_tf")
@pytest.mark.parametrize(("dtype", "low"), [("float64", -45.0), ("float64", -3.0), ("float32", -9.0)])
def test_gradient_tf(student, reference, data, dtype, low):
    """the gradient under a random upstream gradient"""
    x, dout = map(data.tf, arguments(data, dtype, low, data.size(6, 8), data.size(8, 10)))
    dx, expected = student.grad("log_ndtr_tf", (x,), (dout,)), reference.grad("log_ndtr_tf", (x,), (dout,))
    agree(dx, expected, names=("dx",), rtol=ROOM[dtype])


@question("log_ndtr_tf")
@pytest.mark.parametrize("low", [-6.0, -2.0])
def test_second_derivative_tf(student, reference, data, low):
    """the second derivative, by a tape around a tape"""
    x, dout = map(data.tf, arguments(data, "float64", low, data.size(40, 60)))
    v = data.tf(data.normal(*x.shape))
    agree(
        student.run(second_derivative_tf, x, dout, v),
        reference.run(second_derivative_tf, x, dout, v),
        what="the second derivative",
        rtol=ROOM["float64"],
    )


@question("log_ndtr_tf")
def test_in_a_function(student, reference, data):
    """in tf.function: the value, the gradient and the static shape"""
    x, dout = map(data.tf, arguments(data, "float64", -5.0, data.size(2, 4), data.size(3, 5)))
    agree(
        student.run(traced_tf, x, dout),
        reference.run(traced_tf, x, dout),
        names=("y", "dx", "the static shape of y"),
        rtol=ROOM["float64"],
    )


@hidden
@question("log_ndtr_tf")
def test_one_number_tf(student, reference, data):
    """a tensor with no dimension, in float32"""
    x, dout = map(data.tf, arguments(data, "float32", -5.0))
    agree(student.log_ndtr_tf(x), reference.log_ndtr_tf(x), what="y")
    dx, expected = student.grad("log_ndtr_tf", (x,), (dout,)), reference.grad("log_ndtr_tf", (x,), (dout,))
    agree(dx, expected, names=("dx",), rtol=ROOM["float32"])


# Products. The functions live over there, so each driver brings its own.


def jvp_torch(ns, kind, a, x, v):
    import torch

    functions = {
        "a layer": lambda x: torch.tanh(a @ x),
        "coupled": lambda x: torch.sin(a @ x) * torch.exp(x.mean()),
        "of a matrix": lambda x: (torch.tanh(a @ x) * torch.arange(1, x.shape[1] + 1, device=x.device)).sum(1),
    }
    return ns.jvp_torch(functions[kind], x, v)


def jvp_tf(ns, kind, a, x, v):
    import tensorflow as tf

    def apply(x):
        return tf.linalg.matvec(a, x) if len(x.shape) == 1 else a @ x

    functions = {
        "a layer": lambda x: tf.tanh(apply(x)),
        "coupled": lambda x: tf.sin(apply(x)) * tf.exp(tf.reduce_mean(x)),
        "of a matrix": lambda x: tf.reduce_sum(tf.tanh(apply(x)) * tf.range(1, x.shape[1] + 1, dtype=x.dtype), axis=1),
    }
    return ns.jvp_tf(functions[kind], x, v)


def hvp_torch(ns, kind, a, x, v):
    import torch

    functions = {
        "logsumexp": lambda x: torch.logsumexp(a @ x, 0) + (x**3).sum(),
        "of a matrix": lambda x: (torch.tanh(a @ x) ** 2).sum() * x[0].sum(),
        "linear": lambda x: (a[0] * x).sum(),
    }
    return ns.hvp_torch(functions[kind], x, v)


def hvp_tf(ns, kind, a, x, v):
    import tensorflow as tf

    functions = {
        "logsumexp": lambda x: tf.reduce_logsumexp(tf.linalg.matvec(a, x)) + tf.reduce_sum(x**3),
        "of a matrix": lambda x: tf.reduce_sum(tf.tanh(a @ x) ** 2) * tf.reduce_sum(x[0]),
        "linear": lambda x: tf.reduce_sum(a[0] * x),
    }
    return ns.hvp_tf(functions[kind], x, v)


def cost_torch(ns, product, w, x, v):
    """Floating-point operations of one product, in evaluations of f."""
    from torch.utils.flop_counter import FlopCounterMode

    def f(x):
        y = (x @ w).tanh() @ w.T
        return y if product == "jvp_torch" else (y**2).sum()

    counts = []
    for job in (lambda: f(x), lambda: getattr(ns, product)(f, x, v)):
        with FlopCounterMode(display=False) as counter:
            job()
        counts.append(counter.get_total_flops())
    return counts[1] / counts[0]


def twice_torch(ns, product, x, v):
    """Two products in a row, at a leaf that has a gradient already, and that gradient afterwards."""

    def f(x):
        y = x.sin().cumsum(0) * x
        return y if product == "jvp_torch" else y.sum()

    x = x.detach().clone().requires_grad_()
    x.grad = v.clone()
    products = [getattr(ns, product)(f, x, v).detach() for _ in range(2)]
    return *products, x.grad


def problem(data, kind, dtype="float64"):
    """a, x and v for the functions above; "coupled" has a square Jacobian."""
    sizes = data.shared(kind)  # one for all cases: TensorFlow's forward mode traces every operation anew for each shape
    n = sizes.size(3, 6)
    m = n if kind == "coupled" else n + sizes.size(1, 3)
    shape = (n, sizes.size(2, 4)) if kind == "of a matrix" else (n,)
    return data.normal(m, n, dtype=dtype), data.normal(*shape, dtype=dtype), data.normal(*shape, dtype=dtype)


def compare_cost(student, data, product):
    n = data.size(60, 80)
    w, x, v = (data.torch(data.normal(*shape)) for shape in ((n, 2), (2, n), (2, n)))
    cost = student.run(cost_torch, product, w, x, v)
    # A matrix built column by column, or by vmap, costs at least n evaluations.
    assert cost < MAX_COST, (
        f"{product} takes the operations of {cost:.0f} evaluations of f, expected are fewer than {MAX_COST:.0f}: "
        "don't build the matrix"
    )


def compare_twice(student, reference, data, product):
    n = data.size(4, 7)
    args = (product, data.torch(data.normal(n)), data.torch(data.normal(n)))
    names = ("the product", "the product, a second time", "x.grad, which was there before")
    agree(student.run(twice_torch, *args), reference.run(twice_torch, *args), names=names)


@question("jvp_torch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["a layer", "coupled", "of a matrix"])
def test_jvp_torch(student, reference, data, kind, dtype):
    """J v of a function"""
    args = (kind, *map(data.torch, problem(data, kind, dtype)))
    agree(student.run(jvp_torch, *args), reference.run(jvp_torch, *args), what="J v")


@question("jvp_torch")
def test_cost_of_jvp_torch(student, data):
    """no Jacobian is built"""
    compare_cost(student, data, "jvp_torch")


@hidden
@question("jvp_torch")
def test_jvp_at_a_leaf(student, reference, data):
    """twice at a leaf that has a gradient"""
    compare_twice(student, reference, data, "jvp_torch")


@question("hvp_torch")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", ["logsumexp", "of a matrix", "linear"])
def test_hvp_torch(student, reference, data, kind, dtype):
    """H v of a function"""
    args = (kind, *map(data.torch, problem(data, kind, dtype)))
    agree(student.run(hvp_torch, *args), reference.run(hvp_torch, *args), what="H v")


@question("hvp_torch")
def test_cost_of_hvp_torch(student, data):
    """no Hessian is built"""
    compare_cost(student, data, "hvp_torch")


@question("hvp_torch")
def test_hvp_at_a_leaf(student, reference, data):
    """twice at a leaf that has a gradient"""
    compare_twice(student, reference, data, "hvp_torch")


@hidden
@question("hvp_torch")
def test_hvp_of_large_steps(student, reference, data):
    """a direction so long that differences of gradients go wrong, and x not contiguous"""
    a, x, v = problem(data, "of a matrix")
    args = ("of a matrix", data.torch(a), data.torch(x.T).T, data.torch(100 * v))
    agree(student.run(hvp_torch, *args), reference.run(hvp_torch, *args), what="H v")


@question("jvp_tf")
@pytest.mark.parametrize(
    ("kind", "dtype"),  # TensorFlow traces forward mode anew for every shape and dtype: a second each
    [("a layer", "float32"), ("a layer", "float64"), ("coupled", "float64"), ("of a matrix", "float64")],
)
def test_jvp_tf(student, reference, data, kind, dtype):
    """J v of a function"""
    args = (kind, *map(data.tf, problem(data, kind, dtype)))
    agree(student.run(jvp_tf, *args), reference.run(jvp_tf, *args), what="J v")


@hidden
@question("jvp_tf")
def test_jvp_along_zero(student, reference, data):
    """a direction in which most of x stands still"""
    a, x, v = problem(data, "coupled")
    v[1:] = 0
    args = ("coupled", *map(data.tf, (a, x, v)))
    agree(student.run(jvp_tf, *args), reference.run(jvp_tf, *args), what="J v")


@question("hvp_tf")
@pytest.mark.parametrize(
    ("kind", "dtype"),  # TensorFlow traces forward mode anew for every shape and dtype: a second each
    [("linear", "float32"), ("linear", "float64"), ("logsumexp", "float64"), ("of a matrix", "float64")],
)
def test_hvp_tf(student, reference, data, kind, dtype):
    """H v of a function"""
    args = (kind, *map(data.tf, problem(data, kind, dtype)))
    agree(student.run(hvp_tf, *args), reference.run(hvp_tf, *args), what="H v")


@hidden
@question("hvp_tf")
def test_hvp_of_large_steps_tf(student, reference, data):
    """a direction so long that differences of gradients go wrong"""
    a, x, v = problem(data, "logsumexp")
    args = ("logsumexp", *map(data.tf, (a, x, 100 * v)))
    agree(student.run(hvp_tf, *args), reference.run(hvp_tf, *args), what="H v")
