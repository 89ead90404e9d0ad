"""A net of any size as a picture of its neurons, or of its layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any

from autograd_core.engine import Value
from autograd_core.labels import scheme
from autograd_core.names import counted, short
from autograd_core.paths import reached
from autograd_core.pictures.drawing import Box, BoxRow, Drawing, Edge, look, tone_of
from autograd_core.pictures.graph import GraphView, graph_drawing, refuse_large, wired
from autograd_core.pictures.neurons import Home, Net, Place, is_softmax
from autograd_core.pictures.picture import Picture

MOST_LINKS = 600  # that can be told apart in a picture
MOST_LOSS_NODES = 12  # of a loss that is drawn as it is
MOST_LINKS_BESIDE_A_GRAPH = 40  # whose labels push lines apart


class NetPicture(Picture):
    """A net drawn by its layers or its neurons; `example`, `numbers` and `neuron` look closer.

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

    def __init__(self, net: Net, level: str, held: Mapping[Value, str]) -> None:
        if level not in LEVELS:
            raise ValueError(f'a picture is collapsed by "neuron" or "layer", not {level!r}')
        self.net, self.level, self.view = net, level, NetView(net, held)
        super().__init__(LEVELS[level](self.view))

    @property
    def examples(self) -> int:
        """How many examples the graph is of, 1 where one was chosen; 0 where it cannot be told."""
        return self.net.examples

    def example(self, k: int) -> NetPicture:
        """The same picture for one example of a batch, with that example's own loss."""
        if not 0 <= k < self.examples:
            raise ValueError(
                f"there is no example {k}: {counted(self.examples, 'example')} can be told apart"
            )
        return NetPicture(self.net.only(k), self.level, self.view.held)

    def numbers(self) -> Picture:
        """The same, with each neuron's weights and biases, and their gradients, in its box."""
        if self.level != "neuron":
            raise ValueError('weights are told one by one in a picture collapsed by "neuron"')
        return Picture(with_parameters(self.drawing, self.view))

    def neuron(self, layer: int | str, place: int, *, max_nodes: int = 400) -> Picture:
        """The scalar graph of one neuron: inputs, weights, sum and activation.

        It is that of the chosen example, or of the first.
        """
        home = str(layer), place
        if home not in self.net.neurons:
            sizes = [f"{name} has {len(self.net.members(name))}" for name in self.net.layers]
            raise ValueError(
                f"there is no neuron {place} in layer {layer}; of neurons, layer {', '.join(sizes)}"
            )
        values = self.net.inside(home)
        refuse_large(values, max_nodes)
        return Picture(graph_drawing(GraphView(values, self.view.names, self.view.with_grad)))


# --- What is shown ----------------------------------------------------------------------------


@dataclass(frozen=True)
class NetView:
    """A net with the names of variables: what is told of each place, of its Values, of the loss."""

    net: Net
    held: Mapping[Value, str]

    @cached_property
    def with_grad(self) -> Collection[Value]:
        """The Values that a backward has reached."""
        return reached(self.net.order)

    @cached_property
    def names(self) -> dict[Value, str]:
        """What to call Values without a label: x[0] is an input, a1[2] layer 1's neuron 2."""
        found = {v: name_of(place) for place, values in self.net.values.items() for v in values}
        return {**found, **self.held}

    @property
    def columns(self) -> list[list[Place]]:
        """The inputs, then the neurons of each layer."""
        return [list(places) for _, places in groupby(self.net.values, layer_id)]

    def cells(self, name: str, values: Sequence[Value]) -> tuple[str, str, str]:
        """The name, the data or their mean, the gradient or the length of all as a vector."""
        grads = self.grads(values)
        if len(values) == 1:
            return name, short(values[0].data), f"grad {short(grads[0]) if grads else '–'}"
        mean = sum([v.data for v in values]) / len(values)
        return name, f"mean {short(mean)}", f"grad norm {norm(grads)}"

    def place_cells(self, place: Place) -> tuple[str, str, str]:
        """The cells of an input, by its one label or variable, or of a neuron."""
        values = self.net.values[place]
        given = {v.label or self.held.get(v, "") for v in values}
        is_named = isinstance(place, int) and len(given) == 1
        return self.cells((given.pop() if is_named else "") or name_of(place), values)

    @property
    def loss_cells(self) -> tuple[str, str, str]:
        """The cells of the loss, the last of what comes after the net."""
        return self.cells("loss", self.net.rest[-1:])

    def grads(self, values: Iterable[Value]) -> list[float]:
        """The gradients of those that a backward has reached."""
        return [v.grad for v in values if v in self.with_grad]

    def box(self, id: str, cells: Sequence[str], values: Sequence[Value], **given: Any) -> Box:
        """Name and data, and below them the gradient in the colour of its sign."""
        name, data, grad = cells
        tone = tone_of(sum(self.grads(values))) if len(values) == 1 else "plain"
        rows = BoxRow(data, name), BoxRow(grad, tone=tone)
        return Box(id, rows, f"{name}: {data}, {grad}", **given)

    @property
    def loss_sources(self) -> list[Home]:
        """The neurons that the loss is computed from."""
        home = self.net.home
        found = dict.fromkeys([home[p] for v in self.net.rest for p in v.parents if p in home])
        return [place for place in found if place in self.net.neurons]


# --- By neuron --------------------------------------------------------------------------------


def by_neuron(view: NetView) -> Drawing:
    """A box for each neuron, a line for each weight, and the loss."""
    net, examples = view.net, view.net.examples
    cells = {place: view.place_cells(place) for place in net.values}
    boxes = {
        place: view.box(place_id(place), cells[place], values, is_given=isinstance(place, int))
        for place, values in net.values.items()
    }
    links = weight_links(net)
    small = 0 < len(net.rest) <= MOST_LOSS_NODES and len(links) <= MOST_LINKS_BESIDE_A_GRAPH
    loss = loss_graph(view, boxes) if examples == 1 and small else loss_box(view)
    return replace(
        loss,
        lines=[*cells.values(), *([view.loss_cells] if view.loss_sources else [])],
        edges=[*links, *loss.edges],
        columns=[*[[boxes[place] for place in column] for column in view.columns], *loss.columns],
        title=f"mean activations of {examples:,} examples" if examples > 1 else "",
    )


def loss_graph(view: NetView, boxes: Mapping[Place, Box]) -> Drawing:
    """The loss as it is, from the boxes of the neurons that it is computed from."""
    around = {*view.net.rest, *[p for v in view.net.rest for p in v.parents]}
    values, home = [v for v in view.net.order if v in around], view.net.home
    graph = GraphView(values, view.names, view.with_grad)
    own = {v: boxes[home[v]] for v in values if v in home and home[v] in boxes}
    for v in own:
        graph.computed.pop(v, None)
    drawing = wired(graph, {v: own.get(v) or graph.box(v) for v in values})
    shapes = [shape for shape in drawing.shapes if shape not in own.values()]
    return replace(drawing, shapes=shapes, gap=0.65)


def loss_box(view: NetView) -> Drawing:
    """The loss as one box; nothing, where the net is all there is."""
    edges = [Edge(place_id(home), "loss", is_arrow=False) for home in view.loss_sources]
    box = view.box("loss", view.loss_cells, view.net.rest[-1:], border=2) if edges else None
    return Drawing((), [], edges, [[box]] if box else [], gap=1.5)


def weight_links(net: Net) -> list[Edge]:
    """A line for each weight, as wide as it is large; ValueError for more than can be seen."""
    links = [link for link in net.links() if link[0] in net.values]
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


def with_parameters(drawing: Drawing, view: NetView) -> Drawing:
    """A row, and a line of the text, for each parameter of each neuron."""
    cells = {
        home: [view.cells(p.label, [p]) for p in neuron.parameters]
        for home, neuron in view.net.neurons.items()
    }
    rows = {
        place_id(home): [BoxRow(f"{data}  {grad}", name) for name, data, grad in told]
        for home, told in cells.items()
    }
    columns = [
        [replace(box, rows=(*box.rows, *rows.get(box.id, ()))) for box in column]
        for column in drawing.columns
    ]
    lines = list(drawing.lines[: len(view.net.values)])
    for i, place in reversed(list(enumerate(view.net.values))):
        if place in view.net.neurons:
            lines[i + 1 : i + 1] = [(f"  {name}", *rest) for name, *rest in cells[place]]
    return replace(drawing, columns=columns, lines=[*lines, *drawing.lines[len(view.net.values) :]])


def name_of(place: Place) -> str:
    """What a place is called: x[0], a1[2]."""
    if isinstance(place, int):
        return f"x[{place}]"
    return f"{scheme().activations(place[0])}[{place[1]}]"


def place_id(place: Place) -> str:
    """The id of a box: x0 for an input, n1_2 for layer 1's neuron 2."""
    return f"x{place}" if isinstance(place, int) else f"n{in_id(place[0])}_{place[1]}"


def in_id(name: str) -> str:
    """A layer's name as part of an id: of letters and digits alone."""
    return "".join([c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in name])


# --- By layer ---------------------------------------------------------------------------------


def by_layer(view: NetView) -> Drawing:
    """A box for the inputs and for each layer, and an arrow for each matrix of weights."""
    texts = {layer_id(places[0]): layer_texts(view, places) for places in view.columns}
    if view.net.rest:
        texts["loss"] = list(view.loss_cells)
    shapes = [layer_box(id, *text) for id, text in texts.items()]
    ends = dict.fromkeys(map(layer_id, view.loss_sources))
    edges = [*matrix_edges(view.net), *[Edge(source, "loss") for source in ends]]
    return Drawing([("  ".join(text),) for text in texts.values()], shapes, edges, gap=0.3)


def layer_box(id: str, title: str, *lines: str) -> Box:
    """A title and lines below it."""
    rows, about = (BoxRow("", title), *map(BoxRow, lines)), ", ".join([title, *lines])
    return Box(id, rows, about, border=2 if id == "loss" else 1, is_given=id == "inputs")


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
    return [
        Edge(source, target, shape, id=f"{source}_{target}", label=shape)
        for source, target, shape in shapes
    ]


def layer_texts(view: NetView, places: Sequence[Place]) -> list[str]:
    """What a picture tells of the inputs, or of a layer."""
    net = view.net
    values = [v for place in places for v in net.values[place]]
    data = [v.data for v in values]
    size = sum(map(abs, data)) / len(data)
    spread = f"{short(min(data))} to {short(max(data))}, mean size {short(size)}"
    grad = f"grad norm {norm(view.grads(values))}"
    if isinstance(places[0], int):
        examples = [counted(net.examples, "example")] if net.examples > 1 else []
        return [counted(len(places), "input"), *examples, spread, grad]
    layer = places[0][0]
    neurons = net.members(layer)
    slopes = view.grads([p for neuron in neurons for p in neuron.parameters])
    about = f"{counted(len(neurons), 'neuron')}, {activation(net, places)}"
    owned = f"grad norm of parameters {norm(slopes)}"
    return [f"layer {layer}".strip(), about, spread, grad, owned]


def layer_id(place: Place) -> str:
    """The id of a layer's box, or of the inputs' box."""
    return "inputs" if isinstance(place, int) else f"layer{in_id(place[0])}"


def activation(net: Net, places: Iterable[Place]) -> str:
    """What the neurons of a layer do to their sums."""
    outputs = [net.values[place][0] for place in places]
    if any(is_softmax(output) for output in outputs):
        return "softmax"
    if all(output in net.wiring for output in outputs):
        return "linear"
    op = outputs[0].op
    return op.name if op and len(outputs[0].parents) == 1 else "activation"


def norm(grads: Sequence[float]) -> str:
    """The length of the gradients as a vector, or a dash before any backward."""
    return short(math.hypot(*grads)) if grads else "–"


LEVELS: dict[str, Callable[[NetView], Drawing]] = {"neuron": by_neuron, "layer": by_layer}
