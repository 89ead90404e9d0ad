"""Recording alone: what a function did, in order, and what is kept of it."""

import pytest

from autograd_core import Value, dot
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
    kept = Kept(tape)
    n = len(tape.ops)
    assert [kept.ops[i] for i in range(n)] == tape.ops
    assert [kept.parents[i] for i in range(n)] == tape.parents
    assert [kept.label(i) for i in range(n)] == [v.label for v in tape.values]
    assert (list(kept.inputs), kept.constants) == (tape.inputs, tape.constants)
    assert not hasattr(kept, "values")
