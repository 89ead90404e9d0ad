"""What a run of the playground is made of, as a small JSON.

The same state gives the same run, bit for bit. All numbers in it are checked before anything of
the size they claim is made.

>>> State.of('{"hidden": [4], "lr": 0.1}').hidden
(4,)
>>> State.of({"hidden": [100000]})
Traceback (most recent call last):
nn.train.settings.RecipeError: hidden: a layer has 1 to 64 neurons, got 100000
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, ClassVar, Self, TypeAlias

from nn.datasets import DATASETS
from nn.given import shown
from nn.losses import LOSSES
from nn.optim import SGD
from nn.train.recipe import Recipe
from nn.train.settings import (
    RecipeError,
    items,
    layers,
    number,
    one_of,
    output,
    parse,
    perhaps,
    whole,
)

Change: TypeAlias = "tuple[int, str, Any]"

LIVE = (
    "lr",
    "l1",
    "l2",
    "clip_norm",
    "optimizer",
    "batch",
)  # what may change in the middle of a run
FEATURES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "x1": lambda np, x, y: x,
    "x2": lambda np, x, y: y,
    "x1^2": lambda np, x, y: x * x,
    "x2^2": lambda np, x, y: y * y,
    "x1 x2": lambda np, x, y: x * y,
    "sin 2x1": lambda np, x, y: np.sin(2 * x),
    "sin 2x2": lambda np, x, y: np.sin(2 * y),
}  # what a point can be to the model; another one that is entered here is known everywhere

MOST_LAYERS = 6
MOST_NEURONS = 64
MOST_PARAMETERS = 6000
MOST_POINTS = 10_000
MOST_CLASSES = 6
MOST_CHANGES = 2000
MOST_WORK = 20_000_000  # examples times parameters in one step: about a tenth of a second


@dataclass(frozen=True, slots=True)
class State(Recipe):
    """The settings of a run, and what was changed while it ran.

    `points` are one's own, as (x1, x2, label), or with a number to predict where that is a float;
    `weights`, where given, are the numbers that the parameters start from. `features` are what the
    model is fed of a point, by their names in `FEATURES`. A change is (step, what, value): what is
    one of `LIVE`, "weight" with (index, number), "add" with a point, "remove" with an index, or
    "move" with (index, x1, x2).
    """

    n: int = 200
    noise: float = DATASETS[Recipe().data].noise
    held_out: float = 0.2
    features: tuple[str, ...] = ("x1", "x2")
    hidden: tuple[int, ...] = (5, 4)
    activation: str = "tanh"
    output: str = "linear"
    loss: str = "binary_cross_entropy_with_logits"
    optimizer: str = SGD.name
    lr: float = 0.3
    points: tuple[tuple[float, float, float], ...] = ()
    weights: tuple[float, ...] | None = None
    changes: tuple[Change, ...] = ()

    kind: ClassVar[str] = "state"

    @classmethod
    def of(cls, given: Any) -> Self:
        """What a dict or a JSON text describes; a data set brings along what `with_usual` says."""
        if isinstance(given, str):
            given = parse(given)
        if isinstance(given, dict):
            given = with_usual(given, cls().loss)
        return super(State, cls).of(given)  # a class with slots is made twice

    def replace(self, **settings: Any) -> Self:
        """The same with other settings, checked.

        Another data set brings along what is usual for it, and a loss an output that suits it.
        """
        settings = with_usual(settings, self.loss)
        loss = LOSSES.get(str(settings.get("loss")))
        if loss and "output" not in settings and self.output not in loss.outputs:
            settings["output"] = loss.outputs[0]
        return super(State, self).replace(**settings)

    def check_whole(self) -> None:
        """RecipeError for settings that do not fit together, or are too many to watch."""
        super(State, self).check_whole()
        if self.output not in LOSSES[self.loss].outputs:
            fitting = " or ".join(LOSSES[self.loss].outputs)
            raise RecipeError(f"the loss {self.loss} takes the output {fitting}, not {self.output}")
        if self.of_numbers and not LOSSES[self.loss].takes_numbers:
            raise RecipeError(f"the loss {self.loss} takes labels, and these are numbers: take mse")
        if self.classes > 2 and not LOSSES[self.loss].of_classes:
            raise RecipeError(
                f"the loss {self.loss} tells two classes apart and there are {self.classes}: "
                "take cross_entropy"
            )
        if self.n_parameters > MOST_PARAMETERS:
            raise RecipeError(
                f"the model would have {self.n_parameters:,} parameters; "
                f"at most {MOST_PARAMETERS:,} can be shown: make its layers smaller"
            )
        if self.weights is not None and len(self.weights) != self.n_parameters:
            raise RecipeError(
                f"weights: the model has {self.n_parameters} parameters, got {len(self.weights)}"
            )
        for batch in [self.batch, *[value for _, what, value in self.changes if what == "batch"]]:
            check_work(min(batch or MOST_POINTS, self.n_points), self.n_parameters)

    @property
    def of_numbers(self) -> bool:
        """Whether targets are numbers, and not labels."""
        if self.data == "own":
            return any(isinstance(target, float) for _, _, target in self.points)
        return DATASETS[self.data].numbers

    @property
    def classes(self) -> int:
        """How many classes the labels name."""
        if self.data == "own":
            return max(2, 1 + int(max([0, *[y for _, _, y in self.points if isinstance(y, int)]])))
        many = DATASETS[self.data].settings.get("classes", 2)
        return int(many) if LOSSES[self.loss].of_classes else 2

    @property
    def sizes(self) -> list[int]:
        """The neurons of each layer, the outputs included."""
        return [*self.hidden, self.classes if LOSSES[self.loss].of_classes else 1]

    @property
    def n_parameters(self) -> int:
        """How many weights and biases the model has."""
        widths = [len(self.features), *self.sizes]
        return sum([(n + 1) * m for n, m in pairwise(widths)])

    @property
    def n_points(self) -> int:
        """How many points the data set has."""
        return len(self.points) if self.data == "own" else self.n


def rows_of(features: Sequence[str], points: Any) -> Any:
    """What the model is fed of points of the plane: an array with a row for each."""
    import numpy as np

    x, y = np.array(points, dtype=float).reshape(-1, 2).T
    return np.stack([FEATURES[name](np, x, y) for name in features], axis=-1)


def features(x: Any) -> tuple[str, ...]:
    """Names of features, each once, and one at least."""
    names = [one_of(FEATURES)(name) for name in items(x, len(FEATURES), "features")]
    if not names or len(set(names)) < len(names):
        raise RecipeError(f"expected one or more features, each once, got {shown(x)}")
    return tuple(names)


def data_sets() -> list[str]:
    """Data sets of points and noise, and one's own."""
    return [*[name for name, row in DATASETS.items() if row.is_plane], "own"]


def with_usual(given: dict[str, Any], loss: str) -> dict[str, Any]:
    """The settings, and what their data set brings along where they do not say another.

    That is its noise, and for numbers a loss that takes them, where `loss` does not.
    """
    row = DATASETS.get(given["data"]) if isinstance(given.get("data"), str) else None
    if row is None:
        return given
    usual: dict[str, Any] = {"noise": row.noise}
    if row.numbers and not LOSSES[loss].takes_numbers:
        usual["loss"] = next(name for name, known in LOSSES.items() if known.takes_numbers)
    return {**usual, **given}


def no_end(x: Any) -> Any:
    """A check that a playground, which trains until it is paused, is told no end."""
    if x not in (None, False):
        raise RecipeError(f"the playground trains until it is paused, got {shown(x)}")
    return x


def no_table(x: Any) -> None:
    """A check that a playground, which has points of the plane, is given no table."""
    if x is not None:
        raise RecipeError(
            f"the playground shows data sets of the plane, and no table, got {shown(x)}"
        )


def point(x: Any) -> tuple[float, float, float]:
    """A point of the plane and its label, or where that is a float a number to predict."""
    if not isinstance(x, (list, tuple)) or len(x) != 3:
        raise RecipeError(f"a point is [x1, x2, label], got {shown(x)}")
    check = COORDINATE if isinstance(x[2], float) else LABEL
    return COORDINATE(x[0]), COORDINATE(x[1]), check(x[2])


def points(x: Any) -> tuple[tuple[float, float, float], ...]:
    """Points and their labels."""
    return tuple([point(item) for item in items(x, MOST_POINTS, "points")])


def weights(x: Any) -> tuple[float, ...] | None:
    """The numbers that the parameters start from, if any."""
    return None if x is None else tuple(map(WEIGHT, items(x, MOST_PARAMETERS, "weights")))


def change(x: Any) -> Change:
    """A change made while the model was trained."""
    if not isinstance(x, (list, tuple)) or len(x) != 3:
        raise RecipeError(f"a change is [step, what, value], got {shown(x)}")
    step, what, value = STEP(x[0]), one_of([*LIVE, *CHANGES])(x[1]), x[2]
    return step, what, CHANGES[what](value) if what in CHANGES else State.check(what, value)


def weight_change(x: Any) -> tuple[int, float]:
    """Which parameter, and its new number."""
    if not isinstance(x, (list, tuple)) or len(x) != 2:
        raise RecipeError(f"a change of a weight is [index, number], got {shown(x)}")
    return whole(0, MOST_PARAMETERS - 1)(x[0]), WEIGHT(x[1])


def move(x: Any) -> tuple[int, float, float]:
    """Which point, and where it is now."""
    if not isinstance(x, (list, tuple)) or len(x) != 3:
        raise RecipeError(f"a move of a point is [index, x1, x2], got {shown(x)}")
    return INDEX(x[0]), COORDINATE(x[1]), COORDINATE(x[2])


def changes(x: Any) -> tuple[Change, ...]:
    """Changes in the order of their steps."""
    made = tuple([change(item) for item in items(x, MOST_CHANGES, "changes")])
    if any(a[0] > b[0] for a, b in pairwise(made)):
        raise RecipeError("the steps of the changes must not fall")
    return made


REFUSED: dict[str, Callable[[Any], Any]] = {  # settings of a recipe that a playground has not
    "file": no_table,
    "target": no_table,
    "patience": no_end,
    "keep_best": no_end,
}
COORDINATE = number(-1e3, 1e3)
LABEL = whole(0, MOST_CLASSES - 1)
WEIGHT = number(-1e6, 1e6)
STEP = whole(0, 10**9)
INDEX = whole(0, 2 * MOST_POINTS)
CHANGES: dict[str, Callable[[Any], Any]] = {
    "weight": weight_change,
    "add": point,
    "remove": INDEX,
    "move": move,
}
State.checks = {
    **Recipe.checks,
    **REFUSED,
    "data": lambda x: one_of(data_sets())(x),
    "n": whole(4, MOST_POINTS),
    "noise": number(0.0, 2.0),
    "held_out": number(0.0, 0.9),
    "hidden": layers(MOST_LAYERS, MOST_NEURONS),
    "output": output,
    "loss": one_of(LOSSES),
    "features": features,
    "lr": number(1e-9, 1e300),
    "l1": number(0.0, 1e3),
    "l2": number(0.0, 1e3),
    "batch": perhaps(whole(1, MOST_POINTS)),
    "seed": whole(0, 2**53),
    "points": points,
    "weights": weights,
    "changes": changes,
}
assert set(State.checks) == {field.name for field in fields(State)}


def check_work(examples: int, n_parameters: int) -> None:
    """A step is short enough for Stop to be heard."""
    if examples * n_parameters > MOST_WORK:
        raise RecipeError(
            f"a step of {examples:,} examples with {n_parameters:,} parameters takes too long to "
            "watch: make the batch smaller"
        )
