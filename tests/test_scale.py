"""Nothing grows faster than in proportion, and training leaves nothing behind."""

import gc
import os
from contextlib import suppress
from pathlib import Path

import pytest

from autograd_core import Value, compile, mean
from nn import MLP, SGD, DivergedError, fit, losses
from tests.benchmarks.measure import collector
from tests.report import scale

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
def test_time_grows_in_proportion_to_the_uses_of_a_leaf():
    assert not fast(scale.graphs(scale.fan, scale.SMALL, scale.seconds))


@pytest.mark.slow
@shapes
def test_memory_grows_in_proportion_to_a_graph(shape):
    assert not fast(scale.graphs(shape, scale.TINY, scale.most_bytes, 1))


@pytest.mark.slow
@shapes
def test_time_grows_in_proportion_to_a_graph(shape):
    steps = None
    for _ in range(3):  # so little time is measured that another process may come in between
        growths = scale.graphs(shape, scale.TINY, scale.seconds)
        found = fast({name: growth for name, growth in growths.items() if max(growth.found) > 1e-3})
        steps = found.keys() if steps is None else steps & found.keys()
    assert not steps


@pytest.mark.slow
@pytest.mark.parametrize("work", scale.WORKLOADS, ids=lambda work: work.name)
def test_time_and_memory_grow_in_proportion_to_data_and_nets(work):
    assert not fast({"time": scale.workload(work, work.sizes, scale.seconds)})
    assert not fast({"memory": scale.workload(work, work.sizes[:2], scale.most_bytes, 1)})


def test_a_quadratic_step_would_be_seen():
    def quadratic(n):
        return lambda: [list(range(n)) for _ in range(n)]

    work = scale.Workload("quadratic", quadratic, (30, 100, 300))
    assert fast({"memory": scale.workload(work, work.sizes, scale.most_bytes, 1)})


# --- Leaks -----------------------------------------------------------------------------------

STEPS = 1_000
X = [[0.1 * i, 1.0 - 0.2 * i] for i in range(5)]
Y = [0.0, 1.0, 0.0, 1.0, 1.0]


def resident():
    """Bytes of memory that this process holds."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("the memory that a process holds is read from Linux's /proc")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def train(epochs, loss=losses.mse, callbacks=(), **options):
    optimizer, model = SGD(0.01), MLP(2, [3, 1], seed=0)
    options = {"optimizer": optimizer, "epochs": epochs, "callbacks": callbacks} | options
    fit(model, X, Y, loss=loss, progress=False, **options)


def by_hand():
    """A step without `fit`."""
    model = MLP(2, [3, 1], seed=0)
    loss = mean([losses.mse(model(x), y) for x, y in zip(X, Y, strict=True)])
    loss.backward()
    SGD(0.01).step(model.parameters())


def broken(prediction, target):
    """A loss that raises when its graph is half built."""
    graph = (prediction - target) ** 2
    raise RuntimeError(f"broken: {graph!r}")


def stop(history):
    raise RuntimeError("stopped")


def overflow(prediction, target):
    return ((prediction - target) * 1e200) ** 4


def a_program_that_raises():
    w = Value(0.0)
    compile(lambda x: (w * x).log())(1.0)


def left_behind(task, times):
    """Objects and bytes that are there after `times` more calls; the first ones warm up."""

    def call(n):
        for _ in range(n):
            with suppress(RuntimeError, DivergedError, ValueError):
                task()

    call(max(2, times // 10))
    objects, held = len(gc.get_objects()), resident()
    call(times)
    return len(gc.get_objects()) - objects, resident() - held


@pytest.fixture(autouse=True, scope="module")
def no_garbage():
    """What was there before is left alone by the collector, which makes it quick."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


both_collectors = pytest.mark.parametrize("on", [True, False], ids=["collector on", "and off"])
FEW = 100  # objects of the interpreter's own; the graph of one step has more


@both_collectors
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_a_thousand_steps_of_fit_leave_nothing_behind(compiled, on):
    found = []

    def look(history):
        if history.epochs in (40, 240):  # of 5 steps each
            found.append((len(gc.get_objects()), resident()))

    with collector(on=on):
        train(240, callbacks=[look], batch_size=1, compile=compiled)
    (objects, held), (objects_later, held_later) = found
    assert objects_later - objects < FEW
    assert held_later - held < 1_000_000


CASES = {
    "steps by hand": by_hand,
    "trainings": lambda: train(1, compile=False),
    "a loss that raises": lambda: train(1, broken, compile=False),
    "a callback that raises": lambda: train(2, callbacks=[stop], compile=False),
    "a training that diverges": lambda: train(1, overflow, compile=False),
}
COMPILED = {
    "compilations": lambda: train(1),
    "a loss that raises": lambda: train(1, broken),
    "a callback that raises": lambda: train(2, callbacks=[stop]),
    "a training that diverges": lambda: train(1, overflow),
    "a program that raises": a_program_that_raises,
}


@both_collectors
@pytest.mark.parametrize("case", CASES)
def test_many_graphs_leave_nothing_behind(case, on):
    with collector(on=on):
        objects, held = left_behind(CASES[case], 200)
    assert objects < FEW
    assert held < 1_000_000


@pytest.mark.parametrize("case", COMPILED)
def test_many_programs_leave_nothing_behind_that_the_collector_does_not_find(case):
    def collected():
        try:
            COMPILED[case]()
        finally:
            gc.collect()

    objects, held = left_behind(collected, 20)
    assert objects < FEW
    assert held < 1_000_000
