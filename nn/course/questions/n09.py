"""The questions of notebook 09, a language model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_core import Value, dot, gradient, softmax
from nn.course import turkish
from nn.course.kinds import Choice, Code, Number, Question, number_in
from nn.course.safely import run


def knows_nothing() -> Number:
    return Number(
        right=math.log(29),
        wrong=[
            (1 / 29, "That is the probability that each sign gets. The surprise is minus its logarithm."),
            (29, "Among so many signs it chooses. The surprise is the logarithm of that."),
            (math.log10(29), "That is the logarithm to base 10. Here, as in all notebooks, it is the natural one."),
            (math.log2(29), "That is the logarithm to base 2, the surprise in bits. Here it is the natural one."),
        ],
        hints=["Each sign has the probability 1/29.", "-log(1/29)"],
        why="log 29 = 3.37. Whoever does worse than that is worse than knowing nothing.",
    )  # fmt: skip


def by_pairs() -> Number:
    back = sum(word.endswith("lar") for word in turkish.HELD_OUT)
    return Number(
        right=back,
        wrong=[
            (len(turkish.HELD_OUT) / 2, "That would be a coin. It answers the same after every l."),
            (len(turkish.HELD_OUT) - back, "Those are the words in -ler, which it gets wrong: after l, it takes a for the likelier."),
            (len(turkish.HELD_OUT), "It sees the l alone, and not the vowel that decides."),
            (0, "It answers the same after every l, and for many words that is right."),
        ],
        hints=["After every l it has the same answer.", "That answer is a. How many words want it?"],
        why="It always says a, which 34 of the 58 want. Looking at one letter, no model can do better.",
    )  # fmt: skip


def two_keys() -> tuple[list[Value], list[Value], Value]:
    """The scores of the two keys, the two values, and what comes out."""
    q, values = [1.0, 1.0], [Value(3.0), Value(-1.0)]
    scores = [Value(dot(q, k).data) for k in ([2.0, -1.0], [-1.0, 2.0])]
    return scores, values, dot(softmax(scores), values)


def comes_out() -> Number:
    return Number(
        right=two_keys()[2].data,
        wrong=[
            (2, "That is the sum of the values. The shares add up to 1."),
            (3, "The first key fits no better than the second: compute both scores."),
            (-1, "The second key fits no better than the first: compute both scores."),
            (4, "That is the difference of the values. Each has a share."),
        ],
        hints=["q · k is 1 for both keys.", "Equal scores, equal shares: ½ and ½."],
        why="Both keys fit equally, 1 and 1, so each value has the share ½, and out is their mean.",
    )  # fmt: skip


def score_slope() -> Number:
    scores, _, out = two_keys()
    return Number(
        right=gradient(out, scores[0])[0].data,
        wrong=[
            (0.75, "That is the path through the share of its own. What one gains, the other loses: there is a second path."),
            (0.25, "That is the path through the other share alone, -¼ · (-1). There is one through its own, too."),
            (0.5, "That is the slope along the value v[0], its share. Here it is the score that grows."),
            (3, "That is what out would be if the share went to 1."),
        ],
        hints=["The share of s[0] has the slope a(1 - a) = ¼ along s[0], the other one -¼.", "¼ · 3 and -¼ · (-1)"],
        why="¼ · 3 + (-¼) · (-1) = 1, and in general a₀(v₀ - out): a score should grow where its value lies above what comes out.",
    )  # fmt: skip


def looks_back(*case: list[Any]) -> Callable[[Any], str | None]:
    """Whether a student's look back finds in this case what it should, and else by which slip."""

    def test(function: Any) -> str | None:
        query, keys, values = case
        got = run(function, *case)
        if not isinstance(got, (list, tuple)) or len(got) != len(values[0]):
            return f"Return a list as long as a value: here {len(values[0])} numbers."
        found = np.array(list(map(number_in, got)), dtype=float)
        right = mixed(query, keys, values)
        return None if np.allclose(found, right) else slip(found, right, query, keys, values)

    return test


def mixed(query: Any, keys: Any, values: Any, root: float = 0.5) -> Any:
    """The values, weighed by the shares of the keys."""
    scores = np.array(keys) @ np.array(query) / len(query) ** root
    e = np.exp(scores - scores.max())
    return e / e.sum() @ np.array(values)


def slip(found: Any, right: Any, query: Any, keys: Any, values: Any) -> str:
    """Which known slip gives these numbers."""
    scores = np.array(keys) @ np.array(query) / len(query) ** 0.5
    known = [
        (mixed(query, keys, values, 0.0), "Divide the scores by the root of the width, `len(query) ** 0.5`."),
        (mixed(query, keys, values, 1.0), "Divide by the root of the width, not by the width."),
        (scores @ np.array(values), "Those are the scores as weights. Softmax makes them shares of 1."),
        (np.mean(values, axis=0), "That is the mean of the values, whatever the query asks for."),
        (np.sum(values, axis=0), "That is the sum of the values, whatever the query asks for."),
        (mixed(query, values, keys), "You look at the values and bring home the keys: it is the other way round."),
        (np.array(values)[int(scores.argmax())], "That is the best one alone. All have a share, or nothing could be learned of the others."),
    ]  # fmt: skip
    idea = next(
        (text for x, text in known if np.shape(x) == found.shape and np.allclose(found, x)), ""
    )
    return f"Here comes {shown(found)}; it should be {shown(right)}. {idea}".strip()


def shown(numbers: Sequence[float]) -> str:
    """A few numbers."""
    return "(" + ", ".join([f"{x:.4g}" for x in numbers]) + ")"


def look_back() -> Code:
    return Code(
        laws=[
            ("one key alone: its value", looks_back([0.5, -1.0], [[2.0, 1.0]], [[3.0, -4.0]])),
            ("two keys, a query of width 2", looks_back([1.0, 2.0], [[0.5, 1.0], [-1.0, 0.5]], [[3.0, 1.0], [-1.0, 2.0]])),
            ("three keys, width 4", looks_back([1.0, 0.0, -1.0, 2.0], [[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 0.5]], [[1.0, 0.0, 0.0, 2.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, 3.0]])),
            ("values of another width", looks_back([2.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], [[5.0], [7.0]])),
        ],
        source="shares = softmax([dot(query, key) / len(query) ** 0.5 for key in keys]); return [dot(shares, column) for column in zip(*values)]",
        hints=["The scores: `dot(query, key) / len(query) ** 0.5` for each key.", "`softmax` of that list are the shares.", "`zip(*values)` gives the columns; what comes out is `dot(shares, column)` for each."],
        why="Two lines, and the heart of every large language model.",
        errors=[
            ("for /: 'list'", "`softmax` gives a list. Divide each score, before it."),
            ("got list", "A value is a list, too: `zip(*values)` gives the columns, and each has its own `dot`."),
            ("non-int of type 'list'", "Query and key are lists: `dot(query, key)`."),
        ],
    )  # fmt: skip


def reached() -> Number:
    n = turkish.PLACES
    return Number(
        right=n * (n + 1) // 2,
        wrong=[
            (n * n, "Those are all pairs. A guess must not see what comes later."),
            (n * (n - 1) // 2, "A place sees its own letter, too: it guesses the next one."),
            (n, "Each place sees itself, and all before it."),
        ],
        hints=["Place 0 sees 1 letter, place 1 sees 2, ...", "1 + 2 + ... + 10"],
        why="1 + 2 + ... + 10 = 55. At the other 45 the gradient is not small: it is 0, for there is no path.",
    )  # fmt: skip


def which_part() -> Choice:
    return Choice(
        right="look back",
        wrong=[
            ("letters", "The letter at the l is l, in every word. The vowel is three letters away, or further."),
            ("places", "Where the l stands says how long the stem is, and not which vowels it has."),
            ("net", "It works on one place at a time: what is not there, it cannot find."),
        ],
        hints=["The vowel that decides stands at another place.", "Which part brings numbers from one place to another?"],
        why="It is the only part that brings anything from one place to another. The others make more of what is there.",
    )  # fmt: skip


def hidden_in_the_mean() -> Number:
    return Number(
        right=math.log(2) / 8,
        wrong=[
            (math.log(2), "So much at that one letter. The loss is the mean over all 8."),
            (0.5 / 8, "½ is the probability; the surprise is minus its logarithm."),
            (0.5, "That is a probability. The surprise is minus its logarithm, and the loss a mean over 8 letters."),
            (1 / 8, "That would be the surprise in bits, log₂ 2 = 1, over 8. Here the logarithm is the natural one."),
        ],
        hints=["Sure and right costs log 1 = 0, the coin -log ½.", "Over 8 letters: log 2 / 8."],
        why="0.087 of about 1.6, and seeds alone move it by nearly as much. A mean can hide what you care for most: so measure that, too.",
    )  # fmt: skip


def free_choice() -> Number:
    return Number(
        right=math.exp(1.54),
        wrong=[
            (2**1.54, "That would be right for bits. The logarithm was the natural one."),
            (10**1.54, "The logarithm was the natural one."),
            (1.54, "That is the surprise. The surprise of n equally likely letters is log n."),
            (29 / 1.54, "The surprise of n equally likely letters is log n. For which n is that 1.54?"),
        ],
        hints=["log n = 1.54", "n = e to the 1.54"],
        why="e^1.54 = 4.66. (For the table of pairs it was 7.2, and 29 for who knows nothing.) This is called the perplexity.",
        tolerance=0.03,
    )  # fmt: skip


def twenty_places() -> Number:
    return Number(
        right=210,
        wrong=[
            (400, "So many without the mask."),
            (190, "A place looks at itself, too."),
            (110, "Twice as many places is more than twice as many scores."),
            (20, "Each place has a score for each place up to its own."),
        ],
        hints=["1 + 2 + ... + 20"],
        why="20 · 21/2 = 210, and 55 for ten: nearly four times as many. This is why long texts are dear.",
    )  # fmt: skip


questions: dict[str, Callable[[], Question]] = {
    "09.1": knows_nothing,
    "09.2": by_pairs,
    "09.3": comes_out,
    "09.4": score_slope,
    "09.5": look_back,
    "09.6": reached,
    "09.7": which_part,
    "09.8": hidden_in_the_mean,
    "09.9": free_choice,
    "09.10": twenty_places,
}
