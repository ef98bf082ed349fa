"""The shells that run a notebook's cells: IPython's where it is installed, else a plain one.

Both are made in the warm process before any student's code is there (IPython's takes
tens of milliseconds), and write to a `Recorder`.
"""

from __future__ import annotations

import ast
import importlib.util
import linecache
import sys
import traceback
import types
from dataclasses import dataclass, replace
from typing import Any, Protocol

from autograder.sandbox._outputs import Recorder, Stream

_MESSAGE = 2000


@dataclass(frozen=True)
class CellError:
    """What ended a cell: "NameError: name 'x' is not defined", and where in the cell (from 1)."""

    summary: str
    line: int | None


class Shell(Protocol):
    """Runs cells one after the other in one namespace."""

    @property
    def namespace(self) -> dict[str, Any]: ...

    def run(self, source: str) -> CellError | None:
        """Run one cell; what it shows goes to the recorder."""
        ...


def make_shell(recorder: Recorder, folder: str) -> Shell:
    """IPython's shell if that is installed (its files go to `folder`, and there are hardly any), else the plain one."""
    if importlib.util.find_spec("IPython") is None:
        return PlainShell(recorder)
    return _make_ipython(recorder, folder)


def take_over_streams(recorder: Recorder) -> None:
    """Let everything that Python prints go to the recorder."""
    sys.stdout = sys.__stdout__ = Stream("stdout", recorder)  # type: ignore[misc, assignment]
    sys.stderr = sys.__stderr__ = Stream("stderr", recorder)  # type: ignore[misc, assignment]


def summarise(error: BaseException, filename: str | None) -> CellError:
    """The error in one line, and the deepest line of the cell `filename` that it passed through."""
    try:
        # A syntax error's own text ends with a file name and line that mean nothing to a student.
        message = (str(error.msg) if isinstance(error, SyntaxError) else str(error))[:_MESSAGE]
    except BaseException:  # noqa: BLE001 - a student's __str__
        message = ""
    name = type(error).__name__[:100]
    line = error.lineno if isinstance(error, SyntaxError) else None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if filename is not None and frame.f_code.co_filename == filename:
            line = number
    return CellError(f"{name}: {message}" if message else name, line)


def _message(error: CellError) -> str:
    return error.summary.partition(": ")[2]


class PlainShell:
    """Cells by `exec`, the value of a last expression shown; magics and shell escapes are passed over."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._count = 0
        module = types.ModuleType("__main__")
        sys.modules["__main__"] = module
        self._namespace = module.__dict__

    @property
    def namespace(self) -> dict[str, Any]:
        return self._namespace

    def run(self, source: str) -> CellError | None:
        self._count += 1
        filename = f"<cell {self._count}>"
        # Blank lines in the place of magics keep the line numbers.
        lines = ["" if line.startswith(("%", "!")) else line for line in source.splitlines()]
        linecache.cache[filename] = (len(source), None, [line + "\n" for line in lines], filename)
        try:
            tree = ast.parse("\n".join(lines), filename)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, filename, "exec"), self._namespace)  # noqa: S102 - what this process is for
            if isinstance(last, ast.Expr):
                self._show(eval(compile(ast.Expression(last.value), filename, "eval"), self._namespace))  # noqa: S307
        except BaseException as error:  # noqa: BLE001 - also SystemExit is an error of the cell
            found = summarise(error, filename)
            shown = error.__traceback__.tb_next if error.__traceback__ else None
            lines = traceback.format_exception(type(error), error, shown)
            self._recorder.error(type(error).__name__, _message(found), lines)
            return found
        return None

    def _show(self, value: Any) -> None:
        if value is not None:
            self._namespace["_"] = value
            self._recorder.display({"text/plain": repr(value)}, self._count)


def _make_ipython(recorder: Recorder, folder: str) -> Shell:
    from IPython.core.displayhook import DisplayHook
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Hook(DisplayHook):  # type: ignore[misc]
        def start_displayhook(self) -> None: ...

        def write_output_prompt(self) -> None: ...

        def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
            recorder.display(format_dict, self.prompt_count)

        def log_output(self, format_dict: dict[str, Any]) -> None: ...

        def finish_displayhook(self) -> None:
            self._is_active = False

    class Publisher(DisplayPublisher):  # type: ignore[misc]
        def publish(self, data: dict[str, Any], metadata: Any = None, *args: Any, **kwargs: Any) -> None:
            recorder.display(data)

        def clear_output(self, wait: bool = False) -> None:
            recorder.clear()

    class Quiet(InteractiveShell):  # type: ignore[misc]
        """IPython without a terminal, a history file or a thread."""

        shown = False

        def _showtraceback(self, etype: type[BaseException], evalue: BaseException, stb: list[str]) -> None:
            self.shown = True
            recorder.error(etype.__name__, _message(summarise(evalue, None)), list(stb))

        def ask_exit(self) -> None:  # what exit() and quit() call
            raise SystemExit

        def enable_gui(self, gui: str | None = None) -> None:
            """There is none; %matplotlib asks all the same."""

        def init_virtualenv(self) -> None:
            """The process runs in its environment already."""

        @property
        def namespace(self) -> dict[str, Any]:
            return self.user_ns  # type: ignore[no-any-return]

        def run(self, source: str) -> CellError | None:
            self.shown = False
            result = self.run_cell(source, store_history=True)
            error = result.error_before_exec or result.error_in_exec
            if error is None:
                return None
            found = summarise(error, _cell_of(error))
            if found.line is not None:  # IPython takes blank lines away before it counts
                blank = len(source) - len(source.lstrip())
                found = replace(found, line=found.line + source[:blank].count("\n"))
            if not self.shown:
                recorder.error(type(error).__name__, _message(found), [found.summary])
            return found

    config = Config()
    config.HistoryManager.enabled = False  # no file, and no thread that a fork would lose
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.display_page = True
    config.InteractiveShell.enable_tip = False
    # display_pub_class and displayhook_class are traits without config.
    shell = Quiet(config=config, ipython_dir=folder, display_pub_class=Publisher, displayhook_class=Hook)
    InteractiveShell._instance = Quiet._instance = shell  # what get_ipython() and display() ask for
    return shell


def _cell_of(error: BaseException) -> str | None:
    """The file name of the running cell: of the first frame that lies in one."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith("<ipython-input"):
            return frame.f_code.co_filename
    return None
