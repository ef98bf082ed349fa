"""The proxy that checks talk to: `student.affine_backward(dout, cache)`.

Every use of it is a request to the side where the code lives, over a `Transport`: the
jail's socket, or the namespace of this very process. Plain data comes back as itself
(copies: nobody shares memory with a check), anything else as a `Remote`, which forwards
attributes, calls, operators and iteration.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

import numpy as np

from autograder.sandbox.objects import Objects
from autograder.values import Handle, Tree, decode, encode

_BINARY = "add sub mul truediv floordiv mod pow matmul".split()


class StudentFault(Exception):
    """Something on the student's side that makes a case fail; the message is for the student."""


class StudentError(StudentFault):
    """The student's code raised. `type_name`, `message` and `trace` tell what and where."""

    def __init__(self, type_name: str, message: str, trace: list[list[Any]]) -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name, self.message, self.trace = type_name, message, trace


class ChangedArgument(StudentFault):
    """A call changed one of its arguments in place."""


class LimitHit(StudentFault):
    """A limit ended the student's process; `limit` names it ('wall time', 'memory', …)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class Transport(Protocol):
    """Carries one encoded request there and its encoded answer back."""

    def exchange(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        """Raises `LimitHit` or another `StudentFault` when no answer comes."""
        ...


class LiveTransport:
    """The namespace of this process: a live kernel, a reference, a mistake."""

    def __init__(self, namespace: dict[str, Any], *, device: str = "cpu") -> None:
        self._objects = Objects(namespace, device=device)

    def exchange(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        return self._objects.answer(tree, arrays)


@dataclass(frozen=True)
class Request:
    """One use of a proxy; see `Objects` for the ops."""

    op: str
    target: Any = None
    name: str = ""
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)


class Session(Protocol):
    """What performs the requests of a `Namespace` and of the `Remote` objects it gave out."""

    def perform(self, request: Request) -> Any: ...


class StudentSession:
    """Performs requests over a transport."""

    def __init__(self, transport: Transport, *, device: str = "cpu") -> None:
        self._transport = transport
        self._device = device

    def perform(self, request: Request) -> Any:
        """The answer as plain data or a `Remote`. Raises `StudentFault`."""
        parts = (request.op, request.target, request.name, request.args, request.kwargs)
        tree, arrays = encode(unwrapped(parts), opaque=_refuse)
        answer = decode(*self._transport.exchange(tree, arrays), device=self._device)
        if type(answer) is not dict or not ("value" in answer or "error" in answer):
            raise StudentFault("the notebook's process gave an answer that is none")
        if "error" in answer:
            self._fail(answer["error"])
        if answer.get("changed"):
            raise ChangedArgument(
                f"{request.name or 'the call'} changes its argument in place; work on a copy of what you are given"
            )
        return self.wrap(answer["value"])

    def wrap(self, value: Any) -> Any:
        """`value` with a `Remote` in the place of every `Handle`."""
        return _mapped(value, lambda leaf: Remote(self, leaf) if type(leaf) is Handle else leaf)

    def _fail(self, error: Any) -> NoReturn:
        try:
            type_name, message, trace = str(error["type"]), str(error["message"]), list(error["trace"])
        except (TypeError, KeyError):
            raise StudentFault("the notebook's process gave an error that is none") from None
        raise StudentError(type_name, message, trace)


class Namespace:
    """What a check calls `student`: the names that a notebook defines."""

    def __init__(self, session: Session) -> None:
        self.__dict__["_session"] = session

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols that pytest or copy look for; no notebook's name
            raise AttributeError(name)
        return self._session.perform(Request("get", None, name))

    def run(self, driver: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a short function of the check file over there: `driver(namespace, *args, **kwargs)`.

        Its source travels, so it may use nothing but its arguments, `np` and what it imports.
        """
        source = textwrap.dedent(inspect.getsource(driver))
        return self._session.perform(Request("run", None, driver.__name__, args, {**kwargs, "source": source}))

    def grad(self, function: Any, args: tuple[Any, ...], cotangents: Any, *, wrt: tuple[int, ...] = (0,)) -> Any:
        """Vector-Jacobian products of a function (a name, or a remote object) by autograd or GradientTape.

        `cotangents`: one array per output, in a tuple. Returns a tuple, one gradient per position in `wrt`.
        """
        name, target = (function, None) if isinstance(function, str) else ("", function)
        return self._session.perform(
            Request("grad", target, name, (), {"args": args, "cotangents": cotangents, "wrt": wrt})
        )


class Remote:
    """An object that lives on the student's side."""

    def __init__(self, session: Session, handle: Handle) -> None:
        self.__dict__["_session"] = session
        self.__dict__["_handle"] = handle

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._session.perform(Request("get", self, name))

    def __setattr__(self, name: str, value: Any) -> None:
        self._session.perform(Request("set", self, name, (value,)))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._session.perform(Request("call", self, "", args, kwargs))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._session.perform(Request("iterate", self)))

    def __len__(self) -> int:
        return int(self._operator("len", self))

    def __float__(self) -> float:
        return float(self._operator("float", self))

    def __getitem__(self, key: Any) -> Any:
        return self._operator("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._operator("setitem", self, key, value)

    def __neg__(self) -> Any:
        return self._operator("neg", self)

    def __repr__(self) -> str:
        return f"<{self._handle.type_name} of the notebook>"

    def _operator(self, name: str, *args: Any) -> Any:
        return self._session.perform(Request("operator", None, name, args))


def _install_operators() -> None:
    def forward(name: str) -> Callable[[Remote, Any], Any]:
        return lambda self, other: self._operator(name, self, other)

    def reflected(name: str) -> Callable[[Remote, Any], Any]:
        return lambda self, other: self._operator(name, other, self)

    for name in _BINARY:
        setattr(Remote, f"__{name}__", forward(name))
        setattr(Remote, f"__r{name}__", reflected(name))


_install_operators()


def unwrapped(value: Any) -> Any:
    """`value` with the `Handle` in the place of every `Remote`."""
    return _mapped(value, lambda leaf: leaf._handle if isinstance(leaf, Remote) else leaf)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_mapped(item, change) for item in value)
    if type(value) is dict:
        return {key: _mapped(item, change) for key, item in value.items()}
    return change(value)


def _refuse(value: Any) -> NoReturn:
    raise TypeError(
        f"a check can't send a {type(value).__name__} to the student; send plain data, or a driver by student.run(...)"
    )
