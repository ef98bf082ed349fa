"""Where nbgrader looks first; everything stands in course_config.py."""

from pathlib import Path

load_subconfig("course_config.py", path=str(Path(__file__).parent))  # noqa: F821 - traitlets' loader provides it
