"""Plain data, as it crosses from one process to another or lies in a file.

A value becomes a *tree* (lists, strings, numbers and None: what JSON holds) and a
list of NumPy arrays that the tree points into. Exact types only: a subclass of an
array, a float subclass or any other object is not plain data, and is handed to
`opaque`, which keeps it and names it by a `Handle`.

=============  =====================================================
value          tree
=============  =====================================================
None, bool     itself
int            itself below 2**53, else ``["i", "0x…"]``
float          ``["f", float.hex()]`` (NaN and infinities included)
str            itself; ``["x", hex of its UTF-8]`` with control characters, which no frame lets through bare
bytes          ``["b", array index]`` (uint8)
slice          ``["slice", [start, stop, step]]``
Ellipsis       ``["..."]``
tuple, list    ``["t", […]]``, ``["l", […]]``
set            ``["s", […]]``
dict           ``["d", [[key, value], …]]``, in its order
array, tensor  ``["a", array index, kind, dtype, flags]``
strings        ``["u", shape, […]]``: a NumPy array of str, each as a str above
Handle         ``["h", number, type name]``
=============  =====================================================
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MAX_DEPTH = 32
MAX_DIMENSIONS = 8
MAX_INT_BITS = 4096
MAX_TEXT_BYTES = 64 << 20  # of all arrays of strings, in which each takes the room of the longest

DTYPES = frozenset(
    "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 bfloat16 float32 float64"
    " complex64 complex128".split()
)
_BITS = {"bfloat16": "uint16"}  # NumPy has no bfloat16: its bits travel
KINDS = ("numpy", "scalar", "torch", "tensorflow")
_SCALARS = frozenset(np.sctypeDict.values())

Tree = Any  # what JSON holds; the shapes of it are in the table above


class NotPlainData(TypeError):
    """A value, or a tree, that is no plain data; the message says which part and why."""


@dataclass(frozen=True)
class Handle:
    """An object that stays where it was made; `number` names it there, `type_name` tells what it is."""

    number: int
    type_name: str


Opaque = Callable[[Any], Handle]
Resolve = Callable[[Handle], Any]


def encode(value: Any, *, opaque: Opaque | None = None) -> tuple[Tree, list[np.ndarray]]:
    """Take a value apart into its tree and its arrays.

    `opaque` is asked for a `Handle` for whatever is no plain data; without it such a
    value raises `NotPlainData`, as do cycles and nesting below `MAX_DEPTH`.
    """
    arrays: list[np.ndarray] = []
    return _encode(value, arrays, opaque, 0), arrays


def decode(
    tree: Tree,
    arrays: list[np.ndarray],
    *,
    resolve: Resolve | None = None,
    device: str = "cpu",
    importing: bool = True,
) -> Any:
    """Put a value together again; the inverse of `encode`.

    Torch tensors are made on `device`; `importing` says whether a framework may be imported
    for them. A tree that `encode` can't have made raises `NotPlainData`; so does an array whose
    dtype differs from the one the tree names, or that it names twice: a few bytes per name
    would become as many copies of the array.
    """
    return _Decoder(arrays, resolve, device, importing).decode(tree, 0)


def kind_of(value: Any) -> str | None:
    """'numpy', 'scalar' (a NumPy scalar), 'torch' or 'tensorflow' by exact type, else None."""
    kind = type(value)
    if kind is np.ndarray:
        return "numpy"
    if kind in _SCALARS:
        return "scalar"
    torch = sys.modules.get("torch")
    if torch is not None and (kind is torch.Tensor or kind is torch.nn.Parameter):
        return "torch"
    if "tensorflow" in sys.modules and _class_name(kind) in ("EagerTensor", "ResourceVariable"):
        import tensorflow as tf

        return "tensorflow" if isinstance(value, (tf.Tensor, tf.Variable)) else None
    return None


def _class_name(kind: type) -> str:
    """A class's name, whatever its metaclass makes of `__name__`."""
    return str(type.__dict__["__name__"].__get__(kind))


def dtype_name(value: Any) -> str:
    """The dtype of an array or tensor, by NumPy's name for it ('float32', 'bfloat16', …); 'str' whatever its width."""
    kind = kind_of(value)
    if kind == "torch":
        return str(value.dtype).removeprefix("torch.")
    if kind in ("numpy", "scalar") and value.dtype.kind == "U":
        return "str"
    return str(getattr(value.dtype, "name", value.dtype))


def to_numpy(value: Any) -> np.ndarray:
    """An array's or tensor's numbers as a NumPy array on the CPU; bfloat16 widens to float32."""
    kind = kind_of(value)
    if kind == "torch":
        value = value.detach().resolve_conj().resolve_neg().cpu()
        return np.asarray((value.float() if dtype_name(value) == "bfloat16" else value).numpy())
    if kind == "tensorflow":
        value = value.numpy()
        return np.asarray(value.astype(np.float32) if dtype_name(value) == "bfloat16" else value)
    return np.asarray(value)


def _encode(value: Any, arrays: list[np.ndarray], opaque: Opaque | None, depth: int) -> Tree:
    if depth > MAX_DEPTH:
        raise NotPlainData(f"nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind in (str, np.str_):  # an item of an array of strings is a string
        return _encode_text(str(value))
    if kind is int:
        if abs(value) < 1 << 53:
            return value
        if value.bit_length() <= MAX_INT_BITS:
            return ["i", hex(value)]
        raise NotPlainData(f"an int of {value.bit_length()} bits (at most {MAX_INT_BITS})")
    if kind is float:
        return ["f", value.hex()]
    if kind is bytes:
        arrays.append(np.frombuffer(value, np.uint8))
        return ["b", len(arrays) - 1]
    if kind is slice:
        return ["slice", [_encode(part, arrays, opaque, depth + 1) for part in (value.start, value.stop, value.step)]]
    if value is Ellipsis:
        return ["..."]
    if kind in (tuple, list, set, frozenset):
        tag = "t" if kind is tuple else "l" if kind is list else "s"
        parts = sorted(value, key=repr) if tag == "s" else value
        return [tag, [_encode(part, arrays, opaque, depth + 1) for part in parts]]
    if kind is dict:
        return [
            "d",
            [[_encode(k, arrays, opaque, depth + 1), _encode(v, arrays, opaque, depth + 1)] for k, v in value.items()],
        ]
    if kind is Handle:
        return ["h", value.number, value.type_name]
    if kind_of(value) is not None:
        return _encode_array(value, arrays, opaque)
    if opaque is None:
        raise NotPlainData(f"a {_class_name(kind)} is no plain data")
    handle = opaque(value)
    return ["h", handle.number, handle.type_name]


def _encode_text(text: str) -> Tree:
    if text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return ["x", text.encode("utf-8", "surrogatepass").hex()]


def _encode_array(value: Any, arrays: list[np.ndarray], opaque: Opaque | None) -> Tree:
    kind, dtype = kind_of(value), dtype_name(value)
    flags: dict[str, Any] = {}
    if kind == "numpy" and value.dtype.kind == "U":
        return ["u", list(value.shape), [_encode_text(str(item)) for item in value.ravel()]]
    if dtype not in DTYPES:
        if opaque is None:
            raise NotPlainData(f"an array of dtype {dtype}")
        handle = opaque(value)
        return ["h", handle.number, handle.type_name]
    if kind == "torch":
        torch = sys.modules["torch"]
        if value.layout is not torch.strided:
            raise NotPlainData(f"a {value.layout} tensor; a dense one is expected")
        if value.requires_grad:
            flags["requires_grad"] = True
        if value.device.type != "cpu":
            flags["device"] = value.device.type
        if not value.is_contiguous():
            flags["strided"] = True
        plain = value.detach().resolve_conj().resolve_neg().cpu().contiguous()
        array = plain.view(torch.int16).numpy().view(np.uint16) if dtype == "bfloat16" else plain.numpy()
    elif kind == "tensorflow":
        array = value.numpy()
        if dtype == "bfloat16":
            array = np.asarray(array).view(np.uint16)
    else:
        array = np.asarray(value)
        if not array.flags.c_contiguous:
            flags["strided"] = True
    array = np.ascontiguousarray(array).reshape(array.shape)  # ascontiguousarray makes 0-d arrays 1-d
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    arrays.append(array)
    return ["a", len(arrays) - 1, kind, dtype, flags]


@dataclass
class _Decoder:
    """One decoding: each array is taken once, and the arrays of strings share one bound."""

    arrays: list[np.ndarray]
    resolve: Resolve | None
    device: str
    importing: bool
    taken: set[int] = field(default_factory=set)
    text_bytes: int = 0

    def decode(self, tree: Tree, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise NotPlainData(f"nested deeper than {MAX_DEPTH} levels")
        if tree is None or isinstance(tree, (bool, int, str)):
            if type(tree) is int and abs(tree) >= 1 << 53:
                raise NotPlainData("an int that should be written in hexadecimal")
            return tree
        if not isinstance(tree, list) or not tree or not isinstance(tree[0], str):
            raise NotPlainData("a tree node that is neither a value nor a tagged list")
        tag, rest = tree[0], tree[1:]
        try:
            return self._tagged(tag, rest, depth)
        except NotPlainData:
            raise
        except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
            raise NotPlainData(f"a malformed {tag[:20]!r} node: {str(error)[:200]}") from None
        except ImportError as error:  # a framework that isn't installed on this side
            raise NotPlainData(f"a {tag[:20]!r} node that can't be read here: {error}") from None

    def _tagged(self, tag: str, rest: list[Any], depth: int) -> Any:
        def parts(node: Any) -> list[Any]:
            if not isinstance(node, list):
                raise NotPlainData(f"tag {tag[:20]!r} without a list")
            return [self.decode(part, depth + 1) for part in node]

        if tag == "f":
            return float.fromhex(*rest)
        if tag == "i":
            if len(rest[0]) > MAX_INT_BITS // 4 + 3:
                raise NotPlainData("an int beyond its bound")
            return int(rest[0], 16)
        if tag == "x":
            return _decode_text(*rest)
        if tag == "b":
            return self._take(rest[0], "uint8").tobytes()
        if tag == "slice":
            return slice(*parts(rest[0]))
        if tag == "...":
            return Ellipsis
        if tag == "t":
            return tuple(parts(rest[0]))
        if tag == "l":
            return parts(rest[0])
        if tag == "s":
            return set(parts(rest[0]))
        if tag == "d":
            return dict(parts(pair) for pair in rest[0])
        if tag == "u":
            return self._strings(*rest)
        if tag == "a":
            return self._array(*rest)
        if tag == "h":
            handle = Handle(int(rest[0]), str(rest[1]))
            return handle if self.resolve is None else self.resolve(handle)
        raise NotPlainData(f"an unknown tag {tag[:20]!r}")

    def _strings(self, shape: Any, items: Any) -> np.ndarray:
        if type(shape) is not list or not all(type(n) is int and n >= 0 for n in shape) or len(shape) > MAX_DIMENSIONS:
            raise NotPlainData("strings of no shape")
        if type(items) is not list:
            raise NotPlainData("strings that are no list")
        items = [_decode_text(*item[1:]) if type(item) is list and item[:1] == ["x"] else item for item in items]
        if not all(type(item) is str for item in items):
            raise NotPlainData("an array of strings that aren't strings")
        self.text_bytes += len(items) * max(map(len, items), default=0) * 4
        if self.text_bytes > MAX_TEXT_BYTES:  # before NumPy makes room for it
            raise NotPlainData(f"arrays of strings beyond {MAX_TEXT_BYTES >> 20} MiB")
        return np.array(items, dtype=np.str_).reshape(shape)

    def _take(self, index: Any, dtype: str) -> np.ndarray:
        if type(index) is not int or not 0 <= index < len(self.arrays):
            raise NotPlainData(f"array {_shown(index)} of {len(self.arrays)}")
        if index in self.taken:
            raise NotPlainData(f"array {index} twice")
        self.taken.add(index)
        array = self.arrays[index]
        if array.dtype.name != dtype:
            raise NotPlainData(f"array {index} is {array.dtype.name}, announced as {dtype}")
        return array

    def _array(self, index: Any, kind: str, dtype: str, flags: dict[str, Any]) -> Any:
        if kind not in KINDS or dtype not in DTYPES or not isinstance(flags, dict):
            raise NotPlainData(f"an array of unknown kind {_shown(kind)} or dtype {_shown(dtype)}")
        if kind in ("torch", "tensorflow") and not self.importing and sys.modules.get(kind) is None:
            raise NotPlainData(f"a tensor of {kind}, which this assignment doesn't use")
        return _made(self._take(index, _BITS.get(dtype, dtype)), kind, dtype, flags, self.device)


def _decode_text(text: Any) -> str:
    if type(text) is not str:
        raise NotPlainData("a text that is none")
    return bytes.fromhex(text).decode("utf-8", "surrogatepass")


def _shown(value: Any) -> str:
    """A stranger's value, short enough for a message."""
    return repr(value)[:60]


def _made(array: np.ndarray, kind: str, dtype: str, flags: dict[str, Any], device: str) -> Any:
    """The array or tensor that `array` holds the numbers of."""
    if array.ndim > MAX_DIMENSIONS:
        raise NotPlainData(f"{array.ndim} dimensions (at most {MAX_DIMENSIONS})")
    if kind in ("numpy", "scalar") and dtype == "bfloat16":
        raise NotPlainData("NumPy has no bfloat16")
    if kind == "scalar":
        if array.ndim:
            raise NotPlainData("a scalar with dimensions")
        return array[()]
    array = array.copy()  # the frame's buffer is shared and read-only
    if flags.get("strided") and array.ndim:
        # A neighbour in memory behind every element: whoever assumes contiguity reads it.
        spread = np.full((*array.shape[:-1], 2 * array.shape[-1]), 0, array.dtype)
        spread[..., ::2] = array
        array = spread[..., ::2]
    if kind == "numpy":
        return array
    if kind == "torch":
        return _torch_tensor(array, dtype, flags, device)
    import tensorflow as tf

    if dtype == "bfloat16":
        return tf.bitcast(tf.constant(array), tf.bfloat16)
    return tf.constant(array)


def _torch_tensor(array: np.ndarray, dtype: str, flags: dict[str, Any], device: str) -> Any:
    import torch

    if array.base is not None and not array.flags.c_contiguous:
        tensor = torch.from_numpy(array.base)[..., ::2]
    else:
        tensor = torch.from_numpy(array)
    if dtype == "bfloat16":
        tensor = tensor.view(torch.bfloat16)
    if device != "cpu":
        tensor = tensor.to(device)
    if flags.get("requires_grad") and (tensor.is_floating_point() or tensor.is_complex()):
        tensor.requires_grad_()
    return tensor
