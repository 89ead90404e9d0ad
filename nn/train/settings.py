"""The settings of a run, a row each: what checks it, and what it is for.

Whoever offers settings, the command line or a page of the documentation, makes them of these rows.

>>> SETTINGS["lr"].check(0.5)
0.5
>>> SETTINGS["optimizer"].check("sdg")  # doctest: +ELLIPSIS
Traceback (most recent call last):
nn.train.settings.RecipeError: expected one of adam, sgd, ..., got 'sdg'
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from nn.datasets import DATASETS
from nn.given import shown
from nn.losses import LOSSES
from nn.model.init import INITS
from nn.model.layers import ACTIVATIONS
from nn.optim import OPTIMIZERS
from nn.schedules import SCHEDULES

Check: TypeAlias = Callable[[Any], Any]

MOST = 10**9
LONGEST_JSON = 2_000_000


class RecipeError(ValueError):
    """Settings that make no run; the message names the setting."""


class Setting(NamedTuple):
    """One setting of a run.

    `what` says what it is for, `names` what there is to choose from, and `written` how a command
    line gives it: as one of this type, or `many` of them.
    """

    check: Check
    what: str
    names: Iterable[str] = ()
    written: Callable[[str], Any] = str
    many: bool = False

    def told(self) -> str:
        """What it is for, with the names that there are by now."""
        return f"{self.what}: {', '.join(self.names)}" if self.names else self.what


# --- Checks ----------------------------------------------------------------------------------


def parse(text: str) -> Any:
    """What a JSON text says."""
    if len(text) > LONGEST_JSON:
        raise RecipeError(f"at most {LONGEST_JSON:,} characters, got {len(text):,}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"this is not JSON: {error}") from None


def is_number(x: Any) -> bool:
    """Whether it is a number, and finite."""
    return isinstance(x, (int, float)) and type(x) is not bool and abs(x) <= sys.float_info.max


def number(low: float, high: float) -> Check:
    """A check for numbers from low to high."""

    def check_number(x: Any) -> float:
        if not (is_number(x) and low <= x <= high):
            raise RecipeError(f"expected a number from {low:g} to {high:g}, got {shown(x)}")
        return float(x)

    return check_number


def above_zero(x: Any) -> float:
    """A number above 0, of any size."""
    if not (is_number(x) and x > 0):
        raise RecipeError(f"expected a number above 0, got {shown(x)}")
    return float(x)


def whole(low: int, high: int) -> Check:
    """A check for whole numbers from low to high."""

    def check_whole_number(x: Any) -> int:
        if not (is_number(x) and low <= x <= high and x == int(x)):
            raise RecipeError(f"expected a whole number from {low} to {high:,}, got {shown(x)}")
        return int(x)

    return check_whole_number


def share(x: Any) -> float:
    """A share below 1."""
    if not (is_number(x) and 0 <= x < 1):
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


def flag(x: Any) -> bool:
    """A check for yes or no."""
    if not isinstance(x, bool):
        raise RecipeError(f"expected true or false, got {shown(x)}")
    return x


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
    return tuple([number_called(*pair) for pair in given])


def number_called(name: Any, value: Any) -> tuple[str, float]:
    """A name and its number."""
    name = text(name)
    try:
        return name, number(-math.inf, math.inf)(value)
    except RecipeError:
        raise RecipeError(f"expected a number for {shown(name)}, got {shown(value)}") from None


def pair(written: str) -> tuple[str, Any]:
    """A name and a number, from a word such as eps=0.5; what is no number is left to the check."""
    name, _, value = written.partition("=")
    try:
        return name, float(value)
    except ValueError:
        return name, value


SETTINGS = {
    "data": Setting(one_of(DATASETS), "data set", DATASETS),
    "n": Setting(perhaps(whole(1, MOST)), "points of the data set", written=int),
    "noise": Setting(perhaps(number(0.0, 1e9)), "by how much they are moved", written=float),
    "file": Setting(
        perhaps(text),
        "table of numbers, and of names for classes, separated by commas, semicolons, tabs or "
        "spaces. Columns are trained on less their mean and over their standard deviation, that of "
        "the target where the output is linear; the model that is written takes them as they are "
        "in the table",
    ),
    "target": Setting(
        perhaps(text),
        "column to predict, by its name or number, from 1 (without: y, target, label, class or "
        "species; else the last)",
    ),
    "held_out": Setting(
        share, "share that is not trained on, but measured after every epoch", written=float
    ),
    "hidden": Setting(layers(10**4, 10**6), "neurons of each hidden layer", written=int, many=True),
    "activation": Setting(one_of(ACTIVATIONS), "of the hidden layers", ACTIVATIONS),
    "output": Setting(
        perhaps(output), "activation of the last layer (without: what suits the loss)"
    ),
    "dropout": Setting(
        share, "share of what hidden layers say that is left out in training", written=float
    ),
    "loss": Setting(
        perhaps(one_of(LOSSES)),
        "what is minimised (without: cross entropy for classes, mse for other targets)",
        LOSSES,
    ),
    "init": Setting(one_of(INITS), "how weights start", INITS),
    "init_scale": Setting(number(0.0, 1e9), "times which weights start", written=float),
    "optimizer": Setting(one_of(OPTIMIZERS), "what takes the steps", OPTIMIZERS),
    "lr": Setting(above_zero, "learning rate", written=float),
    "schedule": Setting(one_of(SCHEDULES), "how the rate changes", SCHEDULES),
    "warmup": Setting(
        share, "share of the steps in which the rate rises to its full size", written=float
    ),
    "settings": Setting(
        pairs, "numbers of the optimizer, each as NAME=NUMBER", written=pair, many=True
    ),
    "l1": Setting(
        number(0.0, 1e9), "l1 · |w| is added to the loss for each weight w", written=float
    ),
    "l2": Setting(
        number(0.0, 1e9), "l2 · w² is added to the loss for each weight w", written=float
    ),
    "clip_norm": Setting(
        perhaps(above_zero),
        "a longer gradient is shortened to this",
        written=float,
    ),
    "label_smoothing": Setting(share, "share of a label that all classes get alike", written=float),
    "epochs": Setting(whole(1, MOST), "how often all examples are used", written=int),
    "batch": Setting(perhaps(whole(1, MOST)), "examples in a step (without: all)", written=int),
    "shuffle": Setting(flag, "whether examples come in another order in every epoch"),
    "patience": Setting(
        perhaps(whole(1, MOST)),
        "epochs without a fall of the loss, on what is held out if there is any, that end the run",
        written=int,
    ),
    "keep_best": Setting(
        flag, "whether the model ends as it was when the loss on what is held out was lowest"
    ),
    "seed": Setting(whole(-(2**53), 2**53), "of data, weights and order", written=int),
}
