import pytest

from autograder import agree, hidden, question


@question("double")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_twice(student, reference, data, dtype):
    """every element, in the dtype of x"""
    x = data.normal(data.size(3, 7), dtype=dtype)
    agree(student.double(x), reference.double(x), what="2x")


@question("center")
def test_centered(student, reference, data):
    """each column loses its own mean"""
    x = data.normal(data.size(4, 8), data.size(2, 3))
    agree(student.center(x), reference.center(x))
