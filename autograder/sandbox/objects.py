"""Requests answered over a namespace: the student's side of every check.

The same code answers in the jail, in a live kernel and for the reference, so a check
can't tell them apart. What it answers is believed by nobody: in the jail the code
around it is hostile, and the trusted side compares values, nothing else.
"""

from __future__ import annotations

import hashlib
import linecache
import operator
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType, TracebackType
from typing import Any

import numpy as np

from autograder.sandbox._bounds import BadFrame
from autograder.values import Handle, NotPlainData, Tree, decode, encode, kind_of, to_numpy

MAX_OBJECTS = 100_000
MAX_ITEMS = 100_000
MAX_MESSAGE = 2_000
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name)
    for name in "add sub mul truediv floordiv mod pow matmul neg pos abs lt le gt ge eq ne getitem setitem".split()
} | {"len": len, "float": float, "bool": bool, "repr": repr, "str": str, "contains": operator.contains}


class Missing(Exception):
    """A name that the notebook doesn't define."""


class Objects:
    """A namespace and the objects that came out of it, answering requests.

    A request is the tuple `(op, target, name, args, kwargs)`: `target` a `Handle`, or
    None for the namespace itself. Ops: get, set, call, operator, iterate, run, grad.
    The answer is a dict with `value`, and `changed`, the positions of the arrays and
    containers in the arguments that the call changed in place; or with `error`. `passing` are exceptions
    that are no answer but go on to whoever asks.
    """

    def __init__(
        self, namespace: dict[str, Any], *, device: str = "cpu", passing: tuple[type[BaseException], ...] = ()
    ) -> None:
        self._namespace = namespace
        self._device = device
        self._passing = passing
        self._table: dict[int, Any] = {}
        self._drivers: dict[str, Callable[..., Any]] = {}

    def answer(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        """Answer one encoded request with one encoded answer. Student exceptions are answers too."""
        try:
            op, target, name, args, kwargs = decode(tree, arrays, resolve=self._resolve, device=self._device)
            before = _digests(args, kwargs) if op in ("call", "operator") else []
            value = self._perform(op, target, name, args, kwargs)
            after = _digests(args, kwargs) if before else []
            changed = [at for at, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]]
            return encode({"value": value, "changed": changed}, opaque=self._keep)
        except self._passing:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit of student code is an answer as well
            return encode({"error": describe(error)})

    def _perform(self, op: str, target: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if op == "get":
            return self._lookup(target, name)
        if op == "set":
            return setattr(target, name, args[0])
        if op == "call":
            function = target if target is not None and not name else self._lookup(target, name)
            return function(*args, **kwargs)
        if op == "operator":
            return OPERATORS[name](*args)
        if op == "iterate":
            return [item for _, item in zip(range(MAX_ITEMS), target, strict=False)]
        if op == "run":
            return self._driver(name, kwargs.pop("source"))(self._view(), *args, **kwargs)
        if op == "grad":
            return _gradients(target if target is not None else self._lookup(None, name), *args, **kwargs)
        raise NotPlainData(f"unknown operation {op[:20]!r}")

    def _lookup(self, target: Any, name: str) -> Any:
        if target is not None:
            return getattr(target, name)
        if name not in self._namespace:
            raise Missing(name)
        return self._namespace[name]

    def _view(self) -> _View:
        return _View(self._namespace)

    def _driver(self, name: str, source: str) -> Callable[..., Any]:
        """The check file's short function `name`, made from its source with no names but its own."""
        if source not in self._drivers:
            filename = f"<driver {name}>"
            linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
            scope: dict[str, Any] = {"np": np}
            exec(_compiled(source, filename), scope)  # noqa: S102 - the check file's own driver
            self._drivers[source] = scope[name]
        return self._drivers[source]

    def _keep(self, value: Any) -> Handle:
        if len(self._table) >= MAX_OBJECTS:
            raise NotPlainData(f"more than {MAX_OBJECTS} objects")
        number = len(self._table) + 1
        self._table[number] = value
        return Handle(number, _text(type(value), "__name__", 100))

    def _resolve(self, handle: Handle) -> Any:
        return self._table[handle.number]


@lru_cache(maxsize=1024)  # every case asks anew
def _compiled(source: str, filename: str) -> CodeType:
    return compile(source, filename, "exec")


class _View:
    """The namespace as a driver sees it: attributes, and `Missing` for what isn't there."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def __getattr__(self, name: str) -> Any:
        if name not in self._namespace:
            raise Missing(name)
        return self._namespace[name]


def too_large(error: BadFrame) -> tuple[Tree, list[np.ndarray]]:
    """The answer in the place of one that no frame may hold."""
    return encode({"error": {"type": "TooLarge", "message": f"the answer holds {error}", "trace": []}})


def describe(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: type, message, and the lines of it that lie in the student's code."""
    lines = []
    for frame, line in traceback.walk_tb(_own_traceback(error.__traceback__)):
        filename = frame.f_code.co_filename
        text = linecache.getline(filename, line).strip()
        lines.append([_place(filename), line, frame.f_code.co_name, text[:200]])
    return {
        "type": _text(type(error), "__name__", 100),
        "message": _text(error, "__str__", MAX_MESSAGE),
        "trace": lines[:20],
    }


def _text(owner: Any, attribute: str, limit: int) -> str:
    """An attribute, called if it can be, as a str and no other: what a student has defined may be or do anything."""
    try:
        value = getattr(owner, attribute)
        return str.__getitem__(value() if callable(value) else value, slice(limit))
    except BaseException:  # noqa: BLE001
        return ""


def _place(filename: str) -> str:
    folder, name = os.path.split(filename)
    # A kernel of Jupyter names a cell as a file in a folder of its own.
    if filename.startswith(("<ipython", "<cell")) or os.path.basename(folder).startswith("ipykernel_"):
        return "notebook"
    return filename[:100] if filename.startswith("<") else name[:100]


def _own_traceback(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame that isn't ours."""
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        trace = trace.tb_next
    return trace


def _digests(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[bytes]:
    """What each array and each list, dict and set among the arguments holds, but for what lies in those within it."""
    return [_digest(leaf) for leaf in _mutable((args, kwargs))]


def _mutable(value: Any) -> Iterator[Any]:
    """Every array, list, dict and set in nested plain data, each before what it holds."""
    if type(value) in (list, dict, set):
        yield value
    if type(value) in (tuple, list):
        for item in value:
            yield from _mutable(item)
    elif type(value) is dict:
        for item in value.values():
            yield from _mutable(item)
    elif kind_of(value) in ("numpy", "torch", "tensorflow"):
        yield value


def _digest(array: Any) -> bytes:
    if type(array) in (list, dict, set):
        items = array.items() if type(array) is dict else array
        held = [_facts(part) for item in items for part in (item if type(array) is dict else (item,))]
        return repr(sorted(held) if type(array) is set else held).encode()
    numbers = to_numpy(array)
    head = f"{numbers.dtype}{numbers.shape}".encode()
    return hashlib.blake2b(head + np.ascontiguousarray(numbers).tobytes(), digest_size=16).digest()


def _facts(item: Any) -> str:
    """What tells an item of a container: a plain value by itself, anything else by its identity."""
    plain = item is None or type(item) in (bool, int, float, str, bytes)
    return f"{type(item).__name__} {item!r}" if plain else f"at {id(item)}"


def array_leaves(value: Any) -> list[Any]:
    """Every array and tensor in nested plain data, depth first, in order."""
    if type(value) in (tuple, list):
        return [leaf for item in value for leaf in array_leaves(item)]
    if type(value) is dict:
        return [leaf for item in value.values() for leaf in array_leaves(item)]
    return [value] if kind_of(value) in ("numpy", "torch", "tensorflow") else []


def _gradients(
    function: Callable[..., Any], args: tuple[Any, ...], cotangents: tuple[Any, ...], wrt: tuple[int, ...]
) -> tuple[Any, ...]:
    """Vector-Jacobian products of `function` at `args`, one for each position in `wrt`.

    `cotangents` holds one array per output. Arguments may be torch or TensorFlow tensors.
    An input that the outputs don't depend on has the gradient None.
    """
    if any(kind_of(args[at]) == "torch" for at in wrt):
        torch = sys.modules["torch"]
        inputs = list(args)
        for at in wrt:
            inputs[at] = inputs[at].detach().clone().requires_grad_()
        outputs = function(*inputs)
        outputs = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
        gradients = torch.autograd.grad(outputs, [inputs[at] for at in wrt], grad_outputs=cotangents, allow_unused=True)
        return tuple(g.to_dense() if g is not None and g.layout is not torch.strided else g for g in gradients)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        sources = [tf.convert_to_tensor(args[at]) for at in wrt]
        tape.watch(sources)
        inputs = list(args)
        for at, source in zip(wrt, sources, strict=True):
            inputs[at] = source
        outputs = function(*inputs)
        outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    gradients = tape.gradient(outputs, sources, output_gradients=list(cotangents))
    # A gather gives its gradient as slices with indices; what they stand for is a tensor.
    return tuple(None if g is None else tf.convert_to_tensor(g) for g in gradients)
