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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from autograd_core import Value, topological
from autograd_core.check import by_backward
from autograd_core.engine import collector_paused
from nn.doctor.exam import Exam
from nn.doctor.findings import Change, Diagnosis, Finding, Place
from nn.doctor.rules import RULES
from nn.model.labels import name_units
from nn.model.mlp import MLP, stack
from nn.model.module import unchanged
from nn.readings import read
from nn.train.examples import AnyLoss, Examples
from nn.train.history import History
from nn.train.slopes import first_nonfinite

__all__ = ["RULES", "Change", "Diagnosis", "Finding", "Place", "diagnose"]


def diagnose(
    model: MLP,
    X: Iterable[Sequence[float]],
    y: Iterable[Any],
    loss: AnyLoss,
    *,
    history: History | None = None,
) -> Diagnosis:
    """Say why a model does not fit its data; the record of a training tells more.

    What follows from a finding is not reported beside it: a layer of dead units explains
    predictions that are all the same. Parameters, gradients and activations are left as they
    are. Raises ValueError for data that do not fit the model or the loss.
    """
    model = stack(model, "diagnose")
    data = Examples.of(model, X, y, loss)
    with unchanged(model), collector_paused():
        layers = read(model, data)
        failure = "" if layers[0].slopes else first_failure(model, data)
    exam = Exam(data, layers, history.loss if history else [], failure)
    fitted = exam.fitted
    return Diagnosis(fitted, exam.summary, tuple(findings(exam, fitted=bool(fitted))))


def findings(exam: Exam, *, fitted: bool) -> Iterator[Finding]:
    """What the rules find, up to the first stage at which anything is found."""
    stage = RULES[-1].stage
    for rule in RULES:
        if rule.stage > stage:
            return
        for finding in rule.find(exam) if rule.always or not fitted else ():
            yield replace(finding, kind=rule.kind)
            stage = rule.stage


def first_failure(model: MLP, data: Examples) -> str:
    """The first number that is not finite, or not defined, example by example."""
    parameters = model.parameters()
    for i, (x, target) in enumerate(zip(data.X, data.targets, strict=True)):
        try:
            said = model([Value(v, f"x{j}") for j, v in enumerate(x)])
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
