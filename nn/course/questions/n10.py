"""The questions of notebook 10, questions, notation, errata."""

from __future__ import annotations

import math
from collections.abc import Callable

from autograd_core import Value, gradient
from nn.course.kinds import Choice, Number, Question


def behind() -> Number:
    return Number(
        right=21,
        wrong=[
            (15, "Those are its own: 6 + 6 and the 3 of its own unit. Softmax divides by the sum over all classes."),
            (18, "The biases of the last layer count, too: each of them shifts the sum over all classes."),
            (9, "Those of the last layer. And what the layers before them say?"),
            (3, "Those of its own unit. Softmax divides by the sum over all classes, and the layers before feed them all."),
        ],
        hints=["What stands in the denominator of a softmax?"],
        why="All 21: through the denominator every class has a say in every probability.",
    )  # fmt: skip


def widths() -> Choice:
    return Choice(
        right="2-3-4",
        wrong=[
            ("2-2-2", "Both matrices are square, so a transpose fits as well: no error, and other numbers."),
            ("3-3-3", "Larger, and still square: a transpose fits as well. It is not the size that counts."),
        ],
        hints=["When does a matrix fit its transpose's place?"],
        why="A square matrix hides the mistake. On unequal widths it raises at once.",
    )  # fmt: skip


def rate_of_sum() -> Number:
    return Number(
        right=0.1 / 4,
        wrong=[
            (0.4, "The other way round: the gradient of the sum is 4 times as large, so the rate must be smaller."),
            (0.1, "The gradient of the sum is 4 times as large; the step would be, too."),
            (0.05, "That is for a factor of 2. Here are 4 examples."),
            (0.1 / 16, "The factor comes in once: the step is rate times gradient."),
        ],
        hints=["The gradient of the sum is 4 times that of the mean.", "rate · 4 = 0.1"],
        why="0.025. A factor of the loss is one of the gradient, and the rate can make up for it.",
    )  # fmt: skip


def lost_minus() -> Number:
    p = Value(0.8)
    right = gradient(p.sigmoid().log(), p)[0].data
    return Number(
        right=right,
        wrong=[
            (-right, "That is the slope with the minus, -log σ(z). Here it is lost."),
            (1 - right, "That is σ(z) itself. The slope of log σ(z) is 1 - σ(z)."),
            ((1 - right) * right, "That is the slope of σ(z). There is a logarithm around it."),
            (1 / (1 - right), "That is the slope of the logarithm. Inside of it is σ(z), with a slope of its own."),
        ],
        hints=["The slope of log σ is σ'/σ, and σ' = σ(1 - σ).", "1 - σ(0.8)"],
        why="1 - σ(z) = 0.31, where the right loss has -0.31: descent would walk uphill.",
        tolerance=0.01,
    )  # fmt: skip


def printed_box() -> Number:
    return Number(
        right=1.0,
        wrong=[
            (0.25, "That is the cost of the constant ½. What does x1 + x2 - 1 say at the four points?"),
            (4, "That is the sum. J is the mean over the four."),
            (0.5, "At (0, 1) and (1, 0) it says 0 and should say 1; and at the two others it is wrong as well."),
            (2, "The four errors have the squares 1, 1, 1, 1."),
        ],
        hints=["It says -1, 0, 0, 1, and should say 0, 1, 1, 0.", "Each error is 1 or -1."],
        why="It says -1, 0, 0, 1: wrong by 1 everywhere, four times as costly as the constant ½.",
    )  # fmt: skip


def three_sines() -> Number:
    w = Value(0.7)
    x = math.sin(0.7)
    y = math.sin(x)
    return Number(
        right=gradient(w.sin().sin().sin(), w)[0].data,
        wrong=[
            (math.cos(y) + math.cos(x) + math.cos(0.7), "That is the printed sum. Slopes in a row multiply."),
            (math.cos(math.sin(y)) * math.cos(x) * math.cos(0.7), "The last factor is f'(y), not f'(z)."),
            (math.cos(0.7) ** 3, "Each factor is taken at its own place: w, x and y."),
            (math.sin(y), "That is z. And its slope along w?"),
        ],
        hints=["Slopes in a row multiply.", "f' is cos: cos(y) · cos(x) · cos(w)."],
        why="Along one path slopes multiply. The printed sum is 2.4, and no slope of sines can be above 1.",
    )  # fmt: skip


def right_by_chance() -> Number:
    return Number(
        right=1,
        wrong=[
            (0, "Take i = ℓ: is the printed formula not right there?"),
            (3, "It is the other way round: for those it is wrong."),
            (4, "For a class i other than ℓ it says ŷ of the true class where ŷ of class i belongs."),
            (2, "It is right where ŷ_ℓ is ŷ_i."),
        ],
        hints=["Where is ŷ_ℓ the same as ŷ_i?"],
        why="Only at i = ℓ. A check of that one component would have found nothing: look at all of them.",
    )  # fmt: skip


def unseen() -> Choice:
    return Choice(
        right="a lost factor 2",
        wrong=[
            ("w for its transpose", "On unequal widths the transpose does not fit, and that is an error."),
            ("an elementwise for an outer product", "On unequal widths it does not fit; on equal ones it gives a vector where a matrix is wanted."),
        ],
        hints=["Which of them leaves every shape as it is?"],
        why="A factor or a sign changes no shape. Only a number finds it.",
    )  # fmt: skip


def more_data() -> Number:
    return Number(
        right=0.001,
        wrong=[
            (10, "The other way round: the gradient grows a hundredfold."),
            (0.1, "The sum of 100 times as many examples has a gradient about 100 times as large."),
            (0.01, "A hundred times as many: a hundredth, not a tenth."),
            (0.00001, "The gradient grows with the number of examples, not with its square."),
        ],
        hints=["The gradient of the sum grows about a hundredfold."],
        why="0.1/100. With the mean, as in Khapra's lecture and in `fit`, it could stay.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "10.1": behind,
    "10.2": widths,
    "10.3": rate_of_sum,
    "10.4": lost_minus,
    "10.5": printed_box,
    "10.6": three_sines,
    "10.7": right_by_chance,
    "10.8": unseen,
    "10.9": more_data,
}
