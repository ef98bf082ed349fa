"""Is any text of a solution to be found in a release?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from autograder.notebook import Notebook, release_text, solution_lines

SHORTEST = 12  # a shorter line ("return x") says nothing


def leaks(release: Path, source: Notebook) -> list[str]:
    """Where the release gives a solution away: 'file: the line' for each, sorted. Empty is good."""
    files = {path.relative_to(release).as_posix(): path.read_bytes() for path in release.rglob("*") if path.is_file()}
    return leaks_in(files, source)


def leaks_in(files: dict[str, bytes], source: Notebook) -> list[str]:
    """As `leaks`, of files by their path in the release."""
    secrets = secret_lines(source)
    found = []
    for path, data in sorted(files.items()):
        text = "\n".join(_spaced(part) for part in (path, *_texts(data)))
        found += [f"{path}: {line}" for line in secrets if line in text]
    return found


def secret_lines(source: Notebook) -> list[str]:
    """The lines of all solutions that no text given to students holds, in one spacing."""
    given = "\n".join(_spaced(release_text(cell)) for cell in source["cells"])
    lines = (_spaced(line) for cell in source["cells"] for line in solution_lines(cell))
    return list(dict.fromkeys(line for line in lines if len(line) >= SHORTEST and line not in given))


def _texts(data: bytes) -> Iterator[str]:
    """Every text in a file: as it stands, and what a JSON file's strings hold."""
    text = data.decode("utf-8", "replace")
    yield text
    if text.lstrip()[:1] in ("{", "["):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return
        yield from _strings(parsed)


def _strings(tree: Any) -> Iterable[str]:
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        if tree and all(isinstance(part, str) for part in tree):
            yield "".join(tree)  # a text as its lines
        for part in tree:
            yield from _strings(part)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)


def _spaced(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))
