"""What is true of the parameters of a moment: pictures, slopes, and the curve of one weight.

Everything here is a function of the present numbers of a session, and changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core import Program, Value, compile, gradient, total
from autograd_core.compiler.ir import Floats
from autograd_core.engine import as_value
from nn.losses import Loss
from nn.model.mlp import MLP
from nn.model.module import outputs_of
from nn.playground.points import Table, finite, grid
from nn.playground.state import rows_of

if TYPE_CHECKING:
    from nn.playground.session import Session

SIDE, ROUGH = 100, 50  # points of the plane along each axis; of many parameters' plane
MANY = 1000  # parameters
HUGE = 1e40
PARTS = 10  # in which the grid is computed, for the same reason
TILE = 24  # and of a neuron's heat map
FULL = 32767  # what 1.0 is in 16 bits
SURE = 4096  # and a class, of several, with how sure it is below it
MOST_DOTS = 300  # examples whose slopes are sent
ON_CURVE, ON_ROUGH = 61, 31  # points of loss(w); of many parameters' net
MOST_ROWS = 1000  # examples in one run: small products need no second thread
ACTIVATED = np.linspace(-8.0, 8.0, 161)  # where an activation is shown


class Readout:
    """The programs of a model that pictures need: recorded once, run on the present numbers."""

    def __init__(self, model: MLP, loss: Loss) -> None:
        self.model, self.loss = model, loss
        self.outputs = compile(lambda x: outputs_of(model(x)), batched=True)
        self.units = compile(self.activations, batched=True)
        self.probe = compile(self.probed, batched=True)
        self.curves: dict[int, Program] = {}

    def activations(self, x: Any) -> list[Value]:
        """The activations of all neurons."""
        self.model(x)
        return [as_value(a) for layer in self.model.layers for a in layer.activations]

    def along(self, weight: int) -> Program:
        """The loss of an example (x, target), with another number for one parameter."""
        if weight not in self.curves:
            place = places(self.model)[weight]

            def loss(x: Any, target: Any, w: Any) -> list[Value]:
                with replaced(*place, w):
                    return [self.loss.formula(outputs_of(self.model(x)), target.tolist())]

            self.curves[weight] = compile(loss, batched=True)
        return self.curves[weight]

    def probed(self, x: Any, target: Any) -> list[Value]:
        """The loss of one example; then z, a, ∂loss/∂z, ∂loss/∂a and ∂a/∂z of all neurons."""
        loss = self.loss.formula(outputs_of(self.model(x)), target.tolist())
        layers = self.model.layers
        zs = [layer.pre_activations for layer in layers]
        outs = [[as_value(a) for a in layer.activations] for layer in layers]
        flat_z, flat_a = [[v for row in rows for v in row] for rows in (zs, outs)]
        slopes = gradient(loss, *flat_z, *flat_a)
        own = [slope for z, a in zip(zs, outs) for slope in gradient(total(a), *z)]
        return [as_value(v) for v in (loss, *flat_z, *flat_a, *slopes, *own)]

    def shapes(self) -> list[list[float]]:
        """What the activation of each layer does to `ACTIVATED`; softmax is shown as it is."""
        found = []
        for layer in self.model.layers:
            zs = [Value(z) for z in ACTIVATED.tolist()]
            found.append([z.data if layer.is_softmax else layer.activate(z).data for z in zs])
        return found


@dataclass(frozen=True, slots=True)
class Look:
    """What a page looks at: a parameter and the ends of its curve, a point, a neuron, slopes."""

    weight: int = 0
    low: float = -4.0
    high: float = 4.0
    point: int = 0
    neuron: int | None = None
    backward: bool = False


@np.errstate(all="ignore")  # what is not finite is shown as far as it can be
def pictures(session: Session, look: Look) -> dict[str, Floats]:
    """The plane, a map for each input and neuron, and the neuron looked at, in whole numbers."""
    readout, state, n_units = session.readout, session.now, sum(session.model.sizes)
    side = SIDE if len(session.parameters) < MANY else ROUGH
    plane, coarse = [rows_of(state.features, grid(session.bounds, n)) for n in (side, TILE)]
    try:
        check_size(session.theta())
        rows = [readout.outputs(part) for part in np.array_split(plane, PARTS)]
        field = scores(np.concatenate(rows), session)
        said = np.broadcast_to(readout.units(coarse), (TILE * TILE, n_units))
        near = None if look.neuron is None else readout.units(plane)[:, look.neuron]
    except (ArithmeticError, ValueError):  # a number that is not finite: the message tells
        field, near = np.zeros(side * side, np.int16), None
        said = np.zeros((TILE * TILE, n_units))
    tiles = np.concatenate([coarse, said], axis=1)
    near = np.zeros(0) if near is None else np.broadcast_to(near, side * side)
    return {
        "field": field,
        "tiles": np.rint(127 * scaled(tiles).T).astype(np.int8),
        "near": np.rint(FULL * scaled(near[:, None])).astype(np.int16).ravel(),
    }


def check_size(theta: Floats) -> None:
    """OverflowError for numbers of which there is no picture: each overflow is looked for long."""
    if np.abs(theta).max() > HUGE:
        raise OverflowError(f"a parameter is beyond {HUGE:g}")


def scaled(tiles: Floats) -> Floats:
    """Each column over its largest number."""
    if not tiles.size:
        return tiles
    tiles = np.nan_to_num(tiles)
    largest = np.abs(tiles).max(axis=0)
    found: Floats = tiles / np.where(largest > 0, largest, 1.0)
    return found


def scores(outputs: Floats, session: Session) -> Any:
    """One output: from -1 (class 0, or the least number) to 1. More: the class, and how sure."""
    loss = session.loss
    if outputs.shape[1] == 1:
        over = outputs[:, 0] - loss.threshold
        single = np.tanh(over / 2) if loss.threshold == 0 else 2 * over
        if session.now.of_numbers:
            single = outputs[:, 0] / session.scale
        return np.rint(FULL * np.clip(np.nan_to_num(single), -1.0, 1.0)).astype(np.int16)
    if loss.outputs[0] == "linear":
        shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        outputs = shares / shares.sum(axis=1, keepdims=True)
    first, second = -np.partition(-np.nan_to_num(outputs), 1, axis=1)[:, :2].T
    sure = np.clip(first - second, 0.0, 0.999)
    return (SURE * outputs.argmax(axis=1) + SURE * sure).astype(np.int16)


# --- Examples --------------------------------------------------------------------------------


def example(session: Session, point: int) -> dict[str, Floats]:
    """What the model does on one point: `probe` as `Readout.probed` gives it, and `own` slopes."""
    n = len(session.X)
    name, i = ("train", point) if point < n else ("held", point - n)
    table = session.tables[name]
    nothing = {"probe": np.zeros(0), "own": np.zeros(0), "inputs": np.zeros(0)}
    if table is None or not 0 <= i < len(table.X):
        return nothing
    X, targets = table.X[i : i + 1], table.targets[i : i + 1]
    try:
        check_size(session.theta())
        row = session.readout.probe(X, targets)[0]
        _, own = table.program.value_and_gradient(X, targets)
    except (ArithmeticError, ValueError):
        return nothing
    return {"probe": row, "own": own, "inputs": X[0]}


def slopes(session: Session) -> dict[str, Any]:
    """∂loss/∂a of every neuron: root mean square over the training set, and point by point."""
    table, n = session.tables["train"], sum(session.model.sizes)
    nothing = {"rms": np.zeros(0), "dots": np.zeros((0, n), np.float32)}
    if table is None:
        return nothing
    try:
        check_size(session.theta())
        rows = session.readout.probe(table.X, table.targets)[:, 1 + 3 * n : 1 + 4 * n]
    except (ArithmeticError, ValueError):
        return nothing
    return {
        "rms": np.sqrt((rows * rows).mean(axis=0)),
        "dots": rows[:MOST_DOTS].astype(np.float32),
    }


# --- One weight ------------------------------------------------------------------------------


def curve(session: Session, look: Look) -> Floats:
    """The loss on the training set along one weight, all else as it is: first w, then loss(w)."""
    table = session.tables["train"]
    if table is None:
        return np.zeros((2, 0))
    points = ON_CURVE if len(session.parameters) < MANY else ON_ROUGH
    ws = np.linspace(look.low, look.high, points)
    if np.abs(session.theta()).max() > HUGE:
        return np.array([ws, np.full(points, np.nan)])
    program, n = session.readout.along(look.weight), len(table.X)
    at_once = max(1, MOST_ROWS // n)
    parts = [ws[i : i + at_once] for i in range(0, points, at_once)]
    return np.array([ws, np.concatenate([mean_losses(program, table, part) for part in parts])])


def mean_losses(program: Program, table: Table, ws: Floats) -> Floats:
    """The mean loss for each number of a weight; NaN where it is not defined."""
    k, n = len(ws), len(table.X)
    X, targets = np.tile(table.X, (k, 1)), np.tile(table.targets, (k, 1))
    try:
        losses = program(X, targets, np.repeat(ws, n))
    except (ArithmeticError, ValueError):
        return np.full(k, np.nan)
    found: Floats = losses.reshape(k, n).mean(axis=1)
    return found


def places(model: MLP) -> list[tuple[Any, Any]]:
    """Where each parameter is: (a list of weights, its index), or (a neuron, "b")."""
    found: list[tuple[Any, Any]] = []
    for neuron in (neuron for layer in model.layers for neuron in layer.neurons):
        found += [(neuron.w, j) for j in range(len(neuron.w))] + [(vars(neuron), "b")]
    return found


@contextmanager
def replaced(holder: Any, key: Any, value: Any) -> Iterator[None]:
    """With another value in a list or a dict for a while."""
    before, holder[key] = holder[key], value
    try:
        yield
    finally:
        holder[key] = before


def differences(session: Session, weight: int) -> dict[str, float | None]:
    """The slope of the loss along one weight by a central difference, beside the gradient's."""
    table, theta = session.tables["train"], session.theta()
    if table is None:
        return {}
    h = 1e-5 * max(1.0, abs(float(theta[weight])))
    ends = [theta.copy() for _ in range(2)]
    for sign, end in zip((-1, 1), ends):
        end[weight] += sign * h
    low, high = map(table.loss, ends)
    return {"h": h, "low": finite(low), "high": finite(high), "slope": finite((high - low) / 2 / h)}


def names(parameters: Sequence[Value]) -> list[str]:
    """The labels of the parameters, in their order."""
    return [p.label for p in parameters]
