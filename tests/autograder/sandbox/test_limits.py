"""Each limit ends what it is meant to end, and says so in words for a student."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.sandbox._mounts import python_tree
from autograder.sandbox.student import LimitHit, Namespace, StudentError, StudentFault, StudentSession


def test_an_endless_loop_that_ignores_signals_is_ended(limited):
    student = limited(cell_seconds=0.5)
    with pytest.raises(LimitHit, match=r"ran longer than 0.5 s") as hit:
        student.run_cell(
            "import signal\nfor n in range(1, 32):\n  if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\n"
            "while True: pass"
        )
    assert hit.value.limit == "wall time"
    assert student.dead
    assert student.ended == "ran longer than 0.5 s"
    assert student.close().cpu_seconds > 0


def test_a_case_has_a_limit_of_its_own(limited):
    student = limited(case_seconds=0.4)
    student.run_cell("def f():\n  while True: pass")
    with pytest.raises(LimitHit, match=r"ran longer than 0.4 s"):
        Namespace(StudentSession(student)).f()


def test_all_requests_together_have_one_too(limited):
    student = limited(submission_seconds=0.4)
    with pytest.raises(LimitHit, match=r"ran longer than 0.4 s in all") as hit:
        student.run_cell("while True: pass")
    assert hit.value.limit == "submission time"


def test_memory_is_limited(limited):
    student = limited(memory_mib=200)
    with pytest.raises(LimitHit, match="used more than 200 MiB of memory") as hit:
        student.run_cell("parts = []\nwhile True: parts.append(b'x' * (1 << 20))")
    assert hit.value.limit == "memory"
    assert student.close().peak_mib > 190


def test_memory_of_all_processes_together_is_limited(limited):
    student = limited(memory_mib=200, processes=16)
    with pytest.raises(LimitHit, match="used more than 200 MiB of memory"):
        student.run_cell(
            "import os, signal\nfor _ in range(6):\n  if not os.fork():\n    part = b'x' * (60 << 20); signal.pause()\n"
            "signal.pause()"
        )


def test_shared_memory_counts(limited):
    student = limited(memory_mib=200)
    with pytest.raises(LimitHit, match="used more than 200 MiB of memory"):
        student.run_cell(
            "import mmap, signal\nm = mmap.mmap(-1, 300 << 20)\n"
            "for _ in range(300): m.write(b'x' * (1 << 20))\nsignal.pause()"
        )


def test_memory_that_children_share_with_their_parent_counts_once(limited):
    student = limited(memory_mib=300)
    outcome = student.run_cell(
        "import os, signal, time\npart = b'x' * (120 << 20)\n"
        "pids = [os.fork() for _ in range(1)]\n"
        "if 0 in pids: time.sleep(0.5); os._exit(0)\n"
        "pids += [os.fork()]\n"
        "if 0 in pids: time.sleep(0.5); os._exit(0)\n"
        "for p in pids: os.waitpid(p, 0)\nprint('fine')"
    )
    assert outcome.error is None
    assert outcome.outputs[0]["text"] == "fine\n"


def test_an_absurd_allocation_is_an_error_with_a_line_and_no_more(student):
    outcome = student.run_cell("import numpy as np\nx = np.ones(1 << 40)")
    assert outcome.error.startswith("MemoryError: Unable to allocate")
    assert outcome.error_line == 2
    assert not student.dead


def test_cpu_time_of_all_processes_together_is_limited(limited):
    student = limited(cpu_seconds=0.6)
    with pytest.raises(LimitHit, match=r"used more than 0.6 s of CPU time") as hit:
        student.run_cell("import os\nos.fork(); os.fork()\nwhile True: pass")
    assert hit.value.limit == "cpu time"
    assert student.close().cpu_seconds > 0.5


def test_a_daemons_cpu_time_is_billed(host):
    with host.spawn() as student:
        student.run_cell("import os, signal\nif not os.fork():\n  os.setsid()\n  while True: pass")
        student.run_cell("import time\nt = time.process_time() + 0.3\nwhile time.process_time() < t: pass")
        usage = student.close()
    assert usage.cpu_seconds > 0.45


def test_a_fork_bomb_runs_against_the_limit_of_processes(limited):
    student = limited(processes=8, cell_seconds=10)
    outcome = student.run_cell("import os, signal\nfor _ in range(100):\n  if not os.fork(): signal.pause()")
    assert "BlockingIOError" in outcome.error
    with pytest.raises(LimitHit):
        limited(processes=8, cell_seconds=1).run_cell(
            "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
        )


def test_a_crowd_that_wants_every_core_leaves_its_init_the_time_to_watch_and_to_report(limited):
    student = limited(processes=24, cell_seconds=1, memory_mib=40, cpu_seconds=60)
    with pytest.raises(LimitHit):
        student.run_cell("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass")
    assert student.close().cpu_seconds > 0  # 0 is what is known when the init didn't come to tell


def test_the_student_has_another_session_than_the_init(student):
    source = "import os; print(os.getsid(0) == os.getpid() != os.getsid(1))"
    assert student.run_cell(source).outputs[0]["text"] == "True\n"


def test_the_disk_is_limited_over_all_writable_places(student):
    # One more than the places, so that no single one of them holds more than the cap by itself.
    places = [f"{place}/{number}" for number in range(2) for place in python_tree().writable]
    outcome = student.run_cell(f"for p in {places}: open(p, 'wb').write(bytes(6 << 20))")
    assert "No space left on device" in outcome.error
    outcome = student.run_cell("for n in range(100_000): open(f'f{n}', 'w').close()")
    assert "No space left on device" in outcome.error


def test_open_files_are_limited(student):
    outcome = student.run_cell("files = [open('/dev/null') for _ in range(10_000)]")
    assert "Too many open files" in outcome.error


def test_a_flood_of_output_is_cut(student):
    outcome = student.run_cell("for _ in range(200_000): print('x' * 100)\nprint('end')")
    assert outcome.error is None
    text = outcome.outputs[0]["text"]
    assert len(text) < 70_000
    assert text.endswith("more than 64 KiB]\n")


def test_a_picture_beyond_the_bound_leaves_its_text(student):
    outcome = student.run_cell(
        "from IPython.display import display\n"
        "display({'text/plain': 'a picture', 'image/png': 'x' * 100_000}, raw=True)\nprint('after')"
    )
    assert outcome.outputs[0]["data"] == {"text/plain": "a picture"}
    assert outcome.outputs[1]["text"] == "after\n"


def test_an_error_is_shown_even_after_a_flood(student):
    outcome = student.run_cell("print('x' * 1_000_000)\n1 / 0")
    assert outcome.outputs[-1]["ename"] == "ZeroDivisionError"
    assert outcome.error_line == 2


@pytest.mark.parametrize(
    ("source", "limit", "message"),
    [
        ("import os; os._exit(3)", "exit", r"ended its own process \(exit code 3\)"),
        ("import os; os._exit(0)", "exit", r"ended its own process \(exit code 0\)"),
        ("import ctypes; ctypes.string_at(0)", "crash", r"crashed \(segmentation fault\)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "crash", r"crashed \(killed\)"),
        ("import os; os.abort()", "crash", r"crashed \(aborted\)"),
    ],
)
def test_an_end_is_told_with_its_reason(student, source, limit, message):
    with pytest.raises(LimitHit, match=message) as hit:
        student.run_cell(source)
    assert hit.value.limit == limit
    with pytest.raises(StudentFault, match=f"process is gone: it {message}"):
        student.run_cell("1")


def test_stopping_itself_is_no_way_around_the_clock(limited):
    with pytest.raises(LimitHit, match="ran longer"):
        limited(cell_seconds=0.4).run_cell("import os, signal; os.kill(os.getpid(), signal.SIGSTOP)")


def test_closing_the_connection_is_told_as_such(student):
    with pytest.raises(StudentFault, match="closed its connection"):
        student.run_cell("import os, signal; os.close(3); signal.pause()")


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        ("os.write(3, b'x' * 64)", "no frame"),
        ("os.write(3, b'AGF\\1' + bytes([255] * 12))", "control part of"),
        ("import pickle; os.write(3, pickle.dumps(print))", "no frame"),
        ("f = json.dumps({'nonce': 'a', 'tree': 1, 'complex': {}}).encode()\n"
            "os.write(3, b'AGF\\1' + struct.pack('<IQ', len(f), 0) + f)",
            "another request"),
    ],
)  # fmt: skip
def test_a_forged_answer_ends_the_process(student, write, reason):
    with pytest.raises(StudentFault, match=f"sent an answer that is none: .*{reason}"):
        student.run_cell(f"import json, os, struct\n{write}")
    assert student.dead


def test_an_answer_that_nobody_asked_for_ends_the_process(student):
    student.run_cell(
        "import os, threading\n"
        "def late():\n"
        "    import gc\n"
        "    from_main.wait(); os.write(3, b'x' * 64); sent.set()\n"
        "from_main, sent = threading.Event(), threading.Event()\n"
        "threading.Thread(target=late).start()\n"
        "def ask(): from_main.set(); sent.wait(); return 1"
    )
    with pytest.raises(StudentFault, match="an answer that is none"):
        Namespace(StudentSession(student)).ask()


def test_an_answer_after_the_answer_is_noticed_at_the_next_request(student):
    # The first answer is a copy that the cell sends by itself, so the real one is the second.
    student.run_cell(
        "import gc\n"
        "def twice(channel, tree, arrays, nonce, **options):\n"
        "    from_wire(channel, tree, arrays, nonce, **options); from_wire(channel, tree, arrays, nonce, **options)\n"
        "server = next(o for o in gc.get_objects() if type(o).__name__ == 'Server')\n"
        "from_wire, server._send = server._send, twice"
    )
    with pytest.raises(StudentFault, match=r"nobody asked for|to another request"):
        student.run_cell("1")


def test_an_answer_beyond_its_bound_is_an_error_of_the_call_not_of_the_process(student):
    student.run_cell(
        "def many(n): return list(range(n))\ndef large(n):\n  import numpy as np\n  return np.zeros(n, np.uint8)"
    )
    functions = Namespace(StudentSession(student))
    with pytest.raises(StudentError, match=r"TooLarge: the answer holds .* KiB besides arrays"):
        functions.many(100_000)
    with pytest.raises(StudentError, match="TooLarge"):
        functions.large((256 << 20) + 1)
    assert functions.many(3) == [0, 1, 2]
    assert np.array_equal(functions.large(5), np.zeros(5, np.uint8))
