"""Other right answers to questions 11 and 12: custom functions, products with Jacobians and Hessians."""
# ruff: noqa: F821 - the definitions take the reference's place and see its names

from autograder import alternative


@alternative("log_ndtr_torch")
def by_the_library():
    def log_ndtr_torch(x):
        return torch.special.log_ndtr(x)


@alternative("log_ndtr_torch")
def by_a_function_for_the_slope():
    class LogNdtr(torch.autograd.Function):
        class Slope(torch.autograd.Function):
            """h(x) = sqrt(2 / pi) / erfcx(-x / sqrt(2)), whose derivative is -h (x + h)."""

            @staticmethod
            def forward(ctx, x):
                array = x.detach().cpu().numpy()
                ctx.save_for_backward(x)
                slope = (2 / np.pi) ** 0.5 / special.erfcx(-array / 2**0.5)
                return torch.as_tensor(np.asarray(slope, array.dtype), device=x.device)

            @staticmethod
            def backward(ctx, dout):
                (x,) = ctx.saved_tensors
                slope = LogNdtr.Slope.apply(x)
                return -dout * slope * (x + slope)

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.as_tensor(special.log_ndtr(x.detach().cpu().numpy()), device=x.device)

        @staticmethod
        def backward(ctx, dout):
            return dout * LogNdtr.Slope.apply(*ctx.saved_tensors)


@alternative("log_ndtr_tf")
def by_a_function_for_the_slope_tf():
    @tf.custom_gradient
    def log_ndtr_tf(x):
        def compute(array):
            return np.asarray((2 / np.pi) ** 0.5 / special.erfcx(-array / 2**0.5), array.dtype)

        @tf.custom_gradient
        def slope_of(x):
            slope = tf.numpy_function(compute, [x], x.dtype)
            slope.set_shape(x.shape)
            return slope, lambda dout: -dout * slope_of(x) * (x + slope_of(x))

        y = tf.numpy_function(special.log_ndtr, [x], x.dtype)
        y.set_shape(x.shape)
        return y, lambda dout: dout * slope_of(x)


@alternative("log_ndtr_tf")
def by_py_function():
    @tf.custom_gradient
    def log_ndtr_tf(x):
        y = tf.py_function(lambda x: tf.constant(special.log_ndtr(x.numpy())), [x], x.dtype)

        def gradient(dout):
            log_density = -tf.square(x) / 2 - tf.constant(np.log(2 * np.pi) / 2, x.dtype)
            return tf.multiply(dout, tf.exp(log_density - log_ndtr_tf(x)))

        return tf.reshape(y, x.shape), gradient


@alternative("jvp_torch")
def by_forward_mode():
    def jvp_torch(f, x, v):
        return torch.func.jvp(f, (x.detach(),), (v.detach(),))[1]


@alternative("jvp_torch")
def by_dual_numbers():
    def jvp_torch(f, x, v):
        import torch.autograd.forward_ad as forward_ad

        with forward_ad.dual_level():
            return forward_ad.unpack_dual(f(forward_ad.make_dual(x.detach(), v.detach()))).tangent


@alternative("hvp_torch")
def forward_over_reverse():
    def hvp_torch(f, x, v):
        return torch.func.jvp(torch.func.grad(f), (x.detach(),), (v.detach(),))[1]


@alternative("hvp_torch")
def by_the_gradient_of_a_product():
    def hvp_torch(f, x, v):
        x = x.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
        product = (gradient * v).sum() + 0 * x.sum()
        return torch.autograd.grad(product, x)[0]


@alternative("hvp_torch")
def by_torch_autograd_functional():
    def hvp_torch(f, x, v):
        return torch.autograd.functional.hvp(f, x.detach(), v)[1]


@alternative("jvp_tf")
def by_the_vjp_of_the_vjp():
    def jvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            u = tf.zeros_like(y)
            outer.watch(u)
            vjp = inner.gradient(y, x, output_gradients=u)
        return outer.gradient(vjp, u, output_gradients=v)


@alternative("hvp_tf")
def by_two_tapes():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            gradient = inner.gradient(y, x)
        return outer.gradient(gradient, x, output_gradients=v, unconnected_gradients="zero")


@alternative("hvp_tf")
def by_the_gradient_of_a_product_tf():
    def hvp_tf(f, x, v):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = f(x)
            product = tf.reduce_sum(inner.gradient(y, x) * v)
        result = outer.gradient(product, x)
        return tf.zeros_like(x) if result is None else result
