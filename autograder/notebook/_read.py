"""Read a notebook that a stranger wrote: bounded before it is parsed, then put in a known shape."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.notebook._cells import Notebook

MAX_DEPTH = 64  # Jupyter's own notebooks stay below 20
MAX_VALUES = 2_000_000
MAX_CELLS = 1_000
MAX_OUTPUTS = 10_000  # of all cells

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

_LOOKS_LIKE = (
    (b"PK\x03\x04", "is a zip archive", "Unpack it and hand in the notebook inside"),
    (b"%PDF", "is a PDF", "Hand in the .ipynb file, not a print of it"),
    (b"\x1f\x8b", "is a compressed (gzip) file", "Unpack it and hand in the notebook inside"),
    (b"\x89PNG", "is a picture (PNG)", "Hand in the .ipynb file, not a screenshot"),
    (b"\xff\xd8\xff", "is a picture (JPEG)", "Hand in the .ipynb file, not a screenshot"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the file itself", "Run `git lfs pull` and hand in again"),
    (b"{\\rtf", "is a rich-text document", "Hand in the .ipynb file as Jupyter saved it"),
    (b"\xff\xfe", "is text in UTF-16", "Save it from Jupyter, which writes UTF-8, and hand in again"),
    (b"\xfe\xff", "is text in UTF-16", "Save it from Jupyter, which writes UTF-8, and hand in again"),
)
_SAVE_AGAIN = "Open it in Jupyter, save it and hand in again"


class Unreadable(Exception):
    """A submission that can't be read; the message is one line: what is wrong, and the next step."""


def read(source: Path | bytes, *, limit_mib: float, inside: Path | None = None) -> Notebook:
    """Read a notebook.

    Size, nesting and the number of values are bounded before the JSON is parsed. What
    comes back has only the keys that nbformat 4 knows, every text is one string and
    every part has the type it should have. A `source` that is a path must be a regular
    file; a link may not lead out of `inside` (the file's own folder unless given).
    Raises `Unreadable`.
    """
    if isinstance(source, Path):
        where = _printable(source.name)
        data = _bytes_of(source, where, limit_mib, inside)
    else:
        where, data = "The notebook", source
        _check_size(len(data), where, limit_mib)
    text = _text(data, where)
    _check_nesting(data, where)
    return _notebook(_parse(text, where), where)


def _bytes_of(path: Path, where: str, limit_mib: float, inside: Path | None) -> bytes:
    try:
        target = path.resolve(strict=True)
        if not target.is_relative_to((inside or path.parent).resolve(strict=True)):
            raise Unreadable(f"{where} is a link that leads out of its folder. Hand in the file itself.")
        # Not a pipe that blocks, nor a link put there since.
        descriptor = os.open(target, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(f"{where} is no regular file. Hand in the notebook's file itself.")
            _check_size(status.st_size, where, limit_mib)
            data = file.read(int(limit_mib * 2**20) + 1)
    except FileNotFoundError:
        raise Unreadable(f"{where} isn't there. Hand in the notebook under this name.") from None
    except IsADirectoryError:
        raise Unreadable(f"{where} is a folder. Hand in the notebook's file itself.") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        reason = getattr(error, "strerror", None) or "a circle of links"
        raise Unreadable(f"{where} can't be opened ({reason}). Hand in the file again.") from None
    _check_size(len(data), where, limit_mib)
    return data


def _check_size(size: int, where: str, limit_mib: float) -> None:
    if size > limit_mib * 2**20:
        raise Unreadable(
            f"{where} has {size / 2**20:.1f} MiB, more than the {limit_mib:g} MiB that are read. "
            "Clear its outputs (Edit, Clear Outputs of All Cells), save it and hand in again."
        )


def _text(data: bytes, where: str) -> str:
    head = data[:512].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head and not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise Unreadable(f"{where} is empty. Save the notebook in Jupyter and hand in again.")
    for start, what, step in _LOOKS_LIKE:
        if data.startswith(start):
            raise Unreadable(f"{where} {what}. {step}.")
    if head[:1] == b"<" and re.match(rb"<(!doctype|html|\?xml|head|body|!--)", head, re.IGNORECASE):
        raise Unreadable(f"{where} is a web page. Download the notebook itself (the raw file) and hand that in.")
    if data.startswith(b"<<<<<<<") or b"\n<<<<<<< " in data:
        raise Unreadable(f"{where} holds an unsolved merge conflict (<<<<<<<). Solve it, save and hand in again.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{where} isn't text in UTF-8 (byte {error.start}). {_SAVE_AGAIN}.") from None


def _check_nesting(data: bytes, where: str) -> None:
    bare = _STRING.sub(b'"', data)
    if bare.count(b",") + bare.count(b"[") + bare.count(b"{") > MAX_VALUES:
        raise Unreadable(f"{where} holds more than {MAX_VALUES:,} values. Clear its outputs and hand in again.")
    depth = 0
    for bracket in bare.translate(None, _NO_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Unreadable(f"{where} is nested deeper than {MAX_DEPTH} levels. Clear its outputs and hand in again.")


def _parse(text: str, where: str) -> Any:
    try:
        parsed = _loads(text, _without_repeats)
        if _SURROGATE.search(text):  # half a character can't be written again
            whole = json.dumps(parsed, ensure_ascii=False).encode("utf-8", "replace")
            parsed = _loads(whole.decode(), dict)
        return parsed
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            what = "is cut off at its end: the upload or the save broke off"
        elif not text.lstrip().startswith(("{", "[")):
            what = "is no notebook: it isn't JSON"
        else:
            what = f"is broken JSON (line {error.lineno}, column {error.colno}: {error.msg})"
        raise Unreadable(f"{where} {what}. {_SAVE_AGAIN}.") from None
    except _RepeatedKey as error:
        key = _printable(str(error))
        raise Unreadable(f"{where} has the key {key!r} twice in one object. {_SAVE_AGAIN}.") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{where} can't be parsed ({_printable(str(error))}). {_SAVE_AGAIN}.") from None


class _RepeatedKey(Exception):
    pass


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKey(key)
            seen.add(key)
    return found


def _loads(text: str, make: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    # What JSON doesn't have (NaN, infinities) is read as null.
    return json.loads(text, object_pairs_hook=make, parse_constant=lambda _: None, parse_float=_finite)


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _notebook(data: Any, where: str) -> Notebook:
    if not isinstance(data, dict) or not {"cells", "nbformat", "worksheets"} & set(data):
        raise Unreadable(f"{where} is JSON but no notebook. Hand in the .ipynb file that Jupyter saved.")
    version = data.get("nbformat")
    if "worksheets" in data or version in (1, 2, 3):
        raise Unreadable(f"{where} is a notebook of an old format ({_printable(str(version), 20)}). {_SAVE_AGAIN}.")
    if version != 4 or isinstance(version, bool):
        raise Unreadable(f"{where} has the notebook format {str(version)[:20]!r}; 4 is expected. {_SAVE_AGAIN}.")
    cells = data.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise Unreadable(f"{where} has no list of cells. {_SAVE_AGAIN}.")
    if len(cells) > MAX_CELLS:
        raise Unreadable(f"{where} has {len(cells):,} cells, more than {MAX_CELLS:,}. Delete what isn't needed.")
    if sum(len(cell["outputs"]) for cell in cells if isinstance(cell.get("outputs"), list)) > MAX_OUTPUTS:
        raise Unreadable(f"{where} has more than {MAX_OUTPUTS:,} outputs. Clear its outputs and hand in again.")
    minor = data.get("nbformat_minor")
    return {
        "cells": [_cell(cell) for cell in cells],
        "metadata": _dict(data.get("metadata"), without=("orig_nbformat", "orig_nbformat_minor", "signature")),
        "nbformat": 4,
        "nbformat_minor": minor if type(minor) is int and 0 <= minor < 100 else 5,
    }


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    kind = cell.get("cell_type")
    shaped: dict[str, Any] = {
        "cell_type": kind if kind in ("code", "markdown", "raw") else "raw",
        "metadata": _dict(cell.get("metadata"), without=("trusted",)),
        "source": _joined(cell.get("source")),
    }
    if isinstance(cell.get("id"), str):
        shaped["id"] = cell["id"]
    if kind == "code":
        outputs = cell.get("outputs")
        shaped["outputs"] = [_output(o) for o in outputs if _is_output(o)] if isinstance(outputs, list) else []
        shaped["execution_count"] = _count(cell.get("execution_count"))
    elif isinstance(cell.get("attachments"), dict):
        files = cell["attachments"].items()
        shaped["attachments"] = {name: _bundle(bundle) for name, bundle in files if isinstance(bundle, dict)}
    return shaped


def _is_output(output: Any) -> bool:
    return isinstance(output, dict) and output.get("output_type") in (
        "stream", "display_data", "execute_result", "error",
    )  # fmt: skip


def _output(output: dict[str, Any]) -> dict[str, Any]:
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": kind, "name": name, "text": _joined(output.get("text"))}
    if kind == "error":
        lines = output.get("traceback")
        return {
            "output_type": kind,
            "ename": _joined(output.get("ename")),
            "evalue": _joined(output.get("evalue")),
            "traceback": [line for line in lines if isinstance(line, str)] if isinstance(lines, list) else [],
        }
    shown = {
        "output_type": kind,
        "data": _bundle(_dict(output.get("data"))),
        "metadata": _dict(output.get("metadata")),
    }
    return shown if kind == "display_data" else {**shown, "execution_count": _count(output.get("execution_count"))}


def _bundle(bundle: dict[str, Any]) -> dict[str, Any]:
    """A bundle of MIME types; only JSON types hold anything but text."""
    return {name: value if name.endswith("json") else _joined(value) for name, value in bundle.items()}


def _joined(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else ""


def _dict(value: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {key: kept for key, kept in value.items() if key not in without} if isinstance(value, dict) else {}


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _printable(text: str, longest: int = 80) -> str:
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
