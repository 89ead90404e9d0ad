"""The questions of notebook 07, training a tiny MLP."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import chain, pairwise
from math import ceil
from typing import Any

from autograd_core import Value, mean
from nn import datasets, losses
from nn.course.diagnosis import same
from nn.course.kinds import Choice, Code, Number, Question, number_in
from nn.course.safely import Empty, Mishap, run, safely
from nn.course.training import net
from nn.model import MLP


def loss_of(model: MLP, X: Any, y: Any) -> Value:
    """The mean of the squared errors."""
    return mean([losses.squared_error(model(x), t) for x, t in zip(X, y)])


def moves(steps: int, left: float = 5.0, rate: float = 0.1) -> Callable[[Any], str | None]:
    """Whether a student's step moves as it should, so many times, with gradients left before."""

    def test(function: Any) -> str | None:
        X, y = datasets.moons(n=6, noise=0.1)
        mine, right = net(seed=1), net(seed=1)
        for p in mine.parameters():
            p.grad = left
        for t in range(1, steps + 1):
            before = [p.data for p in mine.parameters()]
            old = [p.grad for p in mine.parameters()]
            got = safely(float, number_in(run(function, mine, X, y, rate, limited=False)))
            loss = loss_of(right, X, y)
            right.zero_grad()
            loss.backward()
            if not same(got, loss.data):
                return f"At step {t} the loss is {loss.data:.6g}; yours is {got:.6g}. Give back the one from before the step."
            if fault := moved(mine, right, before, old, rate):
                return f"At step {t}: {fault}"
            for p in right.parameters():
                p.data -= rate * p.grad
        return None

    return test


def moved(mine: MLP, right: MLP, before: list[float], old: list[float], rate: float) -> str | None:
    """What is wrong with the moves of the first parameter that has moved wrongly."""
    pairs = list(zip(mine.parameters(), right.parameters(), before, old))
    if all(p.data == was for p, _, was, _ in pairs):
        if all(p.grad == had for p, _, _, had in pairs):
            raise Empty("Nothing has happened to the parameters and their gradients so far.")
        if not any(p.grad for p, *_ in pairs):
            return "all gradients are 0, and no parameter moves. First `zero_grad`, then `loss.backward()`, then the steps."
        return "the gradients have changed, and no parameter has moved. Every `p.data -= rate * p.grad`."
    for p, q, was, had in pairs:
        move, wanted = p.data - was, -rate * q.grad
        if not close(move, wanted):
            idea = (
                "That is the move alone: `-=`, not `=`."
                if close(p.data, wanted)
                else reason(move, q.grad, had, rate)
            )
            return f"{p.label} has the slope {q.grad:.4g} and moves by {move:.4g}; with rate {rate} it should move by {wanted:.4g}. {idea}"
    return None


def reason(move: float, slope: float, had: float, rate: float) -> str:
    """Which slip moves a parameter so; "" if none that is known."""
    known = [
        (0.0, "It has not moved: all parameters are to, of every layer."),
        (rate * slope, "Against the slope, not along it."),
        (-slope, "The rate is missing."),
        (-rate * had, "That is the gradient of the step before: go backward first."),
        (-rate * (slope + had), "What was in `grad` from before has been added to: set it to 0 first."),
    ]  # fmt: skip
    return next((idea for wrong, idea in known if close(move, wrong)), "")


def close(x: float, z: float) -> bool:
    """Whether two moves are the same, but for the rounding of what was moved."""
    return abs(x - z) <= 1e-12 + 1e-9 * abs(z)


def own_step() -> Code:
    return Code(
        laws=[
            ("one step, whatever was in `grad` before", moves(1)),
            ("three steps in a row", moves(3)),
        ],
        source="model.zero_grad(); loss.backward(); for p in model.parameters(): p.data -= rate * p.grad",
        hints=["First forget: `model.zero_grad()`. Then `loss.backward()`.", "`for p in model.parameters():` and in it `p.data -= rate * p.grad`."],
        why="Forget, backward, move. Everything that was ever trained by gradient descent was trained by these lines.",
        errors=[("'list' object", "`model.parameters()` is a list: go over it, one parameter after the other.")],
    )  # fmt: skip


def which_first() -> Choice:
    return Choice(
        right="not matter",
        wrong=[
            ("the last", "Backward goes from the last layer to the first. But when the moving begins, it is over."),
            ("the first", "Its slope was computed with the old weights of the last layer, and they have been used already."),
        ],
        hints=["When are the gradients computed, and when do the parameters move?"],
        why="All gradients are there before anything moves. (Whoever moved W2 and then computed the gradient of W1 would get another one.)",
    )  # fmt: skip


def best_rate() -> Number:
    return Number(
        right=10,
        wrong=[
            (0.1, "It goes down smoothly, and has not come far after a hundred steps."),
            (1, "Better than 0.1. Is it the largest that works?"),
            (30, "There it breaks: the loss ends above that of the start."),
        ],
        hints=["The faster the better, as long as it works (05). Three of the four work."],
        why="10, just below the rate where it breaks. Its loss jumps on the way, which one has to bear.",
        tolerance=1e-9,
    )  # fmt: skip


def held_out() -> Choice:
    return Choice(
        right="fall and rise",
        wrong=[
            ("fall", "1185 parameters can fit 60 noisy points to the last one. What do they do between the points?"),
            ("stay", "At first it learns what all points have in common, and that helps with new ones."),
        ],
        hints=["What is learnt first, the moons or the noise?"],
        why="First it learns the moons, then the noise of these 60 points, which the other 60 do not have.",
    )  # fmt: skip


def narrow() -> Choice:
    return Choice(
        right="3 layers",
        wrong=[
            ("1 layer", "Two bends are few. But what do later layers get to see, if each layer hands on two numbers, and 0 where a relu sleeps?"),
            ("2 layers", "Think of the points where both units of a layer sleep. Are there more or fewer of them with each layer?"),
        ],
        hints=["All that layer 2 knows about a point are two numbers.", "Where both relus of a layer sleep, all points become one. That can happen in every layer."],
        why="50%, a coin: what a narrow layer throws away no later one gets back. Depth helps where there is width.",
    )  # fmt: skip


# --- Batches ----------------------------------------------------------------------------------


def listed(function: Any, n: int, size: int, rng: random.Random) -> list[list[int]]:
    """A student's batches as lists."""
    got = run(function, n, size, rng)
    batches = safely(list, got) if isinstance(got, Iterable) else got
    if not (isinstance(batches, list) and all(isinstance(x, Iterable) for x in batches)):
        wanted = "A list of lists is wanted, such as `[[3, 0], [4, 1], [2]]`"
        raise Mishap(f"{wanted}, not `{batches}`.")
    return [list(batch) for batch in batches]


def every_place(function: Any) -> str | None:
    for n, size in ((5, 2), (12, 4), (7, 10), (100, 32)):
        got = listed(function, n, size, random.Random(0))
        flat = [*chain(*got)]
        asked = f"For n = {n} and size = {size}"
        if missing := sorted(set(range(n)) - set(flat)):
            last = " Does the last, shorter batch get lost?" if len(flat) == n - n % size else ""
            return f"{asked}, place {missing[0]} is in no batch.{last}"
        if len(flat) > n:
            twice = next(i for i in flat if flat.count(i) > 1 or not 0 <= i < n)
            ends = (
                "To shuffle is not to draw again and again."
                if set(flat) - set(range(n))
                else "Does each batch begin where the one before ends?"
            )
            return f"{asked}, place {twice} comes more than once, or is none of the {n}. {ends}"
    return None


def right_sizes(function: Any) -> str | None:
    for n, size in ((5, 2), (12, 4), (7, 10)):
        got = [len(batch) for batch in listed(function, n, size, random.Random(0))]
        wanted = [size] * (n // size) + [n % size] * (n % size > 0)
        if got != wanted:
            empty = " No empty one at the end." if got and got[-1] == 0 else ""
            return f"For n = {n} and size = {size}, the batches have the lengths {wanted}; yours {got}.{empty}"
    return None


def shuffled(function: Any) -> str | None:
    rng = random.Random(0)
    first, second = ([*chain(*listed(function, 50, 7, rng))] for _ in range(2))
    if first == list(range(50)):
        return "The places come in order: 0, 1, 2, ... Shuffle them before cutting."
    if first == second:
        return "A second call with the same `rng` gives the same order. Use `rng`, not one of your own."
    if sum([abs(i - j) == 1 for i, j in pairwise(first)]) > 25:
        return "Neighbours stay together: shuffle the places, not the batches."
    return None


def own_batches() -> Code:
    return Code(
        laws=[
            ("every place once", every_place),
            ("batches of the size asked for, the rest in the last", right_sizes),
            ("shuffled, and anew at each call", shuffled),
        ],
        source="order = list(range(n)); rng.shuffle(order); return [order[i : i + size] for i in range(0, n, size)]",
        hints=["A list of all places, shuffled: `order = list(range(n))`, `rng.shuffle(order)`.", "Cut it: `order[i : i + size]` for i = 0, size, 2 size, ...: `range(0, n, size)`."],
        why="Each example once in an epoch, in a new order each time, so that no batch is always followed by the same one.",
        errors=[
            ("NoneType", "`rng.shuffle` shuffles the list that it is given, and gives back None: shuffle, then go on with the list."),
            ("'range' object", "A range cannot be shuffled: `list(range(n))` can."),
        ],
    )  # fmt: skip


# --- Trouble ----------------------------------------------------------------------------------


def remedy() -> Choice:
    return Choice(
        right="leaky relu",
        wrong=[
            ("ten times the rate", "Ten times next to nothing. And layer 9, whose gradient is not small, gets it as well."),
            ("ten times the epochs", "Ten times longer at a place where nothing pulls."),
            ("four times the units", "The gradient passes as many sigmoids as before."),
        ],
        hints=["What makes the gradient small on its way from layer 9 to layer 1?", "Each sigmoid multiplies it by at most ¼ (05)."],
        why="It changes the cause: the slope of leaky relu is 1 above 0, so the gradient keeps its size. The others push harder at a door that is locked.",
    )  # fmt: skip


def how_many_steps() -> Number:
    in_epoch = ceil(1438 / 32)
    return Number(
        right=15 * in_epoch,
        wrong=[
            (15 * (1438 // 32), "In every epoch there is a last batch of 30. It counts."),
            (in_epoch, "That is one epoch."),
            (15 * 1438, "A step for each example: that would be batches of one."),
            (15 * 32, "32 is the size of a batch. How many batches are there?"),
            (15 * 1438 / 32, "There are no broken steps: in every epoch the last batch is shorter."),
        ],
        hints=["1438/32 is 44.9.", "45 in an epoch."],
        why="45 in an epoch, 675 in all. With all digits in one batch there would be 15, each better and none of them worth it.",
        tolerance=1e-9,
    )  # fmt: skip


def best_of_fifty() -> Choice:
    return Choice(
        right="too high",
        wrong=[
            ("fair", "For one setting it would be. But this one was picked out of fifty, for being lucky on just these points, too."),
            ("too low", "Chance is on its side: it was picked for that."),
        ],
        hints=["Fifty students guess at an exam. What does the best one get, and what the next time?"],
        why="Whoever is picked for a score has more luck in it than others. So a third part is kept for the very end, the **test** set, and asked once.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "07.1": own_step,
    "07.2": which_first,
    "07.3": best_rate,
    "07.4": held_out,
    "07.5": narrow,
    "07.6": own_batches,
    "07.7": remedy,
    "07.8": how_many_steps,
    "07.9": best_of_fifty,
}
