"""An executor that takes many steps at once: the hook, by one that does so in plain NumPy."""

import math
from dataclasses import replace

import numpy as np
import pytest

from autograd_core.compiler import executors
from autograd_core.compiler.executors.numpy import NumPyExecutor
from autograd_core.compiler.results import mean_of
from autograd_core.compiler.training import Taken
from nn import MLP, SGD, Adam, DivergedError, datasets, fit
from nn.optim import OPTIMIZERS
from nn.train import loop

CALLS = []


class Reference(NumPyExecutor):
    """What `take` promises, step by step."""

    def take(self, leaves, steps):
        (theta,), (made, *carried) = leaves["parameters"], steps.state
        gradient, losses, hits, start = None, [], [], 0
        for size, rate in zip(steps.sizes, steps.rates, strict=True):
            rows = steps.order[np.arange(start, start + size) % len(steps.order)]
            given = {"parameters": [theta], "inputs": [part[rows] for part in leaves["inputs"]]}
            (loss, *outputs, slope), suspicious, *_ = self.run({**leaves, **given}, size)
            g = slope if steps.decay is None else slope + steps.decay * theta
            if steps.most is not None:
                g = g * (steps.most / max(np.linalg.norm(g), steps.most))
            if suspicious or not np.isfinite([loss.sum(), *slope]).all():
                break
            p, after = steps.update(theta, g, tuple(carried), rate, made + 1)
            if not np.isfinite(p).all():
                break
            theta, gradient, carried, made, start = p, g, after, made + 1, start + size
            losses.append(mean_of(loss))
            hits.append(self.hits(outputs, steps, rows))
        CALLS.append((len(steps.sizes), len(losses)))
        return Taken(theta, gradient, (made, *carried), np.array(losses), np.array(hits, int))

    def hits(self, outputs, steps, rows):
        if steps.labels is None:
            return 0
        (z,) = outputs
        said = z[0] > steps.threshold if len(z) == 1 else z.argmax(0)
        return int((said == steps.labels[rows]).sum())


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    CALLS.clear()
    monkeypatch.setitem(executors.EXECUTORS, "reference", executors.Row(__name__, "Reference"))


def trained(executor, **options):
    model = MLP(2, [4, 1], seed=0)
    given = {"loss": "binary_cross_entropy_with_logits", "optimizer": Adam(0.1), "epochs": 7}
    X, y = datasets.moons(23)
    history = fit(model, X, y, **{**given, **options}, executor=executor, progress=False)
    return history, [p.data.hex() for p in model.parameters()]


@pytest.mark.parametrize("batch_size", [None, 5, 1])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("l2", [pytest.param(0.0, marks=pytest.mark.slow), 0.01])
def test_steps_at_once_are_steps_one_by_one(optimizer, batch_size, l2):
    runs = [
        trained(name, optimizer=OPTIMIZERS[optimizer](0.05), batch_size=batch_size, l2=l2)
        for name in ("numpy", "reference")
    ]
    assert runs[0] == runs[1]
    steps = 7 * math.ceil(23 / (batch_size or 23))
    assert [(steps, steps)] == CALLS


def test_with_l1_which_executors_do_not_know_steps_are_taken_one_by_one():
    runs = [trained(name, l1=0.01) for name in ("numpy", "reference")]
    assert runs[0] == runs[1]
    assert CALLS == []


@pytest.mark.parametrize("batch_size", [None, 5])
def test_epochs_that_are_lined_up_are_few_enough(monkeypatch, batch_size):
    monkeypatch.setattr(loop, "AT_ONCE", 11)
    runs = [trained(name, batch_size=batch_size, epochs=25) for name in ("numpy", "reference")]
    assert runs[0] == runs[1]
    assert {steps for steps, _ in CALLS} == ({11, 3} if batch_size is None else {10, 5})


@pytest.mark.parametrize("some", [1, 3, 4, 7])
def test_an_executor_may_stop_anywhere_and_go_on(monkeypatch, some):
    whole = Reference.take

    def take(self, leaves, steps):
        fewer = {name: getattr(steps, name)[:some] for name in ("sizes", "rates")}
        return whole(self, leaves, replace(steps, **fewer))

    monkeypatch.setattr(Reference, "take", take)
    runs = [trained(name, batch_size=5) for name in ("numpy", "reference")]
    assert runs[0] == runs[1]


def test_callbacks_are_called_between_epochs():
    seen = []
    options = {"callbacks": [lambda history: seen.append(history.epochs)], "epochs": 3}
    assert trained("reference", **options) == trained("numpy", epochs=3)
    assert (seen, CALLS) == ([1, 2, 3], [(1, 1)] * 3)


@pytest.mark.parametrize("batch_size", [None, 5])
def test_a_step_that_is_refused_is_taken_alone_and_says_what_is_wrong(batch_size):
    said = []
    for name in ("numpy", "reference"):
        with pytest.raises(DivergedError) as error:
            trained(name, optimizer=SGD(1e200), batch_size=batch_size, loss="mse")
        said.append(str(error.value))
    assert said[0] == said[1]
    assert any(taken < asked for asked, taken in CALLS)


def test_schedules_hand_over_a_rate_for_each_step():
    runs = [
        trained(name, optimizer=SGD(lambda step: 0.5 / (1 + step)), batch_size=6)
        for name in ("numpy", "reference")
    ]
    assert runs[0] == runs[1]


class Halving(SGD):
    """A rate of its own making, of an `lr` that is a number."""

    def rate(self, made):
        return self.lr * 0.5**made


def test_an_optimisers_own_rate_is_asked_for_each_step():
    at_once, by_one = [
        trained(name, optimizer=Halving(0.5), batch_size=6) for name in ("reference", "numpy")
    ]
    assert at_once[1] == by_one[1]
    assert CALLS


def test_parameters_that_have_made_different_numbers_of_steps_go_one_by_one():
    runs = []
    for name in ("numpy", "reference"):
        model, optimizer = MLP(2, [3, 1], seed=0), Adam(0.1)
        for p in model.layers[-1].parameters():
            p.grad = 0.5
        optimizer.step(model.layers[-1].parameters())
        options = {"loss": "hinge", "epochs": 3, "progress": False, "executor": name}
        fit(model, *datasets.moons(9), optimizer=optimizer, **options)
        runs.append([p.data.hex() for p in model.parameters()])
    assert runs[0] == runs[1]
    assert CALLS == []


@pytest.mark.parametrize(
    "told",
    [
        {"clip_norm": 0.05},
        {"label_smoothing": 0.2},
        {"sample_weight": [1 + i % 3 for i in range(23)]},
        {"shuffle": False},
        {"dropout": 0.5},
    ],
    ids=lambda told: next(iter(told)),
)
@pytest.mark.parametrize("batch_size", [None, 6])
def test_what_a_run_is_told_is_told_to_steps_at_once(told, batch_size):
    runs = []
    for name in ("numpy", "reference"):
        rest = dict(told)
        model = MLP(2, [4, 1], dropout=rest.pop("dropout", 0.0), seed=0)
        rest |= {"loss": "binary_cross_entropy_with_logits", "optimizer": Adam(0.1), "epochs": 4}
        X, y = datasets.moons(23)
        options = {"batch_size": batch_size, "executor": name, "progress": False}
        history = fit(model, X, y, **rest, **options)
        runs.append((history, [p.data.hex() for p in model.parameters()]))
    assert runs[0] == runs[1]
    assert all(taken == asked for asked, taken in CALLS)


@pytest.mark.parametrize("executor", ["reference", "native"])
@pytest.mark.parametrize("batch_size", [None, 6])
def test_whole_numbers_are_settings_too(executor, batch_size):
    if executor == "native":
        pytest.importorskip("llvmlite")
    results = []
    for kind in (int, float):
        options = {"clip_norm": kind(1), "optimizer": SGD(kind(1)), "l2": kind(1)}
        options["optimizer"].lr = kind(2)
        results.append(trained(executor, batch_size=batch_size, **options))
    assert results[0] == results[1]
    expected = trained("numpy", batch_size=batch_size, clip_norm=1, optimizer=SGD(2), l2=1)
    assert results[0][0].loss == pytest.approx(expected[0].loss, rel=1e-9)


@pytest.mark.parametrize("batch_size", [None, 6])
@pytest.mark.parametrize("at", [0, 1, 5, 6, 9])
def test_a_rate_that_is_none_ends_the_training_at_its_step(batch_size, at):
    said = []
    for name in ("numpy", "reference"):
        model = MLP(2, [4, 1], seed=0)
        options = {"loss": "hinge", "batch_size": batch_size, "epochs": 12, "progress": False}
        optimizer = SGD(lambda step: -1.0 if step == at else 0.1)
        with pytest.raises(DivergedError, match=f"rate of step {at + 1} is -1") as error:
            fit(model, *datasets.moons(23), optimizer=optimizer, executor=name, **options)
        said.append((str(error.value), [p.data.hex() for p in model.parameters()]))
    assert said[0] == said[1]


@pytest.mark.parametrize("stubborn", [1, 2, 3, 7])
def test_what_an_executor_leaves_is_taken_in_its_order(stubborn, monkeypatch):
    """An executor that takes a few steps of what it is asked for, or none."""
    expected = trained("numpy", batch_size=6)
    whole = Reference.take

    def a_few(self, leaves, steps):
        few = len(CALLS) % stubborn
        cut = replace(steps, sizes=steps.sizes[:few], rates=steps.rates[:few])
        return whole(self, leaves, cut)

    monkeypatch.setattr(Reference, "take", a_few)
    assert trained("reference", batch_size=6) == expected
