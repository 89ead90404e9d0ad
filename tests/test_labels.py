"""Labels of parameters are made and read in one module."""

import re

from hypothesis import given
from hypothesis import strategies as st

from nn import MLP
from nn.model import labels
from tools import house

places = st.integers(0, 10**6)
names = st.text(max_size=8)


@given(names, places, places)
def test_a_label_that_is_made_is_read_again(layer, neuron, of_input):
    assert labels.parameter(labels.weight(layer, neuron, of_input)) == (layer, neuron, of_input)
    assert labels.parameter(labels.bias(layer, neuron)) == (layer, neuron, None)
    assert labels.parameter(labels.pre_activation(layer, neuron)) is None
    assert labels.parameter(labels.activation(layer, neuron)) is None


def test_every_parameter_of_a_net_is_read_as_what_it_is():
    model = MLP(3, [2, 1])
    for k, layer in enumerate(model.layers, 1):
        for i, neuron in enumerate(layer.neurons):
            assert labels.parameter(neuron.b.label) == (str(k), i, None)
            for j, w in enumerate(neuron.w):
                assert labels.parameter(w.label) == (str(k), i, j)


def test_no_other_module_of_nn_makes_a_label():
    made = re.compile(r"""f"[Wbza]\{[^"]*\[\{""")
    for name, path in house.modules().items():
        if name.startswith("nn.") and name != "nn.model.labels":
            assert not made.search(path.read_text("utf-8")), name
