"""A loss is one number however its target is given: every loss, label form and way to compute."""

import math
import pickle
import random

import numpy as np
import pytest

from autograd_core import Value, compile, mean, to_python, total
from nn import LOSSES, MLP, SGD, DivergedError, datasets, evaluate, fit
from nn.losses import Loss, TargetError, as_many, cross_entropy, hinge, mse, squares

BITS = [0, 1, True, 0.0, 1.0]
NUMBERS = [0.3, -2, 1.0, 0, 5.5]
CLASSES = [2, 0, 1, True, 0.0]
CHANCES = [0.25, 0, 1.0, 0.5, 0.9]
SHARES = [[0.2, 0.3, 0.5], [0.0, 0.25, 0.75]]
ONE_HOT = [[0, 0, 1], [1, 0, 0], [0.0, 1.0, 0.0]]
FORMS = {  # by loss: its number of outputs, and the forms of targets that it documents
    "squared_error": (1, [NUMBERS, [[x] for x in NUMBERS]]),
    "half_squared_error": (1, [NUMBERS, [[x] for x in NUMBERS]]),
    "mse": (3, [[[1.0, -2.5, 0.25], [0, 3, 1]]]),
    "binary_cross_entropy": (1, [BITS, [[y] for y in BITS], CHANCES]),
    "binary_cross_entropy_with_logits": (1, [BITS, CHANCES]),
    "hinge": (1, [BITS, [-1, 1, -1.0], [[-1], [1]]]),
    "nll": (3, [CLASSES, ONE_HOT, SHARES]),
    "cross_entropy": (3, [CLASSES, ONE_HOT, SHARES]),
}
WRONG = {  # by loss: targets that it has no use for
    "binary_cross_entropy": [7, 1.5, -1, math.nan, math.inf],
    "binary_cross_entropy_with_logits": [7, 1.5, -1, math.nan, math.inf],
    "hinge": [2, -2, 0.5, math.nan],
    "nll": [7, -1, 0.5, math.nan, [0.0, 0.0, 0.0], [1, 1, 0], [0, 1.5, -0.5], [0, 1, math.nan]],
    "cross_entropy": [7, -1, 1.5, math.nan, [0, 0, 0], [1, 1, 0], [-0.5, 1, 0.5], [0, 1, math.inf]],
}
REGRESSION = ("squared_error", "half_squared_error", "mse")  # any number is a target
CASES = [
    pytest.param(LOSSES[name], n_outputs, targets, id=f"{name}-{k}")
    for name, (n_outputs, forms) in FORMS.items()
    for k, targets in enumerate(forms)
]
EVERY_WRONG = [
    pytest.param(LOSSES[name], FORMS[name][0], target, id=f"{name}-{target}")
    for name, targets in WRONG.items()
    for target in targets
]


def close(expected):
    return pytest.approx(expected, rel=1e-12, abs=1e-12)


def value(target):
    """The target as a Value, or a list of them."""
    return [Value(t) for t in target] if isinstance(target, list) else Value(target)


class Problem:
    """Outputs that a loss is at home with: w * x for parameters w, squeezed between 0 and 1."""

    def __init__(self, loss, n_outputs, penalty):
        rng = random.Random(1)
        self.loss, self.penalty = loss, penalty
        self.w = [Value(rng.uniform(-1, 1), f"w[{k}]") for k in range(n_outputs)]

    def __call__(self, x, target):
        outputs = [(w * x).sigmoid() for w in self.w]
        value = self.loss(outputs[0] if len(outputs) == 1 else outputs, target)
        return value + 1e-2 * total([w * w for w in self.w]) if self.penalty else value

    def eager(self, X, targets):
        loss = mean([self(x, t) for x, t in zip(X, targets, strict=True)])
        for w in self.w:
            w.grad = 0.0
        loss.backward()
        return loss.data, {w: w.grad for w in self.w}

    def compiled(self, X, targets):
        program = compile(self, batched=True)
        value, gradient = program.value_and_gradient(X, targets)
        return value, dict(zip(program.parameters, gradient.tolist(), strict=True))


def test_every_loss_is_in_the_table():
    assert set(FORMS) == {*WRONG, *REGRESSION} == set(LOSSES)


@pytest.mark.parametrize(("loss", "n_outputs", "targets"), CASES)
def test_a_number_and_a_value_and_an_input_are_the_same_target(loss, n_outputs, targets):
    outputs = [Value(0.2 + 0.25 * k) for k in range(n_outputs)]
    for target in targets:
        expected = loss(outputs, target).data
        assert loss(outputs, value(target)).data == expected
        assert loss([z.data for z in outputs], target).data == expected
        assert loss(np.array([z.data for z in outputs]), np.array(target)).data == expected
        assert compile(lambda t: loss(outputs, t))(target) == close(expected)


@pytest.mark.parametrize(("loss", "n_outputs", "targets"), CASES)
def test_a_loss_of_values_as_targets_is_written_out_in_python(loss, n_outputs, targets):
    outputs = [Value(0.2 + 0.25 * k) for k in range(n_outputs)]
    for target in targets:
        cost = loss(outputs, value(target))
        cost.label = "cost"
        names = {}
        exec(to_python(cost), names)  # noqa: S102
        assert names["cost"] == close(cost.data)


@pytest.mark.parametrize(
    ("n", "penalty"),
    [
        (1, False),
        (7, True),
        *[pytest.param(n, p, marks=pytest.mark.slow) for n, p in [(1, True), (7, False)]],
        *[pytest.param(100, p, marks=pytest.mark.slow) for p in (False, True)],
    ],
)
@pytest.mark.parametrize(("loss", "n_outputs", "targets"), CASES)
def test_compiled_and_eager_agree_on_numbers_and_slopes(loss, n_outputs, targets, n, penalty):
    problem = Problem(loss, n_outputs, penalty)
    X = [1 + math.sin(i) for i in range(n)]
    y = [targets[i % len(targets)] for i in range(n)]
    expected, slopes = problem.eager(X, y)
    for given in (y, np.array(y)):
        found, gradient = problem.compiled(X, given)
        assert found == close(expected)
        assert gradient == close(slopes)
    assert problem.eager(X, [value(t) for t in y])[0] == close(expected)


@pytest.mark.parametrize(("loss", "n_outputs", "wrong"), EVERY_WRONG)
@pytest.mark.parametrize("n", [1, 7, pytest.param(100, marks=pytest.mark.slow)])
def test_a_wrong_target_is_refused_however_it_is_given(loss, n_outputs, wrong, n):
    problem = Problem(loss, n_outputs, penalty=True)
    good = FORMS[loss.name][1][-1 if isinstance(wrong, list) else 0]
    X, y = [1.0] * n, [good[i % len(good)] for i in range(n)]
    y[n // 2] = wrong
    for way in (problem.eager, problem.compiled):
        with pytest.raises(TargetError, match="must be"):
            way(X, y)
    for target in (wrong, value(wrong)):
        with pytest.raises(TargetError, match=f"{loss.name}: .*must be"):
            loss([w.sigmoid() for w in problem.w], target)


@pytest.mark.parametrize("name", LOSSES)
def test_a_text_is_no_target_and_no_list_of_letters(name):
    with pytest.raises(TargetError, match=f"{name}: a target must be a number, got str: 'yes'"):
        LOSSES[name]([Value(0.5)] * 3, "yes")


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused_and_as_an_input_makes_the_loss_no_number(
    name, wrong
):
    loss = LOSSES[name]
    said = f"{name}: a target must be finite, got {wrong}"
    for target in (wrong, Value(wrong), np.float32(wrong)):
        with pytest.raises(TargetError, match=said):
            loss(Value(1.0), target)
        with pytest.raises(TargetError, match=said):
            compile(lambda z, target=target: loss(z, target))(1.0)
    program = compile(lambda z, t: loss(z, t), batched=True)
    assert not math.isfinite(program([1.0, 1.0], [0.0, wrong]))
    X, y = datasets.moons(10)
    y[3] = wrong
    options = {"optimizer": SGD(0.1), "epochs": 1, "progress": False}
    for compiled in (True, False):
        with pytest.raises((DivergedError, TargetError), match=r"finite|the loss is (nan|inf)"):
            fit(MLP(2, 1), X, y, loss=lambda z, t: loss(z, t), compile=compiled, **options)


# --- In fit ------------------------------------------------------------------------------------

DATA = {1: datasets.moons(10), 3: datasets.blobs(10)}
OUTPUTS = {"binary_cross_entropy": "sigmoid", "nll": "softmax"}


def net(loss, n_outputs):
    return MLP(2, [2, n_outputs], activation="tanh", output=OUTPUTS.get(loss, "linear"), seed=0)


def targets_in(form, labels, n_outputs):
    """The labels of a data set in one of the forms."""
    if form == "one-hot":
        return [[float(k == y) for k in range(n_outputs)] for y in labels]
    return [2 * y - 1 for y in labels] if form == "signs" else labels


@pytest.mark.parametrize("batch_size", [3, None])  # of 3, the last batch is one example
@pytest.mark.parametrize(
    ("name", "form"),
    [
        *[(name, "labels") for name, (n, _) in FORMS.items() if name != "mse"],
        ("hinge", "signs"),
        ("mse", "one-hot"),
        ("nll", "one-hot"),
        ("cross_entropy", "one-hot"),
    ],
)
def test_fit_takes_the_same_steps_with_a_loss_and_with_a_function_that_calls_it(
    name, form, batch_size
):
    n_outputs, loss = FORMS[name][0], LOSSES[name]
    X, labels = DATA[n_outputs]
    y = targets_in(form, labels, n_outputs)
    results = []
    for wanted in (loss, name, lambda z, t: loss(z, t)):
        for compiled in (True, False):
            model = net(name, n_outputs)
            options = {"epochs": 2, "batch_size": batch_size, "compile": compiled}
            history = fit(model, X, y, loss=wanted, optimizer=SGD(0.1), progress=False, **options)
            final, _ = evaluate(model, X, y, loss=wanted)
            results.append([*history.loss, final, *[p.data for p in model.parameters()]])
    for found in results[1:]:
        assert found == close(results[0])


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_hinge_with_a_penalty_as_in_micrograds_demo_learns_labels_of_zero_and_one(compiled):
    X, y = datasets.moons()
    model = MLP(2, [8, 1], seed=0)

    def loss(z, t):
        return hinge(z, t) + 1e-4 * total([p * p for p in model.parameters()])

    options = {"optimizer": SGD(0.5), "epochs": 30 if compiled else 10, "progress": False}
    fit(model, X, y, loss=loss, compile=compiled, **options)
    right = sum((model(x).data > 0) == label for x, label in zip(X, y, strict=True))
    assert right > 80


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "eager"])
def test_a_wrong_label_in_a_loss_of_ones_own_is_no_divergence(compiled):
    X, y = datasets.moons(10)
    y[4] = 7
    options = {"optimizer": SGD(0.1), "epochs": 1, "progress": False, "compile": compiled}
    with pytest.raises(TargetError, match=r"example 4: .*-1, 0 or 1, got 7") as error:
        fit(MLP(2, 1), X, y, loss=lambda z, t: hinge(z, t) + 0.0, **options)
    assert not isinstance(error.value, DivergedError)


# --- Losses as objects ---------------------------------------------------------------------------


def double(outputs, target):
    return 2 * squares(outputs, target)


def test_a_loss_of_ones_own_is_pickled_by_its_parts():
    own = Loss("double", double, as_many, 0.5)
    for loss in (own, Loss("mse", double, as_many, 0.25)):
        twin = pickle.loads(pickle.dumps(loss))  # noqa: S301
        assert twin == loss
        assert twin(Value(3.0), 1.0).data == 8.0
    assert mse(Value(3.0), 1.0).data == 4.0


def test_a_loss_of_a_function_without_a_name_is_refused_by_pickle():
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(Loss("own", lambda z, t: z[0], as_many, 0.5))


def test_shares_of_all_classes_are_the_mean_of_the_labels_losses():
    logits = [Value(0.3), Value(-1.0), Value(2.0)]
    alone = [cross_entropy(logits, k).data for k in range(3)]
    shares = [0.2, 0.5, 0.3]
    expected = sum(share * loss for share, loss in zip(shares, alone, strict=True))
    assert cross_entropy(logits, shares).data == close(expected)
