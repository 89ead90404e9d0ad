"""The questions of notebook 08, what a net can represent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nn.course.kinds import Code, Number, Question
from nn.course.pieces import counting, exact, in_pieces, minterms, parabola, parity
from nn.course.safely import Empty, run
from nn.model import MLP


def second_term() -> Number:
    return Number(
        right=-max(0.0, 3.0 - 1),
        wrong=[
            (0, "-x - 1 is 2 at x = -3: the second unit is awake. It is the first that sleeps."),
            (-4, "-(-3) is +3, and 3 - 1 is 2."),
            (-3, "The unit is relu(-x - 1), not relu(-x)."),
        ],
        hints=["-x - 1 at x = -3 is 3 - 1.", "relu leaves 2 as it is, and then comes the minus."],
        why="The first unit sleeps, the second says 2, and -2 is x + 1. Each is bent, their difference is not.",
    )  # fmt: skip


# --- A student's net in pieces ----------------------------------------------------------------


def joins(f: Callable[[Any], Any], n: int) -> Callable[[Any], Any]:
    """Whether a student's net has the right weights onwards for a curve."""

    def test(function: Any) -> str | None:
        got = run(function, f, n, limited=False)
        if not isinstance(got, MLP) or (got.n_in, got.sizes) != (1, [n, 1]):
            return f"A net with {n} hidden units is wanted: leave the last line as it is."
        mine = np.array([w.data for w in got.layers[1].neurons[0].w])
        if not any(p.data for p in got.parameters()):
            raise Empty("Slopes and changes are still to be written.")
        right = np.array([w.data for w in in_pieces(f, n).layers[1].neurons[0].w])
        if np.allclose(mine, right, atol=1e-9):
            return None
        i = int(np.argmax(~np.isclose(mine, right, atol=1e-9)))
        return f"With {n} units, the slope changes by {right[i]:g} at joint {i + 1}; yours by {mine[i]:g}. {slip(mine, right, f, n)}"

    return test


def slip(mine: Any, right: Any, f: Callable[[Any], Any], n: int) -> str:
    """Which slip gives these weights; "" if none that is known."""
    slopes = np.cumsum(right)
    known = [
        (slopes, "Those are the slopes. Each unit adds to what the units before it do: take their changes."),
        (right * 6 / n, "Those are made of the rises. The slope is rise over run: divide by the width of a piece."),
        (slopes * 6 / n, "That is the rise of each piece. The slope is rise over run, and then its change."),
        (-right, "The sign: the slope after the joint minus the one before it."),
        (np.diff(slopes, append=0.0), "The changes at the right ends. A unit's joint is the left end of its piece: put the 0 in front."),
        (np.append(0.0, right[1:]), "The first piece has a slope, too: before it, the slope is 0."),
    ]  # fmt: skip
    return next((words for wrong, words in known if np.allclose(mine, wrong, atol=1e-9)), "")


def own_pieces() -> Code:
    return Code(
        laws=[
            ("the parabola", joins(parabola, 4)),
            ("a straight line", joins(lambda x: 2.0 * x + 1, 3)),
            ("a wave", joins(np.sin, 8)),
        ],
        source="slopes = np.diff(f(joints)) / np.diff(joints); changes = np.diff(slopes, prepend=0.0)",
        hints=["The slope of a piece is rise over run: `np.diff(f(joints)) / np.diff(joints)`.", "The changes: `np.diff(slopes, prepend=0.0)`."],
        why="For the parabola each change after the first is 2h, because its second derivative is 2: the weights onwards are the curvature, piece by piece.",
        errors=[
            ("is shorter", "n pieces have n changes, also that of the first: before it, the slope is 0 (`prepend=0.0`)."),
            ("is longer", "n pieces have n slopes. Each is rise over run, both by `np.diff`."),
            ("truth value of an array", "`np.diff` takes one array. Rise and run are two of them, and the slope is their quotient."),
        ],
    )  # fmt: skip


def twice_the_units() -> Number:
    return Number(
        right=4,
        wrong=[
            (2, "Half the width. But the gap between curve and line goes with its square."),
            (8, "The square of the width, not its third power."),
            (0.25, "That is what is left. It falls by which factor?"),
            (16, "That is four times the units."),
        ],
        hints=["Half the pieces' width: what becomes of the gap between curve and line?", "The gap goes with the square of the width."],
        why="Half the width, a quarter of the error. The slider says the same.",
    )  # fmt: skip


def one_millionth() -> Number:
    h = 2 * 1e-6**0.5
    return Number(
        right=6 / h,
        wrong=[
            (6 / 1e-3, "h² = 4 · 10⁻⁶, so h is 2/1000, not 1/1000."),
            (6 / 1e-6, "That is 6/h with h = 10⁻⁶. It is h²/4 that is to be 10⁻⁶."),
            (6 / 4e-6, "The root is missing: h² = 4 · 10⁻⁶."),
            (1 / h, "The interval is 6 wide: N = 6/h."),
        ],
        hints=["h² = 4 · 10⁻⁶", "h = 2/1000, and N = 6/h."],
        why="h = 0.002 and N = 3000: then the largest error is one millionth, and not more.",
        tolerance=1e-9,
    )  # fmt: skip


def at_a_jump() -> Number:
    return Number(
        right=0.5,
        wrong=[
            (0, "Just left of the jump the target is 0, just right of it 1. Can a net without jumps be near to both?"),
            (1, "Half way up it is wrong by less, on both sides."),
            (1e-6, "More units make the slope steeper. But it must pass ½ somewhere, and the target is never ½."),
        ],
        hints=["A net of relu units does not jump. What does it say where it passes from 0 to 1?"],
        why="It is continuous, so it passes ½ somewhere, and there it is wrong by ½ on one side or the other, however steep it is.",
    )  # fmt: skip


def two_bits_away() -> Number:
    return Number(
        right=float(minterms(3)[0, 3]),
        wrong=[
            (-1, "1 - 2, and then comes the relu."),
            (1, "That is what it says at its own corner."),
            (2, "Each bit that differs takes 1 away."),
            (0.5, "The sums are whole numbers: 1 - 2."),
        ],
        hints=["At v itself the sum is 1. What does it lose for each bit that differs?", "relu(1 - 2)"],
        why="The sum is 1 - 2 = -1, and relu cuts it off. Without the bend it would not be 0.",
    )  # fmt: skip


# --- Parity -----------------------------------------------------------------------------------


def is_parity(n: int) -> Callable[[Any], Any]:
    """Whether a student's weights onwards make the parity of n bits."""

    def test(function: Any) -> str | None:
        got = run(function, n)
        if not isinstance(got, (list, tuple)) or len(got) != n:
            return f"For n = {n}, a list of {n} weights is wanted, not `{got!r}`."
        if any(w is ... for w in got):
            raise Empty("Some weights are still dots.")
        made = counting(list(got), n)
        if exact(made, parity(n)) == 2**n:
            return None
        said = [sum(float(w) * max(0, s - i) for i, w in enumerate(got)) for s in range(n + 1)]
        s = next(s for s, v in enumerate(said) if v != s % 2)
        after = f"With {n} bits, at s = {s} the net says {said[s]:g} and should say {s % 2}."
        if s == 2 and got[1] == -1:
            return f"{after} -1 makes the slope 0. It was 1, and is to be -1."
        if list(got) == [(-1) ** i for i in range(n)]:
            return f"{after} Those are the slopes; the weights are their changes."
        return f"{after} Slope before it: {said[s - 1] - said[s - 2] if s > 1 else 0:g}; which one is needed, and what is the change?"  # fmt: skip

    return test


def own_parity() -> Code:
    return Code(
        laws=[("one bit", is_parity(1)), ("two bits: XOR", is_parity(2)), ("three bits", is_parity(3)), ("eight bits", is_parity(8))],
        source="return [1] + [2 * (-1) ** i for i in range(1, n)]",
        hints=["Up by 1, down by 1, up by 1: which slopes, and how much do they change?", "The slopes are 1, -1, 1, ...; the changes 1, -2, 2, -2, ..."],
        why="1, -2, 2, -2, ...: a zigzag. Minterms know nothing of the function; this net knows that only the count matters.",
    )  # fmt: skip


# --- And training -----------------------------------------------------------------------------


def better_than_hand() -> Number:
    return Number(
        right=0,
        wrong=[
            (4, "They could be better. Do they get there from random weights?"),
            (2, "Where do 32 joints have to go, and where do they start?"),
            (1, "With few units some are. With 32?"),
            (3, "With so many units it gets harder to place them all, not easier."),
        ],
        hints=["All joints start at x = 0."],
        why="None. With 2 or 4 units luck is enough, with 32 each joint would have to find a place of its own.",
        tolerance=1e-9,
    )  # fmt: skip


def best_place() -> Number:
    return Number(
        right=6,
        wrong=[
            (40, "All can represent it. In 03 one in four found it."),
            (30, "You trust the rate too much. Where nothing pulls, no rate helps."),
            (20, "Worse than a coin, as in 03."),
            (0, "Some do."),
        ],
        hints=["In 03, with weights of standard deviation 1 and 5000 steps, it was one in four. Here are fewer steps."],
        why="6 of 40. No rate and no size of the first weights mends it: it is the number of units, or what bends, that must change (03).",
        tolerance=0.4,
    )  # fmt: skip


def one_unit() -> Number:
    return Number(
        right=-2,
        wrong=[
            (1, "relu(x + 3) + 1 is x + 4 there."),
            (2, "x + 3 + 2 is x + 5."),
            (-3, "x + 3 - 3 is x."),
            (0, "That is x + 3."),
        ],
        hints=["Between -3 and 3 the unit is awake: relu(x + 3) = x + 3."],
        why="x + 3 - 2. On a bounded interval one unit that never sleeps is a straight line. On the whole line it takes two.",
    )  # fmt: skip


def on_both_sides() -> Number:
    return Number(
        right=-0.125,
        wrong=[
            (-0.25, "Then it is too low by 0 to 0.25: the same error, on the other side."),
            (0.125, "It lies above the curve. Up is the wrong way."),
            (-0.5, "Then the error would be up to 0.5."),
            (0.25, "It lies above the curve. Up is the wrong way, and it is too far."),
        ],
        hints=["It is too high by 0 to 0.25. Where should the middle of that be?"],
        why="Then it errs by at most 0.125, up and down. Joining points of the curve is good, and not best.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "08.1": second_term,
    "08.2": own_pieces,
    "08.3": twice_the_units,
    "08.4": one_millionth,
    "08.5": at_a_jump,
    "08.6": two_bits_away,
    "08.7": own_parity,
    "08.8": better_than_hand,
    "08.9": best_place,
    "08.10": one_unit,
    "08.11": on_both_sides,
}
