"""Hands in a gzip bomb of a gigabyte under the notebook's name; nothing unpacks it, and it deserves 0.

Says: is a compressed (gzip) file
"""

import zlib


def make(hand_in):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    hand_in.save(data[: 1 << 19])  # what the course would read of it
