"""What holds for the derivatives of any program: random ones over the whole derivative table.

Exact values are those of tests/report/accuracy.py, at 150 digits; exact slopes are measured by
differences of them. So nothing that the engine knows of an op is used to judge it.
"""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from autograd_core import hessian
from autograd_core.engine import ADD, DOT, LOGSUMEXP, MAXIMUM, MINIMUM, MUL, TOTAL, topological
from tests.compiled import slack_of, uncertainties
from tests.report.accuracy import exact_of
from tests.strategies import Expression, expressions

MANY_DIGITS, NUDGE, MEASURED_TO = 150, mpf(10) ** -40, mpf(10) ** -50
COMMUTATIVE = (ADD, MUL, TOTAL, DOT, LOGSUMEXP, MAXIMUM, MINIMUM)

numbers = st.floats(-8, 8).filter(lambda x: abs(x) > 0.01)


def for_all(*strategies, quick=15, long=1000):
    """A property of examples: of a few in the quick layer, of many in the long one."""

    def decorate(check):
        @pytest.mark.parametrize("examples", [quick, pytest.param(long, marks=pytest.mark.slow)])
        def test(examples):
            settings(max_examples=examples)(given(*strategies)(check))()

        return test

    return decorate


# --- Against exact numbers --------------------------------------------------------------------


def exactly(expression, nudges):
    """The value of an expression where its inputs are moved."""
    values = [x + nudge for x, nudge in zip(expression.inputs, nudges, strict=True)]
    for op, operands in expression.steps:
        value, _ = exact_of(op)
        values.append(value(*[values[x] if isinstance(x, int) else mpf(x) for x in operands]))
    return values[-1]


def difference(expression, *places):
    """The derivative along the inputs at these places, one after the other."""
    total = 0
    for signs in product((-1, 1), repeat=len(places)):
        nudges = [mpf(0)] * len(expression.inputs)
        for place, sign in zip(places, signs, strict=True):
            nudges[place] += sign * NUDGE
        total += mp.fprod(signs) * exactly(expression, nudges)
    return total / (2 * NUDGE) ** len(places)


@for_all(expressions())
def test_backward_gives_the_exact_slopes_but_for_rounding(expression):
    leaves, y = expression.graph()
    y.backward()
    value_slack, slacks = slack_of(y, leaves)
    with mp.workdps(MANY_DIGITS):
        assert abs(y.data - difference(expression)) <= value_slack
        for i, leaf in enumerate(leaves):
            assert abs(leaf.grad - difference(expression, i)) <= slacks[leaf] + MEASURED_TO


@for_all(expressions(max_steps=6), long=500)
def test_the_gradient_of_the_gradient_is_the_exact_hessian_but_for_rounding(expression):
    leaves, y = expression.graph()
    rows = hessian(y, leaves)
    slacks = [[8 * uncertainties(v)[v] for v in row] for row in rows]
    with mp.workdps(MANY_DIGITS):
        for i, j in product(range(len(leaves)), repeat=2):
            exact = difference(expression, i, j)
            assert abs(rows[i][j].data - exact) <= slacks[i][j] + MEASURED_TO
            assert abs(rows[i][j].data - rows[j][i].data) <= slacks[i][j] + slacks[j][i]


# --- Linear in what comes from above ----------------------------------------------------------


def grads(leaves, *calls):
    """The gradients that some calls of backward leave, from zero."""
    for x in leaves:
        x.grad = 0.0
    for y, seed in calls:
        y.backward(seed)
    return [x.grad for x in leaves]


def assert_within(slacks, leaves, found, expected):
    for x, a, b in zip(leaves, found, expected, strict=True):
        assert abs(a - b) <= slacks[x]


@for_all(expressions(), numbers)
def test_a_seed_is_a_factor_of_the_root(expression, factor):
    leaves, y = expression.graph()
    assert grads(leaves, (factor * y, 1.0)) == grads(leaves, (y, factor))


@for_all(expressions(), numbers)
def test_a_factor_of_the_root_is_a_factor_of_every_gradient(expression, factor):
    leaves, y = expression.graph()
    scaled = factor * y
    _, slacks = slack_of(scaled, leaves)
    expected = [factor * grad for grad in grads(leaves, (y, 1.0))]
    assert_within(slacks, leaves, grads(leaves, (scaled, 1.0)), expected)


@for_all(expressions(), st.data())
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients(expression, data):
    leaves, y = expression.graph()
    u, v = [data.draw(st.sampled_from(topological(y))) for _ in range(2)]
    _, slacks = slack_of(u + v, leaves)
    assert_within(slacks, leaves, grads(leaves, (u + v, 1.0)), grads(leaves, (u, 1.0), (v, 1.0)))


@for_all(expressions(), st.data())
def test_backward_from_a_node_is_backward_from_its_parents_seeded_with_its_slopes(expression, data):
    leaves, y = expression.graph()
    node = data.draw(st.sampled_from([v for v in topological(y) if v.parents]))
    _, slacks = slack_of(node, leaves)
    parts = zip(node.parents, node.partials, strict=True)
    assert_within(slacks, leaves, grads(leaves, (node, 1.0)), grads(leaves, *parts))


# --- The order of operands --------------------------------------------------------------------


@st.composite
def shuffled(draw):
    """An expression, and the same with the operands of commutative ops in another order."""
    expression = draw(expressions())
    steps = [
        (op, reordered(draw, op, operands) if op in COMMUTATIVE else operands)
        for op, operands in expression.steps
    ]
    return expression, Expression(expression.inputs, steps)


def reordered(draw, op, operands):
    """The operands of a commutative op in another order; of dot, products and factors."""
    if op is not DOT:
        return tuple(draw(st.permutations(operands)))
    n = len(operands) // 2
    pairs = draw(st.permutations(list(zip(operands[:n], operands[n:], strict=False))))
    pairs = [pair[:: draw(st.sampled_from((-1, 1)))] for pair in pairs]
    return (*[x for x, _ in pairs], *[y for _, y in pairs], *operands[2 * n :])


def rounds_alike(op, operands):
    """Whether an op rounds once, or the same numbers, whatever the order of its operands."""
    return op not in COMMUTATIVE or len(operands) <= 2


@for_all(shuffled())
def test_the_order_of_the_operands_of_commutative_ops_changes_rounding_alone(both):
    (leaves, y), (leaves_too, y_too) = [expression.graph() for expression in both]
    value_slack, slacks = slack_of(y, leaves)
    assert abs(y.data - y_too.data) <= value_slack
    if all(rounds_alike(*step) for step in both[0].steps):
        assert y.data == y_too.data
    assert_within(slacks, leaves, grads(leaves, (y, 1.0)), grads(leaves_too, (y_too, 1.0)))
