"""Shows pictures that are bombs: a PNG of a billion pixels, cut ones, ones with text chunks; the right answers deserve
8."""

# %% before
import base64
import struct
import zlib

from IPython.display import display


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IEND", b"")


bomb = png(1 << 30, 1 << 30, chunk(b"IDAT", zlib.compress(bytes(1 << 20))))
text = png(1, 1, chunk(b"tEXt", b"Comment\0<script>wallattack()</script>"), chunk(b"IDAT", zlib.compress(bytes(4))))
for data in (bomb, text, bomb[:40], b"GIF89a" + b"\xff" * 100, b"<svg onload=wallattack()>"):
    display({"image/png": base64.b64encode(data).decode(), "text/plain": "a picture"}, raw=True)
    display({"image/gif": base64.b64encode(data).decode(), "image/jpeg": base64.b64encode(data).decode()}, raw=True)
