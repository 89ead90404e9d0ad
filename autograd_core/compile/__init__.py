"""Write scalars, run matrices: find the arrays in a scalar graph and run those.

A function on Values is recorded once, on symbols (`record`); its graph is brought to a canonical
form (`canonical`), grouped, factored into matrix products and laid out (`layout`), differentiated
step by step (`backward`) and run with NumPy (`run`).
"""

from __future__ import annotations

from autograd_core.compile.program import Program, compile
from autograd_core.compile.record import RecordingError

__all__ = ["Program", "RecordingError", "compile"]
