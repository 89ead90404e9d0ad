"""A net of any size as a picture of its neurons, or of its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias

from autograd_core.engine import Value
from autograd_core.labels import scheme
from autograd_core.names import counted, short
from autograd_core.paths import reached
from autograd_core.pictures.drawing import Box, Drawing, Edge, Row, look, tone_of
from autograd_core.pictures.graph import Graph, graph_drawing, refuse_large, wired
from autograd_core.pictures.neurons import Home, Net, NeuronParts, is_softmax
from autograd_core.pictures.picture import Picture

Place: TypeAlias = Home | int  # a neuron's home, or an input's place among the inputs

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
        return Picture(graph_drawing(Graph(values, self.view.names, self.view.with_grad)))


# --- What is shown ----------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A net with the names of variables, of all examples or of the chosen one.

    A place is an input or a neuron; the Values that stand there are one for each example.
    """

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

    def of(self, values: Sequence[Value]) -> Sequence[Value]:
        """Those of the chosen example, or all."""
        if self.chosen is None or len(values) != self.net.examples:
            return values
        return values[self.chosen : self.chosen + 1]

    @cached_property
    def values(self) -> dict[Place, Sequence[Value]]:
        """The Values of each input, then of each neuron, layer by layer."""
        found: dict[Place, list[Value]] = {}
        for v, place in sorted(self.net.inputs.items(), key=itemgetter(1)):
            found.setdefault(place, []).append(v)
        found.update({home: neuron.outputs for home, neuron in self.net.neurons.items()})
        return {place: self.of(values) for place, values in found.items()}

    @cached_property
    def columns(self) -> list[list[Place]]:
        """The inputs, then the neurons of each layer."""
        return [list(places) for _, places in groupby(self.values, layer_id)]

    def name(self, place: Place) -> str:
        """What a place is called: the inputs' one label or variable, else x[0] or a1[2]."""
        if not isinstance(place, int):
            return output_name(place)
        given = {v.label or self.held.get(v, "") for v in self.values[place]}
        return (given.pop() if len(given) == 1 else "") or f"x[{place}]"

    def cells(self, name: str, values: Sequence[Value]) -> tuple[str, str, str]:
        """The name, the data or their mean, the gradient or the length of all as a vector."""
        grads = self.grads(values)
        if len(values) == 1:
            return name, short(values[0].data), f"grad {short(grads[0]) if grads else '–'}"
        mean = sum([v.data for v in values]) / len(values)
        return name, f"mean {short(mean)}", f"grad norm {norm(grads)}"

    def grads(self, values: Iterable[Value]) -> list[float]:
        """The gradients of those that a backward has reached."""
        return [v.grad for v in values if v in self.with_grad]

    def box(self, id: str, name: str, values: Sequence[Value], **given: Any) -> Box:
        """Name and data, and below them the gradient in the colour of its sign."""
        _, data, grad = self.cells(name, values)
        tone = tone_of(sum(self.grads(values))) if len(values) == 1 else "plain"
        rows = Row(data, name), Row(grad, tone=tone)
        return Box(id, rows, f"{name}: {data}, {grad}", **given)

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

    @cached_property
    def loss_sources(self) -> list[Home]:
        """The neurons that the loss is computed from."""
        home = self.net.home
        found = dict.fromkeys([home[p] for v in self.loss for p in v.parents if p in home])
        return [place for place in found if place in self.net.neurons]

    def loss_graph(self, boxes: Mapping[Place, Box]) -> Drawing:
        """The loss as it is, from the boxes of the neurons that it is computed from."""
        around = {*self.loss, *[p for v in self.loss for p in v.parents]}
        values = [v for v in self.net.order if v in around]
        graph = Graph(values, self.names, self.with_grad)
        home = self.net.home
        own = {v: boxes[home[v]] for v in values if v in home and home[v] in boxes}
        for v in own:
            graph.computed.pop(v, None)
        drawing = wired(graph, {v: own.get(v) or graph.box(v) for v in values})
        shapes = [shape for shape in drawing.shapes if shape not in own.values()]
        return replace(drawing, shapes=shapes)


# --- By neuron --------------------------------------------------------------------------------


def by_neuron(view: View) -> Drawing:
    """A box for each neuron, and a line for each weight."""
    links, ends = weight_links(view), view.loss_sources
    boxes = {
        place: view.box(place_id(place), view.name(place), values, is_given=isinstance(place, int))
        for place, values in view.values.items()
    }
    lines = [view.cells(view.name(place), values) for place, values in view.values.items()]
    if ends:
        lines.append(view.cells("loss", view.loss[-1:]))
    drawing = Drawing(
        lines=lines,
        shapes=(),
        edges=links,
        columns=[[boxes[place] for place in column] for column in view.columns],
        title=f"mean activations of {view.examples:,} examples" if view.examples > 1 else "",
    )
    small = 0 < len(view.loss) <= MOST_LOSS_NODES and len(links) <= MOST_LINKS_BESIDE_A_GRAPH
    if view.examples == 1 and small:
        graph = view.loss_graph(boxes)
        return replace(drawing, shapes=graph.shapes, edges=[*links, *graph.edges], gap=0.9)
    shapes = [view.box("loss", "loss", view.loss[-1:], border=2)] if ends else []
    links += [Edge(place_id(home), "loss", is_arrow=False) for home in ends]
    return replace(drawing, shapes=shapes, gap=1.5, is_straight=True)


def weight_links(view: View) -> list[Edge]:
    """A line for each weight, as wide as it is large; ValueError for more than can be seen."""
    links = [link for link in view.net.links() if link[0] in view.values]
    if len(links) > MOST_LINKS:
        raise ValueError(
            f"{len(links):,} weights are too many for a picture of at most {MOST_LINKS}: draw the "
            f'layers, draw(..., collapse="layer"), and of them a neuron, .neuron(layer, place)'
        )
    largest = max([abs(w.data) for *_, w in links], default=0.0)
    return [
        Edge(
            place_id(source),
            place_id(home),
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


def place_id(place: Place) -> str:
    """The id of a box: x0 for an input, n1_2 for layer 1's neuron 2."""
    return f"x{place}" if isinstance(place, int) else f"n{in_id(place[0])}_{place[1]}"


def in_id(name: str) -> str:
    """A layer's name as part of an id: of letters and digits alone."""
    return "".join([c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in name])


# --- By layer ---------------------------------------------------------------------------------


def by_layer(view: View) -> Drawing:
    """A box for the inputs and for each layer, and an arrow for each matrix of weights."""
    texts = {layer_id(places[0]): layer_texts(view, places) for places in view.columns}
    if view.loss:
        texts["loss"] = list(view.cells("loss", view.loss[-1:]))
    shapes = [
        Box(
            id,
            (Row("", text[0]), *map(Row, text[1:])),
            ", ".join(text),
            border=2 if id == "loss" else 1,
            is_given=id == "inputs",
        )
        for id, text in texts.items()
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


def layer_texts(view: View, places: Sequence[Place]) -> list[str]:
    """What a picture tells of the inputs, or of a layer."""
    values = [v for place in places for v in view.values[place]]
    data = [v.data for v in values]
    size = sum(map(abs, data)) / len(data)
    spread = f"{short(min(data))} to {short(max(data))}, mean size {short(size)}"
    grad = f"grad norm {norm(view.grads(values))}"
    if isinstance(places[0], int):
        examples = [counted(view.examples, "example")] if view.examples > 1 else []
        return [counted(len(places), "input"), *examples, spread, grad]
    layer = places[0][0]
    neurons = view.net.members(layer)
    slopes = view.grads([p for neuron in neurons for p in neuron.parameters])
    about = f"{counted(len(neurons), 'neuron')}, {activation(neurons, view.net)}"
    owned = f"grad norm of parameters {norm(slopes)}"
    return [f"layer {layer}".strip(), about, spread, grad, owned]


def layer_id(place: Place) -> str:
    """The id of a layer's box, or of the inputs' box."""
    return "inputs" if isinstance(place, int) else f"layer{in_id(place[0])}"


def activation(neurons: Sequence[NeuronParts], net: Net) -> str:
    """What the neurons of a layer do to their sums."""
    outputs = [neuron.outputs[0] for neuron in neurons]
    if any(is_softmax(output) for output in outputs):
        return "softmax"
    if all(output in net.wiring for output in outputs):
        return "linear"
    op = outputs[0].op
    return op.name if op and len(outputs[0].parents) == 1 else "activation"


def norm(grads: Sequence[float]) -> str:
    """The length of the gradients as a vector, or a dash before any backward."""
    return short(math.hypot(*grads)) if grads else "–"


LEVELS: dict[str, Callable[[View], Drawing]] = {"neuron": by_neuron, "layer": by_layer}
