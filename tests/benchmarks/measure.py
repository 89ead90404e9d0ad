"""Measuring time and memory, and printing what was measured."""

import gc
import os
import platform
import statistics
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from time import perf_counter


@dataclass
class Table:
    """What a workload found: a title, the names of the columns, rows of text, and remarks."""

    title: str
    columns: list
    rows: list
    remarks: str = ""

    def __str__(self):
        cells = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells)]
        lines = [
            "| " + " | ".join(pad(cell, i, widths[i]) for i, cell in enumerate(row)) + " |"
            for row in cells
        ]
        dashes = [("-" * width) + ("-:" if i else "--") for i, width in enumerate(widths)]
        lines.insert(1, f"|{'|'.join(dashes)}|")
        remarks = ["", self.remarks] if self.remarks else []
        return "\n".join([f"## {self.title}", "", *lines, *remarks])


def pad(cell, column, width):
    """Names on the left, numbers on the right."""
    return cell.rjust(width) if column else cell.ljust(width)


@contextmanager
def collector(*, on):
    """The cyclic garbage collector on or off, then as before."""
    before = gc.isenabled()
    (gc.enable if on else gc.disable)()
    try:
        yield
    finally:
        (gc.enable if before else gc.disable)()


def timed(function):
    """Seconds that one call takes."""
    start = perf_counter()
    function()
    return perf_counter() - start


def alternate(tasks, repetitions, *, collect=True):
    """Call `tasks` in turns, one uncounted round first; each one's median of seconds.

    With the collector off, garbage is collected between the calls, not counted.
    """
    seconds = {name: [] for name in tasks}
    with collector(on=collect):
        for _ in range(1 + repetitions):
            for name, task in tasks.items():
                seconds[name].append(timed(task))
                if not collect:
                    gc.collect()
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


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


def machine():
    """Date, processor, system, Python and versions, on one line."""
    date = datetime.now(tz=UTC).date().isoformat()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    parts = [
        date,
        processor(),
        f"{os.cpu_count()} cores, one thread used",
        platform.system(),
        python,
    ]
    return ", ".join([*parts, f"autograd-core {version('autograd-core')}"])


def processor():
    """The model of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
