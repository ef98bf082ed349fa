"""The proxy that checks talk to: `student.affine_backward(dout, cache)`.

Every use of it is a request to the side where the code lives, over a `Transport`: the
jail's socket, or the namespace of this very process. Plain data comes back as itself
(copies: nobody shares memory with a check), anything else as a `Remote`, which forwards
attributes, calls, operators and iteration.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn, Protocol

import numpy as np

from autograder.course import CourseError
from autograder.sandbox._bounds import strip_controls
from autograder.sandbox.objects import MAX_MESSAGE
from autograder.values import Handle, NotPlainData, Tree, decode, encode

BINARY = "add sub mul truediv floordiv mod pow matmul".split()
COMPARISONS = "lt le gt ge".split()
MISSING = "Missing"  # the type of an error that tells of a name which the notebook doesn't define


class StudentFault(Exception):
    """Something on the student's side that makes a case fail; the message is for the student."""


class StudentError(StudentFault):
    """The student's code raised. `type_name`, `message` and `trace` tell what and where."""

    def __init__(self, type_name: str, message: str, trace: list[list[Any]]) -> None:
        super().__init__(f"{type_name}: {message}" if message else type_name)
        self.type_name, self.message, self.trace = type_name, message, trace


class NoLength(StudentError, TypeError):
    """An object that has no length; a TypeError as well, because list() asks and goes on without."""


class ChangedArgument(StudentFault):
    """A call changed one of its arguments in place."""


class LimitHit(StudentFault):
    """A limit ended the student's process; `limit` names it ('wall time', 'memory', …)."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


class Withheld:
    """What a check may never send to a student: an answer of the reference."""


class Transport(Protocol):
    """Carries one encoded request there and its encoded answer back."""

    def exchange(self, tree: Tree, arrays: list[np.ndarray]) -> tuple[Tree, list[np.ndarray]]:
        """Raises `LimitHit` or another `StudentFault` when no answer comes."""
        ...


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
        tree, arrays = encode(self._unwrapped(parts), opaque=_refuse)
        reply = self._transport.exchange(tree, arrays)
        try:
            # A stranger's word is no reason to import a framework: that takes seconds, and hundreds of MiB.
            answer = decode(*reply, device=self._device, importing=False)
        except NotPlainData as error:
            raise StudentFault(f"the notebook's process gave an answer that is none: {error}") from None
        if type(answer) is dict and "error" in answer:
            self._fail(answer["error"], request)
        if type(answer) is not dict or "value" not in answer or type(answer.get("changed")) is not list:
            raise StudentFault("the notebook's process gave an answer that is none")
        if answer["changed"]:
            raise ChangedArgument(
                f"{request.name or 'the call'} changes its argument in place; work on a copy of what you are given"
            )
        return self.wrap(answer["value"])

    def wrap(self, value: Any) -> Any:
        """`value` with a `Remote` in the place of every `Handle`."""
        return _mapped(value, lambda leaf: Remote(self, leaf) if type(leaf) is Handle else leaf)

    def _unwrapped(self, value: Any) -> Any:
        """`value` with the `Handle` in the place of every `Remote`, which must be this session's own."""

        def handle(leaf: Any) -> Any:
            if not isinstance(leaf, Remote):
                return leaf
            return leaf._handle if leaf._session is self else _refuse(leaf)

        return _mapped(value, handle)

    def _fail(self, error: Any, request: Request) -> NoReturn:
        # It comes from a stranger's process, and is read by whoever explains it.
        if type(error) is dict and type(error.get("trace")) is list and all(map(_is_line, error["trace"])):
            type_name, message = error.get("type"), error.get("message")
            if type(type_name) is str and type(message) is str:
                trace = [[_line(item) if type(item) is str else item for item in line] for line in error["trace"]]
                if type_name == MISSING and not _asks_for(request, message):
                    type_name = f"{MISSING}Name"  # an exception of that name, with any words in it
                raise StudentError(_line(type_name), strip_controls(message[:MAX_MESSAGE]), trace)
        raise StudentFault("the notebook's process gave an error that is none")


def _asks_for(request: Request, name: str) -> bool:
    """Whether a request speaks of this name of the notebook's, by itself or in the driver that it runs."""
    words = [*request.args, *request.kwargs.values()] if request.op == "run" else []
    said = [request.name, *(word for word in words if type(word) is str)]
    return any(re.search(rf"\b{re.escape(name)}\b", text) is not None for text in said)


def _is_line(line: Any) -> bool:
    """Whether this is a line of a traceback: file, number, function, text."""
    return type(line) is list and [type(item) for item in line] == [str, int, str, str]


def _line(text: str) -> str:
    return strip_controls(" ".join(text[:200].split()))


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
        if "source" in kwargs:
            raise TypeError("a driver can't take an argument named 'source'")
        source = _source_of(driver)
        return self._session.perform(Request("run", None, driver.__name__, args, {**kwargs, "source": source}))

    def grad(self, function: Any, args: tuple[Any, ...], cotangents: Any, *, wrt: tuple[int, ...] = (0,)) -> Any:
        """Vector-Jacobian products of a function (a name, or a remote object) by autograd or GradientTape.

        `cotangents`: one array per output, in a tuple. Returns a tuple, one gradient per position in `wrt`.
        """
        name, target = (function, None) if isinstance(function, str) else ("", function)
        return self._session.perform(
            Request("grad", target, name, (), {"args": args, "cotangents": cotangents, "wrt": wrt})
        )


@lru_cache(maxsize=1024)  # a check's drivers run once for every student, and finding their source takes 0.8 ms
def _source_of(driver: Callable[..., Any]) -> str:
    return textwrap.dedent(inspect.getsource(driver))


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
        try:
            return int(self._operator("len", self))
        except StudentError as error:
            if error.type_name != "TypeError":
                raise
            raise NoLength(error.type_name, error.message, error.trace) from None

    def __float__(self) -> float:
        return float(self._operator("float", self))

    def __getitem__(self, key: Any) -> Any:
        return self._operator("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._operator("setitem", self, key, value)

    def __contains__(self, item: Any) -> bool:
        return bool(self._operator("contains", self, item))

    def __bool__(self) -> bool:
        return bool(self._operator("bool", self))

    def __neg__(self) -> Any:
        return self._operator("neg", self)

    def __pos__(self) -> Any:
        return self._operator("pos", self)

    def __abs__(self) -> Any:
        return self._operator("abs", self)

    def __repr__(self) -> str:
        return f"<{self._handle.type_name} of the notebook>"

    def _operator(self, name: str, *args: Any) -> Any:
        return self._session.perform(Request("operator", None, name, args))


def _install_operators() -> None:
    def forward(name: str) -> Callable[[Remote, Any], Any]:
        return lambda self, other: self._operator(name, self, other)

    def reflected(name: str) -> Callable[[Remote, Any], Any]:
        return lambda self, other: self._operator(name, other, self)

    for name in BINARY + COMPARISONS:
        setattr(Remote, f"__{name}__", forward(name))
    for name in BINARY:
        setattr(Remote, f"__r{name}__", reflected(name))


_install_operators()


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if type(value) in (tuple, list):
        return type(value)(_mapped(item, change) for item in value)
    if type(value) is dict:
        return {key: _mapped(item, change) for key, item in value.items()}
    return change(value)


def _refuse(value: Any) -> NoReturn:
    if isinstance(value, Withheld):
        raise CourseError("A check sends an answer of the reference to the student. Send what it was made from.")
    raise TypeError(
        f"a check can't send a {type(value).__name__} to the student; send plain data, or a driver by student.run(...)"
    )
