"""The questions of notebook 04, outputs and losses."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from autograd_core import Value, gradient, softmax
from nn import losses
from nn.course.kinds import Choice, Code, Law, Number, Question, number_in
from nn.course.safely import run


def logistic_two() -> Number:
    return Number(
        right=1,
        wrong=[
            (0, "Then the sigmoid would have to say 2. How large can it get?"),
            (4, "That is the loss at σ = 0. The sigmoid can do better."),
            (2.25, "That is the loss at z = 0. Go on: how large can σ get?"),
            (2, "That is the target. How near to it can the sigmoid come, and what is the square of what is missing?"),
        ],
        hints=["The sigmoid stays below 1.", "(1 - 2)²"],
        why="σ stays below 1, so the loss stays above (1 - 2)² = 1, however far z runs. The output function must be able to say the target.",
    )  # fmt: skip


def other_probability() -> Number:
    p = Value(2.0).sigmoid().data
    return Number(
        right=1 - p,
        wrong=[
            (p, "That is P(1)."),
            (-p, "A probability is never negative. The two add up to 1."),
            (math.exp(-2), "Nearly: e⁻² is P(0) divided by P(1)."),
            (0.5, "That is at z = 0, where both are equal."),
        ],
        hints=["P(0) = 1 - σ(2)", "σ(-2)"],
        why="1 - σ(2) = σ(-2) = 0.1192.",
    )  # fmt: skip


def slope_at_logit() -> Number:
    p = 0.9
    z = Value(math.log(p / (1 - p)))
    (slope,) = gradient(losses.binary_cross_entropy_with_logits(z, 1), z)
    return Number(
        right=slope.data,
        wrong=[
            (-1 / p, "That is the slope along ŷ. Along z the sigmoid has its part, too."),
            (p * (1 - p), "That is the slope of the sigmoid. The loss has its part, too."),
            (-math.log(p), "That is the loss itself."),
            (p, "That is ŷ. Is the loss of an answer that is right to be pushed as hard as that? Minus the target."),
            (-p, "L = ζ(-z) for y = 1: the slope is -σ(-z), and σ(-z) is 1 - 0.9."),
        ],
        hints=["For y = 1, L = ζ(-z). Its slope along z?", "-σ(-z) = -(1 - σ(z))"],
        why="σ(z) - y = 0.9 - 1 = -0.1: prediction minus target. 1/ŷ from the logarithm and ŷ(1 - ŷ) from the sigmoid cancel.",
    )  # fmt: skip


def who_learns() -> Choice:
    return Choice(
        right="likelihood",
        wrong=[
            ("squared error", "Its slope is (σ - 1) σ (1 - σ), and σ(-8) is 0.0003: a flat roof."),
            ("both", "The squared error's slope has the slope of the sigmoid as a factor. How large is that at -8?"),
            ("neither", "The slope of the likelihood is σ(z) - y. At z = -8?"),
        ],
        hints=["Slope of the likelihood: σ(z) - 1. Of the squared error: (σ(z) - 1) σ(z)(1 - σ(z)).", "σ(-8) = 0.0003"],
        why="Its slope is -0.9997 there, that of the squared error -0.0003. The likelihood is flat only where the answer is right.",
    )  # fmt: skip


def gives(x: float, right: float, idea: str) -> Callable[[Any], str | None]:
    """What a student's softplus is to give at x."""

    def test(function: Any) -> str | None:
        got = number_in(run(function, x))
        if not isinstance(got, (int, float)) or not math.isfinite(got):
            return f"At u = {x:g} it gives {got!r}, not {right:.6g}. {idea}"
        if math.isclose(got, right, rel_tol=1e-12, abs_tol=0.0 if right else 1e-300):
            return None
        return f"At u = {x:g} it gives {got:.6g}, and should give {right:.6g}. {idea}"

    return test


def own_softplus() -> Code:
    def at(x: float) -> float:
        return Value(x).softplus().data

    return Code(
        laws=[
            ("softplus(0) is log 2", gives(0.0, math.log(2), "log(1 + e⁰)")),
            ("softplus(1) and softplus(-1)", gives(1.0, at(1.0), "log(1 + e)")),
            ("it differs from softplus(1) by 1", gives(-1.0, at(-1.0), "log(1 + 1/e). For u below 0, nothing is to be taken out.")),
            ("800 gives 800", gives(800.0, 800.0, "Take out u where it is large: u + log(1 + e⁻ᵘ).")),
            ("-800 gives 0", gives(-800.0, 0.0, "Take out nothing where u is negative: e⁻ᵘ would overflow.")),
            ("-40 gives 4.2e-18", gives(-40.0, at(-40.0), "1 + 4e-18 is 1 to a computer; `log1p` does not add the 1.")),
        ],
        source="return max(u, 0.0) + log1p(exp(-abs(u)))",
        errors=[("range error", "The exponential of a large number is beyond all floats. Take out u where it is large, and nothing where it is negative.")],
        hints=["For u > 0 use u + log1p(exp(-u)); for u < 0 use log1p(exp(u)).", "Both at once: what is taken out is max(u, 0), and the exponent is -abs(u)."],
        why="Never the exponential of a positive number. This is how every framework computes it.",
    )  # fmt: skip


def best_logit() -> Number:
    return Number(
        right=math.log(0.6 / 0.4),
        wrong=[
            (0.6, "That is the probability. Which z has σ(z) = 0.6?"),
            (1.5, "Those are the odds, 3 to 2. And z is their logarithm."),
            (0, "Then it would say ½. The targets say 3 of 5."),
            (Value(0.6).sigmoid().data, "You have applied the sigmoid; go the other way: which z has σ(z) = 0.6?"),
        ],
        hints=["At the lowest point the mean of prediction minus target is 0.", "σ(z) = 3/5"],
        why="The mean of σ(z) - y is 0 where σ(z) = 3/5, so z = log(3/2) = 0.405. The most likely model says what the data say.",
    )  # fmt: skip


def on_numbers(z: list[float], label: int) -> Callable[[Any], str | None]:
    """What a student's cross entropy is to give."""
    p = [v.data for v in softmax(list(z))]
    right_slopes = [q - (i == label) for i, q in enumerate(p)]
    right = losses.cross_entropy([Value(v) for v in z], label).data
    ideas = [
        (p, "Those are the probabilities. The true class has a second path, with slope -1."),
        ([-s for s in right_slopes], "The sign: it is p - y."),
        ([q - 1 for q in p], "Only the true class has the path with slope -1."),
        (
            [0.0 if i != label else s for i, s in enumerate(right_slopes)],
            "The wrong classes have slopes, too: they are in the sum.",
        ),
    ]

    def test(function: Any) -> str | None:
        got = run(function, z, label)
        if not isinstance(got, tuple) or len(got) != 2 or len(got[1]) != len(z):
            return "Return the loss and the list of slopes: `return loss, slopes`."
        loss, slopes = got
        if not math.isclose(loss, right, rel_tol=1e-9, abs_tol=1e-12):
            known = [
                (-right, "Minus the logarithm."),
                (right + max(z), "What you add at the end must be taken out of the exponents."),
                (right - max(z), "What you took out of the exponents must be added at the end."),
            ]
            idea = next(
                (text for wrong, text in known if math.isclose(loss, wrong, rel_tol=1e-9)), ""
            )
            return f"For z = {z} and class {label} the loss is {right:.6g}; yours is {loss:.6g}. {idea}"
        if all_close(slopes, right_slopes):
            return None
        idea = next((text for wrong, text in ideas if all_close(slopes, wrong)), "")
        return f"For z = {z} and class {label} the slopes are {[round(s, 4) for s in right_slopes]}; yours are {[round(s, 4) for s in slopes]}. {idea}"

    return test


def all_close(xs: Sequence[float], ys: Sequence[float]) -> bool:
    """Whether numbers agree but for rounding."""
    return all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-12) for x, y in zip(xs, ys))


def own_cross_entropy() -> Code:
    laws: list[Law] = [
        ("two equal numbers", on_numbers([0.0, 0.0], 0)),
        ("three classes", on_numbers([1.0, 2.0, 0.0], 1)),
        ("a wrong answer", on_numbers([3.0, -1.0, 0.5, 0.0], 1)),
        ("large numbers", on_numbers([1000.0, 999.0, 0.0], 0)),
        ("and very negative ones", on_numbers([-1000.0, -1001.0], 1)),
        ("sure, and wrong", on_numbers([0.0, 800.0], 0)),
    ]
    return Code(
        laws=laws,
        errors=[
            ("range error", "The exponential of a large number is beyond all floats: take out the largest z first."),
            ("domain error", "A share has become 0, which has no logarithm. The logarithm of the share is z[label] minus log Σ e^z: take no logarithm of it alone."),
        ],
        source="top = max(z); e = [exp(v - top) for v in z]; return log(sum(e)) + top - z[label], [v / sum(e) - (i == label) for i, v in enumerate(e)]",
        hints=["log Σ e^z = top + log Σ e^(z - top).", "The slope of log-sum-exp along zᵢ is the softmax pᵢ.", "slopes: v / sum(e), and 1 less at the label."],
        why="p - y. From here the gradient goes back into the net, and the net need not know that there ever was a logarithm.",
    )  # fmt: skip


def nothing_learned() -> Number:
    return Number(
        right=math.log(27),
        wrong=[
            (27, "A probability of 1/27 each. Minus its logarithm?"),
            (1 / 27, "That is the probability. Minus its logarithm?"),
            (math.log2(27), "That is in bits. Here log is the natural logarithm."),
            (math.log10(27), "That is the logarithm to base 10. Here log is the natural one."),
        ],
        hints=["-log(1/27)"],
        why="log 27 = 3.296. A first loss that is far above log k says that something is wrong before training has begun.",
    )  # fmt: skip


def one_change() -> Choice:
    return Choice(
        right="cross entropy",
        wrong=[
            ("larger learning rate", "The slope is about 2 · 10⁻⁹. A rate large enough to move it would throw everything else away."),
            ("more data", "More examples of the same kind give more slopes of 10⁻⁹."),
        ],
        hints=["How large is the slope there, and which factor makes it so small?"],
        why="With it the slope is σ(z) - y = -1, at once. The factor σ′, flat at -20, cancels.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "04.1": logistic_two,
    "04.2": other_probability,
    "04.3": slope_at_logit,
    "04.4": who_learns,
    "04.5": own_softplus,
    "04.6": best_logit,
    "04.7": own_cross_entropy,
    "04.8": nothing_learned,
    "04.9": one_change,
}
