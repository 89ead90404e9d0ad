"""What the command line takes: an option for each setting of a recipe."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from autograd_core import __version__
from nn.optim import OPTIMIZERS
from nn.train.recipe import Recipe
from nn.train.settings import SETTINGS, RecipeError, Setting, pair, parse

USUAL = Recipe()
OPTIONS = {"file": "csv"}  # settings that the command line calls by another name
WRITTEN = {int: "N", float: "X", pair: "NAME=X"}
TEXTS = {"file": "FILE", "target": "COLUMN"}  # what a text is that is no name of a row
DIGITS: dict[str, Any] = {"hidden": [32], "epochs": 30, "batch": 32, "held_out": 0.2}


def parser() -> argparse.ArgumentParser:
    """The command line: an option for each setting of a recipe, and what to do with the run."""
    p = argparse.ArgumentParser(
        prog="python -m nn",
        description="Train a small multi-layer perceptron and write model.json, boundary.png, "
        "loss.png and graph.svg, the trained net's prediction for one example.",
        epilog="Ctrl-C ends the training, and writes what it has come to. "
        "python -m nn playground: train one live, on a page that this opens.",
    )
    p.add_argument("--version", action="version", version=f"autograd-core {__version__}")
    data = p.add_mutually_exclusive_group()
    for name, setting in SETTINGS.items():
        add_option(data if name in {"data", "file"} else p, name, setting)
    p.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="repeat the run that a JSON file describes, or that a model.json was trained by, but "
        "for what other options say",
    )
    p.add_argument(
        "--out", type=Path, default=Path("out"), metavar="DIR", help="where to write (default: out)"
    )
    p.add_argument("--no-plots", action="store_true", help="write the model, and no pictures")
    return p


def add_option(p: Any, name: str, setting: Setting) -> None:
    """An option for a setting."""
    option, default = option_of(name), usual(name)
    told = setting.told() + (f" (default: {default})" if default else "")
    if isinstance(getattr(USUAL, name), bool):
        p.add_argument(option, action=argparse.BooleanOptionalAction, help=told)
        return
    kind = WRITTEN.get(setting.written, TEXTS.get(name, "NAME"))
    many = "*" if setting.many else None
    p.add_argument(option, dest=name, type=setting.written, nargs=many, metavar=kind, help=told)


def option_of(name: str) -> str:
    """What the command line calls a setting."""
    return f"--{OPTIONS.get(name, name).replace('_', '-')}"


def usual(name: str) -> str:
    """What a setting is where it is not given; "" for none."""
    if name == "lr":
        starts = [f"{row.start:g} for {key}" for key, row in OPTIMIZERS.items()]
        return ", ".join([*starts, "a tenth for digits"])
    default, said = getattr(USUAL, name), []
    if default not in (None, ()):
        said.append(in_words(default))
    if name in DIGITS:
        said.append(f"{in_words(DIGITS[name])} for digits")
    return ", ".join(said)


def in_words(x: Any) -> str:
    """A value as it is given on the command line."""
    return " ".join(map(str, x)) if isinstance(x, (list, tuple)) else str(x)


def recipe_of(options: argparse.Namespace) -> Recipe:
    """The run that the options describe, with defaults that depend on data and optimiser."""
    told = {field.name: getattr(options, field.name, None) for field in fields(Recipe)}
    given = {name: value for name, value in told.items() if value is not None}
    if options.recipe:
        return Recipe.of(read_recipe(options.recipe) | given)
    optimizer = OPTIMIZERS.get(given.get("optimizer", USUAL.optimizer))
    lr = optimizer.start if optimizer else USUAL.lr
    if given.get("data") == "digits":
        return Recipe.of({**DIGITS, "lr": lr / 10, **given})
    return Recipe.of({"lr": lr, **given})


def read_recipe(path: Path) -> dict[str, Any]:
    """What a file says of a run: one that describes nothing else, or a model's."""
    try:
        content = parse(path.read_text("utf-8"))
        if isinstance(content, dict) and "format" in content:
            content = content.get("recipe")
        return Recipe.of(content).to_dict()
    except UnicodeDecodeError:
        raise RecipeError(f"{path} is not a text in UTF-8") from None
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None
