"""Recording alone: what a function did, in order, and what is kept of it."""

import gc
import tracemalloc

import pytest

from autograd_core import Value, compile, dot
from autograd_core.compiler.record import Kept
from autograd_core.engine import ADD, MUL, TANH
from tests.arrays import recorded


@pytest.fixture
def w():
    return [Value(float(i + 1), f"w[{i}]") for i in range(6)]


# --- Record ----------------------------------------------------------------------------------


def test_a_recording_keeps_what_was_done_in_order(w):
    tape, roots = recorded(lambda x: (w[0] * x).tanh() + 2.0, 1)
    assert [op for op in tape.ops if op] == [MUL, TANH, ADD]
    assert list(tape.parameters.values()) == [w[0]]
    assert list(tape.constants.values()) == [2.0]
    assert tape.inputs == [0]
    assert roots == [len(tape.ops) - 1]
    assert all(p < i for i, parents in enumerate(tape.parents) for p in parents)


def test_a_traced_value_shows_its_op_and_its_parents(w):
    seen = []

    def f(x):
        y = w[0] * x
        seen.extend([y.op, y.parents == (w[0], x), x.op, x.parents])
        return y

    recorded(f, 1)
    assert seen == [MUL, True, None, ()]


def test_a_parameter_is_recorded_once(w):
    tape, _ = recorded(lambda x: w[0] * x + w[0] * w[0], 1)
    assert list(tape.parameters.values()) == [w[0]]


def test_what_is_kept_is_the_recording_without_its_values(w):
    def f(x):
        y = (w[0] * x).tanh()
        y.label = "y"
        return dot([y, 2.0], [x, w[1]])

    tape, _ = recorded(f, 1)
    kept = Kept(tape, [], [])
    n = len(tape.ops)
    assert [kept.ops[i] for i in range(n)] == tape.ops
    assert [kept.parents[i] for i in range(n)] == tape.parents
    assert (list(kept.inputs), kept.constants) == (tape.inputs, tape.constants)
    again = kept.recording()
    assert [v.label for v in again.values] == [v.label for v in tape.values]
    assert again.parameters == kept.parameters == tape.parameters
    assert [again.values[i] for i in tape.parameters] == list(tape.parameters.values())


@pytest.mark.parametrize("f", [lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)), dot])
def test_of_a_product_little_is_kept(f):
    n = 1000
    a, b = [Value(1.0) for _ in range(n)], [Value(2.0) for _ in range(n)]
    compile(lambda: f(a[:9], b[:9]), executor="numpy").value_and_gradient()  # and all modules
    tracemalloc.start()
    program = compile(lambda: f(a, b), executor="numpy")
    program.value_and_gradient()
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / n < 140, "bytes, 48 of them two Values' places and two vectors"
