"""Training in small steps, with a picture of it at any time; no widget is needed.

>>> session = Session(State.of({"hidden": [4], "n": 20}))
>>> session.step()
>>> session.steps, len(session.model.parameters())
(1, 17)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core import Value, compile, draw, gradient, total
from autograd_core.compiler.ir import Floats
from autograd_core.paths.explain import explain
from nn.datasets import DATASETS, most_held_out, split
from nn.losses import LOSSES
from nn.model.labels import activation, name_units, pre_activation
from nn.model.mlp import MLP
from nn.model.module import outputs_of, unchanged
from nn.playground.state import (
    LIVE,
    MOST_CHANGES,
    MOST_POINTS,
    State,
    change,
)
from nn.train import Loop, recipe
from nn.train.examples import Examples
from nn.train.loop import executor_for
from nn.train.recipe import new_optimizer, new_rate
from nn.train.settings import RecipeError

SIDE = 100  # points of the decision boundary's grid along each axis
PARTS = 10  # the grid is computed in so many parts: small products need no second thread
TILE = 24  # and of a neuron's heat map
OF_DATA = {"data", "n", "noise", "held_out", "points"}  # settings
OF_POINTS = ("add", "remove")  # changes
MOST_TERMS = 4  # products in the graph of a neuron; the others are one number


@dataclass(frozen=True, slots=True)
class Frame:
    """What is painted: the plane, each neuron's heat map, parameters, gradients, last updates."""

    boundary: Floats
    tiles: Floats
    parameters: Floats
    gradients: Floats
    updates: Floats

    def buffers(self) -> list[bytes]:
        """As float32, in the order of the fields."""
        arrays = self.boundary, self.tiles, self.parameters, self.gradients, self.updates
        with np.errstate(over="ignore"):
            return [np.nan_to_num(array.astype(np.float32)).tobytes() for array in arrays]


class Session:
    """A model, its data and its optimiser, trained step by step as a State says."""

    def __init__(self, state: State, model: MLP | None = None) -> None:
        self.build(state, model)

    def build(self, state: State, model: MLP | None = None) -> None:
        """Start the run that the state describes; a model of its architecture is used as it is."""
        self.start, self.now, self.done = state, state, 0
        self.loss = LOSSES[state.loss]
        self.model = model or new_model(state)
        self.parameters = self.model.parameters()
        for p, data in zip(self.parameters, state.weights or [p.data for p in self.parameters]):
            p.data, p.grad = data, 0.0
        self.X, self.y, self.test_X, self.test_y = data_of(state)
        self.bounds = bounds_of([*self.X, *self.test_X])
        self.steps = self.epoch = 0
        self.losses: list[float] = []
        self.test_losses: list[float | None] = []
        self.accuracy: float | None = None
        self.test_accuracy: float | None = None
        self.gradients = np.zeros(len(self.parameters))
        self.updates = np.zeros(len(self.parameters))
        self.compile()
        self.loop: Loop | None = None
        self.set_data()
        self.evaluate()
        self.apply_planned()

    def compile(self) -> None:
        """Record the programs of this model that pictures need: its outputs, its neurons."""

        def forward(x: Any) -> list[Value]:
            self.model(x)
            return units(self.model)

        def backward(x: Any) -> list[Value]:
            output = outputs_of(self.model(x))[0]
            return list(gradient(output, *units(self.model)))

        self.outputs = compile(lambda x: outputs_of(self.model(x)), batched=True)
        self.views = {
            False: compile(forward, batched=True),
            True: compile(backward, batched=True),
        }

    def set_data(self) -> None:
        """Check the examples, and begin an epoch of them."""
        self.examples = self.checked(self.X, self.y, self.now.label_smoothing)
        self.test_examples = self.checked(self.test_X, self.test_y)
        if self.examples is None:
            return
        # From the start as `fit` does; else by the step, so that a run can be repeated.
        seed = f"{self.now.seed} {self.steps}" if self.steps else self.now.seed
        if self.loop is None:
            self.loop = self.new_loop(self.examples, seed)
        else:
            self.loop.show(self.examples, seed)

    def new_loop(self, examples: Examples, seed: int | str) -> Loop:
        """The training, as the settings say."""
        now = self.now
        made: dict[str, Any] = {"batch_size": now.batch, "seed": seed, "shuffle": now.shuffle}
        made |= {"l2": now.l2, "clip_norm": now.clip_norm}
        with unchanged(self.model):
            made["executor"] = executor_for(self.model, examples.n, now.batch, now.epochs)
            return Loop(self.model, examples, new_optimizer(now, examples.n), **made)

    def checked(
        self, X: list[list[float]], y: list[int], smoothing: float = 0.0
    ) -> Examples | None:
        """Examples; None for none."""
        return Examples.of(self.model, X, y, self.loss, smoothing=smoothing) if X else None

    # --- Training ---

    def step(self) -> None:
        """One step, on the next batch; DivergedError if it meets a number that is not finite.

        The numbers are taken from the model and put back into it: it may be used, and changed,
        between any two steps. After an error they are those of the last finished step.
        """
        if self.examples is None or self.loop is None:
            raise ValueError("there are no points to train on: click into the plane to add some")
        loop = self.loop
        loop.take()
        before = loop.theta
        try:
            is_last = loop.step()
        finally:
            loop.give()
        self.gradients, self.updates = loop.gradient, loop.theta - before
        self.steps += 1
        if is_last:
            self.end_epoch(loop)
        self.apply_planned()

    def end_epoch(self, loop: Loop) -> None:
        """Enter the epoch into the curves."""
        self.epoch += 1
        self.losses.append(loop.mean_loss)
        self.accuracy = loop.accuracy
        test_loss, self.test_accuracy = self.measured(self.test_examples)
        self.test_losses.append(test_loss)

    def evaluate(self) -> None:
        """The accuracies and losses before any training: the first points of the curves."""
        loss, self.accuracy = self.measured(self.examples)
        test_loss, self.test_accuracy = self.measured(self.test_examples)
        if loss is not None:
            self.losses, self.test_losses = [loss], [test_loss]

    def measured(self, examples: Examples | None) -> tuple[float | None, float | None]:
        """The mean loss and the accuracy on all examples; None where they are not defined."""
        if examples is None or self.loop is None:
            return None, None
        try:
            self.loop.take()
            loss, accuracy = self.loop.measure(examples)
        except (ArithmeticError, ValueError):
            return None, None
        return finite(loss), None if accuracy is None else finite(accuracy)

    # --- Changes ---

    @property
    def state(self) -> State:
        """What gives this run again."""
        return self.start

    def set(self, **settings: Any) -> bool:
        """Change settings: at once if they are all of `LIVE`, else by building anew.

        Returns whether it was built anew.
        """
        known = set(settings)
        now = replace(self.now, weights=None).replace(**settings)
        if known <= set(LIVE):
            for name in settings:
                if getattr(now, name) != getattr(self.now, name):
                    self.change(name, getattr(now, name))
            return False
        # One's own weights outlast a change of the data, unless there is another output for it.
        keep = self.now.weights if known <= OF_DATA and now.sizes == self.now.sizes else None
        self.build(replace(now, weights=keep, changes=()), self.model if keep else None)
        return True

    def change(self, what: str, value: Any) -> None:
        """Change one thing now, and remember at which step."""
        if self.done == MOST_CHANGES:
            raise RecipeError(
                f"a run remembers {MOST_CHANGES:,} changes, and these were made: reset"
            )
        made = change((self.steps, what, value))
        self.apply(made)
        if what in OF_POINTS:
            self.set_data()
        if what in LIVE and not self.steps and not self.done:
            self.start = replace(self.start, **{what: made[2]}, changes=())
            return
        self.start = replace(self.start, changes=(*self.start.changes[: self.done], made))
        self.done += 1

    def apply_planned(self) -> None:
        """Make the changes that the state has for this step."""
        planned, before = self.start.changes, self.done
        while self.done < len(planned) and planned[self.done][0] <= self.steps:
            self.apply(planned[self.done])
            self.done += 1
        if any(what in OF_POINTS for _, what, _ in planned[before : self.done]):
            self.set_data()

    def apply(self, made: tuple[int, str, Any]) -> None:
        """Make a change."""
        _, what, value = made
        if what in LIVE:
            self.now = self.now.replace(**{what: value})
            self.set_live(what)
        elif what == "weight":
            self.set_weight(*value)
        elif what == "add":
            self.add(*value)
        else:
            self.remove(value)

    def set_live(self, what: str) -> None:
        """Go on training by the settings of now."""
        if self.loop is None:
            return
        n = self.loop.data.n
        if what == "optimizer":
            self.loop.use(new_optimizer(self.now, n))
        self.loop.optimizer.lr, self.loop.l2 = new_rate(self.now, n), self.now.l2
        self.loop.batch_size = self.now.batch

    def set_weight(self, i: int, number: float) -> None:
        """Give a parameter another number."""
        if i >= len(self.parameters):
            raise RecipeError(f"the model has {len(self.parameters)} parameters, not {i + 1}")
        self.parameters[i].data = number

    def add(self, x1: float, x2: float, label: int) -> None:
        """Add a point to the training set."""
        classes = self.now.sizes[-1] if self.loss.of_classes else 2
        if label >= classes:
            raise RecipeError(f"the model tells {classes} classes apart, label {label} is not one")
        if len(self.X) + len(self.test_X) >= MOST_POINTS:
            raise RecipeError(f"there are {MOST_POINTS:,} points already, and that is the most")
        self.X.append([x1, x2])
        self.y.append(label)

    def remove(self, i: int) -> None:
        """Take a point away; the held-out ones are counted after the others."""
        n = len(self.X)
        if i >= n + len(self.test_X):
            raise RecipeError(
                f"there are {n + len(self.test_X)} points, and none has the index {i}"
            )
        X, y, i = (self.X, self.y, i) if i < n else (self.test_X, self.test_y, i - n)
        X.pop(i)
        y.pop(i)

    def reset(self) -> None:
        """Start over with the settings and points as they are now."""
        made = self.start.changes[: self.done]
        kept = [(0, what, value) for _, what, value in made if what in OF_POINTS]
        bounds, same = self.bounds, self.model if self.now.weights else None
        self.build(replace(self.now, changes=tuple(kept)), same)
        self.bounds = bounds

    # --- Pictures ---

    def points(self) -> list[tuple[float, float, int, bool]]:
        """Every point as (x1, x2, label, held out)."""
        train = [(x[0], x[1], label, False) for x, label in zip(self.X, self.y)]
        return train + [(x[0], x[1], label, True) for x, label in zip(self.test_X, self.test_y)]

    def grid(self, side: int) -> Floats:
        """Points of the plane, row by row from the top."""
        low_x, high_x, low_y, high_y = self.bounds
        half_x, half_y = (high_x - low_x) / (2 * side), (high_y - low_y) / (2 * side)
        x = np.linspace(low_x + half_x, high_x - half_x, side)
        y = np.linspace(high_y - half_y, low_y + half_y, side)
        return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)

    @np.errstate(all="ignore")  # what is not finite is shown as far as it can be
    def frame(self, *, backward: bool = False) -> Frame:
        """The picture of this moment; `backward` shows gradients in the neurons."""
        data = np.array([p.data for p in self.parameters])
        try:
            rows = [self.outputs(part) for part in np.split(self.grid(SIDE), PARTS)]
            boundary = self.scores(np.concatenate(rows))
            rows = self.views[backward](self.grid(TILE))  # one row where no neuron sees the inputs
            tiles = np.broadcast_to(rows, (TILE * TILE, rows.shape[1]))
        except (ArithmeticError, ValueError):  # a number that is not finite: the message tells
            boundary = np.zeros(SIDE * SIDE)
            tiles = np.zeros((TILE * TILE, sum(self.model.sizes)))
        tiles = np.nan_to_num(tiles)
        largest = np.abs(tiles).max(axis=0)
        tiles = (tiles / np.where(largest > 0, largest, 1.0)).T
        return Frame(boundary, tiles, data, self.gradients, self.updates)

    def scores(self, outputs: Floats) -> Floats:
        """One output: from -1 (class 0) to 1. More: the class, plus how sure, from 0 to 1."""
        if outputs.shape[1] == 1:
            over = outputs[:, 0] - self.loss.threshold
            scaled: Floats = np.tanh(over / 2) if self.loss.threshold == 0 else 2 * over
            return np.clip(scaled, -1.0, 1.0)
        if self.loss.outputs[0] == "linear":
            shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            outputs = shares / shares.sum(axis=1, keepdims=True)
        scores: Floats = outputs.argmax(axis=1) + np.clip(outputs.max(axis=1), 0.0, 0.999)
        return scores

    def summary(self) -> dict[str, Any]:
        """The numbers above the picture."""
        return {
            "steps": self.steps,
            "epoch": self.epoch,
            "loss": finite(self.losses[-1]) if self.losses else None,
            "test_loss": self.test_losses[-1] if self.test_losses else None,
            "accuracy": self.accuracy,
            "test_accuracy": self.test_accuracy,
        }

    # --- One example ---

    def loss_at(self, i: int) -> Value:
        """The graph of the loss of one point, after backward; the parameters keep their grads."""
        point = self.points()[i]
        said = self.model([Value(point[0], "x1"), Value(point[1], "x2")])
        loss = self.loss(said, point[2])
        loss.label = "loss"
        name_units(self.model.layers)
        before = [p.grad for p in self.parameters]
        self.model.zero_grad()
        loss.backward()
        for p, grad in zip(self.parameters, before):
            p.grad = grad
        return loss

    def graph(self, point: int, layer: int, neuron: int) -> str:
        """One neuron at work on one point, in DOT: what it takes in, and what comes back to it.

        Of many inputs the largest are drawn, and the others are one number.
        """
        self.check_point(point)
        if not (0 <= layer < len(self.model.layers) and 0 <= neuron < self.model.sizes[layer]):
            raise RecipeError(f"there is no neuron {neuron} in a layer {layer}")
        self.loss_at(point)
        own = self.model.layers[layer]
        grad = own.activations[neuron].grad
        if layer:
            inputs = [Value(a.data, a.label) for a in self.model.layers[layer - 1].activations]
        else:
            inputs = [Value(v, f"x{j}") for j, v in enumerate(self.points()[point][:2], 1)]
        w = [Value(p.data, p.label) for p in own.neurons[neuron].w]
        b = own.neurons[neuron].b
        z = neuron_sum(w, inputs, Value(b.data, b.label))
        z.label = pre_activation(f"{layer + 1}", neuron)
        a = z if own.is_softmax else own.activate(z)
        a.label = z.label if a is z else activation(f"{layer + 1}", neuron)
        if own.is_softmax:
            grad = own.pre_activations[neuron].grad
        a.backward(grad)
        return str(draw(a).source)

    def paths(self, point: int, parameter: int) -> str:
        """How a parameter reaches the loss of one point: its paths."""
        self.check_point(point)
        if not 0 <= parameter < len(self.parameters):
            raise RecipeError(f"there is no parameter {parameter}")
        before = [p.grad for p in self.parameters]
        loss = self.loss_at(point)
        self.model.zero_grad()
        loss.backward()
        told = str(explain(loss, self.parameters[parameter], top=6))
        for p, grad in zip(self.parameters, before):
            p.grad = grad
        return told

    def check_point(self, point: int) -> None:
        """There is such a point."""
        n = len(self.X) + len(self.test_X)
        if not 0 <= point < n:
            raise RecipeError(f"there are {n} points, and none has the index {point}")


# --- What a state describes ------------------------------------------------------------------


def new_model(state: State) -> MLP:
    """The model that a state describes."""
    return recipe.new_model(state, 2, state.sizes[-1], state.loss)


def data_of(state: State) -> tuple[list[list[float]], list[int], list[list[float]], list[int]]:
    """The training set and the held-out set."""
    if state.data == "own":
        X, y = [[x1, x2] for x1, x2, _ in state.points], [label for _, _, label in state.points]
    else:
        known = DATASETS[state.data].settings
        classes = {"classes": state.classes} if "classes" in known else {}
        X, y = recipe.new_data(state, **classes)
    # Of few points as many as leave one of each class, for they are clicked one by one.
    return split(X, y, min(state.held_out, most_held_out(y)), seed=state.seed)


def bounds_of(X: Sequence[Sequence[float]]) -> tuple[float, float, float, float]:
    """A square around the points with a margin: its x from, to, and its y from, to."""
    if not X:
        return -1.5, 1.5, -1.5, 1.5
    ranges = [(min(axis), max(axis)) for axis in zip(*X, strict=True)]
    half = 0.575 * max([high - low for low, high in ranges]) or 1.5
    (x, y) = [(low + high) / 2 for low, high in ranges]
    return x - half, x + half, y - half, y + half


def units(model: MLP) -> list[Value]:
    """The activations of all neurons in the last forward pass."""
    return [a for layer in model.layers for a in layer.activations]


def neuron_sum(w: list[Value], inputs: list[Value], b: Value) -> Value:
    """w · x + b as visible products: the largest, and one number for the others."""
    pairs = sorted(zip(w, inputs), key=lambda pair: -abs(pair[0].data * pair[1].data))
    drawn, others = pairs[:MOST_TERMS], pairs[MOST_TERMS:]
    rest = [Value(sum([p.data * x.data for p, x in others]), f"{len(others)} others")]
    return total([*[p * x for p, x in drawn], *(rest if others else []), b])


def finite(x: float) -> float | None:
    """The number, or None for one that JSON cannot write."""
    return x if math.isfinite(x) else None
