"""Where the jail can't be built, the message says what is missing and what to do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from autograder.sandbox._explain import explain

# In a user namespace of its own, the number of further ones is this process's to set.
WITHOUT_NAMESPACES = """
import os
from pathlib import Path
from autograder.sandbox import _syscalls as sc
uid, gid = os.geteuid(), os.getegid()
sc.unshare(sc.NEWUSER, "user namespace")
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
Path("/proc/sys/user/max_user_namespaces").write_text("LIMIT")

from autograder.course import Limits
from autograder.sandbox._escapes import probe
from autograder.sandbox.host import Host, SandboxUnavailable
try:
    with Host(preload=(), limits=Limits()) as host:
        print(host.level)
except SandboxUnavailable as error:
    print(error)
    print([holds for _, holds, _ in probe()])
    with Host(preload=(), limits=Limits(), sandbox="none") as host, host.spawn() as student:
        print(host.level, student.run_cell("1").error)
"""


def in_a_namespace(limit: int) -> str:
    source = WITHOUT_NAMESPACES.replace("LIMIT", str(limit))
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_host_without_user_namespaces_refuses_says_how_to_allow_them_and_still_runs_without_a_jail_when_told_to():
    refusal, probed, unjailed = in_a_namespace(0).splitlines()
    assert "unshare user namespace: No space left on device" in refusal
    assert "`sysctl user.max_user_namespaces=15000`" in refusal
    assert "--sandbox none" in refusal
    assert probed == "[False]"
    assert unjailed == "UNSANDBOXED None"


def test_root_of_a_namespace_as_in_rootless_containers_gets_a_jail():
    assert in_a_namespace(100) == "jail\n"


@pytest.mark.parametrize(
    ("setting", "value", "command"),
    [
        ("kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0"),
    ],
)
def test_the_setting_that_forbids_is_named(tmp_path, setting, value, command):
    # A made-up /proc: these settings exist on other distributions' kernels only.
    path = tmp_path / "proc/sys" / setting
    path.parent.mkdir(parents=True)
    path.write_text(f"{value}\n")
    assert f"`{command}`" in explain("PermissionError: [Errno 1] mount", root=tmp_path)
    path.write_text(f"{1 - int(value)}\n")
    assert command not in explain("PermissionError: [Errno 1] mount", root=tmp_path)


def test_a_container_is_told_what_to_allow(tmp_path):
    (tmp_path / ".dockerenv").touch()
    assert "docker run --security-opt" in explain("OSError: [Errno 1] mount proc", root=tmp_path)


def test_other_systems_are_told_where_to_go():
    assert "WSL 2" in explain("namespaces exist on Linux only")
