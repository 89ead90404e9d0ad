"""Examples checked against a model and a loss, before any training, and put in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from autograd_core import Value
from autograd_core.engine import NUMBER, Operand
from nn.given import listed, look_up, plain, real, share, shown
from nn.losses import LOSSES, Loss, TargetError
from nn.model.mlp import MLP
from nn.model.module import outputs_of, unchanged
from nn.train.stacks import Stack, stacks

AnyLoss: TypeAlias = "str | Loss | Callable[[Any, Any], Value]"


class Model(Protocol):
    """What can be trained: called with one example, it gives a Value, or lists of Values."""

    def __call__(self, x: Any) -> Any:
        """What it says to one example."""

    def parameters(self) -> list[Value]:
        """The leaf Values that training changes, in a fixed order."""


@dataclass(frozen=True)
class Examples:
    """Inputs, targets as the loss takes them, and labels, or None where targets are none."""

    X: list[Any]
    targets: list[Any]
    labels: list[int] | None
    loss: Loss | Callable[[Any, Any], Value]
    weights: list[float] | None = None  # 1 in the mean

    @classmethod
    def of(
        cls,
        model: Model,
        X: Iterable[Any],
        y: Iterable[Any],
        loss: AnyLoss,
        *,
        weights: Iterable[float] | None = None,
        smoothing: float = 0.0,
    ) -> Examples:
        """The data, or a ValueError that names the first example that is wrong."""
        check_model(model)
        rows = inputs_for(model, X)
        targets = [plain(f"y[{i}]", target) for i, target in enumerate(listed("y", y))]
        if not rows:
            raise ValueError("the data set is empty")
        if len(rows) != len(targets):
            raise ValueError(f"there are {len(rows)} examples and {len(targets)} targets")
        loss, shares = loss_of(loss), None if weights is None else weights_of(weights, len(rows))
        smoothing = share("label_smoothing", smoothing)
        if not isinstance(loss, Loss):
            if smoothing:
                raise ValueError("label_smoothing: a loss of your own makes its own of a label")
            return cls(rows, targets, None, loss, shares)
        n_outputs = count_outputs(model, rows[0])
        encoded = encode_all(targets, loss, n_outputs)
        labels = labels_of(targets, range(n_outputs) if n_outputs > 1 else loss.labels)
        if smoothing:
            encoded = [loss.smoothed(target, smoothing) for target in encoded]
        return cls(rows, encoded, labels, loss, shares)

    @property
    def n(self) -> int:
        """How many examples there are."""
        return len(self.X)

    @property
    def threshold(self) -> float:
        """What a single output is compared with, to tell its label."""
        return self.loss.threshold if isinstance(self.loss, Loss) else 0.0

    @cached_property
    def formula(self) -> Callable[[Any, Any], Value]:
        """The loss of encoded targets: of these, the shortest formula that serves."""
        return self.loss.formula_for(self.targets) if isinstance(self.loss, Loss) else self.loss

    @cached_property
    def stacks(self) -> list[Stack]:
        """The same as arrays."""
        return stacks(self.X, self.targets)

    def loss_of(self, prediction: Any, target: Any) -> Value:
        """The loss of what a model said to one example."""
        return cost(self.formula, prediction, target, named=isinstance(self.loss, Loss))

    def weighted(self, i: int, prediction: Any) -> Value:
        """The loss of what a model said to example i, times its weight."""
        loss = self.loss_of(prediction, self.targets[i])
        return loss if self.weights is None else loss * self.weights[i]

    def hits(self, said: Sequence[Any], batch: Sequence[int]) -> int:
        """How often predictions speak for an example's label."""
        if self.labels is None:
            return 0
        outputs = [[output.data for output in outputs_of(prediction)] for prediction in said]
        return self.right(outputs, batch)

    def right(self, outputs: Iterable[Sequence[float]], batch: Iterable[int]) -> int:
        """How often outputs, as numbers, speak for an example's label."""
        if self.labels is None or not isinstance(self.loss, Loss):
            return 0
        said = map(self.loss.label, outputs)
        return sum([label == self.labels[i] for label, i in zip(said, batch, strict=True)])


def cost(
    formula: Callable[[Any, Any], Value], prediction: Any, target: Any, *, named: bool
) -> Value:
    """The loss by the formula of a `Loss`, or by a function of one's own."""
    result = formula(outputs_of(prediction) if named else prediction, target)
    if not isinstance(result, Value):
        raise TypeError(f"a loss must return a Value, got {type(result).__name__}: {result!r}")
    return result


def weights_of(weights: Iterable[float], n: int) -> list[float]:
    """A weight for each example, scaled so that they are 1 in the mean."""
    given = listed("sample_weight", weights)
    if len(given) != n:
        raise ValueError(f"sample_weight: there are {n} examples and {len(given)} weights")
    for i, w in enumerate(given):
        if not 0 <= real(w) < math.inf:
            raise ValueError(f"sample_weight[{i}] must be a number of at least 0, got {w!r}")
    largest = max(map(float, given))
    if not largest:
        raise ValueError("sample_weight: the weights add up to 0")
    shares = [float(w) / largest for w in given]  # which can be added up
    total = math.fsum(shares)
    return [share * n / total for share in shares]


def loss_of(loss: AnyLoss) -> Loss | Callable[[Any, Any], Value]:
    """The loss of that name, or the function itself."""
    return loss if callable(loss) else look_up("loss", loss, LOSSES)


def check_model(model: Any) -> None:
    """TypeError for what cannot be trained."""
    known = callable(model) and callable(getattr(model, "parameters", None))
    if isinstance(model, type) or not known:
        raise TypeError(
            "expected a model: an MLP, a Module of your own, or whatever has parameters() and is "
            f"called with one example; got {shown(model)}"
        )


def count_outputs(model: Model, x: Any) -> int:
    """How many outputs a model has: what it gives for one example."""
    if isinstance(model, MLP):
        return model.sizes[-1]
    with unchanged(model):
        return len(outputs_of(model(x)))


def inputs_for(model: Model, X: Iterable[Any]) -> list[Any]:
    """Each example as plain floats, checked against a model that says how many it takes."""
    if isinstance(model, MLP):
        rows = [row(x, i) for i, x in enumerate(listed("X", X))]
        for i, x in enumerate(rows):
            if len(x) != model.n_in:
                raise ValueError(f"X[{i}] has {len(x)} inputs, the model expects {model.n_in}")
    else:
        rows = [example(x, i) for i, x in enumerate(listed("X", X))]
    for i, x in enumerate(rows):
        if not all(map(math.isfinite, numbers_in(x))):
            raise ValueError(f"X[{i}] = {x} is not finite")
    return rows


def row(x: Any, i: int) -> list[float]:
    """The inputs of example i as floats."""
    xs = plain(f"X[{i}]", x)
    if type(xs) is list and set(map(type, xs)) == {float}:
        return list(xs)
    if isinstance(xs, (*NUMBER, str, bytes, AbstractSet, Mapping)):  # the last have no order
        raise TypeError(f"X[{i}] must be a list of inputs, got {xs!r}")
    return [v if type(v) is float else number(v, i) for v in xs]


def example(x: Any, i: int) -> Any:
    """Example i as a float, or as lists of floats within lists."""
    x = plain(f"X[{i}]", x)
    return [example(v, i) for v in x] if isinstance(x, (list, tuple)) else number(x, i)


def numbers_in(x: Any) -> list[float]:
    """The numbers of an example in order."""
    if not isinstance(x, list):
        return [x]
    flat = x
    while list in set(map(type, flat)):  # which is quicker than to look at each
        flat = [v for part in flat for v in (part if isinstance(part, list) else [part])]
    return flat


def number(v: Any, i: int) -> float:
    """An input of example i as a float."""
    v = plain(f"X[{i}]", v)
    if not isinstance(v, NUMBER):
        raise TypeError(f"X[{i}] must hold numbers, got {type(v).__name__}: {v!r}")
    return real(v)


def encode_all(targets: Sequence[Any], loss: Loss, n_outputs: int) -> list[list[Operand]]:
    """The targets as the loss takes them; a label that returns is encoded once."""
    encoded = []
    known: dict[Any, list[Operand]] = {}
    for i, target in enumerate(targets):
        key = target if isinstance(target, NUMBER) else None
        if key is None or key not in known:
            try:
                known[key] = loss.encode(target, n_outputs)
            except TargetError as error:
                raise TargetError(f"y[{i}]: {error}") from None
        encoded.append(known[key])
    return encoded


def labels_of(targets: Sequence[Any], known: Sequence[int]) -> list[int] | None:
    """The targets as classes 0 to k - 1 (-1 is class 0); None if any is something else."""
    labels = [t[0] if isinstance(t, (list, tuple)) and len(t) == 1 else t for t in targets]
    if any(hasattr(label, "__len__") or label not in known for label in labels):
        return None
    return [max(0, int(label)) for label in labels]


def classes_said(outputs: Any, threshold: float) -> Any:
    """The class that each row of outputs, in an array, speaks for."""
    return outputs[..., 0] > threshold if outputs.shape[-1] == 1 else outputs.argmax(-1)
