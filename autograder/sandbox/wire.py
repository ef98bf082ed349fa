"""Frames: how requests and answers cross between the trusted side and a student's process.

A frame is a fixed header, a control part and a body::

    magic "AGF" · version · control length (u32) · body length (u64)      16 bytes, little endian
    control: JSON {"nonce": …, "tree": …, "complex": {array index: dtype}}
    body:    safetensors, its tensors named "0", "1", …; empty when there are no arrays

Nothing of it is pickled. Every length is checked against `Bounds` before anything is
allocated, every array against the bytes that were announced.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograder.sandbox._bounds import (
    ENCODER,
    FROM_STUDENT,
    MIB,
    TO_STUDENT,
    BadFrame,
    Bounds,
    bad,
    strict_json,
    strip_controls,
)
from autograder.sandbox._tensors import pack_arrays, unpack_arrays
from autograder.values import Tree

__all__ = [
    "FROM_STUDENT",
    "MIB",
    "TO_STUDENT",
    "BadFrame",
    "Bounds",
    "Frame",
    "pack",
    "receive",
    "send",
    "unpack",
    "unsolicited",
]

VERSION = 1
_HEADER = struct.Struct("<3sBIQ")
_MAGIC = b"AGF"
_PIECE = 1 << 20  # bytes handed to the kernel at once, so that a deadline is looked at often
_SEGMENTS = 64  # buffers handed to the kernel at once, well below IOV_MAX


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
        bad(f"{len(frame)} bytes where the header announces {_HEADER.size + control + body}")
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
    return _parse(_exactly(channel, control + body, deadline).toreadonly(), control, nonce, bounds)


def unsolicited(channel: socket.socket) -> bool:
    """Whether bytes (or an end) lie waiting though nothing was asked."""
    return bool(_poll(channel, select.POLLIN, 0))


_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> memoryview:
    # Unlike a bytearray's, this memory costs nothing before bytes arrive in it: to announce 512 MiB is cheap.
    view, filled = np.empty(size, np.uint8).data, 0
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
    return view


def _wait(channel: socket.socket, event: int, deadline: float | None) -> None:
    left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
    if not _poll(channel, event, left) or (left is not None and deadline is not None and time.monotonic() > deadline):
        raise TimeoutError("the deadline passed before the frame was whole")


def _poll(channel: socket.socket, event: int, milliseconds: float | None) -> list[tuple[int, int]]:
    poll = select.poll()
    poll.register(channel, event)
    return poll.poll(milliseconds)


def _segments(tree: Tree, arrays: Sequence[np.ndarray], nonce: str, bounds: Bounds) -> list[Any]:
    """The frame as buffers, so that large arrays are sent from where they lie."""
    body, pairs = pack_arrays(arrays, bounds)
    control = ENCODER.encode({"nonce": nonce, "tree": tree, "complex": pairs}).encode()
    control += b" " * (-len(control) % 8)  # so that the arrays lie aligned where they arrive
    if len(control) > bounds.control_bytes:
        bad(f"{len(control) >> 10} KiB besides arrays (at most {bounds.control_bytes >> 10} KiB)")
    size = sum(memoryview(part).nbytes for part in body)
    return [_HEADER.pack(_MAGIC, VERSION, len(control), size), control, *body]


def _lengths(header: bytes | memoryview, bounds: Bounds) -> tuple[int, int]:
    if len(header) != _HEADER.size:
        bad("shorter than a header")
    magic, version, control, body = _HEADER.unpack(header)
    if magic != _MAGIC or version != VERSION:
        bad("no frame, or one of another version")
    if control > bounds.control_bytes:
        bad(f"a control part of {control} bytes (at most {bounds.control_bytes})")
    if body > bounds.body_bytes:
        bad(f"a body of {body} bytes (at most {bounds.body_bytes})")
    return control, body


def _parse(data: memoryview, control_length: int, nonce: str | None, bounds: Bounds) -> Frame:
    control = strict_json(bytes(data[:control_length]), depth=bounds.depth + 1)
    if type(control) is not dict or set(control) != {"nonce", "tree", "complex"}:
        bad("a control part that is none")
    found, pairs = control["nonce"], control["complex"]
    if type(found) is not str or (nonce is not None and found != nonce):
        bad("an answer to another request")
    tree = _clean(control["tree"], bounds)
    return Frame(found, tree, unpack_arrays(data[control_length:], pairs, bounds))


def _clean(tree: Any, bounds: Bounds) -> Any:
    """The tree with its strings checked and, from students, freed of control characters."""
    kind = type(tree)
    if kind is str:
        if len(tree) > bounds.string_bytes or len(tree.encode("utf-8", "surrogatepass")) > bounds.string_bytes:
            bad(f"a string beyond {bounds.string_bytes >> 10} KiB")
        return strip_controls(tree) if bounds.strip_controls else tree
    if kind is list:
        return [_clean(item, bounds) for item in tree]
    if kind is dict:
        return {_clean(key, bounds): _clean(value, bounds) for key, value in tree.items()}
    return tree
