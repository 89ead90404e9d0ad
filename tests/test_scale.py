"""Nothing grows faster than in proportion, and training leaves nothing behind."""

import gc

import pytest

from autograd_core import Value, compile, dot, logsumexp, total
from tests.report import leaks, scale

shapes = pytest.mark.parametrize("shape", [scale.chain, scale.wide, scale.fan])

# --- Growth ----------------------------------------------------------------------------------


def fast(growths, most=scale.MOST, most_at_the_end=scale.MOST_AT_THE_END):
    """What grows faster than allowed, and how fast."""
    return {
        name: growth
        for name, growth in growths.items()
        if growth.slope > most or growth.at_the_end > most_at_the_end
    }


@pytest.mark.slow
@pytest.mark.parametrize("shape", [scale.chain, scale.wide])
def test_time_grows_in_proportion_to_graphs_of_up_to_a_million_nodes(shape):
    assert not fast(scale.graphs(shape, scale.SIZES, scale.seconds))


@pytest.mark.slow
@shapes
def test_memory_grows_in_proportion_to_a_graph(shape):
    assert not fast(scale.graphs(shape, scale.TINY, scale.most_bytes, 1))


def fast_each_time(shape, sizes):
    """What grew too fast three times: in so little time another process may have its part."""
    steps = None
    for _ in range(3):
        growths = scale.graphs(shape, sizes, scale.seconds)
        found = fast({name: growth for name, growth in growths.items() if max(growth.found) > 1e-3})
        steps = found.keys() if steps is None else steps & found.keys()
    return steps


@pytest.mark.slow
@shapes
def test_time_grows_in_proportion_to_a_graph(shape):
    assert not fast_each_time(shape, scale.TINY)


@pytest.mark.slow
def test_time_grows_in_proportion_to_the_uses_of_a_leaf():
    assert not fast_each_time(scale.fan, scale.SMALL)


@pytest.mark.slow
@pytest.mark.parametrize("work", scale.WORKLOADS, ids=lambda work: work.name)
def test_time_and_memory_grow_in_proportion_to_data_and_nets(work):
    assert not fast({"time": scale.workload(work, work.sizes, scale.seconds)})
    assert not fast({"memory": scale.workload(work, work.sizes[:2], scale.most_bytes, 1)})


# --- Compiling what has no structure ---


def steps_of(x, n):
    """x, sin(x), sin(sin(x)), ..."""
    found = [x]
    for _ in range(n):
        found.append(found[-1].sin())
    return found


UNSTRUCTURED = {
    "a chain": lambda x, n: steps_of(x, n)[-1],
    "all steps of it": lambda x, n: total(steps_of(x, n)),
    "their products": lambda x, n: dot(steps_of(x, n), steps_of(x, n)[::-1]),
    "ops of as many kinds": lambda x, n: total([x ** (1 + k / n) for k in range(n)]),
    "functions of several": lambda x, n: logsumexp(steps_of(x, n)),
}


@pytest.mark.parametrize("executor", ["numpy", "python"])
@pytest.mark.parametrize("shape", UNSTRUCTURED)
def test_a_first_gradient_takes_calls_in_proportion_to_the_graph(shape, executor):
    x = Value(0.5)

    def first(n):
        program = compile(lambda: UNSTRUCTURED[shape](x, n), executor=executor)
        return scale.calls(program.value_and_gradient)

    first(9)  # which imports modules
    few, more, most = map(first, (16, 32, 64))
    assert most - more < 2.2 * (more - few)


def test_a_number_more_in_a_chain_takes_few_calls_up_to_the_first_gradient():
    x, b = Value(0.5), Value(0.1)

    def first(n):
        def chain():
            v = x
            for _ in range(n):
                v = ((v + b) * x).tanh()
            return v

        return scale.calls(compile(chain).value_and_gradient)

    first(9)  # which imports modules
    assert first(80) - first(40) < 330 * 3 * 40  # of Python and of C, in all passes


def test_a_quadratic_step_would_be_seen():
    def quadratic(n):
        return lambda: [list(range(n)) for _ in range(n)]

    work = scale.Workload("quadratic", quadratic, (30, 100, 300))
    assert fast({"memory": scale.workload(work, work.sizes, scale.most_bytes, 1)})


# --- Leaks -----------------------------------------------------------------------------------

FEW = 100  # objects of the interpreter's own; the graph of one step has more
CALLS = 120  # of which each may leave one


@pytest.fixture(autouse=True, scope="module")
def no_garbage():
    """What was there before is left alone by the collector, which makes it quick."""
    gc.collect()
    gc.freeze()


def assert_nothing(left):
    objects, held = left
    assert objects < FEW
    if held is not None:
        assert held < 1_000_000


@pytest.mark.parametrize("on", [True, False], ids=["collector on", "and off"])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_a_thousand_steps_of_fit_leave_nothing_behind(compiled, on):
    assert_nothing(leaks.of_a_training(compiled=compiled, on=on))


@pytest.mark.parametrize("on", [True, False], ids=["collector on", "and off"])
@pytest.mark.parametrize("case", leaks.EAGER)
def test_many_graphs_leave_nothing_behind(case, on):
    assert_nothing(leaks.of_calls(leaks.EAGER[case], CALLS, on=on))


@pytest.mark.parametrize("case", leaks.COMPILED)
def test_many_programs_leave_nothing_behind_that_the_collector_does_not_find(case):
    assert_nothing(leaks.of_calls(leaks.collected(leaks.COMPILED[case]), 20, on=True))


def test_a_leak_would_be_seen():
    kept = []
    objects, _ = leaks.of_calls(lambda: kept.append([0.5]), CALLS, on=True)
    assert objects >= FEW
