"""Small data sets: points in the plane, and labels 0 to k - 1, or numbers between -1 and 1.

Each returns (X, y): a list of points [x1, x2] and a list of labels, classes taking turns, or of
numbers, which are heights over the plane. The same seed gives the same points.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from autograd_core.extras import needing
from nn.given import as_rng, listed, penalty, whole_number

Labelled: TypeAlias = "tuple[list[list[float]], list[int]]"
Data: TypeAlias = "tuple[list[list[float]], list[Any]]"


def xor(n: int = 4, noise: float = 0.0, seed: int = 0) -> Labelled:
    """The four corners of the unit square, labelled 1 where exactly one coordinate is 1.

    More points take turns at the corners, each point moved by normal noise.
    """
    n, noise = counted(n, noise)
    corners, labels = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    rng = as_rng(seed)
    X = [[v + rng.gauss(0.0, noise) for v in corners[i % 4]] for i in range(n)]
    return X, [labels[i % 4] for i in range(n)]


def moons(n: int = 100, noise: float = 0.1, seed: int = 0) -> Labelled:
    """Two half circles that reach into each other, each point moved by normal noise."""

    def point(label: int, share: float) -> tuple[float, float]:
        angle = math.pi * share
        if label:
            return 1.0 - math.cos(angle), 0.5 - math.sin(angle)
        return math.cos(angle), math.sin(angle)

    return scatter(point, 2, n, noise, seed)


def circles(n: int = 100, noise: float = 0.1, seed: int = 0) -> Labelled:
    """A circle of radius 1 (label 0) around one of radius 1/2 (label 1)."""

    def point(label: int, share: float) -> tuple[float, float]:
        radius, angle = (0.5 if label else 1.0), 2 * math.pi * share
        return radius * math.cos(angle), radius * math.sin(angle)

    return scatter(point, 2, n, noise, seed)


def spirals(n: int = 100, noise: float = 0.05, seed: int = 0) -> Labelled:
    """Two arms that wind around each other one and a half times."""

    def point(label: int, share: float) -> tuple[float, float]:
        angle = 3 * math.pi * share + math.pi * label
        return share * math.cos(angle), share * math.sin(angle)

    return scatter(point, 2, n, noise, seed)


def blobs(n: int = 100, noise: float = 0.3, seed: int = 0, classes: int = 3) -> Labelled:
    """`classes` round clouds, their centres evenly spaced on a circle of radius 1."""

    def point(label: int, share: float) -> tuple[float, float]:
        angle = 2 * math.pi * label / classes
        return math.cos(angle), math.sin(angle)

    return scatter(point, classes, n, noise, seed)


def tilt(n: int = 100, noise: float = 0.05, seed: int = 0) -> Data:
    """Numbers, not labels: the height of a tilted plane, (x1 + x2) / 2, moved by normal noise."""
    return over(lambda x1, x2: (x1 + x2) / 2, n, noise, seed)


def hills(n: int = 100, noise: float = 0.05, seed: int = 0) -> Data:
    """Numbers, not labels: two hills and two hollows, sin πx1 · sin πx2, moved by normal noise."""
    return over(lambda x1, x2: math.sin(math.pi * x1) * math.sin(math.pi * x2), n, noise, seed)


@needing("sklearn", "the data set digits")
def digits() -> Labelled:
    """1797 handwritten digits of 8 x 8 pixels between 0 and 1; scikit-learn brings them."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return (X / 16).tolist(), y.tolist()


def split(
    X: Sequence[Any], y: Sequence[Any], share: float, seed: int = 0, *, by_class: bool = True
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """X and y without a random share of the examples, then that share of X and of y.

    Each class gives about the same share of its examples, and keeps one at least; without
    `by_class`, for targets that are no labels, the examples are drawn as if of one class.
    Raises ValueError for a share that does not leave so many.
    """
    X, y, share = listed("X", X), listed("y", y), penalty("share", share)
    if len(X) != len(y):
        raise ValueError(f"there are {len(X)} examples and {len(y)} targets")
    labels = y if by_class else [0] * len(y)
    order = as_rng(seed).sample(range(len(labels)), len(labels))
    order.sort(key=labels.__getitem__)
    kept = {labels[i]: i for i in order}.values()
    free = [i for i in order if i not in set(kept)]
    count = round(share * len(labels))
    if count > len(free):
        what = "an example of each class" if by_class else "an example"
        raise ValueError(f"a share of {share} of {len(labels)} does not leave {what} to train on")
    chosen = {free[k * len(free) // count] for k in range(count)}
    parts = [i for i in range(len(labels)) if i not in chosen], sorted(chosen)
    train, test = [([X[i] for i in part], [y[i] for i in part]) for part in parts]
    return *train, *test


def most_held_out(y: Sequence[Any]) -> float:
    """The largest share that `split` can take by class."""
    return 1 - len(set(y)) / len(y) if y else 0.0


def counted(n: Any, noise: Any) -> tuple[int, float]:
    """How many points there are, and by how much they are moved; ValueError for what is none."""
    return whole_number("n", n), penalty("noise", noise)


def scatter(
    point: Callable[[int, float], tuple[float, float]],
    classes: int,
    n: int,
    noise: float,
    seed: int,
) -> Labelled:
    """`n` noisy points, each at point(label, share), where share runs evenly from 0 to 1."""
    n, noise = counted(n, noise)
    classes = whole_number("classes", classes)
    if n < classes:
        raise ValueError(f"{classes} classes need at least {classes} points, got n = {n}")
    rng = as_rng(seed)
    X, y = [], []
    for i in range(n):
        label = i % classes
        share = (i // classes) / max(1, (n - 1 - label) // classes)
        X.append([coordinate + rng.gauss(0.0, noise) for coordinate in point(label, share)])
        y.append(label)
    return X, y


def over(height: Callable[[float, float], float], n: int, noise: float, seed: int) -> Data:
    """`n` points of the square from -1 to 1, drawn evenly, and a noisy height over each."""
    n, noise = counted(n, noise)
    rng = as_rng(seed)
    X = [[rng.uniform(-1.0, 1.0), rng.uniform(-1.0, 1.0)] for _ in range(n)]
    return X, [height(*x) + rng.gauss(0.0, noise) for x in X]


# --- By name ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that has a name: called with what `make` takes, it gives X and y.

    `noise` is what a playground, where xor too is clouds of points, starts with, and `shown` the
    name for readers. Its targets are labels, or else `numbers`. One that is entered in `DATASETS`
    is known wherever one is named.
    """

    name: str
    make: Callable[..., Data]
    shown: str
    noise: float = 0.0
    numbers: bool = False

    def __call__(self, *args: Any, **settings: Any) -> Data:
        """The examples."""
        return self.make(*args, **settings)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What it can be told, and what it does without."""
        return settings_of(self.make)

    @property
    def is_plane(self) -> bool:
        """Whether it is as many points of the plane as are asked for."""
        return {"n", "noise"} <= self.settings.keys()


@cache
def settings_of(make: Callable[..., Data]) -> Mapping[str, Any]:
    """The arguments of a function, and their defaults."""
    parameters = inspect.signature(make).parameters
    return MappingProxyType({name: parameter.default for name, parameter in parameters.items()})


DATASETS = {
    row.name: row
    for row in (
        DataSet("moons", moons, "moons", noise=0.15),
        DataSet("xor", xor, "XOR", noise=0.15),
        DataSet("circles", circles, "circles", noise=0.1),
        DataSet("spirals", spirals, "spirals", noise=0.05),
        DataSet("blobs", blobs, "blobs", noise=0.3),
        DataSet("tilt", tilt, "tilt", noise=0.05, numbers=True),
        DataSet("hills", hills, "hills", noise=0.05, numbers=True),
        DataSet("digits", digits, "digits"),
    )
}


def make(name: str, *, seed: int, **settings: Any) -> Data:
    """The data set of that name; ValueError for a setting, such as `n`, that it has not."""
    known = DATASETS[name].settings
    for setting in settings:
        if setting not in known:
            raise ValueError(f"{setting}: the data set {name} is as it is")
    return DATASETS[name](**settings, **({"seed": seed} if "seed" in known else {}))


__all__ = ["DATASETS", "DataSet", "split"]
__all__ += list(DATASETS)
