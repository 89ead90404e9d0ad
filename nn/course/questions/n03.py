"""The questions of notebook 03, XOR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn.course.kinds import Choice, Code, Number, Question, Word
from nn.course.safely import Empty, safely
from nn.course.xor import J, X, two_units, y


def best_line() -> Number:
    right = J(0.0, 0.0, 0.5).data
    return Number(
        right=right,
        wrong=[
            (0, "Then the model would be right at all four points. f(0,0) + f(1,1) equals f(0,1) + f(1,0) for every straight f; the labels give 0 and 2."),
            (0.5, "Half of what? If you say ½ everywhere, each error is ½. And its square?"),
            (J(1.0, 1.0, 0.0).data, "If that is the sum of the four squares: the cost is their mean. If you fit three points exactly: the fourth is then wrong by 2."),
        ],
        hints=["By symmetry, no point deserves better than another.", "Say ½ to all four. Each error is ½."],
        why="½ everywhere: four errors of ½, each square is ¼, and so is their mean. A coin does as well.",
    )  # fmt: skip


def straight_on_straight() -> Number:
    right = J(0.0, 0.0, 0.5).data
    return Number(
        right=right,
        wrong=[
            (0, "More parameters do not bend anything. What is a straight function of a straight function?"),
            (right / 2, "Does a second straight layer do anything that one could not?"),
            (right / 3, "Three layers are not three times as good. What is a straight function of a straight function?"),
        ],
        hints=["Multiply the matrices.", "W₃(W₂(W₁x)) = (W₃W₂W₁)x"],
        why="¼ again: the three matrices multiply to one. However many straight layers are stacked, they make one.",
    )  # fmt: skip


def hidden_at_one_one() -> Word:
    def fault(answer: str) -> str | None:
        said = answer.replace("(", " ").replace(")", " ").replace(",", " ").split()
        known = {
            ("1", "2"): "Right numbers, other order: the first unit has the bias 0.",
            ("2", "2"): "The second unit has a bias of -1.",
            ("2", "0"): "1 + 1 - 1 is above 0: the second unit is awake.",
            ("2", "-2"): "-2 is its weight onwards. What does the unit itself say?",
            ("1", "1"): "Both units add the inputs up: 1 + 1.",
            ("1", "0"): "That is what they say at (0, 1). At (1, 1) the inputs add up to 2.",
        }
        numbers = tuple([f"{float(part):g}" for part in said if is_number(part)])
        if len(numbers) != 2:
            return "Two numbers are wanted, like (3, 4)."
        if numbers == ("2", "1"):
            return None
        return known.get(
            (numbers[0], numbers[1]),
            "Add the inputs, add the bias, and cut off below 0; once for each unit.",
        )

    return Word(
        fault=fault,
        example="(2, 1)",
        hints=["The first unit: 1 + 1 + 0.", "The second: 1 + 1 - 1."],
        why="1 + 1 = 2, and 1 + 1 - 1 = 1. Then 1 · 2 - 2 · 1 = 0: the second unit wakes just in time to pull the answer down.",
    )  # fmt: skip


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def places_in_hidden_space() -> Number:
    net = two_units([[1, 1], [1, 1]], [0, -1], [1, -2])
    seen = set()
    for x in X:
        net(x)
        seen.add(tuple([v.data for v in net.layers[0].activations]))
    return Number(
        right=len(seen),
        wrong=[
            (4, "Compare the rows of h: do all four differ?"),
            (2, "Two labels, but (0, 0) and (1, 1) are at (0, 0) and (2, 1)."),
            (1, "Then no model on top could tell the labels apart."),
        ],
        hints=["Count the different rows in the column h."],
        why="(0, 0), (1, 0) and (2, 1): the two points with label 1 fall together. What the labels do not need is thrown away.",
        tolerance=1e-9,
    )  # fmt: skip


def right_everywhere(model: Any) -> str | None:
    """The first point at which a net of two units is wrong, and what its units say there."""
    if getattr(model, "n_in", None) != 2 or not hasattr(model, "layers"):
        return "A net from `xor.two_units(...)` is wanted."
    if not any(p.data for p in model.parameters()):
        raise Empty("Its nine numbers are all 0 so far.")
    for x, t in zip(X, y):
        said = safely(model, x)
        units = [f"{v.data:g}" for v in model.layers[0].activations]
        if abs(said.data - t) > 1e-6:
            return f"At ({x[0]:g}, {x[1]:g}) the units say {' and '.join(units)}, and the net says {said.data:g}. It should say {t:g}."
    return None


def one_unit_each(model: Any) -> str | None:
    """Whether each unit wakes at one point with label 1 alone."""
    awake = []
    for x in X:
        model(x)
        awake.append([v.data > 0 for v in model.layers[0].activations])
    for i in (0, 1):
        points = [f"({x[0]:g}, {x[1]:g})" for x, row in zip(X, awake) if row[i]]
        if len(points) != 1:
            return f"Right answers, but not by this way: unit {i} is awake at {' and '.join(points)}. It should wake at one point alone."
    return None


def own_net() -> Code:
    return Code(
        laws=[("it is right at all four points", right_everywhere), ("each unit wakes at one point alone", one_unit_each)],
        source="W=[[1, -1], [-1, 1]], c=[0, 0], w=[1, 1]",
        hints=[
            "A unit that wakes at (1, 0) alone: positive weight for x₁, negative for x₂.",
            "relu(x₁ - x₂) is 1 at (1, 0) and 0 at the other three points.",
            "The other one is relu(x₂ - x₁). Add the two.",
        ],
        why="relu(x₁ - x₂) + relu(x₂ - x₁) = |x₁ - x₂|: XOR is the distance of the inputs. Of 53 nets that training brings to 0, 17 find this one.",
        wanted="A net",
    )  # fmt: skip


def how_many() -> Number:
    right = 53
    return Number(
        right=right,
        wrong=[
            (200, "All can represent it. Does downhill from a random place lead there?"),
            (100, "Worse than a coin."),
            (0, "Some do."),
            (150, "You trust gradient descent more than it deserves."),
        ],
        hints=["Less than half.", "About one in four."],
        why="53: one in four. To be able to represent something, and to learn it, are two different things.",
        tolerance=0.4,
    )  # fmt: skip


def shared_by_three() -> Number:
    labels = [0, 1, 0]
    share = sum(labels) / 3
    squares = sum((t - share) ** 2 for t in labels)
    return Number(
        right=squares / 4,
        wrong=[
            (squares, "That is the sum of the squares. The cost is the mean over all four points."),
            (squares / 3, "The mean is over all four points; the fourth has an error of 0."),
            (1 / 4, "That is what four points that share ½ cost. Here three share ⅓."),
            (1 / 8, "That is what two points that share ½ cost. Here three share ⅓."),
            (share, "That is what the three share. And the squares of the errors?"),
        ],
        hints=["They share the mean of their labels, ⅓.", "Errors ⅓, ⅔, ⅓; squares 1/9, 4/9, 1/9."],
        why="(1 + 4 + 1)/9 is ⅔, and a quarter of that is ⅙. Two points that share ½ make ⅛, four make ¼: these are the places.",
    )  # fmt: skip


def remedy() -> Choice:
    return Choice(
        right="tanh",
        wrong=[
            ("leaky relu", "A hundredth is not much: where a relu rests, the leaky one is nearly as flat. It hardly helps."),
            ("4 units", "It helps: more chances to start well. But each unit can still fall asleep for good."),
            ("other starts", "About one in four, as before. The dice have no memory."),
        ],
        hints=["What stopped them? Who sleeps hears nothing. Who never sleeps?"],
        why="The slope of tanh is never 0, so no unit stops hearing. (On deep nets it has troubles of its own: 05.)",
    )  # fmt: skip


def best_of_five() -> Number:
    p = 53 / 200
    return Number(
        right=1 - (1 - p) ** 5,
        wrong=[
            (5 * p, "More than 1 is no probability. Two nets may succeed both."),
            (p, "That is one net. You have five tries."),
            (p**5, "That is the probability that all five succeed."),
            (1 - p**5, "That is the probability that not all five succeed. One is enough."),
            ((1 - p) ** 5, "That is the probability that all five fail. And otherwise?"),
        ],
        hints=["How probable is it that all five fail?", "1 - (147/200)⁵"],
        why="79%. To train from several starts and keep the best is an old and honest trick.",
        tolerance=0.01,
    )  # fmt: skip


def from_zero() -> Number:
    return Number(
        right=1,
        wrong=[
            (0, "The last bias gets the sum of the errors, which is not 0 at first. It moves to ½."),
            (9, "Which slope does a weight get whose input is 0?"),
            (3, "tanh(0) is 0, so the two weights behind the units get no slope. The bias does."),
            (4, "The hidden weights hear of the loss only through the weights behind them, and those are 0."),
            (6, "The hidden weights hear of the loss only through the weights behind them, and those are 0, so none of the six moves."),
        ],
        hints=["A weight's slope is what comes in, times what comes back.", "What comes in is 0 behind the units, and what comes back is 0 before them."],
        why="Only the last bias moves, to ½. Before the units nothing comes back, behind them nothing comes in. So weights start at random, and small.",
        tolerance=1e-9,
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "03.1": best_line,
    "03.2": straight_on_straight,
    "03.3": hidden_at_one_one,
    "03.4": places_in_hidden_space,
    "03.5": own_net,
    "03.6": how_many,
    "03.7": shared_by_three,
    "03.8": remedy,
    "03.9": best_of_five,
    "03.10": from_zero,
}
