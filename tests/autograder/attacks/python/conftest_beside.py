"""Puts conftest.py, a pytest plugin, sitecustomize and config files beside a wrong notebook; it deserves 0."""


def make(hand_in):
    for name in ("double", "center"):
        hand_in.cell(f"blank-{name}")["source"] = f"def {name}(x):\n    return x"
    hand_in.cell("blank-running")["source"] = "class Running:\n    def add(self, x):\n        return x"
    hook = "import pytest\n\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n" \
           "    report = yield\n    report.outcome = 'passed'\n    return report\n"  # fmt: skip
    for name in ("conftest.py", "plugin.py", "sitecustomize.py", "usercustomize.py", "autograder.py", "pytest.py"):
        hand_in.save(hook, name)
    hand_in.save("[pytest]\naddopts = -p plugin\n", "pytest.ini")
    hand_in.save("c = get_config()\nc.CourseSettings.sandbox = 'none'\n", "course_config.py")
    hand_in.save("c = get_config()\n", "nbgrader_config.py")
    hand_in.save("PYTHONPATH=.\n", ".env")
    hand_in.save()
