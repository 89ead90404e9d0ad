"""Training: show the examples, follow the gradient, keep the record.

>>> from nn import MLP, SGD, datasets, fit, losses
>>> X, y = datasets.moons()
>>> model = MLP(2, [8, 1], seed=0)
>>> history = fit(
...     model, X, y, loss=losses.hinge, optimizer=SGD(0.5), epochs=30, progress=False
... )
>>> history.loss[-1] < history.loss[0]
True
"""

from __future__ import annotations

import gc
import math
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from autograd_core import Value, mean, topological
from nn.layers import MLP
from nn.losses import Loss
from nn.optim import Optimizer

AnyLoss: TypeAlias = "Loss | Callable[[Any, Any], Value]"


class DivergedError(FloatingPointError):
    """Training met a number that is not finite; the message names where it arose."""


@dataclass
class History:
    """The record of a training: one entry an epoch.

    `loss` is the mean over the examples, each taken before the step it was used for. `accuracy`
    is the share of labels the outputs agreed with, and empty where targets are no labels.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many epochs were finished."""
        return len(self.loss)


def fit(
    model: MLP,
    X: Iterable[Sequence[float]],
    y: Iterable[Any],
    *,
    loss: AnyLoss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    seed: int = 0,
    progress: bool = True,
    callbacks: Iterable[Callable[[History], object]] = (),
) -> History:
    """Train a model on examples X with targets y, and return the record.

    Each step takes the mean loss over a batch, the whole data set by default; smaller batches
    are shuffled every epoch, by `seed`. After each epoch every callback is called with the
    record so far; one that returns True ends the training. `loss` is one of `nn.losses`, or a
    function `(prediction, target) -> Value` for one example.

    Raises ValueError for data that do not fit the model or the loss, and DivergedError for a
    loss or gradient that is not finite. Whatever is raised, Ctrl-C too, the parameters are those
    of the last finished step.
    """
    data = Data.of(model, X, y, loss)
    size = data.n if batch_size is None else batch_size
    if size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")
    parameters = model.parameters()
    order, rng = list(range(data.n)), random.Random(seed)
    history = History()
    with progress_bar(epochs, enabled=progress) as show:
        for epoch in range(epochs):
            if size < data.n:
                rng.shuffle(order)
            losses, hits = 0.0, 0
            for start in range(0, data.n, size):
                batch = order[start : start + size]
                with collector_paused():
                    batch_loss, batch_hits = step(model, data, batch, optimizer, parameters, epoch)
                losses += batch_loss * len(batch)
                hits += batch_hits
            history.loss.append(losses / data.n)
            if data.labels is not None:
                history.accuracy.append(hits / data.n)
            show(history)
            answers = [callback(history) for callback in callbacks]
            if True in answers:
                break
    return history


def evaluate(
    model: MLP, X: Iterable[Sequence[float]], y: Iterable[Any], *, loss: AnyLoss
) -> tuple[float, float | None]:
    """The mean loss, and the accuracy or None where the targets are no labels."""
    data = Data.of(model, X, y, loss)
    losses, hits = 0.0, 0
    for i in range(data.n):
        outputs = model.outputs(data.X[i])
        losses += data.loss_of(outputs, i).data
        hits += data.is_hit(outputs, i)
    return losses / data.n, None if data.labels is None else hits / data.n


def step(
    model: MLP,
    data: Data,
    batch: Sequence[int],
    optimizer: Optimizer,
    parameters: Sequence[Value],
    epoch: int,
) -> tuple[float, int]:
    """Forward, backward and update on one batch; its mean loss and how many labels were hit."""
    outputs = [model.outputs(data.X[i]) for i in batch]
    loss = mean([data.loss_of(o, i) for o, i in zip(outputs, batch, strict=True)])
    if not math.isfinite(loss.data):
        raise DivergedError(f"epoch {epoch + 1}: the loss is {loss.data}; {first_nonfinite(loss)}")
    model.zero_grad()
    loss.backward()
    for p in parameters:
        if not math.isfinite(p.grad):
            raise DivergedError(f"epoch {epoch + 1}: the gradient of {p.label} is {p.grad}")
    optimizer.step(parameters)
    return loss.data, sum(data.is_hit(o, i) for o, i in zip(outputs, batch, strict=True))


@dataclass(frozen=True)
class Data:
    """Examples checked against a model and a loss.

    `targets` are what the loss takes; `labels` the classes, or None where the targets are none.
    """

    X: list[list[float]]
    targets: list[Any]
    labels: list[int] | None
    loss: AnyLoss

    @classmethod
    def of(cls, model: MLP, X: Iterable[Sequence[float]], y: Iterable[Any], loss: AnyLoss) -> Data:
        """The data, or a ValueError that names the first example that is wrong."""
        rows, targets = [[float(v) for v in x] for x in X], list(y)
        if not rows:
            raise ValueError("the data set is empty")
        if len(rows) != len(targets):
            raise ValueError(f"there are {len(rows)} examples and {len(targets)} targets")
        for i, x in enumerate(rows):
            if len(x) != model.n_in:
                raise ValueError(f"X[{i}] has {len(x)} inputs, the model expects {model.n_in}")
            if not all(map(math.isfinite, x)):
                raise ValueError(f"X[{i}] = {x} is not finite")
        if not isinstance(loss, Loss):
            return cls(rows, targets, None, loss)
        encoded = []
        for i, target in enumerate(targets):
            try:
                encoded.append(loss.encode(target, model.sizes[-1]))
            except ValueError as error:
                raise ValueError(f"y[{i}]: {error}") from None
        return cls(rows, encoded, labels_of(targets, model.sizes[-1]), loss)

    @property
    def n(self) -> int:
        """How many examples there are."""
        return len(self.X)

    def loss_of(self, outputs: list[Value], i: int) -> Value:
        """The loss of the outputs for example i."""
        if isinstance(self.loss, Loss):
            return self.loss.formula(outputs, self.targets[i])
        return self.loss(outputs[0] if len(outputs) == 1 else outputs, self.targets[i])

    def is_hit(self, outputs: list[Value], i: int) -> bool:
        """Whether the outputs for example i speak for its label."""
        if self.labels is None or not isinstance(self.loss, Loss):
            return False
        return self.loss.label([output.data for output in outputs]) == self.labels[i]


def labels_of(targets: Sequence[Any], n_outputs: int) -> list[int] | None:
    """The targets as classes 0 to k - 1 (-1 is class 0); None if any is something else."""
    known = (-1, 0, 1) if n_outputs == 1 else range(n_outputs)
    if any(hasattr(target, "__len__") or target not in known for target in targets):
        return None
    return [max(0, int(target)) for target in targets]


def first_nonfinite(root: Value) -> str:
    """Where in a graph the first number that is not finite arose."""
    first = next(v for v in topological(root) if not math.isfinite(v.data))
    if first.op is None:
        return f"the first such number is {first.label or 'an input'} = {first.data}"
    operands = ", ".join(
        f"{p.label} = {p.data:g}" if p.label else f"{p.data:g}" for p in first.parents
    )
    return f"the first such number is {first.op.name} of ({operands})"


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection meanwhile: graphs have no cycles and are freed without it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def progress_bar(epochs: int, *, enabled: bool) -> Iterator[Callable[[History], None]]:
    """A bar that moves by an epoch and shows the latest loss and accuracy."""
    if not enabled:
        yield lambda history: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=epochs, unit="epoch") as bar:

        def show(history: History) -> None:
            accuracy = f"  accuracy {history.accuracy[-1]:.1%}" if history.accuracy else ""
            bar.set_description_str(f"loss {history.loss[-1]:.4f}{accuracy}", refresh=False)
            bar.update()

        yield show
