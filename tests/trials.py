"""The trainings in the docstrings of the doctor's rules: run as written, and with a change made.

    ok: activation="tanh"
    found: activation="linear", data="circles"

Each names what it has other than `Training` below, as the arguments of a call.
"""

import ast
import math
import re
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from statistics import fmean, pstdev

import numpy as np

from autograd_core import Value
from nn import LOSSES, MLP, SGD, DivergedError, datasets, evaluate, fit
from nn.doctor import RULES, diagnose
from nn.train.history import History

NUMBERS = [[x / 10] for x in range(-20, 21)]
DATA = {
    "moons": lambda: datasets.moons(60),
    "circles": lambda: datasets.circles(60),
    "blobs": lambda: datasets.blobs(60),
    "xor": datasets.xor,
    "line": lambda: (NUMBERS, [2.5 * x + 0.25 for (x,) in NUMBERS]),
    "parabola": lambda: (NUMBERS, [x * x for (x,) in NUMBERS]),
}
FUNCTIONS = {"tanh of data": lambda z: Value(math.tanh(z.data))}


@dataclass(frozen=True)
class Training:
    """A model and how it is trained. The numbers called by a plural are factors of what they
    name; biases are set."""

    data: str = "moons"
    inputs: float | tuple = 1.0
    targets: float = 1.0
    standardise: str = ""
    sizes: tuple = (8, 1)
    activation: str = "tanh"
    output: str = "linear"
    init: str = "xavier"
    weights: float = 1.0
    biases: float = 0.0
    loss: str = "binary_cross_entropy_with_logits"
    lr: float = 0.5
    epochs: int = 100
    seed: int = 0

    def with_change(self, change):
        """The training that the doctor prescribes: what is None stays."""
        new = {field.name: getattr(change, field.name) for field in fields(change)}
        new = {name: part for name, part in new.items() if part is not None}
        for factor in {"lr", "epochs"} & set(new):
            new[factor] *= getattr(self, factor)
        if "width" in new:
            width, (*hidden, out) = new.pop("width"), self.sizes
            new["sizes"] = [*[round(width * size) for size in hidden], out]
        if "sizes" in new:
            new["sizes"] = tuple(new["sizes"])
        if "init" in new:
            new["weights"] = 1.0
        return replace(self, **new)

    def examples(self):
        """X and y."""
        X, y = DATA[self.data]()
        by = self.inputs if isinstance(self.inputs, tuple) else [self.inputs] * len(X[0])
        X = [[v * factor for v, factor in zip(x, by, strict=True)] for x in X]
        y = y if self.targets == 1.0 else [t * self.targets for t in y]
        if self.standardise == "inputs":
            X = standardised(X)
        if self.standardise == "targets":
            y = [t for (t,) in standardised([[t] for t in y])]
        return X, y

    def model(self):
        """The model before training."""
        n_in = len(DATA[self.data]()[0][0])
        activation = FUNCTIONS.get(self.activation, self.activation)
        options = {"activation": activation, "output": self.output, "init": self.init}
        model = MLP(n_in, list(self.sizes), **options, seed=self.seed)
        for neuron in [neuron for layer in model.layers for neuron in layer.neurons]:
            neuron.b.data = self.biases
            for w in neuron.w:
                w.data *= self.weights
        return model

    def train(self):
        """The trained model and its record, up to where it diverged."""
        model = self.model()
        try:
            return model, History(loss=self.fit(model).loss)
        except DivergedError:  # once more, with a look at every epoch
            model, losses = self.model(), []
            with suppress(DivergedError):
                self.fit(model, callbacks=[lambda record: losses.append(record.loss[-1])])
            return model, History(loss=losses)

    def fit(self, model, callbacks=()):
        """What `fit` returns of this training."""
        options = {"loss": LOSSES[self.loss], "optimizer": SGD(self.lr), "epochs": self.epochs}
        options |= {"compile": self.activation not in FUNCTIONS, "progress": False}
        with np.errstate(over="ignore"):  # where losses that are finite add up to no such
            return fit(model, *self.examples(), **options, callbacks=callbacks)

    def diagnose(self):
        """What the doctor says after training."""
        model, history = trained(self)
        return diagnose(model, *self.examples(), LOSSES[self.loss], history=history)

    def outcome(self):
        """The share of labels that are right, then the loss below 0: more is better."""
        try:
            loss, accuracy = evaluate(trained(self)[0], *self.examples(), loss=LOSSES[self.loss])
        except (ArithmeticError, ValueError):
            return 0.0, -math.inf
        return accuracy or 0.0, -loss if math.isfinite(loss) else -math.inf


@lru_cache(maxsize=8)
def trained(training):
    """A training's model and record: once for what the doctor says, once for the outcome."""
    return training.train()


def standardised(rows):
    """Each column, less its mean, over its deviation."""
    columns = []
    for column in zip(*rows, strict=True):
        size = max(map(abs, column)) or 1.0  # first to 1, so that no square overflows
        small = [v / size for v in column]
        columns.append([(v - fmean(small)) / (pstdev(small) or 1.0) for v in small])
    return list(map(list, zip(*columns, strict=True)))


def trainings(rule, word):
    """The trainings in a rule's docstring that follow "ok:" or "found:"."""
    lines = re.findall(rf"^ *{word}: (.+)$", rule.find.__doc__, re.MULTILINE)
    calls = [ast.parse(f"f({line})", mode="eval").body for line in lines]
    return [Training(**{k.arg: literal(k.value) for k in call.keywords}) for call in calls]


def literal(text):
    """The value of a literal, such that a training can be told from others by it."""
    value = ast.literal_eval(text)
    return tuple(value) if isinstance(value, list) else value


CASES = {
    word: [(rule, training) for rule in RULES.values() for training in trainings(rule, word)]
    for word in ("ok", "found")
}


def of_kind(rule, training):
    """The findings of a rule after a training."""
    return [finding for finding in training.diagnose().findings if finding.kind == rule.kind]
