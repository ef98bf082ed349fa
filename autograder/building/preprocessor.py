"""The step that nbgrader's converter takes for us: public checks and recorded answers into the release."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from autograder.building.checks import public_checks
from autograder.building.files import write_if_changed
from autograder.building.solution import solution_text
from autograder.building.source import checked_source
from autograder.course import find_course

FOLDER = "checks"


class PublicChecks(NbGraderPreprocessor):  # type: ignore[misc]
    """Add checks/ to the release: the public tests, and the answers recorded from the reference.

    The reference, solutions/<a>.py, is built first when it is stale.
    """

    record = Bool(True, help="Record the reference's answers; without them a release can't check anything.").tag(
        config=True
    )

    reuse = Bool(
        True, help="Take the recorded answers over while checks, mistakes and reference are as they were."
    ).tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Put the files where nbconvert's writer looks for what lies beside a notebook."""
        assignment = find_course(Path(resources["metadata"]["path"])).assignment(resources["nbgrader"]["assignment"])
        source = checked_source(assignment)
        files = public_checks(assignment)
        if self.record:
            from autograder.checking import record

            write_if_changed(assignment.solution, solution_text(assignment, source).encode())
            kept = record.still_recorded(assignment, assignment.release / FOLDER) if self.reuse else None
            files |= kept or record.public_records(assignment)
        outputs = {f"{FOLDER}/{name}": data for name, data in files.items()}
        resources["outputs"] = {**(resources.get("outputs") or {}), **outputs}
        return nb, resources
