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

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from autograd_core.engine import collector_paused
from nn.given import Seed, look_up, whole_number
from nn.model.module import Module, outputs_of, unchanged
from nn.optim import OPTIMIZERS, Optimizer
from nn.train.examples import AnyLoss, Examples, Model, check_model, inputs_for
from nn.train.loop import Loop
from nn.train.slopes import DivergedError
from nn.train.stacks import each

# Epochs after which what callbacks may have changed is looked for: it takes as long as recording.
CHECKED = {10**k for k in range(10)}


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
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    *,
    loss: AnyLoss,
    optimizer: str | Optimizer,
    epochs: int,
    batch_size: int | None = None,
    seed: Seed = 0,
    l2: float = 0.0,
    compile: bool = True,
    executor: str | None = None,
    progress: bool = True,
    callbacks: Iterable[Callable[[History], object]] = (),
) -> History:
    """Train a model on examples X with targets y, and return the record.

    A model is an MLP, a Module of your own, or whatever has `parameters()` and can be called with
    one example: a list of numbers, a number, or lists within lists, such as an image or a sequence
    of vectors. Sequences may differ in length: each length is then recorded by itself.
    Each step takes the mean loss over a batch, the whole data set by default; smaller batches
    are shuffled every epoch, by `seed`. After each epoch every callback is called with the
    record so far; one that returns True itself ends the training. `loss` is one of `nn.losses`,
    its name, or a function `(prediction, target) -> Value` for one example; `optimizer` may be a
    name too, for one with its default rate. `l2` adds l2 · w² to what is minimised, for each
    parameter but the biases of neurons. X and y may be arrays, tensors and tables. Model and loss
    are compiled, and run by what `executor` names (see `compile`); `compile=False` builds the graph
    of every step instead, to the same numbers but for rounding.
    What the loss reads besides Values, a variable or an attribute, is kept as it was; callbacks
    that change it are noticed after 1, 10, 100, ... epochs and at the end: RecordingError.

    Raises ValueError for data that do not fit the model or the loss, and DivergedError where a
    number overflows, is not defined, or makes the loss or a gradient other than finite. Whatever
    is raised, Ctrl-C too, the parameters are those of the last finished step.

    Threads and processes may train at the same time, each a model of its own, to the same bits as
    alone. A model, an optimiser or a compiled program that they share is for one of them at a time.
    """
    data = Examples.of(model, X, y, loss)
    optimizer = as_optimizer(optimizer)
    size = data.n if batch_size is None else whole_number("batch_size", batch_size)
    epochs = whole_number("epochs", epochs, at_least=0)
    callbacks = list(callbacks)
    history = History()
    if isinstance(model, Module):
        model.recipe = None  # by which it is trained no more
    ways: dict[str, Any] = {"compile": compile, "executor": executor}
    loop = Loop(model, data, optimizer, batch_size=size, seed=seed, l2=l2, **ways)
    # Closed twice: if Ctrl-C comes while the numbers are put back, they are put back again.
    with progress_bar(epochs, enabled=progress) as show, closing(loop), closing(loop):
        while history.epochs < epochs:
            try:
                done = loop.epochs(1 if callbacks else epochs - history.epochs)
            except DivergedError as error:
                raise DivergedError(f"epoch {history.epochs + 1}: {error}") from error.__cause__
            for mean_loss, accuracy in done:
                # Without a call between the two, at which Ctrl-C might part them.
                history.loss += [mean_loss]
                if accuracy is not None:
                    history.accuracy += [accuracy]
                show(history)
            is_last = history.epochs == epochs
            if callbacks and called_back(loop, history, callbacks, is_last=is_last):
                break
    return history


def called_back(
    loop: Loop, history: History, callbacks: list[Callable[[History], object]], *, is_last: bool
) -> bool:
    """Call every callback with the model as it is; whether one of them ends the training."""
    loop.close()
    if is_last:
        loop.check_unchanged()
    answers = [callback(history) for callback in callbacks]
    loop.open()
    stopped = any(answer is True for answer in answers)
    if stopped or (history.epochs in CHECKED and not is_last):
        loop.check_unchanged()
    return stopped


def evaluate(
    model: Model, X: Iterable[Any], y: Iterable[Any], *, loss: AnyLoss
) -> tuple[float, float | None]:
    """The mean loss, and the accuracy or None where the targets are no labels."""
    data = Examples.of(model, X, y, loss)

    def loss_and_outputs(x: Any, target: Any) -> list[Any]:
        prediction = model(x)
        cost = data.loss_of(prediction, target)
        return [cost, [] if data.labels is None else outputs_of(prediction)]

    with unchanged(model), collector_paused():
        rows = each(loss_and_outputs, data.X, data.targets)
    mean_loss = sum([cost for cost, _ in rows]) / data.n
    if data.labels is None:
        return mean_loss, None
    return mean_loss, data.right([outputs for _, outputs in rows], range(data.n)) / data.n


def predict(model: Model, X: Iterable[Any]) -> list[Any]:
    """What a model says to each example: a number, or a list of them, as it is called.

    >>> from nn import MLP
    >>> predict(MLP(2, [1], init="zeros"), [[0.0, 1.0], [2.0, 3.0]])
    [0.0, 0.0]
    """
    check_model(model)
    with unchanged(model), collector_paused():
        rows = inputs_for(model, X)
        return each(lambda x, _: model(x), rows, [0.0] * len(rows))


def as_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """The optimiser itself, or a new one of that name."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return look_up("optimizer", optimizer, OPTIMIZERS)()


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
