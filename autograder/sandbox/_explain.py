"""What an administrator can do where the jail can't be built."""

from __future__ import annotations

import contextlib
from pathlib import Path

from autograder.course import CourseError

OTHERWISE = "`--sandbox none` runs submissions unprotected, and says so in every result."
# What systems forbid user namespaces with: the setting, the value that forbids, the command that allows.
_SETTINGS = (
    ("user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=15000"),
    ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
)
_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")


class SandboxUnavailable(CourseError):
    """No jail here; the message says what is missing and what an administrator can do."""


def explain(failed: str, *, root: Path = Path("/")) -> str:
    """The step that failed and what to do about it, by what is set on the system below `root`."""
    return f"The jail can't be built here: {failed}. {next_step(failed, root=root)} {OTHERWISE}".replace("  ", " ")


def next_step(failed: str, *, root: Path = Path("/")) -> str:
    """The commands that most likely mend it; empty when none is known."""
    if "Linux only" in failed:
        return "Grade on Linux, in a virtual machine or in WSL 2."
    if "[Errno" not in failed:
        return ""
    steps = []
    for name, forbidding, command in _SETTINGS:
        with contextlib.suppress(OSError):
            if (root / "proc/sys" / name).read_text().strip() == forbidding:
                steps.append(f"Allow user namespaces: `{command}`.")
    if any((root / mark).exists() for mark in _CONTAINER_MARKS):
        steps.append(
            "This is a container, which must allow it: `docker run --security-opt seccomp=unconfined --security-opt "
            "apparmor=unconfined --security-opt systempaths=unconfined --cap-add SYS_ADMIN`."
        )
    return " ".join(steps) or "It needs Linux 5.12 or newer with user namespaces, and a /proc that isn't masked."
