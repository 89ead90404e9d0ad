"""What training leaves behind: objects, and memory that the process holds."""

import gc
import os
from contextlib import suppress
from pathlib import Path

from autograd_core import Value, compile, mean
from nn import MLP, SGD, DivergedError, fit, losses
from tests.benchmarks.measure import Table, collector

X = [[0.1 * i, 1.0 - 0.2 * i] for i in range(5)]
Y = [0.0, 1.0, 0.0, 1.0, 1.0]


def resident():
    """Bytes of memory that this process holds; None where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return None
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held():
    return len(gc.get_objects()), resident()


def left(before, after):
    """How many more objects, and bytes."""
    return tuple(None if a is None else b - a for a, b in zip(before, after, strict=True))


# --- What is done many times -----------------------------------------------------------------


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


EAGER = {
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

# --- Measuring -------------------------------------------------------------------------------


def of_a_training(*, compiled, on):
    """What 1,000 steps of one `fit` leave behind, with the collector on or off."""
    found = []

    def look(history):
        if history.epochs in (40, 240):  # of 5 steps each
            found.append(held())

    with collector(on=on):
        train(240, callbacks=[look], batch_size=1, compile=compiled)
    return left(*found)


def of_calls(task, times, *, on):
    """What calls leave behind; the first ones warm up."""

    def call(n):
        for _ in range(n):
            with suppress(RuntimeError, DivergedError, ValueError):
                task()

    with collector(on=on):
        call(max(2, times // 10))
        before = held()
        call(times)
        return left(before, held())


def collected(task):
    """A task after which the collector looks for cycles: recordings have some."""

    def run():
        try:
            task()
        finally:
            gc.collect()

    return run


def tables():
    rows = []
    for on in (True, False):
        state = "on" if on else "off"
        for compiled in (True, False):
            way = "compiled" if compiled else "eager"
            rows.append(row(f"1,000 steps, {way}", state, of_a_training(compiled=compiled, on=on)))
        for name, task in EAGER.items():
            rows.append(row(f"200 times: {name}, eager", state, of_calls(task, 200, on=on)))
    for name, task in COMPILED.items():
        found = of_calls(collected(task), 20, on=True)
        rows.append(row(f"20 times: {name}, compiled", "on, and asked", found))
    columns = ["after", "collector", "more objects", "more KiB held"]
    yield Table("What is left behind", columns, rows)


def row(name, state, left):
    objects, memory = left
    return [name, state, str(objects), "" if memory is None else f"{memory / 1024:.0f}"]
