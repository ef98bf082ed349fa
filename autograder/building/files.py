"""Built folders, as their files by path."""

from __future__ import annotations

import os
from pathlib import Path

_CACHES = ("__pycache__", ".ipynb_checkpoints", ".pytest_cache")


def present(folder: Path) -> dict[str, bytes]:
    """The files of a built folder; caches that running it leaves behind aren't part of it."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in _CACHES for part in parts):
            found["/".join(parts)] = path.read_bytes()
    return found


def remove_empty_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not os.listdir(path):
            path.rmdir()


def write_if_changed(path: Path, data: bytes) -> bool:
    """Write the file unless it holds these bytes already."""
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return True
