"""What is written for HIPS autograd, JAX and SciPy runs here: programs, and the page about it."""

import numpy as np
import pytest

from autograd_core import Value, compile, grad, hessian, total, value_and_grad
from autograd_core.structures import leaves, rebuilt
from tests.numpy_programs import PROGRAMS, rosenbrock


def flat(x):
    return np.array(leaves(x), float)


def measured(f, x):
    """The slope along each number, by differences."""
    numbers, found = flat(x), []
    for step in 1e-6 * np.eye(len(numbers)):
        ends = [f(rebuilt(x, iter((numbers + s).tolist()))) for s in (step, -step)]
        found.append((ends[0] - ends[1]) / 2e-6)
    return np.array(found)


@pytest.mark.parametrize("make", PROGRAMS)
def test_a_program_in_numpys_words_has_its_value_and_its_slopes(make):
    f, x = make(np)
    value, slopes = value_and_grad(f)(x)
    assert value == pytest.approx(f(x), rel=1e-13)
    np.testing.assert_allclose(flat(slopes), measured(f, x), rtol=1e-6, atol=1e-6)


def test_scipy_minimizes_functions_and_programs():
    optimize = pytest.importorskip("scipy.optimize")
    f, _ = rosenbrock(np)
    start = np.zeros(5)
    found = optimize.minimize(value_and_grad(f), start, jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(5), atol=1e-4)
    exact = optimize.minimize(f, start, jac=grad(f), hess=hessian(f), method="trust-exact")
    np.testing.assert_allclose(exact.x, np.ones(5), atol=1e-6)

    w, b = Value(0.0, "w"), Value(0.0, "b")
    xs, ys = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])
    program = compile(lambda x, y: (w * x + b - y) ** 2, batched=True, wrt=[w, b])
    line = optimize.minimize(program.value_and_gradient_at, [0.0, 0.0], args=(xs, ys), jac=True)
    np.testing.assert_allclose(line.x, [2.0, 1.0], atol=1e-5)


def test_where_a_program_is_asked_its_parameters_stay():
    w = Value(3.0, "w")
    program = compile(lambda: total([w * w, w]))
    value, slopes = program.value_and_gradient_at([5.0])
    assert (value, slopes.tolist(), w.data) == (30.0, [11.0], 3.0)
