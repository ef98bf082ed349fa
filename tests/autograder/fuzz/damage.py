"""Damage to bytes and to JSON, drawn from a generator so that it can be done again."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

_PIECES = (
    b"", b"\0", b"\n", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"NaN", b"-Infinity", b"1e999", b"\xff\xfe",
    b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"9" * 5000, b"[" * 200, b'{"a":' * 200, b"null",
    b"<<<<<<< ", b"-0", b"\xc3\xa9",
    b"\xef\xbb\xbf", b"0" * 40, b"\x1b[2J",
)  # fmt: skip
_STRANGE = (None, True, 0, -1, 1e308, 2**70, "", "x" * 300, "\x1b[2J\0", [], {}, [[[]]], {"": {}}, "NaN", "__proto__")


def of_bytes(data: bytes, rng: random.Random) -> bytes:
    """One to four places overwritten, cut out, repeated or filled with something awkward."""
    for _ in range(rng.randint(1, 4)):
        at = rng.randint(0, len(data))
        length = rng.choice((0, 0, 1, 1, 2, 8, 40, max(1, len(data) // 3)))
        kind = rng.randrange(6)
        if kind == 0:
            new = rng.choice(_PIECES)
        elif kind == 1:
            new = rng.randbytes(min(length, 16))
        elif kind == 2:
            new = data[at : at + length] * 2
        elif kind == 3 and data[at : at + 1]:
            new, length = bytes([data[at] ^ (1 << rng.randrange(8))]), 1
        elif kind == 4:
            start = rng.randint(0, len(data))
            new = data[start : start + min(length, 400)]
        else:
            new = b""
        data = data[:at] + new + data[at + length :]
    return data


def of_json(text: bytes, rng: random.Random, nodes: Sequence[Any] = ()) -> bytes:
    """JSON with some nodes replaced, removed, repeated, nested or given twice; bytes that hold none are damaged."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return of_bytes(text, rng)
    for _ in range(rng.choice((1, 1, 2, 4))):
        value = _changed(value, rng, nodes)
    try:
        made = json.dumps(value, ensure_ascii=rng.random() < 0.97, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    except (ValueError, RecursionError):
        return text
    if rng.random() < 0.05:  # a key twice
        at = made.find(b'{"', rng.randint(0, len(made)))
        end = made.find(b'"', at + 2)
        if 0 <= at < end:
            made = made[: at + 1] + made[at + 1 : end + 1] + b":0," + made[at + 1 :]
    return made


def _changed(root: Any, rng: random.Random, nodes: Sequence[Any]) -> Any:
    """One place of the tree changed; the way down is drawn, so that large lists don't hide the rest."""
    holder: Any = [root]
    top, key = holder, 0
    while type(holder[key]) in (list, dict) and holder[key] and rng.random() < 0.85:
        holder = holder[key]
        key = rng.choice(list(holder)) if type(holder) is dict else rng.randrange(len(holder))
    old = holder[key]
    kind = rng.randrange(8)
    if kind == 0 and holder is not top:
        del holder[key]
    elif kind == 1 and type(holder) is list and holder is not top:
        holder[key:key] = [old] * (1 if rng.random() < 0.9 else rng.choice((2, 70)))
    elif kind == 2:
        holder[key] = _wrapped(old, rng)
    elif kind == 3 and type(holder) is dict:
        holder[rng.choice(("", "x", key + "x", "0", "__metadata__", "nbformat", "cells"))] = old
    elif kind == 4 and type(old) is str:
        at = rng.randint(0, len(old))
        holder[key] = old[:at] + rng.choice(("\0", "\ud800", "\n", "é", "x" * 50, "\x1b]0;a\x07", '"', "%")) + old[at:]
    elif kind == 5 and type(old) is int:
        holder[key] = old + rng.choice((-1, 1, 8, 2**31, 2**63))
    elif kind == 6 and type(old) is list:
        rng.shuffle(old)
    else:
        holder[key] = rng.choice(nodes) if nodes and rng.random() < 0.8 else rng.choice(_STRANGE)
    return top[0]


def _wrapped(value: Any, rng: random.Random) -> Any:
    for _ in range(rng.choice((1, 1, 2, 20, 70, 140))):
        value = [value] if rng.random() < 0.7 else {"a": value}
    return value
