"""The reference as checks see it: every answer comes with the rounding error it shows.

On the instructor's side each request is performed twice, in the precision of the check
and in a partner (float64 for float32 inputs, float32 for float64 ones, whose error is
scaled down by the ratio of their units). In a release the answers are replayed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograder.course import CourseError
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.objects import array_leaves
from autograder.sandbox.student import (
    BINARY,
    COMPARISONS,
    NoLength,
    Remote,
    Request,
    StudentError,
    StudentFault,
    StudentSession,
    Withheld,
)
from autograder.values import Handle, dtype_name, kind_of, to_numpy

_LOW = ("float16", "bfloat16", "float32")


class ReplayMismatch(CourseError):
    """A recording that doesn't fit the check it is replayed for."""


@dataclass(frozen=True)
class Entry:
    """One answer of the reference: what was asked, the plain answer, and an error for each of its numbers."""

    op: str
    name: str
    value: Any
    errors: tuple[float, ...]
    scale: float  # the largest magnitude among the floating inputs
    raised: tuple[str, str] | None = None  # the type and message of an exception in the answer's place


class Expected(Withheld):
    """An answer of the reference.

    `value` is plain data; `errors` holds the rounding error of each floating number or array
    in it, depth first; `scale` is the largest magnitude of the operands. It unpacks,
    indexes and forwards like the answer itself.
    """

    def __init__(self, session: Any, working: Any, partner: Any, errors: tuple[float, ...], scale: float) -> None:
        self.__dict__.update(_session=session, _working=working, _partner=partner, errors=errors, scale=scale)

    @property
    def value(self) -> Any:
        """The answer as plain data."""
        return self._working

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._working, Remote):
            return iter(self._session.perform(Request("iterate", self)))
        return iter(self._parts())

    def _parts(self) -> list[Expected]:
        if type(self._working) not in (tuple, list):
            raise TypeError(f"the reference's answer is a {type(self._working).__name__}; use .value")
        parts, used = [], 0
        for at, item in enumerate(self._working):
            count = len(floating_leaves(item))
            partner = self._partner[at] if type(self._partner) is type(self._working) else None
            errors = self.errors[used : used + count]
            parts.append(Expected(self._session, item, partner, errors, self.scale))
            used += count
        return parts

    def __len__(self) -> int:
        if not isinstance(self._working, Remote):
            return len(self._working)
        try:
            return int(self._operator("len", self).value)
        except StudentError as error:
            raise NoLength(error.type_name, error.message, error.trace) from None

    def __bool__(self) -> bool:
        return bool(self._operator("bool", self).value if isinstance(self._working, Remote) else self._working)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(self._working, Remote):
            return self._operator("getitem", self, key)
        if type(self._working) is dict:
            used = 0
            for name, item in self._working.items():
                count = len(floating_leaves(item))
                if name == key:
                    partner = self._partner.get(name) if type(self._partner) is dict else None
                    return Expected(self._session, item, partner, self.errors[used : used + count], self.scale)
                used += count
            raise KeyError(key)
        if kind_of(self._working) is not None:
            partner = self._partner[key] if kind_of(self._partner) is not None else None
            return Expected(self._session, self._working[key], partner, self.errors, self.scale)
        return self._parts()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._operator("setitem", self, key, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if isinstance(self._working, Remote):
            return self._session.perform(Request("get", self, name))
        return getattr(self._working, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._session.perform(Request("set", self, name, (value,)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._session.perform(Request("call", self, "", args, kwargs))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(to_numpy(self._working), dtype=dtype)

    def __float__(self) -> float:
        return float(self._operator("float", self).value if isinstance(self._working, Remote) else self._working)

    def _operator(self, name: str, *args: Any) -> Any:
        return self._session.perform(Request("operator", None, name, args))

    def __repr__(self) -> str:
        return f"Expected({self._working!r})"


def _install_operators() -> None:
    def forward(name: str) -> Any:
        return lambda self, other: self._operator(name, self, other)

    def reflected(name: str) -> Any:
        return lambda self, other: self._operator(name, other, self)

    def unary(name: str) -> Any:
        return lambda self: self._operator(name, self)

    for name in BINARY + COMPARISONS:
        setattr(Expected, f"__{name}__", forward(name))
    for name in BINARY:
        setattr(Expected, f"__r{name}__", reflected(name))
    for name in ("neg", "pos", "abs"):
        setattr(Expected, f"__{name}__", unary(name))


_install_operators()


@dataclass
class LiveReference:
    """Performs requests on the reference's own namespace and keeps a log that can be replayed."""

    namespace: dict[str, Any]
    device: str = "cpu"
    log: list[Entry] = field(default_factory=list)
    _upward: bool = False  # the inputs are below float64, and the partner's are float64

    def __post_init__(self) -> None:
        self._working = StudentSession(LiveTransport(self.namespace, device=self.device), device=self.device)
        self._partner = StudentSession(LiveTransport(self.namespace, device=self.device), device=self.device)

    def perform(self, request: Request) -> Expected:
        arguments = _changed(request, _working_side)
        try:
            working = self._working.perform(arguments)
        except StudentError as error:
            self.log.append(Entry(request.op, request.name, None, (), 0.0, (error.type_name, error.message)))
            raise
        leaves = [leaf for leaf in array_leaves((arguments.args, arguments.kwargs)) if _is_floating(leaf)]
        if leaves:  # a request without numbers (a step, an attribute) goes on in the precision of those before it
            self._upward = any(dtype_name(leaf) in _LOW for leaf in leaves)
        upward = self._upward
        try:
            with np.errstate(all="ignore"):
                partner = self._partner.perform(_changed(request, lambda leaf: _partner_side(leaf, upward)))
        except StudentFault:
            partner = None  # the reference doesn't run in the other precision: the floor alone holds
        errors = _errors(working, partner, upward)
        scale = max((_magnitude(leaf) for leaf in leaves), default=0.0)
        self.log.append(Entry(request.op, request.name, _replace(working, _kept), errors, scale))
        return Expected(self, working, partner, errors, scale)


@dataclass
class ReplayReference:
    """Gives the recorded answers of one case, in their order."""

    entries: list[Entry]
    _at: int = 0

    def perform(self, request: Request) -> Expected:
        if self._at >= len(self.entries):
            raise ReplayMismatch(f"no recorded answer for {request.name or request.op}: rebuild the release")
        entry = self.entries[self._at]
        if (entry.op, entry.name) != (request.op, request.name):
            raise ReplayMismatch(
                f"the check asks for {request.name or request.op}, recorded was {entry.name or entry.op}: "
                "rebuild the release"
            )
        self._at += 1
        if entry.raised is not None:
            raise StudentError(*entry.raised, [])
        working = _replace(entry.value, lambda leaf: Remote(self, leaf) if type(leaf) is Handle else _copied(leaf))
        return Expected(self, working, None, entry.errors, entry.scale)


def floating_leaves(value: Any) -> list[Any]:
    """Every floating number and array in nested plain data, depth first."""
    if type(value) in (tuple, list):
        return [leaf for item in value for leaf in floating_leaves(item)]
    if type(value) is dict:
        return [leaf for item in value.values() for leaf in floating_leaves(item)]
    return [value] if type(value) is float or _is_floating(value) else []


def _is_floating(value: Any) -> bool:
    return kind_of(value) is not None and ("float" in dtype_name(value) or "complex" in dtype_name(value))


def _magnitude(value: Any) -> float:
    numbers = np.abs(to_numpy(value))
    return float(numbers[np.isfinite(numbers)].max(initial=0.0))


def _errors(working: Any, partner: Any, upward: bool) -> tuple[float, ...]:
    """For each floating leaf, the error that `working` shows beside `partner`."""
    mine, other = floating_leaves(working), floating_leaves(partner)
    if len(mine) != len(other):
        return tuple(0.0 for _ in mine)
    # With coarser inputs on the partner's side, what it lost is scaled to the precision of the check.
    factor = 1.0 if upward else 2.0**-29
    return tuple(factor * _distance(one, two) for one, two in zip(mine, other, strict=True))


def _distance(working: Any, partner: Any) -> float:
    one, two = (to_numpy(value) if kind_of(value) else np.asarray(value) for value in (working, partner))
    if one.shape != two.shape:
        return 0.0
    wide = np.complex128 if one.dtype.kind == "c" else np.float64
    with np.errstate(all="ignore"):
        distance = np.abs(one.astype(wide) - two.astype(wide))
    return float(distance[np.isfinite(distance)].max(initial=0.0))


def _changed(request: Request, change: Any) -> Request:
    return Request(
        request.op,
        _replace(request.target, change),
        request.name,
        _replace(request.args, change),
        _replace(request.kwargs, change),
    )


def _working_side(leaf: Any) -> Any:
    return leaf._working if isinstance(leaf, Expected) else leaf


def _partner_side(leaf: Any, upward: bool) -> Any:
    if isinstance(leaf, Expected):
        return leaf._partner
    if kind_of(leaf) is None:
        return leaf
    dtype = dtype_name(leaf)
    if (upward and dtype not in _LOW) or (not upward and dtype != "float64"):
        return leaf
    target = "float64" if upward else "float32"
    if kind_of(leaf) == "torch":
        import torch

        return leaf.detach().to(getattr(torch, target)).requires_grad_(leaf.requires_grad)
    if kind_of(leaf) == "tensorflow":
        import tensorflow as tf

        return tf.cast(leaf, target)
    return leaf.astype(target)


def _kept(leaf: Any) -> Any:
    return leaf._handle if isinstance(leaf, Remote) else _copied(leaf)


def _copied(leaf: Any) -> Any:
    """A leaf that a check may change without changing what the next student is compared with."""
    if kind_of(leaf) == "numpy":
        return leaf.copy()
    return leaf.detach().clone().requires_grad_(leaf.requires_grad) if kind_of(leaf) == "torch" else leaf


def _replace(value: Any, change: Any) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_replace(item, change) for item in value)
    if type(value) is dict:
        return {key: _replace(item, change) for key, item in value.items()}
    return change(value)
