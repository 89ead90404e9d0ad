"""`python -m tests.benchmarks [--quick] [w1 w3 w4 imports]`."""

import argparse
import os

from tests.benchmarks.engines import peers
from tests.benchmarks.measure import machine
from tests.benchmarks.workloads import QUICK, WORKLOADS, Size


def main(arguments=None):
    """Measure what is asked for, everything by default, and print a table for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works")
    options = parser.parse_args(arguments)
    if unknown := set(options.workloads) - set(WORKLOADS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known are {', '.join(WORKLOADS)}")
    print(f"{machine()}; beside {peers()}")
    for name in options.workloads or WORKLOADS:
        print(f"\n{WORKLOADS[name](QUICK if options.quick else Size())}", flush=True)


if __name__ == "__main__":
    for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(threads, "1")  # an array library reads it when imported
    main()
