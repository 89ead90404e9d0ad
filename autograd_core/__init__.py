"""Scalars that remember how they were computed, and the derivatives that follow."""

from autograd_core.check import WrongDerivativeError, check_gradient, check_op
from autograd_core.compiler import Program, RecordingError, compile
from autograd_core.engine import (
    Op,
    Value,
    collector_paused,
    gradient,
    topological,
    total,
)
from autograd_core.functions import (
    OPS,
    dot,
    logsumexp,
    maximum,
    mean,
    minimum,
    softmax,
    where,
)
from autograd_core.lookup import index
from autograd_core.neighbours import warn_of_another_nn
from autograd_core.paths.explain import explain
from autograd_core.paths.steps import backward_steps
from autograd_core.pictures import draw
from autograd_core.pictures.animation import animate
from autograd_core.source import to_python
from autograd_core.terminal import spell_signs
from autograd_core.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad

__version__ = "1.0.0"  # of both packages, and of what is published
__all__ = [
    "OPS",
    "Op",
    "Program",
    "RecordingError",
    "Value",
    "WrongDerivativeError",
    "animate",
    "backward_steps",
    "check_gradient",
    "check_op",
    "collector_paused",
    "compile",
    "dot",
    "draw",
    "explain",
    "grad",
    "gradient",
    "hessian",
    "hvp",
    "index",
    "jacobian",
    "jvp",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "softmax",
    "to_python",
    "topological",
    "total",
    "value_and_grad",
    "where",
]

warn_of_another_nn()
spell_signs()
