"""Text to machine code, by LLVM."""

from __future__ import annotations

import ctypes
from functools import cache, partial
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm

from autograd_core.compiler.executors.native.cache import kept
from autograd_core.compiler.executors.native.regions import Module

LEVEL = 1  # of optimisation: that of the code generator alone, for the text is as it should be
REGISTERS = {"avx512f": 16, "avx": 6}  # for sums, each of eight numbers: feature, and how many


class Processor(NamedTuple):
    """What code is made for: LLVM's names for the kind, the model, and what that can do."""

    triple: str
    model: str
    features: str

    def module(self) -> Module:
        """A new module, which uses what the processor has."""
        able = self.features.split(",")
        return Module(
            fused="+fma" in able or self.triple.startswith("aarch64"),
            accumulators=next((n for name, n in REGISTERS.items() if f"+{name}" in able), 3),
            x86=self.triple.startswith("x86_64"),
        )

    def target(self) -> Any:
        """LLVM's compiler for it."""
        target = llvm.Target.from_triple(self.triple)
        return target.create_target_machine(cpu=self.model, features=self.features, opt=LEVEL)


@cache
def host() -> Processor:
    """The processor that this runs on."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return Processor(llvm.get_default_triple(), llvm.get_host_cpu_name(), features)


def compiled(text: str, processor: Processor) -> bytes:
    """The object code of a module, from the cache if it is there."""
    versions = llvmlite.__version__, *map(str, llvm.llvm_version_info), str(LEVEL)
    return kept(partial(compiled_now, text, processor), text, *processor, *versions)


def compiled_now(text: str, processor: Processor) -> bytes:
    """The same, as LLVM makes it."""
    target = processor.target()
    code: bytes = target.emit_object(parsed(text, target))
    return code


def parsed(text: str, target: Any) -> Any:
    """LLVM's module for a processor."""
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = target.triple, str(target.target_data)
    return module


class Machine:
    """Code in memory, with the functions that it exports."""

    def __init__(self, code: bytes) -> None:
        # The engine owns its target machine.
        self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), host().target())
        self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self.engine.finalize_object()

    def function(self, name: str, *arguments: Any, result: Any = ctypes.c_int64) -> Any:
        """A function, of a whole number by itself, called with the interpreter's lock released."""
        return ctypes.CFUNCTYPE(result, *arguments)(self.address(name))

    def short_function(self, name: str, *arguments: Any, result: Any) -> Any:
        """One that is over before another thread would have come to run."""
        return ctypes.PYFUNCTYPE(result, *arguments)(self.address(name))

    def address(self, name: str) -> int:
        """Where a function is."""
        found: int = self.engine.get_function_address(name)
        return found
