"""What a page is told of a session: a run as it stays, and a frame for every moment of it.

Every picture is a function of the present numbers, so that no two figures on the page are of
different moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nn.playground.controls import described, thumbs
from nn.playground.lessons import LESSONS
from nn.playground.player import SPEEDS
from nn.playground.readout import (
    ACTIVATED,
    Look,
    curve,
    differences,
    example,
    names,
    pictures,
    slopes,
)
from nn.playground.session import Ahead, Session

MOST_TRACED = 2000  # points of the loss on screen
IN_LESSON = ("name", "ask", "choices", "shows", "change", "covers", "backward")


class Frames:
    """What is to be seen of a session, by what its pages look at, and beside a ghost of it.

    With a `share`, the next step is shown as if so much of it were made.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.look = session, Look()
        self.share: float | None = None
        self.ghost: Session | None = None
        self.trace: list[list[float | None]] = []
        self.told: list[list[float | None]] = []
        self.drawn: tuple[Any, Any] = (None, None)  # what the curve was drawn of, and the curve

    def run(self) -> dict[str, Any]:
        """What stays the same while a run goes on."""
        session, now = self.session, self.session.now
        self.told = []
        lesson = LESSONS.get(session.lesson)
        return {
            **described(session),
            **self.points(),
            "sizes": [len(now.features), *session.model.sizes],
            "names": names(session.parameters),
            "classes": now.classes,
            "numbers": now.of_numbers,
            "scale": session.scale,
            "scaled": session.loss.threshold == 0,
            "activations": [now.activation] * len(now.hidden) + [now.output],
            "shapes": {"at": ACTIVATED.tolist(), "of": session.readout.shapes()},
            "thumbs": thumbs(now),
            "speeds": [speed.text for speed in SPEEDS],
            "lessons": [*LESSONS],
            "lesson": lesson and {name: getattr(lesson, name) for name in IN_LESSON},
        }

    def points(self) -> dict[str, Any]:
        """The points of the plane."""
        points = self.session.points()
        return {"points": points, "bounds": self.session.bounds, "train": len(self.session.X)}

    @np.errstate(all="ignore")  # what is not finite is told as that
    def frame(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture of this moment."""
        session, ahead = self.session, self.session.ahead()
        self.look = self.kept_in(self.look)
        if self.share is None or ahead is None:
            return self.moment(ahead)
        with session.at(session.theta() + self.share * ahead.delta):
            return self.moment(ahead)

    def moment(self, ahead: Ahead | None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The same, of the numbers in the model."""
        session, look = self.session, self.look
        loss, accuracy, gradient = session.measured()
        held, held_accuracy, _ = session.measured("held")
        nothing = np.zeros(len(session.parameters))
        arrays = {
            **pictures(session, look),
            "theta": session.theta(),
            "gradient": nothing if gradient is None else gradient,
            "delta": nothing if ahead is None else ahead.delta,
            **example(session, look.point),
            **(slopes(session) if look.backward else {}),
            "curve": self.curve(),
            **carried(session),
        }
        header = {
            "steps": session.steps,
            "epoch": session.epoch,
            "loss": loss,
            "accuracy": accuracy,
            "held": held,
            "held_accuracy": held_accuracy,
            "check": differences(session, look.weight),
            "look": [look.weight, look.low, look.high, look.point, look.neuron],
            "batch": [] if ahead is None or len(ahead.batch) == len(session.X) else ahead.batch,
            "of": 0 if ahead is None else len(ahead.batch),
            "share": self.share,
            "carries": [] if session.loop is None else [*session.loop.optimizer.carries],
            "ghost": self.ghost is not None,
            **self.traced(),
        }
        return header, arrays

    def curve(self) -> Any:
        """The curve of the weight looked at, which stays as it is while that weight is dragged."""
        theta, look = self.session.theta(), self.look
        theta[look.weight] = 0.0
        table = self.session.tables["train"]
        key = look.weight, look.low, look.high, table, theta.tobytes()
        if key != self.drawn[0]:
            self.drawn = key, curve(self.session, look)
        return self.drawn[1]

    def ghost_loss(self) -> float | None:
        """The loss of the ghost now."""
        return None if self.ghost is None else self.ghost.measured()[0]

    def enter(self) -> None:
        """Enter the losses of now into their curve."""
        loss, held = [self.session.measured(name)[0] for name in ("train", "held")]
        self.trace = [*self.past(), [self.session.steps, loss, held, self.ghost_loss()]]

    def past(self) -> list[list[float | None]]:
        """The curve before this step, of half as many points where it has too many."""
        kept = [entry for entry in self.trace if (entry[0] or 0) < self.session.steps]
        return kept[::2] if len(kept) >= MOST_TRACED else kept

    def traced(self) -> dict[str, Any]:
        """The curves of the losses up to now: what is new in them since they were told."""
        if self.share is None:  # what is but shown is not entered
            self.enter()
        kept = self.past()
        same = len(self.told) <= len(kept) and kept[: len(self.told)] == self.told
        start = len(self.told) if same else 0
        self.told = kept
        return {"from": start, "trace": self.trace[start:]}

    def kept_in(self, look: Look) -> Look:
        """The same within what there is."""
        session = self.session
        n = len(session.X) + len(session.test_X)
        units = sum(session.model.sizes)
        return replace(
            look,
            weight=min(look.weight, len(session.parameters) - 1),
            point=max(0, min(look.point, n - 1)),
            neuron=None if look.neuron is None else min(look.neuron, units - 1),
        )


def packed(header: dict[str, Any], arrays: Mapping[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """A frame as it travels: a message, and the bytes of its arrays."""
    kinds = [[name, array.dtype.str] for name, array in arrays.items()]
    buffers = [np.ascontiguousarray(array).tobytes() for array in arrays.values()]
    return {"kind": "frame", "arrays": kinds, **header}, buffers


def carried(session: Session) -> dict[str, Any]:
    """What the optimiser carries along for each parameter: `carried0`, `carried1`, ..."""
    if session.loop is None:
        return {}
    n = len(session.parameters)
    slots = [np.broadcast_to(np.asarray(slot, float), n) for slot in session.loop.state[1:]]
    return {f"carried{i}": slot.astype(np.float32) for i, slot in enumerate(slots)}
