"""The workloads: each is a function of a Size that returns the Table of what it measured.

Numbered as W1, W3, W4 so that later ones find their place.
"""

import gc
import math
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.benchmarks.engines import engines
from tests.benchmarks.measure import Table, alternate, bytes_a_node, collector, timed

ROOT = Path(__file__).parent.parent.parent
BASE = "micrograd"  # what ratios are to
AGREE = 1e-9


@dataclass(frozen=True)
class Size:
    """How much to measure."""

    examples: int = 100
    hidden: tuple = (16, 16)
    nodes: int = 100_000
    repetitions: int = 7
    processes: int = 21


QUICK = Size(examples=4, hidden=(2,), nodes=300, repetitions=1, processes=1)


def faster(seconds, name):
    """How many times faster than the base."""
    return f"{seconds[BASE] / seconds[name]:.1f}" if BASE in seconds else "–"


def moons(size):
    """The points, and their labels as -1 and 1."""
    from nn import datasets

    X, y = datasets.moons(n=size.examples)
    return X, [2 * label - 1 for label in y]


def nets(size):
    """Every engine with a net of the same parameters."""
    from nn import MLP

    sizes = [*size.hidden, 1]
    numbers = [p.data for p in MLP(2, sizes, seed=0).parameters()]
    return [(engine, engine.net(sizes, numbers)) for engine in engines()]


def check_agreement(losses):
    """Engines that compute the same thing have the same losses, step by step."""
    (reference, expected), *others = losses.items()
    for name, found in others:
        gap = max(map(abs, (a - b for a, b in zip(expected, found, strict=True))))
        if not gap <= AGREE:
            raise ValueError(f"the losses of {reference} and {name} differ by {gap}")


def steps_in_turns(size, X, signs, *, collect):
    """Train every engine's net from the same start; each one's median of seconds a step."""
    trained = nets(size)
    losses = {engine.name: [] for engine, _ in trained}
    tasks = {
        engine.name: lambda e=engine, m=model: losses[e.name].append(e.step(m, X, signs))
        for engine, model in trained
    }
    seconds = alternate(tasks, size.repetitions, collect=collect)
    check_agreement(losses)
    return seconds


def training_step(size):
    """W1: a full-batch step, forward, backward and update."""
    X, signs = moons(size)
    seconds = {}
    for collect in (True, False):
        seconds[collect] = steps_in_turns(size, X, signs, collect=collect)
    rows = []
    for engine, model in nets(size):
        nodes = engine.nodes(engine.mean_loss(model, X, signs))
        memory = bytes_a_node(lambda: engine.mean_loss(model, X, signs), nodes)  # noqa: B023
        on, off = seconds[True], seconds[False]
        name = engine.name
        times = [f"{on[name] * 1e3:.4g}", f"{off[name] * 1e3:.4g}"]
        rows.append(
            [name, *times, faster(on, name), faster(off, name), f"{nodes:,}", f"{memory:.0f}"]
        )
    shape = f"MLP 2-{'-'.join(map(str, size.hidden))}-1, relu"
    return Table(
        f"W1: one training step, {shape}, {size.examples} moons, hinge + 1e-4 L2, SGD",
        [
            "engine",
            "ms",
            "ms, collector off",
            "times faster",
            "with it off",
            "nodes",
            "bytes a node",
        ],
        rows,
        f"Losses agree to {AGREE:g} over {size.repetitions + 1} steps. autograd-core pauses the "
        "cyclic collector around a step, as fit does.",
    )


def one_example(size):
    """W3: forward and backward for one example."""
    calls = 20
    tasks = {}
    for engine, model in nets(size):

        def task(engine=engine, model=model):
            for _ in range(calls):
                engine.example(model, [0.5, -1.0])

        tasks[engine.name] = task
    on, off = (alternate(tasks, 3 * size.repetitions, collect=c) for c in (True, False))
    rows = [
        [
            name,
            f"{on[name] / calls * 1e6:.4g}",
            f"{off[name] / calls * 1e6:.4g}",
            faster(on, name),
            faster(off, name),
        ]
        for name in tasks
    ]
    return Table(
        f"W3: one example, forward and backward, MLP 2-{'-'.join(map(str, size.hidden))}-1, relu",
        ["engine", "us", "us, collector off", "times faster", "with it off"],
        rows,
    )


def chain(engine, nodes):
    """Each node computed from the one before: + b, * w, tanh, in turns."""
    v, w, b = engine.leaf(0.5), engine.leaf(0.9), engine.leaf(0.1)
    for _ in range(nodes // 3):
        v = engine.tanh((v + b) * w)
    return v


def wide(engine, nodes):
    """Many short expressions tanh(x * w + b), added up pair by pair."""
    rng = Random(0)
    w, b = engine.leaf(0.9), engine.leaf(0.1)
    xs = [engine.leaf(rng.uniform(-1, 1)) for _ in range(nodes // 5)]
    level = [engine.tanh(x * w + b) for x in xs]
    while len(level) > 1:
        pairs = [x + y for x, y in zip(level[::2], level[1::2])]
        level = [*pairs, *level[2 * len(pairs) :]]
    return level[0]


def forward_and_backward(engine, graph, nodes):
    """Seconds to build a graph and to differentiate it; NaN where recursion ends too early."""
    start = perf_counter()
    root = graph(engine, nodes)
    forward = perf_counter() - start
    try:
        return forward, timed(root.backward)
    except RecursionError:
        return forward, math.nan


def median_of_both(graph, size, *, collect):
    """Median seconds forward and backward of each engine, taking turns."""
    found = {engine.name: [] for engine in engines()}
    for _ in range(size.repetitions):
        for engine in engines():
            gc.collect()
            with collector(on=collect):
                found[engine.name].append(forward_and_backward(engine, graph, size.nodes))
    return {name: [statistics.median(s) for s in zip(*both)] for name, both in found.items()}


def scalar_nodes(size):
    """W4: big graphs of +, * and tanh, a deep one and a wide one."""
    rows = []
    for graph in (chain, wide):
        on, off = (median_of_both(graph, size, collect=c) for c in (True, False))
        for engine in engines():
            nodes = engine.nodes(graph(engine, size.nodes))
            times = [*on[engine.name], *off[engine.name]]
            memory = bytes_a_node(lambda: graph(engine, size.nodes), nodes)  # noqa: B023
            rows.append(
                [f"{graph.__name__}, {engine.name}", *[nanoseconds(t, nodes) for t in times]]
            )
            rows[-1].append(f"{memory:.0f}")
    return Table(
        f"W4: {size.nodes:,} scalar nodes (+, *, tanh), ns a node",
        ["graph", "forward", "backward", "forward, collector off", "backward", "bytes a node"],
        rows,
        "Bytes are those alive after the forward pass, by tracemalloc; autograd-core's limit is "
        "260. The collector is not paused.",
    )


def nanoseconds(seconds, nodes):
    return "RecursionError" if math.isnan(seconds) else f"{seconds / nodes * 1e9:.0f}"


def imports(size):
    """Fresh processes that import a package, beside one that imports nothing."""
    modules = ["autograd_core", *[engine.module for engine in engines()]]
    with TemporaryDirectory() as cache:  # for the compiled modules that an installation has
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)

        def task(code):
            command = [sys.executable, "-c", code]
            return lambda: subprocess.run(command, cwd=ROOT, env=environment, check=True)

        tasks = {"": task("pass"), **{module: task(f"import {module}") for module in modules}}
        seconds = alternate(tasks, size.processes)
    rows = [[p, f"{(seconds[p] - seconds['']) * 1e3:.1f}"] for p in modules]
    return Table(
        f"Import, beyond a bare interpreter ({seconds[''] * 1e3:.1f} ms)",
        ["module", "ms"],
        rows,
        "The target of autograd_core and nn is under 50 ms.",
    )


WORKLOADS = {"w1": training_step, "w3": one_example, "w4": scalar_nodes, "imports": imports}
