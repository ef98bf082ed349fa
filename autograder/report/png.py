"""Pictures from strangers: a PNG is taken apart, checked whole, and put together from what is needed."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Iterator

MAX_BYTES = 4 * 2**20
MAX_SIDE = 8_192
MAX_RAW_BYTES = 64 * 2**20  # unpacked; a picture of 4096 x 4096 in four channels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = (b"IHDR", b"PLTE", b"tRNS", b"pHYs", b"IDAT", b"IEND")  # no text, no profiles, no animation
# PNG specification, 11.2.2: the samples per pixel of each color type and its bit depths.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def strict(data: bytes) -> bytes | None:
    """`data` as a PNG of the chunks that a viewer needs; None for anything that isn't sound throughout.

    Signature, checksums, header, order, the unpacked size and every row's filter are
    checked; interlaced pictures, which plots never are, are refused.
    """
    if len(data) > MAX_BYTES or not data.startswith(_SIGNATURE):
        return None
    try:
        chunks = [(kind, body) for kind, body in _chunks(data) if kind in _KEPT]
    except (ValueError, struct.error):
        return None
    kinds = [kind for kind, _ in chunks]
    if not _is_ordered(kinds):
        return None
    header = chunks[0][1]
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    if not _holds(header, packed, has_palette=b"PLTE" in kinds):
        return None
    merged = [(kind, body) for kind, body in chunks if kind not in (b"IDAT", b"IEND")]
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in [*merged, (b"IDAT", packed), (b"IEND", b"")])


def data_uri(encoded: str) -> str | None:
    """The base64 text of an image/png output as a data URI; None when it is no sound PNG."""
    try:
        data = base64.b64decode("".join(encoded[: 2 * MAX_BYTES].split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    sound = strict(data)
    return None if sound is None else "data:image/png;base64," + base64.b64encode(sound).decode("ascii")


def size(data: bytes) -> tuple[int, int]:
    """Width and height of a sound PNG, in pixels."""
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        if zlib.crc32(kind + body) != checksum:
            raise ValueError("a chunk's checksum is wrong")
        yield kind, body
        at += 12 + length
        if kind == b"IEND":
            break
    if at != len(data):
        raise ValueError("something follows the end")


def _is_ordered(kinds: list[bytes]) -> bool:
    if kinds[:1] != [b"IHDR"] or kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        return False
    once = [kind for kind in kinds if kind != b"IDAT"]
    first = kinds.index(b"IDAT")
    together = kinds[first : first + kinds.count(b"IDAT")]
    return len(set(once)) == len(once) and set(together) == {b"IDAT"} and kinds[-2] == b"IDAT"


def _holds(header: bytes, packed: bytes, *, has_palette: bool) -> bool:
    """Whether the packed rows are exactly those that the header announces."""
    if len(header) != 13:
        return False
    width, height, depth, color, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and color in _SAMPLES and depth in _DEPTHS[color]):
        return False
    if (compression, filtering, interlace) != (0, 0, 0) or (color == 3 and not has_palette):
        return False
    row = 1 + (width * _SAMPLES[color] * depth + 7) // 8
    if row * height > MAX_RAW_BYTES:
        return False
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, row * height + 1)
    except zlib.error:
        return False
    whole = len(raw) == row * height and not unpacker.unconsumed_tail
    if whole and not unpacker.eof:  # the stream's checksum may still be to come
        whole = not unpacker.flush() and unpacker.eof
    return whole and not unpacker.unused_data and max(raw[::row]) <= 4


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
