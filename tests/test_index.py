"""index(xs, i): what is chosen by a number, eager and compiled, with its gradient."""

import numpy as np
import pytest

from autograd_core import Value, compile, dot, grad, hvp, index, logsumexp, mean
from autograd_core.compiler.executors.numpy import NumPyExecutor
from autograd_core.compiler.ir import Compute, needed
from autograd_core.functions import equals
from nn.model.embedding import Embedding
from tests.compiled import Draw, assert_like_eager, each_executor

SIZES = (3, 70)  # the last are so many rows that they are looked up


def a_row(n):
    table, w = Draw(0).matrix(n, 3, "E"), Draw(1).vector(3, "w")
    return lambda i: dot(index(table, i), w).tanh()


def a_sequence(n):
    table, w = Draw(0).matrix(n, 2, "E"), Draw(1).matrix(3, 2, "W")

    def loss(i, j, k):
        seen = [[dot(row, index(table, t)).tanh() for row in w] for t in (i, j, k)]
        return mean([h for row in seen for h in row])

    return loss


def a_recurrence(n):
    table, w = Draw(0).matrix(n, 2, "E"), Draw(1).matrix(2, 2, "W")

    def loss(i, j, k):
        state = [0.0, 0.0]
        for t in (i, j, k):
            state = [(x + dot(row, state)).tanh() for x, row in zip(index(table, t), w)]
        return state[0] * state[1]

    return loss


def a_label(n):
    w = Draw(0).vector(n, "w")

    def loss(x, y):
        scores = [(p * x).tanh() for p in w]
        return logsumexp(scores) - index(scores, y)

    return loss


def nested(n):
    table = [Draw(k).matrix(2, 2, f"E{k}") for k in range(n)]

    def loss(i):
        (a, b), (c, d) = index(table, i)
        return a * b + (c * d).exp()

    return loss


def an_array(n):
    table = np.array(Draw(0).matrix(n, 3, "E"))
    return lambda i, j: (2 * index(table, i) * index(table, j)).sum()


def parts_of_a_table(n):
    table = Draw(0).vector(n + 3, "E")
    return lambda i, j: index(table[:n], i) * index(table, j) + index(table[3:], i).tanh()


def numbers_and_values(n):
    numbers, mixed = [0.5 * k - 1 for k in range(n)], [*Draw(0).vector(n - 1, "E"), 0.5]
    return lambda i, j: (index(numbers, i) * index(mixed, j)).sin() + index(numbers[::-1], j)


def chosen_by_what_is_chosen(n):
    table, steps = Draw(0).vector(n, "E"), [(3 * k + 1) % n for k in range(n)]
    return lambda i: index(table, i) * index(table, index(steps, i)) ** 2


def by_a_number_that_is_read_again(n):
    table = Draw(0).vector(n, "E")
    return lambda i: index(table, n - 1 - i) * (0.1 * (n - 1 - i)).sin() + (n - 1 - i).tanh()


PROGRAMS = (
    by_a_number_that_is_read_again,
    a_row,
    a_sequence,
    a_recurrence,
    a_label,
    nested,
    an_array,
    parts_of_a_table,
    numbers_and_values,
    chosen_by_what_is_chosen,
)


def arguments(f, n, examples):
    rng = np.random.default_rng(n)
    count = f(n).__code__.co_argcount
    return [rng.integers(0, n, examples).astype(float) for _ in range(count)]


@pytest.mark.parametrize("examples", [1, 7])
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("f", PROGRAMS)
def test_what_is_chosen_and_its_gradient_are_eagers_in_a_batch(f, n, examples):
    assert_like_eager(f(n), *arguments(f, n, examples), batched=True)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("f", PROGRAMS)
def test_what_is_chosen_and_its_gradient_are_eagers_by_every_executor(f, n):
    assert_like_eager(f(n), *[x.item() for x in arguments(f, n, 1)])


@pytest.mark.parametrize("i", [-1, 5, 0.5, float("nan"), float("inf")])
def test_an_index_of_nothing_is_refused_by_name(i):
    xs = Draw(0).vector(5, "x")
    with pytest.raises(ValueError, match="an index must be a whole number from 0 to 4, got"):
        index(xs, i)
    with pytest.raises(ValueError, match="an index must be a whole number from 0 to 4, got"):
        index(xs, Value(i))


@each_executor
def test_a_program_refuses_it_as_eager_does(executor):
    xs = Draw(0).vector(5, "x")
    program = compile(lambda i: index(xs, i) * 2, executor=executor)
    assert program(4.0) == xs[4].data * 2
    for i in (-1, 5, 0.5, float("nan"), float("inf")):
        for run in (program, program.value_and_gradient):
            with pytest.raises(ValueError, match="an index must be a whole number from 0 to 4"):
                run(i)


@pytest.mark.parametrize("n", SIZES)
def test_in_a_batch_the_one_that_is_wrong_is_named(n):
    program = compile(a_row(n), batched=True)
    with pytest.raises(ValueError, match=rf"number from 0 to {n - 1}, got {n}.*\n?.*"):
        program.value_and_gradient([0.0, 1.0, float(n)])
    assert np.isfinite(program([0.0, 1.0]))


def test_rows_that_may_be_chosen_are_of_one_length():
    with pytest.raises(ValueError, match="lists of one length"):
        compile(lambda i: index([[1.0], [1.0, 2.0]], i)[0])(0)
    for i in ([0], "0", None):
        with pytest.raises(TypeError, match=f"an index is a number, got {type(i).__name__}"):
            index([1.0], i)
    with pytest.raises(ValueError, match="empty list"):
        index([], 0)


def test_given_numbers_it_is_the_item_itself():
    rows = Draw(0).matrix(3, 2, "E")
    for i in (1, 1.0, np.int64(1), np.float64(1.0), Value(1)):
        assert index(rows, i) is rows[1]


def test_gradients_of_gradients_go_through_what_is_chosen():
    f = lambda xs, i: index(xs, i) ** 3  # noqa: E731
    xs = [1.0, 2.0, 3.0]
    assert grad(f)(xs, 1) == [0.0, 12.0, 0.0]
    assert hvp(f)(xs, 1, [1.0, 1.0, 1.0]).tolist() == [0.0, 12.0, 0.0]


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("f", [a_row, a_sequence, a_recurrence])
def test_of_many_rows_no_one_hot_array_is_made(f, batched):
    n = 70
    program = compile(f(n), batched=batched)
    program.prepare(*arguments(f, n, 2 if batched else None))
    order, along = program.current().whole()
    results = [*program.current().results, *[g for g, _ in along.values()]]
    made = NumPyExecutor(order, results[:1]).order
    assert any(isinstance(x, Compute) and x.op is equals for x in needed(order, results[:1]))
    assert not any(isinstance(x, Compute) and x.op is equals for x in made)
    gradient = along[program.current().vector][0]
    made = NumPyExecutor(order, [*results[:1], gradient]).order
    assert not any(isinstance(x, Compute) and x.op is equals for x in made)


def test_an_embedding_is_an_index_of_its_rows():
    E = Embedding(70, 2, seed=0)
    f = lambda i: E(i)[0] * E(i)[1]  # noqa: E731
    assert_like_eager(f, np.array([3.0, 69.0, 3.0]), batched=True)
    with pytest.raises(ValueError, match="from 0 to 69"):
        E(70)
