"""Text to machine code, by LLVM, for the processor that this runs on."""

from __future__ import annotations

import ctypes
from functools import cache, partial
from typing import Any

import llvmlite
import llvmlite.binding as llvm

from autograd_core.compiler.executors.native.cache import kept

LEVEL = 1  # of optimisation: that of the code generator alone, for the text is as it should be


def target_machine() -> Any:
    """LLVM for this processor."""
    initialize()
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=LEVEL)


@cache
def initialize() -> None:
    """Make LLVM ready for this processor."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


def compiled(text: str) -> bytes:
    """The object code of a module, from the cache if it is there."""
    processor = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    versions = llvmlite.__version__, *map(str, llvm.llvm_version_info), str(LEVEL)
    return kept(partial(compiled_now, text), text, *processor, *versions)


def compiled_now(text: str) -> bytes:
    """The same, as LLVM makes it."""
    machine = target_machine()
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    code: bytes = machine.emit_object(module)
    return code


class Machine:
    """Code in memory, with the functions that it exports."""

    def __init__(self, code: bytes) -> None:
        # The engine owns its target machine.
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine())
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def function(self, name: str, *arguments: Any) -> Any:
        """A function, of a whole number, to be called with the interpreter's lock released."""
        return ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(self.address(name))

    def address(self, name: str) -> int:
        """Where a function is."""
        found: int = self.engine.get_function_address(name)
        return found
