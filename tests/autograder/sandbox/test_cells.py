"""Cells run as in a notebook, in IPython's shell and in the plain one, and their outputs are what nbformat keeps."""

from __future__ import annotations

import base64
import json
import sys

import numpy as np
import pytest

from autograder.sandbox._bounds import BadFrame
from autograder.sandbox._outputs import Recorder, read_outputs
from autograder.sandbox._shell import PlainShell
from autograder.sandbox.student import ChangedArgument, Namespace, StudentError, StudentSession


def kinds(outcome) -> list[str]:
    return [output["output_type"] for output in outcome.outputs]


def test_a_cell_shows_what_it_prints_and_its_last_value(student):
    outcome = student.run_cell("import sys\nprint('out')\nprint('err', file=sys.stderr)\n{'a': 1}")
    assert outcome.error is None
    assert outcome.seconds > 0
    assert outcome.outputs == (
        {"output_type": "stream", "name": "stdout", "text": "out\n"},
        {"output_type": "stream", "name": "stderr", "text": "err\n"},
        {"output_type": "execute_result", "data": {"text/plain": "{'a': 1}"}, "metadata": {}, "execution_count": 1},
    )


def test_rich_output_and_plots_are_kept(student):
    outcome = student.run_cell("from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))")
    assert outcome.outputs[0]["data"]["text/html"] == "<b>x</b>"
    outcome = student.run_cell("%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()")
    assert outcome.error is None
    (shown,) = outcome.outputs
    assert base64.b64decode(shown["data"]["image/png"]).startswith(b"\x89PNG")


def test_an_error_has_its_line_and_a_traceback_without_escapes(student):
    outcome = student.run_cell("\n\ndef f():\n    return 1 / 0\n\nf()")
    assert outcome.error == "ZeroDivisionError: division by zero"
    assert outcome.error_line == 4
    assert outcome.outputs[-1]["ename"] == "ZeroDivisionError"
    assert "\x1b" not in json.dumps(outcome.outputs)
    assert any("return 1 / 0" in line for line in outcome.outputs[-1]["traceback"])


def test_an_error_in_an_earlier_cells_function_points_at_the_line_that_called_it(student):
    student.run_cell("def f():\n\n\n\n    1 / 0")
    assert student.run_cell("x = 1\nf()").error_line == 2


def test_a_syntax_error_has_its_line(student):
    outcome = student.run_cell("x = 1\n\ny = = 2")
    assert (outcome.error, outcome.error_line) == ("SyntaxError: invalid syntax", 3)


@pytest.mark.parametrize("source", ["exit()", "quit()", "import sys; sys.exit(3)", "raise SystemExit"])
def test_leaving_is_an_error_of_the_cell(student, source):
    student.run_cell("x = 5")
    assert student.run_cell(source).error.startswith("SystemExit")
    assert student.run_cell("x").outputs[0]["data"]["text/plain"] == "5"


def test_magics_and_await_work(student):
    assert student.run_cell("%%time\nx = 3").error is None
    assert student.run_cell("import asyncio\nawait asyncio.sleep(0)\nx").outputs[-1]["data"]["text/plain"] == "3"
    assert "magic" in student.run_cell("%nomagic").error


def test_input_finds_nobody(student):
    assert student.run_cell("input()").error.startswith("EOFError")


def test_a_notebooks_own_checks_do_nothing_in_here(student):
    outcome = student.run_cell(
        "from autograder import check\nimport autograder\nprint(check('a'), autograder.check('b', x=1))"
    )
    assert outcome.outputs[0]["text"] == "None None\n"


def test_files_lie_in_the_work_folder(host):
    with host.spawn({"data/a.txt": b"one", "b.bin": bytes(range(256))}) as student:
        outcome = student.run_cell("open('data/a.txt').read(), open('b.bin', 'rb').read() == bytes(range(256))")
    assert outcome.outputs[0]["data"]["text/plain"] == "('one', True)"


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "", "a\0b"])
def test_files_elsewhere_are_refused(host, name):
    with pytest.raises(ValueError, match="no path inside"):
        host.spawn({name: b""})


def test_calls_get_answers(student):
    student.run_cell(
        "import numpy as np\n"
        "def double(x): return 2 * x\n"
        "def spoil(x): x[0] = 9; return x\n"
        "def fail(): print('noise'); raise ValueError('no')\n"
        "class Counter:\n"
        "    n = 0\n"
        "    def up(self): self.n += 1; return self"
    )
    functions = Namespace(StudentSession(student))
    assert np.array_equal(functions.double(np.arange(3.0)), [0, 2, 4])
    with pytest.raises(ChangedArgument):
        functions.spoil(np.zeros(3))
    with pytest.raises(StudentError, match="ValueError: no") as failed:
        functions.fail()
    assert failed.value.trace[-1][2] == "fail"
    assert functions.Counter().up().up().n == 2


def test_sys_exit_in_a_call_is_an_error_of_that_call(student):
    student.run_cell("import sys\ndef leave(): sys.exit(1)")
    with pytest.raises(StudentError, match="SystemExit"):
        Namespace(StudentSession(student)).leave()
    assert not student.dead


def test_patching_what_the_server_uses_breaks_nothing(student):
    student.run_cell(
        "import json, os, socket, struct, time, builtins, select\n"
        "for module in (json, os, socket, struct, time, select):\n"
        "    for name in ('loads', 'dumps', 'read', 'write', 'monotonic', 'unpack', 'pack', 'time'):\n"
        "        if hasattr(module, name): setattr(module, name, None)\n"
        "def one(): return 1"
    )
    assert Namespace(StudentSession(student)).one() == 1


@pytest.fixture
def plain_shell(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    recorder = Recorder(1000)
    return PlainShell(recorder), recorder


def outputs_of(recorder: Recorder) -> tuple[dict, ...]:
    return read_outputs(recorder.finish(), limit=1000)


def test_without_ipython_cells_run_all_the_same(plain_shell):
    shell, recorder = plain_shell
    assert shell.run("%matplotlib inline\n!ls\nx = 2\nx + 1") is None
    assert outputs_of(recorder)[0]["data"] == {"text/plain": "3"}
    assert shell.namespace["x"] == 2


def test_without_ipython_errors_have_their_line(plain_shell):
    shell, recorder = plain_shell
    error = shell.run("x = 1\nraise SystemExit('bye')")
    assert (error.summary, error.line) == ("SystemExit: bye", 2)
    shown = outputs_of(recorder)[0]
    assert (shown["ename"], shown["evalue"]) == ("SystemExit", "bye")
    assert not any("_shell" in line for line in shown["traceback"])
    assert shell.run("x =").line == 1


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        [1],
        [{"output_type": "stream", "name": "stdin", "text": ""}],
        [{"output_type": "stream", "name": "stdout", "text": 1}],
        [{"output_type": "display_data", "data": []}],
        [{"output_type": "error", "ename": "x", "evalue": "x", "traceback": [1]}],
        [{"output_type": "other"}],
        [{"output_type": "stream", "name": "stdout", "text": ""}] * 1000,
    ],
)
def test_outputs_that_are_none_are_refused(outputs):
    with pytest.raises(BadFrame):
        read_outputs(np.frombuffer(json.dumps(outputs).encode(), np.uint8), limit=1000)


def test_outputs_keep_known_parts_only():
    sent = {
        "output_type": "display_data",
        "data": {"application/javascript": "x", "text/plain": "\x1b[1mb"},
        "extra": 1,
    }
    read = read_outputs(np.frombuffer(json.dumps([sent]).encode(), np.uint8), limit=1000)
    assert read == ({"output_type": "display_data", "data": {"text/plain": "b"}, "metadata": {}},)


def test_outputs_beyond_their_bound_are_refused():
    with pytest.raises(BadFrame, match="beyond"):
        read_outputs(np.zeros(1 << 20, np.uint8), limit=1000)
