"""How far primitives are from the exact result at most; tests/report/accuracy.py measures it."""

import math
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from mpmath import mp, mpf
from numpy.testing import assert_allclose, assert_array_max_ulp

from autograd_core import OPS, compile
from tests.compiled import EPSILON
from tests.report.accuracy import DIGITS, REFUSED, Case, cases, measure, ulps
from tests.rows import over

# In ulp: of the value, of the slopes, and of both how far the program on arrays is from eager.
# Half an ulp is the best there is. What the C library and NumPy compute has some room.
BOUNDS = {
    "+": (0.5, 0, 0, 0),
    "-": (0.5, 0, 0, 0),
    "*": (0.5, 0, 0, 0),
    "/": (0.5, 1.5, 0, 0),
    "**": (1, 4, 2, 4),
    "xlogy": (2, 1, 4, 4),
    "neg": (0, 0, 0, 0),
    "abs": (0, 0, 0, 0),
    "exp": (1, 1, 2, 2),
    "log": (1, 0.5, 2, 0),
    "sqrt": (0.5, 1.5, 0, 0),
    "sin": (1, 1, 4, 4),
    "cos": (1, 1, 4, 4),
    "tanh": (4, 4, 4, 4),
    "sigmoid": (3, 1, 4, 1),
    "softplus": (2, 3, 4, 4),
    "step": (0, 0, 0, 0),
    "relu": (0, 0, 0, 0),
    "maximum": (0, 0, 0, 0),
    "minimum": (0, 0, 0, 0),
    "total": (8, 0, 8, 0),
    "dot": (8, 0, 8, 0),
    "logsumexp": (4, 8, 4, 8),
    "expm1": (1, 1, 2, 2),
    "log1p": (1, 2, 2, 0),
    "log2": (1, 1, 2, 0),
    "log10": (2, 2, 2, 0),
    "tan": (1, 4, 4, 4),
    "sinh": (3, 2, 4, 4),
    "cosh": (2, 3, 4, 4),
    "arcsin": (1, 3, 4, 0),
    "arccos": (1, 3, 4, 0),
    "arctan": (1, 3, 4, 0),
    "hypot": (1, 2, 2, 2),
    "arctan2": (1, 4, 4, 4),
    "erf": (1, 2, 4, 2),
    "erfc": (3, 2, 8, 2),
    "gelu": (2, 2, 4, 4),
    "silu": (4, 3, 4, 4),
    "elu": (1, 1, 4, 2),
    "floor": (0, 0, 0, 0),
    "ceil": (0, 0, 0, 0),
    "mod": (0.5, 1.5, 0, 0),
    "sign": (0, 0, 0, 0),
    "where": (0, 0, 0, 0),
    "equals": (0, 0, 0, 0),
    "exp2": (1, 2, 2, 2),
    "cbrt": (4, 5, 4, 5),
    "arcsinh": (2, 2, 4, 4),
    "arccosh": (2, 4, 4, 4),
    "arctanh": (2, 2, 4, 0),
    "**-3": (1, 2, 2, 4),
    "**-1": (1, 1, 2, 2),
    "**-0.5": (1, 1, 2, 2),
    "**0": (0, 0, 0, 0),
    "**0.5": (1, 1, 2, 2),
    "**1": (0, 0, 0, 0),
    "**1.5": (1, 2, 2, 4),
    "**2": (1, 0, 2, 0),
    "**3": (1, 2, 2, 4),
    "**10": (1, 6, 2, 4),
    "leaky_relu 0.01": (0.5, 0, 0, 0),
    "leaky_relu 0.3": (0.5, 0, 0, 0),
    "softmax": (4, 2, 4, 2),
    "binary cross entropy 0": (2, 3, 4, 4),
    "binary cross entropy 1": (2, 3, 4, 4),
    "cross entropy": (4, 8, 4, 8),
}
CASES = {case.name: case for case in cases()}

# The slopes of a logsumexp are those of its steps: they round as much as eager's rule, elsewhere.
OTHER_STEPS = {"logsumexp": 512, "softmax": 512, "cross entropy": 512}  # units in the last place


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("n", [40, pytest.param(4000, marks=pytest.mark.slow)])
def test_errors_are_within_their_bounds(name, n):
    found = measure(CASES[name], n)
    for error, bound in zip(found.bounded, BOUNDS[name], strict=True):
        assert error <= bound, found
    assert found.in_range <= (0.05 if name == "**" else 0), "refused without need"


def test_every_primitive_has_a_bound():
    assert set(BOUNDS) == set(CASES)
    names = {name.split(" ")[0] for name in CASES}
    assert {op.name for op in OPS} <= names


@over("name", [*CASES])
def test_run_on_one_number_after_the_other_a_program_has_the_bits_of_eager(name):
    case, rng = CASES[name], Random(name)
    for count in case.counts:
        program = compile(case.f, executor="python")
        for _ in range(10):
            xs = case.operands(rng, count)
            try:
                z, slopes = case.eager(xs)
            except REFUSED:
                continue
            found = [program(*xs), *program.gradient_wrt_inputs(*xs)]
            assert_array_max_ulp(np.array(found), np.array([z, *slopes]), OTHER_STEPS.get(name, 0))


@over("name", [*CASES])
def test_an_example_alone_has_the_numbers_that_it_has_among_others(name):
    case, rng = CASES[name], Random(name)
    domain = getattr(case.f, "domain", (0.5, 2.0))
    for count in case.counts:
        array = np.array([[rng.uniform(*domain) for _ in range(count)] for _ in range(4)])
        values = compile(lambda xs: [case.f(*xs)], batched=True)
        slopes = compile(lambda xs: case.f(*xs), batched=True)
        assert_allclose(values(array[:1]), values(array)[:1], rtol=1e-14)
        (alone,), (among,) = (
            slopes.gradient_wrt_inputs(array[:1]),
            slopes.gradient_wrt_inputs(array),
        )
        assert_allclose(alone, 4 * among[:1], rtol=1e-14, atol=1e-15)  # of the mean of four


# --- What measures is right, too --------------------------------------------------------------


@over(
    ("found", "exact", "error"),
    [
        (1.0, 1, 0),
        (math.nextafter(1.0, 2), 1, 1),
        (math.nextafter(1.0, 0), 1, 0.5),  # floats lie closer below a power of two
        (1.0, 1 + Fraction(2) ** -53, 0.5),
        (-3.0, 3, 1.5 * 2**53),
        (5e-324, 0, 1),
        (0.0, Fraction(2) ** -1076, 0.25),
        (2.0**-1022, Fraction(2) ** -1022 + Fraction(2) ** -1074, 1),
        (math.inf, Fraction(2) ** 5000, 0),
        (math.inf, Fraction(2) ** 1024 - Fraction(2) ** 971, 1),
        (-math.inf, Fraction(2) ** 5000, math.inf),
        (math.nan, 1, math.inf),
    ],
)
def test_an_ulp_is_the_spacing_of_floats_at_the_exact_result(found, exact, error):
    with mp.workdps(DIGITS):
        assert ulps(found, mpf(exact.numerator) / exact.denominator) == error


def test_an_error_is_measured_in_ulp_of_the_scale_where_that_is_larger():
    assert ulps(EPSILON, mpf(0), 1.0) == 1
    assert ulps(9.0, mpf(8), 1.0) == ulps(9.0, mpf(8))


@pytest.mark.parametrize("away", [1, 3])
def test_a_value_or_a_slope_that_is_a_few_ulp_off_is_measured_so(away):
    found = measure(Case("x", lambda x: x * (1 + away * EPSILON), lambda x: x, lambda x: [1]), 50)
    assert away <= found.scaled_value.error <= 2 * away + 0.5
    assert found.scaled_slopes.error == away


def test_what_is_refused_without_need_is_counted():
    found = measure(Case("x", lambda x: x.log().exp(), lambda x: x, lambda x: [1]), 100)
    assert 0.3 < found.in_range == found.refused < 0.7
