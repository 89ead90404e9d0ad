"""Each example's own gradient: the same recording, with parameters that every example has anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_core.compiler.arguments import Parts
from autograd_core.compiler.ir import Floats
from autograd_core.compiler.program import Program
from autograd_core.compiler.replay import ancestors

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import Compiled


class EachExample:
    """A batched program in which the parameters are an argument with a row for each example."""

    def __init__(self, compiled: Compiled) -> None:
        tape, root = compiled.tape, compiled.roots[0]
        leaves: dict[int, Any] = {**tape.parameters, **tape.constants}
        order = [i for i in ancestors(tape, [root]) if tape.ops[i]]

        def again(inputs: Any, parameters: Any) -> Any:
            found = leaves | dict(zip(tape.inputs, inputs)) | dict(zip(compiled.nodes, parameters))
            for i in order:
                found[i] = tape.ops[i].record([found[parent] for parent in tape.parents[i]])
            return found[root]

        self.program = Program(again, batched=True, static=(), executor=compiled.wanted)

    def gradients(self, parts: Parts, parameters: Floats) -> Floats:
        """A row for each example."""
        inputs = np.concatenate(parts, axis=1)
        n = len(inputs)
        rows = np.broadcast_to(parameters, (n, len(parameters)))
        found: Floats = self.program.gradient_wrt_inputs(inputs, rows)[1]
        return n * found
