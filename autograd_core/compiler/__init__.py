"""Write scalars, run matrices: find the arrays in a scalar graph, differentiate those, run them.

    record      a function on Values, on symbols       -> a recording (`repeat`: and once more)
    canonical   merge equals, fold constants, and make -> a graph with sums of scaled products
    schedule    what is alike and ready                -> groups of nodes
    factor      each group as a matrix product, if any -> arrays (`ir`, made by `build`)
    gradient    by a table of transposes               -> more arrays
    memory      where each array's cells are           -> homes
    executors   run the arrays                         -> numbers

`program` is what users hold, `variants` finds what serves a call, `compiled` takes a function
through the passes (`recorded`, then arrays), `arguments` and `results` are the numbers' way in and
out, `replay` finds what was wrong, `listing` prints.
"""

from __future__ import annotations

from autograd_core.compiler.program import Program, compile
from autograd_core.compiler.record import RecordingError

__all__ = ["Program", "RecordingError", "compile"]
