"""The proxy that checks talk to, over a namespace of this process."""

from __future__ import annotations

import copy
import signal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.course import CourseError
from autograder.sandbox import objects
from autograder.sandbox.live import LiveTransport
from autograder.sandbox.student import (
    ChangedArgument,
    LimitHit,
    Namespace,
    Remote,
    StudentError,
    StudentFault,
    StudentSession,
    Withheld,
)
from autograder.values import encode


def student(source: str = "", **names: Any) -> Namespace:
    """A student whose notebook has one cell."""
    namespace: dict[str, Any] = {"np": np, **names}
    exec(compile(source, "<cell 1>", "exec"), namespace)
    return Namespace(StudentSession(LiveTransport(namespace)))


class Scripted:
    """A student's process that answers as it likes."""

    def __init__(self, *answers: Any) -> None:
        self._answers = iter(answers)

    def exchange(self, tree: Any, arrays: Any) -> tuple[Any, list[np.ndarray]]:
        answer = next(self._answers)
        return answer if type(answer) is tuple else encode(answer)


# Values


def test_a_check_and_a_student_share_no_memory() -> None:
    kept: list[np.ndarray] = []

    def keep(x: np.ndarray) -> np.ndarray:
        kept.append(x)
        return x

    sent = np.arange(3.0)
    got = student(keep=keep).keep(sent)
    assert not np.shares_memory(kept[0], sent)
    assert not np.shares_memory(got, kept[0])
    got += 1
    assert kept[0].tolist() == [0, 1, 2]


def test_what_is_no_plain_data_stays_there_and_is_reached_by_a_remote() -> None:
    ns = student(
        "class Box:\n    def __init__(self, x):\n        self.x = x\n    def get(self):\n        return self.x"
    )
    box = ns.Box(np.ones(2))
    assert isinstance(box, Remote)
    assert repr(box) == "<Box of the notebook>"
    assert box.x.tolist() == box.get().tolist() == [1, 1]
    box.x = 5
    assert box.get() == 5


def test_remotes_come_nested_in_plain_data_and_go_back_as_the_same_object() -> None:
    ns = student(
        "class Node: pass\nnode = Node()\ndef nested(): return {'a': [node, (1, node)]}\n"
        "def same(x, *, y): return x['k'][0] is node and y is node"
    )
    nested = ns.nested()
    assert [type(item) for item in (nested["a"][0], nested["a"][1][1])] == [Remote, Remote]
    assert ns.same({"k": [nested["a"][0]]}, y=nested["a"][1][1]) is True


VALUE = """
class Value:
    def __init__(self, x): self.x = x
    def __float__(self): return float(self.x)
    def __len__(self): return 3
    def __bool__(self): return self.x > 0
    def __getitem__(self, key): return ('item', key)
    def __setitem__(self, key, value): self.x = (key, value)
    def __contains__(self, item): return item == self.x
    def __iter__(self): return iter([Value(1), 2])
    def __neg__(self): return ('neg', self.x)
    def __pos__(self): return ('pos', self.x)
    def __abs__(self): return ('abs', self.x)
for name in 'add sub mul truediv floordiv mod pow matmul'.split():
    setattr(Value, f'__{name}__', lambda self, other, name=name: (name, self.x, getattr(other, 'x', other)))
    setattr(Value, f'__r{name}__', lambda self, other, name=name: ('r' + name, self.x, other))
for name in 'lt le gt ge'.split():
    setattr(Value, f'__{name}__', lambda self, other, name=name: (name, self.x, getattr(other, 'x', other)))
"""


SIGNS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "matmul": "@"}
USES = [
    *((f"a {sign} b", (name, 5, 7)) for name, sign in SIGNS.items()),
    *((f"2 {sign} a", (f"r{name}", 5, 2)) for name, sign in SIGNS.items()),
    ("a < 2", ("lt", 5, 2)),
    ("a <= b", ("le", 5, 7)),
    ("a > 2", ("gt", 5, 2)),
    ("2 > a", ("lt", 5, 2)),
    ("a >= b", ("ge", 5, 7)),
    ("-a", ("neg", 5)),
    ("+a", ("pos", 5)),
    ("abs(a)", ("abs", 5)),
    ("float(a)", 5.0),
    ("len(a)", 3),
    ("bool(a)", True),
    ("bool(ns.Value(-1))", False),
    ("a[1:2, ..., None]", ("item", (slice(1, 2), ..., None))),
    ("(5 in a, 6 in a)", (True, False)),
    ("[type(item).__name__ for item in a]", ["Remote", "int"]),
]


@pytest.mark.parametrize(("expression", "result"), USES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_remote_does_what_its_object_does(expression: str, result: Any) -> None:
    ns = student(VALUE)
    assert eval(expression, {"a": ns.Value(5), "b": ns.Value(7), "ns": ns}) == result


def test_a_remotes_items_can_be_set() -> None:
    a = student(VALUE).Value(5)
    a["key"] = np.ones(1)
    assert a.x == ("key", np.ones(1))


def test_what_pytest_and_copy_look_for_is_no_business_of_the_notebooks() -> None:
    ns = student("class Box: pass")
    for each in (ns, ns.Box()):
        assert not hasattr(each, "__wrapped__")
        assert not hasattr(each, "__array__")
    assert copy.copy(ns.Box()) is not None


def test_an_endless_iterator_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_ITEMS", 5)
    ns = student("import itertools\ncounter = itertools.count()\ndef count(): return counter")
    assert list(ns.count()) == [0, 1, 2, 3, 4]
    assert list(ns.count()) == [5, 6, 7, 8, 9]


def test_only_so_many_objects_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MAX_OBJECTS", 3)
    ns = student("class Box: pass\ndef many(n): return [Box() for _ in range(n)]")
    many = ns.many  # the function is an object too
    assert len(many(2)) == 2
    with pytest.raises(StudentError, match="more than 3 objects"):
        many(1)


# What may be sent


def test_an_answer_of_the_reference_can_not_be_sent() -> None:
    ns = student("def f(x): return x")
    with pytest.raises(CourseError, match="sends an answer of the reference to the student"):
        ns.f([Withheld()])


def test_an_object_of_the_checks_side_can_not_be_sent() -> None:
    with pytest.raises(TypeError, match="can't send a object to the student"):
        student("def f(x): return x").f(object())


def test_an_object_of_one_student_means_nothing_to_another() -> None:
    """A handle is but a number: over there it would name whatever has that number."""
    source = "class Box: pass\ndef f(x): return x"
    ours, theirs = student(source), student(source)
    box = ours.Box()
    assert isinstance(ours.f(box), Remote)
    with pytest.raises(TypeError, match="can't send a Remote"):
        theirs.f(box)


# Arguments changed in place

CHANGES = """
def change(x, *_, **__): x += 1; return x
def change_second(x, y): y[...] = 0
def change_nested(tree): tree['a'][1][0][0] = 7
def replace(items): items[0] = items[0] + 1
def change_by_name(*, x): x[0] = 5
def keep(x): return x + 1
def view(x): return x[::2]
def change_copy(x): x = x.copy(); x += 1; return x
"""


@pytest.mark.parametrize(
    "call",
    [
        "change(x)", "change(z)", "change(x, 1, a=2)", "change_second(1, x)", "change_nested({'a': (0, [x])})",
        "replace([x])", "change_by_name(x=x)", "change_second(y, x)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["numpy", "strided", "torch", "bfloat16"])
def test_changing_an_argument_in_place_is_found_and_named(call: str, kind: str) -> None:
    x: Any = np.arange(4.0) if kind == "numpy" else np.arange(8.0)[::2]
    if kind in ("torch", "bfloat16"):
        import torch

        x = torch.arange(4.0, dtype=torch.bfloat16 if kind == "bfloat16" else None)
    before = [float(item) for item in x]
    with pytest.raises(ChangedArgument, match=rf"^{call.split('(')[0] if 'z' not in call else 'change'} changes"):
        eval(f"ns.{call}", {"ns": Named(student(CHANGES)), "x": x, "y": np.ones(2), "z": x[:, None]})
    assert [float(item) for item in x] == before


CONTAINER_CHANGES = """
def append(items): items.append(1)
def pop_nested(tree): tree['a'][1].pop()
def sort(items): items.sort()
def set_key(params): params['w'] = 2
def add_key(params): params['new'] = None
def drop_key(params): del params['w']
def reorder(params): params['w'] = params.pop('w')
def grow(members): members.add(9)
def replace_type(items): items[0] = float(items[0])
def keep(items): return sorted(items) + list(items)
def fill_copy(params): params = dict(params); params['w'] = 0; return params
"""


@pytest.mark.parametrize(
    "call",
    [
        "append([])", "pop_nested({'a': (0, [1, 2])})", "sort([2, 1])", "set_key({'w': 1})", "add_key({})",
        "drop_key({'w': 1})", "reorder({'w': 1, 'b': 2})", "grow({1, 2})", "replace_type([1])", "append([[], []][0:1])",
    ],
)  # fmt: skip
def test_changing_a_list_dict_or_set_in_place_is_found_too(call: str) -> None:
    with pytest.raises(ChangedArgument, match=rf"^{call.split('(')[0]} changes its argument in place"):
        eval(f"ns.{call}", {"ns": Named(student(CONTAINER_CHANGES))})


def test_containers_that_are_only_read_or_copied_are_left_alone() -> None:
    ns = Named(student(CONTAINER_CHANGES))
    assert ns.keep(["b", "a"]) == ["a", "b", "b", "a"]
    assert ns.fill_copy({"w": 1, "x": [np.ones(2)]})["w"] == 0


class Named:
    """A namespace whose functions are called by name, as a request may."""

    def __init__(self, ns: Namespace) -> None:
        self._ns = ns

    def __getattr__(self, name: str) -> Any:
        from autograder.sandbox.student import Request

        return lambda *args, **kwargs: self._ns._session.perform(Request("call", None, name, args, kwargs))


def test_a_change_through_a_function_that_was_fetched_first_is_found_too() -> None:
    with pytest.raises(ChangedArgument, match="work on a copy"):
        student(CHANGES).change(np.ones(2))
    with pytest.raises(ChangedArgument):
        _ = student("class A:\n    def __add__(self, x): x += 1; return 1").A() + np.ones(2)


@pytest.mark.parametrize("function", ["keep", "view", "change_copy"])
def test_what_leaves_its_arguments_alone_may_do_what_it_likes(function: str) -> None:
    getattr(student(CHANGES), function)(np.arange(4.0))


# Errors

BROKEN = """
import sys
def divide(x):
    return helper(x)

def helper(x):
    y = 1
    return x / 0
def leave(): sys.exit(3)
def stop(): raise GeneratorExit
class Rude(Exception):
    def __str__(self): sys.exit(1)
def rude(): raise Rude
class Text(str):
    def __getitem__(self, key): return self
class Odd(Exception):
    def __str__(self): return Text('odd')
def odd(): raise Odd
class Meta(type):
    __name__ = property(lambda self: 1 / 0)
class Nameless(metaclass=Meta): pass
class NamelessError(Exception, metaclass=Meta): pass
def nameless(): return Nameless()
def nameless_error(): raise NamelessError('x')
def deep(n): return deep(n + 1)
def loud(): raise ValueError('x' * 100_000)
def skip():
    import pytest
    pytest.skip('no need')
"""


def test_an_error_carries_the_students_own_lines_and_none_of_ours() -> None:
    with pytest.raises(StudentError) as caught:
        student(BROKEN).divide(1)
    error = caught.value
    assert (error.type_name, error.message) == ("ZeroDivisionError", "division by zero")
    assert [(place, line, function) for place, line, function, _ in error.trace] == [
        ("notebook", 4, "divide"), ("notebook", 8, "helper")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("filename", "place"),
    [
        ("<cell 3>", "notebook"),
        ("<ipython-input-1-abc>", "notebook"),
        ("/tmp/ipykernel_4711/1234567890.py", "notebook"),
        ("/home/ann/autograder_notes/mine.py", "mine.py"),
        ("<string>", "<string>"),
        (objects._PACKAGE.rstrip("/") + "_of_mine/work.py", "work.py"),
    ],
)
def test_a_line_tells_whether_it_stands_in_the_notebook(filename: str, place: str) -> None:
    namespace: dict[str, Any] = {}
    exec(compile("def f(): 1 / 0", filename, "exec"), namespace)
    with pytest.raises(StudentError) as caught:
        Namespace(StudentSession(LiveTransport(namespace))).f()
    assert [line[0] for line in caught.value.trace] == [place]


def test_a_name_that_is_not_there_is_missing() -> None:
    with pytest.raises(StudentError) as caught:
        student().softmax(1)
    assert (caught.value.type_name, caught.value.message, caught.value.trace) == ("Missing", "softmax", [])


def test_an_exception_that_poses_as_a_missing_name_is_none() -> None:
    def softmax(x: float) -> None:
        raise type("Missing", (Exception,), {})(f"x is {x}")

    with pytest.raises(StudentError) as caught:
        Namespace(StudentSession(LiveTransport({"softmax": softmax}))).softmax(1)
    assert (caught.value.type_name, caught.value.message) == ("MissingName", "x is 1")


@pytest.mark.parametrize(
    ("call", "type_name"),
    [
        ("leave", "SystemExit"), ("stop", "GeneratorExit"), ("rude", "Rude"), ("odd", "Odd"), ("nameless_error", ""),
        ("skip", "Skipped"), ("loud", "ValueError"),
    ],
)  # fmt: skip
def test_whatever_a_student_raises_is_an_answer_and_ends_nothing(call: str, type_name: str) -> None:
    ns = student(BROKEN)
    with pytest.raises(StudentError) as caught:
        getattr(ns, call)()
    assert caught.value.type_name == type_name
    assert len(caught.value.message) <= objects.MAX_MESSAGE
    assert ns.divide is not None


def test_endless_recursion_is_an_error_like_any_other() -> None:
    with pytest.raises(StudentError, match="RecursionError") as caught:
        student(BROKEN).deep(0)
    assert len(caught.value.trace) <= 20


def test_an_object_without_a_name_is_kept_all_the_same() -> None:
    assert repr(student(BROKEN).nameless()) == "< of the notebook>"


def test_who_interrupts_a_kernel_stops_the_check() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        student(f=interrupted).f()


TRACE = [["notebook", 1, "f", "x"]]


@pytest.mark.parametrize(
    "answer",
    [
        None, [], {}, {"x": 1}, 5, "value", {"value": 1}, {"value": 1, "changed": np.ones(3)}, np.zeros(3),
        {"error": None}, {"error": "x"}, {"error": np.zeros(3)}, {"error": {}}, {"error": []},
        {"error": {"type": 1, "message": "", "trace": []}},
        {"error": {"type": "E", "message": None, "trace": []}},
        {"error": {"type": "E", "message": "", "trace": None}},
        {"error": {"type": "E", "message": "", "trace": [1]}},
        {"error": {"type": "E", "message": "", "trace": [[]]}},
        {"error": {"type": "E", "message": "", "trace": [["a", "b", "c", "d"]]}},
        {"error": {"type": "E", "message": "", "trace": [["a", 1, "c", np.ones(2)]]}},
        {"error": {"type": "E", "message": "", "trace": [{"a": 1}]}},
        (["x"], []), (["a", 0, "numpy", "float64", {}], []), ({}, []),
    ],
    ids=str,
)  # fmt: skip
def test_an_answer_that_is_none_is_the_students_fault(answer: Any) -> None:
    with pytest.raises(StudentFault, match=r"that is none"):
        _ = Namespace(StudentSession(Scripted(answer))).f


def test_what_an_error_says_is_bounded_and_its_names_are_on_one_line() -> None:
    error = {"type": "A\nB" * 200, "message": "m\n" * 5000, "trace": [["note\nbook", 1, "f\n", "x" * 999]]}
    with pytest.raises(StudentError) as caught:
        _ = Namespace(StudentSession(Scripted({"error": error}))).f
    told = caught.value
    assert len(told.type_name) <= 200
    assert len(told.message) <= objects.MAX_MESSAGE
    for text in (told.type_name, *(item for item in told.trace[0] if isinstance(item, str))):
        assert len(text.splitlines()) == 1
        assert len(text) <= 200


json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.floats()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["value", "changed", "error", "type", "message", "trace"]), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(json_like)
def test_a_hostile_process_gets_no_exception_but_a_students_fault(answer: Any) -> None:
    try:
        _ = Namespace(StudentSession(Scripted(answer))).f
    except StudentFault as fault:
        assert all(len(line) == 4 for line in getattr(fault, "trace", []))  # noqa: PT017


# Drivers


def train(ns: Any, x: Any, *, steps: int) -> Any:
    for _ in range(steps):
        x = ns.step(x)
    return np.asarray(x), None


def look_around(ns: Any) -> Any:
    return sorted(name for name in globals() if not name.startswith("__"))


def ask_for(ns: Any, name: str) -> Any:
    return getattr(ns, name)


def fail(ns: Any) -> None:
    raise ValueError("in the driver")


def import_and_call(ns: Any, x: Any) -> Any:
    import math

    return math.floor(x) + ns.step(0)


STEP = "def step(x): return x + 1"


def test_a_driver_runs_over_there_with_the_students_names() -> None:
    got, none = student(STEP).run(train, np.zeros(2), steps=5)
    assert (got.tolist(), none) == ([5, 5], None)
    assert student(STEP).run(import_and_call, 2.5) == 3


def test_a_driver_sees_nothing_of_the_check_file() -> None:
    assert student().run(look_around) == ["look_around", "np"]


def test_a_name_that_a_driver_asks_for_may_be_missing() -> None:
    with pytest.raises(StudentError) as caught:
        student().run(ask_for, "softmax")
    assert (caught.value.type_name, caught.value.message) == ("Missing", "softmax")


def test_a_drivers_own_line_is_not_taken_for_the_notebooks() -> None:
    with pytest.raises(StudentError) as caught:
        student().run(fail)
    assert [(line[0], line[3]) for line in caught.value.trace] == [
        ("<driver fail>", 'raise ValueError("in the driver")')
    ]


def test_a_driver_defined_inside_a_test_works_as_well() -> None:
    def inner(ns: Any, x: Any) -> Any:
        return ns.step(x)

    assert student(STEP).run(inner, 1) == 2


def test_an_argument_that_would_hide_the_drivers_source_is_refused() -> None:
    with pytest.raises(TypeError, match="'source'"):
        student(STEP).run(train, np.zeros(2), steps=1, source="x")


# Gradients

TORCH = """
import torch
def f(x, y): return (x * y).sum()
def two(x): return x ** 2, 3 * x
def unused(x, y): return 2 * x
def cut(x): return (x * 2).detach()
def lookup(table, ids): return torch.nn.functional.embedding(ids, table, sparse=True)
class Model:
    def __call__(self, x): return 5 * x
model = Model()
"""


def test_gradients_of_torch_are_vector_jacobian_products() -> None:
    import torch

    ns = student(TORCH)
    x, y = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    dx, dy = ns.grad("f", (x, y), (torch.tensor(2.0),), wrt=(0, 1))
    assert (dx.tolist(), dy.tolist()) == ([6, 8], [2, 4])
    assert not dx.requires_grad
    (dx,) = ns.grad("two", (x,), (torch.ones(2), torch.tensor([1.0, 10.0])))
    assert dx.tolist() == [5, 34]
    assert ns.grad(ns.model, (x,), (torch.ones(2),))[0].tolist() == [5, 5]


def test_an_input_that_does_not_matter_has_no_gradient() -> None:
    import torch

    x = torch.ones(2)
    dx, dy = student(TORCH).grad("unused", (x, x), (x,), wrt=(0, 1))
    assert (dx.tolist(), dy) == ([2, 2], None)


def test_a_graph_that_was_cut_is_the_students_error() -> None:
    import torch

    with pytest.raises(StudentError, match="does not require grad"):
        student(TORCH).grad("cut", (torch.ones(2),), (torch.ones(2),))


def test_a_sparse_gradient_arrives_as_the_tensor_that_it_stands_for() -> None:
    import torch

    (dtable,) = student(TORCH).grad("lookup", (torch.zeros(3, 1), torch.tensor([2, 0, 2])), (torch.ones(3, 1),))
    assert dtable.tolist() == [[1], [0], [2]]


def test_inputs_that_are_no_leaves_and_need_gradients_may_be_sent() -> None:
    import torch

    x = torch.ones(2, requires_grad=True) * 3
    assert student(TORCH).grad("f", (x, x.detach()), (torch.tensor(1.0),))[0].tolist() == [3, 3]


def test_an_answer_of_this_process_that_takes_too_long_is_a_limit() -> None:
    namespace: dict[str, Any] = {}
    exec(
        """
def forever():
    while True:
        try:
            while True:
                pass
        except Exception:
            pass
def stubborn():
    rings = 0
    while rings < 3:
        try:
            while True:
                pass
        except BaseException:
            rings += 1
    return rings
""",
        namespace,
    )
    before = signal.getsignal(signal.SIGALRM)
    hasty = Namespace(StudentSession(LiveTransport(namespace | {"one": lambda: 1}, seconds=0.05)))
    with pytest.raises(LimitHit, match=r"takes longer than 0\.05 s"):
        hasty.forever()
    assert hasty.one() == 1
    assert hasty.stubborn() == 3
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


CONTROLS = ["a\r\nb", "\x00\x1b[31m", "\u2028", "\ud800 alone", "tab\tand\nline", "naïve 👩\u200d🚀", "\x7f\x85"]


@pytest.mark.parametrize("text", CONTROLS)
def test_an_answer_keeps_its_control_characters(text: str) -> None:
    ns = student("def same(value): return value\ndef words(text): return np.array([text, 'x'])")
    assert ns.same({text: [text]}) == {text: [text]}
    assert ns.words(text).tolist() == [text.rstrip("\x00"), "x"]


def test_an_error_is_told_without_control_characters() -> None:
    with pytest.raises(StudentError) as caught:
        student("def fail(): raise ValueError('\\x1b[31mred\\r')").fail()
    assert caught.value.message == "[31mred"


def test_an_answer_that_no_jail_could_send_is_none_here_either() -> None:
    ns = student("def many(n): return [np.ones(1) for _ in range(n)]\ndef long(n): return 'x' * n")
    assert len(ns.many(64)) == 64
    with pytest.raises(StudentError, match="TooLarge: the answer holds 65 arrays"):
        ns.many(65)
    with pytest.raises(StudentError, match="TooLarge: the answer holds "):
        ns.long(100_000)
    assert len(ns.many(2)) == 2
