"""Random programs, compiled against eager: how many, how far apart at most, how long it takes."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat

from tests.benchmarks.measure import Table, shown
from tests.fuzz import TOLERANCE, Outcome, check, seeded

PROGRAMS = 20_000
AT_ONCE = 50  # programs that a process takes at a time


def tables(programs=PROGRAMS, seed=0, executor=None):
    """One table; below it the seeds of programs that differ."""
    start = time.perf_counter()
    seeds = range(seed, seed + programs)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(tried, seeds, repeat(executor), chunksize=AT_ONCE)
        whole, wrong = summed(zip(seeds, answers, strict=True))
    rows = [
        ["programs", f"{programs:,}"],
        *[[f"compared {size(n)}", f"{k:,}"] for n, k in sorted(whole.compared.items())],
        ["numbers that are not finite, not compared", f"{whole.not_finite:,}"],
        ["at a kink to within rounding, not compared", f"{whole.at_a_kink:,}"],
        ["programs that differ", f"{len(wrong):,}"],
        ["worst error, of the largest number met", f"{whole.worst:.1e}"],
        ["time", shown(time.perf_counter() - start)],
    ]
    about = "\n".join([f"Value and gradients agree to {TOLERANCE:g}.", *wrong])
    yield Table("Compiled against eager", ["", ""], rows, about)


def tried(seed, executor=None):
    """What came of a seed's program; an error, as text."""
    try:
        return check(seeded(seed), executor)
    except Exception as error:  # noqa: BLE001  it is reported, whatever it is
        return f"{type(error).__name__}: {error}"


def summed(answers):
    """All outcomes as one, and a line for each program that differs."""
    whole, wrong = Outcome(), []
    for seed, answer in answers:
        if isinstance(answer, str):
            wrong.append(f"seed {seed}: {answer}")
            continue
        if not answer.agrees:
            wrong.append(f"seed {seed}: apart by {answer.worst:.1e}")
        whole.compared += answer.compared
        whole.not_finite += answer.not_finite
        whole.at_a_kink += answer.at_a_kink
        whole.worst = max(whole.worst, answer.worst)
    return whole, wrong


def size(n):
    """What a number of examples is called; 0 where the program takes no batch."""
    return f"in a batch of {n}" if n else "without a batch"
