"""What a run of the playground is made of, as a small JSON.

The same state gives the same run, bit for bit. All numbers in it are checked before anything of
the size they claim is made.

>>> State.of('{"hidden": [4], "lr": 0.1}').hidden
(4,)
>>> State.of({"hidden": [100000]})
Traceback (most recent call last):
nn.playground.state.StateError: hidden: a layer has 1 to 64 neurons, got 100000
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from dataclasses import replace as replaced
from itertools import pairwise
from typing import Any, TypeAlias

from nn import optim
from nn.model import init
from nn.model.layers import ACTIVATIONS

Change: TypeAlias = "tuple[int, str, Any]"

DATA = ("moons", "xor", "circles", "spirals", "blobs", "own")
INITS = tuple(init.INITS)
OPTIMIZERS = tuple(optim.OPTIMIZERS)
OUTPUTS = {  # of each loss, the default first
    "binary_cross_entropy_with_logits": ("linear",),
    "binary_cross_entropy": ("sigmoid",),
    "mse": ("linear", "tanh", "sigmoid"),
    "hinge": ("linear", "tanh"),
    "cross_entropy": ("linear",),
    "nll": ("softmax",),
}
OF_CLASSES = ("cross_entropy", "nll")  # losses that take an output for each class
LIVE = ("lr", "l2", "optimizer", "batch")  # what may change in the middle of a run

MOST_LAYERS = 6
MOST_NEURONS = 64
MOST_PARAMETERS = 6000
MOST_POINTS = 10_000
MOST_CLASSES = 6
MOST_CHANGES = 2000
MOST_WORK = 20_000_000  # examples times parameters in one step: about a tenth of a second
LONGEST_JSON = 2_000_000


class StateError(ValueError):
    """A state that is none, or too large; the message names the setting."""


@dataclass(frozen=True, slots=True)
class State:
    """The settings of a run, and what was changed while it ran.

    `points` are one's own, as (x1, x2, label); `weights`, where given, are the numbers that the
    parameters start from. A change is (step, what, value): what is one of `LIVE`, "weight" with
    (index, number), "add" with (x1, x2, label), or "remove" with an index.
    """

    data: str = "moons"
    n: int = 200
    noise: float = 0.15
    held_out: float = 0.2
    points: tuple[tuple[float, float, int], ...] = ()
    hidden: tuple[int, ...] = (8, 8)
    activation: str = "tanh"
    output: str = "linear"
    loss: str = "binary_cross_entropy_with_logits"
    init: str = "xavier"
    weights: tuple[float, ...] | None = None
    optimizer: str = "adam"
    lr: float = 0.03
    l2: float = 0.0
    batch: int = 32
    seed: int = 0
    changes: tuple[Change, ...] = ()

    @classmethod
    def of(cls, given: Any) -> State:
        """The state in a dict or in a JSON text; StateError for anything else."""
        if isinstance(given, State):
            return given
        if isinstance(given, str):
            given = parse(given)
        if not isinstance(given, dict):
            raise StateError(f"a state is an object of settings, got {shown(given)}")
        if unknown := [name for name in given if name not in CHECKS]:
            raise StateError(f"unknown setting {shown(unknown[0])}; known are {', '.join(CHECKS)}")
        return check_whole(cls(**{name: check(name, value) for name, value in given.items()}))

    def replace(self, **settings: Any) -> State:
        """The same with other settings, checked."""
        checked = {name: check(name, value) for name, value in settings.items()}
        return check_whole(replaced(self, **checked))

    def to_dict(self) -> dict[str, Any]:
        """As a dict for JSON; points, weights and changes only where there are any."""
        content = asdict(self)
        return {k: v for k, v in content.items() if v or k not in ("points", "weights", "changes")}

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(self.to_dict())

    @property
    def classes(self) -> int:
        """How many classes the labels name."""
        if self.data == "own":
            return max(2, 1 + max([label for _, _, label in self.points], default=0))
        return 3 if self.data == "blobs" and self.loss in OF_CLASSES else 2

    @property
    def sizes(self) -> list[int]:
        """The neurons of each layer, the outputs included."""
        return [*self.hidden, self.classes if self.loss in OF_CLASSES else 1]

    @property
    def n_parameters(self) -> int:
        """How many weights and biases the model has."""
        return sum([(n + 1) * m for n, m in zip([2, *self.sizes], self.sizes, strict=False)])

    @property
    def n_points(self) -> int:
        """How many points the data set has."""
        return len(self.points) if self.data == "own" else self.n


def parse(text: str) -> Any:
    """What a JSON text says."""
    if len(text) > LONGEST_JSON:
        raise StateError(f"a state has at most {LONGEST_JSON:,} characters, got {len(text):,}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StateError(f"this is not JSON: {error}") from None


# --- Checks of one setting -----------------------------------------------------------------


def check(name: str, value: Any) -> Any:
    """The value that a setting takes; StateError names the setting."""
    try:
        return CHECKS[name](value)
    except StateError as error:
        raise StateError(f"{name}: {error}") from None


def number(low: float, high: float) -> Callable[[Any], float]:
    """A check for numbers from low to high."""

    def check_number(x: Any) -> float:
        if isinstance(x, bool) or not isinstance(x, (int, float)) or not low <= x <= high:
            raise StateError(f"expected a number from {low:g} to {high:g}, got {shown(x)}")
        return float(x)

    return check_number


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A check for whole numbers from low to high."""

    def check_whole_number(x: Any) -> int:
        known = isinstance(x, (int, float)) and not isinstance(x, bool)
        if not (known and low <= x <= high and x == int(x)):
            raise StateError(f"expected a whole number from {low} to {high:,}, got {shown(x)}")
        return int(x)

    return check_whole_number


def one_of(names: Sequence[str]) -> Callable[[Any], str]:
    """A check for names."""

    def check_name(x: Any) -> str:
        if not isinstance(x, str) or x not in names:
            raise StateError(f"expected one of {', '.join(names)}, got {shown(x)}")
        return x

    return check_name


def items(x: Any, most: int, what: str) -> list[Any]:
    """A list of at most so many."""
    if not isinstance(x, (list, tuple)):
        raise StateError(f"expected a list of {what}, got {shown(x)}")
    if len(x) > most:
        raise StateError(f"at most {most:,} {what}, got {len(x):,}")
    return list(x)


def layers(x: Any) -> tuple[int, ...]:
    """The widths of hidden layers."""
    widths = items(x, MOST_LAYERS, "hidden layers")
    for width in widths:
        if type(width) is not int or not 1 <= width <= MOST_NEURONS:
            raise StateError(f"a layer has 1 to {MOST_NEURONS} neurons, got {shown(width)}")
    return tuple(widths)


def point(x: Any) -> tuple[float, float, int]:
    """A point of the plane and its label."""
    if not isinstance(x, (list, tuple)) or len(x) != 3:
        raise StateError(f"a point is [x1, x2, label], got {shown(x)}")
    return COORDINATE(x[0]), COORDINATE(x[1]), LABEL(x[2])


def points(x: Any) -> tuple[tuple[float, float, int], ...]:
    """Points and their labels."""
    return tuple([point(item) for item in items(x, MOST_POINTS, "points")])


def weights(x: Any) -> tuple[float, ...] | None:
    """The numbers that the parameters start from, if any."""
    return None if x is None else tuple(map(WEIGHT, items(x, MOST_PARAMETERS, "weights")))


def change(x: Any) -> Change:
    """A change made while the model was trained."""
    if not isinstance(x, (list, tuple)) or len(x) != 3:
        raise StateError(f"a change is [step, what, value], got {shown(x)}")
    step, what, value = STEP(x[0]), one_of([*LIVE, *CHANGES])(x[1]), x[2]
    return step, what, CHANGES[what](value) if what in CHANGES else check(what, value)


def weight_change(x: Any) -> tuple[int, float]:
    """Which parameter, and its new number."""
    if not isinstance(x, (list, tuple)) or len(x) != 2:
        raise StateError(f"a change of a weight is [index, number], got {shown(x)}")
    return whole(0, MOST_PARAMETERS - 1)(x[0]), WEIGHT(x[1])


def changes(x: Any) -> tuple[Change, ...]:
    """Changes in the order of their steps."""
    made = tuple([change(item) for item in items(x, MOST_CHANGES, "changes")])
    if any(a[0] > b[0] for a, b in pairwise(made)):
        raise StateError("the steps of the changes must not fall")
    return made


COORDINATE = number(-1e3, 1e3)
LABEL = whole(0, MOST_CLASSES - 1)
WEIGHT = number(-1e6, 1e6)
STEP = whole(0, 10**9)
CHANGES: dict[str, Callable[[Any], Any]] = {
    "weight": weight_change,
    "add": point,
    "remove": whole(0, 2 * MOST_POINTS),
}
CHECKS: dict[str, Callable[[Any], Any]] = {
    "data": one_of(DATA),
    "n": whole(4, MOST_POINTS),
    "noise": number(0.0, 2.0),
    "held_out": number(0.0, 0.9),
    "points": points,
    "hidden": layers,
    "activation": one_of(tuple(ACTIVATIONS)),
    "output": one_of(("linear", "tanh", "sigmoid", "softmax")),
    "loss": one_of(tuple(OUTPUTS)),
    "init": one_of(INITS),
    "weights": weights,
    "optimizer": one_of(OPTIMIZERS),
    "lr": number(1e-9, 1e300),
    "l2": number(0.0, 1e3),
    "batch": whole(1, MOST_POINTS),
    "seed": whole(0, 2**53),
    "changes": changes,
}
assert set(CHECKS) == {field.name for field in fields(State)}


# --- Checks of all settings together --------------------------------------------------------


def check_whole(state: State) -> State:
    """The state itself, if its settings fit together."""
    if state.output not in OUTPUTS[state.loss]:
        fitting = " or ".join(OUTPUTS[state.loss])
        raise StateError(f"the loss {state.loss} takes the output {fitting}, not {state.output}")
    if state.classes > 2 and state.loss not in OF_CLASSES:
        raise StateError(
            f"the loss {state.loss} tells two classes apart and there are {state.classes}: "
            "take cross_entropy"
        )
    if state.n_parameters > MOST_PARAMETERS:
        raise StateError(
            f"the model would have {state.n_parameters:,} parameters; "
            f"at most {MOST_PARAMETERS:,} can be shown: make its layers smaller"
        )
    if state.weights is not None and len(state.weights) != state.n_parameters:
        raise StateError(
            f"weights: the model has {state.n_parameters} parameters, got {len(state.weights)}"
        )
    for batch in [state.batch, *[value for _, what, value in state.changes if what == "batch"]]:
        check_work(min(batch, state.n_points), state.n_parameters)
    return state


def check_work(examples: int, n_parameters: int) -> None:
    """A step is short enough for Stop to be heard."""
    if examples * n_parameters > MOST_WORK:
        raise StateError(
            f"a step of {examples:,} examples with {n_parameters:,} parameters takes too long to "
            "watch: make the batch smaller"
        )


def shown(x: Any) -> str:
    """What was given, cut short."""
    if isinstance(x, int) and not isinstance(x, bool) and abs(x) >= 10**18:
        return "a number of more than 18 digits"
    text = repr(x) if not isinstance(x, (list, tuple, dict)) else f"a {type(x).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."
