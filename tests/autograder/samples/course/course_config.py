"""A course of one tiny assignment, on which every kind of bad input is tried."""

from pathlib import Path

here = Path(__file__).resolve().parent
load_subconfig("course_config.py", path=str(here.parents[3]))  # noqa: F821 - traitlets' loader provides it
c = get_config()  # noqa: F821

c.CourseSettings.title = "Tiny"
c.CourseSettings.assignments = ["tiny"]
c.CourseDirectory.course_id = "tiny"
c.CourseDirectory.root = str(here)
# Small limits, so that what hits them does so soon.
c.CourseSettings.cell_seconds = 3.0
c.CourseSettings.case_seconds = 2.0
c.CourseSettings.submission_seconds = 60.0
c.CourseSettings.memory_mib = 700
c.CourseSettings.processes = 32
c.CourseSettings.notebook_mib = 1
