"""Arrays as safetensors bytes, read as from a stranger.

The safetensors package refuses every hostile header tried but duplicate keys, so the
format, a length, a JSON header and the numbers, is read here; `unpack_arrays` reads what
that package writes, and the reverse.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograder.sandbox._bounds import ENCODER, Bounds, bad, mib, strict_json

_LENGTH = struct.Struct("<Q")
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


def pack_arrays(arrays: Sequence[np.ndarray], bounds: Bounds) -> tuple[list[Any], dict[str, str]]:
    """The bytes as a list of buffers, and which arrays are complex. Raises `BadFrame` beyond `bounds`."""
    if len(arrays) > bounds.arrays:
        bad(f"{len(arrays)} arrays (at most {bounds.arrays})")
    pairs: dict[str, str] = {}
    plain: list[np.ndarray] = []
    for index, array in enumerate(arrays):
        flat: np.ndarray = np.ascontiguousarray(array).reshape(array.shape)  # ascontiguousarray makes 0-d arrays 1-d
        if flat.dtype.name in _PAIRS:
            pairs[str(index)] = flat.dtype.name
            flat = flat.reshape((*flat.shape, 1)).view(_PAIRS[flat.dtype.name])
        if flat.dtype not in _NAMES:
            bad(f"array {index} of dtype {flat.dtype}")
        if flat.nbytes > bounds.array_bytes:
            bad(f"array {index} of {mib(flat.nbytes)} (at most {mib(bounds.array_bytes)})")
        plain.append(flat)
    size = sum(array.nbytes for array in plain)
    if size > bounds.body_bytes:
        bad(f"{mib(size)} of arrays (at most {mib(bounds.body_bytes)})")
    return _buffers(plain), pairs


def unpack_arrays(body: memoryview, pairs: Any, bounds: Bounds) -> list[np.ndarray]:
    """The arrays as views of `body`; `pairs` as `pack_arrays` gives it. Raises `BadFrame`."""
    arrays = _arrays(body, bounds)
    if type(pairs) is not dict:
        bad("complex numbers that are no pairs of floats")
    for key, dtype in pairs.items():
        index = _index(key, len(arrays))
        arrays[index] = _joined(arrays[index], dtype)
    if any(array.ndim > bounds.dimensions for array in arrays):
        bad(f"an array of more than {bounds.dimensions} dimensions")
    return arrays


def _buffers(arrays: Sequence[np.ndarray]) -> list[Any]:
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
    text = ENCODER.encode(header).encode()
    text += b" " * (-len(text) % 8)
    return [_LENGTH.pack(len(text)), text, *(arrays[index].reshape(-1).view(np.uint8) for index in order)]


def _arrays(body: memoryview, bounds: Bounds) -> list[np.ndarray]:
    if not len(body):
        return []
    if len(body) < 8:
        bad("a body shorter than its length")
    (length,) = _LENGTH.unpack(body[:8])
    if length > min(len(body) - 8, bounds.control_bytes):
        bad("a body header beyond its bound")
    header = strict_json(bytes(body[8 : 8 + length]), depth=4)
    if type(header) is not dict:
        bad("a body header that is none")
    if len(header) > bounds.arrays:
        bad(f"{len(header)} arrays (at most {bounds.arrays})")
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
            bad("arrays with holes or overlaps")
        reached = end
    if reached != len(data):
        bad("bytes that belong to no array")
    return [array for array in arrays if array is not None]


def _array(name: str, entry: Any, data: memoryview, bounds: Bounds) -> tuple[int, int, np.ndarray]:
    if type(entry) is not dict or set(entry) != {"dtype", "shape", "data_offsets"}:
        bad(f"array {name[:20]!r} without dtype, shape and offsets")
    shape, offsets = entry["shape"], entry["data_offsets"]
    if type(entry["dtype"]) is not str or entry["dtype"] not in _DTYPES:
        bad(f"array {name[:20]!r} of an unknown dtype")
    dtype = _DTYPES[entry["dtype"]]
    if not _naturals(shape):
        bad(f"array {name[:20]!r} of a shape that is none")
    if not _naturals(offsets) or len(offsets) != 2 or not offsets[0] <= offsets[1] <= len(data):
        bad(f"array {name[:20]!r} outside its body")
    start, end = offsets
    # Python's integers don't overflow, so a product that wraps around to a small one is seen.
    if math.prod(shape) * dtype.itemsize != end - start:
        bad(f"array {name[:20]!r}: shape and bytes differ")
    if end - start > bounds.array_bytes:
        bad(f"array {name[:20]!r} of {mib(end - start)} (at most {mib(bounds.array_bytes)})")
    # A zero among the dimensions hides the size of the others, which NumPy multiplies all the same.
    if math.prod(size for size in shape if size) > bounds.array_bytes:
        bad(f"array {name[:20]!r} of an impossible shape")
    raw = np.frombuffer(data[start:end], np.uint8)
    if dtype == np.bool_ and raw.size and raw.max() > 1:
        bad(f"array {name[:20]!r}: a bool that is neither 0 nor 1")
    return start, end, raw.view(dtype).reshape(shape)


def _naturals(value: Any) -> bool:
    return type(value) is list and len(value) <= 16 and all(type(n) is int and 0 <= n < 1 << 48 for n in value)


def _index(name: str, count: int) -> int:
    if name.isascii() and name.isdigit() and len(name) < 8 and str(int(name)) == name and int(name) < count:
        return int(name)
    bad(f"no array {name[:20]!r}")


def _joined(array: np.ndarray, dtype: Any) -> np.ndarray:
    if type(dtype) is not str or dtype not in _PAIRS or array.dtype != _PAIRS[dtype]:
        bad("complex numbers that are no pairs of floats")
    if not array.ndim or array.shape[-1] != 2:
        bad("complex numbers that are no pairs of floats")
    return array.view(dtype).reshape(array.shape[:-1])
