"""Question 7: sliding windows, and the convolution made of them, forward and backward."""

import pytest

from autograder import agree, hidden, question

GEOMETRY = [
    pytest.param((3, 2), (1, 1), (1, 1), id="a kernel of 3 by 2"),
    pytest.param((2, 3), (3, 2), (1, 1), id="stride (3, 2)"),
    pytest.param((3, 2), (1, 1), (2, 3), id="dilation (2, 3)"),
    pytest.param((2, 3), (2, 3), (3, 2), id="stride (2, 3) with dilation (3, 2)"),
]

# stride, padding, dilation, groups, channels in and out of a group
LAYERS = [
    pytest.param((1, 1), (0, 0), (1, 1), 1, (3, 4), id="plain"),
    pytest.param((3, 2), (0, 0), (1, 1), 1, (2, 3), id="a stride that leaves pixels over"),
    pytest.param((1, 2), (2, 1), (1, 1), 1, (2, 3), id="padding"),
    pytest.param((1, 1), (1, 2), (2, 3), 1, (2, 2), id="dilation"),
    pytest.param((1, 1), (0, 1), (1, 1), 3, (2, 2), id="three groups"),
    pytest.param((2, 1), (1, 2), (2, 2), 2, (3, 2), id="everything at once"),
]


def layer(data, kernel, groups, channels, dtype="float64"):
    """x, w and b of a convolution with a batch and an image of the seed's size."""
    into, out = channels
    x = data.normal(data.size(2, 3), groups * into, data.size(8, 11), data.size(9, 12), dtype=dtype)
    w = data.normal(groups * out, into, *kernel, dtype=dtype)
    return x, w, data.normal(groups * out, dtype=dtype)


def add_to_one_tap(ns, x, size, stride, dilation, tap):
    windows = ns.sliding_windows(x, size, stride, dilation)
    windows[(..., *tap)] += 1
    return x


@question("sliding_windows")
@pytest.mark.parametrize(("size", "stride", "dilation"), GEOMETRY)
def test_windows(student, reference, data, size, stride, dilation):
    """every tap of every window"""
    x = data.normal(data.size(1, 3), data.size(1, 3), data.size(8, 11), data.size(9, 12))
    agree(student.sliding_windows(x, size, stride, dilation), reference.sliding_windows(x, size, stride, dilation))


@question("sliding_windows")
def test_windows_are_a_view(student, reference, data):
    """what is written into a window stands in the image"""
    x = data.normal(2, 2, data.size(6, 9), data.size(6, 9))
    args = (x, (2, 3), (1, 2), (2, 1), (1, data.size(0, 2)))
    agree(student.run(add_to_one_tap, *args), reference.run(add_to_one_tap, *args), what="x after adding to one tap")


@question("conv2d_forward")
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups", "channels"), LAYERS)
def test_output(student, reference, data, stride, padding, dilation, groups, channels):
    """the output for kernels of 3 by 2"""
    args = (*layer(data, (3, 2), groups, channels), stride, padding, dilation, groups)
    out, _ = student.conv2d_forward(*args)
    expected, _ = reference.conv2d_forward(*args)
    agree(out, expected, what="out")


@question("conv2d_forward")
def test_output_in_float32(student, reference, data):
    """float32 in, float32 out; the settings left at their defaults"""
    x, w, b = layer(data, (2, 3), 1, (8, 5), "float32")
    out, _ = student.conv2d_forward(x, w, b)
    expected, _ = reference.conv2d_forward(x, w, b)
    agree(out, expected, what="out")


def compare_gradients(student, reference, data, args, dtype="float64"):
    out, expected_cache = reference.conv2d_forward(*args)
    dout = data.normal(*out.shape, dtype=dtype)
    _, cache = student.conv2d_forward(*args)
    agree(
        student.conv2d_backward(dout, cache), reference.conv2d_backward(dout, expected_cache), names=("dx", "dw", "db")
    )


@question("conv2d_backward")
@pytest.mark.parametrize(("stride", "padding", "dilation", "groups", "channels"), LAYERS)
def test_gradients(student, reference, data, stride, padding, dilation, groups, channels):
    """dx, dw and db for kernels of 3 by 2"""
    args = (*layer(data, (3, 2), groups, channels), stride, padding, dilation, groups)
    compare_gradients(student, reference, data, args)


@question("conv2d_backward")
def test_gradients_in_float32(student, reference, data):
    """float32 in, float32 out; the settings left at their defaults"""
    compare_gradients(student, reference, data, layer(data, (2, 3), 1, (8, 5), "float32"), "float32")
