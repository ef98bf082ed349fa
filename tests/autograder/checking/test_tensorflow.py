"""TensorFlow's tensors as answers, in one process because importing it takes long."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from autograder import agree
from autograder.checking.compare import Disagreement
from autograder.checking.data import Data
from autograder.checking.diagnose import same
from autograder.checking.reference import LiveReference
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.student import Namespace, StudentSession
from autograder.values import DTYPES, decode, dtype_name, encode, kind_of, to_numpy

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.xdist_group("tensorflow")


def student(**names: Any) -> Namespace:
    return Namespace(StudentSession(LiveTransport(names)))


@pytest.mark.parametrize("dtype", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_a_tensor_of_each_dtype_comes_out_as_it_went_in(dtype: str, shape: tuple[int, ...]) -> None:
    tensor = tf.cast(tf.reshape(tf.range(math.prod(shape)), shape), dtype)
    got = decode(*encode(tensor))
    assert (kind_of(got), dtype_name(got), got.shape) == ("tensorflow", dtype, tensor.shape)
    assert np.array_equal(to_numpy(got), to_numpy(tensor))


def test_a_variable_is_its_tensor_and_a_tensor_of_words_is_no_plain_data() -> None:
    assert decode(*encode(tf.Variable([1.0]))).numpy().tolist() == [1.0]
    assert type(student(words=tf.constant(["a"])).words).__name__ == "Remote"


def test_a_tensor_agrees_with_its_like_only() -> None:
    import torch

    right = tf.constant([1.0, 2.0])
    agree(student(f=lambda: right).f(), right)
    for wrong in (
        np.ones(2, "f") * [1, 2], torch.tensor([1.0, 2.0]), tf.constant([1.0, 2.1]), tf.constant([1.0]),
        tf.constant([1.0, 2.0], tf.float64), tf.constant([1.0, 2.0], tf.bfloat16), [1.0, 2.0],
    ):  # fmt: skip
        with pytest.raises(Disagreement):
            agree(wrong, right)
    assert same(right, tf.constant([1.0, 2.0]))
    assert not same(right, np.array([1.0, 2.0], "f"))


def test_the_partner_of_a_float32_tensor_is_float64() -> None:
    data = Data(1, "case")
    x = data.tf(data.normal(50, dtype="float32"))
    got = Namespace(LiveReference({"third": lambda x: x / 3})).third(x)
    assert dtype_name(got.value) == "float32"
    assert 0 < got.errors[0] < 2.0**-23
    agree(x / 3, got)


def test_gradients_are_vector_jacobian_products_and_none_where_there_is_none() -> None:
    ns = student(
        f=lambda x, y: (x * y, 2 * x), lonely=lambda x, y: 3 * x, lookup=lambda table, ids: tf.gather(table, ids)
    )
    x, y = tf.constant([1.0, 2.0]), tf.constant([3.0, 4.0])
    dx, dy = ns.grad("f", (x, y), (tf.constant([1.0, 10.0]), tf.constant([5.0, 5.0])), wrt=(0, 1))
    assert (dx.numpy().tolist(), dy.numpy().tolist()) == ([13, 50], [1, 20])
    dx, dy = ns.grad("lonely", (x, y), (x,), wrt=(0, 1))
    assert (dx.numpy().tolist(), dy) == ([3, 6], None)
    (dtable,) = ns.grad("lookup", (tf.zeros((3, 1)), tf.constant([2, 0, 2])), (tf.ones((3, 1)),))
    assert (kind_of(dtable), dtable.numpy().tolist()) == ("tensorflow", [[1], [0], [2]])
