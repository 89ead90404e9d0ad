"""Lessons: a setting, a question to predict, and the answer from the live numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nn.given import look_up
from nn.playground.session import Session
from nn.playground.state import State
from nn.train.slopes import DivergedError

Answer = tuple[int, str]  # which choice is right, and the sentence that says why


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is asked, of which run, and how the answer is found in it.

    `shows` are the controls that stay, and `change` is the one to try then. `covers` hides slopes
    until something was predicted, and `backward` shows them.
    """

    name: str
    ask: str
    choices: tuple[str, ...]
    answer: Callable[[Session], Answer]
    state: dict[str, Any] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    change: str = ""
    covers: bool = False
    backward: bool = False

    def session(self) -> Session:
        """The run that it is about."""
        return Session(State.of(self.state))


def layer_norms(session: Session) -> list[float]:
    """The length of the mean loss's gradient, layer by layer."""
    _, _, gradient = session.measured()
    assert gradient is not None
    ends = np.cumsum([len(layer.parameters()) for layer in session.model.layers])
    return [float(np.linalg.norm(part)) for part in np.split(gradient, ends[:-1])]


def trained(session: Session, steps: int) -> Session:
    """The run after so many steps, or until it ends; the one given stays as it is."""
    after = Session(session.state)
    try:
        for _ in range(steps):
            after.step()
    except DivergedError:
        pass
    return after


def vanishing(session: Session) -> Answer:
    """Where the gradient is smallest."""
    norms = layer_norms(session)
    at = norms.index(min(norms))
    where = 0 if at == 0 else 2 if at == len(norms) - 1 else 1
    return where, (
        f"The gradient of the first layer is {norms[0]:.1g} long, of the last {norms[-1]:.1g}: "
        "every sigmoid multiplies by a slope of at most 1/4. Try tanh."
    )


def dead_relu(session: Session) -> Answer:
    """How many neurons of the first layer never answer."""
    layer = session.model.layers[0]
    said = session.readout.units(session.tables["train"].X)[:, : layer.n_out]  # type: ignore[union-attr]
    dead = int((said <= 0).all(axis=0).sum())
    return min(2, dead), (
        f"{dead} of {layer.n_out} neurons answer 0 to every point. Where relu says 0 its slope "
        "is 0: no gradient, no way back. Try leaky relu."
    )


def zeros(session: Session) -> Answer:
    """Whether neurons that start alike become different."""
    weights = [[w.data for w in n.w] for n in trained(session, 200).model.layers[0].neurons]
    same = all(row == weights[0] for row in weights)
    return (0 if same else 1), (
        "All neurons of the layer still have the same weights: they began alike, and got the same "
        "gradient at every step. Only the last bias can learn. Try other first weights."
        if same
        else "They differ."
    )


def too_fast(session: Session) -> Answer:
    """What a large rate does to the loss."""
    before, after = session.measured()[0], trained(session, 60).measured()[0]
    worse = after is None or before is None or after > before
    told = "no number any more" if after is None else f"{after:.3g}"
    return (2 if worse else 0), (
        f"After 60 steps the loss went from {before:.3g} to {told}. The tangent is right for "
        "small steps only: look where the next one lands on the curve. Try a tenth of the rate."
    )


def share_right(session: Session, steps: int) -> float:
    """The share of the training points that are right after so many steps."""
    return trained(session, steps).measured()[1] or 0.0


def linear(session: Session) -> Answer:
    """What two layers without a bend can do."""
    right = share_right(session, 300)
    return (0 if right < 0.75 else 1 if right < 0.95 else 2), (
        f"{right:.0%} after 300 steps: a linear function of a linear function is linear, however "
        "many neurons there are. Try tanh."
    )


def xor(session: Session) -> Answer:
    """What one straight line can do."""
    right = share_right(session, 300)
    return (0 if right < 0.65 else 1 if right < 0.9 else 2), (
        f"{right:.0%} after 300 steps: one line has one direction. Add a hidden layer, or feed "
        "the product of both inputs."
    )


LESSONS = {
    lesson.name: lesson
    for lesson in (
        Lesson(
            "vanishing",
            "Four layers of sigmoids. In which weights is the gradient smallest?",
            ("the first layer's", "the middle ones'", "the last layer's"),
            vanishing,
            {"hidden": [8, 8, 8], "activation": "sigmoid"},
            ("activation", "init"),
            "activation",
            covers=True,
            backward=True,
        ),
        Lesson(
            "dead relu",
            "Eight relu neurons, large steps were made. How many never answer?",
            ("none", "one", "several"),
            dead_relu,
            {
                "hidden": [8],
                "activation": "relu",
                "seed": 1,
                "lr": 0.3,
                "changes": [
                    *[[0, "weight", [3 * i + 2, -4.0 - i]] for i in (1, 4, 6)],
                ],
            },
            ("activation", "lr"),
            "activation",
        ),
        Lesson(
            "zeros",
            "All weights start at 0. After 200 steps, the neurons of the first layer are ...",
            ("still all alike", "all different"),
            zeros,
            {"hidden": [5], "init": "zeros"},
            ("init", "lr"),
            "init",
        ),
        Lesson(
            "too fast",
            "The rate is 30. Train: the loss will ...",
            ("fall", "stay", "jump about, or grow"),
            too_fast,
            {"hidden": [5, 4], "lr": 30.0, "loss": "mse", "activation": "relu", "noise": 0.2},
            ("lr",),
            "lr",
        ),
        Lesson(
            "linear",
            "A disc within a ring, and neurons that are linear. How many points can be right?",
            ("about half", "most", "all"),
            linear,
            {"data": "circles", "hidden": [8, 8], "activation": "linear", "noise": 0.05},
            ("activation",),
            "activation",
        ),
        Lesson(
            "xor",
            "XOR, and no hidden layer. How many points can training get right?",
            ("about half", "three in four", "all"),
            xor,
            {"data": "xor", "hidden": [], "noise": 0.15},
            ("features",),
            "features",
        ),
    )
}


def lesson_of(name: str) -> Lesson:
    """The lesson of that name; ValueError names those that there are."""
    return look_up("lesson", name, LESSONS)
