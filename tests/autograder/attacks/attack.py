"""What an attack is: a file whose docstring says what it tries, and how that becomes something handed in.

Two forms::

    # %% before                 cells, as in py:percent: "before" and "after" are cells of the student's own,
    …                           "double", "center" and "running" the answers in those blanks, "why" the written one
    # %% helpers                the family's _helpers.py, as a cell
    def make(hand_in): …        what must be made as bytes, links, archives: see `HandIn`

Blanks that are not named hold the right answer. The docstring's sentence ends in what the honest part
deserves ("deserves 6", or "deserves at most 6" where a race decides); each line "Says: …" is a phrase that
the result must tell. @COURSE@, @HOUSE@, @PORT@, @SOCKET@, @PID@ and @MARK@ stand for facts that only a run knows.
"""

from __future__ import annotations

import ast
import copy
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ASSIGNMENT = "wall"
_DESERVES = re.compile(r"deserves? (at most )?(\d+(?:\.\d+)?)")
_HELPERS = "# %% helpers\n"
_CELL = re.compile(r"^# %%(?: \[markdown\])? (\w+)\n", re.MULTILINE)


@dataclass(frozen=True)
class Attack:
    """One file. `deserves` is in points, `exactly` when no more and no less may come out."""

    family: str
    name: str
    story: str
    deserves: float
    exactly: bool
    says: tuple[str, ...]
    path: Path

    def __str__(self) -> str:
        return f"{self.family}/{self.name}"


@dataclass(frozen=True)
class HandIn:
    """What an attack makes its submission of: the right notebook (a copy of its own) and the folder to fill."""

    folder: Path
    notebook: dict[str, Any]
    facts: Mapping[str, str]

    def cell(self, name: str) -> Any:
        """The cell with this id, for example "blank-double" or "written-why"."""
        return next(cell for cell in self.notebook["cells"] if cell.get("id") == name)

    def own(self, source: str, *, after: str = "given-imports", cell_type: str = "code") -> Any:
        """A cell of the student's own, put behind another one."""
        cell: dict[str, Any] = {"cell_type": cell_type, "metadata": {}, "source": source}
        if cell_type == "code":
            cell |= {"outputs": [], "execution_count": None}
        self.notebook["cells"].insert(self.notebook["cells"].index(self.cell(after)) + 1, cell)
        return cell

    def save(self, content: Any = None, name: str = f"{ASSIGNMENT}.ipynb") -> Path:
        """Write a file of the submission: the notebook unless something else (bytes, text, JSON) is given."""
        content = self.notebook if content is None else content
        if not isinstance(content, (bytes, str)):
            content = json.dumps(content)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


def attacks() -> list[Attack]:
    """All of them, sorted by family and name."""
    return [_read(path) for path in sorted(HERE.glob("*/*.py")) if path.parent.name != "course" and path.name[0] != "_"]


def hand_in(attack: Attack, folder: Path, right: dict[str, Any], facts: Mapping[str, str]) -> None:
    """Make the attack's submission in `folder`."""
    text = attack.path.read_text(encoding="utf-8")
    made = HandIn(folder, copy.deepcopy(right), facts)
    if "\ndef make(" in text:
        _module(attack).make(made)
        return
    for name, fact in facts.items():
        text = text.replace(f"@{name}@", fact)
    last = made.notebook["cells"][-1]["id"]
    parts = _CELL.split(text)[1:]
    for where, source in reversed(list(zip(parts[::2], parts[1::2], strict=True))):
        if where == "helpers":
            made.own((attack.path.parent / "_helpers.py").read_text(encoding="utf-8").partition(_HELPERS)[2])
        elif where in ("before", "after"):
            made.own(source.strip(), after="given-imports" if where == "before" else last)
        elif where == "why":
            made.cell("written-why")["source"] = re.sub(r"^# ?", "", source.strip(), flags=re.MULTILINE)
        else:
            made.cell(f"blank-{where}")["source"] = source.strip()
    made.save()


def _read(path: Path) -> Attack:
    first, *rest = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")
    story = " ".join(first.split())
    found = _DESERVES.search(story)
    if found is None:
        raise ValueError(f"{path}: its docstring doesn't say what the honest part deserves")
    lines = [line for paragraph in rest for line in paragraph.splitlines()]
    says = tuple(line.removeprefix("Says: ") for line in lines if line.startswith("Says: "))
    return Attack(path.parent.name, path.stem, story, float(found[2]), not found[1], says, path)


def _module(attack: Attack) -> Any:
    spec = importlib.util.spec_from_file_location(f"attack_{attack.family}_{attack.name}", attack.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
