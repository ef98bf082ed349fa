"""The command of whoever sets the machine up: doctor."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import sys

from rich.table import Table

from autograder.cli.app import app, console
from autograder.course import CourseError, find_course

_WANTED = (
    ("numpy", "numpy", "every notebook", "pip install -e '.[student]'"),
    ("torch", "torch", "PyTorch questions", "pip install -e '.[torch]'"),
    ("tensorflow", "tensorflow-cpu", "TensorFlow questions", "pip install -e '.[tensorflow]'"),
    ("nbgrader", "nbgrader", "building and grading", "pip install -e '.[grading]'"),
    ("jupytext", "jupytext", "building", "pip install -e '.[grading]'"),
    ("jupyterlab", "jupyterlab", "opening notebooks", "pip install -e '.[student]'"),
)


@app.command()
def doctor() -> None:
    """Tell what this machine can do, what is missing, and how to get it."""
    table = Table(show_header=True, header_style="bold", box=None, pad_edge=False)
    for column in ("", "what", "here", "how to get it"):
        table.add_column(column, overflow="fold")
    missing = 0
    for good, what, here, how in (*_python(), *_packages(), *_commands(), *_gpu(), *_jail(), *_course()):
        missing += good is False
        table.add_row(_SIGNS[good], what, here, "" if good else how)
    console.print(table)
    console.print("Everything is here." if not missing else f"{missing} missing; what needs them won't run.")


Row = tuple[bool | None, str, str, str]
"""Whether it is here (None: nobody needs it), what it is, what was found, how to get it."""
_SIGNS = {True: "[green]ok[/]", False: "[yellow]no[/]", None: "[dim]–[/]"}


def _python() -> list[Row]:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return [(good, "Python 3.11 to 3.13", version, "install python3.11 or newer, delete .venv, run make again")]


def _packages() -> list[Row]:
    rows: list[Row] = []
    for module, distribution, use, how in _WANTED:
        names = (distribution, module)
        found = next((_version(name) for name in names if _version(name)), None)
        rows.append((found is not None, f"{module} ({use})", found or "not installed", how))
    return rows


def _commands() -> list[Row]:
    activate = "put .venv/bin on PATH: . .venv/bin/activate"
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    rows: list[Row] = [_command("nbgrader", "nbgrader on PATH", activate)]
    rows.append(_command("alembic", "alembic on PATH (nbgrader calls it)", activate))
    here = browser or "not found"
    rows.append(
        (browser is not None, "Chromium (the kit's own tests)", here, "apt-get install chromium chromium-driver")
    )
    return rows


def _command(name: str, what: str, how: str) -> Row:
    path = shutil.which(name)
    return path is not None, what, path or "not found", how


def _gpu() -> list[Row]:
    if not _version("torch"):
        return []
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    here = ", ".join(torch.cuda.get_device_name(at) for at in range(count))
    none = "none: answers are checked on the CPU"
    how = "an NVIDIA GPU, then: make install GPU=1"
    return [(True if count else None, "GPU for torch (--device cuda)", here or none, how)]


def _jail() -> list[Row]:
    from autograder.sandbox.host import probe

    return [(holds, f"jail: {layer}", "holds" if holds else "doesn't hold", how) for layer, holds, how in probe()]


def _course() -> list[Row]:
    try:
        course = find_course()
    except CourseError as error:
        return [(False, "course", "none here", str(error))]
    names = ", ".join(course.assignments) or "no assignment yet"
    return [(True, "course", f"{course.root} ({names})", "")]


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
