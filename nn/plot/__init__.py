"""Pictures of training: each function returns a Plot, which a notebook shows by itself."""

from nn.plot.boundary import decision_boundary, hidden_space
from nn.plot.figure import Plot
from nn.plot.surface import loss_surface
from nn.plot.sweeps import sweep
from nn.plot.training import gradient_norms, loss
from nn.plot.units import activation_histograms, activations

__all__ = [
    "Plot",
    "activation_histograms",
    "activations",
    "decision_boundary",
    "gradient_norms",
    "hidden_space",
    "loss",
    "loss_surface",
    "sweep",
]
