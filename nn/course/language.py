"""A small transformer: a chain of parts, its training on the plurals, and where it looks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core import Value, compile, dot, logsumexp, softmax, total
from nn import Adam, History, Module, fit
from nn.course.check import check
from nn.course.pictures import BLUE, ORANGE
from nn.course.turkish import (
    BACK,
    FRONT,
    HELD_OUT,
    LETTERS,
    PLACES,
    X_HELD,
    Y_HELD,
    NextLetter,
    X,
    Y,
    bigram_loss,
    rows,
)
from nn.plot.figure import Plot, new_figure

Vector: TypeAlias = list[Value]
Part: TypeAlias = Callable[[dict[str, list[Vector]], list[Vector]], list[Vector]]

# --- The look back ----------------------------------------------------------------------------

LookBack: TypeAlias = Callable[[Vector, Sequence[Vector], Sequence[Vector]], Vector]


def look_back(query: Vector, keys: Sequence[Vector], values: Sequence[Vector]) -> Vector:
    """What a query finds: the values, weighed by the shares of the keys."""
    shares = softmax([dot(query, key) / len(query) ** 0.5 for key in keys])
    return [dot(shares, list(column)) for column in zip(*values)]


def working(yours: LookBack) -> LookBack:
    """The student's look back; ours, until theirs is right."""
    return yours if check("09.5", yours).mood == "right" else look_back


# --- Models -----------------------------------------------------------------------------------


class LanguageModel(Module):
    """A chain of parts, each of which takes the numbers at all places and gives new ones.

    The last part gives the logits of the next letter at each place.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        letters: int = len(LETTERS),
        places: int = PLACES,
        width: int = 8,
        hidden: int = 16,
        seed: int = 3,
    ) -> None:
        rng = random.Random(seed)
        square = dict.fromkeys(("query", "key", "value", "found"), (width, width))
        sizes = {"letter": (width, letters), "place": (places, width), **square}
        sizes |= {"up": (hidden, width), "down": (width, hidden), "guess": (letters, width)}
        self.chain = parts
        self.m = {
            name: [
                [Value(rng.gauss(0, 0.2), f"{name}[{i},{j}]") for j in range(columns)]
                for i in range(n)
            ]
            for name, (n, columns) in sizes.items()
        }

    def parameters(self) -> list[Value]:
        """All numbers, used or not."""
        return [p for matrix in self.m.values() for row in matrix for p in row]

    def forward(self, x: Any) -> list[Vector]:
        """At each place, the logits of the next letter."""
        stream: list[Vector] = x
        for part in self.chain:
            stream = part(self.m, stream)
        return stream

    def __call__(self, x: Any) -> Vector:
        """The logits of all places in a row."""
        return [z for logits in self.forward(x) for z in logits]


def word_loss(said: Sequence[Value], word: Sequence[float], letters: int = len(LETTERS)) -> Value:
    """The surprise at all letters of a word; a place after its end has a y of 0, and no say."""
    terms = []
    for t in range(0, len(said), letters):
        z, target = said[t : t + letters], word[t : t + letters]
        terms.append(total(target) * logsumexp(z) - dot(target, z))
    return total(terms)


class Training:
    """What came of training: the losses by step, and the weights at some of the steps."""

    def __init__(self, model: LanguageModel, rate: float, steps: int) -> None:
        self.model = model
        self.held_out: dict[int, float] = {}
        self.weights: dict[int, list[float]] = {}
        self.program = compile(lambda x, y: word_loss(model(x), y), batched=True)
        self.look(0)
        self.count = len(self.program.parameters)  # of the numbers that the model uses
        ran = fit(
            model,
            X,
            Y.reshape(len(X), -1),
            loss=word_loss,
            optimizer=Adam(rate),
            epochs=steps,
            executor="numpy",
            progress=False,
            callbacks=[self],
        )
        self.loss = [loss * len(X) / Y.sum() for loss in ran.loss]
        set_weights(model, self.weights[self.best])

    def look(self, step: int) -> None:
        """Measure the words held out, and keep the weights."""
        held = float(self.program(X_HELD, Y_HELD.reshape(len(X_HELD), -1)))
        self.held_out[step] = held * len(X_HELD) / Y_HELD.sum()
        self.weights[step] = [p.data for p in self.model.parameters()]

    def __call__(self, history: History) -> None:
        """After a step."""
        if history.epochs % 5 == 0:
            self.look(history.epochs)

    @property
    def best(self) -> int:
        """The step at which the words held out were told best."""
        return min(self.held_out, key=lambda step: self.held_out[step])


def train(model: LanguageModel, steps: int = 120, rate: float = 0.02) -> Training:
    """Adam on all training words at once; the model keeps the weights of the best step."""
    return Training(model, rate, steps)


def set_weights(model: LanguageModel, weights: Sequence[float]) -> None:
    """The model with these numbers."""
    for p, data in zip(model.parameters(), weights, strict=True):
        p.data = data


def speaker(model: LanguageModel) -> NextLetter:
    """The probabilities that a model gives."""
    program = compile(lambda x: [softmax(z) for z in model.forward(x)], batched=True)
    return lambda words, t: program(rows(words)[0])[:, t]


def attention(model: LanguageModel, words: Sequence[str]) -> Any:
    """Of each word, how much each place looks at each: the look back, in matrices."""
    m = {
        name: np.array([[v.data for v in row] for row in matrix])
        for name, matrix in model.m.items()
    }
    stream = rows(words)[0] @ m["letter"].T + m["place"]
    seen = stream / np.sqrt((stream**2).mean(-1, keepdims=True) + 1e-5)
    queries, keys = seen @ m["query"].T, seen @ m["key"].T
    scores = queries @ keys.swapaxes(1, 2) / np.sqrt(queries.shape[-1])
    scores[:, *np.triu_indices(PLACES, 1)] = -np.inf
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def on_vowels(model: LanguageModel) -> tuple[float, float]:
    """How much of the attention at the l of the endings is on vowels, and would be by chance."""
    found, equal = [], []
    for word, shares in zip(HELD_OUT, attention(model, HELD_OUT)):
        end = len(word) - 2
        vowels = [t for t in range(end) if ("." + word)[t] in BACK + FRONT]
        found.append(shares[end, vowels].sum())
        equal.append(len(vowels) / (end + 1))
    return float(np.mean(found)), float(np.mean(equal))


# --- Pictures ---------------------------------------------------------------------------------


def influence(word: str, sizes: Any) -> Plot:
    """How large the gradient of each guess is along each letter; white where it is 0."""
    figure, axes = new_figure("letter at", "guess made at", (4.8, 3.8))
    image = axes.imshow(np.where(sizes > 0, sizes, np.nan), cmap="Blues", vmin=0)
    axes.set_xticks(range(len(word) + 1), "." + word)
    axes.set_yticks(range(len(word) + 1), "." + word)
    axes.set(
        xlim=(-0.5, len(word) + 0.5), ylim=(len(word) + 0.5, -0.5), title="Size of the gradient"
    )
    figure.colorbar(image)
    return Plot(figure)


def curves(found: Training) -> Plot:
    """The loss by step, on the words of the training and on those held out."""
    figure, axes = new_figure("step", "loss per letter", (6.4, 3.6))
    axes.plot(found.loss, color=BLUE, label="training words")
    held = found.held_out
    axes.plot(list(held), list(held.values()), "o-", ms=3, color=ORANGE, label="held-out words")
    pairs = bigram_loss(X_HELD, Y_HELD)
    axes.axhline(pairs, color="0.4", ls="--", label="table of pairs, held-out words")
    axes.axvline(found.best, color="0.6", lw=0.8)
    axes.set(title="Training", ylim=(1.1, 3.5))
    axes.legend()
    return Plot(figure)


def looks(model: LanguageModel, word: str) -> Plot:
    """Where each place of a word looks: rows add up to 1."""
    shares = attention(model, [word])[0, : len(word), : len(word)]
    figure, axes = new_figure("looks at", "from", (5.4, 4.2))
    later = np.triu(np.ones_like(shares), 1) > 0
    image = axes.imshow(np.where(later, np.nan, shares), cmap="Blues", vmin=0, vmax=1)
    for t, i in np.argwhere(shares >= 0.15):
        colour = "white" if shares[t, i] > 0.5 else "black"
        axes.text(i, t, f"{shares[t, i]:.2f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(len(word)), ("." + word)[:-1])
    axes.set_yticks(range(len(word)), [f"{a}   (next: {b})" for a, b in zip("." + word, word)])
    axes.set_title("Shares of attention")
    figure.colorbar(image)
    return Plot(figure)


def heat_map(endings: Any, rates: Sequence[float], seeds: Sequence[int]) -> Plot:
    """How many endings each start finds, for each rate."""
    figure, axes = new_figure("learning rate", "start (seed)", (6.0, 3.6))
    image = axes.imshow(endings, aspect="auto", cmap="viridis", vmin=29, vmax=58)
    for place, n in np.ndenumerate(endings):
        colour = "black" if n > 45 else "white"
        axes.text(place[1], place[0], str(n), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_yticks(range(len(seeds)), [str(seed) for seed in seeds])
    axes.set_title("Right endings, of 58")
    figure.colorbar(image)
    return Plot(figure)
