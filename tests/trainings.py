"""Random trainings: models, data, losses, optimisers, schedules, and all that a run is told.

Rates are small enough that rounding does not grow over the few steps that are compared.
"""

import random

import numpy as np

from autograd_core import Value
from nn import MLP, Embedding, Module, fit, schedules
from nn.optim import OPTIMIZERS

SIZES = (1, 2, 7, 8, 9, 16, 65, 100)  # of batches, and of the data: full vectors, tiles, and not
TOLERANCE = 1e-8


class Scaled(Module):
    """A net whose inputs and outputs are multiplied by a Value that is not trained."""

    def __init__(self, net):
        self.net, self.factor = net, Value(0.7)

    def parameters(self):
        return self.net.parameters()

    def __call__(self, x):
        return in_turn(lambda z: self.factor * z, self.net([self.factor * v for v in x]))


class Twice(Module):
    """A net that is asked twice, once about a multiple of what it is given by a weight."""

    def __init__(self, net):
        self.net = net

    def __call__(self, x):
        factor = self.net.parameters()[0]
        return in_turn(lambda z, y: z + y, self.net(x), self.net([factor * v for v in x]))


class Chosen(Module):
    """Rows of a table, chosen by the inputs, and a net of them."""

    def __init__(self, net):
        self.net, self.table = net, Embedding(5, 1, seed=1)

    def __call__(self, x):
        return self.net([v for i in x for v in self.table(i)])


class Recurrent(Module):
    """A state that goes through the inputs, beside which a net sees them all."""

    def __init__(self, net):
        self.net, self.cell = net, MLP(2, [1], activation="tanh", output="tanh", seed=1)

    def __call__(self, x):
        state = 0.0
        for v in x:
            state = self.cell([v, state])
        return in_turn(lambda z: z + state, self.net(x))


MODELS = (lambda net: net, lambda net: net, Scaled, Twice, Chosen, Recurrent)


def in_turn(f, *outputs):
    """f of one output of each, or of each in turn."""
    together = isinstance(outputs[0], list)
    return [f(*some) for some in zip(*outputs, strict=True)] if together else f(*outputs)


class RandomTraining:
    """What `fit` is told; `run` tells it, with a new model and a new optimiser."""

    def __init__(self, source):
        self.source, self.n = source, source.choice(SIZES)
        self.n_in, self.outputs = source.choice((1, 2, 3, 8)), source.choice((1, 1, 2, 3))
        self.net = {
            "sizes": [*source.choices((1, 2, 5, 8, 9), k=source.randint(0, 2)), self.outputs],
            "activation": source.choice(("tanh", "sigmoid", "softplus", "linear")),
            "dropout": source.choice((0.0, 0.0, 0.3)),
            "seed": source.randint(0, 9),
        }
        self.model = source.choice(MODELS)
        self.optimizer = source.choice(list(OPTIMIZERS.values()))
        self.numbers = {
            x.name: source.choice((0.1, 0.5, 0.9))
            for x in self.optimizer.numbers()
            if self.sometimes
        }
        self.schedule = source.choice((None, None, *schedules.SCHEDULES.values()))
        self.options = self.drawn_options()
        self.X, self.y = self.data()

    @property
    def sometimes(self):
        return self.source.random() < 0.4

    def drawn_options(self):
        options = {
            "loss": self.source.choice(losses_of(self.outputs)),
            "epochs": self.source.randint(1, 3),
            "batch_size": self.source.choice(SIZES),
            "shuffle": self.sometimes,
            "seed": self.source.randint(0, 9),
        }
        if self.sometimes:
            options["l2"] = self.source.choice((0.001, 0.1))
        if self.sometimes:
            options["clip_norm"] = self.source.choice((1e-200, 0.01, 1.0, 1e300))
        if self.sometimes:
            options["sample_weight"] = [self.source.choice((0.5, 1.0, 3.0)) for _ in range(self.n)]
        if options["loss"] == "cross_entropy" and self.sometimes:
            options["label_smoothing"] = 0.1
        return options

    def data(self):
        numbers = np.random.default_rng(self.source.randint(0, 2**32))
        shape = (self.n, self.n_in)
        X = numbers.integers(0, 5, shape) if self.model is Chosen else numbers.normal(size=shape)
        if self.options["loss"] == "mse":
            return X, numbers.normal(size=(self.n, self.outputs)[: 1 + (self.outputs > 1)])
        return X, [i % max(self.outputs, 2) for i in range(self.n)]

    def run(self, **how):
        """The record, and of each parameter its number, its gradient and the optimiser's."""
        rate = 0.02 if self.schedule is None else self.schedule(0.02, steps=5)
        model, optimizer = (
            self.model(MLP(self.n_in, **self.net)),
            self.optimizer(rate, **self.numbers),
        )
        history = fit(
            model, self.X, self.y, optimizer=optimizer, progress=False, **self.options, **how
        )
        own = model.parameters()
        rows = [(p.data, p.grad, *optimizer.state_of(p)) for p in own]
        return history, np.array(rows, dtype=float)

    def __repr__(self):
        told = {k: x for k, x in self.options.items() if k != "sample_weight"}
        model = getattr(self.model, "__name__", "")
        return f"{model} {self.net}, {self.n} x {self.n_in}, {self.optimizer.name} {told}"


def losses_of(outputs):
    """The losses of so many outputs."""
    return (
        ("cross_entropy", "mse")
        if outputs > 1
        else ("binary_cross_entropy_with_logits", "mse", "hinge")
    )


def apart(found, expected):
    """How far two runs are apart, of the largest number in either."""
    (record, numbers), (other, others) = found, expected
    pairs = [(record.loss, other.loss), *zip(numbers.T, others.T, strict=True)]
    pairs.append((record.accuracy, other.accuracy))
    gaps = [far(np.array(x, float), np.array(y, float)) for x, y in pairs]
    return float(np.max(gaps))  # which is NaN where one is


def far(x, y):
    """The largest difference, of the largest number or of 1."""
    return float(np.abs(x - y).max(initial=0.0) / max(1.0, np.abs(y).max(initial=0.0)))


def seeded(seed):
    """The training of a seed."""
    return RandomTraining(random.Random(seed))
