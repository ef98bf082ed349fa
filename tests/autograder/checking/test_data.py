"""Inputs: the same for the same seed and case, and for no other; exact in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.checking.data import Data
from autograder.values import decode, encode

DRAWS: list[Callable[[Data], Any]] = [
    lambda data: data.normal(3, 4),
    lambda data: data.normal(5, scale=3.0, dtype="float32"),
    lambda data: data.uniform(3, 4, low=-2, high=5),
    lambda data: data.integers(0, 1000, 6),
    lambda data: data.permutation(20),
    lambda data: [data.size(0, 1000) for _ in range(3)],
    lambda data: [data.choice(range(1000)) for _ in range(3)],
]


@pytest.mark.parametrize("draw", DRAWS)
def test_the_same_seed_and_case_draw_the_same_and_others_do_not(draw: Callable[[Data], Any]) -> None:
    def drawn(seed: int, case: str) -> Any:
        return np.asarray(draw(Data(seed, case))).tolist()

    assert drawn(1, "q::test_a") == drawn(1, "q::test_a")
    assert drawn(1, "q::test_a") != drawn(1, "q::test_b")
    assert drawn(1, "q::test_a") != drawn(2, "q::test_a")


def test_the_draws_of_a_seed_are_those_of_every_machine() -> None:
    assert Data(7, "case").integers(0, 1000, 4).tolist() == [746, 550, 565, 195]


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_floating_numbers_are_exact_in_float32(dtype: str) -> None:
    data = Data(1, "exact")
    for numbers in (data.normal(99, scale=1e3, dtype=dtype), data.uniform(99, low=-7.3, high=9.1, dtype=dtype)):
        assert numbers.dtype == dtype
        assert np.array_equal(numbers.astype(np.float32).astype(dtype), numbers)
        assert len(np.unique(numbers)) > 90


@settings(deadline=None)
@given(
    st.integers(0, 2**63),
    st.floats(-1e3, 1e3),
    st.floats(0.25, 1e3),
    st.sampled_from(["float16", "float32", "float64"]),
)
def test_uniform_numbers_lie_from_low_up_to_high_whatever_rounding_does(
    seed: int, low: float, width: float, dtype: str
) -> None:
    numbers = Data(seed, "case").uniform(2000, low=low, high=low + width, dtype=dtype).astype(np.float64)
    if dtype != "float16" or width > 4:  # else no number of the dtype may lie between
        assert numbers.min() >= low
        assert numbers.max() < low + width


def test_in_half_precision_one_is_still_excluded() -> None:
    assert Data(0, "half").uniform(100_000, dtype="float16").max() < 1


def test_sizes_take_both_ends_and_vary_with_the_seed() -> None:
    assert {Data(seed, "case").size(2, 4) for seed in range(50)} == {2, 3, 4}


def test_a_permutation_holds_each_number_once() -> None:
    assert sorted(Data(3, "case").permutation(9)) == list(range(9))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 1), (2, 3, 4)], ids=str)
def test_strided_numbers_are_the_same_but_not_contiguous_here_and_over_there(shape: tuple[int, ...]) -> None:
    data = Data(0, "case")
    array = data.normal(*shape)
    strided = data.strided(array)
    for each in (strided, decode(*encode(strided))):
        assert np.array_equal(each, array)
        assert not each.flags.c_contiguous


@pytest.mark.parametrize("shape", [(), (0,), (3, 0)], ids=str)
def test_what_has_no_neighbours_can_be_asked_for_strided_as_well(shape: tuple[int, ...]) -> None:
    assert Data(0, "case").strided(np.ones(shape)).shape == shape


def test_tensors_hold_copies_in_the_asked_dtype() -> None:
    import torch

    data, array = Data(0, "case"), np.ones(3)
    tensor = data.torch(array, dtype="float32", requires_grad=True)
    assert (tensor.dtype, tensor.requires_grad, tensor.device.type) == (torch.float32, True, "cpu")
    tensor.detach()[0] = 5
    data.torch(array)[0] = 5
    assert array.tolist() == [1, 1, 1]
