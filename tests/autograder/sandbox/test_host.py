"""The warm process: what it starts, what it leaves behind (nothing), and who may connect."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from autograder.course import Limits
from autograder.sandbox._escapes import require_that_it_holds
from autograder.sandbox.host import UNSANDBOXED, Host, Jailed, SandboxUnavailable
from autograder.sandbox.student import LimitHit

LIMITS = Limits(memory_mib=512, processes=16, disk_mib=16)


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rpartition(") ")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def ended(pid: int, seconds: float = 20.0) -> bool:
    """Whether the process is gone, waiting for its end if need be."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def test_the_level_and_its_layers_are_told(host):
    assert host.level == "jail"
    assert "seccomp" in host.description
    assert host.missing == ()


def test_a_fresh_process_takes_over_after_a_death(host):
    with host.spawn() as first, pytest.raises(LimitHit):
        first.run_cell("x = 1; import os; os._exit(1)")
    with host.spawn() as second:
        assert second.run_cell("x").error.startswith("NameError")


def test_nothing_is_left_behind(host):
    mounts = Path("/proc/self/mountinfo").read_text()
    folders = set(os.listdir(host.socket_path.parent))
    for source in ("1", "import os; os.fork() or os.fork()", "import os; os._exit(1)"):
        with host.spawn() as student, contextlib.suppress(LimitHit):
            student.run_cell(source)
    host._ask({"ask": "hello"})  # answered after the dead were collected
    assert children(host._process.pid) == []
    assert Path("/proc/self/mountinfo").read_text() == mounts
    assert set(os.listdir(host.socket_path.parent)) == folders


def test_many_jails_at_once_stay_apart(host):
    with contextlib.ExitStack() as stack:
        students = [stack.enter_context(host.spawn()) for _ in range(8)]
        for number, student in enumerate(students):
            student.run_cell(f"x = {number}; open('x', 'w').write('{number}')")
        for number, student in enumerate(students):
            outcome = student.run_cell("x, open('x').read()")
            assert outcome.outputs[0]["data"]["text/plain"] == f"({number}, '{number}')"


def test_closing_twice_is_fine_and_a_closed_host_says_so(host):
    other = Host.connect(host.socket_path, LIMITS)
    student = other.spawn()
    assert student.close() == student.close()
    other.close()
    other.close()
    with pytest.raises(SandboxUnavailable, match="closed"):
        other.spawn()


def test_connecting_to_nothing_is_told(tmp_path):
    with pytest.raises(SandboxUnavailable, match="No warm process answers"):
        Host.connect(tmp_path / "socket", LIMITS)


def test_what_cannot_be_imported_is_told_and_the_rest_works():
    with Host(preload=("no_such_framework",), limits=LIMITS, self_test=False) as host:
        assert host.missing == ("no_such_framework (No module named 'no_such_framework')",)
        with host.spawn() as student:
            assert student.run_cell("1 + 1").error is None


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="with one core, BLAS starts no threads")
def test_a_framework_that_starts_threads_is_told(monkeypatch):
    monkeypatch.setattr("autograder.sandbox.host._ONE_THREAD", {})
    with pytest.raises(SandboxUnavailable, match="importing numpy started threads"):
        Host(preload=("numpy",), limits=LIMITS)


def test_without_a_sandbox_the_same_works_and_says_what_it_is():
    with Host(preload=(), limits=LIMITS, sandbox="none") as host:
        assert host.level == UNSANDBOXED
        assert host.layers == ()
        with host.spawn({"a.txt": b"x"}) as student:
            assert student.run_cell("open('a.txt').read()").outputs[0]["data"]["text/plain"] == "'x'"
            folder = student.run_cell("import os; print(os.getcwd())").outputs[0]["text"].strip()
            student.run_cell("import os, signal\nif not os.fork():\n  os.setsid()\n  signal.pause()")
            student.close()
            assert not os.path.exists(folder)
        host._ask({"ask": "hello"})
        assert children(host._process.pid) == []
        with host.spawn() as student, pytest.raises(LimitHit, match=r"exit code 3"):
            student.run_cell("import os; os._exit(3)")


def test_memory_is_limited_without_a_sandbox_too():
    limits = Limits(memory_mib=100)
    with (
        Host(preload=(), limits=limits, sandbox="none") as host,
        host.spawn() as student,
        pytest.raises(LimitHit, match="100 MiB"),
    ):
        student.run_cell("parts = []\nwhile True: parts.append(b'x' * (1 << 20))")


WORKER = """
import os, sys

def echo(channel, payload):
    channel.sendall(payload[::-1])
    return len(payload)

def fail(channel, payload):
    raise RuntimeError("the worker's own words")

def wait(channel, payload):
    channel.recv(1)

def look(channel, payload):
    found = [os.getcwd(), os.environ.get("ONLY_HERE"), "numpy" in sys.modules, len(os.listdir("/proc/self/fd"))]
    channel.sendall(repr(found).encode())
"""


@pytest.fixture
def entries(tmp_path, monkeypatch) -> str:
    """A module that this process, and so its workers, can import."""
    (tmp_path / "entries_of_a_worker.py").write_text(WORKER)
    monkeypatch.syspath_prepend(tmp_path)
    return "entries_of_a_worker"


def everything(channel) -> bytes:
    return b"".join(iter(lambda: channel.recv(1 << 16), b""))


def test_a_worker_runs_a_function_by_name_with_its_payload(host, entries):
    payload = os.urandom(3 << 20)
    worker = host.fork_worker(f"{entries}:echo", payload)
    assert everything(worker.socket) == payload[::-1]
    assert worker.wait(20) == len(payload) & 0xFF
    worker.close()


def test_a_worker_works_where_its_client_does(host, entries, tmp_path, monkeypatch):
    monkeypatch.setenv("ONLY_HERE", "yes")
    monkeypatch.chdir(tmp_path)
    worker = host.fork_worker(f"{entries}:look", b"")
    # Five descriptors: the standard ones, the socket, and the listing of them.
    assert everything(worker.socket).decode() == repr([str(tmp_path), "yes", True, 5])
    worker.close()


def test_a_worker_that_fails_says_why_where_its_client_reports_errors(host, entries, capfd):
    worker = host.fork_worker(f"{entries}:fail", b"")
    assert worker.wait(20) == 1
    worker.close()
    assert "the worker's own words" in capfd.readouterr().err


def test_a_worker_can_be_ended(host, entries):
    worker = host.fork_worker(f"{entries}:wait", b"")
    with pytest.raises(TimeoutError):
        worker.wait(0)
    worker.kill()
    assert worker.wait(20) == -signal.SIGKILL
    worker.close()


def test_no_student_can_call_a_worker(host):
    with host.spawn() as student:
        assert (
            "Error"
            in student.run_cell(
                f"import socket; socket.socket(socket.AF_UNIX).connect({str(host.socket_path)!r})"
            ).error
        )
    assert host.socket_path.parent.stat().st_mode & 0o077 == 0


def client(source: str, *arguments: str) -> subprocess.Popen[str]:
    """Another process that uses the sandbox; it prints pids and then waits to be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
    )


def test_jails_end_with_the_client_that_asked_for_them(host):
    with client(
        """
        import sys
        from pathlib import Path
        from autograder.course import Limits
        from autograder.sandbox.host import Host
        host = Host.connect(Path(sys.argv[1]), Limits())
        student = host.spawn()
        student.run_cell("import os, signal, threading")
        print("ready", flush=True)
        student.run_cell("if not os.fork(): os.setsid()\\nsignal.pause()")
        """,
        str(host.socket_path),
    ) as process:
        assert process.stdout.readline() == "ready\n"
        jails = children(host._process.pid)
        assert jails
        inside = [grandchild for jail in jails for child in children(jail) for grandchild in (child, *children(child))]
        process.kill()
    assert all(ended(pid) for pid in (*jails, *inside))
    with host.spawn() as student:  # and the warm process goes on
        assert student.run_cell("1").error is None


def test_the_warm_process_ends_with_the_one_that_started_it():
    with client(
        """
        from autograder.course import Limits
        from autograder.sandbox.host import Host
        host = Host(preload=(), limits=Limits(), self_test=False)
        student = host.spawn()
        print(host._process.pid, host.socket_path.parent, flush=True)
        student.run_cell("import signal; signal.pause()")
        """
    ) as process:
        zygote, workspace = process.stdout.readline().split()
        zygote = int(zygote)
        jails = children(zygote)
        assert jails
        process.kill()
    assert ended(zygote)
    assert all(ended(pid) for pid in jails)
    assert not os.path.exists(workspace)


def test_students_end_with_a_warm_process_that_is_killed():
    host = Host(preload=(), limits=LIMITS, self_test=False)
    student = host.spawn()
    jails = children(host._process.pid)
    inside = [child for jail in jails for child in children(jail)]
    assert inside
    host._process.kill()
    assert all(ended(pid) for pid in (*jails, *inside))
    with pytest.raises(SandboxUnavailable, match="warm process is gone"):
        host.spawn()
    student.close()
    host.close()
    assert not host.socket_path.parent.exists()


@pytest.mark.parametrize(
    "told", [b"", b'{"preload": ["numpy"], "jailed": false, "workspace": "%s"}\n'], ids=["before", "after"]
)
def test_a_host_that_is_killed_while_the_warm_process_starts_leaves_no_folder(tmp_path, told):
    """Before, or after, it has said what to import."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-E", "-P", "-m", "autograder.sandbox.zygote"]
    with subprocess.Popen(command, stdin=theirs.fileno(), stderr=subprocess.DEVNULL, cwd=workspace) as process:
        theirs.close()
        if told:
            ours.sendall(told % str(workspace).encode())
        ours.close()
        assert process.wait(60) == 0
    assert not workspace.exists()


def test_a_warm_process_that_is_killed_during_the_self_test_is_told(monkeypatch):
    hosts = []

    def kill_it(student, source):
        os.kill(hosts[0]._process.pid, signal.SIGKILL)
        return run_cell(student, source)

    run_cell = Jailed.run_cell
    monkeypatch.setattr(Jailed, "run_cell", kill_it)
    monkeypatch.setattr("autograder.sandbox.host.require_that_it_holds", lambda host: hosts.append(host))
    with Host(preload=(), limits=LIMITS) as host, pytest.raises(SandboxUnavailable, match="self-test didn't finish"):
        require_that_it_holds(host)


def test_the_self_test_leaves_its_canary_in_the_folder_that_the_warm_process_removes(host, monkeypatch):
    seen = []
    run_cell = Jailed.run_cell
    monkeypatch.setattr(
        Jailed, "run_cell", lambda student, source: (seen.extend(listed(host)), run_cell(student, source))[1]
    )
    require_that_it_holds(host)
    assert any(name.startswith("canary-") for name in seen)
    assert not any(name.startswith("canary-") for name in listed(host))


def listed(host):
    return os.listdir(host.socket_path.parent)
