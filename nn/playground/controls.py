"""What there is to set, and what there is to choose from: the page builds its controls from this.

All lists come from the rows of their kinds: one that is added to them is on the page as well, and
a setting that has no control of its own here is found among those that are folded away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from nn.datasets import DATASETS, DataSet
from nn.losses import LOSSES
from nn.model.init import INITS
from nn.model.layers import ACTIVATIONS
from nn.optim import OPTIMIZERS
from nn.playground.session import Session, data_of
from nn.playground.state import FEATURES, MOST_LAYERS, MOST_NEURONS, REFUSED, State, data_sets
from nn.train.settings import SETTINGS, Check, Setting, flag, share

IN_THUMB = 90  # points of a small picture of a data set


@dataclass(frozen=True, slots=True)
class Control:
    """A setting: what it is called on the page, how it is shown, and what it may be.

    `kind` is "slider" (`low` to `high`, by `step`; `log` counts in powers of ten), "choice",
    "several" (of the choices), "thumbs" (choices with a picture), "switch", or "number" (which may
    be left open where it is None by default). Those that are `folded` are seldom used.
    """

    name: str
    label: str
    kind: str
    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    log: bool = False
    help: str = ""
    folded: bool = False


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
    Control("l1", "L1", "slider", -5, 0, 0.1, log=True, help="penalty on the size of weights"),
    Control("l2", "L2", "slider", -5, 0, 0.1, log=True, help="penalty on squared weights"),
)
ELSEWHERE = {"hidden", "seed", "settings"}  # by buttons, and from Python


def folded() -> tuple[Control, ...]:
    """The other settings that a playground takes, from their rows."""
    own = {control.name for control in CONTROLS} | ELSEWHERE | set(REFUSED)
    return tuple([control_of(name, row) for name, row in SETTINGS.items() if name not in own])


def control_of(name: str, row: Setting) -> Control:
    """What a setting's row makes of it."""
    kinds: dict[Check, str] = {flag: "switch", share: "slider"}
    kind = "choice" if row.names else kinds.get(row.check, "number")
    return Control(name, name.replace("_", " "), kind, 0.0, 0.95, 0.05, help=row.what, folded=True)


def controls() -> tuple[Control, ...]:
    """All of them."""
    return (*CONTROLS, *folded())


def described(session: Session) -> dict[str, Any]:
    """The controls with their present values and choices."""
    now = session.now
    known, all_, usual = choices(now), controls(), State()
    shown = [*[control.name for control in all_], "hidden", "seed"]
    return {
        "controls": [
            {**asdict(c), "choices": known.get(c.name, []), "usual": getattr(usual, c.name)}
            for c in all_
        ],
        "settings": {name: getattr(now, name) for name in shown},
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
        **{
            c.name: rows(dict.fromkeys(SETTINGS[c.name].names))
            for c in folded()
            if c.kind == "choice"
        },
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


def thumbs(now: State) -> dict[str, dict[str, Any]]:
    """A few points of every data set, within -1 to 1, as (x1, x2, label or number)."""
    return {
        name: {"points": thumb(now, name), "numbers": name != "own" and DATASETS[name].numbers}
        for name in data_sets()
    }


def thumb(now: State, name: str) -> list[list[float]]:
    """A few points of a data set as it would be taken; of one's own those that there are."""
    if name == "own":
        return dots([[x1, x2] for x1, x2, _ in now.points], [label for _, _, label in now.points])
    known: dict[str, Any] = {"seed": now.seed}
    known |= {"noise": now.noise} if name == now.data else {}
    known |= {} if DATASETS[name].numbers else {"loss": now.loss, "output": now.output}
    return dots_of(DATASETS[name], **known)


@lru_cache(maxsize=64)  # a page asks for all at every change of its data, which changes few
def dots_of(row: DataSet, **known: Any) -> list[list[float]]:
    """A few points of a data set with these settings."""
    X, y, _, _ = data_of(State.of({**known, "data": row.name, "n": IN_THUMB, "held_out": 0.0}))
    return dots(X, y)


def dots(X: Sequence[Sequence[float]], y: Sequence[Any]) -> list[list[float]]:
    """The first points, fitted into the square, with their labels."""
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
    labels = {"hidden": "layers"} | {control.name: control.label for control in controls()}
    return f"{labels[name]}: {rest}" if colon and name in labels else message
