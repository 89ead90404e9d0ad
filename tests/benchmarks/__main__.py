"""`python -m tests.benchmarks [names...] [--quick] [--slow] [--without packages...]`."""

import argparse
import gc

from tests.benchmarks import (
    beyond,
    eager,
    functions,
    loops,
    measure,
    microgpt,
    native,
    processes,
    recording,
    training,
    writings,
)
from tests.benchmarks.measure import FULL, QUICK, machine, summary
from tests.benchmarks.peers import versions

WORKLOADS = {
    "w1": training.moons_step,
    "w2": training.digits_step,
    "w3": training.one_example,
    "w4": eager.scalar_nodes,
    "w5": processes.whole_process,
    "loops": loops.tables,
    "native": native.tables,
    "eager": eager.training_step,
    "microgpt": microgpt.whole,
    "functions": functions.functions,
    "recording": recording.recording,
    "writings": writings.writings,
    "imports": processes.imports,
    "jax": beyond.on_jax,
    "sweep": beyond.sweeps,
}


def main(arguments=None):
    """Measure what is asked for, everything by default, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument(
        "--slow", action="store_true", help="w5 with micrograd too, which takes minutes"
    )
    parser.add_argument(
        "--without", nargs="*", default=[], metavar="PACKAGE", help="peers to leave out"
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(WORKLOADS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(WORKLOADS)}")
    measure.WITHOUT[:] = options.without
    size = QUICK if options.quick else FULL
    print(f"{machine()}\nbeside {versions()}")
    tables = []
    gc.freeze()
    try:
        for name in options.names or WORKLOADS:
            for table in WORKLOADS[name](size, slow=options.slow):
                print(f"\n{table}", flush=True)
                tables.append(table)
    finally:
        gc.unfreeze()
    if any(table.seconds for table in tables):
        print(f"\n{summary(tables)}")


if __name__ == "__main__":
    main()
