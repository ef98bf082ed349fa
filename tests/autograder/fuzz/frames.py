"""Frames that a hostile process might send: real ones, damaged where it hurts; and what must hold for each."""

from __future__ import annotations

import itertools
import json
import random
import socket
import struct
import sys
import time
import zlib
from typing import Any

import numpy as np

from autograder.sandbox._outputs import Recorder, read_outputs
from autograder.sandbox.objects import Objects
from autograder.sandbox.student import StudentFault, StudentSession
from autograder.sandbox.wire import FROM_STUDENT, BadFrame, pack, receive, unpack
from autograder.values import NotPlainData, decode, encode

from . import damage

HEADER = struct.Struct("<3sBIQ")
LENGTH = struct.Struct("<Q")
OUTPUT_BYTES = 256 << 10  # what the course keeps of a cell's output
_PIPE_BYTES = 100_000  # what a socket surely takes before anybody reads
_SECONDS = 5.0  # for a whole frame that lies waiting; far more than it takes

# Nodes that values.decode knows, right and nearly right.
_NODES: tuple[Any, ...] = (
    ["f", "0x1p-1074"], ["f", "nan"], ["f", "0x1p99999"], ["f", 1], ["f"], ["i", "0x" + "f" * 1024], ["i", "-0x1"],
    ["i", "0x" + "f" * 1025], ["i", 7], ["b", 0], ["b", True], ["b", -1], ["slice", [None, 1, 2]], ["slice", []],
    ["slice", [1, 2, 3, 4]], ["..."], ["t", []], ["t", 3], ["l", [["l", []]]], ["s", [1, 1, ["l", []]]],
    ["s", [["a", 0, "numpy", "float64", {}]]], ["d", [[1, 2], [1, 3]]], ["d", [[["l", []], 1]]], ["d", [[1]]],
    ["u", [2], ["a", "b"]], ["u", [-1], ["a"]], ["u", [0, 2**70], []], ["u", [1] * 9, ["a"]], ["u", [2], [1, 2]],
    ["a", 0, "numpy", "float64", {}], ["a", 0, "numpy", "float64", {"strided": True}],
    ["a", 0, "scalar", "float32", {}],
    ["a", 1, "torch", "bfloat16", {"requires_grad": True}], ["a", 0, "torch", "float32", {"strided": 1, "device": []}],
    ["a", 0, "tensorflow", "bool", {}], ["a", 0, ["numpy"], ["bool"], {}], ["a", 0, "numpy", "object", {}], ["a"],
    ["h", 1, "Net"], ["h", "9" * 5000, "x"], ["h", 1.5, ["x"]], ["z", 1], [[], 1], {"a": 1}, 2**53, -(2**4000), 0.5,
)  # fmt: skip
_NUMBERS = (0, 1, 2, 7, 8, 64, 65, 255, 2**16, 2**24, 2**31, 2**32 - 1, 2**47, 2**48, 2**63, 2**64 - 1, -1, True, 0.5)
_DTYPES = ("BOOL", "U8", "I16", "F16", "BF16", "F32", "F64", "I64", "F8_E4M3", "O", "", 3, None)


class Violated(AssertionError):
    """A frame that got something that it must not get; the message says what."""


def check(data: bytes) -> str:
    """Read the bytes of one frame as the grader does, up to the value that a check sees.

    Returns 'read', or the reason it was refused for. Raises `Violated`, or whatever the reader let through.
    """
    try:
        frame = unpack(data)
    except BadFrame as error:
        _received(data, refused=True)
        return _reason(error)
    _received(data, refused=False)
    sizes = [array.nbytes for array in frame.arrays]
    if len(sizes) > FROM_STUDENT.arrays or sum(sizes) > len(data):
        raise Violated(f"{len(sizes)} arrays of {sum(sizes)} bytes out of a frame of {len(data)}")
    if any(array.flags.writeable or array.ndim > FROM_STUDENT.dimensions for array in frame.arrays):
        raise Violated("an array that can be written, or of too many dimensions")
    for array in frame.arrays[:1]:
        try:
            read_outputs(array, limit=OUTPUT_BYTES)
        except BadFrame as error:
            _reason(error)
    try:
        value = decode(frame.tree, frame.arrays)
        again = encode(value)
    except NotPlainData as error:
        return _reason(error)
    if len(json.dumps(again[0])) > 8 * len(data) + 200:
        raise Violated("a value larger than the frame that it came in")
    try:
        StudentSession(_Answering(frame.tree, frame.arrays)).perform(_REQUEST)
    except StudentFault as error:
        return _reason(error)
    return "read"


def _reason(error: Exception) -> str:
    text = str(error)
    if not text.strip():
        raise Violated(f"a {type(error).__name__} without a reason")
    if len(text) > 3000:
        raise Violated(f"a reason of {len(text)} letters")
    return text


class _Answering:
    """A transport that gives one answer, whatever is asked."""

    def __init__(self, tree: Any, arrays: list[np.ndarray]) -> None:
        self._answer = tree, arrays

    def exchange(self, tree: Any, arrays: list[np.ndarray]) -> tuple[Any, list[np.ndarray]]:
        return self._answer


def _request() -> Any:
    from autograder.sandbox.student import Request

    return Request("get", None, "x")


_REQUEST = _request()


def _received(data: bytes, *, refused: bool) -> None:
    """The same bytes over a socket that then closes: `receive` must say the same, or that they ended early."""
    if len(data) > _PIPE_BYTES or zlib.crc32(data) % 8:  # a socket costs more than all the rest: one frame in eight
        return
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(data)
        try:
            receive(theirs, deadline=time.monotonic() + _SECONDS)
        except (BadFrame, EOFError) as error:
            if not refused:
                raise Violated("a frame that is sound in memory and not over a socket") from error
            _reason(error)
            return
    announced = sum(HEADER.unpack(data[: HEADER.size])[2:]) + HEADER.size
    if refused and announced == len(data):
        raise Violated("a frame that is refused in memory and not over a socket")


def corpus() -> list[bytes]:
    """Frames as they really cross: answers of a namespace, cells' outcomes, arrays of every dtype."""
    found = [pack(None, [], "n")]
    values: list[Any] = [
        None, True, 3, -(2**60), 0.1, float("nan"), "text\nand é", b"bytes", slice(1, None, 2), ..., (1, [2, {3}]),
        {"a": 1, (1, 2): {"b": [1.5, None]}}, np.float32(1.5), np.array(["a", "bc"]), np.zeros((0, 3)), np.array(2.5),
        np.arange(12.0).reshape(3, 4)[:, ::2], [np.eye(2), np.arange(3), (np.ones(1, bool), "x")],
    ]  # fmt: skip
    names = (
        "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64 complex128".split()
    )
    values += [[np.arange(4).astype(name).reshape(2, 2) for name in names]]
    values += [[np.arange(3).astype(name) for name in names for _ in range(4)]]
    values += list(_tensors())
    for value in values:
        found.append(pack(*encode({"value": value, "changed": []}), "n"))
    found += [*_answers(), *_cells()]
    return found


def _tensors() -> Any:
    torch = sys.modules.get("torch")
    if torch is not None:
        yield torch.ones(2, 3, requires_grad=True)
        yield [torch.arange(4).to(torch.bfloat16), torch.ones(3, 2).T]


def _answers() -> list[bytes]:
    """What the code in the jail answers to the checks' requests, errors too."""

    class Net:
        def __init__(self) -> None:
            self.w = np.ones((2, 2))

    def f(x: Any) -> Any:
        return x * 2

    def g(x: Any) -> Any:
        x += 1
        return x

    objects = Objects({"Net": Net, "f": f, "g": g, "x": 3})
    requests: list[tuple[Any, ...]] = [
        ("get", None, "x", (), {}), ("get", None, "y", (), {}), ("call", None, "f", (np.arange(3.0),), {}),
        ("call", None, "g", (np.arange(3.0),), {}), ("call", None, "f", (), {"z": 1}), ("call", None, "Net", (), {}),
        ("iterate", None, "x", (), {}), ("operator", None, "add", ("a", "b"), {}), ("nonsense", None, "", (), {}),
    ]  # fmt: skip
    return [pack(*objects.answer(*encode(request)), "0123456789abcdef") for request in requests]


def _cells() -> list[bytes]:
    recorder = Recorder(OUTPUT_BYTES)
    frames = []
    for error in (None, "ValueError: no"):
        recorder.begin()
        recorder.stream("stdout", "loss 0.1\x1b[31m\n")
        recorder.stream("stderr", "a warning\n")
        recorder.display({"text/plain": "<Figure>", "image/png": b"\x89PNG"})
        recorder.display({"text/plain": "3"}, 1)
        if error:
            recorder.error("ValueError", "no", ["Traceback", "ValueError: no"])
        frames.append(pack([error, 3 if error else None], [recorder.finish()], "n"))
    return frames


def mutate(data: bytes, rng: random.Random) -> bytes:
    """The frame with one to three things wrong; most have lengths that fit what was changed."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(_MUTATIONS)(data, rng)
    return data


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Control, header of the body and numbers, of whatever lies there."""
    head = data[: HEADER.size].ljust(HEADER.size, b"\0")
    control_length = min(HEADER.unpack(head)[2], len(data))
    control, body = data[HEADER.size :][:control_length], data[HEADER.size + control_length :]
    length = min(LENGTH.unpack(body[:8].ljust(8, b"\0"))[0], len(body))
    return control, body[8 : 8 + length], body[8 + length :]


def _whole(control: bytes, header: bytes, numbers: bytes) -> bytes:
    body = LENGTH.pack(len(header)) + header + numbers if header or numbers else b""
    return HEADER.pack(b"AGF", 1, len(control), len(body)) + control + body


def _bytes(data: bytes, rng: random.Random) -> bytes:
    return damage.of_bytes(data, rng)


def _head(data: bytes, rng: random.Random) -> bytes:
    head = list(HEADER.unpack(data[: HEADER.size].ljust(HEADER.size, b"\0")))
    at = rng.randrange(4)
    # Rarely a body that large: the reader makes room for what is announced within bounds.
    sizes = (0, 1, 8, 2**16, 2**16 + 1, 2**31, 2**32 - 1) if rng.random() < 0.99 else (2**29, 2**29 + 1, 2**63)
    head[at] = (
        rng.randbytes(3) if at == 0 else rng.randrange(256) if at == 1
        else min(2**32 - 1, rng.choice((*sizes, head[2] + rng.randint(-9, 9)))) if at == 2
        else rng.choice((*sizes, head[3] + rng.randint(-9, 9)))
    )  # fmt: skip
    head[2], head[3] = max(0, head[2]), max(0, head[3])
    return HEADER.pack(*head) + data[HEADER.size :]


def _tree(data: bytes, rng: random.Random) -> bytes:
    control, header, numbers = _parts(data)
    return _whole(damage.of_json(control, rng, (*_NODES, *_NUMBERS)), header, numbers)


def _control_bytes(data: bytes, rng: random.Random) -> bytes:
    control, header, numbers = _parts(data)
    return _whole(damage.of_bytes(control, rng), header, numbers)


def _shapes(data: bytes, rng: random.Random) -> bytes:
    control, header, numbers = _parts(data)
    return _whole(control, damage.of_json(header, rng, (*_NUMBERS, *_DTYPES, [2, 2], [0, 2**40], [])), numbers)


def _header_bytes(data: bytes, rng: random.Random) -> bytes:
    control, header, numbers = _parts(data)
    return _whole(control, damage.of_bytes(header, rng), numbers)


def _numbers(data: bytes, rng: random.Random) -> bytes:
    control, header, numbers = _parts(data)
    return _whole(control, header, damage.of_bytes(numbers, rng))


def _new_arrays(data: bytes, rng: random.Random) -> bytes:
    """Other arrays under the same tree, or the other way round."""
    control, header, numbers = _parts(data)
    try:
        parsed = json.loads(control)
        parsed["tree"] = rng.choice(_NODES)
        if rng.random() < 0.3:
            parsed["tree"] = ["l", [rng.choice(_NODES) for _ in range(rng.randrange(1, 40))]]
        if rng.random() < 0.7:
            parsed["tree"] = ["d", [["value", parsed["tree"]], ["changed", ["l", []]]]]
        control = json.dumps(parsed).encode()
    except (ValueError, TypeError, RecursionError):
        pass
    if rng.random() < 0.5:
        dtype, size = rng.choice((("BOOL", 1), ("U8", 1), ("F32", 4), ("F64", 8), ("U16", 2), ("I64", 8)))
        counts = [rng.choice((0, 1, 2, 3, 8)) for _ in range(rng.choice((1, 2, 3, 64, 65)))]
        ends = [0, *itertools.accumulate(count * size for count in counts)]
        made = {
            str(at): {"dtype": dtype, "shape": rng.choice(([count], [1, count])), "data_offsets": [*ends[at : at + 2]]}
            for at, count in enumerate(counts)
        }
        header, numbers = json.dumps(made).encode(), bytes(ends[-1])
    return _whole(control, header, numbers)


_MUTATIONS = (
    _bytes,
    _head,
    _tree,
    _tree,
    _tree,
    _control_bytes,
    _shapes,
    _shapes,
    _header_bytes,
    _numbers,
    _new_arrays,
)
