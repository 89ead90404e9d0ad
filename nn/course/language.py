"""A small language, its words as arrays, and what models of it are measured by."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from autograd_core import Value, compile, dot, logsumexp, softmax, total
from nn import Adam, History, Module, fit
from nn.course.check import check
from nn.plot.figure import Plot, new_figure

NextLetter: TypeAlias = Callable[[Sequence[str], int], Any]  # of words, at a place: probabilities
Vector: TypeAlias = list[Value]
Part: TypeAlias = Callable[[dict[str, list[Vector]], list[Vector]], list[Vector]]

STEMS = """
abla ada adam ağaç ağız akşam altın alt amca anne araba arı arka armut asker aslan aşçı at ateş ay
ayak ayı ayna baba bacak badem bahar bahçe bakır bal balık balkon banka bardak barış baş bayrak
bebek berber biber bina böcek boyun bulut burun bıçak cam cami cep cevap ceviz çanta çatal çatı
çay çayır çekiç çeşme çiçek çiftçi çizgi çocuk çöl çorap çorba dağ daire dal damat dayı dede
defter demir deniz dere deri ders deve diken dil diş dış diz doktor dolap dost duman duvar düğme
dünya düş ekmek el elbise elma erik erkek eşek et etek ev fare fil fincan fındık fırın gece gelin
gemi geyik göl gölge gömlek gök göz gül gümüş gün güneş hafta hala halı halk hava havuç horoz
ırmak ışık iç iğne incir inek insan ip iplik iş işçi kadın kafa kahve kale kalem kan kapı kar
kardeş karga karın kartal kasap kaş kaşık kavun kaya kayık kaz keçi kedi keder kemer kemik kent
kıyı kız kış kilise kilit kiraz kişi kitap kök köpek köprü köşe köy koku kol koltuk kolye komşu
korku koyun kömür kral kule kum kumaş kurt kuş kutu kuyu kül lale lamba liman limon masa mevsim
meyve müze mum nar nehir neşe nine nokta ocak oda odun oğul okul omuz orman ot otel ova oyun öfke
ördek örtü palto para park parmak pazar perde peynir pilav renk resim rüya sabah saç sayı savaş
sebze sepet serçe ses sevgi sınıf sırt sinek soğan sokak soru su süt şair şapka şarkı şehir şeker
şişe tabak tarla taş tat tava tavşan tavuk tekne tepe teyze tilki tohum top toprak tren tuz tırnak
uç uçak umut usta ülke üzüm vadi yağmur yan yaprak yastık yatak yaz yazar yemek yıl yılan yıldız
yol yorgan yüz yüzük zil
"""
BACK, FRONT = "aıou", "eiöü"


def ending(stem: str) -> str:
    """What vowel harmony asks for: -lar after a vowel of the back, -ler after one of the front.

    >>> ending("kitap"), ending("ev")
    ('lar', 'ler')
    """
    last = [letter for letter in stem if letter in BACK + FRONT][-1]
    return "lar" if last in BACK else "ler"


WORDS = [stem + ending(stem) for stem in STEMS.split()]
random.Random(0).shuffle(WORDS)
HELD_OUT, TRAINING = WORDS[: len(WORDS) // 5], WORDS[len(WORDS) // 5 :]
LETTERS = "." + "".join(sorted(set("".join(WORDS))))
PLACES = max(map(len, WORDS)) + 1


def rows(words: Sequence[str]) -> tuple[Any, Any]:
    """For each word and place, the letter there and the next one, one-hot; 0 after the end."""
    x, y = np.zeros((2, len(words), PLACES, len(LETTERS)))
    for n, word in enumerate(words):
        for t, (letter, following) in enumerate(zip("." + word, word + ".")):
            x[n, t, LETTERS.index(letter)] = 1
            y[n, t, LETTERS.index(following)] = 1
    return x, y


X, Y = rows(TRAINING)
X_HELD, Y_HELD = rows(HELD_OUT)

# --- The yardstick ----------------------------------------------------------------------------

COUNTS = np.einsum("nta,ntb->ab", X, Y)
BIGRAM = (COUNTS + 0.1) / (COUNTS + 0.1).sum(1, keepdims=True)


def bigram_loss(x: Any, y: Any) -> float:
    """The mean surprise of the table of pairs at these letters."""
    return float(-(np.einsum("nta,ntb->ab", x, y) * np.log(BIGRAM)).sum() / y.sum())


def by_counts(words: Sequence[str], t: int) -> Any:
    """What the table of pairs expects after place t of each word."""
    return np.array([BIGRAM[LETTERS.index(("." + word)[: t + 1][-1])] for word in words])


def write(next_letter: NextLetter, n: int, seed: int) -> list[str]:
    """n words, each written letter by letter from the probabilities of a model."""
    rng, words = random.Random(seed), [""] * n
    for t in range(PLACES):
        for i, p in enumerate(next_letter(words, t).round(6).tolist()):
            if len(words[i]) == t:  # the dot has not come yet
                words[i] += rng.choices(LETTERS, p)[0].strip(".")
    return words


def in_harmony(words: Sequence[str]) -> tuple[int, int]:
    """How many of these words are plurals, and how many of those have the right ending."""
    stems = [(word[:-3], word[-3:]) for word in words]
    plurals = [
        (stem, end)
        for stem, end in stems
        if end in ("lar", "ler") and set(stem) & set(BACK + FRONT)
    ]
    return len(plurals), sum(end == ending(stem) for stem, end in plurals)


def endings_right(next_letter: NextLetter) -> int:
    """At how many of the words held out it expects the right vowel after the l of the ending."""
    right = 0
    for word in HELD_OUT:
        p = dict(zip(LETTERS, next_letter([word], len(word) - 2)[0]))
        right += (p["a"] > p["e"]) == (word[-2] == "a")
    return right


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
        self.model, self.held_out, self.weights = (
            model,
            dict[int, float](),
            dict[int, list[float]](),
        )
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


def pairs() -> Plot:
    """The probability of each letter after each letter."""
    figure, axes = new_figure("next letter", "last letter", (7.6, 6.6))
    image = axes.imshow(BIGRAM, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(LETTERS)), LETTERS)
    axes.set_yticks(range(len(LETTERS)), LETTERS)
    axes.set_title("Probability of the next letter")
    figure.colorbar(image)
    return Plot(figure)


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
    axes.plot(found.loss, color="#3b6fb6", label="training words")
    held = found.held_out
    axes.plot(list(held), list(held.values()), "o-", ms=3, color="#d9822b", label="held-out words")
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
