"""A course of one small assignment, which everything that must have no effect is tried on."""

from pathlib import Path

here = Path(__file__).resolve().parent
load_subconfig("course_config.py", path=str(here.parents[3]))  # noqa: F821 - traitlets' loader provides it
c = get_config()  # noqa: F821

c.CourseSettings.title = "The wall"
c.CourseSettings.assignments = ["wall"]
c.CourseDirectory.course_id = "wall"
c.CourseDirectory.root = str(here)
# Small limits, so that what hits them does so soon.
c.CourseSettings.cell_seconds = 3.0
c.CourseSettings.case_seconds = 2.5
c.CourseSettings.submission_seconds = 20.0
c.CourseSettings.cpu_seconds = 8.0
c.CourseSettings.memory_mib = 400
c.CourseSettings.processes = 24
c.CourseSettings.open_files = 128
c.CourseSettings.disk_mib = 16
c.CourseSettings.output_kib = 64
c.CourseSettings.notebook_mib = 1
