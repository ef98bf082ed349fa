"""Is this the right answer? Comparing what a student's code gave with what is expected.

In this order: kind, shape, dtype, device, then finite values, then numbers. Tolerance is
calibrated: 16 times the rounding error that the reference itself shows on these inputs
(half of that is left for honest answers written otherwise), per output, and never under
`ulps` units in the last place of the output's largest magnitude.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np

from autograder.checking.reference import Expected
from autograder.sandbox.objects import array_leaves
from autograder.sandbox.student import Remote
from autograder.values import dtype_name, kind_of, to_numpy

CALIBRATION = 16.0
KEPT_BYTES = 16 << 20  # of one case's answers; a submission may have as many as the course has cases
SHOWN = 6  # elements along an axis that a failure's details print

_KIND_WORDS = {
    "numpy": "a NumPy array",
    "scalar": "a NumPy scalar",
    "torch": "a torch tensor",
    "tensorflow": "a TensorFlow tensor",
}


class Disagreement(AssertionError):
    """An answer that isn't the expected one.

    `summary` is one line; `redacted` is the same without numbers of inputs or answers, for
    hidden cases; `detail` folds below. `ratio` is the distance in units of what is allowed.
    """

    def __init__(self, summary: str, *, redacted: str | None = None, detail: str = "", ratio: float = np.inf) -> None:
        super().__init__(summary)
        self.summary, self.redacted, self.detail, self.ratio = summary, redacted or summary, detail, ratio


@dataclass(frozen=True)
class NotKept:
    """In the place of an answer that was too large to be kept: it is no known mistake's."""


@dataclass
class Witness:
    """What one case compared: the answers in their order, and the largest distance that passed."""

    answers: list[Any] = field(default_factory=list)
    margin: float = 0.0
    room: int = KEPT_BYTES

    def keep(self, answer: Any) -> None:
        """Keep an answer until the case's question is diagnosed, while there is room for it."""
        self.room -= sum(to_numpy(leaf).nbytes for leaf in array_leaves(answer))
        self.answers.append(answer if self.room >= 0 else NotKept())


_witness: ContextVar[Witness | None] = ContextVar("witness", default=None)


@contextmanager
def witnessed() -> Iterator[Witness]:
    """Keep what `agree` sees within the block."""
    witness = Witness()
    token = _witness.set(witness)
    try:
        yield witness
    finally:
        _witness.reset(token)


def agree(
    got: Any,
    expected: Any,
    *,
    names: Sequence[str] | None = None,
    what: str = "the answer",
    ulps: float = 16.0,
    rtol: float = 0.0,
    atol: float = 0.0,
    nan: bool = False,
) -> None:
    """Raise `Disagreement` unless `got` is what is `expected`.

    `expected` is what the reference gave, or plain data (arrays, numbers, strings, nested in
    tuples, lists and dicts). `names` name the parts of a tuple. `rtol` and `atol` widen the
    calibrated tolerance where plain data carries no calibration; `nan` lets NaN equal NaN.
    """
    witness = _witness.get()
    if witness is not None:
        witness.keep(got)
    errors: Iterator[float] | None = None
    scale = 0.0
    if isinstance(expected, Expected):
        errors, scale, expected = iter(expected.errors), expected.scale, expected.value
    comparison = _Comparison(errors, scale, ulps, rtol, atol, nan)
    comparison.compare(got, expected, _Place.named(what), names)
    if witness is not None:
        witness.margin = max(witness.margin, comparison.margin)


@dataclass
class _Comparison:
    errors: Iterator[float] | None
    scale: float
    ulps: float
    rtol: float
    atol: float
    nan: bool
    margin: float = 0.0

    def compare(self, got: Any, expected: Any, place: _Place, names: Sequence[str] | None = None) -> None:
        if type(expected) in (tuple, list):
            self._kind(type(got) is type(expected), got, expected, place)
            if len(got) != len(expected):
                listed = f": {', '.join(names)}" if names else ""
                _fail(place, f"has {len(got)} parts, expected {len(expected)}{listed}")
            for at, (one, other) in enumerate(zip(got, expected, strict=True)):
                self.compare(one, other, _Place.named(names[at]) if names else place.item(at))
        elif type(expected) is dict:
            self._kind(type(got) is dict, got, expected, place)
            self._keys(got, expected, place)
            for key, value in expected.items():
                self.compare(got[key], value, place.value(key))
        elif isinstance(expected, (str, bytes, set, frozenset)) or expected is None:
            self._kind(_plain_type(got) is _plain_type(expected), got, expected, place)
            if got != expected:
                _fail(place, f"is {_short(got)}, expected {_short(expected)}", redacted="is not the expected one")
        elif _is_number(expected):
            self._kind(_is_number(got), got, expected, place)
            self._number(got, expected, place)
        elif kind_of(expected) is not None:
            self._kind(kind_of(got) == kind_of(expected), got, expected, place)
            self._array(got, expected, place)
        else:
            raise TypeError(f"agree() can't compare with {describe(expected)}; compare its plain data")

    def _kind(self, right: bool, got: Any, expected: Any, place: _Place) -> None:
        if not right:
            extra = " (is a return missing?)" if got is None else ""
            mine = "an object" if isinstance(got, Remote) else describe(got)
            _fail(
                place,
                f"is {describe(got)}, expected {describe(expected)}{extra}",
                redacted=f"is {mine}, expected {describe(expected)}{extra}",
            )

    def _keys(self, got: dict[Any, Any], expected: dict[Any, Any], place: _Place) -> None:
        wanted, there = (
            {(_family(key) if _is_number(key) else "", key): key for key in keys} for keys in (expected, got)
        )
        missing = [key for pair, key in wanted.items() if pair not in there]
        extra = [key for pair, key in there.items() if pair not in wanted]
        if missing or extra:
            told = [f"lacks {_listed(missing)}"] if missing else []
            told += [f"has {_listed(extra)} besides"] if extra else []
            _fail(place, " and ".join(told), redacted="has other keys than expected")

    def _number(self, got: Any, expected: Any, place: _Place) -> None:
        # A Python number, a NumPy scalar and an array of no dimension are all honest ways to give one
        # number; a dtype is compared only where both have one.
        kinds = [np.asarray(to_numpy(value) if kind_of(value) else value) for value in (got, expected)]
        if _family(kinds[0]) != _family(kinds[1]):
            _fail(place, f"is {describe(got)}, expected {describe(expected)}")
        if kind_of(got) and kind_of(expected) and dtype_name(got) != dtype_name(expected):
            _fail(place, f"is {dtype_name(got)}, expected {dtype_name(expected)}")
        self._numbers(kinds[0], kinds[1], place, "is a number as expected", kinds[1].dtype.name)

    def _array(self, got: Any, expected: Any, place: _Place) -> None:
        shapes = tuple(got.shape), tuple(expected.shape)
        if shapes[0] != shapes[1]:
            _fail(place, f"has shape {shapes[0]}, expected {shapes[1]}")
        dtypes = dtype_name(got), dtype_name(expected)
        if dtypes[0] != dtypes[1]:
            _fail(place, f"has shape {shapes[0]} as expected but dtype {dtypes[0]}, expected {dtypes[1]}")
        if kind_of(expected) == "torch" and got.device.type != expected.device.type:
            _fail(place, f"is on {got.device.type}, expected on {expected.device.type}")
        facts = f"has shape {shapes[0]} as expected, {dtypes[0]} as expected"
        self._numbers(to_numpy(got), to_numpy(expected), place, facts, dtypes[1])

    def _numbers(self, got: np.ndarray, expected: np.ndarray, place: _Place, facts: str, dtype: str) -> None:
        if expected.dtype.kind not in "fc":
            wrong = np.asarray(got != expected)
            if wrong.any():
                self._report(got, expected, wrong.astype(float), wrong, place, facts, None)
            return
        error = next(self.errors, 0.0) if self.errors is not None else 0.0
        good, true = np.isfinite(got), np.isfinite(expected)
        odd = np.asarray((good != true) | (~good & ~true & (got != expected)))
        if self.nan:
            odd &= ~(np.isnan(got) & np.isnan(expected))
        if odd.any():
            at = tuple(int(i) for i in np.argwhere(odd)[0])
            first = f" at {list(at)}" if at else ""
            told = (
                f"{facts}, but {int(odd.sum())} of {odd.size} elements are not finite where they should be, "
                "or the other way round"
            )
            _fail(place, f"{told}; first{first}: yours {got[at]:.6g}, expected {expected[at]:.6g}", redacted=told)
        finite = good & true
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        distance = np.zeros(got.shape)
        with np.errstate(over="ignore"):  # two numbers may lie further apart than any number is large
            distance[finite] = np.abs(got[finite].astype(wide) - expected[finite].astype(wide))
        allowed = self._allowed(expected, finite, error, dtype)
        worst = float(distance.max(initial=0.0))
        if worst > allowed:
            self._report(got, expected, distance, distance > allowed, place, facts, allowed)
        if worst:
            self.margin = max(self.margin, worst / allowed)

    def _allowed(self, expected: np.ndarray, finite: np.ndarray, error: float, dtype: str) -> float:
        with np.errstate(over="ignore"):
            magnitude = min(float(np.abs(expected[finite]).max(initial=0.0)), sys.float_info.max)
        # In this order: 16 times a number near the largest would be infinite, and allow everything.
        floor = epsilon(dtype) * self.ulps * magnitude if magnitude else epsilon(dtype) * self.scale
        return max(CALIBRATION * error, floor, self.rtol * magnitude + self.atol)

    def _report(
        self,
        got: np.ndarray,
        expected: np.ndarray,
        distance: np.ndarray,
        wrong: np.ndarray,
        place: _Place,
        facts: str,
        allowed: float | None,
    ) -> NoReturn:
        at = tuple(int(i) for i in np.unravel_index(int(np.argmax(distance)), distance.shape))
        count = f"{int(wrong.sum())} of {wrong.size} elements differ" if wrong.ndim else "it differs"
        worst = f"; worst at {list(at)}" if at else ""
        off = "" if allowed is None else f" (off by {distance[at]:.1e}, allowed {allowed:.1e})"
        ratio = np.inf if not allowed else float(distance[at]) / allowed
        _fail(
            place,
            f"{facts}: {count}{worst}: yours {_digits(got[at], distance[at])}, "
            f"expected {_digits(expected[at], distance[at])}{off}",
            redacted=f"{facts}: {count}",
            detail=_side_by_side(got, expected),
            ratio=ratio,
        )


@dataclass(frozen=True)
class _Place:
    """A part of the answer: as it is called, and without the keys of dicts, which are part of what is expected."""

    shown: str
    redacted: str

    @classmethod
    def named(cls, name: str) -> _Place:
        return cls(name, name)

    def item(self, at: int) -> _Place:
        return _Place(f"{self.shown}[{at}]", f"{self.redacted}[{at}]")

    def value(self, key: Any) -> _Place:
        return _Place(f"{self.shown}[{_short(key)}]", f"{self.redacted}[…]")


def epsilon(dtype: str) -> float:
    """The unit in the last place of 1 in a floating dtype, by its name."""
    if dtype == "bfloat16":
        return 2.0**-7
    return float(np.finfo(np.dtype(dtype)).eps)


def describe(value: Any) -> str:
    """What a value is, in words: 'a torch tensor', 'a tuple of 3', 'None'."""
    kind = kind_of(value)
    if kind is not None:
        return f"{_KIND_WORDS[kind]} ({dtype_name(value)})" if kind == "scalar" else _KIND_WORDS[kind]
    if value is None:
        return "None"
    if isinstance(value, Remote):
        return f"an object of type {value._handle.type_name}"
    if type(value) in (tuple, list, dict, set):
        return f"a {type(value).__name__} of {len(value)}"
    return {int: "an int"}.get(type(value), f"a {type(value).__name__}")


def _is_number(value: Any) -> bool:
    if type(value) in (int, float, bool):
        return True
    return kind_of(value) == "scalar" or (kind_of(value) == "numpy" and value.ndim == 0)


def _plain_type(value: Any) -> type:
    kind = type(value)
    return str if kind is np.str_ else set if kind is frozenset else kind


def _family(number: Any) -> str:
    """Which numbers may stand for each other: NumPy's for Python's, but neither True nor 1.0 for 1."""
    kind = np.asarray(number).dtype.kind
    return "i" if kind in "iuO" else kind  # an int beyond 64 bits becomes an object


def _fail(
    place: _Place, summary: str, *, redacted: str | None = None, detail: str = "", ratio: float = np.inf
) -> NoReturn:
    raise Disagreement(
        f"{place.shown} {summary}", redacted=f"{place.redacted} {redacted or summary}", detail=detail, ratio=ratio
    )


def _digits(number: Any, distance: float) -> str:
    """`number` with as many digits as show the difference."""
    if not np.issubdtype(type(number), np.inexact):
        return _short(number.item() if isinstance(number, np.generic) else number)
    size = float(abs(number))
    ratio = size / float(distance) if 0 < distance < math.inf else 0.0
    wanted = min(17, max(4, math.ceil(math.log10(ratio)) + 2)) if 0 < ratio < math.inf else 4
    return f"{number:.{wanted}g}"


def _side_by_side(got: np.ndarray, expected: np.ndarray) -> str:
    with np.printoptions(threshold=SHOWN * SHOWN, edgeitems=3, precision=5, suppress=True, linewidth=100):
        return f"yours:\n{got}\nexpected:\n{expected}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _listed(keys: Sequence[Any]) -> str:
    shown = ", ".join(sorted(map(_short, keys))[:SHOWN])
    return shown if len(keys) <= SHOWN else f"{shown} and {len(keys) - SHOWN} more"
