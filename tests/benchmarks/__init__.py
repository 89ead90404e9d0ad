"""How fast the project is, and how much memory it takes, beside others: no assertions on time.

`python -m tests.benchmarks` prints a table for each workload, everything measured in one run.
Ratios carry over from machine to machine; times do not.
"""

import os

# Libraries read these when they are imported: everything here runs in one thread.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)
