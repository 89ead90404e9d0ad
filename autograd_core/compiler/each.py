"""Each example's own gradient: the same recording, with parameters that every example has anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_core.compiler.arguments import Parts, examples
from autograd_core.compiler.ir import Floats
from autograd_core.compiler.recorded import Recorded
from autograd_core.compiler.replay import ancestors


def of_parameters(recorded: Recorded) -> Callable[[Any, Any], Any]:
    """What was recorded, as a function of the inputs and the parameters of an example."""
    tape, root, parents = recorded.tape, recorded.roots[0], recorded.tape.parents
    leaves: dict[int, Any] = {**tape.parameters, **tape.constants}
    order = [i for i in ancestors(parents, [root]) if tape.ops[i]]

    def again(inputs: Any, parameters: Any) -> Any:
        found = leaves | dict(zip(tape.inputs, inputs)) | dict(zip(recorded.nodes, parameters))
        for i in order:
            found[i] = tape.ops[i].record([found[parent] for parent in parents[i]])
        return found[root]

    return again


def gradients(again: Any, parts: Parts, parameters: Floats) -> Floats:
    """A row for each example, by the compiled program of that function."""
    n, inputs = examples(parts), np.concatenate(parts, axis=1)
    rows = np.broadcast_to(parameters, (n, len(parameters)))
    found: Floats = again.gradient_wrt_inputs(inputs, rows)[1]
    return n * found
