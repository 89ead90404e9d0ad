"""One run of a recipe on a data set that has a name, and what came of it as plain data."""

from __future__ import annotations

from typing import Any, NamedTuple

from nn.datasets import DATASETS, split
from nn.losses import LOSSES, Loss, suited_to
from nn.model.mlp import MLP
from nn.train.fit import evaluate, fit
from nn.train.recipe import Recipe, fit_options, new_data, new_model
from nn.train.settings import RecipeError


class Run(NamedTuple):
    """A run before its first step: the model, and examples to train on and to test with."""

    recipe: Recipe
    model: MLP
    loss: Loss
    X: list[Any]
    y: list[Any]
    test_X: list[Any]
    test_y: list[Any]


def prepared(recipe: Recipe) -> Run:
    """The run that a recipe describes; RecipeError for one of a table."""
    if recipe.file is not None:
        raise RecipeError("file: this takes a data set that has a name")
    X, y = new_data(recipe)
    k = 0 if DATASETS[recipe.data].numbers else 1 + max(y)
    loss = LOSSES[recipe.loss] if recipe.loss else suited_to(k)
    try:
        n_outputs = loss.outputs_for(k, recipe.data)
    except ValueError as error:
        raise RecipeError(f"loss: {error}") from None
    parts = X, y, list[Any](), list[Any]()
    if recipe.held_out:
        parts = split(X, y, recipe.held_out, recipe.seed, by_class=k > 0)
    model = new_model(recipe, len(X[0]), n_outputs, loss.name)
    return Run(recipe, model, loss, *parts)


def run(recipe: Recipe) -> dict[str, Any]:
    """Train: the epochs made, and the loss and the accuracy after the last; those held out too."""
    made = prepared(recipe)
    held_out = (made.test_X, made.test_y) if made.test_X else None
    options = fit_options(recipe, made.model, len(made.X))
    history = fit(
        made.model,
        made.X,
        made.y,
        loss=made.loss,
        validation=held_out,
        progress=False,
        **options,
    )
    loss, accuracy = evaluate(made.model, made.X, made.y, loss=made.loss)
    found = {"epochs": history.epochs, "loss": loss, "accuracy": accuracy}
    if held_out:
        loss, accuracy = evaluate(made.model, *held_out, loss=made.loss)
        found |= {"held_out_loss": loss, "held_out_accuracy": accuracy}
    return found


def attempted(described: dict[str, Any]) -> dict[str, Any]:
    """The same of a recipe as plain data; of a run that fails, why."""
    try:
        return run(Recipe.of(described))
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this run's alone
        return {"error": f"{type(error).__name__}: {error}"}
