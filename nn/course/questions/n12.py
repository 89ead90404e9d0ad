"""The questions of notebook 12, find the bug."""

from __future__ import annotations

import math
from collections.abc import Callable

from nn.course.kinds import Choice, Number, Question

BUGS = (
    "sign",
    "overwritten",
    "too early",
    "not reset",
    "transpose",
    "dead units",
    "two softmaxes",
)


def bug(right: str, hints: list[str], why: str, **ideas: str) -> Choice:
    """One of the bugs; of each other, why it is not that one."""
    said = {word.replace("_", " "): idea for word, idea in ideas.items()}
    return Choice(right=right, wrong=[(word, said[word]) for word in BUGS if word != right], hints=hints, why=why)  # fmt: skip


def operation() -> Choice:
    return bug(
        "sign",
        ["How fast does x - y change with y?", "Measured -1, and the rule says 1."],
        "The slope of x - y along y is -1, and the rule says 1: values right, gradients wrong, and nobody is told. `check_gradient` on every new operation, always.",
        overwritten="x and y are used once each; nothing can be overwritten.",
        too_early="There is one operation, and it speaks once.",
        not_reset="One backward only: nothing was there before.",
        transpose="There is no matrix here.",
        dead_units="The slope is 1, not 0.",
        two_softmaxes="There is no softmax here.",
    )


def backward() -> Choice:
    return bug(
        "overwritten",
        ["Which of the three paths has arrived?", "One alone. And the two others?"],
        "Each use writes its part over the last: `=` for `+=`. On graphs where nothing is used twice it is right, so the tests pass.",
        sign="All three parts are positive, and what has arrived is one of them.",
        too_early="Then a part would be missing where w passes something on. w is a leaf, and has one part of its own three.",
        not_reset="Then there would be too much. There is too little: one part of three.",
        transpose="There is no matrix here.",
        dead_units="Then nothing would arrive. One part does.",
        two_softmaxes="There is no softmax here.",
    )


def another_backward() -> Choice:
    return bug(
        "too early",
        [
            "v has 7 and has handed on 5 · 2. When did it speak?",
            "Step through: who speaks second, and who has not spoken to it yet?",
        ],
        "v speaks when it is first reached, with 5, and then gets 2 more from s, which nobody hands on. It has to wait for all of its uses: that is what the topological order is for.",
        sign="All slopes are positive, and v has the right gradient.",
        overwritten="v has both of its parts, 5 and 2: they have been added.",
        not_reset="Then there would be too much. At x there is too little.",
        transpose="There is no matrix here.",
        dead_units="There is no relu here.",
        two_softmaxes="There is no softmax here.",
    )


def loop() -> Choice:
    return bug(
        "not reset",
        ["The gradient at step 1 is made of two parts.", "From this pass, and carried over."],
        "What the step before has left is still in `grad`, and each step adds to it. Set the gradients to 0 before each backward.",
        sign="Then the loss would rise from the first step on.",
        overwritten="Then something would be missing. Here there is too much: it says what was carried over.",
        too_early="The part of this pass is right: `explain` says so.",
        transpose="The gradient of one pass is right: `explain` says so.",
        dead_units="The gradient grows; it is not 0.",
        two_softmaxes="The net ends in one number, without a softmax.",
    )


def matrices() -> Choice:
    return bug(
        "transpose",
        [
            "From the last layer back, which step is the first to be wrong?",
            "The step through W2, the only matrix that is square.",
        ],
        "W2 is square, so W2 for W2ᵀ raises nothing. On 3-2-1 there is no square matrix: test on shapes that are square, and on some that are not.",
        sign="The signs of the last two layers are right, and those of the first mostly so. The sizes are not.",
        overwritten="Each entry is made once.",
        too_early="The layers come in order, from the last to the first.",
        not_reset="It is computed once, from nothing.",
        dead_units="Sigmoids do not die, and the slopes are not 0.",
        two_softmaxes="There is no softmax here.",
    )


def net() -> Choice:
    return bug(
        "dead units",
        [
            "All slopes of the first layer are exactly 0. When is the slope of relu 0?",
            "Look at the biases.",
        ],
        "All biases are -20: no unit wakes at any point, and who sleeps hears nothing. One step that was too large is enough. A smaller rate, and a new start.",
        sign="Then the loss would rise. It does not move at all.",
        overwritten="The gradients are right: they *are* 0.",
        too_early="The engine's own backward keeps the order.",
        not_reset="0 carried over would still be 0, but why is the first one 0?",
        transpose="The engine computed them; there is no matrix in sight.",
        two_softmaxes="The net ends in one number, without a softmax.",
    )


def classifier() -> Choice:
    return bug(
        "two softmaxes",
        [
            "The net ends in a softmax. What does the loss do with what it gets?",
            "log Σ eᵖ - p takes a softmax of p, and p is one already.",
        ],
        "The loss takes in the softmax, and the net has one of its own. Probabilities lie between 0 and 1, so the second one can never be sure: at best the loss is 0.551. Let the net end with z.",
        sign="The loss falls, and the answers are right.",
        overwritten="The loss falls as its gradient says.",
        too_early="The engine's own backward keeps the order.",
        not_reset="`gradient_descent` resets them, and the loss falls smoothly.",
        transpose="The engine computed the gradients.",
        dead_units="There is no relu here.",
    )


def not_this() -> Choice:
    return Choice(
        right="sign",
        wrong=[
            ("not reset", "It may well be: with a batch of 50 there are few steps an epoch, with 1 there are fifty, and each adds up."),
            ("learning rate", "It may well be: gradients of single examples are larger and wilder than their mean."),
        ],
        hints=["Which of the three would make the large batch fail as well?"],
        why="With a wrong sign it would climb with any batch, and `check_gradient` would not be content.",
    )  # fmt: skip


def first_loss() -> Number:
    return Number(
        right=math.log(10),
        wrong=[
            (0.1, "That is the probability of each class. Minus its logarithm?"),
            (1.0, "That is the logarithm to base 10. Here it is the natural one."),
            (math.log(2), "That is for two classes."),
            (10.0, "A probability of 1/10 each; minus its logarithm?"),
        ],
        hints=["-log(1/10)"],
        why="log 10 = 2.303. With 0.7 it knows something that it cannot know: perhaps the loss divides twice, or the labels are among the inputs.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "12.1": operation,
    "12.2": backward,
    "12.3": another_backward,
    "12.4": loop,
    "12.5": matrices,
    "12.6": net,
    "12.7": classifier,
    "12.8": not_this,
    "12.9": first_loss,
}
