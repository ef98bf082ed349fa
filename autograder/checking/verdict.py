"""What the end of a case means: its outcome, and the line that the student reads."""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from autograder.checking.compare import Disagreement, Witness
from autograder.checking.reference import ReplayMismatch
from autograder.checking.run import RUN, CaseOutcome, Raised, case_id, question_of
from autograder.course import CourseError
from autograder.results import CaseResult
from autograder.sandbox._bounds import strip_controls
from autograder.sandbox.student import MISSING, LimitHit, StudentError, StudentFault

_WORD = re.compile(r"\w+")


def outcome(item: pytest.Item, call: pytest.CallInfo[None], witness: Witness) -> CaseOutcome:
    """The outcome of a case from how its call ended and what it compared."""
    mark = item.get_closest_marker("question")
    hidden = item.get_closest_marker("hidden") is not None
    weight = float(mark.kwargs.get("weight", 1.0)) if mark else 1.0
    error = call.excinfo.value if call.excinfo is not None else None
    case = CaseResult(case_id(item), "passed", weight, hidden, seconds=round(call.duration, 4))
    answers: list[Any] = list(witness.answers)
    if error is None:
        return CaseOutcome(question_of(item), case, tuple(answers), witness.margin)
    if isinstance(error, pytest.skip.Exception):
        case = _with(case, outcome="ungraded", summary=f"not graded here: {error.msg}")
        return CaseOutcome(question_of(item), case)
    if isinstance(error, (ReplayMismatch, CourseError)):
        raise error  # the course's fault, never a student's
    if isinstance(error, ModuleNotFoundError) and error.name is not None:  # raised here: a student's is a StudentError
        case = _with(case, outcome="ungraded", summary=f"not graded here: needs {error.name}")
        return CaseOutcome(question_of(item), case)
    if isinstance(error, StudentError) and not _never_ran(error):
        answers.append(Raised(error.type_name))
    run = item.config.stash.get(RUN, None)
    missing = run.missing if run is not None else None
    summary, detail = explain(error, hidden=hidden, missing=missing, check=_text(item) if hidden else "")
    if not (isinstance(error, StudentError) and _never_ran(error)):
        # Nothing of the case shows in an answer that isn't there, and every case says the same.
        summary = f"a hidden case: {summary}" if hidden else f"{_title(item)}: {summary}"
    limit = error.limit if isinstance(error, LimitHit) else None
    # An answer keeps the control characters that it has; whoever reads of it is spared them.
    told = {"summary": strip_controls(summary), "detail": "" if hidden else strip_controls(detail)}
    case = _with(case, outcome="failed", limit=limit, **told)
    return CaseOutcome(question_of(item), case, tuple(answers), witness.margin, getattr(error, "ratio", float("inf")))


def explain(
    error: BaseException,
    *,
    hidden: bool = False,
    missing: Callable[[str], str | None] | None = None,
    check: str = "",
) -> tuple[str, str]:
    """One line about a failure, and the details that fold below it. Hidden: no numbers of the case.

    `missing` tells why a name isn't defined, where that is known; `check` is the text of the hidden
    check, whose own names may be told.
    """
    if isinstance(error, Disagreement):
        return (error.redacted, "") if hidden else (error.summary, error.detail)
    if isinstance(error, StudentError):
        if error.type_name == MISSING:
            why = missing(error.message) if missing is not None else None
            return f"{error.message} isn't defined: " + (why or "did you rename it?"), ""
        return _explain_hidden(error, check) if hidden else _explain_student(error)
    if isinstance(error, StudentFault):
        return str(error), ""
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        first = (str(error).strip().splitlines() or ["a property of the answer doesn't hold"])[0]
        return ("a property of the answer doesn't hold" if hidden else first), ""
    # Whatever else a check stumbles over is an answer that it could not take apart.
    reason = type(error).__name__ if hidden else " ".join(f"{type(error).__name__}: {error}"[:300].split())
    return f"the answer isn't of the form that the question asks for ({reason})", ""


def _explain_hidden(error: StudentError, check: str) -> tuple[str, str]:
    """All words of an exception are its author's, its type, its place and line too: they could tell the inputs."""
    place = _place(error)
    if place is not None and _is_blank(error):
        return f"{place[2] if place[2] in _WORD.findall(check) else 'a function'} still has its blank", ""
    known = isinstance(getattr(builtins, error.type_name, None), type)
    return f"raises {error.type_name if known else 'an exception of its own'}", ""


def _explain_student(error: StudentError) -> tuple[str, str]:
    place = _place(error)
    if place is not None and _is_blank(error):
        return f"{place[2]} still has its blank", ""
    message = f": {error.message.splitlines()[0][:200]}" if error.message else ""
    where = f", in {place[2]}: `{place[3]}`" if place is not None and place[3] else ""
    trace = "\n".join(
        f"{name}, line {number}, in {function}\n    {text}" for name, number, function, text in error.trace
    )
    return f"raises {error.type_name}{message}{where}", trace


def _place(error: StudentError) -> list[Any] | None:
    """The deepest line of the notebook's own that the error passed through: file, number, function, text."""
    return next((line for line in reversed(error.trace) if line[0] == "notebook"), None)


def _is_blank(error: StudentError) -> bool:
    return error.type_name == "NotImplementedError" and not error.message and _place(error) is not None


def _never_ran(error: StudentError) -> bool:
    return error.type_name == MISSING or _is_blank(error)


def _text(item: pytest.Item) -> str:
    """The text of a check."""
    function = getattr(item, "function", None)
    try:
        return inspect.getsource(function) if function is not None else ""
    except OSError:
        return ""


def _title(item: pytest.Item) -> str:
    """The check's own first line, with its parameters."""
    function = getattr(item, "function", None)
    text = (inspect.getdoc(function) or item.name.split("[")[0].removeprefix("test_").replace("_", " ")).splitlines()[0]
    callspec = getattr(item, "callspec", None)
    return f"{text} [{callspec.id}]" if callspec is not None else text


def _with(case: CaseResult, **changes: Any) -> CaseResult:
    return dataclasses.replace(case, **changes)
