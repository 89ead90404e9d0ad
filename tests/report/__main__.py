"""`python -m tests.report [names...]`: measure what the tests promise, and print the tables."""

import argparse
from functools import partial

from tests.benchmarks.measure import machine
from tests.report import accuracy, doctor, fuzz, layers, leaks, machine_code, mutation, scale

PARTS = {
    "leaks": leaks.tables,  # from here on, each takes longer than the one before
    "accuracy": accuracy.tables,
    "machine_code": machine_code.tables,
    "scale": scale.tables,
    "doctor": doctor.tables,
    "fuzz": fuzz.tables,
    "layers": layers.tables,
    "mutation": mutation.tables,
}


def main(arguments=None):
    """Print the tables of the parts that are named, by default of all."""
    parser = argparse.ArgumentParser(prog="python -m tests.report", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--programs", type=int, default=fuzz.PROGRAMS, help="of fuzz")
    parser.add_argument("--seed", type=int, default=0, help="of fuzz: the first program's")
    parser.add_argument("--executor", help="of fuzz: what runs the programs, if not by the rule")
    options = parser.parse_args(arguments)
    names = options.names
    if unknown := set(names) - set(PARTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(PARTS)}")
    parts = PARTS | {"fuzz": partial(fuzz.tables, options.programs, options.seed, options.executor)}
    print(machine())
    for name in names or parts:
        for table in parts[name]():
            print(f"\n{table}", flush=True)


if __name__ == "__main__":
    main()
