"""Neural nets out of Values: neurons, layers, losses, optimisers, data sets and training."""

from typing import TYPE_CHECKING, Any

from autograd_core import __version__ as __version__
from nn import datasets, losses, optim, plot
from nn.doctor import Diagnosis, Finding, diagnose
from nn.losses import LOSSES, TargetError
from nn.model import ACTIVATIONS, MLP, Dropout, Embedding, Layer, Module, Neuron, init
from nn.optim import SGD, Adam, gradient_descent
from nn.readings import GradientNorms
from nn.saving import ModelFileError, load, save
from nn.train import DivergedError
from nn.train.fit import evaluate, fit, predict
from nn.train.history import BestWeights, EarlyStopping, History
from nn.train.recipe import Recipe
from nn.train.settings import RecipeError
from nn.train.sweep import Sweep, sweep

if TYPE_CHECKING:
    from nn.playground import Playground as Playground

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "MLP",
    "SGD",
    "Adam",
    "BestWeights",
    "Diagnosis",
    "DivergedError",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Finding",
    "GradientNorms",
    "History",
    "Layer",
    "ModelFileError",
    "Module",
    "Neuron",
    "Recipe",
    "RecipeError",
    "Sweep",
    "TargetError",
    "datasets",
    "diagnose",
    "evaluate",
    "fit",
    "gradient_descent",
    "init",
    "load",
    "losses",
    "optim",
    "plot",
    "predict",
    "save",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Playground, which needs more than the rest, is loaded when it is asked for."""
    if name != "Playground":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nn.playground import Playground

    return Playground
