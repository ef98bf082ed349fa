"""The course: one folder with a `course_config.py`, and everything found from there.

`course_config.py` is traitlets, read by nbgrader as well; our own settings are the
traits of `CourseSettings` (`c.CourseSettings.case_seconds = 20`).
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitError, Unicode
from traitlets.config import Config, Configurable
from traitlets.config.loader import PyFileConfigLoader

CONFIG_NAME = "course_config.py"
SandboxName = Literal["jail", "none"]
PUBLIC_SEED = 0  # what students' own checks use; grading uses the course's secret one
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,99}")


class CourseError(Exception):
    """Something an instructor can mend; the message says what, where and the next step."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Times in seconds, sizes in MiB unless named otherwise."""

    cell_seconds: float = 20.0
    case_seconds: float = 10.0
    submission_seconds: float = 120.0
    cpu_seconds: float = 120.0
    memory_mib: int = 4096
    processes: int = 64
    open_files: int = 256
    disk_mib: int = 256
    output_kib: int = 256
    notebook_mib: int = 20


class CourseSettings(Configurable):
    """The kit's own settings; nbgrader's stand beside them in the same file."""

    cell_seconds = Float(20.0, help="Wall time that one cell of a submission may take.").tag(config=True)
    case_seconds = Float(10.0, help="Wall time that one case of a check may take.").tag(config=True)
    submission_seconds = Float(120.0, help="Wall time for all cells and cases of a submission.").tag(config=True)
    cpu_seconds = Float(120.0, help="CPU time of all processes of a submission.").tag(config=True)
    memory_mib = Int(4096, help="Memory of all processes of a submission, in MiB.").tag(config=True)
    processes = Int(64, help="Processes and threads that a submission may have at once.").tag(config=True)
    open_files = Int(256, help="Files that a process of a submission may hold open.").tag(config=True)
    disk_mib = Int(256, help="What a submission may write to its own folder, in MiB.").tag(config=True)
    output_kib = Int(256, help="Output that is kept of one cell, in KiB.").tag(config=True)
    notebook_mib = Int(20, help="Size above which a submitted notebook is not read, in MiB.").tag(config=True)
    device = Enum(["cpu", "cuda"], "cpu", help="Where answers are checked.").tag(config=True)
    sandbox = Enum(["jail", "none"], "jail", help="'none' runs submissions unprotected, and says so.").tag(config=True)
    jobs = Int(0, help="Submissions graded at once; 0: one per core.").tag(config=True)
    assignments = List(Unicode(), help="The assignments in their order; empty: all in source/.").tag(config=True)
    twins = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Assignments that are another one again, in another framework: {twin: the first}. The first one's checks "
        "in tests/ grade both.",
    ).tag(config=True)
    title = Unicode("Deep learning", help="The course's name, for pages and reports.").tag(config=True)
    show_expected = Bool(True, help="Show one expected number when a public case fails.").tag(config=True)

    @property
    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in Limits.__dataclass_fields__})


class Course:
    """The folders and settings of one course.

    `root` is the folder that holds course_config.py. Raises `CourseError` when the
    configuration can't be read.
    """

    def __init__(self, root: Path, overrides: Config | None = None) -> None:
        self.root = root.resolve()
        self.config = _load(self.root / CONFIG_NAME)
        if overrides is not None:
            self.config.merge(overrides)
        try:
            self.settings = CourseSettings(config=self.config)
        except TraitError as error:
            raise CourseError(f"{self.root / CONFIG_NAME} can't be used: {error}") from None
        for twin, first in self.settings.twins.items():
            if twin == first or first in self.settings.twins:
                raise CourseError(
                    f"{self.root / CONFIG_NAME}: {twin!r} is a twin of {first!r}, which is "
                    f"{'itself' if twin == first else 'a twin too'}. Name the assignment whose checks lie in tests/."
                )

    @property
    def limits(self) -> Limits:
        return self.settings.limits

    @property
    def sandbox(self) -> SandboxName:
        """How submissions are kept from doing harm, unless a command says otherwise."""
        return cast(SandboxName, self.settings.sandbox)

    @cached_property
    def assignments(self) -> tuple[str, ...]:
        """The assignments' names, in the course's order."""
        if self.settings.assignments:
            return tuple(self.settings.assignments)
        found = sorted(path.parent.name for path in self.folder("source").glob("*/*.ipynb"))
        return tuple(dict.fromkeys(found))

    def folder(self, name: str) -> Path:
        """source, release, submitted, autograded, feedback: where nbgrader's settings put them."""
        directory = self.config.get("CourseDirectory", {}).get(f"{name}_directory", name)
        return self.root / str(directory)

    def assignment(self, name: str) -> Assignment:
        """The assignment `name`. Raises `CourseError` when there is none."""
        if not is_safe_name(name) or not (self.folder("source") / name / f"{name}.ipynb").is_file():
            known = ", ".join(self.assignments) or "none yet"
            raise CourseError(
                f"There is no assignment {name!r} in {self.folder('source')} (there are: {known}). "
                f"`course new {name if is_safe_name(name) else 'NAME'}` makes one."
            )
        return Assignment(self, name)

    @property
    def state(self) -> Path:
        """The folder for what stays on this side: the secret seed, recorded answers, results."""
        return self.root / ".course"

    @cached_property
    def secret_seed(self) -> int:
        """The seed that grading uses, made once and kept out of git."""
        path = self.state / "seed"
        if not path.is_file():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Written whole under another name first: of two runs at once, neither may read half a seed.
            partial = path.with_name(f"seed.{os.getpid()}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"{secrets.randbits(63) | 1}\n")
            try:
                os.link(partial, path)  # never over a seed that is there by now
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        return _read_seed(path)

    def database_url(self) -> str:
        """The gradebook that nbgrader uses as well."""
        return str(self.config.get("CourseDirectory", {}).get("db_url", f"sqlite:///{self.root / 'gradebook.db'}"))

    def students(self, assignment: str) -> Iterator[Path]:
        """The folders in submitted/ that may hold this assignment, sorted by name."""
        submitted = self.folder("submitted")
        if submitted.is_dir():
            for path in sorted(submitted.iterdir()):
                if path.is_dir() and (path / assignment).exists():
                    yield path


@dataclass(frozen=True)
class Assignment:
    """Where the parts of one assignment lie."""

    course: Course
    name: str

    @property
    def source(self) -> Path:
        return self.course.folder("source") / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        return self.course.folder("release") / self.name

    @property
    def solution(self) -> Path:
        return self.course.root / "solutions" / f"{self.name}.py"

    @property
    def first(self) -> str:
        """The assignment whose checks grade this one: itself, or the one that it is a twin of."""
        return str(self.course.settings.twins.get(self.name, self.name))

    @property
    def tests(self) -> Path:
        return self.course.root / "tests" / self.first


def find_course(start: Path | None = None) -> Course:
    """The course that `start` (the working directory) lies in. Raises `CourseError` when it lies in none."""
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return Course(folder)
    raise CourseError(
        f"No {CONFIG_NAME} in {start} or above it. Run this in a course's folder, or name it by --course."
    )


def is_safe_name(name: str) -> bool:
    """Whether a student's id or an assignment's name may become part of a path."""
    return _NAME.fullmatch(name) is not None and ".." not in name


def _read_seed(path: Path) -> int:
    try:
        return int(path.read_text())
    except ValueError:
        raise CourseError(
            f"{path} holds no number. Delete it to get a new seed; grades will change by no more than honest rounding."
        ) from None


def _load(path: Path) -> Config:
    if not path.is_file():
        raise CourseError(f"There is no {path}.")
    try:
        config: Any = PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    except Exception as error:
        raise CourseError(f"{path} can't be read: {type(error).__name__}: {error}") from error
    return Config(config)
