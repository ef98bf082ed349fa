"""Frames: how requests and answers cross between the trusted side and a student's process.

A frame is a fixed header, a control part and a body::

    magic "AGF" · version · control length (u32) · body length (u64)      16 bytes, little endian
    control: JSON {"nonce": …, "tree": …, "complex": {array index: dtype}}
    body:    safetensors, its tensors named "0", "1", …; empty when there are no arrays

Nothing of it is pickled. Every length is checked against `Bounds` before anything is
allocated, every array against the bytes that were announced. The body is read here and
not by the safetensors package because that one accepts duplicate keys; `unpack` reads
whatever safetensors writes, and the reverse.
"""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from autograder.values import MAX_DIMENSIONS, Tree

MIB = 1 << 20
VERSION = 1
_HEADER = struct.Struct("<3sBIQ")
_MAGIC = b"AGF"
_PIECE = 1 << 20  # bytes handed to the kernel at once, so that a deadline is looked at often
_SEGMENTS = 64  # buffers handed to the kernel at once, well below IOV_MAX

# safetensors' names for NumPy's dtypes; no other may cross.
_DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8),
    "I8": np.dtype(np.int8),
    "U16": np.dtype("<u2"),
    "I16": np.dtype("<i2"),
    "U32": np.dtype("<u4"),
    "I32": np.dtype("<i4"),
    "U64": np.dtype("<u8"),
    "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
# safetensors has no complex128, so complex numbers travel as pairs of floats.
_PAIRS: dict[str, np.dtype[Any]] = {"complex64": np.dtype("<f4"), "complex128": np.dtype("<f8")}


class BadFrame(Exception):
    """A frame that breaks a rule; the message says which."""


@dataclass(frozen=True)
class Bounds:
    """What one frame may hold. Sizes in bytes; `depth` counts nested lists and objects of the tree."""

    control_bytes: int = 64 << 10
    arrays: int = 64
    array_bytes: int = 256 * MIB
    body_bytes: int = 512 * MIB
    dimensions: int = MAX_DIMENSIONS
    depth: int = 128
    string_bytes: int = 64 << 10
    strip_controls: bool = True


FROM_STUDENT = Bounds()
# What we send ourselves is bounded for the sake of memory only, and arrives as it was sent.
TO_STUDENT = Bounds(control_bytes=64 * MIB, arrays=4096, string_bytes=64 * MIB, strip_controls=False)


@dataclass(frozen=True)
class Frame:
    """One frame, read and found sound; `arrays` are read-only views of the frame's bytes."""

    nonce: str
    tree: Tree
    arrays: list[np.ndarray]


def pack(tree: Tree, arrays: Sequence[np.ndarray], nonce: str, *, bounds: Bounds = FROM_STUDENT) -> bytes:
    """The bytes of one frame. Raises `BadFrame` when it would break `bounds`."""
    return b"".join(_segments(tree, arrays, nonce, bounds))


def unpack(frame: bytes, nonce: str | None = None, *, bounds: Bounds = FROM_STUDENT) -> Frame:
    """Read one whole frame. Raises `BadFrame`; also when its nonce isn't `nonce`, if one is given."""
    control, body = _lengths(frame[: _HEADER.size], bounds)
    if len(frame) != _HEADER.size + control + body:
        _bad(f"{len(frame)} bytes where the header announces {_HEADER.size + control + body}")
    return _parse(memoryview(frame)[_HEADER.size :], control, nonce, bounds)


def send(
    channel: socket.socket,
    tree: Tree,
    arrays: Sequence[np.ndarray],
    nonce: str,
    *,
    bounds: Bounds = TO_STUDENT,
    deadline: float | None = None,
) -> None:
    """Send one frame. `deadline`: by `time.monotonic()`; None waits for ever.

    Raises `TimeoutError`, `BadFrame` (nothing has been sent then), or `OSError` when the other end is gone.
    """
    pending = [memoryview(segment).cast("B") for segment in _segments(tree, arrays, nonce, bounds) if len(segment)]
    while pending:
        _wait(channel, select.POLLOUT, deadline)
        batch, size = [], 0
        for segment in pending[:_SEGMENTS]:
            batch.append(segment[: _PIECE - size])
            size += len(batch[-1])
            if size >= _PIECE:
                break
        try:
            sent = channel.sendmsg(batch, [], socket.MSG_DONTWAIT | _NO_SIGNAL)
        except BlockingIOError:
            continue
        while sent:
            taken = min(sent, len(pending[0]))
            sent -= taken
            pending[0] = pending[0][taken:]
            if not len(pending[0]):
                pending.pop(0)


def receive(
    channel: socket.socket,
    nonce: str | None = None,
    *,
    bounds: Bounds = FROM_STUDENT,
    deadline: float | None = None,
) -> Frame:
    """Receive one frame; the deadline covers all of it, so a slow drip gains nothing.

    Raises `TimeoutError`, `BadFrame`, or `EOFError` when the other end closes before the frame is whole.
    """
    control, body = _lengths(_exactly(channel, _HEADER.size, deadline), bounds)
    return _parse(memoryview(_exactly(channel, control + body, deadline)).toreadonly(), control, nonce, bounds)


def unsolicited(channel: socket.socket) -> bool:
    """Whether bytes (or an end) lie waiting though nothing was asked."""
    return bool(_poll(channel, select.POLLIN, 0))


_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        _wait(channel, select.POLLIN, deadline)
        try:
            count = channel.recv_into(view[filled : filled + _PIECE], 0, socket.MSG_DONTWAIT)
        except BlockingIOError:
            continue
        except ConnectionError:
            count = 0
        if not count:
            raise EOFError(f"the other end closed after {filled} of {size} bytes")
        filled += count
    return data


def _wait(channel: socket.socket, event: int, deadline: float | None) -> None:
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not _poll(channel, event, left) or (left is not None and deadline is not None and time.monotonic() > deadline):
        raise TimeoutError("the deadline passed before the frame was whole")


def _poll(channel: socket.socket, event: int, milliseconds: float | None) -> list[tuple[int, int]]:
    poll = select.poll()
    poll.register(channel, event)
    return poll.poll(milliseconds)


def _bad(reason: str) -> NoReturn:
    raise BadFrame(reason)


# ---------------------------------------------------------------- writing


def _segments(tree: Tree, arrays: Sequence[np.ndarray], nonce: str, bounds: Bounds) -> list[Any]:
    """The frame as buffers, so that large arrays are sent from where they lie."""
    if len(arrays) > bounds.arrays:
        _bad(f"{len(arrays)} arrays (at most {bounds.arrays})")
    pairs: dict[str, str] = {}
    plain = []
    for index, array in enumerate(arrays):
        flat = np.ascontiguousarray(array).reshape(array.shape)  # ascontiguousarray makes 0-d arrays 1-d
        if flat.dtype.name in _PAIRS:
            pairs[str(index)] = flat.dtype.name
            flat = flat.reshape((*flat.shape, 1)).view(_PAIRS[flat.dtype.name])
        if flat.dtype not in _NAMES:
            _bad(f"array {index} of dtype {flat.dtype}")
        if flat.nbytes > bounds.array_bytes:
            _bad(f"array {index} of {_mib(flat.nbytes)} (at most {_mib(bounds.array_bytes)})")
        plain.append(flat)
    control = _ENCODER.encode({"nonce": nonce, "tree": tree, "complex": pairs}).encode()
    control += b" " * (-len(control) % 8)  # so that the arrays lie aligned where they arrive
    if len(control) > bounds.control_bytes:
        _bad(f"{len(control) >> 10} KiB besides arrays (at most {bounds.control_bytes >> 10} KiB)")
    body = _body(plain)
    size = sum(memoryview(part).nbytes for part in body)
    if size > bounds.body_bytes:
        _bad(f"{_mib(size)} of arrays (at most {_mib(bounds.body_bytes)})")
    return [_HEADER.pack(_MAGIC, VERSION, len(control), size), control, *body]


_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def _body(arrays: Sequence[np.ndarray]) -> list[Any]:
    if not arrays:
        return []
    # Widest dtypes first, as safetensors does: every array then lies aligned without holes.
    order = sorted(range(len(arrays)), key=lambda index: (-arrays[index].itemsize, str(index)))
    header, offset = {}, 0
    for index in order:
        end = offset + arrays[index].nbytes
        header[str(index)] = {
            "dtype": _NAMES[arrays[index].dtype],
            "shape": list(arrays[index].shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = _ENCODER.encode(header).encode()
    text += b" " * (-len(text) % 8)
    return [struct.pack("<Q", len(text)), text, *(arrays[index].reshape(-1).view(np.uint8) for index in order)]


# ---------------------------------------------------------------- reading


def _lengths(header: bytes | bytearray, bounds: Bounds) -> tuple[int, int]:
    if len(header) != _HEADER.size:
        _bad("shorter than a header")
    magic, version, control, body = _HEADER.unpack(header)
    if magic != _MAGIC or version != VERSION:
        _bad("no frame, or one of another version")
    if control > bounds.control_bytes:
        _bad(f"a control part of {control} bytes (at most {bounds.control_bytes})")
    if body > bounds.body_bytes:
        _bad(f"a body of {body} bytes (at most {bounds.body_bytes})")
    return control, body


def _parse(data: memoryview, control_length: int, nonce: str | None, bounds: Bounds) -> Frame:
    control = strict_json(bytes(data[:control_length]), depth=bounds.depth + 1)
    if type(control) is not dict or set(control) != {"nonce", "tree", "complex"}:
        _bad("a control part that is none")
    found, pairs = control["nonce"], control["complex"]
    if type(found) is not str or (nonce is not None and found != nonce):
        _bad("an answer to another request")
    tree = _clean(control["tree"], bounds)
    arrays = _arrays(data[control_length:], bounds)
    if type(pairs) is not dict:
        _bad("a control part that is none")
    for key, dtype in pairs.items():
        arrays[_index(key, len(arrays))] = _joined(arrays[_index(key, len(arrays))], dtype)
    if any(array.ndim > bounds.dimensions for array in arrays):
        _bad(f"an array of more than {bounds.dimensions} dimensions")
    return Frame(found, tree, arrays)


def strict_json(text: bytes, *, depth: int) -> Any:
    """JSON without duplicate keys, NaN or nesting beyond `depth`. Raises `BadFrame`."""
    try:
        value = _DECODER.decode(text.decode())
    except RecursionError:
        _bad("JSON nested too deep")
    except ValueError as error:  # JSON, UTF-8, or an int of too many digits
        _bad(f"malformed JSON: {error}"[:200])
    layer = [value]
    for _ in range(depth + 1):
        layer = [item for node in layer if type(node) in (list, dict) for item in _items(node)]
        if not layer:
            return value
    _bad(f"JSON nested deeper than {depth} levels")


def _items(node: Any) -> list[Any]:
    return list(node.values()) if type(node) is dict else node


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a duplicate key")
    return found


def _constant(name: str) -> NoReturn:
    raise ValueError(f"the constant {name}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond floats")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant, parse_float=_finite)


def _clean(tree: Any, bounds: Bounds) -> Any:
    """The tree with its strings checked and, from students, freed of control characters."""
    kind = type(tree)
    if kind is str:
        if len(tree) > bounds.string_bytes or len(tree.encode("utf-8", "surrogatepass")) > bounds.string_bytes:
            _bad(f"a string beyond {bounds.string_bytes >> 10} KiB")
        return strip_controls(tree) if bounds.strip_controls else tree
    if kind is list:
        return [_clean(item, bounds) for item in tree]
    if kind is dict:
        return {_clean(key, bounds): _clean(value, bounds) for key, value in tree.items()}
    return tree


def strip_controls(text: str) -> str:
    """`text` without control characters (but newline and tab) and with lone surrogates replaced."""
    return text if text.isprintable() else text.translate(_REPLACED)


_REPLACED: dict[int, str | None] = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
_REPLACED |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # lone surrogates can't be written as UTF-8


def _arrays(body: memoryview, bounds: Bounds) -> list[np.ndarray]:
    if not len(body):
        return []
    if len(body) < 8:
        _bad("a body shorter than its length")
    length = int.from_bytes(body[:8], "little")
    if length > min(len(body) - 8, bounds.control_bytes):
        _bad("a body header beyond its bound")
    header = strict_json(bytes(body[8 : 8 + length]), depth=4)
    if type(header) is not dict:
        _bad("a body header that is none")
    if len(header) > bounds.arrays:
        _bad(f"{len(header)} arrays (at most {bounds.arrays})")
    data = body[8 + length :]
    arrays: list[np.ndarray | None] = [None] * len(header)
    spans = []
    for name, entry in header.items():
        start, end, array = _array(name, entry, data, bounds)
        arrays[_index(name, len(header))] = array
        spans.append((start, end))
    reached = 0
    for start, end in sorted(spans):
        if start != reached:
            _bad("arrays with holes or overlaps")
        reached = end
    if reached != len(data):
        _bad("bytes that belong to no array")
    return [array for array in arrays if array is not None]


def _array(name: str, entry: Any, data: memoryview, bounds: Bounds) -> tuple[int, int, np.ndarray]:
    if type(entry) is not dict or set(entry) != {"dtype", "shape", "data_offsets"}:
        _bad(f"array {name[:20]!r} without dtype, shape and offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if type(entry["dtype"]) is not str or entry["dtype"] not in _DTYPES:
        _bad(f"array {name[:20]!r} of an unknown dtype")
    dtype = _DTYPES[entry["dtype"]]
    if not _naturals(shape):
        _bad(f"array {name[:20]!r} of a shape that is none")
    if not _naturals(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= len(data):
        _bad(f"array {name[:20]!r} outside its body")
    start, end = offsets
    # Python's integers don't overflow, so a product that wraps around to a small one is seen.
    if math.prod(shape) * dtype.itemsize != end - start:
        _bad(f"array {name[:20]!r}: shape and bytes differ")
    if end - start > bounds.array_bytes:
        _bad(f"array {name[:20]!r} of {_mib(end - start)} (at most {_mib(bounds.array_bytes)})")
    # A zero among the dimensions hides the size of the others, which NumPy multiplies all the same.
    if math.prod(size for size in shape if size) > bounds.array_bytes:
        _bad(f"array {name[:20]!r} of an impossible shape")
    raw = np.frombuffer(data[start:end], np.uint8)
    if dtype == np.bool_ and raw.size and raw.max() > 1:
        _bad(f"array {name[:20]!r}: a bool that is neither 0 nor 1")
    return start, end, raw.view(dtype).reshape(shape)


def _naturals(value: Any) -> bool:
    return type(value) is list and len(value) <= 16 and all(type(n) is int and 0 <= n < 1 << 48 for n in value)


def _index(name: str, count: int) -> int:
    if name.isascii() and name.isdigit() and len(name) < 8 and str(int(name)) == name and int(name) < count:
        return int(name)
    _bad(f"no array {name[:20]!r}")


def _joined(array: np.ndarray, dtype: Any) -> np.ndarray:
    if type(dtype) is not str or dtype not in _PAIRS or array.dtype != _PAIRS[dtype]:
        _bad("complex numbers that are no pairs of floats")
    if not array.ndim or array.shape[-1] != 2:
        _bad("complex numbers that are no pairs of floats")
    return array.view(dtype).reshape(array.shape[:-1])


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
