"""Nets as graphs of scalars, and what their slopes cost, for cells that tell a story with them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, sin
from random import Random
from typing import Any, TypeAlias

from autograd_core import Value, dot

Matrix: TypeAlias = list[list[Value]]  # row i holds the weights that lead from unit i


def feature_net(widths: Sequence[int], seed: int = 0) -> list[Matrix]:
    """Random weights of layers of these widths, without biases: w121 is of layer 1, from 2 to 1."""
    rng = Random(seed)
    return [
        [
            [Value(round(rng.gauss(0, 1), 1), f"w{m}{i}{j}") for j in range(1, n_out + 1)]
            for i in range(1, n_in + 1)
        ]
        for m, (n_in, n_out) in enumerate(pairwise(widths), 1)
    ]


def layer_sums(x: Sequence[Any], W: Sequence[Matrix]) -> list[list[Value]]:
    """What the units of each layer sum up, n = x W; between layers x = tanh(n)."""
    sums: list[list[Value]] = []
    for matrix in W:
        sums.append([dot(list(x), list(column)) for column in zip(*matrix)])
        x = [n.tanh() for n in sums[-1]]
    return sums


def naive_slope(W: Sequence[Matrix], sums: Sequence[Sequence[Value]]) -> tuple[float, int]:
    """The slope of the result along the first sum of layer 1, by recursion; and its calls."""
    calls = 0

    def slope(m: int, i: int) -> float:
        nonlocal calls
        calls += 1
        if m == len(W):
            return 1.0
        later = sum(w.data * slope(m + 1, h) for h, w in enumerate(W[m][i]))
        return (1 - sums[m - 1][i].tanh().data ** 2) * later

    return slope(1, 0), calls


def recomputed(n: int, w: float) -> tuple[float, int]:
    """The slope of sin applied n times, each factor from the beginning; and the calls of sin."""
    slope, calls = 1.0, 0
    for k in range(n):  # the factor f'(f(...f(w))), with k times f inside
        u = w
        for _ in range(k):
            u = sin(u)
            calls += 1
        slope *= cos(u)
    return slope, calls


def stored(n: int, w: float) -> tuple[float, int]:
    """The same slope from results that are kept; and the calls of sin."""
    slope, calls = cos(w), 0
    for _ in range(n - 1):
        w = sin(w)
        calls += 1
        slope *= cos(w)
    return slope, calls
