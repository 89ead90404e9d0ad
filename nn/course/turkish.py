"""Turkish plurals: words as arrays, a table of pairs, and what models of them are measured by."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from nn.plot.figure import Plot, new_figure

NextLetter: TypeAlias = Callable[[Sequence[str], int], Any]  # of words, at a place: probabilities

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


def pairs() -> Plot:
    """The probability of each letter after each letter."""
    figure, axes = new_figure("next letter", "last letter", (7.6, 6.6))
    image = axes.imshow(BIGRAM, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(LETTERS)), LETTERS)
    axes.set_yticks(range(len(LETTERS)), LETTERS)
    axes.set_title("Probability of the next letter")
    figure.colorbar(image)
    return Plot(figure)
