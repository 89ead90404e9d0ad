"""One of each kind, added from outside in one file, is known wherever its kind is named."""

import copy
import json
import math
import pickle
from dataclasses import replace

import pytest

from autograd_core import draw
from nn import ACTIVATIONS, LOSSES, MLP, datasets, diagnose, evaluate, fit, load, plot, save
from nn.__main__ import main
from nn.datasets import DATASETS, DataSet
from nn.losses import Loss, as_many
from nn.model.init import INITS, Initialiser
from nn.optim import OPTIMIZERS, Optimizer
from nn.playground.controls import controls
from nn.playground.session import Session
from nn.playground.state import State


def softsign(z):
    return z / (1 + abs(z))


def fourth_power(outputs, target):
    return sum([(z - t) ** 4 for z, t in zip(outputs, target)])


class Signs(Optimizer):
    """Steps of one length, whatever the gradient."""

    name, start = "signs", 0.02

    def update(self, p, g, state, lr, steps):
        return p - lr * g / (abs(g) + 1e-12), state


def corners(rng, n_in, n_out):
    return rng.choice([-1.0, 1.0]) / math.sqrt(n_in)


def stripes(n=40, noise=0.0, seed=0):
    X, _ = datasets.moons(n, noise, seed)
    return X, [int(x[0] > 0.5) for x in X]


ADDED = (
    (ACTIVATIONS, "softsign", softsign),
    (LOSSES, "fourth_power", Loss("fourth_power", fourth_power, as_many, 0.5, title="(error)⁴")),
    (OPTIMIZERS, "signs", Signs),
    (INITS, "corners", Initialiser("corners", "corners", "-1 or 1 over √n_in", corners)),
    (DATASETS, "stripes", DataSet("stripes", stripes, "stripes")),
)
RECIPE = {
    "data": "stripes",
    "n": 30,
    "noise": 0.05,
    "hidden": [4],
    "activation": "softsign",
    "output": "linear",
    "loss": "fourth_power",
    "optimizer": "signs",
    "init": "corners",
    "lr": 0.01,
    "held_out": 0.0,
    "batch": 30,
}


@pytest.fixture(autouse=True)
def added(monkeypatch):
    for table, name, row in ADDED:
        monkeypatch.setitem(table, name, row)


@pytest.fixture
def trained():
    X, y = stripes(30, 0.05)
    model = MLP(2, [4, 1], activation="softsign", init="corners", seed=0)
    options = {"loss": "fourth_power", "optimizer": "signs", "epochs": 60, "progress": False}
    history = fit(model, X, y, **options)
    assert history.loss[-1] < 0.5 * history.loss[0]
    return model, X, y


@pytest.mark.parametrize("compile", [True, False])
def test_fit_takes_them_by_name(compile):
    X, y = stripes(12)
    models = [MLP(2, [3, 1], activation="softsign", init="corners", seed=0) for _ in range(2)]
    options = {"loss": "fourth_power", "epochs": 3, "progress": False}
    fit(models[0], X, y, **options, optimizer="signs", compile=compile)
    fit(models[1], X, y, **options, optimizer=Signs())
    found, expected = [[p.data for p in model.parameters()] for model in models]
    assert found == pytest.approx(expected)


def test_the_command_line_and_the_playground_take_them_to_the_same_bits(tmp_path):
    live = Session(State.of(RECIPE))
    while live.epoch < 4:
        live.step()
    assert live.frame().buffers()
    (tmp_path / "run.json").write_text(json.dumps(RECIPE | {"epochs": 4}))
    recipe = ["--recipe", str(tmp_path / "run.json"), "--out", str(tmp_path / "out"), "--no-plots"]
    assert main(recipe) == 0
    written = load(tmp_path / "out" / "model.json")
    assert [p.data for p in written.parameters()] == [p.data for p in live.parameters]


def test_the_page_of_the_playground_is_told_to_offer_them():
    offered = [
        text
        for group in controls(State.of(RECIPE))
        for setting in group["settings"]
        for _, text in setting["options"] or []
    ]
    shown = {"softsign", "(error)⁴", "Signs", "corners", "stripes"}
    assert shown <= set(offered)


def test_the_command_line_names_them_in_its_help_and_takes_them_by_option(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = "".join(capsys.readouterr().out.split())
    assert all(name in told for _, name, _ in ADDED if name != "corners")
    options = ["--data", "stripes", "--activation", "softsign", "--loss", "fourth_power"]
    rest = ["--optimizer", "signs", "--epochs", "1", "--no-plots", "--out", str(tmp_path / "out")]
    assert main([*options, *rest]) == 0


def test_the_doctor_saving_and_pictures_take_them(trained, tmp_path):
    model, X, y = trained
    assert diagnose(model, X, y, "fourth_power").summary
    save(model, tmp_path / "m.json")
    assert load(tmp_path / "m.json").activation == "softsign"
    assert evaluate(load(tmp_path / "m.json"), X, y, loss="fourth_power") == evaluate(
        model, X, y, loss="fourth_power"
    )
    assert plot.activations("softsign").render("png")
    assert plot.decision_boundary(model, X, y, steps=8).render("png")
    assert "W1" in str(draw(model(X[0])))


def test_copies_of_a_loss_that_was_added_are_made():
    loss = replace(LOSSES["fourth_power"], threshold=0.25)
    assert copy.deepcopy(loss) == pickle.loads(pickle.dumps(loss)) == loss  # noqa: S301
