"""A net of any size as a picture of its neurons, or of its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

from autograd_core.engine import Value
from autograd_core.labels import scheme
from autograd_core.names import counted, short
from autograd_core.paths import reached
from autograd_core.pictures.drawing import Box, Drawing, Edge, Row, look, tone_of
from autograd_core.pictures.graph import (
    graph_drawing,
    refuse_large,
    snapshot,
    value_box,
    value_rows,
    wired,
)
from autograd_core.pictures.neurons import Home, Net, NeuronParts, is_softmax
from autograd_core.pictures.picture import Picture

Key: TypeAlias = Home | int  # of a box: a neuron's home, or an input's place

MOST_LINKS = 600  # that can be told apart in a picture
MOST_LOSS_NODES = 12  # of a loss that is drawn as it is
MOST_LINKS_BESIDE_A_GRAPH = 40  # whose labels push lines apart


class NetPicture(Picture):
    """A net drawn by its layers or its neurons; `example` and `neuron` look closer.

    Where the graph is of several examples, a box stands for a neuron in all of them: it shows
    the mean activation, and the length of the gradients as a vector.

    >>> import nn  # which says how parameters are labelled
    >>> from autograd_core import draw
    >>> x, w, b = Value(0.5, "x"), Value(2.0, "W1[0,0]"), Value(-1.0, "b1[0]")
    >>> picture = draw((w * x + b).tanh(), collapse="neuron")
    >>> print(picture)
    x      0.5  grad –
    a1[0]  0    grad –
    >>> print(picture.neuron(1, 0))
    W1[0,0]           data 2    grad –
    x                 data 0.5  grad –
    v2 = W1[0,0] * x  data 1    grad –  ∂W1[0,0] 0.5  ∂x 2
    b1[0]             data -1   grad –
    v4 = v2 + b1[0]   data 0    grad –  ∂v2 1  ∂b1[0] 1
    a1[0] = tanh(v4)  data 0    grad –  ∂v4 1
    """

    def __init__(
        self,
        order: Sequence[Value],
        level: str,
        held: Mapping[Value, str],
        net: Net | None = None,
        chosen: int | None = None,
    ) -> None:
        if level not in LEVELS:
            raise ValueError(f'a picture is collapsed by "neuron" or "layer", not {level!r}')
        self.level = level
        self.view = View(net or Net(order), held, chosen)
        super().__init__(LEVELS[level](self.view))

    @property
    def examples(self) -> int:
        """How many examples the graph is of, 1 where one was chosen; 0 where it cannot be told."""
        return self.view.examples

    def example(self, k: int) -> NetPicture:
        """The same picture for one example of a batch, with that example's own loss."""
        net = self.view.net
        if not 0 <= k < net.examples:
            raise ValueError(
                f"there is no example {k}: {counted(net.examples, 'example')} can be told apart"
            )
        return NetPicture(net.order, self.level, self.view.held, net, k)

    def neuron(self, layer: int | str, place: int, *, max_nodes: int = 400) -> Picture:
        """The scalar graph of one neuron: inputs, weights, sum and activation.

        It is that of the chosen example, or of the first.
        """
        net, home = self.view.net, (str(layer), place)
        if home not in net.neurons:
            sizes = [f"{name} has {len(net.members(name))}" for name in net.layers]
            raise ValueError(
                f"there is no neuron {place} in layer {layer}; of neurons, layer {', '.join(sizes)}"
            )
        values = net.inside(home, self.view.chosen or 0)
        refuse_large(values, max_nodes)
        return Picture(graph_drawing(snapshot(values, self.view.names, self.view.with_grad)))


# --- What is shown ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers that stand in one place, one for each example, as they were when drawn."""

    name: str
    data: tuple[float, ...]
    grads: tuple[float, ...]  # of those that a backward has reached

    @property
    def shown_data(self) -> str:
        """The data, or their mean."""
        if len(self.data) == 1:
            return short(self.data[0])
        return f"mean {short(sum(self.data) / len(self.data))}"

    @property
    def shown_grad(self) -> str:
        """The gradient, or the length of the gradients as a vector."""
        if len(self.data) == 1:
            return f"grad {short(self.grads[0]) if self.grads else '–'}"
        return f"grad norm {norm(self.grads)}"

    def box(self, id: str, *, border: int = 1, is_given: bool = False) -> Box:
        """Name and data, and below them the gradient in the colour of its sign."""
        one = len(self.data) == 1 and self.grads
        grad = Row(self.shown_grad, tone=tone_of(self.grads[0] if one else 0.0))
        rows = Row(self.shown_data, self.name), grad
        about = f"{self.name}: {self.shown_data}, {self.shown_grad}"
        return Box(id, rows, about, border, is_given=is_given)


@dataclass(frozen=True)
class View:
    """A net with the names of variables, of all examples or of the chosen one."""

    net: Net
    held: Mapping[Value, str]
    chosen: int | None

    @property
    def examples(self) -> int:
        """How many examples are shown; 0 where it cannot be told."""
        return 1 if self.chosen is not None else self.net.examples

    @cached_property
    def with_grad(self) -> Collection[Value]:
        """The Values that a backward has reached."""
        return reached(self.net.order)

    @cached_property
    def names(self) -> dict[Value, str]:
        """What to call Values without a label: x[0] is an input, a1[2] layer 1's neuron 2."""
        found = {v: f"x[{place}]" for v, place in self.net.inputs.items()}
        for home, neuron in self.net.neurons.items():
            found.update(dict.fromkeys(neuron.outputs, output_name(home)))
        return {**found, **self.held}

    def read(self, name: str, values: Sequence[Value]) -> Reading:
        """The numbers of the chosen example, or of all."""
        if self.chosen is not None and len(values) == self.net.examples:
            values = values[self.chosen : self.chosen + 1]
        grads = [v.grad for v in values if v in self.with_grad]
        return Reading(name, tuple([v.data for v in values]), tuple(grads))

    @cached_property
    def readings(self) -> dict[Key, Reading]:
        """What is read of each input and each neuron."""
        places: dict[int, list[Value]] = {}
        for v, place in self.net.inputs.items():
            places.setdefault(place, []).append(v)
        found: dict[Key, Reading] = {}
        for place, values in sorted(places.items()):
            given = {v.label or self.held.get(v, "") for v in values}
            found[place] = self.read(
                (given.pop() if len(given) == 1 else "") or f"x[{place}]", values
            )
        for home, neuron in self.net.neurons.items():
            found[home] = self.read(output_name(home), neuron.outputs)
        return found

    @cached_property
    def columns(self) -> list[list[Key]]:
        """The inputs, then the neurons of each layer."""
        found: dict[str | None, list[Key]] = {}
        for key in self.readings:
            found.setdefault(None if isinstance(key, int) else key[0], []).append(key)
        return list(found.values())

    @cached_property
    def loss(self) -> list[Value]:
        """What comes after the last layer: all of it, or what depends on one example alone."""
        if self.chosen is None:
            return self.net.rest
        example = {v: k for n in self.net.neurons.values() for k, v in enumerate(n.outputs)}
        for v in self.net.rest:
            of = {example[p] for p in v.parents if p in example}
            if of:
                example[v] = of.pop() if len(of) == 1 else -1
        return [v for v in self.net.rest if example.get(v) == self.chosen]

    @property
    def loss_sources(self) -> list[Home]:
        """The neurons that the loss is computed from."""
        home = self.net.home
        found = dict.fromkeys([home[p] for v in self.loss for p in v.parents if p in home])
        return [place for place in found if place in self.net.neurons]

    def loss_graph(self, boxes: Mapping[Key, Box]) -> Drawing:
        """The loss as it is, from the boxes of the neurons that it is computed from."""
        around = {*self.loss, *[p for v in self.loss for p in v.parents]}
        values = [v for v in self.net.order if v in around]
        own = [boxes.get(self.net.home[v]) if v in self.net.home else None for v in values]
        nodes = [
            replace(node, op="", operands=()) if box else node
            for node, box in zip(snapshot(values, self.names, self.with_grad), own)
        ]
        drawn = [
            box or value_box(i, node, value_rows(node), border=2 if i == len(nodes) - 1 else 1)
            for i, (node, box) in enumerate(zip(nodes, own))
        ]
        drawing = wired(nodes, drawn)
        return replace(drawing, shapes=[shape for shape in drawing.shapes if shape not in own])


# --- By neuron --------------------------------------------------------------------------------


def by_neuron(view: View) -> Drawing:
    """A box for each neuron, and a line for each weight."""
    readings, loss, links = view.readings, view.read("loss", view.loss[-1:]), weight_links(view)
    boxes = {
        key: reading.box(box_id(key), is_given=isinstance(key, int))
        for key, reading in readings.items()
    }
    shown = [*readings.values(), *([loss] if view.loss_sources else [])]
    drawing = Drawing(
        lines=[(reading.name, reading.shown_data, reading.shown_grad) for reading in shown],
        shapes=(),
        edges=links,
        columns=[[boxes[key] for key in column] for column in view.columns],
        title=f"mean activations of {view.examples:,} examples" if view.examples > 1 else "",
    )
    small = 0 < len(view.loss) <= MOST_LOSS_NODES and len(links) <= MOST_LINKS_BESIDE_A_GRAPH
    if view.examples == 1 and small:
        graph = view.loss_graph(boxes)
        return replace(drawing, shapes=graph.shapes, edges=[*links, *graph.edges], gap=0.9)
    ends = [Edge(box_id(home), "loss", is_arrow=False) for home in view.loss_sources]
    shapes = [loss.box("loss", border=2)] if ends else []
    return replace(drawing, shapes=shapes, edges=[*links, *ends], gap=1.5, is_straight=True)


def weight_links(view: View) -> list[Edge]:
    """A line for each weight, as wide as it is large; ValueError for more than can be seen."""
    links = [link for link in view.net.links() if link[0] in view.readings]
    if len(links) > MOST_LINKS:
        raise ValueError(
            f"{len(links):,} weights are too many for a picture of at most {MOST_LINKS}: draw the "
            f'layers, draw(..., collapse="layer"), and of them a neuron, .neuron(layer, place)'
        )
    largest = max([abs(w.data) for *_, w in links], default=0.0)
    return [
        Edge(
            box_id(source),
            box_id(home),
            f"{w.label} = {w.data!r}",
            is_arrow=False,
            **look(w.data, largest, thinnest=0.3),
        )
        for source, home, w in links
    ]


def output_name(home: Home) -> str:
    """What a neuron's output is called: a1[2]."""
    layer, place = home
    return f"{scheme().activations(layer)}[{place}]"


def box_id(key: Key) -> str:
    """The id of a box: x0 for an input, n1_2 for layer 1's neuron 2."""
    return f"x{key}" if isinstance(key, int) else f"n{in_id(key[0])}_{key[1]}"


def in_id(name: str) -> str:
    """A layer's name as part of an id: of letters and digits alone."""
    return "".join([c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in name])


# --- By layer ---------------------------------------------------------------------------------


def by_layer(view: View) -> Drawing:
    """A box for the inputs and for each layer, and an arrow for each matrix of weights."""
    texts = {layer_id(keys[0]): layer_texts(view, keys) for keys in view.columns}
    if view.loss:
        end = view.read("loss", view.loss[-1:])
        texts["loss"] = ["loss", end.shown_data, end.shown_grad]
    shapes = [
        Box(
            name,
            (Row("", title), *map(Row, rest)),
            ", ".join([title, *rest]),
            border=2 if name == "loss" else 1,
            is_given=name == "inputs",
        )
        for name, (title, *rest) in texts.items()
    ]
    ends = dict.fromkeys(map(layer_id, view.loss_sources))
    edges = [*matrix_edges(view.net), *[Edge(source, "loss") for source in ends]]
    return Drawing([("  ".join(text),) for text in texts.values()], shapes, edges, gap=0.5)


def matrix_edges(net: Net) -> list[Edge]:
    """For each layer that feeds another an arrow, with the shape of the matrix between them."""
    weights: dict[tuple[str, str, str], tuple[set[int], set[Home]]] = {}
    for source, home, w in net.links():
        ends = layer_id(source), layer_id(home), home[0]
        columns, rows = weights.setdefault(ends, (set(), set()))
        columns.add(net.neurons[home].columns[w])
        rows.add(home)
    shapes = [
        (source, target, f"{scheme().weights(layer)}: {len(rows)} × {len(columns)}")
        for (source, target, layer), (columns, rows) in weights.items()
    ]
    return [Edge(source, target, shape, label=shape) for source, target, shape in shapes]


def layer_texts(view: View, keys: Sequence[Key]) -> list[str]:
    """What a picture tells of the inputs, or of a layer."""
    readings = [view.readings[key] for key in keys]
    data = [x for reading in readings for x in reading.data]
    size = sum(map(abs, data)) / len(data)
    spread = f"{short(min(data))} to {short(max(data))}, mean size {short(size)}"
    grad = f"grad norm {norm([g for reading in readings for g in reading.grads])}"
    if isinstance(keys[0], int):
        examples = [counted(view.examples, "example")] if view.examples > 1 else []
        return [counted(len(keys), "input"), *examples, spread, grad]
    layer = keys[0][0]
    neurons = view.net.members(layer)
    slopes = [p.grad for n in neurons for p in n.parameters if p in view.with_grad]
    return [
        f"layer {layer}".strip(),
        f"{counted(len(neurons), 'neuron')}, {activation(neurons, view.net)}",
        spread,
        grad,
        f"grad norm of parameters {norm(slopes)}",
    ]


def layer_id(key: Key) -> str:
    """The id of a layer's box, or of the inputs' box."""
    return "inputs" if isinstance(key, int) else f"layer{in_id(key[0])}"


def activation(neurons: Sequence[NeuronParts], net: Net) -> str:
    """What the neurons of a layer do to their sums."""
    outputs = [neuron.outputs[0] for neuron in neurons]
    if any(is_softmax(output) for output in outputs):
        return "softmax"
    if all(output in net.wiring for output in outputs):
        return "linear"
    op = outputs[0].op
    return op.name if op and len(outputs[0].parents) == 1 else "activation"


def norm(grads: Iterable[float]) -> str:
    """The length of the gradients as a vector, or a dash before any backward."""
    grads = list(grads)
    return short(math.hypot(*grads)) if grads else "–"


LEVELS: dict[str, Callable[[View], Drawing]] = {"neuron": by_neuron, "layer": by_layer}
