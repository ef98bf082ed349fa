"""Write what students may have, and nothing else, into a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from traitlets import Unicode
from traitlets.config import Configurable

import autograder
from autograder.building.files import present, write_if_changed
from autograder.building.leaks import leaks
from autograder.building.source import read_source
from autograder.course import Course, CourseError

MANIFEST = ".course-publication.json"
KIT = "kit"
_KIT_FILES = ("pyproject.toml", "README.md", "LICENSE")
_README = """\
# {title}

Python 3.11 or newer. In this folder:

```
python -m venv .venv
. .venv/bin/activate              # Windows: .venv\\Scripts\\activate
pip install -r requirements.txt
jupyter lab
```

Open a notebook, fill in what says `YOUR CODE HERE` or `YOUR ANSWER HERE`, and run the
check below it: it tells at once what is right and what isn't. Run all cells from the top
once more (Kernel, Restart Kernel and Run All Cells) before you hand the notebook in, under
its own name.

{listed}
"""


class Publication(Configurable):
    """What a publication says beside the assignments."""

    requirement = Unicode(
        help="What students install, as a line of requirements.txt (a URL or an index's package). "
        "Empty: the kit travels along, in kit/."
    ).tag(config=True)


def publish(course: Course, names: Iterable[str], directory: Path) -> list[str]:
    """Write the releases of the assignments named (or of all), a README and requirements to `directory`.

    What an earlier publication wrote for these assignments and isn't part of them any
    more is removed; anything else in the folder stays. Returns the paths written.
    Raises `CourseError` when the folder holds something else, or a release is missing or
    would give a solution away.
    """
    former = _former(directory)
    chosen = list(names or course.assignments)
    files: dict[str, bytes] = {}
    for name in chosen:
        files |= {f"{name}/{path}": data for path, data in _release(course, name).items()}
    settings = Publication(config=course.config)
    if settings.requirement:
        files["requirements.txt"] = f"{settings.requirement}\n".encode()
    else:
        # Not by name: the package index has a stranger's `autograder`.
        files["requirements.txt"] = f"./{KIT}[student]\n".encode()
        files |= {f"{KIT}/{path}": data for path, data in _kit().items()}
    kept = {path for path in former if path.split("/")[0] not in {*chosen, KIT} and path not in files}
    kept = {path for path in kept if (directory / path).is_file()}
    published = sorted({path.split("/")[0] for path in {*kept, *files} if path.endswith(".ipynb")})
    ordered = [name for name in course.assignments if name in published]
    listed = "\n".join(f"- [{name}]({name}/{name}.ipynb)" for name in ordered or published)
    files["README.md"] = _README.format(title=course.settings.title, listed=listed).encode()
    manifest = {"files": sorted({*kept, *files})}
    files[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
    for path in former - kept - set(files):
        (directory / path).unlink(missing_ok=True)
    return [path for path, data in sorted(files.items()) if write_if_changed(directory / path, data)]


def _former(directory: Path) -> set[str]:
    """The files of the publication that `directory` holds. Raises `CourseError` when it holds anything but."""
    if directory.exists() and not directory.is_dir():
        raise CourseError(f"{directory} is no folder. Name a new or an empty one.")
    manifest = directory / MANIFEST
    if not manifest.is_file():
        if directory.is_dir() and any(path.name != ".git" for path in directory.iterdir()):
            raise CourseError(f"{directory} isn't empty and no former publication. Name a new or an empty folder.")
        return set()
    try:
        listed = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        former = {str(path) for path in listed}
    except (ValueError, KeyError, TypeError):
        raise CourseError(f"{manifest} can't be read. Publish into a new or an empty folder.") from None
    inside = directory.resolve()
    if not all((inside / path).resolve().is_relative_to(inside) for path in former):
        raise CourseError(f"{manifest} names files outside of its folder. Publish into a new or an empty folder.")
    return former


def _release(course: Course, name: str) -> dict[str, bytes]:
    assignment = course.assignment(name)
    files = present(assignment.release)
    if f"{name}.ipynb" not in files:
        raise CourseError(f"{assignment.release} isn't built. `course build {name}` makes it.")
    found = leaks(assignment.release, read_source(assignment))
    if found:
        raise CourseError(f"The release of {name} gives solutions away; not published:\n  " + "\n  ".join(found))
    return files


def _kit() -> dict[str, bytes]:
    """This package with what it takes to install it."""
    package = Path(autograder.__file__).parent
    root = package.parent
    if not (root / "pyproject.toml").is_file():
        raise CourseError(
            "The kit is installed without its sources, so it can't travel along. Set c.Publication.requirement in "
            "course_config.py to what students shall install."
        )
    paths = [root / name for name in _KIT_FILES]
    paths += [path for path in package.rglob("*") if "__pycache__" not in path.parts and path.suffix != ".pyc"]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(paths) if path.is_file()}
