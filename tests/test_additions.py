"""One of each kind, added from outside in one file, is known wherever its kind is named.

The rows that are there are named in one file, too: their own.
"""

import copy
import json
import math
import pickle
import re
from dataclasses import replace
from functools import cache

import pytest

from autograd_core import Op, Value, check_op, compile, draw
from autograd_core.compiler.executors import EXECUTORS, Row
from autograd_core.compiler.executors.numpy import NumPyExecutor
from nn import (
    ACTIVATIONS,
    LOSSES,
    MLP,
    Layer,
    Module,
    datasets,
    diagnose,
    evaluate,
    fit,
    load,
    plot,
    save,
)
from nn.__main__ import main
from nn.datasets import DATASETS, DataSet
from nn.losses import Loss, as_many
from nn.model.init import INITS, Initialiser
from nn.optim import OPTIMIZERS, Optimizer
from nn.playground.controls import described
from nn.playground.readout import Look, pictures
from nn.playground.session import Session
from nn.playground.state import FEATURES, State
from tools import house
from tools.notebooks import NOTEBOOKS


def softsign(z):
    return z / (1 + abs(z))


def fourth_power(outputs, target):
    return sum([(z - t) ** 4 for z, t in zip(outputs, target)])


class Signs(Optimizer):
    """Steps of one length, whatever the gradient."""

    name, shown, start = "signs", "Signs", 0.02

    def update(self, p, g, state, lr, steps):
        return p - lr * g / (abs(g) + 1e-12), state


def corners(rng, n_in, n_out):
    return rng.choice([-1.0, 1.0]) / math.sqrt(n_in)


def stripes(n=40, noise=0.0, seed=0):
    X, _ = datasets.moons(n, noise, seed)
    return X, [int(x[0] > 0.5) for x in X]


ADDED = (
    (ACTIVATIONS, "softsign", softsign),
    (LOSSES, "fourth_power", Loss("fourth_power", fourth_power, as_many, 0.5, shown="(error)⁴")),
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
    fit(models[1], X, y, **options, optimizer=Signs(Signs.start))
    found, expected = [[p.data for p in model.parameters()] for model in models]
    assert found == pytest.approx(expected)


def test_the_command_line_and_the_playground_take_them_to_the_same_bits(tmp_path):
    live = Session(State.of(RECIPE))
    while live.epoch < 4:
        live.step()
    assert pictures(live, Look())["field"].any()
    (tmp_path / "run.json").write_text(json.dumps(RECIPE | {"epochs": 4}))
    recipe = ["--recipe", str(tmp_path / "run.json"), "--out", str(tmp_path / "out"), "--no-plots"]
    assert main(recipe) == 0
    written = load(tmp_path / "out" / "model.json")
    assert [p.data for p in written.parameters()] == [p.data for p in live.parameters]


def test_the_page_of_the_playground_is_told_to_offer_them(monkeypatch):
    monkeypatch.setitem(FEATURES, "distance", lambda np, x, y: np.hypot(x, y))
    live = Session(State.of({**RECIPE, "features": ["x1", "distance"]}))
    live.step()
    assert pictures(live, Look())["field"].any()
    told = described(live)["controls"]
    offered = [choice["text"] for control in told for choice in control["choices"]]
    shown = {"softsign", "(error)⁴", "Signs", "corners", "stripes", "distance"}
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


# --- Ops, layers, executors, notebooks --------------------------------------------------------

BELL = Op(
    "bell",
    lambda x: math.exp(-x * x),
    lambda z, x: (-2 * x * z,),
    lambda np, x: np.exp(-x * x),
)


class Bells(Module):
    """A layer of one's own: a bell for each input, moved to where it is learned."""

    def __init__(self, n, seed=0):
        self.n = n
        self.centres = [Value(0.1 * i, f"c[{i}]") for i in range(n)]
        self.out = Layer(n, 1, "linear", seed=seed)

    def __call__(self, x):
        return self.out([BELL(v - c) for v, c in zip(x, self.centres)])[0]


def test_an_op_and_a_layer_are_known_as_they_are(tmp_path):
    check_op(BELL)
    model, (X, y) = Bells(2), stripes(20)
    history = fit(model, X, y, loss="hinge", optimizer="signs", epochs=20, progress=False)
    assert history.loss[-1] < history.loss[0]
    save(model, tmp_path / "m.json")
    assert evaluate(load(tmp_path / "m.json"), X, y, loss="hinge") == evaluate(
        model, X, y, loss="hinge"
    )
    assert diagnose(model, X, y, "hinge").summary
    assert "bell" in str(draw(model(X[0])))
    program = compile(model, batched=True)
    program(X)
    assert "bell" in str(program)


class Counting(NumPyExecutor):
    """An executor of one's own, which is NumPy's and counts."""

    runs = 0

    def run(self, leaves, n):
        Counting.runs += 1
        return super().run(leaves, n)


def test_an_executor_is_a_name_and_a_class(monkeypatch):
    monkeypatch.setitem(EXECUTORS, "counting", Row(__name__, "Counting"))
    X, y = stripes(12)
    models = [MLP(2, [3, 1], seed=0) for _ in range(2)]
    for model, executor in zip(models, ("counting", "numpy")):
        options = {"loss": "hinge", "optimizer": Signs(), "epochs": 3, "progress": False}
        fit(model, X, y, executor=executor, **options)
    assert Counting.runs >= 3
    found, expected = [[p.data for p in model.parameters()] for model in models]
    assert found == expected


# --- Files to touch ---------------------------------------------------------------------------

ROWS = {"losses": LOSSES, "optim": OPTIMIZERS, "model.init": INITS, "datasets": DATASETS}
CHOSEN = {  # named elsewhere, too, as what is chosen where nothing else is asked for, or advised
    *("binary_cross_entropy_with_logits", "cross_entropy", "mse", "adam", "moons", "digits"),
    *("xavier", "he", "uniform", "zeros"),
    "xor",  # whose corners the doctor calls by their name
    "circles",  # which no line parts, as a lesson asks
}
WRITTEN = {name: tuple(rows) for name, rows in ROWS.items()}  # before anything is added


def words_of(path):
    """The names and the short texts in a module, without its docstrings and comments."""
    text = path.read_text("utf-8")
    words = house.docstring_lines(house.tree_of(text))
    code = [s for n, s in enumerate(text.splitlines(), 1) if n not in words]
    return {word for line in code for word in re.findall(r"\w+", line.partition("#")[0])}


@cache
def words():
    """Of each module but the course's, which names what it teaches."""
    taught = ("nn.course", "nn.playground.lessons")
    found = {name: path for name, path in house.modules().items() if not name.startswith(taught)}
    return {name: words_of(path) for name, path in found.items()}


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in WRITTEN.items() for name in names if name not in CHOSEN],
)
def test_a_row_is_named_in_one_file(module, name):
    assert [file for file, known in words().items() if name in known] == [f"nn.{module}"]


def test_no_program_names_a_notebook():
    every = set().union(*words().values())
    assert NOTEBOOKS
    assert [path.stem for path in NOTEBOOKS if path.stem in every] == []
