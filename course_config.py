"""The course's settings, in traitlets. nbgrader reads this file too (through nbgrader_config.py).

`nbgrader generate_config` lists all of nbgrader's settings; ours are `CourseSettings` in
autograder/course.py and `Publication` in autograder/building/publish.py.
"""

from pathlib import Path

c = get_config()  # noqa: F821 - traitlets' loader provides it

# The course
c.CourseSettings.title = "Deep learning, from the tape up"  # on pages and reports
c.CourseSettings.assignments = ["tensors", "backprop", "sequence", "sequence_tf", "ner"]  # in this order
c.CourseSettings.twins = {"sequence_tf": "sequence"}  # the same in another framework, graded by the same checks
c.CourseDirectory.course_id = "deep-learning"  # what the exchange and formgrader call it
c.CourseDirectory.root = str(Path(__file__).resolve().parent)  # so that nbgrader runs from any folder

# Building: nbgrader makes release/, and takes the public checks and recorded answers along
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "nbgrader.preprocessors.ClearSolutions",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",
    "autograder.build.PublicChecks",
]
c.CourseDirectory.ignore = [  # never copied, neither from source/ nor from what is handed in
    ".ipynb_checkpoints",
    "__pycache__",
    "*.pyc",
    "*.py",  # a notebook written as text beside its .ipynb holds the solutions
    "feedback",
]
# What students install; without it `course build --publish` takes the kit along
# c.Publication.requirement = "course-autograder[student] @ git+https://…"

# Grading: `nbgrader autograde` and formgrader's button repair and run a submission as `course grade` does, in the jail
c.Autograde.pre_convert_hook = "autograder.grading.nbgrader_execute.register"
c.Autograde.sanitize_preprocessors = [
    "autograder.grading.nbgrader_execute.RepairCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.grading.nbgrader_execute.JailExecute",  # in the place of nbgrader.preprocessors.Execute
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "autograder.grading.nbgrader_execute.RecordReview",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.HTMLExporter.preprocessors = ["autograder.grading.nbgrader_display.HarmlessText"]  # no student's script in any page

# What one submission may use
c.CourseSettings.cell_seconds = 20.0  # wall time of one cell
c.CourseSettings.case_seconds = 10.0  # wall time of one case of a check
c.CourseSettings.submission_seconds = 120.0  # wall time of everything
c.CourseSettings.memory_mib = 4096  # of all processes together
