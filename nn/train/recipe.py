"""A run of training as checked, plain data: the same recipe gives the same bits.

>>> Recipe.of('{"data": "circles", "hidden": [4], "lr": 0.1}').hidden
(4,)
>>> Recipe.of({"epochs": 0})
Traceback (most recent call last):
nn.train.recipe.RecipeError: epochs: expected a whole number from 1 to 1,000,000,000, got 0
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from dataclasses import replace as replaced
from typing import Any, ClassVar, Self, TypeAlias

from nn.datasets import DATASETS, Data, make
from nn.losses import LOSSES
from nn.model.init import INITS
from nn.model.layers import ACTIVATIONS
from nn.model.mlp import MLP
from nn.optim import OPTIMIZERS, Optimizer

Check: TypeAlias = Callable[[Any], Any]

MOST = 10**9
LONGEST_JSON = 2_000_000


class RecipeError(ValueError):
    """Settings that make no run; the message names the setting."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of a run.

    The examples are a data set of `nn.datasets`, of `n` points with this `noise` (None: as many,
    and as much, as it has by itself), or with `file` a table of which `target` is the column to
    predict. `output` and `loss` may be left to what suits the loss, and the targets; `batch` None
    is all examples at once. `settings` are arguments of the optimiser beside its rate.
    """

    data: str = "moons"
    n: int | None = None
    noise: float | None = None
    file: str | None = None
    target: str | None = None
    held_out: float = 0.0
    hidden: tuple[int, ...] = (16, 16)
    activation: str = "relu"
    output: str | None = None
    loss: str | None = None
    init: str = "xavier"
    optimizer: str = "adam"
    lr: float = 0.05
    settings: tuple[tuple[str, float], ...] = ()
    l2: float = 0.0
    epochs: int = 100
    batch: int | None = None
    seed: int = 0

    checks: ClassVar[Mapping[str, Check]]
    kind: ClassVar[str] = "recipe"

    @classmethod
    def of(cls, given: Any) -> Self:
        """What a dict or a JSON text describes; RecipeError for anything else."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            given = parse(given)
        if not isinstance(given, dict):
            raise RecipeError(f"a {cls.kind} is an object of settings, got {shown(given)}")
        if unknown := [name for name in given if name not in cls.checks]:
            known = ", ".join(cls.checks)
            raise RecipeError(f"unknown setting {shown(unknown[0])}; known are {known}")
        made = cls(**{name: cls.check(name, value) for name, value in given.items()})
        made.check_whole()
        return made

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        """The value that a setting takes; RecipeError names the setting."""
        try:
            return cls.checks[name](value)
        except RecipeError as error:
            raise RecipeError(f"{name}: {error}") from None

    def replace(self, **settings: Any) -> Self:
        """The same with other settings, checked."""
        made = replaced(self, **{name: self.check(name, x) for name, x in settings.items()})
        made.check_whole()
        return made

    def check_whole(self) -> None:
        """RecipeError for settings that do not fit together."""
        if self.target is not None and self.file is None:
            raise RecipeError("target: it names a column of a table, and there is no file")
        new_optimizer(self)

    def to_dict(self) -> dict[str, Any]:
        """As a dict for JSON, without what there is none of."""
        nothing = {field.name for field in fields(self) if field.default in ((), None)}
        content = asdict(self)
        return {k: v for k, v in content.items() if k not in nothing or v not in ((), None)}

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps(self.to_dict())


# --- What it describes ------------------------------------------------------------------------


def new_data(recipe: Recipe, **settings: Any) -> Data:
    """The examples of a data set that has a name."""
    chosen = {"n": recipe.n, "noise": recipe.noise, **settings}
    given = {name: value for name, value in chosen.items() if value is not None}
    return make(recipe.data, seed=recipe.seed, **given)


def new_model(recipe: Recipe, n_in: int, n_out: int, loss: str) -> MLP:
    """The model that is to be trained."""
    return MLP(
        n_in,
        [*recipe.hidden, n_out],
        activation=recipe.activation,
        output=recipe.output or LOSSES[loss].outputs[0],
        init=recipe.init,
        seed=recipe.seed,
    )


def new_optimizer(recipe: Recipe) -> Optimizer:
    """The optimiser, before its first step."""
    try:
        return OPTIMIZERS[recipe.optimizer](recipe.lr, **dict(recipe.settings))
    except (TypeError, ValueError) as error:
        raise RecipeError(f"optimizer {recipe.optimizer}: {error}") from None


def fit_options(recipe: Recipe) -> dict[str, Any]:
    """What `fit` is told of a recipe, beside model, examples and loss."""
    return {
        "optimizer": new_optimizer(recipe),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch,
        "seed": recipe.seed,
        "l2": recipe.l2,
    }


# --- Checks of one setting --------------------------------------------------------------------


def parse(text: str) -> Any:
    """What a JSON text says."""
    if len(text) > LONGEST_JSON:
        raise RecipeError(f"at most {LONGEST_JSON:,} characters, got {len(text):,}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"this is not JSON: {error}") from None


def number(low: float, high: float) -> Check:
    """A check for numbers from low to high."""

    def check_number(x: Any) -> float:
        if isinstance(x, bool) or not isinstance(x, (int, float)) or not low <= x <= high:
            raise RecipeError(f"expected a number from {low:g} to {high:g}, got {shown(x)}")
        return float(x)

    return check_number


def whole(low: int, high: int) -> Check:
    """A check for whole numbers from low to high."""

    def check_whole_number(x: Any) -> int:
        known = isinstance(x, (int, float)) and not isinstance(x, bool)
        if not (known and low <= x <= high and x == int(x)):
            raise RecipeError(f"expected a whole number from {low} to {high:,}, got {shown(x)}")
        return int(x)

    return check_whole_number


def share(x: Any) -> float:
    """A share below 1."""
    if isinstance(x, bool) or not isinstance(x, (int, float)) or not 0 <= x < 1:
        raise RecipeError(f"expected a share from 0 to below 1, got {shown(x)}")
    return float(x)


def one_of(names: Sequence[str] | Mapping[str, Any]) -> Check:
    """A check for names, of which there may be more by then."""

    def check_name(x: Any) -> str:
        if not isinstance(x, str) or x not in names:
            raise RecipeError(f"expected one of {', '.join(names)}, got {shown(x)}")
        return x

    return check_name


def output(x: Any) -> str:
    """A check for activations of a last layer."""
    return str(one_of([*ACTIVATIONS, "softmax"])(x))


def text(x: Any) -> str:
    """A check for texts."""
    if not isinstance(x, str):
        raise RecipeError(f"expected a text, got {shown(x)}")
    return x


def perhaps(check: Check) -> Check:
    """A check for what may also be left open, as None."""
    return lambda x: None if x is None else check(x)


def items(x: Any, most: int, what: str) -> list[Any]:
    """A list of at most so many."""
    if not isinstance(x, (list, tuple)):
        raise RecipeError(f"expected a list of {what}, got {shown(x)}")
    if len(x) > most:
        raise RecipeError(f"at most {most:,} {what}, got {len(x):,}")
    return list(x)


def layers(most: int, widest: int) -> Check:
    """A check for the widths of hidden layers."""

    def check_layers(x: Any) -> tuple[int, ...]:
        widths = items(x, most, "hidden layers")
        for width in widths:
            if type(width) is not int or not 1 <= width <= widest:
                raise RecipeError(f"a layer has 1 to {widest:,} neurons, got {shown(width)}")
        return tuple(widths)

    return check_layers


def pairs(x: Any) -> tuple[tuple[str, float], ...]:
    """Names and numbers, from a dict or from pairs."""
    given = items(list(x.items()) if isinstance(x, dict) else x, 20, "pairs of a name and a number")
    if not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in given):
        raise RecipeError(f"expected a name and a number each, got {shown(x)}")
    return tuple([(text(name), number(-math.inf, math.inf)(value)) for name, value in given])


def shown(x: Any) -> str:
    """What was given, cut short."""
    if isinstance(x, int) and not isinstance(x, bool) and abs(x) >= 10**18:
        return "a number of more than 18 digits"
    text = repr(x) if not isinstance(x, (list, tuple, dict)) else f"a {type(x).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."


Recipe.checks = {
    "data": one_of(DATASETS),
    "n": perhaps(whole(1, MOST)),
    "noise": perhaps(number(0.0, 1e9)),
    "file": perhaps(text),
    "target": perhaps(text),
    "held_out": share,
    "hidden": layers(10**4, 10**6),
    "activation": one_of(ACTIVATIONS),
    "output": perhaps(output),
    "loss": perhaps(one_of(LOSSES)),
    "init": one_of(INITS),
    "optimizer": one_of(OPTIMIZERS),
    "lr": number(math.ulp(0.0), math.inf),
    "settings": pairs,
    "l2": number(0.0, 1e9),
    "epochs": whole(1, MOST),
    "batch": perhaps(whole(1, MOST)),
    "seed": whole(-(2**53), 2**53),
}
assert set(Recipe.checks) == {field.name for field in fields(Recipe)}
