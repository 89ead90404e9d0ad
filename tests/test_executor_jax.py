"""Programs on JAX: the numbers of NumPy's, and slopes of the derivative table."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from autograd_core import Op, Value, compile, gradient, maximum
from autograd_core.check import arities
from autograd_core.functions import OPS
from nn import MLP, losses
from tests.compiled import Draw, assert_close
from tests.fuzz import Example, Outcome, compare, seeded, together
from tests.strategies import KINKED, OWN
from tests.test_compiler_executors import STRUCTURES

jax = pytest.importorskip("jax", reason="JAX is not installed")
import jax.numpy as jnp  # noqa: E402 (which is there by now)

pytestmark = [pytest.mark.slow, pytest.mark.needs("jax")]  # XLA takes a second for a program

each_structure = pytest.mark.parametrize("f", STRUCTURES, ids=lambda f: f.__name__)


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


@dataclass
class Line:
    slope: object
    at: object


def theta_of(program):
    return jnp.array([p.data for p in program.parameters])


# --- The numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(80))
def test_a_random_program_has_the_numbers_of_eager(seed):
    program = seeded(seed)
    compiled, outcome = compile(program, batched=program.batched, executor="jax"), Outcome()
    arguments = program.arguments(5 if program.batched else None)
    rows = list(zip(*arguments, strict=True)) if program.batched else [arguments]
    examples = [Example.of(program, row) for row in rows]
    alone = examples[0].results, examples[0].along_parameters, examples[0].along_inputs
    expected = together(examples) if program.batched else alone
    compare(program, compiled, arguments, expected, examples, outcome)
    assert outcome.agrees, program


@each_structure
def test_a_function_for_jax_has_the_numbers_and_slopes_of_the_program(f):
    program = compile(f, batched=True)
    columns = list(Draw(2).data(6, 5))
    value, slopes = program.value_and_gradient(*columns)
    run = jax.jit(jax.value_and_grad(program.to_jax(), argnums=(0, 1, 6)))
    found, along = run(theta_of(program), *columns)
    assert_close(found, value)
    assert_close(along[0], slopes)
    along_inputs = program.gradient_wrt_inputs(*columns)
    assert_close(along[1], along_inputs[0])
    assert_close(along[2], along_inputs[5])


@each_structure
def test_one_example_mapped_over_a_batch_is_the_batch(f):
    columns = list(Draw(3).data(6, 4))
    alone = compile(f)
    alone.prepare(*[float(column[0]) for column in columns])
    mapped = jax.vmap(alone.to_jax(), in_axes=(None, *[0] * 6))
    found = jnp.mean(mapped(theta_of(alone), *columns))
    assert_close(found, compile(f, batched=True)(*columns))


def test_results_have_the_structure_that_the_function_gave_them():
    w = Value(0.5, "w")

    def f(x, more):
        y = [w * v for v in x]
        return y[0] * more["scale"], {"all": y, "one": w * w, "pair": (y[1], [y, [w]])}

    for batched, shape in ((False, ()), (True, (3,))):
        program = compile(f, batched=batched)
        x, more = Draw(4).data(*shape, 2), {"scale": Draw(5).data(*shape)[()]}
        expected = program(x, more)
        found = jax.jit(program.to_jax())(theta_of(program), x, more)
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        for z, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert_close(z, wanted)


def test_arguments_may_be_lists_and_given_by_name():
    w = Value(2.0, "w")
    program = compile(lambda xs, scale: w * xs[0][1] * scale)
    assert program.to_jax()(jnp.array([3.0]), [[1.0, 2.0]], scale=4.0) == 24.0


def test_values_that_are_not_asked_for_are_read_when_it_is_traced():
    w, scale = Value(2.0, "w"), Value(3.0, "scale")
    f = compile(lambda x: scale * w * x, wrt=[w]).to_jax()
    assert f(jnp.array([2.0]), 1.0) == 6.0
    scale.data = 5.0
    assert f(jnp.array([2.0]), 1.0) == 10.0


# --- Slopes ----------------------------------------------------------------------------------

NAMED = [*OPS, *OWN, *KINKED]


@pytest.mark.parametrize("op", NAMED, ids=lambda op: op.name)
def test_slopes_of_any_order_are_the_tables_at_kinks_too(op):
    count = arities(op)[-1]
    points = [list(xs) for xs in product((-1.0, 0.0, 0.5, 1.0), repeat=min(count, 2))]
    f = compile(lambda xs: op(*xs)).to_jax()
    for xs in [point + [0.25] * (count - len(point)) for point in points]:
        try:
            leaves = [Value(x) for x in xs]
            first = gradient(op(*leaves), *leaves)
            second = [gradient(slope, *leaves) for slope in first]
        except (ArithmeticError, ValueError):
            continue  # it has no slope there
        numbers = jnp.array(xs)
        assert_close(jax.grad(f, 1)(jnp.zeros(0), numbers), [v.data for v in first])
        found = jax.hessian(f, 1)(jnp.zeros(0), numbers)
        assert_close(found, [v.data for row in second for v in row])


def test_a_slope_of_ones_own_is_not_jaxs():
    steep = Op("steep", abs, lambda z, x: (7.0 * x,), lambda np, x: np.abs(x))
    f = compile(lambda x: steep(x)).to_jax()
    assert jax.grad(f, 1)(jnp.zeros(0), 2.0) == 14.0
    assert jax.jvp(lambda x: f(jnp.zeros(0), x), (2.0,), (1.0,))[1] == 14.0


def test_a_constant_operand_needs_no_slope():
    f = compile(lambda x: x ** Value(2.0), wrt=[]).to_jax()  # along 2.0 it has none at -3
    assert jax.grad(f, 1)(jnp.zeros(0), -3.0) == -6.0


def test_where_two_are_largest_the_first_has_the_slope():
    program = compile(lambda x, y: maximum(x, y))
    slopes = jax.grad(program.to_jax(), (1, 2))(jnp.zeros(0), 1.0, 1.0)
    assert slopes == (1.0, 0.0)


# --- Precision, speed, errors ----------------------------------------------------------------


def perceptron():
    model = MLP(3, [4, 1], activation="tanh", seed=0)
    return (
        compile(lambda x, y: losses.mse(model(x), y), batched=True),
        Draw(6).data(7, 3),
        [0.5] * 7,
    )


def test_float32_needs_no_float64():
    program, X, y = perceptron()
    value, slopes = program.value_and_gradient(X, y)
    theta = np.array([p.data for p in program.parameters])
    with jax.enable_x64(False):
        found = jax.jit(jax.value_and_grad(program.to_jax(dtype="float32")))(theta, X, np.array(y))
        assert {z.dtype for z in found} == {jnp.dtype("float32")}
        np.testing.assert_allclose(found[0], value, rtol=1e-5)
        np.testing.assert_allclose(found[1], slopes, rtol=1e-4, atol=1e-6)
        with pytest.raises(RuntimeError, match="jax_enable_x64"):
            program.to_jax()(theta, X, y)


def test_another_dtype_is_refused():
    with pytest.raises(ValueError, match="'float64' or 'float32', got 'int8'"):
        compile(lambda x: x).to_jax(dtype="int8")


def test_a_perceptron_and_a_convolution_need_no_gather_and_no_scatter():
    program, X, y = perceptron()
    program.prepare(X, y)
    step = jax.value_and_grad(program.to_jax())
    text = str(jax.make_jaxpr(step)(theta_of(program), X, np.array(y)))
    assert "dot_general" in text
    assert "gather[" not in text
    assert "scatter" not in text
    convolution = compile(STRUCTURES[3], batched=True)
    columns = list(Draw(2).data(6, 5))
    convolution.prepare(*columns)
    text = str(jax.make_jaxpr(convolution.to_jax())(theta_of(convolution), *columns))
    assert "gather[" not in text


def test_the_own_gradient_of_a_perceptron_needs_no_scatter_either():
    program, X, y = perceptron()
    run = compile(program.f, batched=True, executor="jax")
    run.value_and_gradient(X, y)
    ready = run.current().ready[run.current().vector]
    leaves = {"parameters": [theta_of(run)], "inputs": [X, np.array(y)[:, None]]}
    text = str(jax.make_jaxpr(ready.executor.traced, static_argnums=1)(leaves, 7))
    assert "gather[" not in text
    assert "scatter" not in text


def test_an_error_names_op_and_example_by_a_run_on_numpy():
    w = Value(1.0, "w")
    program = compile(lambda x: (w * x).log(), batched=True, executor="jax")
    with pytest.raises(ValueError, match=r"log of \(0.0\).*example 2"):
        program.value_and_gradient([1.0, 2.0, 0.0])
    assert_close(program([1.0, math.e]), 0.5)
    assert program.executor == "jax"


def test_an_overflow_that_is_hidden_later_is_found():
    program = compile(lambda x: (1000.0 * x).exp().tanh(), executor="jax")
    with pytest.raises(OverflowError, match="exp"):
        program(1.0)


def test_a_users_jax_is_left_as_it_was():
    with jax.enable_x64(False):
        program, X, y = perceptron()
        compile(program.f, batched=True, executor="jax")(X, y)
        assert jnp.zeros(1).dtype == jnp.dtype("float32")


def test_dataclasses_and_static_arguments_are_taken():
    w = Value(2.0, "w")
    program = compile(lambda line, n: Line(line.slope**n * w, [line.at[0]]), static="n")
    found = program.to_jax()(jnp.array([3.0]), Line(2.0, (5.0, 1.0)), 3)
    assert (float(found.slope), found.at.tolist()) == (24.0, [5.0])
    assert program(Line(2.0, (5.0, 1.0)), 2).slope == 8.0
