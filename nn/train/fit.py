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

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from autograd_core import softmax
from autograd_core.engine import collector_paused
from nn.given import Seed, length, listed, look_up, penalty, plain, shown, whole_number
from nn.losses import Loss
from nn.model.mlp import MLP
from nn.model.module import Module, outputs_of, unchanged
from nn.optim import OPTIMIZERS, Optimizer
from nn.train.examples import AnyLoss, Examples, Model, check_model, cost, inputs_for
from nn.train.history import History
from nn.train.loop import Loop, executor_for
from nn.train.slopes import DivergedError
from nn.train.stacks import each, kept, reference, weakly

if TYPE_CHECKING:
    from autograd_core.compiler.executors import Wanted

# Epochs after which what callbacks may have changed is looked for: it takes as long as recording.
CHECKED = {10**k for k in range(10)}


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
    shuffle: bool = True,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    label_smoothing: float = 0.0,
    sample_weight: Iterable[float] | None = None,
    validation: tuple[Iterable[Any], Iterable[Any]] | None = None,
    compile: bool = True,
    executor: Wanted | None = None,
    progress: bool = True,
    callbacks: Iterable[Callable[[History], object]] = (),
) -> History:
    """Train a model on examples X with targets y, and return the record.

    A model is an MLP, a Module of your own, or whatever has `parameters()` and can be called with
    one example: a list of numbers, a number, or lists within lists, such as an image or a sequence
    of vectors. Sequences may differ in length: each length is then recorded by itself. X and y may
    be arrays, tensors and tables. `loss` is one of `nn.losses`, its name, or a function
    `(prediction, target) -> Value` for one example; `optimizer` may be a name too, for one with the
    rate that the command line starts with.

    Each step takes the mean loss over a batch, the whole data set by default; smaller batches are
    shuffled every epoch, by `seed`, or taken in order without `shuffle`. What is minimised may be
    changed: `l1` adds l1 · |w| and `l2` adds l2 · w² for each parameter but the biases of neurons;
    `label_smoothing` takes that share from a label and gives it to all classes alike;
    `sample_weight` multiplies the loss of each example, scaled so that the weights are 1 in the
    mean. `clip_norm` shortens a gradient that is longer, all parameters together.

    After each epoch the loss on `validation`, a pair of X and y, is entered into the record, and
    every callback is called with it; one that returns True itself ends the training (see
    `EarlyStopping`), and one that has a method `end` is called by it when training has ended.

    Model and loss are compiled, and run by what `executor` names (see `compile`), by default as
    machine code where llvmlite is installed and the training is long (`choose_for_training`);
    `compile=False` builds the graph of every step instead, to the same numbers but for rounding.
    What the loss reads besides Values, a variable or an attribute, is kept as it was; callbacks
    that change it are noticed after 1, 10, 100, ... epochs and at the end: RecordingError.

    Raises ValueError for data that do not fit the model or the loss, and DivergedError where a
    number overflows, is not defined, or makes the loss or a gradient other than finite. Whatever
    is raised, Ctrl-C too, the parameters are those of the last finished step, and the record of
    the epochs before it is the error's `history`.

    Threads and processes may train at the same time, each a model of its own, to the same bits as
    alone. A model, an optimiser or a compiled program that they share is for one of them at a time.
    """
    data = Examples.of(model, X, y, loss, weights=sample_weight, smoothing=label_smoothing)
    held_out = None if validation is None else validation_of(model, validation, loss)
    optimizer = as_optimizer(optimizer)
    size = data.n if batch_size is None else whole_number("batch_size", batch_size)
    epochs = whole_number("epochs", epochs, at_least=0)
    what = changes(l1, l2, clip_norm)
    callbacks = functions_of_the_record(callbacks)
    if isinstance(model, Module):
        model.recipe = None  # by which it is trained no more
    if executor is not None and not compile:
        raise ValueError(f"executor: {shown(executor)} runs programs, and compile=False makes none")
    if executor is None and compile:
        executor = executor_for(model, data.n, size, epochs)
    ways: dict[str, Any] = {"shuffle": shuffle, "compile": compile, "executor": executor}
    loop = Loop(model, data, optimizer, batch_size=size, seed=seed, **what, **ways)
    return trained(loop, epochs, held_out, callbacks, progress=progress)


def functions_of_the_record(callbacks: Any) -> list[Callable[[History], object]]:
    """The callbacks as a list; a TypeError names one that cannot be called with a record."""
    found = listed("callbacks", callbacks)
    for i, callback in enumerate(found):
        if isinstance(callback, type) or not callable(callback):
            given = shown(callback)
            raise TypeError(f"callbacks[{i}] must be a function of the record, got {given}")
    return found


def changes(l1: Any, l2: Any, clip_norm: Any) -> dict[str, Any]:
    """What changes a gradient, or a ValueError that says what it must be."""
    most = None if clip_norm is None else length("clip_norm", plain("clip_norm", clip_norm))
    return {"l1": penalty("l1", l1), "l2": penalty("l2", l2), "clip_norm": most}


def trained(
    loop: Loop,
    epochs: int,
    held_out: Examples | None,
    callbacks: list[Callable[[History], object]],
    *,
    progress: bool,
) -> History:
    """The record of so many epochs, or fewer where a callback ends them."""
    history = History()
    at_once = 1 if callbacks or held_out else epochs
    # Closed twice: if Ctrl-C comes while the numbers are put back, they are put back again.
    bar = progress_bar(epochs, "epoch", lambda: history.latest, enabled=progress)
    with at_hand(history), bar as show, closing(loop), closing(loop):
        while history.epochs < epochs:
            try:
                done = loop.epochs(min(at_once, epochs - history.epochs))
                measured = None if held_out is None else loop.measure(held_out)
            except DivergedError as error:
                raise DivergedError(f"epoch {history.epochs + 1}: {error}") from error.__cause__
            for mean_loss, accuracy in done:
                history.add(mean_loss, accuracy, measured)
                show()
            is_last = history.epochs == epochs
            if callbacks and called_back(loop, history, callbacks, is_last=is_last):
                break
    finish(callbacks)
    return history


def finish(callbacks: Iterable[Any]) -> None:
    """Tell the callbacks that are to know it that training has ended."""
    for callback in callbacks:
        if hasattr(callback, "end"):
            callback.end()


@contextmanager
def at_hand(history: History) -> Iterator[None]:
    """Whatever is raised meanwhile has the record so far as its `history`."""
    try:
        yield
    except BaseException as error:
        vars(error)["history"] = history
        raise


def validation_of(model: Model, validation: Any, loss: AnyLoss) -> Examples:
    """The data for validation, checked."""
    try:
        X, y = validation
    except (TypeError, ValueError):
        raise ValueError("validation: expected a pair (X, y) of examples and targets") from None
    try:
        return Examples.of(model, X, y, loss)
    except (TypeError, ValueError) as error:
        raise type(error)(f"validation: {error}") from None


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
    """The mean loss, and the accuracy or None where the targets are no labels.

    What is compiled for a model is kept with it, and serves again while it is unchanged.
    """
    data = Examples.of(model, X, y, loss)
    labelled, named = data.labels is not None, isinstance(data.loss, Loss)
    of_model, formula = weakly(model), weakly(data.formula)  # and no data: it is kept

    def loss_and_outputs(x: Any, target: Any) -> list[Any]:
        said = of_model(x)
        return [cost(formula, said, target, named=named), *(outputs_of(said) if labelled else ())]

    with unchanged(model), collector_paused():
        use = reference(data.formula), labelled, named
        rows = each(loss_and_outputs, data.X, data.targets, kept(model, use))
    mean_loss = sum([loss for loss, *_ in rows]) / data.n
    if data.labels is None:
        return mean_loss, None
    return mean_loss, data.right([outputs for _, *outputs in rows], range(data.n)) / data.n


def predict(model: Model, X: Iterable[Any], *, proba: bool = False) -> list[Any]:
    """What a model says to each example: a number, or a list of them, as it is called.

    With `proba`, that as the probability of label 1, or a list with that of each class: the sigmoid
    or softmax of an MLP's scores, or what one that ends in a sigmoid or softmax says. ValueError
    where what a model says is neither.

    >>> from nn import MLP
    >>> model = MLP(2, [1], init="zeros")
    >>> predict(model, [[0.0, 1.0], [2.0, 3.0]]), predict(model, [[0.0, 1.0]], proba=True)
    ([0.0, 0.0], [0.5])
    """
    check_model(model)
    of_model, shares = weakly(model), as_shares(model) if proba else None

    def said(x: Any, _: Any) -> Any:
        return of_model(x) if shares is None else shares(of_model(x))

    with unchanged(model), collector_paused():
        rows = inputs_for(model, X)
        return each(said, rows, [0.0] * len(rows), kept(model, shares))


def as_shares(model: Model) -> Callable[[Any], Any]:
    """What makes probabilities of what a model says."""
    output = model.output if isinstance(model, MLP) else None
    if output in {"sigmoid", "softmax"}:
        return itself
    if output == "linear":
        return probabilities
    raise ValueError(
        "proba: it is known how an MLP with the output linear, sigmoid or softmax says what is "
        f"probable, and not how this {type(model).__name__} does"
    )


def itself(said: Any) -> Any:
    """What was said."""
    return said


def probabilities(said: Any) -> Any:
    """The probability of label 1 by its score, or that of each class by theirs."""
    return softmax(said) if isinstance(said, list) else said.sigmoid()


def as_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """The optimiser itself, or a new one of that name, with the rate that nets start with."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        call = f"{optimizer.__name__}({optimizer.start:g})"
        raise TypeError(f"optimizer: {optimizer.__name__} is a class: call it, as in {call}")
    row = look_up("optimizer", optimizer, OPTIMIZERS)
    return row(row.start)


@contextmanager
def progress_bar(
    total: int, unit: str, told: Callable[[], str] = str, *, enabled: bool
) -> Iterator[Callable[[], None]]:
    """What moves a bar by one, which then says what is to be told, if anybody sees it."""
    if not enabled or sys.stderr is None:
        yield lambda: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=unit) as bar:

        def show() -> None:
            bar.set_description_str(told(), refresh=False)
            bar.update()

        yield show
