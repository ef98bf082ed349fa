"""Pictures from strangers."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

from autograder.report import png


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))


def made(header: tuple[int, ...], rows: bytes, *extra: bytes) -> bytes:
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", *header))
    return b"\x89PNG\r\n\x1a\n" + ihdr + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_plot_is_shown_as_it_was_drawn() -> None:
    with mpl.rc_context({"backend": "agg"}):
        figure = Figure()
        figure.subplots().plot([3, 1, 2])
        file = io.BytesIO()
        figure.savefig(file, metadata={"Comment": "<script>"})
    sound = png.strict(file.getvalue())
    assert sound is not None
    assert b"<script>" not in sound
    assert Image.open(io.BytesIO(sound)).tobytes() == Image.open(file).tobytes()
    assert png.size(sound) == Image.open(file).size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_is_taken(mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (13, 5)).save(file, "PNG")
    assert png.strict(file.getvalue()) is not None


def test_what_hides_in_chunks_is_left_out(samples: SimpleNamespace) -> None:
    plain = samples.png()
    hidden = plain[:33] + chunk(b"tEXt", b"<svg onload=alert(1)>") + chunk(b"acTL", b"12345678") + plain[33:]
    assert png.strict(hidden) == png.strict(plain)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\0aa") + b"<script>",
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\0a"),
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\0aaa"),
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\x09aa"),
        made((2, 2, 8, 0, 0, 0, 1), b"\0aa\0aa"),
        made((2, 2, 7, 0, 0, 0, 0), b"\0aa\0aa"),
        made((0, 2, 8, 0, 0, 0, 0), b"\0\0"),
        made((2, 2, 8, 3, 0, 0, 0), b"\0aa\0aa"),
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\0aa", chunk(b"IDAT", b"")[:-1] + b"x"),
        made((2, 2, 8, 0, 0, 0, 0), b"\0aa\0aa")[:-12],
    ],
)
def test_what_is_no_sound_png_is_refused(broken: bytes) -> None:
    assert png.strict(broken) is None


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    huge = made((100_000, 100_000, 8, 6, 0, 0, 0), b"")
    assert png.strict(huge) is None
    swollen = made((2, 2, 8, 0, 0, 0, 0), b"\0" * 50_000_000)
    assert len(swollen) < 100_000
    assert png.strict(swollen) is None


def test_a_picture_too_large_to_unpack_is_refused(samples: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert png.strict(samples.png()) is not None
    monkeypatch.setattr(png, "MAX_RAW_BYTES", 20)
    assert png.strict(samples.png()) is None


@settings(deadline=None)  # times are no part of what is promised
@given(st.data())
def test_a_changed_byte_is_never_passed_on(samples: SimpleNamespace, data: st.DataObject) -> None:
    plain = samples.png()
    at = data.draw(st.integers(0, len(plain) - 1))
    changed = bytearray(plain)
    changed[at] ^= data.draw(st.integers(1, 255))
    assert png.strict(bytes(changed)) is None


@settings(deadline=None)  # times are no part of what is promised
@given(st.binary(max_size=200))
def test_no_bytes_make_it_stumble(data: bytes) -> None:
    assert png.strict(data) is None
    assert png.strict(b"\x89PNG\r\n\x1a\n" + data) is None


def test_base64_may_be_broken_into_lines_but_not_wrong(samples: SimpleNamespace) -> None:
    encoded = base64.encodebytes(samples.png()).decode()
    uri = png.data_uri(encoded)
    assert uri is not None
    assert uri.startswith("data:image/png;base64,")
    assert png.data_uri("<script>") is None
    assert png.data_uri("é") is None
