"""The processor's own memory of what went wrong: it sets flags, and they stay until they are cleared.

So overflow, division by zero and what is undefined cost nothing to notice. Processors of another
kind than x86 are not asked: there the numbers that come out must tell.
"""

from __future__ import annotations

from typing import Any

from autograd_core.compiler.executors.native.nests import added_up
from autograd_core.compiler.executors.native.regions import Region
from autograd_core.compiler.executors.native.symbols import INTEGER, POINTER, Symbol

SERIOUS = 0b1101  # invalid, division by zero, overflow; the others are rounding and underflow
CLEAR = ~0b111111  # of the status word: all but the flags


def clear(region: Region) -> None:
    """Forget what has been noticed."""
    if region.module.x86:
        word = status_word(region)
        text = region.let(f"and i32 {region.load(word, 'i32', align=4).text}, {CLEAR}")
        region.do(f"store i32 {text}, {word.typed}")
        region.do(f"call void @{declared(region, 'ldmxcsr')}({word.typed})")


def seen(region: Region) -> Symbol:
    """Whether something serious has been noticed: 0 where not."""
    if not region.module.x86:
        return region.integer(0)
    word = region.load(status_word(region), "i32", align=4)
    return Symbol(region, region.let(f"and {word.typed}, {SERIOUS}"), "i32").converted(
        "zext", INTEGER
    )


def status_word(region: Region) -> Symbol:
    """Where the status word of the processor has been put."""
    word = Symbol(region.root, region.root.let("alloca i32"), POINTER)
    region.do(f"call void @{declared(region, 'stmxcsr')}({word.typed})")
    return word


def declared(region: Region, name: str) -> str:
    """One of the two instructions that reach the status word."""
    return region.module.declare(f"llvm.x86.sse.{name}", "void", [POINTER])


def all_finite(region: Region, first: Symbol, size: int) -> Symbol:
    """Whether all numbers in a row are: 0 times each adds up to 0 then, and else to NaN."""

    def nothing(inner: Region, i: Any, lanes: int) -> Symbol:
        return inner.load(inner.at(first, i), lanes=lanes) * 0.0

    return added_up(region, size, nothing) == 0.0
