"""A formula says in Python what it was made of: the same operations, in the same order."""

import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_core.formulas import SUMS, Formula, infix, negative, number
from autograd_core.source import symbol
from tests.rows import over

VARIABLES = {"a": 0.3, "b": -1.7, "c": 2.9}
NUMBERS = (0.1, -0.7, 3.0, -2.0, 1e-30, -0.0)
OPERATORS = {  # each with two operands
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda x, y: x / (abs(y) + 1.0),
    "%": lambda x, y: x % (abs(y) + 1.0),
    "**": lambda x, y: x**2.0 - y,
    "neg": lambda x, y: -x - -y,
    ">": lambda x, y: (x > y) * y,
}


def both(operands):
    """An operation on symbols, and on numbers; a symbol is on the left."""
    name, (s, x), (t, y) = operands
    return OPERATORS[name](s, t), OPERATORS[name](x, y)


trees = st.recursive(
    st.sampled_from([(symbol(name), x) for name, x in VARIABLES.items()]),
    lambda some: st.builds(
        lambda *operands: both(operands),
        st.sampled_from(sorted(OPERATORS)),
        some,
        some | st.sampled_from([(x, x) for x in NUMBERS]),
    ),
    max_leaves=10,
)


def computed(expression):
    """What Python makes of an expression's text."""
    return float(eval(str(expression), {}, dict(VARIABLES)))  # noqa: S307


@given(trees)
def test_an_expression_has_the_same_bits_as_what_it_was_made_of(tree):
    found, expected = tree
    assert repr(computed(found)) == repr(float(expected))


@pytest.mark.parametrize("n", [3, 49, 50, 51, 200])
def test_a_long_sum_goes_from_left_to_right(n):
    total = sum([symbol("a") * (1.0 / i) for i in range(1, n)]) - symbol("b")
    expected = math.fsum([0.3 * (1.0 / i) for i in range(1, n)]) + 1.7
    assert computed(total) == pytest.approx(expected, rel=1e-15 * n)


a, b, c = map(Formula, "abc")


@over(
    ("formula", "text"),
    [
        (infix("+", a, infix("+", b, c)), "a + (b + c)"),
        (infix("+", infix("+", a, b), c), "a + b + c"),
        (infix("+", a, infix("+", negative(b), c)), "a + (-b + c)"),
        (infix("-", a, negative(b)), "a + b"),
        (infix("+", a, number("-2.0")), "a - 2.0"),
        (negative(negative(infix("*", a, b))), "a * b"),
        (infix("*", a, infix("/", b, c)), "a * (b / c)"),
        (infix("**", number("-2.0"), number("-2.0")), "(-2.0) ** -2.0"),
        (negative(infix("**", a, b)), "-a ** b"),
        (negative(infix("+", a, b)), "-(a + b)"),
    ],
)
def test_parentheses_stand_where_they_are_needed(formula, text):
    assert formula.text == text
    assert formula.level >= SUMS
