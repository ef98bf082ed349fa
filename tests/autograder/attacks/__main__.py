"""Everything that must have no effect, tried on the real engine: `make attacks`.

    python -m tests.autograder.attacks [NAME…] [--jobs N] [--json FILE]

Grades all attacks (or those whose family or name is given) in one batch between honest submissions, prints
what each got, and exits with 1 when anything was gained, changed, seen or left behind.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.checking import panel

from .attack import attacks
from .batch import FINDINGS, Report, run


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="families or attacks; all by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, default=Path("build/attacks.json"))
    parser.add_argument("--keep", type=Path, help="make the courses in this folder, and leave them there")
    options = parser.parse_args()
    wanted = [a for a in attacks() if not options.names or {a.family, a.name, str(a)} & set(options.names)]
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder:
        report = run(options.keep or Path(folder), wanted, jobs=options.jobs)
    show(report)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report.record(), indent=1) + "\n")
    return 1 if any(getattr(report, name) for name in FINDINGS) else 0


def show(report: Report) -> None:
    """The table, then what was found."""
    console = Console(width=None if sys.stdout.isatty() else 180)
    table = Table("attack", "got", "deserves", "neighbours", "s", "what its feedback says", box=None, pad_edge=False)
    for outcome in report.outcomes:
        said = [*outcome.attack.says] or outcome.told.splitlines()[:1]
        shown = panel.one_line("; ".join(said), 90)
        beside = " ".join("–" if score is None else f"{score:g}" for score in outcome.neighbours)
        seconds = f"{outcome.result.seconds:.1f}" if outcome.result else "–"
        deserves = f"{'' if outcome.attack.exactly else '≤ '}{outcome.attack.deserves:g}"
        style = "red" if outcome.faults or outcome.score > outcome.attack.deserves else ""
        table.add_row(str(outcome.attack), f"{outcome.score:g}", deserves, beside, seconds, Text(shown), style=style)
    console.print(table)
    console.print(f"{len(report.outcomes)} attacks between {report.neighbours} neighbours in {report.seconds:.0f} s")
    for name in FINDINGS:
        found = getattr(report, name)
        console.print(f"{name.replace('_', ' ')}: {len(found)}", style="red" if found else "green")
        for line in found:
            console.print(Text(f"  {panel.one_line(line, 300)}"))


if __name__ == "__main__":
    sys.exit(main())
