"""Recording alone: what a function did, in order, and what is kept of it."""

import gc
import tracemalloc

import pytest

from autograd_core import Value, compile, dot, total
from autograd_core.compiler.kept import Kept
from autograd_core.engine import ADD, MUL, TANH, collector_paused
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


@pytest.mark.parametrize("label", ["x", "another", ""])
def test_what_is_kept_is_the_recording_without_its_values(w, label):
    def f(x):
        x.label = label
        y = (w[0] * x).tanh()
        y.label = "y"
        return dot([y, 2.0], [x, w[1]])

    tape, _ = recorded(f, 1)
    kept = Kept(tape, [], [], lambda: ["x"])
    n = len(tape.ops)
    assert [kept.ops[i] for i in range(n)] == tape.ops
    assert kept.parents == tape.parents
    assert (list(kept.inputs), kept.constants) == (tape.inputs, tape.constants)
    again = kept.recording()
    assert [v.label for v in again.values] == [v.label for v in tape.values]
    assert again.parameters == kept.parameters == tape.parameters
    assert [again.values[i] for i in tape.parameters] == list(tape.parameters.values())


def kept(f, n, of, executor="numpy"):
    """The bytes that a program of n products keeps, and how many objects are left in cycles."""
    a, b = ([Value(1.0, f"{name}[{i}]") for i in range(n)] for name in "ab")
    program = compile(lambda *x: f(a, *x or [b]), executor=executor)
    gc.collect()
    with collector_paused():
        tracemalloc.start()
        program.value_and_gradient(*[[2.0] * n] * (of == "inputs"))
        cycles, (found, _) = gc.collect(), tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return found, cycles


def by_and_by(a, b):
    s = 0.0
    for x, y in zip(a, b, strict=True):
        s = s - x * y
    return s


SUMS = {
    "dot": dot,
    "sum": lambda a, b: sum([x * y for x, y in zip(a, b, strict=True)]),
    "scaled": lambda a, b: sum([0.5 * (x * y) for x, y in zip(a, b, strict=True)]),
    "loop": by_and_by,
    "layer": lambda a, b: total([dot(a[i::4], b[i::4]).tanh() for i in range(4)]),
}


QUICK = ("dot", "sum")
WRITINGS = [pytest.param(f, marks=[] if f in QUICK else pytest.mark.slow) for f in SUMS]


@pytest.mark.parametrize("f", WRITINGS)
@pytest.mark.parametrize(("of", "most"), [("inputs", 80), ("parameters", 100)])
def test_of_a_product_little_is_kept_and_no_cycles_are_left(f, of, most):
    """28 bytes are a parameter: its number and slope, its places in the list and in the tape."""
    products = 2 if f == "scaled" else 1  # in each term
    _, few, many = [kept(SUMS[f], n, of) for n in (16, 100, 300)]  # at first, modules are, too
    assert many[0] - few[0] < 200 * products * most
    assert many[1] < 100
