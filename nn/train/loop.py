"""Training, step by step: the only code that takes a step.

A step takes the next batch, asks for its loss and gradient (slopes.py: on a graph or on arrays),
and lets the optimiser move all parameters, or none where a number would not be finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from random import Random
from typing import TYPE_CHECKING, Any

from autograd_core import Value
from autograd_core.engine import as_value
from nn.given import Seed, as_rng
from nn.losses import TargetError
from nn.model.layers import Neuron
from nn.model.module import modules, parameters_of
from nn.optim import Optimizer
from nn.train.examples import Examples, Model
from nn.train.slopes import ArraySlopes, DivergedError, GraphSlopes, name_of

if TYPE_CHECKING:
    from autograd_core.compiler.executors import Wanted

AT_ONCE = 1000  # steps that an executor is asked for, at most
LINED_UP = 100_000  # examples of the epochs to come, at most
CARRIED = ("theta", "gradient", "state", "queue", "sum", "hits", "draw")  # from step to step
CHOSEN = ("optimizer", "data", "batch_size", "l1", "l2", "clip_norm")


class Loop:
    """A model in training on examples; what is in `CHOSEN` may be changed on the way.

    While it is open, the numbers of the parameters are in `theta`, their gradient in `gradient`,
    and what the optimiser carries along in `state`, always those of the last finished step.
    `close` puts them into the model and the optimiser. `l1` and `l2` add l1 · |w| + l2 · w² to the
    loss for every parameter but biases of neurons; they count in the gradient alone, and that of
    |w| is 0 at 0. A gradient longer than `clip_norm` is shortened to it. An epoch's random numbers
    are made of `draw`.
    """

    def __init__(
        self,
        model: Model,
        data: Examples,
        optimizer: Optimizer,
        *,
        batch_size: int,
        seed: Seed,
        shuffle: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        clip_norm: float | None = None,
        compile: bool = True,
        executor: Wanted | None = None,
    ) -> None:
        self.data, self.optimizer, self.batch_size = data, optimizer, batch_size
        self.l1, self.l2, self.clip_norm = l1, l2, clip_norm
        self.shuffle, self.rng = shuffle, as_rng(seed)
        self.slopes = ArraySlopes(model, data, executor) if compile else GraphSlopes(model, data)
        self.parameters = self.slopes.parameters
        biases = {part.b for part in modules(model) if isinstance(part, Neuron)}
        self.decays = [float(p not in biases) for p in self.parameters]
        self.queue: Any = ()  # the examples to come, of whole epochs but for the first
        self.sum, self.hits, self.draw = 0.0, 0, 0
        self.is_open = False
        self.open()

    # --- Where the numbers are ---

    def open(self) -> None:
        """Take the numbers from the parameters and the optimiser."""
        self.take()
        self.gradient = self.slopes.vector([p.grad for p in self.parameters])
        self.state = self.slopes.state_of(self.optimizer)
        self.is_open = True

    def take(self) -> None:
        """Take the parameters' numbers, which may have been changed."""
        self.theta = self.slopes.vector([as_value(p).data for p in self.parameters])

    def give(self) -> None:
        """Put the numbers and the gradient into the parameters."""
        numbers = self.slopes.numbers(self.theta), self.slopes.numbers(self.gradient)
        for p, data, grad in zip(self.parameters, *numbers, strict=True):
            p.data, p.grad = data, grad

    def close(self) -> None:
        """Put all into the parameters and the optimiser, unless it is there."""
        if self.is_open:
            self.give()
            self.optimizer.state.update(self.slopes.states(self.state))
            self.is_open = False

    def show(self, data: Examples, seed: Seed) -> None:
        """Go on with other examples, from the beginning of an epoch."""
        self.slopes.show(data)
        self.data, self.rng, self.queue = data, as_rng(seed), ()

    def use(self, optimizer: Optimizer) -> None:
        """Go on with another optimiser, which begins anew."""
        self.optimizer, self.state = optimizer, self.slopes.state_of(optimizer)

    def check_unchanged(self) -> None:
        """Raise RecordingError if model or loss would do something else by now."""
        self.slopes.check_unchanged()

    # --- There and back ---

    def save(self) -> dict[str, Any]:
        """All that the steps to come depend on, but the model; `restore` takes it."""
        kept = {name: copy(getattr(self, name)) for name in CARRIED}
        chosen = {name: getattr(self, name) for name in CHOSEN}
        return {**kept, **chosen, "rng": self.rng.getstate()}

    def restore(self, saved: dict[str, Any]) -> None:
        """Be as when it was saved; the numbers are in `theta`, and `give` puts them back."""
        if saved["data"] is not self.data:
            self.slopes.show(saved["data"])
        for name in (*CHOSEN, *CARRIED):
            setattr(self, name, copy(saved[name]) if name in CARRIED else saved[name])
        self.rng = Random()
        self.rng.setstate(saved["rng"])
        if self.slopes.units:
            self.slopes.draw(self.draw)

    # --- Steps ---

    def step(self) -> bool:
        """One step, on the next batch; whether it was the last of an epoch.

        Raises DivergedError for a number that is not finite, naming the op and the example. The
        parameters, and all that belongs to them, are then those of the last finished step.
        """
        self.begin()
        return bool(self.advance(1))

    def epochs(self, most: int = 1) -> list[tuple[float, float | None]]:
        """All steps of an epoch: its mean loss, and the accuracy or None without labels.

        Each example counts as it was before the step that it was used for. These may be up to
        `most` epochs where an executor takes many steps at once.
        """
        self.begin(most)
        while not (ended := self.advance(len(self.queue))):
            pass
        return self.means(ended)

    def begin(self, most: int = 1) -> None:
        """Begin an epoch, if the last one is over, and line up as many as are taken at once."""
        if len(self.queue) % self.data.n:
            return
        self.sum, self.hits = 0.0, 0
        if len(self.queue):
            return
        if self.slopes.units:
            self.draw = self.rng.getrandbits(64)
            self.slopes.draw(self.draw)
        steps = math.ceil(self.data.n / self.batch_size)
        at_once = min(most, AT_ONCE // steps, LINED_UP // self.data.n)
        if self.slopes.units or not self.takes_steps:
            at_once = 1
        self.queue = self.slopes.joined(self.orders(max(at_once, 1)))

    @property
    def takes_steps(self) -> bool:
        """Whether the executor takes many steps at once, which know no l1."""
        return self.slopes.takes_steps and not self.l1

    def orders(self, count: int) -> list[Any]:
        """The examples of so many epochs, mixed unless they are one batch."""
        n = self.data.n
        if not self.shuffle or self.batch_size >= n:
            return [self.slopes.places(None)] * count
        return [self.slopes.places(self.rng.randbytes(8 * n)) for _ in range(count)]

    def advance(self, most: int) -> list[tuple[float, int]]:
        """Up to so many steps at once, or one: the sums of the epochs that are over by then."""
        if self.takes_steps:
            before = len(self.queue)
            ended = self.take_steps(self.sizes(most))
            if len(self.queue) < before:
                return ended
        left = len(self.queue) % self.data.n or self.data.n
        return self.take_step(min(self.batch_size, left))

    def sizes(self, most: int) -> list[int]:
        """How many examples each of the next steps takes, of so many at most."""
        left, whole = len(self.queue) % self.data.n, len(self.queue) // self.data.n
        sizes = batches(min(left, most * self.batch_size), self.batch_size)
        if len(sizes) < most:
            sizes += batches(self.data.n, self.batch_size) * whole
        return sizes[:most]

    def means(self, ended: Sequence[tuple[float, int]]) -> list[tuple[float, float | None]]:
        """Mean losses and accuracies, from sums over all examples."""
        n, is_told = self.data.n, self.data.labels is not None
        return [(loss / n, hits / n if is_told else None) for loss, hits in ended]

    def take_steps(self, sizes: list[int]) -> list[tuple[float, int]]:
        """Steps that an executor takes at once, if it takes any; the sums of epochs then over."""
        rates = self.rates(len(sizes))
        if not rates:
            return []
        sizes = sizes[: len(rates)]
        taken = self.slopes.take(
            self.theta,
            order=self.queue[: sum(sizes)],
            sizes=sizes,
            rates=rates,
            update=self.optimizer.update,
            constants=self.optimizer.constants,
            state=self.state,
            decay=self.decay(2 * self.l2) if self.l2 else None,
            most=None if self.clip_norm is None else float(self.clip_norm),
            threshold=self.data.threshold,
        )
        done = sizes[: len(taken.losses)]
        so_far, ended = self.summed(done, taken.losses.tolist(), taken.hits.tolist())
        rest = self.queue[sum(done) :]
        # Ctrl-C comes after calls, and there is none from here to the end.
        if done:
            self.theta, self.gradient, self.state = taken.theta, taken.gradient, taken.state
            (self.sum, self.hits), self.queue = so_far, rest
        return ended

    def rates(self, count: int) -> list[float]:
        """The rates of so many steps, up to the first that is none."""
        found, made, optimizer = list[float](), self.state[0], self.optimizer
        if not isinstance(made, int):
            return found  # parameters that have made different numbers of steps
        fixed = type(optimizer).rate is Optimizer.rate and not callable(optimizer.lr)
        for k in range(1 if fixed else count):  # one that is fixed is asked for once
            try:
                found.append(float(optimizer.rate(made + k)))
            except Exception:  # noqa: BLE001  who takes this step alone says what is wrong
                break
        return found * count if fixed else found

    def summed(
        self, sizes: Sequence[int], losses: Sequence[float], hits: Sequence[int]
    ) -> tuple[tuple[float, int], list[tuple[float, int]]]:
        """The sums over the last epoch that steps belong to, and of those that are over by then."""
        total, right, n, ended = self.sum, self.hits, self.data.n, []
        left = len(self.queue) % n or n
        for size, loss, hit in zip(sizes, losses, hits):
            total += loss * size
            right += hit
            left -= size
            if not left:
                ended.append((total, right))
                total, right, left = 0.0, 0, n
        return ended[-1] if ended and left == n else (total, right), ended

    def take_step(self, size: int) -> list[tuple[float, int]]:
        """One step, on so many examples; the sums of the epoch if it is over then."""
        batch = self.queue[:size]
        try:
            loss, hits, gradient = self.slope(batch)
            theta, state = self.move(gradient)
        except TargetError:
            raise
        except (ArithmeticError, ValueError) as error:
            raise DivergedError(str(error)) from error
        so_far, ended = self.summed([size], [loss], [hits])
        rest = self.queue[size:]
        # Ctrl-C comes after calls, and there is none from here to the end.
        self.theta, self.gradient, self.state = theta, gradient, state
        (self.sum, self.hits), self.queue = so_far, rest
        return ended

    def slope(self, batch: Sequence[int]) -> tuple[float, int, Any]:
        """The mean loss of a batch, how many labels were hit, and the gradient."""
        try:
            loss, hits, gradient = self.slopes.slope(self.theta, batch)
        except (ArithmeticError, ValueError):
            self.give()
            self.slopes.explain(batch)
            raise
        if not (math.isfinite(loss) and self.slopes.all_finite(gradient)):
            self.give()
            self.slopes.explain(batch)
        if self.l2:
            gradient = self.slopes.plus(gradient, self.decay(2 * self.l2), self.theta)
        if self.l1:
            signs = self.slopes.signs(self.theta)
            gradient = self.slopes.plus(gradient, self.decay(self.l1), signs)
        if self.clip_norm is not None:
            gradient = self.slopes.clipped(gradient, self.clip_norm)
        return loss, hits, gradient

    def measure(self, data: Examples) -> tuple[float, float | None]:
        """The mean loss, and the accuracy or None without labels, on other examples.

        A loss that is not defined is infinite: it is no example that is trained on.
        """
        try:
            loss, accuracy = self.slopes.measure(data, self.theta)
        except TargetError:
            raise
        except (ArithmeticError, ValueError):
            return math.inf, None if data.labels is None else math.nan
        return loss if math.isfinite(loss) else math.inf, accuracy

    def decay(self, rate: float) -> Any:
        """By how much each parameter feels a penalty of such a rate."""
        return self.slopes.vector([rate * decays for decays in self.decays])

    def move(self, gradient: Any) -> tuple[Any, Any]:
        """The parameters after a step, and what the optimiser carries along."""
        theta, state = self.slopes.moved(self.optimizer, self.theta, gradient, self.state)
        if not self.slopes.all_finite(theta):
            check_step(self.parameters, self.theta, theta)
        return theta, state

    @property
    def mean_loss(self) -> float:
        """The mean loss in an epoch that is over."""
        [(loss, _)] = self.means([(self.sum, self.hits)])
        return loss

    @property
    def accuracy(self) -> float | None:
        """The share of labels that were hit in an epoch that is over."""
        [(_, accuracy)] = self.means([(self.sum, self.hits)])
        return accuracy


def batches(n: int, size: int) -> list[int]:
    """The sizes of batches of n examples."""
    return [min(size, n - start) for start in range(0, n, size)]


def check_step(parameters: Sequence[Value], before: Any, after: Any) -> None:
    """Raise DivergedError for a step to a number that is not finite."""
    for p, old, number in zip(parameters, before, after, strict=True):
        if not math.isfinite(number):
            raise DivergedError(
                f"the step takes {name_of(p)} from {old:g} to {number}; "
                "a smaller learning rate may help"
            )


def executor_for(model: Model, n: int, batch_size: int, epochs: int) -> str | None:
    """What runs a training of n examples, by its length: the same for the same recipe."""
    from autograd_core.compiler.executors import choose_for_training

    steps = epochs * math.ceil(n / batch_size)
    return choose_for_training(len(parameters_of(model)), min(n, batch_size), steps)
