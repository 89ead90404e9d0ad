"""WebAssembly: the same module, compiled for a browser, or for whatever else runs such files.

LLVM's object file needs no linker: it lacks only a section that exports its functions. Beside that
a section `program` is put in, JSON, which says where numbers are; `program.mjs` reads it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import llvmlite.binding as llvm
import numpy as np

from autograd_core.compiler.executors.native import written
from autograd_core.compiler.executors.native.machine import Processor, compiled_now
from autograd_core.compiler.executors.native.straight import Straight
from autograd_core.compiler.executors.native.training import Plan, Shape, Training
from autograd_core.compiler.executors.native.writer import Writer
from autograd_core.compiler.gradient import differentiate
from autograd_core.compiler.ir import Array, Leaf, needed

if TYPE_CHECKING:
    from autograd_core.compiler.compiled import Compiled

BROWSER = Processor("wasm32-unknown-unknown", "generic", "+simd128")

CUSTOM, IMPORTS, EXPORTS = 0, 2, 7  # kinds of sections
FUNCTION, TABLE, MEMORY, GLOBAL = range(4)  # and of what is imported


def write(path: str | Path, compiled: Compiled, optimizer: Any = None) -> None:
    """Write a program to a file, with its gradient; with an optimiser, its training too.

    In the file are the numbers of the parameters, too, for those who read it to begin with.
    """
    results = list(compiled.results)
    if compiled.parameters:
        compiled.returned.check_differentiable()
        results.append(differentiate(compiled.emit, results[0], compiled.vector).array)
    order = needed(compiled.emit.order, results)
    module = BROWSER.module()
    module.library = False
    writer = written(order, results, module)
    about = description(writer, order, results, compiled)
    if optimizer is not None:
        slots, (loss, *_, slopes) = len(optimizer.carries), results
        shape = Shape(slopes.size, slots, False, False, False, 0, (loss.batched, False))
        Training(writer.module, shape, optimizer.update, "all")
        about["training"] = {"slots": slots, "plan": Plan._fields}
    exports = [name for name in ("run", "train") if name in writer.module.functions]
    code = linked(object_code(str(writer.module)), list(writer.module.functions), exports)
    Path(path).write_bytes(code + section(CUSTOM, text("program") + json.dumps(about).encode()))


def description(
    writer: Writer | Straight, order: Sequence[Array], results: Sequence[Array], compiled: Compiled
) -> dict[str, Any]:
    """Where numbers are."""
    memory = writer.numbers.copy()
    leaves = [x for x in order if isinstance(x, Leaf) and x.size]
    for x in leaves:
        if x is compiled.others:
            writer.view(x, memory)[...] = compiled.given([], None)["others"][0]
    given = [x for x in leaves if x is not compiled.others]
    place = {x: writer.rows[x] if x.batched else writer.start(x) for x in given}
    views = [None if x.batched else cells_in(writer, x) for x in results]
    return {
        "size": memory.size,
        "numbers": encoded(memory[: writer.shared]),
        "tables": encoded(np.array([*writer.tables, 0], np.int64)),
        "leaves": [[x.name, x.size, x.batched, place[x]] for x in given],
        "results": [[list(x.cells), view] for x, view in zip(results, views)],
        "parameters": encoded(np.array([p.data for p in compiled.parameters], float)),
    }


def cells_in(writer: Writer | Straight, x: Array) -> list[int]:
    """The cells of an array that all examples share."""
    every = np.arange(writer.numbers.size, dtype=float)
    found: list[int] = writer.view(x, every).astype(int).ravel().tolist()
    return found


def encoded(array: Any) -> str:
    """Numbers as text."""
    return base64.b64encode(array.tobytes()).decode()


def object_code(module: str) -> bytes:
    """LLVM's object file."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    return compiled_now(module, BROWSER)


# --- The file's sections ---------------------------------------------------------------------


def linked(code: bytes, functions: Sequence[str], exports: Sequence[str]) -> bytes:
    """An object file with its functions exported, without what is for linkers."""
    parts = [(kind, body) for kind, body in sections(code) if kind != CUSTOM]
    before = sum([body_imports(body) for kind, body in parts if kind == IMPORTS])
    entries = [text(x) + b"\0" + leb(before + functions.index(x)) for x in exports]
    parts.append((EXPORTS, leb(len(entries)) + b"".join(entries)))
    ordered = sorted(parts, key=lambda part: part[0] if part[0] != 12 else 9.5)
    return code[:8] + b"".join([section(kind, body) for kind, body in ordered])


def sections(code: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind and the content of each section."""
    at = 8
    while at < len(code):
        size, start = unleb(code, at + 1)
        yield code[at], code[start : start + size]
        at = start + size


def body_imports(body: bytes) -> int:
    """How many functions are imported."""
    count, at = unleb(body, 0)
    functions = 0
    for _ in range(count):
        for _ in ("module", "name"):
            size, at = unleb(body, at)
            at += size
        kind, at = body[at], at + 1
        functions += kind == FUNCTION
        at += kind in {TABLE, GLOBAL}  # the type of what it holds
        if kind == GLOBAL:
            at += 1  # whether it may change
            continue
        limits = body[at] if kind in {TABLE, MEMORY} else 0
        at += kind in {TABLE, MEMORY}
        for _ in range(1 + limits % 2):
            _, at = unleb(body, at)
    return functions


def section(kind: int, body: bytes) -> bytes:
    """A section with this content."""
    return bytes([kind]) + leb(len(body)) + body


def text(name: str) -> bytes:
    """A name with its length."""
    return leb(len(name)) + name.encode()


def leb(n: int) -> bytes:
    """A whole number, seven bits a byte."""
    low, rest = n & 127, n >> 7
    return bytes([low | 128]) + leb(rest) if rest else bytes([low])


def unleb(code: bytes, at: int) -> tuple[int, int]:
    """The whole number there, and where it ends."""
    n = shift = 0
    while True:
        byte = code[at]
        n |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return n, at
