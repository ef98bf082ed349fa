"""What the wall's functions must do. SECRET-OF-THE-CHECKS: no submission may ever get to see this line."""

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
    x = data.tensor(data.normal(data.size(4, 8), data.size(2, 3)))
    agree(student.center(x), reference.center(x))


@hidden
@question("center")
def test_one_row(student, reference, data):
    """a single row becomes zeros"""
    x = data.tensor(data.normal(1, 3))
    agree(student.center(x), reference.center(x))


@question("running")
def test_mean(student, reference, data):
    """the mean of three numbers, one after the other"""
    mine, theirs = student.Running(), reference.Running()
    for _ in range(3):
        x = float(data.normal())
        agree(mine.add(x), theirs.add(x))
    assert len(mine) == 3, "three numbers were added"
