"""Classic mistakes in questions 11 and 12: custom functions, products with Jacobians and Hessians."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import edited, mistake

TORCH_SLOPE = "return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI - y)"
TF_SLOPE = "return dout * tf.exp(-x * x / 2 - LOG_SQRT_2PI - log_ndtr_tf(x))"

edited(
    "log_ndtr_torch",
    "upstream gradient forgotten",
    old=TORCH_SLOPE,
    new="return torch.exp(-x * x / 2 - LOG_SQRT_2PI - y)",
    hint="The gradient from above is forgotten: backward returns dout times the derivative (the chain rule).",
)
edited(
    "log_ndtr_torch",
    "derivative of the output",
    old=TORCH_SLOPE,
    new="return dout * torch.exp(-y * y / 2 - LOG_SQRT_2PI - y)",
    hint="The density is taken at the output y. It belongs to the input: φ(x).",
)
edited(
    "log_ndtr_torch",
    "density alone",
    old=TORCH_SLOPE,
    new="return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI)",
    hint="φ(x) is the derivative of Φ(x). The logarithm adds a division by Φ(x): subtract y in the exponent.",
)
edited(
    "log_ndtr_torch",
    "quotient that underflows",
    old=TORCH_SLOPE,
    new="return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI) / torch.special.ndtr(x)",
    hint="φ(x)/Φ(x) is 0/0 far to the left, as both underflow. Subtract the logarithms, then take one exp.",
)
edited(
    "log_ndtr_torch",
    "logarithm that underflows",
    old="y = torch.as_tensor(special.log_ndtr(x.detach().cpu().numpy()), device=x.device)",
    new="y = torch.log(torch.special.ndtr(x))",
    hint="Φ(x) underflows to 0 far to the left, and its logarithm is -inf. special.log_ndtr never forms Φ(x).",
)
edited(
    "log_ndtr_torch",
    "y as a constant",
    old=TORCH_SLOPE,
    new="return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI - y.detach())",
    hint="The second derivative takes y for a constant. Don't detach what the backward pass computes with.",
)
edited(
    "log_ndtr_torch",
    "slope as a constant",
    old=TORCH_SLOPE,
    new="return dout * torch.exp(-x * x / 2 - LOG_SQRT_2PI - y).detach()",
    hint="The slope is cut off the graph, so its own derivative is lost. Compute it with torch operations on the "
    "saved tensors, without detach or NumPy.",
)
edited(
    "log_ndtr_tf",
    "upstream gradient forgotten",
    old=TF_SLOPE,
    new="return tf.exp(-x * x / 2 - LOG_SQRT_2PI - log_ndtr_tf(x))",
    hint="The gradient from above is forgotten: return dout times the derivative (the chain rule).",
)
edited(
    "log_ndtr_tf",
    "y captured",
    old=TF_SLOPE,
    new="return dout * tf.exp(-x * x / 2 - LOG_SQRT_2PI - y)",
    hint="The second derivative takes the captured y for a constant. Call log_ndtr_tf(x) inside the gradient: it "
    "brings its own derivative.",
)
edited(
    "log_ndtr_tf",
    "density alone",
    old=TF_SLOPE,
    new="return dout * tf.exp(-x * x / 2 - LOG_SQRT_2PI)",
    hint="φ(x) is the derivative of Φ(x). The logarithm adds a division by Φ(x): subtract log Φ(x) in the exponent.",
)
edited(
    "log_ndtr_tf",
    "quotient that underflows",
    old=TF_SLOPE,
    new="return dout * tf.exp(-x * x / 2 - LOG_SQRT_2PI) / (tf.math.erfc(-x / 2**0.5) / 2)",
    hint="φ(x)/Φ(x) is 0/0 far to the left, as both underflow. Subtract the logarithms, then take one exp.",
)
edited(
    "log_ndtr_tf",
    "eager only",
    old="y = tf.ensure_shape(tf.numpy_function(special.log_ndtr, [x], x.dtype), x.shape)",
    new="y = tf.constant(special.log_ndtr(x.numpy()))",
    hint="x.numpy() exists only in eager mode. tf.numpy_function works in a graph as well.",
)
edited(
    "log_ndtr_tf",
    "shape forgotten",
    old="y = tf.ensure_shape(tf.numpy_function(special.log_ndtr, [x], x.dtype), x.shape)",
    new="y = tf.numpy_function(special.log_ndtr, [x], x.dtype)",
    hint="In a graph the result has no static shape, and the next layer can't be built. tf.ensure_shape(y, x.shape) "
    "restores it.",
)


@mistake(
    "jvp_torch",
    hint="This is the transposed product Jᵀv, which reverse mode gives at once. J v needs forward mode, or the VJP "
    "of the VJP.",
)
def transposed():
    def jvp_torch(f, x, v):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(f(x), x, v)[0]


@mistake(
    "jvp_torch",
    hint="J is built row by row: one backward pass for each output. The product alone costs a few evaluations of f.",
)
def whole_jacobian():
    def jvp_torch(f, x, v):
        jacobian = torch.autograd.functional.jacobian(f, x)
        return torch.tensordot(jacobian, v, dims=x.dim())


@mistake(
    "jvp_torch",
    hint="This is a difference quotient: right to about eight digits at best, and fewer in float32.",
)
def differences():
    def jvp_torch(f, x, v):
        return ((f(x + 1e-5 * v) - f(x - 1e-5 * v)) / 2e-5).detach()


@mistake(
    "jvp_torch",
    hint="The direction is all ones, whatever v is.",
)
def ones_for_v():
    def jvp_torch(f, x, v):
        x = x.detach().requires_grad_()
        y = f(x)
        u = torch.zeros_like(y, requires_grad=True)
        (vjp,) = torch.autograd.grad(y, x, u, create_graph=True)
        return torch.autograd.grad(vjp, u, torch.ones_like(v))[0]


@mistake(
    "hvp_torch",
    hint="H is built, one backward pass for each row of it. The gradient of <grad f, v> costs one backward pass in "
    "all.",
)
def whole_hessian():
    def hvp_torch(f, x, v):
        hessian = torch.autograd.functional.hessian(f, x)
        return torch.tensordot(hessian, v, dims=x.dim())


@mistake(
    "hvp_torch",
    hint="This is the gradient times v, element by element. H v is the gradient *of* <grad f, v>.",
)
def gradient_times_v():
    def hvp_torch(f, x, v):
        x = x.detach().requires_grad_()
        return torch.autograd.grad(f(x), x)[0] * v


@mistake(
    "hvp_torch",
    hint="This multiplies v by the row sums of H, which would be right for a diagonal H only. v belongs inside: "
    "differentiate <grad f, v>.",
)
def row_sums_times_v():
    def hvp_torch(f, x, v):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
        if not gradient.requires_grad:
            return torch.zeros_like(x)
        return torch.autograd.grad(gradient.sum(), x)[0] * v


@mistake(
    "hvp_torch",
    hint="A linear f has a constant gradient, with no graph to differentiate. Its H v is 0: catch that case.",
)
def linear_functions_forgotten():
    def hvp_torch(f, x, v):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
        return torch.autograd.grad(gradient, x, v)[0]


@mistake(
    "hvp_torch",
    hint="backward() adds to x.grad, so what was there before is part of the answer, and stays changed. "
    "torch.autograd.grad returns the gradient instead.",
)
def accumulated_in_grad():
    def hvp_torch(f, x, v):
        x.requires_grad_()
        (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
        if not gradient.requires_grad:
            return torch.zeros_like(x)
        (gradient * v).sum().backward()
        return x.grad


@mistake(
    "jvp_tf",
    hint="This is the transposed product Jᵀv, which a tape gives at once. J v needs forward mode, or the VJP of the "
    "VJP.",
)
def transposed_tf():
    def jvp_tf(f, x, v):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x, output_gradients=v)


@mistake(
    "jvp_tf",
    hint="The gradient of sum(f) times v, summed, is one number: how the sum of the outputs changes. J v has one "
    "number for each output.",
)
def change_of_the_sum():
    def jvp_tf(f, x, v):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tf.reduce_sum(tape.gradient(y, x) * v)


@mistake(
    "jvp_tf",
    hint="The direction is all ones, whatever v is.",
)
def ones_for_v_tf():
    def jvp_tf(f, x, v):
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(v)) as accumulator:
            y = f(x)
        return accumulator.jvp(y)


@mistake(
    "hvp_tf",
    hint="This is the gradient times v, element by element. H v is how the gradient changes along v.",
)
def gradient_times_v_tf():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = f(x)
        return tape.gradient(y, x) * v


@mistake(
    "hvp_tf",
    hint="This multiplies v by the row sums of H, which would be right for a diagonal H only. Give v to the outer "
    "derivative, as its direction or its output_gradients.",
)
def row_sums_times_v_tf():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x, unconnected_gradients="zero") * v


@mistake(
    "hvp_tf",
    hint="For a linear f the outer derivative is None: nothing connects the gradient with x. "
    'unconnected_gradients="zero" makes it 0.',
)
def linear_functions_forgotten_tf():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x, output_gradients=v)


@mistake(
    "hvp_tf",
    hint="The inner tape stands around the outer one's work, or outside of it: the gradient was taken where nothing "
    "recorded it. Take it inside of the outer block.",
)
def gradient_taken_outside():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
        gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x, output_gradients=v, unconnected_gradients="zero")
