"""The tests that fail first: if one of these does, look at no other."""

from autograd_core import OPS, Value, check_op, gradient


def test_backward_knows_the_slopes_of_an_expression():
    a, b = Value(-4.0), Value(2.0)
    c = (a + b) * a
    c.backward()
    assert (c.data, a.grad, b.grad) == (8.0, -6.0, -4.0)


def test_gradient_can_be_differentiated_again():
    x = Value(2.0)
    (slope,) = gradient(x**3, x)
    assert (slope.data, gradient(slope, x)[0].data) == (12.0, 12.0)


def test_rows_of_the_table_are_right():
    for op in OPS[:8]:  # test_table.py checks every one
        check_op(op)


def test_following_the_gradient_downhill_finds_the_minimum():
    x = Value(5.0)
    for _ in range(20):
        x.grad = 0.0
        ((x - 3) ** 2).backward()
        x.data -= 0.25 * x.grad
    assert abs(x.data - 3) < 1e-5
