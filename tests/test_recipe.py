"""A run is data: a recipe gives the same bits wherever it is run, and one wording refuses."""

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn import ACTIVATIONS, LOSSES, MLP, SGD, datasets, fit, load, save
from nn.__main__ import main
from nn.datasets import DATASETS, split
from nn.losses import hinge
from nn.model.init import INITS
from nn.optim import OPTIMIZERS
from nn.playground.session import Session
from nn.playground.state import State
from nn.schedules import SCHEDULES
from nn.train.recipe import Recipe, fit_options, new_data, new_model
from nn.train.settings import SETTINGS, RecipeError
from tests.rows import over

finite = st.floats(0, 1e6, allow_nan=False)
recipes = st.builds(
    lambda **chosen: Recipe.of({k: v for k, v in chosen.items() if v is not None}),
    data=st.sampled_from([*DATASETS]),
    n=st.none() | st.integers(4, 99),
    noise=st.none() | finite,
    hidden=st.lists(st.integers(1, 9), max_size=3),
    activation=st.sampled_from([*ACTIVATIONS]),
    output=st.none() | st.sampled_from([*ACTIVATIONS, "softmax"]),
    loss=st.none() | st.sampled_from([*LOSSES]),
    init=st.sampled_from([*INITS]),
    optimizer=st.sampled_from([*OPTIMIZERS]),
    lr=st.floats(1e-300, 1e300),
    schedule=st.sampled_from([*SCHEDULES]),
    warmup=st.floats(0, 1, exclude_max=True),
    dropout=st.floats(0, 1, exclude_max=True),
    label_smoothing=st.floats(0, 1, exclude_max=True),
    clip_norm=st.none() | st.floats(1e-300, 1e300),
    patience=st.none() | st.integers(1, 99),
    shuffle=st.booleans(),
    l1=finite,
    l2=finite,
    epochs=st.integers(1, 10**6),
    batch=st.none() | st.integers(1, 99),
    held_out=st.floats(0, 1, exclude_max=True),
    seed=st.integers(-(2**53), 2**53),
)


def bits(model):
    return [p.data.hex() for p in model.parameters()]


@given(recipes)
def test_a_recipe_comes_back_from_its_json(recipe):
    assert Recipe.of(recipe.to_json()) == recipe
    assert Recipe.of(json.loads(recipe.to_json())).to_json() == recipe.to_json()
    with pytest.raises(AttributeError):
        recipe.lr = 1.0


def test_what_python_cannot_write_is_told_by_its_kind():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for wrong in (deep, [10**5000]):
        with pytest.raises(RecipeError, match=r"^lr: expected a number above 0, got a list$"):
            Recipe(lr=wrong)


RUNS = {
    "xor with noise": {"data": "xor", "n": 12, "noise": 0.2},
    "moons in batches": {"data": "moons", "n": 20, "noise": 0.1, "batch": 6, "l2": 0.01},
    "own settings of the optimiser": {
        "data": "circles",
        "n": 16,
        "noise": 0.0,
        "optimizer": "sgd",
        "lr": 0.1,
        "settings": {"momentum": 0.5},
    },
    "another start": {"data": "spirals", "n": 14, "noise": 0.0, "init": "he", "seed": 7},
    "dropout": {"data": "moons", "n": 20, "noise": 0.1, "batch": 6, "dropout": 0.3},
    "a schedule": {"data": "moons", "n": 20, "noise": 0.1, "batch": 6, "schedule": "cosine"},
    "l1": {"data": "moons", "n": 20, "noise": 0.1, "batch": 6, "l1": 0.01},
    "numbers": {"data": "hills", "n": 20, "noise": 0.1, "batch": 6, "loss": "mse"},
    "in order": {"data": "moons", "n": 20, "noise": 0.1, "batch": 6, "shuffle": False},
}
COMMON = {
    "hidden": [3],
    "activation": "tanh",
    "output": "linear",
    "loss": "binary_cross_entropy_with_logits",
    "batch": 1000,
    "held_out": 0.0,
    "epochs": 3,
}


@pytest.mark.parametrize("chosen", RUNS.values(), ids=list(RUNS))
def test_fit_the_playground_and_the_command_line_give_the_same_bits(chosen, tmp_path):
    recipe = Recipe.of(COMMON | chosen)
    X, y = new_data(recipe)
    model = new_model(recipe, 2, 1, recipe.loss)
    fit(model, X, y, loss=recipe.loss, **fit_options(recipe, model, len(X)), progress=False)

    live = Session(State.of(recipe.to_dict()))
    while live.epoch < recipe.epochs:
        live.step()
    assert bits(live.model) == bits(model)

    (tmp_path / "run.json").write_text(recipe.to_json())
    out = tmp_path / "out"
    assert main(["--recipe", str(tmp_path / "run.json"), "--out", str(out), "--no-plots"]) == 0
    written = load(out / "model.json")
    assert bits(written) == bits(model)
    assert Recipe.of(written.recipe) == recipe


small = st.fixed_dictionaries(
    {
        "data": st.sampled_from(["moons", "xor", "circles"]),
        "n": st.integers(8, 20),
        "noise": st.sampled_from([0.0, 0.1]),
        "held_out": st.sampled_from([0.0, 0.3]),
        "hidden": st.lists(st.integers(1, 4), max_size=2),
        "activation": st.sampled_from(["tanh", "relu"]),
        "output": st.just("linear"),
        "loss": st.just("binary_cross_entropy_with_logits"),
        "dropout": st.sampled_from([0.0, 0.5]),
        "optimizer": st.sampled_from([*OPTIMIZERS]),
        "lr": st.sampled_from([0.01, 0.1]),
        "init_scale": st.sampled_from([0.5, 1.0]),
        "schedule": st.sampled_from([*SCHEDULES]),
        "warmup": st.sampled_from([0.0, 0.4]),
        "l1": st.sampled_from([0.0, 0.01]),
        "l2": st.sampled_from([0.0, 0.01]),
        "clip_norm": st.sampled_from([0.05, 10.0]),
        "label_smoothing": st.sampled_from([0.0, 0.1]),
        "epochs": st.integers(1, 4),
        "batch": st.sampled_from([1, 3, 100]),
        "shuffle": st.booleans(),
        "seed": st.integers(0, 99),
    }
)


def fitted(recipe, **options):
    """The model of a recipe, trained by fit, and its record."""
    X, y, *held_out = split(*new_data(recipe), recipe.held_out, recipe.seed)
    model = new_model(recipe, 2, 1, recipe.loss)
    told = fit_options(recipe, model, len(X)) | {"validation": held_out if held_out[0] else None}
    return model, fit(model, X, y, loss=recipe.loss, progress=False, **told, **options)


@pytest.mark.parametrize("examples", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_any_recipe_gives_the_same_in_fit_eager_the_command_line_and_the_playground(examples):
    settings(max_examples=examples)(given(small)(is_the_same_everywhere))()


def is_the_same_everywhere(chosen):
    recipe = Recipe.of(chosen)
    model, record = fitted(recipe)
    eager, eager_record = fitted(recipe, compile=False)
    numbers = [p.data for p in eager.parameters()]
    assert [p.data for p in model.parameters()] == pytest.approx(numbers, rel=1e-11, abs=1e-12)
    assert record.loss == pytest.approx(eager_record.loss, rel=1e-11, abs=1e-12)

    live = Session(State.of(recipe.to_dict()))
    while live.epoch < recipe.epochs:
        live.step()
    assert bits(live.model) == bits(model)
    measured = [live.measured("held")[0]] if recipe.held_out else []
    assert measured == pytest.approx(record.validation_loss[-1:], rel=1e-12)

    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.json"
        path.write_text(recipe.to_json())
        assert main(["--recipe", str(path), "--out", folder, "--no-plots"]) == 0
        written = load(f"{folder}/model.json")
    assert bits(written) == bits(model)
    assert Recipe.of(written.recipe) == recipe


def test_patience_and_the_best_weights_are_the_recipes_too(tmp_path):
    chosen = {"n": 30, "held_out": 0.5, "lr": 1.0, "patience": 3, "keep_best": True, "seed": 1}
    recipe = Recipe.of(COMMON | {"epochs": 200} | chosen)
    model, record = fitted(recipe)
    assert record.epochs < 200
    assert min(record.validation_loss) < record.validation_loss[-1]
    (tmp_path / "run.json").write_text(recipe.to_json())
    given = ["--recipe", str(tmp_path / "run.json"), "--out", str(tmp_path), "--no-plots"]
    assert main(given) == 0
    assert bits(load(tmp_path / "model.json")) == bits(model)
    for refused in ({"patience": 3}, {"keep_best": True, "held_out": 0.5}):
        with pytest.raises(RecipeError, match=f"{next(iter(refused))}: the playground trains"):
            State.of(refused)
    with pytest.raises(RecipeError, match="keep_best: nothing is held out"):
        Recipe.of({"keep_best": True})


def test_every_setting_is_an_option(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for name in SETTINGS:
        assert f"--{'csv' if name == 'file' else name.replace('_', '-')}" in told


def test_options_give_the_recipe_that_is_saved(tmp_path):
    options = ["--n", "12", "--noise", "0.2", "--dropout", "0.1", "--schedule", "linear"]
    options += ["--warmup", "0.5", "--settings", "beta1=0.5", "eps=1e-6", "--clip-norm", "2"]
    options += ["--label-smoothing", "0.1", "--no-shuffle", "--patience", "9", "--epochs", "2"]
    assert main([*options, "--no-plots", "--out", str(tmp_path)]) == 0
    saved = load(tmp_path / "model.json").recipe
    expected = {"n": 12, "noise": 0.2, "dropout": 0.1, "schedule": "linear", "warmup": 0.5}
    expected |= {"settings": (("beta1", 0.5), ("eps", 1e-6)), "clip_norm": 2.0, "shuffle": False}
    expected |= {"label_smoothing": 0.1, "patience": 9, "epochs": 2}
    assert {name: getattr(Recipe.of(saved), name) for name in expected} == expected


def test_a_saved_model_carries_the_recipe_that_repeats_it(tmp_path):
    first, again, other = [str(tmp_path / name) for name in "abc"]
    arguments = ["--data", "xor", "--hidden", "3", "--epochs", "2", "--seed", "3", "--no-plots"]
    assert main([*arguments, "--out", first]) == 0
    assert main(["--recipe", f"{first}/model.json", "--out", again, "--no-plots"]) == 0
    assert (
        main(["--recipe", f"{first}/model.json", "--seed", "4", "--out", other, "--no-plots"]) == 0
    )
    models = [load(f"{folder}/model.json") for folder in (first, again, other)]
    assert bits(models[0]) == bits(models[1]) != bits(models[2])
    assert models[0].recipe == models[1].recipe
    assert models[2].recipe == models[0].recipe | {"seed": 4}


def test_a_model_that_is_trained_on_forgets_its_recipe(tmp_path):
    model = MLP(2, [1], seed=0)
    model.recipe = Recipe().to_dict()
    save(model, tmp_path / "m.json")
    loaded = load(tmp_path / "m.json")
    assert loaded.recipe == model.recipe
    fit(loaded, *datasets.xor(), loss=hinge, optimizer=SGD(0.1), epochs=1, progress=False)
    assert loaded.recipe is None


@over(
    ("name", "value"),
    [
        ("data", "iris"),
        ("activation", "tahn"),
        ("loss", "mae"),
        ("optimizer", "sdg"),
        ("lr", -1.0),
        ("lr", math.inf),
        ("seed", 10**17),
        ("batch", 0),
        ("hidden", [0]),
        ("held_out", 1.0),
        ("dropout", 1.0),
        ("schedule", "up"),
        ("warmup", 1.5),
        ("clip_norm", 0.0),
        ("label_smoothing", -0.1),
        ("init_scale", -1.0),
    ],
)
def test_all_who_read_a_recipe_refuse_a_setting_by_its_name(name, value, tmp_path, capsys):
    with pytest.raises(RecipeError, match=f"^{name}: ") as error:
        Recipe.of({name: value})
    assert "e-324" not in str(error.value)
    with pytest.raises(RecipeError, match=f"^{name}: "):
        State.of({name: value})
    with pytest.raises(RecipeError, match=f"^{name}: "):
        Recipe().replace(**{name: value})
    with pytest.raises(RecipeError, match=f"^{name}: "):
        Recipe(**{name: value})
    words = [str(item) for item in (value if isinstance(value, list) else [value])]
    option = f"--{name.replace('_', '-')}"
    assert main([option, *words, "--out", str(tmp_path / "out")]) == 1
    assert str(error.value) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "object of settings"),
        ('{"colour": 1}', "unknown setting 'colour'"),
        ('{"format": "autograd-core model 2"}', "object of settings, got None"),
        ('{"target": "y"}', "target: .* no file"),
        ('{"settings": {"speed": 1}}', "optimizer adam: there is no number 'speed': .* beta1, "),
        ('{"settings": {"beta1": 2}}', "optimizer adam: beta1 must be at least 0 and below 1"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_by_name(text, why, tmp_path, capsys):
    path = tmp_path / "run.json"
    path.write_text(text)
    assert main(["--recipe", str(path), "--out", str(tmp_path / "out")]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f"error: {path}: ")
    with pytest.raises(RecipeError, match=why):
        Recipe.of(json.loads(text).get("recipe") if "format" in text else text)


def test_a_recipe_made_by_its_class_is_that_of_a_dict_and_takes_numbers_of_numpy():
    given = {"hidden": [4], "settings": {"beta1": 0.5}, "seed": np.int64(3), "lr": np.float32(0.5)}
    made = Recipe(**given)
    assert made == Recipe.of(given) == Recipe.of(made.to_json())
    assert {made} == {Recipe.of(given)}
    for wrong in ({"lr": 10**400}, {"target": "y"}, {"settings": {"eps": 10**400}}):
        with pytest.raises(RecipeError):
            Recipe(**wrong)


def test_a_recipe_that_is_no_text_is_refused_by_name(tmp_path, capsys):
    (tmp_path / "run.json").write_bytes(b"\x89PNG")
    assert main(["--recipe", str(tmp_path / "run.json"), "--out", str(tmp_path / "out")]) == 1
    assert "run.json is not a text in UTF-8" in capsys.readouterr().err


def test_digits_take_no_number_of_points():
    with pytest.raises(ValueError, match="n: the data set digits is as it is"):
        new_data(Recipe(data="digits", n=5))
