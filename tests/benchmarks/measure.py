"""Measuring time and memory, and printing what was measured."""

import gc
import os
import platform
import statistics
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter

IN_SUMMARY = ("NumPy by hand", "PyTorch nn + SGD", "JAX jit", "HIPS autograd", "micrograd")
OWN = {"NumPy": "numpy", "autograd-core": "autograd-core"}
AGREE = 1e-9  # how far the losses of engines that compute the same thing may be apart


@dataclass(frozen=True)
class Size:
    """How much to measure."""

    examples: int = 100
    hidden: tuple = (16, 16)
    digits: tuple = (32, 1797)
    nodes: int = 100_000
    graphs: tuple = (10_000, 100_000, 1_000_000)
    turns: int = 41
    repetitions: int = 7
    turn: float = 0.01  # seconds for which one engine goes on before the next does
    processes: int = 11
    growths: int = 3
    full: bool = True


FULL = Size()
QUICK = Size(
    examples=4,
    hidden=(3, 3),
    digits=(3,),
    nodes=300,
    graphs=(400,),
    turns=1,
    repetitions=1,
    turn=0.0,
    processes=0,
    growths=1,
    full=False,
)


# --- Time ------------------------------------------------------------------------------------


def timed(function):
    """Seconds that one call takes."""
    start = perf_counter()
    function()
    return perf_counter() - start


@dataclass
class Steps:
    """An engine's training, step by step: `step()` takes one and returns the loss before it."""

    step: object
    parts: float = 1.0  # of the whole, where so few examples are trained that a step takes

    def losses(self, k):
        """The losses of the next k steps."""
        return [float(self.step()) for _ in range(k)]

    def seconds(self, k):
        """Seconds of each of the next k steps."""
        return [timed(self.step) * self.parts for _ in range(k)]


def in_turns(engines, size):
    """Each engine's median of seconds a step, engines taking turns of some steps each.

    What takes a fifth of a second or more has fewer turns.
    """
    seconds = {name: [] for name in engines}
    ignore_what_is_there()
    once = {name: min(engine.seconds(2)) for name, engine in engines.items()}
    for turn in range(size.turns):
        for name, engine in engines.items():
            if once[name] < 0.2 or turn < size.repetitions:
                steps = max(1, min(200, round(size.turn / once[name])))
                seconds[name] += engine.seconds(steps)
    return {name: statistics.median(found) for name, found in seconds.items()}


def check_agreement(losses):
    """Engines that compute the same thing have the same losses, step by step."""
    (reference, expected), *others = losses.items()
    for name, found in others:
        gap = max(abs(a - b) for a, b in zip(expected, found, strict=True))
        if not gap <= AGREE:
            raise ValueError(f"the losses of {reference} and {name} differ by {gap}")


def alternate(tasks, repetitions, *, collect=True):
    """Call `tasks` in turns; each one's median of seconds, the first round not counted.

    With the collector off, garbage is collected between the calls, not counted.
    """
    seconds = {name: [] for name in tasks}
    ignore_what_is_there()
    with collector(on=collect):
        for _ in range(1 + repetitions):
            for name, task in tasks.items():
                seconds[name].append(timed(task))
                if not collect:
                    gc.collect()
    return {name: statistics.median(found[1:] or found) for name, found in seconds.items()}


# --- Memory ----------------------------------------------------------------------------------


@contextmanager
def collector(*, on):
    """The cyclic garbage collector on or off, then as before."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


def ignore_what_is_there():
    """The collector passes over it from now on: modules of peers would slow the others down."""
    gc.collect()
    gc.freeze()


def bytes_a_node(build, nodes):
    """What tracemalloc finds alive of a graph just built, divided by its nodes."""
    gc.collect()
    tracemalloc.start()
    try:
        root = build()
        gc.collect()
        alive, _ = tracemalloc.get_traced_memory()
        del root
    finally:
        tracemalloc.stop()
    return alive / nodes


# --- Tables ----------------------------------------------------------------------------------


@dataclass
class Table:
    """What a workload found: a title, the names of the columns, rows of text, and remarks.

    `seconds` of every engine go into the summary.
    """

    title: str
    columns: list
    rows: list
    remarks: str = ""
    seconds: dict = field(default_factory=dict)

    def __str__(self):
        remarks = ["", self.remarks] if self.remarks else []
        return "\n".join([f"## {self.title}", "", *self.lines(), *remarks])

    def lines(self):
        """The rows, aligned, as Markdown."""
        cells = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [
            "| " + " | ".join(pad(cell, i, widths[i]) for i, cell in enumerate(row)) + " |"
            for row in cells
        ]
        dashes = [("-" * width) + ("-:" if i else "--") for i, width in enumerate(widths)]
        return [lines[0], f"|{'|'.join(dashes)}|", *lines[1:]]


def pad(cell, column, width):
    """Names on the left, numbers on the right."""
    return cell.rjust(width) if column else cell.ljust(width)


def digits(x):
    """A number to three digits, without an exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:#.3g}"


def shown(seconds):
    """A time in the unit that suits it."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{digits(seconds * factor)} {unit}"
    return f"{digits(seconds * 1e6)} µs"


def summary(tables):
    """Ours beside some of the others, a row for each workload: times, and ratios to ours."""
    rows = []
    for table in [table for table in tables if table.seconds]:
        ours = next(iter(table.seconds.values()))
        beside = [table.seconds.get(name) for name in IN_SUMMARY]
        cells = [f"{shown(found)} ({digits(found / ours)}x)" if found else "–" for found in beside]
        rows.append([table.title, shown(ours), *cells])
    return Table("Summary", ["workload", "autograd-core", *IN_SUMMARY], rows)


# --- The machine -----------------------------------------------------------------------------

WITHOUT = []  # packages that are left out, though they are installed


def has(package):
    """Whether a package is there to be measured."""
    return package not in WITHOUT and find_spec(package) is not None


def machine():
    """Date, processor, system, Python and versions, on one line."""
    date = datetime.now(tz=UTC).date().isoformat()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    cores = f"{os.cpu_count()} cores, one thread used"
    versions = [f"{name} {version(package)}" for name, package in OWN.items()]
    return ", ".join([date, processor(), cores, platform.system(), python, *versions])


def processor():
    """The model of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
