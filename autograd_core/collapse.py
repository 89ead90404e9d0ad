"""A net of any size as a picture of its neurons, or of its layers.

Neurons are found in the graph itself, by the labels of their parameters: W1[0,2] is the weight
of layer 1 from input 2 to neuron 0, b1[0] its bias.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

from autograd_core.draw import (
    Node,
    add_op,
    add_value,
    check_size,
    dot_source,
    edge_look,
    in_columns,
    reached,
    snapshot,
    text,
    value_rows,
)
from autograd_core.engine import ADD, DIV, DOT, EXP, MUL, SUB, TOTAL, Value
from autograd_core.picture import (
    INK,
    PALE,
    Picture,
    coloured,
    escaped,
    new_dot,
    short,
    sign_colours,
    table,
    tooltip,
)

Drawn: TypeAlias = "tuple[str, Callable[[], str]]"
Home: TypeAlias = tuple[str, int]  # a layer's name and a neuron's place in it
WHOLE = -1  # the place of what belongs to a layer as a whole, such as softmax's sum

PARAMETER = re.compile(r"(?:W(?P<weight>.*)\[(\d+),(\d+)\]|b(?P<bias>.*)\[(\d+)\])")
ACTIVATIONS = {"relu", "leaky_relu", "tanh", "sigmoid", "softplus", "step", "sin", "cos"}
PRODUCTS = (MUL, DOT)
LINEAR = (*PRODUCTS, ADD, SUB, TOTAL)  # what w · x + b is written with
LEVELS = ("neuron", "layer")
MOST_LINKS = 600  # that can be told apart in a picture
MOST_LOSS_NODES = 12  # of a loss that is drawn as it is
MOST_LINKS_BESIDE_A_GRAPH = 40  # whose labels push lines apart


# --- Finding the net in the graph -------------------------------------------------------------


@dataclass(slots=True)
class Neuron:
    """A neuron's parameters, its outputs (one for each use of the net), and its sources.

    `bits` has a bit for each parameter; `links` has what each weight is multiplied with first.
    """

    parameters: list[Value] = field(default_factory=list)
    columns: dict[Value, int] = field(default_factory=dict)
    bits: dict[Value, int] = field(default_factory=dict)
    sums: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    links: dict[Value, Value] = field(default_factory=dict)


class Net:
    """Which Value of a graph belongs to which neuron of which layer."""

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
                "parameters, W1[0,2] and b1[0], which nn.MLP gives"
            )
        place = {v: i for i, v in enumerate(order)}
        firsts = {home: place[neuron.sums[0]] for home, neuron in self.neurons.items()}
        by_place = sorted(self.neurons, key=firsts.__getitem__)
        self.layers: list[str] = list(dict.fromkeys([layer for layer, _ in by_place]))
        self.neurons = {home: self.neurons[home] for home in sorted(self.neurons, key=self.rank)}
        self.feeding = self.find_feeding()
        self.find_activations()
        self.find_outputs()
        self.inputs = self.find_inputs()
        self.rest = [v for v in order if v.parents and v not in self.home and v not in self.feeding]

    def rank(self, home: Home) -> tuple[int, int]:
        """Where a neuron stands: its layer, then its place in it."""
        return self.layers.index(home[0]), home[1]

    def members(self, layer: str) -> list[Neuron]:
        """The neurons of a layer."""
        return [neuron for home, neuron in self.neurons.items() if home[0] == layer]

    @property
    def examples(self) -> int:
        """How many times the net is used in the graph; 0 where its neurons do not agree."""
        counts = {len(neuron.outputs) for neuron in self.neurons.values()}
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
            if is_share(v) and v not in self.feeding:
                self.find_softmax(v)
            elif not homes or v in self.wiring:
                continue
            elif v in self.feeding:
                layer = max([name for name, _ in homes], key=self.layers.index)
                places = {place for name, place in homes if name == layer} - {WHOLE}
                self.home[v] = layer, places.pop() if len(places) == 1 else WHOLE
            elif len(v.parents) == 1 and v.op and v.op.name in ACTIVATIONS:
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

    def find_outputs(self) -> None:
        """A neuron's outputs are what belongs to it and nothing more of it is computed from."""
        inner = set()
        for v in self.order:
            inner.update([p for p in v.parents if self.within(v, p)])
        for v in self.order:
            home = self.home.get(v)
            if home in self.neurons and v not in inner:
                self.neurons[home].outputs.append(v)

    def find_inputs(self) -> dict[Value, int]:
        """What the weights multiply that no neuron made, each with its place among the inputs."""
        return {v: column for v, column in self.sources.items() if v not in self.home}

    def inside(self, home: Home, example: int) -> list[Value]:
        """A neuron's Values for one example, from its inputs and parameters to its output."""
        output = self.neurons[home].outputs[example]
        found, stack = {output}, [output]
        while stack:
            v = stack.pop()
            found.update(v.parents)
            stack += [p for p in v.parents if self.within(v, p)]
        return [v for v in self.order if v in found]

    def links(self) -> list[tuple[Home | int, Home, Value]]:
        """(source, neuron, weight) for every weight; a source is a neuron, or an input's place."""
        return [
            (self.home[v] if v in self.home else self.inputs[v], home, weight)
            for home, neuron in self.neurons.items()
            for weight, v in neuron.links.items()
        ]


def find_parameters(order: Sequence[Value]) -> dict[Home, Neuron]:
    """The neurons that the labels of leaves speak of; ValueError for a label used twice."""
    neurons: dict[Home, Neuron] = {}
    labels = set()
    for v in order:
        match = PARAMETER.fullmatch(v.label) if v.label and not v.parents else None
        if match is None:
            continue
        if v.label in labels:
            raise ValueError(f"two parameters are labelled {v.label!r}: neurons cannot be told")
        labels.add(v.label)
        weight, row, column, bias, place = match.groups()
        home = (bias, int(place)) if weight is None else (weight, int(row))
        neuron = neurons.setdefault(home, Neuron())
        neuron.bits[v] = 1 << len(neuron.parameters)
        neuron.parameters.append(v)
        if weight is not None:
            neuron.columns[v] = int(column)
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


def is_share(v: Value) -> bool:
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


# --- The picture ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Box:
    """The Values that stand in one place, one for each example, as they were when drawn."""

    name: str
    data: tuple[float, ...]
    grads: tuple[float, ...]

    @classmethod
    def of(cls, name: str, values: Sequence[Value], with_grad: Collection[Value]) -> Box:
        """The Values as they are now; gradients only of those that a backward has reached."""
        grads = [v.grad for v in values if v in with_grad]
        return cls(name, tuple([v.data for v in values]), tuple(grads))

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

    def rows(self) -> list[tuple[str, str]]:
        """Name and data, and below them the gradient in the colours of its sign."""
        ink, behind = sign_colours(self.grads[0] if len(self.data) == 1 and self.grads else 0.0)
        name = f"<b>{escaped(self.name)}</b>  " if self.name else ""
        return [
            (coloured(name + self.shown_data, INK), ""),
            (coloured(self.shown_grad, ink), behind),
        ]

    def width(self) -> int:
        """The points that the longer of its rows takes, about; no more than a page has."""
        name = f"{self.name}  " if self.name else ""
        return min(500, 8 * max(len(name + self.shown_data), len(self.shown_grad)))


class NetPicture(Picture):
    """A net drawn by its layers or its neurons; `example` and `neuron` look closer.

    Where the graph is of several examples, a box stands for a neuron in all of them: it shows
    the mean activation, and the length of the gradients as a vector.

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
        variables: Mapping[Value, str],
        net: Net | None = None,
        chosen: int | None = None,
    ) -> None:
        if level not in LEVELS:
            raise ValueError(f'a picture is collapsed by "neuron" or "layer", not {level!r}')
        self.level, self.variables = level, variables
        self.net, self.chosen = net or Net(order), chosen
        super().__init__(*(by_neuron if level == "neuron" else by_layer)(self))

    @property
    def examples(self) -> int:
        """How many examples the graph is of, 1 where one was chosen; 0 where it cannot be told."""
        return 1 if self.chosen is not None else self.net.examples

    def example(self, k: int) -> NetPicture:
        """The same picture for one example of a batch, with that example's own loss."""
        if not 0 <= k < self.net.examples:
            raise ValueError(
                f"there is no example {k}: {plural(self.net.examples, 'example')} can be told apart"
            )
        return NetPicture(self.net.order, self.level, self.variables, self.net, k)

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
        values = self.net.inside(home, self.chosen or 0)
        check_size(values, max_nodes)
        nodes = snapshot(values, {**self.called(), **self.variables}, reached(self.net.order))
        return Picture(text(nodes), lambda: dot_source(nodes))

    def of(self, values: Sequence[Value]) -> Sequence[Value]:
        """Those of the chosen example, or all."""
        if self.chosen is None or len(values) != self.net.examples:
            return values
        return values[self.chosen : self.chosen + 1]

    def called(self) -> dict[Value, str]:
        """Names for what has no label: x[0] for an input, a1[2] for layer 1's neuron 2."""
        found = {v: f"x[{place}]" for v, place in self.net.inputs.items()}
        for (layer, place), neuron in self.net.neurons.items():
            found.update(dict.fromkeys(neuron.outputs, f"a{layer}[{place}]"))
        return found

    def boxes(self) -> dict[Home | int, Box]:
        """A box for each input and each neuron."""
        places: dict[int, list[Value]] = {}
        for v, place in self.net.inputs.items():
            places.setdefault(place, []).append(v)
        found: dict[Home | int, Box] = {}
        with_grad = reached(self.net.order)
        for place in sorted(places):
            values = self.of(places[place])
            names = {v.label or self.variables.get(v, "") for v in values}
            name = (names.pop() if len(names) == 1 else "") or f"x[{place}]"
            found[place] = Box.of(name, values, with_grad)
        for (layer, place), neuron in self.net.neurons.items():
            found[layer, place] = Box.of(f"a{layer}[{place}]", self.of(neuron.outputs), with_grad)
        return found

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

    def sources_of(self, loss: Sequence[Value]) -> list[Home]:
        """The neurons that the loss is computed from."""
        home = self.net.home
        found = dict.fromkeys([home[p] for v in loss for p in v.parents if p in home])
        return [place for place in found if place in self.net.neurons]

    def loss_nodes(self, loss: Sequence[Value]) -> tuple[list[Node], dict[int, str]]:
        """The loss as Nodes, and which of them are neurons with a box: their ids."""
        around = {*loss, *[p for v in loss for p in v.parents]}
        values = [v for v in self.net.order if v in around]
        ids = {i: box_id(self.net.home[v]) for i, v in enumerate(values) if v in self.net.home}
        return snapshot(values, {**self.called(), **self.variables}, reached(self.net.order)), ids


# --- By neuron --------------------------------------------------------------------------------


def by_neuron(picture: NetPicture) -> Drawn:
    """The text of a net drawn by its neurons, and how to write its DOT."""
    boxes, loss = picture.boxes(), picture.loss()
    links = [
        (source, home, w.label, w.data)
        for source, home, w in picture.net.links()
        if source in boxes
    ]
    if len(links) > MOST_LINKS:
        raise ValueError(
            f"{len(links):,} weights are too many for a picture of at most {MOST_LINKS}: draw the "
            f'layers, draw(..., collapse="layer"), and of them a neuron, .neuron(layer, place)'
        )
    small = 0 < len(loss) <= MOST_LOSS_NODES and len(links) <= MOST_LINKS_BESIDE_A_GRAPH
    whole = picture.examples == 1 and small
    end = Box.of("loss", loss[-1:], reached(picture.net.order))
    ends = [(source, end) for source in picture.sources_of(loss)]
    nodes, ids = picture.loss_nodes(loss) if whole else ([], {})
    title = f"mean activations of {picture.examples:,} examples" if picture.examples > 1 else ""

    def write() -> str:
        dot = new_dot(ranksep="0.9") if whole else new_dot(ranksep="1.5", splines="line")
        dot.attr(label=title, labelloc="t", fontname="Courier", fontsize="12")
        largest = max([abs(weight) for *_, weight in links], default=0.0)
        for column in columns(boxes):
            add_column(dot, {box_id(key): boxes[key] for key in column})
        for source, home, label, weight in links:
            add_link(dot, source, home, f"{label} = {weight!r}", edge_look(weight, largest, 0.3))
        for i, node in enumerate(nodes):
            if i not in ids:
                border = 2 if i == len(nodes) - 1 else 1
                add_value(dot, i, node, value_rows(node), border=border)
                add_op(dot, i, nodes, boxes=ids)
        for source, box in [] if whole else ends:
            dot.node("loss", table(box.rows(), border=2), shape="plain", id="loss")
            add_link(dot, source, "loss", "", {})
        return str(dot.source)

    shown = [*boxes.values(), *[box for _, box in ends[:1]]]
    rows = [(box.name, box.shown_data, box.shown_grad) for box in shown]
    return "\n".join([*filter(None, [title]), in_columns(rows)]), write


def columns(boxes: Mapping[Home | int, Box]) -> Iterable[list[Home | int]]:
    """The inputs, then the neurons of each layer."""
    layers: dict[str | None, list[Home | int]] = {}
    for key in boxes:
        layers.setdefault(None if isinstance(key, int) else key[0], []).append(key)
    return layers.values()


def add_column(dot: Any, boxes: Mapping[str, Box]) -> None:
    """Boxes below each other, in their order, and as wide as each other: no line crosses one."""
    width = max(map(Box.width, boxes.values()))
    with dot.subgraph(graph_attr={"rank": "same"}) as column:
        for name, box in boxes.items():
            fill = PALE if name.startswith("x") else "white"
            about = tooltip(f"{box.name}: {box.shown_data}, {box.shown_grad}")
            content = table(box.rows(), fill=fill, width=width)
            column.node(name, content, shape="plain", id=name, tooltip=about)
        for above, below in pairwise(boxes):
            column.edge(above, below, style="invis")


def add_link(
    dot: Any, source: Home | int | str, target: Home | str, about: str, look: Mapping[str, str]
) -> None:
    """A line between two boxes, from side to side."""
    sides = {"tailport": "e", "headport": "w", "arrowhead": "none"}
    dot.edge(box_id(source), box_id(target), tooltip=tooltip(about), **sides, **look)


def box_id(key: Home | int | str) -> str:
    """The id of a box: x0 for an input, n1_2 for layer 1's neuron 2."""
    if isinstance(key, str):
        return key
    return f"x{key}" if isinstance(key, int) else f"n{in_id(key[0])}_{key[1]}"


def in_id(name: str) -> str:
    """A layer's name as part of an id: of letters and digits alone."""
    return "".join([c if c.isascii() and c.isalnum() else f"-{ord(c):x}" for c in name])


# --- By layer ---------------------------------------------------------------------------------


def by_layer(picture: NetPicture) -> Drawn:
    """The text of a net drawn by its layers, and how to write its DOT."""
    net, loss = picture.net, picture.loss()
    boxes = picture.boxes()
    rows = {
        layer_id(keys[0]): layer_rows(picture, keys, [boxes[key] for key in keys])
        for keys in columns(boxes)
    }
    ends = list(dict.fromkeys([layer_id(source) for source in picture.sources_of(loss)]))
    if loss:
        end = Box.of("loss", loss[-1:], reached(picture.net.order))
        rows["loss"] = ["loss", end.shown_data, end.shown_grad]
    links: dict[tuple[str, str, str], tuple[set[int], set[Home]]] = {}
    for source, home, weight in net.links():
        ends_of_link = layer_id(source), layer_id(home), home[0]
        columns_in, rows_in = links.setdefault(ends_of_link, (set(), set()))
        columns_in.add(net.neurons[home].columns[weight])
        rows_in.add(home)

    def write() -> str:
        dot = new_dot(ranksep="0.5")
        for name, (title, *lines) in rows.items():
            cells = [(f"<b>{escaped(title)}</b>", ""), *[(escaped(line), "") for line in lines]]
            fill, border = PALE if name == "inputs" else "white", 2 if name == "loss" else 1
            box = table(cells, fill=fill, border=border)
            dot.node(name, box, shape="plain", id=name, tooltip=tooltip(", ".join([title, *lines])))
        for (source, target, layer), (columns_in, rows_in) in links.items():
            shape = f"W{layer}: {len(rows_in)} × {len(columns_in)}"
            dot.edge(source, target, label=f" \n {escaped(shape)} ", tooltip=tooltip(shape))
        for source in ends:
            dot.edge(source, "loss")
        return str(dot.source)

    return "\n".join(["  ".join(row) for row in rows.values()]), write


def layer_rows(picture: NetPicture, keys: Sequence[Home | int], boxes: Sequence[Box]) -> list[str]:
    """What a picture tells of the inputs, or of a layer."""
    data = [x for box in boxes for x in box.data]
    size = sum(map(abs, data)) / len(data)
    spread = f"{short(min(data))} to {short(max(data))}, mean size {short(size)}"
    grad = f"grad norm {norm([g for box in boxes for g in box.grads])}"
    examples = plural(picture.examples, "example") if picture.examples > 1 else ""
    if isinstance(keys[0], int):
        return list(filter(None, [plural(len(keys), "input"), examples, spread, grad]))
    layer = keys[0][0]
    neurons = picture.net.members(layer)
    owned = Box.of("", [p for n in neurons for p in n.parameters], reached(picture.net.order))
    about = f"{plural(len(neurons), 'neuron')}, {activation(neurons, picture.net)}"
    return [
        f"layer {layer}".strip(),
        about,
        spread,
        grad,
        f"grad norm of parameters {norm(owned.grads)}",
    ]


def layer_id(key: Home | int) -> str:
    """The id of a layer's box, or of the inputs' box."""
    return "inputs" if isinstance(key, int) else f"layer{in_id(key[0])}"


def activation(neurons: Sequence[Neuron], net: Net) -> str:
    """What the neurons of a layer do to their sums."""
    outputs = [neuron.outputs[0] for neuron in neurons]
    if any(is_share(output) for output in outputs):
        return "softmax"
    if all(output in net.wiring for output in outputs):
        return "linear"
    op = outputs[0].op
    return op.name if op and len(outputs[0].parents) == 1 else "activation"


def norm(grads: Iterable[float]) -> str:
    """The length of the gradients as a vector, or a dash before any backward."""
    grads = list(grads)
    return short(math.hypot(*grads)) if grads else "–"


def plural(n: int, what: str) -> str:
    """1 neuron, 2 neurons."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
