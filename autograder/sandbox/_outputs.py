"""What a cell shows, as a notebook keeps it: collected within a bound on one side, read within it on the other."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograder.sandbox._bounds import ENCODER, BadFrame, strict_json, strip_controls

CUT = "[the rest of the output was cut: more than {kib} KiB]\n"
MIME_TYPES = "text/plain text/html text/markdown text/latex image/png image/jpeg image/svg+xml application/json".split()
_ERROR_BYTES = 16 << 10  # kept for an error even when the output before it used the bound up
_MAX_OUTPUTS = 500
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def plain(text: str) -> str:
    """`text` without terminal escapes and control characters."""
    return strip_controls(_ANSI.sub("", text))


class Recorder:
    """The outputs of one cell after the other, at most `limit` bytes of each."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.begin()

    def set_limit(self, limit: int) -> None:
        """Another bound, in bytes, from now on."""
        self._limit = limit
        self.begin()

    def begin(self) -> None:
        """Forget what there is and start on the next cell."""
        self._left = self._limit
        self._cut = False
        self._outputs: list[dict[str, Any]] = []
        self._texts: list[str] = []  # of the stream output at the end, if that is one

    def stream(self, name: str, text: str) -> None:
        """Something written to 'stdout' or 'stderr'."""
        if self._cut:
            return
        text = text[: self._left + 1]
        size = len(text.encode("utf-8", "replace"))
        if size > self._left:
            self._put_text(name, text.encode("utf-8", "replace")[: self._left].decode("utf-8", "ignore"))
            self._put_text(name, "\n" + CUT.format(kib=self._limit >> 10))
            self._cut = True
            return
        self._left -= size
        self._put_text(name, text)

    def _put_text(self, name: str, text: str) -> None:
        last = self._outputs[-1] if self._outputs else {}
        if last.get("output_type") != "stream" or last["name"] != name:
            if len(self._outputs) >= _MAX_OUTPUTS:
                return
            self._outputs.append({"output_type": "stream", "name": name})
            self._texts = []
            self._outputs[-1]["text"] = self._texts
        self._texts.append(text)

    def display(self, data: Mapping[str, Any], execution_count: int | None = None) -> None:
        """Rich data by MIME type; with an execution count, a cell's result."""
        kept: dict[str, str] = {}
        for kind in MIME_TYPES:
            value = data.get(kind)
            if type(value) is bytes:
                value = base64.b64encode(value).decode()
            if type(value) is not str or self._cut or len(self._outputs) >= _MAX_OUTPUTS:
                continue
            size = len(value.encode("utf-8", "replace"))
            if size > self._left:
                # A picture too many: its text stands for it, and what is small may still follow.
                kept.setdefault("text/plain", CUT.format(kib=self._limit >> 10))
                continue
            self._left -= size
            kept[kind] = value
        if kept and execution_count is None:
            self._outputs.append({"output_type": "display_data", "data": kept, "metadata": {}})
        elif kept:
            self._outputs.append(
                {"output_type": "execute_result", "data": kept, "metadata": {}, "execution_count": execution_count}
            )

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """An exception that ended the cell."""
        lines = plain("\n".join(traceback))[:_ERROR_BYTES].split("\n")
        self._outputs.append(
            {"output_type": "error", "ename": name[:100], "evalue": plain(value)[:2000], "traceback": lines}
        )

    def clear(self) -> None:
        """What IPython's clear_output asks for; the bound stays used up."""
        self._outputs, self._texts = [], []

    def finish(self) -> np.ndarray:
        """The cell's outputs as JSON in a byte array, for a frame's body."""
        for output in self._outputs:
            if output["output_type"] == "stream":
                output["text"] = plain("".join(output["text"]))
        return np.frombuffer(ENCODER.encode(self._outputs).encode(), np.uint8)


class Stream(io.TextIOBase):
    """Stands in for sys.stdout or sys.stderr."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name = name
        self._recorder = recorder

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._recorder.stream(self.name, text)
        return len(text)

    def writable(self) -> bool:
        return True


def read_outputs(packed: np.ndarray, *, limit: int) -> tuple[dict[str, Any], ...]:
    """A stranger's outputs as sound nbformat dicts. Raises `BadFrame` for what isn't one."""
    # JSON spends up to six bytes on one character, and a few on each output.
    if packed.dtype != np.uint8 or packed.nbytes > 6 * limit + 8 * _ERROR_BYTES + 200 * _MAX_OUTPUTS:
        raise BadFrame("outputs beyond their bound")
    outputs = strict_json(packed.tobytes(), depth=40)
    if type(outputs) is not list or len(outputs) > _MAX_OUTPUTS + 1:
        raise BadFrame("outputs that are no list")
    return tuple(_sound(output) for output in outputs)


def _sound(output: Any) -> dict[str, Any]:
    if type(output) is not dict:
        raise BadFrame("an output that is none")
    kind = output.get("output_type")
    if kind == "stream" and output.get("name") in ("stdout", "stderr"):
        return {"output_type": kind, "name": output["name"], "text": _text(output.get("text"))}
    if kind in ("display_data", "execute_result") and type(output.get("data")) is dict:
        data = {mime: _text(value) for mime, value in output["data"].items() if mime in MIME_TYPES}
        sound: dict[str, Any] = {"output_type": kind, "data": data, "metadata": {}}
        if kind == "execute_result":
            count = output.get("execution_count")
            sound["execution_count"] = count if type(count) is int and 0 <= count < 1 << 31 else None
        return sound
    if kind == "error" and type(output.get("traceback")) is list:
        name, value = _text(output.get("ename")), _text(output.get("evalue"))
        lines = [_text(line) for line in output["traceback"]]
        return {"output_type": kind, "ename": name, "evalue": value, "traceback": lines}
    raise BadFrame("an output of no known kind")


def _text(value: Any) -> str:
    if type(value) is list and all(type(part) is str for part in value):
        value = "".join(value)
    if type(value) is not str:
        raise BadFrame("an output without text")
    return plain(value)
