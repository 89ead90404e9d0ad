"""A whole training: epochs of ours as machine code, beside JAX's loop in lax.scan and plain C."""

from dataclasses import dataclass
from math import ceil
from time import perf_counter

import numpy as np

from nn import SGD, Adam
from nn.train.examples import Examples
from nn.train.loop import Loop
from tests.benchmarks import limit
from tests.benchmarks.measure import Table, check_agreement, digits, has, in_turns, shown
from tests.benchmarks.ours import loss_of_one
from tests.benchmarks.peers import numpy_loss
from tests.benchmarks.problems import digits as handwritten
from tests.benchmarks.problems import moons

STEPS = 200  # that a call takes at least: as many epochs as that is
RATE = 0.01


@dataclass
class Epochs:
    """A training that takes whole epochs: `train(epochs)` gives the mean loss of each."""

    train: object
    problem: object
    batch: int
    parts: float = 1.0

    @property
    def each(self):
        """Steps in an epoch."""
        return ceil(self.problem.n / self.batch)

    @property
    def epochs(self):
        """Epochs in a call."""
        return ceil(STEPS / self.each)

    def losses(self, k):
        """The mean losses of the first epochs of a call."""
        return [float(loss) for loss in self.train(self.epochs)[:k]]

    def seconds(self, k):
        """Seconds a step, k times: of calls that take so many steps at least."""
        calls = ceil(k / (self.epochs * self.each))
        start = perf_counter()
        for _ in range(calls):
            self.train(self.epochs)
        return [(perf_counter() - start) / (calls * self.epochs * self.each)] * k


def ours(executor):
    """The loop of `fit`, by an executor; examples keep their order, for shuffling is Python's."""

    def make(problem, batch, optimizer):
        model = problem.model()
        data = Examples.of(model, problem.X, problem.y.tolist(), loss_of_one(problem, model))
        options = {"batch_size": batch, "seed": 0, "shuffle": False, "executor": executor}
        loop = Loop(model, data, optimizer, **options)

        def train(epochs):
            found = []
            while len(found) < epochs:
                found += [loss for loss, _ in loop.epochs(epochs - len(found))]
            return found

        return Epochs(train, problem, batch)

    return make


def jax_scan(problem, batch, optimizer):
    """JAX: all epochs compiled into one call, and of one loop in it."""
    import jax
    from jax import lax, numpy
    from jax.scipy.special import logsumexp

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)  # it would take a second thread
    gradient = jax.value_and_grad(numpy_loss(numpy, logsumexp, problem))
    X, y, layers = jax.tree.map(numpy.array, (problem.X, problem.y, problem.layers()))
    flat, shape = jax.tree.flatten(layers)
    slots = len(optimizer.carries)
    whole = problem.n // batch * batch

    def step(carry, rows):
        flat, state, made = carry
        loss, slopes = gradient(jax.tree.unflatten(shape, flat), X[rows], y[rows])
        moved = [
            optimizer.update(p, g, carried, RATE, made + 1.0)
            for p, g, carried in zip(flat, jax.tree.leaves(slopes), state)
        ]
        return ([p for p, _ in moved], [after for _, after in moved], made + 1.0), loss

    def epoch(carry, _):
        rows = numpy.arange(problem.n)
        carry, found = lax.scan(step, carry, rows[:whole].reshape(-1, batch))
        total = found.sum() * batch
        if whole < problem.n:
            carry, last = step(carry, rows[whole:])
            total += last * (problem.n - whole)
        return carry, total / problem.n

    carry = flat, [tuple([0.0 * p] * slots) for p in flat], numpy.zeros(())
    compiled = jax.jit(lambda carry: lax.scan(epoch, carry, None, length=engine.epochs))

    def train(epochs):
        nonlocal carry
        carry, found = compiled(carry)
        return np.asarray(found)[:epochs].tolist()

    engine = Epochs(train, problem, batch)
    return engine


def in_c(problem, batch, optimizer):
    """Plain C, compiled for this very training."""
    return Epochs(limit.trained(problem, batch, optimizer, RATE), problem, batch)


def tables(size, **_):
    """The table of each training."""
    real = size.full and has("sklearn")
    w1, full = moons(size), handwritten(max(size.digits), real=real)
    cases = [(w1, "moons", w1.n, (SGD, Adam), 0.55)]
    cases += [(w1, "moons", batch, (SGD, Adam), 0.35) for batch in (10, 32) if batch < w1.n]
    cases += [(full, "digits", batch, (SGD,), 0.75) for batch in (32, 128) if batch < full.n]
    cases += [(full, "digits", full.n, (SGD,), 0.95)]
    rows = [
        row(problem, name, batch, kind(RATE), most, size)
        for problem, name, batch, kinds, most in cases
        for kind in kinds
    ]
    engines = ["ours, native", "ours, NumPy", "JAX, lax.scan", "C"]
    columns = ["training", *engines, "native / JAX", "at most", "native / C"]
    remark = (
        "C is what a compiler makes of `limit.c`: with W1 as one batch, 1.7 at most is aimed at."
    )
    yield Table("Training, a step of whole epochs", columns, rows, remark)


def row(problem, name, batch, optimizer, most, size):
    """A training by each engine."""
    engines = {"native": ours("native"), "numpy": ours("numpy")}
    if has("jax"):
        engines["jax"] = jax_scan
    if limit.compiler():
        engines["c"] = in_c
    made = {name: make(problem, batch, optimizer) for name, make in engines.items()}
    check_agreement({name: engine.losses(3) for name, engine in made.items()})
    seconds = in_turns(made, size)
    times = [shown(seconds[x]) if x in seconds else "" for x in ("native", "numpy", "jax", "c")]
    jax, c = [digits(seconds["native"] / seconds[x]) if x in seconds else "" for x in ("jax", "c")]
    return [f"{name}, {batch} of {problem.n}, {optimizer.name}", *times, jax, str(most), c]
