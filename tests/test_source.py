"""A graph as a Python program: it runs by itself and gives the same numbers."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given

from autograd_core import Op, Value, dot, logsumexp, maximum, softmax, total
from autograd_core.source import to_python
from nn import MLP, losses
from tests.rows import over
from tests.strategies import expressions


def run(text):
    """The variables of a program, run by itself."""
    variables = {}
    exec(text, variables)  # noqa: S102
    return variables


def assert_same_numbers(root, leaves):
    for i, leaf in enumerate(leaves):
        leaf.label, leaf.grad = f"leaf{i}", 0.0
    root.label = "root"
    root.backward()
    found = run(to_python(root))
    assert found["root"] == pytest.approx(root.data, rel=1e-12, abs=1e-12)
    for leaf in leaves:
        assert found[f"grad_{leaf.label}"] == pytest.approx(leaf.grad, rel=1e-9, abs=1e-9)


@given(expressions())
def test_a_program_computes_what_its_graph_computed(expression):
    leaves, root = expression.graph()
    assert_same_numbers(root, leaves)


def test_a_net_as_a_program():
    for activation in ("tanh", "sigmoid", "relu", "softplus", "leaky_relu"):
        model = MLP(2, [3, 2], activation=activation, seed=0)
        loss = losses.cross_entropy(model([0.5, -1.0]), 1)
        loss.backward()
        found = run(to_python(loss))
        w = model.layers[0].neurons[1].w[0]
        assert found["grad_W1_1_0"] == pytest.approx(w.grad, rel=1e-12)


def test_functions_of_several_values():
    x, y, z = Value(0.3), Value(-2.0), Value(1.5)
    root = (
        logsumexp([x, y, z]) + maximum(x, y) * dot([x, y], [z, x], z) - total(softmax([x, y])[:1])
    )
    assert_same_numbers(root, [x, y, z])


def test_a_program_needs_the_standard_library_alone():
    x = Value(2.0, "x")
    root = (x * x).tanh()
    root.backward()
    text = to_python(root)
    command = [sys.executable, "-S", "-c", text]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed == f"v2 = {root.data}\ngrad_x = {x.grad}\n"


def test_labels_that_python_does_not_take_are_changed():
    labels = ["W1[0,1]", "W1[0][1]", "lambda", "print", "π", "2x", "", "math", "grad_x", "a b"]
    leaves = [Value(float(i), label) for i, label in enumerate(labels)]
    found = run(to_python(total(leaves)))
    assert found["W1_0_1"] == 0.0
    assert found["v1"] == 1.0
    assert found["π"] == 4.0
    assert found[f"v{len(leaves)}"] == 45.0


@pytest.mark.parametrize("labels", [("µ", "μ"), ("x²", "x2"), ("ﬁt", "fit"), ("é", "e\u0301")])
def test_labels_that_are_one_name_to_python_are_two_variables(labels):
    x, y = [Value(number, label) for number, label in zip((2.0, 3.0), labels, strict=True)]
    root = x * y
    root.label = "root"
    root.backward()
    found = run(to_python(root))
    assert found["root"] == 6.0
    assert sorted(v for name, v in found.items() if name.startswith("grad_")) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("n", [3, 60, 3000])
def test_long_sums_can_be_run_and_have_the_same_bits(n):
    xs = [Value(0.1 * i, f"x{i}") for i in range(n)]
    w, b = Value(0.3, "w"), Value(-1.0, "b")
    root = dot(xs, [w] * n, b) * 2 - total([w * 1.5 for _ in xs])
    root.label = "root"
    root.backward()
    found = run(to_python(root))
    assert found["root"] == root.data
    assert (found["grad_w"], found["grad_b"]) == (pytest.approx(w.grad, rel=1e-12), b.grad)


IN_PYTHON = {
    "arctan": (math.atan, "arctan"),
    "arcsinh": (math.asinh, "arcsinh"),
    "log1p": (math.log1p, "log1p"),
    "square": (lambda x: x * x, "square"),
    "sign": (lambda x: math.copysign(1.0, x), "sign"),
    "reciprocal": (lambda x: 1 / x, "reciprocal"),
    "clip": (lambda x: min(max(x, -0.5), 0.25), lambda np, x: np.clip(x, -0.5, 0.25)),
    "pi": (lambda x: math.pi * x, lambda np, x: np.pi * x),
    "hypot": (lambda x: math.hypot(x, 1.0), lambda np, x: np.hypot(x, 1.0)),
    "maximum": (lambda x: max(x, 0.1), lambda np, x: np.maximum(x, 0.1)),
    "absolute": (abs, "absolute"),
}


@over(("value", "array"), IN_PYTHON)
def test_functions_of_an_array_library_are_said_in_python(value, array):
    op = Op("mine", value, lambda z, x: (x,), array)
    for number in (-0.9, -0.4, 0.3):
        assert np.allclose(op.on(np)(np.array([number])), value(number), rtol=1e-15)
        assert_same_numbers(op(Value(number)) + 1.0, [])


def test_data_set_to_an_arrays_number_is_written_as_a_number():
    x = Value(1.0, "x")
    x.data = np.float64(0.5)
    assert "x = 0.5\n" in to_python(x)


def test_an_op_of_ones_own_is_written_out():
    soft = Op(
        "soft",
        lambda x: x / (1 + abs(x)),
        lambda z, x: (1 / ((1 + abs(x)) * (1 + abs(x))),),
        lambda np, x: x / (1 + np.abs(x)),
    )
    x = Value(-3.0)
    assert_same_numbers(soft(x) * 2 - 1, [x])


def test_an_op_that_python_cannot_say_is_refused():
    erf = Op("erf", lambda x: x, lambda z, x: (1.0,), lambda np, x: np.fancy(x))
    with pytest.raises(AttributeError, match="fancy"):
        to_python(erf(Value(1.0)))


def test_numbers_that_are_not_finite_are_written_as_python_reads_them():
    x = Value(float("inf"), "x")
    assert run(to_python(x + 1.0))["x"] == float("inf")
    assert run(to_python(-x))["v1"] == -float("inf")
