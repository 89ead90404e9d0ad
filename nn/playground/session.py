"""Training in small steps, with changes on the way; no widget and no browser is needed.

>>> session = Session(State.of({"hidden": [4], "n": 20}))
>>> session.step()
>>> session.steps, len(session.model.parameters())
(1, 17)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_core.compiler.ir import Floats
from nn.datasets import DATASETS, most_held_out, split
from nn.losses import LOSSES
from nn.model.mlp import MLP
from nn.model.module import unchanged
from nn.playground.points import Table, bounds_of
from nn.playground.readout import Readout
from nn.playground.state import LIVE, MOST_CHANGES, MOST_POINTS, State, change, rows_of
from nn.train import Loop, recipe
from nn.train.examples import Examples
from nn.train.loop import executor_for
from nn.train.recipe import new_optimizer, new_rate
from nn.train.settings import RecipeError
from nn.train.slopes import DivergedError

OF_DATA = {"data", "n", "noise", "held_out", "points"}  # settings
OF_PROGRAMS = ("features", "activation", "output", "loss", "dropout")
OF_POINTS = ("add", "remove", "move")  # changes
MOST_EPOCHS = 2000  # that are remembered


@dataclass(frozen=True, slots=True)
class Ahead:
    """The next step before it is taken: where it leads, by how much, on which examples."""

    theta: Floats
    delta: Floats
    batch: list[int]


class Session:
    """A model, its data and its optimiser, trained step by step as a State says.

    All that changes on the way is replaced, and not changed in place: `save` keeps what there is.
    """

    def __init__(self, state: State, model: MLP | None = None) -> None:
        self.lesson = ""  # that it is about
        self.loop: Loop | None = None
        self.shape: Any = None  # what its programs depend on
        self.build(state, model)

    def build(self, state: State, model: MLP | None = None) -> None:
        """Start the run that the state describes; a model of its architecture is used as it is."""
        self.start, self.now, self.done = state, state, 0
        self.X, self.y, self.test_X, self.test_y = data_of(state)
        self.begin_with(model or new_model(state), is_own=model is not None)
        if state.weights:
            self.put(np.array(state.weights))
        self.bounds = bounds_of([*self.X, *self.test_X])
        self.scale = max([abs(y) for y in (*self.y, *self.test_y)], default=0.0) or 1.0
        self.steps = self.epoch = 0
        self.losses: deque[float] = deque(maxlen=MOST_EPOCHS)
        self.accuracy: float | None = None
        self.gradients = np.zeros(len(self.parameters))
        if self.loop is not None:
            self.loop.use(new_optimizer(state, max(1, len(self.X))))
            self.loop.shuffle = state.shuffle
            self.set_live()
        self.set_data()
        self.apply_planned()

    def begin_with(self, model: MLP, *, is_own: bool) -> None:
        """Take a model; one like that of now lends it its numbers, and all programs stay."""
        now = self.now
        chosen = executor_for(model, max(1, len(self.X)), self.batch_size, now.epochs)
        shape = [getattr(now, name) for name in OF_PROGRAMS], now.sizes, chosen
        if self.shape == shape and not is_own:
            self.put(np.array([p.data for p in model.parameters()]))
            return
        self.shape, self.model, self.loss = None if is_own else shape, model, LOSSES[now.loss]
        self.executor = chosen
        self.parameters = model.parameters()
        self.readout, self.loop = Readout(model, self.loss), None

    def set_data(self) -> None:
        """Check the examples, and begin an epoch of them."""
        self.examples = self.checked(self.X, self.y, self.now.label_smoothing)
        self.tables: dict[str, Table | None] = {"train": None, "held": None}
        if self.examples is None:
            return
        # From the start as `fit` does; else by the step, so that a run can be repeated.
        seed = f"{self.now.seed} {self.steps}" if self.steps else self.now.seed
        if self.loop is None:
            self.loop = self.new_loop(self.examples, seed)
        else:
            self.loop.show(self.examples, seed)
        self.loop.batch_size = self.batch_size
        for name, examples in (("train", self.examples), ("held", self.held_out())):
            self.tables[name] = Table.of(self.loop.slopes, examples)

    @property
    def batch_size(self) -> int:
        """How many examples a step takes."""
        return self.now.batch or max(1, len(self.X))

    def new_loop(self, examples: Examples, seed: int | str) -> Loop:
        """The training, as the settings say."""
        now, n = self.now, examples.n
        made: dict[str, Any] = {"batch_size": self.batch_size, "seed": seed}
        made |= {"shuffle": now.shuffle, "l1": now.l1, "l2": now.l2, "clip_norm": now.clip_norm}
        with unchanged(self.model):
            return Loop(self.model, examples, new_optimizer(now, n), **made, executor=self.executor)

    def checked(
        self, X: list[list[float]], y: list[Any], smoothing: float = 0.0
    ) -> Examples | None:
        """Examples; None for none."""
        rows = rows_of(self.now.features, X).tolist()
        return Examples.of(self.model, rows, y, self.loss, smoothing=smoothing) if X else None

    def held_out(self) -> Examples | None:
        """The examples that are not trained on, if there are any."""
        return self.checked(self.test_X, self.test_y)

    # --- Training ---

    def step(self) -> None:
        """One step, on the next batch; DivergedError if it meets a number that is not finite.

        The numbers are taken from the model and put back into it: it may be used, and changed,
        between any two steps. After an error they are those of the last finished step.
        """
        if self.examples is None or self.loop is None:
            raise ValueError("there are no points to train on: paint some into the plane")
        loop = self.loop
        loop.take()
        try:
            is_last = loop.step()
        finally:
            loop.give()
        self.gradients = loop.gradient
        self.steps += 1
        if is_last:
            self.epoch += 1
            self.losses.append(loop.mean_loss)
            self.accuracy = loop.accuracy
        self.apply_planned()

    def ahead(self) -> Ahead | None:
        """The next step, and nothing has changed; None where there is none to take."""
        if self.loop is None or self.examples is None:
            return None
        saved, before = self.loop.save(), self.theta()
        try:
            self.loop.take()
            self.loop.begin()
            batch = [int(i) for i in self.loop.queue[: self.loop.batch_size]]
            self.loop.step()
            return Ahead(self.loop.theta, self.loop.theta - before, batch)
        except (DivergedError, ValueError):
            return None
        finally:
            self.loop.restore(saved)
            self.put(before)

    def measured(self, name: str = "train") -> tuple[float | None, float | None, Floats | None]:
        """Mean loss, accuracy and gradient over all "train" or "held" examples, as of now.

        None is what is not defined, or not there.
        """
        table = self.tables[name]
        return (None, None, None) if table is None else table.measured(self.theta())

    # --- Numbers ---

    def theta(self) -> Floats:
        """The parameters' numbers."""
        return np.array([p.data for p in self.parameters])

    def put(self, theta: Floats) -> None:
        """Give the parameters other numbers."""
        for p, number in zip(self.parameters, theta.tolist(), strict=True):
            p.data = number

    @contextmanager
    def at(self, theta: Floats) -> Iterator[None]:
        """With other numbers for a while."""
        before = self.theta()
        self.put(theta)
        try:
            yield
        finally:
            self.put(before)

    # --- There and back ---

    def save(self) -> dict[str, Any]:
        """All there is of now; `restore` takes it."""
        kept = {**vars(self), "losses": copy(self.losses)}
        return {**kept, "numbers": self.theta(), "in_loop": self.loop and self.loop.save()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Be as when it was saved."""
        kept = dict(saved)
        numbers, in_loop = kept.pop("numbers"), kept.pop("in_loop")
        vars(self).update({**kept, "losses": copy(kept["losses"])})
        if self.loop is not None:
            self.loop.restore(in_loop)
            self.set_live()
        self.put(numbers)

    # --- Changes ---

    @property
    def state(self) -> State:
        """What gives this run again."""
        return self.start

    def set(self, **settings: Any) -> bool:
        """Change settings: at once if they are all of `LIVE`, else by building anew.

        Points that were painted outlast a change of the model. Returns whether it was built anew.
        """
        known = set(settings)
        now = replace(self.now, weights=None).replace(**settings)
        if known <= set(LIVE):
            for name in settings:
                if getattr(now, name) != getattr(self.now, name):
                    self.change(name, getattr(now, name))
            return False
        # One's own weights outlast a change of the data, unless there is another output for it.
        keep = self.now.weights if known <= OF_DATA and now.sizes == self.now.sizes else None
        points = () if known & OF_DATA else self.changed_points()
        before = self.save()
        try:
            self.build(replace(now, weights=keep, changes=points), self.model if keep else None)
        except Exception:
            self.restore(before)
            raise
        return True

    def changed_points(self) -> tuple[Any, ...]:
        """What was done to the points, as changes at the start of a run."""
        made = self.start.changes[: self.done]
        return tuple([(0, what, value) for _, what, value in made if what in OF_POINTS])

    def change(self, what: str, value: Any, *, again: bool = False) -> None:
        """Change one thing now, and remember at which step; `again` replaces the change before."""
        made = change((self.steps, what, value))
        kept = self.start.changes[: self.done]
        if again and kept and kept[-1][:2] == made[:2] and same_thing(kept[-1], made):
            kept = kept[:-1]
        if len(kept) == MOST_CHANGES:
            raise RecipeError(
                f"a run remembers {MOST_CHANGES:,} changes, and these were made: reset"
            )
        self.apply(made)
        if what in OF_POINTS:
            self.set_data()
        if what in LIVE and not self.steps and not kept:
            self.start, self.done = replace(self.start, **{what: made[2]}, changes=()), 0
            return
        self.start, self.done = replace(self.start, changes=(*kept, made)), len(kept) + 1

    def apply_planned(self) -> None:
        """Make the changes that the state has for this step."""
        planned, before = self.start.changes, self.done
        while self.done < len(planned) and planned[self.done][0] <= self.steps:
            self.apply(planned[self.done])
            self.done += 1
        if any(what in OF_POINTS for _, what, _ in planned[before : self.done]):
            self.set_data()

    def apply(self, made: tuple[int, str, Any]) -> None:
        """Make a change."""
        _, what, value = made
        if what in LIVE:
            self.now = self.now.replace(**{what: value})
            if what == "optimizer" and self.loop is not None:
                self.loop.use(new_optimizer(self.now, self.loop.data.n))
            self.set_live()
        else:
            acts: dict[str, Callable[..., None]] = {
                "weight": self.set_weight,
                "add": self.add,
                "remove": self.remove,
                "move": self.move,
            }
            acts[what](*(value if isinstance(value, tuple) else (value,)))

    def set_live(self) -> None:
        """Go on training by the settings of now."""
        if self.loop is not None:
            self.loop.optimizer.lr = new_rate(self.now, self.loop.data.n)
            self.loop.l1, self.loop.l2 = self.now.l1, self.now.l2
            self.loop.clip_norm = self.now.clip_norm
            self.loop.batch_size = self.batch_size

    def set_weight(self, i: int, number: float) -> None:
        """Give a parameter another number."""
        if i >= len(self.parameters):
            raise RecipeError(f"the model has {len(self.parameters)} parameters, not {i + 1}")
        self.parameters[i].data = number

    def add(self, x1: float, x2: float, label: float) -> None:
        """Add a point to the training set."""
        classes = self.now.sizes[-1] if self.loss.of_classes else 2
        if self.now.of_numbers:
            label = float(label)
        elif isinstance(label, float) or label >= classes:
            raise RecipeError(f"the model tells {classes} classes apart, label {label} is not one")
        if len(self.X) + len(self.test_X) >= MOST_POINTS:
            raise RecipeError(f"there are {MOST_POINTS:,} points already, and that is the most")
        self.X, self.y = [*self.X, [x1, x2]], [*self.y, label]

    def widen(self, points: Sequence[tuple[float, float, float]]) -> None:
        """Add points of a class that there was not: all points are one's own then.

        The model gets an output for it, and a loss that takes so many.
        """
        known = [(x1, x2, label) for x1, x2, label, _ in self.points()]
        loss = (
            self.now.loss
            if self.loss.of_classes
            else next(n for n in LOSSES if LOSSES[n].of_classes)
        )
        self.set(data="own", points=[*known, *points], loss=loss)

    def remove(self, i: int) -> None:
        """Take a point away; the held-out ones are counted after the others."""
        n = self.place(i)
        if i < n:
            self.X, self.y = without(self.X, i), without(self.y, i)
        else:
            self.test_X, self.test_y = without(self.test_X, i - n), without(self.test_y, i - n)

    def move(self, i: int, x1: float, x2: float) -> None:
        """Put a point elsewhere."""
        n = self.place(i)
        if i < n:
            self.X = [*self.X[:i], [x1, x2], *self.X[i + 1 :]]
        else:
            i -= n
            self.test_X = [*self.test_X[:i], [x1, x2], *self.test_X[i + 1 :]]

    def place(self, i: int) -> int:
        """How many points are trained on; RecipeError if there is no point i."""
        n = len(self.X)
        if not 0 <= i < n + len(self.test_X):
            raise RecipeError(
                f"there are {n + len(self.test_X)} points, and none has the index {i}"
            )
        return n

    def reset(self) -> None:
        """Start over with the settings and points as they are now."""
        bounds, same = self.bounds, self.model if self.now.weights else None
        self.build(replace(self.now, changes=self.changed_points()), same)
        self.bounds = bounds

    # --- Points ---

    def points(self) -> list[tuple[float, float, float, bool]]:
        """Every point as (x1, x2, label or number, held out)."""
        train = [(x[0], x[1], label, False) for x, label in zip(self.X, self.y)]
        return train + [(x[0], x[1], label, True) for x, label in zip(self.test_X, self.test_y)]


def same_thing(before: tuple[int, str, Any], made: tuple[int, str, Any]) -> bool:
    """Whether two changes of one kind are of the same setting, weight or point."""
    what = made[1]
    return what in LIVE or (what in {"weight", "move"} and before[2][0] == made[2][0])


def without(xs: Sequence[Any], i: int) -> list[Any]:
    """The list without item i."""
    return [*xs[:i], *xs[i + 1 :]]


# --- What a state describes ------------------------------------------------------------------


def new_model(state: State) -> MLP:
    """The model that a state describes."""
    return recipe.new_model(state, len(state.features), state.sizes[-1], state.loss)


def data_of(state: State) -> tuple[list[list[float]], list[Any], list[list[float]], list[Any]]:
    """The training set and the held-out set, as points of the plane."""
    if state.data == "own":
        X, y = [[x1, x2] for x1, x2, _ in state.points], [label for _, _, label in state.points]
    else:
        known = DATASETS[state.data].settings
        classes = {"classes": state.classes} if "classes" in known else {}
        X, y = recipe.new_data(state, **classes)
    # Of few points as many as leave one of each class, for they are clicked one by one.
    labels = [0] * len(y) if state.of_numbers else y
    share = min(state.held_out, most_held_out(labels))
    return split(X, y, share, seed=state.seed, by_class=not state.of_numbers)
