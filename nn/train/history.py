"""The record of a training, and what may be called with it after every epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from nn.given import penalty, whole_number
from nn.train.examples import Model


@dataclass
class History:
    """The record of a training: one entry an epoch.

    `loss` is the mean over the examples, each taken before the step it was used for. `accuracy`
    is the share of labels the outputs agreed with, and empty where targets are no labels. The
    same on the data for validation, after the epoch's steps, are `validation_loss` and
    `validation_accuracy`, empty without such data.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)

    def add(
        self, loss: float, accuracy: float | None, measured: tuple[float, float | None] | None
    ) -> None:
        """Enter an epoch, with what was measured on the data for validation."""
        own = [loss], [] if accuracy is None else [accuracy]
        other = [[] if x is None else [x] for x in measured or (None, None)]
        # Without a call between them, at which Ctrl-C might part them.
        self.loss += own[0]
        self.accuracy += own[1]
        self.validation_loss += other[0]
        self.validation_accuracy += other[1]

    @property
    def latest(self) -> str:
        """The last epoch in a few words."""
        said = [f"loss {self.loss[-1]:.4f}"]
        said += [f"accuracy {share:.1%}" for share in self.accuracy[-1:]]
        said += [f"validation {loss:.4f}" for loss in self.validation_loss[-1:]]
        said += [f"accuracy {share:.1%}" for share in self.validation_accuracy[-1:]]
        return "  ".join(said)

    @property
    def watched(self) -> list[float]:
        """The loss on the data for validation; without these, on those of the training."""
        return self.validation_loss or self.loss


class EarlyStopping:
    """A callback for `fit`: ends the training when the loss has not fallen for `patience` epochs.

    It watches the loss on the data for validation, and without these that of the training. To fall
    by `least` or less is not to fall.
    """

    def __init__(self, patience: int, *, least: float = 0.0) -> None:
        self.patience, self.least = whole_number("patience", patience), penalty("least", least)
        self.best, self.waited = math.inf, 0

    def __call__(self, history: History) -> bool:
        """Whether it is time to stop."""
        if history.epochs == 1:
            self.best, self.waited = math.inf, 0
        if history.watched[-1] < self.best - self.least:
            self.best, self.waited = history.watched[-1], 0
        else:
            self.waited += 1
        return self.waited >= self.patience


class BestWeights:
    """A callback for `fit`: when it ends, the model gets the parameters of its best epoch back.

    That is the one after which the loss on the data for validation was lowest. A training that is
    interrupted, or diverges, leaves the parameters of the last step.
    """

    def __init__(self, model: Model) -> None:
        self.parameters = model.parameters()
        self.best, self.numbers = math.inf, list[float]()

    def __call__(self, history: History) -> None:
        """Keep the parameters, if they are the best so far."""
        if not history.validation_loss:
            raise ValueError("BestWeights needs data for validation: fit(..., validation=(X, y))")
        if history.epochs == 1:
            self.best = math.inf
        if history.validation_loss[-1] < self.best:
            self.best = history.validation_loss[-1]
            self.numbers = [p.data for p in self.parameters]

    def end(self) -> None:
        """Give the best parameters back."""
        for p, number in zip(self.parameters, self.numbers):
            p.data = number
