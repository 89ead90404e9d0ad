"""A bias as one more weight, of an input that is always 1: W @ x + b is [W b] @ [x 1].

So a layer is one product where there were a product and a sum, and so are the gradients of its
weights and its bias. It is done where nothing has to be copied for it: where the bias lies behind
its weights, a row of ones can lie behind x, and what is given for x can be loaded to there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import numpy as np

from autograd_core.compiler.build import Builder, Piece
from autograd_core.compiler.ir import (
    NAMES,
    Array,
    Cells,
    Compute,
    Constant,
    Gather,
    Leaf,
    Operand,
    Scatter,
)
from autograd_core.compiler.memory import regular
from autograd_core.engine import ADD, MUL

Factors: TypeAlias = "tuple[Operand, Operand]"


@dataclass(eq=False, slots=True)
class Part(Leaf):
    """Some cells of a leaf that follow each other, by themselves."""

    start: int


class Biased(NamedTuple):
    """A product summed over one letter, and the bias that is added to it."""

    x: Array
    letters: str  # those of x, that of the sum first
    weights: Gather
    together: Cells  # the cells of the weights, and of the bias behind them


def with_biases(
    order: Sequence[Array], results: Sequence[Array]
) -> tuple[Sequence[Array], Sequence[Array]]:
    """The arrays and the results among them, with biases that are weights where they can be."""
    layers = layers_of(order)
    if not layers:
        return order, results
    rewriting = Rewriting(layers)
    for x in order:
        rewriting.new[x] = rewriting.of(x)
    return rewriting.emit.order, [rewriting.new[x] for x in results]


# --- Which they are --------------------------------------------------------------------------


def layers_of(order: Sequence[Array]) -> dict[Array, Biased]:
    """The sums of a product and a bias that can be one product."""
    uses = Counter([y for x in order for y in x.reads()])
    bound = {y for x in order for y in x.reads() if has_a_place(x)}
    found = {}
    for z in order:
        layer = layer_of(z, uses) if isinstance(z, Compute) and z.op is ADD else None
        if layer and layer.x not in bound:
            found[z] = layer
    return found


def has_a_place(x: Array) -> bool:
    """Whether what an array reads has its place in memory beside others, or in a sum."""
    if isinstance(x, Gather):
        return len(x.sources) > 1
    return isinstance(x, Scatter) or (isinstance(x, Compute) and x.op is ADD)


def layer_of(z: Compute, uses: Counter[Array]) -> Biased | None:
    """How z = x * weights + bias is one product; None where it is not."""
    (y, letters), bias = z.operands  # a sum has its products first
    if not (isinstance(y, Compute) and y.op is MUL and uses[y] == 1 and letters == z.axes):
        return None
    for weights, other in (y.operands, y.operands[::-1]):
        layer = as_one(z.axes, weights, other, bias)
        if layer:
            return layer
    return None


def as_one(axes: str, weights: Operand, other: Operand, bias: Operand) -> Biased | None:
    """The product whose result has these axes, with the bias behind the weights."""
    (w, own), (x, letters), (b, its) = weights, other, bias
    lost = [c for c in dict.fromkeys(own + letters) if c not in axes]
    rows = [c for c in axes if c in its]
    if not (len(lost) == 1 and letters.startswith(lost[0]) and is_input(x)):
        return None
    if not (isinstance(w, Gather) and isinstance(b, Gather) and w.sources == b.sources):
        return None
    if w.batched or set(own) != {*rows, *lost} or set(rows) & set(letters) or x in w.sources:
        return None
    index = w.index.transpose([own.index(c) for c in [*rows, *lost]])
    biases = b.index.transpose([its.index(c) for c in rows])
    together = np.concatenate([index, biases[..., None]], -1)
    return Biased(x, letters, w, together) if regular(0, together) else None


def is_input(x: Array) -> bool:
    """Whether a row of ones can lie behind an array: it is computed, or given."""
    if not isinstance(x, Gather):
        return isinstance(x, (Compute, Leaf))
    (leaf, *more), first = x.sources, x.index.flat[0]
    row = np.arange(first, first + x.size)
    return isinstance(leaf, Leaf) and not more and np.array_equal(x.index, row)


# --- The arrays anew -------------------------------------------------------------------------


class Rewriting:
    """What stands for arrays; and, of those that layers read, the same with a row of ones."""

    def __init__(self, layers: dict[Array, Biased]) -> None:
        self.layers, self.read = layers, {layer.x for layer in layers.values()}
        self.emit = Builder()
        self.new: dict[Array, Array] = {}
        self.with_ones: dict[Array, Array] = {}

    def of(self, x: Array) -> Array:
        """What stands for an array."""
        made = self.product(x, self.layers[x]) if x in self.layers else self.renewed(x)
        if x in self.read:
            self.add_ones(made)
        return made

    def renewed(self, x: Array) -> Array:
        """The same array of what now stands for those that it reads."""
        made = x
        if isinstance(x, Gather) and x in self.read:
            (leaf,) = x.sources
            assert isinstance(leaf, Leaf)
            made = Part(x.shape, leaf.name, int(x.index[0]))
        elif isinstance(x, Gather):
            made = replace(x, sources=tuple([self.new[y] for y in x.sources]))
        elif isinstance(x, Compute):
            made = replace(x, operands=tuple([(self.new[y], names) for y, names in x.operands]))
        elif isinstance(x, Scatter):
            made = replace(x, pieces=tuple(self.pieces(x)))
        self.emit.order.append(made)
        return made

    def add_ones(self, x: Array) -> None:
        """The array and a row of ones behind it."""
        one = Constant((*x.cells[1:], *x.shape[len(x.cells) :]), np.ones(()))
        self.emit.order.append(one)
        index = np.arange(x.size + one.size).reshape(-1, *x.cells[1:])
        self.with_ones[x], _ = self.emit.gather([x, one], index, NAMES[: index.ndim])

    def product(self, z: Array, layer: Biased) -> Array:
        """A layer as one product."""
        rows = "".join([c for c in z.axes if c not in layer.letters])
        sources = [self.new[y] for y in layer.weights.sources]
        weights = self.emit.gather(sources, layer.together, rows + layer.letters[0])
        x = self.with_ones[self.new[layer.x]], layer.letters
        return self.emit.plain(MUL, [weights, x], z.axes)[0]

    def pieces(self, x: Scatter) -> list[Piece]:
        """What is added up, with the gradients along weights and along their bias as one piece."""
        pieces = [((self.new[y], names), index) for (y, names), index in x.pieces]
        layers = [(piece, factors) for piece in pieces if (factors := self.factors(piece))]
        for weights, factors in layers:
            for bias in pieces:
                both = self.both(weights, factors, bias)
                if both:
                    pieces = [both if y is weights else y for y in pieces if y is not bias]
                    break
        return pieces

    def factors(self, piece: Piece) -> Factors | None:
        """What a layer reads, and the slope, whose product a piece is; None for other pieces."""
        (g, names), index = piece
        if not (isinstance(g, Compute) and g.op is MUL and "b" not in g.axes):
            return None
        (x, letters), slope = g.operands
        if x not in self.with_ones or letters[:1] not in g.axes or len(names) < index.ndim:
            return None
        return ((x, letters), slope) if set(letters[1:]) <= set(slope[1]) else None

    def both(self, weights: Piece, factors: Factors, bias: Piece) -> Piece | None:
        """The gradients along weights and bias as one product; None where they are none."""
        (g, names), index = weights
        (x, letters), slope = factors
        rows = g.axes.replace(letters[0], "")
        if not is_sum(bias[0], slope, rows):
            return None
        axis = NAMES.index(names[g.axes.index(letters[0])])
        together = behind(np.moveaxis(index, axis, -1), bias[1])
        if together is None:
            return None
        made, _ = self.emit.plain(MUL, [(self.with_ones[x], letters), slope], rows + letters[0])
        return (made, made.axes), together


def is_sum(bias: Operand, slope: Operand, rows: str) -> bool:
    """Whether a gradient is a slope, summed to at most one axis."""
    (x, _), (g, letters) = bias, slope
    if len(rows) > 1 or rows not in letters:
        return False
    if x is g:
        return letters == rows
    if not (isinstance(x, Compute) and x.op is None and x.fold == "+"):
        return False
    ((y, own),) = x.operands
    return y is g and [own.index(c) for c in x.axes] == [letters.index(c) for c in rows]


def behind(index: Cells, cells: Cells) -> Cells | None:
    """Cells behind those of an index along its last axis; None where that is irregular."""
    if index.shape[:-1] != cells.shape:
        return None
    together = np.concatenate([index, cells[..., None]], -1)
    return together if regular(0, together) else None
