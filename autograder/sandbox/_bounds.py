"""What may cross from one process to another, and JSON that keeps to it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NoReturn

from autograder.values import MAX_DIMENSIONS

MIB = 1 << 20


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


ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def bad(reason: str) -> NoReturn:
    raise BadFrame(reason)


def strict_json(text: bytes, *, depth: int) -> Any:
    """JSON without duplicate keys, NaN or nesting beyond `depth`. Raises `BadFrame`."""
    try:
        value = _DECODER.decode(text.decode())
    except RecursionError:
        bad("JSON nested too deep")
    except ValueError as error:  # JSON, UTF-8, or an int of too many digits
        bad(f"malformed JSON: {error}"[:200])
    layer = [value]
    for _ in range(depth + 1):
        layer = [item for node in layer if type(node) in (list, dict) for item in _items(node)]
        if not layer:
            return value
    bad(f"JSON nested deeper than {depth} levels")


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


def strip_controls(text: str) -> str:
    """`text` without control characters (but newline and tab) and with lone surrogates replaced."""
    return text if text.isprintable() else text.translate(_REPLACED)


_REPLACED: dict[int, str | None] = {
    code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
_REPLACED |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")  # lone surrogates can't be written as UTF-8


def mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB"
