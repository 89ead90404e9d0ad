"""The neurons in a graph: found by the labels of their parameters, and by what reads these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias

from autograd_core.engine import ADD, DIV, DOT, EXP, MUL, SUB, TOTAL, Value
from autograd_core.labels import scheme

Home: TypeAlias = tuple[str, int]  # a layer's name and a neuron's place in it
Place: TypeAlias = Home | int  # a neuron's home, or an input's place among the inputs
WHOLE = -1  # the place of what belongs to a layer as a whole, such as softmax's sum

# What belongs to a neuron after the last layer, too: the rest is the loss.
OF_A_NEURON = {"relu", "leaky_relu", "tanh", "sigmoid", "softplus", "step", "sin", "cos"}
PRODUCTS = (MUL, DOT)
LINEAR = (*PRODUCTS, ADD, SUB, TOTAL)  # what w · x + b is written with


@dataclass(slots=True)
class NeuronParts:
    """A neuron's parameters, its sums (one for each use of the net), and its sources.

    `bits` has a bit for each parameter; `links` has what each weight is multiplied with first.
    """

    parameters: list[Value] = field(default_factory=list)
    columns: dict[Value, int] = field(default_factory=dict)
    bits: dict[Value, int] = field(default_factory=dict)
    sums: list[Value] = field(default_factory=list)
    links: dict[Value, Value] = field(default_factory=dict)


class Net:
    """Which Value of a graph belongs to which neuron of which layer.

    `values` has what stands at each input and each neuron, layer by layer: one for each example.
    `rest` is what comes after the last layer, the loss.
    """

    def __init__(self, order: Sequence[Value]) -> None:
        self.order = order
        self.neurons = find_parameters(order)
        self.home: dict[Value, Home] = {}
        self.wiring: set[Value] = set()  # the products and sums of w · x + b
        self.sources: dict[Value, int] = {}  # what weights multiply: the column of the first
        self.find_sums()
        self.neurons = {home: n for home, n in self.neurons.items() if n.sums}
        if not self.neurons:
            raise ValueError(
                "there is no layer to collapse: neurons are known by the labels of their "
                f"parameters, {scheme().known_by}"
            )
        place = {v: i for i, v in enumerate(order)}
        firsts = {home: place[neuron.sums[0]] for home, neuron in self.neurons.items()}
        by_place = sorted(self.neurons, key=firsts.__getitem__)
        self.layers: list[str] = list(dict.fromkeys([layer for layer, _ in by_place]))
        self.neurons = {home: self.neurons[home] for home in sorted(self.neurons, key=self.rank)}
        self.feeding = self.find_feeding()
        self.find_activations()
        self.values: dict[Place, list[Value]] = {**self.find_inputs(), **self.find_outputs()}
        self.rest = [v for v in order if v.parents and v not in self.home and v not in self.feeding]

    def rank(self, home: Home) -> tuple[int, int]:
        """Where a neuron stands: its layer, then its place in it."""
        return self.layers.index(home[0]), home[1]

    def members(self, layer: str) -> list[NeuronParts]:
        """The neurons of a layer."""
        return [neuron for home, neuron in self.neurons.items() if home[0] == layer]

    @property
    def examples(self) -> int:
        """How many times the net is used in the graph; 0 where its neurons do not agree."""
        counts = {len(self.values[home]) for home in self.neurons}
        return counts.pop() if len(counts) == 1 else 0

    def find_sums(self) -> None:
        """Find w · x + b: a dot, or products and sums, that read all parameters of a neuron."""
        owner = {p: home for home, neuron in self.neurons.items() for p in neuron.parameters}
        parts: dict[Value, tuple[Home, int]] = {}  # unfinished sums, and the parameters in them
        for v in self.order:
            owned = {owner[p] for p in v.parents if p in owner}
            begun = {parts[p][0] for p in v.parents if p in parts}
            others = [p for p in v.parents if p not in owner]
            if len(owned | begun) != 1 or not others or v.op not in LINEAR:
                continue
            if v.op in PRODUCTS and begun:
                continue  # a weight times a weight is a penalty
            (home,) = owned | begun
            if not owned and any(p.parents and p not in parts for p in others):
                continue
            neuron = self.neurons[home]
            bits = 0
            for p in v.parents:
                bits |= parts[p][1] if p in parts else neuron.bits.get(p, 0)
            if bits == (1 << len(neuron.parameters)) - 1:
                neuron.sums.append(v)
                self.claim(v, home, parts)
            else:
                parts[v] = home, bits

    def claim(self, v: Value, home: Home, parts: Mapping[Value, object]) -> None:
        """Give a finished sum and all its parts to their neuron."""
        neuron, stack = self.neurons[home], [v]
        while stack:
            v = stack.pop()
            if v in self.wiring:
                continue
            self.home[v] = home
            self.wiring.add(v)
            stack += [p for p in v.parents if p in parts]
            for weight, source in products(v, neuron.columns):
                if source not in parts:
                    neuron.links.setdefault(weight, source)
                    self.sources.setdefault(source, neuron.columns[weight])

    def find_feeding(self) -> set[Value]:
        """What weights multiply, and all that it was computed from."""
        feeding = set(self.sources)
        for v in reversed(self.order):
            if v in feeding and v not in self.wiring:
                feeding.update(v.parents)
            elif v in self.wiring:
                feeding.update([p for p in v.parents if p in self.wiring])
        return feeding

    def find_activations(self) -> None:
        """Give each neuron what is computed from its sum on the way to the next layer.

        After the last layer only a known activation belongs to a neuron; the rest is the loss.
        """
        for v in self.order:
            homes = [self.home[p] for p in v.parents if p in self.home]
            if is_softmax(v) and v not in self.feeding:
                self.find_softmax(v)
            elif not homes or v in self.wiring:
                continue
            elif v in self.feeding:
                layer = max([name for name, _ in homes], key=self.layers.index)
                places = {place for name, place in homes if name == layer} - {WHOLE}
                self.home[v] = layer, places.pop() if len(places) == 1 else WHOLE
            elif len(v.parents) == 1 and v.op and v.op.name in OF_A_NEURON:
                self.home[v] = homes[0]

    def find_softmax(self, v: Value) -> None:
        """Give softmax's exponentials to their neurons, and the sums they share to the layer."""
        mine, whole = v.parents
        for part in whole.parents:
            (z,) = part.parents
            first = z.parents[0] if z.op is SUB else z
            if first in self.home:
                layer, place = self.home[first]
                shared = [whole, *z.parents[1:]] if z.op is SUB else [whole]
                self.home.update(dict.fromkeys(shared, (layer, WHOLE)))
                self.home.update({part: (layer, place), z: (layer, place)})
        if mine in self.home:
            self.home[v] = self.home[mine]

    def within(self, v: Value, parent: Value) -> bool:
        """Whether a parent belongs to the same use of the same neuron."""
        same = v in self.home and self.home.get(parent) == self.home[v]
        return same and (v not in self.wiring or parent in self.wiring)

    def find_inputs(self) -> dict[Place, list[Value]]:
        """What the weights multiply that no neuron made, by its place among the inputs."""
        found: dict[Place, list[Value]] = {}
        for v, column in sorted(self.sources.items(), key=itemgetter(1)):
            if v not in self.home:
                found.setdefault(column, []).append(v)
        return found

    def find_outputs(self) -> dict[Place, list[Value]]:
        """A neuron's outputs are what belongs to it and nothing more of it is computed from."""
        inner = {p for v in self.order for p in v.parents if self.within(v, p)}
        found: dict[Place, list[Value]] = {home: [] for home in self.neurons}
        for v in self.order:
            if v not in inner and self.home.get(v) in found:
                found[self.home[v]].append(v)
        return found

    def only(self, k: int) -> Net:
        """The same in one example alone, with the part of the rest that depends on no other."""
        example = {v: i for home in self.neurons for i, v in enumerate(self.values[home])}
        for v in self.rest:
            of = {example[p] for p in v.parents if p in example}
            if of:
                example[v] = of.pop() if len(of) == 1 else -1
        one = copy(self)
        one.rest = [v for v in self.rest if example.get(v) == k]
        one.values = {
            place: values[k : k + 1] if len(values) == self.examples else values
            for place, values in self.values.items()
        }
        return one

    def inside(self, home: Home) -> list[Value]:
        """A neuron's Values for the first example, from its inputs and parameters to its output."""
        output = self.values[home][0]
        found, stack = {output}, [output]
        while stack:
            v = stack.pop()
            found.update(v.parents)
            stack += [p for p in v.parents if self.within(v, p)]
        return [v for v in self.order if v in found]

    def links(self) -> list[tuple[Place, Home, Value]]:
        """(source, neuron, weight) for every weight."""
        return [
            (self.home.get(v, self.sources[v]), home, weight)
            for home, neuron in self.neurons.items()
            for weight, v in neuron.links.items()
        ]


def find_parameters(order: Sequence[Value]) -> dict[Home, NeuronParts]:
    """The neurons that the labels of leaves speak of; ValueError for a label used twice."""
    neurons: dict[Home, NeuronParts] = {}
    labels, read = set(), scheme().parameter
    for v in order:
        found = read(v.label) if v.label and not v.parents else None
        if found is None:
            continue
        if v.label in labels:
            raise ValueError(f"two parameters are labelled {v.label!r}: neurons cannot be told")
        labels.add(v.label)
        neuron = neurons.setdefault((found.layer, found.neuron), NeuronParts())
        neuron.bits[v] = 1 << len(neuron.parameters)
        neuron.parameters.append(v)
        if found.input is not None:
            neuron.columns[v] = found.input
    return neurons


def products(v: Value, weights: Mapping[Value, int]) -> list[tuple[Value, Value]]:
    """(weight, what it is multiplied with) for each weight that an op reads."""
    if v.op is DOT:
        n = len(v.parents) // 2
        pairs = list(zip(v.parents[:n], v.parents[n : 2 * n]))
    else:
        pairs = [(v.parents[0], v.parents[-1])]
    found = [(x, y) if x in weights else (y, x) for x, y in pairs]
    return [(w, x) for w, x in found if w in weights and x not in weights]


def is_softmax(v: Value) -> bool:
    """Whether this is one of softmax's outputs: an exponential over the sum of its kind."""
    if v.op is not DIV:
        return False
    part, whole = v.parents
    return (
        part.op is EXP
        and whole.op is TOTAL
        and part in whole.parents
        and all(p.op is EXP for p in whole.parents)
    )
