"""Write a notebook as nbformat does, byte for byte."""

from __future__ import annotations

import json
from typing import Any

from autograder.notebook._cells import Notebook

_SPLIT = ("application/javascript", "image/svg+xml")


def dump(notebook: Notebook) -> bytes:
    """The notebook's bytes: keys sorted, texts as lists of lines, one space of indent."""
    written = {**notebook, "cells": [_cell(cell) for cell in notebook["cells"]]}
    text = json.dumps(written, ensure_ascii=False, indent=1, sort_keys=True, separators=(",", ": "))
    return (text + "\n").encode("utf-8", "replace")


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    split = {**cell, "source": cell["source"].splitlines(True)}
    if "attachments" in cell:
        split["attachments"] = {name: _bundle(bundle) for name, bundle in cell["attachments"].items()}
    if "outputs" in cell:
        split["outputs"] = [_output(output) for output in cell["outputs"]]
    return split


def _output(output: dict[str, Any]) -> dict[str, Any]:
    if output["output_type"] == "stream":
        return {**output, "text": output["text"].splitlines(True)}
    return {**output, "data": _bundle(output["data"])} if "data" in output else output


def _bundle(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.splitlines(True)
        if isinstance(value, str) and (name.startswith("text/") or name in _SPLIT)
        else value
        for name, value in bundle.items()
    }
