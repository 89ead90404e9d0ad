"""What is trained: modules, from neurons and layers to whole nets, and how their weights start."""

from nn.model.dropout import Dropout
from nn.model.embedding import Embedding
from nn.model.layers import ACTIVATIONS, Layer, Neuron
from nn.model.mlp import MLP
from nn.model.module import Module

__all__ = ["ACTIVATIONS", "MLP", "Dropout", "Embedding", "Layer", "Module", "Neuron"]
