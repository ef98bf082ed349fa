"""What student code can't reach from inside the jail. Each attempt is made for real."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autograder.sandbox import _filters
from autograder.sandbox import host as host_module
from autograder.sandbox._escapes import attempts, probe, require_that_it_holds
from autograder.sandbox._mounts import HOME, python_tree
from autograder.sandbox.host import Host, Jailed, SandboxUnavailable

TREE = python_tree()
TEMPORARY = TREE.temporary  # /tmp, unless this checkout's Python lies below it
CHECKOUT = Path(__file__).resolve().parents[3]


def shown(student: Jailed, source: str) -> str:
    """What a cell prints; the cell must not fail."""
    outcome = student.run_cell(source)
    assert outcome.error is None, outcome
    return "".join(output["text"] for output in outcome.outputs if output["output_type"] == "stream")


def refusal(student: Jailed, source: str) -> str:
    """The error that a cell must end with."""
    outcome = student.run_cell(source)
    assert outcome.error is not None, outcome
    return outcome.error


def test_every_way_out_that_the_self_test_tries_is_closed(host):
    assert {attempt.name: attempt.found for attempt in attempts(host)} == dict.fromkeys(
        ["files", "processes", "signals", "network", "abstract sockets", "write", "environment", "descriptors",
         "namespaces", "outliving"]
    )  # fmt: skip


def test_the_self_test_sees_what_is_open_where_there_is_no_jail(host):
    with Host(preload=(), limits=host.limits, sandbox="none") as unjailed:
        found = {attempt.name for attempt in attempts(unjailed) if attempt.found}
        assert found >= {"files", "processes", "signals", "network", "abstract sockets", "namespaces"}
        with pytest.raises(SandboxUnavailable, match=r"doesn't hold here: .*saw .*PID namespaces.*another machine"):
            require_that_it_holds(unjailed)


def test_probing_names_each_layer_and_whether_it_holds():
    layers = {name: holds for name, holds, _ in probe()}
    assert layers.keys() >= {"jail", "files", "network", "outliving", "Landlock", "seccomp"}
    assert all(layers.values()), layers


def test_nothing_of_the_course_can_be_seen(student):
    folders = [str(CHECKOUT / name) for name in (".git", "tests", "source", "autograder", "course_config.py")]
    assert shown(student, f"import os; print([p for p in {folders!r} if os.path.exists(p)])") == "[]\n"
    assert "ModuleNotFoundError" in refusal(student, "import autograder.grading")
    assert "ModuleNotFoundError" in refusal(student, "import tests")


def test_other_users_files_and_programs_are_not_there(student):
    assert (
        shown(student, "import os; print(sorted(set(os.listdir('/')) & {'bin', 'sbin', 'var', 'run', 'sys'}))")
        == "[]\n"
    )
    assert "not found" in refusal(student, "!ls")
    assert shown(student, "print(open('/etc/passwd').read())").startswith("student:")


def test_the_process_is_nobody_and_has_no_rights(student):
    status = shown(student, "print(open('/proc/self/status').read())")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["1000"] * 4
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's jail runs as that user")
def test_a_root_graders_students_are_not_root_outside(host, student):
    outside = Path(f"/proc/{_student_of(host)}/status").read_text()
    uid = next(int(line.split()[1]) for line in outside.splitlines() if line.startswith("Uid:"))
    assert uid not in (0, 1000)


def _student_of(host: Host) -> int:
    """The pid, outside, of a process in a jail of this host."""
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            fields = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        if fields["NSpid"].split()[1:] == ["2"]:
            return int(path.parent.name)
    raise AssertionError("no process is in a jail")


def test_all_namespaces_are_its_own(student):
    names = ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup"]
    inside = shown(student, f"import os\nfor n in {names}: print(os.readlink('/proc/self/ns/' + n))").split()
    assert [
        name for name, found in zip(names, inside, strict=True) if found == os.readlink(f"/proc/self/ns/{name}")
    ] == []


def test_the_only_mounts_are_read_only_or_of_its_own(student):
    mounts = [
        line.split() for line in shown(student, "print(open('/proc/self/mountinfo').read())").splitlines() if line
    ]
    options = {fields[4]: fields[5].split(",") for fields in mounts}
    assert len(options) == len(mounts)  # nothing lies below another: the old root is gone
    own = {HOME, TEMPORARY, "/dev/shm"}
    devices = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}
    assert {place for place in options if "rw" in options[place]} == own | devices
    assert {place for place in options if "nosuid" not in options[place]} <= devices
    assert all("noexec" in options[place] for place in own)


def test_writing_works_in_the_work_folder_and_in_tmp_only(student):
    places = [".", *TREE.writable]
    assert shown(student, f"for p in {places}: open(p + '/a', 'w').write('x')\nprint('ok')") == "ok\n"
    for path in ("/a", "/usr/lib/a", "/etc/passwd", "/proc/self/oom_score_adj", "/dev/a"):
        assert "Error" in refusal(student, f"open({path!r}, 'w')")


def test_programs_in_the_work_folder_cannot_be_started(student):
    source = "import os\nopen('p', 'w').write('#!/bin/sh\\n'); os.chmod('p', 0o755); os.execv('p', ['p'])"
    assert "PermissionError" in refusal(student, source)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("libc.unshare(0x10000000)", "EPERM"),
        ("libc.mount(b'x', b'/tmp', b'tmpfs', 0, None)", "EPERM"),
        ("libc.ptrace(0, 0, 0, 0)", "EPERM"),
        ("libc.syscall(435, None, 0)", "ENOSYS"),  # clone3
        ("libc.syscall(425, 1, None)", "ENOSYS"),  # io_uring_setup
        ("libc.memfd_create(b'x', 0)", "ENOSYS"),
        ("libc.setuid(0)", "EINVAL"),
    ],
)
def test_dangerous_calls_are_refused(student, call, error):
    source = (
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"r = {call}\nprint(errno.errorcode[ctypes.get_errno()] if r < 0 else r)"
    )
    assert shown(student, source) == f"{error}\n"


def test_a_forked_child_cannot_make_namespaces_by_clone(student):
    source = (
        "import ctypes, errno, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "number = {'x86_64': 56, 'aarch64': 220}[platform.machine()]\n"
        "r = libc.syscall(number, ctypes.c_long(0x10000000 | 17), 0, 0, 0, 0)\n"
        "if r == 0: libc._exit(0)\n"
        "print(errno.errorcode[ctypes.get_errno()] if r < 0 else r)"
    )
    assert shown(student, source) == "EPERM\n"


def test_families_of_sockets_that_reach_the_kernel_are_refused(student):
    for family in ("AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        assert "OSError: [Errno 97]" in refusal(student, f"import socket; socket.socket(socket.{family})")


def test_there_is_no_network_at_all(student):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        error = refusal(student, f"import socket; socket.create_connection(('127.0.0.1', {port}), 5)")
    assert "Error" in error
    assert "Error" in refusal(student, "import socket; socket.create_connection(('192.0.2.1', 80), 5)")


@pytest.mark.skipif(_filters.landlock_version() < 4, reason="this kernel's Landlock knows no sockets")
def test_not_even_ports_inside_can_be_opened(student):
    assert "PermissionError" in refusal(student, "import socket; socket.create_server(('127.0.0.1', 0))")


def test_the_init_cannot_be_ended_or_looked_into(student):
    shown(student, "import ctypes\nlibc = ctypes.CDLL(None)\nfor n in range(1, 65): libc.kill(1, n)")
    assert shown(student, "import os; print(os.path.isdir('/proc/1'))") == "True\n"
    for path in ("/proc/1/mem", "/proc/1/environ", "/proc/1/fd", "/proc/1/maps"):
        assert "PermissionError" in refusal(
            student, f"import os; os.listdir({path!r}) if 'fd' in {path!r} else open({path!r}).read()"
        )


def test_the_graders_environment_stays_outside(student, monkeypatch):
    # Set before the host started, PATH is all that goes along.
    names = shown(student, "import os\nprint(open('/proc/self/environ').read().replace('\\0', '\\n'))")
    found = {line.partition("=")[0] for line in names.split("\n") if "=" in line}
    assert "PYTEST_CURRENT_TEST" not in found
    assert found <= {
        "PATH", "LD_LIBRARY_PATH", "HOME", "LANG", "TF_CPP_MIN_LOG_LEVEL", *host_module._ONE_THREAD,
    }  # fmt: skip


def test_two_students_see_nothing_of_each_other(host):
    with host.spawn() as first, host.spawn() as second:
        places = [*TREE.writable, "."]
        first.run_cell(f"for place in {places}: open(place + '/secret', 'w').write('x')")
        seen = shown(second, f"import os\nfor place in {places}: print(os.listdir(place))")
        assert seen == "[]\n" * len(places)
        assert "NameError" in refusal(second, "secret")


def test_two_students_draw_different_random_numbers(host):
    source = "import random, numpy as np; print(random.random(), np.random.rand())"
    with host.spawn() as first, host.spawn() as second:
        ours, theirs = shown(first, source).split(), shown(second, source).split()
    assert ours[0] != theirs[0]
    assert ours[1] != theirs[1]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_never_jumps_outside_itself(machine):
    program = _filters.seccomp_program(machine)
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    for at, step in enumerate(steps):
        if step[0] & 7 == 5:  # a jump
            assert at + 1 + max(step[2], step[3]) < len(steps)
    assert steps[-1][0] == 6  # the end is a return


def test_no_filter_is_made_up_for_an_unknown_machine():
    assert _filters.seccomp_program("riscv64") is None
