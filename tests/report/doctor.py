"""What mends a net that is stuck on XOR: each remedy is tried on every net that did not fit.

The nets are 2-2-1 and 2-3-1, from four kinds of random weights, by gradient descent on the mean
squared error at learning rate 0.1. A remedy starts from the same seed, with one thing changed, and
has mended the net where the loss ends near 0. The doctor prescribes what mends most: `tanh` where
units are relu or leaky relu, more units where they are tanh or sigmoid.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from autograd_core import Value
from nn import ACTIVATIONS, MLP, SGD, Adam, datasets
from tests.benchmarks.measure import Table

X, Y = map(np.array, datasets.xor())
SOLVED = 0.05  # a mean squared error below this is that of a net on its way to 0
ENDS = {"1/8": 1 / 8, "1/6": 1 / 6, "1/4": 1 / 4}
OPTIMIZERS = {"sgd": SGD, "adam": Adam}


def standard(rng, n_in, n_out):
    return rng.gauss(0, 1)


INITS = ("xavier", "he", "uniform", standard)


@dataclass(frozen=True)
class Nets:
    """Nets of one kind, side by side: one for each seed."""

    seeds: tuple
    activation: str = "relu"
    hidden: int = 2
    init: object = "xavier"
    optimizer: str = "sgd"
    lr: float = 0.1
    steps: int = 3000

    def start(self):
        """W, b, V, c: the first layer's weights and biases, then the second's, a row a net."""
        nets = [MLP(2, [self.hidden, 1], init=self.init, seed=seed).layers for seed in self.seeds]
        W = [[[w.data for w in neuron.w] for neuron in first.neurons] for first, _ in nets]
        V = [[w.data for w in second.neurons[0].w] for _, second in nets]
        n = len(self.seeds)
        return [np.array(W), np.zeros((n, self.hidden)), np.array(V), np.zeros(n)]

    @np.errstate(all="ignore")  # at ten times the rate, some diverge
    def losses(self):
        """The loss that each net ends at."""
        parameters, optimizer = self.start(), OPTIMIZERS[self.optimizer](self.lr)
        states = [(0, *[np.zeros_like(p) for _ in optimizer.carries]) for p in parameters]
        op = ACTIVATIONS[self.activation](Value(0.5)).op
        for _ in range(self.steps):
            _, slopes = loss_and_slopes(op, *parameters)
            moved = map(optimizer.moved, parameters, slopes, states)
            parameters, states = zip(*moved, strict=True)
        return loss_and_slopes(op, *parameters)[0]


def loss_and_slopes(op, W, b, V, c):
    """Each net's mean squared error, and its slopes."""
    Z = X @ W.transpose(0, 2, 1) + b[:, None]
    A = op(Z)
    error = np.einsum("nij,nj->ni", A, V) + c[:, None] - Y
    D = error / 2  # the mean over four corners of the error's square
    DZ = D[..., None] * V[:, None] * op.partials(A, Z)[0]
    slopes = np.einsum("nij,ik->njk", DZ, X), DZ.sum(1), np.einsum("ni,nij->nj", D, A), D.sum(1)
    return (error**2).mean(1), slopes


REMEDIES = {
    "tanh": lambda nets: replace(nets, activation="tanh"),
    "sigmoid": lambda nets: replace(nets, activation="sigmoid"),
    "leaky_relu": lambda nets: replace(nets, activation="leaky_relu"),
    "twice the units": lambda nets: replace(nets, hidden=2 * nets.hidden),
    "another seed": lambda nets: replace(nets, seeds=tuple(s + 10_000 for s in nets.seeds)),
    'init="he"': lambda nets: replace(nets, init="he"),
    'init="uniform"': lambda nets: replace(nets, init="uniform"),
    "Adam(0.1)": lambda nets: replace(nets, optimizer="adam"),
    "10 times the rate": lambda nets: replace(nets, lr=10 * nets.lr),
    "5 times the steps": lambda nets: replace(nets, steps=5 * nets.steps),
}


def shares(activation, hidden, seeds=range(100), inits=INITS):
    """By the loss that nets ended at: how many did, and how many of them each remedy mends."""
    counts, mended = Counter(), {end: Counter() for end in ENDS}
    for init in inits:
        every = Nets(tuple(seeds), activation, hidden, init)
        ends = dict(zip(seeds, map(place, every.losses()), strict=True))
        stuck = replace(every, seeds=tuple(seed for seed in seeds if ends[seed]))
        counts.update(ends[seed] for seed in stuck.seeds)
        for name, remedy in REMEDIES.items() if stuck.seeds else ():
            for seed, loss in zip(stuck.seeds, remedy(stuck).losses(), strict=True):
                mended[ends[seed]][name] += loss < SOLVED
    return counts, mended


def place(loss):
    """Where a net that is stuck is, by the name of the loss."""
    return next((end for end, at in ENDS.items() if abs(loss - at) < 0.01), None)


def tables():
    for hidden in (2, 3):
        rows = [
            [activation, end, str(n), *[f"{mended[end][name] / n:.0%}" for name in REMEDIES]]
            for activation in ("relu", "leaky_relu", "tanh", "sigmoid")
            for counts, mended in [shares(activation, hidden)]
            for end, n in sorted(counts.items(), reverse=True)
        ]
        title = f"What mends XOR: of 400 nets 2-{hidden}-1 of each kind, those that are stuck"
        yield Table(title, ["activation", "loss", "stuck", *REMEDIES], rows)
