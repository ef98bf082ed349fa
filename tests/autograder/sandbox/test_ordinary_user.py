"""The jail for a grader who isn't root. Run by root, the test becomes nobody first; else all tests are that test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]

# Where Python lies below a home that only root may enter, nobody couldn't run it at all. In a
# mount namespace of its own, such a folder is replaced by one that shows Python and nothing else.
BECOME_NOBODY = """
import os, pwd, sys, tempfile
from autograder.sandbox import _syscalls as sc

prefixes, command = sys.argv[1].split(":"), sys.argv[2:]
sc.unshare(sc.NEWNS, "mount namespace")
sc.mount(None, "/", None, sc.MS_REC | sc.MS_PRIVATE)
kept = {}
for prefix in prefixes:
    closed = [folder for folder in list_of_parents(prefix) if not os.stat(folder).st_mode & 1]
    if closed:
        stash = tempfile.mkdtemp()
        sc.bind(prefix, stash)
        kept.setdefault(closed[-1], []).append((prefix, stash))
for folder, trees in kept.items():
    sc.mount("tmpfs", folder, "tmpfs", 0, "mode=755")
    for prefix, stash in trees:
        os.makedirs(prefix, exist_ok=True)
        sc.bind(stash, prefix)
        sc.umount(stash)
        os.rmdir(stash)
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setresgid(*[nobody.pw_gid] * 3)
os.setresuid(*[nobody.pw_uid] * 3)
os.chdir("/")
os.execve(command[0], command, {"PATH": "/usr/bin:/bin"})
""".replace(
    "list_of_parents(prefix)",
    '[prefix, *(prefix.rsplit("/", n)[0] for n in range(1, prefix.count("/")))]',
)

AS_NOBODY = """
import os
from autograder.course import Limits
from autograder.sandbox.host import Host
from autograder.sandbox.student import LimitHit

assert os.getuid() != 0
with Host(preload=("numpy",), limits=Limits(memory_mib=300, processes=8)) as host:  # tries every way out
    with host.spawn({"a": b"x"}) as student:
        outcome = student.run_cell("import os, numpy; print(os.getuid(), open('a').read(), numpy.ones(2).sum())")
        assert outcome.outputs[0]["text"] == "1000 x 2.0\\n", outcome
        outcome = student.run_cell("import signal\\nfor _ in range(20):\\n  if not os.fork(): signal.pause()")
        assert "BlockingIOError" in outcome.error, outcome
    with host.spawn() as student:
        try:
            student.run_cell("parts = []\\nwhile True: parts.append(b'x' * (1 << 20))")
        except LimitHit as hit:
            print(host.level, "-", hit)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_an_ordinary_users_jail_holds_too():
    prefixes = ":".join(dict.fromkeys([os.path.realpath(sys.base_prefix), os.path.realpath(sys.prefix), str(CHECKOUT)]))
    done = subprocess.run(
        [sys.executable, "-c", BECOME_NOBODY, prefixes, sys.executable, "-c", AS_NOBODY],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "jail - used more than 300 MiB of memory\n", done.stderr
