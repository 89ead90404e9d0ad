"""What there is to set, and what there is to choose from: the page builds its controls from this.

All lists come from the rows of their kinds: one that is added to them is on the page as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nn.datasets import DATASETS
from nn.losses import LOSSES
from nn.model.init import INITS
from nn.model.layers import ACTIVATIONS
from nn.optim import OPTIMIZERS
from nn.playground.session import Session, data_of
from nn.playground.state import FEATURES, MOST_LAYERS, MOST_NEURONS, State, data_sets

IN_THUMB = 90  # points of a small picture of a data set


@dataclass(frozen=True, slots=True)
class Control:
    """A setting: what it is called on the page, how it is shown, and what it may be.

    `kind` is "slider" (`low` to `high`, by `step`; `log` counts in powers of ten), "choice",
    "several" (of the choices), or "thumbs" (choices with a picture).
    """

    name: str
    label: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    log: bool = False
    help: str = ""


CONTROLS = (
    Control("data", "data set", "thumbs"),
    Control("noise", "noise", "slider", 0.0, 0.5, 0.01),
    Control("n", "points", "slider", 20, 500, 10),
    Control("held_out", "held out", "slider", 0.0, 0.6, 0.05, help="share that is not trained on"),
    Control("features", "inputs", "several", help="what the net is fed of a point"),
    Control("activation", "activation", "choice", help="of the hidden neurons"),
    Control("loss", "loss", "choice"),
    Control("output", "output", "choice", help="activation of the last layer"),
    Control("init", "first weights", "choice"),
    Control("optimizer", "optimiser", "choice"),
    Control("lr", "learning rate", "slider", -4, 1, 0.05, log=True),
    Control("batch", "batch", "choice", help="examples in one step"),
    Control("l2", "L2", "slider", -5, 0, 0.1, log=True, help="penalty on squared weights"),
)
LABELS = {control.name: control.label for control in CONTROLS} | {"hidden": "layers"}


def described(session: Session) -> dict[str, Any]:
    """The controls with their present values and choices."""
    now = session.now
    known = choices(now)
    return {
        "controls": [{**asdict(c), "choices": known.get(c.name, [])} for c in CONTROLS],
        "settings": {**{name: getattr(now, name) for name in LABELS}, "seed": now.seed},
        "most": {"layers": MOST_LAYERS, "neurons": MOST_NEURONS},
    }


def choices(now: State) -> dict[str, list[dict[str, Any]]]:
    """What there is to choose from, by setting: each as its value and its name for readers."""
    outputs = {name: ACTIVATIONS.get(name) for name in LOSSES[now.loss].outputs}
    return {
        "data": rows({name: DATASETS.get(name) for name in data_sets()}),
        "features": rows(FEATURES),
        "activation": rows(ACTIVATIONS),
        "loss": rows(LOSSES),
        "output": rows(outputs),
        "init": rows(INITS),
        "optimizer": rows(OPTIMIZERS),
        "batch": [{"value": n, "text": "all" if n is None else str(n)} for n in batches(now)],
    }


def rows(known: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Names, and how their rows are shown, or else the names again.

    >>> rows(OPTIMIZERS)[0]
    {'value': 'adam', 'text': 'Adam'}
    """
    return [
        {"value": name, "text": getattr(row, "shown", "") or name.replace("_", " ")}
        for name, row in known.items()
    ]


def batches(now: State) -> list[int | None]:
    """Sizes of a batch, with that of now among them; None is all examples."""
    sizes = {1, 10, 32, *([now.batch] if now.batch else [])}
    return [*sorted(sizes), None]


def thumbs(now: State) -> dict[str, list[list[float]]]:
    """A few points of every data set, within -1 to 1, as (x1, x2, label)."""
    return {name: thumb(now, name) for name in data_sets()}


def thumb(now: State, name: str) -> list[list[float]]:
    """A few points of a data set as it would be taken; of one's own those that there are."""
    if name == "own":
        X, y = [[x1, x2] for x1, x2, _ in now.points], [label for _, _, label in now.points]
    else:
        known = {"loss": now.loss, "output": now.output, "seed": now.seed, "held_out": 0.0}
        known |= {"noise": now.noise} if name == now.data else {}
        X, y, _, _ = data_of(State.of({**known, "data": name, "n": IN_THUMB}))
    return [[*map(float, row), label] for row, label in zip(fitted(X), y)][:IN_THUMB]


def fitted(X: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Points moved and scaled into the square from -1 to 1."""
    if not X:
        return []
    ends = [(min(axis), max(axis)) for axis in zip(*X, strict=True)]
    half = max([high - low for low, high in ends]) / 2 or 1.0
    (a, b) = [(low + high) / 2 for low, high in ends]
    return [((x - a) / half, (y - b) / half) for x, y in X]


def named(message: str) -> str:
    """A message about a setting with the name that the page has for it."""
    name, colon, rest = message.partition(": ")
    return f"{LABELS[name]}: {rest}" if colon and name in LABELS else message
