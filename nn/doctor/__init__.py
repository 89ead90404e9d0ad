"""Why does a model not fit its data? `diagnose` names the usual causes, with one change for each.

`rules.py` has the causes, `exam.py` what they look at, `findings.py` how they are put.

>>> from nn import MLP, datasets, losses
>>> model = MLP(2, [3, 1], seed=0)
>>> for neuron in model.layers[0].neurons:
...     neuron.b.data = -9.0
>>> diagnosis = diagnose(model, *datasets.xor(), losses.mse)
>>> diagnosis.title, diagnosis.findings[0].kind, diagnosis.findings[0].where.neurons
('not fitted: the output is constant (0)', 'dead layer', (0, 1, 2))
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from autograd_core import Value, topological
from autograd_core.check import by_backward
from autograd_core.engine import collector_paused
from nn.doctor.exam import Exam
from nn.doctor.findings import Change, Diagnosis, Finding, Place
from nn.doctor.rules import RULES, explained
from nn.losses import Loss
from nn.model.embedding import Embedding
from nn.model.labels import name_units
from nn.model.mlp import MLP
from nn.model.module import modules, unchanged
from nn.readings import read
from nn.train.examples import AnyLoss, Examples, Model
from nn.train.history import History
from nn.train.slopes import first_nonfinite

__all__ = ["RULES", "Change", "Diagnosis", "Finding", "Place", "diagnose"]


def diagnose(
    model: Model,
    X: Iterable[Any],
    y: Iterable[Any],
    loss: AnyLoss,
    *,
    history: History | None = None,
) -> Diagnosis:
    """Say why a model does not fit its data; the record of a training tells more.

    What follows from a finding is not reported beside it: a layer of dead units explains
    predictions that are all the same. Any model can be examined; units, gradients and activations
    are those of the Layers in it. Parameters, gradients and activations are left as they are.
    Raises ValueError for data that do not fit the model or the loss.
    """
    data = Examples.of(model, X, y, loss)
    with unchanged(model), collector_paused():
        readings = read(model, data)
        failure = "" if readings.is_finite else first_failure(model, data)
    exam = Exam(
        data,
        data.loss if isinstance(data.loss, Loss) else None,
        readings,
        history.loss if history else [],
        failure,
        is_stack=isinstance(model, MLP),
        looks_up=any(isinstance(part, Embedding) for part in modules(model)),
    )
    fitted = exam.fitted
    return Diagnosis(fitted, exam.summary, tuple(findings(exam, fitted=bool(fitted))))


def findings(exam: Exam, *, fitted: bool) -> Iterator[Finding]:
    """What the rules find, and nothing that this explains."""
    known: set[str] = set()
    for rule in RULES.values():
        if rule.kind in known or (fitted and not rule.always):
            continue
        for finding in rule.find(exam):
            yield replace(finding, kind=rule.kind)
            known |= explained(rule.kind)


def first_failure(model: Model, data: Examples) -> str:
    """The first number that is not finite, or not defined, example by example."""
    parameters = model.parameters()
    for i, (x, target) in enumerate(zip(data.X, data.targets, strict=True)):
        try:
            said = model(labelled(x))
            if isinstance(model, MLP):
                name_units(model.layers)
            loss = data.loss_of(said, target)
            if not all(math.isfinite(v.data) for v in topological(loss)):
                return f"at example {i} the loss is {loss.data:g}; {first_nonfinite(loss)}"
            slopes = zip(parameters, by_backward(loss, parameters), strict=True)
            wrong = [f"{p.label} is {slope}" for p, slope in slopes if not math.isfinite(slope)]
            if wrong:
                return f"at example {i} the gradient of {wrong[0]}"
        except (ArithmeticError, ValueError) as error:
            return f"at example {i}: {error}"
    return "the gradient overflows"


def labelled(x: Any, name: str = "x") -> Any:
    """The numbers of an example as Values: x, or x0, x1 ... of a list, x0[0] of a list in it."""
    if not isinstance(x, list):
        return Value(x, name)
    within = "{}{}" if name == "x" else "{}[{}]"
    return [labelled(item, within.format(name, i)) for i, item in enumerate(x)]
