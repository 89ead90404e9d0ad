"""A run of training as checked, plain data: the same recipe gives the same bits.

>>> Recipe.of('{"data": "circles", "hidden": [4], "lr": 0.1}').hidden
(4,)
>>> Recipe.of({"epochs": 0})
Traceback (most recent call last):
nn.train.settings.RecipeError: epochs: expected a whole number from 1 to 1,000,000,000, got 0
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from dataclasses import replace as replaced
from typing import Any, ClassVar, Self

from nn.datasets import Data, make
from nn.given import plain, shown
from nn.losses import LOSSES
from nn.model.mlp import MLP
from nn.optim import OPTIMIZERS, Optimizer, Rate
from nn.schedules import SCHEDULES, warm_up
from nn.train.history import BestWeights, EarlyStopping
from nn.train.settings import SETTINGS, Check, RecipeError, parse


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of a run, which `SETTINGS` describes one by one.

    The examples are a data set of `nn.datasets`, of `n` points with this `noise` (None: as many,
    and as much, as it has by itself), or with `file` a table. `settings` are numbers of the
    optimiser, beside its rate.
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
    init_scale: float = 1.0
    dropout: float = 0.0
    optimizer: str = "adam"
    lr: float = 0.05
    schedule: str = "constant"
    warmup: float = 0.0
    settings: tuple[tuple[str, float], ...] = ()
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    epochs: int = 100
    batch: int | None = None
    shuffle: bool = True
    patience: int | None = None
    keep_best: bool = False
    seed: int = 0

    checks: ClassVar[Mapping[str, Check]] = {name: row.check for name, row in SETTINGS.items()}
    kind: ClassVar[str] = "recipe"

    def __post_init__(self) -> None:
        for field in fields(self):
            kept = self.check(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, kept)
        self.check_whole()

    @classmethod
    def of(cls, given: Any) -> Self:
        """What a dict or a JSON text describes; RecipeError for anything else."""
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            given = parse(given)
        if not isinstance(given, dict):
            raise RecipeError(f"a {cls.kind} is an object of settings, got {shown(given)}")
        return cls(**cls.known(given))

    @classmethod
    def known(cls, given: dict[str, Any]) -> dict[str, Any]:
        """The settings themselves; RecipeError for what is none."""
        if unknown := [name for name in given if name not in cls.checks]:
            known = ", ".join(cls.checks)
            raise RecipeError(f"unknown setting {shown(unknown[0])}; known are {known}")
        return given

    @classmethod
    def check(cls, name: str, value: Any) -> Any:
        """The value that a setting takes; RecipeError names the setting."""
        try:
            return cls.checks[name](plain(name, value))
        except RecipeError as error:
            raise RecipeError(f"{name}: {error}") from None

    def replace(self, **settings: Any) -> Self:
        """The same with other settings, checked."""
        return replaced(self, **self.known(settings))

    def check_whole(self) -> None:
        """RecipeError for settings that do not fit together."""
        if self.target is not None and self.file is None:
            raise RecipeError("target: it names a column of a table, and there is no file")
        if self.keep_best and not self.held_out:
            raise RecipeError("keep_best: nothing is held out to tell the best by: held_out is 0")
        new_optimizer(self, 1)

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
    model = MLP(
        n_in,
        [*recipe.hidden, n_out],
        activation=recipe.activation,
        output=recipe.output or LOSSES[loss].outputs[0],
        dropout=recipe.dropout,
        init=recipe.init,
        seed=recipe.seed,
    )
    for p in model.parameters():
        p.data *= recipe.init_scale
    return model


def new_optimizer(recipe: Recipe, n: int) -> Optimizer:
    """The optimiser, before its first step, for n examples to train on."""
    row, given = OPTIMIZERS[recipe.optimizer], dict(recipe.settings)
    known = [number.name for number in row.numbers()]
    if unknown := [name for name in given if name not in known]:
        have = f"its numbers are {', '.join(known)}" if known else "it has none"
        raise RecipeError(f"optimizer {row.name}: there is no number {unknown[0]!r}: {have}")
    try:
        return row(new_rate(recipe, n), **given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"optimizer {recipe.optimizer}: {error}") from None


def new_rate(recipe: Recipe, n: int) -> Rate:
    """The learning rate: a number, or a function of the steps that were made."""
    if recipe.schedule == "constant" and not recipe.warmup:
        return recipe.lr
    steps = recipe.epochs * -(-n // (recipe.batch or n))
    rising = round(recipe.warmup * steps)
    rate = SCHEDULES[recipe.schedule](recipe.lr, max(1, steps - rising))
    return warm_up(rate, rising) if rising else rate


def fit_options(recipe: Recipe, model: MLP, n: int) -> dict[str, Any]:
    """What `fit` is told of a recipe, beside model, examples and loss, for n to train on."""
    callbacks: list[Callable[..., object]] = []
    if recipe.patience is not None:
        callbacks.append(EarlyStopping(recipe.patience))
    if recipe.keep_best:
        callbacks.append(BestWeights(model))
    return {
        "optimizer": new_optimizer(recipe, n),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch,
        "seed": recipe.seed,
        "shuffle": recipe.shuffle,
        "l1": recipe.l1,
        "l2": recipe.l2,
        "clip_norm": recipe.clip_norm,
        "label_smoothing": recipe.label_smoothing,
        "callbacks": callbacks,
    }


assert set(SETTINGS) == {field.name for field in fields(Recipe)}
