"""Plain data: what goes in comes out, and nothing that comes in does harm."""

from __future__ import annotations

import json
import math
import sys
import types
from collections import OrderedDict
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.values import (
    DTYPES,
    KINDS,
    MAX_DEPTH,
    MAX_INT_BITS,
    MAX_TEXT_BYTES,
    Handle,
    NotPlainData,
    decode,
    dtype_name,
    encode,
    kind_of,
    to_numpy,
)

NUMPY_DTYPES = sorted(DTYPES - {"bfloat16"})


def travelled(value: Any, **options: Any) -> Any:
    """`value` as it is on the other side; its tree goes through JSON, as it does in a frame."""
    tree, arrays = encode(value)
    return decode(json.loads(json.dumps(tree)), arrays, **options)


def assert_same(one: Any, two: Any) -> None:
    """Equal in type, structure, dtype and every bit that counts; NaN equals NaN."""
    assert type(one) is type(two)
    if type(one) in (list, tuple):
        assert len(one) == len(two)
        for mine, other in zip(one, two, strict=True):
            assert_same(mine, other)
    elif type(one) is dict:
        assert list(map(repr, one)) == list(map(repr, two))
        for mine, other in zip(one.values(), two.values(), strict=True):
            assert_same(mine, other)
    elif kind_of(one) is not None:
        assert one.shape == two.shape
        assert dtype_name(one) == dtype_name(two)
        np.testing.assert_array_equal(to_numpy(one), to_numpy(two), strict=dtype_name(one) != "str")
    elif type(one) is float:
        assert one.hex() == two.hex()  # tells -0.0 from 0.0
    else:
        assert one == two


arrays = st.one_of(
    hnp.arrays(st.sampled_from(NUMPY_DTYPES).map(np.dtype), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)),
    hnp.arrays(np.dtype("U3"), hnp.array_shapes(min_dims=0, min_side=0, max_side=3)),
)
scalars = (
    st.sampled_from(NUMPY_DTYPES)
    .flatmap(lambda name: hnp.from_dtype(np.dtype(name)))
    .filter(lambda value: isinstance(value, np.generic))
)
atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(1 << 4000), max_value=1 << 4000),
    st.floats(),
    st.text(),
    st.binary(max_size=9),
    st.just(...),
    st.slices(5),
    st.builds(Handle, st.integers(1, 9), st.text(max_size=5)),
)
keys = st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.tuples(st.integers(), st.text(max_size=2)))
plain = st.recursive(
    st.one_of(atoms, arrays, scalars, st.sets(st.one_of(st.integers(), st.text(max_size=3)), max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(plain)
def test_whatever_is_plain_data_comes_out_as_it_went_in(value: Any) -> None:
    assert_same(travelled(value), value)


@settings(deadline=None)
@given(plain)
def test_the_tree_is_json_without_nan_or_huge_numbers(value: Any) -> None:
    tree, _ = encode(value)
    assert json.loads(json.dumps(tree, allow_nan=False)) == tree


@pytest.mark.parametrize("dtype", ["float32", "int64", "complex64", "bool"])
@pytest.mark.parametrize("change", ["[:, ::2]", ".T", "[::-1]", "[:, :1]"])
def test_an_array_that_is_not_contiguous_arrives_not_contiguous(dtype: str, change: str) -> None:
    array = eval(f"np.arange(12).reshape(3, 4).astype({dtype!r}){change}", {"np": np})
    got = travelled(array)
    assert not got.flags.c_contiguous
    assert_same(got, array)


def test_what_arrives_shares_no_memory_with_what_was_sent() -> None:
    sent = [np.zeros(3), np.zeros((2, 2))[:, 0], np.asfortranarray(np.zeros((2, 2)))]
    tree, taken = encode(sent)
    got = decode(tree, taken)
    for mine, other in zip(got, sent, strict=True):
        assert not np.shares_memory(mine, other)
        mine += 1
        assert not other.any()


def test_an_array_of_another_byte_order_arrives_with_its_numbers() -> None:
    assert_same(travelled(np.arange(3, dtype=">f8")), np.arange(3.0))


def test_an_array_of_strings_of_any_width_is_of_one_dtype() -> None:
    wide, narrow = np.array(["a", "b"], "U40"), np.array(["a", "b"])
    assert dtype_name(wide) == dtype_name(narrow) == "str"


def test_an_item_of_an_array_of_strings_is_a_string() -> None:
    assert_same(travelled(np.array(["word"])[0]), "word")


class Point(NamedTuple):
    x: int


class Level(IntEnum):
    LOW = 1


class Loud(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class Array(np.ndarray):
    pass


class Impostor(np.float64):
    __module__ = "numpy"


class Disguised:
    """Says that it is an array, in every way but being one."""

    __class__ = np.ndarray  # type: ignore[assignment]
    dtype, shape = np.dtype("float64"), (3,)

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        return np.zeros(3)


class Meta(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ZeroDivisionError


class Nameless(metaclass=Meta):
    pass


NO_DATA = [
    object(), Point(1), Level.LOW, Loud(1.0), np.zeros(3).view(Array), Impostor(1.0), Disguised(), OrderedDict(a=1),
    np.array([object()]), np.ma.masked_array([1.0]), 1j, range(3), bytearray(b"x"), np.zeros(2, "i4,f8"), len,
    np.datetime64("2020-01-01"), type("text", (str,), {})("x"), np.longdouble(1),
]  # fmt: skip


@pytest.mark.parametrize("value", NO_DATA, ids=lambda value: type(value).__name__)
def test_subclasses_lookalikes_and_objects_are_no_plain_data(value: Any) -> None:
    with pytest.raises(NotPlainData):
        encode([value])
    kept = []

    def opaque(found: Any) -> Handle:
        kept.append(found)
        return Handle(len(kept), type(found).__name__)

    assert decode(*encode({"a": (value,)}, opaque=opaque)) == {"a": (Handle(1, type(value).__name__),)}
    assert len(kept) == 1
    assert kept[0] is value


def test_a_class_that_hides_its_name_is_no_plain_data_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    with pytest.raises(NotPlainData, match="a Nameless is no plain data"):
        encode(Nameless())


def test_cycles_and_deep_nesting_are_refused_not_followed() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(NotPlainData, match="nested deeper"):
        encode(cycle)
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert_same(travelled(deep), deep)
    with pytest.raises(NotPlainData, match="nested deeper"):
        encode([deep])
    with pytest.raises(NotPlainData, match="nested deeper"):
        decode(["l", [encode(deep)[0]]], [])


def test_an_int_beyond_its_bound_is_refused_on_both_sides() -> None:
    huge = 1 << MAX_INT_BITS
    with pytest.raises(NotPlainData, match="bits"):
        encode(huge)
    with pytest.raises(NotPlainData, match="beyond its bound"):
        decode(["i", hex(huge << 64)], [])


def test_handles_are_resolved_wherever_they_stand() -> None:
    tree, found = encode([Handle(1, "Tape"), {"a": (Handle(2, "Tape"),)}])
    assert decode(tree, found, resolve=lambda handle: handle.number * 10) == [10, {"a": (20,)}]


# What a stranger may send.

tags = st.sampled_from("f i b slice ... t l s d u a h x".split())
json_atoms = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from([*KINDS, *sorted(DTYPES), "0x1p3", "0x1p99999", "-0xf", "nan"]),
    st.dictionaries(st.sampled_from(["strided", "requires_grad", "device"]), st.just(True)),
)
trees = st.recursive(
    st.one_of(json_atoms, tags.map(lambda tag: [tag])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(tags, inner).map(list),
        st.tuples(tags, inner, inner).map(list),
        st.tuples(
            st.just("a"), st.integers(0, 3), st.sampled_from(KINDS[:3]), st.sampled_from(sorted(DTYPES)), inner
        ).map(list),
        st.dictionaries(st.text(max_size=2), inner, max_size=2),
    ),
    max_leaves=10,
)
SENT = [np.zeros(2), np.array(3, "int64"), np.zeros((1, 2), "uint16"), np.zeros((1,) * 12, "float32")]


def missing(handle: Handle) -> Any:
    raise KeyError(handle.number)


@settings(deadline=None, max_examples=400)
@given(trees, st.booleans())
def test_a_malformed_tree_is_told_as_such_and_raises_nothing_else(tree: Any, resolving: bool) -> None:
    try:
        value = decode(tree, SENT, resolve=missing if resolving else None)
    except NotPlainData as error:
        assert len(str(error)) < 1000  # noqa: PT017
    else:
        encode(value)


@pytest.mark.parametrize(
    "tree",
    [
        ["u", [10_000], ["x" * 30_000, *[""] * 9_999]],
        ["u", [-1], ["a"]],
        ["u", [1], [1]],
        ["u", [1] * 20, ["a"]],
        ["a", 1, "torch", "int64", {"requires_grad": True, "x": 1}, 5],
        ["a", True, "numpy", "float64", {}],
        ["a", -1, "numpy", "float64", {}],
        ["a", 0, "numpy", "float32", {}],
        ["a", 0, "numpy", "object", {}],
        ["a", 2, "numpy", "bfloat16", {}],
        ["a", 0, "scalar", "float64", {}],
        ["a", 3, "numpy", "float32", {}],
        ["l", [["a", 0, "numpy", "float64", {}], ["a", 0, "numpy", "float64", {}]]],
        ["s", [["l", []]]],
        ["d", [[["l", []], 1]]],
        ["d", [[1, 2, 3]]],
        ["slice", [1, 2, 3, 4]],
        ["f", "0x1p99999"],
        ["h", "x" * 5000, ""],
        1.5,
        {},
        [],
    ],
    ids=lambda tree: str(tree)[:40],
)
def test_what_encode_never_makes_is_refused(tree: Any) -> None:
    with pytest.raises(NotPlainData):
        decode(tree, SENT)


def test_short_words_that_would_fill_the_memory_are_refused_before_it_is_taken() -> None:
    """NumPy gives each string the room of the longest: 64 KiB of JSON could ask for a gigabyte."""
    count = MAX_TEXT_BYTES // 4 // 1000
    assert decode(["u", [count], ["x" * 1000] * count], []).nbytes <= MAX_TEXT_BYTES
    with pytest.raises(NotPlainData, match="MiB"):
        decode(["u", [count + 1], ["x" * 1000, *[""] * count]], [])
    half = ["u", [count // 2 + 1], ["x" * 1000, *[""] * (count // 2)]]
    with pytest.raises(NotPlainData, match="MiB"):
        decode(["l", [half, half]], [])


@pytest.mark.parametrize("node", [["a", 0, "numpy", "float64", {}], ["b", 2]], ids=str)
def test_an_array_named_twice_is_refused_for_each_name_would_become_a_copy(node: Any) -> None:
    """64 KiB of names could ask for 500 GiB of copies of one array of 256 MiB."""
    arrays = [*SENT[:2], np.zeros(3, np.uint8)]
    assert len(decode(["l", [node]], arrays)) == 1
    with pytest.raises(NotPlainData, match="twice"):
        decode(["l", [node, node]], arrays)


@pytest.mark.parametrize("index", ["x" * 60_000, [[0] * 20_000], 10**2000], ids=["text", "list", "int"])
def test_a_refusal_is_short_whatever_it_refuses(index: Any) -> None:
    with pytest.raises(NotPlainData) as raised:
        decode(["a", index, "numpy", "float64", {}], SENT)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**4000])
def test_an_int_that_encode_writes_in_hexadecimal_comes_in_no_other_way(number: int) -> None:
    assert decode(2**53 - 1, []) == 2**53 - 1
    with pytest.raises(NotPlainData, match="hexadecimal"):
        decode(number, [])


def test_a_framework_that_is_not_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NotPlainData, match="can't be read here"):
        decode(["a", 0, "torch", "float64", {}], SENT)


def test_a_framework_that_is_not_imported_is_not_imported_for_a_strangers_tensor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(NotPlainData, match="a tensor of torch, which this assignment doesn't use"):
        decode(["a", 0, "torch", "float64", {}], SENT, importing=False)
    assert "torch" not in sys.modules


# torch

TORCH_DTYPES = sorted(DTYPES)


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_a_torch_tensor_of_each_dtype_comes_out_as_it_went_in(dtype: str, shape: tuple[int, ...]) -> None:
    import torch

    tensor = torch.arange(math.prod(shape)).reshape(shape).to(getattr(torch, dtype))
    assert_same(travelled(tensor), tensor)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_torch_tensor_keeps_its_gradient_flag_and_its_strides(dtype: str) -> None:
    import torch

    tensor = torch.ones(3, 4).to(getattr(torch, dtype)).requires_grad_()
    got = travelled((tensor, tensor.detach().T, torch.nn.Parameter(tensor.detach())))
    assert [item.requires_grad for item in got] == [True, False, True]
    assert [item.is_contiguous() for item in got] == [True, False, True]
    assert got[1].shape == (4, 3)


def test_a_gradient_flag_on_integers_does_no_harm() -> None:
    import torch

    got = decode(["a", 1, "torch", "int64", {"requires_grad": True}], SENT)
    assert got.dtype is torch.int64
    assert not got.requires_grad


def test_lazily_conjugated_and_negated_tensors_arrive_as_their_numbers() -> None:
    import torch

    z = torch.tensor([1 + 2j, 3 - 1j])
    assert travelled(z.conj()).tolist() == [1 - 2j, 3 + 1j]
    assert travelled(z.conj().imag).tolist() == [-2.0, 1.0]


def test_a_tensor_subclass_is_no_plain_data() -> None:
    import torch

    class Fake(torch.Tensor):
        pass

    with pytest.raises(NotPlainData):
        encode(torch.ones(3).as_subclass(Fake))
    with pytest.raises(NotPlainData, match="dense"):
        encode(torch.eye(2).to_sparse())
