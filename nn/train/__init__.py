"""Training: `fit.py` is what users call, `loop.py` the only code that takes a step.

`slopes.py` has the two ways to the gradient of a batch: by its graph, or by compiled programs.
"""

from nn.train.examples import Examples, Model
from nn.train.loop import Loop
from nn.train.slopes import DivergedError

__all__ = ["DivergedError", "Examples", "Loop", "Model"]
