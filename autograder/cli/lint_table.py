"""The lint's figures, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table

from autograder.lint import LintReport


def lint_table(reports: Sequence[LintReport]) -> Table:
    """A line per assignment: what was tried, what was caught, what was accepted."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("assignment")
    for column in ("questions", "mistakes caught", "alternatives accepted", "seeds", "seconds", "faults"):
        table.add_column(column, justify="right")
    for report in reports:
        table.add_row(
            report.assignment,
            str(report.questions),
            f"{report.mistakes_caught} of {len(report.mistakes)}",
            f"{report.alternatives_accepted} of {len(report.alternatives)}",
            str(report.seeds),
            f"{report.seconds:.0f}",
            str(len(report.faults)),
        )
    return table


def lint_json(reports: Sequence[LintReport]) -> str:
    """The same as JSON, an object per assignment."""
    return (
        json.dumps(
            {
                report.assignment: {
                    "questions": report.questions,
                    "mistakes": len(report.mistakes),
                    "mistakes_caught": report.mistakes_caught,
                    "alternatives": len(report.alternatives),
                    "alternatives_accepted": report.alternatives_accepted,
                    "seeds": report.seeds,
                    "seconds": report.seconds,
                    "faults": [{"what": fault.what, "mend": fault.mend} for fault in report.faults],
                }
                for report in reports
            },
            indent=1,
        )
        + "\n"
    )
