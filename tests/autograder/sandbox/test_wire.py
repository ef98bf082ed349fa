"""Frames: whatever is plain arrives as it was sent, and whatever breaks a rule is refused."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.sandbox.wire import TO_STUDENT, BadFrame, Bounds, pack, receive, send, unpack, unsolicited
from autograder.values import decode, encode

DTYPES = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64 complex128".split()
arrays_of_all_kinds = st.lists(
    st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    ),
    max_size=6,
)
printable = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)
trees = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(printable, inner, max_size=4),
    max_leaves=20,
)


def same(left: np.ndarray, right: np.ndarray) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def frame(control: bytes | dict, body: bytes = b"", *, magic: bytes = b"AGF", version: int = 1) -> bytes:
    """A frame by hand, right in what isn't said otherwise."""
    if isinstance(control, dict):
        control = json.dumps({"nonce": "n", "tree": None, "complex": {}} | control).encode()
    return magic + struct.pack("<BIQ", version, len(control), len(body)) + control + body


def body(header: bytes | dict, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if isinstance(header, dict) else header
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype: str = "F32", shape: object = (2,), offsets: object = (0, 8)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@given(trees, arrays_of_all_kinds)
def test_a_frame_arrives_as_it_was_packed(tree, arrays):
    found = unpack(pack(tree, arrays, "n"), "n")
    assert found.tree == tree
    assert all(map(same, found.arrays, arrays))
    assert len(found.arrays) == len(arrays)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | printable | st.binary(max_size=9) | arrays_of_all_kinds.map(tuple),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3),
        max_leaves=8,
    )
)
def test_plain_data_survives_the_way_there_and_back(value):
    tree, arrays = encode(value)
    found = unpack(pack(tree, arrays, "n", bounds=TO_STUDENT), "n", bounds=TO_STUDENT)
    again = encode(decode(found.tree, found.arrays))
    assert again[0] == tree
    assert all(map(same, again[1], arrays))


@given(arrays_of_all_kinds.filter(lambda arrays: arrays and all(array.dtype.kind != "c" for array in arrays)))
def test_the_body_is_what_safetensors_writes_and_reads(arrays):
    packed = pack(None, arrays, "n")
    control = struct.unpack("<I", packed[4:8])[0]
    theirs = safetensors.numpy.load(packed[16 + control :])
    assert all(same(theirs[str(index)], array) for index, array in enumerate(arrays))
    named = {str(index): array for index, array in enumerate(arrays)}
    ours = unpack(frame({}, safetensors.numpy.save(named)), "n").arrays
    assert all(map(same, ours, arrays))


@given(st.data())
@settings(max_examples=300)
def test_damaged_frames_are_refused_or_harmless(data):
    packed = bytearray(pack(["l", ["x", 1]], [np.arange(3.0), np.array([True, False])], "n"))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = unpack(bytes(packed), "n")
    except BadFrame:
        return
    for array in found.arrays:
        assert array.nbytes <= len(packed)
        array.copy()


VIOLATIONS = {
    "other magic": (frame({}, magic=b"PKL"), "no frame"),
    "other version": (frame({}, version=2), "no frame"),
    "cut short": (frame({})[:-1], "bytes where the header announces"),
    "too long": (frame({}) + b"x", "bytes where the header announces"),
    "no header": (b"AGF", "shorter than a header"),
    "large control": (frame({"tree": ["x" * 40_000, "y" * 40_000]}), "control part of"),
    "control announced beyond its bound": (b"AGF\1" + struct.pack("<IQ", 2**32 - 1, 0), "control part of"),
    "body announced beyond its bound": (b"AGF\1" + struct.pack("<IQ", 2, 2**63), "a body of"),
    "not JSON": (frame(b"{"), "malformed JSON"),
    "not UTF-8": (frame(b'{"nonce":"\xff"}'), "malformed JSON"),
    "duplicate keys": (frame(b'{"nonce":"n","tree":1,"tree":2,"complex":{}}'), "duplicate key"),
    "NaN": (frame(b'{"nonce":"n","tree":NaN,"complex":{}}'), "constant NaN"),
    "infinity by overflow": (frame(b'{"nonce":"n","tree":1e999,"complex":{}}'), "beyond floats"),
    "an endless int": (frame(b'{"nonce":"n","tree":%s,"complex":{}}' % (b"9" * 20_000)), "malformed JSON"),
    "nested": (frame({"tree": json.loads("[" * 150 + "]" * 150)}), "nested deeper"),
    "nested beyond recursion": (frame(b"[" * 30_000 + b"]" * 30_000), "nested"),
    "unknown part": (frame({"code": "x"}), "control part that is none"),
    "missing part": (frame(b'{"nonce":"n","tree":1}'), "control part that is none"),
    "other nonce": (frame({"nonce": "m"}), "another request"),
    "a nonce that is no string": (frame({"nonce": ["n"]}), "another request"),
    "a long string": (frame(b'{"nonce":"n","tree":"%s","complex":{}}' % ("é" * 32_700).encode()), None),
    "a string beyond its bound": (
        frame(b'{"nonce":"n","tree":"%s","complex":{}}' % ("é" * 32_700).encode()),
        "a string beyond",
    ),
    "a short body": (frame({}, b"1234"), "shorter than its length"),
    "a body header beyond the body": (frame({}, struct.pack("<Q", 999) + b"{}"), "header beyond"),
    "a body that is a list": (frame({}, body(b"[]")), "body header that is none"),
    "a duplicate array": (frame({}, body(b'{"0":1,"0":2}')), "duplicate key"),
    "metadata": (frame({}, body({"__metadata__": {"a": "b"}})), "without dtype"),
    "a name that is no index": (frame({}, body({"x": entry()}, bytes(8))), "no array"),
    "a name in other digits": (frame({}, body({"٠": entry()}, bytes(8))), "no array"),
    "a hole among the names": (frame({}, body({"1": entry()}, bytes(8))), "no array"),
    "an object dtype": (frame({}, body({"0": entry("O")}, bytes(8))), "unknown dtype"),
    "a dtype that is no string": (frame({}, body({"0": entry(["F32"])}, bytes(8))), "unknown dtype"),
    "a negative side": (frame({}, body({"0": entry(shape=[-2])}, bytes(8))), "shape that is none"),
    "a fractional side": (frame({}, body({"0": entry(shape=[2.0])}, bytes(8))), "shape that is none"),
    "a bool side": (frame({}, body({"0": entry(shape=[True, 2])}, bytes(8))), "shape that is none"),
    "a product that wraps": (frame({}, body({"0": entry("U8", [2**33, 2**31], [0, 0])})), "shape and bytes differ"),
    "an empty array of great sides": (frame({}, body({"0": entry("U8", [0, 2**40], [0, 0])})), "impossible shape"),
    "nine dimensions": (frame({}, body({"0": entry("U8", [1] * 9, [0, 1])}, b"x")), "more than 8 dimensions"),
    "bytes and shape differ": (frame({}, body({"0": entry(shape=[3])}, bytes(8))), "shape and bytes differ"),
    "outside": (frame({}, body({"0": entry(offsets=[8, 16])}, bytes(8))), "outside its body"),
    "backwards": (frame({}, body({"0": entry("U8", [0], [8, 0])}, bytes(8))), "outside its body"),
    "overlap": (frame({}, body({"0": entry(), "1": entry()}, bytes(8))), "holes or overlaps"),
    "a hole": (frame({}, body({"0": entry(offsets=[4, 12])}, bytes(12))), "holes or overlaps"),
    "left over": (frame({}, body({"0": entry()}, bytes(9))), "belong to no array"),
    "too many arrays": (
        frame({}, body({str(at): entry("U8", [0], [0, 0]) for at in range(65)})),
        "65 arrays",
    ),
    "a bool of two": (frame({}, body({"0": entry("BOOL", [2], [0, 2])}, b"\1\2")), "neither 0 nor 1"),
    "complex of ints": (frame({"complex": {"0": "complex64"}}, body({"0": entry("I32")}, bytes(8))), "pairs of floats"),
    "complex of three": (
        frame({"complex": {"0": "complex64"}}, body({"0": entry("F32", [3], [0, 12])}, bytes(12))),
        "pairs of floats",
    ),
    "complex of nothing": (frame({"complex": {"0": "complex64"}}), "no array"),
    "complex of another dtype": (frame({"complex": {"0": "object"}}, body({"0": entry()}, bytes(8))), "pairs"),
}
TIGHT = {"a string beyond its bound": Bounds(string_bytes=60_000)}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_rule_broken_is_a_bad_frame(name):
    packed, reason = VIOLATIONS[name]
    if reason is None:
        assert unpack(packed, "n").tree == "é" * 32_700
        return
    with pytest.raises(BadFrame, match=reason):
        unpack(packed, "n", bounds=TIGHT.get(name, Bounds()))


def test_sizes_are_bounded_when_packing_and_when_reading():
    small = Bounds(array_bytes=100, body_bytes=250)
    for arrays in ([np.zeros(101, np.uint8)], [np.zeros(100, np.uint8)] * 3):
        with pytest.raises(BadFrame, match="at most"):
            pack(None, arrays, "n", bounds=small)
        with pytest.raises(BadFrame, match="at most"):
            unpack(pack(None, arrays, "n"), "n", bounds=small)


def test_strings_of_students_lose_control_characters_and_lone_surrogates():
    packed = pack({"a\x1b[2J": "line\none\ttab\r\0\x9b"}, [], "n")
    assert unpack(packed, "n").tree == {"a[2J": "line\none\ttab"}
    assert unpack(pack("\ud800", [], "n"), "n").tree == "\ufffd"
    assert unpack(packed, "n", bounds=TO_STUDENT).tree == {"a\x1b[2J": "line\none\ttab\r\0\x9b"}


def test_arrays_arrive_aligned_and_read_only():
    arrays = [np.array([True]), np.arange(3, dtype=np.int16), np.arange(2.0)]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, "x" * 13, arrays, "n")
        found = receive(theirs, "n").arrays
    assert all(map(same, found, arrays))
    assert all(array.flags.aligned and not array.flags.writeable for array in found)


def test_a_large_frame_passes_through_a_small_socket():
    array = np.random.default_rng(0).normal(size=3 << 17)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = threading.Thread(target=send, args=(ours, None, [array], "n"))
        sender.start()
        found = receive(theirs, "n", deadline=time.monotonic() + 30)
        sender.join()
        assert same(found.arrays[0], array)
        assert not unsolicited(theirs)


def test_a_deadline_covers_the_whole_frame_so_a_slow_drip_gains_nothing():
    packed = pack("x" * 1000, [], "n")
    ours, theirs = socket.socketpair()
    stop = threading.Event()

    def drip() -> None:
        for byte in packed:
            if stop.wait(0.01):
                return
            ours.send(bytes([byte]))

    sender = threading.Thread(target=drip)
    with ours, theirs:
        sender.start()
        with pytest.raises(TimeoutError):
            receive(theirs, "n", deadline=time.monotonic() + 0.3)
        stop.set()
        sender.join()


def test_a_reader_that_reads_nothing_holds_up_a_sender_no_longer_than_its_deadline():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        send(ours, None, [np.zeros(1 << 20)], "n", deadline=time.monotonic() + 0.2)


def test_an_end_in_the_middle_of_a_frame_is_an_end():
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.send(pack("x", [], "n")[:20])
        with pytest.raises(EOFError):
            receive(theirs, "n", deadline=time.monotonic() + 5)


def test_a_frame_that_is_only_announced_takes_no_memory():
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.send(b"AGF\1" + struct.pack("<IQ", 2, 512 << 20))
        before = peak_of_a_fresh_count()
        with pytest.raises(EOFError):
            receive(theirs, "n", deadline=time.monotonic() + 30)
        assert peak() - before < 64 << 10


def peak_of_a_fresh_count() -> int:
    """The resident KiB from which the peak is counted from now on."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return peak()


def peak() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
