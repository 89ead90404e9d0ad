"""Many runs at once, as one program: what an example is elsewhere, a run is here.

The mean loss over a run's data is compiled as a function of the parameters' numbers and the data.
A batch of such arguments is many runs, and the gradient along the first is that of each of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from autograd_core import Value, compile, mean
from autograd_core.engine import collector_paused
from nn.model.layers import Neuron
from nn.model.mlp import MLP
from nn.model.module import modules, outputs_of, unchanged
from nn.train.examples import Examples, classes_said
from nn.train.recipe import Recipe, new_optimizer
from nn.train.run import attempted, prepared
from nn.train.settings import RecipeError
from nn.train.stacks import in_lists

APART = ("seed", "init", "init_scale", "lr")  # what runs at once may differ in
ALONE = {  # settings that each run of its own can follow, and their value for runs at once
    "batch": None,
    "dropout": 0.0,
    "held_out": 0.0,
    "label_smoothing": 0.0,
    "l1": 0.0,
    "patience": None,
    "file": None,
}
FEW, MOST_PRODUCTS = 8, 200_000  # runs, and products of weights and inputs in each


def alike(recipe: Recipe, apart: Sequence[str] = APART) -> Recipe:
    """What is equal in the recipes of runs that can be made at once."""
    return replace(recipe, **{name: getattr(Recipe(), name) for name in apart})


def check_together(recipes: Sequence[Recipe]) -> None:
    """RecipeError for a setting that runs at once cannot follow."""
    for recipe in recipes:
        if name := obstacle(recipe):
            raise RecipeError(
                f"{name}: runs that are made at once have none, and this one has "
                f"{getattr(recipe, name)!r}; vectorize=False makes one after the other"
            )


def obstacle(recipe: Recipe) -> str | None:
    """The setting that runs at once cannot follow."""
    return next((name for name, x in ALONE.items() if getattr(recipe, name) != x), None)


def groups(recipes: Sequence[Recipe], *, demanded: bool) -> Iterator[list[Recipe]]:
    """The recipes of runs that can be made at once; and are worth it, unless it is demanded."""
    together: defaultdict[Recipe, list[Recipe]] = defaultdict(list)
    for recipe in recipes:
        if obstacle(recipe) is None:
            together[alike(recipe)].append(recipe)
    for kind, group in together.items():
        if demanded or (len(group) >= FEW and products(kind) <= MOST_PRODUCTS):
            yield group


def products(recipe: Recipe) -> int:
    """How many products of weights and inputs one step of a run takes."""
    made = prepared(recipe)
    return len(made.X) * len(made.model.parameters())


def run_together(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """What `run` finds for each of them; one that fails is run by itself, to know why."""
    with collector_paused():
        fleet = Fleet(recipes)
        failed = fleet.train()
        found, undefined = fleet.measure()
    epochs = recipes[0].epochs
    return [
        attempted(recipe.to_dict()) if k in failed | undefined else {"epochs": epochs, **result}
        for k, (recipe, result) in enumerate(zip(recipes, found, strict=True))
    ]


class Fleet:
    """Runs in training: `theta` has a row of parameters for each of them."""

    def __init__(self, recipes: Sequence[Recipe]) -> None:
        import numpy as np

        self.np, self.recipes = np, recipes
        begins = [alike(recipe, ("lr", "init_scale")) for recipe in recipes]
        made = {begin: prepared(begin) for begin in dict.fromkeys(begins)}
        known = {begin: Examples.of(x.model, x.X, x.y, x.loss) for begin, x in made.items()}
        theta = {begin: [p.data for p in x.model.parameters()] for begin, x in made.items()}
        self.model, self.data = made[begins[0]].model, known[begins[0]]
        X = [known[begin].X for begin in begins]
        targets = [known[begin].targets for begin in begins]
        same = all(x == X[0] for x in X) and all(t == targets[0] for t in targets)
        self.given = () if same else (np.array(X), np.array(targets, dtype=float))
        self.labels = [known[begin].labels for begin in begins]
        scales = np.array([[recipe.init_scale] for recipe in recipes])
        self.theta = np.array([theta[begin] for begin in begins]) * scales
        self.program = compile(self.loss_and_outputs, batched=True)
        self.program.prepare(self.theta, *self.given)
        biases = {x.b for x in modules(self.model) if isinstance(x, Neuron)}
        decays = [float(p not in biases) for p in self.model.parameters()]
        self.decay = 2 * recipes[0].l2 * np.array(decays)

    def loss_and_outputs(self, theta: Any, *given: Any) -> Any:
        """The mean loss of one run, and its outputs for all examples.

        The data are those that are given, or that all share.
        """
        X, targets = map(in_lists, given or (self.data.X, self.data.targets))
        with unchanged(self.model):
            put(self.model, iter(theta.tolist()))
            said = [self.model(x) for x in X]
        losses = [self.data.loss_of(z, t) for z, t in zip(said, targets, strict=True)]
        return mean(losses), [outputs_of(z) for z in said]

    def train(self) -> set[int]:
        """Take all steps; which runs have failed."""
        np, first = self.np, self.recipes[0]
        optimizers = [new_optimizer(recipe, self.data.n) for recipe in self.recipes]
        constant = np.array([[recipe.lr] for recipe in self.recipes])
        state = tuple(np.zeros_like(self.theta) for _ in optimizers[0].carries)
        failed, most = np.zeros(len(self.theta), bool), first.clip_norm
        for made in range(first.epochs):
            rates = constant
            if callable(optimizers[0].lr):
                rates = np.array([[x.rate(made)] for x in optimizers])
            gradient, wrong = self.slopes()
            with np.errstate(all="ignore"):
                gradient = gradient + self.decay * self.theta
                if most is not None:
                    gradient = gradient * (most / np.maximum(self.norms(gradient), most))
                theta, state = optimizers[0].update(self.theta, gradient, state, rates, made + 1)
            failed |= wrong | ~np.isfinite(theta).all(1)
            if failed.all():
                break
            if failed.any():  # they go on with the numbers of another one, which do no harm
                for array in (theta, *state):
                    array[failed] = array[~failed][0]
            self.theta = theta
        return set(np.flatnonzero(failed).tolist())

    def norms(self, rows: Any) -> Any:
        """The length of each row, whose squares do not overflow."""
        most = abs(rows).max(1, keepdims=True)
        unit = self.np.where(most > 0, most, 1.0)
        return unit * self.np.linalg.norm(rows / unit, axis=1, keepdims=True)

    def slopes(self) -> tuple[Any, Any]:
        """The gradient of each run, and in which runs some number is not defined."""
        *_, found, wrong = self.program.apart(self.theta, *self.given)
        return len(self.theta) * found[:, : self.theta.shape[1]], wrong

    def measure(self) -> tuple[list[dict[str, Any]], set[int]]:
        """The loss and the accuracy of each run as it is; and which runs have none."""
        losses, outputs, _, wrong = self.program.apart(self.theta, *self.given)
        said = classes_said(outputs, self.data.threshold)
        right: list[Any] = [None] * len(losses)
        if None not in self.labels:
            right = (said == self.np.array(self.labels)).mean(1).tolist()
        pairs = zip(losses.tolist(), right, strict=True)
        found = [{"loss": loss, "accuracy": accuracy} for loss, accuracy in pairs]
        return found, set(self.np.flatnonzero(wrong).tolist())


def put(model: MLP, numbers: Iterator[Value]) -> None:
    """Let a model compute with other numbers, in the order of its parameters."""
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.w = [next(numbers) for _ in neuron.w]
            neuron.b = next(numbers)
