"""The course's settings, in traitlets. nbgrader reads this file too (through nbgrader_config.py)."""

c = get_config()  # noqa: F821 - nbgrader's loader and ours provide it

c.CourseSettings.title = "Deep learning, from the tape up"
c.CourseSettings.assignments = ["backprop"]
